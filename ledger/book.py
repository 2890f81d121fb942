"""Book: what the chain's events come to, as tables. A pure fold: no chain, no clock, no division.

The book can be thrown away at any time: folding the events from block 1 on gives the same rows.
It lives in an SQLite connection given by the caller, a file or memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ledger.events import Event, Place
from ledger.folding.agreements import Agreements
from ledger.folding.at_hand import AtHand
from ledger.folding.balances import Balances
from ledger.folding.days import Days
from ledger.folding.financing import Financing
from ledger.folding.guarantees import Guarantees
from ledger.folding.ids import WORTH_GATHERING
from ledger.folding.lending import Lending
from ledger.folding.membership import Membership
from ledger.folding.pools import Pools
from ledger.folding.register import Register
from ledger.folding.settlements import Settlements
from ledger.folding.unsettled import Folded, Unsettled
from ledger.folding.vouchers import Vouchers
from ledger.records import TABLES, Loan, has_tables, make_tables

_CACHE_KIB = 131_072


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
        self._unsettled = Unsettled(connection)
        self._left_at = self.at
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

    @property
    def unsettled(self) -> list[Folded]:
        """The last blocks, as far as they may fall out of the chain again, in order."""
        return self._unsettled.blocks()

    @property
    def settled(self) -> int:
        """Number of the last block that cannot fall out any more."""
        before = self._unsettled.settled()
        return self.at[0] if before is None else before.block

    def empty(self) -> None:
        """Forget everything, within a run: it is of another chain, and the book is made anew."""
        self._unsettled.stop()
        for table in TABLES:
            self.connection.execute(f"DELETE FROM {table}")
        self.connection.execute("INSERT INTO progress VALUES (0, x'')")
        self._at_hand.forget_deals()

    def undo(self) -> None:
        """Take back the last of the unsettled blocks, within a run."""
        self._unsettled.undo_last()
        self._at_hand.forget_deals()

    def settle(self, block: int) -> None:
        """The blocks up to this one stay; what is applied next is not to be undone."""
        self._unsettled.stop()
        self._unsettled.settle(block)
        self._at_hand.ids.gather_settled(self.settled)

    def begin(self) -> None:
        """Start a run of blocks; nothing of it is seen before `commit`."""
        self.connection.execute("BEGIN IMMEDIATE")
        if self.at != self._left_at:
            # Another process folded, or undid, what is known of deals here.
            self._at_hand.forget_deals()

    def begin_unsettled(self, block: int, block_hash: bytes) -> None:
        """What is applied next, within a run, is of a block that may have to be undone."""
        self._unsettled.record(Folded(block, block_hash), Folded(*self.at))

    def take(self, loans: Iterable[Loan]) -> None:
        """Loans as the tables have them, which need not be read again; they will be changed."""
        self._at_hand.take(loans)

    def apply(self, event: Event, place: Place) -> None:
        """Fold one event, in chain order."""
        applier = self._appliers.get(type(event))
        if applier is not None:
            applier(event, place)

    def apply_all(self, events: Sequence[tuple[Event, Place]]) -> None:
        """Fold events, in chain order, with one look for the loans that they change."""
        self._at_hand.look_up(event for event, _ in events)
        for event, place in events:
            self.apply(event, place)

    def write(self) -> None:
        """Write everything applied so far; the run goes on."""
        self._at_hand.write()
        if not self._unsettled.recording and not self._unsettled.settled():
            self._at_hand.ids.gather()
        self._register.write()
        self._balances.write(self.connection)
        self._forget()

    def keep(self, block: int, block_hash: bytes) -> None:
        """Everything applied so far is the state after `block`; the run goes on."""
        self.write()
        self.connection.execute(
            "UPDATE progress SET block = ?, block_hash = ?", (block, block_hash)
        )

    def commit(self, block: int, block_hash: bytes) -> None:
        """Keep everything applied so far as the state after `block`, and end the run."""
        self.keep(block, block_hash)
        self._unsettled.stop()
        self.connection.execute("COMMIT")
        self._left_at = block, block_hash

    def gather(self) -> None:
        """Between runs: gather ids that wait for it, which a run then need not do."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            self._at_hand.ids.gather_settled(self.settled, least=WORTH_GATHERING)
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

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
        self._unsettled.stop()

    def _forget(self) -> None:
        """Drop what is at hand: written, or no longer true."""
        self._at_hand.forget_run()
        self._register.forget()
        self._balances.forget()
