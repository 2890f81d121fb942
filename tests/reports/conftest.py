"""Ledgers for all tests of this folder, each made once; not to be written to."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from ledger import messages
from ledger.ledger import Ledger
from tests.cli.office import (
    CONSORTIUM,
    DEAL,
    LOAN_COLUMNS,
    REPAYMENT_COLUMNS,
    TERMS,
    Office,
    sign_deal,
)
from tests.replay import covered, supplied

MADE_AT = 1_785_542_400
"""2026-08-01, a second that every report of these tests is made at."""
HOSTILE = (
    "=HYPERLINK(\"http://x.example\")",
    "+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "-2+3",
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "\u202egnp.exe",
    "שלום עולם",
    "𠮷野家😀",
    "'; DROP TABLE loans; --",
)
"""Refs as a borrower might like them."""


@pytest.fixture(scope="session")
def covered_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Deposits, layers, months, lists, limits across deals, settlements, three deals."""
    return covered.make(tmp_path_factory.mktemp("reports") / "ledger")


@pytest.fixture(scope="session")
def supplied_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vouchers in all states, and a pool."""
    return supplied.make(tmp_path_factory.mktemp("vouchers") / "ledger")


@pytest.fixture(scope="session")
def hostile_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Members, loans, borrowers and breaks with names that something might run or turn round."""
    office = Office(folder=tmp_path_factory.mktemp("hostile"), environment={})
    named = CONSORTIUM.replace('"Platform P"', json.dumps("=1+1<script>平台𠮷", ensure_ascii=False))
    config = office.file("consortium.toml", named)
    made = office.run("init", office.home, "--config", config, "--dev")
    assert made.exit_code == 0, made
    sign_deal(office, TERMS.replace("max_annual_rate", 'max_all_in_cost = "24%"\nmax_annual_rate'))
    loans = [
        (ref, f"B{ref}", "2026-01-10", "2027-01-10", f"{1000 + at}.00", "18", "bullet", "consumer")
        for at, ref in enumerate(HOSTILE)
    ]
    office.posted("loan", rows(LOAN_COLUMNS, loans))
    paid = [(f"R{ref}", ref, "2026-02-10", "10.00", "1.00", "0.00", "0.00") for ref in HOSTILE[:6]]
    office.posted("repayment", rows(REPAYMENT_COLUMNS, paid))
    # The bank's file has other amounts, and lines that nobody knows.
    theirs = [(*one[:4], "2.00", *one[5:]) for one in paid]
    theirs += [(f"{ref}?", *paid[0][1:]) for ref in HOSTILE[6:]]
    file = office.file("theirs.csv", rows(REPAYMENT_COLUMNS, theirs))
    found = office.run(
        "reconcile", DEAL, "--kind", "repayments", "--file", file, "--as", "bank-a", "--today",
        "2026-02-20", "--json",
    )  # fmt: skip
    assert found.exit_code == 1, found
    return office


def rows(columns: str, values: list[tuple[str, ...]]) -> str:
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(columns.split(","))
    writer.writerows(values)
    return out.getvalue()


@pytest.fixture
def ledger(covered_folder: Path) -> Iterator[Ledger]:
    with Ledger.open(covered_folder) as opened:
        yield opened


@pytest.fixture
def hostile(hostile_office: Office) -> Iterator[Ledger]:
    with Ledger.open(hostile_office.home) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    messages.set_language("en")
    yield
    messages.set_language(None)
