"""Whatever the contracts take, replay and check agree with it: no false alarm."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ledger import checking
from ledger.ledger import Ledger
from ledger.money import day_number
from ledger.replay import replay
from ledger.replay.invariants import OF_A_LEDGER_IN_USE
from tests.replay import storm, voucher_storm
from tests.replay.forge import found

LATER = day_number(date(2026, 12, 1))


@pytest.mark.parametrize(
    ("seed", "acts"),
    [
        (20251001, 120),
        *[pytest.param(seed, 400, marks=pytest.mark.slow) for seed in range(1, 9)],
    ],
)
def test_a_storm_leaves_nothing_to_find(seed: int, acts: int, tmp_path: Path) -> None:
    taken = storm.make(tmp_path / "ledger", seed, acts)
    assert len(taken) > 6, taken
    assert found(replay(tmp_path / "ledger")) == []
    with Ledger.open(tmp_path / "ledger") as ledger:
        checked = checking.check(ledger, LATER)
    # Limits that bookings met may be passed since: by reversals, by figures, by new terms.
    failures = [one for one in checked.failures if one.check not in OF_A_LEDGER_IN_USE]
    assert failures == []


@pytest.mark.parametrize(
    ("seed", "acts"),
    [
        (20251002, 120),
        *[pytest.param(seed, 400, marks=pytest.mark.slow) for seed in range(1, 9)],
    ],
)
def test_a_storm_over_vouchers_leaves_nothing_to_find(
    seed: int, acts: int, tmp_path: Path
) -> None:
    taken = voucher_storm.make(tmp_path / "ledger", seed, acts)
    assert len(taken) > 9, taken
    assert found(replay(tmp_path / "ledger", recompile=False)) == []
    with Ledger.open(tmp_path / "ledger") as ledger:
        checked = checking.check(ledger, LATER)
    failures = [one for one in checked.failures if one.check not in OF_A_LEDGER_IN_USE]
    assert failures == []


def test_the_same_seed_gives_the_same_chain(tmp_path: Path) -> None:
    heads = []
    for name in ("one", "other"):
        storm.make(tmp_path / name, 7, 25)
        heads.append(replay(tmp_path / name).head_hash)
    assert heads[0] == heads[1]
