"""Schedules: what a borrower owes on which day (还款计划), and each party's part of it.

A schedule follows from the loan's particulars and the deal's day count alone: nothing of it is
stored. Every division is M1 and the last period takes what is left (尾差).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from ledger.consortium import FUNDERS
from ledger.entries import Method
from ledger.money import PPM, DayCount, apportion, days_between, half_up, year_days
from ledger.terms import Terms
from ledger.waterfall import interest_legs, principal_legs

_MONTH_DAYS = 30
"""Days of a whole month by 30/360, whatever the calendar says: a twelfth of the year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instalment:
    """What falls due at the end of one period (一期)."""

    period: int
    """Number of the period, from 1."""
    start_date: date
    """First day of the period; it bears interest (算头)."""
    due_date: date
    """Day the instalment is due; it bears interest in the next period, not in this (不算尾)."""
    days: int
    """Days of interest by the deal's day count."""
    principal_minor: int
    interest_minor: int
    outstanding_minor: int
    """Principal that is outstanding once the instalment is paid; 0 after the last."""

    @property
    def instalment_minor(self) -> int:
        """Principal and interest."""
        return self.principal_minor + self.interest_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One party's part of one instalment."""

    principal_minor: int
    interest_minor: int
    outstanding_minor: int
    """Its part of the principal that is outstanding once the instalment is paid."""


def month_after(start_date: date, months: int) -> date:
    """The same day of the month `months` later, or that month's last day where it has none.

    Counted from the start and not from the month before: 31 January, 28 February, 31 March.
    """
    years, month = divmod(start_date.month - 1 + months, 12)
    year, month = start_date.year + years, month + 1
    return date(year, month, min(start_date.day, monthrange(year, month)[1]))


def due_dates(start_date: date, maturity_date: date) -> list[date]:
    """Monthly on the day of the month of the start; the last is the maturity.

    A maturity on another day ends a shorter last period. `maturity_date` is after `start_date`.
    """
    assert start_date < maturity_date, (start_date, maturity_date)
    dates: list[date] = []
    while (due := month_after(start_date, len(dates) + 1)) < maturity_date:
        dates.append(due)
    return [*dates, maturity_date]


def schedule(
    *,
    method: Method,
    principal_minor: int,
    annual_rate_ppm: int,
    day_count: DayCount,
    start_date: date,
    maturity_date: date | None = None,
    periods: int | None = None,
) -> tuple[Instalment, ...]:
    """The schedule of a loan, by its maturity or by its number of monthly periods, not both.

    `principal_minor` > 0, `annual_rate_ppm` >= 0, `periods` > 0. Principal adds up to
    `principal_minor`; no amount is negative. A bullet loan has one period, from start to maturity.
    """
    assert (maturity_date is None) != (periods is None), "either a maturity or periods"
    assert principal_minor > 0 and annual_rate_ppm >= 0, (principal_minor, annual_rate_ppm)
    if maturity_date is None:
        assert periods is not None and periods > 0, periods
        maturity_date = month_after(start_date, periods)
    dates = due_dates(start_date, maturity_date)
    days = _days(start_date, dates, day_count)
    if method is Method.BULLET:
        dates, days = [maturity_date], [sum(days)]
    unit = PPM * year_days(day_count)
    daily = [annual_rate_ppm * count for count in days]
    interest, principal = _amounts(method, principal_minor, daily, unit)
    made: list[Instalment] = []
    outstanding, since = principal_minor, start_date
    for period, due in enumerate(dates):
        outstanding -= principal[period]
        made.append(
            Instalment(
                period=period + 1,
                start_date=since,
                due_date=due,
                days=days[period],
                principal_minor=principal[period],
                interest_minor=interest[period],
                outstanding_minor=outstanding,
            )
        )
        since = due
    assert outstanding == 0
    return tuple(made)


def _days(start_date: date, dates: Sequence[date], day_count: DayCount) -> list[int]:
    """Days of interest of each period; by 30/360 a whole month has 30, also in February."""
    if day_count is not DayCount.THIRTY_360:
        starts = [start_date, *dates[:-1]]
        return [(due - since).days for since, due in zip(starts, dates, strict=True)]
    whole = len(dates) - 1
    if dates[-1] == month_after(start_date, len(dates)):
        last = _MONTH_DAYS
    else:
        # From the start, so that the days of a loan never depend on where its months are cut.
        last = days_between(start_date, dates[-1], day_count) - _MONTH_DAYS * whole
    return [_MONTH_DAYS] * whole + [last]


def _amounts(
    method: Method, principal_minor: int, rates: Sequence[int], unit: int
) -> tuple[list[int], list[int]]:
    """Interest and principal of each period; a period's rate is `rates[i] / unit`."""
    count = len(rates)
    level = 0
    if method is Method.EQUAL_INSTALLMENT:
        level = _level_instalment(principal_minor, rates, unit)
    elif method is Method.EQUAL_PRINCIPAL:
        level = half_up(principal_minor, count)
    outstanding = principal_minor
    interest: list[int] = []
    principal: list[int] = []
    for period, rate in enumerate(rates, start=1):
        due = half_up(outstanding * rate, unit)
        if period == count:
            paid = outstanding
        elif method is Method.EQUAL_INSTALLMENT:
            # A long month of a loan that is nearly all interest may bear more than the instalment.
            paid = min(max(level - due, 0), outstanding)
        else:
            paid = min(level, outstanding)
        interest.append(due)
        principal.append(paid)
        outstanding -= paid
    return interest, principal


def _level_instalment(principal_minor: int, rates: Sequence[int], unit: int) -> int:
    """The instalment that, all at full precision, leaves nothing after the last period.

    With g = unit + rate: P * g1 * .. * gn / sum over k of (unit^k * g(k+1) * .. * gn). With equal
    periods that is the annuity P * i * (1 + i)^n / ((1 + i)^n - 1).
    """
    grown, paid, power = principal_minor, 0, 1
    for rate in rates:
        growth = unit + rate
        power *= unit
        grown *= growth
        paid = paid * growth + power
    return half_up(grown, paid)


def parts(
    instalments: Iterable[Instalment], terms: Terms, *, annual_rate_ppm: int
) -> tuple[dict[str, Part], ...]:
    """Each instalment divided as its repayment will be: principal by M3, interest by M4.

    Every party that may have a part is in every one: the funders, then those of the interest
    tiers, in order. `annual_rate_ppm` is the loan's.
    """
    tiers = (tier.to for tier in terms.interest if tier.to != FUNDERS)
    parties = tuple(dict.fromkeys([*terms.funders, *tiers]))
    shares = terms.shares_ppm
    divided: list[dict[str, Part]] = []
    for one in instalments:
        before = one.outstanding_minor + one.principal_minor
        principal = _by_funder(terms, principal_legs(before, one.principal_minor, shares))
        outstanding = _by_funder(terms, apportion(one.outstanding_minor, shares))
        interest = interest_legs(one.interest_minor, annual_rate_ppm, terms)
        divided.append(
            {
                party: Part(
                    principal_minor=principal.get(party, 0),
                    interest_minor=interest.get(party, 0),
                    outstanding_minor=outstanding.get(party, 0),
                )
                for party in parties
            }
        )
    return tuple(divided)


def _by_funder(terms: Terms, legs: Sequence[int]) -> dict[str, int]:
    return dict(zip(terms.funders, legs, strict=True))
