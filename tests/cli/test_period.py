"""`pledger period`: a month is closed once, and its statement explained."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cli.covered import SHARED, approve_all
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

# January: 15 600.00 for the 22 days from the 10th on; February: as much for all 28, and 1 000.01.
JANUARY_DAYS, FEBRUARY_DAYS = 1_560_000 * 22, 1_660_001 * 28
REPAID = f"""\
{REPAYMENT_COLUMNS}
R-1,L-1,2026-02-10,598.10,117.00,0.00,0.00
R-2,L-2,2026-02-10,598.10,117.00,10.05,2.50
"""


def close(office: Office, month: str, *options: str, by: str = LEAD) -> Outcome:
    return office.run("period", "close", DEAL, "--month", month, "--as", by, "--json", *options)


def shown(office: Office, month: str) -> Any:
    outcome = office.run("period", "show", DEAL, "--month", month, "--json")
    assert outcome.exit_code == 0, outcome
    return outcome.document


def test_close_json_has_the_statement(shared: Office) -> None:
    outcome = close(shared, "2026-01")
    assert (outcome.exit_code, outcome.stderr) == (0, "")
    document = outcome.document
    assert re.fullmatch("[0-9a-f]{64}", document.pop("action"))
    # 15 600.00 x 22 x 7 % / 360 = 66.7333.
    assert document == {
        "deal": DEAL,
        "month": "2026-01",
        "member": LEAD,
        "approved": True,
        "version": 1,
        "date": "2026-01-31",
        "currency": "CNY",
        "platform": SERVICER,
        "opening_minor": 0,
        "outstanding_minor": 1_560_000,
        "balance_days_minor": JANUARY_DAYS,
        "interest_minor": 0,
        "loss_minor": 0,
        "disbursed_minor": 1_560_000,
        "overdue_minor": 0,
        "bank_return_minor": 6_673,
        "carried_minor": 0,
        "carry_minor": -6_673,
        "platform_minor": 0,
        "parts": {"bank-a": 0, "platform-p": 0},
    }


def test_what_is_shown_before_the_close_is_what_is_closed(shared: Office) -> None:
    close(shared, "2026-01")
    shared.posted("repayment", REPAID)
    before = shown(shared, "2026-02")
    close(shared, "2026-02")
    after = shown(shared, "2026-02")
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"status", "date", "closed_by", "block"}
    assert (before["status"], after["status"]) == ("open", "closed")
    # Two repayments of 598.10 on the 10th: 19 days of February without them.
    days = FEBRUARY_DAYS - 2 * 59_810 * 19
    assert after["balance_days_minor"] == days
    assert after["bank_return_minor"] == (2 * days * 70_000 + 360_000_000) // 720_000_000
    assert after["interest_minor"] == 23_400
    excess = 23_400 - after["bank_return_minor"] - 6_673
    assert (after["carried_minor"], after["platform_minor"]) == (-6_673, (6 * excess + 5) // 10)
    assert sum(after["parts"].values()) == after["platform_minor"]


def test_the_platform_gets_it_from_the_funders(shared: Office) -> None:
    close(shared, "2026-01")
    shared.posted("repayment", REPAID)
    before = shared.balances()["accounts"]
    part = close(shared, "2026-02").document["platform_minor"]
    after = shared.balances()["accounts"]
    own = (3 * part + 5) // 10
    assert after[LEAD]["CLEARING"] - before[LEAD]["CLEARING"] == -(part - own)
    assert after[SERVICER]["CLEARING"] - before[SERVICER]["CLEARING"] == part - own


def test_months_that_nobody_closed_yet_build_on_each_other(shared: Office) -> None:
    shared.posted("repayment", REPAID)
    ahead = shown(shared, "2026-03")
    assert (ahead["status"], ahead["carried_minor"]) == ("open", shown(shared, "2026-02")["carry_minor"])
    for month in ("2026-01", "2026-02"):
        close(shared, month)
    assert shown(shared, "2026-03") == ahead


def test_show_explains_every_line(shared: Office) -> None:
    close(shared, "2026-01")
    shared.posted("repayment", REPAID)
    document = shown(shared, "2026-02")
    lines = {line["says"]: line["amount_minor"] for line in document["formula"]}
    assert lines == {
        "interest received": 23_400,
        "return of the funders: balance days 442072.48 x 7% / 360": -8_596,
        "losses, less what was recovered of them": 0,
        "deficit carried into the month": -6_673,
        "= excess": 8_131,
        "60% of the excess, if it is above zero": 4_879,
        "due to platform-p": 4_879,
        "of it from bank-a": 3_415,
        "of it from platform-p": 1_464,
    }


def test_show_is_readable(shared: Office) -> None:
    close(shared, "2026-01")
    lines = shared.run("period", "show", DEAL, "--month", "2026-01").stdout.splitlines()
    assert lines[0] == f"{DEAL}  2026-01  CNY  by the excess  version 1"
    assert re.fullmatch(r"closed on 2026-01-31 by bank-a, block \d+", lines[1])
    assert lines[-1].split()[-1] == "-66.73"
    open_one = shared.run("period", "show", DEAL, "--month", "2026-02").stdout
    assert "open: what has come together so far" in open_one


def test_what_came_too_late_is_listed(shared: Office) -> None:
    close(shared, "2026-01")
    shared.posted("loan", f"{LOAN_COLUMNS}\nL-4,B-4,2026-01-11,2026-07-11,1000.00,12,bullet,business\n")
    document = shown(shared, "2026-02")
    assert document["adjustments"] == [
        {
            "date": "2026-01-11",
            "kind": "booking",
            "ref": "L-4",
            "loan_ref": "L-4",
            "principal_minor": 100_000,
            "interest_minor": 0,
            "loss_minor": 0,
            "disbursed_minor": 100_000,
            "balance_days_minor": 100_000 * 21,
        }
    ]
    assert document["balance_days_minor"] == FEBRUARY_DAYS + 100_000 * (28 + 21)
    assert shown(shared, "2026-01")["balance_days_minor"] == JANUARY_DAYS
    close(shared, "2026-02")
    assert shown(shared, "2026-02")["adjustments"] == document["adjustments"]
    said = shared.run("period", "show", DEAL, "--month", "2026-02").stdout
    assert "in it, of months closed before:" in said
    close(shared, "2026-03")
    assert shown(shared, "2026-03")["adjustments"] == []


def test_all_statements_and_the_open_month(shared: Office) -> None:
    close(shared, "2026-01")
    document = shared.run("period", "show", DEAL, "--json").document
    assert [(one["month"], one["status"]) for one in document["statements"]] == [
        ("2026-01", "closed"), ("2026-02", "open"),
    ]  # fmt: skip
    lines = shared.run("period", "show", DEAL).stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["2026-01", "closed"], ["2026-02", "open"]]


def test_close_on_a_later_day(shared: Office) -> None:
    assert close(shared, "2026-01", "--date", "2026-02-05").document["date"] == "2026-02-05"
    assert shown(shared, "2026-01")["date"] == "2026-02-05"


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("month", "options", "by", "reason"),
    [
        ("2026-01", (), "guarantor-g", "SENDER_NOT_SIGNING_PARTY"),
        ("2026-02", (), LEAD, "PERIOD_OUT_OF_ORDER"),
        ("2026-01", ("--date", "2026-01-30"), LEAD, "PERIOD_DATE_INVALID"),
    ],
)
def test_refused_close_is_named(
    shared: Office, month: str, options: tuple[str, ...], by: str, reason: str, dry: tuple[str, ...]
) -> None:
    with shared.unchanged():
        outcome = close(shared, month, *options, *dry, by=by)
    assert (outcome.exit_code, outcome.document["error"]["where"]) == (3, reason)


def test_a_closed_month_is_not_closed_again(shared: Office) -> None:
    close(shared, "2026-01")
    with shared.unchanged():
        outcome = close(shared, "2026-01")
    assert (outcome.exit_code, outcome.document["error"]["where"]) == (3, "PERIOD_CLOSED")


@pytest.mark.parametrize("month", ["2026-1", "2026-13", "January", "202601", "1969-12", "2149-06", ""])
def test_unusable_month_is_an_input_error(shared: Office, month: str) -> None:
    for outcome in (close(shared, month), shared.run("period", "show", DEAL, "--month", month)):
        assert outcome.exit_code == 2
        assert "not a month" in outcome.stderr


def test_a_month_before_the_first_is_a_usage_error(shared: Office) -> None:
    outcome = shared.run("period", "show", DEAL, "--month", "2025-12")
    assert outcome.exit_code == 2
    assert "expected 2026-01; found 2025-12" in outcome.stderr
    close(shared, "2026-01")
    assert shared.run("period", "show", DEAL, "--month", "2025-12").exit_code == 2


def test_a_deal_without_entries_has_no_statement(tmp_path_factory: pytest.TempPathFactory) -> None:
    office = found_office(tmp_path_factory.mktemp("idle"), "--dev")
    sign_deal(office, SHARED)
    assert office.run("period", "show", DEAL).stdout == f"{DEAL}: nothing has moved yet\n"
    assert office.run("period", "show", DEAL, "--month", "2026-01").exit_code == 2


@pytest.mark.parametrize("verb", ["close", "show"])
def test_a_deal_without_a_rule_says_so(lent: Office, verb: str) -> None:
    as_lead = ("--as", LEAD) if verb == "close" else ()
    outcome = lent.run("period", verb, DEAL, "--month", "2026-01", *as_lead, "--json")
    assert (outcome.exit_code, outcome.document["error"]["where"]) == (3, "PERIOD_MISSING")


def test_dry_run_gives_the_statement_and_changes_nothing(shared: Office) -> None:
    with shared.unchanged():
        dry = close(shared, "2026-01", "--dry-run")
    assert dry.document == close(shared, "2026-01").document


def test_close_is_readable(shared: Office) -> None:
    said = shared.run("period", "close", DEAL, "--month", "2026-01", "--as", LEAD).stdout
    assert said == f"{DEAL}: 2026-01 is closed, platform-p gets 0.00\n"


def test_periods_in_chinese(shared: Office, chinese: None) -> None:
    said = shared.run("period", "close", DEAL, "--month", "2026-01", "--as", LEAD).stdout
    assert said == f"{DEAL}：2026-01 已结清，platform-p 应得 0.00\n"
    statement = shared.run("period", "show", DEAL, "--month", "2026-01").stdout
    assert "超额分成" in statement and "日余额合计 343200.00 × 7% ÷ 360" in statement
    assert "已结" in shared.run("period", "show", DEAL).stdout


def test_volume_is_explained_slice_by_slice(tmp_path_factory: pytest.TempPathFactory) -> None:
    office = found_office(tmp_path_factory.mktemp("volume"), "--dev")
    rule = """\
[period]
rule = "volume"
reading = "{}"
to = "platform-p"
[[period.tier]]
up_to = "10000.00"
share = "15%"
[[period.tier]]
share = "20%"
[[period.risk]]
up_to = "1%"
multiplier = "100%"
[[period.risk]]
multiplier = "50%"
"""
    sign_deal(office, SHARED[: SHARED.index("[period]")] + rule.format("marginal"))
    office.posted("loan", LOANS)
    row = "R-1,L-1,2026-01-20,0,100.00,0.00,0.00"
    office.posted("repayment", f"{REPAYMENT_COLUMNS}\n{row}\n")
    # 10 000.00 at 15 % and 5 600.00 at 20 %: 16.7949 % of 100.00.
    lines = [(line["says"], line["amount_minor"]) for line in shown(office, "2026-01")["formula"]]
    assert lines == [
        ("interest received", 10_000),
        ("principal disbursed in the month", 1_560_000),
        ("slice from 0.00 to 10000.00 at 15%", 1_000_000),
        ("slice from 10000.00 to 15600.00 at 20%", 560_000),
        ("interest x sum of the slices by their shares / disbursed", 1_679),
        ("x 100%: 0.00 of 15600.00 are 90 or more days past due", 1_679),
        ("due to platform-p", 1_679),
        ("of it from bank-a", 1_175),
        ("of it from platform-p", 504),
    ]
    assert close(office, "2026-01").document["platform_minor"] == 1_679
    whole = found_office(tmp_path_factory.mktemp("whole"), "--dev")
    sign_deal(whole, SHARED[: SHARED.index("[period]")] + rule.format("whole"))
    whole.posted("loan", LOANS)
    whole.posted("repayment", f"{REPAYMENT_COLUMNS}\n{row}\n")
    lines = [(line["says"], line["amount_minor"]) for line in shown(whole, "2026-01")["formula"]]
    assert lines[2:4] == [
        ("all of it in the tier of 20%", 1_560_000), ("interest x share of the tier", 2_000),
    ]  # fmt: skip


def test_close_waits_for_the_checker_who_reads_what_is_due(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    secret = {"PLEDGER_PASSPHRASE": "one word for all"}
    office = found_office(tmp_path_factory.mktemp("locked"), environment=secret)
    sign_deal(office, SHARED)
    for party in ("bank-a", "platform-p", "guarantor-g"):
        approve_all(office, party)
    office.posted("loan", LOANS)
    office.posted("repayment", REPAID)
    asked = close(office, "2026-01")
    assert (asked.exit_code, asked.document["approved"]) == (0, False)
    assert shown(office, "2026-01")["status"] == "open"
    assert approve_all(office, LEAD) == [
        f"closes 2026-01 of {DEAL} under version 1, posted on 2026-01-31; it never changes afterwards\n"
        "platform-p gets 0.00 CNY\n"
    ]
    assert shown(office, "2026-01")["status"] == "closed"
