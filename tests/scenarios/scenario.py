"""Scenario: a table that a banker can read, played on a fresh ledger through the SDK.

The head of a file (lines that start with `#`) tells the story and names the deal's file. Each row
is one entry: date, actor, action, ref, loan and amounts in major units; then the reason for which
it must be refused, or what CLEARING and other balances of the parties must be after it. An empty
cell is not looked at.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ledger import reading
from ledger.entries import (
    Booking,
    Cure,
    Entry,
    Method,
    OverdueMark,
    Purpose,
    Repayment,
    Waiver,
    WriteOff,
)
from ledger.errors import EntryRejected, LedgerError, Reverted
from ledger.ledger import Ledger
from ledger.money import day_number, parse, parse_percentage_number

HERE = Path(__file__).parent
_AMOUNTS = ("principal", "interest", "penalty", "fee")
_FIXED = ("date", "actor", "action", "ref", "loan", "until", "rate", *_AMOUNTS, "refused")


@dataclass(frozen=True, slots=True)
class Step:
    """One row."""

    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    @property
    def expected(self) -> dict[str, str]:
        """Balance columns, `party ACCOUNT` or `outstanding LOAN`, that are not empty."""
        return {name: cell for name, cell in self.cells.items() if name not in _FIXED and cell}


def read_steps(path: Path) -> Iterator[Step]:
    """The rows with their lines in the file."""
    lines = path.read_text("utf-8").splitlines()
    table = [(number, line) for number, line in enumerate(lines, 1) if line and line[0] != "#"]
    names = [name.strip() for name in table[0][1].split(",")]
    assert tuple(names[: len(_FIXED)]) == _FIXED, names
    for number, line in table[1:]:
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        yield Step(number, dict(zip(names, cells, strict=True)))


def play(ledger: Ledger, deal: str, step: Step) -> None:
    """Play one row and compare everything that it expects."""
    where = f"line {step.line}"
    try:
        _act(ledger, deal, step)
        refused = ""
    except (EntryRejected, Reverted) as error:
        refused = error.reason
    except LedgerError as error:
        refused = type(error).__name__
    assert refused == step["refused"], where
    found = _found(ledger, deal)
    for column, cell in step.expected.items():
        assert found[column] == parse(cell, 2, signed=True), f"{where}: {column}"
    total = sum(value for name, value in found.items() if not name.startswith("outstanding"))
    assert total == 0, where


def _act(ledger: Ledger, deal: str, step: Step) -> None:
    actor, action = step["actor"], step["action"]
    if action == "reverse":
        on = date.fromisoformat(step["date"]) if step["date"] else None
        ledger.reverse([step["ref"]], deal=deal, by=actor, on=on)
    elif action == "amend":
        _amend(ledger, step)
    else:
        ledger.submit([_entry(step)], deal=deal, by=actor)


def _amend(ledger: Ledger, step: Step) -> None:
    from ledger import terms

    amended = terms.load(HERE / step["ref"])
    ledger.propose(
        amended,
        by=step["actor"],
        effective_date=day_number(date.fromisoformat(step["date"])),
    )
    for party in amended.parties:
        ledger.sign(amended.id, by=party)


def _entry(step: Step) -> Entry:
    day = date.fromisoformat(step["date"])
    minor = {name: parse(step[name] or "0", 2) for name in _AMOUNTS}
    ref, loan = step["ref"], step["loan"]
    if step["action"] == "book":
        return Booking(
            loan_ref=loan,
            borrower_ref=f"borrower of {loan}",
            start_date=day,
            maturity_date=date.fromisoformat(step["until"]),
            principal_minor=minor["principal"],
            annual_rate_ppm=parse_percentage_number(step["rate"]),
            method=Method.EQUAL_INSTALLMENT,
            purpose=Purpose.CONSUMER,
        )
    if step["action"] == "repay":
        return Repayment(
            entry_ref=ref,
            loan_ref=loan,
            date=day,
            **{f"{name}_minor": amount for name, amount in minor.items()},
        )
    if step["action"] == "waive":
        return Waiver(
            entry_ref=ref,
            loan_ref=loan,
            date=day,
            interest_minor=minor["interest"],
            penalty_minor=minor["penalty"],
        )
    if step["action"] == "overdue":
        return OverdueMark(loan_ref=loan, since_date=day)
    if step["action"] == "cure":
        return Cure(loan_ref=loan)
    assert step["action"] == "write off", step["action"]
    return WriteOff(loan_ref=loan, date=day)


def _found(ledger: Ledger, deal: str) -> dict[str, int]:
    book = ledger.book()
    known = ledger.deal(deal)
    names = {member.number: member.member_id for member in reading.members(book)}
    newest = reading.versions(book, known.deal)[-1]
    found = {
        f"{names[party]} {account.value}": amount_minor
        for party, own in reading.balances(book, known.deal, newest.terms).items()
        for account, amount_minor in own.items()
    }
    query = "SELECT loan_id, outstanding_minor FROM loans WHERE deal = ?"
    for loan_id, outstanding_minor in book.connection.execute(query, (known.deal,)):
        found[f"outstanding {ledger.ref(loan_id)}"] = outstanding_minor
    return found
