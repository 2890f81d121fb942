"""RLP slices: items cut out of their encoding.

rusty-rlp copies strings byte by byte, at 25 MB/s: most of what reading a chain of large
transactions takes. Here a string is one slice. Whatever is not strictly RLP goes to `rlp`, whose
error says why.
"""

from __future__ import annotations

from typing import Any

import rlp

_STRING, _LIST = 0x80, 0xC0
_SHORT_BYTES = 55
_MAX_DEPTH = 16


class _NotStrict(Exception):
    """Not an encoding that this module reads."""


def decode_items(encoded: bytes) -> Any:
    """Bytes, or a list of items, of one encoding. Raises `rlp.DecodingError`."""
    try:
        item, end = _item(encoded, 0, len(encoded), 0)
        if end != len(encoded):
            raise _NotStrict
    except _NotStrict:
        expect_shallow(encoded)
        return rlp.decode(encoded)
    return item


def expect_shallow(encoded: bytes) -> None:
    """Raise `rlp.DecodingError` where lists lie deeper than anything of a chain does.

    `rlp` and rusty-rlp follow lists by recursion, and the process ends when their stack does.
    """
    ends: list[int] = []
    at = 0
    while at < len(encoded):
        while ends and at >= ends[-1]:
            ends.pop()
        first = encoded[at]
        if first < _STRING:
            at += 1
            continue
        length = first - (_STRING if first < _LIST else _LIST)
        at += 1
        if length > _SHORT_BYTES:
            of_length = length - _SHORT_BYTES
            length = int.from_bytes(encoded[at : at + of_length], "big")
            at += of_length
        if first < _LIST:
            at += length
            continue
        ends.append(at + length)
        if len(ends) > _MAX_DEPTH:
            raise rlp.DecodingError("nested too deep", encoded[:32])


def _item(encoded: bytes, start: int, limit: int, depth: int) -> tuple[Any, int]:
    """The item at `start`, which must end by `limit`, and where it ends."""
    if start >= limit or depth > _MAX_DEPTH:
        raise _NotStrict
    first = encoded[start]
    if first < _STRING:
        return encoded[start : start + 1], start + 1
    if first < _LIST:
        at, end = _content(encoded, start, limit, first - _STRING)
        if end == at + 1 and encoded[at] < _STRING:
            raise _NotStrict
        return encoded[at:end], end
    at, end = _content(encoded, start, limit, first - _LIST)
    items = []
    while at < end:
        item, at = _item(encoded, at, end, depth + 1)
        items.append(item)
    return items, end


def _content(encoded: bytes, start: int, limit: int, length: int) -> tuple[int, int]:
    """Where what the prefix at `start` announces begins and ends; above 55 it has a length."""
    at = start + 1
    if length > _SHORT_BYTES:
        of_length = encoded[at : at + length - _SHORT_BYTES]
        at += length - _SHORT_BYTES
        length = int.from_bytes(of_length, "big")
        if length <= _SHORT_BYTES or not of_length[0]:
            raise _NotStrict
    if at + length > limit:
        raise _NotStrict
    return at, at + length
