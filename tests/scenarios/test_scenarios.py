"""Every scenario of this folder, row by row."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ledger import consortium, terms
from ledger.founding import found
from ledger.ledger import Ledger
from tests.scenarios.scenario import HERE, play, read_steps

SCENARIOS = sorted(HERE.glob("*.csv"))


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenario") / "ledger"
    found(folder, consortium.load(HERE / "consortium.toml"), dev=True)
    return folder


def test_there_are_scenarios_of_every_kind() -> None:
    assert len(SCENARIOS) >= 5
    actions = {step["action"] for path in SCENARIOS for step in read_steps(path)}
    assert actions == {
        "book", "repay", "overdue", "cure", "waive", "write off", "reverse", "amend",
    }  # fmt: skip


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenario(path: Path, founded: Path, tmp_path: Path) -> None:
    shutil.copytree(founded, tmp_path / "ledger")
    (name,) = [
        line.removeprefix("# deal:").strip()
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("# deal:")
    ]
    agreed = terms.load(HERE / name)
    with Ledger.open(tmp_path / "ledger") as ledger:
        ledger.propose(agreed, by=agreed.servicer)
        for party in agreed.parties:
            ledger.sign(agreed.id, by=party)
        for step in read_steps(path):
            play(ledger, agreed.id, step)
