"""Schedules: principal adds up, interest is that of the outstanding, parts add up to the whole."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger import terms
from ledger.entries import Method
from ledger.money import MAX_AMOUNT_MINOR, DayCount, apportion, half_up, year_days
from ledger.schedules import due_dates, month_after, parts, schedule

_BANK, _PLATFORM, _CITY = ("bank-a", "platform-p", "bank-b")


def _deal(shares: dict[str, str], interest: list[dict[str, str]]) -> terms.Terms:
    return terms.read(
        {
            "id": "joint-1",
            "mode": "joint",
            "currency": "CNY",
            "day_count": "ACT/360",
            "servicer": _PLATFORM,
            "disbursed_by": _BANK,
            "collected_by": _BANK,
            "funding": [{"party": party, "share": share} for party, share in shares.items()],
            "interest": interest,
        }
    )


DEALS = [
    _deal({_BANK: "70%", _PLATFORM: "30%"}, [{"to": _PLATFORM, "share": "20%"}]),
    _deal({_BANK: "55%", _CITY: "35%", _PLATFORM: "10%"}, []),
    _deal({_BANK: "100%"}, [{"to": "funders", "rate": "7%"}, {"to": _PLATFORM, "share": "60%"}]),
]
principals = st.one_of(
    st.integers(1, 200), st.integers(1, 10**9), st.integers(1, MAX_AMOUNT_MINOR)
)
rates = st.one_of(st.just(0), st.integers(0, 360_000), st.integers(0, 10_000_000))
starts = st.dates(date(1970, 1, 1), date(2100, 12, 31))


@st.composite
def loans(draw: st.DrawFn) -> dict[str, Any]:
    start = draw(starts)
    maturity = start + timedelta(days=draw(st.integers(1, 2_000)))
    return {
        "method": draw(st.sampled_from(Method)),
        "principal_minor": draw(principals),
        "annual_rate_ppm": draw(rates),
        "day_count": draw(st.sampled_from(DayCount)),
        "start_date": start,
        "maturity_date": maturity,
    }


@given(loans())
def test_principal_adds_up_and_no_amount_is_negative(loan: dict[str, Any]) -> None:
    made = schedule(**loan)
    assert sum(one.principal_minor for one in made) == loan["principal_minor"]
    assert min(min(one.principal_minor, one.interest_minor) for one in made) >= 0
    outstanding = loan["principal_minor"]
    for one in made:
        outstanding -= one.principal_minor
        assert one.outstanding_minor == outstanding
        assert one.instalment_minor == one.principal_minor + one.interest_minor


@given(loans())
def test_interest_is_that_of_the_outstanding_for_the_days_of_the_period(
    loan: dict[str, Any],
) -> None:
    unit = 1_000_000 * year_days(loan["day_count"])
    for one in schedule(**loan):
        before = one.outstanding_minor + one.principal_minor
        assert one.interest_minor == half_up(before * loan["annual_rate_ppm"] * one.days, unit)


@given(loans())
def test_periods_follow_each_other_from_start_to_maturity(loan: dict[str, Any]) -> None:
    made = schedule(**loan)
    assert [one.period for one in made] == list(range(1, len(made) + 1))
    edges = [loan["start_date"], *(one.due_date for one in made)]
    assert [one.start_date for one in made] == edges[:-1]
    assert edges[-1] == loan["maturity_date"]
    assert all(a < b for a, b in pairwise(edges))
    days = sum(one.days for one in made)
    if loan["day_count"] is DayCount.THIRTY_360:
        assert all(one.days == 30 for one in made[:-1]) or loan["method"] is Method.BULLET
        assert 0 <= made[-1].days <= 30 or loan["method"] is Method.BULLET
    else:
        assert days == (loan["maturity_date"] - loan["start_date"]).days


@given(loans())
def test_days_of_a_loan_are_the_same_by_every_method(loan: dict[str, Any]) -> None:
    days = {sum(one.days for one in schedule(**{**loan, "method": method})) for method in Method}
    assert len(days) == 1


@given(starts, st.integers(1, 240))
def test_due_days_are_the_day_of_the_start_or_the_last_of_the_month(
    start: date, months: int
) -> None:
    dates = due_dates(start, month_after(start, months))
    assert len(dates) == months
    for due in dates:
        assert due.day == start.day or (
            due.day < start.day and (due + timedelta(days=1)).month != due.month
        )


@given(
    st.integers(10**4, 10**10), rates, st.integers(1, 60), starts, st.sampled_from(DayCount)
)
def test_level_instalment_is_the_nearest_that_is_worth_the_principal(
    principal: int, rate_ppm: int, periods: int, start: date, day_count: DayCount
) -> None:
    made = schedule(
        method=Method.EQUAL_INSTALLMENT,
        principal_minor=principal,
        annual_rate_ppm=rate_ppm,
        day_count=day_count,
        start_date=start,
        periods=periods,
    )
    worth, factor = Fraction(0), Fraction(1)
    for one in made:
        factor /= 1 + Fraction(rate_ppm * one.days, 1_000_000 * year_days(day_count))
        worth += factor
    # Exactly half way goes up.
    exact = Fraction(principal) / worth
    level = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
    for one in made[:-1]:
        before = one.outstanding_minor + one.principal_minor
        expected = max(level, one.interest_minor)
        assert one.instalment_minor == min(expected, one.interest_minor + before)


@given(loans(), st.sampled_from(DEALS))
def test_parts_add_up_to_the_instalment_and_each_funder_gets_back_what_it_put_in(
    loan: dict[str, Any], deal: terms.Terms
) -> None:
    made = schedule(**loan)
    divided = parts(made, deal, annual_rate_ppm=loan["annual_rate_ppm"])
    for one, own in zip(made, divided, strict=True):
        for name in ("principal_minor", "interest_minor", "outstanding_minor"):
            legs = [getattr(part, name) for part in own.values()]
            assert sum(legs) == getattr(one, name)
            assert min(legs) >= 0
    received = [sum(own[party].principal_minor for own in divided) for party in deal.funders]
    assert received == apportion(loan["principal_minor"], deal.shares_ppm)
