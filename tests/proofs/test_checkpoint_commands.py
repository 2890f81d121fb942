"""`pledger checkpoint`, `replay --checkpoint`, `--keep` and `--resume`, as a user runs them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.office import LEAD, SERVICER, Office, Outcome
from tests.proofs import history

pytestmark = pytest.mark.slow

AUDITOR = "outsider-o"


def sign(office: Office, name: str = "note", by: str = LEAD) -> Path:
    path = office.folder / name
    outcome = office.run("checkpoint", "sign", "-o", path, "--as", by)
    assert outcome.exit_code == 0, outcome
    assert outcome.stdout == f"block {office.head()} signed by {by}: {path}\n"
    return path


def whats(outcome: Outcome) -> list[str]:
    return [one["what"] for one in outcome.document["differences"]]


# ---- signing


def test_one_member_signs_another_witnesses_and_anybody_verifies(office: Office) -> None:
    """With real processes, from the first signature to the auditor's replay."""
    note, keys, export = office.folder / "note", office.folder / "keys.json", office.folder / "out"
    for arguments in (
        ("checkpoint", "sign", "-o", note, "--as", LEAD),
        ("checkpoint", "cosign", note, "--as", SERVICER),
        ("member", "keys", "-o", keys),
        ("export", export),
    ):
        done = office.process(*arguments)
        assert (done.exit_code, done.stderr) == (0, ""), done
    assert [line.split()[1] for line in note.read_text().splitlines()[-2:]] == [LEAD, SERVICER]
    here = office.process("checkpoint", "verify", note, "--at-least", "2", "--json")
    assert (here.exit_code, here.document["ok"]) == (0, True)
    # Nothing but the two files.
    shutil.move(office.home, office.folder / "gone")
    offline = office.process("checkpoint", "verify", note, "--members", keys, "--json")
    assert here.document["members_as_of"] is None
    as_of = {"members_as_of": here.document["height"]}
    assert (offline.exit_code, offline.document) == (0, here.document | as_of)
    assert offline.document["signers"] == [LEAD, SERVICER]
    assert (offline.document["seals"], offline.document["chain_id"]) == (4, 20251001)
    replayed = office.process(
        "replay", export, "--checkpoint", note, "--checkpoint", note, "--no-recompile", "--json"
    )
    assert replayed.exit_code == 0 and replayed.document["checks"]["checkpoint"] == 2


def test_show_says_what_is_in_a_note_and_checks_nothing(office: Office) -> None:
    note = sign(office)
    document = office.run("checkpoint", "show", note, "--json").document
    assert list(document) == [
        "file", "chain_id", "height", "block", "state", "seals", "seals_root", "replayed",
        "signatures",
    ]  # fmt: skip
    assert document["signatures"][0]["member"] == LEAD and document["replayed"] is None
    shown = office.run("checkpoint", "show", note).stdout
    assert document["block"] in shown and document["signatures"][0]["address"] in shown


def test_no_note_is_written_over_another(office: Office) -> None:
    note = sign(office)
    before = note.read_bytes()
    again = office.run("checkpoint", "sign", "-o", note, "--as", SERVICER)
    assert again.exit_code == 2 and str(note) in again.stderr
    assert note.read_bytes() == before


def test_dry_run_writes_nothing(office: Office) -> None:
    note = office.folder / "note"
    done = office.run("checkpoint", "sign", "-o", note, "--as", LEAD, "--dry-run")
    assert done.exit_code == 0 and not note.exists()
    note = sign(office)
    before = note.read_bytes()
    assert office.run("checkpoint", "cosign", note, "--as", SERVICER, "--dry-run").exit_code == 0
    assert note.read_bytes() == before


def test_who_has_signed_does_not_sign_again(office: Office) -> None:
    note = sign(office)
    again = office.run("checkpoint", "cosign", note, "--as", LEAD)
    assert again.exit_code == 2 and LEAD in again.stderr


def test_a_member_without_a_key_here_cannot_sign(office: Office) -> None:
    (office.home / "keys" / f"{LEAD}-maker.json").unlink()
    done = office.run("checkpoint", "sign", "-o", office.folder / "note", "--as", LEAD)
    assert done.exit_code == 2 and not (office.folder / "note").exists()


# ---- witnesses


def changed(note: Path, old: str, new: str) -> Path:
    text = note.read_text()
    assert old in text
    note.write_text(text.replace(old, new))
    return note


def test_a_witness_does_not_sign_what_its_own_ledger_does_not_say(office: Office) -> None:
    height = office.head()
    for old, new, what in (
        ("\n4\n", "\n3\n", "seals"),
        (f"height {height}", f"height {height - 1}", "height"),
        (f"height {height}", f"height {height + 1}", "height"),
        ("block 0x", "block 0x0", "block"),
    ):
        note = sign(office, f"note-{what}-{len(new)}")
        if what == "block":
            own = office.run("checkpoint", "show", note, "--json").document["block"]
            new, old = "0x" + "0" * 64, own
        changed(note, old, new)
        before = note.read_bytes()
        refused = office.run("checkpoint", "cosign", note, "--as", SERVICER, "--json")
        assert refused.exit_code == 1 and refused.document["ok"] is False
        assert "signature" in whats(refused) and len(whats(refused)) > 1
        assert note.read_bytes() == before
        note.unlink()


def test_a_witness_does_not_sign_beside_a_forged_signature(office: Office) -> None:
    note = changed(sign(office), LEAD, "guarantor-g")
    refused = office.run("checkpoint", "cosign", note, "--as", SERVICER)
    assert refused.exit_code == 1
    assert refused.stdout.startswith(f"block {office.head()} NOT signed by {SERVICER}")
    assert "guarantor-g: 0x" in refused.stdout


def test_a_witness_with_an_export_alone_replays_it_first(office: Office, tmp_path: Path) -> None:
    note, export = sign(office), history.exported(office)
    # Of the ledger it has the keys alone.
    witness = Office(folder=tmp_path / "witness")
    shutil.copytree(office.home / "keys", witness.home / "keys")
    shutil.copy(office.home / "ledger.json", witness.home)
    cosign = ("checkpoint", "cosign", note, "--as", SERVICER, "--export", export)
    signed = witness.run(*cosign)
    assert signed.exit_code == 0, signed
    assert office.run("checkpoint", "verify", note, "--at-least", "2").exit_code == 0


def test_a_witness_does_not_sign_for_an_export_that_is_cut_off(
    office: Office, tmp_path: Path
) -> None:
    export = history.exported(office)
    history.go_on(office)
    note = sign(office)
    before = note.read_bytes()
    refused = office.run(
        "checkpoint", "cosign", note, "--as", SERVICER, "--export", export, "--json"
    )
    assert refused.exit_code == 1 and whats(refused) == ["checkpoint"]
    assert note.read_bytes() == before


# ---- verifying


def test_too_few_signers_are_named(office: Office) -> None:
    note = sign(office)
    wrong = office.run("checkpoint", "verify", note, "--at-least", "2", "--json")
    assert (wrong.exit_code, whats(wrong)) == (1, ["signers"])
    assert wrong.document["differences"][0]["found"] == f"1: {LEAD}"


def test_a_note_that_is_none_is_refused_by_line(office: Office) -> None:
    note = changed(sign(office), "\n", "\r\n")
    wrong = office.run("checkpoint", "verify", note)
    assert wrong.exit_code == 2 and wrong.stderr.startswith(f"{note}:1: ")
    assert office.run("replay", "--checkpoint", note).exit_code == 2


def test_members_of_another_chain_do_not_vouch(office: Office) -> None:
    note, keys = sign(office), office.folder / "keys.json"
    assert office.run("member", "keys", "-o", keys).exit_code == 0
    other = json.loads(keys.read_text()) | {"chain_id": 7}
    keys.write_text(json.dumps(other))
    wrong = office.run("checkpoint", "verify", note, "--members", keys, "--json")
    assert (wrong.exit_code, whats(wrong)) == (1, ["chain_id"])


def test_a_members_file_that_is_older_than_the_checkpoint_says_so(office: Office) -> None:
    keys, height = office.folder / "keys.json", office.head()
    assert office.run("member", "keys", "-o", keys).exit_code == 0
    history.go_on(office)
    told = office.run("checkpoint", "verify", sign(office), "--members", keys)
    assert told.exit_code == 0
    assert f"The members file is of block {height}: " in told.stdout


def test_a_later_checkpoint_is_shown_to_continue_an_earlier_one(office: Office) -> None:
    old = sign(office, "old")
    history.go_on(office)
    new = sign(office, "new", by=SERVICER)
    proof, keys = office.folder / "proof.json", office.folder / "keys.json"
    assert office.run("member", "keys", "-o", keys).exit_code == 0
    assert office.run("checkpoint", "verify", new, "--extends", old).exit_code == 0
    made = office.run("checkpoint", "prove", new, "--extends", old, "-o", proof)
    assert made.stdout == f"6 sealed days begin with the first 4: {proof}\n"
    offline = ("checkpoint", "verify", new, "--members", keys, "--extends", old)
    assert office.run(*offline).exit_code == 2
    assert office.run(*offline, "--proof", proof).exit_code == 0
    backwards = ("checkpoint", "verify", old, "--members", keys, "--extends", new)
    wrong = office.run(*backwards, "--proof", proof, "--json")
    assert (wrong.exit_code, whats(wrong)) == (1, ["height", "proof"])
    document = json.loads(proof.read_text())
    document["path"][0] = "0x" + "00" * 32
    proof.write_text(json.dumps(document))
    forged = office.run(*offline, "--proof", proof, "--json")
    assert (forged.exit_code, whats(forged)) == (1, ["seals"])
    proof.write_text("{}")
    assert office.run(*offline, "--proof", proof).exit_code == 2


def test_a_fork_is_named_by_block(office: Office, tmp_path: Path) -> None:
    other = office.copy(tmp_path / "other")
    history.go_on(office)
    history.seal(other, history.DEAL, "2026-02-20")
    history.go_on(other)
    note = sign(office)
    height = office.head()
    wrong = other.run("checkpoint", "verify", note, "--json")
    assert wrong.exit_code == 1 and "block" in whats(wrong)
    replayed = other.run("replay", "--checkpoint", note, "--no-recompile", "--json")
    assert replayed.exit_code == 1
    failures = replayed.document["failures"]
    assert {(one["block"], one["check"]) for one in failures} == {(height, "checkpoint")}
    own = office.run("checkpoint", "show", note, "--json").document["block"]
    assert failures[0]["expected"] == f"checkpoint {height} signed by {LEAD}: block {own}"
    there = sign(other, "there")
    both = office.run("checkpoint", "show", there, "--json").document
    assert failures[0]["found"] == both["block"] or both["height"] != height


# ---- going on from a replay


@pytest.fixture
def auditor(office: Office, tmp_path: Path) -> Office:
    """Has its own keys and an export, and no ledger."""
    folder = Office(folder=tmp_path / "auditor")
    (folder.home / "keys").mkdir(parents=True)
    shutil.copy(office.home / "ledger.json", folder.home)
    shutil.copy(office.home / "keys" / f"{AUDITOR}-maker.json", folder.home / "keys")
    return folder


def test_an_auditor_goes_on_where_it_ended(office: Office, auditor: Office) -> None:
    """With real processes."""
    first, kept = history.exported(office), auditor.folder / "kept"
    note, at = auditor.folder / "note", office.head()
    done = auditor.process("replay", first, "--keep", kept, "--no-recompile")
    assert done.exit_code == 0 and f"Kept in {kept}" in done.stdout, done
    signed = auditor.process("checkpoint", "sign", "--replayed", kept, "-o", note, "--as", AUDITOR)
    assert signed.exit_code == 0, signed
    shown = auditor.process("checkpoint", "show", note, "--json").document
    assert shown["height"] == at and shown["replayed"].startswith("0x")
    history.go_on(office)
    second = history.exported(office, "second")
    resume = ("replay", second, "--resume", kept, "--checkpoint", note, "--no-recompile")
    resumed = auditor.process(*resume, "--as", AUDITOR, "--json")
    assert resumed.exit_code == 0, resumed
    document, whole = resumed.document, auditor.process("replay", second, "--json").document
    assert document["resumed"]["block"] == at and document["resumed"]["signed_by"] == AUDITOR
    for key in ("ok", "blocks", "transactions", "head_hash", "head_state_root", "failures"):
        assert document[key] == whole[key]
    told = auditor.process(*resume, "--as", AUDITOR)
    assert f"Blocks 1 to {at} were not executed again: {AUDITOR} signed for them." in told.stdout


def test_a_kept_folder_is_not_believed_without_the_auditors_own_signature(
    office: Office, auditor: Office
) -> None:
    export, kept = history.exported(office), auditor.folder / "kept"
    note, other = auditor.folder / "note", auditor.folder / "other"
    assert auditor.run("replay", export, "--keep", kept, "--no-recompile").exit_code == 0
    # Somebody else with keys of its own signs the same folder.
    signed = ("checkpoint", "sign", "--replayed", kept)
    assert office.run(*signed, "-o", other, "--as", SERVICER).exit_code == 0
    assert auditor.run(*signed, "-o", note, "--as", AUDITOR).exit_code == 0
    resume = ("replay", export, "--resume", kept, "--no-recompile")
    nothing = auditor.run(*resume, "--as", AUDITOR)
    assert nothing.exit_code == 2 and "manifest.json" in nothing.stderr
    stranger = auditor.run(*resume, "--checkpoint", other, "--as", AUDITOR)
    assert stranger.exit_code == 2 and SERVICER in stranger.stderr
    assert auditor.run(*resume, "--checkpoint", note).exit_code == 2
    keys = office.folder / "keys.json"
    assert office.run("member", "keys", "-o", keys).exit_code == 0
    by_file = ("--checkpoint", note, "--as", AUDITOR, "--members", keys)
    assert Office(folder=auditor.folder.with_name("nowhere")).run(*resume, *by_file).exit_code == 0
    with (kept / "state").open("ab") as file:
        file.write(b"\0")
    tampered = auditor.run(*resume, *by_file)
    assert tampered.exit_code == 2 and f"{kept / 'state'}: " in tampered.stderr


def test_what_a_replay_kept_has_no_witnesses(office: Office, auditor: Office) -> None:
    export, kept, note = history.exported(office), auditor.folder / "kept", auditor.folder / "note"
    assert auditor.run("replay", export, "--keep", kept, "--no-recompile").exit_code == 0
    signed = ("checkpoint", "sign", "--replayed", kept, "-o", note, "--as", AUDITOR)
    assert auditor.run(*signed).exit_code == 0
    assert office.run("checkpoint", "cosign", note, "--as", LEAD).exit_code == 2
    # But it is a checkpoint of the chain as any other.
    assert office.run("checkpoint", "verify", note).exit_code == 0


def test_a_member_that_is_none_by_then_signs_no_replay(office: Office, auditor: Office) -> None:
    export, kept = history.exported(office), auditor.folder / "kept"
    assert auditor.run("replay", export, "--keep", kept, "--no-recompile").exit_code == 0
    keys = auditor.home / "keys"
    (keys / f"{AUDITOR}-maker.json").rename(keys / "bank-z-maker.json")
    note = auditor.folder / "note"
    signed = ("checkpoint", "sign", "--replayed", kept, "-o", note, "--as", "bank-z")
    assert auditor.run(*signed).exit_code == 1 and not note.exists()
