"""Refs: whatever was kept is found, whichever table it is in, and costs few pages of the disk."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import refs
from ledger.disk import open_refs

_OLDER = "CREATE TABLE refs (id BLOB PRIMARY KEY, ref TEXT NOT NULL) WITHOUT ROWID"


def pair(name: str) -> tuple[bytes, str]:
    return hashlib.sha256(name.encode()).digest(), name


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """A file of refs that are gathered a hundred at a time."""
    monkeypatch.setattr(refs, "MOST_RECENT", 100)
    connection = open_refs(tmp_path / "refs.sqlite")
    yield connection
    connection.close()


def held(connection: sqlite3.Connection) -> tuple[int, int]:
    return tuple(
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("gathered_refs", "recent_refs")
    )  # type: ignore[return-value]


def test_each_is_found_before_and_after_it_is_gathered(kept: sqlite3.Connection) -> None:
    pairs = [pair(f"L-{at}") for at in range(250)]
    for first in range(0, 250, 10):
        refs.keep(kept, pairs[first : first + 10])
        assert [refs.text_of(kept, own) for own, _ in pairs[: first + 10]] == [
            ref for _, ref in pairs[: first + 10]
        ]
        assert refs.text_of(kept, pair("none")[0]) is None
    assert held(kept) == (200, 50)
    assert sorted(refs.every(kept)) == sorted(pairs)


def test_what_is_kept_again_comes_once(kept: sqlite3.Connection) -> None:
    pairs = [pair(f"L-{at}") for at in range(90)]
    for _ in range(3):
        refs.keep(kept, pairs)
    assert held(kept)[0] == 90
    assert sorted(refs.every(kept)) == sorted(pairs)


def test_a_run_that_fails_keeps_nothing(kept: sqlite3.Connection) -> None:
    refs.keep(kept, [pair("L-1")])
    last = b"\xff" * 32
    with pytest.raises(sqlite3.Error):
        refs.keep(kept, [*(pair(f"L-{at}") for at in range(200)), (last, object())])  # type: ignore[list-item]
    assert [*refs.every(kept)] == [pair("L-1")]
    assert not kept.in_transaction


def test_a_file_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    older = sqlite3.connect(tmp_path / "refs.sqlite")
    older.execute(_OLDER)
    older.execute("INSERT INTO refs VALUES (?, ?)", pair("L-1"))
    older.commit()
    assert [*refs.every(older)] == [pair("L-1")], "as a party hands it over"
    older.close()
    connection = open_refs(tmp_path / "refs.sqlite")
    refs.keep(connection, [pair("L-1"), pair("L-2")])
    assert [refs.text_of(connection, pair(name)[0]) for name in ("L-1", "L-2")] == ["L-1", "L-2"]
    assert sorted(refs.every(connection)) == sorted([pair("L-1"), pair("L-2")])
    connection.close()


def test_what_an_older_version_kept_is_not_kept_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refs, "MOST_RECENT", 10)
    pairs = [pair(f"L-{at}") for at in range(30)]
    older = sqlite3.connect(tmp_path / "refs.sqlite")
    older.execute(_OLDER)
    older.execute(_OLDER.replace("refs", "recent_refs"))
    older.executemany("INSERT INTO refs VALUES (?, ?)", pairs[:12])
    older.executemany("INSERT INTO recent_refs VALUES (?, ?)", pairs[10:15])
    older.commit()
    assert sorted(refs.every(older)) == sorted(pairs[:15])
    older.close()
    connection = open_refs(tmp_path / "refs.sqlite")
    refs.keep(connection, pairs)
    assert held(connection) == (18, 0)
    assert sorted(refs.every(connection)) == sorted(pairs)
    assert refs.texts_of(connection, [own for own, _ in pairs]) == dict(pairs)
    connection.close()


def test_ids_that_begin_alike_are_different(kept: sqlite3.Connection) -> None:
    pairs = [(b"\x05" * 8 + at.to_bytes(24, "big"), f"L-{at}") for at in range(120)]
    refs.keep(kept, pairs)
    refs.keep(kept, pairs[:100])
    assert held(kept) == (120, 0) or held(kept) == (120, 100)
    assert sorted(refs.every(kept)) == sorted(pairs)
    assert [refs.text_of(kept, own) for own, _ in pairs] == [ref for _, ref in pairs]


def test_a_run_that_cannot_be_gathered_keeps_nothing(kept: sqlite3.Connection) -> None:
    refs.keep(kept, [pair("L-1")])
    kept.execute(
        "CREATE TEMP TRIGGER full BEFORE INSERT ON gathered_refs WHEN new.ref = 'L-7'"
        " BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    with pytest.raises(sqlite3.Error, match="full"):
        refs.keep(kept, [pair(f"L-{at}") for at in range(120)])
    assert not kept.in_transaction
    assert [*refs.every(kept)] == [pair("L-1")]


def test_a_run_costs_as_many_pages_of_the_disk_when_there_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refs, "MOST_RECENT", 2_000)
    connection = open_refs(tmp_path / "refs.sqlite")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    written = []
    for run in range(61):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        refs.keep(connection, [pair(f"{run}/{at}") for at in range(500)])
        written.append(connection.execute("PRAGMA wal_checkpoint").fetchone()[1])
    assert held(connection) == (30_000, 500)
    assert written[60] <= 1.2 * written[4], written
    connection.close()
