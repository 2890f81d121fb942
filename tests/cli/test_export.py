"""`pledger export`: two files that are all an auditor needs."""

from __future__ import annotations

import json

import pytest

from tests.cli.office import Office


def test_export_json_names_the_head_and_the_files(lent: Office) -> None:
    target = lent.folder / "export"
    document = lent.run("export", target, "--json").document
    head_hash = document["head_hash"]
    assert head_hash.startswith("0x") and len(head_hash) == 66
    assert document == {
        "directory": str(target),
        "blocks": 7,
        "head_hash": head_hash,
        "files": ["genesis.json", "chain.rlp"],
    }
    assert sorted(path.name for path in target.iterdir()) == ["chain.rlp", "genesis.json"]
    genesis = json.loads((target / "genesis.json").read_text())
    assert genesis["config"]["chainId"] == 20251001


def test_export_says_how_many_blocks(lent: Office) -> None:
    target = lent.folder / "export"
    assert lent.run("export", target).stdout == f"7 blocks written to {target}\n"


def test_export_again_replaces_the_files_and_gives_the_same_bytes(lent: Office) -> None:
    target = lent.folder / "export"
    lent.run("export", target)
    first = {path.name: path.read_bytes() for path in target.iterdir()}
    assert lent.run("export", target).exit_code == 0
    assert {path.name: path.read_bytes() for path in target.iterdir()} == first


def test_export_dry_run_writes_nothing(lent: Office) -> None:
    target = lent.folder / "export"
    dry = lent.run("export", target, "--dry-run", "--json")
    assert not target.exists()
    assert lent.run("export", target, "--json").document == dry.document


def test_refs_and_names_of_borrowers_are_not_in_the_export(lent: Office) -> None:
    target = lent.folder / "export"
    lent.run("export", target)
    salt = (lent.home / "deals" / "joint-2026-01" / "salt").read_text()
    for path in target.iterdir():
        content = path.read_bytes()
        for secret in (b"B-1", b"L-1", b"R-1", bytes.fromhex(salt), salt.encode()):
            assert secret not in content


@pytest.mark.parametrize("place", ["deal.toml", "deal.toml/x"])
def test_export_to_what_is_no_folder_is_a_usage_error(lent: Office, place: str) -> None:
    outcome = lent.run("export", lent.folder / place)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith(f"{lent.folder / place}: a file or folder cannot be used")


def test_exported_folder_replays_ok(lent: Office) -> None:
    pytest.importorskip("ledger.replay")
    target = lent.folder / "export"
    lent.run("export", target)
    for arguments in (("replay", target), ("replay",)):
        outcome = lent.run(*arguments, "--json")
        document = outcome.document
        assert outcome.exit_code == 0
        assert sorted(document) == [
            "blocks", "checks", "engine", "engines", "failures", "first", "head_hash",
            "head_state_root", "levels", "ok", "transactions",
        ]  # fmt: skip
        assert (document["ok"], document["blocks"], document["failures"]) == (True, 7, [])
        assert document["head_hash"] == lent.run("export", target, "--json").document["head_hash"]
    assert lent.run("replay").stdout.startswith("OK: 7 blocks, ")


def test_a_replay_names_every_level_in_both_languages(lent: Office) -> None:
    lines = lent.run("replay", "--engine", "revm").stdout.splitlines()
    by_level = {line.split()[0]: line for line in lines[2:11]}
    assert list(by_level) == [
        "chain", "signatures", "pyevm", "revm", "contracts", "recompiled", "books", "invariants",
        "terms",
    ]  # fmt: skip
    assert by_level["revm"].endswith(" yes")
    assert by_level["pyevm"].endswith(" no: another engine was asked for")
    chinese = lent.run("replay", "--engine", "pyevm", PLEDGER_LANG="zh").stdout.splitlines()
    assert [line.split()[0] for line in chinese[2:11]] == list(by_level)
    assert chinese[5].endswith("否：指定了其他引擎")
