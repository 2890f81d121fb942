"""Days past due from marks, and the bucket that a loan is in."""

from __future__ import annotations

import pytest

from ledger.entries import Kind
from ledger.events import Amounts
from ledger.portfolio.standing import BUCKETS, Standing, View, bucket_of, standings
from ledger.reading import Posted


def posted(kind: Kind, date: int, principal_minor: int = 0, day: int | None = None) -> Posted:
    """An entry of a loan with one funder; marks count to no business day."""
    marks = (Kind.OVERDUE, Kind.CURE)
    amounts = Amounts(principal_minor, 0, 0, 0)
    return Posted(
        number=0, entry_id=b"", loan_id=b"", kind=kind, date=date,
        day=0 if kind in marks else date if day is None else day,
        amounts=amounts, legs=(amounts,), submitter=1, block=1, transaction=0, log=0,
        reversed_id=None, mirrored=None, reversed=False,
    )  # fmt: skip


def past_due(entries: list[Posted], *days: int) -> list[int]:
    return [one.days_past_due for one in standings(entries, {}, days)]


BOOKED = posted(Kind.BOOKING, 100, 1000)


def test_a_mark_counts_from_the_day_since_which_the_loan_is_overdue() -> None:
    entries = [BOOKED, posted(Kind.OVERDUE, 130)]
    assert past_due(entries, 129, 130, 131, 220) == [0, 0, 1, 90]


def test_a_cure_holds_from_the_latest_business_day_of_its_loan() -> None:
    """Repaid on day 170, then cured: until then it was overdue, whenever the mark was posted."""
    paid = posted(Kind.REPAYMENT, 170, 100)
    entries = [BOOKED, posted(Kind.OVERDUE, 130), paid, posted(Kind.CURE, 0)]
    assert past_due(entries, 169, 170, 300) == [39, 0, 0]


def test_a_cure_after_a_late_repayment_holds_from_the_day_it_counts_to() -> None:
    paid = posted(Kind.REPAYMENT, 170, 100, day=201)
    entries = [BOOKED, posted(Kind.OVERDUE, 130), paid, posted(Kind.CURE, 0)]
    assert past_due(entries, 200, 201) == [70, 0]


def test_a_newer_mark_replaces_the_one_before() -> None:
    entries = [BOOKED, posted(Kind.OVERDUE, 130), posted(Kind.OVERDUE, 160)]
    assert past_due(entries, 159, 160, 190) == [29, 0, 30]
    corrected = [BOOKED, posted(Kind.OVERDUE, 160), posted(Kind.OVERDUE, 130)]
    assert past_due(corrected, 159, 190) == [29, 60]


def test_an_entry_counts_from_its_business_day_on() -> None:
    entries = [BOOKED, posted(Kind.REPAYMENT, 130, 400, day=150)]
    found = standings(entries, {}, [99, 100, 149, 150])
    assert [one.outstanding_minor for one in found] == [0, 1000, 1000, 600]
    assert [one.booked for one in found] == [False, True, True, True]


@pytest.mark.parametrize(
    ("days", "name"),
    [
        (0, "M0"), (1, "M1"), (29, "M1"), (30, "M2"), (59, "M2"), (60, "M3"), (89, "M3"),
        (90, "M4"), (119, "M4"), (179, "M6"), (180, "M7+"), (999, "M7+"),
    ],
)  # fmt: skip
def test_buckets_break_where_30_60_and_90_do(days: int, name: str) -> None:
    assert BUCKETS[bucket_of(days)] == name


def test_a_loan_that_was_compensated_ends_in_one_view_and_goes_on_in_the_other() -> None:
    own = Standing(
        booked=True, disbursed_minor=1000, outstanding_minor=0, covered_minor=800, lost_minor=0,
        written_off=False, compensated=True, days_past_due=120,
    )  # fmt: skip
    assert (own.bucket(View.BEFORE), own.bucket(View.AFTER)) == ("M5", "compensated")
    assert (own.balance_minor(View.BEFORE), own.balance_minor(View.AFTER)) == (800, 0)
