"""Reading deals: their versions and who signed them, their state, their closed months."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from ledger.book import Book
from ledger.events import Place
from ledger.records import DealStep, Version, decode_terms

_DEAL = "deal, name, version, sealed_through, suspended_by, closed"
_VERSION = "version, proposer, terms_hash, terms, in_force"
_STATEMENT = "month, version, party, date, day, figures, block, tx, log"


@dataclass(frozen=True, slots=True)
class Deal:
    """A deal: `version` is the one in force, 0 while there is none."""

    deal: int
    name: str
    version: int
    sealed_through: int
    suspended_by: int
    """The party that suspended it; 0 when none did."""
    closed: int
    """1 when it is."""

    @property
    def status(self) -> str:
        """proposed, active, suspended or closed."""
        if self.closed:
            return "closed"
        if self.suspended_by:
            return "suspended"
        return "active" if self.version else "proposed"


@dataclass(frozen=True, slots=True)
class Step:
    """A step in the state of a deal."""

    step: DealStep
    party: int
    """0 when every party signed."""
    version: int
    """The version of the terms that was in force."""
    block: int


@dataclass(frozen=True, slots=True)
class Statement:
    """分润结算单 of a closed month. Fields as in `events.PeriodClosed`, amounts in minor units."""

    month: int
    """Year * 12 + month - 1."""
    version: int
    party: int
    date: int
    day: int
    """The business day to which it counts."""
    place: Place
    """Where it was closed; of a month that is reckoned before, block 0."""
    opening_minor: int
    outstanding_minor: int
    balance_days_minor: int
    interest_minor: int
    loss_minor: int
    disbursed_minor: int
    overdue_minor: int
    bank_return_minor: int
    carried_minor: int
    carry_minor: int
    platform_minor: int
    parts_minor: tuple[int, ...]
    """What each funder gives; what it gets when `platform_minor` is below 0."""

    @property
    def block(self) -> int:
        """Number of the block it was closed in; 0 before."""
        return self.place.block


def deals(book: Book) -> list[Deal]:
    """All deals ever proposed, oldest first."""
    query = f"SELECT {_DEAL} FROM deals ORDER BY deal"
    return [Deal(*row) for row in book.connection.execute(query)]


def deal_named(book: Book, name: str) -> Deal | None:
    """The deal of that name."""
    query = f"SELECT {_DEAL} FROM deals WHERE name = ?"
    row = book.connection.execute(query, (name,)).fetchone()
    return Deal(*row) if row else None


def deal_steps(book: Book, deal: int) -> list[Step]:
    """Every suspension, resumption and signature of its closing, oldest first."""
    query = "SELECT step, party, version, block FROM deal_steps WHERE deal = ? ORDER BY rowid"
    return [Step(DealStep(row[0]), *row[1:]) for row in book.connection.execute(query, (deal,))]


def closing_signers(book: Book, deal: int) -> set[int]:
    """Numbers of the parties that signed a deal's closing under the version in force."""
    query = (
        "SELECT party FROM deal_steps JOIN deals USING (deal, version) WHERE deal = ? AND step = ?"
    )
    found = book.connection.execute(query, (deal, DealStep.CLOSING_SIGNED.value))
    return {row[0] for row in found}


def currency(book: Book, deal: int, version: int) -> str:
    """The currency of a version of a deal's terms, ISO 4217, as the contracts hold it."""
    return versions(book, deal)[version - 1].terms.currency.to_bytes(3, "big").decode("ascii")


def versions(book: Book, deal: int) -> list[Version]:
    """Every version of a deal's terms, oldest first."""
    query = f"SELECT {_VERSION} FROM versions WHERE deal = ? ORDER BY version"
    return [
        Version(row[0], row[1], row[2], decode_terms(row[3]), bool(row[4]))
        for row in book.connection.execute(query, (deal,))
    ]


def version_ruling(book: Book, deal: int, day: int) -> Version | None:
    """The version under which loans that start on a day are booked; None when there is none."""
    signed = [found for found in versions(book, deal) if found.in_force]
    ruling = [found for found in signed if found.terms.effective_date <= day]
    return ruling[-1] if ruling else None


def signers(book: Book, deal: int, version: int) -> set[int]:
    """Numbers of the parties that signed a version."""
    query = "SELECT party FROM signatures WHERE deal = ? AND version = ?"
    return {row[0] for row in book.connection.execute(query, (deal, version))}


def statements(book: Book, deal: int) -> list[Statement]:
    """Every closed month of a deal, oldest first."""
    query = f"SELECT {_STATEMENT} FROM periods WHERE deal = ? ORDER BY month"
    return [_statement(row) for row in book.connection.execute(query, (deal,))]


def statement(book: Book, deal: int, month: int) -> Statement | None:
    """The statement of a month (year * 12 + month - 1); None while it is open."""
    query = f"SELECT {_STATEMENT} FROM periods WHERE deal = ? AND month = ?"
    row = book.connection.execute(query, (deal, month)).fetchone()
    return _statement(row) if row else None


def _statement(row: tuple[Any, ...]) -> Statement:
    month, version, party, date, day, figures, *place = row
    kept = json.loads(figures)
    kept["parts_minor"] = tuple(kept["parts_minor"])
    return Statement(
        month=month,
        version=version,
        party=party,
        date=date,
        day=day,
        place=Place(*place),
        **kept,
    )
