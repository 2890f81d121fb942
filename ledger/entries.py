"""Entries: what the parties submit, one frozen strict model per kind.

A *ref* is the submitter's own identifier; only the salted hash of it goes on the chain. An entry
without a ref of its own gets one from the loan it is about, so that every entry has exactly one
ref and the same entry submitted again is recognised.

Strict pydantic models rather than dataclasses: they are checked the same from Python, JSON and
files, publish their JSON Schema, and 100 000 of them validate in 0.6 s. What is wrong comes as
pydantic's `ValidationError`; `problems.problems_of` turns it into ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, ClassVar, NewType, Protocol, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ledger.errors import EntryInvalid, Problem, ValueInvalid
from ledger.keccak import keccak
from ledger.messages import text
from ledger.money import EPOCH, MAX_AMOUNT_MINOR, MAX_RATE_PPM, day_number, shown
from ledger.problems import invalid, path

LoanId = NewType("LoanId", bytes)
"""32 bytes: keccak256 of the deal's salt and the loan's ref."""
EntryId = NewType("EntryId", bytes)
"""32 bytes: keccak256 of the deal's salt and the entry's ref."""
BorrowerId = NewType("BorrowerId", bytes)
"""32 bytes: keccak256 of the deal's salt and the borrower's ref."""

MAX_REF_BYTES = 64


class Kind(StrEnum):
    """Kinds of entries, in the words of the accounts table."""

    BOOKING = "booking"
    REPAYMENT = "repayment"
    OVERDUE = "overdue"
    CURE = "cure"
    WAIVER = "waiver"
    WRITE_OFF = "write-off"
    COMPENSATION = "compensation"
    RECOVERY = "recovery"
    CLAIM_REPAYMENT = "claim-repayment"
    """A repayment after compensation or write-off: it went to the owners of the claim."""
    REVERSAL = "reversal"


class Method(StrEnum):
    """Repayment methods (还款方式)."""

    EQUAL_INSTALLMENT = "equal_installment"
    EQUAL_PRINCIPAL = "equal_principal"
    INTEREST_ONLY = "interest_only"
    BULLET = "bullet"


class Purpose(StrEnum):
    """What the borrower needs the loan for."""

    CONSUMER = "consumer"
    BUSINESS = "business"


class TermReason(StrEnum):
    """Why a voucher's term is longer than six months."""

    NONE = ""
    INDUSTRY = "industry"
    """The trade settles so late as a rule (行业结算惯例)."""
    PRODUCTION = "production"
    """What is delivered takes that long to make (生产周期)."""
    INSTALMENTS = "instalments"
    """The contract is delivered or accepted in parts (分期交付)."""
    RETENTION = "retention"
    """Money kept back under a warranty (质保金)."""
    OTHER = "other"

    @property
    def code(self) -> int:
        """What stands for it in the contracts; 0 for none."""
        return list(TermReason).index(self)


def check_ref(ref: str) -> str:
    """The ref itself if it is 1 to 64 UTF-8 bytes without control characters.

    Raises `ValueInvalid`. Refs are compared byte by byte: no case or Unicode form is folded.
    """
    size = len(ref) if ref.isascii() else len(ref.encode("utf-8", "surrogatepass"))
    if 0 < size <= MAX_REF_BYTES and (ref.isprintable() or not _has_control(ref)):
        return ref
    if not ref:
        key = "ref_empty"
    else:
        key = "ref_long" if size > MAX_REF_BYTES else "ref_control"
    raise ValueInvalid(
        text(f"value.{key}"),
        expected=text("value.ref_expected", most=MAX_REF_BYTES),
        found=text("value.bytes", count=size) if size > MAX_REF_BYTES else shown(ref),
    )


def _has_control(ref: str) -> bool:
    return any(c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in ref)


def _ref(ref: str) -> str:
    try:
        return check_ref(ref)
    except ValueInvalid as error:
        raise invalid(error) from None


Ref = Annotated[str, AfterValidator(_ref)]
AmountMinor = Annotated[int, Field(ge=0, le=MAX_AMOUNT_MINOR)]
PositiveMinor = Annotated[int, Field(gt=0, le=MAX_AMOUNT_MINOR)]
RatePpm = Annotated[int, Field(ge=0, le=MAX_RATE_PPM)]
Day = Annotated[date, Field(ge=EPOCH)]


class Row(BaseModel):
    """What all entries have. Not an entry itself."""

    # Built where it is first used: most commands check no entry.
    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", ser_json_bytes="hex", defer_build=True
    )

    has_own_ref: ClassVar[bool] = True
    """Whether its ref is no other's; else it goes by the ref of what it is about."""

    @property
    def content(self) -> tuple[str | int, ...]:
        """All fields in order, dates as day numbers: equal if and only if the entries are."""
        values = (type(self).__name__, *self.__dict__.values())
        return tuple(day_number(v) if isinstance(v, date) else _plain(v) for v in values)


def _plain(value: Any) -> str | int:
    if value is None:
        return ""
    return value if isinstance(value, int) else str(value)


class Booking(Row):
    """放款: a loan is paid out and divided between the funders. Its ref is the loan's."""

    kind: ClassVar[Kind] = Kind.BOOKING
    loan_ref: Ref
    borrower_ref: Ref
    start_date: Day
    maturity_date: Day
    principal_minor: PositiveMinor
    annual_rate_ppm: RatePpm
    method: Method
    purpose: Purpose

    @property
    def ref(self) -> str:
        """The loan's ref."""
        return self.loan_ref

    @model_validator(mode="after")
    def _matures_after_start(self) -> Self:
        if self.maturity_date <= self.start_date:
            raise _wrong(
                text("entry.maturity"),
                expected=text("entry.maturity_expected", start=self.start_date.isoformat()),
                found=self.maturity_date.isoformat(),
                column="maturity_date",
            )
        return self


class Repayment(Row):
    """还款: money received on a loan; at least one of the four amounts is above zero."""

    kind: ClassVar[Kind] = Kind.REPAYMENT
    entry_ref: Ref
    loan_ref: Ref
    date: Day
    principal_minor: AmountMinor
    interest_minor: AmountMinor
    penalty_minor: AmountMinor
    fee_minor: AmountMinor

    @property
    def ref(self) -> str:
        """The entry's own ref."""
        return self.entry_ref

    @property
    def total_minor(self) -> int:
        """All money received with this entry."""
        return self.principal_minor + self.interest_minor + self.penalty_minor + self.fee_minor

    @model_validator(mode="after")
    def _has_an_amount(self) -> Self:
        if not self.total_minor:
            raise _all_zero("principal", "entry.repayment_zero")
        if self.total_minor > MAX_AMOUNT_MINOR:
            raise _wrong(
                text("entry.total"),
                expected=text("entry.total_expected", most=MAX_AMOUNT_MINOR),
                found=str(self.total_minor),
                column="principal",
            )
        return self


class OverdueMark(Row):
    """逾期: since this day the borrower owes something that was due."""

    kind: ClassVar[Kind] = Kind.OVERDUE
    loan_ref: Ref
    since_date: Day

    @property
    def ref(self) -> str:
        """`overdue/LOAN_REF/SINCE`."""
        return f"overdue/{self.loan_ref}/{self.since_date.isoformat()}"


class Cure(Row):
    """The end of being overdue. A file says only which loan; the book knows which mark it ends."""

    kind: ClassVar[Kind] = Kind.CURE
    loan_ref: Ref
    ends_since_date: Day | None = None
    """The `since_date` of the mark that it ends; None until the book filled it in."""

    @property
    def ref(self) -> str:
        """`cure/LOAN_REF/SINCE` with the day of the mark that it ends."""
        since = self.ends_since_date.isoformat() if self.ends_since_date else ""
        return f"cure/{self.loan_ref}/{since}"

    def ending(self, since_date: date) -> Cure:
        """This cure, naming the mark that it ends."""
        return Cure(loan_ref=self.loan_ref, ends_since_date=since_date)


class Waiver(Row):
    """减免: interest or penalty that will not be collected; at least one is above zero."""

    kind: ClassVar[Kind] = Kind.WAIVER
    entry_ref: Ref
    loan_ref: Ref
    date: Day
    interest_minor: AmountMinor
    penalty_minor: AmountMinor

    @property
    def ref(self) -> str:
        """The entry's own ref."""
        return self.entry_ref

    @model_validator(mode="after")
    def _has_an_amount(self) -> Self:
        if not self.interest_minor + self.penalty_minor:
            raise _all_zero("interest", "entry.waiver_zero")
        return self


class WriteOff(Row):
    """核销: the whole loan is lost to its funders."""

    kind: ClassVar[Kind] = Kind.WRITE_OFF
    loan_ref: Ref
    date: Day

    @property
    def ref(self) -> str:
        """`write-off/LOAN_REF/DATE`."""
        return f"write-off/{self.loan_ref}/{self.date.isoformat()}"


class Recovery(Row):
    """追偿: money collected on a compensated or written-off loan."""

    kind: ClassVar[Kind] = Kind.RECOVERY
    entry_ref: Ref
    loan_ref: Ref
    date: Day
    amount_minor: PositiveMinor
    cost_minor: AmountMinor
    """Cost of collection, part of the amount."""

    @property
    def ref(self) -> str:
        """The entry's own ref."""
        return self.entry_ref

    @model_validator(mode="after")
    def _covers_its_cost(self) -> Self:
        if self.cost_minor > self.amount_minor:
            raise _wrong(
                text("entry.cost"),
                expected=text("entry.cost_expected"),
                found=text("entry.cost_found"),
                column="cost",
            )
        return self


class Reversal(Row):
    """冲正: the exact mirror of the entry it names."""

    kind: ClassVar[Kind] = Kind.REVERSAL
    entry_ref: Annotated[str, Field(min_length=1)]
    """Ref of the entry that it reverses; longer than 64 bytes when that one was made up."""

    @property
    def ref(self) -> str:
        """`reversal/ENTRY_REF`."""
        return f"reversal/{self.entry_ref}"


Entry = Booking | Repayment | OverdueMark | Cure | Waiver | WriteOff | Recovery | Reversal


class CashLine(Row):
    """One line of a bank statement; not an entry, only compared with them."""

    reference: Ref
    value_date: Day
    amount_minor: Annotated[int, Field(ge=-MAX_AMOUNT_MINOR, le=MAX_AMOUNT_MINOR)]
    """Above zero when money came in."""
    counterparty: str
    text: str

    @property
    def ref(self) -> str:
        """The bank's reference."""
        return self.reference


class VoucherIssue(Row):
    """开立: what a core enterprise owes a supplier on an invoice."""

    voucher_ref: Ref
    core: Ref
    supplier: Ref
    invoice_ref: Ref
    issue_date: Day
    due_date: Day
    amount_minor: PositiveMinor
    delivery_date: Day | None = None
    """When the goods came; None: not said."""
    term_reason: TermReason = TermReason.NONE

    @property
    def ref(self) -> str:
        """The voucher's own ref."""
        return self.voucher_ref

    @model_validator(mode="after")
    def _due_after_issue(self) -> Self:
        if self.due_date <= self.issue_date:
            raise _wrong(
                text("entry.due"),
                expected=text("entry.maturity_expected", start=self.issue_date.isoformat()),
                found=self.due_date.isoformat(),
                column="due_date",
            )
        return self


class Referred(Protocol):
    """Anything with a ref."""

    @property
    def ref(self) -> str:
        """The submitter's own identifier."""
        ...


class _Entry(Referred, Protocol):
    has_own_ref: ClassVar[bool]


def refuse_duplicates(entries: Iterable[_Entry]) -> None:
    """Entries made in Python in which one ref is there twice. Raises `EntryInvalid` with all."""
    first: dict[tuple[object, str], int] = {}
    keys = [(None if entry.has_own_ref else type(entry), entry.ref) for entry in entries]
    problems = [
        Problem(
            what=text("entry.duplicate", first=first[key] + 1),
            column=path([position]),
            expected=text("file.duplicate_expected"),
            found=shown(key[1]),
        )
        for position, key in enumerate(keys)
        if first.setdefault(key, position) != position
    ]
    if problems:
        raise EntryInvalid(problems)


def loan_id(salt: bytes, loan_ref: str) -> LoanId:
    """The id of a loan on the chain."""
    return LoanId(_salted(salt, loan_ref))


def entry_id(salt: bytes, entry_ref: str) -> EntryId:
    """The id of an entry on the chain; `entry_ref` is its `.ref`."""
    return EntryId(_salted(salt, entry_ref))


def borrower_id(salt: bytes, borrower_ref: str) -> BorrowerId:
    """The id of a borrower on the chain."""
    return BorrowerId(_salted(salt, borrower_ref))


def _salted(salt: bytes, ref: str) -> bytes:
    assert len(salt) == 32, "a deal's salt has 32 bytes"
    return keccak(salt + ref.encode())


def _wrong(what: str, *, expected: str, found: str, column: str) -> Exception:
    return invalid(ValueInvalid(what, expected=expected, found=found, column=column))


def _all_zero(column: str, key: str) -> Exception:
    expected, found = text("entry.zero_expected"), text("entry.zero_found")
    return _wrong(text(key), expected=expected, found=found, column=column)
