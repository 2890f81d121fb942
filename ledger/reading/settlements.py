"""Reading settlements: who pays whom, what was paid of it, and what is due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger.book import Book
from ledger.records import PaymentKind
from ledger.waterfall import Account

_SETTLEMENT = "number, day, party, of_sealed_day, block, tx, log"
_LINE = (
    "line, entry_id, kind, number, payment, party, date, day, amount_minor, reference_id, block,"
    " tx, log, reversed_id, reversed"
)


@dataclass(frozen=True, slots=True)
class SettlementPayment:
    """A payment of a settlement; parties by their member numbers."""

    payment: int
    """Its place in the settlement, from 0."""
    payer: int
    payee: int
    amount_minor: int
    paid_minor: int

    @property
    def rest_minor(self) -> int:
        """What is still to be paid."""
        return self.amount_minor - self.paid_minor


@dataclass(frozen=True, slots=True)
class Settlement:
    """清算: who pays whom as of a day. The newest of a deal replaces what is unpaid of others."""

    number: int
    """From 1, by deal."""
    day: int
    party: int
    """Who made it."""
    of_sealed_day: bool
    """Whether it settles the closing balances of the last sealed day; else all there was."""
    block: int
    transaction: int
    log: int
    payments: tuple[SettlementPayment, ...]


@dataclass(frozen=True, slots=True)
class SettlementLine:
    """What was paid on a settlement at a bank, or went back."""

    line: int
    """Position in the book, in chain order."""
    entry_id: bytes
    kind: PaymentKind
    number: int
    """Of the settlement,"""
    payment: int
    """and the place of the payment in it, from 0."""
    party: int
    """Who said so."""
    date: int
    day: int
    """The business day to which it counts."""
    amount_minor: int
    """Below 0 when it goes back."""
    reference_id: bytes
    """Of the bank's reference; of a reversal that of what it reverses."""
    block: int
    transaction: int
    log: int
    reversed_id: bytes | None
    reversed: bool


def settlements(book: Book, deal: int) -> list[Settlement]:
    """Every settlement of a deal, oldest first."""
    query = f"SELECT {_SETTLEMENT} FROM settlements WHERE deal = ? ORDER BY number"
    return [_settlement(book, deal, row) for row in book.connection.execute(query, (deal,))]


def settlement(book: Book, deal: int, number: int | None = None) -> Settlement | None:
    """A settlement by its number; the newest one without."""
    query = f"SELECT {_SETTLEMENT} FROM settlements WHERE deal = ?"
    if number is None:
        found = book.connection.execute(f"{query} ORDER BY number DESC LIMIT 1", (deal,))
    else:
        found = book.connection.execute(f"{query} AND number = ?", (deal, number))
    row = found.fetchone()
    return _settlement(book, deal, row) if row else None


def settlement_lines(book: Book, deal: int) -> list[SettlementLine]:
    """What was paid on a deal's settlements, oldest first."""
    query = f"SELECT {_LINE} FROM settlement_lines WHERE deal = ? ORDER BY line"
    return [_line(row) for row in book.connection.execute(query, (deal,))]


def settlement_entry(book: Book, deal: int, entry_id: bytes) -> SettlementLine | None:
    """A payment, or the reversal of one, by its id."""
    query = f"SELECT {_LINE} FROM settlement_lines WHERE entry_id = ? AND deal = ?"
    row = book.connection.execute(query, (entry_id, deal)).fetchone()
    return _line(row) if row else None


def paid_with(book: Book, deal: int, reference_id: bytes) -> list[SettlementLine]:
    """What was paid with a bank's reference, reversed since or not, oldest first."""
    query = (
        f"SELECT {_LINE} FROM settlement_lines WHERE reference_id = ? AND deal = ?"
        " AND reversed_id IS NULL ORDER BY line"
    )
    return [_line(row) for row in book.connection.execute(query, (reference_id, deal))]


def clearing_minor(book: Book, deal: int, through_day: int | None = None) -> dict[int, int]:
    """Party to the balance of its CLEARING account, where it is not 0.

    `through_day`: the closing balances of that business day, and what was paid on settlements
    after it; None: the balances as they are.
    """
    account = Account.CLEARING.value
    if through_day is None:
        found = book.connection.execute(
            "SELECT party, amount_minor FROM balances WHERE deal = ? AND account = ?",
            (deal, account),
        )
        return {party: amount for party, amount in found if amount}
    totals: dict[int, int] = {}
    found = book.connection.execute(
        "SELECT party, sum(amount_minor) FROM day_moves"
        " WHERE deal = ? AND account = ? AND day <= ? GROUP BY party"
        " UNION ALL SELECT payer, sum(settlement_lines.amount_minor)"
        " FROM settlement_lines JOIN settlement_payments USING (deal, number, payment)"
        " WHERE deal = ? AND day > ? GROUP BY payer"
        " UNION ALL SELECT payee, -sum(settlement_lines.amount_minor)"
        " FROM settlement_lines JOIN settlement_payments USING (deal, number, payment)"
        " WHERE deal = ? AND day > ? GROUP BY payee",
        (deal, account, through_day, deal, through_day, deal, through_day),
    )
    for party, amount in found:
        totals[party] = totals.get(party, 0) + amount
    return {party: amount for party, amount in totals.items() if amount}


class DayCleared(NamedTuple):
    """What the entries of a kind added to CLEARING of a party on a business day."""

    day: int
    kind: int
    """A `DayKind`; below 0 what takes an entry of that kind back."""
    settled: int
    """Number of the deal's newest settlement when they were posted; 0 before the first."""
    party: int
    amount_minor: int


def cleared_by_day(book: Book, deal: int) -> Iterator[DayCleared]:
    """What added to CLEARING in a deal, oldest business day first: a few rows for each day."""
    query = (
        "SELECT day, kind, settled, party, amount_minor FROM day_moves"
        " WHERE deal = ? AND account = ? ORDER BY day, abs(kind), kind DESC"
    )
    found = book.connection.execute(query, (deal, Account.CLEARING.value))
    return (DayCleared(*row) for row in found)


def _settlement(book: Book, deal: int, row: tuple[Any, ...]) -> Settlement:
    payments = book.connection.execute(
        "SELECT payment, payer, payee, amount_minor, paid_minor FROM settlement_payments"
        " WHERE deal = ? AND number = ? ORDER BY payment",
        (deal, row[0]),
    )
    return Settlement(
        number=row[0],
        day=row[1],
        party=row[2],
        of_sealed_day=bool(row[3]),
        block=row[4],
        transaction=row[5],
        log=row[6],
        payments=tuple(SettlementPayment(*one) for one in payments),
    )


def _line(row: tuple[Any, ...]) -> SettlementLine:
    return SettlementLine(
        line=row[0],
        entry_id=row[1],
        kind=PaymentKind(row[2]),
        number=row[3],
        payment=row[4],
        party=row[5],
        date=row[6],
        day=row[7],
        amount_minor=row[8],
        reference_id=row[9],
        block=row[10],
        transaction=row[11],
        log=row[12],
        reversed_id=row[13],
        reversed=bool(row[14]),
    )
