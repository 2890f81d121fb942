"""Rolls (滚动率): how loans moved between buckets of days past due from month's end to month's end.

What rolled is weighed with the balance at the start of the month, so the rows out of one bucket add
up to what was in it, and their rates to one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ledger.money import PPM, half_up
from ledger.portfolio.standing import BUCKETS, Ended, Standing, View


class Roll(NamedTuple):
    """Loans that went from one bucket to another within a month. Minor units."""

    month: int
    """Year * 12 + month - 1; from the end of the month before to the end of this."""
    origin: str
    """One of `BUCKETS`."""
    target: str
    """One of `BUCKETS`, or how they ended."""
    loans: int
    balance_minor: int
    """At the start."""
    rate_ppm: int
    """Of all that was in the bucket at the start."""


class Rate(NamedTuple):
    """What of a bucket was worse off a month later."""

    month: int
    origin: str
    balance_minor: int
    """At the start of the month."""
    worse_minor: int
    """Of it, in a worse bucket, compensated or written off at its end."""
    rate_ppm: int


_ORDER = {name: at for at, name in enumerate((*BUCKETS, *(ended.value for ended in Ended)))}
_WORSE = (Ended.COMPENSATED.value, Ended.WRITTEN_OFF.value)


class Rolls:
    """Adds up what rolled, by month and buckets."""

    def __init__(self, months: Sequence[int]) -> None:
        """`months`: the one before the first, then every month that is looked at, rising."""
        self._months = months
        self._loans: dict[View, Counter[tuple[int, str, str]]] = {view: Counter() for view in View}
        self._balances: dict[View, Counter[tuple[int, str, str]]] = {
            view: Counter() for view in View
        }

    def take(self, standings: Sequence[Standing]) -> None:
        """A loan, at the end of each month."""
        for month, before, after in zip(self._months[1:], standings, standings[1:], strict=False):
            for view in View:
                balance, origin = before.balance_minor(view), before.bucket(view)
                if origin in BUCKETS and before.booked:
                    key = month, origin, after.bucket(view)
                    self._loans[view][key] += 1
                    self._balances[view][key] += balance

    def add(self, roll: tuple[int, str, str], loans: int, balance_minor: int) -> None:
        """Loans that went from bucket to bucket within a month, the same in each view."""
        for view in View:
            self._loans[view][roll] += loans
            self._balances[view][roll] += balance_minor

    def rows(self, view: View) -> Iterator[Roll]:
        """Every roll, by month and buckets."""
        balances = self._balances[view]
        started: Counter[tuple[int, str]] = Counter()
        for (month, origin, _), balance in balances.items():
            started[month, origin] += balance
        for key in sorted(balances, key=lambda one: (one[0], _ORDER[one[1]], _ORDER[one[2]])):
            balance = balances[key]
            rate = half_up(balance * PPM, started[key[:2]])
            yield Roll(*key, self._loans[view][key], balance, rate)

    def rates(self, view: View) -> Iterator[Rate]:
        """Of every bucket with something in it, what of it was worse off a month later."""
        started: Counter[tuple[int, str]] = Counter()
        worse: Counter[tuple[int, str]] = Counter()
        for roll in self.rows(view):
            started[roll[:2]] += roll.balance_minor
            if roll.target in _WORSE or (
                roll.target in BUCKETS and _ORDER[roll.target] > _ORDER[roll.origin]
            ):
                worse[roll[:2]] += roll.balance_minor
        for (month, origin), balance in started.items():
            moved = worse[month, origin]
            yield Rate(month, origin, balance, moved, half_up(moved * PPM, balance))
