"""Vouchers: the rows of each step with named fields, and the words the contracts pack them into.

Written from the comments of the contracts, not from their code. Texts name vouchers, pieces, loans
and invoices; `id_of` gives the 32 bytes that stand for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any

from tests.contracts.sandbox.entries import id_of, on, tip_of

ISSUE = on("2026-01-05")


class VoucherState(IntEnum):
    """States of a voucher in the contract's order."""

    ISSUED = 1
    CONFIRMED = 2
    CANCELLED = 3


class PieceState(IntEnum):
    """States of a piece in the contract's order."""

    HELD = 1
    OFFERED = 2
    DISCOUNTED = 3
    PLEDGED = 4
    ON_SALE = 5
    SALE_ACCEPTED = 6


class Form(IntEnum):
    """Forms of financing in the contract's order."""

    DISCOUNT = 1
    PLEDGE = 2


class Document(IntFlag):
    """Kinds of trade evidence."""

    CONTRACT = 1
    ORDER = 2
    WAYBILL = 4
    CUSTOMS = 8
    DELIVERY = 16


class Disputing(IntFlag):
    """Who disputes a voucher."""

    CORE = 1
    SERVICER = 2
    SUPPLIER = 4


def place(date: int, sequence: int) -> int:
    """Date and sequence of a step as one word."""
    return date | sequence << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """开立. Members are numbers."""

    voucher: str
    core: int
    supplier: int
    amount: int
    invoice: str = ""
    """The hash of its text stands for the invoice; that of the voucher's ref where none is given."""
    issued: int = ISSUE
    due: int = ISSUE + 180
    delivered: int = 0
    reason: int = 0

    @property
    def invoice_hash(self) -> bytes:
        """What backs it."""
        return id_of(self.invoice or f"invoice of {self.voucher}")

    @property
    def particulars(self) -> int:
        """As the event and the row carry them."""
        return (
            self.core
            | self.supplier << 24
            | self.issued << 48
            | self.due << 64
            | self.delivered << 80
            | self.reason << 96
        )

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return id_of(self.voucher), self.invoice_hash, self.amount, self.particulars


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What every step on a piece says: which one, of which voucher, when, after how many."""

    piece: str
    voucher: str
    date: int
    sequence: int

    @property
    def start(self) -> tuple[bytes, bytes, int]:
        """Piece, voucher and place as words."""
        return id_of(self.piece), id_of(self.voucher), place(self.date, self.sequence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split(Step):
    """拆分."""

    child: str
    amount: int

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return *self.start, id_of(self.child), self.amount


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Step):
    """转让, to a member by its number."""

    entry: str
    to: int
    invoice: str = ""

    @property
    def invoice_hash(self) -> bytes:
        """What the new holder sold; of no invoice where the text is `none`."""
        if self.invoice == "none":
            return bytes(32)
        return id_of(self.invoice or f"invoice of {self.entry}")

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return id_of(self.entry), *self.start, self.to, self.invoice_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Step):
    """融资申请: to sell the piece to the funders, or to pledge it for a loan."""

    form: int = Form.DISCOUNT
    rate: int = 38_500
    loan: str = ""

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return *self.start, self.form, self.rate, id_of(self.loan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pledge(Step):
    """质押."""

    loan: str

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return *self.start, id_of(self.loan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain(Step):
    """A withdrawal or a release: a step that says nothing more."""

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted(Step):
    """A discount, a recourse or a confirmed sale: a step that posts and says nothing more."""

    entry: str

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return id_of(self.entry), *self.start


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion(Step):
    """垫款: a loan of the deal to the core enterprise pays the piece."""

    entry: str
    loan: str

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return id_of(self.entry), *self.start, id_of(self.loan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """付款指令."""

    voucher: str
    date: int
    amount: int
    reference: str = "reference"

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return id_of(self.voucher), self.date, self.amount, id_of(self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment(Step):
    """兑付 of one piece; `standing` are the entries of its loan, the repayment last, if it has one."""

    entry: str
    amount: int
    standing: Sequence[Any] = ()

    @property
    def repayment(self) -> tuple[bytes, int, int]:
        """The loan's latest entry and the tip before it."""
        if not self.standing:
            return bytes(32), 0, 0
        _, repayment_id, _, amounts = self.standing[-1].content
        return repayment_id, amounts, tip_of(*self.standing[:-1])

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        repayment_id, amounts, tip = self.repayment
        return (
            id_of(self.entry),
            id_of(self.voucher),
            id_of(self.piece),
            place(self.date, self.sequence),
            self.amount,
            repayment_id,
            amounts,
            tip,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReversal(Step):
    """冲正 of a payment."""

    entry: str
    reversed: str
    reversed_date: int
    amount: int

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return (
            id_of(self.entry),
            *self.start,
            id_of(self.reversed),
            self.reversed_date,
            self.amount,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale(Step):
    """转贴现报价, to a bank by its number."""

    buyer: int
    price: int

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return *self.start, self.buyer, self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance(Step):
    """The buyer's word on a sale at the price it names."""

    price: int

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return *self.start, self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """A voucher as the contract stores it, unpacked."""

    outstanding: int
    core: int
    supplier: int
    issued: int
    due: int
    version: int
    state: int
    evidence: int
    disputes: int
    instructed: int

    @classmethod
    def of(cls, word: int) -> Voucher:
        """Unpack a word of `Vouchers.voucher`."""
        return cls(
            outstanding=word % 2**56,
            core=(word >> 56) % 2**24,
            supplier=(word >> 80) % 2**24,
            issued=(word >> 104) % 2**16,
            due=(word >> 120) % 2**16,
            version=(word >> 136) % 2**8,
            state=(word >> 144) % 2**4,
            evidence=(word >> 148) % 2**8,
            disputes=(word >> 156) % 2**4,
            instructed=(word >> 160) % 2**56,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece as the contract stores it, unpacked."""

    amount: int
    holder: int
    state: int
    version: int
    """Of the terms of its financing; 0 for none."""
    sequence: int
    date: int
    voucher: int
    """Upper half of its voucher's id."""

    @classmethod
    def of(cls, word: int) -> Piece:
        """Unpack a word of `Vouchers.piece`."""
        return cls(
            amount=word % 2**56,
            holder=(word >> 56) % 2**24,
            state=(word >> 80) % 2**4,
            version=(word >> 84) % 2**8,
            sequence=(word >> 92) % 2**14,
            date=(word >> 106) % 2**16,
            voucher=word >> 128,
        )
