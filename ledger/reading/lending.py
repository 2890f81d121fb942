"""Reading loans, their entries and what these come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from ledger.book import Book
from ledger.entries import Kind
from ledger.events import Amounts, DealTerms
from ledger.folding.ids import rows_with_keys
from ledger.records import (
    KEY_OF_ID,
    LOAN_BY_ID,
    LOAN_CHAIN,
    LOANS_BY_KEY,
    OVERDUE,
    DayKind,
    Loan,
    decode_legs,
)
from ledger.waterfall import Account

_ENTRY = (
    "entry, entry_id, loan_id, kind, date, day, principal_minor, interest_minor, penalty_minor,"
    " fee_minor, legs, submitter, block, tx, log, reversed_id, mirrored, reversed"
)
_BY_ID = (
    f"SELECT {_ENTRY} FROM ids CROSS JOIN entries USING (entry)"
    f" WHERE booking = ?3 AND key = {KEY_OF_ID.format(id='?1')} AND entry_id = ?1 AND deal = ?2"
)

_BY_KEY = (
    f"SELECT {_ENTRY} FROM ids CROSS JOIN entries USING (entry)"
    " WHERE booking = 0 AND key IN ({keys}) AND deal = ?"
)

_OTHERS_THAN_PLAIN = (
    "(SELECT loan FROM entries WHERE +deal = :deal"
    " AND kind NOT IN ('booking', 'repayment', 'waiver'))"
)
Course = tuple[int, int, int, int]
"""Of an entry: its loan's number, 1 if it booked it, the business day, the principal."""

LOANS_BY = ("since_date", "principal_minor", "outstanding_minor")
"""Columns by which overdue loans are sorted."""


@dataclass(frozen=True, slots=True)
class Posted:
    """An entry on the chain."""

    number: int
    """Position in the book, in chain order."""
    entry_id: bytes
    loan_id: bytes
    kind: Kind
    date: int
    """Its value date."""
    day: int
    """The business day to which it counts; 0 for marks, which count to none."""
    amounts: Amounts
    legs: tuple[Amounts, ...]
    """By the parties of the deal in order; parties at the end with nothing left out."""
    submitter: int
    block: int
    transaction: int
    log: int
    reversed_id: bytes | None
    """The entry that this one reverses,"""
    mirrored: Kind | None
    """and its kind."""
    reversed: bool


def loan(book: Book, deal: int, loan_id: bytes) -> Loan | None:
    """A loan by its id."""
    row = book.connection.execute(LOAN_BY_ID, {"deal": deal, "id": loan_id}).fetchone()
    return Loan(*row) if row else None


def loans_by_id(book: Book, deal: int, ids: Sequence[bytes]) -> dict[bytes, Loan]:
    """Those of the loans that the book has."""
    query, wanted = f"{LOANS_BY_KEY} AND deal = ?", {*ids}
    found = (Loan(*row) for row in rows_with_keys(book.connection, query, ids, deal))
    return {one.loan_id: one for one in found if one.loan_id in wanted}


def entries_by_id(book: Book, deal: int, ids: Sequence[bytes]) -> dict[bytes, Posted]:
    """Those of the entries, bookings apart, that the book has."""
    wanted = {*ids}
    found = map(_posted, rows_with_keys(book.connection, _BY_KEY, ids, deal))
    return {one.entry_id: one for one in found if one.entry_id in wanted}


def overdue_loans(
    book: Book,
    deal: int,
    since_on_or_before: int,
    *,
    by: str = "since_date",
    down: bool = False,
    skip: int = 0,
    most: int = -1,
) -> list[Loan]:
    """Loans that are overdue since that day or longer, the longest first.

    Only those with something outstanding that are not compensated or written off. `by`: the column
    of `LOANS_BY` that they are sorted by instead; `skip` are left out before them, -1 for `most`:
    all the rest.
    """
    assert by in LOANS_BY, by
    query = (
        f"SELECT * FROM loans WHERE deal = ? AND {OVERDUE} AND since_date <= ?"
        f" ORDER BY {by}{' DESC' if down else ''}, loan_id LIMIT ? OFFSET ?"
    )
    asked = deal, since_on_or_before, most, skip
    return [Loan(*row) for row in book.connection.execute(query, asked)]


class OverdueSum(NamedTuple):
    """What overdue loans come to."""

    loans: int
    principal_minor: int
    outstanding_minor: int


def overdue_sum(book: Book, deal: int, since_on_or_before: int) -> OverdueSum:
    """What the loans of `overdue_loans` come to."""
    query = (
        "SELECT count(*), coalesce(sum(principal_minor), 0), coalesce(sum(outstanding_minor), 0)"
        f" FROM loans WHERE deal = ? AND {OVERDUE} AND since_date <= ?"
    )
    row = book.connection.execute(query, (deal, since_on_or_before)).fetchone()
    return OverdueSum(*row)


def count_loans(book: Book, deal: int) -> int:
    """Loans ever booked in a deal."""
    query = "SELECT count(*) FROM loans WHERE deal = ?"
    return int(book.connection.execute(query, (deal,)).fetchone()[0])


class Booking(NamedTuple):
    """Where a loan was booked."""

    entry: int
    """Its number in the book."""
    deal: int
    loan_id: bytes


def bookings_after(book: Book, entry: int, most: int) -> list[Booking]:
    """The first loans of all deals that were booked after an entry, in chain order."""
    query = (
        "SELECT entry, deal, loan_id FROM entries WHERE entry > ? AND kind = 'booking'"
        " ORDER BY entry LIMIT ?"
    )
    return [Booking(*row) for row in book.connection.execute(query, (entry, most))]


def last_entry(book: Book, block: int) -> int:
    """Number of the last entry of the blocks up to this one, which is near the end; 0: of none."""
    query = "SELECT entry FROM entries WHERE block <= ? ORDER BY entry DESC LIMIT 1"
    row = book.connection.execute(query, (block,)).fetchone()
    return int(row[0]) if row else 0


def booking_at(book: Book, entry: int) -> bytes | None:
    """The loan that an entry booked; None where it booked none."""
    query = "SELECT loan_id FROM entries WHERE entry = ? AND kind = 'booking'"
    row = book.connection.execute(query, (entry,)).fetchone()
    return row[0] if row else None


def volume(book: Book, deal: int) -> tuple[int, int]:
    """Principal of a deal in minor units: what is outstanding, and what was ever disbursed."""
    query = (
        "SELECT coalesce(sum(outstanding_minor), 0), coalesce(sum(principal_minor), 0) FROM loans"
        " WHERE deal = ? AND NOT reversed"
    )
    outstanding, disbursed = book.connection.execute(query, (deal,)).fetchone()
    return int(outstanding), int(disbursed)


def volume_by_sums(book: Book, deal: int) -> tuple[int, int]:
    """The same as `volume`, from balances and the sums of days: no loan is read."""
    query = "SELECT coalesce(sum(amount_minor), 0) FROM balances WHERE deal = ? AND account = ?"
    (outstanding,) = book.connection.execute(query, (deal, Account.LOANS.value)).fetchone()
    query = (
        "SELECT coalesce(sum(iif(kind > 0, amount_minor, -amount_minor)), 0) FROM day_totals"
        " WHERE deal = ? AND abs(kind) = ?"
    )
    (disbursed,) = book.connection.execute(query, (deal, DayKind.BOOKING)).fetchone()
    return int(outstanding), int(disbursed)


def entry(book: Book, deal: int, entry_id: bytes, *, booking: bool = False) -> Posted | None:
    """An entry by its id. Bookings have ids of their own: those of their loans."""
    row = book.connection.execute(_BY_ID, (entry_id, deal, booking)).fetchone()
    return _posted(row) if row else None


def entries_of_loan(book: Book, deal: int, loan_id: bytes) -> list[Posted]:
    """All entries of a loan in chain order."""
    query = (
        f"{LOAN_CHAIN} SELECT {_ENTRY} FROM (SELECT entry FROM chain) JOIN entries USING (entry)"
    )
    rows = book.connection.execute(query, {"deal": deal, "id": loan_id}).fetchall()
    return [_posted(row) for row in sorted(rows)]


def entries_of_deal(book: Book, deal: int) -> Iterator[Posted]:
    """All entries of a deal in chain order."""
    query = f"SELECT {_ENTRY} FROM entries WHERE deal = ? ORDER BY entry"
    return map(_posted, book.connection.execute(query, (deal,)))


def entries_between(
    book: Book, deal: int, first: int, last: int, kind: Kind | None, *, skip: int, most: int
) -> list[Posted]:
    """Entries that count to business days from `first` to `last`, by day and in chain order.

    `skip` are left out before them; -1 for `most`: all the rest.
    """
    of_kind, own = ("", []) if kind is None else (" AND kind = ?", [kind.value])
    query = (
        f"SELECT {_ENTRY} FROM entries WHERE deal = ? AND day BETWEEN ? AND ?{of_kind}"
        " ORDER BY day, entry LIMIT ? OFFSET ?"
    )
    rows = book.connection.execute(query, (deal, first, last, *own, most, skip))
    return [_posted(row) for row in rows]


def histories(book: Book, deal: int) -> Iterator[tuple[Loan, list[Posted]]]:
    """Every loan of a deal by id, with all its entries in chain order; one at a time."""
    loans = book.connection.execute("SELECT * FROM loans WHERE deal = ? ORDER BY loan_id", (deal,))
    query = f"SELECT {_ENTRY} FROM entries WHERE +deal = ? ORDER BY loan_id, entry"
    posted = map(_posted, book.connection.execute(query, (deal,)))
    entries = groupby(posted, key=attrgetter("loan_id"))
    for row, (loan_id, own) in zip(loans, entries, strict=True):
        found = Loan(*row)
        assert found.loan_id == loan_id, "a loan without entries"
        yield found, list(own)


def plain_courses(book: Book, deal: int) -> Iterator[tuple[int, list[Course]]]:
    """Start date and entries, in no order, of every loan that was only booked and repaid.

    Waivers are left out, which take nothing off the principal.
    """
    asked = {"deal": deal}
    starts = book.connection.execute(
        "SELECT particulars & 65535 FROM loans"
        f" WHERE deal = :deal AND loan NOT IN {_OTHERS_THAN_PLAIN} ORDER BY loan",
        asked,
    )
    rows = book.connection.execute(
        "SELECT loan, kind = 'booking', day, principal_minor FROM entries"
        " WHERE +deal = :deal AND kind IN ('booking', 'repayment')"
        f" AND loan NOT IN {_OTHERS_THAN_PLAIN} ORDER BY loan",
        asked,
    )
    for (start,), (_, own) in zip(starts, groupby(rows, key=itemgetter(0)), strict=True):
        yield start, list(own)


def other_courses(book: Book, deal: int) -> Iterator[tuple[int, list[Posted]]]:
    """Start date and entries, in chain order, of every other loan."""
    asked = {"deal": deal}
    starts = book.connection.execute(
        "SELECT loan, particulars & 65535 FROM loans"
        f" WHERE deal = :deal AND loan IN {_OTHERS_THAN_PLAIN} ORDER BY loan",
        asked,
    )
    rows = book.connection.execute(
        f"SELECT loan, {_ENTRY} FROM entries"
        f" WHERE +deal = :deal AND loan IN {_OTHERS_THAN_PLAIN} ORDER BY loan, entry",
        asked,
    )
    for (loan, start), (same, own) in zip(starts, groupby(rows, key=itemgetter(0)), strict=True):
        assert loan == same, "a loan without entries"
        yield start, [_posted(row[1:]) for row in own]


def entries_with_versions(
    book: Book, deal: int, *, by_day: bool = False
) -> Iterator[tuple[int, Posted]]:
    """Version of the terms of its loan, and entry, of all entries of a deal.

    In chain order; `by_day`: by business day and then in chain order, without those of no day.
    """
    columns = ", ".join(f"entries.{name}" for name in _ENTRY.split(", "))
    query = (
        f"SELECT loans.version, {columns} FROM entries JOIN loans USING (deal, loan)"
        f" WHERE deal = ? {'AND day > 0 ORDER BY day, entry' if by_day else 'ORDER BY entry'}"
    )
    for version, *row in book.connection.execute(query, (deal,)):
        yield version, _posted(tuple(row))


def outstanding_legs(entries: list[Posted], funders: list[str]) -> dict[str, int]:
    """What is outstanding to each funder, in minor units: the plain sum of a loan's legs."""
    legs = dict.fromkeys(funders, 0)
    lost = False
    for posted in entries:
        # After a write-off nothing is outstanding: what comes back is income.
        if posted.reversed or posted.kind is Kind.REVERSAL or lost:
            continue
        lost = posted.kind is Kind.WRITE_OFF
        sign = 1 if posted.kind is Kind.BOOKING else -1
        for funder, leg in zip(funders, posted.legs, strict=False):
            legs[funder] += sign * leg.principal_minor
    return legs


def balances(book: Book, deal: int, terms: DealTerms) -> dict[int, dict[Account, int]]:
    """Every account of every party of the deal, zero or not; debit positive.

    And of everyone else to whom anything was posted: holders of vouchers, and who owes them.
    """
    found = {party: dict.fromkeys(Account, 0) for party in terms.parties}
    query = "SELECT party, account, amount_minor FROM balances WHERE deal = ?"
    for party, account, amount_minor in book.connection.execute(query, (deal,)):
        found.setdefault(party, dict.fromkeys(Account, 0))[Account(account)] = amount_minor
    return found


def posted_members(book: Book, deal: int) -> set[int]:
    """Numbers of the members to whose accounts anything was ever posted in a deal."""
    query = "SELECT DISTINCT party FROM balances WHERE deal = ?"
    return {party for (party,) in book.connection.execute(query, (deal,))}


def _posted(row: tuple[Any, ...]) -> Posted:
    return Posted(
        number=row[0],
        entry_id=row[1],
        loan_id=row[2],
        kind=Kind(row[3]),
        date=row[4],
        day=row[5],
        amounts=Amounts(*row[6:10]),
        legs=tuple(Amounts.unpack(word) for word in decode_legs(row[10])),
        submitter=row[11],
        block=row[12],
        transaction=row[13],
        log=row[14],
        reversed_id=row[15],
        mirrored=Kind(row[16]) if row[16] else None,
        reversed=bool(row[17]),
    )
