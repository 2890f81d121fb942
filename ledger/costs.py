"""Costs: what a loan costs its borrower a year with every fee (综合融资成本), against a ceiling.

Nominal rates are never added up and no refusal rests on a searched root: a loan costs at most a
yearly rate r when its payments, discounted by r / 12 a month, are worth no more than what its
borrower received. Multiplied out, that is one comparison of integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger import limits
from ledger.entries import Booking
from ledger.limits import COST_OVER_LIMIT as COST_OVER_LIMIT
from ledger.messages import text
from ledger.money import PPM, DayCount, days_between, format
from ledger.schedules import due_dates, month_after, schedule
from ledger.tables import Fee
from ledger.terms import Terms

_MONTH_DAYS = 30
_UNIT = 12 * _MONTH_DAYS * PPM
"""One, where a rate of one part per million a year grows by one a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """A loan's payments against the ceiling of its day."""

    ceiling_ppm: int
    """A year."""
    received_minor: int
    """The principal less what is paid at the start; below 0 when that is more."""
    payments_minor: tuple[int, ...]
    """Of each instalment: principal, interest and fee."""
    passes: bool
    largest_level_minor: int
    """The largest equal instalment that passes."""


MAX_COST_PPM = 100 * PPM
"""A year; where the search for a cost ends."""


def check(loan: Booking, terms: Terms) -> Cost | None:
    """The cost of a loan under terms of which its borrower pays a fee; None where none is checked.

    None when the terms state no fee of the borrower: the loan's rate, which has its own limit, is
    then the cost, and that instalments are rounded to the minor unit is no cost. None too when
    neither the deal nor its rule packs have a ceiling on the day the loan starts.
    """
    fee = fee_of_borrower(terms)
    if fee is None:
        return None
    ceiling_ppm = terms.limits_at(loan.start_date).max_all_in_cost_ppm
    if ceiling_ppm is None:
        return None
    received, payments = _flows(loan, terms, fee)
    worth = _worths(_months(loan), len(payments), ceiling_ppm)
    return Cost(
        ceiling_ppm=ceiling_ppm,
        received_minor=received,
        payments_minor=payments,
        passes=_present(payments, worth) <= received * worth[0],
        largest_level_minor=max(0, received) * worth[0] // sum(worth[1:]),
    )


def all_in_ppm(loan: Booking, terms: Terms) -> int:
    """What a loan costs a year by its schedule: the lowest ceiling, in whole ppm, that it passes.

    For statistics of what borrowers pay; whether a loan is within a ceiling is `check`'s to say.
    The loan's rate where the terms state no fee of the borrower. `MAX_COST_PPM` for what costs
    that much or more.
    """
    fee = fee_of_borrower(terms)
    if fee is None:
        return loan.annual_rate_ppm
    received, payments = _flows(loan, terms, fee)
    months = _months(loan)

    def passes(ceiling_ppm: int) -> bool:
        worth = _worths(months, len(payments), ceiling_ppm)
        return _present(payments, worth) <= received * worth[0]

    low, step = -1, max(loan.annual_rate_ppm, 1)
    while step < MAX_COST_PPM and not passes(step):
        low, step = step, 2 * step
    high = min(step, MAX_COST_PPM)
    while high - low > 1:
        middle = (low + high) // 2
        if passes(middle):
            high = middle
        else:
            low = middle
    return high


def fee_of_borrower(terms: Terms) -> Fee | None:
    """The fee that terms state of the borrower; None: the loan's rate is all that it costs."""
    fee = terms.fee
    if fee is None or (fee.borrower_per_instalment is None and fee.borrower_upfront is None):
        return None
    return fee


def _flows(loan: Booking, terms: Terms, fee: Fee) -> tuple[int, tuple[int, ...]]:
    """What the borrower receives at the start, and what it pays with each instalment."""
    instalments = schedule(
        method=loan.method,
        principal_minor=loan.principal_minor,
        annual_rate_ppm=loan.annual_rate_ppm,
        day_count=terms.day_count,
        start_date=loan.start_date,
        maturity_date=loan.maturity_date,
    )
    principal = loan.principal_minor
    each = fee.borrower_per_instalment.of(principal) if fee.borrower_per_instalment else 0
    received = principal - (fee.borrower_upfront.of(principal) if fee.borrower_upfront else 0)
    return received, tuple(one.instalment_minor + each for one in instalments)


def explained(loan: Booking, terms: Terms, cost: Cost) -> str:
    """Why a loan that does not pass is refused: the rule of the ceiling, and what would pass."""
    figures = text(
        "limits.cost",
        instalment=format(max(cost.payments_minor), terms.decimals),
        received=format(cost.received_minor, terms.decimals),
        largest=format(cost.largest_level_minor, terms.decimals),
    )
    reason = limits.explained(terms, COST_OVER_LIMIT, loan.start_date)
    return text("problem.separator").join([reason, figures])


def within(received_minor: int, payments_minor: Sequence[int], ceiling_ppm: int) -> bool:
    """Whether payments at the end of each month cost at most `ceiling_ppm` a year."""
    worth = _worths([_MONTH_DAYS] * len(payments_minor), len(payments_minor), ceiling_ppm)
    return _present(payments_minor, worth) <= received_minor * worth[0]


def _present(payments_minor: Sequence[int], worth: Sequence[int]) -> int:
    return sum(pay * value for pay, value in zip(payments_minor, worth[1:], strict=True))


def _worths(months: Sequence[int], payments: int, ceiling_ppm: int) -> list[int]:
    """What one minor unit is worth at the start and at each of the last `payments` months' ends.

    With u for `_UNIT` and g for what u grows to in a month, u^t * g^(n-t) at the end of month t:
    the same ratios as (1 + r / 12)^-t, in whole numbers.
    """
    growths = [_UNIT + ceiling_ppm * days for days in months]
    worth = [1]
    for growth in growths:
        worth = [value * growth for value in worth] + [worth[-1] * _UNIT]
    return [worth[0], *worth[len(worth) - payments :]]


def _months(loan: Booking) -> list[int]:
    """Days of each month of the loan, by 30/360; a last one may be shorter."""
    dates = due_dates(loan.start_date, loan.maturity_date)
    days = [_MONTH_DAYS] * len(dates)
    if dates[-1] != month_after(loan.start_date, len(dates)):
        whole = _MONTH_DAYS * (len(dates) - 1)
        days[-1] = days_between(loan.start_date, dates[-1], DayCount.THIRTY_360) - whole
    return days
