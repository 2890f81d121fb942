"""RLP by slices says what rlp says, of what is RLP and of what is not."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as some

from ledger.chain.rlp_slices import (
    content_of,
    decode_items,
    items_of,
    list_of,
    receipt_logs,
    string_item,
)

STRINGS = some.binary(max_size=80) | some.binary(min_size=250, max_size=300)
PREFIXES = some.sampled_from((0, 0x7F, 0x80, 0x81, 0xB7, 0xB8, 0xC0, 0xF7, 0xF8))
ITEMS: some.SearchStrategy[Any] = some.recursive(
    STRINGS, lambda below: some.lists(below, max_size=6), max_leaves=12
)


@given(ITEMS)
def test_what_was_encoded_comes_back(item: Any) -> None:
    assert decode_items(rlp.encode(item)) == item


@given(some.lists(ITEMS, max_size=20) | some.lists(some.just(b"") | STRINGS, min_size=17, max_size=17))
def test_a_list_is_cut_into_its_items_and_put_together_again(items: list[Any]) -> None:
    encoded = rlp.encode(items)
    assert items_of(encoded) == [rlp.encode(item) for item in items]
    assert list_of(rlp.encode(item) for item in items) == encoded


@given(STRINGS | some.binary(min_size=1, max_size=1) | some.binary(min_size=65_530, max_size=65_540))
def test_a_string_within_a_list_is_its_rlp(value: bytes) -> None:
    assert string_item(value) == rlp.encode(value)
    assert content_of(string_item(value)) == value


def nested(levels: int) -> Any:
    item: Any = b"x"
    for _ in range(levels):
        item = [item]
    return item


def test_lists_within_lists_come_back_as_deep_as_any_block_and_deeper() -> None:
    assert decode_items(rlp.encode(nested(16))) == nested(16)


@pytest.mark.parametrize("levels", [17, 40])
def test_what_is_deeper_than_anything_of_a_chain_is_refused(levels: int) -> None:
    with pytest.raises(rlp.DecodingError, match="nested too deep"):
        decode_items(rlp.encode(nested(levels)))


@given(ITEMS, some.data())
def test_altered_bytes_are_what_rlp_takes_them_for(item: Any, chosen: Any) -> None:
    altered = bytearray(rlp.encode(item))
    for at in chosen.draw(some.lists(some.integers(0, len(altered) - 1), max_size=3)):
        altered[at] = chosen.draw(PREFIXES | some.integers(0, 255))
    del altered[chosen.draw(some.integers(1, len(altered))) :]
    encoded = bytes(altered)
    try:
        expected = rlp.decode(encoded)
    except rlp.exceptions.DecodingError as error:
        with pytest.raises(rlp.exceptions.DecodingError) as found:
            decode_items(encoded)
        assert str(found.value) == str(error)
    else:
        assert decode_items(encoded) == expected


LOGS = some.lists(
    some.tuples(
        some.binary(min_size=20, max_size=20),
        some.lists(some.binary(min_size=32, max_size=32), max_size=4).map(tuple),
        some.one_of(some.binary(max_size=300), some.integers(0, 255).map(lambda one: bytes([one]))),
    ),
    max_size=8,
)


@given(LOGS, some.sampled_from([b"", b"\x01", b"\x02"]), some.sampled_from([b"", b"\x01"]))
def testLOGS_of_receipts_are_those_that_rlp_reads(
    logs: list[tuple[bytes, tuple[bytes, ...], bytes]], prefix: bytes, status: bytes
) -> None:
    receipt = [status, b"\x01\x00", bytes(256), [[one[0], list(one[1]), one[2]] for one in logs]]
    assert receipt_logs(prefix + rlp.encode(receipt)) == logs


@pytest.mark.parametrize("topics", [5, 9])
def testLOGS_of_another_form_are_read_all_the_same(topics: int) -> None:
    logs = [[b"a" * 20, [b"t" * 32] * topics, b""], [b"short", [b"t"], b"data"]]
    for one in ([logs[0]], [logs[1]], logs):
        receipt = rlp.encode([b"", b"", b"", one])
        assert receipt_logs(receipt) == [(a, tuple(t), d) for a, t, d in one]
