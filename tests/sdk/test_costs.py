"""Costs: a loan with every fee that its borrower pays, against a yearly ceiling, exactly."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ledger import terms
from ledger.costs import Cost, check, explained, within
from ledger.entries import Booking, Method, Purpose
from ledger.errors import explain
from ledger.terms import Terms

ROOT = Path(__file__).resolve().parents[2]
DEAL: dict[str, Any] = {
    "id": "d",
    "mode": "guaranteed",
    "currency": "CNY",
    "day_count": "30/360",
    "servicer": "p",
    "disbursed_by": "a",
    "collected_by": "a",
    "funding": [{"party": "a", "share": "100%"}],
    "loss": [{"payer": "g"}],
    "claim": {"days_past_due": 90},
    "limits": {"max_all_in_cost": "24%"},
}


def deal(fee: dict[str, str], **changes: Any) -> Terms:
    return terms.read({**DEAL, "fee": {"to": "g", **fee}, **changes})


def loan(**changes: Any) -> Booking:
    fields: dict[str, Any] = {
        "loan_ref": "L-1",
        "borrower_ref": "B-1",
        "start_date": date(2026, 1, 10),
        "maturity_date": date(2027, 1, 10),
        "principal_minor": 780_000,
        "annual_rate_ppm": 80_000,
        "method": Method.EQUAL_INSTALLMENT,
        "purpose": Purpose.CONSUMER,
    }
    return Booking(**fields | changes)


def cost(fee: dict[str, str], *, terms_changes: dict[str, Any] | None = None, **loan_: Any) -> Cost:
    found = check(loan(**loan_), deal(fee, **terms_changes or {}))
    assert found is not None
    return found


@pytest.mark.parametrize(("payment", "passes"), [(73_756, True), (73_757, False), (75_651, False)])
def test_worked_example_of_twelve_equal_payments(payment: int, passes: bool) -> None:
    assert within(780_000, [payment] * 12, 240_000) is passes
    # The same in the smallest numbers: 1.02 = 51 / 50.
    assert (sum(payment * 50**t * 51 ** (12 - t) for t in range(1, 13)) <= 780_000 * 51**12) is passes


def test_published_vector_of_the_ceiling() -> None:
    file = ROOT.parent / "shared" / "vectors" / "worked.json"
    if not file.exists():
        pytest.skip("the vectors are not beside this repository")
    vector = json.loads(file.read_text("utf-8"))["cost_ceiling_24pct_monthly"]
    principal, months = vector["principal"], vector["n"]
    assert within(principal, [vector["passes_level_payment"]] * months, 240_000)
    assert not within(principal, [vector["fails_level_payment"]] * months, 240_000)


@pytest.mark.parametrize(
    ("fee", "each", "passes"),
    [
        ("59.05", 5_905, True),
        ("59.06", 5_906, False),
        ("0.757%", 5_905, True),
        ("0.7571%", 5_905, True),
        ("0.7572%", 5_906, False),
    ],
)
def test_level_guarantee_fee_on_a_loan_at_8_percent(fee: str, each: int, passes: bool) -> None:
    found = cost({"borrower_per_instalment": fee})
    assert found.passes is passes
    assert found.payments_minor[0] == 67_851 + each
    assert found.largest_level_minor == 73_756 == 67_851 + 5_905
    assert (found.received_minor, found.ceiling_ppm) == (780_000, 240_000)


IRR = [
    # A loan at 8 % with 1 % of the principal a month looks like 20 %.
    ({"borrower_per_instalment": "1%"}, 80_000, "28.98"),
    # A loan at the ceiling with a membership of 234 yuan, or of 19.90 a month.
    ({"borrower_upfront": "234.00"}, 240_000, "29.99"),
    ({"borrower_per_instalment": "19.90"}, 240_000, "29.23"),
]


@pytest.mark.parametrize(("fee", "rate", "irr"), IRR)
def test_yearly_cost_of_worked_examples_lies_between_two_ceilings(
    fee: dict[str, str], rate: int, irr: str
) -> None:
    hundredths = int(irr.replace(".", ""))
    for ceiling, passes in ((hundredths - 1, False), (hundredths + 1, True)):
        limits = {"limits": {"max_all_in_cost": f"{ceiling // 100}.{ceiling % 100:02d}%"}}
        found = cost(fee, terms_changes=limits, annual_rate_ppm=rate)
        assert found.passes is passes, ceiling


@pytest.mark.parametrize(
    ("fee", "limits"),
    [
        ({}, {"max_all_in_cost": "24%"}),
        ({"per_loan": "30.00"}, {"max_all_in_cost": "1%"}),
        ({"borrower_upfront": "3%"}, {"max_annual_rate": "24%"}),
    ],
)
def test_loan_without_a_borrowers_fee_or_without_a_ceiling_is_not_checked(
    fee: dict[str, str], limits: dict[str, str]
) -> None:
    assert check(loan(annual_rate_ppm=240_000), deal(fee, limits=limits)) is None


def test_ceiling_is_that_of_the_loans_first_day() -> None:
    agreed = deal({"borrower_upfront": "3%"}, rules=["cn-2025"], limits={})
    before = loan(
        start_date=date(2025, 9, 30), maturity_date=date(2026, 9, 30), annual_rate_ppm=240_000
    )
    after = loan(
        start_date=date(2025, 10, 1), maturity_date=date(2026, 10, 1), annual_rate_ppm=240_000
    )
    found = [check(one, agreed) for one in (before, after)]
    assert [one and (one.ceiling_ppm, one.passes) for one in found] == [
        (360_000, True), (240_000, False),
    ]  # fmt: skip
    assert found[1] is not None
    said = explained(after, agreed, found[1])
    assert said.startswith(explain("COST_OVER_LIMIT"))
    assert "CN-15" in said and "max_all_in_cost = 24%" in said and "7566.00" in said


@pytest.mark.parametrize(("upfront", "received"), [("100%", 0), ("9000.00", -120_000)])
def test_fee_that_takes_all_of_the_principal_never_passes(upfront: str, received: int) -> None:
    found = cost({"borrower_upfront": upfront}, annual_rate_ppm=0)
    assert (found.received_minor, found.passes, found.largest_level_minor) == (received, False, 0)


def exact(found: Cost, days: list[int]) -> bool:
    """The same comparison in fractions, discounting one payment at a time."""
    worth, factor = Fraction(0), Fraction(1)
    payments = [0] * (len(days) - len(found.payments_minor)) + list(found.payments_minor)
    for payment, month in zip(payments, days, strict=True):
        factor /= 1 + Fraction(found.ceiling_ppm * month, 360 * 1_000_000)
        worth += payment * factor
    return worth <= found.received_minor


@pytest.mark.parametrize("method", list(Method))
@pytest.mark.parametrize(
    ("maturity", "days"),
    [
        (date(2027, 1, 10), [30] * 12),
        (date(2027, 1, 25), [30] * 12 + [15]),
        (date(2026, 1, 20), [10]),
        (date(2031, 1, 10), [30] * 60),
    ],
)
@pytest.mark.parametrize("fee", ["0.1%", "0.5%", "0.7%", "1%", "10%"])
def test_comparison_is_that_of_exact_fractions(
    method: Method, maturity: date, days: list[int], fee: str
) -> None:
    found = cost({"borrower_per_instalment": fee}, method=method, maturity_date=maturity)
    assert found.passes is exact(found, days)
    level = replace(found, payments_minor=(found.largest_level_minor,) * len(found.payments_minor))
    above = replace(
        found, payments_minor=(found.largest_level_minor + 1,) * len(found.payments_minor)
    )
    assert exact(level, days) and not exact(above, days)


def test_bullet_loan_pays_its_fee_once() -> None:
    found = cost({"borrower_per_instalment": "1%"}, method=Method.BULLET)
    assert found.payments_minor == (780_000 + 62_400 + 7_800,)
    assert found.passes
