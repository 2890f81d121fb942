"""Text to integers: what is written comes back, and nothing else gets in."""

from __future__ import annotations

import re
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from ledger import money
from ledger.errors import ValueInvalid
from ledger.money import DayCount

decimals = st.integers(0, 4)
days = st.dates(min_value=date(1970, 1, 1))


@given(st.integers(-money.MAX_AMOUNT_MINOR, money.MAX_AMOUNT_MINOR), decimals)
def test_amount_comes_back_from_its_text(minor: int, places: int) -> None:
    assert money.parse(money.format(minor, places), places, signed=True) == minor


@given(st.integers(0, money.MAX_RATE_PPM))
def test_ratio_comes_back_from_its_text(ppm: int) -> None:
    assert money.parse_percent(money.format_percent(ppm)) == ppm
    assert money.parse_percentage_number(money.format_percent(ppm)[:-1]) == ppm


@given(st.one_of(st.text(max_size=8), st.text("0123456789.,-+eE %_１", max_size=8)), decimals)
def test_text_is_an_exact_amount_or_refused(text: str, places: int) -> None:
    exact = re.fullmatch(r"[0-9]+(\.[0-9]{1,4})?", text)
    allowed = exact and len(text.partition(".")[2]) <= places
    try:
        minor = money.parse(text, places)
    except ValueInvalid:
        assert not allowed
    else:
        assert allowed
        digits, _, fraction = text.partition(".")
        assert minor == int(digits) * 10**places + int(fraction.ljust(places, "0") or "0")


@given(days)
def test_date_comes_back_from_its_text_and_its_number(day: date) -> None:
    assert money.parse_date(day.isoformat()) == day
    assert money.date_of(money.day_number(day)) == day


@given(st.lists(days, min_size=3, max_size=3).map(sorted), st.sampled_from(DayCount))
def test_days_add_up_over_any_day_between(dates: list[date], day_count: DayCount) -> None:
    start, middle, end = dates
    between = money.days_between
    assert between(start, end, day_count) == between(start, middle, day_count) + between(
        middle, end, day_count
    )
