"""Subject: what a chart is asked of, with the days and names that its parts need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger import reading
from ledger.charts.chart import Chart, Label, Panel, Words
from ledger.money import PPM, date_of, half_up
from ledger.portfolio.vintages import end_of
from ledger.reading.journal import Move
from ledger.reckoning import month_of
from ledger.reporting.deals import shape

if TYPE_CHECKING:
    from ledger.book import Book
    from ledger.ledger import Ledger
    from ledger.reporting.report import Shape, Table

CLOSES_MAX = 62
"""Closes of days that a line has; of a longer time the ends of weeks or months."""
_WEEK_DAYS = 7
_DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is charted."""

    ledger: Ledger
    deal: str
    """Empty: of all."""
    member: str
    first: int | None
    """Days since 1970-01-01, as `last`; None: the first day with an entry,"""
    last: int | None
    """and the last."""
    days_past_due: int
    """From which vintages count a loan as overdue: one of `PAST_DUE_DAYS`."""

    @property
    def book(self) -> Book:
        """The ledger's book."""
        return self.ledger.book()

    def found(self) -> reading.Deal:
        """The deal that is asked for. Raises `UsageInvalid`."""
        return self.ledger.deal(self.deal)

    def shape(self) -> Shape:
        """The currency of the deal."""
        return shape(self.book, self.found())

    def names(self) -> Mapping[int, str]:
        """Members' ids by number."""
        return {one.number: one.member_id for one in reading.members(self.book)}

    def holds(self, day: int) -> bool:
        """Whether a day is one of those that are given; every day is where none are."""
        after = self.first is None or day >= self.first
        return after and (self.last is None or day <= self.last)

    def chart(
        self,
        name: str,
        *,
        days: tuple[int, int],
        at: tuple[int, bytes],
        title: Words,
        summary: Words,
        panels: Iterable[Panel],
        tables: Iterable[Table],
        notes: tuple[Label, ...] = (),
    ) -> Chart:
        """The chart of the deal over these days, as its book was at a block."""
        own = self.shape()
        return Chart(
            name=name,
            title=title,
            summary=summary,
            deal=self.deal,
            member="",
            first=days[0],
            last=days[1],
            currency=own.currency,
            decimals=own.decimals,
            head_block=at[0],
            head_hash=at[1],
            panels=tuple(panels),
            tables=tuple(tables),
            notes=notes,
        )

    def days(self, moved: Iterable[int]) -> tuple[int, int]:
        """First and last day, where they are not given those of what `moved`."""
        known = sorted(moved)
        last = known[-1] if known else self.ledger.engine.head().timestamp // _DAY_SECONDS
        last = last if self.last is None else self.last
        if self.first is not None:
            return self.first, max(self.first, last)
        return min(known[0] if known else last, last), last


def closes(first: int, last: int) -> list[int]:
    """Days at whose close a line has a value, the last one always among them."""
    days = range(first, last + 1)
    if len(days) <= CLOSES_MAX:
        return list(days)
    if len(days) <= CLOSES_MAX * _WEEK_DAYS:
        # Counted back from the last day, so that all weeks are whole.
        return sorted(range(last, first - 1, -_WEEK_DAYS))
    months = range(month_of(date_of(first)), month_of(date_of(last)) + 1)
    ends = {end_of(month) for month in months}
    return sorted({*(day for day in ends if day <= last), last})


def days_of(moved: Iterable[Move]) -> set[int]:
    """The days on which something moved."""
    return {one.day for one in moved}


def rate_ppm(part_minor: int, of_minor: int) -> int | None:
    """A share in ppm, half up; None of nothing."""
    if of_minor <= 0:
        return None
    return half_up(part_minor * PPM, of_minor) if part_minor >= 0 else None
