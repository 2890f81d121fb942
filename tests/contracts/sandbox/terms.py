"""Terms: what a deal's parties sign, with parties by name, and its ABI form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any

from eth_abi import encode
from eth_hash.auto import keccak

from tests.contracts.sandbox.entries import on

FUNDERS = 255
NOBODY = 255
CNY = int.from_bytes(b"CNY", "big")
PPM = 1_000_000
LAST_BOUND = 2**64 - 1
"""Bound of the last band of a scale."""

_TIERS = "(uint256,uint256,uint256)[]"
_BANDS = "(uint256,uint256)[]"
_FEES = f"(uint256,uint256,uint256,{_TIERS})"
_DEPOSIT = "(uint256,uint256,uint256,uint256,uint256)"
_LAYERS = "(uint256,bool,uint256,uint256,uint256,bool)[]"
_CLAIM = "(uint256,bool,bool)"
_PERIOD = f"(uint256,uint256,uint256,uint256,bool,{_BANDS},{_BANDS})"
_RECEIVABLE = "(uint256,uint256,uint256,uint256,bool,uint256,uint256)"
_LIMITS = f"({','.join(['uint256'] * 11)})[]"
TERMS_TYPE = (
    "(uint256[],uint256[],uint256,uint256,uint256,uint256,uint256,"
    f"{_TIERS},{_TIERS},{_FEES},{_DEPOSIT},{_LAYERS},{_CLAIM},{_PERIOD},{_RECEIVABLE},{_LIMITS},"
    "uint256,uint256,bytes32)"
)


class DayCount(IntEnum):
    """Day counts in the contract's order."""

    ACT_360 = 0
    ACT_365 = 1
    THIRTY_360 = 2


class Cap(IntEnum):
    """Kinds of cap of a loss layer."""

    NONE = 0
    AMOUNT = 1
    DISBURSED = 2
    OUTSTANDING = 3


class Rule(IntEnum):
    """Rules of a period."""

    NONE = 0
    EXCESS = 1
    VOLUME = 2


class Demand(IntFlag):
    """What the terms demand besides what they say."""

    LENDING_LICENCE = 1
    GUARANTEE_LICENCE = 2
    FEE_PAYEE_LICENCE = 4
    ACCRUED_INTEREST = 8
    JOINT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One step of a waterfall; `to` a party, `funders`, or an index as it is."""

    to: str | int
    share: int = 0
    rate: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """Fees; their payee is `Terms.fee_to`."""

    per_loan: int = 0
    """Minor units for each loan booked, or"""
    per_loan_ppm: int = 0
    """parts per million of its principal."""
    split: tuple[Tier, ...] = ()
    """Who takes of a fee in an entry before the payee."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """保证金."""

    by: str | int
    custodian: str | int = "bank"
    target: int = 50_000
    warn: int = 47_000
    stop: int = 45_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One loss layer; by default its payer bears everything, directly and without a cap."""

    payer: str | int
    from_deposit: bool = False
    share: int = PPM
    cap_kind: int = Cap.NONE
    cap: int = 0
    reinstates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """When the layers pay; 0 days in a deal without layers."""

    days_past_due: int = 0
    with_interest: bool = False
    pro_rata: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A step of a scale, up to a bound inclusive."""

    up_to: int = LAST_BOUND
    ppm: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """分润."""

    rule: int = Rule.NONE
    to: str | int = 0
    bank_return: int = 0
    share: int = 0
    whole: bool = False
    tiers: tuple[Band, ...] = ()
    risk: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivable:
    """What the terms say of vouchers; an advance of 0 in a deal without them."""

    cores: tuple[str | int, ...] = ()
    """Parties, or bits as they are."""
    advance: int = PPM
    core_cost: int = 0
    evidence: int = 0
    recourse: bool = False
    max_days: int = 0
    max_days_from: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on loans from a day on; 0 for none."""

    from_date: int | None = None
    """None: the day from which the terms hold."""
    min_partner_share: int = 0
    max_annual_rate: int = 0
    max_per_borrower: int = 0
    max_per_consumer: int = 0
    max_bullet_days: int = 0
    max_outstanding: int = 0
    max_concentration: int = 0
    max_joint_share: int = 0
    max_guarantee_multiple: int = 0
    max_guaranteed_borrower: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Terms with parties by name; a place may also be an index as it is, to try a wrong one."""

    funding: tuple[tuple[str, int], ...]
    others: tuple[str, ...] = ()
    """Parties that do not fund."""
    servicer: str | int = "platform"
    disbursed_by: str | int = "bank"
    collected_by: str | int = "bank"
    currency: int = CNY
    day_count: int = DayCount.ACT_360
    interest: tuple[Tier, ...] = ()
    penalty: tuple[Tier, ...] = ()
    fee_to: str | int = NOBODY
    fees: Fees = Fees()
    deposit: Deposit | None = None
    layers: tuple[Layer, ...] = ()
    claim: Claim = Claim()
    period: Period = Period()
    receivable: Receivable = Receivable(advance=0)
    limits: Limits | tuple[Limits, ...] = Limits()
    """In force one after another; a single one may stand alone."""
    demands: int = 0
    effective_date: int = on("2026-01-01")
    document_digest: bytes = b"\x01" * 32

    @property
    def parties(self) -> tuple[str, ...]:
        """Every party in its order on the chain."""
        return (*(party for party, _ in self.funding), *self.others)

    @property
    def shares(self) -> list[int]:
        """The funders' shares, the lead's first."""
        return [share for _, share in self.funding]

    def place(self, party: str | int) -> int:
        """A party's index."""
        return party if isinstance(party, int) else self.parties.index(party)

    def encoded(self, numbers: Mapping[str, int]) -> tuple[Any, ...]:
        """The ABI form, with the members' numbers."""
        segments = (self.limits,) if isinstance(self.limits, Limits) else self.limits
        return (
            tuple(numbers.get(party, 0) for party in self.parties),
            tuple(self.shares),
            self.place(self.servicer),
            self.place(self.disbursed_by),
            self.place(self.collected_by),
            self.currency,
            self.day_count,
            self._tiers(self.interest),
            self._tiers(self.penalty),
            (
                self.place(self.fee_to),
                self.fees.per_loan,
                self.fees.per_loan_ppm,
                self._tiers(self.fees.split),
            ),
            self._deposit(),
            tuple(self._layer(layer) for layer in self.layers),
            (self.claim.days_past_due, self.claim.with_interest, self.claim.pro_rata),
            self._period(),
            self._receivable(),
            tuple(self._limits(segment) for segment in segments),
            self.demands,
            self.effective_date,
            self.document_digest,
        )

    def hash(self, numbers: Mapping[str, int]) -> bytes:
        """What each party signs, from its own copy."""
        return keccak(encode([TERMS_TYPE], [self.encoded(numbers)]))

    def _tiers(self, tiers: tuple[Tier, ...]) -> tuple[tuple[int, int, int], ...]:
        return tuple(
            (FUNDERS if tier.to == "funders" else self.place(tier.to), tier.share, tier.rate)
            for tier in tiers
        )

    def _deposit(self) -> tuple[int, ...]:
        deposit = self.deposit
        if deposit is None:
            return NOBODY, NOBODY, 0, 0, 0
        places = self.place(deposit.by), self.place(deposit.custodian)
        return *places, deposit.target, deposit.warn, deposit.stop

    def _layer(self, layer: Layer) -> tuple[Any, ...]:
        return (
            self.place(layer.payer),
            layer.from_deposit,
            layer.share,
            layer.cap_kind,
            layer.cap,
            layer.reinstates,
        )

    def _period(self) -> tuple[Any, ...]:
        period = self.period
        return (
            period.rule,
            self.place(period.to),
            period.bank_return,
            period.share,
            period.whole,
            tuple((band.up_to, band.ppm) for band in period.tiers),
            tuple((band.up_to, band.ppm) for band in period.risk),
        )

    def _receivable(self) -> tuple[Any, ...]:
        receivable = self.receivable
        return (
            sum(core if isinstance(core, int) else 1 << self.place(core) for core in receivable.cores),
            receivable.advance,
            receivable.core_cost,
            receivable.evidence,
            receivable.recourse,
            receivable.max_days,
            receivable.max_days_from,
        )

    def _limits(self, limits: Limits) -> tuple[int, ...]:
        return (
            self.effective_date if limits.from_date is None else limits.from_date,
            limits.min_partner_share,
            limits.max_annual_rate,
            limits.max_per_borrower,
            limits.max_per_consumer,
            limits.max_bullet_days,
            limits.max_outstanding,
            limits.max_concentration,
            limits.max_joint_share,
            limits.max_guarantee_multiple,
            limits.max_guaranteed_borrower,
        )
