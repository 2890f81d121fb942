"""Entries: the rows of each kind with named fields, and the words the contract packs them into.

Written from the comments of the contract, not from its code: packing and tips are checked, not
shared. Texts name loans, entries and borrowers; `id_of` gives the 32 bytes that stand for them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum
from typing import Any

from eth_abi import encode
from eth_hash.auto import keccak

MAX_AMOUNT = 2**56 - 1
LAST_SEQUENCE = 2**13 - 1
MAX_WRITE_OFFS = 100
LAST_DAY = 2**16 - 1


class Method(IntEnum):
    """Repayment methods in the contract's order."""

    EQUAL_INSTALLMENT = 0
    EQUAL_PRINCIPAL = 1
    INTEREST_ONLY = 2
    BULLET = 3


class Purpose(IntEnum):
    """Purposes in the contract's order."""

    CONSUMER = 0
    BUSINESS = 1


class Kind(IntEnum):
    """Kinds of entry that a reversal can name."""

    BOOKING = 1
    REPAYMENT = 2
    WAIVER = 3
    WRITE_OFF = 4
    COMPENSATION = 5
    RECOVERY = 6
    CLAIM_REPAYMENT = 7


def on(iso: str) -> int:
    """A day as the contracts count it."""
    return (date.fromisoformat(iso) - date(1970, 1, 1)).days


START = on("2026-01-05")


def id_of(ref: str) -> bytes:
    """The id that stands for a ref; the empty ref stands for no id."""
    return keccak(ref.encode()) if ref else bytes(32)


def packed(*, principal: int = 0, interest: int = 0, penalty: int = 0, fee: int = 0) -> int:
    """Amounts, or the legs of one party, as one word."""
    return principal | interest << 64 | penalty << 128 | fee << 192


def unpacked(word: int) -> tuple[int, int, int, int]:
    """Principal, interest, penalty and fee of a word."""
    principal, interest, penalty, fee = ((word >> shift) % 2**64 for shift in (0, 64, 128, 192))
    return principal, interest, penalty, fee


def parts(*amounts: int) -> tuple[int, int]:
    """Principal parts of up to eight funders as the two words of LoanBooked."""
    padded = [*amounts, *[0] * (8 - len(amounts))]
    first, second = (
        sum(part << 64 * i for i, part in enumerate(half)) for half in (padded[:4], padded[4:])
    )
    return first, second


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """放款."""

    loan: str
    borrower: str = "borrower-1"
    principal: int
    start: int = START
    maturity: int = START + 365
    rate: int = 180_000
    method: int = Method.EQUAL_INSTALLMENT
    purpose: int = Purpose.BUSINESS

    @property
    def particulars(self) -> int:
        """As the event and the row carry them."""
        return (
            self.start
            | self.maturity << 16
            | self.rate << 32
            | self.method << 56
            | self.purpose << 60
        )

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return (id_of(self.loan), id_of(self.borrower), self.principal, self.particulars)

    @property
    def content(self) -> tuple[Kind, bytes, int, int]:
        """What the tip commits to."""
        return Kind.BOOKING, id_of(self.loan), self.start, self.principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Repayment:
    """还款."""

    entry: str
    loan: str
    date: int = START + 30
    sequence: int | None = None
    """Entries on the loan before this one; None: as many as there are."""
    principal: int = 0
    interest: int = 0
    penalty: int = 0
    fee: int = 0

    @property
    def amounts(self) -> int:
        """The four amounts as one word."""
        return packed(
            principal=self.principal, interest=self.interest, penalty=self.penalty, fee=self.fee
        )

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        assert self.sequence is not None
        return (
            id_of(self.entry),
            id_of(self.loan),
            self.date | self.sequence << 16,
            self.amounts,
        )

    @property
    def content(self) -> tuple[Kind, bytes, int, int]:
        """What the tip commits to."""
        return Kind.REPAYMENT, id_of(self.entry), self.date, self.amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class OverdueMark:
    """逾期; `since` 0: cured."""

    entry: str
    loan: str
    since: int
    sequence: int | None = None

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return id_of(self.entry), id_of(self.loan), self.sequence, self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """减免."""

    entry: str
    loan: str
    date: int = START + 60
    sequence: int | None = None
    principal: int = 0
    interest: int = 0
    penalty: int = 0
    fee: int = 0

    @property
    def amounts(self) -> int:
        """The amounts as one word."""
        return packed(
            principal=self.principal, interest=self.interest, penalty=self.penalty, fee=self.fee
        )

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return id_of(self.entry), id_of(self.loan), self.sequence, self.date, self.amounts

    @property
    def content(self) -> tuple[Kind, bytes, int, int]:
        """What the tip commits to."""
        return Kind.WAIVER, id_of(self.entry), self.date, self.amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """核销. `outstanding` is what the tip commits to; the contract looks it up itself."""

    entry: str
    loan: str
    date: int = START + 200
    sequence: int | None = None
    outstanding: int = 0

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return id_of(self.entry), id_of(self.loan), self.sequence, self.date

    @property
    def content(self) -> tuple[Kind, bytes, int, int]:
        """What the tip commits to."""
        return Kind.WRITE_OFF, id_of(self.entry), self.date, self.outstanding


@dataclass(frozen=True, slots=True, kw_only=True)
class Reversal:
    """冲正."""

    entry: str
    loan: str
    date: int = START + 300
    sequence: int | None = None
    reversed_id: bytes
    reversed_kind: int
    reversed_date: int
    reversed_amounts: int
    previous_tip: int

    @property
    def row(self) -> tuple[Any, ...]:
        """As the contract takes it."""
        return (
            id_of(self.entry),
            id_of(self.loan),
            self.sequence,
            self.date,
            self.reversed_id,
            self.reversed_kind,
            self.reversed_date,
            self.reversed_amounts,
            self.previous_tip,
        )


Standing = Booking | Repayment | Waiver | WriteOff
Row = Standing | OverdueMark | Reversal


def tip_of(*standing: Standing) -> int:
    """The tip of a loan on which these entries stand, the booking first."""
    tip = 0
    for entry in standing:
        kind, entry_id, day, amounts = entry.content
        words = encode(
            ["uint256", "uint256", "bytes32", "uint256"], [tip, kind << 16 | day, entry_id, amounts]
        )
        tip = int.from_bytes(keccak(words), "big") >> 136
    return tip


def reversal_of(*standing: Standing, entry: str = "", date: int = START + 300) -> Reversal:
    """The reversal of the last of the entries that stand on a loan, the booking first."""
    kind, reversed_id, reversed_date, amounts = standing[-1].content
    return Reversal(
        entry=entry or "reversal-1",
        loan=standing[-1].loan,
        date=date,
        reversed_id=reversed_id,
        reversed_kind=kind,
        reversed_date=reversed_date,
        reversed_amounts=amounts,
        previous_tip=tip_of(*standing[:-1]),
    )


def in_sequence(row: Any, sequence: int) -> Any:
    """The row with its sequence filled in, unless it names one."""
    return row if row.sequence is not None else replace(row, sequence=sequence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """A loan as the contract stores it, unpacked."""

    outstanding: int
    start: int
    rate: int
    version: int
    sequence: int
    overdue_since: int
    written_off: bool
    reversed: bool
    tip: int
    compensated: bool = False

    @classmethod
    def of(cls, word: int) -> Loan:
        """Unpack a word of `Loans.loan`."""
        return cls(
            outstanding=word % 2**56,
            start=(word >> 56) % 2**16,
            rate=(word >> 72) % 2**24,
            version=(word >> 96) % 2**8,
            sequence=(word >> 104) % 2**13,
            compensated=bool(word >> 117 & 1),
            overdue_since=(word >> 118) % 2**16,
            written_off=bool(word >> 134 & 1),
            reversed=bool(word >> 135 & 1),
            tip=word >> 136,
        )
