"""Rows of vouchers: parts of entries as the contracts take them, and which function takes which."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from ledger.rows import BATCH_ROWS, FEWER_ROWS, At, Route, Row, Sendable
from ledger.voucher_entries import VoucherEntry

Words = tuple[int, ...]
"""A row as a contract takes it."""

_REGISTER, _FINANCING, _PAYMENTS = "Vouchers", "Financing", "Payments"
ISSUE = Route(_REGISTER, "issue", BATCH_ROWS)
CONFIRM = Route(_REGISTER, "confirm", BATCH_ROWS, four_eyes=True, late=True)
CANCEL = Route(_REGISTER, "cancel", BATCH_ROWS)
DISPUTE = Route(_REGISTER, "dispute", BATCH_ROWS)
ATTEST = Route(_REGISTER, "attest", BATCH_ROWS)
SPLIT = Route(_REGISTER, "split", BATCH_ROWS)
TRANSFER = Route(_REGISTER, "transfer", BATCH_ROWS, late=True)
OFFER = Route(_FINANCING, "offer", BATCH_ROWS)
WITHDRAW = Route(_FINANCING, "withdraw", BATCH_ROWS)
DISCOUNT = Route(_FINANCING, "discount", FEWER_ROWS, late=True)
PLEDGE = Route(_FINANCING, "pledge", BATCH_ROWS)
RELEASE = Route(_FINANCING, "release", BATCH_ROWS)
INSTRUCT = Route(_PAYMENTS, "instruct", BATCH_ROWS)
SETTLE = Route(_PAYMENTS, "settle", FEWER_ROWS, late=True)
RECOURSE = Route(_PAYMENTS, "recourse", FEWER_ROWS, late=True)
CONVERT = Route(_PAYMENTS, "convert", FEWER_ROWS, late=True)
OFFER_SALE = Route(_FINANCING, "offer_sale", BATCH_ROWS)
ACCEPT_SALE = Route(_FINANCING, "accept_sale", BATCH_ROWS)
CONFIRM_SALE = Route(_FINANCING, "confirm_sale", FEWER_ROWS, late=True)


@dataclass(slots=True, kw_only=True)
class VoucherRow:
    """What one member signs of one entry."""

    fixed: ClassVar[bool] = True

    entry: VoucherEntry
    at: At
    by: str
    route: Route
    version: int
    subjects: tuple[bytes, ...]
    content: tuple[Words, ...]
    """Several of a payment: one for each live piece, never sent apart."""
    needs: tuple[bytes, ...] = ()
    day: date | None = None
    invoice_hash: bytes = b""
    """What it registers,"""
    rival_ref: str = ""
    """and the earlier row of the run that registers the same."""

    @property
    def ref(self) -> str:
        """Its entry's."""
        return self.entry.ref

    @property
    def counts_to(self) -> date | None:
        """Its date, where it has one."""
        return self.day

    def contract_rows(self, refused: int = 0) -> list[Words]:
        """Its content, which is as it is: after a refusal nothing on the same piece is tried."""
        return list(self.content)


Part = VoucherRow | Row
"""Of an entry: a loan that it books or repays has the row of any other loan."""


@dataclass(slots=True, kw_only=True)
class Needed:
    """What an entry takes that is not on the chain yet."""

    at: At
    ref: str
    parts: list[Part] = field(default_factory=list)
    """In the order in which they are signed."""
    done_by: set[str] = field(default_factory=set)
    """Members that signed theirs already."""
    of: tuple[str, ...] = ()
    """Further members whose file it may be, though there may be nothing in it for them."""
    then: str = ""
    """Member that signs once all of this is on the chain, and not before."""
    refused: tuple[str, str] | None = None
    """Reason and detail, where no contract has to be asked."""
    gone: bool = False
    """It is posted, and was reversed since."""
    warnings: list[tuple[str, str]] = field(default_factory=list)
    """What is odd about it, which is sent all the same: reason and detail."""


def size_of(row: Sendable) -> int:
    """How many rows of a contract it takes."""
    return len(row.contract_rows())


def number(known_id: bytes) -> int:
    """An id as the word of a row."""
    return int.from_bytes(known_id, "big")
