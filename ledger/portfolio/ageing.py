"""Ageing (账龄): the loans of a deal by vintage, by bucket, and as they rolled.

Loans that were only booked and repaid are added up by when that was; the others are looked at one
by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger.book import Book
from ledger.portfolio.plain import Alike, plain_loans
from ledger.portfolio.rolls import Rolls
from ledger.portfolio.standing import BUCKETS, Ended, View, layers_of, standings
from ledger.portfolio.vintages import Age, Vintages, end_of, month_ends
from ledger.reading.lending import other_courses


class InBucket(NamedTuple):
    """The loans of one bucket at the close of a day."""

    bucket: str
    """One of `BUCKETS`."""
    loans: int
    balance_minor: int


@dataclass(slots=True)
class Ageing:
    """What the loans of a deal came to, before and after compensation."""

    months: list[int]
    """Those that end on the days looked at. Months are year * 12 + month - 1."""
    vintages: Vintages
    rolls: Rolls
    _loans: dict[View, Counter[str]] = field(
        default_factory=lambda: {view: Counter() for view in View}
    )
    _balances: dict[View, Counter[str]] = field(
        default_factory=lambda: {view: Counter() for view in View}
    )

    def buckets(self, view: View) -> Iterator[InBucket]:
        """What is outstanding at the close of the last day by days past due, every bucket."""
        for bucket in BUCKETS:
            yield InBucket(bucket, self._loans[view][bucket], self._balances[view][bucket])


def ageing(book: Book, deal: int, first: int, last: int) -> Ageing:
    """Look at every loan of a deal once.

    `first`, `last`: days since 1970-01-01, both included; looked at are the months that end on
    them, and for rolls the end of the month before. Takes seconds for a hundred thousand loans.
    """
    months = month_ends(first, last)
    rolled = [months[0] - 1, *months] if months else []
    found = Ageing(months, Vintages(months), Rolls(rolled))
    closes = sorted({*(end_of(month) for month in rolled), last})
    ends = [closes.index(end_of(month)) for month in rolled]
    for alike in plain_loans(book, deal, closes):
        _add_alike(found, alike, dict(zip(rolled, ends, strict=True)), closes.index(last))
    for start, entries in other_courses(book, deal):
        stood = standings(entries, layers_of(book, entries), closes)
        at_ends = [stood[end] for end in ends]
        found.vintages.take(start, at_ends[1:])
        found.rolls.take(at_ends)
        for view in View:
            at_last = stood[closes.index(last)]
            balance, bucket = at_last.balance_minor(view), at_last.bucket(view)
            if balance and bucket in BUCKETS:
                found._loans[view][bucket] += 1
                found._balances[view][bucket] += balance
    return found


def _add_alike(found: Ageing, alike: Alike, ends: dict[int, int], last: int) -> None:
    """Plain loans: in the first bucket until they are settled, the same in each view."""
    current = BUCKETS[0]
    for month in found.months:
        before, end = ends[month - 1], ends[month]
        if alike.booked <= end:
            balance = alike.balance_minor(end)
            found.vintages.add(
                Age(alike.vintage, month), alike.loans, alike.disbursed_minor, balance
            )
        if alike.booked <= before < alike.settled:
            target = current if end < alike.settled else Ended.SETTLED.value
            found.rolls.add((month, current, target), alike.loans, alike.balance_minor(before))
    if alike.booked <= last < alike.settled:
        for view in View:
            found._loans[view][current] += alike.loans
            found._balances[view][current] += alike.balance_minor(last)
