"""One writer at a time: real processes, real kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from ledger.chain.local import LocalEngine
from ledger.errors import LedgerLocked

from .conftest import Shelf, Yard

PROLOGUE = """
import os, sys
from pathlib import Path
from ledger.chain.clock import SteppedClock
from ledger.chain.local import LocalEngine
from ledger.chain.sealing import key_sealer
from eth_keys import keys
seeds = [bytes([seed]) * 32 for seed in (1, 2, 3)]
signers = {
    keys.PrivateKey(seed).public_key.to_canonical_address(): key_sealer(seed) for seed in seeds
}
engine = LocalEngine(
    Path(sys.argv[1]), signers=signers, clock=SteppedClock(), admit=lambda address, call: True,
    lock_timeout_seconds=int(sys.argv[2]),
)
raws = [bytes.fromhex(line) for line in sys.argv[3:]]
"""


def start(yard: Yard, body: str, *raws: bytes, timeout_seconds: int = 0) -> subprocess.Popen[str]:
    """Run `body` on the chain's folder in another process; wait until it prints a line."""
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            PROLOGUE + textwrap.dedent(body),
            str(yard.folder),
            str(timeout_seconds),
            *[raw.hex() for raw in raws],
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


HOLD = """
with engine.submission() as submission:
    for raw in raws:
        submission.send(raw)
    print("holding", flush=True)
    sys.stdin.readline()
    submission.keep()
print("kept", flush=True)
"""


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def finish(process: subprocess.Popen[str]) -> int:
    process.communicate("\n", timeout=60)
    return process.returncode


def test_second_process_is_told_who_holds_the_ledger(
    yard: Yard, engine: LocalEngine, shelf: Shelf
) -> None:
    holder = start(yard, HOLD, shelf.write(0, 1, 7))
    assert line_of(holder) == "holding"
    with pytest.raises(LedgerLocked) as locked, engine.submission():
        pass
    assert locked.value.exit_code == 4
    assert f"process {holder.pid} on " in locked.value.holder
    assert finish(holder) == 0


def test_reading_needs_no_lock(yard: Yard, engine: LocalEngine, shelf: Shelf) -> None:
    head = engine.head()
    holder = start(yard, HOLD, shelf.write(0, 1, 7))
    assert line_of(holder) == "holding"
    assert yard.open().head() == engine.head() == head
    assert finish(holder) == 0
    assert engine.head().number == head.number + 1


def test_waiting_process_builds_on_what_the_first_kept(
    yard: Yard, engine: LocalEngine, shelf: Shelf
) -> None:
    first, second = shelf.write(0, 1, 7), shelf.write(1, 1, 8)
    holder = start(yard, HOLD, first)
    assert line_of(holder) == "holding"
    waiting = start(yard, HOLD, second, timeout_seconds=60)
    assert finish(holder) == 0
    assert line_of(waiting) == "holding"
    assert finish(waiting) == 0
    receipts = list(engine.receipts(2, engine.head().number))
    assert [receipt.block_number for receipt in receipts] == [2, 3]


@pytest.mark.parametrize(
    "moment",
    [
        "in a submission",
        "before the commit",
        "after the commit",
    ],
)
def test_killed_process_leaves_all_of_a_submission_or_nothing(
    yard: Yard, engine: LocalEngine, shelf: Shelf, moment: str
) -> None:
    head = engine.head()
    raws = [shelf.write(100 * at, 100, 7, gas=4_000_000) for at in range(20)]
    body = {
        "in a submission": HOLD,
        "before the commit": """
            with engine.submission() as submission:
                for raw in raws:
                    submission.send(raw)
                def wait(meanwhile):
                    print("holding", flush=True)
                    sys.stdin.readline()
                submission._batch.commit = wait
                submission.keep()
            """,
        "after the commit": """
            with engine.submission() as submission:
                for raw in raws:
                    submission.send(raw)
                submission.keep()
                print("holding", flush=True)
                sys.stdin.readline()
            """,
    }[moment]
    victim = start(yard, body, *raws)
    assert line_of(victim) == "holding"
    os.kill(victim.pid, signal.SIGKILL)
    victim.communicate(timeout=60)
    assert victim.returncode == -signal.SIGKILL
    engine = yard.reopen(engine)
    if moment == "after the commit":
        assert engine.head().number > head.number
        assert engine.nonce(shelf.sender.address) == 21
    else:
        assert engine.head() == head
        with engine.submission() as submission:
            for raw in raws:
                submission.send(raw)
            submission.keep()
    assert len(list(engine.receipts(2, engine.head().number))) == 20


def test_lock_is_free_again_after_its_holder_failed(engine: LocalEngine) -> None:
    with pytest.raises(ZeroDivisionError), engine.submission():
        raise ZeroDivisionError
    engine.seal_empty()


def test_engines_of_one_process_exclude_each_other(yard: Yard, engine: LocalEngine) -> None:
    other = yard.open()
    with engine.submission(), pytest.raises(LedgerLocked), other.submission():
        pass
    assert other.seal_empty() == engine.head()
