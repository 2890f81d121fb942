"""Reading whole deals for those who take them elsewhere: streamed, in one state of the book."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from ledger.book import Book
from ledger.entries import Kind
from ledger.records import KEY_OF_ID, Loan
from ledger.waterfall import Account


class Move(NamedTuple):
    """What the entries of a business day moved on one account of one party; debit positive."""

    day: int
    party: int
    account: Account
    amount_minor: int


class BookedLoan(NamedTuple):
    """A loan with the place of its booking."""

    loan: Loan
    block: int
    log: int


class LoanClaim(NamedTuple):
    """What a loss layer paid for a loan and what of it is open, with the place of its booking."""

    block: int
    log: int
    version: int
    layer: int
    paid_minor: int
    open_minor: int


@dataclass(frozen=True, slots=True)
class WrittenOff:
    """Which loans of a deal were written off when an entry was posted."""

    turns: dict[bytes, list[tuple[int, bool]]]
    """Loan to the entries that wrote it off (true) or took that back, in chain order."""

    def at(self, loan_id: bytes, number: int) -> bool:
        """Whether the loan was, just before the entry of that number."""
        found = False
        for turn, written_off in self.turns.get(loan_id, ()):
            if turn >= number:
                break
            found = written_off
        return found


@contextmanager
def one_state(book: Book) -> Iterator[Book]:
    """Everything read within sees the same state, whoever folds new blocks meanwhile."""
    book.connection.execute("BEGIN")
    try:
        yield book
    finally:
        book.connection.execute("ROLLBACK")


def count_entries(book: Book, deal: int) -> int:
    """Entries on loans of a deal."""
    query = "SELECT count(*) FROM entries WHERE deal = ?"
    return int(book.connection.execute(query, (deal,)).fetchone()[0])


def written_off(book: Book, deal: int) -> WrittenOff:
    """Every write-off of a deal, and those taken back."""
    turns: defaultdict[bytes, list[tuple[int, bool]]] = defaultdict(list)
    query = (
        "SELECT loan_id, entry, kind FROM entries"
        " WHERE deal = ? AND (kind = ? OR mirrored = ?) ORDER BY entry"
    )
    own = Kind.WRITE_OFF.value
    for loan_id, number, kind in book.connection.execute(query, (deal, own, own)):
        turns[loan_id].append((number, kind == own))
    return WrittenOff(dict(turns))


def moves(book: Book, deal: int) -> Iterator[Move]:
    """What every business day of a deal moved, oldest day first."""
    query = (
        "SELECT day, party, account, sum(amount_minor) FROM day_moves WHERE deal = ?"
        " GROUP BY day, party, account ORDER BY day, party, account"
    )
    for day, party, account, amount_minor in book.connection.execute(query, (deal,)):
        yield Move(day, party, Account(account), amount_minor)


def booked_loans(book: Book, deal: int) -> Iterator[BookedLoan]:
    """All loans of a deal in the order of their booking."""
    query = (
        "SELECT entries.block, entries.log, loans.* FROM loans JOIN entries ON entry = loans.loan"
        " WHERE loans.deal = ? ORDER BY loans.loan"
    )
    for block, log, *row in book.connection.execute(query, (deal,)):
        yield BookedLoan(Loan(*row), block, log)


def loan_claims(book: Book, deal: int) -> Iterator[LoanClaim]:
    """What the loss layers paid for the loans of a deal, by loan in the order of their booking."""
    query = (
        "SELECT entries.block, entries.log, version, layer, paid_minor, open_minor"
        " FROM claims CROSS JOIN ids"
        f" ON booking = 1 AND key = {KEY_OF_ID.format(id='claims.loan_id')}"
        " CROSS JOIN loans ON loans.loan = ids.entry AND loans.loan_id = claims.loan_id"
        " AND loans.deal = claims.deal CROSS JOIN entries ON entries.entry = loans.loan"
        " WHERE claims.deal = ? AND paid_minor > 0 ORDER BY loans.loan, layer"
    )
    return (LoanClaim(*row) for row in book.connection.execute(query, (deal,)))
