"""`withdraw`: an offer, or a sale that is not confirmed, is taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.financing.desk import DUE, Desk
from tests.contracts.financing.steps import NO_MAKER, STEPS, Scene, by, crowd
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import Number, SupplyChain
from tests.contracts.sandbox.vouchers import ISSUE, PieceState

ID = deal_id(DEAL)
ALONE: dict[str, Any] = {
    "funding": (("bank", 1_000_000),),
    "others": ("platform", "custodian"),
}


@pytest.mark.parametrize(
    ("member", "number"), [("tier-1", Number.TIER_1), ("platform", Number.PLATFORM)]
)
def test_holder_or_servicer_takes_an_offer_back(desk: Desk, member: str, number: int) -> None:
    before, balances = desk.piece(), desk.balances()
    desk.offer()
    receipt = desk.withdraw(date=ISSUE + 1, by=member)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=number),
        Event("OfferWithdrawn", piece_id=id_of("v"), date=ISSUE + 1),
    ]
    assert desk.piece() == replace(before, sequence=2, date=ISSUE + 1)
    assert desk.balances() == balances
    desk.offer(date=ISSUE + 1)


def test_a_withdrawn_pledge_leaves_its_loan_to_others(desk: Desk) -> None:
    desk.offer_pledge()
    desk.withdraw()
    financing = desk.supply.partnership.financing
    assert financing.read("loan_of", ID, id_of("v")) == bytes(32)
    assert financing.read("piece_of", ID, id_of("l")) == bytes(32)


def test_a_pledge_is_not_withdrawn_while_its_loan_is_open(desk: Desk) -> None:
    desk.offer_pledge()
    desk.book(principal=100)
    with refused("LOAN_OPEN"):
        desk.withdraw()
    desk.repay(principal=99, entry="most")
    with refused("LOAN_OPEN"):
        desk.withdraw(date=DUE)
    desk.repay(principal=1, entry="rest")
    desk.withdraw(date=DUE)
    assert desk.piece().state == PieceState.HELD


@pytest.mark.parametrize("accepted", [False, True])
def test_a_sale_by_a_holder_is_taken_back(desk: Desk, accepted: bool) -> None:
    desk.transfer("v", Number.BANK)
    before = desk.piece()
    desk.offer_sale()
    if accepted:
        desk.accept_sale()
    desk.withdraw(by="bank")
    assert desk.piece() == replace(before, sequence=before.sequence + 2 + accepted)


@pytest.mark.parametrize("accepted", [False, True])
def test_a_sale_by_a_funder_taken_back_leaves_the_piece_discounted(
    desk: Desk, accepted: bool
) -> None:
    other = desk.under(**ALONE)
    other.discounted()
    before, exposure, held = other.piece(), other.exposure(), other.held_by_funders()
    other.offer_sale()
    if accepted:
        other.accept_sale()
    other.withdraw(by="bank")
    assert other.piece() == replace(before, sequence=before.sequence + 2 + accepted)
    assert (other.exposure(), other.held_by_funders()) == (exposure, held)
    other.paid()
    assert other.balances()["bank"]["CLEARING"] > 0, "as a funder, through the collector"


FAULTS: list[Fault] = [
    *NO_MAKER,
    *STEPS,
    *by("SENDER_NOT_HOLDER", "tier-2", "core", "bank", "custodian"),
    ("LOAN_OPEN", {"piece": "open"}),
    ("PIECE_NOT_OFFERED", {"piece": "second"}),
    ("PIECE_NOT_OFFERED", {"piece": "discounted"}),
    ("PIECE_NOT_OFFERED", {"piece": "pledged"}),
]


def _crowd(desk: Desk) -> None:
    """`v` is offered; with pieces `open` (its loan is booked), `discounted` and `pledged`."""
    crowd(desk)
    for ref in ("open", "discounted", "pledged"):
        desk.split("second", ref, 50)
    desk.offer()
    desk.offer_pledge("open", "open")
    desk.book("open", 5)
    desk.discounted("discounted")
    desk.pledged("pledged", "of pledged", 5)


@pytest.fixture(scope="module")
def _crowded(_confirmed: tuple[SupplyChain, bytes, bytes]) -> Scene:
    return Scene(_confirmed, _crowd)


@pytest.fixture
def crowded(_crowded: Scene) -> Desk:
    """What is wrong is there to be named."""
    return _crowded.desk()


@pytest.mark.parametrize(("reason", "arguments"), [*alone(FAULTS), *with_all_later(FAULTS)])
def test_withdrawal_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        crowded.withdraw(**arguments)
