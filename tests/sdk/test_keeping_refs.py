"""Refs go to the disk while a submission is executed, and are there before it is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import refs
from ledger.disk import open_refs

ONE, OTHER = (b"\x01" * 32, "L-1"), (b"\x02" * 32, "L-2")
# A commit that fails at its end, as it does on a full disk.
_FAILING = """
PRAGMA foreign_keys = ON;
CREATE TABLE owners (id INTEGER PRIMARY KEY);
CREATE TABLE owned (id INTEGER REFERENCES owners DEFERRABLE INITIALLY DEFERRED);
CREATE TRIGGER orphans AFTER INSERT ON recent_refs WHEN new.ref = 'L-2'
BEGIN INSERT INTO owned VALUES (1); END;
"""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    opened = open_refs(tmp_path / "refs.sqlite")
    yield opened
    opened.close()


def seen_by_others(folder: Path) -> list[tuple[bytes, str]]:
    other = sqlite3.connect(folder / "refs.sqlite")
    try:
        return sorted(refs.every(other))
    finally:
        other.close()


def test_at_the_end_they_are_there_for_everybody(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    with refs.keeping(connection, [ONE, OTHER]):
        pass
    assert seen_by_others(tmp_path) == [ONE, OTHER]


def test_they_are_kept_where_the_work_fails(connection: sqlite3.Connection, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), refs.keeping(connection, [ONE]):
        _ = 1 // 0
    assert not connection.in_transaction
    assert seen_by_others(tmp_path) == [ONE]


def test_what_cannot_be_kept_is_said_at_the_end_and_none_is_kept(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    connection.executescript(_FAILING)
    with pytest.raises(sqlite3.IntegrityError), refs.keeping(connection, [ONE, OTHER]):
        pass
    assert not connection.in_transaction
    assert seen_by_others(tmp_path) == []
    refs.keep(connection, [ONE])
    assert seen_by_others(tmp_path) == [ONE]
