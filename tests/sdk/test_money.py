"""Text to integers and back, the two divisions, currencies and days."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from ledger import money
from ledger.errors import ValueInvalid
from ledger.messages import text
from ledger.money import DayCount

VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "vectors"


@pytest.mark.parametrize(
    ("amount", "decimals", "minor"),
    [
        ("7800.00", 2, 780_000),
        ("7800", 2, 780_000),
        ("7800.5", 2, 780_050),
        ("0", 2, 0),
        ("0.01", 2, 1),
        ("007.00", 2, 700),
        ("12", 0, 12),
        ("1.234", 3, 1_234),
        ("720575940379279.35", 2, 2**56 - 1),
    ],
)
def test_amount_becomes_minor_units_exactly(amount: str, decimals: int, minor: int) -> None:
    assert money.parse(amount, decimals) == minor


@pytest.mark.parametrize(
    ("amount", "decimals", "key"),
    [
        ("1.234", 2, "amount_decimals"),
        ("1.000", 2, "amount_decimals"),
        ("1.5", 0, "amount_decimals"),
        ("-1.00", 2, "amount_negative"),
        ("+1.00", 2, "amount_form"),
        ("1e3", 2, "amount_form"),
        ("1,000.00", 2, "amount_form"),
        ("1_000", 2, "amount_form"),
        ("1.000,00", 2, "amount_form"),
        ("７８００", 2, "amount_form"),
        ("٣", 2, "amount_form"),
        ("NaN", 2, "amount_form"),
        ("inf", 2, "amount_form"),
        ("0x10", 2, "amount_form"),
        ("", 2, "amount_form"),
        (" 1", 2, "amount_form"),
        ("1 ", 2, "amount_form"),
        ("1\n", 2, "amount_form"),
        ("1.", 2, "amount_form"),
        (".5", 2, "amount_form"),
        ("1.2.3", 2, "amount_form"),
        ("¥1", 2, "amount_form"),
        ("720575940379279.36", 2, "amount_overflow"),
        ("9" * 5_000, 2, "amount_overflow"),
    ],
)
def test_text_that_is_no_exact_amount_is_refused(amount: str, decimals: int, key: str) -> None:
    with pytest.raises(ValueInvalid) as refused:
        money.parse(amount, decimals)
    assert refused.value.what == text(f"value.{key}")
    assert refused.value.found == money.shown(amount)
    assert refused.value.exit_code == 2


def test_signed_amount_is_read_only_where_signs_are_allowed() -> None:
    assert money.parse("-7800.00", 2, signed=True) == -780_000


@pytest.mark.parametrize(
    ("minor", "decimals", "shown"),
    [(780_000, 2, "7800.00"), (5, 2, "0.05"), (-5, 2, "-0.05"), (0, 2, "0.00"), (12, 0, "12")],
)
def test_amount_is_shown_with_all_its_decimals(minor: int, decimals: int, shown: str) -> None:
    assert money.format(minor, decimals) == shown


@pytest.mark.parametrize(
    ("percent", "ppm"), [("70%", 700_000), ("3.5%", 35_000), ("0.0001%", 1), ("0%", 0)]
)
def test_percent_becomes_ppm_exactly(percent: str, ppm: int) -> None:
    assert money.parse_percent(percent) == ppm
    assert money.format_percent(ppm) == percent


def test_percentage_number_becomes_ppm_exactly() -> None:
    assert money.parse_percentage_number("14.07") == 140_700


@pytest.mark.parametrize(
    ("percent", "key"),
    [
        ("70", "percent_form"),
        ("0.7", "percent_form"),
        ("70 %", "percent_form"),
        ("-1%", "percent_form"),
        ("7e1%", "percent_form"),
        ("%", "percent_form"),
        ("", "percent_form"),
        ("７０%", "percent_form"),
        ("70％", "percent_form"),
        ("0.00001%", "percent_decimals"),
        ("1000.0001%", "percent_overflow"),
    ],
)
def test_text_that_is_no_percentage_is_refused(percent: str, key: str) -> None:
    with pytest.raises(ValueInvalid) as refused:
        money.parse_percent(percent)
    assert refused.value.what == text(f"value.{key}")


def test_percentage_number_with_a_sign_is_refused() -> None:
    with pytest.raises(ValueInvalid) as refused:
        money.parse_percentage_number("14.07%")
    assert refused.value.what == text("value.percentage_number_form")


@pytest.mark.parametrize(
    ("numerator", "denominator", "quotient"),
    [(0, 3, 0), (1, 3, 0), (1, 2, 1), (3, 2, 2), (5, 2, 3), (2, 3, 1), (7, 7, 1)],
)
def test_half_is_rounded_up(numerator: int, denominator: int, quotient: int) -> None:
    assert money.half_up(numerator, denominator) == quotient


def test_residue_goes_to_the_first_weight() -> None:
    assert money.apportion(59_810, [700_000, 300_000]) == [41_867, 17_943]
    assert money.apportion(8, [550_000, 350_000, 100_000]) == [4, 3, 1]
    assert money.apportion(1, [471_225, 528_775]) == [0, 1]
    assert money.apportion(5, [1]) == [5]


def test_apportion_equals_the_vectors() -> None:
    if not VECTORS.is_dir():
        pytest.skip("the vectors are not beside this repository")
    for case in json.loads((VECTORS / "apportion.json").read_text()):
        assert money.apportion(case["amount"], case["weights"]) == case["parts"], case


@pytest.mark.parametrize(
    ("currency", "decimals"), [("CNY", 2), ("USD", 2), ("INR", 2), ("JPY", 0), ("KWD", 3)]
)
def test_currency_has_its_decimals(currency: str, decimals: int) -> None:
    assert money.currency_decimals(currency) == decimals


@pytest.mark.parametrize("currency", ["RMB", "cny", "", "XXX"])
def test_unknown_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValueInvalid):
        money.currency_decimals(currency)


@pytest.mark.parametrize("day", ["1970-01-01", "2000-02-29", "2024-02-29", "2026-12-31"])
def test_date_and_day_number_are_inverse(day: str) -> None:
    assert money.date_of(money.day_number(money.parse_date(day))).isoformat() == day


def test_day_number_counts_from_1970() -> None:
    assert money.day_number(date(1970, 1, 1)) == 0
    assert money.day_number(date(2025, 10, 1)) == 20_362


@pytest.mark.parametrize(
    "day",
    ["2025-02-29", "2025-13-01", "2025-00-10", "1969-12-31", "20250101", "2025-1-1", "01.02.2025",
     "2025-01-01T00:00", " 2025-01-01", "2025-01-0１", "", "0000-01-01"],
)  # fmt: skip
def test_impossible_date_is_refused(day: str) -> None:
    with pytest.raises(ValueInvalid) as refused:
        money.parse_date(day)
    assert refused.value.what == text("value.date")


@pytest.mark.parametrize(
    ("start", "end", "day_count", "days"),
    [
        ("2025-01-01", "2025-02-01", DayCount.ACT_360, 31),
        ("2025-01-01", "2025-02-01", DayCount.ACT_365, 31),
        ("2025-01-01", "2025-02-01", DayCount.THIRTY_360, 30),
        ("2025-01-31", "2025-02-28", DayCount.THIRTY_360, 28),
        ("2025-01-31", "2025-03-31", DayCount.THIRTY_360, 60),
        ("2024-02-28", "2024-03-01", DayCount.ACT_365, 2),
        ("2025-01-01", "2026-01-01", DayCount.THIRTY_360, 360),
        ("2025-01-01", "2025-01-01", DayCount.ACT_360, 0),
    ],
)
def test_start_day_counts_and_end_day_does_not(
    start: str, end: str, day_count: DayCount, days: int
) -> None:
    between = money.days_between(date.fromisoformat(start), date.fromisoformat(end), day_count)
    assert between == days


def test_first_month_of_the_worked_loan_by_each_day_count() -> None:
    interest = {
        day_count: money.half_up(
            780_000 * 180_000 * money.days_between(date(2025, 1, 1), date(2025, 2, 1), day_count),
            money.PPM * money.year_days(day_count),
        )
        for day_count in DayCount
    }
    assert interest == {
        DayCount.ACT_360: 12_090,
        DayCount.ACT_365: 11_924,
        DayCount.THIRTY_360: 11_700,
    }


def test_long_values_are_cut_and_control_characters_escaped_when_shown() -> None:
    assert money.shown("x" * 100) == "'" + "x" * 56 + "..."
    assert money.shown("a\nb") == "'a\\nb'"
    assert money.shown("银行") == "'银行'"
