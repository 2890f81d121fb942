"""References say what the code says, and say all of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from typing import Any

import click
import pytest

import ledger
from ledger import errors, events, files, voucher_files
from ledger.bindings import CONTRACTS
from ledger.cli.root import pledger
from ledger.enrolling import SUPPLIERS
from ledger.entries import Kind
from ledger.ledger import Ledger
from ledger.waterfall import Account
from tests.docs.pages import DOCS, README, ROOT, rows, section

REFERENCE = DOCS / "reference"


def _page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text("utf-8")


def _commands(group: click.Group, path: str = "pledger") -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            if hasattr(command, "default"):
                found[f"{path} {name}"] = command.default
            found |= _commands(command, f"{path} {name}")
        else:
            found[f"{path} {name}"] = command
    return found


def test_generated_references_are_fresh() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PLEDGER_LANG"}
    run = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr + "run: python docs/generate.py"


def test_every_command_and_option_is_documented() -> None:
    page = _page("cli")
    shared = section(page, "## Options of every command")
    for path, command in _commands(pledger).items():
        own = section(page, f"## `{path}`")
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert f"`{parameter.opts[0]}" in own + shared, (path, parameter.opts)


def test_every_public_name_is_documented() -> None:
    page = _page("sdk")
    for name in {*ledger.__all__} - {"__version__"}:
        assert re.search(rf"^## `ledger\.(\w+\.)?{name}`$", page, re.MULTILINE), name
    for name in vars(Ledger):
        if not name.startswith("_"):
            assert f"**`{name}(" in page, name


def test_every_contract_function_has_its_notice() -> None:
    described = re.findall(
        r"^#### `\w+\(.*?\)`(?: \(view\))?\n\n(.+)$", _page("contracts"), re.MULTILINE
    )
    assert len(described) == len(re.findall(r"^#### `\w+\(", _page("contracts"), re.MULTILINE)) > 15


def test_every_file_layout_is_documented_with_its_columns() -> None:
    table = rows(section(_page("entries-and-files"), "## Files that are submitted"))
    assert {row[0]: row[2].strip("`").split(",") for row in table} == {
        name: list(layout.columns)
        for name, layout in (
            files.LAYOUTS | voucher_files.LAYOUTS | {SUPPLIERS.name: SUPPLIERS}
        ).items()
    }


def test_every_kind_of_entry_is_documented() -> None:
    table = rows(section(_page("entries-and-files"), "## Entries"))
    assert {row[0].strip("`") for row in table} == {kind.value for kind in Kind}


def test_every_command_has_its_json_document() -> None:
    table = rows(section(_page("entries-and-files"), "## JSON documents"))
    named = {name for row in table for name in re.findall(r"`([^`]+)`", row[0])}
    assert named == {path.removeprefix("pledger ") for path in _commands(pledger)}


def test_every_account_is_documented() -> None:
    table = rows(_page("accounts").split("\n\n")[2])
    named = [name for row in table for name in re.findall(r"`(\w+)`", row[0])]
    assert named == [account.value for account in Account]


def _subclasses(cls: type[Any]) -> set[type[Any]]:
    return {cls, *(inner for sub in cls.__subclasses__() for inner in _subclasses(sub))}


def test_every_error_is_documented_with_its_exit_code() -> None:
    table = rows(_page("errors"))
    documented = {row[0].strip("`"): row[1] for row in table if row[0].startswith("`")}
    ours = {
        cls.__name__: str(cls.exit_code)
        for cls in _subclasses(errors.LedgerError) - {errors.LedgerError}
        if cls.__module__.startswith("ledger.") and not cls.__name__.startswith("_")
    }
    assert documented == ours


def test_every_exit_code_is_documented() -> None:
    table = rows(_page("errors").split("\n\n")[1])
    assert [row[0] for row in table] == ["0", "1", "2", "3", "4"]


def test_every_event_of_an_entry_is_in_the_page_of_packed_words() -> None:
    page = _page("events-and-packing")
    for record in (
        events.EntriesSubmitted,
        events.LoanBooked,
        events.LoanRepaid,
        events.FurtherLegs,
        events.LoanMarkedOverdue,
        events.LoanWaived,
        events.LoanWrittenOff,
        events.EntryReversed,
    ):
        assert f"`{record.__name__}" in page, record


def test_bits_of_the_loan_word_are_those_of_the_contract() -> None:
    source = (ROOT / "contracts" / "loan_words.vy").read_text("utf-8")
    page = section(_page("events-and-packing"), "## A loan's word")
    shifts = {
        name: int(value)
        for name, value in re.findall(r"^(\w+): constant\(uint256\) = (\d+)$", source, re.MULTILINE)
    }
    first_bits = [int(re.split(r"\D", row[0])[0]) for row in rows(page)]
    expected = [0, *(shifts[name] for name in ("START", "RATE", "VERSION", "SEQUENCE"))]
    assert first_bits == [*expected, 117, shifts["SINCE"], 134, 135, shifts["TIP"]]
    assert "COMPENSATED: constant(uint256) = 2**117" in source
    assert "WRITTEN_OFF: constant(uint256) = 2**134" in source
    assert "REVERSED: constant(uint256) = 2**135" in source


def _invariants_of_contracts() -> dict[str, str]:
    found: dict[str, str] = {}
    for contract in CONTRACTS:
        page = section(_page("contracts"), f"### Invariants of {contract}")
        found |= dict(re.findall(r"^- \*\*(\w\d)\*\* (.+)$", page, re.MULTILINE))
    return found


@pytest.mark.parametrize("page", [README, REFERENCE / "invariants.md"], ids=lambda page: page.name)
def test_invariants_are_quoted_word_for_word(page: Any) -> None:
    table = rows(page.read_text("utf-8"))
    quoted = {row[0]: row[1] for row in table if re.fullmatch(r"[A-Z]\d", row[0])}
    assert quoted == _invariants_of_contracts()


def test_changelog_is_of_this_version() -> None:
    newest = re.findall(
        r"^## \[(\d\S+)\]", (DOCS / "changelog.md").read_text("utf-8"), re.MULTILINE
    )[0]
    assert newest == ledger.__version__ == metadata.version("partnership-ledger")
