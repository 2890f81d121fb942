"""`is_listed`: of the changes that cover a day, the newest decides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.sandbox.banks import LAST_DAY, Role, change_list
from tests.contracts.sandbox.partnership import Partnership

BANK, PLATFORM, GUARANTOR = 1, 2, 3


def days_listed(fresh: Partnership, *days: int, role: int = Role.ASSIST) -> list[bool]:
    return [fresh.lists.read("is_listed", BANK, PLATFORM, role, day) for day in days]


def test_nobody_is_listed_before_the_first_change(fresh: Partnership) -> None:
    assert days_listed(fresh, 0, 20_000, LAST_DAY) == [False] * 3


def test_first_and_last_day_are_included(fresh: Partnership) -> None:
    change_list(fresh, "bank", "platform", Role.ASSIST, from_date=100, to_date=110)
    assert days_listed(fresh, 99, 100, 110, 111) == [False, True, True, False]


def test_a_single_day_can_be_listed(fresh: Partnership) -> None:
    change_list(fresh, "bank", "platform", Role.ASSIST, from_date=100, to_date=100)
    assert days_listed(fresh, 99, 100, 101) == [False, True, False]


def test_open_end_holds_to_the_last_day(fresh: Partnership) -> None:
    change_list(fresh, "bank", "platform", Role.ASSIST, from_date=100)
    assert days_listed(fresh, 99, 100, LAST_DAY) == [False, True, True]


def test_newer_change_decides_on_its_days_only(fresh: Partnership) -> None:
    change_list(fresh, "bank", "platform", Role.ASSIST, from_date=100)
    change_list(fresh, "bank", "platform", Role.ASSIST, listed=False, from_date=110, to_date=119)
    assert days_listed(fresh, 109, 110, 119, 120) == [True, False, False, True]


def test_older_change_never_decides_over_a_newer_one(fresh: Partnership) -> None:
    change_list(fresh, "bank", "platform", Role.ASSIST, listed=False, from_date=100)
    change_list(fresh, "bank", "platform", Role.ASSIST, from_date=110, to_date=119)
    assert days_listed(fresh, 109, 110, 119, 120) == [False, True, True, False]


def test_other_banks_parties_and_roles_are_apart(fresh: Partnership) -> None:
    change_list(fresh, "bank", "platform", Role.ASSIST)
    assert fresh.lists.read("is_listed", BANK, PLATFORM, Role.COFUND, 100) is False
    assert fresh.lists.read("is_listed", BANK, GUARANTOR, Role.ASSIST, 100) is False
    assert fresh.lists.read("is_listed", GUARANTOR, PLATFORM, Role.ASSIST, 100) is False


DAYS = st.integers(0, 12)
CHANGES = st.lists(st.tuples(st.booleans(), DAYS, DAYS), max_size=6)


@given(changes=CHANGES)
def test_any_history_is_read_as_it_was_written(
    fresh: Partnership, changes: list[tuple[bool, int, int]]
) -> None:
    """N1, and the day until which Loans need not ask again, against a table of days."""
    table = [False] * 14
    with fresh.unchanged():
        for listed, one, other in changes:
            first, last = sorted((one, other))
            change_list(
                fresh,
                "bank",
                "platform",
                Role.ASSIST,
                listed=listed,
                from_date=first,
                to_date=last,
            )
            table[first : last + 1] = [listed] * (last - first + 1)
        assert days_listed(fresh, *range(14)) == table
        parties, places = BANK | PLATFORM << 16, 2 | 1 << 8 | Role.ASSIST << 108
        for day in range(14):
            if changes and table[day]:
                until = fresh.lists.read("require_listed", parties, places, day)
                assert until > day
                assert all(table[day : min(until, 14)])
