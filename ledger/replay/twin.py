"""Twin: a version of the terms as the Python arithmetic takes it, and what it makes of an entry.

Parties go by their index, as text. The contracts bound the terms by their own rules, so ours are
not asked again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from operator import sub

from ledger import losses
from ledger.consortium import FUNDERS
from ledger.events import FUNDERS as ALL_FUNDERS
from ledger.events import LAST_BOUND, Amounts, BandTerms, DealTerms, LayerTerms, TierTerms
from ledger.money import (
    PPM,
    DayCount,
    apportion,
    date_of,
    days_between,
    half_up,
    year_days,
)
from ledger.tables import Cap, LossLayer, RecoveryOrder, RiskBand, Source, Tier, VolumeTier
from ledger.waterfall import tier_legs

_PAYEES_LICENSED, _INTEREST_REFUSED = 4, 8
"""Bits of DealTerms.demands."""
_CAPS = ("", "amount_minor", "disbursed_ppm", "outstanding_ppm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Discounted:
    """A piece of a voucher sold to the funders."""

    discount_minor: int
    core_cost_minor: int
    """What the core enterprise bears of it."""
    parts_minor: list[int]
    """Of the piece, by funder."""
    income_minor: list[int]
    """Of the discount, by party."""


@dataclass(slots=True)
class Twin:
    """How a version of the terms divides."""

    terms: DealTerms
    parties: list[str]
    """The index of each as text."""
    funding: list[tuple[str, int]]
    interest: list[Tier]
    penalty: list[Tier]
    layers: list[LossLayer]

    @classmethod
    def of(cls, terms: DealTerms) -> Twin:
        """The twin of agreed terms."""
        return cls(
            terms=terms,
            parties=[str(at) for at in range(len(terms.parties))],
            funding=[(str(at), share) for at, share in enumerate(terms.shares_ppm)],
            interest=[_tier(tier) for tier in terms.interest],
            penalty=[_tier(tier) for tier in terms.penalty],
            layers=[_layer(layer) for layer in terms.layers],
        )

    # ---- what the terms ask for

    @property
    def accrues(self) -> bool:
        """Whether interest is accrued by loan."""
        return self.terms.claim.with_interest or self.refuses_interest

    @property
    def refuses_interest(self) -> bool:
        """Whether interest above what accrued is refused."""
        return bool(self.terms.demands & _INTEREST_REFUSED)

    @property
    def charges_loans(self) -> bool:
        """Whether each loan booked costs the funders something."""
        return bool(self.terms.fees.per_loan_minor or self.terms.fees.per_loan_ppm)

    @property
    def limits_borrowers(self) -> bool:
        """Whether it is kept what a borrower owes."""
        return any(
            one.max_per_borrower_minor
            or one.max_per_consumer_minor
            or one.max_guaranteed_borrower_ppm
            for one in self.terms.limits
        )

    @property
    def is_wide(self) -> bool:
        """Whether some limit reaches across deals."""
        return any(any(one[-4:]) for one in self.terms.limits)

    @property
    def day_count(self) -> DayCount:
        """How days of interest are counted."""
        return list(DayCount)[self.terms.day_count]

    @property
    def has_course(self) -> bool:
        """Whether the deal has more to follow in chain order than its loans."""
        terms = self.terms
        with_deposit = terms.deposit.depositor != ALL_FUNDERS
        return bool(with_deposit or terms.layers or terms.period.rule or self.is_wide)

    # ---- entries

    def booked(self, principal_minor: int) -> list[Amounts]:
        """Legs of a booking: principal, and what it costs the funders as fee."""
        fees = self.terms.fees
        fee = fees.per_loan_minor or half_up(principal_minor * fees.per_loan_ppm, PPM)
        shares = self.terms.shares_ppm
        return self._legs(
            principal=parts_of(principal_minor, shares),
            fee=parts_of(fee, shares) if fee else (),
        )

    def divides(self, outstanding_minor: int, amounts: Amounts) -> bool:
        """Whether a repayment can be divided: no more than is owed, and a payee for its fee."""
        owed = 0 <= amounts.principal_minor <= outstanding_minor
        return owed and (not amounts.fee_minor or self._fee_has_payee())

    def repaid(
        self, outstanding_minor: int, annual_rate_ppm: int, amounts: Amounts
    ) -> list[Amounts]:
        """Legs of a repayment on a loan with so much outstanding before."""
        interest: Sequence[int] = ()
        penalty: Sequence[int] = ()
        if amounts.interest_minor:
            legs = tier_legs(
                amounts.interest_minor, self.interest, self.funding, annual_rate_ppm=annual_rate_ppm
            )
            interest = [legs.get(party, 0) for party in self.parties]
        if amounts.penalty_minor:
            legs = tier_legs(amounts.penalty_minor, self.penalty, self.funding)
            penalty = [legs.get(party, 0) for party in self.parties]
        return self._legs(
            principal=self._principal(outstanding_minor, amounts.principal_minor),
            interest=interest,
            penalty=penalty,
            fee=self._fee(amounts.fee_minor) if amounts.fee_minor else (),
        )

    def written_off(self, outstanding_minor: int) -> list[Amounts]:
        """Legs of a write-off of the whole loan."""
        return self._legs(principal=self._principal(outstanding_minor, outstanding_minor))

    def compensated(self, outstanding_minor: int, paid_minor: int) -> list[Amounts]:
        """Legs of what the layers paid: principal first, then interest."""
        of_principal = min(paid_minor, outstanding_minor)
        return self._legs(
            principal=self._principal(outstanding_minor, of_principal),
            interest=apportion(paid_minor - of_principal, self.terms.shares_ppm),
        )

    def recovered(
        self, cash_minor: int, residual_minor: int, claims_minor: Sequence[int]
    ) -> tuple[tuple[int, ...], list[Amounts]]:
        """What each layer gets of recovered cash, and the funders' legs: residual and surplus."""
        restored = losses.recovery(
            cash_minor,
            residual_minor=residual_minor,
            claims_minor=claims_minor,
            shares_ppm=[layer.share_ppm for layer in self.layers],
            order=RecoveryOrder.PRO_RATA if self.terms.claim.pro_rata else RecoveryOrder.REVERSE,
        )
        shares = self.terms.shares_ppm
        legs = self._legs(
            principal=self._principal(residual_minor, restored.to_residual_minor),
            penalty=apportion(restored.surplus_minor, shares),
        )
        return restored.to_layers_minor, legs

    def discounted(
        self, amount_minor: int, annual_rate_ppm: int, date: int, due_date: int
    ) -> Discounted:
        """What the sale of a piece of a voucher to the funders comes to; dates as day numbers."""
        days = days_between(date_of(date), date_of(due_date), self.day_count)
        basis = year_days(self.day_count) * PPM
        discount = half_up(amount_minor * annual_rate_ppm * days, basis)
        legs = tier_legs(discount, self.interest, self.funding, annual_rate_ppm=annual_rate_ppm)
        return Discounted(
            discount_minor=discount,
            core_cost_minor=half_up(discount * self.terms.receivable.core_cost_ppm, PPM),
            parts_minor=list(parts_of(amount_minor, self.terms.shares_ppm)),
            income_minor=[legs.get(party, 0) for party in self.parties],
        )

    def pays(
        self,
        claim_minor: int,
        *,
        used_minor: Sequence[int],
        deposit_minor: int,
        disbursed_minor: int,
        outstanding_minor: int,
    ) -> tuple[int, ...]:
        """M6: what each layer pays of a claim."""
        return losses.compensation(
            claim_minor,
            self.layers,
            used_minor=used_minor[: len(self.layers)],
            deposits_minor={str(self.terms.deposit.depositor): deposit_minor},
            disbursed_minor=disbursed_minor,
            outstanding_minor=outstanding_minor,
        ).pays_minor

    def cap_minor(self, layer: int, disbursed_minor: int, outstanding_minor: int) -> int | None:
        """The most a layer may have used by now; None without a cap."""
        kind, cap = self.terms.layers[layer].cap_kind, self.terms.layers[layer].cap
        if kind == 0:
            return None
        base = (PPM, disbursed_minor, outstanding_minor)[kind - 1]
        return half_up(cap * base, PPM)

    def _principal(self, outstanding_minor: int, paid_minor: int) -> list[int]:
        """M3, as `waterfall.principal_legs`, from parts that are at hand."""
        assert 0 <= paid_minor <= outstanding_minor, (paid_minor, outstanding_minor)
        shares = self.terms.shares_ppm
        after = parts_of(outstanding_minor - paid_minor, shares)
        return list(map(sub, parts_of(outstanding_minor, shares), after))

    def _fee(self, fee_minor: int) -> list[int]:
        parts, fees = [0] * len(self.terms.parties), self.terms.fees
        assert self._fee_has_payee(), "a fee without payee"
        rest = fee_minor
        for tier in fees.split:
            taken = half_up(rest * tier.share_ppm, PPM)
            parts[tier.to] += taken
            rest -= taken
        parts[fees.to] += rest
        return parts

    def _fee_has_payee(self) -> bool:
        # Where payees of borrowers must be licensed, one of the funders' gets nothing of theirs.
        licensed = self.terms.demands & _PAYEES_LICENSED and self.charges_loans
        return self.terms.fees.to != ALL_FUNDERS and not licensed

    def _legs(
        self,
        *,
        principal: Sequence[int] = (),
        interest: Sequence[int] = (),
        penalty: Sequence[int] = (),
        fee: Sequence[int] = (),
    ) -> list[Amounts]:
        """One for each party; parties at the end that get nothing left out."""
        fields = zip_longest(principal, interest, penalty, fee, fillvalue=0)
        new = tuple.__new__
        legs = [new(Amounts, leg) for leg in fields][: len(self.terms.parties)]
        while legs and not any(legs[-1]):
            legs.pop()
        return legs


@lru_cache(maxsize=64)
def parts_of(amount_minor: int, shares_ppm: tuple[int, ...]) -> tuple[int, ...]:
    """M2 by shares: an entry needs it of what was outstanding before and is after it, twice."""
    return tuple(apportion(amount_minor, shares_ppm))


def _tier(tier: TierTerms) -> Tier:
    to = FUNDERS if tier.to == ALL_FUNDERS else str(tier.to)
    return Tier.model_construct(
        to=to, share_ppm=tier.share_ppm or None, rate_ppm=tier.rate_ppm or None
    )


def _layer(layer: LayerTerms) -> LossLayer:
    kinds = {_CAPS[layer.cap_kind]: layer.cap}
    cap = Cap.model_construct(None, **kinds) if layer.cap_kind else None
    return LossLayer.model_construct(
        payer=str(layer.payer),
        source=Source.DEPOSIT if layer.from_deposit else Source.DIRECT,
        share_ppm=layer.share_ppm,
        cap=cap,
        reinstates=layer.reinstates,
    )


def volume_tiers(bands: Sequence[BandTerms]) -> list[VolumeTier]:
    """The tiers of a period by volume."""
    return [
        VolumeTier.model_construct(up_to_minor=_bound(band), share_ppm=band.ppm) for band in bands
    ]


def risk_bands(bands: Sequence[BandTerms]) -> list[RiskBand]:
    """The bands of a period's risk multiplier."""
    return [
        RiskBand.model_construct(up_to_ppm=_bound(band), multiplier_ppm=band.ppm) for band in bands
    ]


def _bound(band: BandTerms) -> int | None:
    return None if band.up_to == LAST_BOUND else band.up_to
