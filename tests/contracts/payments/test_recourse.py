"""`recourse`: 追索, a discounted piece past due goes back to who had it financed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.financing.desk import DUE, LATE, Desk, after
from tests.contracts.financing.steps import NO_MAKER, STEPS, Scene, by, crowd
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import id_of, parts
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import deal_id, refused
from tests.contracts.sandbox.supply import FACE, Number, SupplyChain
from tests.contracts.sandbox.terms import Receivable
from tests.contracts.sandbox.voucher_book import paid_to_holder, returned
from tests.contracts.sandbox.vouchers import ISSUE, PieceState

WITH = Receivable(recourse=True)


@pytest.fixture
def other(desk: Desk) -> Desk:
    """A deal with recourse; tier-1 had its `v` discounted."""
    other = desk.under(receivable=WITH)
    other.discounted()
    return other


def test_who_had_it_financed_buys_it_back(other: Desk) -> None:
    before, voucher, balances = other.piece(), other.stored(), other.balances()
    receipt = other.recourse()
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=deal_id("other"), version=1, submitter=Number.CUSTODIAN),
        Event(
            "PieceReturned",
            entry_id=id_of("recourse of v"),
            piece_id=id_of("v"),
            date=LATE,
            amount_minor=FACE,
            parts=parts(60_000_000, 40_000_000),
        ),
    ]
    assert other.piece() == replace(
        before, state=PieceState.HELD, version=0, sequence=before.sequence + 1, date=LATE
    )
    assert other.stored() == voucher
    assert other.balances() == after(balances, returned(other.terms, "tier-1", FACE))
    assert other.total(LATE, DayKind.TRANSFER) == (1, FACE)
    assert other.exposure() == [0, 0]
    assert other.held_by_funders() == 0


def test_what_was_paid_in_part_is_returned_for_the_rest(other: Desk) -> None:
    other.paid(33_333_333)
    balances = other.balances()
    other.recourse()
    left = FACE - 33_333_333
    assert other.balances() == after(balances, returned(other.terms, "tier-1", left))
    balances = other.balances()
    other.paid(left, date=LATE)
    assert other.balances() == after(balances, paid_to_holder("core", "tier-1", left))


def test_a_later_holder_that_had_it_financed_gets_it_back(desk: Desk) -> None:
    other = desk.under(receivable=WITH)
    other.transfer("v", Number.TIER_2)
    other.discounted()
    other.recourse()
    assert other.piece().holder == Number.TIER_2


def test_the_terms_of_the_financing_decide(desk: Desk) -> None:
    other = desk.under(receivable=WITH)
    other.split("v", "w", 40)
    other.discounted("v")
    assert other.amended(receivable=Receivable(), effective_date=ISSUE + 1) == 2
    other.offer("w", ISSUE + 1)
    other.discount("w", ISSUE + 1, version=2)
    for version in (1, 2):
        with refused("RECOURSE_MISSING"):
            other.recourse("w", version=version)
    other.recourse("v", version=2)


def test_without_recourse_the_funders_keep_it(desk: Desk) -> None:
    desk.discounted()
    with refused("RECOURSE_MISSING"):
        desk.recourse()


def test_of_a_sealed_day_only_what_is_late(other: Desk) -> None:
    for party in ("bank", "other-bank", "platform"):
        other.supply.partnership.seal(party, LATE, deal="other")
    with refused("DAY_SEALED"):
        other.recourse()
    other.recourse(late=True)
    assert other.total(LATE + 1, DayKind.TRANSFER) == (1, FACE)


FAULTS: list[Fault] = [
    *NO_MAKER,
    *by("SENDER_NOT_COLLECTOR", "core", "tier-1", "platform", "bank"),
    *STEPS,
    ("PIECE_NOT_DISCOUNTED", {"piece": "second"}),
    ("PIECE_NOT_DISCOUNTED", {"piece": "pledged"}),
    ("VOUCHER_NOT_PAST_DUE", {"date": DUE}),
    ("RECOURSE_MISSING", {"piece": "v"}),
]


@pytest.fixture(scope="module")
def _crowded(_confirmed: tuple[SupplyChain, bytes, bytes]) -> Scene:
    def build(desk: Desk) -> None:
        crowd(desk)
        desk.split("second", "pledged", 50)
        desk.pledged("pledged", "l", 5)
        desk.discounted()

    return Scene(_confirmed, build)


@pytest.fixture
def crowded(_crowded: Scene) -> Desk:
    """What is wrong is there to be named."""
    return _crowded.desk()


@pytest.mark.parametrize(("reason", "arguments"), [*alone(FAULTS), *with_all_later(FAULTS)])
def test_recourse_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.recourse(**arguments)
