"""Fees: what each party earned on the days that are audited, by what it earned it for.

The legs of the entries say who got what of interest, penalty and fees. For what is worked out by
the terms: a share of interest that a tier gives one party is its profit share (分润), the rest is
the funders' own interest, though a funder may get both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from ledger.consortium import FUNDERS
from ledger.entries import Kind
from ledger.events import FUNDERS as NOBODY
from ledger.events import DealTerms
from ledger.reading import Posted, Statement
from ledger.replay.twin import Twin
from ledger.waterfall import tier_legs


class Basis(StrEnum):
    """What was earned for."""

    INTEREST = "interest"
    """The funders' own, by their shares."""
    PROFIT_SHARE = "profit-share"
    """分润: what tiers give one party of the interest of each repayment."""
    PERIOD_SHARE = "period-share"
    """分润: what a month's statement gives the platform, from the funders."""
    SERVICE = "service"
    """A fee that borrowers pay to who bears no loss."""
    GUARANTEE = "guarantee"
    """担保费: a fee that borrowers pay to who places the deposit or pays for losses."""
    REFERRAL = "referral"
    """导流: what the funders pay for each loan booked."""
    PENALTY = "penalty"
    """罚息."""
    COMPENSATED_INTEREST = "compensated-interest"
    """Interest that loss layers paid in place of the borrower."""
    SURPLUS = "surplus"
    """Recovered above all claims."""


class PaidBy(StrEnum):
    """Whose money it is."""

    BORROWERS = "borrowers"
    FUNDERS = "funders"
    LAYERS = "layers"


class Fee(NamedTuple):
    """What one party got on one basis. Reversals are taken off."""

    basis: Basis
    party: int
    """Member number."""
    paid_by: PaidBy
    entries: int
    """Those that earned it, less those that took it back."""
    amount_minor: int


_Key = tuple[Basis, int, PaidBy]


class Fees:
    """Adds up what was earned on business days from `first` to `last`."""

    def __init__(self, terms: Mapping[int, DealTerms], first: int, last: int) -> None:
        """`terms`: of the deal, by version."""
        self._first, self._last = first, last
        self._twins = {version: Twin.of(own) for version, own in terms.items()}
        self._guaranteeing = {version: _guaranteeing(own) for version, own in terms.items()}
        self._amounts: Counter[_Key] = Counter()
        self._entries: Counter[_Key] = Counter()

    def take(self, version: int, annual_rate_ppm: int, entries: Iterable[Posted]) -> None:
        """The entries of a loan booked under a version."""
        twin = self._twins[version]
        for posted in entries:
            if self._first <= posted.day <= self._last:
                sign = -1 if posted.kind is Kind.REVERSAL else 1
                for key, amount in self._earned(posted, version, twin, annual_rate_ppm):
                    if amount:
                        self._amounts[key] += sign * amount
                        self._entries[key] += sign

    def take_statements(self, statements: Sequence[Statement]) -> None:
        """The months that were closed."""
        for one in statements:
            if self._first <= one.day <= self._last and one.platform_minor:
                terms = self._twins[one.version].terms
                key = Basis.PERIOD_SHARE, terms.parties[terms.period.to], PaidBy.FUNDERS
                self._amounts[key] += one.platform_minor
                self._entries[key] += 1

    def rows(self) -> list[Fee]:
        """By basis, then by party."""
        order = list(Basis)
        keys = sorted(self._amounts, key=lambda key: (order.index(key[0]), *key[1:]))
        return [Fee(*key, self._entries[key], self._amounts[key]) for key in keys]

    def _earned(
        self, posted: Posted, version: int, twin: Twin, annual_rate_ppm: int
    ) -> Iterator[tuple[_Key, int]]:
        kind, terms = posted.mirrored or posted.kind, twin.terms
        if kind is Kind.BOOKING:
            charged = sum(leg.fee_minor for leg in posted.legs)
            if charged:
                yield (Basis.REFERRAL, terms.parties[terms.fees.to], PaidBy.FUNDERS), charged
            return
        shares = {}
        if kind is Kind.REPAYMENT and posted.amounts.interest_minor:
            shares = _profit_shares(twin, posted.amounts.interest_minor, annual_rate_ppm)
        for place, (party, leg) in enumerate(zip(terms.parties, posted.legs, strict=False)):
            if kind is Kind.REPAYMENT:
                share = shares.get(place, 0)
                yield (Basis.PROFIT_SHARE, party, PaidBy.BORROWERS), share
                yield (Basis.INTEREST, party, PaidBy.BORROWERS), leg.interest_minor - share
                yield (Basis.PENALTY, party, PaidBy.BORROWERS), leg.penalty_minor
                guarantees = place in self._guaranteeing[version]
                basis = Basis.GUARANTEE if guarantees else Basis.SERVICE
                yield (basis, party, PaidBy.BORROWERS), leg.fee_minor
            elif kind is Kind.COMPENSATION:
                yield (Basis.COMPENSATED_INTEREST, party, PaidBy.LAYERS), leg.interest_minor
            elif kind in (Kind.RECOVERY, Kind.CLAIM_REPAYMENT):
                yield (Basis.SURPLUS, party, PaidBy.BORROWERS), leg.penalty_minor


def _profit_shares(twin: Twin, interest_minor: int, annual_rate_ppm: int) -> dict[int, int]:
    """Place of a party to what tiers that name it give it of a repayment's interest."""
    named = [
        tier if tier.to == FUNDERS else tier.model_copy(update={"to": f"{tier.to} named"})
        for tier in twin.interest
    ]
    legs = tier_legs(interest_minor, named, twin.funding, annual_rate_ppm=annual_rate_ppm)
    return {
        int(party.removesuffix(" named")): amount
        for party, amount in legs.items()
        if party.endswith(" named")
    }


def _guaranteeing(terms: DealTerms) -> set[int]:
    """Places of the parties that bear losses: the depositor and the payers of layers."""
    deposit = {terms.deposit.depositor} - {NOBODY}
    return deposit | {layer.payer for layer in terms.layers}
