"""Ids: the numbers of entries by the start of their ids, put in so that it never costs more.

Ids are as good as random: in one long index each of a day's would lie on a page of its own, to be
read and written for that one row. The newest ones go into a short table, whose pages are shared;
when there are enough of them they are put into the long one in order, many to a page.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from ledger.records import KEY_BYTES, KEY_OF_ID

WORTH_GATHERING = 1 << 18
"""So many entries are gathered at once when there is time,"""
MOST_RECENT = 1 << 19
"""and so many in any case."""
KEYS_AT_ONCE = 1_000
"""So many ids are looked for by one query."""
_KEY = KEY_OF_ID.format(id="entry_id")


class Ids:
    """The numbers of entries while a run is folded, and what is kept of their ids."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._last: int | None = None
        self._written = 0

    @property
    def last(self) -> int:
        """The number of the entry just before; 0 before the first."""
        if self._last is None:
            query = "SELECT coalesce(max(entry), 0) FROM entries"
            (self._last,) = self._connection.execute(query).fetchone()
            self._written = self._last
        return self._last

    def next(self) -> int:
        """The number of an entry that is added."""
        number = (self.last if self._last is None else self._last) + 1
        self._last = number
        return number

    def write(self) -> None:
        """Put in those of the run's entries, which must be in their table."""
        if self.last > self._written:
            self._connection.execute(
                # OR FAIL: else SQLite copies each page first, to undo this statement alone.
                "INSERT OR FAIL INTO recent_ids"
                f" SELECT kind = 'booking', {_KEY}, entry FROM entries"
                " WHERE entry > ? ORDER BY 1, 2, 3",
                (self._written,),
            )
            self._written = self.last

    def gather(self) -> None:
        """Put the recent ones in with all others once there are enough."""
        self._gather(self.last)

    def gather_settled(self, block: int, least: int | None = None) -> None:
        """The same, for entries of blocks up to this one, once there are so many."""
        query = "SELECT entry FROM entries WHERE block <= ? ORDER BY entry DESC LIMIT 1"
        row = self._connection.execute(query, (block,)).fetchone()
        self._gather(row[0] if row else 0, least)

    def forget(self) -> None:
        """The run is over, or dropped."""
        self._last = None

    def _gather(self, last: int, least: int | None = None) -> None:
        query = "SELECT coalesce(max(entry), 0) FROM gathered"
        (gathered,) = self._connection.execute(query).fetchone()
        if last - gathered < (MOST_RECENT if least is None else least):
            return
        self._connection.execute(
            "INSERT OR FAIL INTO gathered_ids"
            " SELECT * FROM recent_ids WHERE entry <= ? ORDER BY 1, 2, 3",
            (last,),
        )
        self._connection.execute("DELETE FROM recent_ids WHERE entry <= ?", (last,))
        self._connection.execute("DELETE FROM gathered")
        self._connection.execute("INSERT INTO gathered VALUES (?)", (last,))


def rows_with_keys(
    connection: sqlite3.Connection, query: str, ids: Sequence[bytes], *others: object
) -> Iterator[Any]:
    """Rows of a query with `IN ({keys})`, for so many ids that one by one would take far longer.

    `others`: what its later parameters are. Rows of ids that begin alike are among them.
    """
    # In order: neighbours lie on one page, and from one to the next is a short way.
    keys = sorted(one[:KEY_BYTES] for one in ids)
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = keys[start : start + KEYS_AT_ONCE]
        asked = query.format(keys=", ".join("?" * len(some)))
        yield from connection.execute(asked, (*some, *others))
