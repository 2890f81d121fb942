"""Exchanges: the calendar, cut into windows of days after which both sides exchange their files.

A window never crosses the end of a month, so that every month is closed on its last day.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ledger.money import day_number
from ledger.schedules import month_after

WEEKDAY, WEEKEND = 10, 7
"""Loans on a day of the week, of each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A window of days, both included."""

    number: int
    first: date
    last: date
    month: int
    """Of the calendar, from 0."""

    @property
    def closes_month(self) -> bool:
        """Whether it ends a month."""
        return self.last.day == monthrange(self.last.year, self.last.month)[1]

    @property
    def days(self) -> list[date]:
        """Every day of it."""
        return [self.first + timedelta(at) for at in range((self.last - self.first).days + 1)]


class Calendar:
    """The months of a simulation."""

    def __init__(self, first: date, months: int, every_days: int) -> None:
        """`first` is the first of a month; windows have `every_days` days, at most a month."""
        assert first.day == 1 and months > 0 and every_days > 0, (first, months, every_days)
        self.first = first
        self.end = month_after(first, months)
        """The day after the last."""
        self.exchanges = tuple(_windows(first, months, every_days))
        self._first_day = day_number(first)
        self._of_day = [one.number for one in self.exchanges for _ in one.days]

    def window_of(self, day: int) -> int | None:
        """The number of the window that a day is in; None after the calendar's end."""
        place = day - self._first_day
        assert place >= 0, "a day before the calendar"
        return self._of_day[place] if place < len(self._of_day) else None

    def loans_by_day(self, count: int) -> dict[date, int]:
        """So many loans over all days, fewer at weekends."""
        days = [day for one in self.exchanges for day in one.days]
        return dict(zip(days, spread(count, [_weight(day) for day in days]), strict=True))


def spread(count: int, weights: Sequence[int]) -> list[int]:
    """A count over places by their weights, evenly: what is due by each place, less what came."""
    total, through, came = sum(weights), 0, 0
    parts = []
    for weight in weights:
        through += weight
        due = count * through // total
        parts.append(due - came)
        came = due
    assert sum(parts) == count
    return parts


def _weight(day: date) -> int:
    return WEEKEND if day.weekday() >= 5 else WEEKDAY


def _windows(first: date, months: int, every_days: int) -> list[Exchange]:
    windows: list[Exchange] = []
    for month in range(months):
        day, end = month_after(first, month), month_after(first, month + 1)
        while day < end:
            last = min(day + timedelta(every_days - 1), end - timedelta(1))
            windows.append(Exchange(number=len(windows), first=day, last=last, month=month))
            day = last + timedelta(1)
    return windows
