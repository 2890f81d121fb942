"""Paths in the tries of a block, ours against those of py-trie."""

from __future__ import annotations

import pytest
import rlp
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st
from rlp.codec import encode_raw
from trie import HexaryTrie

from ledger.chain.ordered_trie import root_of
from ledger.proofs.tries import PathBroken, item_at, key_of, path_to, value_at

# Short items lie inside their parents, long ones are named by their hashes.
ITEMS = st.lists(st.one_of(st.binary(min_size=1, max_size=3), st.binary(min_size=33, max_size=80)),
                 min_size=1, max_size=150)  # fmt: skip


@given(ITEMS, st.data())
def test_a_path_shows_its_item_to_us_and_to_py_trie(items: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(items) - 1))
    root, path = root_of(items), path_to(items, index)
    assert item_at(root, index, path) == items[index]
    nodes = [rlp.decode(node) for node in path]
    assert HexaryTrie.get_from_proof(root, key_of(index), nodes) == items[index]


@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 127, 128, 129, 255, 256, 257, 400])
def test_every_item_of_a_block_of_any_size_is_shown(count: int) -> None:
    items = [b"%d" % at * 20 for at in range(count)]
    root = root_of(items)
    for at in {0, 1, count // 2, count - 1} & set(range(count)):
        assert item_at(root, at, path_to(items, at)) == items[at]


@given(ITEMS, st.data())
def test_a_changed_cut_or_longer_path_shows_nothing(items: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(items) - 1))
    root, path = root_of(items), path_to(items, index)
    at = data.draw(st.integers(0, len(path) - 1))
    byte = data.draw(st.integers(0, len(path[at]) - 1))
    node = bytearray(path[at])
    node[byte] ^= data.draw(st.integers(1, 255))
    for wrong in (
        [*path[:at], bytes(node), *path[at + 1 :]],
        path[:at],
        [*path, path[-1]],
        [*path[:at], path[at], *path[at:]],
    ):
        with pytest.raises(PathBroken):
            item_at(root, index, wrong)


@given(ITEMS, st.data())
def test_the_path_of_one_item_is_that_of_no_other(items: list[bytes], data: st.DataObject) -> None:
    index, other = (data.draw(st.integers(0, len(items) + 40)) for _ in range(2))
    path = path_to(items, index % len(items))
    try:
        # Short items lie in the same node: then it shows the other one, too.
        assert item_at(root_of(items), other, path) == items[other]
    except PathBroken:
        assert other != index % len(items)


def test_an_index_outside_the_block_has_no_path() -> None:
    for index in (-1, 2):
        with pytest.raises(IndexError):
            path_to([b"one", b"two"], index)


# ---- tries that no block has


def rooted(node: list[object]) -> tuple[bytes, bytes]:
    encoded = encode_raw(node)
    return keccak(encoded), encoded


def test_a_branch_can_have_a_value() -> None:
    trie = HexaryTrie({})
    trie[b"\x12"], trie[b"\x12\x34"] = b"short" * 10, b"long" * 10
    path = [encode_raw(node) for node in trie.get_proof(b"\x12")]
    assert value_at(trie.root_hash, b"\x12", path) == b"short" * 10


@pytest.mark.parametrize(
    ("node", "why"),
    [
        ([b"\x20\x80", b""], "no value"),
        ([b"\x30\x80", b"value"], "another key"),
        ([b"\x21\x80", b"value"], "another form"),
        ([b"\x60\x80", b"value"], "another form"),
        ([b"", b"value"], "no compact path"),
        ([[b"\x20\x80"], b"value"], "no compact path"),
        ([b"\x00", [b"\x20\x80", b"value"]], "an extension by nothing"),
        ([b"\x18", [b"\x30", b"value"]], "an extension without a branch"),
        ([b"\x18", b"\x30"], "leads nowhere"),
        ([b"\x00\x80", b"value"], "ends before|leads nowhere"),
        ([b"one"], "neither a branch nor a pair"),
        ([b""] * 17, "leads nowhere"),
        ([b""] * 8 + [[b"\x30", b"v" * 40]] + [b""] * 8, "too long to lie in its parent"),
    ],
)
def test_a_node_in_another_form_is_refused(node: list[object], why: str) -> None:
    root, encoded = rooted(node)
    with pytest.raises(PathBroken, match=why):
        value_at(root, b"\x80", [encoded])


def test_a_node_that_is_no_list_is_refused() -> None:
    for encoded in (encode_raw(b"text"), b"\xc3\x01"):
        with pytest.raises(PathBroken):
            value_at(keccak(encoded), b"\x80", [encoded])


def test_a_short_child_is_not_named_by_its_hash() -> None:
    child = encode_raw([b"\x30", b"value"])
    root, encoded = rooted([b""] * 8 + [keccak(child)] + [b""] * 8)
    with pytest.raises(PathBroken, match="too short"):
        value_at(root, b"\x80", [encoded, child])
