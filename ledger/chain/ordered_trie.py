"""Ordered trie: the root hash over a block's transactions or receipts, by their positions.

Built bottom up in one pass, because nothing ever looks inside: the items themselves are stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth_hash.auto import keccak
from rlp.codec import encode_raw

EMPTY_ROOT = keccak(b"\x80")

Reference = Any
"""A node by its hash (bytes), or a short node itself (a list of references)."""


def root_of(items: Sequence[bytes]) -> bytes:
    """Root of the Merkle Patricia trie from RLP(position) to item."""
    if not items:
        return EMPTY_ROOT
    pairs = sorted((_nibbles(_position_key(at)), item) for at, item in enumerate(items))
    return keccak(encode_raw(_node(pairs, 0)))


def hex_prefix(nibbles: bytes, *, leaf: bool) -> bytes:
    """Compact form of a path of nibbles (yellow paper, appendix C)."""
    flag = 2 if leaf else 0
    if len(nibbles) % 2:
        padded = bytes([flag + 1]) + nibbles
    else:
        padded = bytes([flag, 0]) + nibbles
    return bytes(high << 4 | low for high, low in zip(padded[::2], padded[1::2], strict=True))


def reference_to(node: list[Reference]) -> Reference:
    """How a parent names a node: itself when its RLP is under 32 bytes, else its hash."""
    encoded = encode_raw(node)
    return node if len(encoded) < 32 else keccak(encoded)


def _node(pairs: Sequence[tuple[bytes, bytes]], depth: int) -> list[Reference]:
    first, value = pairs[0]
    if len(pairs) == 1:
        return [hex_prefix(first[depth:], leaf=True), value]
    shared = _shared_length(first, pairs[-1][0])
    if shared > depth:
        branch = _node(pairs, shared)
        return [hex_prefix(first[depth:shared], leaf=False), reference_to(branch)]
    children: list[Reference] = [b""] * 17
    start = 0
    for end in range(1, len(pairs) + 1):
        nibble = pairs[start][0][depth]
        if end == len(pairs) or pairs[end][0][depth] != nibble:
            children[nibble] = reference_to(_node(pairs[start:end], depth + 1))
            start = end
    return children


def _shared_length(one: bytes, other: bytes) -> int:
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))


def _position_key(position: int) -> bytes:
    return encode_raw(position.to_bytes((position.bit_length() + 7) // 8, "big"))


def _nibbles(key: bytes) -> bytes:
    return bytes(nibble for byte in key for nibble in (byte >> 4, byte & 15))
