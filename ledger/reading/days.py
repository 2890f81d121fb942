"""Reading business days: what counts to them, who signed which statement, what differs, seals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger.book import Book
from ledger.entries import Kind
from ledger.events import Amounts
from ledger.records import WITHOUT_FEE, DayKind, DepositKind
from ledger.voucher_records import StepKind
from ledger.waterfall import Account

MAX_KINDS, MAX_PARTIES, MAX_BREAKS = 16, 12, 64
_NONE = bytes(32)


_KINDS = {
    Kind.BOOKING: DayKind.BOOKING,
    Kind.REPAYMENT: DayKind.REPAYMENT,
    Kind.WAIVER: DayKind.WAIVER,
    Kind.WRITE_OFF: DayKind.WRITE_OFF,
    Kind.COMPENSATION: DayKind.COMPENSATION,
    Kind.RECOVERY: DayKind.RECOVERY,
    Kind.CLAIM_REPAYMENT: DayKind.CLAIM_REPAYMENT,
    Kind.REVERSAL: DayKind.REVERSAL,
}
_OF_THE_DEPOSIT = {
    DepositKind.PAID: DayKind.DEPOSIT_PAID,
    DepositKind.RELEASED: DayKind.DEPOSIT_RELEASED,
    DepositKind.PAYMENT_REVERSED: DayKind.REVERSAL,
}
_OF_VOUCHERS = {
    StepKind.CONFIRMATION: DayKind.CONFIRMATION,
    StepKind.TRANSFER: DayKind.TRANSFER,
    StepKind.DISCOUNT: DayKind.TRANSFER,
    StepKind.SALE: DayKind.TRANSFER,
    StepKind.RECOURSE: DayKind.TRANSFER,
    StepKind.PAYMENT: DayKind.VOUCHER_PAYMENT,
    StepKind.CONVERSION: DayKind.VOUCHER_PAYMENT,
    StepKind.PAYMENT_REVERSED: DayKind.REVERSAL,
}


class DayStatement(NamedTuple):
    """日终: what a party signs of a business day, as the Journal takes it."""

    totals: tuple[int, ...]
    """By `DayKind`, 16 of them: count << 128 | amount in minor units, since the last seal."""
    clearing_minor: tuple[int, ...]
    """Closing balance of CLEARING of each party, in the order of the newest terms in force; 12."""
    balances: bytes
    """Hash of all closing balances."""
    entries: bytes
    """Merkle root of the entries since the last seal."""
    breaks: tuple[bytes, ...]
    """Hashes of the breaks that are open, ascending."""


class Counted(NamedTuple):
    """An entry as it counts to its business day."""

    kind: DayKind
    entry_id: bytes
    """Of a booking: the loan's. Of a period statement: its month as a number."""
    loan_id: bytes
    """32 zeros where it is about no loan. Of an entry on a voucher: the piece's."""
    date: int
    day: int
    amounts: Amounts
    """An entry with one amount has it as principal; a recovery has its cost as fee, a piece that
    was discounted its discount as interest."""
    reversed_id: bytes
    """32 zeros unless it is a reversal."""
    mirrored: DayKind | None
    """The kind of what a reversal takes back."""

    @property
    def amount_minor(self) -> int:
        """What it adds to the day's total; a reversal adds what the entry did."""
        if self.kind is DayKind.TRANSFER:
            return self.amounts.principal_minor
        total = sum(self.amounts)
        fee_apart = (self.mirrored or self.kind) in WITHOUT_FEE
        return total - self.amounts.fee_minor if fee_apart else total

    @property
    def leaf(self) -> bytes:
        """Eight words and the id that it reverses, as hashed into the day's root."""
        numbers = self.date, *self.amounts
        words = [self.entry_id, _word(self.kind), self.loan_id, *map(_word, numbers)]
        return b"".join([*words, self.reversed_id])


@dataclass(frozen=True, slots=True)
class DaySignature:
    """A statement that a party signed."""

    day: int
    party: int
    digest: bytes
    statement: DayStatement
    block: int


@dataclass(frozen=True, slots=True)
class DayDispute:
    """What was found to differ when a party signed."""

    day: int
    party: int
    against: int
    """The other party; 0 for the ledger's own totals."""
    sections: int
    """Bits, as in `days.Section`."""
    block: int


@dataclass(frozen=True, slots=True)
class Seal:
    """A sealed business day."""

    day: int
    digest: bytes
    block: int


# ---- what counts to a day


def counted(book: Book, deal: int, after: int, through: int) -> Iterator[Counted]:
    """Every entry of a deal whose business day is after `after` and not after `through`."""
    where = "WHERE deal = ? AND day > ? AND day <= ?"
    asked = deal, after, through
    query = (
        "SELECT kind, entry_id, loan_id, date, day, principal_minor, interest_minor,"
        f" penalty_minor, fee_minor, reversed_id, mirrored FROM entries {where}"
    )
    for row in book.connection.execute(query, asked):
        kind, own, loan_id, date, day, *amounts, reversed_id, mirrored = row
        yield Counted(
            _KINDS[Kind(kind)], own, loan_id, date, day, Amounts(*amounts),
            reversed_id or _NONE, _KINDS[Kind(mirrored)] if mirrored else None,
        )  # fmt: skip
    yield from _counted_beside_loans(book, deal, after, through)


def day_totals(book: Book, deal: int, after: int, through: int) -> dict[int, list[int]]:
    """What `counted` adds up to: business day to the word of each kind, as in `DayStatement`.

    From the sums that the book keeps of each day, so it takes as long for a thousand entries.
    """
    totals: dict[int, list[int]] = {}
    query = (
        "SELECT day, kind, entries, amount_minor FROM day_totals"
        " WHERE deal = ? AND day > ? AND day <= ?"
    )
    for day, kind, entries, amount_minor in book.connection.execute(query, (deal, after, through)):
        words = totals.setdefault(day, [0] * MAX_KINDS)
        words[kind if kind > 0 else DayKind.REVERSAL] += entries << 128 | amount_minor
    return totals


def _counted_beside_loans(book: Book, deal: int, after: int, through: int) -> Iterator[Counted]:
    where = "WHERE deal = ? AND day > ? AND day <= ?"
    asked = deal, after, through
    query = (
        "SELECT kind, entry_id, date, day, abs(amount_minor), reversed_id FROM deposit_lines"
        f" {where} AND kind NOT IN ('drawn', 'draw-reversed')"
    )
    for name, own, date, day, amount, reversed_id in book.connection.execute(query, asked):
        kind = _OF_THE_DEPOSIT[DepositKind(name)]
        mirrored = DayKind.DEPOSIT_PAID if kind is DayKind.REVERSAL else None
        yield _single(kind, own, date, day, amount, reversed_id, mirrored)
    query = f"SELECT month, date, day, figures FROM periods {where}"
    for month, date, day, figures in book.connection.execute(query, asked):
        amount = abs(json.loads(figures)["platform_minor"])
        yield _single(DayKind.PERIOD_STATEMENT, _word(month), date, day, amount)
    query = (
        f"SELECT entry_id, date, day, abs(amount_minor), reversed_id FROM settlement_lines {where}"
    )
    for own, date, day, amount, reversed_id in book.connection.execute(query, asked):
        kind = DayKind.REVERSAL if reversed_id else DayKind.SETTLEMENT
        mirrored = DayKind.SETTLEMENT if reversed_id else None
        yield _single(kind, own, date, day, amount, reversed_id, mirrored)
    # Said once more, in figures: so SQLite knows that the index of days has all of them.
    query = (
        "SELECT kind, entry_id, piece_id, date, day, amount_minor, discount_minor, reversed_id"
        f" FROM voucher_steps {where} AND day > 0"
    )
    for name, own, piece_id, date, day, amount, discount, reversed_id in book.connection.execute(
        query, asked
    ):
        kind = _OF_VOUCHERS[StepKind(name)]
        mirrored = DayKind.VOUCHER_PAYMENT if reversed_id else None
        amounts = Amounts(amount, discount, 0, 0)
        yield Counted(kind, own, piece_id, date, day, amounts, reversed_id or _NONE, mirrored)


def day_kind(kind: StepKind) -> DayKind:
    """As what a step on a voucher counts to its day."""
    return _OF_VOUCHERS[kind]


def _single(
    kind: DayKind,
    entry_id: bytes,
    date: int,
    day: int,
    amount_minor: int,
    reversed_id: bytes | None = None,
    mirrored: DayKind | None = None,
) -> Counted:
    amounts = Amounts(amount_minor, 0, 0, 0)
    return Counted(kind, entry_id, _NONE, date, day, amounts, reversed_id or _NONE, mirrored)


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def closing(book: Book, deal: int, day: int) -> dict[tuple[int, Account], int]:
    """Party and account to the balance at the close of a business day, zeros left out.

    What counts to a later day is not in it, whether it is posted already or not.
    """
    query = (
        "SELECT party, account, sum(amount_minor) FROM day_moves WHERE deal = ? AND day <= ?"
        " GROUP BY party, account HAVING sum(amount_minor) != 0"
    )
    found = book.connection.execute(query, (deal, day))
    return {(party, Account(account)): amount for party, account, amount in found}


def first_day(book: Book, deal: int, after: int = 0) -> int | None:
    """The first business day after `after` with an entry; None when there is none."""
    return _outermost(book, deal, "min", after)


def last_day(book: Book, deal: int) -> int | None:
    """The last business day with an entry; None before the first entry."""
    return _outermost(book, deal, "max", 0)


def _outermost(book: Book, deal: int, which: str, after: int) -> int | None:
    query = f"SELECT {which}(day) FROM day_totals WHERE deal = ? AND day > ?"
    (day,) = book.connection.execute(query, (deal, after)).fetchone()
    return day if day is None else int(day)


def open_days(book: Book, deal: int, sealed_through: int) -> dict[int, int]:
    """Business day to the number of entries on it, of the days that are not sealed."""
    query = (
        "SELECT day, sum(entries) FROM day_totals WHERE deal = ? AND day > ?"
        " GROUP BY day ORDER BY day"
    )
    return dict(book.connection.execute(query, (deal, sealed_through)).fetchall())


def count_between(book: Book, deal: int, after: int, through: int) -> int:
    """How many entries `counted` would go through."""
    query = (
        "SELECT coalesce(sum(entries), 0) FROM day_totals WHERE deal = ? AND day > ? AND day <= ?"
    )
    return int(book.connection.execute(query, (deal, after, through)).fetchone()[0])


# ---- signatures


def day_signatures(book: Book, deal: int, day: int) -> dict[int, DaySignature]:
    """Party to what it signed last of a day."""
    query = (
        "SELECT day, party, digest, statement, block FROM day_signatures"
        " WHERE deal = ? AND day = ? ORDER BY rowid"
    )
    rows = book.connection.execute(query, (deal, day))
    return {
        party: DaySignature(day, party, digest, _statement(kept), block)
        for _, party, digest, kept, block in rows
    }


def signed_days(book: Book, deal: int) -> list[int]:
    """The days of which a party ever signed a statement, oldest first."""
    query = "SELECT DISTINCT day FROM day_signatures WHERE deal = ? ORDER BY day"
    return [row[0] for row in book.connection.execute(query, (deal,))]


def day_disputes(book: Book, deal: int, day: int) -> list[DayDispute]:
    """Every dispute about a day that was ever on record, oldest first."""
    query = (
        "SELECT day, party, against, sections, block FROM day_disputes"
        " WHERE deal = ? AND day = ? ORDER BY rowid"
    )
    return [DayDispute(*row) for row in book.connection.execute(query, (deal, day))]


def seals(book: Book, deal: int) -> list[Seal]:
    """Every sealed day, oldest first; the days between two of them are sealed with the later."""
    query = "SELECT day, digest, block FROM seals WHERE deal = ? ORDER BY day"
    return [Seal(*row) for row in book.connection.execute(query, (deal,))]


def sealed_before(book: Book, deal: int, day: int) -> int:
    """The last day before this one that was sealed; 0 when none was."""
    query = "SELECT max(day) FROM seals WHERE deal = ? AND day < ?"
    (found,) = book.connection.execute(query, (deal, day)).fetchone()
    return found or 0


def _statement(encoded: str) -> DayStatement:
    kept: dict[str, Any] = json.loads(encoded)
    return DayStatement(
        totals=tuple(kept["totals"]),
        clearing_minor=tuple(kept["clearing_minor"]),
        balances=bytes.fromhex(kept["balances"]),
        entries=bytes.fromhex(kept["entries"]),
        breaks=tuple(bytes.fromhex(found) for found in kept["breaks"]),
    )
