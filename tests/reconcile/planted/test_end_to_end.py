"""A month on a real ledger, its other side's files with breaks planted, and `pledger reconcile`."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.ledger import Ledger
from ledger.reconcile.lines import AccountLine, Kind, LoanBalanceLine
from tests.cli.office import Office
from tests.reconcile.planted import balance_causes, cash_causes, line_causes
from tests.reconcile.planted.causes import CAUSES, HARMLESS
from tests.reconcile.planted.line_causes import Cause
from tests.reconcile.planted.month import Month, clean_month
from tests.reconcile.planted.real import DEAL, as_posted, on, post, write
from tests.reconcile.planted.rule_causes import repaid_after_compensation
from tests.reconcile.planted.sides import Planted, Sides

SEEDS = (5, 8, 21)
LOANS, TURNS = 30, 5
OURS_TOO = (
    line_causes.missing_here, line_causes.reversed_here, line_causes.cut_off_here,
    line_causes.corrected_here, line_causes.failed_at_both, line_causes.reversed_at_both,
    line_causes.after_the_window, line_causes.parts_of_one, balance_causes.loan_missing_here,
    cash_causes.missing_here,
)  # fmt: skip
"""Causes that change our side, which here is on a chain."""
NO_COLUMN = (
    line_causes.left_out, line_causes.in_two_parts, balance_causes.columns_left_out,
    line_causes.all_payers_in_one,
)  # fmt: skip
"""What a file with the same columns in all its rows cannot say."""


def of_theirs_alone(causes: tuple[Cause, ...]) -> list[Cause]:
    """Causes that change nothing but their file."""
    return [
        cause
        for cause in causes
        if cause not in OURS_TOO + NO_COLUMN
        and (cause.__module__ != repaid_after_compensation.__module__ or cause in RULES)
    ]


RULES = (repaid_after_compensation,)


@pytest.fixture(scope="module", params=SEEDS)
def posted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Office, Month]]:
    """A ledger with a month on it, and the month."""
    folder = tmp_path_factory.mktemp("planted") / "office"
    month = as_posted(clean_month(request.param, loans=LOANS))
    post(month, folder).close()
    yield Office(folder=folder), month


def reconciled(
    office: Office, month: Month, kind: Kind, lines: list[Any], *, day: int | None = None
) -> Any:
    """The document of `pledger reconcile` of a file of these lines, of the month or of a day."""
    like = (lines or month.lines[kind])[0]
    path = office.folder / f"{kind.value}.csv"
    file = write(path, lines, like=like, opening=month.last + 1)
    first, last = (month.first, month.last) if day is None else (day, day)
    days = ["--from", on(first), "--to", on(last)]
    outcome = office.run(
        "reconcile", DEAL, "--kind", kind.value, "--file", file, "--json",
        "--today", on(month.last + 3), *map(str, days),
    )  # fmt: skip
    document = outcome.document
    assert outcome.exit_code == (1 if document["breaks"] else 0), outcome
    return document


def found(document: Any) -> Counter[tuple[str, str, str]]:
    return Counter((one["code"], one["ref"], one["field"]) for one in document["breaks"])


def expected(planted: list[Planted]) -> Counter[tuple[str, str, str]]:
    return Counter((one.code, one.ref, one.field) for one in planted)


def files(kind: Kind, lines: list[Any]) -> list[list[Any]]:
    """The lines by their type: balances of loans and of accounts are two files."""
    by_type = [LoanBalanceLine, AccountLine] if kind is Kind.BALANCES else [object]
    parts = [[line for line in lines if isinstance(line, one)] for one in by_type]
    return [part for part in parts if part] or [[]]


@pytest.mark.parametrize("kind", Kind)
def test_a_clean_month_has_no_break(posted: tuple[Office, Month], kind: Kind) -> None:
    office, month = posted
    for lines in files(kind, month.lines[kind]):
        document = reconciled(office, month, kind, lines)
        assert document["breaks"] == []
        assert document["matched"] == document["theirs"] == len(lines)
        assert document["ours"] >= len(lines)


@pytest.mark.parametrize("kind", Kind)
def test_what_is_planted_in_their_files_is_found(posted: tuple[Office, Month], kind: Kind) -> None:
    office, month = posted
    for turn in range(TURNS):
        chance = random.Random(f"{month.seed} {turn}")
        planted = Sides(month, kind, chance)
        for cause in chance.choices(of_theirs_alone(CAUSES[kind]), k=5):
            cause(planted)
        for harmless in chance.choices(of_theirs_alone(HARMLESS[kind]), k=2):
            harmless(planted)
        _, statement, _ = planted.settled()
        breaks: Counter[tuple[str, str, str]] = Counter()
        for lines in files(kind, statement.lines):
            document = reconciled(office, month, kind, lines)
            breaks += found(document)
            assert all(len(one["explanation"]) > 8 for one in document["breaks"])
        assert breaks == expected(planted.planted), (month.seed, kind, turn)


def test_a_break_tells_its_age(posted: tuple[Office, Month]) -> None:
    office, month = posted
    lines = month.lines[Kind.LOANS]
    document = reconciled(office, month, Kind.LOANS, lines[1:])
    (alone,) = document["breaks"]
    assert alone["age_days"] == month.last + 3 - lines[0].start_date
    assert (alone["code"], alone["ref"]) == ("B02", lines[0].loan_ref)


def test_files_of_single_days_come_to_the_same(posted: tuple[Office, Month]) -> None:
    """A bank's file comes every night; what it gives back may have gone out days before."""
    office, month = posted
    paid = next(line for line in month.lines[Kind.CASH] if line.value_date + 4 <= month.last)
    back = paid._replace(
        reference="back-1", value_date=paid.value_date + 4, amount_minor=-paid.amount_minor
    )
    for day in range(month.first, month.last + 1):
        lines = [line for line in [*month.lines[Kind.CASH], back] if line.value_date == day]
        if lines:
            document = reconciled(office, month, Kind.CASH, lines, day=day)
            wanted = [("B10", "back-1", "")] if day == back.value_date else []
            assert found(document) == Counter(wanted), on(day)


def test_what_was_reversed_here_and_stands_there_is_a_state(tmp_path: Path) -> None:
    month = as_posted(clean_month(SEEDS[0], loans=LOANS))
    last = {line.loan_ref: line for line in month.lines[Kind.REPAYMENTS]}
    # Of a loan on which nothing came after.
    line = next(line for ref, line in last.items() if not month.loans[ref].since)
    with post(month, tmp_path / "office") as ledger:
        ledger.reverse([line.entry_ref], deal=DEAL, by="platform-p")
    document = reconciled(
        Office(folder=tmp_path / "office"), month, Kind.REPAYMENTS, month.lines[Kind.REPAYMENTS]
    )
    assert found(document) == Counter([("B04", line.entry_ref, "state")])


def test_a_claim_that_nobody_paid_is_told_once(tmp_path: Path) -> None:
    """Of the claims due in the month none is run: each is one break, with or without their line."""
    month = as_posted(clean_month(SEEDS[0], loans=LOANS))
    due = {
        line.loan_ref: line
        for line in month.lines[Kind.COMPENSATIONS]
        if line.date + 2 <= month.last
    }
    assert len(due) > 1
    theirs = month.lines[Kind.COMPENSATIONS]
    unclaimed = as_posted(clean_month(SEEDS[0], loans=LOANS))
    unclaimed.lines[Kind.RECOVERIES] = []
    unclaimed.marks = [mark for mark in unclaimed.marks if mark[0] not in due]
    with post(unclaimed, tmp_path / "office") as ledger:
        _mark(ledger, month, set(due))
    office = Office(folder=tmp_path / "office")
    nothing = [line for line in theirs if line.loan_ref not in due]
    missing = Counter(("B12", ref, "date") for ref in due)
    if nothing:
        assert found(reconciled(office, month, Kind.COMPENSATIONS, nothing)) == missing
    one = next(iter(due))
    some = [line for line in theirs if line.loan_ref == one or line.loan_ref not in due]
    del missing["B12", one, "date"]
    missing += Counter(("B01", line.entry_ref, "") for line in theirs if line.loan_ref == one)
    assert found(reconciled(office, month, Kind.COMPENSATIONS, some)) == missing


def _mark(ledger: Ledger, month: Month, loans: set[str]) -> None:
    from ledger.entries import OverdueMark

    marks = [
        OverdueMark(loan_ref=ref, since_date=on(since))
        for ref, since in month.marks
        if ref in loans
    ]
    ledger.submit(marks, deal=DEAL, by="platform-p")
