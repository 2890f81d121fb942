"""Pools: what banks froze for securitisation, and what was replaced in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from ledger import events
from ledger.events import Event, Place


class Pools:
    """Folds the events of Pools."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.appliers: Mapping[type[Event], Callable[[Any, Place], None]] = {
            events.PoolFrozen: self._frozen,
            events.PoolSubstituted: self._substituted,
        }

    def _frozen(self, event: events.PoolFrozen, place: Place) -> None:
        self._connection.execute(
            "INSERT INTO pools VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*event, *place)
        )

    def _substituted(self, event: events.PoolSubstituted, place: Place) -> None:
        self._connection.execute(
            "INSERT INTO pool_substitutions VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*event, *place),
        )
