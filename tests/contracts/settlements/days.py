"""Days: period statements by counting, day after day.

The contract never sees a day: it keeps sums. Here are no sums: every move is known, the balance of
every day is counted, and a statement is what all days up to the month's end come to, less what
earlier statements counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tests.contracts.sandbox.terms import Rule, Terms
from tests.contracts.settlements.periods import Move, first_day, month_of


@dataclass(slots=True)
class Told:
    """A month's statement as the model has it."""

    opening: int
    outstanding: int
    balance_days: int
    interest: int
    loss: int
    disbursed: int
    overdue: int


@dataclass(slots=True)
class Days:
    """Every move there was, each on its day; what is asked is counted day by day."""

    terms: Terms
    moves: list[Move] = field(default_factory=list)
    open_month: int | None = None
    closed: list[Told] = field(default_factory=list)

    def move(self, one: Move) -> None:
        """A move without a date is of the first day of the first month still open."""
        if one.date == 0:
            assert self.open_month is not None
            one = replace(one, date=first_day(self.open_month))
        assert isinstance(one.date, int)
        if not self.closed:
            then = month_of(one.date)
            self.open_month = min(then, self.open_month or then)
        self.moves.append(one)

    def close(self) -> Told:
        """The statement of the first open month."""
        assert self.open_month is not None
        end = first_day(self.open_month + 1)
        known = [move for move in self.moves if _day(move) < end]
        volume = self.terms.period.rule == Rule.VOLUME
        told = Told(
            opening=self.closed[-1].outstanding if self.closed else 0,
            outstanding=sum(move.principal for move in known),
            # A base counts as at least 0: what that left out of a statement is still to be counted.
            balance_days=_by_days(known, end)
            - sum(one.balance_days if volume else max(0, one.balance_days) for one in self.closed),
            interest=sum(move.interest for move in known)
            - sum(max(0, one.interest) if volume else one.interest for one in self.closed),
            loss=sum(move.loss for move in known) - sum(one.loss for one in self.closed),
            disbursed=sum(move.disbursed for move in known)
            - sum(max(0, one.disbursed) if volume else one.disbursed for one in self.closed),
            overdue=sum(move.overdue for move in known if end - 1 - _since(move) >= 90),
        )
        self.closed.append(told)
        self.open_month += 1
        return told


def _day(move: Move) -> int:
    assert isinstance(move.date, int)
    return move.date


def _since(move: Move) -> int:
    assert isinstance(move.since, int)
    return move.since


def _by_days(moves: list[Move], end: int) -> int:
    """The balance of each day, summed; a move counts on its own day, the end does not."""
    first = min(map(_day, moves), default=end)
    return sum(
        sum(move.principal for move in moves if _day(move) <= day) for day in range(first, end)
    )
