"""Four eyes: on a ledger with real keys the maker requests and the checker approves.

Each member has its own passphrase, as it has in life; the validators' keys seal for all.
"""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from tests.cli.office import DEAL, LOANS, SERVICER, TERMS, Office, found_office

PARTIES = ("bank-a", "platform-p", "guarantor-g")
SECRETS = {
    "PLEDGER_PASSPHRASE": "the word of all the others",
    "PLEDGER_PASSPHRASE_BANK_A_MAKER": "correct horse bank maker",
    "PLEDGER_PASSPHRASE_BANK_A_CHECKER": "correct horse bank checker",
    "PLEDGER_PASSPHRASE_PLATFORM_P_MAKER": "staple 平台经办",
}


@pytest.fixture(scope="module")
def guarded_office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """A deal proposed, signed by nobody."""
    office = found_office(tmp_path_factory.mktemp("guarded"), environment=SECRETS)
    proposed = office.run("deal", "propose", office.file("deal.toml", TERMS), "--as", SERVICER)
    assert proposed.exit_code == 0, proposed
    return office


@pytest.fixture
def guarded(guarded_office: Office, tmp_path: Path) -> Office:
    return guarded_office.copy(tmp_path / "guarded")


@pytest.fixture
def requested(guarded: Office) -> tuple[Office, str]:
    outcome = guarded.run("deal", "sign", DEAL, "--as", "bank-a", "--json")
    assert outcome.exit_code == 0, outcome
    return guarded, outcome.document["action"]


def test_keystores_are_closed_and_only_their_owner_reads_them(guarded: Office) -> None:
    keys = sorted((guarded.home / "keys").iterdir())
    assert [path.name for path in keys] == [
        "bank-a-checker.json", "bank-a-maker.json", "bank-a-validator.json",
        "guarantor-g-checker.json", "guarantor-g-maker.json",
        "outsider-o-checker.json", "outsider-o-maker.json",
        "platform-p-checker.json", "platform-p-maker.json", "platform-p-validator.json",
    ]  # fmt: skip
    for path in keys:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        keystore = json.loads(path.read_text())
        assert (keystore["version"], keystore["crypto"]["kdf"]) == (3, "scrypt")
        assert keystore["crypto"]["kdfparams"]["n"] >= 2**16


def test_two_ledgers_with_real_keys_have_different_keys(guarded: Office, office: Office) -> None:
    def keys(where: Office) -> set[str]:
        members = where.run("member", "list", "--json").document["members"]
        return {one[use] for one in members for use in ("maker", "checker")}

    assert keys(guarded).isdisjoint(keys(office))


def test_sign_leaves_an_action_that_waits_for_the_checker(guarded: Office) -> None:
    outcome = guarded.run("deal", "sign", DEAL, "--as", "bank-a", "--json")
    action = outcome.document["action"]
    assert re.fullmatch("[0-9a-f]{64}", action)
    assert outcome.document == {
        "deal": DEAL,
        "member": "bank-a",
        "action": action,
        "approved": False,
        "version_in_force": 0,
    }
    assert guarded.run("member", "show", "bank-a", "--json").document["waiting"] == [action]
    versions = guarded.run("deal", "show", DEAL, "--json").document["versions"]
    assert versions[0]["signed"] == []


def test_sign_says_how_to_approve(guarded: Office) -> None:
    said = guarded.run("deal", "sign", DEAL, "--as", "bank-a").stdout
    waiting = guarded.run("member", "show", "bank-a", "--json").document["waiting"][0][:12]
    assert said == (
        f"bank-a: action {waiting} on joint-2026-01 waits for the checker: "
        f"pledger approve {waiting} --as bank-a\n"
    )


def test_sign_again_requests_nothing_twice(requested: tuple[Office, str]) -> None:
    office, action = requested
    with office.unchanged():
        again = office.run("deal", "sign", DEAL, "--as", "bank-a", "--json")
    assert (again.exit_code, again.document["action"]) == (0, action)


@pytest.mark.parametrize("length", [64, 12, 1])
def test_approve_signs_with_the_checkers_key(requested: tuple[Office, str], length: int) -> None:
    office, action = requested
    outcome = office.run("approve", action[:length], "--as", "bank-a", "--json")
    assert outcome.exit_code == 0
    document = outcome.document
    says = document.pop("says")
    assert says[0].startswith(f"signs version 1 of the terms of {DEAL}, for loans from 1970-01-01 on")
    assert document == {
        "action": action,
        "member": "bank-a",
        "contract": "Deals",
        "function": "sign",
        "approved": True,
    }
    shown = office.run("deal", "show", DEAL, "--json").document
    assert shown["versions"][0]["signed"] == ["bank-a"]
    assert office.run("member", "show", "bank-a", "--json").document["waiting"] == []


def test_approve_says_what_it_did(requested: tuple[Office, str]) -> None:
    office, action = requested
    outcome = office.run("approve", f"0x{action.upper()}", "--as", "bank-a")
    assert outcome.stdout == f"bank-a approved {action[:12]}\n"
    assert outcome.stderr.splitlines()[1:] == [
        "the document in this folder is exactly these terms: see `pledger deal show`"
    ]


def test_approve_show_says_what_it_would_do_and_sends_nothing(
    requested: tuple[Office, str],
) -> None:
    office, action = requested
    with office.unchanged():
        shown = office.run("approve", action, "--show", "--as", "bank-a")
        document = office.run("approve", action, "--show", "--as", "bank-a", "--json").document
    assert shown.stdout == "\n".join(document["says"]) + "\n"
    assert document["approved"] is False
    assert "terms hash 0x" in document["says"][0]


def test_approve_warns_of_terms_that_are_not_those_of_the_document_here(
    requested: tuple[Office, str],
) -> None:
    office, action = requested
    document = office.home / "deals" / DEAL / "v1.json"
    document.write_bytes(document.read_bytes().replace(b"300000", b"300001").replace(b"700000", b"699999"))
    says = office.run("approve", action, "--show", "--as", "bank-a", "--json").document["says"]
    assert says[1].startswith("the document in this folder is NOT these terms: do not approve")
    document.unlink()
    says = office.run("approve", action, "--show", "--as", "bank-a", "--json").document["says"]
    assert says[1].startswith("the document of these terms is not in this folder")


def test_approve_says_it_in_chinese(requested: tuple[Office, str], chinese: None) -> None:
    office, action = requested
    said = office.run("approve", action, "--show", "--as", "bank-a").stdout
    assert said.startswith(f"签署 {DEAL} 第 1 版条款")


def test_what_the_contract_would_refuse_is_not_asked_for(guarded: Office) -> None:
    with guarded.unchanged():
        outcome = guarded.run("deal", "suspend", DEAL, "--as", "bank-a", "--json")
    assert outcome.exit_code == 3
    assert outcome.document["error"]["where"] == "DEAL_NOT_ACTIVE"


def test_approve_dry_run_changes_nothing(requested: tuple[Office, str]) -> None:
    office, action = requested
    with office.unchanged():
        dry = office.run("approve", action, "--as", "bank-a", "--dry-run", "--json")
    assert dry.exit_code == 0
    assert office.run("approve", action, "--as", "bank-a", "--json").document == dry.document


def test_sign_dry_run_requests_nothing(guarded: Office) -> None:
    with guarded.unchanged():
        dry = guarded.run("deal", "sign", DEAL, "--as", "bank-a", "--dry-run", "--json")
    real = guarded.run("deal", "sign", DEAL, "--as", "bank-a", "--json")
    assert dry.document == real.document


@pytest.mark.parametrize(
    ("action", "member"), [("ffffffff", "bank-a"), ("", "bank-a"), (None, "platform-p")]
)
def test_approve_of_what_does_not_wait_for_the_member_is_a_usage_error(
    requested: tuple[Office, str], action: str | None, member: str
) -> None:
    office, own = requested
    with office.unchanged():
        outcome = office.run("approve", own if action is None else action, "--as", member)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert "no such action waits for this member" in outcome.stderr


def test_deal_is_in_force_after_the_last_checker_and_loans_are_booked(guarded: Office) -> None:
    for party in PARTIES:
        action = guarded.run("deal", "sign", DEAL, "--as", party, "--json").document["action"]
        assert guarded.run("deal", "list", "--json").document["deals"][0]["status"] == "proposed"
        assert guarded.run("approve", action, "--as", party).exit_code == 0
    assert guarded.run("deal", "list", "--json").document["deals"][0]["status"] == "active"
    assert guarded.posted("loan", LOANS)["posted"] == 3
    assert guarded.posted("loan", LOANS)["already_posted"] == 3


def test_salt_of_a_deal_is_secret_and_random(guarded: Office, office: Office) -> None:
    salts = [(where.home / "deals" / DEAL / "salt").read_text() for where in (guarded, office)]
    assert salts[0] != salts[1]
    assert all(re.fullmatch("[0-9a-f]{64}", salt) for salt in salts)
    assert stat.S_IMODE((guarded.home / "deals" / DEAL / "salt").stat().st_mode) == 0o600


# ---- passphrases


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_wrong_passphrase_changes_nothing(guarded: Office, dry: tuple[str, ...]) -> None:
    wrong = {"PLEDGER_PASSPHRASE_BANK_A_MAKER": "wrong"}
    with guarded.unchanged():
        outcome = guarded.run("deal", "sign", DEAL, "--as", "bank-a", *dry, **wrong)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    path = guarded.home / "keys" / "bank-a-maker.json"
    assert outcome.stderr == (
        f"{path}: the key of bank-a cannot be used; expected a keystore and its passphrase; "
        "found another passphrase, or a damaged file; "
        "check the passphrase, or restore the keystore from your backup\n"
    )


def test_missing_passphrase_is_a_usage_error_without_a_terminal(guarded: Office) -> None:
    guarded.environment = {}
    with guarded.unchanged():
        outcome = guarded.run("deal", "sign", DEAL, "--as", "bank-a")
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert outcome.stderr == (
        "no passphrase for the key bank-a-maker; give --passphrase-file, "
        "set PLEDGER_PASSPHRASE, or run on a terminal\n"
    )


def test_wrong_passphrase_of_the_sealing_key_changes_nothing(guarded: Office) -> None:
    wrong = {"PLEDGER_PASSPHRASE": "wrong"}
    with guarded.unchanged():
        outcome = guarded.run("deal", "sign", DEAL, "--as", "bank-a", **wrong)
    assert outcome.exit_code == 2
    assert "-validator.json: the key of " in outcome.stderr


def test_passphrase_from_a_file_opens_every_key_made_with_it(tmp_path: Path) -> None:
    office = Office(folder=tmp_path)
    secret = office.file("passphrase", "one word for all\r\n")
    office = found_office(tmp_path, "--passphrase-file", str(secret))
    file = office.file("deal.toml", TERMS)
    asked = ("deal", "propose", file, "--as", SERVICER)
    assert office.run(*asked).exit_code == 2
    assert office.run(*asked, PLEDGER_PASSPHRASE="one word for all").exit_code == 0
    signed = office.run("--passphrase-file", secret, "deal", "sign", DEAL, "--as", "bank-a")
    assert signed.exit_code == 0


def test_unreadable_passphrase_file_is_named(guarded: Office) -> None:
    missing = guarded.folder / "no-passphrase"
    for path in (missing, guarded.file("binary", b"\xff\xfe\x00")):
        outcome = guarded.run("deal", "sign", DEAL, "--as", "bank-a", "--passphrase-file", path)
        assert outcome.exit_code == 2
        assert f"{path}: the passphrase file cannot be read" in outcome.stderr


def test_no_passphrase_is_ever_printed_or_kept(guarded: Office) -> None:
    outcomes = [
        guarded.run("deal", "sign", DEAL, "--as", "bank-a", "--json"),
        guarded.run("deal", "sign", DEAL, "--as", SERVICER, PLEDGER_PASSPHRASE="hush hush"),
        guarded.run("member", "show", "bank-a"),
        guarded.process("deal", "sign", DEAL, "--as", "bank-a", PLEDGER_DEBUG="1"),
        guarded.process(
            "deal", "sign", DEAL, "--as", SERVICER, PLEDGER_PASSPHRASE="hush hush", PLEDGER_DEBUG="1"
        ),
    ]
    words = [*SECRETS.values(), "hush hush"]
    for outcome in outcomes:
        assert not any(word in outcome.stdout + outcome.stderr for word in words)
    for path in guarded.home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(word.encode() in content for word in words), path


def test_reading_needs_no_passphrase(guarded: Office) -> None:
    guarded.environment = {}
    for arguments in (("deal", "list"), ("deal", "show", DEAL), ("balances", DEAL), ("member", "list")):
        assert guarded.run(*arguments).exit_code == 0


def test_approve_on_a_dev_ledger_has_nothing_to_do(office: Office) -> None:
    outcome = office.run("approve", "00", "--as", "bank-a")
    assert outcome.exit_code == 2
