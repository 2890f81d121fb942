"""Reading: questions that the book answers, at a cost that does not grow with the chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.book import Book
from ledger.entries import Kind
from ledger.events import Amounts, DealTerms
from ledger.records import Loan, Version, decode_legs, decode_terms
from ledger.waterfall import Account

_ENTRY = (
    "entry, entry_id, loan_id, kind, date, principal_minor, interest_minor, penalty_minor,"
    " fee_minor, legs, submitter, block, tx, log, reversed_id, reversed"
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
    amounts: Amounts
    legs: tuple[Amounts, ...]
    """By the parties of the deal in order; parties at the end with nothing left out."""
    submitter: int
    block: int
    transaction: int
    log: int
    reversed_id: bytes | None
    """The entry that this one reverses."""
    reversed: bool


@dataclass(frozen=True, slots=True)
class Party:
    """A member as the chain knows it."""

    number: int
    member_id: str
    name: str
    maker: bytes
    checker: bytes
    roles: int
    licences: int
    validator: bytes
    expelled: int
    """1 when it is."""


@dataclass(frozen=True, slots=True)
class Action:
    """A request under four eyes."""

    action_id: bytes
    number: int
    target: bytes
    payload: bytes
    confirmed: int
    """1 when it is."""


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal: `version` is the one in force, 0 while there is none."""

    deal: int
    name: str
    version: int
    sealed_through: int


def members(book: Book) -> list[Party]:
    """All members ever admitted, by number."""
    query = (
        "SELECT number, member_id, name, maker, checker, roles, licences, validator, expelled"
        " FROM members ORDER BY number"
    )
    return [Party(*row) for row in book.connection.execute(query)]


def deals(book: Book) -> list[Deal]:
    """All deals ever proposed, oldest first."""
    query = "SELECT deal, name, version, sealed_through FROM deals ORDER BY deal"
    return [Deal(*row) for row in book.connection.execute(query)]


def deal_named(book: Book, name: str) -> Deal | None:
    """The deal of that name."""
    query = "SELECT deal, name, version, sealed_through FROM deals WHERE name = ?"
    row = book.connection.execute(query, (name,)).fetchone()
    return Deal(*row) if row else None


def versions(book: Book, deal: int) -> list[Version]:
    """Every version of a deal's terms, oldest first."""
    query = (
        "SELECT version, proposer, terms_hash, terms, in_force FROM versions WHERE deal = ?"
        " ORDER BY version"
    )
    return [
        Version(row[0], row[1], row[2], decode_terms(row[3]), bool(row[4]))
        for row in book.connection.execute(query, (deal,))
    ]


def signers(book: Book, deal: int, version: int) -> set[int]:
    """Member numbers that signed a version."""
    query = "SELECT party FROM signatures WHERE deal = ? AND version = ?"
    return {row[0] for row in book.connection.execute(query, (deal, version))}


def actions(book: Book) -> list[Action]:
    """Requests that wait for a checker, oldest first."""
    query = (
        "SELECT action_id, number, target, payload, confirmed FROM actions"
        " WHERE NOT confirmed ORDER BY rowid"
    )
    return [Action(*row) for row in book.connection.execute(query)]


def loan(book: Book, deal: int, loan_id: bytes) -> Loan | None:
    """A loan by its id."""
    query = "SELECT * FROM loans WHERE deal = ? AND loan_id = ?"
    row = book.connection.execute(query, (deal, loan_id)).fetchone()
    return Loan(*row) if row else None


def count_loans(book: Book, deal: int) -> int:
    """Loans ever booked in a deal."""
    query = "SELECT count(*) FROM loans WHERE deal = ?"
    return int(book.connection.execute(query, (deal,)).fetchone()[0])


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


def outstanding_legs(entries: list[Posted], funders: list[str]) -> dict[str, int]:
    """What is outstanding to each funder, in minor units: the plain sum of its legs."""
    legs = dict.fromkeys(funders, 0)
    for posted in entries:
        if posted.reversed or posted.kind is Kind.REVERSAL:
            continue
        sign = 1 if posted.kind is Kind.BOOKING else -1
        for funder, leg in zip(funders, posted.legs, strict=False):
            legs[funder] += sign * leg.principal_minor
    return legs


def balances(book: Book, deal: int, terms: DealTerms) -> dict[int, dict[Account, int]]:
    """Every account of every party of the deal, zero or not; debit positive."""
    found = {party: dict.fromkeys(Account, 0) for party in terms.parties}
    query = "SELECT party, account, amount_minor FROM balances WHERE deal = ?"
    for party, account, amount_minor in book.connection.execute(query, (deal,)):
        found.setdefault(party, dict.fromkeys(Account, 0))[Account(account)] = amount_minor
    return found


def _posted(row: tuple[Any, ...]) -> Posted:
    return Posted(
        number=row[0],
        entry_id=row[1],
        loan_id=row[2],
        kind=Kind(row[3]),
        date=row[4],
        amounts=Amounts(*row[5:9]),
        legs=tuple(Amounts.unpack(word) for word in decode_legs(row[9])),
        submitter=row[10],
        block=row[11],
        transaction=row[12],
        log=row[13],
        reversed_id=row[14],
        reversed=bool(row[15]),
    )
