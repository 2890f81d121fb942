"""`pledger member admit`, `expel`, `replace-checker`: each call is one checker's vote."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest

from tests.cli.office import LEAD, SERVICER, Office, Outcome

NEWCOMER = """\
[[member]]
id = "bank-b"
name = "北方城商行"
roles = ["bank"]
licences = ["lending"]
"""
VOTERS = (LEAD, SERVICER, "guarantor-g")


def vote(office: Office, by: str, *words: str) -> Outcome:
    arguments = [str(office.folder / word) if word.endswith(".toml") else word for word in words]
    return office.run("member", *arguments, "--as", by, "--json")


def admit(office: Office, content: str = NEWCOMER) -> list[Any]:
    office.file("member.toml", content)
    return [vote(office, by, "admit", "member.toml").document for by in VOTERS]


def member(office: Office, name: str) -> Any:
    outcome = office.run("member", "show", name, "--json")
    assert outcome.exit_code == 0, outcome
    return outcome.document


def test_a_member_is_admitted_by_more_than_half(office: Office) -> None:
    votes = admit(office)
    assert re.fullmatch("0x[0-9a-f]{64}", votes[0]["motion"])
    assert votes == [
        {
            "motion": votes[0]["motion"],
            "what": "admit",
            "about": "bank-b",
            "by": by,
            "votes": number,
            "needed": 3,
            "members": 4,
            "carried": number == 3,
        }
        for number, by in enumerate(VOTERS, 1)
    ]
    found = member(office, "bank-b")
    assert (found["name"], found["roles"], found["licences"]) == ("北方城商行", ["bank"], ["lending"])
    assert office.run("member", "key", "add", "--as", "bank-b").exit_code == 0


def test_before_that_nobody_is_admitted(office: Office) -> None:
    office.file("member.toml", NEWCOMER)
    vote(office, LEAD, "admit", "member.toml")
    assert office.run("member", "show", "bank-b").exit_code == 2


def test_votes_for_different_particulars_are_different_motions(office: Office) -> None:
    office.file("member.toml", NEWCOMER)
    office.file("other.toml", NEWCOMER.replace("北方", "东方"))
    votes = [
        vote(office, LEAD, "admit", "member.toml").document,
        vote(office, SERVICER, "admit", "other.toml").document,
    ]
    assert [one["votes"] for one in votes] == [1, 1]
    assert votes[0]["motion"] != votes[1]["motion"]


def test_a_member_brings_the_keys_that_it_made_itself(office: Office) -> None:
    keys = {"maker": "0x" + "11" * 20, "checker": "0x" + "22" * 20}
    lines = "".join(f'{use} = "{address}"\n' for use, address in keys.items())
    admit(office, NEWCOMER + lines)
    found = member(office, "bank-b")
    assert {use: found[use] for use in keys} == keys
    assert not list((office.home / "keys").glob("bank-b-*"))


def test_a_member_may_come_as_a_validator_to_be(office: Office) -> None:
    admit(office, NEWCOMER + "validator = true\n")
    address = member(office, "bank-b")["validator"]
    settings = json.loads((office.home / "ledger.json").read_text())
    assert settings["validators"]["bank-b"] == address
    for by in (LEAD, SERVICER):
        assert office.run("validator", "vote", "add", "bank-b", "--as", by).exit_code == 0
    office.run("deal", "suspend", "joint-2026-01", "--as", LEAD)
    office.run("deal", "resume", "joint-2026-01", "--as", LEAD)
    sealing = office.run("validator", "list", "--json").document["validators"]
    assert "bank-b" in {one["member"] for one in sealing}
    assert office.run("deal", "suspend", "joint-2026-01", "--as", LEAD).exit_code == 0


def test_an_expelled_member_acts_no_more(office: Office) -> None:
    votes = [vote(office, by, "expel", "outsider-o").document for by in VOTERS]
    assert [(one["votes"], one["carried"]) for one in votes] == [(1, False), (2, False), (3, True)]
    assert (votes[0]["what"], votes[0]["needed"]) == ("expel", 3)
    assert (member(office, "outsider-o")["expelled"], member(office, "outsider-o")["makers"]) == (True, [])
    outcome = vote(office, "outsider-o", "expel", LEAD)
    assert outcome.exit_code == 3
    again = vote(office, LEAD, "expel", "outsider-o")
    assert again.document["error"]["where"] == "MEMBER_EXPELLED"
    # Three are left: two of them decide.
    assert vote(office, LEAD, "expel", "guarantor-g").document["needed"] == 2


def test_a_checker_key_is_replaced_by_the_others(office: Office) -> None:
    before = member(office, SERVICER)["checker"]
    votes = [vote(office, by, "replace-checker", SERVICER).document for by in VOTERS]
    assert [one["carried"] for one in votes] == [False, False, True]
    assert len({one["motion"] for one in votes}) == 1
    after = member(office, SERVICER)["checker"]
    assert after != before
    retired = office.home / "keys" / "retired" / f"platform-p-checker-{before}.json"
    assert retired.exists()
    # The new key is in its place: the member's own vote is cast with it.
    assert vote(office, SERVICER, "expel", "outsider-o").document["votes"] == 1


def test_a_checker_key_may_be_made_elsewhere(office: Office) -> None:
    address = "0x" + "33" * 20
    for by in VOTERS:
        vote(office, by, "replace-checker", SERVICER, "--address", address)
    assert member(office, SERVICER)["checker"] == address
    assert office.run("deal", "suspend", "joint-2026-01", "--as", SERVICER).exit_code == 2


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("expel", "outsider-o"), "VOTE_REPEATED"),
        (("replace-checker", "outsider-o"), "VOTE_REPEATED"),
        (("admit", "member.toml"), "VOTE_REPEATED"),
    ],
)
def test_nobody_votes_twice(
    office: Office, words: tuple[str, ...], reason: str, dry: tuple[str, ...]
) -> None:
    office.file("member.toml", NEWCOMER)
    assert vote(office, LEAD, *words).exit_code == 0
    with office.unchanged():
        outcome = vote(office, LEAD, *words, *dry)
    assert (outcome.exit_code, outcome.document["error"]["where"]) == (3, reason)


def test_an_id_is_admitted_once(office: Office) -> None:
    office.file("member.toml", NEWCOMER.replace("bank-b", "bank-a"))
    with office.unchanged():
        outcome = vote(office, LEAD, "admit", "member.toml")
    assert outcome.document["error"]["where"] == "MEMBER_EXISTS"


@pytest.mark.parametrize(
    ("content", "column"),
    [
        (NEWCOMER.replace("bank-b", "BANK"), "member[1].id"),
        (NEWCOMER.replace('["bank"]', '["king"]'), "member[1].roles[1]"),
        (NEWCOMER + 'maker = "0x12"\n', "member[1].maker"),
        (NEWCOMER + "surprise = 1\n", "member[1].surprise"),
        (NEWCOMER + NEWCOMER, "member"),
        ('name = "no member"\n', "name"),
        ("", "member"),
    ],
)
def test_unusable_file_names_every_problem(office: Office, content: str, column: str) -> None:
    office.file("member.toml", content)
    with office.unchanged():
        outcome = vote(office, LEAD, "admit", "member.toml")
    assert outcome.exit_code == 2
    problems = outcome.document["error"]["problems"]
    assert column in [problem["column"] for problem in problems]


@pytest.mark.parametrize("content", [b"\xff", b"[[member", None])
def test_unreadable_file_is_an_input_error(office: Office, content: bytes | None) -> None:
    if content is not None:
        office.file("member.toml", content)
    outcome = vote(office, LEAD, "admit", "member.toml")
    assert (outcome.exit_code, len(outcome.document["error"]["problems"])) == (2, 1)


@pytest.mark.parametrize("verb", ["expel", "replace-checker"])
def test_vote_about_nobody_is_a_usage_error(office: Office, verb: str) -> None:
    assert vote(office, LEAD, verb, "nobody").exit_code == 2


@pytest.mark.parametrize(
    "words", [("admit", "member.toml"), ("expel", "outsider-o"), ("replace-checker", SERVICER)]
)
def test_dry_run_changes_nothing(office: Office, words: tuple[str, ...]) -> None:
    office.file("member.toml", NEWCOMER)
    with office.unchanged():
        dry = vote(office, LEAD, *words, "--dry-run")
    assert (dry.exit_code, dry.stderr) == (0, "dry run: nothing was changed\n")
    assert dry.document == vote(office, LEAD, *words).document


def test_votes_are_said(office: Office) -> None:
    said = [office.run("member", "expel", "outsider-o", "--as", by).stdout for by in VOTERS]
    assert said[0] == "bank-a voted for expelling outsider-o: 1 of 4 members, 3 needed\n"
    assert said[2] == "guarantor-g voted for expelling outsider-o: carried with 3 of 4 members\n"


def test_votes_in_chinese(office: Office, chinese: None) -> None:
    said = office.run("member", "expel", "outsider-o", "--as", LEAD).stdout
    assert said == "bank-a 投票赞成除名 outsider-o：4 个成员中 1 票，需 3 票\n"


def test_with_real_keys_the_first_vote_makes_them_and_the_others_vote_for_these(
    locked: Office,
) -> None:
    votes = admit(locked)
    assert votes[-1]["carried"]
    assert tomllib.loads(NEWCOMER)["member"][0]["name"] == member(locked, "bank-b")["name"]
    checker = member(locked, SERVICER)["checker"]
    for by in VOTERS:
        vote(locked, by, "replace-checker", SERVICER)
    assert member(locked, SERVICER)["checker"] != checker
    assert vote(locked, SERVICER, "expel", "outsider-o").exit_code == 0
