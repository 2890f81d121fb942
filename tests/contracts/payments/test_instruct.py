"""`instruct`: 付款指令, the core enterprise says that it pays. Nothing is posted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.financing.desk import DUE, Desk
from tests.contracts.financing.steps import NO_MAKER, Scene, by, crowd
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import LAST_DAY, id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import FACE, ISSUED, Number, SupplyChain
from tests.contracts.sandbox.vouchers import Instruction

ID = deal_id(DEAL)


def test_what_is_instructed_adds_up(desk: Desk) -> None:
    before, balances = desk.stored(), desk.balances()
    receipt = desk.instruct(amount=30, reference="order 1")
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.CORE),
        Event(
            "PaymentInstructed",
            voucher_id=id_of("v"),
            reference_id=id_of("order 1"),
            date=DUE,
            amount_minor=30,
        ),
    ]
    assert desk.stored() == replace(before, instructed=30)
    desk.instruct(amount=12)
    assert desk.stored() == replace(before, instructed=42)
    assert desk.balances() == balances
    assert desk.piece().sequence == 0


def test_never_more_than_is_outstanding(desk: Desk) -> None:
    """R5"""
    with refused("PAYMENT_ABOVE_OUTSTANDING"):
        desk.instruct(amount=FACE + 1)
    desk.instruct(amount=FACE - 5)
    with refused("PAYMENT_ABOVE_OUTSTANDING"):
        desk.instruct(amount=6)
    desk.settle(desk.payment("v", FACE - 5))
    with refused("PAYMENT_ABOVE_OUTSTANDING"):
        desk.instruct(amount=6)
    desk.instruct(amount=5)
    assert (desk.stored().outstanding, desk.stored().instructed) == (5, 5)


def test_a_disputed_voucher_is_paid_all_the_same(desk: Desk) -> None:
    desk.supply.dispute("v", by="tier-1")
    desk.paid()
    assert desk.stored().outstanding == 0


@pytest.mark.parametrize("date", [0, LAST_DAY])
def test_the_first_and_the_last_day(desk: Desk, date: int) -> None:
    assert desk.instruct(date=date).events[1]["date"] == date


def test_one_row_that_is_refused_takes_its_batch_with_it(desk: Desk) -> None:
    first = Instruction(voucher="v", date=DUE, amount=1)
    with refused("PAYMENT_ABOVE_OUTSTANDING"):
        desk.instruct("v", FACE, DUE, first)
    assert desk.stored().instructed == 0
    desk.instruct("v", FACE - 1, DUE, first)


FAULTS: list[Fault] = [
    *NO_MAKER,
    ("VOUCHER_UNKNOWN", {"voucher": "unknown"}),
    *by("SENDER_NOT_CORE", "other-core", "tier-1", "platform", "bank", "custodian"),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("AMOUNT_INVALID", {"amount": 0}),
    ("AMOUNT_INVALID", {"amount": 2**56}),
    ("AMOUNT_INVALID", {"amount": 2**256 - 1}),
    ("VOUCHER_NOT_CONFIRMED", {"voucher": "issued"}),
    ("VOUCHER_NOT_CONFIRMED", {"voucher": "cancelled"}),
    ("PAYMENT_ABOVE_OUTSTANDING", {"amount": FACE + 1}),
]


def _crowd(desk: Desk) -> None:
    crowd(desk)
    desk.voucher("cancelled", confirmed=False)
    desk.supply.cancel(replace(ISSUED, voucher="cancelled"))


@pytest.fixture(scope="module")
def _crowded(_confirmed: tuple[SupplyChain, bytes, bytes]) -> Scene:
    return Scene(_confirmed, _crowd)


@pytest.fixture
def crowded(_crowded: Scene) -> Desk:
    """What is wrong is there to be named."""
    return _crowded.desk()


@pytest.mark.parametrize(("reason", "arguments"), [*alone(FAULTS), *with_all_later(FAULTS)])
def test_instruction_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.instruct(**arguments)
