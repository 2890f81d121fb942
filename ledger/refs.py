"""Refs: the texts behind ids, in the one file of a ledger's folder that cannot be made anew.

Ids are as good as random, so the newest go into a short table and are put into the long one in
order when there are enough of them: else each would have a page of the disk written for itself.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

MOST_RECENT = 1 << 18
"""About so many are gathered at once."""
_LONG, _SHORT = "refs", "recent_refs"
_TABLE = "CREATE TABLE IF NOT EXISTS {} (id BLOB PRIMARY KEY, ref TEXT NOT NULL) WITHOUT ROWID"


def make_tables(connection: sqlite3.Connection) -> None:
    """Make what is missing; a file of an older version has the long table alone."""
    for name in (_LONG, _SHORT):
        connection.execute(_TABLE.format(name))


def keep(connection: sqlite3.Connection, refs: Iterable[tuple[bytes, str]]) -> None:
    """Keep pairs of id and text, all or none, and wait until they are on the disk."""
    with keeping(connection, refs):
        pass


@contextmanager
def keeping(connection: sqlite3.Connection, refs: Iterable[tuple[bytes, str]]) -> Iterator[None]:
    """The same while other work goes on: at the end of it they are on the disk.

    Meanwhile nobody else uses the connection, which must allow another thread to.
    """
    failed: list[sqlite3.Error] = []

    def commit() -> None:
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            failed.append(error)

    _put(connection, refs)
    # There only the disk is waited for: row by row, two threads would wait for one another.
    thread = threading.Thread(target=commit)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        if failed and connection.in_transaction:
            connection.execute("ROLLBACK")
    if failed:
        raise failed[0]


def _put(connection: sqlite3.Connection, refs: Iterable[tuple[bytes, str]]) -> None:
    # Neighbours in the index meet on one page: it is read and written once.
    given = sorted(refs)
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(f"INSERT OR IGNORE INTO {_SHORT} VALUES (?, ?)", given)
        # How many were put in since they were gathered, those that were there included.
        (recent,) = connection.execute("PRAGMA user_version").fetchone()
        recent += len(given)
        if recent >= MOST_RECENT:
            connection.execute(f"INSERT OR IGNORE INTO {_LONG} SELECT * FROM {_SHORT} ORDER BY id")
            connection.execute(f"DELETE FROM {_SHORT}")
            recent = 0
        connection.execute(f"PRAGMA user_version = {recent}")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def text_of(connection: sqlite3.Connection, own: bytes) -> str | None:
    """The text behind an id."""
    one = "SELECT ref FROM {} WHERE id = ?1"
    query = f"{one.format(_SHORT)} UNION ALL {one.format(_LONG)}"
    row = connection.execute(query, (own,)).fetchone()
    return None if row is None else str(row[0])


def texts_of(connection: sqlite3.Connection, ids: Collection[bytes]) -> dict[bytes, str]:
    """Those of some ids that a file knows, also one of an older version, opened to read only."""
    found = {}
    for table in _tables(connection):
        query = f"SELECT ref FROM {table} WHERE id = ?"
        for own in ids:
            row = connection.execute(query, (own,)).fetchone()
            if row is not None:
                found[own] = str(row[0])
    return found


def _tables(connection: sqlite3.Connection) -> list[str]:
    known = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    return [name for name in (_SHORT, _LONG) if name in known]


def every(connection: sqlite3.Connection) -> Iterator[tuple[bytes, str]]:
    """All pairs of id and text of a file, also one of an older version."""
    query = f"SELECT id, ref FROM {_LONG}"
    found = connection.execute("SELECT name FROM sqlite_master WHERE name = ?", (_SHORT,))
    if found.fetchone() is not None:
        query += (
            f" UNION ALL SELECT id, ref FROM {_SHORT}"
            f" WHERE NOT EXISTS (SELECT 1 FROM {_LONG} WHERE {_LONG}.id = {_SHORT}.id)"
        )
    for own, ref in connection.execute(query):
        yield bytes(own), str(ref)
