"""Moment: one commit of the chain, as one request sees it from its start to its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from ledger.chain.blocks import (
    Block,
    HeadState,
    block_key,
    place_key,
    read_block,
    read_head,
    read_header,
)
from ledger.chain.drafting import QuickComputation
from ledger.chain.execution import LedgerState, state_at
from ledger.chain.headers import Header
from ledger.chain.local import LocalEngine
from ledger.chain.store import Table, View
from ledger.node.callers import Caller
from ledger.node.difficulty import TotalDifficulty
from ledger.node.pool import Pool
from ledger.node.recent import RecentStates
from ledger.node.refusals import failed
from ledger.node.values import PENDING, BlockName, as_data

ALL = (1 << 32) - 1
"""More than a block's transactions."""


@dataclass(kw_only=True)
class Moment:
    """What a method works on."""

    caller: Caller
    engine: LocalEngine
    view: View
    pool: Pool
    totals: TotalDifficulty
    recent: RecentStates
    head: HeadState = field(init=False)

    def __post_init__(self) -> None:
        self.head = read_head(self.view)

    @cached_property
    def chain_id(self) -> int:
        """The chain's id."""
        return self.engine.chain_id

    @property
    def number(self) -> int:
        """Number of the newest block."""
        return int(self.head.header.block_number)

    def find(self, name: BlockName) -> int | None:
        """Number of the block a request names; of the newest for `pending`. None: no such one."""
        if name.block_hash:
            number = self.view.get(Table.NUMBERS, name.block_hash)
            return None if number is None else int.from_bytes(number, "big")
        if name.tag == "earliest":
            return 0
        # Nobody can take back a block of this chain: its newest is final.
        number_named = self.number if name.tag else name.number
        return number_named if number_named <= self.number else None

    def header(self, number: int) -> Header:
        """Header of a block that is there."""
        return self.head.header if number == self.number else read_header(self.view, number)

    def block(self, number: int) -> Block:
        """A block that is there."""
        return read_block(self.view, number)

    def raw_transactions(self, number: int) -> list[bytes]:
        """A block's transactions as they were sent."""
        pairs = self.view.scan(Table.TRANSACTIONS, block_key(number), block_key(number + 1))
        return [raw for _, raw in pairs]

    def raw_transaction(self, number: int, index: int) -> bytes | None:
        """A transaction by its place."""
        return self.view.get(Table.TRANSACTIONS, place_key(number, index))

    def place(self, transaction_hash: bytes) -> tuple[int, int] | None:
        """Block and index of a transaction."""
        place = self.view.get(Table.LOOKUPS, transaction_hash)
        if place is None:
            return None
        return int.from_bytes(place[:8], "big"), int.from_bytes(place[8:], "big")

    def records(self, number: int, first: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Index and stored receipt of a block's transactions from `first` up to `end`."""
        pairs = self.view.scan(Table.RECEIPTS, place_key(number, first), place_key(number, end))
        for place, record in pairs:
            yield int.from_bytes(place[8:], "big"), record

    @contextmanager
    def state(self, name: BlockName) -> Iterator[LedgerState]:
        """The state after a block, to read and to execute on. Raises `RpcRefused`."""
        if name.tag == PENDING:
            with self.pool.pending_state() as pending:
                if pending is not None:
                    yield pending
                    return
        number = self.find(name)
        if number is None:
            raise failed("header for hash not found" if name.block_hash else "header not found")
        if number == self.number:
            yield _quick(state_at(self.view, self.head, self.chain_id))
            return
        with self.recent.state(number) as state:
            if state is None:
                # Tools know these words for it.
                root = as_data(self.header(number).state_root)
                raise failed(
                    f"missing trie node {root[2:]} (path ) state {root} is not available: "
                    "this node keeps the state of the newest blocks alone"
                )
            yield _quick(state)


def _quick(state: LedgerState) -> LedgerState:
    state.computation_class = QuickComputation
    return state
