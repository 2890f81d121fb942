"""kill -9 while submitting: the same command run again finishes, totals exact, nothing twice.

A submission reaches the disk in one commit, so a killed one left all of its file or nothing; the
chain that comes out at the end is, byte for byte, the chain of an undisturbed run.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from ledger.refs import every
from tests.cli.office import Office
from tests.faults.workload import (
    FILES,
    File,
    book_rows,
    expect_book_as_rebuilt,
    expect_resumed,
    head_hash,
)

KILLS_PER_FILE = 4
AT_LEAST = 15


def run_until_killed(office: Office, file: File, seconds: float) -> bool:
    """Start the submission and kill it after a while; whether it was still alive."""
    process = office.start(*file.arguments(office))
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    assert process.returncode in (0, -signal.SIGKILL)
    return process.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_killed_at_random_instants_and_resumed_by_the_same_command(
    office: Office, twin: Office
) -> None:
    instants = random.Random(20251001)
    kills = 0
    for file in FILES:
        began = time.monotonic()
        dry = office.process(*file.arguments(office), "--dry-run")
        usual_seconds = time.monotonic() - began
        assert dry.exit_code == 0
        before = office.head()
        for _ in range(KILLS_PER_FILE):
            kills += run_until_killed(office, file, usual_seconds * instants.uniform(0.25, 0.95))
            assert office.head() in (before, dry.document["head_block"])
        resumed = office.process(*file.arguments(office))
        assert (resumed.exit_code, resumed.stderr) == (0, "")
        document = resumed.document
        assert document["posted"] + document["already_posted"] == file.rows
        assert document["posted"] in (0, file.rows)
    assert kills >= AT_LEAST
    assert office.balances() == twin.balances()
    assert head_hash(office) == head_hash(twin)
    assert book_rows(office)["entries"] == book_rows(twin)["entries"]
    expect_book_as_rebuilt(office)


KILL_AT = """
import importlib, os, signal, sys
module, owner, method, when, count = sys.argv[1:6]
owner = getattr(importlib.import_module(module), owner)
real = getattr(owner, method)
left = int(count)
def dying(*arguments, **named):
    global left
    left -= 1
    if left == 0 and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    done = real(*arguments, **named)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
setattr(owner, method, dying)
from ledger.cli import main
main(sys.argv[6:])
"""
"""Runs `pledger` and dies by SIGKILL before or after the nth call of one method."""

INSTANTS = {
    "before the refs are kept": ("ledger.posting", "_Posting", "_keeping", "before", "1", False),
    "after the refs are kept": ("ledger.posting", "_Posting", "_arrived", "before", "1", False),
    "after the first transaction": ("ledger.outbox", "Outbox", "send", "after", "1", False),
    "after the last transaction": ("ledger.outbox", "Outbox", "send", "after", "2", False),
    "before the block is on disk": ("ledger.chain.store", "Batch", "commit", "before", "1", False),
    "after the block is on disk": ("ledger.chain.store", "Batch", "commit", "after", "1", True),
    "before the book knows": ("ledger.book", "Book", "commit", "before", "1", True),
    "after the book knows": ("ledger.book", "Book", "commit", "after", "1", True),
}


@pytest.mark.parametrize("instant", INSTANTS)
def test_killed_at_a_decisive_instant(office: Office, instant: str) -> None:
    *place, posted = INSTANTS[instant]
    file = FILES[0]
    office.balances()
    before = office.head()
    killed = subprocess.run(
        [sys.executable, "-c", KILL_AT, *map(str, place), *file.arguments(office)],
        env=office.variables({}),
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed
    assert (office.head() > before) == posted
    if place[1] in ("Batch", "Book"):
        # Whatever comes of the block, the texts behind its ids are on the disk before it.
        refs = sqlite3.connect(office.home / "refs.sqlite")
        assert "L-7" in {ref for _, ref in every(refs)}
        refs.close()
    expect_resumed(office, file, posted=posted)
    assert office.loan("L-7")["borrower_ref"] == "B-7"
    expect_book_as_rebuilt(office)


def test_killed_before_the_folder_is_a_ledger_leaves_no_ledger(office: Office) -> None:
    config, home = office.folder / "consortium.toml", office.folder / "second"
    arguments = ["init", str(home), "--config", str(config), "--dev"]
    place = ("ledger.chain.store", "Batch", "commit", "after", "2")
    killed = subprocess.run(
        [sys.executable, "-c", KILL_AT, *place, *arguments], env=office.variables({})
    )
    assert killed.returncode == -signal.SIGKILL
    assert office.run("deal", "list", "--ledger", home).exit_code == 4
    assert office.run(*arguments).exit_code == 2, "what is there is left for its owner to remove"
