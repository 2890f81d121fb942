"""Submission: batches in order, sequence numbers, and finding every refused row by trying."""

from __future__ import annotations

from datetime import date

import pytest

from ledger.entries import Booking, Entry, Method, OverdueMark, Purpose
from ledger.ledger import Ledger
from ledger.submission import (
    BATCH_ROWS,
    LAST_DATE,
    Plan,
    Planner,
    Probing,
    Row,
    particulars,
)
from tests.sdk.sdk_office import DEAL, SERVICER, booking, repayment


def plan(ledger: Ledger, *entries: Entry) -> Plan:
    planner = Planner(ledger.book(), ledger.deal(DEAL), ledger.salt(DEAL))
    return planner.plan(entries, range(2, len(entries) + 2))


def test_batches_hold_one_function_each_and_no_more_than_200_rows(ledger: Ledger) -> None:
    loans = [booking(f"L-{i}") for i in range(BATCH_ROWS + 1)]
    repayments = [repayment(f"R-{i}", f"L-{i}") for i in range(3)]
    planned = plan(ledger, *loans, *repayments)
    assert [(batch[0].function, len(batch)) for batch in planned.batches] == [
        ("book", 200), ("book", 1), ("repay", 3),
    ]  # fmt: skip
    lines = [row.line for batch in planned.batches for row in batch]
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
        line=number,
        function="mark_overdue",
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

    def __call__(self, function: str, version: int, rows: list[tuple[int, ...]]) -> str | None:
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
    rows = [row(number, loan=number % 7, sequence=(number - 1) // 7 + 1) for number in range(1, 201)]
    for one in rows:
        one.sequence = sum(other.loan_id == one.loan_id for other in rows[: one.line])
    contract = Contract(bad)
    probing = Probing(contract)
    probing.run(rows)
    assert [(found.line, found.reason) for found in probing.rejected] == [
        (number, "BAD") for number in sorted(bad)
    ]
    assert contract.attempts <= 1 + 2 * 8 * max(1, len(bad))


def test_probing_where_nothing_stays_leaves_out_what_it_cannot_judge() -> None:
    seen: list[int] = []

    def attempt(function: str, version: int, rows: list[tuple[int, ...]]) -> str | None:
        seen.extend(number for number, *_ in rows)
        return None

    probing = Probing(attempt, cumulative=False)
    probing.run([row(1, loan=1, sequence=1)])
    probing.run([row(2, loan=1, sequence=2), row(3, loan=2, sequence=1)])
    assert seen == [1, 3]
