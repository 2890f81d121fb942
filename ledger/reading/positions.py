"""Reading what a business day brought each party, and the loans on which something may fall due."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ledger.book import Book
from ledger.entries import Kind
from ledger.events import Amounts
from ledger.records import decode_legs


class DayEntry(NamedTuple):
    """An entry that counts to a business day."""

    entry: int
    """Its number in the book."""
    kind: Kind
    """Of a reversal: the kind of what it takes back."""
    sign: int
    """-1 for a reversal."""
    version: int
    """Of the terms of its loan."""
    legs: tuple[Amounts, ...]
    """By the parties of that version in order; parties at the end with nothing left out."""
    amounts: Amounts


class RunningLoan(NamedTuple):
    """A loan with something outstanding and no claim on it."""

    version: int
    particulars: int
    principal_minor: int
    outstanding_minor: int


def entries_of_day(book: Book, deal: int, day: int) -> Iterator[DayEntry]:
    """Every entry of a deal on a loan that counts to a business day."""
    query = (
        "SELECT entry, kind, mirrored, version, legs, entries.principal_minor, interest_minor,"
        " penalty_minor, fee_minor FROM entries JOIN loans USING (deal, loan_id)"
        " WHERE deal = ? AND day = ? ORDER BY entry"
    )
    for entry, kind, mirrored, version, legs, *amounts in book.connection.execute(
        query, (deal, day)
    ):
        sign = -1 if kind == Kind.REVERSAL.value else 1
        words = tuple(Amounts.unpack(word) for word in decode_legs(legs))
        yield DayEntry(entry, Kind(mirrored or kind), sign, version, words, Amounts(*amounts))


def running_loans(book: Book, deal: int) -> Iterator[RunningLoan]:
    """Every loan of a deal on which the borrower still repays."""
    query = (
        "SELECT version, particulars, principal_minor, outstanding_minor FROM loans"
        " WHERE deal = ? AND outstanding_minor > 0"
        " AND NOT reversed AND NOT compensated AND NOT written_off"
    )
    return (RunningLoan(*row) for row in book.connection.execute(query, (deal,)))
