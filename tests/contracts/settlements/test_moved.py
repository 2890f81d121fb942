"""`moved`: every move lands in its month, or in the first open one."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Contract
from tests.contracts.sandbox.entries import LAST_DAY, on
from tests.contracts.sandbox.partnership import DEAL, Member, deal_id, refused
from tests.contracts.settlements.periods import (
    Move,
    Periods,
    close,
    first_day,
    last_day,
    month,
    month_of,
)

ID = deal_id(DEAL)
JANUARY, FEBRUARY, MARCH = (month(f"2026-{number:02d}") for number in (1, 2, 3))
PRINCIPAL, BALANCE_DAYS, INTEREST, LOSS, DISBURSED, OVERDUE = range(6)


@pytest.fixture
def settlements(periods: Periods) -> Contract:
    """Settlements, to be read."""
    return periods.settlements


def figures(settlements: Contract, number: int, name: str = "figures") -> tuple[int, ...]:
    found: tuple[int, ...] = settlements.read(name, ID, number)
    return found


def test_a_move_adds_to_every_figure_of_its_month(periods: Periods, settlements: Contract) -> None:
    periods.report(
        Move(date="2026-01-10", principal=100, interest=2, loss=3, disbursed=4, overdue=5, since=1)
    )
    assert figures(settlements, JANUARY) == (100, 100 * 22, 2, 3, 4, 5)
    periods.report(
        Move(date="2026-01-31", principal=-40, interest=7, loss=-3, disbursed=-4, overdue=-5)
    )
    assert figures(settlements, JANUARY) == (60, 100 * 22 - 40, 9, 0, 0, 0)
    assert settlements.read("open_month", ID) == JANUARY


def test_the_start_day_counts_and_the_end_day_does_not(
    periods: Periods, settlements: Contract
) -> None:
    periods.report(Move(date="2026-01-10", principal=100), Move(date="2026-01-12", principal=-100))
    assert figures(settlements, JANUARY)[BALANCE_DAYS] == 200


def test_moves_of_several_months_in_one_batch_go_apart(
    periods: Periods, settlements: Contract
) -> None:
    moves = [
        Move(date="2026-03-31", interest=1),
        Move(date="2026-01-01", interest=10),
        Move(date="2026-03-01", interest=100),
        Move(date="2026-02-28", interest=1_000),
        Move(date="2026-01-31", interest=10_000),
    ]
    periods.report(*moves)
    received = [figures(settlements, number)[INTEREST] for number in (JANUARY, FEBRUARY, MARCH)]
    assert received == [10_010, 1_000, 101]


def test_the_first_month_is_the_earliest_until_one_is_closed(
    periods: Periods, settlements: Contract
) -> None:
    assert settlements.read("open_month", ID) == 0
    assert settlements.read("first_month", ID) == 0
    for day, first in (("2026-03-05", MARCH), ("2026-01-31", JANUARY), ("2026-02-01", JANUARY)):
        periods.report(Move(date=day, principal=1))
        assert settlements.read("open_month", ID) == first
        assert settlements.read("first_month", ID) == first
    close(periods, JANUARY)
    periods.report(Move(date="2025-11-05", principal=1))
    assert settlements.read("open_month", ID) == FEBRUARY
    assert settlements.read("first_month", ID) == JANUARY


def test_a_late_move_lands_in_the_first_open_month_and_counts_from_its_date(
    periods: Periods, settlements: Contract
) -> None:
    periods.report(Move(date="2026-01-01", principal=1_000))
    close(periods, JANUARY)
    january = figures(settlements, JANUARY)
    periods.report(
        Move(date="2026-01-11", principal=-100, interest=5, loss=6, disbursed=7),
        Move(date="2026-02-11", principal=-10, interest=50, loss=60, disbursed=70),
    )
    assert figures(settlements, JANUARY) == january  # S1
    days = -100 * (on("2026-03-01") - on("2026-01-11")) - 10 * 18
    assert figures(settlements, FEBRUARY) == (-110, days, 55, 66, 77, 0)  # S4
    late = figures(settlements, FEBRUARY, "late_figures")
    assert late == (-100, -100 * 21, 5, 6, 7, 0)
    assert figures(settlements, JANUARY, "late_figures") == (0,) * 6


def test_a_move_without_a_date_counts_from_the_first_open_month(
    periods: Periods, settlements: Contract
) -> None:
    periods.report(Move(date="2026-02-05", principal=10))
    periods.report(Move(principal=100))
    assert figures(settlements, FEBRUARY)[:2] == (110, 100 * 28 + 10 * 24)
    close(periods, FEBRUARY)
    periods.report(Move(principal=1))
    assert figures(settlements, MARCH)[:2] == (1, 31)
    assert figures(settlements, MARCH, "late_figures") == (0,) * 6


def test_a_move_without_a_date_before_all_others_takes_the_day_it_is_overdue_since(
    periods: Periods, settlements: Contract
) -> None:
    periods.report(Move(overdue=5, since="2026-02-07"))
    assert settlements.read("open_month", ID) == FEBRUARY


@pytest.mark.parametrize("days_left", [0, 1])
def test_overdue_counts_from_the_month_at_whose_end_it_is_ninety_days(
    periods: Periods, settlements: Contract, days_left: int
) -> None:
    periods.report(Move(date="2026-01-01", principal=9))
    # Ninety days before the last day of March, then one day fewer.
    since = last_day(MARCH) - 90 + days_left
    periods.report(Move(overdue=5, since=since))
    expected = [0, 0, 5, 0] if days_left == 0 else [0, 0, 0, 5]
    found = [figures(settlements, JANUARY + i)[OVERDUE] for i in range(4)]
    assert found == expected


def test_overdue_for_long_counts_from_the_first_open_month(
    periods: Periods, settlements: Contract
) -> None:
    periods.report(Move(date="2026-01-01", principal=9))
    close(periods, JANUARY)
    periods.report(Move(overdue=5, since="2025-06-30"))
    periods.report(Move(date="2026-03-09", principal=-2, overdue=-2, since="2025-06-30"))
    assert figures(settlements, FEBRUARY)[OVERDUE] == 5
    assert figures(settlements, MARCH)[OVERDUE] == -2


def test_overdue_never_lands_in_a_closed_month(periods: Periods, settlements: Contract) -> None:
    periods.report(Move(date="2026-01-01", principal=9, overdue=9, since="2025-11-10"))
    close(periods, JANUARY)
    close(periods, FEBRUARY)
    # Ninety days past due in February; repaid in January, as was entered too late.
    periods.report(Move(date="2026-01-20", principal=-4, overdue=-4, since="2025-11-10"))
    found = [figures(settlements, JANUARY + i)[OVERDUE] for i in range(3)]
    assert found == [0, 9, -4]  # S1


def test_deals_are_apart(periods: Periods, settlements: Contract) -> None:
    periods.report(Move(date="2026-01-01", principal=9))
    periods.report(Move(date="2026-02-01", principal=5), deal="other")
    assert settlements.read("open_month", ID) == JANUARY
    assert figures(settlements, FEBRUARY) == (0,) * 6
    assert settlements.read("open_month", deal_id("other")) == FEBRUARY


def test_figures_of_one_word_keep_their_signs_apart(
    periods: Periods, settlements: Contract
) -> None:
    largest = 2**64
    for sign in (-1, 1, 1, -1):
        for other in (1, -1):
            periods.report(
                Move(
                    date="2026-01-01",
                    principal=sign * largest,
                    interest=sign * largest,
                    loss=other * largest,
                    disbursed=sign,
                    overdue=other,
                )
            )
            signs = 1 if sign > 0 else -1
            total = figures(settlements, JANUARY)
            assert total[LOSS] in (0, largest) and abs(total[INTEREST]) <= 2 * largest, signs
            assert total[BALANCE_DAYS] == total[PRINCIPAL] * 31
    assert figures(settlements, JANUARY) == (0,) * 6


def test_the_first_and_the_last_day_there_are(periods: Periods, settlements: Contract) -> None:
    periods.report(Move(date=LAST_DAY, principal=3), Move(date=1, principal=5))
    assert settlements.read("open_month", ID) == month("1970-01")
    assert figures(settlements, month("1970-01"))[:2] == (5, 5 * 30)
    last = month_of(LAST_DAY)
    assert figures(settlements, last)[:2] == (3, 3 * (first_day(last + 1) - LAST_DAY))


def test_no_move_changes_nothing(periods: Periods, settlements: Contract) -> None:
    periods.report(Move(date="2026-01-05", principal=1))
    settlements.send(periods.reporter, "moved", ID, [])
    assert figures(settlements, JANUARY)[PRINCIPAL] == 1


def test_thirty_two_moves_fit_and_no_more(periods: Periods, settlements: Contract) -> None:
    row = Move(date="2026-01-05", interest=1).row
    settlements.send(periods.reporter, "moved", ID, [row] * 32)
    assert figures(settlements, JANUARY)[INTEREST] == 32
    with refused("0x"):
        settlements.send(periods.reporter, "moved", ID, [row] * 33)


def test_only_the_contract_that_reports_moves_is_heard(
    periods: Periods, settlements: Contract, bank: Member, outsider: Key
) -> None:
    for key in (bank.maker, bank.checker, periods.operator, outsider):
        with refused("SENDER_NOT_CONTRACT"):
            settlements.send(key, "moved", ID, [Move(date="2026-01-05", principal=1).row])
