"""Vintages: loans by the month of their disbursement, at each month's end since (账龄分析).

A cell is what the loans of one month come to at one month's end: what is outstanding, what of it is
30, 60 and 90 or more days past due, and the net loss so far; before and after compensation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

from ledger.money import date_of
from ledger.portfolio.standing import Standing, View
from ledger.reckoning import first_day, month_of

PAST_DUE_DAYS = (30, 60, 90)


@dataclass(slots=True)
class Cell:
    """Loans of one month at one month's end. Minor units."""

    loans: int = 0
    disbursed_minor: int = 0
    balance_minor: int = 0
    past_due_minor: list[int] = field(default_factory=lambda: [0] * len(PAST_DUE_DAYS))
    """Of the balance, by `PAST_DUE_DAYS`: that many days past due, or more."""
    loss_minor: int = 0

    def add(self, standing: Standing, view: View) -> None:
        """One more loan."""
        balance = standing.balance_minor(view)
        self.loans += 1
        self.disbursed_minor += standing.disbursed_minor
        self.balance_minor += balance
        self.loss_minor += standing.loss_minor(view)
        for at, days in enumerate(PAST_DUE_DAYS):
            if standing.days_past_due >= days:
                self.past_due_minor[at] += balance


class Age(NamedTuple):
    """A vintage at a month's end. Months are year * 12 + month - 1."""

    vintage: int
    month: int

    @property
    def months_on_book(self) -> int:
        """0 at the end of the month of disbursement."""
        return self.month - self.vintage


class Vintages:
    """Adds loans up by vintage and month's end."""

    def __init__(self, months: Sequence[int]) -> None:
        """`months`: those whose ends are looked at, rising."""
        self._months = months
        self.cells: dict[View, dict[Age, Cell]] = {view: defaultdict(Cell) for view in View}

    def take(self, start_date: int, standings: Sequence[Standing]) -> None:
        """A loan, at the end of each month; `start_date`: days since 1970-01-01."""
        vintage = month_of(date_of(start_date))
        for month, standing in zip(self._months, standings, strict=True):
            if standing.booked:
                for view, cells in self.cells.items():
                    cells[Age(vintage, month)].add(standing, view)

    def add(self, age: Age, loans: int, disbursed_minor: int, balance_minor: int) -> None:
        """Loans that were never past due, the same in each view."""
        for cells in self.cells.values():
            cell = cells[age]
            cell.loans += loans
            cell.disbursed_minor += disbursed_minor
            cell.balance_minor += balance_minor

    def rows(self, view: View) -> Iterator[tuple[Age, Cell]]:
        """Every cell, the oldest vintage first."""
        yield from sorted(self.cells[view].items())


def month_ends(first: int, last: int) -> list[int]:
    """The months that end on days from `first` to `last`, both included."""
    from_month, to_month = month_of(date_of(first)), month_of(date_of(last) + timedelta(days=1))
    return list(range(from_month, to_month))


def end_of(month: int) -> int:
    """The last day of a month, in days since 1970-01-01."""
    return first_day(month + 1) - 1
