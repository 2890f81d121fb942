"""Book: what the chain's events come to, as tables. A pure fold: no chain, no clock, no division.

The book can be thrown away at any time: folding the events from block 1 on gives the same rows.
It lives in an SQLite connection given by the caller, a file or memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from ledger.events import Event, Place
from ledger.folding.agreements import Agreements
from ledger.folding.at_hand import AtHand
from ledger.folding.balances import Balances
from ledger.folding.days import Days
from ledger.folding.financing import Financing
from ledger.folding.guarantees import Guarantees
from ledger.folding.lending import Lending
from ledger.folding.membership import Membership
from ledger.folding.pools import Pools
from ledger.folding.register import Register
from ledger.folding.settlements import Settlements
from ledger.folding.vouchers import Vouchers
from ledger.records import TABLES, has_tables, make_tables

_CACHE_KIB = 65_536


class Book:
    """Folds events into tables. `commit` after each run of blocks."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take over a connection; makes the tables when there are none."""
        self.connection = connection
        connection.isolation_level = None
        if not has_tables(connection):
            make_tables(connection)
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._at_hand = AtHand(connection)
        self._balances = Balances()
        self._register = Register(connection)
        parts = (
            Membership(connection),
            Agreements(self._at_hand, self._balances),
            Days(self._at_hand),
            Lending(self._at_hand, self._balances),
            Guarantees(self._at_hand, self._balances),
            Settlements(self._at_hand, self._balances),
            Vouchers(self._at_hand, self._register, self._balances),
            Financing(self._at_hand, self._register, self._balances),
            Pools(connection),
        )
        self._appliers: Mapping[type[Event], Callable[[Any, Place], None]] = {
            kind: applier for part in parts for kind, applier in part.appliers.items()
        }

    @property
    def at(self) -> tuple[int, bytes]:
        """Number and hash of the last block whose events are in; (0, b"") for an empty book."""
        block, block_hash = self.connection.execute(
            "SELECT block, block_hash FROM progress"
        ).fetchone()
        return block, block_hash

    def expect_within(self, head: int, head_hash: bytes) -> None:
        """Empty a book of another chain than the one with this head, so that it is made anew."""
        block, block_hash = self.at
        if block > head or (block == head and block_hash != head_hash):
            for table in TABLES:
                self.connection.execute(f"DELETE FROM {table}")
            self.connection.execute("INSERT INTO progress VALUES (0, x'')")
            self._at_hand.forget_deals()

    def begin(self) -> None:
        """Start a run of blocks; nothing of it is seen before `commit`."""
        self.connection.execute("BEGIN IMMEDIATE")

    def apply(self, event: Event, place: Place) -> None:
        """Fold one event, in chain order."""
        applier = self._appliers.get(type(event))
        if applier is not None:
            applier(event, place)

    def commit(self, block: int, block_hash: bytes) -> None:
        """Keep everything applied so far as the state after `block`."""
        self._at_hand.write()
        self._register.write()
        self._balances.write(self.connection)
        self._forget()
        self.connection.execute(
            "UPDATE progress SET block = ?, block_hash = ?", (block, block_hash)
        )
        self.connection.execute("COMMIT")

    def write_balances(self) -> None:
        """Write what was posted so far, within the run, for who reads balances before its end."""
        self._balances.write(self.connection)
        self._balances.forget()

    def rollback(self) -> None:
        """Forget everything since `begin`."""
        self._forget()
        self._at_hand.forget_deals()
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _forget(self) -> None:
        """Drop what is at hand: written, or no longer true."""
        self._at_hand.forget_run()
        self._register.forget()
        self._balances.forget()
