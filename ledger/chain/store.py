"""Store: the chain's tables on disk, in one LMDB file.

One write transaction spans a whole submission: what it wrote is visible to itself at once and to
everybody else after `commit`, which returns when the bytes are on the disk. Readers see the last
commit and never wait. Every value carries a checksum, so a flipped bit is named where it is read.
Transactions and receipts lie deflated, each for itself; behind the store nobody sees it.
"""

from __future__ import annotations

import errno
import struct
import weakref
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Any

import lmdb

from ledger.beside import beside
from ledger.errors import ChainCorrupt, ChainUnusable, DiskFull, LedgerMissing
from ledger.messages import text

# Address space, not disk: the file grows as it fills. Enlarging a map needs every reader gone,
# so it is chosen once, far above any ledger.
MAP_BYTES = 1 << 40
_DATA_FILE = "data.mdb"
_CHECKSUM_BYTES = 4
FORMAT = b"\x02"
"""Which form the values have; the first one, which had no number, deflated nothing."""
_FORMAT_KEY = b"format"
# The first byte of a value of a deflated table. Level 1: the ids in it do not get shorter anyway.
_PLAIN, _DEFLATED = b"\x00", b"\x01"
_DEFLATE_LEVEL = 1
# Far above any value the gas limit allows, far below what a made-up record can swell to.
_MAX_VALUE_BYTES = 1 << 28
_MAX_READERS = 1024
_MOST_HELD = 100_000
# The two meta pages at the start of the file (LMDB 0.9, 64 bits): magic and version, page size,
# number of the last page, number of the transaction. The page with the newer transaction counts.
_META = struct.Struct("=16xII16xI92xQQ")
# LMDB reports a write cut short by a full disk as an input/output error.
_NO_ROOM = ("No space left", "Disk quota exceeded", "File too large", "txn_commit: Input/output")
_META_START = (0xBEEFC0DE, 1)


class Table(StrEnum):
    """What the store holds; numbers in keys are big-endian, so key order is chain order."""

    META = "meta"
    """name -> the few values that describe the head"""
    HEADERS = "headers"
    """block number (8) -> sealed header, RLP"""
    NUMBERS = "numbers"
    """block hash (32) -> block number (8)"""
    TRANSACTIONS = "transactions"
    """block number (8), index (4) -> signed transaction as it was sent"""
    RECEIPTS = "receipts"
    """block number (8), index (4) -> receipt record"""
    LOOKUPS = "lookups"
    """transaction hash (32) -> block number (8), index (4)"""
    STATE = "state"
    """contracts' code and the state trie"""


# One database with prefixed keys: LMDB opens a named one only under the writers' lock, and
# reading must not wait for a writer.
_PREFIXES = {table: bytes([number]) for number, table in enumerate(Table)}
_DEFLATED_TABLES = (Table.TRANSACTIONS, Table.RECEIPTS)
_KEYED_BY_BLOCK = (Table.HEADERS, Table.TRANSACTIONS, Table.RECEIPTS)


class View:
    """The store as of one commit, plus the own writes when it belongs to a `Batch`."""

    def __init__(self, store: Store, transaction: Any) -> None:
        self.block = 0
        """Number of the block that errors name when a key does not say one."""
        self.known_nodes = store.known_nodes
        """Of the state's tries, by reference, the same for all views of a store."""
        self._store = store
        self._transaction = transaction

    def get(self, table: Table, key: bytes, *, hashed: bool = False) -> bytes | None:
        """The value, or None. Raises `ChainCorrupt` when it is not what was written.

        `hashed`: who reads it knows its hash and compares that, which spares the checksum.
        """
        try:
            stored = self._transaction.get(_PREFIXES[table] + key)
        except lmdb.Error as error:
            raise self._store.explain(error) from error
        if stored is None:
            return None
        if hashed:
            return bytes(stored[_CHECKSUM_BYTES:])
        return self._checked(table, key, stored)

    def need(self, table: Table, key: bytes) -> bytes:
        """The value, which must be there. Raises `ChainCorrupt`."""
        value = self.get(table, key)
        if value is None:
            raise ChainCorrupt(
                self._block_of(table, key), expected=f"{table} 0x{key.hex()}", found="-"
            )
        return value

    def scan(self, table: Table, first: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Pairs with `first` <= key < `end` in key order, one at a time."""
        prefix = _PREFIXES[table]
        try:
            with self._transaction.cursor() as cursor:
                if not cursor.set_range(prefix + first):
                    return
                for stored_key, stored in cursor:
                    if stored_key >= prefix + end:
                        return
                    key = stored_key[len(prefix) :]
                    yield key, self._checked(table, key, stored)
        except lmdb.Error as error:
            raise self._store.explain(error) from error

    def _checked(self, table: Table, key: bytes, stored: bytes) -> bytes:
        value = stored[_CHECKSUM_BYTES:]
        expected = stored[:_CHECKSUM_BYTES]
        found = _checksum(key, value)
        if expected != found:
            name = f"{table} 0x{key.hex()}, crc32 "
            raise ChainCorrupt(
                self._block_of(table, key), expected=name + expected.hex(), found=found.hex()
            )
        if table not in _DEFLATED_TABLES:
            return value
        try:
            return _inflated(value)
        except (zlib.error, ValueError) as error:
            raise ChainCorrupt(
                self._block_of(table, key),
                expected=f"{table} 0x{key.hex()}, deflated",
                found=str(error),
            ) from error

    def _block_of(self, table: Table, key: bytes) -> int:
        return int.from_bytes(key[:8], "big") if table in _KEYED_BY_BLOCK else self.block


class Batch(View):
    """Writes that reach the disk together at `commit`, or not at all."""

    def __init__(self, store: Store, transaction: Any) -> None:
        super().__init__(store, transaction)
        # Of the state, which is set again block by block. None: removed.
        self._held: dict[bytes, bytes | None] = {}

    def get(self, table: Table, key: bytes, *, hashed: bool = False) -> bytes | None:
        """The same, with the own writes."""
        if table is Table.STATE and key in self._held:
            return self._held[key]
        return View.get(self, table, key, hashed=hashed)

    def scan(self, table: Table, first: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The same, with the own writes."""
        self._write_held()
        return View.scan(self, table, first, end)

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Set a value. Raises `DiskFull`."""
        if table is Table.STATE:
            self._hold(key, value)
        else:
            self._put([(_PREFIXES[table] + key, as_stored(table, key, value))])

    def delete(self, table: Table, key: bytes) -> None:
        """Remove a value, if there is one."""
        if table is Table.STATE:
            self._hold(key, None)
        else:
            self._delete(_PREFIXES[table] + key)

    def _hold(self, key: bytes, value: bytes | None) -> None:
        if len(self._held) >= _MOST_HELD:
            self._write_held()
        self._held[key] = value

    def _write_held(self) -> None:
        prefix, values = _PREFIXES[Table.STATE], []
        # In order: neighbours lie on one page, which is looked for once.
        for key, value in sorted(self._held.items()):
            if value is None:
                self._delete(prefix + key)
            else:
                values.append((prefix + key, as_stored(Table.STATE, key, value)))
        self._put(values)
        self._held.clear()

    def _put(self, pairs: Sequence[tuple[bytes, bytes]]) -> None:
        try:
            with self._transaction.cursor() as cursor:
                cursor.putmulti(pairs)
        except (lmdb.Error, OSError) as error:
            raise self._store.explain(error) from error

    def _delete(self, stored_key: bytes) -> None:
        try:
            self._transaction.delete(stored_key)
        except (lmdb.Error, OSError) as error:
            raise self._store.explain(error) from error

    def commit(self, meanwhile: Callable[[], None] | None = None) -> None:
        """Write everything to the disk and wait until it is there. Raises `DiskFull`.

        `meanwhile` is called in another thread, and has returned at the end: LMDB needs no
        interpreter to write, but the thread that began.
        """
        self._write_held()
        with nullcontext() if meanwhile is None else beside(meanwhile):
            try:
                self._transaction.commit()
            except (lmdb.Error, OSError) as error:
                raise self._store.explain(error) from error


def write_format(batch: Batch) -> None:
    """Note in a new store which form its values have."""
    batch.put(Table.META, _FORMAT_KEY, FORMAT)


def expect_format(view: View, directory: Path) -> None:
    """Raise `ChainUnusable` when an older or a newer ledger wrote this store."""
    found = view.get(Table.META, _FORMAT_KEY) or b"\x01"
    if found != FORMAT:
        raise ChainUnusable(
            text("chain.format_unknown"),
            where=str(directory),
            expected=str(int.from_bytes(FORMAT, "big")),
            found=str(int.from_bytes(found, "big")),
            fix=text("chain.format_unknown_fix"),
        )


class Store:
    """An LMDB environment in a folder. `create` must be True to make a new one."""

    def __init__(self, directory: Path, *, create: bool = False, map_bytes: int = MAP_BYTES):
        self._file = directory / _DATA_FILE
        self.known_nodes: dict[bytes, Any] = {}
        if not create and not self._file.is_file():
            raise LedgerMissing(directory)
        if create:
            directory.mkdir(parents=True, exist_ok=True)
        try:
            if not create:
                _expect_whole(self._file)
            self._environment = _environment(directory, map_bytes)
        except (lmdb.Error, OSError) as error:
            raise self.explain(error) from error

    @contextmanager
    def read(self) -> Iterator[View]:
        """The last commit, unmoved by later ones while the context lasts."""
        try:
            transaction = self._environment.begin()
        except lmdb.Error as error:
            raise self.explain(error) from error
        try:
            yield View(self, transaction)
        finally:
            transaction.abort()

    @contextmanager
    def write(self) -> Iterator[Batch]:
        """A batch on top of the last commit; leaving without `commit` drops it."""
        try:
            # A reader that was killed would keep every page there was from being used anew.
            self._environment.reader_check()
            transaction = self._environment.begin(write=True)
        except (lmdb.Error, OSError) as error:
            raise self.explain(error) from error
        try:
            yield Batch(self, transaction)
        finally:
            transaction.abort()

    def close(self) -> None:
        """Let go of the file; it stays open while another engine of this process uses it."""
        self._environment = None

    def explain(self, error: Exception) -> DiskFull | ChainCorrupt | ChainUnusable:
        """The ledger's error for one of LMDB's or the operating system's."""
        if _is_disk_full(error):
            return DiskFull(self._file)
        if isinstance(error, PermissionError | lmdb.ReadonlyError | lmdb.ReadersFullError):
            return ChainUnusable(
                text("chain.file_unusable"), where=str(self._file), found=str(error)
            )
        return ChainCorrupt(0, expected=f"{self._file} (LMDB)", found=str(error))


# LMDB forbids opening one file twice in a process, so engines on the same folder share.
_open_environments: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()


def _environment(directory: Path, map_bytes: int) -> Any:
    name = str(directory.resolve())
    environment = _open_environments.get(name)
    if environment is None:
        environment = lmdb.open(
            name,
            map_size=map_bytes,
            max_readers=_MAX_READERS,
            readahead=False,
            mode=0o600,
        )
        _open_environments[name] = environment
    return environment


def _expect_whole(path: Path) -> None:
    """Compare the file's length with what its newest meta page says it must be.

    LMDB maps the file, and reading a page beyond its end kills the process instead of raising.
    """
    with path.open("rb") as file:
        first = file.read(_META.size)
        file.seek(_META.unpack(first)[2] if len(first) == _META.size else 0)
        second = file.read(_META.size)
    pages = [_META.unpack(page) for page in (first, second) if len(page) == _META.size]
    metas = [page for page in pages if page[:2] == _META_START]
    if not metas:
        raise ChainCorrupt(0, expected=f"{path} (LMDB)", found=f"0x{first[:24].hex()}")
    *_, page_bytes, last_page, _ = max(metas, key=lambda meta: meta[-1])
    expected, found = max(last_page + 1, 2) * page_bytes, path.stat().st_size
    if found < expected:
        raise ChainCorrupt(0, expected=f"{path} >= {expected} bytes", found=f"{found} bytes")


def _is_disk_full(error: Exception) -> bool:
    if isinstance(error, lmdb.MapFullError):
        return True
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return any(reason in str(error) for reason in _NO_ROOM)


def as_stored(table: Table, key: bytes, value: bytes) -> bytes:
    """A value as it lies in the file."""
    if table in _DEFLATED_TABLES:
        value = _deflated(value)
    return _checksum(key, value) + value


def _deflated(value: bytes) -> bytes:
    packed = zlib.compress(value, _DEFLATE_LEVEL)
    return _DEFLATED + packed if len(packed) < len(value) else _PLAIN + value


def _inflated(packed: bytes) -> bytes:
    form = packed[:1]
    if form == _PLAIN:
        return packed[1:]
    if form != _DEFLATED:
        raise ValueError(f"0x{form.hex()}")
    stream = zlib.decompressobj()
    value = stream.decompress(packed[1:], _MAX_VALUE_BYTES)
    if not stream.eof or stream.unused_data:
        raise ValueError(f"{len(value)} bytes, not whole")
    return value


def _checksum(key: bytes, value: bytes) -> bytes:
    return zlib.crc32(value, zlib.crc32(key)).to_bytes(_CHECKSUM_BYTES, "big")
