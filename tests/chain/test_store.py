"""The store: all or nothing on disk, every kind of damage named, a full disk survived."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.chain.blocks import block_key, read_head
from ledger.chain.local import LocalEngine
from ledger.chain.store import Store, Table
from ledger.errors import ChainCorrupt, DiskFull, LedgerError, LedgerMissing

from .conftest import Sender, Shelf, Yard, calldata
from .test_lock import PROLOGUE

DATA = "data.mdb"


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
    )
    assert ran.returncode == 4, ran.stderr
    assert "no room left" in ran.stdout
    assert yard.reopen(engine).head() == head


@pytest.fixture
def data_file(yard: Yard, engine: LocalEngine, shelf: Shelf) -> Path:
    """The file of a closed chain with some thousand state nodes."""
    for at in range(4):
        with engine.submission() as submission:
            submission.send(shelf.write(1000 * at, 300, at + 1))
            submission.keep()
    yard.reopen(engine).close()
    yard.engines.clear()
    return yard.folder / DATA


def read_everything(yard: Yard, shelf_address: bytes) -> None:
    """Open the chain and read every block, receipt and slot of it."""
    engine = yard.open()
    try:
        last = engine.head().number
        list(engine.blocks(0, last))
        list(engine.logs(0, last))
        for at in range(4):
            for slot in range(300):
                engine.call(
                    to=shelf_address, data=calldata("slots(uint256)", 1000 * at + slot)
                )
    finally:
        engine.close()
        yard.engines.clear()


@pytest.mark.parametrize("kept_per_mille", [0, 1, 300, 700, 999])
def test_truncated_file_is_found_when_opening(
    yard: Yard, data_file: Path, kept_per_mille: int
) -> None:
    os.truncate(data_file, data_file.stat().st_size * kept_per_mille // 1000)
    with pytest.raises(LedgerError) as unusable:
        yard.open()
    assert unusable.value.exit_code == 4


def test_flipped_bit_in_the_newest_block_is_found_when_opening(
    yard: Yard, engine: LocalEngine, data_file: Path
) -> None:
    with yard.open()._store.read() as view:
        number = read_head(view).header.block_number
        stored = view.need(Table.HEADERS, block_key(number))
    for one in yard.engines:
        one.close()
    yard.engines.clear()
    content = bytearray(data_file.read_bytes())
    places = []
    at = content.find(stored)
    while at >= 0:
        places.append(at)
        at = content.find(stored, at + 1)
    assert places
    for place in places:
        content[place + 40] ^= 1
    data_file.write_bytes(content)
    with pytest.raises(ChainCorrupt) as corrupt:
        yard.open()
    assert corrupt.value.block == number
