"""Executed terms: what the contracts execute of a deal's terms, made by every signer for itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ledger import events
from ledger.limits import boundaries, demanded, longest_voucher
from ledger.money import DayCount, date_of, day_number
from ledger.rules import Demand
from ledger.tables import (
    Claim,
    ClaimBase,
    Deposit,
    Fee,
    FeeShare,
    InterestCheck,
    LossLayer,
    Period,
    PeriodRule,
    RecoveryOrder,
    Source,
    Tier,
    VolumeReading,
)
from ledger.terms import Terms

MAX_SEGMENTS = 8
"""Dated limits of one version of the terms."""


def deal_terms(terms: Terms, numbers: Mapping[str, int], effective_date: int) -> events.DealTerms:
    """The terms as the contracts apply them; `numbers` are the members' by id.

    Parties are named by their index; 0 stands for no limit. Limits are dated: those of the loan's
    start date apply, from `effective_date` on (days since 1970-01-01).
    """
    places = {party: index for index, party in enumerate(terms.parties)}
    return events.DealTerms(
        parties=tuple(numbers[party] for party in terms.parties),
        shares_ppm=terms.shares_ppm,
        servicer=places[terms.servicer],
        disbursed_by=places[terms.disbursed_by],
        collected_by=places[terms.collected_by],
        currency=int.from_bytes(terms.currency.encode("ascii"), "big"),
        day_count=list(DayCount).index(terms.day_count),
        interest=tuple(_tier(tier, places) for tier in terms.interest),
        penalty=tuple(_tier(tier, places) for tier in terms.penalty),
        fees=_fees(terms.fee, places),
        deposit=_deposit(terms.deposit, places),
        layers=tuple(_layer(layer, places) for layer in terms.loss),
        claim=_claim(terms.claim),
        period=_period(terms.period, places),
        receivable=_receivable(terms, places),
        limits=_segments(terms, effective_date),
        demands=_demands(terms, effective_date),
        effective_date=effective_date,
        document_digest=terms.digest,
    )


def _tier(tier: Tier | FeeShare, places: Mapping[str, int]) -> events.TierTerms:
    to = places.get(tier.to, events.FUNDERS)
    rate_ppm = tier.rate_ppm if isinstance(tier, Tier) else None
    return events.TierTerms(to, tier.share_ppm or 0, rate_ppm or 0)


def _fees(fee: Fee | None, places: Mapping[str, int]) -> events.FeeTerms:
    if fee is None:
        return events.FeeTerms(events.FUNDERS, 0, 0, ())
    split = tuple(_tier(share, places) for share in fee.split or ())
    return events.FeeTerms(places[fee.to], fee.per_loan_minor or 0, fee.per_loan_ppm or 0, split)


def _deposit(deposit: Deposit | None, places: Mapping[str, int]) -> events.DepositTerms:
    if deposit is None:
        return events.DepositTerms(events.FUNDERS, events.FUNDERS, 0, 0, 0)
    lines = deposit.target_ppm, deposit.warn_ppm, deposit.stop_ppm
    return events.DepositTerms(places[deposit.by], places[deposit.custodian], *lines)


def _layer(layer: LossLayer, places: Mapping[str, int]) -> events.LayerTerms:
    kind = cap = 0
    if layer.cap is not None:
        kinds = layer.cap.amount_minor, layer.cap.disbursed_ppm, layer.cap.outstanding_ppm
        kind, cap = next((at, value) for at, value in enumerate(kinds, start=1) if value)
    return events.LayerTerms(
        payer=places[layer.payer],
        from_deposit=layer.source is Source.DEPOSIT,
        share_ppm=layer.share_ppm,
        cap_kind=kind,
        cap=cap,
        reinstates=layer.reinstates,
    )


def _claim(claim: Claim | None) -> events.ClaimTerms:
    if claim is None:
        return events.ClaimTerms(0, False, False)
    return events.ClaimTerms(
        days_past_due=claim.days_past_due,
        with_interest=claim.base is ClaimBase.PRINCIPAL_AND_INTEREST,
        pro_rata=claim.recovery_order is RecoveryOrder.PRO_RATA,
    )


def _period(period: Period | None, places: Mapping[str, int]) -> events.PeriodTerms:
    if period is None:
        return events.PeriodTerms(0, 0, 0, 0, False, (), ())
    tiers = [(tier.up_to_minor, tier.share_ppm) for tier in period.tiers]
    risk = [(band.up_to_ppm, band.multiplier_ppm) for band in period.risk]
    return events.PeriodTerms(
        rule=1 + list(PeriodRule).index(period.rule),
        to=places[period.to],
        bank_return_ppm=period.bank_return_ppm or 0,
        share_ppm=period.share_ppm or 0,
        whole=period.reading is VolumeReading.WHOLE,
        tiers=_scale(tiers),
        risk=_scale(risk),
    )


def _receivable(terms: Terms, places: Mapping[str, int]) -> events.ReceivableTerms:
    receivable = terms.receivable
    if receivable is None:
        return events.ReceivableTerms(0, 0, 0, 0, False, 0, 0)
    max_days, first_day = longest_voucher(terms) or (0, 0)
    return events.ReceivableTerms(
        cores=sum(1 << places[core] for core in receivable.cores),
        advance_ppm=receivable.advance_ppm,
        core_cost_ppm=receivable.core_cost_ppm,
        evidence=sum(kind.bit for kind in receivable.evidence),
        recourse=receivable.recourse,
        max_days=max_days,
        max_days_from=first_day,
    )


def _scale(bands: Iterable[tuple[int | None, int]]) -> tuple[events.BandTerms, ...]:
    return tuple(
        events.BandTerms(events.LAST_BOUND if bound is None else bound, ppm) for bound, ppm in bands
    )


def _segments(terms: Terms, effective_date: int) -> tuple[events.LimitTerms, ...]:
    """The limits in force from each day on which they change."""
    found: list[events.LimitTerms] = []
    for day in boundaries(terms, date_of(effective_date)):
        limits = terms.limits_at(day)
        values = [getattr(limits, name) or 0 for name in events.LimitTerms._fields[1:]]
        if not found or values != list(found[-1][1:]):
            found.append(events.LimitTerms(day_number(day), *values))
    assert len(found) <= MAX_SEGMENTS, found
    return tuple(found)


def _demands(terms: Terms, effective_date: int) -> int:
    """The bits of IDeals.Terms.demands."""
    licences = demanded(terms, date_of(effective_date))
    bits = {
        1: Demand.LENDING_LICENCE in licences,
        2: Demand.GUARANTEE_LICENCE in licences,
        4: Demand.FEE_LICENCE in licences,
        8: terms.limits.interest_check is InterestCheck.REFUSE,
        16: len(terms.funding) > 1,
    }
    return sum(bit for bit, demand in bits.items() if demand)
