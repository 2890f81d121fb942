"""Vouchers: what the register of vouchers and their pieces must do, as plain dicts of ints.

As the rest of the model: each act changes it or raises `Refusal` with the exact reason. Members are
named; rows name them by number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import LAST_DAY, MAX_AMOUNT
from tests.contracts.sandbox.terms import Receivable
from tests.contracts.sandbox.voucher_book import confirmation, transfer
from tests.contracts.sandbox.vouchers import (
    Disputing,
    Issue,
    PieceState,
    Split,
    Step,
    Transfer,
    VoucherState,
)
from tests.stateful.membership import Four
from tests.stateful.model import Deal
from tests.stateful.refusal import demand

LAST_SEQUENCE = 2**14 - 1
HOLDERS = {"supplier", "core", "bank"}
"""Roles of who may hold a piece."""


@dataclass(slots=True, kw_only=True)
class Voucher:
    """A voucher that was issued once."""

    core: str
    supplier: str
    amount: int
    outstanding: int
    issued: int
    due: int
    version: int
    invoice: bytes
    state: VoucherState = VoucherState.ISSUED
    evidence: int = 0
    attached: set[tuple[int, bytes]] = field(default_factory=set)
    disputes: int = 0
    instructed: int = 0


@dataclass(slots=True, kw_only=True)
class Paid:
    """A payment of a piece that may be taken back."""

    entry: str
    date: int
    amount: int
    postings: Sequence[tuple[str, str, int]]
    exposed: dict[str, int]
    """What counted before it."""
    repayment: str
    """Entry of the piece's loan that it stood on."""


@dataclass(slots=True, kw_only=True)
class Piece:
    """A piece that is or was alive."""

    voucher: str
    amount: int
    holder: str
    date: int
    """Of the last step on it."""
    state: PieceState = PieceState.HELD
    version: int = 0
    """Of its financing."""
    sequence: int = 0
    rate: int = 0
    """Of the latest offer."""
    loan: str = ""
    financed_by: str = ""
    buyer: str = ""
    price: int = 0
    accepted: int = 0
    """What it came to when its buyer accepted it."""
    principal: int = 0
    exposed: dict[str, int] = field(default_factory=dict)
    """Bank to what counts as its exposure to the core enterprise."""
    last: Paid | None = None
    """The payment that was the latest step on it."""


@dataclass(slots=True, kw_only=True)
class Trade:
    """What all deals of the ledger share."""

    names: Sequence[str]
    """Of the members, by their numbers less one."""
    roles: dict[str, set[str]]
    invoices: dict[bytes, tuple[str, str]] = field(default_factory=dict)
    """Invoice to deal and voucher, the first that it backs."""
    limits: dict[tuple[str, str], int] = field(default_factory=dict)
    """Bank, core enterprise: the most it may be exposed."""
    exposure: Counter[tuple[str, str]] = field(default_factory=Counter)

    def named(self, number: int) -> str:
        """A member by its number."""
        demand(0 < number <= len(self.names), "MEMBER_UNKNOWN")
        return self.names[number - 1]

    def has(self, name: str, *roles: str) -> bool:
        """Whether a member has one of these roles."""
        return bool(self.roles.get(name, set()) & set(roles))


@dataclass(kw_only=True)
class VoucherDeal(Deal):
    """A deal with vouchers."""

    trade: Trade
    vouchers: dict[str, Voucher] = field(default_factory=dict)
    pieces: dict[str, Piece] = field(default_factory=dict)

    # ---- before confirmation
    def issue(self, sender: str, version: int, rows: Sequence[Issue]) -> None:
        """开立."""
        name, rules = self.began(sender, version)
        terms = self.terms(version)
        for row in rows:
            named = [self.trade.names.index(own) + 1 for own in (name, str(terms.servicer))]
            own = named[0] in (row.core, row.supplier, named[1])
            demand(own, "SENDER_NOT_OF_VOUCHER")
            core = self._core(rules, row.core)
            supplier = self.trade.named(row.supplier)
            sells = self.trade.has(supplier, "supplier", "core") and supplier != core
            demand(sells, "SUPPLIER_INVALID")
            demand(0 < row.amount <= MAX_AMOUNT, "VOUCHER_AMOUNT_INVALID")
            demand(row.issued < row.due, "VOUCHER_DATES_INVALID")
            demand(row.delivered <= row.issued, "VOUCHER_ON_PREPAYMENT")
            dated = rules.max_days and row.issued >= rules.max_days_from
            over = dated and row.due - row.issued > rules.max_days
            demand(not over, "VOUCHER_TERM_OVER_LIMIT")
            self.limits_on(version, row.issued)
            known = row.voucher in self.vouchers or row.voucher in self.pieces
            demand(not known, "VOUCHER_EXISTS")
            self._register(row.invoice_hash, row.voucher)
            self.vouchers[row.voucher] = Voucher(
                core=core,
                supplier=supplier,
                amount=row.amount,
                outstanding=row.amount,
                issued=row.issued,
                due=row.due,
                version=version,
                invoice=row.invoice_hash,
            )

    def _core(self, rules: Receivable, number: int) -> str:
        """A core enterprise whose debts the terms take: one of theirs, or any."""
        listed = [core for core in rules.cores if self.trade.names.index(str(core)) + 1 == number]
        demand(bool(listed) or not rules.cores, "CORE_NOT_IN_TERMS")
        core = self.trade.named(number)
        demand(self.trade.has(core, "core"), "CORE_NOT_IN_TERMS")
        return core

    def began(self, sender: str, version: int) -> tuple[str, Receivable]:
        """Who acts, and what the version says of vouchers."""
        name = self.members.maker(sender)
        return name, self.receivable(version)

    def receivable(self, version: int) -> Receivable:
        """What a version in force says of vouchers."""
        rules = self.ruling(version).receivable
        demand(rules.advance > 0, "RECEIVABLE_MISSING")
        return rules

    def _register(self, invoice: bytes, voucher: str) -> None:
        demand(invoice != bytes(32), "INVOICE_MISSING")
        demand(invoice not in self.trade.invoices, "INVOICE_REGISTERED")
        self.trade.invoices[invoice] = self.name, voucher

    def confirm(
        self, act: Four, version: int, rows: Sequence[tuple[str, int]], late: bool = False
    ) -> None:
        """确权 of vouchers on these days."""
        party = self.members.confirmed(act)
        self.receivable(version)
        for ref, date in rows:
            voucher = self.known(ref)
            demand(party == voucher.core, "SENDER_NOT_CORE")
            demand(voucher.state == VoucherState.ISSUED, "VOUCHER_NOT_ISSUED")
            demand(date <= LAST_DAY, "ENTRY_DATE_INVALID")
            demand(date >= voucher.issued, "VOUCHER_DATES_INVALID")
            voucher.state = VoucherState.CONFIRMED
            self.pieces[ref] = Piece(
                voucher=ref, amount=voucher.amount, holder=voucher.supplier, date=date
            )
            self.tally(date, DayKind.CONFIRMATION, voucher.amount, late=late)
            self.book_of_deal.post(confirmation(voucher.core, voucher.supplier, voucher.amount))
        self.counted(late=late)

    def cancel(self, sender: str, version: int, rows: Sequence[tuple[str, bytes]]) -> None:
        """撤销 before confirmation; rows name the invoice."""
        name, _ = self.began(sender, version)
        for ref, invoice in rows:
            voucher = self.known(ref)
            demand(self._part(name, version, voucher) != 0, "SENDER_NOT_OF_VOUCHER")
            demand(voucher.state == VoucherState.ISSUED, "VOUCHER_NOT_ISSUED")
            demand(self.trade.invoices.get(invoice) == (self.name, ref), "INVOICE_DIFFERS")
            voucher.state = VoucherState.CANCELLED
            voucher.outstanding = 0
            del self.trade.invoices[invoice]

    def known(self, ref: str) -> Voucher:
        """A voucher that was issued."""
        demand(ref in self.vouchers, "VOUCHER_UNKNOWN")
        return self.vouchers[ref]

    def _part(self, name: str, version: int, voucher: Voucher) -> Disputing:
        """How a member has to do with a voucher."""
        sides = {
            voucher.supplier: Disputing.SUPPLIER,
            str(self.terms(version).servicer): Disputing.SERVICER,
            voucher.core: Disputing.CORE,
        }
        return sides.get(name, Disputing(0))

    @staticmethod
    def require_undisputed(voucher: Voucher) -> None:
        """Nobody disputes the voucher of a piece that is to move."""
        demand(not voucher.disputes, "VOUCHER_DISPUTED")

    # ---- disputes and evidence
    def dispute(self, sender: str, version: int, rows: Sequence[tuple[str, bool]]) -> None:
        """Core enterprise, servicer or supplier sets its hold, or lifts it."""
        name, _ = self.began(sender, version)
        for ref, disputed in rows:
            voucher = self.known(ref)
            bit = self._part(name, version, voucher)
            demand(bit != 0, "SENDER_NOT_OF_VOUCHER")
            demand(voucher.state != VoucherState.CANCELLED, "VOUCHER_CANCELLED")
            demand(bool(voucher.disputes & bit) != disputed, "DISPUTE_UNCHANGED")
            voucher.disputes ^= bit

    def attest(self, sender: str, version: int, rows: Sequence[tuple[str, int, bytes]]) -> None:
        """Trade evidence: voucher, kind and hash of each document."""
        name, _ = self.began(sender, version)
        for ref, kind, document in rows:
            voucher = self.known(ref)
            own = name in self.terms(version).parties or self._part(name, version, voucher)
            demand(bool(own), "SENDER_NOT_OF_VOUCHER")
            demand(kind in (1, 2, 4, 8, 16) and document != bytes(32), "EVIDENCE_INVALID")
            demand(voucher.state != VoucherState.CANCELLED, "VOUCHER_CANCELLED")
            demand((kind, document) not in voucher.attached, "EVIDENCE_REPEATED")
            voucher.attached.add((kind, document))
            voucher.evidence |= kind

    # ---- pieces that their holder holds
    def split(self, sender: str, version: int, rows: Sequence[Split]) -> None:
        """拆分."""
        name, _ = self.began(sender, version)
        demand(not self.trade.has(name, "bank"), "BANK_SELLS_WHOLE")
        for row in rows:
            piece = self._movable(name, row)
            demand(0 < row.amount < piece.amount, "SPLIT_AMOUNT_INVALID")
            known = row.child in self.pieces or row.child in self.vouchers
            demand(not known, "PIECE_EXISTS")
            self.stepped(piece, row)
            piece.last = None
            piece.amount -= row.amount
            self.pieces[row.child] = Piece(
                voucher=row.voucher, amount=row.amount, holder=piece.holder, date=row.date
            )

    def transfer(
        self, sender: str, version: int, rows: Sequence[Transfer], late: bool = False
    ) -> None:
        """转让."""
        name, _ = self.began(sender, version)
        for row in rows:
            piece = self._movable(name, row)
            taker, voucher = self.trade.named(row.to), self.vouchers[piece.voucher]
            may = self.trade.has(taker, *HOLDERS) and taker not in (piece.holder, voucher.core)
            demand(may, "HOLDER_INVALID")
            self._register(row.invoice_hash, piece.voucher)
            self.stepped(piece, row)
            piece.holder, piece.last = taker, None
            self.tally(row.date, DayKind.TRANSFER, piece.amount, late=late)
            self.book_of_deal.post(transfer(name, taker, piece.amount))
        self.counted(late=late)

    def _movable(self, name: str, row: Step) -> Piece:
        piece = self.step(row)
        demand(name == piece.holder, "SENDER_NOT_HOLDER")
        demand(piece.state == PieceState.HELD, "PIECE_NOT_HELD")
        self.require_undisputed(self.vouchers[piece.voucher])
        return piece

    def step(self, row: Step, *, paid_out: bool = False) -> Piece:
        """The piece of a row that names it, its voucher and its sequence."""
        demand(row.piece in self.pieces, "PIECE_UNKNOWN")
        piece = self.pieces[row.piece]
        demand(piece.voucher == row.voucher, "PIECE_OF_OTHER_VOUCHER")
        demand(row.sequence == piece.sequence, "ENTRY_OUT_OF_SEQUENCE")
        demand(row.sequence != LAST_SEQUENCE, "ENTRY_SEQUENCE_FULL")
        demand(piece.amount > 0 or paid_out, "PIECE_SPENT")
        demand(row.date >= piece.date, "STEP_BEFORE_LAST")
        return piece

    @staticmethod
    def stepped(piece: Piece, row: Step) -> None:
        """One step more."""
        piece.sequence += 1
        piece.date = row.date

    def live(self, ref: str) -> dict[str, Piece]:
        """The live pieces of a voucher."""
        return {
            name: piece
            for name, piece in self.pieces.items()
            if piece.voucher == ref and piece.amount
        }
