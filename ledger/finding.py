"""Finding: loans by the start of their refs, and those booked last, among a million.

The refs of a folder are kept by id, so that an index of their texts is made beside them, in a file
of its own: it follows the book, holds nothing that is not elsewhere, and may be thrown away.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ledger import reading
from ledger.entries import loan_id
from ledger.errors import UsageInvalid
from ledger.founding import REFS_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.ledger import Ledger
    from ledger.reading import Booking
    from ledger.records import Loan

FILE = "search.sqlite"
STEP = 5_000
"""Loans that one step adds: about a tenth of a second."""
_PATIENCE_MS = 20
_VERSION = 2
_SCHEMA = """
CREATE TABLE texts (
  deal INTEGER NOT NULL, ref TEXT NOT NULL, loan_id BLOB NOT NULL, entry INTEGER NOT NULL,
  PRIMARY KEY (deal, ref, loan_id)) WITHOUT ROWID;
CREATE INDEX texts_by_entry ON texts (deal, entry);
CREATE TABLE unknown (entry INTEGER PRIMARY KEY, deal INTEGER NOT NULL, loan_id BLOB NOT NULL);
CREATE TABLE progress (
  entry INTEGER NOT NULL, loan_id BLOB NOT NULL, looked INTEGER NOT NULL, asked INTEGER NOT NULL,
  refs TEXT NOT NULL);
"""
_AFTER_ALL = "\U0010ffff"
"""No text that begins alike sorts after this."""
_AFTER_EVERY_ENTRY = (1 << 63) - 1


def loans(
    ledger: Ledger, deal: reading.Deal, start: str, *, most: int, after: bytes = b""
) -> list[bytes]:
    """Ids of loans of a deal whose ref begins so, by ref; one of that very ref comes first.

    `after`: only those whose ref comes after the ref of that loan. The one of that very ref is
    found whatever the index has. Loans booked last may be missing while it is made for the first
    time: see `follow`.
    """
    found: dict[bytes, None] = {}
    try:
        own: bytes = loan_id(ledger.salt(deal.name), start)
    except UsageInvalid:
        own = b""
    if own and not after and reading.loan(ledger.book(), deal.deal, own) is not None:
        found[own] = None
    with _index(ledger) as index:
        _step_at_once(ledger, index)
        sign, low = (">", ledger.ref(after)) if after else (">=", start)
        query = (
            f"SELECT loan_id FROM texts WHERE deal = ? AND ref {sign} ? AND ref < ?"
            " ORDER BY ref LIMIT ?"
        )
        values = deal.deal, low, start + _AFTER_ALL, most
        found |= {row[0]: None for row in index.execute(query, values)}
    return list(found)[:most]


def newest(ledger: Ledger, deal: reading.Deal, *, most: int, before: bytes = b"") -> list[Loan]:
    """The loans of a deal that were booked last, the last first; `before`: before that loan."""
    with _index(ledger) as index:
        _step_at_once(ledger, index)
        booked = reading.entry(ledger.book(), deal.deal, before, booking=True) if before else None
        query = "SELECT loan_id FROM texts WHERE deal = ? AND entry < ? ORDER BY entry DESC LIMIT ?"
        last = booked.number if booked else _AFTER_EVERY_ENTRY
        ids = [row[0] for row in index.execute(query, (deal.deal, last, most))]
    known = (reading.loan(ledger.book(), deal.deal, one) for one in ids)
    return [one for one in known if one is not None]


def follow(ledger: Ledger, *, stop: Callable[[], bool] = lambda: False) -> None:
    """Bring the index to the end of the book, a step at a time, until that or `stop` says so."""
    with _index(ledger) as index:
        while not stop() and _step(ledger, index, STEP) == STEP:
            pass


def _step_at_once(ledger: Ledger, index: sqlite3.Connection) -> None:
    """A step, unless somebody else is at one: whoever looks for a loan does not wait for it."""
    index.execute(f"PRAGMA busy_timeout = {_PATIENCE_MS}")
    try:
        _step(ledger, index, STEP)
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY:
            raise


def _step(ledger: Ledger, index: sqlite3.Connection, most: int) -> int:
    """Add the next loans of the book, and refs learnt since; returns how many were looked at."""
    book, refs = ledger.book(), _state_of_refs(ledger)
    index.execute("BEGIN IMMEDIATE")
    try:
        query = "SELECT entry, loan_id, looked, asked, refs FROM progress"
        entry, last, looked, asked, seen = index.execute(query).fetchone()
        if entry and reading.booking_at(book, entry) != last:
            # The book was made anew from another chain: so is the index.
            index.execute("DELETE FROM texts")
            index.execute("DELETE FROM unknown")
            entry = looked = 0
        added = reading.bookings_after(book, max(entry, looked), most)
        _add(ledger, index, added)
        if added:
            place = added[-1].entry, added[-1].loan_id
            index.execute("UPDATE progress SET entry = ?, loan_id = ?", place)
        if len(added) < most:
            # What follows the last loan is not gone through again, but for what may fall out.
            looked = reading.last_entry(book, book.settled)
        asked = asked if refs == seen else 0
        again = _unknown_after(index, asked, most - len(added))
        _add(ledger, index, again)
        asked = again[-1].entry if again else asked
        values = looked, asked, refs
        index.execute("UPDATE progress SET looked = ?, asked = ?, refs = ?", values)
        index.execute("COMMIT")
    except BaseException:
        if index.in_transaction:
            index.execute("ROLLBACK")
        raise
    return len(added) + len(again)


def _add(ledger: Ledger, index: sqlite3.Connection, loans: Sequence[Booking]) -> None:
    """Loans under their refs; one whose ref is not known here under its id, to be asked again."""
    known, unknown = [], []
    for one in loans:
        ref, own = ledger.ref(one.loan_id), "0x" + one.loan_id.hex()
        known.append((one.deal, ref, one.loan_id, one.entry))
        if ref == own:
            unknown.append((one.entry, one.deal, one.loan_id))
        else:
            place = one.deal, own, one.loan_id
            index.execute("DELETE FROM texts WHERE deal = ? AND ref = ? AND loan_id = ?", place)
            index.execute("DELETE FROM unknown WHERE entry = ?", (one.entry,))
    index.executemany("INSERT OR REPLACE INTO texts VALUES (?, ?, ?, ?)", known)
    index.executemany("INSERT OR REPLACE INTO unknown VALUES (?, ?, ?)", unknown)


def _unknown_after(index: sqlite3.Connection, entry: int, most: int) -> list[Booking]:
    """The next loans whose refs were not known, to be asked for once more."""
    query = "SELECT entry, deal, loan_id FROM unknown WHERE entry > ? ORDER BY entry LIMIT ?"
    return [reading.Booking(*row) for row in index.execute(query, (entry, most))]


def _state_of_refs(ledger: Ledger) -> str:
    """Another one whenever refs were learnt, here or by another process."""
    state = []
    for suffix in ("", "-wal"):
        try:
            found = (ledger.directory / (REFS_FILE + suffix)).stat()
            state.append(f"{found.st_mtime_ns}/{found.st_size}")
        except FileNotFoundError:
            state.append("-")
    return " ".join(state)


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
        for table in ("texts", "unknown", "progress"):
            connection.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO progress VALUES (0, x'', 0, 0, '')")
        connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("COMMIT")
