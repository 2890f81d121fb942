"""Refs: the texts behind ids, in the one file of a ledger's folder that cannot be made anew.

Ids are as good as random, so the newest go into a short table, and when there are enough of them
those that are new are added to the others in order: else each would have a page of the disk written
for itself. The others lie as they came; in the order of their ids lies only the start of each, so
that few pages change when some are added.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager

from ledger.beside import beside

MOST_RECENT = 1 << 18
"""About so many are gathered at once."""
_RECENT, _GATHERED, _OLDER = "recent_refs", "gathered_refs", "refs"
_CLUSTERED = "CREATE TABLE IF NOT EXISTS {} (id BLOB PRIMARY KEY, ref TEXT NOT NULL) WITHOUT ROWID"
_TABLES = (
    _CLUSTERED.format(_RECENT),
    _CLUSTERED.format(_OLDER),
    f"CREATE TABLE IF NOT EXISTS {_GATHERED}"
    " (number INTEGER PRIMARY KEY, id BLOB NOT NULL, ref TEXT NOT NULL)",
    # Who finds a row by it compares the id.
    f"CREATE INDEX IF NOT EXISTS refs_by_id ON {_GATHERED} (substr(id, 1, 8))",
)
_SAME = {
    _RECENT: "id = {id}",
    _GATHERED: "substr(id, 1, 8) = substr({id}, 1, 8) AND id = {id}",
    # What a file had when an older version wrote it; nothing is added.
    _OLDER: "id = {id}",
}
_CACHE_KIB = 32_768


def make_tables(connection: sqlite3.Connection) -> None:
    """Make what is missing; a file of an older version keeps what it has where it is."""
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    for table in _TABLES:
        connection.execute(table)


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
            _gather(connection)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            failed.append(error)

    _put(connection, refs)
    # What is left takes few statements: row by row, two threads would wait for one another.
    try:
        with beside(commit):
            yield
    finally:
        if failed and connection.in_transaction:
            connection.execute("ROLLBACK")
    if failed:
        raise failed[0]


def _put(connection: sqlite3.Connection, refs: Iterable[tuple[bytes, str]]) -> None:
    # Neighbours in the index meet on one page: it is read and written once.
    given = sorted(refs)
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(f"INSERT OR IGNORE INTO {_RECENT} VALUES (?, ?)", given)
        # How many were put in since they were gathered, those that were there included.
        (recent,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {recent + len(given)}")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _gather(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA user_version").fetchone()[0] < MOST_RECENT:
        return
    new = " AND ".join(_missing(name, _RECENT) for name in (_GATHERED, _OLDER))
    connection.execute(
        # OR FAIL: else SQLite copies each page first, to undo this statement alone.
        f"INSERT OR FAIL INTO {_GATHERED} (id, ref)"
        f" SELECT id, ref FROM {_RECENT} WHERE {new} ORDER BY id"
    )
    connection.execute(f"DELETE FROM {_RECENT}")
    connection.execute("PRAGMA user_version = 0")


def text_of(connection: sqlite3.Connection, own: bytes) -> str | None:
    """The text behind an id."""
    row = connection.execute(_text_in(_SAME), (own,)).fetchone()
    return None if row is None else str(row[0])


def texts_of(connection: sqlite3.Connection, ids: Collection[bytes]) -> dict[bytes, str]:
    """Those of some ids that a file knows, also one of an older version, opened to read only."""
    query = _text_in(_parts(connection))
    rows = ((own, connection.execute(query, (own,)).fetchone()) for own in ids)
    return {own: str(row[0]) for own, row in rows if row is not None}


def _text_in(tables: Iterable[str]) -> str:
    return " UNION ALL ".join(
        f"SELECT ref FROM {name} WHERE {_SAME[name].format(id='?1')}" for name in tables
    )


def every(connection: sqlite3.Connection) -> Iterator[tuple[bytes, str]]:
    """All pairs of id and text of a file, also one of an older version."""
    parts = _parts(connection)
    for at, name in enumerate(parts):
        # What was kept again waits in the short table although it is in another.
        others = parts[at + 1 :] if name == _RECENT else []
        new = " AND ".join(["1", *(_missing(other, name) for other in others)])
        found = connection.execute(f"SELECT id, ref FROM {name} WHERE {new}")
        for own, ref in found:
            yield bytes(own), str(ref)


def _parts(connection: sqlite3.Connection) -> list[str]:
    """The tables that the file has, the short one first."""
    known = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    return [name for name in _SAME if name in known]


def _missing(table: str, other: str) -> str:
    """The condition that a row of another table is not in this one."""
    return f"NOT EXISTS (SELECT 1 FROM {table} WHERE {_SAME[table].format(id=f'{other}.id')})"
