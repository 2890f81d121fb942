"""The store: all or nothing on disk, every kind of damage named, a full disk survived."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import pytest

from ledger.chain import store as stores
from ledger.chain.local import LocalEngine
from ledger.chain.store import Store, Table, as_stored
from ledger.errors import ChainCorrupt, ChainUnusable, DiskFull, LedgerMissing

from .conftest import Sender, Shelf, Yard, calldata
from .test_lock import PROLOGUE

DATA = "data.mdb"
VALUES = [b"", b"\x01", random.Random(1).randbytes(300), bytes(3_000), b"ab" * 40_000]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", create=True, map_bytes=1 << 24)


def test_batch_reads_its_own_writes_and_others_do_not(store: Store) -> None:
    with store.write() as batch:
        batch.put(Table.STATE, b"key", b"value")
        assert batch.get(Table.STATE, b"key") == b"value"
        with store.read() as view:
            assert view.get(Table.STATE, b"key") is None
        batch.commit()
    with store.read() as view:
        assert view.get(Table.STATE, b"key") == b"value"


@pytest.mark.parametrize("most", [1, 3, 100_000])
def test_state_is_set_and_removed_as_often_as_it_likes(
    store: Store, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """It is held back until the commit, and written before when it gets too much."""
    monkeypatch.setattr(stores, "_MOST_HELD", most)
    chance, held = random.Random(7), {b"k\x09": b"before"}
    with store.write() as batch:
        batch.put(Table.STATE, b"k\x09", b"before")
        batch.commit()
    with store.write() as batch:
        for turn in range(300):
            key = b"k" + bytes([chance.randrange(20)])
            if chance.random() < 0.3:
                batch.delete(Table.STATE, key)
                held.pop(key, None)
            else:
                held[key] = b"%d" % turn
                batch.put(Table.STATE, key, held[key])
            assert batch.get(Table.STATE, key) == held.get(key)
            assert batch.get(Table.STATE, key, hashed=True) == held.get(key)
            if turn % 50 == 0:
                assert [*batch.scan(Table.STATE, b"k", b"l")] == sorted(held.items())
        batch.commit()
    with store.read() as view:
        assert [*view.scan(Table.STATE, b"k", b"l")] == sorted(held.items())


def test_something_else_is_done_while_the_disk_is_waited_for(store: Store) -> None:
    seen: list[bytes | None] = []

    def meanwhile() -> None:
        for _ in range(3_000_000):
            pass
        seen.append(threading.current_thread().name.encode())

    with store.write() as batch:
        batch.put(Table.META, b"key", b"value")
        batch.commit(meanwhile)
        assert len(seen) == 1 and seen != [threading.current_thread().name.encode()]
    with store.read() as view:
        assert view.get(Table.META, b"key") == b"value"


def test_batch_without_commit_leaves_nothing(store: Store) -> None:
    with store.write() as batch:
        batch.put(Table.STATE, b"key", b"value")
    with store.read() as view:
        assert view.get(Table.STATE, b"key") is None


def test_view_does_not_move_with_later_commits(store: Store) -> None:
    with store.read() as view:
        with store.write() as batch:
            batch.put(Table.STATE, b"key", b"value")
            batch.commit()
        assert view.get(Table.STATE, b"key") is None


def test_scan_yields_a_range_in_key_order(store: Store) -> None:
    with store.write() as batch:
        for number in (3, 1, 2, 9):
            batch.put(Table.HEADERS, number.to_bytes(8, "big"), bytes([number]))
        batch.delete(Table.HEADERS, (2).to_bytes(8, "big"))
        batch.commit()
    with store.read() as view:
        pairs = view.scan(Table.HEADERS, (1).to_bytes(8, "big"), (9).to_bytes(8, "big"))
        assert [value for _, value in pairs] == [b"\x01", b"\x03"]


@pytest.mark.parametrize("value", VALUES, ids=len)
@pytest.mark.parametrize("table", list(Table))
def test_every_value_comes_back_as_it_was_put(store: Store, table: Table, value: bytes) -> None:
    with store.write() as batch:
        batch.put(table, b"key", value)
        batch.commit()
    with store.read() as view:
        assert view.need(table, b"key") == value
        assert list(view.scan(table, b"", b"\xff")) == [(b"key", value)]


@pytest.mark.parametrize("table", [Table.TRANSACTIONS, Table.RECEIPTS])
def test_repetition_in_transactions_and_receipts_takes_no_room(table: Table) -> None:
    assert len(as_stored(table, b"key", bytes(10_000))) < 100


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x07value",
        b"\x01not deflated",
        b"\x01" + zlib.compress(bytes(1_000))[:-3],
        b"\x01" + zlib.compress(bytes(1_000)) + b"more",
        b"\x01" + zlib.compress(bytes(100_001)),
    ],
    ids=["nothing", "unknown form", "garbage", "cut short", "too long", "swelling"],
)
def test_a_record_under_its_right_checksum_that_is_no_record_is_named(
    store: Store, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who can write the file can write its checksums."""
    monkeypatch.setattr(stores, "_MAX_VALUE_BYTES", 100_000)
    key = (5).to_bytes(8, "big") + bytes(4)
    with monkeypatch.context() as patch, store.write() as batch:
        patch.setattr(stores, "_deflated", lambda value: value)
        batch.put(Table.RECEIPTS, key, content)
        batch.commit()
    with store.read() as view, pytest.raises(ChainCorrupt) as corrupt:
        view.need(Table.RECEIPTS, key)
    assert corrupt.value.block == 5 and key.hex() in corrupt.value.expected


@pytest.mark.parametrize(("format_of", "found"), [(None, "1"), (b"\x03", "3")])
def test_a_chain_of_another_version_is_not_opened(
    yard: Yard, engine: LocalEngine, format_of: bytes | None, found: str
) -> None:
    close(yard)
    store = Store(yard.folder, map_bytes=yard.map_bytes)
    with store.write() as batch:
        if format_of is None:
            batch.delete(Table.META, b"format")
        else:
            batch.put(Table.META, b"format", format_of)
        batch.commit()
    store.close()
    with pytest.raises(ChainUnusable, match="another version") as unusable:
        yard.open()
    assert unusable.value.found == found and "pledger export" in str(unusable.value)


def test_missing_value_is_named_by_block_and_key(store: Store) -> None:
    with store.read() as view, pytest.raises(ChainCorrupt) as corrupt:
        view.need(Table.HEADERS, (5).to_bytes(8, "big"))
    assert corrupt.value.block == 5
    assert "headers 0x0000000000000005" in corrupt.value.expected


def test_folder_without_a_chain_is_named_and_stays_empty(tmp_path: Path) -> None:
    with pytest.raises(LedgerMissing, match="nothing-here"):
        Store(tmp_path / "nothing-here")
    assert not list(tmp_path.iterdir())


def test_full_map_is_a_clear_error_and_leaves_nothing(yard: Yard, shelf_code: bytes) -> None:
    yard.map_bytes = 1 << 20
    engine = yard.create()
    sender = Sender(b"\x09" * 32)
    with engine.submission() as submission:
        address = submission.send(sender.sign(None, shelf_code)).contract_address
        submission.keep()
    assert address is not None
    head = engine.head()
    shelf = Shelf(address, sender)
    with pytest.raises(DiskFull), engine.submission() as submission:
        for at in range(20):
            submission.send(shelf.write(1000 * at, 900, at + 1, gas=40_000_000))
        submission.keep()
    assert engine.head() == head
    sender.nonce = 1
    with engine.submission() as submission:
        submission.send(shelf.write(0, 1, 1))
        assert submission.keep().number == head.number + 1


def test_file_that_cannot_grow_is_a_clear_error_and_leaves_nothing(
    yard: Yard, engine: LocalEngine, shelf: Shelf
) -> None:
    """As on a full disk: the operating system refuses to make the file longer."""
    head = engine.head()
    script = f"""
import resource, signal, sys
sys.path[:0] = {sys.path!r}
exec(sys.argv[3])
from ledger.errors import DiskFull
size = (Path(sys.argv[1]) / "data.mdb").stat().st_size
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 8192, size + 8192))
try:
    with engine.submission() as submission:
        for raw in map(bytes.fromhex, sys.argv[4:]):
            submission.send(raw)
        submission.keep()
except DiskFull as error:
    print(error)
    sys.exit(error.exit_code)
"""
    prologue = PROLOGUE.replace("sys.argv[3:]", "[]")
    raws = [shelf.write(1000 * at, 900, 1, gas=40_000_000).hex() for at in range(3)]
    ran = subprocess.run(
        [sys.executable, "-c", script, str(yard.folder), "0", prologue, *raws],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 4, ran.stderr
    assert "no room left" in ran.stdout
    assert yard.reopen(engine).head() == head


@pytest.fixture
def data_file(yard: Yard, engine: LocalEngine, shelf: Shelf) -> Path:
    """The file of a closed chain with some hundred state nodes."""
    for at in range(4):
        with engine.submission() as submission:
            submission.send(shelf.write(1000 * at, 100, at + 1))
            submission.keep()
    close(yard)
    return yard.folder / DATA


def close(yard: Yard) -> None:
    for engine in yard.engines:
        engine.close()
    yard.engines.clear()


def read_everything(yard: Yard, shelf: Shelf) -> None:
    """Open the chain and read every block, receipt and slot of it."""
    engine = yard.open()
    last = engine.head().number
    for block in engine.blocks(0, last):
        assert engine.block_number(block.header.hash) == block.header.block_number
    for receipt in engine.receipts(0, last):
        assert engine.receipt(receipt.transaction_hash) == receipt
    for at in range(4):
        for slot in range(100):
            data = calldata("slots(uint256)", 1000 * at + slot)
            engine.call(to=shelf.address, data=data)
    with engine.submission():
        pass


@pytest.mark.parametrize("kept_per_mille", [0, 1, 300, 700, 999])
def test_truncated_file_is_found_when_opening(
    yard: Yard, data_file: Path, kept_per_mille: int
) -> None:
    os.truncate(data_file, data_file.stat().st_size * kept_per_mille // 1000)
    with pytest.raises(ChainCorrupt) as corrupt:
        yard.open()
    assert corrupt.value.exit_code == 4
    assert str(data_file) in corrupt.value.expected


@pytest.mark.parametrize("content", [b"", b"no database", bytes(100_000)])
def test_file_that_is_no_database_is_found_when_opening(
    yard: Yard, data_file: Path, content: bytes
) -> None:
    data_file.write_bytes(content)
    with pytest.raises(ChainCorrupt):
        yard.open()


def values_of(yard: Yard, table: Table) -> list[tuple[bytes, bytes]]:
    """What a table holds, read past the engine."""
    store = Store(yard.folder, map_bytes=yard.map_bytes)
    with store.read() as view:
        pairs = list(view.scan(table, b"", b"\xff" * 40))
    store.close()
    return pairs


def flip(path: Path, table: Table, key: bytes, value: bytes) -> None:
    """Flip a bit in the middle of every copy of a value in the file."""
    # A short value may lie elsewhere too; behind its key it does not.
    whole = as_stored(table, key, value)
    stored = key[-8:] + whole if len(value) <= 32 else whole
    length = len(whole) - 4
    content = bytearray(path.read_bytes())
    at = content.find(stored)
    assert at >= 0
    while at >= 0:
        content[at + len(stored) - 1 - length // 2] ^= 4
        at = content.find(stored, at + 1)
    path.write_bytes(content)


@pytest.mark.parametrize("table", list(Table))
def test_flipped_bit_in_a_value_is_found_where_it_is_read(
    yard: Yard, shelf: Shelf, data_file: Path, table: Table
) -> None:
    read_everything(yard, shelf)
    close(yard)
    pairs = values_of(yard, table)
    whole = data_file.read_bytes()
    for key, value in pairs[:: max(1, len(pairs) // 5)]:
        flip(data_file, table, key, value)
        with pytest.raises(ChainCorrupt) as corrupt:
            read_everything(yard, shelf)
        close(yard)
        if table is Table.STATE:
            # Compared with its hash, not with a checksum: it is named by its place in the trie.
            path = key[21:] if key[:1] == b"s" else key[1:]
            named = path.hex() if key[:1] == b"c" else f"node {path.hex() or 'root'}: "
            assert named in corrupt.value.expected
        else:
            assert key.hex() in corrupt.value.expected or value.hex() in str(corrupt.value)
        data_file.write_bytes(whole)
    read_everything(yard, shelf)


def test_flipped_bit_in_the_newest_block_is_found_when_opening(
    yard: Yard, shelf: Shelf, data_file: Path
) -> None:
    whole = data_file.read_bytes()
    for table in (Table.HEADERS, Table.TRANSACTIONS, Table.RECEIPTS):
        key, value = values_of(yard, table)[-1]
        flip(data_file, table, key, value)
        with pytest.raises(ChainCorrupt) as corrupt:
            yard.open()
        assert corrupt.value.block == int.from_bytes(key[:8], "big")
        data_file.write_bytes(whole)


@pytest.mark.parametrize("table", [Table.HEADERS, Table.TRANSACTIONS, Table.RECEIPTS, Table.META])
def test_value_missing_from_the_newest_block_is_found_when_opening(
    yard: Yard, data_file: Path, table: Table
) -> None:
    key = values_of(yard, table)[-1][0]
    store = Store(yard.folder, map_bytes=yard.map_bytes)
    with store.write() as batch:
        batch.delete(table, key)
        batch.commit()
    store.close()
    with pytest.raises(ChainCorrupt):
        yard.open()


def test_missing_state_is_named_while_executing(yard: Yard, shelf: Shelf, data_file: Path) -> None:
    store = Store(yard.folder, map_bytes=yard.map_bytes)
    prefix = b"s" + shelf.address
    with store.write() as batch:
        for path, _ in list(batch.scan(Table.STATE, prefix + b"\x00", prefix + b"\xff")):
            batch.delete(Table.STATE, path)
        batch.commit()
    store.close()
    engine = yard.open()
    head = engine.head()
    with pytest.raises(ChainCorrupt) as corrupt, engine.submission() as submission:
        submission.send(shelf.write(0, 100, 9))
    assert corrupt.value.block == head.number
    assert shelf.address.hex() in corrupt.value.expected
    assert engine.head() == head
