"""`moved`: running totals that equal the sums over deals after every batch (X1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.exposures.batches import LOAN, batches
from tests.contracts.sandbox.banks import Figure, declare, declare_group
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.entries import START, Repayment, on
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import CNY, Limits, Terms

USD = int.from_bytes(b"USD", "big")


def lent(partnership: Partnership, funder: str, *deals: str) -> int:
    """A funder's LOANS over deals, from the journal."""
    return sum(partnership.balances(deal=d).get(funder, {}).get("LOANS", 0) for d in deals)


def concentration(partnership: Partnership, bank: str, group: int, currency: int = CNY) -> int:
    number = partnership.numbers[bank]
    total: int = partnership.exposures.read("concentration", number, group, currency)
    return total


def joint_total(partnership: Partnership, bank: str, currency: int = CNY) -> int:
    total: int = partnership.exposures.read("joint", partnership.numbers[bank], currency)
    return total


def test_totals_are_the_sums_over_deals_after_every_batch(
    two_deals: Partnership, platform: Member, guarantor: Member, bank: Member
) -> None:
    seen = set()
    for _ in batches(two_deals):
        of_bank = lent(two_deals, "bank", DEAL, "assisted")
        of_platform = lent(two_deals, "platform", DEAL)
        assert concentration(two_deals, "bank", platform.number) == of_bank
        assert concentration(two_deals, "bank", guarantor.number) == of_bank
        assert concentration(two_deals, "platform", bank.number) == of_platform
        assert concentration(two_deals, "platform", guarantor.number) == of_platform
        assert concentration(two_deals, "guarantor", bank.number) == 0
        assert joint_total(two_deals, "bank") == lent(two_deals, "bank", DEAL)
        assert joint_total(two_deals, "platform") == of_platform
        seen.add((of_bank, of_platform))
    assert len(seen) > 8


def test_parties_of_one_group_count_once(two_deals: Partnership) -> None:
    for party in ("platform", "guarantor"):
        declare_group(two_deals, "bank", party, 900)
    for _ in batches(two_deals):
        of_bank = lent(two_deals, "bank", DEAL, "assisted")
        assert concentration(two_deals, "bank", 900) == of_bank
        assert concentration(two_deals, "bank", 2) == concentration(two_deals, "bank", 3) == 0


def test_group_of_another_partys_number_counts_once(two_deals: Partnership) -> None:
    declare_group(two_deals, "bank", "guarantor", 2)
    two_deals.book(LOAN)
    assert concentration(two_deals, "bank", 2) == lent(two_deals, "bank", DEAL)
    assert concentration(two_deals, "bank", 3) == 0


def test_currencies_are_apart(fresh: Partnership, joint: Terms) -> None:
    fresh.agree(joint)
    fresh.agree(replace(joint, currency=USD), deal="in dollars")
    fresh.book(LOAN)
    fresh.book(replace(LOAN, principal=500), deal="in dollars")
    assert concentration(fresh, "bank", 2) == lent(fresh, "bank", DEAL)
    assert concentration(fresh, "bank", 2, USD) == lent(fresh, "bank", "in dollars") == 350
    assert joint_total(fresh, "bank", USD) == 350


def test_largest_deal_counts_all_its_parties(wide: Partnership) -> None:
    """Eight funders, twelve parties: every funder against eleven others."""
    names = tuple(wide.numbers)[:12]
    wide.agree(
        Terms(
            funding=tuple((name, 125_000) for name in names[:8]),
            others=names[8:],
            limits=Limits(max_concentration=250_000, max_joint_share=500_000),
        )
    )
    wide.book(replace(LOAN, principal=800_000))
    for funder in names:
        expected = 100_000 if funder in names[:8] else 0
        assert joint_total(wide, funder) == expected
        for party in wide.numbers:
            counted = expected if party in names and party != funder else 0
            assert concentration(wide, funder, wide.numbers[party]) == counted


def test_deal_without_limits_across_deals_is_not_counted(fresh: Partnership, joint: Terms) -> None:
    fresh.agree(replace(joint, limits=Limits(max_annual_rate=240_000), demands=0))
    fresh.book(LOAN)
    assert concentration(fresh, "bank", 2) == joint_total(fresh, "bank") == 0


@pytest.mark.parametrize("limit", [1, 2**24 - 1])
def test_deal_is_joint_when_it_limits_the_joint_share_on_any_day(
    fresh: Partnership, joint: Terms, limit: int
) -> None:
    """CN-03 began later than the deal: what was lent before counts from the first booking on."""
    later = Limits(from_date=on("2026-07-01"), max_joint_share=limit)
    fresh.agree(replace(joint, limits=(Limits(max_concentration=250_000), later)))
    fresh.book(LOAN)
    assert joint_total(fresh, "bank") == lent(fresh, "bank", DEAL) > 0


def test_deal_becomes_joint_with_what_it_lent_before(fresh: Partnership, joint: Terms) -> None:
    before = replace(joint, limits=Limits(max_concentration=250_000), demands=0)
    fresh.agree(before)
    fresh.book(LOAN)
    assert joint_total(fresh, "bank") == 0
    fresh.agree(replace(joint, effective_date=on("2026-07-01")))
    fresh.repay(Repayment(entry="r", loan="loan-1", principal=1))
    assert joint_total(fresh, "bank") == 0
    second = replace(LOAN, loan="loan-2", start=on("2026-07-01"), maturity=on("2027-01-01"))
    fresh.book(second, version=2)
    assert joint_total(fresh, "bank") == lent(fresh, "bank", DEAL) > 7_001
    assert joint_total(fresh, "platform") == lent(fresh, "platform", DEAL)
    fresh.repay(Repayment(entry="r2", loan="loan-1", principal=5_000))
    assert joint_total(fresh, "bank") == lent(fresh, "bank", DEAL)
    assert concentration(fresh, "bank", 2) == lent(fresh, "bank", DEAL)


def test_party_that_funds_no_more_in_a_later_version_keeps_what_it_has_out(
    fresh: Partnership, joint: Terms
) -> None:
    fresh.agree(joint)
    fresh.book(LOAN)
    later = on("2026-07-01")
    alone = replace(
        joint, funding=(("bank", 1_000_000),), others=("platform", "guarantor"),
        effective_date=later,
    )  # fmt: skip
    fresh.agree(alone)
    fresh.book(replace(LOAN, loan="loan-2", start=later, maturity=later + 90), version=2)
    assert joint_total(fresh, "platform") == lent(fresh, "platform", DEAL) == 3_000
    assert joint_total(fresh, "bank") == lent(fresh, "bank", DEAL) == 17_002
    fresh.repay(Repayment(entry="r", loan="loan-1", principal=10_001))
    assert joint_total(fresh, "platform") == 0
    assert joint_total(fresh, "bank") == 10_001


def test_deal_becomes_joint_with_what_is_out_of_a_former_funder(
    fresh: Partnership, joint: Terms
) -> None:
    fresh.agree(replace(joint, limits=Limits(max_concentration=250_000), demands=0))
    fresh.book(LOAN)
    later = on("2026-07-01")
    alone = replace(
        joint, funding=(("bank", 1_000_000),), others=("platform", "guarantor"),
        effective_date=later,
    )  # fmt: skip
    fresh.agree(alone)
    fresh.book(replace(LOAN, loan="loan-2", start=later, maturity=later + 90), version=2)
    assert joint_total(fresh, "platform") == lent(fresh, "platform", DEAL) == 3_000


def test_refused_booking_leaves_the_totals(two_deals: Partnership) -> None:
    two_deals.book(LOAN)
    declare(two_deals, "bank", Figure.TIER_1_CAPITAL, 0)
    with refused("CONCENTRATION_OVER_LIMIT"):
        two_deals.book(replace(LOAN, loan="loan-2"))
    assert concentration(two_deals, "bank", 2) == lent(two_deals, "bank", DEAL) == 7_001


def test_report_by_anyone_but_a_contract_is_refused(
    two_deals: Partnership, operator: Key, outsider: Key
) -> None:
    members = two_deals.by_name.values()
    keys = [key for member in members for key in (member.maker, member.checker)]
    for key in (*keys, operator, outsider):
        with refused("SENDER_NOT_CONTRACT"):
            two_deals.exposures.send(key, "moved", deal_id(DEAL), 1, 0, 0, 0)


def test_servicing_of_a_suspended_deal_is_counted(two_deals: Partnership, bank: Member) -> None:
    two_deals.book(LOAN)
    two_deals.confirmed(bank, two_deals.deals, "suspend", deal_id(DEAL))
    with refused("DEAL_SUSPENDED"):
        two_deals.book(replace(LOAN, loan="loan-2", start=START))
    two_deals.repay(Repayment(entry="r", loan="loan-1", principal=10_001))
    assert concentration(two_deals, "bank", 2) == joint_total(two_deals, "bank") == 0
