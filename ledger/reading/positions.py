"""Reading what a business day brought each party, and the loans on which something may fall due."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ledger.book import Book
from ledger.records import DayKind
from ledger.waterfall import Account


class DayMove(NamedTuple):
    """What the entries of a kind moved on an account of a party on a business day."""

    kind: DayKind
    """With what was taken back of that kind."""
    party: int
    account: Account
    amount_minor: int
    """Debit positive."""


class RunningLoan(NamedTuple):
    """A loan with something outstanding and no claim on it."""

    version: int
    particulars: int
    principal_minor: int
    outstanding_minor: int


def moves_of_day(book: Book, deal: int, day: int) -> list[DayMove]:
    """What a business day moved, by kind of entry, party and account."""
    query = (
        "SELECT abs(kind), party, account, sum(amount_minor) FROM day_moves"
        " WHERE deal = ? AND day = ? GROUP BY abs(kind), party, account"
    )
    return [
        DayMove(DayKind(kind), party, Account(account), amount_minor)
        for kind, party, account, amount_minor in book.connection.execute(query, (deal, day))
    ]


def amounts_of_day(book: Book, deal: int, day: int) -> dict[DayKind, int]:
    """What the entries of each kind come to on a business day, less what was taken back of it."""
    query = (
        "SELECT abs(kind), sum(iif(kind > 0, amount_minor, -amount_minor)) FROM day_totals"
        " WHERE deal = ? AND day = ? GROUP BY abs(kind)"
    )
    found = book.connection.execute(query, (deal, day))
    return {DayKind(kind): amount_minor for kind, amount_minor in found}


def count_booked(book: Book, deal: int) -> int:
    """Loans ever booked in a deal, from the sums of its days: no loan is read."""
    query = "SELECT coalesce(sum(entries), 0) FROM day_totals WHERE deal = ? AND kind = ?"
    return int(book.connection.execute(query, (deal, DayKind.BOOKING)).fetchone()[0])


def running_loans(book: Book, deal: int) -> Iterator[RunningLoan]:
    """Every loan of a deal on which the borrower still repays."""
    query = (
        "SELECT version, particulars, principal_minor, outstanding_minor FROM loans"
        " WHERE deal = ? AND outstanding_minor > 0"
        " AND NOT reversed AND NOT compensated AND NOT written_off"
    )
    return (RunningLoan(*row) for row in book.connection.execute(query, (deal,)))
