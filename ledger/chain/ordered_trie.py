"""Ordered trie: the root hash over a block's transactions or receipts, by their positions."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.chain.rlp_slices import encode_items, integer
from ledger.chain.trie import EMPTY_ROOT, Trie, nibbles_of


class _Nowhere:
    """Nodes that only the root is wanted of: the items themselves are stored elsewhere."""

    def load(self, path: bytes) -> bytes | None:
        return None

    def save(self, path: bytes, encoded: bytes) -> None:
        pass

    def drop(self, path: bytes) -> None:
        pass


def root_of(items: Sequence[bytes]) -> bytes:
    """Root of the Merkle Patricia trie from RLP(position) to item."""
    pairs = [(nibbles_of(_position_key(at)), item) for at, item in enumerate(items)]
    return Trie(_Nowhere(), EMPTY_ROOT).update(pairs)


def _position_key(position: int) -> bytes:
    return encode_items(integer(position))
