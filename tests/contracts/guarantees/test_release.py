"""`release`: the custodian pays back what the deal no longer needs, never under target."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.guarantees.conftest import SEALED
from tests.contracts.guarantees.desk import Desk, book_deposit
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import LAST_DAY, MAX_AMOUNT, START, Booking, Repayment, id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.model import Book
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.terms import Terms

ID = deal_id(DEAL)
OUTSTANDING = 780_000 + 420_001
TARGET = 60_001
"""5 % of it, 60 000.05, is not met by 60 000."""


def test_release_is_paid_back(covered: Desk, terms: Terms) -> None:
    receipt = covered.release("release-1", 9_000)
    assert receipt.returned is None
    confirmed, released = receipt.events
    assert confirmed.name == "ActionConfirmed"
    assert released == Event(
        "DepositReleased",
        deal_id=ID,
        entry_id=id_of("release-1"),
        party=1,
        date=START,
        amount_minor=9_000,
        deposit_minor=61_000,
    )
    assert covered.deposit() == 61_000
    word = covered.contract.read("deposit_entry", ID, id_of("release-1"))
    assert word == 9_000 | START << 56 | 2 << 72
    book = Book()
    for principal in (780_000, 420_001):
        book.booking(terms, principal)
    book_deposit(book, terms, 70_000)
    book_deposit(book, terms, -9_000)
    assert covered.partnership.balances() == book.balances()


def test_release_down_to_target_and_not_a_fen_further(covered: Desk) -> None:
    with refused("RELEASE_UNDER_TARGET"):
        covered.release("release-1", 70_000 - TARGET + 1)
    receipt = covered.release("release-2", 70_000 - TARGET)
    assert receipt.events[-1]["deposit_minor"] == TARGET
    with refused("RELEASE_UNDER_TARGET"):
        covered.release("release-3", 1)


def test_everything_is_released_once_nothing_is_outstanding(covered: Desk) -> None:
    covered.partnership.repay(
        Repayment(entry="r-1", loan="loan-1", principal=780_000),
        Repayment(entry="r-2", loan="loan-2", principal=420_001),
    )
    covered.release("release-1", 70_000)
    assert covered.deposit() == 0
    assert "DEPOSIT_PLACED" not in covered.partnership.balances()["platform"]
    with refused("DEPOSIT_SHORT"):
        covered.release("release-2", 1)


def test_target_is_that_of_the_newest_terms_in_force(covered: Desk, amended: Terms) -> None:
    covered.release("release-1", 9_000)
    covered.pay("payment-2", 35_009)
    covered.partnership.propose(amended)
    covered.release("release-2", 1)
    covered.partnership.agree(amended)
    # 8 % of 1 200 001 is 96 000.08.
    assert covered.deposit() == 96_008
    with refused("RELEASE_UNDER_TARGET"):
        covered.release("release-3", 8)
    covered.release("release-4", 7)


# What is wrong with a release, in the order of the checks.
FAULTS: list[Fault] = [
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEPOSIT_MISSING", {"deal": "plain"}),
    ("SENDER_NOT_CUSTODIAN", {"by": "platform"}),
    ("AMOUNT_INVALID", {"amount": 0}),
    ("AMOUNT_INVALID", {"amount": MAX_AMOUNT + 1}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("ENTRY_EXISTS", {"entry": "deposit-1"}),
    ("DEPOSIT_SHORT", {"amount": 55_001}),
    ("RELEASE_UNDER_TARGET", {"amount": 55_000}),
    ("DAY_SEALED", {"date": SEALED}),
]


def _release(desk: Desk, arguments: dict[str, Any]) -> None:
    found = {"entry": "release-1", "amount": 5, **arguments}
    if "by" in found:
        found["by"] = desk.partnership.by_name[found["by"]]
    desk.release(**found)


@pytest.fixture
def ample(portfolio: Desk) -> Desk:
    """The portfolio with nothing outstanding, so that only the amount decides about the target."""
    portfolio.arrange(volume=(100_000, 900_000))
    return portfolio


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_release_with_a_fault_is_refused(
    ample: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    before = ample.partnership.balances()
    with refused(reason):
        _release(ample, arguments)
    assert ample.partnership.balances() == before
    assert ample.deposit() == 55_000


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    ample: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _release(ample, arguments)


def test_release_takes_two_keys(covered: Desk) -> None:
    bank = covered.partnership.by_name["bank"]
    arguments = (ID, id_of("release-1"), START, 5)
    with refused("SENDER_NOT_CHECKER"):
        covered.contract.send(bank.maker, "release", *arguments)
    with refused("ACTION_NOT_REQUESTED"):
        covered.contract.send(bank.checker, "release", *arguments)
    covered.partnership.request(bank.maker, covered.contract, "release", *arguments)
    with refused("ACTION_NOT_REQUESTED"):
        covered.contract.send(bank.checker, "release", *arguments[:-1], 6)
    covered.contract.send(bank.checker, "release", *arguments)
    with refused("ACTION_NOT_REQUESTED"):
        covered.contract.send(bank.checker, "release", *arguments)


def test_outsider_releases_nothing(covered: Desk) -> None:
    with refused("SENDER_NOT_CHECKER"):
        covered.contract.send(Key("outsider"), "release", ID, id_of("release-1"), START, 5)


def test_release_never_needs_a_top_up(covered: Desk) -> None:
    covered.partnership.book(Booking(loan="loan-3", principal=300_000))
    with refused("RELEASE_UNDER_TARGET"):
        covered.release("release-1", 1)
