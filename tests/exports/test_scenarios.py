"""Every scenario that is played through the command line: Beancount comes to its trial balance."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.office import Office
from tests.exports.conftest import expect_movements, exported
from tests.exports.test_beancount import bean
from tests.scenarios.play import FOLDERS, play, read

EVERY_DAY = {"write-off-then-recovery", "joint-eight-funders", "profit-share-tiers"}
"""What the ledgers of this folder do not post; the others are for longer runs."""


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.name, marks=() if path.name in EVERY_DAY else pytest.mark.slow)
        for path in FOLDERS
    ],
)
def test_a_scenario_is_whole_in_beancount(path: Path, tmp_path: Path) -> None:
    office, folder = Office(folder=tmp_path), read(path)
    done = office.run("init", office.home, "--config", folder.consortium, "--dev")
    assert done.exit_code == 0, done.stderr
    play(office, folder)
    expect_movements(office)
    for file in exported(office, "beancount").iterdir():
        checked = bean("check", file)
        assert (checked.returncode, checked.stderr) == (0, ""), file
    exported(office, "sqlite")
