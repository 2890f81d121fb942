"""Reading loans, their entries and what these come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from ledger.book import Book
from ledger.entries import Kind
from ledger.events import Amounts, DealTerms
from ledger.records import OVERDUE, Loan, decode_legs
from ledger.waterfall import Account

_ENTRY = (
    "entry, entry_id, loan_id, kind, date, day, principal_minor, interest_minor, penalty_minor,"
    " fee_minor, legs, submitter, block, tx, log, reversed_id, mirrored, reversed"
)


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
    query = "SELECT * FROM loans WHERE deal = ? AND loan_id = ?"
    row = book.connection.execute(query, (deal, loan_id)).fetchone()
    return Loan(*row) if row else None


def overdue_loans(book: Book, deal: int, since_on_or_before: int) -> list[Loan]:
    """Loans that are overdue since that day or longer, the longest first.

    Only those with something outstanding that are not compensated or written off.
    """
    query = (
        f"SELECT * FROM loans WHERE deal = ? AND {OVERDUE} AND since_date <= ?"
        " ORDER BY since_date, loan_id"
    )
    return [Loan(*row) for row in book.connection.execute(query, (deal, since_on_or_before))]


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


def entry(book: Book, deal: int, entry_id: bytes, *, booking: bool = False) -> Posted | None:
    """An entry by its id. Bookings have ids of their own: those of their loans."""
    sign = "=" if booking else "!="
    query = (
        f"SELECT {_ENTRY} FROM entries WHERE entry_id = ? AND deal = ? AND kind {sign} 'booking'"
    )
    row = book.connection.execute(query, (entry_id, deal)).fetchone()
    return _posted(row) if row else None


def entries_of_loan(book: Book, deal: int, loan_id: bytes) -> list[Posted]:
    """All entries of a loan in chain order."""
    query = f"SELECT {_ENTRY} FROM entries WHERE loan_id = ? AND deal = ? ORDER BY entry"
    return [_posted(row) for row in book.connection.execute(query, (loan_id, deal))]


def entries_of_deal(book: Book, deal: int) -> Iterator[Posted]:
    """All entries of a deal in chain order."""
    query = f"SELECT {_ENTRY} FROM entries WHERE deal = ? ORDER BY entry"
    return map(_posted, book.connection.execute(query, (deal,)))


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


def entries_with_versions(
    book: Book, deal: int, *, by_day: bool = False
) -> Iterator[tuple[int, Posted]]:
    """Version of the terms of its loan, and entry, of all entries of a deal.

    In chain order; `by_day`: by business day and then in chain order, without those of no day.
    """
    columns = ", ".join(f"entries.{name}" for name in _ENTRY.split(", "))
    query = (
        f"SELECT loans.version, {columns} FROM entries JOIN loans USING (deal, loan_id)"
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
