"""Interest accrued by loan: whatever the order of its entries, and refused above it where terms say so."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.sandbox.entries import (
    START,
    Booking,
    Repayment,
    Waiver,
    WriteOff,
    id_of,
    on,
    reversal_of,
)
from tests.contracts.sandbox.model import nearest
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Claim, DayCount, Demand, Layer, Terms

ID = deal_id(DEAL)
PRINCIPAL, RATE = 1_200_000, 180_000
LOAN = Booking(loan="loan-1", principal=PRINCIPAL, rate=RATE)


def accruing(terms: Terms, day_count: int = DayCount.ACT_360, **changes: object) -> Terms:
    """Terms whose claims cover interest, so that it is accrued."""
    layers = (Layer(payer="guarantor"),)
    claim = Claim(days_past_due=90, with_interest=True)
    return replace(terms, layers=layers, claim=claim, day_count=day_count, **changes)  # type: ignore[arg-type]


def checking(terms: Terms) -> Terms:
    """Terms that refuse interest above what accrued."""
    return replace(terms, demands=Demand.ACCRUED_INTEREST)


def unpaid(partnership: Partnership, day: int) -> int:
    """As the contract says."""
    amount: int = partnership.loans.read("unpaid_interest", ID, id_of("loan-1"), day)
    assert amount == partnership.accruals.read("unpaid_interest", ID, id_of("loan-1"), day)
    return amount


def days_of(first: int, last: int, day_count: int) -> int:
    """Days of interest between two days, by the calendar."""
    if day_count != DayCount.THIRTY_360:
        return last - first
    a, b = (date(1970, 1, 1) + timedelta(days=day) for day in (first, last))
    months = 12 * (b.year - a.year) + b.month - a.month
    return 30 * months + min(b.day, 30) - min(a.day, 30)


@pytest.mark.parametrize(
    ("day_count", "day", "expected"),
    [
        (DayCount.ACT_360, START + 31, Fraction(PRINCIPAL * 31 * 18, 360 * 100)),
        (DayCount.ACT_365, START + 31, Fraction(PRINCIPAL * 31 * 18, 365 * 100)),
        (DayCount.THIRTY_360, on("2026-02-05"), Fraction(PRINCIPAL * 30 * 18, 360 * 100)),
        (DayCount.ACT_360, START + 1, Fraction(PRINCIPAL * 18, 360 * 100)),
        (DayCount.ACT_360, START, Fraction(0)),
        (DayCount.ACT_360, START - 1, Fraction(0)),
    ],
)
def test_interest_accrues_by_the_day_count(
    fresh: Partnership, terms: Terms, day_count: int, day: int, expected: Fraction
) -> None:
    fresh.agree(accruing(terms, day_count))
    fresh.book(LOAN)
    assert unpaid(fresh, day) == nearest(expected)


def test_what_is_received_and_waived_is_not_unpaid(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(accruing(terms))
    fresh.book(LOAN)
    fresh.repay(Repayment(entry="r", loan="loan-1", principal=300_000, interest=10_000))
    fresh.waive(Waiver(entry="v", loan="loan-1", interest=2_000, penalty=5))
    accrued = Fraction(18, 36_000) * (30 * PRINCIPAL + 30 * (PRINCIPAL - 300_000))
    assert unpaid(fresh, START + 60) == nearest(accrued) - 12_000


def test_more_received_than_accrued_leaves_nothing_unpaid(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(accruing(terms))
    fresh.book(LOAN)
    fresh.repay(Repayment(entry="r", loan="loan-1", date=START + 1, interest=90_000))
    assert unpaid(fresh, START + 60) == 0


def test_mirrors_leave_interest_as_it_was(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(accruing(terms))
    fresh.book(LOAN)
    paid = Repayment(entry="r", loan="loan-1", principal=300_000, interest=10_000)
    lost = WriteOff(entry="w", loan="loan-1", outstanding=900_000)
    before = unpaid(fresh, START + 90)
    fresh.repay(paid)
    after = unpaid(fresh, START + 90)
    fresh.write_off(lost)
    fresh.reverse(reversal_of(LOAN, paid, lost, entry="x", date=lost.date))
    assert unpaid(fresh, START + 90) == after
    fresh.reverse(reversal_of(LOAN, paid, entry="y", date=paid.date))
    assert unpaid(fresh, START + 90) == before


def test_deal_that_asks_for_no_interest_keeps_none(booked: Partnership) -> None:
    booked.repay(Repayment(entry="r", loan="loan-1", principal=5, interest=10))
    assert booked.accruals.read("paid_days", ID, id_of("loan-1")) == 0
    assert booked.accruals.read("interest_received", ID, id_of("loan-1")) == 0


@settings(max_examples=40)
@given(
    day_count=st.sampled_from(list(DayCount)),
    payments=st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 90_000), st.integers(0, 900)),
        min_size=1,
        max_size=8,
    ),
)
def test_order_of_entries_does_not_matter(
    _fresh: tuple[Partnership, bytes],
    terms: Terms,
    day_count: int,
    payments: list[tuple[int, int, int]],
) -> None:
    """A1, day by day: every entry counts from its date, whenever it was posted."""
    partnership, snapshot = _fresh
    partnership.chain.revert(snapshot)
    partnership.agree(accruing(terms, day_count))
    partnership.book(LOAN)
    rows = [
        Repayment(entry=f"r-{i}", loan="loan-1", date=START + after, principal=p, interest=1 + q)
        for i, (after, p, q) in enumerate(payments)
    ]
    partnership.repay(*rows)
    last = START + 400
    balance_days = PRINCIPAL * days_of(START, last, day_count) - sum(
        row.principal * days_of(row.date, last, day_count) for row in rows
    )
    year = 365 if day_count == DayCount.ACT_365 else 360
    accrued = nearest(Fraction(balance_days * RATE, year * 1_000_000))
    received = sum(row.interest for row in rows)
    assert unpaid(partnership, last) == max(0, accrued - received)


# ---- interest above what accrued
def most(days: int) -> int:
    """The most interest that terms let pass after so many days: a minor unit a day above."""
    return nearest(Fraction(PRINCIPAL * days * 18, 36_000)) + days


def test_interest_up_to_what_accrued_passes(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(checking(terms))
    fresh.book(LOAN)
    fresh.repay(Repayment(entry="r", loan="loan-1", principal=7, interest=most(30)))
    assert fresh.accruals.read("interest_received", ID, id_of("loan-1")) == most(30)


def test_one_more_is_refused(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(checking(terms))
    fresh.book(LOAN)
    with refused("INTEREST_ABOVE_ACCRUED"):
        fresh.repay(Repayment(entry="r", loan="loan-1", principal=7, interest=most(30) + 1))


def test_waived_interest_counts_as_settled(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(checking(terms))
    fresh.book(LOAN)
    fresh.waive(Waiver(entry="v", loan="loan-1", interest=1))
    with refused("INTEREST_ABOVE_ACCRUED"):
        fresh.repay(Repayment(entry="r", loan="loan-1", interest=most(30)))
    fresh.repay(Repayment(entry="r", loan="loan-1", interest=most(30) - 1))


def test_two_repayments_of_a_batch_count_together(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(checking(terms))
    fresh.book(LOAN)
    half = most(30) // 2
    rows = [Repayment(entry=f"r-{i}", loan="loan-1", interest=half) for i in range(2)]
    with refused("INTEREST_ABOVE_ACCRUED"):
        fresh.repay(*rows, Repayment(entry="r-2", loan="loan-1", interest=2))
    fresh.repay(*rows)


def test_repayment_without_interest_is_never_refused_for_it(
    fresh: Partnership, terms: Terms
) -> None:
    fresh.agree(checking(terms))
    fresh.book(LOAN)
    fresh.repay(Repayment(entry="r", loan="loan-1", date=START, principal=7, penalty=3))


def test_reversal_makes_room_again(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(checking(terms))
    fresh.book(LOAN)
    paid = Repayment(entry="r", loan="loan-1", interest=most(30))
    fresh.repay(paid)
    fresh.reverse(reversal_of(LOAN, paid, date=paid.date))
    fresh.repay(replace(paid, entry="again"))


def test_only_loans_reports(booked: Partnership) -> None:
    change = (id_of("loan-1"), 0, 0, START, START, 5, 0, 0, 0)
    for name in ("bank", "platform"):
        with refused("SENDER_NOT_CONTRACT"):
            booked.accruals.send(booked.by_name[name].maker, "changed", ID, 0, change)
