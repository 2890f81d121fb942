"""What can wait of the book is done beside a long run's contracts, by a connection of its own."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ledger import book as book_module
from ledger import disk, reading
from ledger.book import Book
from ledger.disk import put_in_order
from ledger.entries import entry_id, loan_id
from ledger.folding import ids
from ledger.founding import BOOK_FILE
from ledger.ledger import Ledger
from tests.sdk.made_events import rows
from tests.sdk.sdk_office import DEAL, SERVICER, booking, repayment

LOANS = [f"L-{at}" for at in range(40)]
FEW = 30


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few ids are worth gathering, and some loans are a long run."""
    monkeypatch.setattr(book_module, "WORTH_GATHERING", FEW)
    monkeypatch.setattr(disk, "_MANY_REFS", 2 * len(LOANS))


def post(ledger: Ledger, at: int = 0, loans: list[str] = LOANS) -> None:
    if at:
        entries = [repayment(f"R-{loan}/{at}", loan) for loan in loans]
        ledger.submit(entries, deal=DEAL, by=SERVICER)
    else:
        ledger.submit([booking(loan) for loan in loans], deal=DEAL, by=SERVICER)


def held(connection: sqlite3.Connection) -> tuple[int, int]:
    """How many ids were gathered, and how many were not."""
    (gathered,), (recent,) = (
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        for table in ("gathered_ids", "recent_ids")
    )
    return gathered, recent


def in_the_file(folder: Path, copy: Path) -> int:
    """Entries in the file of the book without its log."""
    shutil.copy(folder / BOOK_FILE, copy)
    with closing(sqlite3.connect(copy)) as alone:
        return int(alone.execute("SELECT count(*) FROM entries").fetchone()[0])


def expect_found(ledger: Ledger) -> None:
    book, salt = ledger.book(), ledger.salt(DEAL)
    for loan in LOANS:
        found = reading.loan(book, 1, loan_id(salt, loan))
        assert found is not None and found.sequence == 2
        assert reading.entry(book, 1, entry_id(salt, f"R-{loan}/1")) is not None
        assert len(reading.entries_of_loan(book, 1, found.loan_id)) == 2


@contextmanager
def writing(folder: Path) -> Iterator[sqlite3.Connection]:
    """Another process that writes the book."""
    with closing(sqlite3.connect(folder / BOOK_FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_a_long_run_gathers_ids_and_empties_the_log_of_the_one_before(
    soon: None, ledger: Ledger, folder: Path, tmp_path: Path
) -> None:
    post(ledger)
    connection = ledger._book.connection
    assert held(connection) == (0, len(LOANS))
    assert in_the_file(folder, tmp_path / "copy") == 0, "a commit leaves its pages in the log"
    post(ledger, 1)
    assert held(connection) == (len(LOANS), len(LOANS)), "those of the run itself wait"
    assert in_the_file(folder, tmp_path / "copy") == len(LOANS)
    expect_found(ledger)


def test_it_is_over_before_the_run_is_kept_and_in_another_thread(
    soon: None, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.book()
    begun, done = Book.begin, disk.put_in_order
    order: list[tuple[str, bool]] = []

    def note(what: str) -> None:
        order.append((what, threading.current_thread() is threading.main_thread()))

    def put(path: Path) -> None:
        done(path)
        note("in order")

    def begin(book: Book) -> None:
        note("folded")
        begun(book)

    monkeypatch.setattr(disk, "put_in_order", put)
    monkeypatch.setattr(Book, "begin", begin)
    post(ledger)
    assert order == [("in order", False), ("folded", False)]


def test_a_short_run_does_without(soon: None, ledger: Ledger, folder: Path, tmp_path: Path) -> None:
    post(ledger)
    post(ledger, 1, LOANS[1:])
    post(ledger, 1, LOANS[:1])
    assert held(ledger._book.connection) == (0, 2 * len(LOANS))
    assert in_the_file(folder, tmp_path / "copy") == 0
    expect_found(ledger)


def test_too_few_wait_on(soon: None, ledger: Ledger, folder: Path, tmp_path: Path) -> None:
    few = LOANS[: FEW - 1]
    post(ledger, loans=few)
    put_in_order(folder / BOOK_FILE)
    assert held(ledger._book.connection) == (0, FEW - 1)
    post(ledger, loans=LOANS[:FEW])
    put_in_order(folder / BOOK_FILE)
    assert held(ledger._book.connection) == (FEW, 0)
    assert in_the_file(folder, tmp_path / "copy") == FEW


def test_nobody_waits_for_a_book_that_another_process_writes(
    soon: None, ledger: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(ledger)
    before = rows(ledger.book())
    gather, patience = Book.gather, []

    def asked(book: Book) -> None:
        patience.append(*book.connection.execute("PRAGMA busy_timeout").fetchone())
        gather(book)

    monkeypatch.setattr(Book, "gather", asked)
    with writing(folder):
        put_in_order(folder / BOOK_FILE)
        assert patience == [0]
        assert rows(ledger.book()) == before
        assert held(ledger._book.connection) == (0, len(LOANS))
    put_in_order(folder / BOOK_FILE)
    assert held(ledger._book.connection) == (len(LOANS), 0)
    post(ledger, 1)
    expect_found(ledger)


KILLED = """
import os, signal, sys
from pathlib import Path
from ledger import book, disk
from ledger.folding.ids import Ids
gather = Ids.gather_settled
def dying(*arguments, **named):
    gather(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
book.WORTH_GATHERING = 1
Ids.gather_settled = dying
disk.put_in_order(Path(sys.argv[1]))
"""
"""Dies with the ids gathered and that not committed."""


def test_killed_while_it_gathers_it_has_gathered_none(
    soon: None, ledger: Ledger, folder: Path
) -> None:
    post(ledger)
    post(ledger, 1, LOANS[:1])
    post(ledger, 1, LOANS[1:])
    path = folder / BOOK_FILE
    before = rows(ledger.book())
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert held(ledger._book.connection) == (0, 2 * len(LOANS))
    assert rows(ledger.book()) == before
    expect_found(ledger)
    put_in_order(path)
    assert held(ledger._book.connection) == (2 * len(LOANS), 0)
    expect_found(ledger)


def test_what_fails_there_fails_nothing_else(
    soon: None, ledger: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    post(ledger)
    with monkeypatch.context() as patch:
        patch.setattr(ids.Ids, "gather_settled", full)
        post(ledger, 1)
    assert held(ledger._book.connection) == (0, 2 * len(LOANS))
    post(ledger, 2)
    assert held(ledger._book.connection) == (2 * len(LOANS), len(LOANS))


def test_what_may_fall_out_of_the_chain_is_not_gathered(soon: None, ledger: Ledger) -> None:
    post(ledger)
    book = ledger._book
    book.begin()
    at = book.at
    book.begin_unsettled(at[0] + 1, bytes(32))
    columns = [row[1] for row in book.connection.execute("PRAGMA table_info (entries)")]
    copied = ", ".join({"entry": "NULL", "block": "block + 1"}.get(one, one) for one in columns)
    book.connection.execute(f"INSERT INTO entries SELECT {copied} FROM entries LIMIT 1")
    book.connection.execute("INSERT INTO recent_ids SELECT 1, x'00', max(entry) FROM entries")
    book.commit(at[0] + 1, bytes(32))
    book.gather()
    assert held(book.connection) == (len(LOANS), 1)


def test_the_log_of_many_short_runs_does_not_grow_for_ever(
    folder: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(disk, "_MOST_LOGGED", 60)
    with closing(ledger):
        post(ledger)
    with Ledger.open(folder) as again:
        lengths = []
        for at in range(1, 12):
            post(again, at)
            lengths.append((folder / f"{BOOK_FILE}-wal").stat().st_size // 4096)
    assert lengths[0] < 60, "one run alone is not too long"
    assert max(lengths) < 100, lengths
