"""What a payer of direct layers would have to pay if everything outstanding defaulted (X2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.exposures.batches import (
    DEPOSIT,
    LOAN,
    batches,
    compensate,
    pay_deposit,
    recover,
)
from tests.contracts.sandbox.entries import Repayment, on
from tests.contracts.sandbox.model import nearest
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id
from tests.contracts.sandbox.terms import CNY, PPM, Cap, Layer, Limits, Terms


def liability(partnership: Partnership, payer: str, currency: int = CNY) -> int:
    total: int = partnership.exposures.read("liability", partnership.numbers[payer], currency)
    return total


def would_pay(partnership: Partnership, terms: Terms, deal: str = DEAL) -> dict[str, int]:
    """M6 over everything outstanding, by exact fractions, from what the contracts show."""
    outstanding, disbursed = partnership.volume(deal=deal)
    deposit = partnership.guarantees.read("deposit_minor", deal_id(deal))
    pays = dict.fromkeys(terms.parties, 0)
    reach = outstanding
    for position, layer in enumerate(terms.layers):
        pay = nearest(reach * Fraction(layer.share, PPM))
        base = {Cap.DISBURSED: disbursed, Cap.OUTSTANDING: outstanding}.get(Cap(layer.cap_kind))
        cap = layer.cap if base is None else nearest(base * Fraction(layer.cap, PPM))
        if layer.cap_kind != Cap.NONE:
            used = partnership.guarantees.read("used_minor", deal_id(deal), position)
            pay = min(pay, max(0, cap - used))
        if layer.from_deposit:
            pay = min(pay, deposit)
            deposit -= pay
        else:
            pays[str(layer.payer)] += pay
        reach -= pay
    return pays


def assert_total(partnership: Partnership, deals: Mapping[str, Terms]) -> dict[str, int]:
    found = {payer: liability(partnership, payer) for payer in ("bank", "platform", "guarantor")}
    of_deals = [would_pay(partnership, terms, deal) for deal, terms in deals.items()]
    assert found == {payer: sum(pays.get(payer, 0) for pays in of_deals) for payer in found}
    return found


def test_total_is_the_sum_over_deals_after_every_batch(
    two_deals: Partnership, joint: Terms, assisted: Terms
) -> None:
    seen = set()
    for _ in batches(two_deals):
        found = assert_total(two_deals, {DEAL: joint, "assisted": assisted})
        assert found["platform"] == found["bank"] == 0
        seen.add(found["guarantor"])
    assert len(seen) > 8


STACKS = {
    "share rounds half up": (Layer(payer="guarantor", share=333_333),),
    "cap by amount": (Layer(payer="guarantor", cap_kind=Cap.AMOUNT, cap=1_000),),
    "cap of disbursed": (Layer(payer="guarantor", cap_kind=Cap.DISBURSED, cap=50_049),),
    "cap of outstanding": (Layer(payer="guarantor", cap_kind=Cap.OUTSTANDING, cap=80_051),),
    "one payer twice": (
        Layer(payer="guarantor", share=600_000, cap_kind=Cap.AMOUNT, cap=500),
        Layer(payer="guarantor", cap_kind=Cap.DISBURSED, cap=100_000),
    ),
    "payer after payer": (
        Layer(payer="guarantor", share=100_000),
        Layer(payer="platform", share=300_000),
        Layer(payer="bank", cap_kind=Cap.AMOUNT, cap=4_999),
    ),
    "deposit before guarantor": (
        Layer(payer="platform", from_deposit=True),
        Layer(payer="guarantor"),
    ),
    "deposit twice": (
        Layer(payer="platform", from_deposit=True, share=500_000),
        Layer(payer="guarantor", share=500_000),
        Layer(payer="platform", from_deposit=True),
        Layer(payer="bank"),
    ),
}


@pytest.mark.parametrize("stack", STACKS)
def test_layers_are_walked_in_order(fresh: Partnership, joint: Terms, stack: str) -> None:
    terms = replace(joint, layers=STACKS[stack], deposit=DEPOSIT)
    fresh.agree(terms)
    pay_deposit(fresh, 3_001)
    fresh.book(LOAN, replace(LOAN, loan="loan-2", principal=4_444))
    first = assert_total(fresh, {DEAL: terms})
    fresh.repay(Repayment(entry="r", loan="loan-2", principal=4_000))
    assert_total(fresh, {DEAL: terms})
    compensate(fresh, "loan-1")
    last = assert_total(fresh, {DEAL: terms})
    assert sum(first.values()) > sum(last.values())


LAYERS = st.lists(
    st.builds(
        Layer,
        payer=st.sampled_from(["bank", "platform", "guarantor"]),
        share=st.integers(1, PPM),
        cap_kind=st.sampled_from(Cap),
        cap=st.integers(1, PPM),
    ).map(lambda layer: replace(layer, cap=layer.cap if layer.cap_kind else 0)),
    min_size=1,
    max_size=8,
)


@given(layers=LAYERS, principal=st.integers(1, 10_000_000))
def test_any_layers_are_walked_in_order(
    fresh: Partnership, joint: Terms, layers: list[Layer], principal: int
) -> None:
    terms = replace(joint, layers=tuple(layers))
    with fresh.unchanged():
        fresh.agree(terms)
        fresh.book(replace(LOAN, principal=principal))
        assert_total(fresh, {DEAL: terms})


def test_what_was_paid_leaves_no_room_and_reinstated_cover_does(
    fresh: Partnership, joint: Terms
) -> None:
    layer = Layer(payer="guarantor", cap_kind=Cap.AMOUNT, cap=12_000, reinstates=True)
    terms = replace(joint, layers=(layer,))
    fresh.agree(terms)
    fresh.book(LOAN, replace(LOAN, loan="loan-2"))
    assert liability(fresh, "guarantor") == 12_000
    compensate(fresh, "loan-1")
    assert liability(fresh, "guarantor") == 12_000 - 10_001
    recover(fresh, "loan-1", 5_000)
    assert liability(fresh, "guarantor") == 12_000 - 5_001
    assert_total(fresh, {DEAL: terms})


def test_deposit_paid_later_relieves_the_guarantor_at_once(
    fresh: Partnership, joint: Terms
) -> None:
    layers = (Layer(payer="platform", from_deposit=True), Layer(payer="guarantor"))
    terms = replace(joint, layers=layers, deposit=DEPOSIT)
    fresh.agree(terms)
    pay_deposit(fresh, 1)
    fresh.book(LOAN)
    assert liability(fresh, "guarantor") == 10_000
    pay_deposit(fresh, 3_999)
    assert liability(fresh, "guarantor") == 6_001


def test_deposit_of_a_suspended_deal_without_loans_is_paid(
    fresh: Partnership, joint: Terms
) -> None:
    """Its rules cannot be asked for then, and need not be: nothing was lent."""
    layers = (Layer(payer="platform", from_deposit=True), Layer(payer="guarantor"))
    fresh.agree(replace(joint, layers=layers, deposit=DEPOSIT))
    fresh.confirmed(fresh.by_name["bank"], fresh.deals, "suspend", deal_id(DEAL))
    pay_deposit(fresh, 4_000)
    fresh.confirmed(fresh.by_name["bank"], fresh.deals, "resume", deal_id(DEAL))
    fresh.book(LOAN)
    assert liability(fresh, "guarantor") == 6_001


def test_payer_of_the_deposit_alone_has_no_liability(fresh: Partnership, joint: Terms) -> None:
    layers = (Layer(payer="platform", from_deposit=True),)
    fresh.agree(replace(joint, layers=layers, deposit=DEPOSIT))
    pay_deposit(fresh, 1)
    fresh.book(LOAN)
    assert liability(fresh, "platform") == 0


def test_versions_with_other_payers_count_their_own_loans(fresh: Partnership, joint: Terms) -> None:
    """The guarantor of version 1 stands in for its loans until they are repaid, and no longer."""
    later = on("2026-07-01")
    fresh.agree(joint)
    fresh.book(LOAN)
    fresh.agree(replace(joint, layers=(Layer(payer="platform"),), effective_date=later))
    second = replace(LOAN, loan="loan-2", start=later, maturity=later + 90, principal=600)
    fresh.book(second, version=2)
    assert (liability(fresh, "guarantor"), liability(fresh, "platform")) == (5_001, 600)
    fresh.repay(Repayment(entry="r", loan="loan-1", principal=2_000))
    assert (liability(fresh, "guarantor"), liability(fresh, "platform")) == (4_001, 600)
    paid = Repayment(entry="r2", loan="loan-2", principal=100, date=later)
    fresh.repay(paid, version=2)
    assert (liability(fresh, "guarantor"), liability(fresh, "platform")) == (4_001, 500)
    fresh.repay(Repayment(entry="r3", loan="loan-1", principal=8_001))
    assert (liability(fresh, "guarantor"), liability(fresh, "platform")) == (0, 500)


def test_version_without_layers_leaves_the_liability_of_the_others(
    fresh: Partnership, joint: Terms
) -> None:
    later = on("2026-07-01")
    fresh.agree(joint)
    fresh.book(LOAN)
    fresh.agree(replace(joint, layers=(), claim=type(joint.claim)(), effective_date=later))
    second = replace(LOAN, loan="loan-2", start=later, maturity=later + 90)
    fresh.book(second, version=2)
    assert liability(fresh, "guarantor") == 5_001
    fresh.repay(Repayment(entry="r", loan="loan-1", principal=1))
    assert liability(fresh, "guarantor") == 5_000


def test_currencies_are_apart(fresh: Partnership, joint: Terms) -> None:
    usd = int.from_bytes(b"USD", "big")
    fresh.agree(joint)
    fresh.agree(replace(joint, currency=usd), deal="in dollars")
    fresh.book(LOAN)
    fresh.book(replace(LOAN, principal=500), deal="in dollars")
    assert liability(fresh, "guarantor") == 5_001
    assert liability(fresh, "guarantor", usd) == 250


def test_deal_without_limits_across_deals_is_not_counted(fresh: Partnership, joint: Terms) -> None:
    fresh.agree(replace(joint, limits=Limits(), demands=0))
    fresh.book(LOAN)
    assert liability(fresh, "guarantor") == 0
