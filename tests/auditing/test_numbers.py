"""Every number of a pack by a second way: from the events by a plain loop, or from the accounts."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import pytest

from ledger import reading
from ledger.auditing.fees import Basis
from ledger.auditing.pinned import pinned
from ledger.auditing.portfolio import Portfolio, Survey
from ledger.entries import Kind
from ledger.ledger import Ledger
from ledger.money import date_of
from ledger.portfolio.standing import BUCKETS, View
from ledger.portfolio.vintages import end_of, month_ends
from ledger.waterfall import Account
from tests.auditing import by_events
from tests.auditing.asked import COVERED, DEMO, FIRST, LAST

LEDGERS = [("demo_ledger", DEMO), *(("covered_ledger", deal) for deal in COVERED)]


@pytest.fixture(params=LEDGERS, ids=[deal for _, deal in LEDGERS])
def audited(request: pytest.FixtureRequest) -> tuple[Ledger, reading.Deal, Portfolio]:
    name, deal = request.param
    ledger: Ledger = request.getfixturevalue(name)
    found = ledger.deal(deal)
    with pinned(ledger) as at:
        return ledger, found, Survey(at, found, FIRST, LAST).run()


Audited = tuple[Ledger, reading.Deal, Portfolio]


def sums(ledger: Ledger, deal: reading.Deal, day: int) -> Counter[Account]:
    """Accounts of all parties together at the close of a day."""
    found: Counter[Account] = Counter()
    for (_, account), amount in reading.closing(ledger.book(), deal.deal, day).items():
        found[account] += amount
    return found


def test_vintages_are_what_a_plain_loop_over_the_events_says(audited: Audited) -> None:
    ledger, deal, portfolio = audited
    lines = by_events.lines(ledger, deal.name)
    expected: dict[View, dict[tuple[str, str], list[int]]] = {view: {} for view in View}
    for month in month_ends(FIRST, LAST):
        day = end_of(month)
        for line in lines.values():
            if line.at("disbursed", day) <= 0:
                continue
            key = date_of(line.start).isoformat()[:7], date_of(day).isoformat()
            for view, balance, loss in (
                (View.BEFORE, line.before(day), line.loss_before(day)),
                (View.AFTER, line.after(day), line.at("lost", day)),
            ):
                row = expected[view].setdefault(key, [0] * 7)
                overdue = line.overdue(day)
                parts = [balance if overdue >= days else 0 for days in (30, 60, 90)]
                own = [1, line.at("disbursed", day), balance, *parts, loss]
                row[:] = [one + other for one, other in zip(row, own, strict=True)]
    for view in View:
        found = {
            (f"{age.vintage // 12}-{age.vintage % 12 + 1:02}", date_of(end_of(age.month)).isoformat()): [
                cell.loans, cell.disbursed_minor, cell.balance_minor, *cell.past_due_minor, cell.loss_minor,
            ]
            for age, cell in portfolio.vintages.rows(view)
        }  # fmt: skip
        assert found == expected[view]


def test_balances_after_compensation_add_up_to_the_accounts(audited: Audited) -> None:
    ledger, deal, portfolio = audited
    for month in month_ends(FIRST, LAST):
        accounts = sums(ledger, deal, end_of(month))
        cells = [c for age, c in portfolio.vintages.rows(View.AFTER) if age.month == month]
        assert sum(cell.balance_minor for cell in cells) == accounts[Account.LOANS]
        lost = accounts[Account.LOSSES] + accounts[Account.RECOVERIES]
        assert sum(cell.loss_minor for cell in cells) == lost
    accounts = sums(ledger, deal, LAST)
    assert portfolio.closing[View.AFTER].balance_minor == accounts[Account.LOANS]


def test_compensation_hides_what_the_view_before_it_shows(covered_ledger: Ledger) -> None:
    deal = covered_ledger.deal("shield")
    with pinned(covered_ledger) as at:
        portfolio = Survey(at, deal, FIRST, LAST).run()
    before, after = portfolio.closing[View.BEFORE], portfolio.closing[View.AFTER]
    assert before.past_due_90_minor > after.past_due_90_minor
    hidden = before.balance_minor + before.loss_minor - after.balance_minor - after.loss_minor
    claims = sums(covered_ledger, deal, LAST)[Account.CLAIMS]
    interest = sum(
        fee.amount_minor for fee in portfolio.fees.rows() if fee.basis is Basis.COMPENSATED_INTEREST
    )
    assert 0 < hidden <= claims
    assert hidden >= claims - interest


def test_rolls_out_of_a_bucket_are_all_that_was_in_it(audited: Audited) -> None:
    _, _, portfolio = audited
    for view in View:
        started: defaultdict[int, Counter[str]] = defaultdict(Counter)
        rates: Counter[tuple[int, str]] = Counter()
        for roll in portfolio.rolls.rows(view):
            started[roll.month][roll.origin] += roll.balance_minor
            rates[roll.month, roll.origin] += roll.rate_ppm
        # Each rate is rounded by itself.
        assert all(abs(total - 1_000_000) <= len(BUCKETS) for total in rates.values())
        for month, buckets in started.items():
            cells = [c for age, c in portfolio.vintages.rows(view) if age.month == month - 1]
            if cells:
                assert sum(buckets.values()) == sum(cell.balance_minor for cell in cells)
                for at, bad in enumerate(("M2", "M3", "M4")):
                    worse = BUCKETS[BUCKETS.index(bad) :]
                    past_due = sum(cell.past_due_minor[at] for cell in cells)
                    assert sum(buckets[one] for one in worse) == past_due


def test_income_by_basis_is_what_the_accounts_moved(audited: Audited) -> None:
    ledger, deal, portfolio = audited
    opening, closing = sums(ledger, deal, FIRST - 1), sums(ledger, deal, LAST)
    moved = {account: opening[account] - closing[account] for account in Account}
    earned: Counter[Basis] = Counter()
    for fee in portfolio.fees.rows():
        earned[fee.basis] += fee.amount_minor
    interest = (Basis.INTEREST, Basis.PROFIT_SHARE, Basis.COMPENSATED_INTEREST)
    assert sum(earned[one] for one in interest) == moved[Account.INTEREST]
    assert earned[Basis.PENALTY] + earned[Basis.SURPLUS] == moved[Account.PENALTY]
    # What funders pay for loans, and what a month's statement moves, is one party's loss.
    assert earned[Basis.SERVICE] + earned[Basis.GUARANTEE] == moved[Account.FEES]


def test_income_of_each_party_is_what_its_accounts_moved(demo_ledger: Ledger) -> None:
    deal = demo_ledger.deal(DEMO)
    with pinned(demo_ledger) as at:
        portfolio = Survey(at, deal, FIRST, LAST).run()
    closing = reading.closing(demo_ledger.book(), deal.deal, LAST)
    earned: Counter[int] = Counter()
    for fee in portfolio.fees.rows():
        if fee.basis in (Basis.INTEREST, Basis.PROFIT_SHARE):
            earned[fee.party] += fee.amount_minor
    assert earned == {
        party: -amount for (party, account), amount in closing.items() if account is Account.INTEREST
    }
    shares = [one for one in portfolio.fees.rows() if one.basis is Basis.PROFIT_SHARE]
    names = {one.number: one.member_id for one in reading.members(demo_ledger.book())}
    assert [names[one.party] for one in shares] == ["platform-p"]


def test_entries_are_counted_as_the_book_has_them(audited: Audited) -> None:
    ledger, deal, portfolio = audited
    counts: Counter[Kind] = Counter()
    for posted in reading.entries_of_deal(ledger.book(), deal.deal):
        dated = posted.date if posted.kind in (Kind.OVERDUE, Kind.CURE) else posted.day
        counts[posted.kind] += FIRST <= dated <= LAST
    assert {kind: one.entries for kind, one in portfolio.volumes.items()} == +counts


def test_outstanding_by_transaction_adds_up_to_the_deal(audited: Audited) -> None:
    ledger, deal, portfolio = audited
    outstanding, _ = reading.volume(ledger.book(), deal.deal)
    assert sum(portfolio.by_transaction.values()) == outstanding


def test_a_range_in_the_middle_opens_where_the_one_before_closes(covered_ledger: Ledger) -> None:
    deal = covered_ledger.deal("shield")
    middle = FIRST + 120
    with pinned(covered_ledger) as at:
        first = Survey(at, deal, FIRST, middle).run()
        second = Survey(at, deal, middle + 1, LAST).run()
        whole = Survey(at, deal, FIRST, LAST).run()
    assert first.closing == second.opening
    parts: Counter[Any] = Counter()
    for one in (first, second):
        for fee in one.fees.rows():
            parts[fee[:3]] += fee.amount_minor
    assert {key: amount for key, amount in parts.items() if amount} == {
        fee[:3]: fee.amount_minor for fee in whole.fees.rows() if fee.amount_minor
    }


def test_month_ends_are_those_within_the_days() -> None:
    january = 2026 * 12
    last = end_of(january)
    assert month_ends(last - 30, last) == [january]
    assert month_ends(last, last + 1) == [january]
    assert month_ends(last + 1, last + 1) == []
    assert month_ends(last - 30, last - 1) == []
    assert date_of(last) + timedelta(days=1) == date_of(last + 1)
