"""`pledge` and `release`: 质押 of a piece for a loan of the deal, until the loan is repaid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.financing.desk import DUE, Desk
from tests.contracts.financing.steps import NO_MAKER, STEPS, Scene, by, crowd
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import OverdueMark, WriteOff, id_of, reversal_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import FACE, Number, SupplyChain
from tests.contracts.sandbox.terms import Receivable
from tests.contracts.sandbox.vouchers import ISSUE, PieceState

ID = deal_id(DEAL)


def test_a_piece_secures_the_loan_it_was_offered_for(desk: Desk) -> None:
    desk.offer_pledge()
    desk.book(principal=80_000_001)
    before, balances = desk.piece(), desk.balances()
    receipt = desk.pledge()
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.PLATFORM),
        Event(
            "PiecePledged",
            piece_id=id_of("v"),
            loan_id=id_of("l"),
            date=ISSUE,
            principal_minor=80_000_001,
        ),
    ]
    assert desk.piece() == replace(before, state=PieceState.PLEDGED, version=1, sequence=2)
    assert desk.balances() == balances, "the loan posted what there is to post"
    assert desk.exposure() == [48_000_001, 32_000_000]
    assert desk.held_by_funders() == 0


def test_a_piece_is_released_once_its_loan_is_repaid(desk: Desk) -> None:
    desk.pledged()
    before, balances = desk.piece(), desk.balances()
    with refused("LOAN_OPEN"):
        desk.release()
    desk.repay(principal=80_000_000)
    balances = desk.balances()
    receipt = desk.release(date=DUE)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.PLATFORM),
        Event("PieceReleased", piece_id=id_of("v"), loan_id=id_of("l"), date=DUE),
    ]
    assert desk.piece() == replace(
        before, state=PieceState.HELD, version=0, sequence=before.sequence + 1, date=DUE
    )
    assert desk.balances() == balances
    assert desk.exposure() == [0, 0]
    financing = desk.supply.partnership.financing
    assert financing.read("loan_of", ID, id_of("v")) == bytes(32)
    assert financing.read("piece_of", ID, id_of("l")) == bytes(32)


def test_a_released_piece_is_financed_again(desk: Desk) -> None:
    desk.pledged()
    desk.repay(date=ISSUE, principal=80_000_000)
    desk.release(date=ISSUE)
    desk.discounted()
    assert desk.exposure() == [60_000_000, 40_000_000]


def test_a_loan_that_was_never_lent_secures_nothing(desk: Desk) -> None:
    booked = desk.pledged()
    desk.supply.partnership.reverse(reversal_of(booked))
    desk.release()
    assert desk.piece().state == PieceState.HELD


def test_of_a_lost_loan_others_still_have_something_to_get(desk: Desk) -> None:
    desk.pledged()
    desk.supply.partnership.write_off(WriteOff(entry="w", loan="l"))
    assert desk.loan().outstanding == 0
    with refused("LOAN_OPEN"):
        desk.release(date=DUE)


@pytest.mark.parametrize(
    ("advance", "principal", "accepted"),
    [
        (1_000_000, FACE, True),
        (1_000_000, FACE + 1, False),
        (850_000, 85_000_000, True),
        (850_000, 85_000_001, False),
        (333_333, 33_333_300, True),
        (333_333, 33_333_301, False),
    ],
)
def test_no_more_than_the_advance_of_the_terms_is_lent(
    desk: Desk, advance: int, principal: int, accepted: bool
) -> None:
    other = desk.under(receivable=Receivable(advance=advance))
    other.offer_pledge()
    other.book(principal=principal)
    if accepted:
        other.pledge()
    else:
        with refused("ADVANCE_OVER_LIMIT"):
            other.pledge()


def test_a_loan_is_fresh_until_anything_happens_to_it(desk: Desk) -> None:
    partnership = desk.supply.partnership
    for ref in ("repaid", "marked", "reversed", "fresh"):
        desk.split("v", ref, 1_000)
        desk.offer_pledge(ref, ref)
        booked = desk.book(ref, 500)
    desk.repay("repaid", ISSUE, principal=1)
    partnership.mark_overdue(OverdueMark(entry="o", loan="marked", since=ISSUE))
    partnership.reverse(reversal_of(replace(booked, loan="reversed")))
    for ref in ("repaid", "marked", "reversed"):
        with refused("LOAN_NOT_FRESH"):
            desk.pledge(ref, ref)
    desk.pledge("fresh", "fresh")


def test_a_loan_of_other_terms_is_not_taken(desk: Desk) -> None:
    other = desk.under()
    other.offer_pledge()
    assert other.amended(effective_date=ISSUE + 10) == 2
    other.book()
    with refused("LOAN_OTHER_VERSION"):
        other.pledge(version=2)
    other.pledge(version=1)


def test_a_dispute_after_the_offer_holds_it_up(desk: Desk) -> None:
    desk.offer_pledge()
    desk.book()
    desk.supply.dispute("v", by="tier-1")
    with refused("VOUCHER_DISPUTED"):
        desk.pledge()


def test_a_pledged_piece_stands_still(desk: Desk) -> None:
    """R3"""
    desk.pledged()
    for act in (
        desk.offer,
        lambda: desk.offer_pledge(loan="other"),
        lambda: desk.split("v", "w", 1),
        lambda: desk.transfer("v", Number.TIER_2),
    ):
        with refused("PIECE_NOT_HELD"):
            act()


FAULTS: list[Fault] = [
    *NO_MAKER,
    *by("SENDER_NOT_SERVICER", "tier-1", "core", "bank", "custodian"),
    *STEPS,
    ("PIECE_NOT_OFFERED", {"piece": "second"}),
    ("LOAN_NOT_OFFERED", {"piece": "at a rate", "loan": ""}),
    ("LOAN_NOT_OFFERED", {"loan": ""}),
    ("LOAN_NOT_OFFERED", {"loan": "another"}),
    ("VOUCHER_PAST_DUE", {"date": DUE}),
    ("LOAN_NOT_FRESH", {"date": ISSUE + 1}),
]
RELEASE_FAULTS: list[Fault] = [
    *NO_MAKER,
    *by("SENDER_NOT_SERVICER", "tier-1", "core", "bank", "custodian"),
    *STEPS,
    ("PIECE_NOT_PLEDGED", {"piece": "second"}),
    ("PIECE_NOT_PLEDGED", {"piece": "at a rate"}),
    ("PIECE_NOT_PLEDGED", {"piece": "v"}),
    ("LOAN_OPEN", {"piece": "pledged"}),
]


def _crowd(desk: Desk) -> None:
    """`v` is offered for the loan `l`, which is booked; other pieces are offered and pledged."""
    crowd(desk)
    desk.split("second", "at a rate", 50)
    desk.split("second", "pledged", 50)
    desk.split("second", "unbooked", 50)
    desk.offer_pledge()
    desk.book()
    desk.book("another")
    desk.offer("at a rate")
    desk.pledged("pledged", "of pledged", 5)
    desk.offer_pledge("unbooked", "unbooked")


@pytest.fixture(scope="module")
def _crowded(_confirmed: tuple[SupplyChain, bytes, bytes]) -> Scene:
    return Scene(_confirmed, _crowd)


@pytest.fixture
def crowded(_crowded: Scene) -> Desk:
    """What is wrong is there to be named."""
    return _crowded.desk()


@pytest.mark.parametrize(("reason", "arguments"), [*alone(FAULTS), *with_all_later(FAULTS)])
def test_pledge_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.pledge(**arguments)


def test_pledge_for_a_loan_that_is_not_booked_is_refused(crowded: Desk) -> None:
    with refused("LOAN_UNKNOWN"):
        crowded.pledge("unbooked", "unbooked")


@pytest.mark.parametrize(
    ("reason", "arguments"), [*alone(RELEASE_FAULTS), *with_all_later(RELEASE_FAULTS)]
)
def test_release_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.release(**arguments)
