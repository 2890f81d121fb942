"""Profiles: the published figures, and portfolios that come to them."""

from __future__ import annotations

import pytest

from ledger.simulation.partnership import FEE_PPM, deal_terms
from ledger.simulation.plan import Plan, loans_at_scale
from ledger.simulation.profiles import PROFILES, Profile, Way
from ledger.simulation.simulating import simulate

YI_MINOR = 10**10


def test_volumes_add_up_to_those_published() -> None:
    assert sum(one.volume_minor for one in PROFILES) == 254_074 * YI_MINOR // 100


def test_the_mean_term_of_the_first_is_that_published() -> None:
    weights = sum(weight for _, weight in PROFILES[0].terms_months)
    months = sum(months * weight for months, weight in PROFILES[0].terms_months)
    assert months / weights == pytest.approx(10.1, abs=0.05)


def test_every_way_of_working_together_is_there_once() -> None:
    assert sorted(one.way for one in PROFILES) == sorted(Way)


def test_a_scale_is_a_part_of_the_real_number_of_loans() -> None:
    qifu = PROFILES[0]
    # 824.36 hundred million yuan in loans of 7 800.00 over a quarter.
    assert qifu.loans_a_month * 3 == pytest.approx(10_568_718, abs=3)
    assert loans_at_scale((qifu,), 3, 1_000) == 10_568


@pytest.mark.parametrize("profile", PROFILES, ids=lambda one: one.id)
def test_terms_are_valid_and_say_the_fee_that_is_charged(profile: Profile) -> None:
    terms = deal_terms(profile)
    fee = terms.fee.borrower_per_instalment if terms.fee else None
    assert (fee.share_ppm if fee else None) == FEE_PPM.get(profile.way)
    assert terms.servicer == profile.id


def test_earlier_vintages_are_as_bad_as_the_quarter_before() -> None:
    qifu = PROFILES[0]
    rates = [qifu.default_ppm(month) for month in range(6)]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] * 272 == pytest.approx(rates[5] * 340, rel=1e-3)


@pytest.mark.slow
def test_what_is_past_due_is_about_what_was_published() -> None:
    """Of what is lent, what reaches 90 days in a band of 90 days, by volume: flow = rate x 1.58."""
    for profile in PROFILES:
        played = simulate(Plan(profiles=(profile,), loans=12_000, months=24, every_days=31), None)
        # Those of the first months and those too young are left out.
        vintages = played.tenants[0].vintages[3:14]
        principal = sum(one.principal_minor for one in vintages)
        reached = sum(one.past_due_minor for one in vintages)
        expected = profile.overdue_ppm / 1e6 * 142.5 / 90
        assert reached / principal == pytest.approx(expected, rel=0.25), profile.id
        sizes = principal / sum(one.booked for one in vintages)
        assert sizes == pytest.approx(profile.loan_minor, rel=0.03), profile.id
