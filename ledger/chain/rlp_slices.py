"""RLP slices: items cut out of their encoding.

rusty-rlp copies strings byte by byte, at 25 MB/s: most of what reading a chain of large
transactions takes. Here a string is one slice. Whatever is not strictly RLP goes to `rlp`, whose
error says why. It is imported then only: it takes a reading command as long to import as to run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

try:
    from rusty_rlp import decode_raw, encode_raw
except ImportError:
    from rlp.codec import decode_raw, encode_raw

_STRING, _LIST = 0x80, 0xC0
_SHORT_BYTES = 55
_MAX_DEPTH = 16
_ADDRESS_BYTES, _TOPIC_BYTES = 20, 33
_LONG_LIST = 0xF8
_LONGEST_SHORT_STRING = _STRING + _SHORT_BYTES
# Bytes of a list of topics that are allowed.
_TOPICS = {_TOPIC_BYTES * count: _TOPIC_BYTES * count for count in range(5)}


class _NotStrict(Exception):
    """Not an encoding that this module reads."""


def decode_items(encoded: bytes) -> Any:
    """Bytes, or a list of items, of one encoding. Raises `rlp.DecodingError`."""
    try:
        item, end = _item(encoded, 0, len(encoded), 0)
        if end != len(encoded):
            raise _NotStrict
    except _NotStrict:
        import rlp

        expect_shallow(encoded)
        return rlp.decode(encoded)
    return item


def decode_kept(encoded: bytes) -> Any:
    """The same for what a hash or a checksum vouches for: it is RLP, and mostly short strings."""
    return decode_raw(encoded, True, False)[0]


def receipt_logs(encoded: bytes) -> list[tuple[bytes, tuple[bytes, ...], bytes]]:
    """Address, topics and data of each log of a receipt that a hash or a checksum vouches for."""
    start = 0 if encoded[0] >= _LIST else 1
    try:
        at, end = _content(encoded, start, len(encoded), encoded[start] - _LIST)
        for _ in range(3):
            _, at = _item(encoded, at, end, 1)
        at, end = _content(encoded, at, end, encoded[at] - _LIST)
        logs = []
        while at < end:
            log, at = _log(encoded, at)
            logs.append(log)
        if at != end:
            raise _NotStrict
    except (_NotStrict, IndexError, KeyError):
        entries = decode_kept(encoded[start:])[3]
        return [(address, tuple(topics), data) for address, topics, data in entries]
    return logs


def _log(encoded: bytes, start: int) -> tuple[tuple[bytes, tuple[bytes, ...], bytes], int]:
    """The log at `start`, and where it ends. Its parts have few forms: these alone are read."""
    at = start + 1 + max(0, encoded[start] - _LIST - _SHORT_BYTES)
    data = at + _ADDRESS_BYTES + 1
    address = encoded[at + 1 : data]
    if encoded[at] != _STRING + _ADDRESS_BYTES:
        raise _NotStrict
    # One topic takes a byte to announce, more take two.
    at = data + 1
    many = encoded[data] == _LONG_LIST
    data = at + many + _TOPICS[encoded[at] if many else encoded[data] - _LIST]
    topics = tuple([encoded[one + 1 : one + 33] for one in range(at + many, data, _TOPIC_BYTES)])
    first = encoded[data]
    if first < _STRING:
        return (address, topics, encoded[data : data + 1]), data + 1
    at = data + 1
    length = first - _STRING
    if length > _SHORT_BYTES:
        at += length - _SHORT_BYTES
        length = int.from_bytes(encoded[data + 1 : at], "big")
    return (address, topics, encoded[at : at + length]), at + length


def encode_items(items: Any) -> bytes:
    """RLP of bytes, or of a list of items."""
    return bytes(encode_raw(items))


def string_item(value: bytes) -> bytes:
    """RLP of bytes, as it stands within a list."""
    length = len(value)
    if length == 1 and value[0] < _STRING:
        return value
    return _announced(_STRING, length) + value


def list_of(items: Iterable[bytes]) -> bytes:
    """RLP of a list of items that are RLP already."""
    body = b"".join(items)
    return _announced(_LIST, len(body)) + body


def items_of(encoded: bytes) -> list[bytes]:
    """The items, as RLP, of a list that a hash vouches for."""
    first = encoded[0]
    at = 1 if first < _LONG_LIST else first - _LIST - _SHORT_BYTES + 1
    end = len(encoded)
    items = []
    while at < end:
        first = encoded[at]
        if first <= _STRING:
            after = at + 1
        elif first <= _LONGEST_SHORT_STRING:
            after = at + 1 + first - _STRING
        else:
            content, length = _announcement(encoded, at)
            after = content + length
        items.append(encoded[at:after])
        at = after
    return items


def content_of(item: bytes) -> bytes:
    """The bytes of which this is RLP."""
    if item[0] < _STRING:
        return item
    return item[_announcement(item, 0)[0] :]


def integer(value: int) -> bytes:
    """A number as RLP has it: big-endian, without zeros before it."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


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
            import rlp

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


def _announced(kind: int, length: int) -> bytes:
    if length <= _SHORT_BYTES:
        return bytes((kind + length,))
    of_length = integer(length)
    return bytes((kind + _SHORT_BYTES + len(of_length),)) + of_length


def _announcement(encoded: bytes, start: int) -> tuple[int, int]:
    """Where the content of the string or list at `start` begins, and how long it is."""
    length = encoded[start] - (_STRING if encoded[start] < _LIST else _LIST)
    at = start + 1
    if length <= _SHORT_BYTES:
        return at, length
    after = at + length - _SHORT_BYTES
    return after, int.from_bytes(encoded[at:after], "big")


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
