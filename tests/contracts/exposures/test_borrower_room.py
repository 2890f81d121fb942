"""`borrower_room`: what one borrower may owe where guarantors stand in (G-02)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.exposures.batches import DEPOSIT, LOAN
from tests.contracts.sandbox.banks import Figure, declare
from tests.contracts.sandbox.entries import START, Repayment
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Claim, Layer, Limits, Terms

NONE = 2**256 - 1
TENTH = 100_000


def room(partnership: Partnership, day: int = START, ppm: int = TENTH) -> int:
    found: int = partnership.exposures.read("borrower_room", deal_id(DEAL), 1, day, ppm << 80)
    return found


def test_tenth_of_the_net_assets_rounds_down(two_deals: Partnership) -> None:
    declare(two_deals, "guarantor", Figure.NET_ASSETS, 100_019)
    assert room(two_deals) == 10_001
    assert room(two_deals, ppm=1) == 0
    assert room(two_deals, ppm=2**24 - 1) == 100_019 * (2**24 - 1) // 1_000_000


def test_undeclared_figure_and_limit_of_zero_leave_it_unlimited(two_deals: Partnership) -> None:
    assert room(two_deals) == NONE
    declare(two_deals, "guarantor", Figure.TIER_1_CAPITAL, 1)
    declare(two_deals, "bank", Figure.NET_ASSETS, 1)
    declare(two_deals, "guarantor", Figure.NET_ASSETS, 10, from_date=START + 1)
    assert room(two_deals) == NONE
    assert room(two_deals, START + 1) == 1
    assert room(two_deals, START + 1, ppm=0) == NONE
    others = 2**80 - 1
    wide = two_deals.exposures.read("borrower_room", deal_id(DEAL), 1, START + 1, others)
    assert wide == NONE


def test_smallest_room_of_the_payers_that_declared_counts(fresh: Partnership, joint: Terms) -> None:
    layers = (
        Layer(payer="guarantor", share=500_000),
        Layer(payer="platform", share=500_000),
        Layer(payer="bank"),
        Layer(payer="guarantor"),
    )
    fresh.agree(replace(joint, layers=layers))
    for member, amount, expected in (("guarantor", 70, 7), ("bank", 90, 7), ("platform", 50, 5)):
        declare(fresh, member, Figure.NET_ASSETS, amount)
        assert room(fresh) == expected


@pytest.mark.parametrize(
    ("layers", "claim"),
    [((), Claim()), ((Layer(payer="platform", from_deposit=True),), Claim(days_past_due=90))],
)
def test_nobody_binds_where_nobody_pays_directly(
    fresh: Partnership, joint: Terms, layers: tuple[Layer, ...], claim: Claim
) -> None:
    fresh.agree(replace(joint, layers=layers, claim=claim, deposit=DEPOSIT))
    declare(fresh, "platform", Figure.NET_ASSETS, 0)
    assert room(fresh) == NONE


def test_borrower_may_owe_up_to_the_room_and_no_more(two_deals: Partnership) -> None:
    declare(two_deals, "guarantor", Figure.NET_ASSETS, 100_019)
    with refused("GUARANTEED_BORROWER_OVER_LIMIT"):
        two_deals.book(replace(LOAN, principal=10_002))
    two_deals.book(LOAN)
    one_more = replace(LOAN, loan="one more", principal=1)
    with refused("GUARANTEED_BORROWER_OVER_LIMIT"):
        two_deals.book(one_more)
    two_deals.book(replace(one_more, borrower="borrower-2"))
    two_deals.repay(Repayment(entry="r", loan="loan-1", principal=1))
    two_deals.book(replace(one_more, loan="one again"))


def test_what_a_borrower_owes_counts_over_the_leads_deals(two_deals: Partnership) -> None:
    declare(two_deals, "guarantor", Figure.NET_ASSETS, 150_000)
    two_deals.book(LOAN)
    with refused("GUARANTEED_BORROWER_OVER_LIMIT"):
        two_deals.book(replace(LOAN, principal=5_000), deal="assisted")
    two_deals.book(replace(LOAN, principal=4_999), deal="assisted")


def test_figure_of_each_loans_start_counts(two_deals: Partnership) -> None:
    declare(two_deals, "guarantor", Figure.NET_ASSETS, 10_000, from_date=START + 1)
    early = replace(LOAN, loan="early", borrower="borrower-2")
    two_deals.book(early)
    two_deals.book(replace(LOAN, principal=1_000, start=START + 1))
    two_deals.book(replace(early, loan="early 2", borrower="borrower-3"))
    with refused("GUARANTEED_BORROWER_OVER_LIMIT"):
        two_deals.book(replace(LOAN, loan="loan-2", principal=1, start=START + 1))


def test_limit_of_the_version_decides(fresh: Partnership, joint: Terms) -> None:
    fresh.agree(replace(joint, limits=Limits(max_guaranteed_borrower=200_000)))
    declare(fresh, "guarantor", Figure.NET_ASSETS, 50_005)
    fresh.book(LOAN)
    with refused("GUARANTEED_BORROWER_OVER_LIMIT"):
        fresh.book(replace(LOAN, loan="one more", principal=1))
