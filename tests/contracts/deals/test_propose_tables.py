"""`propose`: what the tables of the terms must be, at their bounds and one step beyond."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.entries import LAST_DAY, on
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import Partnership, refused
from tests.contracts.sandbox.terms import (
    LAST_BOUND,
    PPM,
    Band,
    Cap,
    Claim,
    DayCount,
    Deposit,
    Fees,
    Layer,
    Limits,
    Period,
    Rule,
    Terms,
    Tier,
)

BASE = Terms(
    funding=(("bank", 700_000), ("platform", 300_000)),
    others=("guarantor", "auditor"),
    fee_to="guarantor",
    deposit=Deposit(by="guarantor", custodian="bank"),
    layers=(Layer(payer="guarantor", from_deposit=True), Layer(payer="auditor")),
    claim=Claim(days_past_due=90),
)
FIRST = BASE.effective_date

NOTHING: dict[str, Any] = {"deposit": None, "layers": (), "claim": Claim()}
SPLIT = Tier(to="bank", share=1)
LAYER = Layer(payer="guarantor")
EXCESS = Period(rule=Rule.EXCESS, to="platform", bank_return=70_000, share=600_000)
VOLUME = Period(rule=Rule.VOLUME, to="platform", tiers=(Band(up_to=100, ppm=1), Band(ppm=2)))


def currency(letters: str) -> int:
    return int.from_bytes(letters.encode(), "big")


def bands(count: int, ppm: int) -> tuple[Band, ...]:
    """As many as fit; the last one without a bound."""
    return (*(Band(up_to=i, ppm=ppm) for i in range(count - 1)), Band(ppm=ppm))


@pytest.mark.parametrize(
    "change",
    [
        {"currency": currency("AAA")},
        {"currency": currency("ZZZ")},
        {"day_count": DayCount.ACT_365},
        {"day_count": DayCount.THIRTY_360},
        {"fees": Fees(per_loan=2**56 - 1)},
        {"fees": Fees(per_loan_ppm=PPM)},
        {"fees": Fees(per_loan=1, split=(SPLIT,))},
        {"fees": Fees(split=(Tier(to="auditor", share=PPM), *(SPLIT,) * 3))},
        {"fee_to": "bank", "fees": Fees(split=(SPLIT,))},
        {"deposit": Deposit(by="guarantor", target=PPM, warn=PPM, stop=PPM)},
        {"deposit": Deposit(by="guarantor", custodian="auditor", target=1, warn=1, stop=1)},
        {"layers": ()} | {"claim": Claim()},
        NOTHING,
        {"deposit": None, "layers": (LAYER,)},
        {"layers": (replace(LAYER, from_deposit=True),) * 8},
        {"layers": (replace(LAYER, share=1),)},
        {"layers": (replace(LAYER, cap_kind=Cap.AMOUNT, cap=1),)},
        {"layers": (replace(LAYER, cap_kind=Cap.AMOUNT, cap=2**64 - 1),)},
        {"layers": (replace(LAYER, cap_kind=Cap.DISBURSED, cap=1),)},
        {"layers": (replace(LAYER, cap_kind=Cap.DISBURSED, cap=PPM),)},
        {"layers": (replace(LAYER, cap_kind=Cap.OUTSTANDING, cap=1),)},
        {"layers": (replace(LAYER, cap_kind=Cap.OUTSTANDING, cap=PPM),)},
        {"layers": (Layer(payer="bank"), Layer(payer="platform"))},
        {"claim": Claim(days_past_due=1)},
        {"claim": Claim(days_past_due=36_500, with_interest=True, pro_rata=True)},
        {"period": EXCESS},
        {"period": replace(EXCESS, bank_return=2**24 - 1, share=PPM)},
        {"period": replace(EXCESS, bank_return=1, share=1, to="auditor")},
        {"period": replace(EXCESS, risk=bands(8, 2**24 - 1))},
        {"period": VOLUME},
        {"period": replace(VOLUME, tiers=bands(8, PPM), risk=(Band(ppm=0),))},
        {"period": replace(VOLUME, tiers=(Band(up_to=0, ppm=0), Band(ppm=0)), whole=True)},
        {"period": replace(VOLUME, tiers=(Band(up_to=LAST_BOUND - 1, ppm=0), Band(ppm=0)))},
    ],
)
def test_tables_at_their_bounds_are_accepted(fresh: Partnership, change: dict[str, Any]) -> None:
    assert fresh.propose(replace(BASE, **change)).returned == 1


def test_longer_lists_than_there_is_room_for_are_refused(fresh: Partnership) -> None:
    for change in (
        {"fees": Fees(split=(SPLIT,) * 5)},
        {"layers": (LAYER,) * 9},
        {"period": replace(VOLUME, tiers=bands(9, 1))},
        {"period": replace(VOLUME, risk=bands(9, 1))},
        {"limits": tuple(Limits(from_date=FIRST + i) for i in range(9))},
    ):
        with refused("0x"):  # the ABI decoder refuses, before any line of the contract
            fresh.propose(replace(BASE, **change))


# The change to the terms that each reason refuses, in the order of the checks.
FAULTS: list[Fault] = [
    ("CURRENCY_INVALID", {"currency": currency("CN")}),
    ("CURRENCY_INVALID", {"currency": currency("CNY\0")}),
    ("CURRENCY_INVALID", {"currency": currency("@NY")}),
    ("CURRENCY_INVALID", {"currency": currency("C[Y")}),
    ("CURRENCY_INVALID", {"currency": currency("CNy")}),
    ("CURRENCY_INVALID", {"currency": 2**255 | currency("CNY")}),
    ("DAY_COUNT_INVALID", {"day_count": 3}),
    ("PARTY_UNKNOWN", {"fee_to": 4}),
    ("FEE_INVALID", {"fees": Fees(per_loan=2**56)}),
    ("FEE_INVALID", {"fees": Fees(per_loan_ppm=PPM + 1)}),
    ("FEE_INVALID", {"fees": Fees(per_loan=1, per_loan_ppm=1)}),
    ("FEE_INVALID", {"fees": Fees(per_loan=1), "fee_to": 255}),
    ("FEE_INVALID", {"fees": Fees(per_loan_ppm=1), "fee_to": 255}),
    ("FEE_INVALID", {"fees": Fees(per_loan=1), "fee_to": "platform"}),
    ("FEE_INVALID", {"fees": Fees(split=(SPLIT,)), "fee_to": 255}),
    ("FEE_INVALID", {"fees": Fees(split=(Tier(to="bank"),))}),
    ("FEE_INVALID", {"fees": Fees(split=(SPLIT, Tier(to="bank", share=PPM + 1)))}),
    ("FEE_INVALID", {"fees": Fees(split=(Tier(to="bank", rate=1),))}),
    ("FEE_INVALID", {"fees": Fees(split=(Tier(to="bank", share=1, rate=1),))}),
    ("PARTY_UNKNOWN", {"fees": Fees(split=(Tier(to=4, share=1),))}),
    ("PARTY_UNKNOWN", {"fees": Fees(split=(Tier(to="funders", share=1),))}),
    ("PARTY_UNKNOWN", {"deposit": Deposit(by=4)}),
    ("PARTY_UNKNOWN", {"deposit": Deposit(by="guarantor", custodian=4)}),
    ("PARTY_UNKNOWN", {"deposit": Deposit(by="guarantor", custodian=255)}),
    ("DEPOSIT_INVALID", {"deposit": Deposit(by="guarantor", custodian="guarantor")}),
    ("DEPOSIT_INVALID", {"deposit": Deposit(by="guarantor", target=PPM + 1)}),
    ("DEPOSIT_INVALID", {"deposit": Deposit(by="guarantor", target=2, warn=3, stop=1)}),
    ("DEPOSIT_INVALID", {"deposit": Deposit(by="guarantor", target=3, warn=1, stop=2)}),
    ("DEPOSIT_INVALID", {"deposit": Deposit(by="guarantor", target=3, warn=1, stop=0)}),
    ("DEPOSIT_INVALID", {**NOTHING, "deposit": Deposit(by=255, target=1, warn=0, stop=0)}),
    ("DEPOSIT_INVALID", {**NOTHING, "deposit": Deposit(by=255, target=0, warn=1, stop=0)}),
    ("DEPOSIT_INVALID", {**NOTHING, "deposit": Deposit(by=255, target=0, warn=0, stop=1)}),
    ("PARTY_UNKNOWN", {"layers": (LAYER, Layer(payer=4))}),
    ("PARTY_UNKNOWN", {"deposit": None, "layers": (Layer(payer=255, from_deposit=True),)}),
    ("LAYER_INVALID", {"layers": (Layer(payer="auditor", from_deposit=True),)}),
    ("LAYER_INVALID", {"deposit": None}),
    ("LAYER_INVALID", {"layers": (replace(LAYER, share=0),)}),
    ("LAYER_INVALID", {"layers": (LAYER, replace(LAYER, share=PPM + 1))}),
    ("LAYER_INVALID", {"layers": (replace(LAYER, cap_kind=4, cap=1),)}),
    ("LAYER_INVALID", {"layers": (replace(LAYER, cap=1),)}),
    ("LAYER_INVALID", {"layers": (replace(LAYER, cap_kind=Cap.AMOUNT),)}),
    ("LAYER_INVALID", {"layers": (replace(LAYER, cap_kind=Cap.AMOUNT, cap=2**64),)}),
    ("LAYER_INVALID", {"layers": (replace(LAYER, cap_kind=Cap.DISBURSED),)}),
    ("LAYER_INVALID", {"layers": (replace(LAYER, cap_kind=Cap.DISBURSED, cap=PPM + 1),)}),
    ("LAYER_INVALID", {"layers": (replace(LAYER, cap_kind=Cap.OUTSTANDING),)}),
    ("LAYER_INVALID", {"layers": (replace(LAYER, cap_kind=Cap.OUTSTANDING, cap=PPM + 1),)}),
    ("CLAIM_INVALID", {"claim": Claim()}),
    ("CLAIM_INVALID", {"claim": Claim(days_past_due=36_501)}),
    ("CLAIM_INVALID", {"layers": (), "claim": Claim(days_past_due=1)}),
    ("CLAIM_INVALID", {"layers": (), "claim": Claim(with_interest=True)}),
    ("CLAIM_INVALID", {"layers": (), "claim": Claim(pro_rata=True)}),
    ("PARTY_UNKNOWN", {"period": replace(EXCESS, to=4)}),
    ("PARTY_UNKNOWN", {"period": replace(VOLUME, to=255)}),
    ("PERIOD_INVALID", {"period": Period(rule=3)}),
    ("PERIOD_INVALID", {"period": Period(bank_return=1)}),
    ("PERIOD_INVALID", {"period": Period(share=1)}),
    ("PERIOD_INVALID", {"period": Period(whole=True)}),
    ("PERIOD_INVALID", {"period": Period(tiers=(Band(ppm=1),))}),
    ("PERIOD_INVALID", {"period": Period(risk=(Band(ppm=1),))}),
    ("PERIOD_INVALID", {"period": replace(EXCESS, bank_return=0)}),
    ("PERIOD_INVALID", {"period": replace(EXCESS, bank_return=2**24)}),
    ("PERIOD_INVALID", {"period": replace(EXCESS, share=0)}),
    ("PERIOD_INVALID", {"period": replace(EXCESS, share=PPM + 1)}),
    ("PERIOD_INVALID", {"period": replace(EXCESS, whole=True)}),
    ("PERIOD_INVALID", {"period": replace(EXCESS, tiers=(Band(ppm=1),))}),
    ("PERIOD_INVALID", {"period": replace(EXCESS, risk=(Band(up_to=5, ppm=1),))}),
    ("PERIOD_INVALID", {"period": replace(VOLUME, tiers=())}),
    ("PERIOD_INVALID", {"period": replace(VOLUME, bank_return=1)}),
    ("PERIOD_INVALID", {"period": replace(VOLUME, share=1)}),
    ("PERIOD_INVALID", {"period": replace(VOLUME, tiers=(Band(up_to=5, ppm=1),))}),
    ("PERIOD_INVALID", {"period": replace(VOLUME, tiers=(Band(ppm=PPM + 1),))}),
    ("PERIOD_INVALID", {"period": replace(VOLUME, tiers=(Band(ppm=1), Band(ppm=1)))}),
    ("PERIOD_INVALID", {"period": replace(VOLUME, tiers=(Band(up_to=2**256 - 1, ppm=1),))}),
    (
        "PERIOD_INVALID",
        {"period": replace(VOLUME, tiers=(Band(up_to=2**256 - 1, ppm=1), Band(ppm=1)))},
    ),
    (
        "PERIOD_INVALID",
        {
            "period": replace(
                VOLUME, tiers=(Band(up_to=5, ppm=1), Band(up_to=5, ppm=1), Band(ppm=1))
            )
        },
    ),
    (
        "PERIOD_INVALID",
        {"period": replace(VOLUME, risk=(Band(up_to=5, ppm=1), Band(up_to=4, ppm=1), Band(ppm=1)))},
    ),
    ("PERIOD_INVALID", {"period": replace(VOLUME, risk=(Band(ppm=2**24),))}),
    ("EFFECTIVE_DATE_INVALID", {"effective_date": LAST_DAY}),
    ("LIMITS_INVALID", {"limits": ()}),
    ("LIMITS_INVALID", {"limits": Limits(from_date=FIRST - 1)}),
    ("LIMITS_INVALID", {"limits": Limits(from_date=FIRST + 1)}),
    ("LIMITS_INVALID", {"limits": (Limits(), Limits())}),
    (
        "LIMITS_INVALID",
        {"limits": (Limits(), Limits(from_date=FIRST + 2), Limits(from_date=FIRST + 1))},
    ),
    ("LIMITS_INVALID", {"limits": (Limits(), Limits(from_date=LAST_DAY))}),
    ("LIMITS_INVALID", {"limits": (Limits(), Limits(from_date=2**256 - 1))}),
    (
        "LIMITS_INVALID",
        {"limits": (Limits(), Limits(from_date=2**256 - 1), Limits(from_date=FIRST + 1))},
    ),
    ("LIMIT_TOO_LARGE", {"limits": Limits(max_annual_rate=2**24)}),
    ("LIMIT_TOO_LARGE", {"limits": Limits(max_bullet_days=2**16)}),
    ("LIMIT_TOO_LARGE", {"limits": Limits(max_per_borrower=2**64)}),
    ("LIMIT_TOO_LARGE", {"limits": Limits(max_per_consumer=2**64)}),
    ("LIMIT_TOO_LARGE", {"limits": Limits(max_outstanding=2**64)}),
    ("LIMIT_TOO_LARGE", {"limits": Limits(max_concentration=2**24)}),
    ("LIMIT_TOO_LARGE", {"limits": Limits(max_joint_share=2**24)}),
    ("LIMIT_TOO_LARGE", {"limits": Limits(max_guarantee_multiple=2**32)}),
    ("LIMIT_TOO_LARGE", {"limits": Limits(max_guaranteed_borrower=2**24)}),
    (
        "LIMIT_TOO_LARGE",
        {"limits": (Limits(), Limits(from_date=FIRST + 1, max_outstanding=2**256 - 1))},
    ),
    ("PARTNER_SHARE_UNDER_LIMIT", {"limits": Limits(min_partner_share=300_001)}),
    (
        "PARTNER_SHARE_UNDER_LIMIT",
        {"limits": (Limits(), Limits(from_date=FIRST + 1, min_partner_share=300_001))},
    ),
    ("DEMANDS_INVALID", {"demands": 32}),
    ("DEMANDS_INVALID", {"demands": 2**255}),
]


@pytest.mark.parametrize(("reason", "change"), alone(FAULTS))
def test_terms_with_a_fault_are_refused(
    fresh: Partnership, reason: str, change: dict[str, Any]
) -> None:
    with refused(reason):
        fresh.propose(replace(BASE, **change))


@pytest.mark.parametrize(("reason", "change"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    fresh: Partnership, reason: str, change: dict[str, Any]
) -> None:
    with refused(reason):
        fresh.propose(replace(BASE, **change))


@pytest.mark.parametrize(
    ("reason", "limits"),
    [
        ("LIMIT_TOO_LARGE", Limits(max_annual_rate=2**24)),
        ("LIMIT_TOO_LARGE", Limits(max_joint_share=2**24)),
        ("LIMIT_TOO_LARGE", Limits(max_guarantee_multiple=2**32)),
        ("LIMIT_TOO_LARGE", Limits(max_outstanding=2**64)),
        ("LIMIT_TOO_LARGE", Limits(max_bullet_days=2**16)),
        ("PARTNER_SHARE_UNDER_LIMIT", Limits(min_partner_share=300_001)),
    ],
)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_limits_of_every_day_are_checked(
    fresh: Partnership, reason: str, limits: Limits, position: int
) -> None:
    segments = [Limits(from_date=FIRST + i) for i in range(3)]
    segments[position] = replace(limits, from_date=FIRST + position)
    with refused(reason):
        fresh.propose(replace(BASE, limits=tuple(segments)))


@pytest.mark.parametrize(
    "limits",
    [
        Limits(
            max_annual_rate=2**24 - 1,
            max_per_borrower=2**64 - 1,
            max_per_consumer=2**64 - 1,
            max_bullet_days=2**16 - 1,
            max_outstanding=2**64 - 1,
            max_concentration=2**24 - 1,
            max_joint_share=2**24 - 1,
            max_guarantee_multiple=2**32 - 1,
            max_guaranteed_borrower=2**24 - 1,
        ),
        (Limits(), Limits(from_date=LAST_DAY - 1)),
        tuple(Limits(from_date=FIRST + i, min_partner_share=300_000) for i in range(8)),
    ],
)
def test_limits_at_their_bounds_are_accepted(
    fresh: Partnership, limits: Limits | tuple[Limits, ...]
) -> None:
    assert fresh.propose(replace(BASE, limits=limits)).returned == 1


def test_floor_of_partners_is_that_of_every_partner(fresh: Partnership) -> None:
    three = Terms(funding=(("bank", 1), ("platform", 700_000), ("guarantor", 299_999)))
    fresh.propose(replace(three, limits=Limits(min_partner_share=299_999)))
    with refused("PARTNER_SHARE_UNDER_LIMIT"):
        fresh.propose(replace(three, limits=Limits(min_partner_share=300_000)))


def test_lead_that_funds_alone_has_no_floor(fresh: Partnership) -> None:
    alone = Terms(funding=(("bank", PPM),), others=("platform",))
    fresh.propose(replace(alone, limits=Limits(min_partner_share=2**256 - 1)))


def test_all_demands_are_accepted_of_licensed_parties(fresh: Partnership) -> None:
    assert on("2026-01-01") == FIRST
    assert fresh.propose(replace(BASE, demands=8 | 16)).returned == 1
