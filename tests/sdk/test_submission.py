"""Submission: batches in order, sequence numbers, and finding every refused row by trying."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest

from ledger import submission, terms
from ledger.entries import (
    Booking,
    Cure,
    Entry,
    Kind,
    Method,
    OverdueMark,
    Purpose,
    Recovery,
    Waiver,
    WriteOff,
)
from ledger.folding import ids
from ledger.ledger import Ledger
from ledger.money import day_number
from ledger.probing import Probing
from ledger.rows import BATCH_ROWS, At, Row, Sendable, amounts, particulars
from ledger.submission import LAST_DATE, Plan, Planner
from tests.sdk.sdk_office import DEAL, SERVICER, TERMS, agree, booking, repayment, uncovered


def plan(ledger: Ledger, *entries: Entry) -> Plan:
    planner = Planner(ledger.book(), ledger.deal(DEAL), ledger.salt(DEAL))
    return planner.plan(entries, range(2, len(entries) + 2))


def test_batches_hold_one_function_each_and_no_more_than_200_rows(ledger: Ledger) -> None:
    loans = [booking(f"L-{i}") for i in range(BATCH_ROWS + 1)]
    repayments = [repayment(f"R-{i}", f"L-{i}") for i in range(3)]
    planned = plan(ledger, *loans, *repayments)
    assert [(batch[0].route.function, len(batch)) for batch in planned.batches] == [
        ("book", 200), ("book", 1), ("repay", 3),
    ]  # fmt: skip
    lines = [row.at.line for batch in planned.batches for row in batch]
    assert lines == list(range(2, len(lines) + 2))


def test_sequence_numbers_follow_each_loans_own_history(ledger: Ledger) -> None:
    ledger.submit([booking("A"), booking("B"), repayment("R", "A")], deal=DEAL, by=SERVICER)
    planned = plan(
        ledger, repayment("1", "A"), repayment("2", "B"), repayment("3", "A"), repayment("4", "C")
    )
    assert [row.sequence for row in planned.batches[0]] == [2, 1, 3, 1]


def test_refs_of_the_whole_run_are_kept_and_posted_rows_left_out(ledger: Ledger) -> None:
    ledger.submit([booking("A")], deal=DEAL, by=SERVICER)
    planned = plan(ledger, booking("A"), booking("B"))
    assert planned.already_posted == 1
    assert [row.entry.ref for batch in planned.batches for row in batch] == ["B"]
    assert {ref for _, ref in planned.refs} == {"A", "B", "borrower of A", "borrower of B"}


@pytest.mark.parametrize(("together", "keys"), [(1, 1), (2, 1), (3, 2), (100, 3)])
def test_it_is_all_the_same_how_many_are_looked_up_at_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, together: int, keys: int
) -> None:
    marked = OverdueMark(loan_ref="B", since_date=date(2026, 3, 1))
    posted = [booking("A"), booking("B"), repayment("1", "A"), repayment("2", "B"), marked]
    ledger.submit(posted, deal=DEAL, by=SERVICER)
    more = [booking("C"), repayment("3", "B"), Cure(loan_ref="B"),
            repayment("4", "C"), repayment("5", "A")]  # fmt: skip
    monkeypatch.setattr(submission, "_LOOKED_UP", together)
    monkeypatch.setattr(ids, "KEYS_AT_ONCE", keys)
    planned = plan(ledger, *posted, *more)
    assert planned.already_posted == len(posted)
    rows = {row.entry.ref: row.sequence for batch in planned.batches for row in batch}
    assert rows == {"C": 0, "3": 3, "cure/B/2026-03-01": 4, "4": 1, "5": 2}


def test_a_cure_that_was_posted_is_known_by_the_mark_it_ended(ledger: Ledger) -> None:
    marked = OverdueMark(loan_ref="A", since_date=date(2026, 3, 1))
    posted = [booking("A"), marked, Cure(loan_ref="A")]
    ledger.submit(posted, deal=DEAL, by=SERVICER)
    again = plan(ledger, Cure(loan_ref="A"))
    assert (again.already_posted, again.batches) == (1, [])
    # A loan may be called as the cure of another: it is looked for among the entries all the same.
    alike = booking("cure/A/2026-03-01")
    both = plan(ledger, alike, Cure(loan_ref="A"))
    assert both.already_posted == 1 and shape(both) == [("book", [alike.ref])]


def shape(planned: Plan) -> list[tuple[str, list[str]]]:
    return [
        (batch[0].route.function, [row.entry.ref for row in batch]) for batch in planned.batches
    ]


def test_row_joins_an_open_batch_only_when_no_later_one_has_its_loan(ledger: Ledger) -> None:
    planned = plan(
        ledger,
        booking("A"),
        booking("B"),
        repayment("1", "A"),
        OverdueMark(loan_ref="A", since_date=date(2026, 3, 1)),
        repayment("2", "B"),
        repayment("3", "A"),
        repayment("4", "B"),
        booking("C"),
    )
    assert shape(planned) == [
        ("book", ["A", "B", "C"]),
        ("repay", ["1", "2"]),
        ("mark_overdue", ["overdue/A/2026-03-01"]),
        # The second batch of repayments is the one that is open from here on.
        ("repay", ["3", "4"]),
    ]
    assert [row.sequence for batch in planned.batches for row in batch] == [0, 0, 0, 1, 1, 2, 3, 2]


def test_loans_under_limits_across_deals_are_booked_day_by_day(ledger: Ledger) -> None:
    """Their contract takes the loans of one start date in a batch."""
    name = agree(ledger, uncovered(id="wide", limits={"max_joint_share": "50%"}))
    days = [date(2026, 1, day) for day in (10, 11, 10, 12, 11)]
    loans = [booking(f"L-{i}", start_date=day) for i, day in enumerate(days)]
    planned = Planner(ledger.book(), ledger.deal(name), ledger.salt(name)).plan(loans)
    assert shape(planned) == [
        ("book", ["L-0", "L-2"]), ("book", ["L-1", "L-4"]), ("book", ["L-3"]),
    ]  # fmt: skip
    done = ledger.submit(loans, deal=name, by=SERVICER)
    assert (done.posted, done.transactions) == (5, 3)
    # Elsewhere the loans of a day come together, for one count of the journal.
    assert shape(plan(ledger, *loans)) == [("book", ["L-0", "L-2", "L-1", "L-4", "L-3"])]


def test_every_kind_goes_to_its_own_contract(ledger: Ledger) -> None:
    entries: dict[Entry, tuple[str, str]] = {
        booking("A"): ("Loans", "book"),
        repayment("R", "A"): ("Loans", "repay"),
        OverdueMark(loan_ref="A", since_date=date(2026, 3, 1)): ("Servicing", "mark_overdue"),
        Cure(loan_ref="B"): ("Servicing", "mark_overdue"),
        Waiver(
            entry_ref="W", loan_ref="A", date=date(2026, 3, 1), interest_minor=1, penalty_minor=0
        ): ("Servicing", "waive"),
        WriteOff(loan_ref="A", date=date(2026, 6, 30)): ("Servicing", "write_off"),
        Recovery(
            entry_ref="V", loan_ref="A", date=date(2026, 7, 1), amount_minor=9, cost_minor=2
        ): ("Guarantees", "recover"),
        repayment("late", "A"): ("Guarantees", "recover"),
    }
    planned = plan(ledger, *entries)
    rows = {row.entry.ref: row for batch in planned.batches for row in batch}
    routes = {ref: (row.route.contract, row.route.function) for ref, row in rows.items()}
    assert routes == {entry.ref: route for entry, route in entries.items()}
    assert [row.route.function for row in rows.values() if row.route.four_eyes] == ["write_off"]
    assert max(len(rows["V"].words(8_190)), len(rows["late"].words(8_190))) == 6
    assert rows["V"].words(5)[2:] == (5, day_number(date(2026, 7, 1)), 6, 9 | 2 << 192)
    late = amounts(repayment("late", "A")).pack()
    assert rows["late"].words(6)[2:] == (6, day_number(date(2026, 2, 10)), 7, late)


def test_loan_of_the_run_keeps_the_version_it_is_booked_under(ledger: Ledger) -> None:
    later = day_number(date(2026, 7, 1))
    agree(ledger, terms.read(tomllib.loads(TERMS)), effective_date=later)
    new = booking("new", start_date=date(2026, 7, 1), maturity_date=date(2027, 7, 1))
    paid = [repayment("1", "old"), repayment("2", "new", date=date(2026, 8, 1))]
    planned = plan(ledger, booking("old"), new, *paid)
    assert [(batch[0].route.function, batch[0].version) for batch in planned.batches] == [
        ("book", 1), ("book", 2), ("repay", 1), ("repay", 2),
    ]  # fmt: skip
    assert ledger.submit([booking("old"), new, *paid], deal=DEAL, by=SERVICER).posted == 4


def test_loan_takes_no_more_entries_than_its_sequence_holds(ledger: Ledger) -> None:
    """13 bits: the contract refuses the next one whatever the planner counts to."""
    row = plan(ledger, repayment("R", "A")).batches[0][0]
    assert row.words(8_191)[2] >> 16 == 8_191
    assert row.words(8_191)[2] & 0xFFFF == day_number(date(2026, 2, 10))


def test_last_date_is_the_last_that_16_bits_hold() -> None:
    assert date(2149, 6, 6) == LAST_DATE
    packed = particulars(booking(start_date=date(2149, 6, 5), maturity_date=LAST_DATE))
    assert packed.unpack(packed.pack()) == packed


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("purpose", Purpose)
def test_particulars_come_back_from_their_word(method: Method, purpose: Purpose) -> None:
    made = particulars(booking(method=method, purpose=purpose, annual_rate_ppm=10_000_000))
    assert made.unpack(made.pack()) == made


# ---- probing, against a contract of our own


def row(number: int, loan: int, sequence: int) -> Row:
    entry: Booking | OverdueMark = OverdueMark(loan_ref=f"{number}", since_date=date(2026, 1, 1))
    return Row(
        entry=entry,
        at=At(number, number),
        kind=Kind.OVERDUE,
        version=1,
        loan_id=loan.to_bytes(32, "big"),
        entry_id=number.to_bytes(32, "big"),
        sequence=sequence,
    )


class Contract:
    """Refuses given rows, and any row that is not at its loan's next sequence number."""

    def __init__(self, bad: set[int]) -> None:
        self.bad = bad
        self.sequences: dict[int, int] = {}
        self.attempts = 0

    def __call__(self, first: Sendable, rows: list[tuple[int, ...]]) -> str | None:
        self.attempts += 1
        after = dict(self.sequences)
        for number, loan, sequence, _ in rows:
            if after.get(loan, 1) != sequence:
                return "ENTRY_OUT_OF_SEQUENCE"
            if number in self.bad:
                return "BAD"
            after[loan] = sequence + 1
        self.sequences = after
        return None


@pytest.mark.parametrize("bad", [set(), {1}, {200}, {1, 2, 3}, {5, 100, 199}, set(range(1, 201))])
def test_probing_finds_exactly_the_bad_rows(bad: set[int]) -> None:
    rows = [
        row(number, loan=number % 7, sequence=(number - 1) // 7 + 1) for number in range(1, 201)
    ]
    for one in rows:
        one.sequence = sum(other.loan_id == one.loan_id for other in rows[: one.at.line])
    contract = Contract(bad)
    probing = Probing(contract)
    probing.run(rows)
    assert [(found.at.line, reason) for found, reason in probing.refused] == [
        (number, "BAD") for number in sorted(bad)
    ]
    assert contract.attempts <= 1 + 2 * 8 * max(1, len(bad))


def test_probing_where_nothing_stays_leaves_out_what_it_cannot_judge() -> None:
    seen: list[int] = []

    def attempt(first: Sendable, rows: list[tuple[int, ...]]) -> str | None:
        seen.extend(number for number, *_ in rows)
        return None

    probing = Probing(attempt, cumulative=False)
    probing.run([row(1, loan=1, sequence=1)])
    probing.run([row(2, loan=1, sequence=2), row(3, loan=2, sequence=1)])
    assert seen == [1, 3]
