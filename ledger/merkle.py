"""Merkle trees (RFC 9162, SHA-256): a root, and what proves a leaf or an earlier tree in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

Path = Sequence[bytes]
"""Hashes of 32 bytes, from the leaves up."""


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaves of any length, in the order given (RFC 9162, 2.1.1)."""
    level = [hash_of_leaf(leaf) for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        level = _above(level)
    return level[0]


def inclusion(leaves: Iterable[bytes], index: int) -> list[bytes]:
    """What proves the leaf at `index`, from 0, in the tree (2.1.3.1). Raises `IndexError`."""
    level = [hash_of_leaf(leaf) for leaf in leaves]
    if not 0 <= index < len(level):
        raise IndexError(index)
    path = []
    while len(level) > 1:
        # The last of an odd number has nothing beside it and goes up as it is.
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        level, index = _above(level), index >> 1
    return path


def is_included(leaf: bytes, index: int, size: int, path: Path, root_hash: bytes) -> bool:
    """Whether `path` proves `leaf` at `index` of a tree of `size` leaves (2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, hash_of_leaf(leaf)
    for other in path:
        if not last:
            return False
        if at & 1 or at == last:
            found = _node(other, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = _node(found, other)
        at, last = at >> 1, last >> 1
    return not last and found == root_hash


def consistency(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """What proves that the first leaves are the tree before (2.1.4.1). Raises `IndexError`.

    `first`: how many, 1 to all of them.
    """
    if not 1 <= first <= len(leaves):
        raise IndexError(first)
    return _subproof(leaves, first, whole=True)


def is_consistent(first: int, size: int, path: Path, first_root: bytes, second_root: bytes) -> bool:
    """Whether `path` proves that a tree of `size` leaves extends one of `first` (2.1.4.2).

    The empty tree is extended by every tree and needs no path.
    """
    if first == size:
        return not path and first_root == second_root
    if first == 0:
        return size > 0 and not path and first_root == root([])
    if not 0 < first < size or not path:
        return False
    hashes = list(path)
    if first & (first - 1) == 0:
        hashes.insert(0, first_root)
    at, last = first - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = hashes[0]
    for other in hashes[1:]:
        if not last:
            return False
        if at & 1 or at == last:
            before, after = _node(other, before), _node(other, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = _node(after, other)
        at, last = at >> 1, last >> 1
    return not last and before == first_root and after == second_root


def hash_of_leaf(leaf: bytes) -> bytes:
    """The hash of a leaf: never that of a node above it."""
    return hashlib.sha256(b"\0" + leaf).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _above(level: list[bytes]) -> list[bytes]:
    # Pairing from the left, an odd node handed up, splits where the RFC splits: at powers of two.
    pairs = zip(level[::2], level[1::2], strict=False)
    above = [_node(left, right) for left, right in pairs]
    return above + level[2 * len(above) :]


def _subproof(leaves: Sequence[bytes], first: int, *, whole: bool) -> list[bytes]:
    if first == len(leaves):
        return [] if whole else [root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if first <= split:
        return [*_subproof(leaves[:split], first, whole=whole), root(leaves[split:])]
    return [*_subproof(leaves[split:], first - split, whole=False), root(leaves[:split])]
