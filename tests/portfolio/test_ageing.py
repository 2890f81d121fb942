"""Ageing, most of it from sums, is what a look at every loan at every close comes to."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest

from ledger import reading
from ledger.book import Book
from ledger.events import (
    Amounts,
    DaySealed,
    EntryReversed,
    Event,
    LoanBooked,
    LoanMarkedOverdue,
    LoanRepaid,
    LoanWaived,
    LoanWrittenOff,
    Particulars,
)
from ledger.money import day_number
from ledger.portfolio import plain
from ledger.portfolio.ageing import Ageing, InBucket, ageing
from ledger.portfolio.rolls import Rolls
from ledger.portfolio.standing import BUCKETS, View, layers_of, standings
from ledger.portfolio.vintages import Vintages, end_of, month_ends
from tests.sdk.made_events import DEAL, agreed, batch, fold, own_id, terms

FIRST_DAY = day_number(date(2025, 11, 20))
DAYS, LOANS = 240, 400
BOOKING, REPAYMENT = 1, 2
WHOLE = 6_000
WINDOWS = [
    (date(2026, 1, 1), date(2026, 6, 30)),
    (date(2026, 1, 15), date(2026, 5, 20)),
    (date(2025, 11, 1), date(2025, 12, 31)),
    (date(2026, 3, 2), date(2026, 3, 30)),
    (date(2027, 1, 1), date(2027, 2, 28)),
]


def numbers(first: date, last: date) -> tuple[int, int]:
    return day_number(first), day_number(last)


def booked(at: int, day: int) -> Event:
    word = day | (day + 360) << 16 | 180_000 << 32
    return LoanBooked(own_id(f"L{at}"), own_id(f"B{at}"), word, (WHOLE // 2 * (1 | 1 << 64), 0))


def legs(principal: int) -> tuple[int, ...]:
    leg = Amounts(principal // 2, 3, 0, 0).pack()
    return leg, leg, 0, 0


def course(at: int, chance: random.Random) -> list[tuple[int, Event]]:
    """A loan's events with the days on which they were posted."""
    loan = own_id(f"L{at}")
    day = FIRST_DAY + chance.randrange(DAYS // 2)
    found: list[tuple[int, Event]] = [(day, booked(at, day))]
    if chance.random() < 0.05:
        taken = EntryReversed(
            own_id(f"X{at}"), loan, loan, day + 2, BOOKING, 0, (WHOLE // 2,) * 2 + (0, 0)
        )
        return [*found, (day + 2, taken)]
    left, overdue = WHOLE, False
    for turn in range(chance.randrange(7)):
        day += chance.randrange(1, 60)
        own, amount = own_id(f"R{at}/{turn}"), min(left, 1_000 * chance.randrange(4))
        left -= amount
        found.append((day, LoanRepaid(own, loan, day, legs(amount))))
        kind = chance.random()
        if kind < 0.04:
            back = EntryReversed(
                own_id(f"Y{at}/{turn}"), loan, own, day, REPAYMENT, 0, legs(amount)
            )
            left += amount
            found.append((day, back))
        elif overdue and kind < 0.5:
            overdue = False
            found.append((day, LoanMarkedOverdue(own_id(f"C{at}/{turn}"), loan, 0)))
        elif kind < 0.10:
            overdue = True
            found.append((day, LoanMarkedOverdue(own_id(f"O{at}/{turn}"), loan, day - 1)))
        elif kind < 0.16:
            waived = Amounts(0, 5, 0, 0).pack()
            found.append((day, LoanWaived(own_id(f"W{at}/{turn}"), loan, day, waived)))
    if left and chance.random() < 0.05:
        parts = (left // 2 * (1 | 1 << 64), 0)
        found.append((day + 3, LoanWrittenOff(own_id(f"Z{at}"), loan, day + 3, parts)))
    return found


@pytest.fixture(scope="module")
def book() -> Book:
    """Loans of which most were only booked and repaid; some entries count to a later day."""
    chance = random.Random(11)
    posted = [one for at in range(LOANS) for one in course(at, chance)]
    run: list[list[Event]] = [agreed(terms())]
    sealed = 0
    for day, event in sorted(posted, key=lambda one: one[0] + chance.choice([0, 0, 0, 0.5])):
        if day > sealed + 20:
            sealed = day + chance.randrange(4)
            run.append([DaySealed(DEAL, sealed, bytes(32))])
        run.append(batch(event))
    return fold([run])


def one_by_one(book: Book, deal: int, first: int, last: int) -> Ageing:
    """Every loan at every close, each from its own entries."""
    months = month_ends(first, last)
    rolled = [months[0] - 1, *months] if months else []
    found = Ageing(months, Vintages(months), Rolls(rolled))
    closes = sorted({*map(end_of, rolled), last})
    for loan, entries in reading.histories(book, deal):
        at = dict(zip(closes, standings(entries, layers_of(book, entries), closes), strict=True))
        ends = [at[end_of(month)] for month in rolled]
        found.vintages.take(Particulars.unpack(loan.particulars).start_date, ends[1:])
        found.rolls.take(ends)
        for view in View:
            balance, bucket = at[last].balance_minor(view), at[last].bucket(view)
            if balance and bucket in BUCKETS:
                found._loans[view][bucket] += 1
                found._balances[view][bucket] += balance
    return found


def said(found: Ageing, view: View) -> tuple[list[object], list[object], list[InBucket]]:
    return [*found.vintages.rows(view)], [*found.rolls.rows(view)], [*found.buckets(view)]


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: f"{window[0]}-{window[1]}")
def test_sums_say_what_every_loan_by_itself_says(book: Book, window: tuple[date, date]) -> None:
    days = numbers(*window)
    found, expected = ageing(book, 1, *days), one_by_one(book, 1, *days)
    for view in View:
        assert said(found, view) == said(expected, view)


def test_a_loan_is_settled_from_the_latest_day_on_in_whatever_order_it_was_repaid() -> None:
    """On 2 February half, and only then the other half of 30 January."""
    days = numbers(date(2026, 2, 2), date(2026, 1, 30))
    paid = [LoanRepaid(own_id(f"R{day}"), own_id("L0"), day, legs(WHOLE // 2)) for day in days]
    book = fold([[agreed(terms()), batch(booked(0, FIRST_DAY)), *map(batch, paid)]])
    found = ageing(book, 1, *numbers(*WINDOWS[0]))
    (january, february, *_) = found.rolls.rows(View.AFTER)
    assert (january.target, january.balance_minor) == ("M0", WHOLE)
    assert (february.target, february.balance_minor) == ("settled", WHOLE // 2)
    assert said(found, View.AFTER) == said(one_by_one(book, 1, *numbers(*WINDOWS[0])), View.AFTER)


def test_the_made_up_loans_are_of_every_kind(book: Book) -> None:
    """Else the comparison says little."""
    first, last = numbers(*WINDOWS[0])
    rows = [*one_by_one(book, 1, first, last).rolls.rows(View.AFTER)]
    ways = Counter((row.origin, row.target) for row in rows)
    for way in (("M0", "settled"), ("M0", "M1"), ("M0", "M0"), ("M1", "M2"), ("M1", "M0")):
        assert ways[way], way
    assert any(row.target == "written-off" for row in rows)
    late = "SELECT count(*) FROM entries WHERE day > date AND kind = ?"
    for kind in ("booking", "repayment"):
        assert book.connection.execute(late, (kind,)).fetchone()[0] > 5
    assert sum(alike.loans for alike in plain.plain_loans(book, 1, [last])) > LOANS // 2


def test_loans_that_were_only_booked_and_repaid_are_not_looked_at_one_by_one(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = Counter[str]()

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            looked["loans"] += 1
            return real(*arguments)

        return call

    monkeypatch.setattr("ledger.portfolio.ageing.standings", counted(standings))
    ageing(book, 1, *numbers(*WINDOWS[0]))
    others = book.connection.execute(
        "SELECT count(DISTINCT loan) FROM entries"
        " WHERE kind NOT IN ('booking', 'repayment', 'waiver')"
    ).fetchone()[0]
    assert looked["loans"] == others < LOANS // 2
