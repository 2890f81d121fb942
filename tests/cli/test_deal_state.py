"""`pledger deal suspend`, `resume`, `close`, and the terms and rules of a day."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cli.covered import approve_all
from tests.cli.office import (
    DEAL,
    LEAD,
    LOANS,
    SERVICER,
    TERMS,
    Office,
    Outcome,
    found_office,
    sign_deal,
)


def state(office: Office, verb: str, *options: str, by: str = LEAD) -> Outcome:
    return office.run("deal", verb, DEAL, "--as", by, "--json", *options)


def shown(office: Office, *options: str) -> Any:
    outcome = office.run("deal", "show", DEAL, "--json", *options)
    assert outcome.exit_code == 0, outcome
    return outcome.document


def reasons(outcome: Outcome) -> set[str]:
    return {row["reason"] for row in outcome.document["rejected"]}


def test_suspended_deal_books_no_loans_until_it_is_resumed(office: Office) -> None:
    outcome = state(office, "suspend")
    said = outcome.document
    assert re.fullmatch("[0-9a-f]{64}", said.pop("action"))
    assert said == {"deal": DEAL, "member": LEAD, "approved": True, "status": "suspended"}
    document = shown(office)
    assert (document["status"], document["suspended_by"]) == ("suspended", LEAD)
    assert reasons(office.submit("loan", LOANS)) == {"DEAL_SUSPENDED"}
    assert state(office, "resume").document["status"] == "active"
    assert office.posted("loan", LOANS)["posted"] == 3


def test_servicing_goes_on_while_a_deal_is_suspended(lent: Office) -> None:
    state(lent, "suspend")
    assert lent.posted("overdue", "loan_ref,since_date\nL-1,2026-03-10\n")["posted"] == 1


def test_deal_is_closed_once_every_signing_party_signed(office: Office) -> None:
    said = office.run("deal", "close", DEAL, "--as", LEAD).stdout
    assert said == (
        f"bank-a signed the closing of {DEAL}\nnot closed yet: platform-p has still to sign\n"
    )
    document = shown(office)
    assert (document["status"], document["closing_signed"]) == ("active", [LEAD])
    assert "its closing was signed by bank-a" in office.run("deal", "show", DEAL).stdout
    said = office.run("deal", "close", DEAL, "--as", SERVICER).stdout
    assert said == f"platform-p signed the closing of {DEAL}\n{DEAL} is closed for good\n"
    assert office.run("deal", "list", "--json").document["deals"][0]["status"] == "closed"
    assert reasons(office.submit("loan", LOANS)) == {"DEAL_CLOSED"}
    amended = office.file("more.toml", TERMS.replace("24%", "20%"))
    outcome = office.run("deal", "amend", DEAL, amended, "--from", "2027-01-01", "--as", LEAD, "--json")
    assert outcome.document["error"]["where"] == "DEAL_CLOSED"


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("before", "verb", "by", "reason"),
    [
        ([], "suspend", "guarantor-g", "SENDER_NOT_SIGNING_PARTY"),
        ([], "close", "guarantor-g", "SENDER_NOT_SIGNING_PARTY"),
        ([], "resume", LEAD, "DEAL_NOT_SUSPENDED"),
        ([("suspend", LEAD)], "suspend", LEAD, "DEAL_SUSPENDED"),
        ([("suspend", LEAD)], "resume", SERVICER, "SENDER_NOT_SUSPENDER"),
        ([("close", LEAD)], "close", LEAD, "SIGNATURE_REPEATED"),
        ([("close", LEAD), ("close", SERVICER)], "suspend", LEAD, "DEAL_CLOSED"),
    ],
)
def test_refused_step_is_named(
    office: Office,
    before: list[tuple[str, str]],
    verb: str,
    by: str,
    reason: str,
    dry: tuple[str, ...],
) -> None:
    for earlier, who in before:
        assert state(office, earlier, by=who).exit_code == 0
    with office.unchanged():
        outcome = state(office, verb, *dry, by=by)
    assert (outcome.exit_code, outcome.document["error"]["where"]) == (3, reason)


@pytest.mark.parametrize("verb", ["suspend", "resume", "close"])
def test_step_of_an_unknown_deal_is_a_usage_error(office: Office, verb: str) -> None:
    outcome = office.run("deal", verb, "no-deal", "--as", LEAD)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "no such deal" in outcome.stderr


@pytest.mark.parametrize("verb", ["suspend", "close"])
def test_dry_run_changes_nothing(office: Office, verb: str) -> None:
    with office.unchanged():
        dry = state(office, verb, "--dry-run")
    assert dry.exit_code == 0
    assert dry.document["action"] == state(office, verb).document["action"]


def test_steps_are_said(office: Office) -> None:
    said = [office.run("deal", verb, DEAL, "--as", LEAD).stdout for verb in ("suspend", "resume")]
    assert said == [
        f"bank-a suspended {DEAL}: no new loans, servicing goes on\n",
        f"bank-a resumed {DEAL}\n",
    ]


def test_steps_in_chinese(office: Office, chinese: None) -> None:
    said = office.run("deal", "suspend", DEAL, "--as", LEAD).stdout
    assert said == f"bank-a 已暂停 {DEAL}：不得新增放款，存量照常处理\n"
    assert f"{DEAL}  已暂停  v1" in office.run("deal", "show", DEAL).stdout
    assert "暂停方 bank-a" in office.run("deal", "show", DEAL).stdout
    assert "已暂停" in office.run("deal", "list").stdout


def test_steps_wait_for_the_checker(locked: Office) -> None:
    asked = [state(locked, verb).document for verb in ("suspend", "close")]
    assert [one["approved"] for one in asked] == [False, False]
    assert shown(locked)["status"] == "active"
    first, second = approve_all(locked, LEAD)
    assert first == (
        f"suspends {DEAL}: no new loans until the same member resumes it; servicing goes on\n"
    )
    assert second.startswith(f"signs that {DEAL} is closed for good")
    document = shown(locked)
    assert (document["status"], document["closing_signed"]) == ("suspended", [LEAD])
    said = locked.run("deal", "resume", DEAL, "--as", LEAD).stdout
    assert "waits for the checker" in said
    assert approve_all(locked, LEAD) == [f"resumes {DEAL}: new loans again\n"]


# ---- the terms and rules of a day


@pytest.fixture
def amended(office: Office) -> Office:
    """A second version from 1 July on."""
    file = office.file("amended.toml", TERMS.replace("24%", "20%"))
    office.run("deal", "amend", DEAL, file, "--from", "2026-07-01", "--as", LEAD)
    for party in ("bank-a", "platform-p", "guarantor-g"):
        office.run("deal", "sign", DEAL, "--as", party)
    return office


def test_the_version_shown_is_that_of_loans_of_the_day(amended: Office) -> None:
    found = {}
    for day in ("2026-06-30", "2026-07-01"):
        document = shown(amended, "--at", day)
        found[day] = document["version"], document["terms"]["limits"]["max_annual_rate_ppm"]
    assert found == {"2026-06-30": (1, 240_000), "2026-07-01": (2, 200_000)}
    assert shown(amended)["version"] == 2


def test_no_version_rules_a_day_before_the_first(tmp_path_factory: pytest.TempPathFactory) -> None:
    office = found_office(tmp_path_factory.mktemp("later"), "--dev")
    file = office.file("deal.toml", TERMS)
    office.run("deal", "propose", file, "--from", "2026-07-01", "--as", SERVICER)
    for party in ("bank-a", "platform-p", "guarantor-g"):
        office.run("deal", "sign", DEAL, "--as", party)
    assert shown(office, "--at", "2026-06-30")["version"] == 0
    assert shown(office, "--at", "2026-07-01")["version"] == 1


@pytest.fixture(scope="module")
def ruled(tmp_path_factory: pytest.TempPathFactory) -> Office:
    office = found_office(tmp_path_factory.mktemp("ruled"), "--dev")
    sign_deal(office, TERMS.replace('mode = "joint"', 'mode = "joint"\nrules = ["cn-2025"]'))
    return office


def test_rules_of_the_day_have_id_value_and_basis(ruled: Office) -> None:
    rules = {(one["rule"], one["demands"]): one for one in shown(ruled, "--at", "2026-01-05")["rules"]}
    assert rules["CN-01", "min_partner_share"] == {
        "rule": "CN-01",
        "basis": "银保监办发〔2021〕24号",
        "says": "each partner funds at least 30% of every joint loan",
        "from": "2022-01-01",
        "to": None,
        "demands": "min_partner_share",
        "value": "30%",
    }
    assert rules["CN-11", "lending-licence"]["value"] is None
    assert rules["CN-12", None]["says"].startswith("a bank works only with parties on its")


def test_rules_that_do_not_hold_on_the_day_are_left_out(ruled: Office) -> None:
    by_day = {day: {one["rule"] for one in shown(ruled, "--at", day)["rules"]} for day in ("2021-12-31", "2025-10-01")}
    assert "CN-01" not in by_day["2021-12-31"]
    assert {"CN-01", "CN-15"} <= by_day["2025-10-01"]


def test_rules_are_readable_in_both_languages(
    ruled: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ruled.run("deal", "show", DEAL, "--at", "2026-01-05").stdout
    assert "rules in force on 2026-01-05:" in said
    (line,) = [line for line in said.splitlines() if line.startswith("CN-06")]
    assert line.split()[1:4] == ["max_per_consumer", "200000.00", "CNY"]
    monkeypatch.setenv("PLEDGER_LANG", "zh")
    said = ruled.run("deal", "show", DEAL, "--at", "2026-01-05").stdout
    assert "2026-01-05 生效的规则：" in said and "联合贷款" in said


def test_terms_that_a_rule_refuses_are_refused_with_the_rule(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    office = found_office(tmp_path_factory.mktemp("unlicensed"), "--dev")
    terms = TERMS.replace('mode = "joint"', 'mode = "joint"\nrules = ["cn-2025"]').replace(
        '[fee]\nto = "guarantor-g"', '[fee]\nto = "outsider-o"'
    )
    outcome = office.run("deal", "propose", office.file("deal.toml", terms), "--as", SERVICER, "--json")
    assert (outcome.exit_code, outcome.document["error"]["where"]) == (3, "FEE_PAYEE_UNLICENSED")
    assert "CN-08" in outcome.stderr


def test_unusable_day_is_an_input_error(office: Office) -> None:
    outcome = office.run("deal", "show", DEAL, "--at", "soon")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
