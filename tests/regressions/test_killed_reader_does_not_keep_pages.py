"""A process killed while it read kept every page of its moment, and the file grew for ever."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ledger.chain.store import Store, Table

_READER = """
import sys
from pathlib import Path
from ledger.chain.store import Store
with Store(Path(sys.argv[1])).read():
    print("reading", flush=True)
    sys.stdin.read()
"""
ROUNDS, VALUES = 60, 100


def test_a_killed_readers_pages_are_used_anew(tmp_path: Path) -> None:
    store = Store(tmp_path, create=True)
    _overwrite(store)
    reader = subprocess.Popen(
        [sys.executable, "-c", _READER, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert reader.stdout is not None and reader.stdout.readline() == b"reading\n"
    reader.kill()
    reader.communicate()
    _overwrite(store)
    before = (tmp_path / "data.mdb").stat().st_size
    for _ in range(ROUNDS):
        _overwrite(store)
    assert (tmp_path / "data.mdb").stat().st_size < 2 * before


def _overwrite(store: Store) -> None:
    with store.write() as batch:
        for number in range(VALUES):
            batch.put(Table.STATE, number.to_bytes(4, "big"), bytes(1_000))
        batch.commit()
