"""The partnerships that a banker can read, played from a machine that has no chain.

Every step is a `pledger` command with `--rpc`; what must come out stands in the scenario's folder
and is what the embedded engine comes to.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.node.node import Node
from tests.cli.office import Office
from tests.node.doorway import doorway
from tests.node.station import client_of
from tests.scenarios.play import FOLDERS, play, read

EVERY_DAY = ("write-off-then-recovery",)
# A supplier offers a piece, and the bank's loan on it is refused: two transactions, both signed at
# once on a `--dev` ledger. On a network what comes before a refused one stays.
NOT_WHOLE = ("voucher-three-tiers",)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=() if path.name in EVERY_DAY else pytest.mark.slow)
        for path in FOLDERS
        if path.name not in NOT_WHOLE
    ],
    ids=lambda path: path.name,
)
def test_a_scenario_comes_out_the_same(path: Path, tmp_path: Path) -> None:
    folder = read(path)
    own = Office(folder=tmp_path / "own")
    own.folder.mkdir()
    founded = own.run("init", own.home, "--config", folder.consortium, "--dev")
    assert founded.exit_code == 0, founded
    node = Node(own.home, block_seconds=0)
    node.start()
    try:
        with doorway(node) as door:
            url = f"http://127.0.0.1:{door.port}"
            play(client_of(own, tmp_path / "client", url), folder)
    finally:
        node.stop()
    assert own.run("replay", "--json").document["ok"]
