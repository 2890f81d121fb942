"""What members signed of a chain, held against it by a replay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey

from ledger.keys import KeyUse
from ledger.ledger import Ledger
from ledger.proofs import checkpoints
from ledger.proofs.checkpoints import seen
from ledger.proofs.notes import Note
from ledger.replay import Report, replay
from tests.cli.office import LEAD, LOANS, SERVICER, Office
from tests.proofs import history
from tests.proofs.history import signed

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def export(sealed_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    assert sealed_office.run("export", folder).exit_code == 0
    return folder


def failures(report: Report) -> list[tuple[int, str]]:
    return [(one.block, one.check) for one in report.failures]


def test_a_replay_agrees_with_every_checkpoint_of_its_chain(sealed: Path, export: Path) -> None:
    with Ledger.open(sealed) as ledger:
        head = ledger.engine.head().number
        heights = [*range(2, head + 1), head]
        notes = [signed(ledger, LEAD, SERVICER, height=height) for height in heights]
    for source in (sealed, export):
        report = replay(source, checkpoints=notes)
        assert report.failures == ()
        assert report.checks["checkpoint"] == len(notes)


def test_a_replay_names_every_way_in_which_a_checkpoint_differs(
    sealed: Path, export: Path
) -> None:
    with Ledger.open(sealed) as ledger:
        head = ledger.engine.head().number
        right = seen(ledger, head - 2)
        keys = {LEAD: ledger.keyring.key(LEAD, KeyUse.MAKER)}
    stranger = PrivateKey(keccak(b"a stranger"))

    def of(key: PrivateKey = keys[LEAD], **fields: Any) -> Note:
        stated = replace(right, **fields)
        return Note(checkpoint=stated, signatures=(checkpoints.sign(stated, LEAD, key),))

    forged = [
        of(block_hash=b"\1" * 32), of(state_root=b"\2" * 32), of(seals_root=b"\3" * 32),
        of(seals=1), of(chain_id=7), of(stranger), of(height=head + 5), of(height=head + 9),
    ]  # fmt: skip
    report = replay(export, checkpoints=[of(), *forged])
    assert failures(report) == [(head - 2, "checkpoint")] * 6 + [(head + 1, "checkpoint")] * 2
    expected = [one.expected for one in report.failures]
    name = f"checkpoint {head - 2} signed by {LEAD}:"
    assert expected[0] == f"{name} block 0x{'01' * 32}"
    assert expected[1] == f"{name} state 0x{'02' * 32}"
    assert expected[2] == f"{name} seals_root 0x{'03' * 32}"
    assert expected[3] == f"{name} seals 1"
    assert expected[4] == f"{name} chain_id 7"
    assert expected[5].startswith(f"{name} signature {LEAD}: 0x")
    assert "0x" + stranger.public_key.to_canonical_address().hex() in report.failures[5].found
    assert expected[6] == f"checkpoint {head + 5} signed by {LEAD}: block {head + 5} 0x" + (
        right.block_hash.hex()
    )
    assert report.failures[0].found == "0x" + right.block_hash.hex()
    assert report.failures[6].found == "-"


def test_a_removed_tail_and_another_history_are_found(
    office: Office, sealed: Path, tmp_path: Path
) -> None:
    """Two copies of one ledger go on apart: each is a valid chain."""
    one, other = office, office.copy(tmp_path / "other")
    history.go_on(one)
    later = LOANS.replace("L-", "M-").replace("2026-01-1", "2026-03-1").replace("02-01", "03-01")
    history.post(other, "loan", later)
    history.go_on(other)
    with Ledger.open(one.home) as ledger:
        late = signed(ledger, LEAD, SERVICER)
    assert replay(one.home, checkpoints=[late]).ok
    cut = replay(sealed, checkpoints=[late])
    assert failures(cut) == [(cut.blocks + 1, "checkpoint")]
    rewritten = replay(other.home, checkpoints=[late])
    assert set(failures(rewritten)) == {(late.checkpoint.height, "checkpoint")}
    assert {one.expected.split(": ")[1].split()[0] for one in rewritten.failures} >= {
        "block", "state",
    }  # fmt: skip
