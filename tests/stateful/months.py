"""Months: what a deal's entries moved, and the statements that its months were closed with.

A statement is counted day by day over all that was known at its close, less what the statements
before it said: no sums are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from tests.contracts.sandbox.model import PPM, nearest, year_days
from tests.contracts.sandbox.terms import LAST_BOUND, Band, Period, Rule, Terms
from tests.contracts.settlements.periods import first_day, month_of

PAST_DUE = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What moved in a month."""

    principal: int = 0
    balance_days: int = 0
    """Principal times the days to the month's end."""
    interest: int = 0
    loss: int = 0
    disbursed: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an entry does to a loan and to the deal's result."""

    date: int
    principal: int = 0
    interest: int = 0
    loss: int = 0
    disbursed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A change in the month in which it landed."""

    landed: int
    change: Change
    late: Counter[int]
    """Since day to what that adds to the outstanding of loans overdue since then."""

    def due_by(self, month: int) -> int:
        """What it adds to the outstanding that is past due at the end of a month."""
        end = first_day(month + 1)
        return sum(amount for since, amount in self.late.items() if since + PAST_DUE < end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A closed month."""

    month: int
    rule: int
    opening: int
    outstanding: int
    balance_days: int
    interest: int
    loss: int
    disbursed: int
    overdue: int
    bank_return: int
    carried: int
    carry: int
    platform: int

    @property
    def counted(self) -> tuple[int, int, int]:
        """Balance days, interest and disbursed that the rule took account of: never below 0."""
        if self.rule == Rule.EXCESS:
            return max(0, self.balance_days), self.interest, self.disbursed
        return self.balance_days, max(0, self.interest), max(0, self.disbursed)


@dataclass(kw_only=True)
class Months:
    """The months of a deal with a period."""

    moves: list[Move] = field(default_factory=list)
    open_month: int = 0
    closed: list[Statement] = field(default_factory=list)

    def moved(self, change: Change, late: Counter[int]) -> None:
        """An entry was posted."""
        month = month_of(change.date)
        if not self.closed:
            self.open_month = min(month, self.open_month or month)
        landed = max(month, self.open_month)
        self.moves.append(Move(landed=landed, change=change, late=late))

    def figures(self, month: int) -> Figures:
        """What moved in a month."""
        own = [move for move in self.moves if move.landed == month]
        end = first_day(month + 1)
        return Figures(
            principal=sum(move.change.principal for move in own),
            balance_days=sum(move.change.principal * (end - move.change.date) for move in own),
            interest=sum(move.change.interest for move in own),
            loss=sum(move.change.loss for move in own),
            disbursed=sum(move.change.disbursed for move in own),
            overdue=self._overdue_by(month) - self._overdue_by(month - 1),
        )

    def _overdue_by(self, month: int) -> int:
        return sum(move.due_by(month) for move in self.moves if move.landed <= month)

    def known(self) -> list[int]:
        """Every month that is closed or in which anything moved or falls due, and the open one."""
        found = {move.landed for move in self.moves} | {one.month for one in self.closed}
        found |= {month_of(since + PAST_DUE) for move in self.moves for since in move.late}
        return sorted(found | {self.open_month} - {0})

    def close(self, terms: Terms) -> Statement:
        """The statement of the first open month."""
        month, end = self.open_month, first_day(self.open_month + 1)
        known = [move for move in self.moves if move.landed <= month]
        before = self.closed[-1] if self.closed else None
        days, interest, disbursed = (
            total - sum(one.counted[i] for one in self.closed)
            for i, total in enumerate(
                (
                    _by_days(known, end),
                    sum(move.change.interest for move in known),
                    sum(move.change.disbursed for move in known),
                )
            )
        )
        loss = sum(move.change.loss for move in known) - sum(one.loss for one in self.closed)
        carried = before.carry if before else 0
        bank_return, excess = 0, carried
        outstanding = sum(move.change.principal for move in known)
        overdue = self._overdue_by(month)
        period = terms.period
        if period.rule == Rule.EXCESS:
            year = year_days(terms.day_count) * PPM
            bank_return = nearest(Fraction(max(0, days) * period.bank_return, year))
            excess = interest - bank_return - loss + carried
            platform = nearest(max(0, excess) * Fraction(period.share, PPM))
        else:
            platform = volume_part(max(0, disbursed), max(0, interest), period)
        statement = Statement(
            month=month,
            rule=period.rule,
            opening=before.outstanding if before else 0,
            outstanding=outstanding,
            balance_days=days,
            interest=interest,
            loss=loss,
            disbursed=disbursed,
            overdue=overdue,
            bank_return=bank_return,
            carried=carried,
            carry=min(0, excess),
            platform=at_risk(platform, period.risk, overdue, outstanding),
        )
        self.closed.append(statement)
        self.open_month = month + 1
        return statement


def volume_part(disbursed: int, interest: int, period: Period) -> int:
    """The platform's part by what was disbursed."""
    if period.whole:
        return nearest(interest * Fraction(_band(period.tiers, Fraction(disbursed)).ppm, PPM))
    weighted = below = 0
    for tier in period.tiers:
        reached = disbursed if tier.up_to == LAST_BOUND else min(disbursed, tier.up_to)
        weighted += (reached - below) * tier.ppm
        below = reached
    return nearest(Fraction(interest * weighted, disbursed * PPM)) if disbursed else 0


def at_risk(amount: int, bands: Sequence[Band], overdue: int, outstanding: int) -> int:
    """An amount by the band of the ratio that is past due."""
    for band in bands:
        if band.up_to == LAST_BOUND or overdue * PPM <= band.up_to * outstanding:
            return nearest(amount * Fraction(band.ppm, PPM))
    return amount


def _band(bands: Sequence[Band], value: Fraction) -> Band:
    return next(band for band in bands if band.up_to == LAST_BOUND or value <= band.up_to)


def _by_days(moves: Sequence[Move], end: int) -> int:
    """The balance of each day, summed; a move counts on its own day, the end does not."""
    by_day: Counter[int] = Counter()
    for move in moves:
        by_day[move.change.date] += move.change.principal
    found = balance = 0
    for day in range(min(by_day, default=end), end):
        balance += by_day[day]
        found += balance
    return found
