"""`reverse_payment`: 冲正 of a payment that never came, the piece's latest step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.financing.desk import DUE, Desk
from tests.contracts.financing.steps import NO_MAKER, Scene, by, crowd
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import id_of, parts
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import FACE, Number, SupplyChain
from tests.contracts.sandbox.vouchers import ISSUE

ID = deal_id(DEAL)
THREE = (("bank", 333_333), ("other-bank", 333_334), ("guarantor", 333_333))


@pytest.mark.parametrize("paid", [1, 40, FACE - 1, FACE])
@pytest.mark.parametrize("discounted", [False, True])
def test_the_exact_mirror(desk: Desk, paid: int, discounted: bool) -> None:
    desk = desk.under(funding=THREE, others=("platform", "custodian"))
    if discounted:
        desk.discounted()
    desk.instruct()
    banks = ("bank", "other-bank", "guarantor")
    before, voucher, balances = desk.piece(), desk.stored(), desk.balances()
    exposure, held = desk.exposure(*banks), desk.held_by_funders()
    legs = desk.settle(desk.payment("v", paid)).events[1]["parts"]
    receipt = desk.reverse_payment("v", paid)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=deal_id("other"), version=1, submitter=Number.CUSTODIAN),
        Event(
            "PiecePaymentReversed",
            entry_id=id_of("reversal"),
            piece_id=id_of("v"),
            reversed_id=id_of("payment of v"),
            date=DUE + 2,
            reversed_date=DUE,
            amount_minor=paid,
            parts=legs,
        ),
    ]
    assert any(legs) == discounted
    assert desk.piece() == replace(before, sequence=before.sequence + 2, date=DUE + 2)
    assert desk.stored() == voucher, "what was instructed is to be paid again"
    assert desk.balances() == balances
    assert (desk.exposure(*banks), desk.held_by_funders()) == (exposure, held)
    assert desk.total(DUE + 2, DayKind.REVERSAL) == (1, paid)
    assert desk.total(DUE, DayKind.VOUCHER_PAYMENT) == (1, paid)


def test_a_payment_on_a_pledged_piece_gives_its_repayment_back(desk: Desk) -> None:
    booked = desk.pledged()
    desk.instruct()
    repaid = desk.repay(principal=80_000_000)
    row = desk.payment("v", FACE, standing=(booked, repaid))
    desk.settle(row)
    assert desk.exposure() == [0, 0]
    desk.reverse_payment("v", FACE)
    assert desk.exposure() == [48_000_000, 32_000_000]
    desk.settle(desk.payment("v", FACE, DUE + 2, entry="alone"))
    desk.reverse_payment("v", FACE, DUE + 3, reversed="alone", reversed_date=DUE + 2)
    with refused("STEP_BEFORE_LAST"):
        desk.settle(replace(row, sequence=6))


def test_a_repayment_given_back_comes_with_the_next_payment(desk: Desk) -> None:
    booked = desk.pledged()
    desk.instruct()
    repaid = desk.repay(principal=100)
    row = desk.payment("v", 100, standing=(booked, repaid))
    desk.settle(row)
    desk.reverse_payment("v", 100, DUE)
    desk.settle(replace(row, entry="again", sequence=row.sequence + 2))
    with refused("LOAN_DIFFERS"):
        desk.settle(replace(row, entry="third", sequence=row.sequence + 3))


def test_a_payment_of_nothing_gives_no_other_repayment_back(desk: Desk) -> None:
    desk.split("v", "w", FACE - 40)
    booked = desk.pledged("v", "l", 30)
    desk.instruct()
    repaid = desk.repay(principal=2, entry="r")
    first = desk.payment("v", 2, standing=(booked, repaid))
    desk.settle(first, desk.payment("w", 4_999_998))
    desk.settle(desk.payment("v", 0, entry="nothing"), desk.payment("w", 1, entry="one"))
    desk.reverse_payment("v", 0, DUE, reversed="nothing")
    desk.reverse_payment("w", 1, DUE, reversed="one", entry="second reversal")
    again = replace(first, entry="again", sequence=desk.piece("v").sequence)
    with refused("LOAN_DIFFERS"):
        desk.settle(again, desk.payment("w", 4_999_998, entry="more"))


def test_what_happened_since_hides_a_payment(desk: Desk) -> None:
    desk.paid(40, date=ISSUE)
    named: dict[str, Any] = {"reversed_date": ISSUE, "date": ISSUE}
    with desk.supply.partnership.unchanged():
        desk.reverse_payment("v", 40, **named)
    desk.offer()
    with refused("PAYMENT_NOT_LATEST"):
        desk.reverse_payment("v", 40, **named)
    desk.withdraw()
    with refused("PAYMENT_NOT_LATEST"):
        desk.reverse_payment("v", 40, **named)


def test_a_payment_is_reversed_once(desk: Desk) -> None:
    desk.paid(40)
    desk.reverse_payment("v", 40)
    for sequence in (1, 2):
        with refused("ENTRY_OUT_OF_SEQUENCE" if sequence == 1 else "PAYMENT_NOT_LATEST"):
            desk.reverse_payment("v", 40, entry="again", sequence=sequence)


def test_of_two_payments_the_latest_is_reversed(desk: Desk) -> None:
    desk.instruct()
    desk.settle(desk.payment("v", 30, entry="first"))
    desk.settle(desk.payment("v", 12, entry="second"))
    with refused("PAYMENT_NOT_LATEST"):
        desk.reverse_payment("v", 30, reversed="first")
    desk.reverse_payment("v", 12, reversed="second")
    with refused("PAYMENT_NOT_LATEST"):
        desk.reverse_payment("v", 30, reversed="first", entry="more")
    assert desk.stored().outstanding == FACE - 30


def test_pieces_of_one_payment_are_reversed_one_by_one(desk: Desk) -> None:
    """R1: what one piece gives back is outstanding again; the next payment divides what there is."""
    desk.split("v", "w", 50_000_000)
    desk.paid(10, "v", "w")
    desk.reverse_payment("w", 5)
    assert desk.stored().outstanding == FACE - 5
    assert desk.stored().instructed == 5
    assert (desk.piece("v").amount, desk.piece("w").amount) == (49_999_995, 50_000_000)


def test_a_sealed_day_takes_no_reversal(desk: Desk) -> None:
    desk.paid(40)
    for party in ("bank", "other-bank", "platform"):
        desk.supply.partnership.seal(party, DUE)
    with refused("DAY_SEALED"):
        desk.reverse_payment("v", 40, DUE)
    desk.reverse_payment("v", 40, DUE + 1)


def test_the_funders_parts_of_the_mirror_are_those_of_the_payment(desk: Desk) -> None:
    desk.discounted()
    desk.paid(5)
    event = desk.reverse_payment("v", 5).events[1]
    assert event["parts"] == parts(3, 2)


FAULTS: list[Fault] = [
    *NO_MAKER,
    *by("SENDER_NOT_COLLECTOR", "core", "tier-1", "platform", "bank"),
    ("PIECE_UNKNOWN", {"piece": "unknown"}),
    ("PIECE_OF_OTHER_VOUCHER", {"voucher": "issued"}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 0}),
    ("STEP_BEFORE_LAST", {"date": ISSUE - 1}),
    ("PAYMENT_NOT_LATEST", {"piece": "second"}),
    ("PAYMENT_NOT_LATEST", {"piece": "untouched"}),
    ("PAYMENT_NOT_LATEST", {"amount": 41}),
    ("PAYMENT_NOT_LATEST", {"reversed": "another"}),
    ("PAYMENT_NOT_LATEST", {"reversed_date": DUE + 1}),
    ("PAYMENT_NOT_LATEST", {"reversed_date": DUE | 1 << 16}),
]


@pytest.fixture(scope="module")
def _crowded(_confirmed: tuple[SupplyChain, bytes, bytes]) -> Scene:
    def build(desk: Desk) -> None:
        crowd(desk)
        desk.voucher("untouched")
        desk.paid(40)

    return Scene(_confirmed, build)


@pytest.fixture
def crowded(_crowded: Scene) -> Desk:
    """40 were paid on `v`."""
    return _crowded.desk()


@pytest.mark.parametrize(("reason", "arguments"), [*alone(FAULTS), *with_all_later(FAULTS)])
def test_reversal_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    says: dict[str, Any] = {"piece": "v", "amount": 40} | arguments
    with refused(reason):
        crowded.reverse_payment(**says)
