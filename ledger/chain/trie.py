"""Trie: the Merkle Patricia trie of the present state, kept by path.

A node lies in the store under its path from the root, not under its hash: updating it overwrites
it, so the store holds the present state once and nothing of the past, and neighbours in the trie
are neighbours on the disk. Roots are those of every Ethereum client. A node read is compared with
the hash its parent has of it, so a changed node is found where it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Protocol

from ledger.chain.rlp_slices import content_of, items_of, list_of, string_item
from ledger.keccak import keccak

EMPTY_ROOT: bytes = keccak(b"\x80")
_HASH_BYTES = 32
_NOTHING, _HASH, _LIST = b"\x80", b"\xa0", 0xC0
_HASHED = len(_HASH) + _HASH_BYTES
_EVEN_LEAF, _ODD_LEAF = 2, 3
_HEX = b"0123456789abcdef"
_TO_NIBBLES = bytes.maketrans(_HEX, bytes(range(16)))
_FROM_NIBBLES = bytes.maketrans(bytes(range(16)), _HEX)
# Above this many branches the older half is forgotten, to bound memory. Of a million keys it is all
# those above the last two levels.
_KNOWN_NODES = 80_000
# A node with fewer children than this is passed too rarely to be kept beyond a block: to find it in
# so much memory takes as long as to read it. So many of them are held at most.
_FEW_CHILDREN, _PASSING_NODES = 6, 20_000

Reference = bytes
"""How a parent names a child, as it stands in the parent's RLP: the RLP of its hash, or that of the
child itself when it is shorter than a hash, or that of b""."""
Node = Sequence[Reference]
"""RLP of its items. Branch: 16 references and no value. Leaf or extension: compact path, then value
or reference."""
Pairs = Sequence[tuple[bytes, bytes]]
"""Path in nibbles and RLP of the value, or b"" for none, ascending."""


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

    def __init__(
        self, nodes: Nodes, root: bytes, known: dict[Reference, Node] | None = None
    ) -> None:
        """A trie with this root. `known`: branches by reference, which tries may share."""
        self._nodes = nodes
        self._known = {} if known is None else known
        self._passing: dict[Reference, Node] = {}
        self.root = root

    def get(self, key: bytes) -> bytes:
        """The value at `key` (nibbles), or b""."""
        depth, reference = 0, self._root_reference()
        known = self._known
        while reference != _NOTHING:
            node = known.get(reference) or self._resolve(key, depth, reference)
            if len(node) == 17:
                reference = node[key[depth]]
                depth += 1
                continue
            segment, leaf = _expanded(node[0])
            if not key.startswith(segment, depth):
                return b""
            if leaf:
                return content_of(node[1])
            depth += len(segment)
            reference = node[1]
        return b""

    def prove(self, key: bytes) -> list[bytes]:
        """RLP of the nodes from the root towards `key`, as far as there are any (EIP-1186).

        They prove the value at `key`, or that there is none.
        """
        found: list[bytes] = []
        depth, reference = 0, self._root_reference()
        while reference != _NOTHING:
            node = self._resolve(key, depth, reference)
            if len(reference) == _HASHED:
                found.append(list_of(node))
            if len(node) == 17:
                reference = node[key[depth]]
                depth += 1
                continue
            segment, leaf = _expanded(node[0])
            if leaf or not key.startswith(segment, depth):
                break
            depth += len(segment)
            reference = node[1]
        return found

    def update(self, changes: Iterable[tuple[bytes, bytes]]) -> bytes:
        """Set values (b"" removes) and return the new root, with all changed nodes saved."""
        pairs = sorted((key, value and string_item(value)) for key, value in changes)
        if not pairs:
            return self.root
        reference = self._root_reference()
        old = None if reference == _NOTHING else self._resolve(b"", 0, reference)
        new = self._apply(b"", old, pairs)
        if new is None:
            if old is not None:
                self._nodes.drop(b"")
            self.root = EMPTY_ROOT
        else:
            encoded = list_of(new)
            self.root = keccak(encoded)
            self._save(b"", _HASH + self.root, new, encoded)
        self._passing.clear()
        return self.root

    def _root_reference(self) -> Reference:
        return _NOTHING if self.root == EMPTY_ROOT else _HASH + self.root

    def _apply(self, path: bytes, node: Node | None, pairs: Pairs) -> Node | None:
        """The node to lie at `path` once the pairs, which all start with `path`, are set."""
        if node is None:
            return self._build(path, [pair for pair in pairs if pair[1]])
        if len(node) == 17:
            return self._apply_to_branch(path, node, pairs)
        segment, leaf = _expanded(node[0])
        if leaf:
            key, value = pairs[0]
            if len(pairs) == 1 and value and key.endswith(segment, len(path)):
                return [node[0], value]
            values = {path + segment: node[1], **dict(pairs)}
            return self._build(path, sorted(pair for pair in values.items() if pair[1]))
        below = path + segment
        shared = min(_shared_length(below, pairs[0][0]), _shared_length(below, pairs[-1][0]))
        if shared == len(below):
            child = self._apply(below, self._resolve(below, len(below), node[1]), pairs)
            return self._join(path, segment, node[1], child)
        # Some keys leave the extension: a branch takes the place where the first does.
        fork = below[:shared]
        children = [_NOTHING] * 17
        rest = below[shared + 1 :]
        children[below[shared]] = node[1]
        if rest:
            extension = [_compacted(rest, leaf=False), node[1]]
            children[below[shared]] = self._store(below[: shared + 1], _NOTHING, extension)
        branch = self._apply_to_branch(fork, children, pairs)
        return self._join(path, fork[len(path) :], _NOTHING, branch)

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
            child = None if old == _NOTHING else self._resolve(at, depth + 1, old)
            new = self._store(at, old, self._apply(at, child, pairs[start:end]))
            children[nibble] = new
            emptied = emptied or new == _NOTHING
            start = end
        return self._collapse(path, children) if emptied else children

    def _collapse(self, path: bytes, children: Node) -> Node | None:
        """A branch left with one child gives way to it."""
        live = [nibble for nibble in range(16) if children[nibble] != _NOTHING]
        if len(live) > 1:
            return children
        if not live:
            return None
        segment = bytes(live)
        reference = children[live[0]]
        child = self._resolve(path + segment, len(path) + 1, reference)
        return self._join(path, segment, reference, child)

    def _build(self, path: bytes, pairs: Pairs) -> Node | None:
        """A new subtree of the pairs."""
        if not pairs:
            return None
        depth = len(path)
        first = pairs[0][0]
        if len(pairs) == 1:
            return [_compacted(first[depth:], leaf=True), pairs[0][1]]
        fork = first[: _shared_length(first, pairs[-1][0])]
        branch = self._apply_to_branch(fork, [_NOTHING] * 17, pairs)
        return self._join(path, fork[depth:], _NOTHING, branch)

    def _join(self, path: bytes, segment: bytes, old: Reference, child: Node | None) -> Node | None:
        """The node to lie at `path` when `child` comes `segment` below, in place of `old`."""
        if not segment:
            return child
        at = path + segment
        if child is not None and len(child) == 17:
            return [_compacted(segment, leaf=False), self._store(at, old, child)]
        if len(old) == _HASHED:
            self._nodes.drop(at)
        if child is None:
            return None
        rest, leaf = _expanded(child[0])
        return [_compacted(segment + rest, leaf=leaf), child[1]]

    def _store(self, path: bytes, old: Reference, node: Node | None) -> Reference:
        """Save a node in place of the one `old` names; the reference to it."""
        was_stored = len(old) == _HASHED
        encoded = _NOTHING if node is None else list_of(node)
        if node is None or len(encoded) < _HASH_BYTES:
            if was_stored:
                self._nodes.drop(path)
            return encoded
        reference = _HASH + keccak(encoded)
        if reference != old:
            self._save(path, reference, node, encoded)
            if was_stored:
                self._known.pop(old, None)
        return reference

    def _resolve(self, key: bytes, depth: int, reference: Reference) -> Node:
        """The node that lies `depth` nibbles down the path of a key."""
        node = self._known.get(reference) or self._passing.get(reference)
        if node is None:
            if reference[0] >= _LIST:
                return items_of(reference)
            encoded = self._nodes.load(key[:depth])
            if encoded is None or keccak(encoded) != reference[1:]:
                raise NodeDamaged(key[:depth], reference[1:], encoded)
            node = items_of(encoded)
            self._remember(reference, node)
        return node

    def _save(self, path: bytes, reference: Reference, node: Node, encoded: bytes) -> None:
        self._nodes.save(path, encoded)
        self._remember(reference, node)

    def _remember(self, reference: Reference, node: Node) -> None:
        if len(node) == 17 and node.count(_NOTHING) <= 17 - _FEW_CHILDREN:
            if len(self._known) >= _KNOWN_NODES:
                for one in list(islice(self._known, _KNOWN_NODES // 2)):
                    self._known.pop(one, None)
            # Of a tuple of bytes the garbage collector learns once that it leads to nothing else.
            self._known[reference] = tuple(node)
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


def _compacted(path: bytes, *, leaf: bool) -> bytes:
    return string_item(compact(path, leaf=leaf))


def _expanded(item: bytes) -> tuple[bytes, bool]:
    return expand(content_of(item))


def _shared_length(one: bytes, other: bytes) -> int:
    length = min(len(one), len(other))
    if one[:length] == other[:length]:
        return length
    return next(at for at in range(length) if one[at] != other[at])
