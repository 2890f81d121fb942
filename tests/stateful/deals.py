"""Deals: the agreements that the machine tries, in versions one after another."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.contracts.sandbox.entries import on
from tests.contracts.sandbox.terms import (
    NOBODY,
    PPM,
    Band,
    Cap,
    Claim,
    DayCount,
    Demand,
    Deposit,
    Fees,
    Layer,
    Limits,
    Period,
    Rule,
    Terms,
    Tier,
)
from tests.stateful.exposures import is_wide

MEMBERS = ("bank", "platform", "guarantor", "scout", "auditor")
"""The auditor is no party of any deal."""
MARCH, MAY = on("2026-03-01"), on("2026-05-01")
DOLLARS = int.from_bytes(b"USD", "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A deal: its first terms, and what may be proposed later, mostly sound."""

    first: Terms
    later: tuple[Terms, ...]
    """The sound ones first."""
    sound: int = 1
    """How many of them are."""
    deposit: int = 0
    """Paid before anything else."""
    figures: tuple[tuple[str, int, int], ...] = ()
    """Member, figure and amount declared before anything else."""

    @property
    def has_layers(self) -> bool:
        """Whether anybody ever bears losses for the funders."""
        return any(terms.layers for terms in (self.first, *self.later))

    @property
    def deposit_terms(self) -> Deposit | None:
        """The first deposit, whose depositor and custodian no later version may change."""
        deposits = (terms.deposit for terms in (self.first, *self.later) if terms.deposit)
        return next(deposits, None)

    @property
    def is_wide(self) -> bool:
        """Whether limits reach across deals."""
        return any(is_wide(terms) for terms in (self.first, *self.later))

    @property
    def has_period(self) -> bool:
        """Whether interest is divided by the month."""
        return self.first.period.rule != Rule.NONE


# ---- a joint deal: limits, tiers, fees; interest checked in its third version
_JOINT = Terms(
    funding=(("bank", 550_000), ("platform", 350_000), ("guarantor", 100_000)),
    others=("scout",),
    collected_by="platform",
    fee_to="scout",
    fees=Fees(per_loan_ppm=3_000, split=(Tier(to="platform", share=150_000),)),
    interest=(Tier(to="platform", share=100_000), Tier(to="guarantor", rate=20_000)),
    penalty=(Tier(to="platform", share=100_000),),
    limits=(
        Limits(
            max_annual_rate=240_000,
            max_per_borrower=1_000_000,
            max_per_consumer=200_000,
            max_bullet_days=365,
            max_outstanding=2_500_000,
        ),
        Limits(from_date=on("2026-02-01"), max_annual_rate=180_000, max_outstanding=1_500_000),
    ),
)
_JOINT_SECOND = replace(
    _JOINT,
    funding=(("bank", 333_333), ("platform", 333_334), ("guarantor", 333_333)),
    servicer="guarantor",
    disbursed_by="guarantor",
    fee_to=NOBODY,
    fees=Fees(),
    interest=(Tier(to="funders", rate=70_000), Tier(to="platform", share=600_000)),
    penalty=(),
    limits=Limits(),
    effective_date=MARCH,
)
_JOINT_THIRD = replace(
    _JOINT,
    funding=(("bank", 700_000), ("platform", 300_000)),
    others=("guarantor", "scout"),
    day_count=DayCount.THIRTY_360,
    fees=Fees(per_loan=251),
    interest=(),
    limits=Limits(max_per_consumer=500_000),
    demands=Demand.ACCRUED_INTEREST,
    effective_date=MAY,
)
_EARLY = replace(_JOINT, document_digest=b"\x02" * 32)
_STRANGERS = Terms(
    funding=(("bank", 500_000), ("auditor", 500_000)), servicer="bank", effective_date=MAY
)
_UNLICENSED = replace(_JOINT_SECOND, demands=Demand.LENDING_LICENCE, effective_date=MAY)
_EXCESS = Period(rule=Rule.EXCESS, to="platform", bank_return=70_000, share=600_000)
JOINT = Plan(
    first=_JOINT,
    sound=2,
    later=(
        _JOINT_SECOND,
        _JOINT_THIRD,
        _EARLY,
        _STRANGERS,
        _UNLICENSED,
        replace(_JOINT_SECOND, currency=DOLLARS),
        replace(_JOINT_SECOND, period=_EXCESS),
    ),
)

# ---- a guaranteed deal: deposit, layers with caps of every kind, periods under both rules
_RISK = (Band(up_to=50_000, ppm=PPM), Band(up_to=200_000, ppm=500_000), Band(ppm=0))
_GUARANTEED = Terms(
    funding=(("bank", 700_000), ("platform", 300_000)),
    others=("guarantor", "scout"),
    collected_by="platform",
    fee_to="guarantor",
    interest=(Tier(to="guarantor", rate=20_000),),
    day_count=DayCount.ACT_365,
    deposit=Deposit(by="platform", custodian="bank", target=60_000, warn=55_000, stop=45_000),
    layers=(
        Layer(payer="platform", from_deposit=True, cap_kind=Cap.DISBURSED, cap=50_000),
        Layer(payer="guarantor", share=600_000, cap_kind=Cap.AMOUNT, cap=150_000, reinstates=True),
        Layer(payer="scout", share=500_000),
    ),
    claim=Claim(days_past_due=30, with_interest=True),
    period=replace(_EXCESS, risk=_RISK),
)
_GUARANTEED_SECOND = replace(
    _GUARANTEED,
    funding=(("bank", 333_333), ("platform", 333_334), ("guarantor", 333_333)),
    others=("scout",),
    servicer="guarantor",
    collected_by="bank",
    day_count=DayCount.ACT_360,
    deposit=Deposit(by="platform", custodian="bank", target=100_000, warn=90_000, stop=20_000),
    layers=(
        Layer(payer="guarantor", cap_kind=Cap.OUTSTANDING, cap=80_000),
        Layer(payer="platform", from_deposit=True, share=750_000, reinstates=True),
        Layer(payer="bank", share=300_000, cap_kind=Cap.AMOUNT, cap=40_000),
    ),
    claim=Claim(days_past_due=60, pro_rata=True),
    period=Period(
        rule=Rule.VOLUME,
        to="scout",
        tiers=(
            Band(up_to=100_000, ppm=100_000),
            Band(up_to=500_000, ppm=200_000),
            Band(ppm=300_000),
        ),
    ),
    effective_date=MARCH,
)
_GUARANTEED_THIRD = replace(
    _GUARANTEED_SECOND,
    funding=(("bank", 1_000_000),),
    others=("platform", "guarantor", "scout"),
    servicer="platform",
    deposit=None,
    layers=(),
    claim=Claim(),
    period=replace(_GUARANTEED_SECOND.period, whole=True, risk=_RISK),
    effective_date=MAY,
)
GUARANTEED = Plan(
    first=_GUARANTEED,
    sound=2,
    later=(
        _GUARANTEED_SECOND,
        _GUARANTEED_THIRD,
        replace(_GUARANTEED_SECOND, deposit=Deposit(by="platform", custodian="guarantor")),
        replace(_GUARANTEED_THIRD, period=Period()),
    ),
    deposit=80_000,
)

# ---- two deals of one bank whose limits reach across them
_WIDE = Limits(
    max_per_borrower=1_200_000,
    max_concentration=250_000,
    max_joint_share=500_000,
    max_guarantee_multiple=92_000,
    max_guaranteed_borrower=120_000,
)
_TIER_1, _LOANS, _NET = 1, 2, 3
_ACROSS = Terms(
    funding=(("bank", 600_000), ("platform", 400_000)),
    others=("guarantor", "scout"),
    layers=(
        Layer(payer="scout", share=200_000, cap_kind=Cap.OUTSTANDING, cap=100_000),
        Layer(payer="guarantor", share=900_000, reinstates=True),
        Layer(payer="guarantor", cap_kind=Cap.AMOUNT, cap=20_000),
    ),
    claim=Claim(days_past_due=30),
    limits=_WIDE,
)
_ACROSS_SECOND = replace(
    _ACROSS,
    funding=(("bank", 500_000), ("platform", 250_000), ("guarantor", 250_000)),
    others=("scout",),
    deposit=Deposit(by="platform", custodian="scout", target=1_000, warn=900, stop=800),
    layers=(
        Layer(payer="platform", from_deposit=True, cap_kind=Cap.DISBURSED, cap=30_000),
        Layer(payer="scout", share=400_000),
    ),
    limits=replace(_WIDE, max_joint_share=0),
    effective_date=MARCH,
)
ACROSS = Plan(
    first=_ACROSS,
    later=(_ACROSS_SECOND,),
    figures=(
        ("bank", _TIER_1, 2_200_000),
        ("bank", _LOANS, 1_000_000),
        ("guarantor", _NET, 7_000_000),
    ),
)
_HUB = Terms(
    funding=(("bank", 800_000), ("guarantor", 200_000)),
    others=("platform", "scout"),
    layers=(Layer(payer="guarantor", share=500_000),),
    claim=Claim(days_past_due=30, pro_rata=True),
    limits=Limits(max_per_borrower=1_200_000),
)
HUB = Plan(
    first=_HUB,
    later=(
        replace(
            _HUB,
            deposit=Deposit(by="platform", custodian="bank", target=1_000, warn=900, stop=800),
            limits=replace(
                _WIDE,
                max_concentration=500_000,
                max_joint_share=1_000_000,
                max_guarantee_multiple=200_000,
            ),
            effective_date=MARCH,
        ),
    ),
    figures=(("platform", _TIER_1, 1_000_000),),
)
"""Its first loans count for no limit across deals."""

PARTNERSHIPS = {"joint": (JOINT,), "guaranteed": (GUARANTEED,), "across": (ACROSS, HUB)}
"""What one run of the machine has on its ledger."""
DEALS = ("joint-2026-01", "joint-2026-02")
