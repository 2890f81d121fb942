"""Reading who owes what in a deal, and whose loans a later day changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ledger.book import Book
from ledger.records import Loan


class Borrower(NamedTuple):
    """What one borrower owes in a deal."""

    borrower_id: bytes
    loans: int
    """With something outstanding."""
    outstanding_minor: int


def largest_borrowers(book: Book, deal: int, most: int) -> list[Borrower]:
    """The borrowers of a deal that owe most, at most so many; the largest first."""
    query = (
        "SELECT borrower_id, count(*), sum(outstanding_minor) AS owed FROM loans"
        " WHERE deal = ? AND outstanding_minor > 0 GROUP BY borrower_id"
        " ORDER BY owed DESC, borrower_id LIMIT ?"
    )
    return [Borrower(*row) for row in book.connection.execute(query, (deal, most))]


def loans_of(book: Book, deal: int) -> Iterator[Loan]:
    """Every loan ever booked in a deal, by id."""
    query = "SELECT * FROM loans WHERE deal = ?"
    return (Loan(*row) for row in book.connection.execute(query, (deal,)))


class Owing(NamedTuple):
    """A loan with something outstanding, as it is now."""

    loan_id: bytes
    version: int
    outstanding_minor: int
    since_date: int
    """Day since which it is overdue; 0: it is not."""


def loans_outstanding(book: Book, deal: int) -> Iterator[Owing]:
    """Every loan of a deal with something outstanding to its funders."""
    query = (
        "SELECT loan_id, version, outstanding_minor, since_date FROM loans"
        " WHERE deal = ? AND outstanding_minor > 0"
    )
    return (Owing(*row) for row in book.connection.execute(query, (deal,)))


def loans_with_entries_after(book: Book, deal: int, day: int) -> set[bytes]:
    """Loans of a deal with an entry that counts to a later business day, or a mark dated later."""
    query = (
        "SELECT DISTINCT loan_id FROM entries WHERE deal = ?"
        " AND (day > ? OR (day = 0 AND date > ?))"
    )
    return {row[0] for row in book.connection.execute(query, (deal, day, day))}
