"""`period`: how a version divides the interest of a month."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import LAST_BOUND, Band, Period, Rule, Terms

ID = deal_id(DEAL)

EXCESS = Period(rule=Rule.EXCESS, to="platform", bank_return=70_000, share=600_000)
VOLUME = Period(
    rule=Rule.VOLUME,
    to="guarantor",
    whole=True,
    tiers=(Band(up_to=100, ppm=10), Band(ppm=20)),
    risk=(Band(up_to=5, ppm=1_000_000), Band(up_to=6, ppm=500_000), Band(ppm=0)),
)


def test_period_is_what_was_agreed(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, period=EXCESS), deal="excess")
    fresh.agree(replace(terms, period=VOLUME), deal="volume")
    excess = fresh.deals.read("period", deal_id("excess"), 1)
    assert excess == (1, 1, 70_000, 600_000, False, (), ())
    assert fresh.deals.read("period", deal_id("volume"), 1) == (
        2,
        2,
        0,
        0,
        True,
        ((100, 10), (LAST_BOUND, 20)),
        ((5, 1_000_000), (6, 500_000), (LAST_BOUND, 0)),
    )


def test_deal_without_a_period_has_rule_zero(agreed: Partnership) -> None:
    assert agreed.deals.read("period", ID, 1) == (0, 0, 0, 0, False, (), ())


def test_payee_of_no_rule_is_not_kept(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, period=Period(to=255)))
    assert fresh.deals.read("period", ID, 1) == (0, 0, 0, 0, False, (), ())


def test_period_of_a_former_version_stays(fresh: Partnership, terms: Terms) -> None:
    first = replace(terms, period=VOLUME)
    fresh.agree(first)
    before = fresh.deals.read("period", ID, 1)
    fresh.agree(replace(first, period=EXCESS, effective_date=terms.effective_date + 1))
    assert fresh.deals.read("period", ID, 1) == before
    assert fresh.deals.read("period", ID, 2)[0] == Rule.EXCESS


def test_unknown_deal_is_refused(agreed: Partnership) -> None:
    with refused("DEAL_UNKNOWN"):
        agreed.deals.read("period", deal_id("other"), 1)


def test_version_that_was_never_in_force_is_refused(agreed: Partnership, amended: Terms) -> None:
    agreed.propose(amended)
    for version in (0, 2, 3):
        with refused("DEAL_NOT_ACTIVE"):
            agreed.deals.read("period", ID, version)
