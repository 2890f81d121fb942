"""Recomputed: the terms' own figures, and what another reading of the terms comes to.

The second way to a leg, to interest accrued and to an instalment; a reading that gives exactly what
the other side says is the cause of the difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations

from ledger.money import (
    PPM,
    DayCount,
    date_of,
    days_between,
    format,
    format_percent,
    half_up,
    year_days,
)
from ledger.reconcile.basis import LoanFacts
from ledger.schedules import Instalment, schedule
from ledger.tables import Tier
from ledger.terms import Terms
from ledger.waterfall import penalty_legs, principal_legs, tier_legs

Facts = dict[str, str | int]
Legs = Mapping[str, int]
_MOST_PERMUTED = 4


def outstanding_before(loan: LoanFacts, date: int) -> int:
    """Principal outstanding at the opening of a day, by what was repaid before it."""
    return loan.principal_minor - sum(one.principal_minor for one in loan.repaid if one.date < date)


def accrued_minor(loan: LoanFacts, date: int, *, day_count: DayCount | None = None) -> int:
    """Interest accrued and not paid at the opening of a day; below 0 when paid ahead."""
    count = day_count or loan.terms.day_count
    start, day = date_of(loan.start_date), date_of(date)
    balance_days = outstanding_before(loan, date) * days_between(start, day, count)
    paid = 0
    for one in loan.repaid:
        if one.date < date:
            balance_days += one.principal_minor * days_between(start, date_of(one.date), count)
            paid += one.interest_minor
    if date <= loan.start_date:
        return -paid
    return half_up(balance_days * loan.annual_rate_ppm, year_days(count) * PPM) - paid


def accrual_days(loan: LoanFacts, date: int) -> int:
    """Days since the loan last paid or started; at least 1."""
    since = max((one.date for one in loan.repaid if one.date < date), default=loan.start_date)
    return max(date - since, 1)


def accrual_cause(loan: LoanFacts, date: int, theirs: int) -> tuple[str, Facts] | None:
    """The day count by which interest accrued comes to what the other side says."""
    for other in DayCount:
        if other is not loan.terms.day_count:
            if abs(accrued_minor(loan, date, day_count=other) - theirs) <= 1:
                return "day_count", {"own": loan.terms.day_count.value, "other": other.value}
    return None


def interest_cause(loan: LoanFacts, date: int, ours: int, theirs: int) -> tuple[str, Facts] | None:
    """Why interest of one repayment differs, when another reading gives exactly theirs.

    Only where ours is what the terms come to: else nothing is known of how it was reckoned.
    """
    for own, others in _readings(loan, date):
        if own.minor != ours:
            continue
        for other in others:
            if other.minor == theirs:
                return other.cause, _facts(loan, own, other)
        if theirs in own.roundings:
            return "rounding", _facts(loan, own, own, rounded=theirs)
    return None


class _Reading:
    """Interest of some days on some principal by one day count."""

    def __init__(
        self, loan: LoanFacts, base: int, days: int, count: DayCount, cause: str = "day_count"
    ) -> None:
        self.base, self.days, self.count, self.cause = base, days, count, cause
        numerator, unit = base * loan.annual_rate_ppm * days, year_days(count) * PPM
        self.minor = half_up(numerator, unit)
        daily = half_up(base * loan.annual_rate_ppm, unit) * days
        self.roundings = {numerator // unit, -(-numerator // unit), daily} - {self.minor}


def _readings(loan: LoanFacts, date: int) -> Iterator[tuple[_Reading, list[_Reading]]]:
    """Own reading and all others: by the days since the last repayment, then by the schedule."""
    own = loan.terms.day_count
    last = max((one.date for one in loan.repaid if one.date < date), default=loan.start_date)
    base = outstanding_before(loan, date)
    if base > 0 and date > last:
        days = {count: days_between(date_of(last), date_of(date), count) for count in DayCount}
        yield (
            _Reading(loan, base, days[own], own),
            [
                *(_Reading(loan, base, days[other], other) for other in DayCount if other != own),
                _Reading(loan, base, days[own] + 1, own, "both_ends"),
            ],
        )
    place = sum(one.date < date for one in loan.repaid)
    instalments = {count: _instalment(loan, count, place) for count in DayCount}
    mine = instalments[own]
    if mine is None:
        return
    read = {
        count: _Reading(loan, one.outstanding_minor + one.principal_minor, one.days, count)
        for count, one in instalments.items()
        if one is not None
    }
    yield read.pop(own), list(read.values())


def _instalment(loan: LoanFacts, count: DayCount, place: int) -> Instalment | None:
    instalments = schedule(
        method=loan.method,
        principal_minor=loan.principal_minor,
        annual_rate_ppm=loan.annual_rate_ppm,
        day_count=count,
        start_date=date_of(loan.start_date),
        maturity_date=date_of(loan.maturity_date),
    )
    return instalments[place] if place < len(instalments) else None


def _facts(loan: LoanFacts, own: _Reading, other: _Reading, *, rounded: int | None = None) -> Facts:
    return {
        "own": own.count.value,
        "other": other.count.value,
        "own_days": own.days,
        "other_days": other.days,
        "base_minor": own.base,
        "rate": format_percent(loan.annual_rate_ppm),
        "formula": _formula(loan, own, own.minor),
        "other_formula": _formula(loan, other, other.minor if rounded is None else rounded),
    }


def _formula(loan: LoanFacts, reading: _Reading, result: int) -> str:
    decimals = loan.terms.decimals
    rate = format_percent(loan.annual_rate_ppm)
    base, year = format(reading.base, decimals), year_days(reading.count)
    return f"{base} × {rate} × {reading.days} / {year} = {format(result, decimals)}"


# ---- legs


def booking_legs(terms: Terms, principal_minor: int) -> dict[str, int]:
    """Each funder's part of a loan (M3)."""
    parts = principal_legs(principal_minor, principal_minor, terms.shares_ppm)
    return dict(zip(terms.funders, parts, strict=True))


def repayment_legs(
    loan: LoanFacts,
    outstanding_minor: int,
    amounts: Sequence[int],
    tiers: Sequence[Tier] | None = None,
) -> dict[str, int]:
    """What each party gets of a repayment, all buckets together.

    `amounts`: principal, interest, penalty, fee. `tiers`: of interest, another order.
    """
    terms = loan.terms
    principal, interest, penalty, fee = amounts
    funding = list(zip(terms.funders, terms.shares_ppm, strict=True))
    of_interest = tier_legs(
        interest,
        terms.interest if tiers is None else tiers,
        funding,
        annual_rate_ppm=loan.annual_rate_ppm,
    )
    principal = min(principal, outstanding_minor)
    parts = principal_legs(outstanding_minor, principal, terms.shares_ppm)
    found: dict[str, int] = dict(zip(terms.funders, parts, strict=True))
    for more in (of_interest, penalty_legs(penalty, terms), fee_legs(terms, fee)):
        for party, part in more.items():
            found[party] = found.get(party, 0) + part
    return {party: part for party, part in found.items() if part}


def fee_legs(terms: Terms, fee_minor: int) -> dict[str, int]:
    """Who gets what of a borrower's fee."""
    if terms.fee is None or not fee_minor:
        return {}
    found: dict[str, int] = {}
    rest = fee_minor
    for share in terms.fee.split or ():
        part = half_up(rest * share.share_ppm, PPM)
        found[share.to] = found.get(share.to, 0) + part
        rest -= part
    found[terms.fee.to] = found.get(terms.fee.to, 0) + rest
    return found


def legs_cause(
    ours: Legs, theirs: Legs, loan: LoanFacts | None, amounts: Sequence[int], before: int
) -> tuple[str, Facts]:
    """Why the parts of parties differ. `amounts` of the line: one for a loan, four repaid."""
    parties = sorted({*ours, *theirs}, key=lambda party: (-ours.get(party, 0), party))
    differences = {p: theirs.get(p, 0) - ours.get(p, 0) for p in parties}
    wrong = [party for party in parties if differences[party]]
    facts: Facts = {"party": wrong[0], "difference_minor": max(map(abs, differences.values()))}
    facts["parties"] = " ".join(wrong)
    if all(abs(difference) <= len(amounts) for difference in differences.values()):
        if loan is not None:
            facts["formula"] = _share_formula(loan, wrong[-1], amounts)
        return ("rounding" if "formula" in facts else "rounding_legs"), facts
    if loan is not None and len(amounts) == 4 and 1 < len(loan.terms.interest) <= _MOST_PERMUTED:
        for tiers in permutations(loan.terms.interest):
            if repayment_legs(loan, before, amounts, tiers) == {
                p: a for p, a in theirs.items() if a
            }:
                order = " → ".join(tier.to for tier in tiers)
                return "tier_order", {**facts, "order": order}
    return "legs", facts


def _share_formula(loan: LoanFacts, party: str, amounts: Sequence[int]) -> str:
    """A party's exact part of the first amount, before any rounding."""
    shares = dict(zip(loan.terms.funders, loan.terms.shares_ppm, strict=True))
    share, amount = shares.get(party, 0), next((one for one in amounts if one), 0)
    decimals = loan.terms.decimals
    exact = format(amount * share, decimals + 6).rstrip("0").rstrip(".")
    return f"{party}: {format(amount, decimals)} × {format_percent(share)} = {exact}"
