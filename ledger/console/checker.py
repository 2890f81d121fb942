"""Checker: the program that checks or replays a ledger beside its console, and keeps what it found.

It is told what to do in one line of its input, says how far it is in lines of its output, and ends
when its input does: with the console, however that ends. It gives way to everything else that the
machine has to do.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.console.outcomes import Outcome, StoredModel, Work, of_check, of_replay, write
from ledger.console.packing import PackAsked, make_pack
from ledger.errors import LedgerError
from ledger.messages import speaking

if TYPE_CHECKING:
    from ledger.ledger import Ledger

NICENESS = 19
REPORTED_EVERY_NS = 200_000_000
"""How often it says how far it is."""


class Job(StoredModel):
    """What to do."""

    directory: str
    """The ledger's folder."""
    work: Work
    engine: str
    """Of a replay; empty for all that are installed."""
    day: int
    """Business date of a check, in days since 1970-01-01."""
    language: str
    pack: PackAsked | None = None
    """Which, where a pack is to be made."""
    rpc_url: str
    """The node whose chain is checked; empty for what the folder says."""
    token_file: str


class Step(StoredModel):
    """How far it is, or how it ended."""

    done: int = 0
    of: int = 0
    """0: not known."""
    says: tuple[str, ...] = ()
    """Why it came to nothing."""


Progress = Callable[[int, int], None]


def main() -> None:
    """Do what the input says."""
    job = Job.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_input, daemon=True).start()
    os.nice(NICENESS)
    with speaking(job.language):
        try:
            _do(job, _reporting())
        except LedgerError as error:
            _say(Step(says=tuple(str(error).splitlines())))
        except Exception as error:
            _say(Step(says=(f"{type(error).__name__}: {error}",)))


def _do(job: Job, progress: Progress) -> None:
    directory, began_at = Path(job.directory), int(time.time())
    if job.work is Work.REPLAY:
        from ledger.replay import replay

        report = replay(directory, engine=job.engine or None, progress=progress)
        write(directory, job.work, of_replay(report, began_at, int(time.time())))
        return
    from ledger.ledger import Ledger

    token_file = Path(job.token_file) if job.token_file else None
    with Ledger.open(directory, rpc_url=job.rpc_url or None, token_file=token_file) as ledger:
        if job.pack is not None:
            make_pack(ledger, job.pack, job.language, began_at, progress)
        else:
            write(directory, job.work, _checked(ledger, job.day, began_at, progress))


def _checked(ledger: Ledger, day: int, began_at: int, progress: Progress) -> Outcome:
    from ledger.checking import check

    checked = check(ledger, day, progress=progress)
    head = ledger.engine.head_at(checked.block)
    return of_check(checked, head.block_hash if head else b"", began_at, int(time.time()))


def _reporting() -> Progress:
    said_at = 0

    def report(done: int, of: int) -> None:
        nonlocal said_at
        now = time.monotonic_ns()
        if now - said_at >= REPORTED_EVERY_NS:
            said_at = now
            _say(Step(done=done, of=of))

    return report


def _say(step: Step) -> None:
    sys.stdout.write(step.model_dump_json() + "\n")
    sys.stdout.flush()


def _end_with_the_input() -> None:
    # Not by the buffered reader, whose lock the end of the program would wait for.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    main()
