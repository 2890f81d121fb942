"""Ageing (账龄): the loans of a deal in one pass, by vintage, by bucket, and as they rolled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger import reading
from ledger.book import Book
from ledger.events import Particulars
from ledger.portfolio.rolls import Rolls
from ledger.portfolio.standing import BUCKETS, View, layers_of, standings
from ledger.portfolio.vintages import Vintages, end_of, month_ends


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
    for loan, entries in reading.histories(book, deal):
        stood = standings(entries, layers_of(book, entries), closes)
        at = dict(zip(closes, stood, strict=True))
        ends = [at[end_of(month)] for month in rolled]
        found.vintages.take(Particulars.unpack(loan.particulars).start_date, ends[1:])
        found.rolls.take(ends)
        for view in View:
            balance, bucket = at[last].balance_minor(view), at[last].bucket(view)
            if balance and bucket in BUCKETS:
                found._loans[view][bucket] += 1
                found._balances[view][bucket] += balance
    return found
