"""`pledger reconcile`: the ledger against the other side's file, in every form and both languages."""

from __future__ import annotations

import csv
import hashlib
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from ledger.cli import forms
from tests.cli.office import (
    DEAL,
    LEAD,
    LOAN_COLUMNS,
    LOANS,
    REPAYMENTS,
    SERVICER,
    Office,
    Outcome,
)
from tests.reconcile.report.sheets import Computed, minor
from tests.reconcile.report.test_forms import Page

# L-1 in fen, L-3 not there, L-4 not ours.
THEIRS = f"""\
{LOAN_COLUMNS}
L-1,B-1,2026-01-10,2027-01-10,780000.00,18,equal_installment,consumer
L-2,B-2,2026-01-10,2027-01-10,7800.00,18,equal_installment,consumer
L-4,B-4,2026-02-01,2026-08-01,400.04,12.5,bullet,business
"""
AT_RISK = 78_000_000 - 780_000 + 100_001 + 40_004
KEYS = {"code", "ref", "field", "ours", "theirs", "explanation", "age_days"}


def reconcile(office: Office, content: str, *options: str | Path, kind: str = "loans") -> Outcome:
    file = office.file("theirs.csv", content)
    return office.run(
        "reconcile", DEAL, "--kind", kind, "--file", file, "--today", "2026-02-03", *options
    )  # fmt: skip


def ours(office: Office) -> Outcome:
    return reconcile(office, THEIRS, "--as", LEAD, "--json")


# ---- JSON and exit codes


def test_json_is_what_scripts_rely_on(lent: Office) -> None:
    outcome = ours(lent)
    assert outcome.exit_code == 1
    document = outcome.document
    assert {name: document[name] for name in ("deal", "kind", "from", "to", "ours", "theirs", "matched")} == {
        "deal": DEAL, "kind": "loans", "from": "2026-01-10", "to": "2026-02-01",
        "ours": 3, "theirs": 3, "matched": 1,
    }  # fmt: skip
    found = [tuple(one[name] for name in ("code", "ref", "field", "ours", "theirs", "age_days")) for one in document["breaks"]]
    assert found == [
        ("B03", "L-1", "principal", 780_000, 78_000_000, 24),
        ("B02", "L-3", "", 100_001, None, 2),
        ("B01", "L-4", "", None, 40_004, 2),
    ]
    assert all(set(one) >= KEYS for one in document["breaks"])
    assert "100 times" in document["breaks"][0]["explanation"]
    assert document["at_risk_minor"] == AT_RISK
    assert document["by_code"][0] == {
        "code": "B01", "meaning": "they have it, we don't", "count": 1, "at_risk_minor": 40_004, "oldest_days": 2,
    }  # fmt: skip


def test_the_very_file_has_no_breaks(lent: Office) -> None:
    for kind, content in (("loans", LOANS), ("repayments", REPAYMENTS)):
        outcome = reconcile(lent, content, "--as", LEAD, "--json", kind=kind)
        assert (outcome.exit_code, outcome.document["breaks"]) == (0, []), outcome
        assert outcome.document["matched"] == outcome.document["ours"] == 3


def test_a_bad_file_is_refused_with_all_its_rows(lent: Office) -> None:
    bad = THEIRS.replace("780000.00", "7,8").replace("2026-02-01,", "yesterday,")
    outcome = reconcile(lent, bad, "--as", LEAD)
    assert outcome.exit_code == 2
    assert "theirs.csv:2" in outcome.stderr and "theirs.csv:4" in outcome.stderr
    assert outcome.stdout == ""
    assert lent.run("break", "list", "--json").document["breaks"] == []


@pytest.mark.parametrize(
    "options",
    [
        ("--from", "2026-02-30"),
        ("--from", "2026-03-01", "--to", "2026-02-01"),
        ("--today", "soon"),
        ("--encoding", "klingon"),
        ("--as", "nobody"),
        ("--format", "xlsx"),
        ("--format", "pdf"),
        ("--map", "no-such.toml"),
    ],
)
def test_wrong_options_are_refused(lent: Office, options: tuple[str, ...]) -> None:
    outcome = reconcile(lent, THEIRS, *options)
    assert outcome.exit_code == 2, outcome
    assert outcome.stdout == "" and outcome.stderr
    assert lent.run("break", "list", "--json").document["breaks"] == []


def test_a_missing_file_and_an_unknown_deal_are_refused(lent: Office) -> None:
    for deal, file in ((DEAL, "no-such.csv"), ("no-deal", lent.file("t.csv", LOANS))):
        outcome = lent.run("reconcile", deal, "--kind", "loans", "--file", file, "--as", LEAD)
        assert (outcome.exit_code, outcome.stdout) == (2, ""), outcome


def test_only_the_days_asked_for(lent: Office) -> None:
    january = ("--from", "2026-01-01", "--to", "2026-01-31")
    document = reconcile(lent, THEIRS, "--as", LEAD, "--json", *january).document
    assert (document["from"], document["to"], document["ours"]) == ("2026-01-01", "2026-01-31", 2)
    assert [one["ref"] for one in document["breaks"]] == ["L-1"]


# ---- register


def test_a_run_is_kept_for_its_member_alone(lent: Office) -> None:
    assert ours(lent).document["recorded"] is True
    for member, count in ((LEAD, 3), (SERVICER, 0)):
        listed = lent.run("break", "list", "--as", member, "--today", "2026-02-03", "--json").document
        assert listed["open"] == len(listed["breaks"]) == count
    ids = [one["id"] for one in ours(lent).document["breaks"]]
    assert len({*ids}) == 3 and all(len(one) == 12 for one in ids)
    assert ids == [one["id"] for one in ours(lent).document["breaks"]]


def test_without_a_member_nothing_is_kept_and_it_says_so(lent: Office) -> None:
    outcome = reconcile(lent, THEIRS, "--json")
    assert (outcome.exit_code, outcome.document["recorded"]) == (1, False)
    assert outcome.stderr == "not kept in the register of breaks: name your member with --as\n"
    assert lent.run("break", "list", "--json").document["breaks"] == []


def test_dry_run_says_the_same_and_keeps_nothing(lent: Office) -> None:
    dry = reconcile(lent, THEIRS, "--as", LEAD, "--json", "--dry-run")
    assert lent.run("break", "list", "--json").document["breaks"] == []
    found = ours(lent)
    assert dry.exit_code == found.exit_code == 1
    for name in ("ours", "theirs", "matched", "at_risk_minor", "by_code"):
        assert dry.document[name] == found.document[name]


def test_what_matches_later_leaves_the_register(lent: Office) -> None:
    ours(lent)
    assert reconcile(lent, LOANS, "--as", LEAD, "--today", "2026-02-04").exit_code == 0
    listed = lent.run("break", "list", "--as", LEAD, "--today", "2026-02-04", "--json").document
    assert listed["open"] == 0
    closed = lent.run("break", "list", "--all", "--today", "2026-02-04", "--json").document
    assert {one["ref"]: one["status"] for one in closed["breaks"]} == dict.fromkeys(("L-1", "L-3", "L-4"), "matched")


# ---- the forms


def test_the_table_has_each_break_with_its_words(lent: Office) -> None:
    lines = reconcile(lent, THEIRS, "--as", LEAD).stdout.splitlines()
    assert lines[0] == f"{DEAL}: loans reconciled"
    assert lines[1] == "3 break(s): 1 of 3 lines match, ours are 3; at risk 773,600.05 CNY"
    at = next(at for at, line in enumerate(lines) if " L-1 " in line)
    assert lines[at].split()[1:6] == ["B03", "L-1", "principal", "7,800.00", "780,000.00"]
    assert lines[at + 1].startswith("    principal: ours 7800.00, theirs 780000.00")
    assert any(line.startswith("seal of the last day  2026-02-01 is open") for line in lines)


def test_a_long_table_says_what_it_leaves_out(lent: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "ROWS_SHOWN", 2)
    lines = reconcile(lent, THEIRS, "--as", LEAD).stdout.splitlines()
    assert "1 more rows: write them to a file with -o" in lines
    assert not any(" L-4 " in line for line in lines)
    assert any(line.split() == ["total", "773,600.05"] for line in lines)


def test_no_breaks_is_readable(lent: Office) -> None:
    lines = reconcile(lent, LOANS, "--as", LEAD).stdout.splitlines()
    assert lines[1] == "no breaks: 3 of 3 lines match, ours are 3"
    assert "Breaks, CNY" not in lines


def test_all_forms_say_the_same(lent: Office) -> None:
    document = ours(lent).document
    files = {form: lent.folder / f"report.{form}" for form in ("json", "csv", "xlsx", "html")}
    for file in files.values():
        outcome = reconcile(lent, THEIRS, "--as", LEAD, "-o", file)
        assert (outcome.exit_code, outcome.stdout.splitlines()[-1]) == (1, f"written to {file}")
    stored = json.loads(files["json"].read_text("utf-8"))
    assert stored["content_sha256"] == document["content_sha256"]
    rows = list(csv.DictReader(StringIO(files["csv"].read_text("utf-8-sig"))))
    for row, one in zip(rows, document["breaks"], strict=True):
        assert (row["id"], row["code"], row["ref"]) == (one["id"], one["code"], one["ref"])
        assert row["explanation"] == one["explanation"]
        assert minor(row["at_risk"]) == one["at_risk_minor"]
        for side in ("ours", "theirs"):
            assert (minor(row[side]) if row[side] else None) == one[side]
    book = Computed(files["xlsx"].read_bytes())
    assert minor(book.value("Breaks", "G2")) == document["at_risk_minor"] == AT_RISK
    assert [minor(amount) for amount in book.column("Breaks", "at risk")] == [
        one["at_risk_minor"] for one in document["breaks"]
    ]
    assert minor(book.value("By code", "D2")) == AT_RISK
    page = Page(files["html"].read_bytes())
    assert document["content_sha256"] in page.cells
    for one in document["breaks"]:
        assert one["id"] in page.cells and one["explanation"] in page.cells


def test_the_report_names_who_when_block_and_file(lent: Office) -> None:
    document = ours(lent).document
    balances = lent.balances()
    assert (document["member"], document["head_block"]) == (LEAD, balances["as_of_block"])
    assert document["head_hash"].startswith("0x") and document["made_at"].endswith("Z")
    data = (lent.folder / "theirs.csv").read_bytes()
    assert (document["file"], document["file_sha256"]) == ("theirs.csv", hashlib.sha256(data).hexdigest())
    assert document["seal"] == {
        "date": "2026-02-01", "status": "open", "sealed_through": None,
        "signed_by": [], "not_signed_by": [LEAD, SERVICER],
    }  # fmt: skip


def test_the_hash_is_the_same_in_both_languages_and_forms(lent: Office) -> None:
    ours(lent)
    hashes, words = set(), set()
    for language in ("en", "zh"):
        file = lent.file("theirs.csv", THEIRS)
        found: Any = lent.run(
            "reconcile", DEAL, "--kind", "loans", "--file", file, "--as", LEAD, "--json",
            "--today", "2026-02-03", PLEDGER_LANG=language,
        ).document  # fmt: skip
        hashes.add(found["content_sha256"])
        words.add(found["breaks"][0]["explanation"])
    assert (len(hashes), len(words)) == (1, 2)


def test_csv_goes_to_stdout_as_it_is(lent: Office) -> None:
    outcome = reconcile(lent, THEIRS, "--as", LEAD, "--format", "csv")
    assert outcome.stdout.startswith("\ufeffid,code,ref,field,ours,theirs,at_risk,date,")
    assert len(list(csv.reader(StringIO(outcome.stdout)))) == 4


def test_a_report_that_cannot_be_written_is_an_error(lent: Office) -> None:
    missing = lent.folder / "no" / "such" / "report.xlsx"
    outcome = reconcile(lent, THEIRS, "--as", LEAD, "-o", missing)
    assert outcome.exit_code == 4 and "report.xlsx" in outcome.stderr
    assert not list(lent.folder.glob(".report*"))


def test_chinese(lent: Office, chinese: None) -> None:
    file = lent.folder / "对账.xlsx"
    said = reconcile(lent, THEIRS, "--as", LEAD).stdout
    assert said.splitlines()[0] == f"{DEAL}：放款对账"
    assert "差错 3 笔" in said and "长款" in said and "本金" in said
    assert reconcile(lent, THEIRS, "--as", LEAD, "-o", file).exit_code == 1
    book = Computed(file.read_bytes())
    assert book.book.sheetnames == ["概要", "差错", "按代码"]
    assert minor(book.value("差错", "G2")) == AT_RISK
    page = lent.folder / "对账.html"
    reconcile(lent, THEIRS, "--as", LEAD, "-o", page)
    assert Page(page.read_bytes()).cells[0] == f"{DEAL}：放款对账"


# ---- other kinds and encodings


def test_a_file_in_gb18030_is_read(lent: Office) -> None:
    rows = LOANS.replace("L-3", "借据三").encode("gb18030")
    file = lent.file("gb.csv", rows)
    outcome = lent.run("reconcile", DEAL, "--kind", "loans", "--file", file, "--json", "--as", LEAD)
    assert [(one["code"], one["ref"]) for one in outcome.document["breaks"]] == [("B02", "L-3"), ("B01", "借据三")]


def test_a_repayment_of_another_amount(lent: Office) -> None:
    outcome = reconcile(lent, REPAYMENTS.replace("117.00,10.05", "116.99,10.05"), "--as", LEAD, "--json", kind="repayments")
    (one,) = outcome.document["breaks"]
    assert (one["ref"], one["at_risk_minor"]) == ("R-2", 1)


def test_hostile_refs_are_only_text(lent: Office) -> None:
    hostile = THEIRS + "=1+2,B-5,2026-02-01,2026-08-01,1.00,12.5,bullet,business\n<b>x</b>,B-6,2026-02-01,2026-08-01,2.00,12.5,bullet,business\n"
    book, page = lent.folder / "h.xlsx", lent.folder / "h.html"
    for file in (book, page):
        assert reconcile(lent, hostile, "--as", LEAD, "-o", file).exit_code == 1
    refs = Computed(book.read_bytes()).column("Breaks", "ref")
    assert "=1+2" in refs and "<b>x</b>" in refs
    assert "<b>x</b>" in Page(page.read_bytes()).cells


def test_the_report_names_the_seal_of_its_last_day(lent: Office) -> None:
    january = ("--as", LEAD, "--json", "--to", "2026-01-10")
    for member, status, signed in ((LEAD, "open", [LEAD]), (SERVICER, "sealed", [LEAD, SERVICER])):
        done = lent.run("seal", DEAL, "--date", "2026-01-10", "--as", member)
        assert done.exit_code == 0, done
        seal = reconcile(lent, LOANS, *january).document["seal"]
        assert (seal["status"], seal["signed_by"]) == (status, signed)
    assert (seal["sealed_through"], seal["not_signed_by"]) == ("2026-01-10", [])
    said = reconcile(lent, LOANS, "--as", LEAD, "--to", "2026-01-10").stdout
    assert "2026-01-10 is sealed" in said
