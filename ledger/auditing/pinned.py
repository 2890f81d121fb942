"""Pinned: a ledger as it stood at one block, whatever was posted since.

A pack says of which block it is; whoever checks it later reads the ledger at that block again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.bindings import decode_event
from ledger.book import Book
from ledger.errors import UsageInvalid
from ledger.events import Place
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.chain.engine import Head, Log
    from ledger.ledger import Ledger

DAY_SECONDS = 86_400


@dataclass(slots=True)
class Pinned:
    """The ledger's book and chain up to a block."""

    ledger: Ledger
    book: Book
    head: Head
    _times: dict[int, int] = field(default_factory=dict)

    def logs(self) -> Iterator[Log]:
        """The logs of the ledger's contracts up to the block, in chain order."""
        ours = set(self.ledger.settings.contracts.values())
        found = self.ledger.engine.logs(1, self.head.number)
        return (log for log in found if log.address in ours and log.topics)

    def at(self, block: int) -> int:
        """When a block was sealed, Unix seconds."""
        if block not in self._times:
            self._times[block] = head_at(self.ledger, block).timestamp
        return self._times[block]

    def sender(self, log: Log) -> bytes:
        """The address whose key signed the transaction of a log."""
        return _sender(self.ledger, log)


@contextmanager
def pinned(ledger: Ledger, block: int | None = None, block_hash: bytes = b"") -> Iterator[Pinned]:
    """A ledger at a block; None: at its head. Nobody who folds meanwhile changes it.

    Raises `UsageInvalid` where the ledger has no block of that number and hash.
    """
    book = ledger.book()
    number = book.at[0] if block is None else block
    head = head_at(ledger, number)
    if block_hash and head.block_hash != block_hash:
        raise _unknown(number, block_hash, head.block_hash)
    if number == book.at[0]:
        book.connection.execute("BEGIN")
        try:
            yield Pinned(ledger, book, head)
        finally:
            book.connection.execute("ROLLBACK")
        return
    connection = sqlite3.connect(":memory:")
    try:
        earlier = Pinned(ledger, Book(connection), head)
        earlier.book.begin()
        for log in earlier.logs():
            event = decode_event(log)
            if event is not None:
                place = Place(log.block_number, log.transaction_index, log.log_index)
                earlier.book.apply(event, place)
        earlier.book.commit(number, head.block_hash)
        yield earlier
    finally:
        connection.close()


def head_at(ledger: Ledger, number: int) -> Head:
    """A block as if it were the newest. Raises `UsageInvalid` where the chain is shorter."""
    found = ledger.engine.head_at(number)
    if found is None:
        raise _unknown(number, b"", b"")
    return found


def _sender(ledger: Ledger, log: Log) -> bytes:
    from ledger.chain.local import LocalEngine
    from ledger.chain.rpc import RpcEngine

    engine = ledger.engine
    if isinstance(engine, LocalEngine):
        from eth.vm.forks.london.transactions import LondonTransactionBuilder

        block = engine.block(log.block_number)
        assert block is not None, "a log of a block that is not there"
        raw = block.transactions[log.transaction_index]
        return bytes(LondonTransactionBuilder.decode(raw).sender)
    assert isinstance(engine, RpcEngine)
    found = engine.request("eth_getTransactionByHash", "0x" + log.transaction_hash.hex())
    return bytes.fromhex(found["from"][2:])


def _unknown(number: int, expected: bytes, found: bytes) -> UsageInvalid:
    return UsageInvalid(
        text("audit.block_unknown", block=number),
        expected="0x" + expected.hex() if expected else "",
        found="0x" + found.hex() if found else "-",
        fix=text("audit.block_unknown_fix"),
    )
