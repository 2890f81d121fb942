"""Every scenario that is played through the command line replays without a finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.replay import replay
from tests.cli.office import Office
from tests.replay.forge import found
from tests.scenarios.play import FOLDERS, play, read

EVERY_DAY = {"excess-month", "guarantee-deposit", "three-loss-layers", "wide-limits"}
"""What between them they have covers most of the contracts; the others are for longer runs."""


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path, id=path.name, marks=() if path.name in EVERY_DAY else pytest.mark.slow
        )
        for path in FOLDERS
    ],
)
def test_a_scenario_replays_clean(path: Path, tmp_path: Path) -> None:
    office, folder = Office(folder=tmp_path), read(path)
    done = office.run("init", office.home, "--config", folder.consortium, "--dev")
    assert done.exit_code == 0, done.stderr
    play(office, folder)
    assert found(replay(office.home)) == []
