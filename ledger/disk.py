"""Disk: the SQLite files of a ledger's folder, and what becomes of one that cannot be used.

The book holds nothing that the chain does not, so a damaged one is thrown away. The refs are
nowhere else, so theirs is left for its owner.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from functools import partial
from pathlib import Path

from ledger.beside import beside
from ledger.book import Book
from ledger.errors import DiskFull, LedgerUnusable
from ledger.messages import text
from ledger.refs import keeping
from ledger.refs import make_tables as make_ref_tables

# A write that the operating system cuts short is an input/output error to SQLite.
_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)
# Pages of the book's log, 256 MiB of it: those who post put it in order before there are so many.
_MOST_LOGGED = 65_536
_MANY_REFS = 5_000
_log = logging.getLogger(__name__)


class BookDamaged(LedgerUnusable):
    """The book could not be read and was thrown away; the next opening makes it anew."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(
            text("ledger.book_damaged"),
            where=str(path),
            found=found,
            fix=text("ledger.book_damaged_fix"),
        )


def open_book(path: Path) -> Book:
    """Open the book, or make one; one that cannot be read is thrown away and made anew."""
    try:
        connection = _sqlite(path, one_thread=False)
        connection.execute(f"PRAGMA wal_autocheckpoint = {_MOST_LOGGED}")
        return Book(connection)
    except sqlite3.DatabaseError as error:
        if not damaged(error):
            raise unusable(path, error) from error
        discard_book(path, error)
        return Book(_sqlite(path, one_thread=False))


def open_refs(path: Path) -> sqlite3.Connection:
    """Open the refs, or make the file. Raises `LedgerUnusable`: they are nowhere else."""
    try:
        # A ref must be on the disk before its id is on the chain, power cut or not.
        refs = _sqlite(path, synchronous="FULL", one_thread=False)
        make_ref_tables(refs)
    except sqlite3.DatabaseError as error:
        if damaged(error):
            raise refs_damaged(path, error) from error
        raise unusable(path, error) from error
    return refs


def put_in_order(path: Path) -> None:
    """Do for a book what can wait until there is time; who reads it sees no change.

    By a connection of its own, so in any thread. Where another process writes, or the disk is
    full, it is left for the next time.
    """
    try:
        with closing(_sqlite(path)) as connection:
            connection.execute("PRAGMA busy_timeout = 0")
            Book(connection).gather()
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    except (sqlite3.Error, OSError) as error:
        _log.debug("%s: %s", path, error)


@contextmanager
def keeping_refs(
    connection: sqlite3.Connection, refs: Sequence[tuple[bytes, str]], *, book: Path
) -> Iterator[None]:
    """Keep refs while other work goes on, as `ledger.refs.keeping` does.

    Work on so many takes long enough to put the book in order as well.
    """
    with (
        beside(partial(put_in_order, book)) if len(refs) >= _MANY_REFS else nullcontext(),
        keeping(connection, refs),
    ):
        yield


def discard_book(path: Path, error: Exception) -> None:
    """Throw the book away: it holds nothing that the chain does not."""
    _log.warning(text("ledger.book_discarded", path=path, found=str(error)))
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def damaged(error: sqlite3.Error) -> bool:
    """Whether SQLite found the file damaged."""
    damage = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in damage


def whole(connection: sqlite3.Connection) -> bool:
    """Whether a database is in order; reads all of it."""
    try:
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.Error:
        return False


def refs_damaged(path: Path, error: Exception) -> LedgerUnusable:
    """The error for refs that cannot be read."""
    return LedgerUnusable(
        text("ledger.refs_damaged"),
        where=str(path),
        found=str(error),
        fix=text("ledger.refs_damaged_fix"),
    )


def unusable(path: Path, error: sqlite3.Error) -> LedgerUnusable:
    """The error for a file that is whole but cannot be used now."""
    if getattr(error, "sqlite_errorcode", 0) in _NO_ROOM:
        return DiskFull(path)
    return LedgerUnusable(text("ledger.file_unusable"), where=str(path), found=str(error))


def _sqlite(
    path: Path, *, synchronous: str = "NORMAL", one_thread: bool = True
) -> sqlite3.Connection:
    # Another process that folds or keeps refs is done in moments; wait for it.
    connection = sqlite3.connect(
        path, timeout=60, isolation_level=None, check_same_thread=one_thread
    )
    try:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
    except BaseException:
        connection.close()
        raise
    return connection
