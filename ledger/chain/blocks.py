"""Blocks: how sealed blocks lie in the store, and how they are written to a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ledger.chain.accounts import check_state_root
from ledger.chain.clique import Snapshot, decode_snapshot, encode_snapshot
from ledger.chain.engine import Head
from ledger.chain.headers import Header, decode_header, header_of
from ledger.chain.ordered_trie import root_of
from ledger.chain.records import encoded_receipt
from ledger.chain.rlp_slices import decode_items, decode_kept, encode_items
from ledger.chain.store import Batch, Table, View
from ledger.errors import ChainCorrupt

if TYPE_CHECKING:
    from ledger.chain.pending import PendingBlock

HEAD, SNAPSHOT, PROPOSALS, GENESIS = b"head", b"snapshot", b"proposals", b"genesis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A sealed block."""

    header: Header
    transactions: tuple[bytes, ...]
    """Signed transactions as they were sent."""

    def encode(self) -> bytes:
        """RLP of the block, as `geth export` writes it."""
        items = [raw if raw[0] < 0x80 else decode_items(raw) for raw in self.transactions]
        return encode_items([self.header.items(), items, []])


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadState:
    """The newest block with what sealing the next one needs."""

    header: Header
    snapshot: Snapshot

    @property
    def head(self) -> Head:
        """As the engine reports it."""
        return Head(
            number=self.header.block_number,
            block_hash=self.header.hash,
            state_root=self.header.state_root,
            timestamp=self.header.timestamp,
        )


def decode_block(encoded: bytes) -> Block:
    """The block of its RLP. Raises `rlp` exceptions, `ValueError` or `TypeError`."""
    header, items, uncles = decode_items(encoded)
    if uncles:
        raise ValueError("uncles")
    return Block(
        header=header_of(header),
        transactions=tuple(
            item if isinstance(item, bytes) else encode_items(item) for item in items
        ),
    )


def block_key(number: int) -> bytes:
    """Key of a header; prefix of the keys of its transactions and receipts."""
    return number.to_bytes(8, "big")


def place_key(number: int, index: int) -> bytes:
    """Key of a transaction or receipt."""
    return block_key(number) + index.to_bytes(4, "big")


def read_header(view: View, number: int) -> Header:
    """Header of a block that must be there. Raises `ChainCorrupt`."""
    return _decoded_header(view.need(Table.HEADERS, block_key(number)))


@lru_cache(maxsize=1024)
def _decoded_header(encoded: bytes) -> Header:
    return decode_header(encoded)


def read_block(view: View, number: int) -> Block:
    """A block that must be there. Raises `ChainCorrupt`."""
    pairs = view.scan(Table.TRANSACTIONS, block_key(number), block_key(number + 1))
    return Block(header=read_header(view, number), transactions=tuple(raw for _, raw in pairs))


def read_head(view: View) -> HeadState:
    """The head as of the view's commit. Raises `ChainCorrupt`."""
    number_bytes, block_hash = decode_kept(view.need(Table.META, HEAD))
    view.block = int.from_bytes(number_bytes, "big")
    header = read_header(view, view.block)
    if header.hash != block_hash:
        raise ChainCorrupt(
            view.block, expected=f"hash 0x{block_hash.hex()}", found=f"0x{header.hash.hex()}"
        )
    return HeadState(header=header, snapshot=decode_snapshot(view.need(Table.META, SNAPSHOT)))


def check_head(view: View) -> HeadState:
    """Check that the newest block is there whole and is what its header says.

    The cost depends on that block only, not on the chain's length. Raises `ChainCorrupt`.
    """
    state = read_head(view)
    header, number = state.header, state.header.block_number
    block = read_block(view, number)
    records = view.scan(Table.RECEIPTS, block_key(number), block_key(number + 1))
    receipts = [encoded_receipt(record) for _, record in records]
    _expect_root(number, "transactionsRoot", header.transaction_root, root_of(block.transactions))
    _expect_root(number, "receiptsRoot", header.receipt_root, root_of(receipts))
    check_state_root(view, header.state_root)
    return state


def write_block(batch: Batch, header: Header, pending: PendingBlock) -> None:
    """Put a sealed block into the batch."""
    number = header.block_number
    batch.put(Table.HEADERS, block_key(number), header.encode())
    batch.put(Table.NUMBERS, header.hash, block_key(number))
    for index, raw in enumerate(pending.transactions):
        place = place_key(number, index)
        batch.put(Table.TRANSACTIONS, place, raw)
        batch.put(Table.RECEIPTS, place, pending.records[index])
        batch.put(Table.LOOKUPS, pending.hashes[index], place)


def write_head(batch: Batch, state: HeadState) -> None:
    """Make a block in the batch the newest."""
    head = [block_key(state.header.block_number), state.header.hash]
    batch.put(Table.META, HEAD, encode_items(head))
    batch.put(Table.META, SNAPSHOT, encode_snapshot(state.snapshot))


def previous_hashes(view: View, number: int) -> Iterator[bytes]:
    """Hashes of the 256 blocks before block `number`, newest first."""
    for before in range(number - 1, max(-1, number - 257), -1):
        yield read_header(view, before).hash


def _expect_root(number: int, name: str, expected: bytes, found: bytes) -> None:
    if expected != found:
        raise ChainCorrupt(number, expected=f"{name} 0x{expected.hex()}", found=f"0x{found.hex()}")
