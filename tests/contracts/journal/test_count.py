"""`count`: every entry counts to one business day, never to a sealed one."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.journal.conftest import Days
from tests.contracts.sandbox.days import DayKind, Totals
from tests.contracts.sandbox.entries import LAST_DAY, on
from tests.contracts.sandbox.partnership import DEAL, Member, deal_id, refused

pytestmark = pytest.mark.slow

ID = deal_id(DEAL)
DAY = on("2026-02-01")
LARGEST = 2**128 - 1


def of_day(days: Days, day: int, kind: int) -> tuple[int, int]:
    word = days.journal.read("day_total", ID, day, kind)
    return word >> 128, word % 2**128


def test_entries_add_to_the_total_of_their_day_and_kind(days: Days) -> None:
    receipt = days.count(DAY, DayKind.REPAYMENT, 3, 500)
    assert receipt.returned is None
    assert receipt.events == []  # the contract that posts says what and why
    days.count(DAY, DayKind.REPAYMENT, 2, 7)
    days.count(DAY, DayKind.BOOKING, 1, 11)
    days.count(DAY + 1, DayKind.REPAYMENT, 1, 13)
    assert of_day(days, DAY, DayKind.REPAYMENT) == (5, 507)
    assert of_day(days, DAY, DayKind.BOOKING) == (1, 11)
    assert of_day(days, DAY, DayKind.WAIVER) == (0, 0)
    assert of_day(days, DAY + 1, DayKind.REPAYMENT) == (1, 13)
    assert days.journal.read("balances", ID, 256) == 0


@pytest.mark.parametrize("kind", [*DayKind, 15])
def test_every_kind_is_apart_and_in_the_open_totals(days: Days, kind: int) -> None:
    days.count(DAY, kind, 2, 40 + kind)
    assert days.open_totals(DAY) == {kind: (2, 40 + kind)}
    assert [of_day(days, DAY, other) != (0, 0) for other in range(16)] == [
        other == kind for other in range(16)
    ]


def test_an_entry_without_an_amount_counts(days: Days) -> None:
    days.count(DAY, DayKind.PERIOD_STATEMENT, 1, 0)
    assert days.open_totals(DAY) == {DayKind.PERIOD_STATEMENT: (1, 0)}


def test_amounts_reach_the_count_never(days: Days) -> None:
    days.count(DAY, DayKind.BOOKING, 1, LARGEST)
    assert of_day(days, DAY, DayKind.BOOKING) == (1, LARGEST)


def test_deals_are_apart(days: Days) -> None:
    days.count(DAY, deal="other")
    assert days.open_totals(DAY) == {}
    assert days.journal.read("first_day", ID) == 0


def test_first_day_is_the_earliest_that_was_ever_counted_to(days: Days) -> None:
    for day, first in ((DAY, DAY), (DAY + 5, DAY), (DAY - 40, DAY - 40), (DAY - 39, DAY - 40)):
        days.count(day)
        assert days.journal.read("first_day", ID) == first


def test_late_entry_of_a_sealed_day_counts_to_the_first_open_one(days: Days) -> None:
    days.seal(DAY)
    for date in (0, 1, DAY - 1, DAY):
        days.count(date, DayKind.WAIVER, 1, 5, late=True)
    assert of_day(days, DAY + 1, DayKind.WAIVER) == (4, 20)
    assert of_day(days, DAY, DayKind.WAIVER) == (0, 0)
    assert days.journal.read("first_day", ID) == DAY + 1


def test_late_entry_of_an_open_day_counts_to_its_date(days: Days) -> None:
    days.seal(DAY)
    for date in (DAY + 1, DAY + 2):
        days.count(date, DayKind.WAIVER, 1, 5, late=True)
        assert of_day(days, date, DayKind.WAIVER) == (1, 5)


def test_late_entry_before_any_day_is_sealed_counts_to_its_date(days: Days) -> None:
    days.count(DAY, DayKind.BOOKING, 1, 5, late=True)
    assert of_day(days, DAY, DayKind.BOOKING) == (1, 5)


def test_counting_by_anything_but_a_named_contract_is_refused(days: Days, platform: Member) -> None:
    for key in (platform.maker, platform.checker, days.partnership.operator):
        for late in (False, True):
            with refused("SENDER_NOT_CONTRACT"):
                days.journal.send(key, "count", ID, DAY, 1, 1, 1, late)


def test_entry_of_a_sealed_day_is_refused(days: Days) -> None:
    days.seal(DAY)
    for date in (0, DAY - 1, DAY):
        with refused("DAY_SEALED"):  # J3
            days.count(date)
    assert days.open_totals(DAY + 5) == {}
    days.count(DAY + 1)
    days.count(DAY, deal="other")


def test_day_zero_is_refused_since_nothing_is_before_it(days: Days) -> None:
    with refused("DAY_SEALED"):
        days.count(0)
    days.count(0, late=True)
    assert of_day(days, 1, DayKind.BOOKING) == (1, 0)


def test_sum_that_overflows_is_refused(days: Days) -> None:
    days.count(DAY, DayKind.BOOKING, 2**128 - 1, LARGEST)
    with refused("0x"):
        days.count(DAY, DayKind.BOOKING, 0, 1)


COUNTED = st.lists(
    st.tuples(
        st.one_of(st.integers(DAY - 40, DAY + 40), st.integers(1, LAST_DAY)),
        st.sampled_from(DayKind),
        st.integers(1, 250),
        st.integers(0, 250 * 2**56),
        st.booleans(),
        st.sampled_from([None] * 6 + [0, 1, 7, 30, 150]),
    ),
    max_size=10,
)


@given(entries=COUNTED)
def test_totals_of_days_are_what_the_entries_come_to(
    days: Days, entries: list[tuple[int, DayKind, int, int, bool, int | None]]
) -> None:
    """`J4`, against a dictionary of days: each entry is in one day, and sealed days never change."""
    totals: Counter[tuple[int, int]] = Counter()
    sealed = 0
    with days.partnership.unchanged():
        for date, kind, count, amount, late, seal in entries:
            if date <= sealed and not late:
                with refused("DAY_SEALED"):
                    days.count(date, kind, count, amount, late=late)
                continue
            days.count(date, kind, count, amount, late=late)
            totals[max(date, sealed + 1), kind] += (count << 128) + amount
            if seal is not None:
                sealed = _sealed_to(days, totals, sealed, seal)
        for (day, kind), word in totals.items():
            assert days.journal.read("day_total", ID, day, kind) == word
        first = min((day for day, _ in totals), default=0)
        assert days.journal.read("first_day", ID) == first


def _sealed_to(days: Days, totals: Counter[tuple[int, int]], sealed: int, further: int) -> int:
    """All sign a day so many days after the first open one with entries, if it can be signed."""
    first = max(min(day for day, _ in totals), sealed + 1)
    day = min(first + further, LAST_DAY)
    if day <= sealed:
        return sealed
    expected: Totals = {}
    for kind in DayKind:
        words = [word for (at, of), word in totals.items() if of == kind and sealed < at <= day]
        if words:
            expected[kind] = sum(words) >> 128, sum(words) % 2**128
    assert days.open_totals(day) == expected
    days.seal(day)
    return day
