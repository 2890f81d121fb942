"""Reading the deposit, the claims of the loss layers and what they used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.book import Book
from ledger.records import DepositKind

_LINE = (
    "line, entry_id, kind, party, date, day, amount_minor, deposit_minor, block, tx, log,"
    " reversed_id, reversed"
)


@dataclass(frozen=True, slots=True)
class DepositLine:
    """A line of a deposit's ledger (保证金台账)."""

    number: int
    """Position in the book, in chain order."""
    entry_id: bytes
    """Of the payment, the release, or the compensation that drew on the deposit."""
    kind: DepositKind
    party: int
    """Who submitted it."""
    date: int
    day: int
    """The business day to which it counts."""
    amount_minor: int
    """Below 0 when it lowers the deposit."""
    deposit_minor: int
    """The deposit with this line."""
    block: int
    transaction: int
    log: int
    reversed_id: bytes | None
    reversed: bool


@dataclass(frozen=True, slots=True)
class TopUp:
    """追加: the deposit fell under its warning line; `amount_minor` was missing to target."""

    amount_minor: int
    deposit_minor: int
    outstanding_minor: int
    block: int


@dataclass(frozen=True, slots=True)
class Claim:
    """What a loss layer paid for a loan, and what of it did not come back yet."""

    layer: int
    paid_minor: int
    open_minor: int


def deposit_lines(book: Book, deal: int) -> list[DepositLine]:
    """The ledger of a deal's deposit, oldest line first."""
    query = f"SELECT {_LINE} FROM deposit_lines WHERE deal = ? ORDER BY line"
    return [_line(row) for row in book.connection.execute(query, (deal,))]


def deposit_minor(book: Book, deal: int) -> int:
    """What a deal's deposit comes to."""
    query = "SELECT deposit_minor FROM deposit_lines WHERE deal = ? ORDER BY line DESC LIMIT 1"
    row = book.connection.execute(query, (deal,)).fetchone()
    return int(row[0]) if row else 0


def deposit_entry(book: Book, deal: int, entry_id: bytes) -> DepositLine | None:
    """A payment, release or reversal of a payment by its id."""
    query = (
        f"SELECT {_LINE} FROM deposit_lines WHERE entry_id = ? AND deal = ?"
        " AND kind NOT IN ('drawn', 'draw-reversed')"
    )
    row = book.connection.execute(query, (entry_id, deal)).fetchone()
    return _line(row) if row else None


def top_ups(book: Book, deal: int) -> list[TopUp]:
    """Every call to top up a deal's deposit, oldest first."""
    query = (
        "SELECT amount_minor, deposit_minor, outstanding_minor, block FROM top_ups"
        " WHERE deal = ? ORDER BY rowid"
    )
    return [TopUp(*row) for row in book.connection.execute(query, (deal,))]


def claims(book: Book, deal: int, loan_id: bytes) -> list[Claim]:
    """What the loss layers paid for a loan, those that paid nothing left out."""
    query = (
        "SELECT layer, paid_minor, open_minor FROM claims"
        " WHERE deal = ? AND loan_id = ? AND paid_minor > 0 ORDER BY layer"
    )
    return [Claim(*row) for row in book.connection.execute(query, (deal, loan_id))]


def open_claims(book: Book, deal: int) -> list[tuple[bytes, Claim]]:
    """The claims of a deal with something open: loan and claim, those of a loan by layer."""
    query = (
        "SELECT loan_id, layer, paid_minor, open_minor FROM claims"
        " WHERE deal = ? AND open_minor > 0 ORDER BY loan_id, layer"
    )
    return [(row[0], Claim(*row[1:])) for row in book.connection.execute(query, (deal,))]


def open_by_layer(book: Book, deal: int) -> dict[int, int]:
    """Layer to what is open of all its claims in a deal, in minor units."""
    query = (
        "SELECT layer, sum(open_minor) FROM claims WHERE deal = ? AND open_minor > 0 GROUP BY layer"
    )
    return dict(book.connection.execute(query, (deal,)).fetchall())


def used_minor(book: Book, deal: int) -> dict[int, int]:
    """Layer to what it used of its cap, of the layers that ever paid."""
    query = "SELECT layer, used_minor FROM layer_use WHERE deal = ? ORDER BY layer"
    return dict(book.connection.execute(query, (deal,)).fetchall())


def layer_parts(book: Book, number: int) -> dict[int, int]:
    """Layer to what it paid or got with an entry (`Posted.number`), or had to undo."""
    query = "SELECT layer, amount_minor FROM layer_parts WHERE entry = ? ORDER BY layer"
    return dict(book.connection.execute(query, (number,)).fetchall())


def _line(row: tuple[Any, ...]) -> DepositLine:
    return DepositLine(
        number=row[0],
        entry_id=row[1],
        kind=DepositKind(row[2]),
        party=row[3],
        date=row[4],
        day=row[5],
        amount_minor=row[6],
        deposit_minor=row[7],
        block=row[8],
        transaction=row[9],
        log=row[10],
        reversed_id=row[11],
        reversed=bool(row[12]),
    )
