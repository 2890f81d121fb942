"""Agreed terms: a deal's terms as the contracts apply them, field by field as in IDeals.

Parties are member numbers, everything else names them by index into `DealTerms.parties`.
"""

from __future__ import annotations

from typing import NamedTuple

FUNDERS = 255
"""Where a tier pays the funders instead of one party; as fee payee or depositor: nobody."""
LAST_BOUND = (1 << 64) - 1
"""Bound of the last band of a scale."""


class TierTerms(NamedTuple):
    """One step of a waterfall; `to` is an index into the parties or `FUNDERS`."""

    to: int
    share_ppm: int
    rate_ppm: int


class LimitTerms(NamedTuple):
    """Limits on loans that start on `from_date` or later, until the next ones; 0 means none."""

    from_date: int
    min_partner_share_ppm: int
    max_annual_rate_ppm: int
    max_per_borrower_minor: int
    max_per_consumer_minor: int
    max_bullet_days: int
    max_outstanding_minor: int
    max_concentration_ppm: int
    max_joint_share_ppm: int
    max_guarantee_multiple_ppm: int
    max_guaranteed_borrower_ppm: int


class FeeTerms(NamedTuple):
    """Fees: their payee, what each loan booked costs the funders, who shares a borrower's fee."""

    to: int
    per_loan_minor: int
    per_loan_ppm: int
    """Of the loan's principal."""
    split: tuple[TierTerms, ...]


class DepositTerms(NamedTuple):
    """保证金: its two parties and its lines in ppm of what is outstanding."""

    depositor: int
    """`FUNDERS` when the deal has no deposit."""
    custodian: int
    target_ppm: int
    warn_ppm: int
    stop_ppm: int


class LayerTerms(NamedTuple):
    """One loss layer."""

    payer: int
    from_deposit: bool
    share_ppm: int
    cap_kind: int
    """0 none, 1 minor units, 2 ppm of principal ever disbursed, 3 ppm of outstanding."""
    cap: int
    reinstates: bool


class ClaimTerms(NamedTuple):
    """When the loss layers pay, for what, and whom recoveries restore first."""

    days_past_due: int
    """0 when the deal has no loss layers."""
    with_interest: bool
    pro_rata: bool
    """Recoveries restore the layers in proportion, not in reverse order."""


class BandTerms(NamedTuple):
    """A step of a scale, up to a bound, inclusive; the last one's is `LAST_BOUND`."""

    up_to: int
    ppm: int


class PeriodTerms(NamedTuple):
    """分润: how a month's income is split."""

    rule: int
    """0 none, 1 excess, 2 volume."""
    to: int
    bank_return_ppm: int
    share_ppm: int
    whole: bool
    """The share of the tier reached holds for the whole interest."""
    tiers: tuple[BandTerms, ...]
    risk: tuple[BandTerms, ...]


class ReceivableTerms(NamedTuple):
    """应收账款电子凭证: what vouchers of the deal may be, and how they are financed."""

    cores: int
    """Bit set over the parties: whose debts; 0 for any core enterprise."""
    advance_ppm: int
    """Most that is lent on a pledged piece, of its amount; 0 when the deal has no vouchers."""
    core_cost_ppm: int
    """Of a discount, what the core enterprise bears."""
    evidence: int
    """Bits: 1 contract, 2 order, 4 waybill, 8 customs entry, 16 delivery; before financing."""
    recourse: bool
    """An unpaid discounted piece goes back to who financed it."""
    max_days: int
    """Longest term of vouchers issued from `max_days_from` on; 0 for none."""
    max_days_from: int


class DealTerms(NamedTuple):
    """The terms as the contracts apply them: parties by member number, the rest by index."""

    parties: tuple[int, ...]
    shares_ppm: tuple[int, ...]
    servicer: int
    disbursed_by: int
    collected_by: int
    currency: int
    """Three ASCII letters as a number, big-endian."""
    day_count: int
    """0 ACT/360, 1 ACT/365, 2 30/360."""
    interest: tuple[TierTerms, ...]
    penalty: tuple[TierTerms, ...]
    fees: FeeTerms
    deposit: DepositTerms
    layers: tuple[LayerTerms, ...]
    claim: ClaimTerms
    period: PeriodTerms
    receivable: ReceivableTerms
    limits: tuple[LimitTerms, ...]
    """At least one, by `from_date`."""
    demands: int
    """Bits: 1 lending licences, 2 guarantee licences, 4 licensed payees of fees, 8 interest up to
    what accrued, 16 joint loans."""
    effective_date: int
    document_digest: bytes
