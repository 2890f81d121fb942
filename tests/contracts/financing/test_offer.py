"""`offer`: 融资申请 of a holder, for a discount or a pledge. Nothing is posted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.financing.desk import DUE, RATE, Desk
from tests.contracts.financing.steps import NO_MAKER, STEPS, Scene, by, crowd
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import Number, SupplyChain
from tests.contracts.sandbox.terms import Receivable
from tests.contracts.sandbox.vouchers import ISSUE, Document, Form, Offer, PieceState

ID = deal_id(DEAL)
LAST_RATE = 2**24 - 1
WANTED = Document.ORDER | Document.DELIVERY


def test_an_offer_of_a_discount_names_its_rate(desk: Desk) -> None:
    before, balances = desk.piece(), desk.balances()
    receipt = desk.offer(date=ISSUE + 2)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.TIER_1),
        Event(
            "PieceOffered",
            piece_id=id_of("v"),
            loan_id=bytes(32),
            date=ISSUE + 2,
            form=Form.DISCOUNT,
            rate_ppm=RATE,
        ),
    ]
    assert desk.piece() == replace(before, state=PieceState.OFFERED, sequence=1, date=ISSUE + 2)
    assert desk.supply.partnership.financing.read("offered_ppm", ID, id_of("v")) == RATE
    assert desk.balances() == balances
    assert desk.exposure() == [0, 0]


def test_an_offer_of_a_pledge_names_its_loan(desk: Desk) -> None:
    receipt = desk.offer_pledge()
    assert receipt.events[1] == Event(
        "PieceOffered",
        piece_id=id_of("v"),
        loan_id=id_of("l"),
        date=ISSUE,
        form=Form.PLEDGE,
        rate_ppm=0,
    )
    financing = desk.supply.partnership.financing
    assert financing.read("loan_of", ID, id_of("v")) == id_of("l")
    assert financing.read("piece_of", ID, id_of("l")) == id_of("v")
    assert financing.read("offered_ppm", ID, id_of("v")) == 0


@pytest.mark.parametrize("rate", [1, LAST_RATE])
def test_the_least_and_the_highest_rate_are_offered(desk: Desk, rate: int) -> None:
    desk.offer(rate=rate)
    assert desk.piece().state == PieceState.OFFERED


def test_the_last_day_before_it_is_due(desk: Desk) -> None:
    desk.offer(date=DUE - 1)
    assert desk.piece().date == DUE - 1


def test_a_batch_offers_pieces_of_several_forms(desk: Desk) -> None:
    desk.split("v", "w", 30)
    rows = [
        desk.next(Offer, "v", ISSUE),
        desk.next(Offer, "w", ISSUE, form=Form.PLEDGE, rate=0, loan="l"),
    ]
    desk.financing("offer", rows, by="tier-1")
    assert [desk.piece(ref).state for ref in "vw"] == [PieceState.OFFERED] * 2


def test_a_loan_is_offered_again_after_its_offer_is_withdrawn(desk: Desk) -> None:
    desk.split("v", "w", 30)
    desk.offer_pledge("v")
    with refused("LOAN_PLEDGED"):
        desk.offer_pledge("w")
    desk.withdraw("v")
    desk.offer_pledge("w")


def test_no_offer_while_anybody_disputes_the_voucher(desk: Desk) -> None:
    for party in ("core", "platform", "tier-1"):
        desk.supply.dispute("v", by=party)
        with refused("VOUCHER_DISPUTED"):
            desk.offer()
        desk.supply.dispute("v", by=party, lift=True)
    desk.offer()


def test_terms_demand_evidence_before_an_offer(desk: Desk) -> None:
    other = desk.under(receivable=Receivable(evidence=WANTED))
    for kind in (Document.ORDER, Document.WAYBILL, Document.DELIVERY):
        with refused("EVIDENCE_MISSING"):
            other.offer()
        desk.supply.attest("v", kind, f"document {kind}", deal="other")
    other.offer()


def test_newer_terms_that_do_not_name_the_core_take_none_of_its_vouchers(desk: Desk) -> None:
    parties = ("platform", "custodian", "core", "other-core")
    other = desk.under(others=parties, receivable=Receivable(cores=("core",)))
    assert other.amended(receivable=Receivable(cores=("other-core",)), effective_date=ISSUE) == 2
    with refused("CORE_NOT_IN_TERMS"):
        other.offer(version=2)
    other.offer(version=1)


@pytest.mark.parametrize("state", [one for one in PieceState if one != PieceState.HELD])
def test_a_piece_that_is_offered_or_financed_is_not_offered_again(desk: Desk, state: int) -> None:
    """R3"""
    desk.supply.put("piece", "v", state=state)
    with refused("PIECE_NOT_HELD"):
        desk.offer()


def test_a_voucher_that_the_piece_is_half_of_is_unknown(desk: Desk) -> None:
    piece_id, voucher_id, *rest = desk.next(Offer, "v", ISSUE).row
    row = (piece_id, voucher_id[:16] + bytes(16), *rest)
    with refused("VOUCHER_UNKNOWN"):
        desk.financing("offer", [row], by="tier-1")


FAULTS: list[Fault] = [
    *NO_MAKER,
    *STEPS,
    *by("SENDER_NOT_HOLDER", "tier-2", "core", "platform", "bank"),
    ("VOUCHER_DISPUTED", {"piece": "disputed"}),
    ("VOUCHER_PAST_DUE", {"date": DUE}),
    ("OFFER_INVALID", {"form": 0}),
    ("OFFER_INVALID", {"form": 3}),
    ("OFFER_INVALID", {"rate": 0}),
    ("OFFER_INVALID", {"rate": LAST_RATE + 1}),
    ("OFFER_INVALID", {"loan": "l"}),
    ("PIECE_NOT_HELD", {"piece": "offered"}),
]
PLEDGE_FAULTS: list[Fault] = [
    ("OFFER_INVALID", {"rate": 1}),
    ("OFFER_INVALID", {"loan": ""}),
    ("LOAN_NOT_FRESH", {"loan": "booked"}),
    ("LOAN_PLEDGED", {"loan": "offered for"}),
    ("PIECE_NOT_HELD", {"piece": "offered"}),
]


def _crowd(desk: Desk) -> None:
    """With pieces `disputed` and `offered` (for the loan `offered for`) and the loan `booked`."""
    crowd(desk)
    desk.voucher("disputed")
    desk.supply.dispute("disputed")
    desk.split("second", "offered", 5)
    desk.offer_pledge("offered", "offered for")
    desk.book("booked", 5)


@pytest.fixture(scope="module")
def _crowded(_confirmed: tuple[SupplyChain, bytes, bytes]) -> Scene:
    return Scene(_confirmed, _crowd)


@pytest.fixture
def crowded(_crowded: Scene) -> Desk:
    """What is wrong is there to be named."""
    return _crowded.desk()


@pytest.mark.parametrize(("reason", "arguments"), [*alone(FAULTS), *with_all_later(FAULTS)])
def test_offer_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.offer(**arguments)


@pytest.mark.parametrize(
    ("reason", "arguments"), [*alone(PLEDGE_FAULTS), *with_all_later(PLEDGE_FAULTS)]
)
def test_offer_of_a_pledge_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.offer_pledge(**arguments)
