"""The figures of a month are what the real entries on its loans moved, to the day."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import half_up
from tests.contracts.sandbox.entries import Booking, on
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id
from tests.contracts.sandbox.terms import Claim, Layer, Period, Rule, Terms
from tests.contracts.settlements.periods import close, first_day, month, statement
from tests.contracts.settlements.watched import CLAIM_REPAYMENT, RECOVERY, Watched

ID = deal_id(DEAL)
JANUARY, FEBRUARY, MARCH = (month(f"2026-{number:02d}") for number in (1, 2, 3))
FIRST = on("2026-01-01")
TERMS = Terms(
    funding=(("bank", 700_000), ("platform", 300_000)),
    others=("guarantor",),
    layers=(Layer(payer="guarantor", share=600_000),),
    claim=Claim(days_past_due=10),
    period=Period(rule=Rule.EXCESS, to="platform", bank_return=70_000, share=600_000),
)


@pytest.fixture(scope="session")
def _lending(_fresh: tuple[Partnership, bytes]) -> tuple[Partnership, bytes]:
    partnership, fresh = _fresh
    partnership.chain.revert(fresh)
    partnership.agree(TERMS)
    return partnership, partnership.chain.snapshot()


@pytest.fixture
def lending(_lending: tuple[Partnership, bytes]) -> Partnership:
    """A deal with an excess rule and a guarantor that bears 60 % of each loss."""
    partnership, snapshot = _lending
    partnership.chain.revert(snapshot)
    return partnership


@pytest.fixture
def watched(lending: Partnership) -> Watched:
    """One loan of 1 000.00, from the first of January 2026 on."""
    found = Watched(lending, TERMS)
    found.book("loan", 100_000, FIRST)
    return found


def test_a_booking_opens_the_first_month_and_is_disbursed_in_it(watched: Watched) -> None:
    closed = watched.assert_closed()
    assert closed["month"] == JANUARY
    assert closed["disbursed_minor"] == closed["outstanding_minor"] == 100_000
    assert closed["balance_days_minor"] == 100_000 * 31


def test_a_repayment_counts_from_its_day_and_only_its_interest_is_interest(
    watched: Watched,
) -> None:
    watched.repay("loan", 40_000, 1_500, on("2026-01-11"))
    closed = watched.assert_closed()
    assert closed["balance_days_minor"] == 100_000 * 31 - 40_000 * 21
    assert closed["interest_minor"] == 1_500
    bank_return = half_up(closed["balance_days_minor"] * 70_000, 360 * 10**6)
    assert closed["platform_minor"] == half_up((1_500 - bank_return) * 600_000, 10**6)


def test_a_batch_over_two_months_is_taken_apart(lending: Partnership) -> None:
    watched = Watched(lending, TERMS)
    for i, day in enumerate(("2026-02-28", "2026-01-31", "2026-02-01")):
        watched.book(f"loan-{i}", 1_000, on(day))
    assert watched.assert_closed()["balance_days_minor"] == 1_000
    assert watched.assert_closed()["balance_days_minor"] == 1_000 * (28 + 28 + 1)


def test_a_compensation_lowers_the_balance_by_what_the_layers_paid(watched: Watched) -> None:
    watched.mark_overdue("loan", FIRST)
    watched.compensate("loan", on("2026-01-16"))
    closed = watched.assert_closed()
    assert closed["outstanding_minor"] == 40_000
    assert closed["balance_days_minor"] == 100_000 * 31 - 60_000 * 16
    assert closed["interest_minor"] == closed["loss_minor"] == 0


@pytest.mark.parametrize("kind", [RECOVERY, CLAIM_REPAYMENT])
def test_a_recovery_lowers_the_balance_by_what_reached_the_funders(
    watched: Watched, kind: int
) -> None:
    watched.mark_overdue("loan", FIRST)
    watched.compensate("loan", on("2026-01-16"))
    watched.recover("loan", 10_000, on("2026-01-26"), kind)
    closed = watched.assert_closed()
    # Side by side: 40 % of it to the funders' residual.
    assert closed["outstanding_minor"] == 36_000
    assert closed["balance_days_minor"] == 100_000 * 31 - 60_000 * 16 - 4_000 * 6
    assert closed["interest_minor"] == 0


def test_a_write_off_is_a_loss_and_what_is_recovered_of_it_is_less_of_one(
    watched: Watched,
) -> None:
    watched.write_off("loan", on("2026-01-21"))
    watched.recover("loan", 30_000, on("2026-01-31"))
    watched.recover("loan", 50_000, on("2026-02-02"))
    # Above what was lost nothing is left to make good.
    watched.recover("loan", 50_000, on("2026-02-03"))
    january, february = watched.assert_closed(), watched.assert_closed()
    assert january["outstanding_minor"] == 0
    assert january["balance_days_minor"] == 100_000 * 20
    assert (january["loss_minor"], february["loss_minor"]) == (70_000, -70_000)
    assert february["carry_minor"] == january["carry_minor"] + 70_000


def test_a_waiver_moves_nothing(watched: Watched) -> None:
    watched.waive("loan", 500, on("2026-01-12"))
    closed = watched.assert_closed()
    assert closed["interest_minor"] == closed["loss_minor"] == 0


def test_past_due_counts_at_a_months_end_from_the_ninetieth_day_on(watched: Watched) -> None:
    watched.book("good", 50_000, FIRST)
    # 31 March is ninety days later.
    watched.mark_overdue("loan", FIRST - 1)
    watched.repay("loan", 10_000, 0, on("2026-03-05"))
    overdue = [watched.assert_closed()["overdue_minor"] for _ in range(3)]
    assert overdue == [0, 0, 90_000]
    watched.mark_overdue("loan", 0)
    assert watched.assert_closed()["overdue_minor"] == 0


def test_a_mark_moved_by_a_day_moves_the_month_it_counts_in(watched: Watched) -> None:
    watched.mark_overdue("loan", FIRST - 1)
    watched.mark_overdue("loan", FIRST)
    overdue = [watched.assert_closed()["overdue_minor"] for _ in range(4)]
    assert overdue == [0, 0, 0, 100_000]


@pytest.mark.parametrize(
    "act",
    [
        lambda watched: watched.repay("loan", 40_000, 900, on("2026-01-11")),
        lambda watched: watched.write_off("loan", on("2026-01-11")),
        lambda watched: watched.compensate("loan", on("2026-01-11")),
        lambda watched: watched.waive("loan", 5, on("2026-01-11")),
    ],
    ids=["repayment", "write-off", "compensation", "waiver"],
)
@pytest.mark.parametrize(
    ("day", "closings"), [("2026-01-11", 0), ("2026-01-21", 0), ("2026-02-05", 1)]
)
def test_a_mirror_takes_the_figures_back_from_its_own_date_on(
    watched: Watched, act: Callable[[Watched], None], day: str, closings: int
) -> None:
    watched.mark_overdue("loan", FIRST)
    act(watched)
    for _ in range(closings):
        watched.assert_closed()
    watched.reverse("loan", on(day))
    for _ in range(2):
        closed = watched.assert_closed()
    assert closed["outstanding_minor"] == 100_000


@pytest.mark.parametrize("kind", [RECOVERY, CLAIM_REPAYMENT])
def test_the_mirror_of_a_recovery_takes_it_back(watched: Watched, kind: int) -> None:
    watched.mark_overdue("loan", FIRST)
    watched.compensate("loan", on("2026-01-11"))
    watched.recover("loan", 20_000, on("2026-01-14"), kind)
    watched.reverse("loan", on("2026-01-20"))
    assert watched.assert_closed()["outstanding_minor"] == 40_000
    watched.write_off("loan", on("2026-02-01"))
    watched.recover("loan", 20_000, on("2026-02-02"), kind)
    watched.reverse("loan", on("2026-02-03"))
    assert watched.assert_closed()["loss_minor"] == 40_000


def test_the_mirror_of_a_booking_takes_back_what_was_disbursed(watched: Watched) -> None:
    watched.reverse("loan", FIRST + 5)
    closed = watched.assert_closed()
    assert closed["disbursed_minor"] == closed["outstanding_minor"] == 0
    assert closed["balance_days_minor"] == 100_000 * 5


def test_entries_for_a_closed_month_put_it_right_in_the_next(watched: Watched) -> None:
    january = watched.assert_closed()
    watched.repay("loan", 100_000, 2_000, on("2026-01-02"))
    watched.book("forgotten", 30_000, on("2026-01-30"))
    february = watched.assert_closed()
    assert january["balance_days_minor"] == 100_000 * 31
    assert february["balance_days_minor"] == -100_000 * 30 + 30_000 * (2 + 28)
    assert february["interest_minor"] == 2_000
    assert february["disbursed_minor"] == february["outstanding_minor"] == 30_000
    late = watched.partnership.settlements.read("late_figures", ID, FEBRUARY)
    assert late == (-70_000, -100_000 * 30 + 30_000 * 2, 2_000, 0, 30_000, 0)


def test_a_closed_statement_outlives_every_later_entry(watched: Watched) -> None:
    watched.repay("loan", 10_000, 100, on("2026-01-09"))
    watched.assert_closed()
    read = watched.partnership.settlements.read
    before = read("figures", ID, JANUARY), read("late_figures", ID, JANUARY)
    watched.mark_overdue("loan", on("2025-09-01"))
    watched.reverse("loan", on("2026-01-09"))
    watched.write_off("loan", on("2026-01-10"))
    assert (read("figures", ID, JANUARY), read("late_figures", ID, JANUARY)) == before  # S1


def test_a_deal_without_a_period_keeps_no_figures(lending: Partnership) -> None:
    without = Terms(funding=TERMS.funding)
    lending.agree(without, deal="plain")
    lending.book(Booking(loan="loan", principal=5), deal="plain")
    assert lending.settlements.read("open_month", deal_id("plain")) == 0


# ---- any entries
ACTS = "repay repay mark cure compensate recover late write_off waive reverse reverse close close"
STEPS = st.lists(
    st.tuples(
        st.sampled_from(ACTS.split()),
        st.sampled_from(["loan", "loan-2"]),
        st.integers(0, 120),
        st.integers(1, 100_000),
        st.integers(0, 9_999),
    ),
    min_size=6,
    max_size=20,
)


@given(steps=STEPS)
def test_statements_are_what_the_days_of_all_entries_come_to(
    lending: Partnership, steps: list[tuple[str, str, int, int, int]]
) -> None:
    with lending.unchanged():
        watched = Watched(lending, TERMS)
        watched.book("loan", 100_000, FIRST + 20)
        for step in steps:
            if step[0] == "close":
                watched.assert_closed()
            else:
                _act(watched, *step)
        _assert_adds_up(watched)
        watched.assert_closed()
        _assert_adds_up(watched)


def _assert_adds_up(watched: Watched) -> None:
    """`S3`: what the closed months leave and what the open ones moved is what is outstanding."""
    read, first = watched.partnership.settlements.read, watched.days.open_month
    assert first is not None
    moved = sum(read("figures", ID, number)[0] for number in range(first, JANUARY + 12))
    outstanding, _ = watched.partnership.volume()
    assert read("standing", ID)[0] + moved == outstanding


def _act(watched: Watched, act: str, ref: str, days: int, amount: int, interest: int) -> None:
    """The act if the loan allows it; on a loan not there yet, its booking. Dates may lie in closed months."""
    loan = watched.loan(ref)
    if loan.sequence == 0:
        watched.book(ref, amount, FIRST + days)
        return
    date = loan.start + days
    left = loan.outstanding
    is_open = not loan.written_off and not loan.compensated
    match act:
        case _ if loan.reversed:
            pass
        case "repay" if is_open:
            watched.repay(ref, min(amount, left), interest + 1, date)
        case "mark" if is_open and left and loan.overdue_since != date - 60:
            watched.mark_overdue(ref, date - 60)
        case "cure" if is_open and loan.overdue_since:
            watched.mark_overdue(ref, 0)
        case "compensate" if is_open and left > 1:
            if not loan.overdue_since:
                watched.mark_overdue(ref, date)
            watched.compensate(ref, max(date, loan.overdue_since) + 10)
        case "recover" | "late" if not is_open:
            watched.recover(ref, amount, date, RECOVERY if act == "recover" else CLAIM_REPAYMENT)
        case "write_off" if not loan.written_off and left:
            watched.write_off(ref, date)
        case "waive" if is_open:
            watched.waive(ref, interest + 1, date)
        # A booking is taken back now and then only: nothing more happens on its loan.
        case "reverse" if len(watched.standing[ref]) > 1 or interest < 1_000:
            watched.reverse(ref, max(date, watched.standing[ref][-1].date))


def test_closing_follows_real_entries_of_a_real_deal(lending: Partnership) -> None:
    """The platform's part comes on top of the interest that the waterfall gave it."""
    watched = Watched(lending, TERMS)
    watched.book("loan", 1_000_000, FIRST)
    watched.repay("loan", 80_000, 15_000, on("2026-01-31"))
    before = lending.balances()["platform"]["INTEREST"]
    closed = statement(close(lending, JANUARY, date=first_day(FEBRUARY)))
    own = closed["platform_minor"] - half_up(closed["platform_minor"] * 300_000, 10**6)
    assert lending.balances()["platform"]["INTEREST"] == before - own
