"""The views, and what the closed months leave."""

from __future__ import annotations

from tests.contracts.sandbox.partnership import DEAL, deal_id
from tests.contracts.settlements.periods import Move, Periods, close, month

ID = deal_id(DEAL)
JANUARY, FEBRUARY = month("2026-01"), month("2026-02")


def test_before_anything_moved_all_is_zero(periods: Periods) -> None:
    read = periods.settlements.read
    assert read("open_month", ID) == read("first_month", ID) == 0
    assert read("standing", ID) == (0,) * 6
    assert read("figures", ID, JANUARY) == read("late_figures", ID, JANUARY) == (0,) * 6


def test_standing_is_what_the_closed_months_leave(periods: Periods) -> None:
    read = periods.settlements.read
    periods.report(
        Move(date="2026-01-05", principal=1_000, loss=70, overdue=40, since="2025-01-01")
    )
    assert read("standing", ID) == (0,) * 6
    close(periods, JANUARY)
    # 1 000 for 27 days at 7 % come to 5.
    assert read("standing", ID) == (1_000, 40, -75, 0, 0, 0)
    periods.report(Move(date="2026-01-05", principal=-1_000, overdue=-40, since="2025-01-01"))
    close(periods, FEBRUARY)
    assert read("standing", ID) == (0, 0, -75, -27_000, 0, 0)


def test_opening_and_open_months_add_up_to_the_outstanding(periods: Periods) -> None:
    read = periods.settlements.read
    moves = [
        Move(date="2026-01-05", principal=1_000),
        Move(date="2026-02-05", principal=-10),
        Move(date="2026-04-05", principal=-100),
    ]
    periods.report(*moves)
    for closed in range(4):
        left = [read("figures", ID, JANUARY + number)[0] for number in range(closed, 4)]
        assert read("standing", ID)[0] + sum(left) == 890  # S3
        close(periods, JANUARY + closed)
