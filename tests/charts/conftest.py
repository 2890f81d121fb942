"""Ledgers for all tests of this folder, each made once; and the language they are read in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ledger import messages
from ledger.cli.root import pledger
from ledger.ledger import Ledger
from tests.replay import covered

DEMO = "joint-2026-01"


def run(*arguments: str | Path) -> tuple[int, str, bytes]:
    """Exit code, stdout and stdout's bytes of `pledger`."""
    done = CliRunner().invoke(
        pledger, [*map(str, arguments)], catch_exceptions=False, prog_name="pledger"
    )
    return done.exit_code, done.stdout, done.stdout_bytes


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pledger demo`, and a bank's file of repayments in which some differ and some are missing."""
    folder = tmp_path_factory.mktemp("charts") / "demo"
    assert run("demo", folder, "--json")[0] == 0
    head, *rows = (folder / "files" / "repayments.csv").read_text("utf-8").splitlines()
    kept = [row for at, row in enumerate(rows) if at % 200 != 7]
    kept[3] = kept[3].replace(",0.00,0.00", ",0.00,1.00")
    late = "HK-9999-01,JD-0001,2026-04-28,10.00,1.00,0.00,0.00"
    theirs = folder / "theirs.csv"
    theirs.write_text("\n".join([head, *kept, late, ""]), "utf-8")
    code, _, _ = run(
        "reconcile", DEMO, "--kind", "repayments", "--file", theirs, "--as", "bank-a",
        "--today", "2026-04-29", "--ledger", folder / "ledger",
    )  # fmt: skip
    assert code == 1
    return folder


@pytest.fixture(scope="session")
def covered_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deposit, compensations, recoveries, write-offs, reversals, limits across deals."""
    return covered.make(tmp_path_factory.mktemp("charts") / "ledger")


@pytest.fixture
def demo_ledger(demo_folder: Path) -> Iterator[Ledger]:
    with Ledger.open(demo_folder / "ledger") as ledger:
        yield ledger


@pytest.fixture
def covered_ledger(covered_folder: Path) -> Iterator[Ledger]:
    with Ledger.open(covered_folder) as ledger:
        yield ledger


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    messages.set_language("en")
    yield
    messages.set_language(None)
