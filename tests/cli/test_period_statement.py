"""The statement of a month (分润结算单) to recompute and sign: from its entries, as a workbook, a page."""

from __future__ import annotations

import json
import sqlite3
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ledger.founding import BOOK_FILE
from tests.cli.covered import SHARED
from tests.cli.office import (
    DEAL,
    LEAD,
    LOAN_COLUMNS,
    LOANS,
    REPAYMENT_COLUMNS,
    SERVICER,
    Office,
    Outcome,
    found_office,
    sign_deal,
)
from tests.reconcile.report.sheets import Computed, minor
from tests.reconcile.report.test_forms import Page

REPAID = f"""\
{REPAYMENT_COLUMNS}
R-1,L-1,2026-02-10,598.10,117.00,0.00,0.00
R-2,L-2,2026-02-10,598.10,117.00,10.05,2.50
"""
VOLUME = """\
[period]
rule = "volume"
reading = "{}"
to = "platform-p"
[[period.tier]]
up_to = "10000.00"
share = "15%"
[[period.tier]]
up_to = "15599.99"
share = "17.5%"
[[period.tier]]
share = "20%"
[[period.risk]]
up_to = "1%"
multiplier = "100%"
[[period.risk]]
up_to = "60%"
multiplier = "85.5%"
[[period.risk]]
multiplier = "50%"
"""


def show(office: Office, month: str, *options: str | Path) -> Outcome:
    return office.run("period", "show", DEAL, "--month", month, "--as", LEAD, *options)


def close(office: Office, month: str) -> Any:
    outcome = office.run("period", "close", DEAL, "--month", month, "--as", LEAD, "--json")
    assert outcome.exit_code == 0, outcome
    return outcome.document


def computed(office: Office, month: str) -> Computed:
    """The workbook of a month, every formula of which comes to what the statement says."""
    file = office.folder / f"{month}.xlsx"
    outcome = show(office, month, "--format", "xlsx", "-o", file, "--json")
    assert outcome.exit_code == 0, outcome
    book = Computed(file.read_bytes())
    pairs = list(zip(
        book.column("Statement", "line"), book.column("Statement", "recomputed"),
        book.column("Statement", "stated"), strict=True,
    ))  # fmt: skip
    assert len([stated for _, _, stated in pairs if stated is not None]) >= 10
    for line, own, stated in pairs:
        if stated is not None:
            assert own == stated, line
    document = outcome.document
    lines = {line: own for line, own, _ in pairs}
    assert minor(lines[f"due to {SERVICER}"]) == document["platform_minor"]
    assert {
        party: minor(lines[f"of it from {party}"]) for party in document["parts"]
    } == document["parts"]
    assert document["recomputed"] == {
        "agrees": True, "entries": document["recomputed"]["entries"], "differences": [],
    }  # fmt: skip
    return book


def volume_office(folder: Path, reading: str) -> Office:
    office = found_office(folder, "--dev")
    sign_deal(office, SHARED[: SHARED.index("[period]")] + VOLUME.format(reading))
    return office


def test_a_workbook_comes_to_the_statement_by_itself(shared: Office) -> None:
    close(shared, "2026-01")
    shared.posted("repayment", REPAID)
    close(shared, "2026-02")
    book = computed(shared, "2026-02")
    # Two loans since January, one of February; two repayments.
    assert len(book.column("Entries", "ref")) == 3
    assert book.column("Entries", "balance days") == [
        Fraction(100_001, 100) * 28, -Fraction(59_810, 100) * 19, -Fraction(59_810, 100) * 19,
    ]  # fmt: skip
    january = computed(shared, "2026-01")
    assert minor(january.value("Statement", "C4")) == 0
    assert len(january.column("Entries", "ref")) == 2


def test_a_changed_entry_changes_what_the_workbook_says(shared: Office) -> None:
    close(shared, "2026-01")
    shared.posted("repayment", REPAID)
    close(shared, "2026-02")
    book = computed(shared, "2026-02")
    file = shared.folder / "changed.xlsx"
    book.book["Entries"]["F5"].value = 1_000
    book.book.save(file)
    changed = Computed(file.read_bytes())
    lines = dict(zip(changed.column("Statement", "line"), changed.column("Statement", "recomputed"), strict=True))
    assert lines["interest received"] == 1_117
    assert lines[f"due to {SERVICER}"] > 500


def test_late_entries_are_in_the_month_that_has_them(shared: Office) -> None:
    close(shared, "2026-01")
    late = f"{REPAYMENT_COLUMNS}\nR-0,L-1,2026-01-20,100.00,5.00,0,0\n"
    shared.posted("repayment", late)
    shared.posted("repayment", REPAID)
    close(shared, "2026-02")
    shared.posted("repayment", f"{REPAYMENT_COLUMNS}\nR-3,L-2,2026-02-11,0,1.00,0,0\n")
    book = computed(shared, "2026-02")
    assert sorted(book.column("Entries", "ref")) == ["L-3", "R-0", "R-1", "R-2"]
    # January as it was stated, whatever came later; March has what came after February's close.
    assert sorted(computed(shared, "2026-01").column("Entries", "ref")) == ["L-1", "L-2"]
    assert computed(shared, "2026-03").column("Entries", "ref") == ["R-3"]


def test_months_nobody_closed_build_on_each_other(shared: Office) -> None:
    shared.posted("repayment", REPAID)
    for month in ("2026-01", "2026-02", "2026-03"):
        computed(shared, month)
    assert show(shared, "2026-02").stdout.splitlines()[1] == "open: what has come together so far"


def test_what_is_left_below_zero_goes_into_the_next_month(shared: Office) -> None:
    # A booking of long ago, found to be none once its months are closed.
    row = "L-9,B-9,2026-01-10,2026-12-10,150000.00,18,bullet,business"
    shared.posted("loan", f"{LOAN_COLUMNS}\n{row}\n")
    close(shared, "2026-01")
    shared.posted("repayment", f"{REPAYMENT_COLUMNS}\nR-9,L-9,2026-01-10,140000.00,0,0,0\n")
    before = close(shared, "2026-02")
    assert before["balance_days_minor"] < 0
    book = computed(shared, "2026-03")
    lines = dict(zip(book.column("Statement", "line"), book.column("Statement", "recomputed"), strict=True))
    rest = lines["balance days below zero of the month before"]
    assert minor(rest) == before["balance_days_minor"]
    close(shared, "2026-03")
    computed(shared, "2026-03")


@pytest.mark.parametrize("reading", ["marginal", "whole"])
def test_volume_and_risk_come_to_the_same(
    reading: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    office = volume_office(tmp_path_factory.mktemp(reading), reading)
    office.posted("loan", LOANS)
    row = "R-1,L-1,2026-01-20,0,100.00,0.00,0.00"
    office.posted("repayment", f"{REPAYMENT_COLUMNS}\n{row}\n")
    computed(office, "2026-01")
    close(office, "2026-01")
    office.posted("overdue", "loan_ref,since_date\nL-1,2026-01-12\n")
    office.posted("repayment", f"{REPAYMENT_COLUMNS}\nR-2,L-2,2026-04-20,10.00,33.33,0,0\n")
    for month in ("2026-01", "2026-02", "2026-03", "2026-04"):
        book = computed(office, month)
        if month != "2026-01":
            close(office, month)
    lines = dict(zip(book.column("Statement", "line"), book.column("Statement", "recomputed"), strict=True))
    assert lines["of the outstanding, 90 and more days past due"] == 7_800


def test_a_statement_that_is_not_what_the_entries_say_is_found(shared: Office) -> None:
    close(shared, "2026-01")
    shared.posted("repayment", REPAID)
    close(shared, "2026-02")
    with sqlite3.connect(shared.home / BOOK_FILE) as connection:
        month, figures = connection.execute("SELECT month, figures FROM periods").fetchall()[-1]
        wrong = {**json.loads(figures), "interest_minor": 23_500}
        connection.execute("UPDATE periods SET figures = ? WHERE month = ?", (json.dumps(wrong), month))
    connection.close()
    outcome = show(shared, "2026-02", "--json")
    assert outcome.exit_code == 1
    assert outcome.document["recomputed"] == {
        "agrees": False, "entries": 3,
        "differences": [{"figure": "interest", "stated": 23_500, "recomputed": 23_400}],
    }  # fmt: skip
    said = show(shared, "2026-02")
    assert said.exit_code == 1
    assert said.stdout.splitlines()[2] == "recomputed from 3 entries: DIFFERS from the statement in interest"
    file = shared.folder / "wrong.html"
    assert show(shared, "2026-02", "-o", file).exit_code == 1
    assert "DIFFERS" in file.read_text("utf-8")


def test_a_closed_month_says_that_it_was_recomputed(shared: Office) -> None:
    close(shared, "2026-01")
    assert show(shared, "2026-01").stdout.splitlines()[2] == (
        "recomputed from 2 entries: agrees with the statement"
    )


def test_the_page_is_to_be_signed(shared: Office) -> None:
    close(shared, "2026-01")
    file = shared.folder / "statement.html"
    outcome = show(shared, "2026-01", "-o", file)
    assert (outcome.exit_code, outcome.stdout.splitlines()[-1]) == (0, f"written to {file}")
    page = Page(file.read_bytes())
    assert page.cells[0] == f"{DEAL}: statement of 2026-01"
    assert f"due to {SERVICER}" in page.cells
    # Each party has a line to sign on, and the page names the seal of the day it is posted on.
    assert [cell.split("name")[0] for cell in page.cells if "signature" in cell and "name," in cell] == [LEAD, SERVICER]
    assert "2026-01-31 is open, sealed through -; signed by -, not by bank-a, platform-p" in page.cells


def test_the_statement_in_chinese(shared: Office, chinese: None) -> None:
    close(shared, "2026-01")
    file = shared.folder / "结算单.xlsx"
    assert show(shared, "2026-01", "-o", file).exit_code == 0
    book = Computed(file.read_bytes())
    assert book.book.sheetnames == ["概要", "结算单", "分录"]
    assert book.column("结算单", "重算")[2] == 15_600
    assert "按 2 笔分录重算：与结算单一致" in show(shared, "2026-01").stdout


def test_the_hash_is_the_same_in_both_languages(shared: Office) -> None:
    close(shared, "2026-01")
    hashes = set()
    for language in ("en", "zh"):
        file, chosen = shared.folder / f"{language}.json", {"PLEDGER_LANG": language}
        shown = ("period", "show", DEAL, "--month", "2026-01", "--as", LEAD, "-o", file)
        assert shared.run(*shown, **chosen).exit_code == 0
        document = json.loads(file.read_text("utf-8"))
        hashes.add((document["content_sha256"], document["formula"][0]["says"]))
    assert len(hashes) == 2 and len({digest for digest, _ in hashes}) == 1


def test_all_months_have_no_form(shared: Office) -> None:
    outcome = shared.run("period", "show", DEAL, "-o", shared.folder / "all.xlsx")
    assert (outcome.exit_code, "name it with --month" in outcome.stderr) == (2, True)
    outcome = show(shared, "2026-01", "--format", "xlsx")
    assert (outcome.exit_code, "name a file with -o" in outcome.stderr) == (2, True)
