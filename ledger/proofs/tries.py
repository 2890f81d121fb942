"""Tries: what shows one transaction or receipt to somebody who has the root in a block's header.

A path is the nodes from the root down, as RLP; a node that lies inside its parent because it is
short is not listed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import rlp
from eth_hash.auto import keccak
from rlp.codec import encode_raw
from rlp.exceptions import RLPException

from ledger.chain.rlp_slices import expect_shallow
from ledger.chain.trie import EMPTY_ROOT, Trie, compact, expand, nibbles_of

_HASH_BYTES = 32
_BRANCH, _PAIR = 17, 2
_Node = list[Any]


class PathBroken(Exception):
    """A path that does not show what it should; says which node and why."""

    def __init__(self, node: int, why: str) -> None:
        """`node`: its place in the path, from 0."""
        super().__init__(f"node {node}: {why}")


class _ByPath(dict[bytes, bytes]):
    """Nodes by their paths, all kept."""

    def load(self, path: bytes) -> bytes | None:
        return self.get(path)

    def save(self, path: bytes, encoded: bytes) -> None:
        self[path] = encoded

    def drop(self, path: bytes) -> None:
        del self[path]


# ---- making


def path_to(items: Sequence[bytes], index: int) -> list[bytes]:
    """The path to an item of a block, from 0, in the trie from RLP(index) to item.

    Raises `IndexError`.
    """
    if not 0 <= index < len(items):
        raise IndexError(index)
    nodes = _ByPath()
    pairs = ((nibbles_of(key_of(at)), item) for at, item in enumerate(items))
    Trie(nodes, EMPTY_ROOT).update(pairs)
    key = nibbles_of(key_of(index))
    return [nodes[key[:end]] for end in range(len(key) + 1) if key[:end] in nodes]


def key_of(index: int) -> bytes:
    """The key of a block's item."""
    return bytes(encode_raw(index.to_bytes((index.bit_length() + 7) // 8, "big")))


# ---- verifying


def item_at(root: bytes, index: int, path: Sequence[bytes]) -> bytes:
    """The item of a block that a path shows. Raises `PathBroken`."""
    return value_at(root, key_of(index), path)


def value_at(root: bytes, key: bytes, path: Sequence[bytes]) -> bytes:
    """The value that a path shows at a key of the trie with this root. Raises `PathBroken`.

    Every node of the path must be used, and be in the one form that it can have.
    """
    return _Descent(path).to(root, nibbles_of(key))


class _Descent:
    """The way from the root to a value, node by node."""

    def __init__(self, path: Sequence[bytes]) -> None:
        self._listed: Iterator[bytes] = iter(path)
        self._left = len(path)
        self._at = -1

    def to(self, root: bytes, rest: bytes) -> bytes:
        """The value at a key, in nibbles."""
        node = self._named(root)
        while True:
            if len(node) == _BRANCH:
                if not rest:
                    return self._end(node[16])
                node, rest = self._child(node[rest[0]]), rest[1:]
                continue
            segment, is_leaf = self._segment(node[0])
            if not rest.startswith(segment):
                self._refuse("leads to another key")
            rest = rest[len(segment) :]
            if is_leaf:
                if rest:
                    self._refuse("ends before the key does")
                return self._end(node[1])
            if not segment:
                self._refuse("an extension by nothing")
            node = self._child(node[1])
            if len(node) != _BRANCH:
                self._refuse("an extension without a branch")

    def _end(self, value: Any) -> bytes:
        if not isinstance(value, bytes) or not value:
            self._refuse("has no value")
        if self._left:
            self._refuse(f"{self._left} nodes too many")
        return value

    def _child(self, reference: Any) -> _Node:
        if isinstance(reference, bytes):
            return self._named(reference)
        if len(encode_raw(reference)) >= _HASH_BYTES:
            self._refuse("a child too long to lie in its parent")
        return self._checked(reference)

    def _named(self, node_hash: bytes) -> _Node:
        """The next node listed, which must have this hash."""
        if len(node_hash) != _HASH_BYTES:
            self._refuse("leads nowhere")
        self._at += 1
        encoded = next(self._listed, None)
        if encoded is None:
            self._refuse("missing")
        self._left -= 1
        if keccak(encoded) != node_hash:
            self._refuse(f"hash 0x{keccak(encoded).hex()}, expected 0x{node_hash.hex()}")
        try:
            expect_shallow(encoded)
            node = rlp.decode(encoded)
        except RLPException as error:
            self._refuse(str(error))
        if self._at and len(encoded) < _HASH_BYTES:
            self._refuse("too short to be named by its hash")
        return self._checked(node)

    def _checked(self, node: Any) -> _Node:
        if not isinstance(node, list) or len(node) not in (_BRANCH, _PAIR):
            self._refuse("neither a branch nor a pair")
        return node

    def _segment(self, compacted: Any) -> tuple[bytes, bool]:
        if not isinstance(compacted, bytes) or not compacted:
            self._refuse("no compact path")
        segment, is_leaf = expand(compacted)
        if compact(segment, leaf=is_leaf) != compacted:
            self._refuse("a compact path in another form")
        return segment, is_leaf

    def _refuse(self, why: str) -> NoReturn:
        raise PathBroken(max(self._at, 0), why)
