"""`pledger init`: a folder with keys, chain and contracts, or a refusal that leaves nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ledger.bindings import CONTRACTS
from tests.cli.office import CONSORTIUM, Office, found_office

WARNING = (
    "WARNING: --dev made OPEN keys that anyone can derive. For demos and tests only.\n"
)


@pytest.fixture
def empty(tmp_path: Path) -> Office:
    office = Office(folder=tmp_path)
    office.file("consortium.toml", CONSORTIUM)
    return office


def test_init_prints_what_was_founded(empty: Office) -> None:
    outcome = empty.run("init", empty.home, "--config", empty.folder / "consortium.toml", "--dev")
    assert outcome.exit_code == 0
    assert outcome.stdout == (
        f"Ledger delta-credit founded in {empty.home}: "
        "bank-a, platform-p, guarantor-g, outsider-o\n"
    )
    assert outcome.stderr == WARNING


def test_init_json_names_members_validators_and_contracts(empty: Office) -> None:
    config = empty.folder / "consortium.toml"
    outcome = empty.run("--json", "init", empty.home, "--config", config, "--dev")
    assert outcome.exit_code == 0
    contracts = outcome.document["contracts"]
    assert outcome.document == {
        "ledger": str(empty.home),
        "name": "delta-credit",
        "chain_id": 20251001,
        "dev": True,
        "members": ["bank-a", "platform-p", "guarantor-g", "outsider-o"],
        "validators": ["bank-a", "platform-p"],
        "contracts": contracts,
    }
    assert list(contracts) == list(CONTRACTS)
    assert len(set(contracts.values())) == len(CONTRACTS)
    assert all(at.startswith("0x") and len(at) == 42 for at in contracts.values())


def test_init_twice_with_dev_gives_the_same_chain(tmp_path: Path) -> None:
    hashes = []
    for name in ("one", "two"):
        office = found_office(tmp_path / name, "--dev")
        exported = office.run("export", office.folder / "export", "--json")
        hashes.append(exported.document["head_hash"])
    assert hashes[0] == hashes[1]


def test_init_dry_run_leaves_no_folder(empty: Office) -> None:
    config = empty.folder / "consortium.toml"
    outcome = empty.run("init", empty.home, "--config", config, "--dev", "--dry-run", "--json")
    assert outcome.exit_code == 0
    assert outcome.document["members"] == ["bank-a", "platform-p", "guarantor-g", "outsider-o"]
    assert "dry run: nothing was changed" in outcome.stderr
    assert not empty.home.exists()


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_init_where_something_is_already_changes_nothing(empty: Office, dry: tuple[str, ...]) -> None:
    empty.home.mkdir()
    (empty.home / "mine.txt").write_text("mine")
    config = empty.folder / "consortium.toml"
    outcome = empty.run("init", empty.home, "--config", config, "--dev", *dry)
    assert outcome.exit_code == 2
    assert outcome.stdout == ""
    assert outcome.stderr == (
        f"{empty.home}: the folder is not empty; name a new folder; nothing was changed\n"
    )
    assert [path.name for path in empty.home.iterdir()] == ["mine.txt"]


def test_init_on_a_file_is_refused(empty: Office) -> None:
    config = empty.folder / "consortium.toml"
    assert empty.run("init", config, "--config", config, "--dev").exit_code == 2
    assert config.read_text("utf-8") == CONSORTIUM


def test_init_with_a_bad_consortium_names_every_problem_by_line(empty: Office) -> None:
    config = empty.file(
        "bad.toml",
        'name = "x"\nchain_id = "one"\n[[member]]\nid = "BANK"\nname = "b"\nroles = ["king"]\n'
        '[[member]]\nid = "p"\nname = "p"\nroles = ["platform"]\nvalidator = true\n',
    )
    outcome = empty.run("init", empty.home, "--config", config, "--dev", "--json")
    assert outcome.exit_code == 2
    found = [(one["line"], one["column"]) for one in outcome.document["error"]["problems"]]
    assert found == [(2, "chain_id"), (4, "member[1].id"), (6, "member[1].roles[1]")]
    assert all(f"bad.toml:{line}" in outcome.stderr for line, _ in found)
    assert not empty.home.exists()


@pytest.mark.parametrize("missing", ["nothing.toml", "."])
def test_init_without_a_readable_config_is_an_input_error(empty: Office, missing: str) -> None:
    outcome = empty.run("init", empty.home, "--config", empty.folder / missing, "--dev")
    assert outcome.exit_code == 2
    assert "file cannot be read" in outcome.stderr
    assert not empty.home.exists()


def test_init_without_config_is_a_usage_error(empty: Office) -> None:
    assert empty.run("init", empty.home).exit_code == 2


def test_init_without_any_passphrase_makes_nothing(empty: Office) -> None:
    config = empty.folder / "consortium.toml"
    outcome = empty.run("init", empty.home, "--config", config)
    assert outcome.exit_code == 2
    assert "no passphrase for the key bank-a-maker" in outcome.stderr
    assert not empty.home.exists()


def test_init_with_one_passphrase_missing_makes_nothing(empty: Office) -> None:
    config = empty.folder / "consortium.toml"
    outcome = empty.run(
        "init", empty.home, "--config", config, PLEDGER_PASSPHRASE_BANK_A_MAKER="one"
    )
    assert outcome.exit_code == 2
    assert "no passphrase for the key bank-a-checker" in outcome.stderr
    assert not empty.home.exists()


@pytest.mark.parametrize("content", ["", "\n"])
def test_init_with_an_empty_passphrase_file_makes_no_open_keys(empty: Office, content: str) -> None:
    secret = empty.file("passphrase", content)
    config = empty.folder / "consortium.toml"
    outcome = empty.run("init", empty.home, "--config", config, "--passphrase-file", secret)
    assert outcome.exit_code == 2
    assert not empty.home.exists()


def test_only_the_owner_may_read_keys_salt_and_books(office: Office) -> None:
    secret = [*(office.home / "keys").iterdir(), *office.home.rglob("salt")]
    secret += [*office.home.glob("*.sqlite"), office.home / "chain" / "data.mdb"]
    assert len(secret) == 10 + 1 + 2 + 1
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}
    assert stat.S_IMODE((office.home / "keys").stat().st_mode) == 0o700
