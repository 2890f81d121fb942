"""Reading vouchers, their pieces and what happened to them; limits and pools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ledger.book import Book
from ledger.records import decode_legs
from ledger.voucher_records import (
    Piece,
    StepKind,
    Voucher,
    VoucherState,
    piece_of,
    voucher_of,
)

_STEP = (
    "step, kind, voucher_id, piece_id, entry_id, date, day, amount_minor, from_holder, to_holder,"
    " discount_minor, core_cost_minor, price_minor, rate_ppm, version, parts, income, loan_id,"
    " child_id, document, evidence, submitter, block, tx, log, reversed_id, reversed"
)
_PLACED = "ORDER BY block, log"
# `+deal`: else SQLite goes through the whole deal by the primary key.

STEP_COLUMNS = tuple(_STEP.split(", "))
"""What `step_of` reads."""
_KIND, _PARTS, _INCOME, _REVERSED = map(STEP_COLUMNS.index, ("kind", "parts", "income", "reversed"))


@dataclass(frozen=True, slots=True)
class VoucherStep:
    """What happened to a voucher or to a piece of it. Members by their numbers, 0 for none."""

    number: int
    """Position in the book, in chain order."""
    kind: StepKind
    voucher_id: bytes
    piece_id: bytes | None
    """None: of the whole voucher."""
    entry_id: bytes | None
    """Of a confirmation: the voucher's. None: it posts nothing and counts to no business day."""
    date: int
    """0: it has none (cancellations, disputes, evidence)."""
    day: int
    """The business day to which it counts; 0 for none."""
    amount_minor: int
    """What of the piece, or voucher, it is about."""
    from_holder: int
    """Who gives: the holder, seller or core enterprise; 0: the funders, or nobody."""
    to_holder: int
    """Who gets; 0: the funders, or nobody."""
    discount_minor: int
    core_cost_minor: int
    """What of the discount the core enterprise bears."""
    price_minor: int
    """Of a sale; of a pledge the loan's principal."""
    rate_ppm: int
    version: int
    """Of the terms that its batch names: of a discount those that divide it."""
    parts: tuple[int, ...]
    """What of the amount is whose, by the funders; zeros at the end left out."""
    income: tuple[int, ...]
    """What of the discount is whose, by all parties."""
    loan_id: bytes | None
    """The loan that a piece is offered or pledged for, released from, or paid by."""
    child_id: bytes | None
    """What was split off."""
    document: bytes | None
    """Hash of the invoice, of the document attached, or of the reference of an instruction."""
    evidence: int
    """The kind of the document attached: see `Voucher.evidence`."""
    submitter: int
    block: int
    transaction: int
    log: int
    reversed_id: bytes | None
    """The payment that this one reverses."""
    reversed: bool


class Registration(NamedTuple):
    """What an invoice backs."""

    deal: int
    """Number of the deal in the book."""
    voucher_id: bytes
    piece_id: bytes | None
    """The piece whose transfer it backs; None: the voucher itself."""
    date: int
    """Of the issue, or of the transfer."""


@dataclass(frozen=True, slots=True)
class CoreLimit:
    """Most that a bank wants to have out in vouchers of a core enterprise."""

    bank: int
    core: int
    max_minor: int
    block: int
    transaction: int
    log: int


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool of pieces and loans as it was frozen."""

    pool_id: bytes
    owner: int
    root: bytes
    count: int
    total_minor: int
    senior_minor: int
    junior_minor: int
    date: int
    block: int
    transaction: int
    log: int


@dataclass(frozen=True, slots=True)
class Substitution:
    """An asset of a pool that was replaced."""

    number: int
    """Position in the book, in chain order."""
    pool_id: bytes
    place: int
    """Of the leaf, from 0."""
    out_id: bytes
    in_id: bytes
    root: bytes
    """Of the pool with it."""
    total_minor: int
    date: int
    block: int
    transaction: int
    log: int


# ---- vouchers


def voucher(book: Book, deal: int, voucher_id: bytes) -> Voucher | None:
    """A voucher by its id."""
    query = "SELECT * FROM vouchers WHERE deal = ? AND voucher_id = ?"
    row = book.connection.execute(query, (deal, voucher_id)).fetchone()
    return voucher_of(row) if row else None


def vouchers(book: Book, deal: int) -> Iterator[Voucher]:
    """Every voucher of a deal, in the order of issue."""
    query = f"SELECT * FROM vouchers WHERE deal = ? {_PLACED}"
    return map(voucher_of, book.connection.execute(query, (deal,)))


def has_vouchers(book: Book, deal: int, member: int | None = None) -> bool:
    """Whether a deal has a voucher; with `member`, one that it is to owe or was issued to it."""
    query = (
        "SELECT 1 FROM vouchers WHERE deal = ?1 AND (?2 IS NULL OR ?2 IN (core, supplier)) LIMIT 1"
    )
    return book.connection.execute(query, (deal, member)).fetchone() is not None


def vouchers_due(book: Book, deal: int, first: int, last: int) -> Iterator[Voucher]:
    """Confirmed vouchers with something outstanding, due from `first` to `last`, by due date."""
    query = (
        "SELECT * FROM vouchers WHERE deal = ? AND due_date BETWEEN ? AND ?"
        " AND state = ? AND outstanding_minor > 0 ORDER BY due_date, block, log"
    )
    asked = deal, first, last, VoucherState.CONFIRMED.value
    return map(voucher_of, book.connection.execute(query, asked))


def registered(book: Book, invoice_hash: bytes) -> Registration | None:
    """What an invoice backs now, in whichever deal; None: it is free."""
    row = book.connection.execute(
        "SELECT deal, voucher_id, NULL, issue_date FROM vouchers"
        " WHERE invoice_hash = ? AND state != ?"
        " UNION ALL SELECT deal, voucher_id, piece_id, date FROM voucher_steps"
        " WHERE document = ? AND kind = 'transfer'",
        (invoice_hash, VoucherState.CANCELLED.value, invoice_hash),
    ).fetchone()
    return Registration(*row) if row else None


# ---- pieces


def piece(book: Book, deal: int, piece_id: bytes) -> Piece | None:
    """A piece by its id."""
    query = "SELECT * FROM voucher_pieces WHERE deal = ? AND piece_id = ?"
    row = book.connection.execute(query, (deal, piece_id)).fetchone()
    return piece_of(row) if row else None


def pieces(book: Book, deal: int, voucher_id: bytes) -> list[Piece]:
    """Every piece of a voucher that there ever was, oldest first."""
    query = f"SELECT * FROM voucher_pieces WHERE voucher_id = ? AND +deal = ? {_PLACED}"
    return [piece_of(row) for row in book.connection.execute(query, (voucher_id, deal))]


def pieces_of_deal(book: Book, deal: int) -> Iterator[Piece]:
    """Every piece of a deal that there ever was, oldest first."""
    query = f"SELECT * FROM voucher_pieces WHERE deal = ? {_PLACED}"
    return map(piece_of, book.connection.execute(query, (deal,)))


def voucher_deals(book: Book, member: int) -> list[int]:
    """Deals in which a member owes, was owed or holds a voucher."""
    query = (
        "SELECT deal FROM voucher_pieces WHERE holder = ?1 UNION"
        " SELECT deal FROM vouchers WHERE supplier = ?1 OR core = ?1"
    )
    return [row[0] for row in book.connection.execute(query, (member,))]


def pieces_held(book: Book, deal: int, holder: int) -> list[Piece]:
    """The live pieces that a member holds, or financed and did not get back, oldest first."""
    query = (
        "SELECT * FROM voucher_pieces WHERE holder = ? AND +deal = ? AND amount_minor > 0"
        f" {_PLACED}"
    )
    return [piece_of(row) for row in book.connection.execute(query, (holder, deal))]


def pieces_of_loan(book: Book, deal: int, loan_id: bytes) -> list[Piece]:
    """The pieces offered for a loan, that secure it or were paid by it."""
    query = f"SELECT * FROM voucher_pieces WHERE loan_id = ? AND +deal = ? {_PLACED}"
    return [piece_of(row) for row in book.connection.execute(query, (loan_id, deal))]


# ---- steps


def voucher_steps(book: Book, deal: int, voucher_id: bytes) -> list[VoucherStep]:
    """Everything that happened to a voucher and its pieces, oldest first."""
    query = f"SELECT {_STEP} FROM voucher_steps WHERE voucher_id = ? AND deal = ? ORDER BY step"
    return [step_of(row) for row in book.connection.execute(query, (voucher_id, deal))]


def voucher_steps_of_deal(book: Book, deal: int, *, counted: bool = False) -> Iterator[VoucherStep]:
    """Everything that happened in a deal, in chain order; `counted`: only what counts to a day."""
    only = " AND day > 0" if counted else ""
    query = f"SELECT {_STEP} FROM voucher_steps WHERE deal = ?{only} ORDER BY step"
    return map(step_of, book.connection.execute(query, (deal,)))


def voucher_entry(book: Book, deal: int, entry_id: bytes) -> VoucherStep | None:
    """The newest step of an entry's id: see `VoucherStep.entry_id`."""
    query = f"SELECT {_STEP} FROM voucher_steps WHERE entry_id = ? AND deal = ? ORDER BY step DESC"
    row = book.connection.execute(query, (entry_id, deal)).fetchone()
    return step_of(row) if row else None


# ---- limits and pools


def core_limits(book: Book) -> list[CoreLimit]:
    """Every limit that a bank ever set, oldest first; the newest of bank and core rules."""
    rows = book.connection.execute("SELECT * FROM core_limits ORDER BY rowid")
    return [CoreLimit(bank, core, int(most), *place) for bank, core, most, *place in rows]


def core_limit_minor(book: Book, bank: int, core: int) -> int | None:
    """The limit of a bank for a core enterprise in minor units; None: there is none."""
    query = "SELECT max_minor FROM core_limits WHERE bank = ? AND core = ? ORDER BY rowid DESC"
    row = book.connection.execute(query, (bank, core)).fetchone()
    return int(row[0]) if row else None


def pools(book: Book) -> list[Pool]:
    """Every pool, oldest first."""
    query = f"SELECT * FROM pools {_PLACED}"
    return [Pool(*row) for row in book.connection.execute(query)]


def pool(book: Book, pool_id: bytes) -> Pool | None:
    """A pool by its id, as it was frozen."""
    query = "SELECT * FROM pools WHERE pool_id = ?"
    row = book.connection.execute(query, (pool_id,)).fetchone()
    return Pool(*row) if row else None


def substitutions(book: Book, pool_id: bytes) -> list[Substitution]:
    """What was replaced in a pool, oldest first."""
    query = "SELECT * FROM pool_substitutions WHERE pool_id = ? ORDER BY substitution"
    return [Substitution(*row) for row in book.connection.execute(query, (pool_id,))]


def step_of(row: tuple[Any, ...]) -> VoucherStep:
    """A step of the columns of its table."""
    values = list(row)
    values[_KIND] = StepKind(row[_KIND])
    values[_PARTS], values[_INCOME] = (tuple(decode_legs(row[at])) for at in (_PARTS, _INCOME))
    values[_REVERSED] = bool(row[_REVERSED])
    return VoucherStep(*values)
