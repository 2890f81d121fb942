"""calendar.vy agrees with the calendar of Python on every day of 180 years."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from eth_abi import decode, encode
from eth_hash.auto import keccak
from vyper.cli.vyper_compile import compile_files

from ledger.money import DayCount, days_between, year_days
from tests.contracts.sandbox.chain import Chain, Key
from tests.contracts.sandbox.contract import ROOT

SOURCE = """
# pragma version 0.4.3
# pragma evm-version london
# pragma optimize gas
import calendar

@external
@pure
def months(_days: DynArray[uint256, 1000]) -> DynArray[uint256, 1000]:
    found: DynArray[uint256, 1000] = []
    for day: uint256 in _days:
        found.append(calendar._month_of(day))
    return found

@external
@pure
def indices(_days: DynArray[uint256, 1000], _day_count: uint256) -> DynArray[uint256, 1000]:
    found: DynArray[uint256, 1000] = []
    for day: uint256 in _days:
        found.append(calendar._day_index(day, _day_count))
    return found

@external
@pure
def first_days(_months: DynArray[uint256, 1000]) -> DynArray[uint256, 1000]:
    found: DynArray[uint256, 1000] = []
    for month: uint256 in _months:
        found.append(calendar._first_day(month))
    return found

@external
@pure
def year_days(_day_count: uint256) -> uint256:
    return calendar._year_days(_day_count)
"""

EPOCH = date(1970, 1, 1)
END = date(2150, 1, 1)
ALL_DAYS = [EPOCH + timedelta(days=i) for i in range((END - EPOCH).days)]
DAY_COUNTS = (DayCount.ACT_360, DayCount.ACT_365, DayCount.THIRTY_360)
"""In the contract's order."""
THIRTY_360 = 2


def _quick(day: date) -> bool:
    """Every day of a leap year, of a common one, of a century's leap and common year; else months' ends."""
    ends = day.day == 1 or (day + timedelta(days=1)).day == 1
    return ends or day.year in (1972, 2000, 2026, 2100)


class Calendar:
    """The functions of calendar.vy, on a chain."""

    def __init__(self, folder: Path) -> None:
        source = folder / "Calendar.vy"
        source.write_text(SOURCE, "utf-8")
        search = [str(folder), str(ROOT / "contracts")]
        (compiled,) = compile_files([str(source)], ["bytecode"], paths=search).values()
        self._chain = Chain()
        code = bytes.fromhex(compiled["bytecode"].removeprefix("0x"))
        self._address = self._chain.deploy(Key("operator"), code)

    def months(self, days: Sequence[date]) -> list[int]:
        """`_month_of` each day."""
        return self._all("months(uint256[])", [(day - EPOCH).days for day in days])

    def indices(self, days: Sequence[date], day_count: int) -> list[int]:
        """`_day_index` of each day."""
        numbers = [(day - EPOCH).days for day in days]
        return self._all("indices(uint256[],uint256)", numbers, day_count)

    def first_days(self, months: Sequence[int]) -> list[int]:
        """`_first_day` of each month."""
        return self._all("first_days(uint256[])", months)

    def year_days(self, day_count: int) -> int:
        """`_year_days`."""
        return int.from_bytes(self._call("year_days(uint256)", day_count), "big")

    def _all(self, signature: str, numbers: Sequence[int], *arguments: int) -> list[int]:
        found: list[int] = []
        for i in range(0, len(numbers), 1_000):
            output = self._call(signature, numbers[i : i + 1_000], *arguments)
            found += decode(["uint256[]"], output)[0]
        assert len(found) == len(numbers)
        return found

    def _call(self, signature: str, *arguments: int | Sequence[int]) -> bytes:
        types = signature[signature.index("(") + 1 : -1].split(",")
        data = keccak(signature.encode())[:4] + encode(types, arguments)
        return self._chain.call(self._address, data)


@pytest.fixture(scope="module")
def calendar(tmp_path_factory: pytest.TempPathFactory) -> Calendar:
    return Calendar(tmp_path_factory.mktemp("calendar"))


@pytest.fixture(scope="module", params=["ends", pytest.param("every", marks=pytest.mark.slow)])
def days(request: pytest.FixtureRequest) -> list[date]:
    """Days that decide; all of them when there is time."""
    return ALL_DAYS if request.param == "every" else [day for day in ALL_DAYS if _quick(day)]


def test_month_of_a_day(calendar: Calendar, days: list[date]) -> None:
    expected = [day.year * 12 + day.month - 1 for day in days]
    assert calendar.months(days) == expected


def test_first_day_of_every_month(calendar: Calendar) -> None:
    months = range(EPOCH.year * 12, END.year * 12)
    expected = [(date(month // 12, month % 12 + 1, 1) - EPOCH).days for month in months]
    assert calendar.first_days(months) == expected


def test_index_of_a_day_by_30_360(calendar: Calendar, days: list[date]) -> None:
    expected = [360 * day.year + 30 * day.month + min(day.day, 30) for day in days]
    assert calendar.indices(days, THIRTY_360) == expected


def test_differences_of_indices_are_the_days_that_schedules_count(calendar: Calendar) -> None:
    days = [day for day in ALL_DAYS if day.year in (2027, 2028)]
    indexed = list(zip(days, calendar.indices(days, THIRTY_360), strict=True))
    for apart in (1, 28, 31, 365):
        for (since, before), (until, after) in pairwise(indexed[::apart]):
            assert after - before == days_between(since, until, DayCount.THIRTY_360)


@pytest.mark.parametrize("day_count", [0, 1])
def test_index_by_an_actual_day_count_is_the_day(calendar: Calendar, day_count: int) -> None:
    days = ALL_DAYS[::1_000]
    assert calendar.indices(days, day_count) == [(day - EPOCH).days for day in days]


@pytest.mark.parametrize("day_count", [0, 1, 2])
def test_days_of_a_year(calendar: Calendar, day_count: int) -> None:
    assert calendar.year_days(day_count) == year_days(DAY_COUNTS[day_count])
