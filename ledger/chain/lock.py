"""Write lock: at most one process writes to a ledger's folder.

The kernel frees the lock when its holder dies, however it dies; the text in the file only tells
others who holds it.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.errors import LedgerLocked
from ledger.messages import text

_RETRY_SECONDS = 0.02


@contextmanager
def write_lock(path: Path, timeout_seconds: int) -> Iterator[None]:
    """Hold the lock file `path`; wait for another holder at most `timeout_seconds` (0: not at all).

    Raises `LedgerLocked`, naming the holder.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire(file, path, timeout_seconds)
        os.ftruncate(file, 0)
        os.pwrite(file, _holder().encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(file, 0)
    finally:
        os.close(file)


def _acquire(file: int, path: Path, timeout_seconds: int) -> None:
    give_up_at = time.monotonic() + timeout_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= give_up_at:
                raise LedgerLocked(path, holder=_read_holder(file)) from None
        time.sleep(_RETRY_SECONDS)


def _holder() -> str:
    command = " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    host = socket.gethostname()
    return text("chain.lock_holder", pid=os.getpid(), host=host, command=command[:500], since=since)


def _read_holder(file: int) -> str:
    # Empty when the holder is between taking the lock and writing its name.
    return os.pread(file, 4_096, 0).decode(errors="replace")
