"""`pay`: the depositor's money reaches the custodian, 保证金缴存."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.guarantees.conftest import SEALED
from tests.contracts.guarantees.desk import Desk, book_deposit
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import LAST_DAY, MAX_AMOUNT, START, id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.model import Book
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.terms import Terms

ID = deal_id(DEAL)


def test_payment_is_placed_and_held(guaranteed: Desk, terms: Terms) -> None:
    receipt = guaranteed.pay("payment-1", 70_000)
    assert receipt.returned is None
    assert receipt.events == [
        Event(
            "DepositPaid",
            deal_id=ID,
            entry_id=id_of("payment-1"),
            party=2,
            date=START,
            amount_minor=70_000,
            deposit_minor=70_000,
        )
    ]
    assert guaranteed.deposit() == 70_000
    word = guaranteed.contract.read("deposit_entry", ID, id_of("payment-1"))
    assert word == 70_000 | START << 56 | 1 << 72
    book = Book()
    book_deposit(book, terms, 70_000)
    assert guaranteed.partnership.balances() == book.balances()
    assert book.balances()["bank"] == {"CASH": 70_000, "DEPOSIT_HELD": -70_000}


def test_payments_add_up(guaranteed: Desk) -> None:
    guaranteed.pay("payment-1", 70_000)
    receipt = guaranteed.pay("payment-2", 1)
    assert receipt.events[0]["deposit_minor"] == 70_001
    assert guaranteed.deposit() == 70_001


def test_deals_are_apart(portfolio: Desk, terms: Terms) -> None:
    portfolio.partnership.agree(terms, deal="other")
    portfolio.pay("deposit-1", 5, deal="other")
    assert (portfolio.deposit(), portfolio.deposit(deal="other")) == (55_000, 5)


def test_deposit_of_an_amended_deal_goes_on(portfolio: Desk) -> None:
    before = portfolio.deposit()
    portfolio.pay("payment-2", 1_000)
    assert portfolio.deposit() == before + 1_000


@pytest.mark.parametrize("amount", [1, MAX_AMOUNT])
@pytest.mark.parametrize("date", [1, LAST_DAY])
def test_smallest_and_largest_payment_on_the_first_and_last_day(
    guaranteed: Desk, amount: int, date: int
) -> None:
    guaranteed.pay("payment-1", amount, date=date)
    assert guaranteed.deposit() == amount


def test_deposit_is_paid_in_a_suspended_deal_too(guaranteed: Desk) -> None:
    partnership = guaranteed.partnership
    partnership.confirmed(partnership.by_name["bank"], partnership.deals, "suspend", ID)
    guaranteed.pay("payment-1", 5)
    assert guaranteed.deposit() == 5


# What is wrong with a payment, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("platform checker")}),
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEPOSIT_MISSING", {"deal": "plain"}),
    ("SENDER_NOT_DEPOSITOR", {"by": Key("bank maker")}),
    ("AMOUNT_INVALID", {"amount": 0}),
    ("AMOUNT_INVALID", {"amount": MAX_AMOUNT + 1}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("ENTRY_EXISTS", {"entry": "deposit-1"}),
    ("DAY_SEALED", {"date": SEALED}),
]


def _pay(desk: Desk, arguments: dict[str, Any]) -> None:
    desk.pay(**{"entry": "payment-2", "amount": 5, **arguments})


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_payment_with_a_fault_is_refused(
    portfolio: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    before = portfolio.partnership.balances()
    with refused(reason):
        _pay(portfolio, arguments)
    assert portfolio.partnership.balances() == before


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    portfolio: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _pay(portfolio, arguments)


def test_deal_that_is_only_proposed_takes_no_deposit(guaranteed: Desk, terms: Terms) -> None:
    guaranteed.partnership.propose(terms, deal="proposed")
    with refused("DEAL_NOT_ACTIVE"):
        guaranteed.pay("payment-1", 5, deal="proposed")


def test_same_payment_again_is_refused_even_with_other_content(guaranteed: Desk) -> None:
    guaranteed.pay("payment-1", 5)
    for amount in (5, 6):
        with refused("ENTRY_EXISTS"):
            guaranteed.pay("payment-1", amount)
    assert guaranteed.deposit() == 5
