"""Terms: what a deal's parties sign, with parties by name, and its ABI form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_abi import encode
from eth_hash.auto import keccak

from tests.contracts.sandbox.entries import on

FUNDERS = 255
NOBODY = 255

_TIERS = "(uint256,uint256,uint256)[]"
TERMS_TYPE = (
    "(uint256[],uint256[],uint256,uint256,uint256,uint256,"
    f"{_TIERS},{_TIERS},(uint256,uint256,uint256,uint256,uint256,uint256),uint256,bytes32)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One step of a waterfall; `to` a party, `funders`, or an index as it is."""

    to: str | int
    share: int = 0
    rate: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits; 0 for none."""

    min_partner_share: int = 0
    max_annual_rate: int = 0
    max_per_borrower: int = 0
    max_per_consumer: int = 0
    max_bullet_days: int = 0
    max_outstanding: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Terms with parties by name; a place may also be an index as it is, to try a wrong one."""

    funding: tuple[tuple[str, int], ...]
    others: tuple[str, ...] = ()
    """Parties that do not fund."""
    servicer: str | int = "platform"
    disbursed_by: str | int = "bank"
    collected_by: str | int = "bank"
    fee_to: str | int = NOBODY
    interest: tuple[Tier, ...] = ()
    penalty: tuple[Tier, ...] = ()
    limits: Limits = Limits()
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

    def encoded(self, numbers: Mapping[str, int]) -> tuple[Any, ...]:
        """The ABI form, with the members' numbers."""
        return (
            [numbers.get(party, 0) for party in self.parties],
            self.shares,
            self._place(self.servicer),
            self._place(self.disbursed_by),
            self._place(self.collected_by),
            self._place(self.fee_to),
            [self._tier(tier) for tier in self.interest],
            [self._tier(tier) for tier in self.penalty],
            (
                self.limits.min_partner_share,
                self.limits.max_annual_rate,
                self.limits.max_per_borrower,
                self.limits.max_per_consumer,
                self.limits.max_bullet_days,
                self.limits.max_outstanding,
            ),
            self.effective_date,
            self.document_digest,
        )

    def hash(self, numbers: Mapping[str, int]) -> bytes:
        """What each party signs, from its own copy."""
        return keccak(encode([TERMS_TYPE], [self.encoded(numbers)]))

    def _place(self, party: str | int) -> int:
        return party if isinstance(party, int) else self.parties.index(party)

    def _tier(self, tier: Tier) -> tuple[int, int, int]:
        to = FUNDERS if tier.to == "funders" else self._place(tier.to)
        return to, tier.share, tier.rate
