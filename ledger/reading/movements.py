"""Reading what moved an account day by day, and the entries of some days one page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ledger.book import Book
from ledger.entries import Kind
from ledger.reading.lending import Posted, entries_between
from ledger.records import DayKind
from ledger.waterfall import Account

OF_LOANS = {
    DayKind.BOOKING: Kind.BOOKING,
    DayKind.REPAYMENT: Kind.REPAYMENT,
    DayKind.WAIVER: Kind.WAIVER,
    DayKind.WRITE_OFF: Kind.WRITE_OFF,
    DayKind.COMPENSATION: Kind.COMPENSATION,
    DayKind.RECOVERY: Kind.RECOVERY,
    DayKind.CLAIM_REPAYMENT: Kind.CLAIM_REPAYMENT,
    DayKind.REVERSAL: Kind.REVERSAL,
}
"""Kinds of entries on loans, as the entries have them."""
_ON_LOANS = [kind for kind in OF_LOANS if kind is not DayKind.REVERSAL]


class Moved(NamedTuple):
    """What the entries of one kind moved on an account in a business day; debit positive."""

    day: int
    kind: DayKind
    reversal: bool
    """Whether it is what reversals of that kind moved."""
    amount_minor: int


class Range(NamedTuple):
    """Entries on loans that count to some days."""

    first: int
    last: int
    """Business days, both included."""
    kind: DayKind | None = None
    """None: every kind."""

    @property
    def numbers(self) -> list[int]:
        """Of the kind, as the sums of days number it; below 0 what was reversed."""
        taken_back = [-kind for kind in _ON_LOANS]
        if self.kind is None:
            return [*_ON_LOANS, *taken_back]
        return taken_back if self.kind is DayKind.REVERSAL else [self.kind]


def account_moves(book: Book, deal: int, party: int, account: Account) -> Iterator[Moved]:
    """What moved a party's account, by day and kind, oldest first: the sum is its balance."""
    query = (
        "SELECT day, kind, sum(amount_minor) FROM day_moves"
        " WHERE deal = ? AND party = ? AND account = ?"
        " GROUP BY day, kind ORDER BY day, abs(kind), kind DESC"
    )
    for day, kind, amount_minor in book.connection.execute(query, (deal, party, account.value)):
        if amount_minor:
            yield Moved(day, DayKind(abs(kind)), kind < 0, amount_minor)


def day_counts(book: Book, deal: int, asked: Range) -> dict[int, tuple[int, int]]:
    """Business day to how many entries on loans count to it and their amount in minor units."""
    kinds = asked.numbers
    query = (
        "SELECT day, sum(entries), sum(amount_minor) FROM day_totals"
        f" WHERE deal = ? AND day BETWEEN ? AND ? AND kind IN ({', '.join('?' * len(kinds))})"
        " GROUP BY day ORDER BY day"
    )
    rows = book.connection.execute(query, (deal, asked.first, asked.last, *kinds))
    return {day: (entries, amount_minor) for day, entries, amount_minor in rows}


def day_kinds(book: Book, deal: int, asked: Range) -> list[DayKind]:
    """Kinds of the entries on loans that count to some days."""
    query = "SELECT DISTINCT kind FROM day_totals WHERE deal = ? AND day BETWEEN ? AND ?"
    found = {row[0] for row in book.connection.execute(query, (deal, asked.first, asked.last))}
    return [kind for kind in OF_LOANS if found & {*asked._replace(kind=kind).numbers}]


def entries_counting(
    book: Book, deal: int, asked: Range, *, skip: int = 0, most: int = -1
) -> list[Posted]:
    """Entries on loans by business day and then in chain order; `skip` are left out before them.

    Whole days are skipped by their counts, so a page far on costs no more than its own day.
    """
    start = asked.first
    for day, (entries, _) in day_counts(book, deal, asked).items():
        start = day
        if skip < entries:
            break
        skip -= entries
    kind = OF_LOANS[asked.kind] if asked.kind else None
    return entries_between(book, deal, start, asked.last, kind, skip=skip, most=most)
