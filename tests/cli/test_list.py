"""`pledger list`: whom a bank may do business with, day by day (名单制)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cli.covered import approve_all
from tests.cli.office import LEAD, LOANS, SERVICER, Office, Outcome


def change(office: Office, verb: str, party: str, role: str, since: str, *options: str) -> Outcome:
    return office.run(
        "list", verb, "--bank", LEAD, "--party", party, "--role", role, "--from", since, "--json",
        *options,
    )  # fmt: skip


def shown(office: Office, *options: str) -> Any:
    outcome = office.run("list", "show", "--bank", LEAD, "--json", *options)
    assert outcome.exit_code == 0, outcome
    return outcome.document


def test_add_acts_for_the_bank_and_says_what_it_did(office: Office) -> None:
    outcome = change(office, "add", SERVICER, "assist", "2026-01-01")
    document = outcome.document
    assert re.fullmatch("[0-9a-f]{64}", document.pop("action"))
    assert document == {
        "bank": LEAD,
        "party": SERVICER,
        "role": "assist",
        "listed": True,
        "from": "2026-01-01",
        "to": None,
        "member": LEAD,
        "posted": 1,
        "already_posted": 0,
        "waiting": 0,
    }


def test_the_same_change_again_posts_nothing(office: Office) -> None:
    change(office, "add", SERVICER, "assist", "2026-01-01")
    with office.unchanged():
        again = change(office, "add", SERVICER, "assist", "2026-01-01")
    assert (again.exit_code, again.document["already_posted"]) == (0, 1)
    assert (again.document["posted"], again.document["action"]) == (0, None)


def test_the_newest_change_that_covers_a_day_decides(office: Office) -> None:
    change(office, "add", SERVICER, "assist", "2026-01-01")
    change(office, "remove", SERVICER, "assist", "2026-03-01", "--to", "2026-03-31")
    change(office, "add", SERVICER, "cofund", "2026-01-01", "--to", "2026-06-30")
    days = {day: shown(office, "--at", day)["listed"] for day in ("2025-12-31", "2026-03-15", "2026-07-01")}
    assert days["2025-12-31"] == []
    assert [one["role"] for one in days["2026-03-15"]] == ["cofund"]
    assert days["2026-07-01"] == [
        {"party": SERVICER, "role": "assist", "from": "2026-01-01", "to": None}
    ]


def test_history_keeps_every_change(office: Office) -> None:
    change(office, "add", SERVICER, "assist", "2026-01-01")
    change(office, "remove", SERVICER, "assist", "2026-03-01", "--to", "2026-03-31")
    history = shown(office, "--at", "2026-01-01")["history"]
    assert [entry.pop("block") > 0 for entry in history] == [True, True]
    assert history == [
        {"party": SERVICER, "role": "assist", "listed": True, "from": "2026-01-01", "to": None},
        {
            "party": SERVICER,
            "role": "assist",
            "listed": False,
            "from": "2026-03-01",
            "to": "2026-03-31",
        },
    ]


def test_one_party_in_one_role_is_yes_or_no(office: Office) -> None:
    change(office, "add", SERVICER, "assist", "2026-01-02")
    one = ("--party", SERVICER, "--role", "assist")
    before, on = (shown(office, *one, "--at", day) for day in ("2026-01-01", "2026-01-02"))
    assert [*before] == ["bank", "at", "party", "role", "is_listed", "listed", "history"]
    assert (before["is_listed"], on["is_listed"]) == (False, True)
    other = shown(office, "--party", SERVICER, "--role", "enhance", "--at", "2026-01-02")
    assert (other["is_listed"], other["history"]) == (False, [])
    assert "is_listed" not in shown(office, "--party", SERVICER)


def test_the_day_is_today_unless_it_is_named(office: Office) -> None:
    days = [datetime.now(UTC).astimezone().date().isoformat()]
    at = shown(office)["at"]
    days.append(datetime.now(UTC).astimezone().date().isoformat())
    assert at in days


def test_a_list_binds_and_a_loan_is_refused_with_the_rule(office: Office) -> None:
    change(office, "add", "guarantor-g", "assist", "2026-01-01")
    outcome = office.submit("loan", LOANS)
    assert {row["reason"] for row in outcome.document["rejected"]} == {"PARTY_NOT_LISTED"}
    change(office, "add", SERVICER, "cofund", "2026-01-01")
    assert office.posted("loan", LOANS)["posted"] == 3


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_list_is_changed_by_its_bank_alone(office: Office, dry: tuple[str, ...]) -> None:
    with office.unchanged():
        outcome = change(office, "add", SERVICER, "assist", "2026-01-01", "--as", SERVICER, *dry)
    assert (outcome.exit_code, outcome.document["error"]["where"]) == (3, "SENDER_NOT_BANK")


def test_an_end_before_the_beginning_is_refused(office: Office) -> None:
    with office.unchanged():
        outcome = change(office, "add", SERVICER, "assist", "2026-01-02", "--to", "2026-01-01")
    assert outcome.document["error"]["where"] == "LIST_DATES_INVALID"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--party", "nobody", "--role", "assist", "--from", "2026-01-01"), "no such member"),
        (("--party", SERVICER, "--role", "lend", "--from", "2026-01-01"), "'lend' is not one of"),
        (("--party", SERVICER, "--role", "assist", "--from", "January"), "not a date"),
        (("--party", SERVICER, "--role", "assist"), "Missing option '--from'"),
    ],
)
def test_unusable_input_changes_nothing(
    office: Office, arguments: tuple[str, ...], said: str
) -> None:
    with office.unchanged():
        outcome = office.run("list", "add", "--bank", LEAD, *arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert said in outcome.stderr


@pytest.mark.parametrize(
    "arguments", [("--bank", "nobody"), ("--bank", LEAD, "--party", "nobody")]
)
def test_show_of_unknown_members_is_a_usage_error(office: Office, arguments: tuple[str, ...]) -> None:
    outcome = office.run("list", "show", *arguments)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "no such member" in outcome.stderr


def test_dry_run_changes_nothing(office: Office) -> None:
    with office.unchanged():
        dry = change(office, "add", SERVICER, "assist", "2026-01-01", "--dry-run")
    assert dry.document == change(office, "add", SERVICER, "assist", "2026-01-01").document


def test_changes_and_list_are_readable(office: Office) -> None:
    said = [
        office.run(
            "list", verb, "--bank", LEAD, "--party", SERVICER, "--role", "assist", "--from", since
        ).stdout
        for verb, since in (("add", "2026-01-01"), ("add", "2026-01-01"), ("remove", "2026-03-01"))
    ]
    assert said == [
        "bank-a lists platform-p as assist from 2026-01-01 to no end\n",
        "bank-a lists platform-p as assist from 2026-01-01 to no end already\n",
        "bank-a takes platform-p as assist off its list from 2026-03-01 to no end\n",
    ]
    lines = office.run("list", "show", "--bank", LEAD, "--at", "2026-02-01").stdout.splitlines()
    assert lines[0] == "list of bank-a on 2026-02-01"
    assert lines[2].split() == [SERVICER, "assist", "2026-01-01", "no", "end"]
    assert lines[-1].split()[1:] == ["taken", "off", SERVICER, "assist", "2026-03-01", "no", "end"]


def test_a_bank_without_list_is_said_to_have_none(office: Office) -> None:
    assert office.run("list", "show", "--bank", LEAD, "--at", "2026-02-01").stdout == (
        "list of bank-a on 2026-02-01\nnobody is listed\n"
        "no change was ever made: no list binds this bank\n"
    )


def test_lists_in_chinese(office: Office, chinese: None) -> None:
    said = office.run(
        "list", "add", "--bank", LEAD, "--party", SERVICER, "--role", "enhance", "--from", "2026-01-01"
    ).stdout
    assert said == "bank-a 将 platform-p 列为 增信：2026-01-01 至 无截止\n"
    assert "增信" in office.run("list", "show", "--bank", LEAD).stdout


def test_a_change_waits_for_the_checker(locked: Office) -> None:
    asked = change(locked, "add", SERVICER, "assist", "2026-01-01", "--to", "2026-12-31")
    assert (asked.document["posted"], asked.document["waiting"]) == (0, 1)
    assert shown(locked, "--at", "2026-02-01")["listed"] == []
    assert approve_all(locked, LEAD) == [
        "puts platform-p on the list of bank-a as assist from 2026-01-01 to 2026-12-31\n"
    ]
    assert len(shown(locked, "--at", "2026-02-01")["listed"]) == 1
    assert shown(locked, "--at", "2026-02-01")["listed"][0]["to"] == "2026-12-31"
