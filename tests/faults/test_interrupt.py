"""Ctrl-C while submitting: what is posted is posted, the book says so, nothing more is said.

Other than by `kill -9` the process goes on, to undo what it began: it must not undo, or leave
behind, half of what another of its threads is at.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time

import pytest

from tests.cli.office import Office
from tests.faults.workload import FILES, book_rows, expect_book_as_rebuilt, expect_resumed

INTERRUPTS_PER_FILE = 6

INTERRUPT_AT = """
import importlib, os, signal, sys
module, owner, method, when = sys.argv[1:5]
owner = getattr(importlib.import_module(module), owner)
real = getattr(owner, method)
# As from a terminal, also where the parent told its children to ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
import ledger.disk
ledger.disk._MANY_REFS = 1
def interrupted(*arguments, **named):
    if when == "before":
        os.kill(os.getpid(), signal.SIGINT)
    done = real(*arguments, **named)
    if when == "after":
        os.kill(os.getpid(), signal.SIGINT)
    return done
setattr(owner, method, interrupted)
from ledger.cli import main
main(sys.argv[5:])
"""
"""Runs `pledger` and interrupts it before or after each call of one method."""

RUN = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import ledger.disk
ledger.disk._MANY_REFS = 1
from ledger.cli import main
main(sys.argv[1:])
"""
INSTANTS = {
    "before the refs are kept": ("ledger.posting", "_Posting", "_keeping", "before", False),
    "before the book is put in order": ("ledger.book", "Book", "gather", "before", False),
    "while the book is put in order": ("ledger.book", "Book", "gather", "after", False),
    "after a transaction": ("ledger.outbox", "Outbox", "send", "after", False),
    "before the block is on disk": ("ledger.chain.store", "Batch", "commit", "before", False),
    "while the book is folded": ("ledger.following", "Ahead", "fold", "before", True),
    "once the book is folded": ("ledger.following", "Ahead", "fold", "after", True),
    "after the block is on disk": ("ledger.chain.store", "Batch", "commit", "after", True),
    "before the book knows": ("ledger.book", "Book", "commit", "before", True),
    "after the book knows": ("ledger.book", "Book", "commit", "after", True),
}


@pytest.mark.parametrize("instant", INSTANTS)
def test_interrupted_at_a_decisive_instant(office: Office, instant: str) -> None:
    *place, posted = INSTANTS[instant]
    file = FILES[0]
    office.balances()
    before = office.head()
    stopped = subprocess.run(
        [sys.executable, "-c", INTERRUPT_AT, *map(str, place), *file.arguments(office)],
        env=office.variables({}),
        capture_output=True,
        text=True,
    )
    assert stopped.returncode > 0 and "Traceback" not in stopped.stderr, stopped
    assert (office.head() > before) == posted
    expect_resumed(office, file, posted=posted)
    expect_book_as_rebuilt(office)


@pytest.mark.slow
def test_interrupted_at_random_instants(office: Office) -> None:
    instants = random.Random(20251001)
    interrupted = 0
    for file in FILES:
        command = [sys.executable, "-c", RUN, *file.arguments(office)]
        began = time.monotonic()
        subprocess.run([*command, "--dry-run"], env=office.variables({}), check=True)
        usual_seconds = time.monotonic() - began
        for _ in range(INTERRUPTS_PER_FILE):
            process = subprocess.Popen(
                command,
                env=office.variables({}),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                process.communicate(timeout=usual_seconds * instants.uniform(0.6, 1.0))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
            _, said = process.communicate()
            # The very first and last moments of a process are the interpreter's own.
            assert process.returncode in (0, 1, 130, -signal.SIGINT), said
            interrupted += process.returncode != 0
            office.balances()
            if book_rows(office)["entries"]:
                expect_book_as_rebuilt(office)
        resumed = office.run(*file.arguments(office))
        assert resumed.exit_code == 0
        document = resumed.document
        assert document["posted"] + document["already_posted"] == file.rows
        expect_book_as_rebuilt(office)
    assert interrupted >= INTERRUPTS_PER_FILE
