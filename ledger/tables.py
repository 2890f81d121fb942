"""Tables: the parts of a deal's terms, one frozen strict model per table of deal.toml.

Files write ratios as percent strings and amounts as decimal strings, under short names; the
models hold parts per million and minor units of the deal's currency, under names with units.
A validation context (`{"decimals": 2}`) says that the input is a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from ledger.consortium import FUNDERS, Id, check_id
from ledger.errors import ValueInvalid
from ledger.messages import text
from ledger.money import (
    MAX_AMOUNT_MINOR,
    MAX_RATE_PPM,
    PPM,
    currency_code,
    half_up,
    parse,
    parse_percent,
    shown,
)
from ledger.problems import invalid

MAX_BANDS = 8
MAX_FEE_SHARES = 4
MAX_MULTIPLE = 1_000
_MULTIPLE = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,6}))?", re.ASCII)


class Mode(StrEnum):
    """Which kind of partnership; it says which tables must be there, the tables decide."""

    JOINT = "joint"
    DEPOSIT = "deposit"
    PROFIT_SHARE = "profit-share"
    GUARANTEED = "guaranteed"
    REFERRAL = "referral"
    RECEIVABLE = "receivable"


class Source(StrEnum):
    """Where a loss layer pays from."""

    DEPOSIT = "deposit"
    DIRECT = "direct"


class ClaimBase(StrEnum):
    """What a claim covers."""

    PRINCIPAL = "principal"
    PRINCIPAL_AND_INTEREST = "principal+interest"


class RecoveryOrder(StrEnum):
    """Whose claims recovered cash restores first."""

    REVERSE = "reverse"
    PRO_RATA = "pro_rata"


class InterestCheck(StrEnum):
    """What becomes of a repayment with more interest than accrued on its loan."""

    OFF = "off"
    WARN = "warn"
    REFUSE = "refuse"


class PeriodRule(StrEnum):
    """How a period statement divides."""

    EXCESS = "excess"
    VOLUME = "volume"


class VolumeReading(StrEnum):
    """Whether a volume tier's share holds for its slice alone or for the whole interest."""

    MARGINAL = "marginal"
    WHOLE = "whole"


def _from_file(read: Callable[[str, dict[str, Any]], int]) -> BeforeValidator:
    """Texts of a file become integers; Python and canonical JSON give the integers themselves."""

    def convert(value: object, info: ValidationInfo) -> object:
        context = info.context
        if context is None:
            return value
        if not isinstance(value, str):
            raise invalid(_not_text(value))
        try:
            return read(value, context)
        except ValueInvalid as error:
            raise invalid(error) from None

    return BeforeValidator(convert)


def _not_text(value: object) -> ValueInvalid:
    return ValueInvalid(
        text("problem.unusable"),
        expected=text("problem.expected_text"),
        found=shown(value),
        fix=text("terms.quote_fix"),
    )


_PERCENT_SCHEMA = WithJsonSchema(
    {"type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,4})?%$"}, mode="validation"
)
_AMOUNT_SCHEMA = WithJsonSchema(
    {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}, mode="validation"
)
_MULTIPLE_SCHEMA = WithJsonSchema(
    {"type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,6})?$"}, mode="validation"
)
_percent = _from_file(lambda value, context: parse_percent(value))
_amount = _from_file(lambda value, context: parse(value, context["decimals"]))
_multiple = _from_file(lambda value, context: _parse_multiple(value))

Share = Annotated[int, Field(ge=0, le=PPM), _percent, _PERCENT_SCHEMA]
PositiveShare = Annotated[int, Field(gt=0, le=PPM), _percent, _PERCENT_SCHEMA]
Rate = Annotated[int, Field(gt=0, le=MAX_RATE_PPM), _percent, _PERCENT_SCHEMA]
Multiplier = Annotated[int, Field(ge=0, le=MAX_RATE_PPM), _percent, _PERCENT_SCHEMA]
Amount = Annotated[int, Field(gt=0, le=MAX_AMOUNT_MINOR), _amount, _AMOUNT_SCHEMA]
Multiple = Annotated[int, Field(gt=0, le=MAX_MULTIPLE * PPM), _multiple, _MULTIPLE_SCHEMA]
Currency = Annotated[str, BeforeValidator(lambda value: _checked(currency_code, value))]
Payee = Annotated[
    str,
    BeforeValidator(lambda value: value if value == FUNDERS else _checked(check_id, value)),
    WithJsonSchema({"type": "string"}),
]
Days = Annotated[int, Field(ge=1, le=36_500)]


def _parse_multiple(value: str) -> int:
    """Parts per million of a plain number of times ("10", "12.5")."""
    match = _MULTIPLE.fullmatch(value)
    if match is None:
        raise ValueInvalid(
            text("terms.multiple_form"),
            expected=text("terms.multiple_form_expected"),
            found=shown(value),
        )
    whole, fraction = match.groups(default="")
    return int(whole + fraction.ljust(6, "0"))


def _checked(check: Callable[[str], str], value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return check(value)
    except ValueInvalid as error:
        raise invalid(error) from None


class Table(BaseModel):
    """What all tables of the terms have: frozen, strict, no unknown keys."""

    # Built where it is first used: most commands read no terms.
    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        defer_build=True,
    )


class Funder(Table):
    """One funder's share of every loan; the first funder leads and takes rounding residue."""

    party: Id
    share_ppm: Annotated[PositiveShare, Field(alias="share")]


class Tier(Table):
    """One step of the interest or penalty waterfall; either a share or a yearly rate."""

    to: Payee
    """A party, or `funders` for all of them by their shares."""
    share_ppm: Annotated[Share | None, Field(alias="share")] = None
    """Of what is left."""
    rate_ppm: Annotated[Rate | None, Field(alias="rate")] = None
    """A year, inside the loan's rate."""


class Charge(Table):
    """What a borrower pays on a loan besides its interest: exactly one of the two."""

    share_ppm: Annotated[int | None, Field(gt=0, le=PPM)] = None
    """Of the original principal."""
    amount_minor: Annotated[int | None, Field(gt=0, le=MAX_AMOUNT_MINOR)] = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.share_ppm is None) == (self.amount_minor is None):
            raise invalid(_not_charge(repr(self)))
        return self

    def of(self, principal_minor: int) -> int:
        """Minor units, half-up, on a loan of that principal."""
        if self.amount_minor is not None:
            return self.amount_minor
        return half_up(principal_minor * (self.share_ppm or 0), PPM)


def _charge(value: object, info: ValidationInfo) -> object:
    """A percent string is a share, any other an amount."""
    if info.context is None:
        return value
    if not isinstance(value, str):
        raise invalid(_not_text(value))
    try:
        if value.endswith("%"):
            charge = {"share_ppm": parse_percent(value, most_ppm=PPM)}
        else:
            charge = {"amount_minor": parse(value, info.context["decimals"])}
        if not all(charge.values()):
            raise _not_charge(value)
    except ValueInvalid as error:
        raise invalid(error) from None
    return Charge(**charge)


def _not_charge(value: str) -> ValueInvalid:
    return ValueInvalid(
        text("terms.charge"), expected=text("terms.charge_expected"), found=shown(value)
    )


_Charge = Annotated[
    Charge,
    BeforeValidator(_charge),
    WithJsonSchema(
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%?$"},
        mode="validation",
    ),
]


class FeeShare(Table):
    """Who takes a share of a borrower's fee before the rest goes to its payee."""

    to: Id
    share_ppm: Annotated[PositiveShare, Field(alias="share")]
    """Of what is left."""


class Fee(Table):
    """What is paid besides interest and penalty: by the borrower, and by the funders."""

    to: Id
    """The payee of both."""
    per_loan_minor: Annotated[Amount | None, Field(alias="per_loan")] = None
    """导流: what the funders pay for each loan booked, or"""
    per_loan_ppm: Annotated[PositiveShare | None, Field(alias="per_loan_share")] = None
    """what they pay of its principal."""
    split: Annotated[
        tuple[FeeShare, ...] | None, Field(strict=False, min_length=1, max_length=MAX_FEE_SHARES)
    ] = None
    """Of the fee in an entry, in order."""
    borrower_per_instalment: _Charge | None = None
    """What the borrower pays with each instalment."""
    borrower_upfront: _Charge | None = None
    """What the borrower pays at the start."""

    @property
    def per_loan(self) -> bool:
        """Whether the funders pay for each loan booked."""
        return self.per_loan_minor is not None or self.per_loan_ppm is not None

    @property
    def by_borrowers(self) -> bool:
        """Whether borrowers pay it: unless it is there for each loan and says nothing of them."""
        standard = (self.borrower_per_instalment, self.borrower_upfront, self.split)
        return not self.per_loan or any(part is not None for part in standard)


class Deposit(Table):
    """保证金: a guarantee deposit and its three lines, parts of what it guarantees."""

    by: Id
    custodian: Id
    target_ppm: Annotated[PositiveShare, Field(alias="target")]
    warn_ppm: Annotated[PositiveShare, Field(alias="warn")]
    stop_ppm: Annotated[PositiveShare, Field(alias="stop")]


class Cap(Table):
    """The most a loss layer pays: exactly one of the three."""

    amount_minor: Annotated[Amount | None, Field(alias="amount")] = None
    disbursed_ppm: Annotated[PositiveShare | None, Field(alias="disbursed")] = None
    """Of all principal ever disbursed in the deal."""
    outstanding_ppm: Annotated[PositiveShare | None, Field(alias="outstanding")] = None
    """Of principal outstanding before the claim."""


class LossLayer(Table):
    """Who bears a loss, in order."""

    payer: Id
    source: Annotated[Source, Field(strict=False)] = Source.DIRECT
    share_ppm: Annotated[PositiveShare, Field(alias="share")] = PPM
    """Of what reaches the layer."""
    cap: Cap | None = None
    reinstates: bool = False
    """Whether recoveries make room under the cap again."""


class Claim(Table):
    """When and what the loss layers pay."""

    days_past_due: Days
    base: Annotated[ClaimBase, Field(strict=False)] = ClaimBase.PRINCIPAL
    recovery_order: Annotated[RecoveryOrder, Field(strict=False)] = RecoveryOrder.REVERSE


class Limits(Table):
    """What a loan may be; None where nothing is limited."""

    min_partner_share_ppm: Annotated[Share | None, Field(alias="min_partner_share")] = None
    """Of each loan, for every funder but the lead."""
    max_annual_rate_ppm: Annotated[Rate | None, Field(alias="max_annual_rate")] = None
    max_per_borrower_minor: Annotated[Amount | None, Field(alias="max_per_borrower")] = None
    """Outstanding of one borrower, any purpose."""
    max_per_consumer_minor: Annotated[Amount | None, Field(alias="max_per_consumer")] = None
    """Outstanding of one borrower in consumer loans."""
    max_bullet_days: Days | None = None
    """Longest term of a loan repaid at maturity."""
    max_outstanding_minor: Annotated[Amount | None, Field(alias="max_outstanding")] = None
    """Of the deal."""
    max_all_in_cost_ppm: Annotated[Rate | None, Field(alias="max_all_in_cost")] = None
    """A year, of a loan's interest and every fee that its borrower pays (综合融资成本)."""
    max_concentration_ppm: Annotated[
        PositiveShare | None, Field(alias="max_partner_concentration")
    ] = None
    """A funder's own part of all deals with one group of partners, of its tier-1 capital."""
    max_joint_share_ppm: Annotated[PositiveShare | None, Field(alias="max_joint_share")] = None
    """A funder's own part of all joint deals, of all its loans."""
    max_guarantee_multiple_ppm: Annotated[
        Multiple | None, Field(alias="max_guarantee_multiple")
    ] = None
    """What a payer of loss layers stands in for, in times of its net assets."""
    max_guaranteed_borrower_ppm: Annotated[
        PositiveShare | None, Field(alias="max_guaranteed_borrower")
    ] = None
    """What one borrower owes where a payer stands in directly, of the payer's net assets."""
    interest_check: Annotated[InterestCheck | None, Field(strict=False)] = None
    """Of each repayment; None: off."""


class VolumeTier(Table):
    """The platform's share of interest up to a disbursed volume."""

    up_to_minor: Annotated[Amount | None, Field(alias="up_to")] = None
    """Inclusive; None in the last tier only."""
    share_ppm: Annotated[Share, Field(alias="share")]


class RiskBand(Table):
    """What multiplies the platform's part while 90+ days past due stay under a line."""

    up_to_ppm: Annotated[Share | None, Field(alias="up_to")] = None
    """Of outstanding, inclusive; None in the last band only."""
    multiplier_ppm: Annotated[Multiplier, Field(alias="multiplier")]


class Period(Table):
    """分润: how a month is divided at its close."""

    rule: Annotated[PeriodRule, Field(strict=False)]
    to: Id
    bank_return_ppm: Annotated[Rate | None, Field(alias="bank_return")] = None
    """A year, for the funders before any excess; rule `excess`."""
    share_ppm: Annotated[PositiveShare | None, Field(alias="share")] = None
    """Of the excess; rule `excess`."""
    reading: Annotated[VolumeReading | None, Field(strict=False)] = None
    """Rule `volume`."""
    tiers: Annotated[
        tuple[VolumeTier, ...], Field(alias="tier", strict=False, max_length=MAX_BANDS)
    ] = ()
    """Rule `volume`."""
    risk: Annotated[tuple[RiskBand, ...], Field(strict=False, max_length=MAX_BANDS)] = ()
    """Either rule."""
