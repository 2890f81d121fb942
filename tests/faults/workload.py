"""Workload: files big enough to be interrupted, and everything that a ledger comes to afterwards."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.office import DEAL, LEAD, LOAN_COLUMNS, REPAYMENT_COLUMNS, SERVICER, Office

LOANS = 210


@dataclass(frozen=True, slots=True)
class File:
    """One file of the workload and who submits it."""

    noun: str
    by: str
    rows: int
    content: str

    def arguments(self, office: Office) -> tuple[str, ...]:
        """The command that submits it."""
        path = office.file(f"{self.noun}.csv", self.content)
        return (self.noun, "submit", str(path), "--deal", DEAL, "--as", self.by, "--json")


def _file(noun: str, by: str, columns: str, rows: Iterator[str]) -> File:
    lines = [columns, *rows]
    return File(noun, by, len(lines) - 1, "\n".join(lines) + "\n")


FILES = (
    _file("loan", SERVICER, LOAN_COLUMNS, (
        f"L-{i},B-{i},2026-01-{i % 28 + 1:02},2027-01-28,{i + 100}.{i % 100:02},18,equal_installment,consumer"
        for i in range(LOANS)
    )),
    _file("repayment", SERVICER, REPAYMENT_COLUMNS, (
        f"R-{i},L-{i},2026-02-28,{i // 2 + 1}.{i % 97:02},{i % 7}.13,{i % 2}.01,0.{i % 3}0"
        for i in range(LOANS)
    )),
    _file("overdue", SERVICER, "loan_ref,since_date", (
        f"L-{i},2026-03-{i % 28 + 1:02}" for i in range(0, LOANS, 2)
    )),
    _file("waiver", LEAD, "entry_ref,loan_ref,date,interest,penalty", (
        f"W-{i},L-{i},2026-04-01,{i % 9}.01,0" for i in range(0, LOANS, 3)
    )),
    _file("write-off", LEAD, "loan_ref,date", (
        f"L-{i},2026-09-01" for i in range(0, LOANS, 4)
    )),
)  # fmt: skip


@pytest.fixture(scope="session")
def twin(signed_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """The whole workload submitted with nothing going wrong; only read."""
    office = signed_office.copy(tmp_path_factory.mktemp("twin") / "twin")
    for file in FILES:
        outcome = office.run(*file.arguments(office))
        assert (outcome.exit_code, outcome.document["posted"]) == (0, file.rows)
    return office


@pytest.fixture
def loaded(twin: Office, tmp_path: Path) -> Office:
    """A copy of the twin, to be damaged."""
    return twin.copy(tmp_path / "loaded")


def head_hash(office: Office) -> str:
    """Hash of the newest block: equal if and only if two chains are the same."""
    outcome = office.run("export", office.folder / "unused", "--dry-run", "--json")
    assert outcome.exit_code == 0, outcome
    found: str = outcome.document["head_hash"]
    return found


def book_rows(office: Office) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of the book."""
    with sqlite3.connect(office.home / "book.sqlite") as connection:
        names = [row[0] for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        )]  # fmt: skip
        rows = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    connection.close()
    return rows


def expect_book_as_rebuilt(office: Office) -> None:
    """The book must be the one that the chain alone gives."""
    office.balances()
    kept = book_rows(office)
    for path in office.home.glob("book.sqlite*"):
        path.unlink()
    office.balances()
    assert book_rows(office) == kept
    for name in ("entries", "loans", "balances"):
        assert kept[name], name


def expect_resumed(office: Office, file: File, *, posted: bool) -> None:
    """The same command once more posts all of the file, or finds all of it posted."""
    resumed = office.run(*file.arguments(office))
    assert resumed.exit_code == 0
    found = resumed.document["posted"], resumed.document["already_posted"]
    assert found == ((0, file.rows) if posted else (file.rows, 0))
