"""`pledger position`: what a day brought a member and its partners, and what stands open."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

from tests.cli.covered import GUARANTOR
from tests.cli.office import DEAL, LEAD, LOANS, REPAYMENTS, SERVICER, Office
from tests.reconcile.report.sheets import Computed, minor
from tests.reconcile.report.test_forms import Page


def position(office: Office, day: str, *, member: str = LEAD) -> Any:
    outcome = office.run("position", "--as", member, "--date", day, "--json")
    assert outcome.exit_code == 0, outcome
    return outcome.document


def deal(document: Any) -> Any:
    (found,) = document["deals"]
    return found


def partners(document: Any) -> dict[str, Any]:
    return {one["party"]: one for one in document["partners"]}


def test_the_day_of_the_loans(lent: Office) -> None:
    document = position(lent, "2026-01-10")
    assert (document["member"], document["date"]) == (LEAD, "2026-01-10")
    own = deal(document)
    assert (own["disbursed_minor"], own["repaid_minor"], own["compensated_minor"]) == (1_560_000, 0, 0)
    parts = partners(document)
    assert {party: one["disbursed_minor"] for party, one in parts.items() if one["disbursed_minor"]} == {
        LEAD: 1_092_000, SERVICER: 468_000,
    }  # fmt: skip
    # The bank paid out everything, so the platform owes it its part.
    assert own["clearing_minor"] == 468_000
    assert (parts[SERVICER]["clearing_minor"], parts[SERVICER]["due_minor"]) == (-468_000, 468_000)
    assert parts[LEAD]["due_minor"] == 0


def test_the_day_of_the_repayments(lent: Office) -> None:
    own = deal(position(lent, "2026-02-10"))
    assert own["disbursed_minor"] == 0
    assert own["repaid_minor"] == 2 * (59_810 + 11_700) + 1_005 + 250
    parts = partners(position(lent, "2026-02-10"))
    assert sum(one["repaid_minor"] for one in parts.values()) == own["repaid_minor"]
    assert parts[GUARANTOR]["repaid_minor"] == 250
    assert sum(one["clearing_minor"] for one in parts.values()) == 0
    # Between the two the clearing of the day before the repayments and of L-3.
    before = deal(position(lent, "2026-02-09"))["clearing_minor"]
    assert before == 468_000 + 30_000
    assert own["clearing_minor"] < before


def test_clearing_is_that_of_the_close_of_the_day(lent: Office) -> None:
    accounts = lent.balances()["accounts"]
    last = deal(position(lent, "2026-12-31"))
    assert last["clearing_minor"] == accounts[LEAD]["CLEARING"]
    assert deal(position(lent, "2026-01-09"))["clearing_minor"] == 0


def test_who_pays_whom_is_seen_from_both_sides(lent: Office) -> None:
    ours = partners(position(lent, "2026-02-10"))
    theirs = partners(position(lent, "2026-02-10", member=SERVICER))
    assert ours[SERVICER]["due_minor"] == -theirs[LEAD]["due_minor"] != 0
    assert sum(one["due_minor"] for one in ours.values()) == ours[LEAD]["clearing_minor"]


def test_what_is_reversed_is_taken_off_its_day(lent: Office) -> None:
    before = deal(position(lent, "2026-08-01"))["repaid_minor"]
    done = lent.run("entry", "reverse", "R-3", "--deal", DEAL, "--as", SERVICER)
    assert done.exit_code == 0, done
    assert before == 100_001 + 6_285
    assert deal(position(lent, "2026-08-01"))["repaid_minor"] == 0


def test_compensation_is_paid_by_one_and_got_by_others(overdue: Office) -> None:
    run = overdue.run("claim", "run", DEAL, "--date", "2026-05-20", "--as", SERVICER)
    assert run.exit_code == 0, run
    document = position(overdue, "2026-05-20")
    amount = deal(document)["compensated_minor"]
    assert amount > 0
    parts = {party: one["compensated_minor"] for party, one in partners(document).items()}
    assert parts[GUARANTOR] == -amount
    assert parts[LEAD] + parts[SERVICER] == amount


def test_what_falls_due_is_that_of_the_schedules(lent: Office) -> None:
    # Two loans pay on the 10th; the third, which is settled, would on 1 August.
    shown = lent.run("loan", "schedule", "L-1", "--deal", DEAL, "--json").document
    due = next(one for one in shown["instalments"] if one["due_date"] == "2026-03-10")
    instalment = due["principal_minor"] + due["interest_minor"]
    own = deal(position(lent, "2026-03-05"))
    assert own["expected_minor"] == 2 * instalment
    assert 0 < own["expected_own_minor"] < own["expected_minor"]
    both = own["expected_own_minor"] + deal(position(lent, "2026-03-05", member=SERVICER))["expected_own_minor"]
    assert both == own["expected_minor"]
    for day, count in (("2026-03-02", 0), ("2026-03-03", 2), ("2026-03-09", 2), ("2026-03-10", 0), ("2026-07-28", 0)):
        assert deal(position(lent, day))["expected_minor"] == count * instalment, day
    # Nothing beyond what is outstanding, nothing after the maturity.
    assert deal(position(lent, "2027-01-05"))["expected_minor"] > 0
    assert deal(position(lent, "2027-02-05"))["expected_minor"] == 0


def test_open_breaks_and_open_days(lent: Office) -> None:
    file = lent.file("theirs.csv", LOANS.replace("7800.00", "7800.01", 1))
    lent.run("reconcile", DEAL, "--kind", "loans", "--file", file, "--as", LEAD, "--today", "2026-02-02")
    own = deal(position(lent, "2026-02-10"))
    assert (own["open_breaks"], own["at_risk_minor"]) == (1, 1)
    assert deal(position(lent, "2026-02-10", member=SERVICER))["open_breaks"] == 0
    # 10 January, 1 and 10 February; 1 August is still to come.
    assert (own["days_not_sealed"], own["sealed_through"]) == (3, None)
    assert deal(position(lent, "2026-08-01"))["days_not_sealed"] == 4


def test_only_deals_of_the_member(lent: Office) -> None:
    assert position(lent, "2026-02-10", member="outsider-o")["deals"] == []
    outcome = lent.run("position", "--as", "outsider-o", "--date", "2026-02-10")
    assert outcome.exit_code == 0 and "0 deal(s)" in outcome.stdout


def test_wrong_options_are_refused(lent: Office) -> None:
    for options in ((), ("--as", "nobody"), ("--as", LEAD, "--date", "31.1.2026")):
        assert lent.run("position", *options).exit_code == 2, options


def test_the_table(lent: Office) -> None:
    lines = lent.run("position", "--as", LEAD, "--date", "2026-01-10").stdout.splitlines()
    assert lines[0] == f"Position of {LEAD} on 2026-01-10"
    assert lines[1] == "1 deal(s), 0 open break(s), 1 business day(s) not sealed"
    row = next(line.split() for line in lines if line.startswith(DEAL) and SERVICER in line)
    assert row == [DEAL, "CNY", SERVICER, "4,680.00", "0.00", "0.00", "0.00", "-4,680.00", "4,680.00"]


def test_the_forms_agree(lent: Office) -> None:
    document = position(lent, "2026-02-10")
    files = {form: lent.folder / f"p.{form}" for form in ("csv", "xlsx", "html")}
    for file in files.values():
        assert lent.run("position", "--as", LEAD, "--date", "2026-02-10", "-o", file).exit_code == 0
    book = Computed(files["xlsx"].read_bytes())
    assert book.book.sheetnames == ["Summary", "Deals", "Partners"]
    assert minor(book.value("Partners", "H2")) == 0
    assert minor(book.value("Partners", "I2")) == deal(document)["clearing_minor"]
    assert [minor(one) for one in book.column("Partners", "clearing")] == [
        one["clearing_minor"] for one in document["partners"]
    ]
    (row,) = csv.DictReader(StringIO(files["csv"].read_text("utf-8-sig")))
    assert minor(row["clearing"]) == deal(document)["clearing_minor"]
    assert row["sealed_through"] == ""
    assert document["content_sha256"] in Page(files["html"].read_bytes()).cells


def test_chinese(lent: Office, chinese: None) -> None:
    said = lent.run("position", "--as", LEAD, "--date", "2026-02-10").stdout
    assert said.splitlines()[0] == f"{LEAD} 2026-02-10 头寸"
    assert "清算余额" in said and "应收我方" in said


def test_repayments_of_a_file_are_all_there(lent: Office) -> None:
    days = sorted({line.split(",")[2] for line in REPAYMENTS.splitlines()[1:]})
    total = sum(deal(position(lent, day))["repaid_minor"] for day in days)
    assert total == 2 * (59_810 + 11_700) + 1_005 + 250 + 100_001 + 6_285
