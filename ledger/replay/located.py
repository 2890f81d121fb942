"""Located: failures with the hash of their transaction, the ref of their entry, the party's id.

What a replay finds it finds by numbers and ids. The names are looked up at the end, for the few
things that are wrong: refs only where a ledger's own folder is replayed, for they never are on the
chain.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from eth_hash.auto import keccak

from ledger.founding import REFS_FILE
from ledger.refs import texts_of
from ledger.replay.report import Failure, shown

_OF_NO_ENTRY = frozenset(("borrowers",))
"""Checks that are about somebody, not about an entry."""


class Transactions:
    """The hash of every transaction that was read, in a table of SQLite's own.

    In memory, on disk once it is large.
    """

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute(
            "CREATE TABLE hashes (block INTEGER, tx INTEGER, hash BLOB, PRIMARY KEY (block, tx))"
            " WITHOUT ROWID"
        )

    def add(self, block: int, raws: Iterable[bytes]) -> None:
        """Remember the transactions of a block."""
        rows = [(block, index, keccak(raw)) for index, raw in enumerate(raws)]
        self._connection.executemany("INSERT OR REPLACE INTO hashes VALUES (?, ?, ?)", rows)

    def hash_of(self, block: int, index: int) -> bytes:
        """Hash of a transaction; empty for one that was not read."""
        row = self._connection.execute(
            "SELECT hash FROM hashes WHERE block = ? AND tx = ?", (block, index)
        ).fetchone()
        return bytes(row[0]) if row else b""

    def close(self) -> None:
        """Forget them."""
        self._connection.close()


def refs_of(folder: Path, ids: Collection[bytes]) -> dict[bytes, str]:
    """The refs that a ledger's own folder knows behind ids; none in an exported folder."""
    path = folder / REFS_FILE
    if not path.is_file():
        return {}
    try:
        uri = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return texts_of(connection, ids)
    except sqlite3.Error:
        # A damaged file of refs says nothing about the chain: ids go in hex then.
        return {}


def located(
    failures: Sequence[Failure],
    *,
    hash_of: Callable[[int, int], bytes],
    members: Mapping[int, str],
    folder: Path,
) -> tuple[Failure, ...]:
    """The failures, the earliest cause first, with all names that are known.

    `members` is number to id; `folder` is what was replayed.
    """
    refs = refs_of(folder, {failure.about for failure in failures if failure.about})

    def named(failure: Failure) -> Failure:
        transaction_hash, entry, account = b"", "", failure.account
        if failure.transaction is not None:
            transaction_hash = hash_of(failure.block, failure.transaction)
        if failure.about and failure.check not in _OF_NO_ENTRY:
            entry = refs.get(failure.about, shown(failure.about))
        if account is not None:
            account = account._replace(party=members.get(account.number, ""))
        return replace(failure, transaction_hash=transaction_hash, entry=entry, account=account)

    # Stable: of one place in the order in which they were found.
    return tuple(sorted(map(named, failures), key=lambda failure: failure.order))
