"""`settle`: 兑付, what the core enterprise paid reaches every live piece (R5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.financing.desk import DUE, Desk, after
from tests.contracts.financing.steps import NO_MAKER, STEPS, Scene, by, crowd
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import id_of, parts
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.model import divided, principal_parts
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.supply import FACE, Number, SupplyChain
from tests.contracts.sandbox.voucher_book import paid_to_funders, paid_to_holder
from tests.contracts.sandbox.vouchers import ISSUE, PieceState

ID = deal_id(DEAL)
THREE = (("bank", 333_333), ("other-bank", 333_334), ("guarantor", 333_333))


def test_a_held_piece_is_paid_to_its_holder(desk: Desk) -> None:
    desk.instruct()
    before, balances = desk.piece(), desk.balances()
    receipt = desk.settle(desk.payment("v", FACE))
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=Number.CUSTODIAN),
        Event(
            "PiecePaid",
            entry_id=id_of("payment of v"),
            piece_id=id_of("v"),
            date=DUE,
            amount_minor=FACE,
            parts=(0, 0),
        ),
    ]
    assert desk.piece() == replace(before, amount=0, sequence=1, date=DUE)
    assert (desk.stored().outstanding, desk.stored().instructed) == (0, 0)
    assert desk.balances() == after(balances, paid_to_holder("core", "tier-1", FACE))
    assert desk.balances() == {"core": {"CASH": -FACE}, "tier-1": {"CASH": FACE}}
    assert desk.total(DUE, DayKind.VOUCHER_PAYMENT) == (1, FACE)


def test_a_discounted_piece_is_paid_to_its_funders(desk: Desk) -> None:
    desk.discounted()
    desk.instruct()
    before, balances = desk.piece(), desk.balances()
    receipt = desk.settle(desk.payment("v", FACE))
    assert receipt.events[1]["parts"] == parts(60_000_000, 40_000_000)
    assert desk.piece() == replace(before, amount=0, sequence=3, date=DUE)
    assert desk.balances() == after(balances, paid_to_funders(desk.terms, "core", FACE, FACE))
    assert desk.balances()["custodian"] == {"CASH": FACE, "CLEARING": -FACE}
    assert desk.exposure() == [0, 0]
    assert desk.held_by_funders() == 0
    with refused("PIECE_SPENT"):
        desk.settle(desk.payment("v", 0))


def test_parts_of_payments_add_up_to_what_each_funder_gave(desk: Desk) -> None:
    """M3: whatever the payments were, each funder gets back exactly what it put in."""
    other = desk.under(funding=THREE, others=("platform", "custodian"))
    given = divided(FACE, other.terms.shares)
    other.discounted()
    got, left = [0, 0, 0], FACE
    for i, amount in enumerate((1, 2, 33_333_333, 1, 50_000_001)):
        other.instruct(amount=amount)
        balances = other.balances()
        event = other.settle(other.payment("v", amount, entry=f"p{i}")).events[1]
        legs = principal_parts(other.terms, left, amount)
        assert event["parts"] == parts(*legs)
        assert other.balances() == after(
            balances, paid_to_funders(other.terms, "core", left, amount)
        )
        left -= amount
        got = [a + b for a, b in zip(got, legs, strict=True)]
        kept = divided(left, other.terms.shares)
        assert [a + b for a, b in zip(got, kept, strict=True)] == given
        assert other.exposure("bank", "other-bank", "guarantor") == kept
        assert other.held_by_funders() == left
    other.paid(left)
    assert other.exposure("bank", "other-bank", "guarantor") == [0, 0, 0]


def test_who_collects_and_funds_nets_its_own(desk: Desk) -> None:
    other = desk.under(collected_by="bank")
    other.discounted()
    balances = other.balances()
    other.instruct()
    other.settle(other.payment("v", FACE), by="bank")
    assert other.balances() == after(balances, paid_to_funders(other.terms, "core", FACE, FACE))


@pytest.mark.parametrize("paid", [1, 2, 3, 33_333_334, FACE - 1, FACE])
@pytest.mark.parametrize("sizes", [(1, 1), (30, 20, 49), (1, 1, 1, 1), (33_333_333, 33_333_333)])
def test_all_pieces_are_paid_by_their_amounts(
    desk: Desk, paid: int, sizes: tuple[int, ...]
) -> None:
    """R5: M2, the first piece takes the residue; one that gets nothing is named all the same."""
    refs = [f"w{i}" for i in range(len(sizes))]
    for ref, size in zip(refs, sizes, strict=True):
        desk.split("v", ref, size)
    order = [refs[0], "v", *refs[1:]]
    amounts = [desk.piece(ref).amount for ref in order]
    desk.instruct(amount=paid)
    expected = divided(paid, amounts)
    rows = [desk.payment(ref, part) for ref, part in zip(order, expected, strict=True)]
    desk.settle(*rows)
    assert [desk.piece(ref).amount for ref in order] == [
        a - b for a, b in zip(amounts, expected, strict=True)
    ]
    assert desk.stored().outstanding == FACE - paid
    assert sum(desk.piece(ref).amount for ref in order) == FACE - paid
    assert desk.balances()["tier-1"] == {
        account: amount
        for account, amount in {"CASH": paid, "VOUCHERS_HELD": FACE - paid}.items()
        if amount
    }


def test_another_division_is_refused(desk: Desk) -> None:
    """R5"""
    for ref in ("a", "b"):
        desk.split("v", ref, 25_000_000)
    desk.instruct(amount=101)
    amounts = divided(101, [50_000_000, 25_000_000, 25_000_000])
    assert amounts == [51, 25, 25]
    for wrong in ([50, 26, 25], [50, 25, 26], [52, 24, 25], [51, 24, 26], [51, 26, 24]):
        rows = [desk.payment(ref, part) for ref, part in zip("vab", wrong, strict=True)]
        with refused("PAYMENT_DIVIDED_OTHERWISE"):
            desk.settle(*rows)
    desk.settle(*(desk.payment(ref, part) for ref, part in zip("vab", amounts, strict=True)))


def test_a_piece_that_is_left_out_is_missed(desk: Desk) -> None:
    """R5"""
    desk.split("v", "w", 50_000_000)
    desk.instruct(amount=10)
    with refused("PAYMENT_NOT_TO_ALL"):
        desk.settle(desk.payment("v", 10))
    with refused("PAYMENT_NOT_TO_ALL"):
        desk.settle(desk.payment("w", 10))


def test_a_piece_that_is_named_twice_does_not_stand_for_another(desk: Desk) -> None:
    """R5: two equal pieces add up to the voucher whichever is named twice."""
    desk.split("v", "w", 50_000_000)
    desk.instruct(amount=10)
    twice = desk.payment("v", 5)
    for sequence in (twice.sequence, twice.sequence + 1):
        with refused("ENTRY_OUT_OF_SEQUENCE"):
            desk.settle(twice, replace(twice, entry="again", sequence=sequence))
    desk.settle(twice, desk.payment("w", 5))


def test_rows_of_one_voucher_stand_together(desk: Desk) -> None:
    desk.voucher("other")
    desk.split("v", "w", 50_000_000)
    desk.instruct("v", 10)
    desk.instruct("other", 7)
    v, w, other = (desk.payment(ref, part) for ref, part in (("v", 5), ("w", 5), ("other", 7)))
    with refused("PAYMENT_NOT_TO_ALL"):
        desk.settle(v, other, w)
    desk.settle(v, w, other)
    assert desk.total(DUE, DayKind.VOUCHER_PAYMENT) == (3, 17)
    assert (desk.stored("v").outstanding, desk.stored("other").outstanding) == (FACE - 10, FACE - 7)


def test_a_voucher_is_paid_twice_in_one_batch(desk: Desk) -> None:
    desk.voucher("other")
    desk.instruct("v", 10)
    desk.instruct("other", 7)
    first = desk.payment("v", 4)
    desk.settle(
        first, desk.payment("other", 7), replace(first, entry="again", amount=6, sequence=1)
    )
    assert (desk.stored().outstanding, desk.stored().instructed) == (FACE - 10, 0)


def test_never_more_than_is_instructed(desk: Desk) -> None:
    """R5"""
    with refused("PAYMENT_NOT_INSTRUCTED"):
        desk.settle(desk.payment("v", 1))
    desk.instruct(amount=10)
    with refused("PAYMENT_NOT_INSTRUCTED"):
        desk.settle(desk.payment("v", 11))
    desk.settle(desk.payment("v", 4))
    with refused("PAYMENT_NOT_INSTRUCTED"):
        desk.settle(desk.payment("v", 7))
    desk.settle(desk.payment("v", 6))


def test_pieces_of_every_state_are_paid_each_in_its_way(desk: Desk) -> None:
    """Held, offered, discounted, and held by a bank that offers it to another."""
    for ref in ("offered", "discounted", "on sale"):
        desk.split("v", ref, 25_000_000)
    desk.offer("offered")
    desk.discounted("discounted")
    desk.transfer("on sale", Number.BANK)
    desk.offer_sale("on sale")
    states = {ref: desk.piece(ref).state for ref in ("v", "offered", "discounted", "on sale")}
    assert states == {
        "v": PieceState.HELD,
        "offered": PieceState.OFFERED,
        "discounted": PieceState.DISCOUNTED,
        "on sale": PieceState.ON_SALE,
    }
    balances = desk.balances()
    desk.paid(40, *states)
    postings = [
        *paid_to_holder("core", "tier-1", 10),
        *paid_to_holder("core", "tier-1", 10),
        *paid_to_funders(desk.terms, "core", 25_000_000, 10),
        *paid_to_holder("core", "bank", 10),
    ]
    assert desk.balances() == after(balances, postings)
    assert {ref: desk.piece(ref).state for ref in states} == states, "a payment changes no state"


def test_a_piece_is_paid_under_the_terms_of_its_financing(desk: Desk) -> None:
    other = desk.under()
    other.split("v", "w", 40)
    other.discounted("v")
    funding = (("bank", 100_000), ("other-bank", 900_000))
    older = other.terms
    assert other.amended(funding=funding, effective_date=ISSUE + 1) == 2
    other.offer("w", ISSUE + 1, version=2)
    other.discount("w", ISSUE + 1, version=2)
    other.instruct(amount=FACE)
    balances = other.balances()
    rows = [other.payment("v", FACE - 40), other.payment("w", 40)]
    first, second = other.settle(*rows, version=2).events[1:]
    assert first["parts"] == parts(*divided(FACE - 40, older.shares))
    assert second["parts"] == parts(4, 36)
    postings = [
        *paid_to_funders(older, "core", FACE - 40, FACE - 40),
        *paid_to_funders(other.terms, "core", 40, 40),
    ]
    assert other.balances() == after(balances, postings)


def test_two_hundred_and_fifty_pieces_are_paid_at_once(desk: Desk) -> None:
    refs = [f"w{i}" for i in range(249)]
    for ref in refs:
        desk.split("v", ref, 400_000)
    for ref in refs[:3]:
        desk.discounted(ref)
    desk.paid(FACE, "v", *refs)
    assert desk.stored().outstanding == 0
    assert desk.total(DUE, DayKind.VOUCHER_PAYMENT) == (250, FACE)
    assert desk.balances()["core"] == {"CASH": -FACE}


def test_of_a_sealed_day_only_what_is_late(desk: Desk) -> None:
    desk.instruct()
    for party in ("bank", "other-bank", "platform"):
        desk.supply.partnership.seal(party, DUE)
    with refused("DAY_SEALED"):
        desk.settle(desk.payment("v", FACE))
    desk.settle(desk.payment("v", FACE), late=True)
    assert desk.total(DUE + 1, DayKind.VOUCHER_PAYMENT) == (1, FACE)


FAULTS: list[Fault] = [
    *NO_MAKER,
    *by("SENDER_NOT_COLLECTOR", "core", "tier-1", "platform", "bank"),
    *STEPS,
    ("PAYMENT_ABOVE_OUTSTANDING", {"amount": FACE + 1}),
    ("PAYMENT_ABOVE_OUTSTANDING", {"amount": 2**256 - 1}),
    ("PAYMENT_NOT_TO_ALL", {"piece": "second", "amount": 1}),
    ("ENTRY_EMPTY", {"amount": 0}),
    ("PAYMENT_NOT_INSTRUCTED", {"amount": 11}),
]


@pytest.fixture(scope="module")
def _crowded(_confirmed: tuple[SupplyChain, bytes, bytes]) -> Scene:
    def build(desk: Desk) -> None:
        crowd(desk)
        desk.split("second", "half", 50_000_000)
        desk.instruct(amount=10)

    return Scene(_confirmed, build)


@pytest.fixture
def crowded(_crowded: Scene) -> Desk:
    """What is wrong is there to be named; 10 are instructed on `v`."""
    return _crowded.desk()


@pytest.mark.parametrize(("reason", "arguments"), [*alone(FAULTS), *with_all_later(FAULTS)])
def test_payment_with_a_fault_is_refused(
    crowded: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    row: dict[str, Any] = {"piece": "v", "amount": 10} | arguments
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    with refused(reason):
        crowded.settle(crowded.payment(**row), **call)
