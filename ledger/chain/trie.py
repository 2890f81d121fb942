"""Trie: the Merkle Patricia trie of the present state, kept by path.

A node lies in the store under its path from the root, not under its hash: updating it overwrites
it, so the store holds the present state once and nothing of the past, and neighbours in the trie
are neighbours on the disk. Roots are those of every Ethereum client. A node read is compared with
the hash its parent has of it, so a changed node is found where it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from ledger.chain.rlp_slices import decode_kept, encode_items
from ledger.keccak import keccak

EMPTY_ROOT: bytes = keccak(b"\x80")
_HASH_BYTES = 32
_EVEN_LEAF, _ODD_LEAF = 2, 3
_HEX = b"0123456789abcdef"
_TO_NIBBLES = bytes.maketrans(_HEX, bytes(range(16)))
_FROM_NIBBLES = bytes.maketrans(bytes(range(16)), _HEX)
# Above this many decoded nodes the older half is forgotten, to bound memory. Of a million keys it
# is all nodes above the last two levels.
_KNOWN_NODES = 80_000
# A node with fewer children than this is passed too rarely to be kept beyond a block; so many of
# them are held at most.
_FEW_CHILDREN, _PASSING_NODES = 6, 20_000

Node = list[Any]
"""Branch: 16 references and a value. Leaf or extension: compact path, then value or reference."""
Reference = Any
"""How a parent names a child: its hash, or the child itself when its RLP is short, or b""."""
Pairs = Sequence[tuple[bytes, bytes]]
"""Path in nibbles and value, ascending."""


class Nodes(Protocol):
    """Where a trie's nodes lie."""

    def load(self, path: bytes) -> bytes | None:
        """RLP of the node at a path."""
        ...

    def save(self, path: bytes, encoded: bytes) -> None:
        """Put a node at a path."""
        ...

    def drop(self, path: bytes) -> None:
        """Remove the node at a path."""
        ...


class NodeDamaged(Exception):
    """The node at a path is missing or is not the one its parent names."""

    def __init__(self, path: bytes, expected: bytes, found: bytes | None) -> None:
        super().__init__(path.hex())
        self.path = path
        self.expected = expected
        self.found = found


class Trie:
    """A trie whose keys, as nibbles, all have the same length. Values are not empty."""

    def __init__(self, nodes: Nodes, root: bytes, known: dict[bytes, Node] | None = None) -> None:
        """A trie with this root. `known`: decoded nodes by hash, which tries may share."""
        self._nodes = nodes
        self._known: dict[bytes, Node] = {} if known is None else known
        self._passing: dict[bytes, Node] = {}
        self.root = root

    def get(self, key: bytes) -> bytes:
        """The value at `key` (nibbles), or b""."""
        path = b""
        reference: Reference = b"" if self.root == EMPTY_ROOT else self.root
        while reference != b"":
            node = self._resolve(path, reference)
            if len(node) == 17:
                path = key[: len(path) + 1]
                reference = node[path[-1]]
                continue
            segment, leaf = expand(node[0])
            path += segment
            if not key.startswith(path):
                return b""
            if leaf:
                return bytes(node[1])
            reference = node[1]
        return b""

    def prove(self, key: bytes) -> list[bytes]:
        """RLP of the nodes from the root towards `key`, as far as there are any (EIP-1186).

        They prove the value at `key`, or that there is none.
        """
        found: list[bytes] = []
        path = b""
        reference: Reference = b"" if self.root == EMPTY_ROOT else self.root
        while reference != b"":
            node = self._resolve(path, reference)
            if isinstance(reference, bytes):
                found.append(encode_items(node))
            if len(node) == 17:
                path = key[: len(path) + 1]
                reference = node[path[-1]]
                continue
            segment, leaf = expand(node[0])
            path += segment
            if leaf or not key.startswith(path):
                break
            reference = node[1]
        return found

    def update(self, changes: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Set values (b"" removes) and return the new root, with all changed nodes saved."""
        pairs = sorted(changes)
        if not pairs:
            return self.root
        old = None if self.root == EMPTY_ROOT else self._resolve(b"", self.root)
        new = self._apply(b"", old, pairs)
        if new is None:
            if old is not None:
                self._drop(b"")
            self.root = EMPTY_ROOT
        else:
            encoded = encode_items(new)
            self.root = keccak(encoded)
            self._save(b"", self.root, new, encoded)
        self._passing.clear()
        return self.root

    def _apply(self, path: bytes, node: Node | None, pairs: Pairs) -> Node | None:
        """The node to lie at `path` once the pairs, which all start with `path`, are set."""
        if node is None:
            return self._build(path, [pair for pair in pairs if pair[1]])
        if len(node) == 17:
            return self._apply_to_branch(path, node, pairs)
        segment, leaf = expand(node[0])
        if leaf:
            values = {path + segment: node[1], **dict(pairs)}
            return self._build(path, sorted(pair for pair in values.items() if pair[1]))
        below = path + segment
        shared = min(_shared_length(below, pairs[0][0]), _shared_length(below, pairs[-1][0]))
        if shared == len(below):
            child = self._apply(below, self._resolve(below, node[1]), pairs)
            return self._join(path, segment, node[1], child)
        # Some keys leave the extension: a branch takes the place where the first does.
        fork = below[:shared]
        children: Node = [b""] * 17
        rest = below[shared + 1 :]
        children[below[shared]] = node[1]
        if rest:
            extension = [compact(rest, leaf=False), node[1]]
            children[below[shared]] = self._store(below[: shared + 1], b"", extension)
        branch = self._apply_to_branch(fork, children, pairs)
        return self._join(path, fork[len(path) :], b"", branch)

    def _apply_to_branch(self, path: bytes, node: Node, pairs: Pairs) -> Node | None:
        children = list(node)
        depth = len(path)
        start, emptied = 0, False
        while start < len(pairs):
            nibble = pairs[start][0][depth]
            end = start + 1
            while end < len(pairs) and pairs[end][0][depth] == nibble:
                end += 1
            at = pairs[start][0][: depth + 1]
            old = children[nibble]
            child = self._resolve(at, old) if old != b"" else None
            new = self._store(at, old, self._apply(at, child, pairs[start:end]))
            children[nibble] = new
            emptied = emptied or new == b""
            start = end
        return self._collapse(path, children) if emptied else children

    def _collapse(self, path: bytes, children: Node) -> Node | None:
        """A branch left with one child gives way to it."""
        live = [nibble for nibble in range(16) if children[nibble] != b""]
        if len(live) > 1:
            return children
        if not live:
            return None
        segment = bytes(live)
        reference = children[live[0]]
        child = self._resolve(path + segment, reference)
        return self._join(path, segment, reference, child)

    def _build(self, path: bytes, pairs: Pairs) -> Node | None:
        """A new subtree of the pairs."""
        if not pairs:
            return None
        depth = len(path)
        first = pairs[0][0]
        if len(pairs) == 1:
            return [compact(first[depth:], leaf=True), pairs[0][1]]
        fork = first[: _shared_length(first, pairs[-1][0])]
        branch = self._apply_to_branch(fork, [b""] * 17, pairs)
        return self._join(path, fork[depth:], b"", branch)

    def _join(self, path: bytes, segment: bytes, old: Reference, child: Node | None) -> Node | None:
        """The node to lie at `path` when `child` comes `segment` below, in place of `old`."""
        if not segment:
            return child
        at = path + segment
        if child is not None and len(child) == 17:
            return [compact(segment, leaf=False), self._store(at, old, child)]
        if len(old) == _HASH_BYTES and isinstance(old, bytes):
            self._drop(at)
        if child is None:
            return None
        rest, leaf = expand(child[0])
        return [compact(segment + rest, leaf=leaf), child[1]]

    def _store(self, path: bytes, old: Reference, node: Node | None) -> Reference:
        """Save a node in place of the one `old` names; the reference to it."""
        was_stored = isinstance(old, bytes) and len(old) == _HASH_BYTES
        encoded = encode_items(node) if node is not None else b""
        if len(encoded) < _HASH_BYTES:
            if was_stored:
                self._drop(path)
            return b"" if node is None else node
        reference = keccak(encoded)
        if reference != old:
            assert node is not None
            self._save(path, reference, node, encoded)
            if was_stored:
                self._known.pop(old, None)
        return reference

    def _resolve(self, path: bytes, reference: Reference) -> Node:
        if isinstance(reference, list):
            return reference
        node = self._known.get(reference) or self._passing.get(reference)
        if node is None:
            encoded = self._nodes.load(path)
            if encoded is None or keccak(encoded) != reference:
                raise NodeDamaged(path, reference, encoded)
            node = decode_kept(encoded)
            self._remember(reference, node)
        return node

    def _save(self, path: bytes, reference: bytes, node: Node, encoded: bytes) -> None:
        self._nodes.save(path, encoded)
        self._remember(reference, node)

    def _drop(self, path: bytes) -> None:
        self._nodes.drop(path)

    def _remember(self, reference: bytes, node: Node) -> None:
        if len(node) == 17 and node.count(b"") <= 17 - _FEW_CHILDREN:
            if len(self._known) >= _KNOWN_NODES:
                for one in list(self._known)[: _KNOWN_NODES // 2]:
                    self._known.pop(one, None)
            self._known[reference] = node
            return
        if len(self._passing) >= _PASSING_NODES:
            self._passing.clear()
        self._passing[reference] = node


def nibbles_of(key: bytes) -> bytes:
    """One byte per half byte."""
    return key.hex().encode().translate(_TO_NIBBLES)


def compact(path: bytes, *, leaf: bool) -> bytes:
    """Compact form of a path of nibbles (yellow paper, appendix C)."""
    flag = _EVEN_LEAF if leaf else 0
    prefixed = bytes([flag + 1]) + path if len(path) % 2 else bytes([flag, 0]) + path
    return bytes.fromhex(prefixed.translate(_FROM_NIBBLES).decode())


def expand(compacted: bytes) -> tuple[bytes, bool]:
    """The path and whether it ends in a leaf."""
    nibbles = nibbles_of(compacted)
    return nibbles[1 if nibbles[0] & 1 else 2 :], nibbles[0] >= _EVEN_LEAF


def _shared_length(one: bytes, other: bytes) -> int:
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    return next(at for at in range(length) if one[at] != other[at])
