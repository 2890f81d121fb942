"""`pledger member key`: maker keys are added, replaced and revoked at once, by the checker alone."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.office import DEAL, LEAD, LOANS, SERVICER, Office, Outcome

ELSEWHERE = "0x" + "ab" * 20


def key(office: Office, verb: str, *options: str, by: str = SERVICER) -> Outcome:
    return office.run("member", "key", verb, "--as", by, "--json", *options)


def makers(office: Office, member: str = SERVICER) -> Any:
    return office.run("member", "show", member, "--json").document["makers"]


def files(office: Office, member: str = SERVICER) -> list[str]:
    folder = office.home / "keys"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(f"{member}-maker*"))


def test_add_makes_a_key_that_acts_beside_the_first(office: Office) -> None:
    (first,) = makers(office)
    document = key(office, "add").document
    added = document["added"]
    assert re.fullmatch("0x[0-9a-f]{40}", added)
    path = office.home / "keys" / "platform-p-maker-2.json"
    assert document == {
        "member": SERVICER, "added": added, "removed": None, "file": str(path),
        "makers": [first, added],
    }  # fmt: skip
    assert makers(office) == [first, added]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # With its file alone, as on another machine, the member acts with it.
    (office.home / "keys" / "platform-p-maker.json").unlink()
    assert office.posted("loan", LOANS)["posted"] == 3


def test_replace_puts_the_new_key_in_the_place_of_the_old(office: Office) -> None:
    (old,) = makers(office)
    document = key(office, "replace").document
    assert (document["removed"], document["makers"]) == (old, [document["added"]])
    assert document["file"] == str(office.home / "keys" / "platform-p-maker.json")
    assert files(office) == ["platform-p-maker.json", f"retired/platform-p-maker-{old}.json"]
    assert office.posted("loan", LOANS)["posted"] == 3


def test_a_replaced_key_acts_no_more(office: Office) -> None:
    (old,) = makers(office)
    key(office, "replace")
    folder = office.home / "keys"
    (folder / "retired" / f"platform-p-maker-{old}.json").rename(folder / "platform-p-maker.json")
    outcome = office.submit("loan", LOANS)
    assert outcome.exit_code == 3
    assert "the sender may not send transactions" in outcome.stderr


def test_revoke_stops_a_key_and_the_next_one_takes_over(office: Office) -> None:
    (first,) = makers(office)
    second = key(office, "add").document["added"]
    document = key(office, "revoke", first).document
    assert document == {
        "member": SERVICER, "added": None, "removed": first, "file": None, "makers": [second],
    }  # fmt: skip
    assert files(office) == ["platform-p-maker.json", f"retired/platform-p-maker-{first}.json"]
    assert office.posted("loan", LOANS)["posted"] == 3


def test_even_the_last_key_may_be_revoked_and_another_added(office: Office) -> None:
    (only,) = makers(office)
    said = office.run("member", "key", "revoke", only, "--as", SERVICER).stdout
    assert said == (
        f"platform-p: maker key {only} no longer acts\n"
        "platform-p has no maker key left and can ask for nothing: add one with member key add\n"
    )
    assert office.submit("loan", LOANS).exit_code == 2
    assert key(office, "add").document["file"].endswith("platform-p-maker.json")
    assert office.posted("loan", LOANS)["posted"] == 3


def test_a_key_made_elsewhere_is_named_by_its_address(office: Office) -> None:
    document = key(office, "add", "--address", ELSEWHERE).document
    assert (document["added"], document["file"]) == (ELSEWHERE, None)
    assert files(office) == ["platform-p-maker.json"]
    assert key(office, "revoke", ELSEWHERE.upper().replace("0X", "0x")).document["removed"] == ELSEWHERE


def test_replaced_by_a_key_made_elsewhere_nobody_acts_here(office: Office) -> None:
    (old,) = makers(office)
    assert key(office, "replace", "--address", ELSEWHERE).document["makers"] == [ELSEWHERE]
    assert files(office) == [f"retired/platform-p-maker-{old}.json"]
    outcome = office.submit("loan", LOANS)
    assert outcome.exit_code == 2
    assert "the key of platform-p cannot be used" in outcome.stderr


def test_keys_of_a_dev_ledger_are_the_same_on_every_run(office: Office, tmp_path: Path) -> None:
    other = office.copy(tmp_path / "other")
    for verb in ("add", "replace", "add"):
        assert key(office, verb).document["added"] == key(other, verb).document["added"]
    assert len(set(makers(office))) == 3


def test_an_interrupted_change_is_finished_by_the_next(office: Office) -> None:
    """The chain had the new key, but the files were not yet sorted."""
    (old,) = makers(office)
    key(office, "replace")
    folder = office.home / "keys"
    (folder / "platform-p-maker.json").rename(folder / "platform-p-maker-2.json")
    (folder / "retired" / f"platform-p-maker-{old}.json").rename(folder / "platform-p-maker.json")
    key(office, "add")
    assert files(office) == [
        "platform-p-maker-2.json", "platform-p-maker.json", f"retired/platform-p-maker-{old}.json",
    ]  # fmt: skip
    assert office.posted("loan", LOANS)["posted"] == 3


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("revoke", ELSEWHERE), "KEY_UNKNOWN"),
        (("add", "--address", "0x" + "00" * 20), "KEY_EMPTY"),
        (("add", "--address", "BANK"), "KEY_TAKEN"),
        (("replace", "--address", "BANK"), "KEY_TAKEN"),
        (("revoke", "BANK"), "KEY_UNKNOWN"),
    ],
)
def test_refused_change_is_named(
    office: Office, arguments: tuple[str, ...], reason: str, dry: tuple[str, ...]
) -> None:
    (bank,) = makers(office, LEAD)
    words = [bank if word == "BANK" else word for word in arguments]
    with office.unchanged():
        outcome = key(office, *words, *dry)
    assert (outcome.exit_code, outcome.document["error"]["where"]) == (3, reason)


def test_more_keys_than_there_may_be_are_refused(office: Office) -> None:
    for number in range(1, 16):
        assert key(office, "add", "--address", f"0x{number:040x}").exit_code == 0
    with office.unchanged():
        assert key(office, "add").document["error"]["where"] == "KEYS_FULL"
    assert files(office) == ["platform-p-maker.json"]


@pytest.mark.parametrize("address", ["", "0x12", "0x" + "zz" * 20, "0x" + "ab" * 21])
def test_what_is_no_address_is_an_input_error(office: Office, address: str) -> None:
    with office.unchanged():
        outcomes = [key(office, "add", "--address", address), key(office, "revoke", address)]
    for outcome in outcomes:
        assert outcome.exit_code == 2
        assert "not an address; expected 0x and 40 hex digits" in outcome.stderr


@pytest.mark.parametrize("verb", ["add", "replace"])
def test_dry_run_changes_nothing(office: Office, verb: str) -> None:
    with office.unchanged():
        dry = key(office, verb, "--dry-run")
    assert (dry.exit_code, dry.stderr) == (0, "dry run: nothing was changed\n")
    real = key(office, verb)
    names = ("added", "removed", "makers")
    assert [dry.document[name] for name in names] == [real.document[name] for name in names]


def test_revoke_dry_run_changes_nothing(office: Office) -> None:
    (only,) = makers(office)
    with office.unchanged():
        dry = key(office, "revoke", only, "--dry-run")
    assert dry.document == key(office, "revoke", only).document


def test_changes_are_said(office: Office) -> None:
    said = office.run("member", "key", "add", "--as", SERVICER).stdout
    path = office.home / "keys" / "platform-p-maker-2.json"
    added = makers(office)[1]
    assert said == f"platform-p: maker key {added} acts from now on; its file is {path}\n"
    said = office.run("member", "key", "add", "--address", ELSEWHERE, "--as", SERVICER).stdout
    assert said == f"platform-p: maker key {ELSEWHERE} acts from now on; its file is not here\n"


def test_changes_in_chinese(office: Office, chinese: None) -> None:
    (only,) = makers(office)
    said = office.run("member", "key", "revoke", only, "--as", SERVICER).stdout
    assert said.startswith(f"platform-p：经办密钥 {only} 已停用\n")


# ---- with real keys


def test_a_new_key_has_its_own_passphrase_and_signs(locked: Office) -> None:
    fresh = {"PLEDGER_PASSPHRASE_PLATFORM_P_MAKER": "another word"}
    before = makers(locked)
    outcome = locked.run("member", "key", "replace", "--as", SERVICER, "--json", **fresh)
    assert outcome.exit_code == 0, outcome
    assert makers(locked) == [outcome.document["added"]] != before
    row = "overdue", "loan_ref,since_date\nL-1,2026-02-10\n"
    assert locked.submit(*row).exit_code == 2
    locked.environment = {**locked.environment, **fresh}
    assert locked.posted(*row)["posted"] == 1


def test_a_new_key_must_have_a_passphrase(locked: Office) -> None:
    empty = locked.file("empty", "")
    with locked.unchanged():
        outcome = locked.run("member", "key", "add", "--as", SERVICER, "--passphrase-file", empty)
    assert outcome.exit_code == 2
    assert "no passphrase for the key platform-p-maker" in outcome.stderr


def test_a_refused_key_leaves_no_file(locked: Office) -> None:
    wrong = {"PLEDGER_PASSPHRASE_PLATFORM_P_CHECKER": "wrong"}
    with locked.unchanged():
        outcome = locked.run("member", "key", "add", "--as", SERVICER, **wrong)
    assert outcome.exit_code == 2
    assert files(locked) == ["platform-p-maker.json"]


def test_what_a_revoked_key_asked_for_still_waits_for_the_checker(locked: Office) -> None:
    locked.run("deal", "suspend", DEAL, "--as", LEAD)
    (only,) = makers(locked, LEAD)
    assert key(locked, "revoke", only, by=LEAD).exit_code == 0
    (action,) = locked.run("member", "show", LEAD, "--json").document["waiting"]
    assert locked.run("approve", action, "--as", LEAD).exit_code == 0
