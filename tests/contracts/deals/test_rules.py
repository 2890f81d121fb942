"""`rules`: the limits on a loan by its first day, and whether one may be booked at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.deals.acts import closed, suspend
from tests.contracts.sandbox.entries import LAST_DAY
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Limits, Terms

ID = deal_id(DEAL)


def rules(partnership: Partnership, day: int, version: int = 1) -> Any:
    return partnership.deals.read("rules", ID, version, day)


def test_rules_pack_every_limit_at_its_place(fresh: Partnership, terms: Terms) -> None:
    limits = Limits(
        min_partner_share=1,
        max_annual_rate=2**24 - 1,
        max_per_borrower=2**64 - 3,
        max_per_consumer=2**64 - 4,
        max_bullet_days=2**16 - 1,
        max_outstanding=2**64 - 6,
        max_concentration=2**24 - 7,
        max_joint_share=2**24 - 8,
        max_guarantee_multiple=2**32 - 9,
        max_guaranteed_borrower=2**24 - 10,
    )
    fresh.agree(replace(terms, limits=limits))
    assert rules(fresh, terms.effective_date) == (
        2**24 - 1 | (2**16 - 1) << 24 | (2**64 - 3) << 40 | (2**64 - 6) << 104 | (2**64 - 4) << 168,
        2**24 - 7 | (2**24 - 8) << 24 | (2**32 - 9) << 48 | (2**24 - 10) << 80,
        LAST_DAY,
    )


def test_limits_of_the_loans_first_day_hold_until_the_next(
    fresh: Partnership, terms: Terms
) -> None:
    first = terms.effective_date
    fresh.agree(
        replace(
            terms,
            limits=(
                Limits(max_annual_rate=10),
                Limits(from_date=first + 1, max_annual_rate=20, max_joint_share=1),
                Limits(from_date=first + 100, max_annual_rate=30),
            ),
        )
    )
    assert rules(fresh, first) == (10, 0, first + 1)
    assert rules(fresh, first + 1) == (20, 1 << 24, first + 100)
    assert rules(fresh, first + 99) == (20, 1 << 24, first + 100)
    assert rules(fresh, first + 100) == (30, 0, LAST_DAY)
    assert rules(fresh, LAST_DAY - 1) == (30, 0, LAST_DAY)


@pytest.mark.parametrize(("later", "until"), [(50, 50), (100, 100), (150, 100)])
def test_rules_end_where_the_next_limits_or_the_next_version_begin(
    fresh: Partnership, terms: Terms, later: int, until: int
) -> None:
    first = terms.effective_date
    fresh.agree(replace(terms, limits=(Limits(), Limits(from_date=first + 100))))
    fresh.agree(replace(terms, effective_date=first + later))
    assert rules(fresh, first)[-1] == first + until
    assert rules(fresh, first + later, 2)[-1] == LAST_DAY


def test_each_version_rules_its_own_days(agreed: Partnership, amended: Terms) -> None:
    """D3."""
    agreed.agree(amended)
    first, later = agreed_from(agreed), amended.effective_date
    for version, inside, outside in ((1, later - 1, later), (2, later, later - 1)):
        rules(agreed, inside, version)
        with refused("VERSION_NOT_IN_FORCE"):
            rules(agreed, outside, version)
    with refused("VERSION_NOT_IN_FORCE"):
        rules(agreed, first - 1)
    for day in (LAST_DAY, 2**256 - 1):
        with refused("VERSION_NOT_IN_FORCE"):
            rules(agreed, day, 2)


def agreed_from(partnership: Partnership) -> int:
    places: int = partnership.deals.read("division", ID, 1)[4]
    return places >> 48 & 65_535


def test_suspended_deal_is_refused(agreed: Partnership, terms: Terms) -> None:
    suspend(agreed, "bank")
    with refused("DEAL_SUSPENDED"):
        rules(agreed, terms.effective_date)


def test_closed_deal_is_refused(agreed: Partnership, terms: Terms) -> None:
    suspend(agreed, "bank")
    closed(agreed)
    with refused("DEAL_CLOSED"):
        rules(agreed, terms.effective_date)


def test_unknown_deal_is_refused(agreed: Partnership, terms: Terms) -> None:
    with refused("DEAL_UNKNOWN"):
        agreed.deals.read("rules", deal_id("other"), 1, terms.effective_date)


def test_version_that_was_never_in_force_is_refused(agreed: Partnership, amended: Terms) -> None:
    agreed.propose(amended)
    for version in (0, 2, 3):
        with refused("DEAL_NOT_ACTIVE"):
            rules(agreed, amended.effective_date, version)
