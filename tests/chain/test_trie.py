"""Our state trie and accounts against those of py-trie and py-evm on the same changes."""

from __future__ import annotations

from pathlib import Path

import pytest
import rlp
from eth.db.account import AccountDB
from eth.db.atomic import AtomicDB
from eth.db.trie import make_trie_root_and_nodes
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st
from trie import HexaryTrie

from ledger.chain.accounts import LedgerAccounts
from ledger.chain.ordered_trie import root_of
from ledger.chain.store import Store, Table
from ledger.chain.trie import EMPTY_ROOT, Node, NodeDamaged, Trie, compact, expand, nibbles_of
from ledger.errors import ChainCorrupt


class Memory(dict[bytes, bytes]):
    """Nodes by path."""

    def load(self, path: bytes) -> bytes | None:
        return self.get(path)

    def save(self, path: bytes, encoded: bytes) -> None:
        self[path] = encoded

    def drop(self, path: bytes) -> None:
        del self[path]


# Keys from few nibbles share long prefixes; short keys and values make nodes that lie inside
# their parents.
KEYS = st.lists(st.sampled_from([0x00, 0x01, 0x10, 0x11, 0xF1]), min_size=4, max_size=4).map(bytes)
VALUES = st.one_of(st.just(b""), st.binary(min_size=1, max_size=2), st.just(b"v" * 40))
BATCHES = st.lists(st.dictionaries(KEYS, VALUES, max_size=12), max_size=6)


@given(BATCHES)
def test_root_after_each_batch_is_that_of_py_trie(batches: list[dict[bytes, bytes]]) -> None:
    nodes = Memory()
    ours = Trie(nodes, EMPTY_ROOT)
    theirs = HexaryTrie({})
    present: dict[bytes, bytes] = {}
    for batch in batches:
        ours.update((nibbles_of(key), value) for key, value in batch.items())
        for key, value in batch.items():
            theirs[key] = value
        present |= batch
        assert ours.root == theirs.root_hash
        for key, value in present.items():
            assert ours.get(nibbles_of(key)) == value
            assert Trie(nodes, ours.root).get(nibbles_of(key)) == value


@pytest.mark.parametrize("value", [b"", b"other", b"v" * 40])
def test_a_leaf_that_changes_makes_room_for_another(value: bytes) -> None:
    first, second, third = (nibbles_of(bytes([1, 1, at])) for at in (0, 1, 0x20))
    ours, theirs = Trie(Memory(), EMPTY_ROOT), HexaryTrie({})
    ours.update([(first, b"v" * 40), (third[:5] + b"\x09", b"z")])
    ours.update([(third[:5] + b"\x09", b""), (first, value), (second, b"w" * 40)])
    for key, kept in ((bytes([1, 1, 0]), value), (bytes([1, 1, 1]), b"w" * 40)):
        if kept:
            theirs[key] = kept
    assert ours.root == theirs.root_hash
    ours.update([(first, b"1"), (second, b"2"), (third, b"3")])
    for at, kept in ((0, b"1"), (1, b"2"), (0x20, b"3")):
        theirs[bytes([1, 1, at])] = kept
    assert ours.root == theirs.root_hash
    alone = Trie(Memory(), EMPTY_ROOT)
    alone.update([(first, b"v")])
    alone.update([(first, b"1"), (second, b"2"), (third, b"3")])
    assert alone.root == ours.root


@given(BATCHES)
def test_only_nodes_of_the_present_state_are_kept(batches: list[dict[bytes, bytes]]) -> None:
    nodes, anew = Memory(), Memory()
    present: dict[bytes, bytes] = {}
    trie = Trie(nodes, EMPTY_ROOT)
    for batch in batches:
        trie.update((nibbles_of(key), value) for key, value in batch.items())
        present |= batch
    live = [(nibbles_of(key), value) for key, value in present.items() if value]
    Trie(anew, EMPTY_ROOT).update(live)
    assert nodes == anew


@given(st.binary(max_size=20), st.booleans())
def test_compact_path_expands_to_itself(key: bytes, leaf: bool) -> None:
    for path in (nibbles_of(key), nibbles_of(key)[1:]):
        assert expand(compact(path, leaf=leaf)) == (path, leaf)


@given(st.lists(st.binary(min_size=1, max_size=80), max_size=300))
def test_root_over_positions_is_that_of_pyevm(items: list[bytes]) -> None:
    class Item:
        def __init__(self, content: bytes) -> None:
            self.content = content

        def encode(self) -> bytes:
            return self.content

    expected, _ = make_trie_root_and_nodes([Item(item) for item in items])  # type: ignore[misc]
    assert root_of(items) == expected


def test_changed_or_missing_node_is_found_where_it_is_read() -> None:
    nodes = Memory()
    keys = [nibbles_of(bytes([at, at])) for at in range(20)]
    root = Trie(nodes, EMPTY_ROOT).update((key, b"v" * 40) for key in keys)
    for path in list(nodes):
        for damage in (None, nodes[path][:-1] + b"\x00"):
            damaged = Memory(nodes)
            if damage is None:
                del damaged[path]
            else:
                damaged[path] = damage
            trie = Trie(damaged, root)
            with pytest.raises(NodeDamaged) as found:
                for key in keys:
                    trie.get(key)
            assert found.value.path == path


ADDRESSES = [bytes([at]) * 20 for at in range(1, 4)]
AT = st.sampled_from(ADDRESSES)
SLOT = st.integers(0, 5)
CHANGES = st.one_of(
    st.tuples(st.just("set_storage"), AT, SLOT, st.integers(0, 3)),
    st.tuples(st.just("set_nonce"), AT, st.integers(0, 2)),
    st.tuples(st.just("set_balance"), AT, st.integers(0, 2)),
    st.tuples(st.just("set_code"), AT, st.sampled_from([b"\x00", b"\x01"])),
    st.tuples(st.just("delete_account"), AT),
    st.tuples(st.just("delete_storage"), AT),
)
STEPS = st.lists(
    st.one_of(CHANGES, CHANGES, st.sampled_from(["record", "discard", "start", "block", "read"])),
    max_size=40,
)


@given(STEPS)
def test_accounts_behave_and_hash_like_those_of_pyevm(
    tmp_path_factory: pytest.TempPathFactory, steps: list[object]
) -> None:
    """Every account has a nonce, as contracts have: ours keeps no empty ones, by EIP-161."""
    store = Store(tmp_path_factory.mktemp("state"), create=True, map_bytes=1 << 26)
    with store.write() as batch:
        ours, theirs = LedgerAccounts(batch), AccountDB(AtomicDB())
        points: list[tuple[object, object]] = []
        deleted: set[bytes] = set()
        for step in steps:
            take(ours, theirs, points, deleted, step)
        take(ours, theirs, points, deleted, "block")
        assert ours.state_root == theirs.state_root
        again = LedgerAccounts(batch, ours.state_root)
        for address in ADDRESSES:
            assert again.get_nonce(address) == theirs.get_nonce(address)
            assert again.get_code(address) == theirs.get_code(address)
            for slot in range(6):
                assert again.get_storage(address, slot) == theirs.get_storage(address, slot)


def take(
    ours: LedgerAccounts,
    theirs: AccountDB,
    points: list[tuple[object, object]],
    deleted: set[bytes],
    step: object,
) -> None:
    """Do one step on both."""
    if step == "read":
        for address in ADDRESSES:
            for slot in range(6):
                for now in (True, False):
                    expected = theirs.get_storage(address, slot, now)
                    assert ours.get_storage(address, slot, now) == expected
            assert ours.get_balance(address) == theirs.get_balance(address)
            assert ours.get_code(address) == theirs.get_code(address)
    elif step == "record":
        points.append((ours.record(), theirs.record()))
    elif step == "discard":
        if points:
            one, other = points.pop()
            ours.discard(one)  # type: ignore[arg-type]
            theirs.discard(other)  # type: ignore[arg-type]
    elif step == "start":
        points.clear()
        deleted.clear()
        ours.lock_changes()
        theirs.lock_changes()
    elif step == "block":
        points.clear()
        deleted.clear()
        clear_empty(theirs)
        ours.persist()
        theirs.persist()
        assert ours.state_root == theirs.state_root
    else:
        name, *arguments = step  # type: ignore[misc]
        address = arguments[0]
        if name.startswith("delete"):
            # py-evm can take back one deletion only; in a transaction there never are two.
            if address in deleted:
                return
            deleted.add(address)
        if name == "delete_account":
            ours.delete_account(address)
            theirs.delete_account(address)
            return
        if name == "set_storage" and not ours.get_nonce(address):
            ours.set_nonce(address, 1)
            theirs.set_nonce(address, 1)
        if name == "set_nonce":
            arguments[1] += 1
        getattr(ours, name)(*arguments)
        getattr(theirs, name)(*arguments)


def clear_empty(theirs: AccountDB) -> None:
    """What the end of a transaction does to touched accounts (EIP-161)."""
    for address in ADDRESSES:
        if theirs.account_exists(address) and theirs.account_is_empty(address):
            theirs.delete_account(address)


@pytest.mark.parametrize("change", ["lost", "altered"])
def test_damaged_state_is_named_by_block_and_node(tmp_path: Path, change: str) -> None:
    store = Store(tmp_path, create=True, map_bytes=1 << 26)
    with store.write() as batch:
        accounts = LedgerAccounts(batch)
        accounts.set_nonce(ADDRESSES[0], 1)
        for slot in range(50):
            accounts.set_storage(ADDRESSES[0], slot, slot + 1)
        accounts.persist()
        prefix = b"s" + ADDRESSES[0]
        key, _ = max(batch.scan(Table.STATE, prefix, prefix + b"\xff"))
        if change == "lost":
            batch.delete(Table.STATE, key)
        else:
            batch.put(Table.STATE, key, rlp.encode([b"\x20" + bytes(31), b"\x07"]))
        batch.block = 12
        batch.known_nodes.clear()  # as in a process that did not write them
        again = LedgerAccounts(batch, accounts.state_root)
        with pytest.raises(ChainCorrupt) as corrupt:
            for slot in range(50):
                again.get_storage(ADDRESSES[0], slot)
    assert corrupt.value.block == 12
    assert ADDRESSES[0].hex() in corrupt.value.expected


def test_storage_deleted_and_taken_back_is_as_before(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True, map_bytes=1 << 26)
    with store.write() as batch:
        accounts = LedgerAccounts(batch)
        accounts.set_nonce(ADDRESSES[0], 1)
        for slot in range(3):
            accounts.set_storage(ADDRESSES[0], slot, 7)
        accounts.persist()
        again = LedgerAccounts(batch, accounts.state_root)
        assert again.get_storage(ADDRESSES[0], 0) == 7
        point = again.record()
        again.delete_storage(ADDRESSES[0])
        assert [again.get_storage(ADDRESSES[0], slot) for slot in range(2)] == [0, 0]
        again.set_storage(ADDRESSES[0], 2, 9)
        again.discard(point)
        assert [again.get_storage(ADDRESSES[0], slot) for slot in range(3)] == [7, 7, 7]
        root = accounts.state_root
        again.persist()
        assert again.state_root == root
        again.delete_storage(ADDRESSES[0])
        again.persist()
        prefix = b"s" + ADDRESSES[0]
        assert not list(batch.scan(Table.STATE, prefix, prefix + b"\xff"))
        assert again.get_storage(ADDRESSES[0], 1) == 0


def test_nodes_that_many_keys_pass_stay_at_hand_and_others_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ledger.chain.trie._KNOWN_NODES", 400)
    keys = [nibbles_of(keccak(at.to_bytes(4, "big"))) for at in range(4_500)]
    nodes = Memory()
    known: dict[bytes, Node] = {}
    trie = Trie(nodes, EMPTY_ROOT, known)
    trie.update((key, b"v" * 40) for key in keys)
    loaded: list[bytes] = []
    monkeypatch.setattr(nodes, "load", lambda path: loaded.append(path) or nodes.get(path))
    for first in range(0, 4_500, 100):
        for key in keys[first : first + 100]:
            trie.get(key)
        trie.update((key, bytes([first // 100]) * 40) for key in keys[first : first + 100])
        assert len(known) <= 400 and not [node for node in known.values() if len(node) != 17]
    # The root, its 16 children and most of theirs: what was changed replaces what it was.
    full = [path for path, node in nodes.items() if len(path) < 3 and node.count(b"\xa0") > 9]
    assert len(full) > 100 and not set(full) & set(loaded)
    assert Trie(nodes, trie.root).get(keys[0]) == bytes(40)
