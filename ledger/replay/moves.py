"""Moves: what the entries of a deal change beside their loans, put back into chain order.

Loans are reviewed one at a time; deposits, layers, months and exposures need all loans of a deal
in the order of the chain. Between the two passes lies a table of SQLite's own, so that memory does
not grow with the ledger.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from ledger.entries import Kind
from ledger.events import Place

_TABLE = """CREATE TEMP TABLE IF NOT EXISTS moves (
  deal INTEGER, block INTEGER, tx INTEGER, log INTEGER, version INTEGER, kind TEXT, sign INTEGER,
  entry_id BLOB, loan_id BLOB, date INTEGER, change_minor INTEGER, interest_minor INTEGER,
  loss_minor INTEGER, disbursed_minor INTEGER, outstanding_minor INTEGER, since_before INTEGER,
  since_after INTEGER, owed_minor INTEGER, layers TEXT, parts TEXT,
  PRIMARY KEY (deal, block, tx, log)) WITHOUT ROWID"""
_PENDING = 1_000


class Move(NamedTuple):
    """An entry on a loan, or the mirror of one."""

    place: Place
    version: int
    kind: Kind
    """Of a mirror that of the entry it mirrors."""
    sign: int
    """-1 for a mirror."""
    entry_id: bytes
    loan_id: bytes
    date: int
    """Of an overdue mark and a cure, which have none, the loan's start."""
    change_minor: int
    """Of what is outstanding."""
    interest_minor: int
    loss_minor: int
    disbursed_minor: int
    outstanding_minor: int
    """Of the loan, before."""
    since_before: int
    since_after: int
    owed_minor: int
    """What a compensation may come to."""
    layers_minor: list[int]
    """What each layer paid or got, or gave back."""
    parts_minor: list[int]
    """Of `change_minor`, by funder."""


class Moves:
    """Keeps moves by deal and gives them back in chain order."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._pending: list[tuple[object, ...]] = []
        connection.execute(_TABLE)
        connection.execute("DELETE FROM moves")

    def add(self, deal: int, move: Move) -> None:
        """Keep one."""
        (place, version, kind, *middle, layers, parts) = move
        lists = json.dumps(layers), json.dumps(list(parts))
        self._pending.append((deal, *place, version, kind.value, *middle, *lists))
        if len(self._pending) >= _PENDING:
            self._flush()

    def of_deal(self, deal: int) -> Iterator[Move]:
        """All of a deal, in chain order."""
        self._flush()
        rows = self._connection.execute(
            "SELECT * FROM moves WHERE deal = ? ORDER BY block, tx, log", (deal,)
        )
        for _, block, tx, log, version, kind, *middle, layers, parts in rows:
            lists = json.loads(layers), json.loads(parts)
            yield Move._make([Place(block, tx, log), version, Kind(kind), *middle, *lists])

    def close(self) -> None:
        """Drop them all. The table stays: another query may still be under way."""
        self._connection.execute("DELETE FROM moves")

    def _flush(self) -> None:
        marks = ", ".join("?" * 20)
        self._connection.executemany(f"INSERT INTO moves VALUES ({marks})", self._pending)
        self._pending.clear()
