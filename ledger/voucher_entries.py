"""Voucher entries: what the parties of a voucher submit, one frozen strict model per kind.

As with other entries, only salted hashes of refs go on the chain; the invoice behind a voucher or a
transfer is hashed with a salt that the whole ledger shares, so that it is known in every deal.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator

from ledger.consortium import Id
from ledger.entries import (
    AmountMinor,
    Day,
    PositiveMinor,
    RatePpm,
    Ref,
    Row,
    VoucherIssue,
    check_ref,
)
from ledger.errors import EntryInvalid, ValueInvalid
from ledger.messages import text
from ledger.money import MAX_RATE_PPM, shown
from ledger.problems import invalid, problems_of
from ledger.receivable import Evidence

_ID = re.compile("0x[0-9a-f]{64}", re.ASCII)
_Made = TypeVar("_Made", bound=Row)
_SHA256 = re.compile("[0-9a-f]{64}", re.ASCII)


class Form(StrEnum):
    """How a piece is financed, in the order of the contracts' numbers, from 1."""

    DISCOUNT = "discount"
    """贴现: the funders buy it."""
    PLEDGE = "pledge"
    """质押: it secures a loan of its holder."""


def _ref_or_id(given: str) -> str:
    return given if is_id(given) else _checked(given)


def _checked(ref: str) -> str:
    try:
        return check_ref(ref)
    except ValueInvalid as error:
        raise invalid(error) from None


def is_id(given: str) -> bool:
    """Whether it is an id in hex, as `0x` and 64 digits, and no ref."""
    # No ref is as long as an id in hex.
    return _ID.fullmatch(given) is not None


RefOrId = Annotated[str, AfterValidator(_ref_or_id)]
"""A ref of another member may be known by its id alone."""


class VoucherConfirmation(Row):
    """确权: the core enterprise owes it, and its supplier holds it as one piece."""

    has_own_ref: ClassVar[bool] = False
    voucher_ref: RefOrId
    date: Day | None = None
    """None: on its issue date, or as it was confirmed already."""

    @property
    def ref(self) -> str:
        """The voucher's."""
        return self.voucher_ref


class VoucherCancellation(Row):
    """A voucher that is not confirmed yet is void, and its invoice free."""

    has_own_ref: ClassVar[bool] = False
    voucher_ref: RefOrId

    @property
    def ref(self) -> str:
        """The voucher's."""
        return self.voucher_ref


class VoucherDispute(Row):
    """Who may dispute a voucher does, or lifts its own dispute."""

    has_own_ref: ClassVar[bool] = False
    voucher_ref: RefOrId
    lifted: bool = False

    @property
    def ref(self) -> str:
        """The voucher's."""
        return self.voucher_ref


class TradeEvidence(Row):
    """三流合一: a party vouches for a document of the trade."""

    voucher_ref: RefOrId
    kind: Evidence
    document: str
    """SHA-256 of the document, 64 hex digits."""

    @property
    def ref(self) -> str:
        """`VOUCHER_REF/KIND/DOCUMENT`."""
        return f"{self.voucher_ref}/{self.kind.value}/{self.document}"

    @model_validator(mode="after")
    def _is_a_digest(self) -> Self:
        if not _SHA256.fullmatch(self.document):
            raise _wrong(
                text("entry.document"),
                expected=text("entry.document_expected"),
                found=shown(self.document),
                column="document",
            )
        return self


class Split(Row):
    """拆分: a piece of its own is split off a piece; its holder holds both."""

    piece_ref: RefOrId
    child_ref: Ref
    date: Day
    amount_minor: PositiveMinor

    @property
    def ref(self) -> str:
        """The new piece's."""
        return self.child_ref


class Transfer(Row):
    """转让: a piece passes to who sold its holder something, on an invoice of theirs."""

    entry_ref: Ref
    piece_ref: RefOrId
    date: Day
    to: Id
    invoice_ref: Ref

    @property
    def ref(self) -> str:
        """The entry's own ref."""
        return self.entry_ref


class Financing(Row):
    """A piece is offered and then discounted, or pledged for a loan of its holder."""

    entry_ref: Ref
    piece_ref: RefOrId
    date: Day
    form: Form
    annual_rate_ppm: Annotated[int, Field(gt=0, le=MAX_RATE_PPM)]
    """Of the discount, or of the loan."""
    loan_ref: str = ""
    """Of a pledge alone,"""
    amount_minor: AmountMinor = 0
    """and so is the principal."""

    @property
    def ref(self) -> str:
        """The entry's own ref."""
        return self.entry_ref

    @model_validator(mode="after")
    def _names_a_loan_for_a_pledge_alone(self) -> Self:
        pledged = self.form is Form.PLEDGE
        for column, given in (("loan_ref", self.loan_ref), ("amount", self.amount_minor)):
            if bool(given) != pledged:
                raise _wrong(
                    text("entry.pledge" if pledged else "entry.discount"),
                    expected=text(
                        f"entry.pledge_{column}" if pledged else "entry.discount_expected"
                    ),
                    found=shown(str(given)),
                    column=column,
                )
        if pledged:
            _checked(self.loan_ref)
        return self


class Withdrawal(Row):
    """An offer, or a sale that is not confirmed, is taken back."""

    has_own_ref: ClassVar[bool] = False
    piece_ref: RefOrId
    date: Day

    @property
    def ref(self) -> str:
        """The piece's."""
        return self.piece_ref


class Release(Row):
    """解押: a pledged piece whose loan is repaid is its holder's again."""

    has_own_ref: ClassVar[bool] = False
    piece_ref: RefOrId
    date: Day

    @property
    def ref(self) -> str:
        """The piece's."""
        return self.piece_ref


class VoucherPayment(Row):
    """兑付: what the core enterprise pays on a voucher, for all its live pieces."""

    entry_ref: Ref
    voucher_ref: RefOrId
    date: Day
    amount_minor: PositiveMinor
    reference: Ref
    """Of the core enterprise's bank."""

    @property
    def ref(self) -> str:
        """The entry's own ref."""
        return self.entry_ref


class Recourse(Row):
    """追索: who financed a discounted piece buys it back, as the core enterprise did not pay."""

    piece_ref: RefOrId
    date: Day

    @property
    def ref(self) -> str:
        """`recourse/PIECE_REF/DATE`."""
        return f"recourse/{self.piece_ref}/{self.date.isoformat()}"


class Conversion(Row):
    """垫款: a loan of the deal to the core enterprise pays a discounted piece."""

    entry_ref: Ref
    piece_ref: RefOrId
    date: Day
    loan_ref: Ref
    maturity_date: Day
    annual_rate_ppm: RatePpm

    @property
    def ref(self) -> str:
        """The entry's own ref."""
        return self.entry_ref

    @model_validator(mode="after")
    def _matures_after_its_date(self) -> Self:
        if self.maturity_date <= self.date:
            raise _wrong(
                text("entry.maturity"),
                expected=text("entry.maturity_expected", start=self.date.isoformat()),
                found=self.maturity_date.isoformat(),
                column="maturity_date",
            )
        return self


class SaleOffer(Row):
    """A bank offers a piece that it holds to another bank."""

    has_own_ref: ClassVar[bool] = False
    piece_ref: RefOrId
    date: Day
    buyer: Id
    price_minor: PositiveMinor

    @property
    def ref(self) -> str:
        """The piece's."""
        return self.piece_ref


class SaleAcceptance(Row):
    """The other bank takes it, at the price that it names."""

    has_own_ref: ClassVar[bool] = False
    piece_ref: RefOrId
    date: Day
    price_minor: PositiveMinor

    @property
    def ref(self) -> str:
        """The piece's."""
        return self.piece_ref


class SaleConfirmation(Row):
    """The price was paid: the buyer holds the piece."""

    piece_ref: RefOrId
    date: Day

    @property
    def ref(self) -> str:
        """`sale/PIECE_REF/DATE`."""
        return f"sale/{self.piece_ref}/{self.date.isoformat()}"


VoucherEntry = (
    VoucherIssue
    | VoucherConfirmation
    | VoucherCancellation
    | VoucherDispute
    | TradeEvidence
    | Split
    | Transfer
    | Financing
    | Withdrawal
    | Release
    | VoucherPayment
    | Recourse
    | Conversion
    | SaleOffer
    | SaleAcceptance
    | SaleConfirmation
)


def made(entry: type[_Made], /, **fields: Any) -> _Made:
    """An entry of its fields. Raises `EntryInvalid` with everything wrong with them."""
    try:
        return entry(**fields)
    except ValidationError as error:
        raise EntryInvalid(problems_of(error)) from None


def invoice_hash(
    salt: bytes, seller: str, buyer: str, invoice_ref: str, amount_minor: int
) -> bytes:
    """What stands for an invoice on the chain, in whichever deal; members by their ids.

    `salt` is the ledger's, for invoices. Of a voucher the supplier sells and the core enterprise
    buys; of a transfer the new holder sells and the present one buys.
    """
    from eth_hash.auto import keccak

    assert len(salt) == 32, "a salt has 32 bytes"
    invoice = json.dumps(
        [seller, buyer, invoice_ref, amount_minor], ensure_ascii=False, separators=(",", ":")
    )
    return keccak(salt + invoice.encode())


def _wrong(what: str, *, expected: str, found: str, column: str) -> Exception:
    return invalid(ValueInvalid(what, expected=expected, found=found, column=column))
