"""`reverse_payment`: a payment that never came is taken back by its mirror."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contracts.guarantees.conftest import SEALED
from tests.contracts.guarantees.desk import Claim, Desk, top_up_event
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import LAST_DAY, START, id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused

ID = deal_id(DEAL)


def test_payment_is_taken_back(covered: Desk) -> None:
    before = covered.partnership.balances()
    covered.pay("payment-2", 500)
    receipt = covered.reverse_payment("reversal-1", "payment-2", date=START + 9)
    assert receipt.returned is None
    assert [event.name for event in receipt.events] == ["ActionConfirmed", "DepositReversed"]
    assert receipt.events[1] == Event(
        "DepositReversed",
        deal_id=ID,
        entry_id=id_of("reversal-1"),
        reversed_id=id_of("payment-2"),
        party=1,
        date=START + 9,
        amount_minor=500,
        deposit_minor=70_000,
    )
    assert covered.deposit() == 70_000
    assert covered.partnership.balances() == before
    read = covered.contract.read
    assert read("deposit_entry", ID, id_of("payment-2")) == 500 | START << 56 | 4 << 72
    assert read("deposit_entry", ID, id_of("reversal-1")) == 500 | START + 9 << 56 | 3 << 72


def test_reversal_across_the_warning_line_calls_for_a_top_up(covered: Desk) -> None:
    receipt = covered.reverse_payment("reversal-1", "deposit-1")
    # 5 % of 1 200 001 is 60 000.05.
    assert receipt.events[-1] == top_up_event(60_000, 0, 1_200_001)


def test_reversal_above_the_warning_line_calls_for_nothing(covered: Desk) -> None:
    covered.pay("payment-2", 1)
    covered.reverse_payment("reversal-1", "payment-2")
    # 4.7 % of 1 200 001 is 56 400.047: 56 401 is the least above the line.
    covered.arrange(deposit=56_402)
    covered.pay("payment-3", 1)
    receipt = covered.reverse_payment("reversal-2", "payment-3")
    assert receipt.events[-1].name == "DepositReversed"
    covered.pay("payment-4", 1)
    covered.arrange(deposit=56_401)
    receipt = covered.reverse_payment("reversal-3", "payment-4")
    assert receipt.events[-1] == top_up_event(60_000 - 56_400, 56_400, 1_200_001)


# What is wrong with a reversal, in the order of the checks.
FAULTS: list[Fault] = [
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEPOSIT_MISSING", {"deal": "plain"}),
    ("SENDER_NOT_CUSTODIAN", {"by": "platform"}),
    ("ENTRY_UNKNOWN", {"payment": "unknown"}),
    ("ENTRY_UNKNOWN", {"payment": "release-1"}),
    ("ENTRY_UNKNOWN", {"payment": "reversal-1"}),
    ("ENTRY_UNKNOWN", {"payment": "reversed"}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("ENTRY_EXISTS", {"entry": "reversal-1"}),
    ("DEPOSIT_SHORT", {"payment": "deposit-1"}),
    ("DAY_SEALED", {"date": SEALED}),
]


@pytest.fixture
def busy(portfolio: Desk) -> Desk:
    """Of the deposit of the portfolio, 450.00 were drawn; also a release and a reversal."""
    portfolio.arrange(volume=(0, 900_000))
    portfolio.pay("reversed", 7)
    portfolio.reverse_payment("reversal-1", "reversed")
    portfolio.release("release-1", 8)
    portfolio.pay("payment-2", 9)
    return portfolio


def _reverse(desk: Desk, arguments: dict[str, Any]) -> None:
    found = {"entry": "reversal-2", "payment": "payment-2", **arguments}
    if "by" in found:
        found["by"] = desk.partnership.by_name[found["by"]]
    desk.reverse_payment(**found)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_reversal_with_a_fault_is_refused(
    busy: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    before = busy.partnership.balances()
    with refused(reason):
        _reverse(busy, arguments)
    assert busy.partnership.balances() == before


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    busy: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _reverse(busy, arguments)


def test_reversal_takes_two_keys(covered: Desk) -> None:
    bank = covered.partnership.by_name["bank"]
    arguments = (ID, id_of("reversal-1"), id_of("deposit-1"), START)
    with refused("SENDER_NOT_CHECKER"):
        covered.contract.send(bank.maker, "reverse_payment", *arguments)
    with refused("ACTION_NOT_REQUESTED"):
        covered.contract.send(bank.checker, "reverse_payment", *arguments)
    # The same words requested as a release confirm nothing here.
    covered.partnership.request(
        bank.maker, covered.contract, "release", ID, id_of("reversal-1"),
        int.from_bytes(id_of("deposit-1"), "big"), START,
    )  # fmt: skip
    with refused("ACTION_NOT_REQUESTED"):
        covered.contract.send(bank.checker, "reverse_payment", *arguments)


def test_payment_that_was_drawn_cannot_be_taken_back(covered: Desk) -> None:
    covered.compensate(Claim(entry="c", loan="loan-1"))
    with refused("DEPOSIT_SHORT"):
        covered.reverse_payment("reversal-1", "deposit-1")
