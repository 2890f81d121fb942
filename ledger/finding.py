"""Finding: loans by the start of their refs, and those booked last, among a million.

The refs of a folder are kept by id, so that an index of their texts is made beside them, in a file
of its own: it follows the book, holds nothing that is not elsewhere, and may be thrown away.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ledger import reading
from ledger.entries import loan_id
from ledger.errors import UsageInvalid

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.ledger import Ledger
    from ledger.records import Loan

FILE = "search.sqlite"
STEP = 5_000
"""Loans that one step adds: about a tenth of a second."""
_VERSION = 1
_SCHEMA = """
CREATE TABLE texts (
  deal INTEGER NOT NULL, ref TEXT NOT NULL, loan_id BLOB NOT NULL, entry INTEGER NOT NULL,
  PRIMARY KEY (deal, ref, loan_id)) WITHOUT ROWID;
CREATE INDEX texts_by_entry ON texts (deal, entry);
CREATE TABLE progress (entry INTEGER NOT NULL, loan_id BLOB NOT NULL);
"""
_AFTER_ALL = "\U0010ffff"
"""No text that begins alike sorts after this."""


def loans(ledger: Ledger, deal: reading.Deal, start: str, *, most: int) -> list[bytes]:
    """Ids of loans of a deal whose ref begins so, by ref; one of that very ref comes first.

    That one is found whatever the index has. Loans booked last may be missing while it is made
    for the first time: see `follow`.
    """
    found: dict[bytes, None] = {}
    try:
        own: bytes = loan_id(ledger.salt(deal.name), start)
    except UsageInvalid:
        own = b""
    if own and reading.loan(ledger.book(), deal.deal, own) is not None:
        found[own] = None
    with _index(ledger) as index:
        _step(ledger, index, STEP)
        query = (
            "SELECT loan_id FROM texts WHERE deal = ? AND ref >= ? AND ref < ? ORDER BY ref LIMIT ?"
        )
        values = deal.deal, start, start + _AFTER_ALL, most
        found |= {row[0]: None for row in index.execute(query, values)}
    return list(found)[:most]


def newest(ledger: Ledger, deal: reading.Deal, *, most: int) -> list[Loan]:
    """The loans of a deal that were booked last, the last first."""
    with _index(ledger) as index:
        _step(ledger, index, STEP)
        query = "SELECT loan_id FROM texts WHERE deal = ? ORDER BY entry DESC LIMIT ?"
        ids = [row[0] for row in index.execute(query, (deal.deal, most))]
    known = (reading.loan(ledger.book(), deal.deal, one) for one in ids)
    return [one for one in known if one is not None]


def follow(ledger: Ledger, *, stop: Callable[[], bool] = lambda: False) -> None:
    """Bring the index to the end of the book, a step at a time, until that or `stop` says so."""
    with _index(ledger) as index:
        while not stop() and _step(ledger, index, STEP) == STEP:
            pass


def _step(ledger: Ledger, index: sqlite3.Connection, most: int) -> int:
    """Add the next loans of the book; returns how many."""
    book = ledger.book()
    index.execute("BEGIN IMMEDIATE")
    try:
        entry, last = index.execute("SELECT entry, loan_id FROM progress").fetchone()
        if entry and reading.booking_at(book, entry) != last:
            # The book was made anew from another chain: so is the index.
            index.execute("DELETE FROM texts")
            entry = 0
        added = reading.bookings_after(book, entry, most)
        index.executemany(
            "INSERT OR REPLACE INTO texts VALUES (?, ?, ?, ?)",
            ((one.deal, ledger.ref(one.loan_id), one.loan_id, one.entry) for one in added),
        )
        if added:
            place = added[-1].entry, added[-1].loan_id
            index.execute("UPDATE progress SET entry = ?, loan_id = ?", place)
        index.execute("COMMIT")
    except BaseException:
        if index.in_transaction:
            index.execute("ROLLBACK")
        raise
    return len(added)


@contextmanager
def _index(ledger: Ledger) -> Iterator[sqlite3.Connection]:
    path = ledger.directory / FILE
    try:
        connection = _open(path)
    except sqlite3.DatabaseError:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        connection = _open(path)
    try:
        yield connection
    finally:
        connection.close()


def _open(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if connection.execute("PRAGMA user_version").fetchone() != (_VERSION,):
            _make(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if connection.execute("PRAGMA user_version").fetchone() != (_VERSION,):
        for table in ("texts", "progress"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO progress VALUES (0, x'')")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")
