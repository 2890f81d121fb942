"""Unsettled: the last blocks of the book, which may fall out of the chain, and how to undo them.

Folding such a block writes down, by triggers of its own connection alone, what takes each change of
a row back. Blocks that are final are folded without: nothing is written down for them.
"""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

_OWN_TABLES = ("unsettled", "undo")
_CHANGES = ("INSERT", "UPDATE", "DELETE")


class Folded(NamedTuple):
    """A block that is in the book."""

    block: int
    block_hash: bytes


class Unsettled:
    """What may be undone in a book."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._triggers: list[str] = []
        # Else a row that is replaced would be gone without a word.
        connection.execute("PRAGMA recursive_triggers = ON")

    def blocks(self) -> list[Folded]:
        """The blocks that may be undone, in order."""
        query = "SELECT block, block_hash FROM unsettled ORDER BY block"
        return [Folded(*row) for row in self._connection.execute(query)]

    def settled(self) -> Folded | None:
        """The block before them; None where there are none."""
        query = "SELECT before, before_hash FROM unsettled ORDER BY block LIMIT 1"
        row = self._connection.execute(query).fetchone()
        return None if row is None else Folded(*row)

    @property
    def recording(self) -> bool:
        """Whether what changes now is to be undone."""
        return bool(self._triggers)

    def record(self, block: Folded, before: Folded) -> None:
        """From here on until `stop` all changes belong to `block`, which comes after `before`."""
        self._connection.execute("INSERT INTO unsettled VALUES (?, ?, ?, ?)", (*block, *before))
        if not self._triggers:
            self._begin()

    def stop(self) -> None:
        """What changes from here on is not to be undone."""
        for name in self._triggers:
            self._connection.execute(f"DROP TRIGGER IF EXISTS temp.{name}")
        self._triggers.clear()

    def undo_last(self) -> None:
        """Take the last block back."""
        self.stop()
        (block,) = self._connection.execute("SELECT max(block) FROM unsettled").fetchone()
        query = "SELECT statement FROM undo WHERE block = ? ORDER BY number DESC"
        for (statement,) in self._connection.execute(query, (block,)).fetchall():
            self._connection.execute(statement)
        self._connection.execute("DELETE FROM undo WHERE block = ?", (block,))
        self._connection.execute("DELETE FROM unsettled WHERE block = ?", (block,))

    def settle(self, block: int) -> None:
        """Nothing up to this block is to be undone any more."""
        self._connection.execute("DELETE FROM undo WHERE block <= ?", (block,))
        self._connection.execute("DELETE FROM unsettled WHERE block <= ?", (block,))

    def _begin(self) -> None:
        tables = self._connection.execute(
            "SELECT name, sql FROM main.sqlite_master WHERE type = 'table'"
        ).fetchall()
        for table, made in tables:
            if table in _OWN_TABLES or table.startswith("sqlite_"):
                continue
            for change in _CHANGES:
                name = f"undo_{table}_{change.lower()}"
                statement = self._opposite(table, change, rowid="WITHOUT ROWID" not in made)
                self._connection.execute(
                    f"CREATE TEMP TRIGGER {name} AFTER {change} ON main.{table} BEGIN"
                    " INSERT INTO undo (block, statement)"
                    f" VALUES ((SELECT max(block) FROM unsettled), {statement}); END"
                )
                self._triggers.append(name)

    def _opposite(self, table: str, change: str, *, rowid: bool) -> str:
        """An expression for the statement that takes a change of a row back."""
        described = self._connection.execute(f"PRAGMA main.table_info({table})").fetchall()
        columns = [row[1] for row in described]
        key = ["rowid"] if rowid else [row[1] for row in described if row[5]]
        kept = columns
        if rowid and not any(row[5] and row[2] == "INTEGER" for row in described):
            kept = ["rowid", *columns]
        where = " || ' AND ".join(f"{name} = ' || {_literal('NEW', name)}" for name in key)
        if change == "INSERT":
            return f"'DELETE FROM {table} WHERE {where}"
        if change == "UPDATE":
            values = " || ', ".join(f"{name} = ' || {_literal('OLD', name)}" for name in columns)
            return f"'UPDATE {table} SET {values} || ' WHERE {where}"
        values = " || ', ' || ".join(_literal("OLD", name) for name in kept)
        return f"'INSERT INTO {table} ({', '.join(kept)}) VALUES (' || {values} || ')'"


def _literal(row: str, column: str) -> str:
    """An expression for a value as SQL; a text may hold what `quote` would end it at."""
    value = f"{row}.{column}"
    return (
        f"CASE typeof({value}) WHEN 'text' THEN 'CAST(x''' || hex({value}) || ''' AS TEXT)'"
        f" ELSE quote({value}) END"
    )
