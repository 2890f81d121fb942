"""Compensation, recovery and period statements: worked examples and vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger import losses
from ledger.tables import (
    Cap,
    LossLayer,
    RecoveryOrder,
    RiskBand,
    Source,
    VolumeReading,
    VolumeTier,
)

VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "vectors"
CAPS = {"amount": "amount_minor", "disbursed": "disbursed_ppm", "outstanding": "outstanding_ppm"}


def vectors(name: str) -> Any:
    file = VECTORS / f"{name}.json"
    if not file.is_file():
        pytest.skip("the vectors are not beside this repository")
    return json.loads(file.read_text())


def layer(case: dict[str, Any]) -> LossLayer:
    kind, value = case["cap"] or (None, None)
    return LossLayer(
        payer=case["payer"],
        source=Source(case["source"]),
        share_ppm=case["share"],
        cap=Cap(**{CAPS[kind]: value}) if kind else None,
    )


FIRST_LOSS_THEN_60_40 = [
    LossLayer(payer="platform-p", cap=Cap(disbursed_ppm=50_000)),
    LossLayer(payer="platform-p", share_ppm=400_000),
]


def test_first_loss_then_60_40() -> None:
    paid = losses.compensation(
        620_000_000,
        FIRST_LOSS_THEN_60_40,
        used_minor=[0, 0],
        deposits_minor={},
        disbursed_minor=10_000_000_000,
        outstanding_minor=0,
    )
    assert paid.pays_minor == (500_000_000, 48_000_000)
    assert paid.residual_minor == 72_000_000
    restored = losses.recovery(
        100_000_000,
        residual_minor=paid.residual_minor,
        claims_minor=paid.pays_minor,
        shares_ppm=[1_000_000, 400_000],
        order=RecoveryOrder.REVERSE,
    )
    assert restored.to_residual_minor == 60_000_000
    assert restored.to_layers_minor == (0, 40_000_000)


@pytest.mark.parametrize(
    ("disbursed", "used", "claim", "pays"),
    [(1_000, 0, 200, 50), (2_000, 0, 200, 100), (2_000, 100, 200, 0), (2_000, 150, 200, 0)],
)
def test_cap_grows_with_disbursement_and_is_never_restored(
    disbursed: int, used: int, claim: int, pays: int
) -> None:
    paid = losses.compensation(
        claim,
        [LossLayer(payer="guarantor-g", cap=Cap(disbursed_ppm=50_000))],
        used_minor=[used],
        deposits_minor={},
        disbursed_minor=disbursed,
        outstanding_minor=0,
    )
    assert paid.pays_minor == (pays,)


def test_two_layers_on_one_deposit_never_pay_more_than_it() -> None:
    on_deposit = LossLayer(payer="g", source=Source.DEPOSIT)
    paid = losses.compensation(
        1_000,
        [on_deposit, on_deposit],
        used_minor=[0, 0],
        deposits_minor={"g": 700},
        disbursed_minor=0,
        outstanding_minor=0,
    )
    assert (paid.pays_minor, paid.residual_minor) == ((700, 0), 300)


def test_compensation_equals_the_vectors() -> None:
    for case in vectors("compensation"):
        paid = losses.compensation(
            case["claim"],
            [layer(one) for one in case["layers"]],
            used_minor=[one["used"] for one in case["layers"]],
            deposits_minor=case["deposits"],
            disbursed_minor=case["disbursed"],
            outstanding_minor=case["outstanding"],
        )
        assert list(paid.pays_minor) == case["pays"], case
        assert paid.residual_minor == case["residual"], case


def test_recovery_equals_the_vectors() -> None:
    for case in vectors("recovery"):
        restored = losses.recovery(
            case["cash"],
            residual_minor=case["residual"],
            claims_minor=case["claims"],
            shares_ppm=case["shares"],
            order=RecoveryOrder(case["order"]),
        )
        assert restored.to_residual_minor == case["to_residual"], case
        assert list(restored.to_layers_minor) == case["to_layers"], case
        assert restored.surplus_minor == case["surplus"], case


@pytest.mark.parametrize("order", RecoveryOrder)
def test_cash_without_any_claim_is_surplus(order: RecoveryOrder) -> None:
    restored = losses.recovery(
        5, residual_minor=0, claims_minor=[0], shares_ppm=[400_000], order=order
    )
    assert (restored.to_residual_minor, restored.to_layers_minor) == (0, (0,))
    assert restored.surplus_minor == 5


def test_excess_month_of_the_worked_example() -> None:
    month = losses.excess(
        balance_days_minor=10_000_000_000 * 30,
        year_days=360,
        bank_return_ppm=70_000,
        interest_minor=180_000_000,
        net_loss_minor=60_000_000,
        carried_minor=0,
        share_ppm=600_000,
    )
    assert month.bank_return_minor == 58_333_333
    assert (month.platform_minor, month.carry_minor) == (37_000_000, 0)


def test_deficit_is_carried_and_lowers_the_next_period() -> None:
    same: dict[str, int] = {
        "balance_days_minor": 0, "year_days": 360, "bank_return_ppm": 70_000, "share_ppm": 500_000,
    }  # fmt: skip
    bad = losses.excess(**same, interest_minor=100, net_loss_minor=160, carried_minor=0)
    assert (bad.platform_minor, bad.carry_minor) == (0, -60)
    good = losses.excess(
        **same, interest_minor=100, net_loss_minor=0, carried_minor=bad.carry_minor
    )
    assert (good.platform_minor, good.carry_minor) == (20, 0)


def test_excess_equals_the_vectors() -> None:
    for case in vectors("excess"):
        month = losses.excess(
            balance_days_minor=case["balance_days"],
            year_days=case["basis"],
            bank_return_ppm=case["bank_rate"],
            interest_minor=case["interest"],
            net_loss_minor=case["net_loss"],
            carried_minor=case["carried"],
            share_ppm=case["share"],
        )
        assert month.bank_return_minor == case["bank_return"], case
        assert (month.platform_minor, month.carry_minor) == (case["platform"], case["carry"]), case


TIERS = [
    VolumeTier(up_to_minor=5_000_000_000, share_ppm=150_000),
    VolumeTier(up_to_minor=10_000_000_000, share_ppm=180_000),
    VolumeTier(share_ppm=200_000),
]


@pytest.mark.parametrize(
    ("reading", "disbursed", "platform"),
    [
        (VolumeReading.MARGINAL, 13_500_000_000, 42_300_000),
        (VolumeReading.WHOLE, 13_500_000_000, 48_600_000),
        (VolumeReading.WHOLE, 5_000_000_000, 36_450_000),
        (VolumeReading.WHOLE, 5_000_000_001, 43_740_000),
        (VolumeReading.MARGINAL, 5_000_000_000, 36_450_000),
        (VolumeReading.MARGINAL, 0, 0),
        (VolumeReading.WHOLE, 0, 36_450_000),
    ],
)
def test_volume_month(reading: VolumeReading, disbursed: int, platform: int) -> None:
    part = losses.volume(
        disbursed_minor=disbursed, interest_minor=243_000_000, tiers=TIERS, reading=reading
    )
    assert part == platform


def test_volume_equals_the_vectors() -> None:
    for case in vectors("volume"):
        tiers = [VolumeTier(up_to_minor=bound, share_ppm=share) for bound, share in case["tiers"]]
        part = losses.volume(
            disbursed_minor=case["disbursed"],
            interest_minor=case["interest"],
            tiers=tiers,
            reading=VolumeReading(case["how"]),
        )
        assert part == case["platform"], case


@pytest.mark.parametrize(
    ("overdue", "outstanding", "part"),
    [(0, 1_000, 42_300_000), (20, 1_000, 42_300_000), (21, 1_000, 38_070_000), (0, 0, 42_300_000)],
)
def test_risk_band_multiplies_the_part(overdue: int, outstanding: int, part: int) -> None:
    bands = [
        RiskBand(up_to_ppm=20_000, multiplier_ppm=1_000_000),
        RiskBand(multiplier_ppm=900_000),
    ]
    assert (
        losses.risk(42_300_000, bands, overdue_minor=overdue, outstanding_minor=outstanding) == part
    )


def test_without_risk_bands_the_part_stays() -> None:
    assert losses.risk(5, [], overdue_minor=1, outstanding_minor=1) == 5
