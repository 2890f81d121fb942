"""A book that goes back block by block is at each the book that was never further."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger.book import Book
from ledger.chain.engine import Engine, Head, Log
from ledger.errors import ChainUnusable
from ledger.following import follow
from ledger.ledger import Ledger
from ledger.records import TABLES

OWN = {"unsettled", "undo"}


@dataclass(slots=True)
class Doubtful:
    """A chain of a ledger as a network would have it: its last blocks may fall out again."""

    engine: Engine
    tip: int
    final: int
    forked_above: int = 1 << 62
    atomic: bool = False

    def branch(self) -> list[Head]:
        found = [self.head_at(number) for number in range(self.final, self.tip + 1)]
        return [block for block in found if block is not None]

    def head_at(self, number: int) -> Head | None:
        found = self.engine.head_at(number) if number <= self.tip else None
        if found is not None and number > self.forked_above:
            return Head(
                number=number, block_hash=bytes(32), state_root=found.state_root, timestamp=0
            )
        return found

    def logs(self, first_block: int, last_block: int) -> Iterator[Log]:
        return self.engine.logs(first_block, last_block)

    def logs_of(self, block_hash: bytes) -> list[Log] | None:
        return self.engine.logs_of(block_hash) if any(block_hash) else []


def rows(book: Book) -> Mapping[str, list[Any]]:
    found = {}
    for table in set(TABLES) - OWN:
        found[table] = sorted(book.connection.execute(f"SELECT * FROM {table}"), key=repr)
    return found


def fold(book: Book, engine: Any, contracts: Mapping[str, bytes]) -> None:
    book.begin()
    try:
        follow(book, engine, contracts)
    except BaseException:
        book.rollback()
        raise


def new_book() -> Book:
    return Book(sqlite3.connect(":memory:"))


@pytest.fixture(params=["ledger_folder", "covered_folder", "supplied_folder"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    folder: Path = request.getfixturevalue(request.param)
    with Ledger.open(folder) as opened:
        yield opened


def test_each_block_is_undone_to_the_row(ledger: Ledger) -> None:
    last, contracts = ledger.engine.head().number, ledger.settings.contracts
    plain, at = new_book(), []
    chain = Doubtful(ledger.engine, tip=0, final=0)
    for number in range(last + 1):
        chain.tip = chain.final = number
        fold(plain, chain, contracts)
        at.append(rows(plain))
    assert not plain.unsettled

    doubted = new_book()
    chain.final = 0
    fold(doubted, chain, contracts)
    assert [block.block for block in doubted.unsettled] == list(range(1, last + 1))
    assert rows(doubted) == at[last]
    for number in range(last, 0, -1):
        assert rows(doubted) == at[number]
        doubted.undo()
    assert rows(doubted) == at[0]
    fold(doubted, chain, contracts)
    assert rows(doubted) == at[last]
    chain.final = last
    chain.tip = last
    doubted.begin()
    doubted.settle(last)
    doubted.commit(*doubted.at)
    assert (doubted.unsettled, doubted.settled) == ([], last)


def test_a_branch_that_falls_out_takes_its_blocks_along_and_no_other(ledger: Ledger) -> None:
    last, contracts = ledger.engine.head().number, ledger.settings.contracts
    fork = last - 4
    chain = Doubtful(ledger.engine, tip=fork, final=fork)
    plain = new_book()
    fold(plain, chain, contracts)

    book = new_book()
    chain = Doubtful(ledger.engine, tip=last, final=fork - 2)
    fold(book, chain, contracts)
    # Another branch, without any of ours: a longer and then a shorter one.
    chain.forked_above = fork
    fold(book, chain, contracts)
    assert book.at == (last, bytes(32))
    without = rows(book) | {"progress": rows(plain)["progress"]}
    assert without == rows(plain)
    chain.forked_above = 1 << 62
    fold(book, chain, contracts)
    chain.forked_above, chain.tip = fork, last - 1
    fold(book, chain, contracts)
    assert book.at == (last - 1, bytes(32))
    assert rows(book) | {"progress": rows(plain)["progress"]} == rows(plain)


def test_a_node_that_is_behind_undoes_nothing(ledger: Ledger) -> None:
    last, contracts = ledger.engine.head().number, ledger.settings.contracts
    book = new_book()
    chain = Doubtful(ledger.engine, tip=last, final=last - 3)
    fold(book, chain, contracts)
    before = rows(book)
    for tip, final in ((last - 1, last - 4), (last - 3, last - 6), (last - 5, last - 8), (0, 0)):
        chain.tip, chain.final = tip, final
        with pytest.raises(ChainUnusable, match=f"expected block {last}; found block {tip};"):
            fold(book, chain, contracts)
        assert rows(book) == before
    chain.tip, chain.final = last, last - 3
    fold(book, chain, contracts)
    assert rows(book) == before


def test_a_final_block_that_is_gone_makes_the_book_anew(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    last, contracts = ledger.engine.head().number, ledger.settings.contracts
    chain = Doubtful(ledger.engine, tip=last, final=last)
    book = new_book()
    fold(book, chain, contracts)
    before = rows(book)
    book.connection.execute("UPDATE progress SET block_hash = x'01'")
    fold(book, chain, contracts)
    assert rows(book) == before
    assert f"block {last}, which was final" in caplog.text


def test_a_text_with_any_character_comes_back(tmp_path: Path) -> None:
    from ledger.folding.unsettled import Folded, Unsettled

    connection = sqlite3.connect(tmp_path / "book", isolation_level=None)
    book = Book(connection)
    names = ["a'b", "nul\0inside", "借据", "\U0001f4b0", "", "x' || 1"]
    insert = "INSERT INTO members VALUES (?, ?, ?, x'00ff', x'', 0, 0, x'', 0)"
    connection.executemany(insert, [(at, f"m{at}", name) for at, name in enumerate(names)])
    before = rows(book)
    unsettled = Unsettled(connection)
    connection.execute("BEGIN")
    unsettled.record(Folded(1, b"\x01"), Folded(0, b""))
    connection.execute("UPDATE members SET name = 'other', number = number + 100")
    connection.execute("DELETE FROM members WHERE number % 2")
    connection.executemany("INSERT OR REPLACE" + insert[6:], [(100, "m7", "x"), (7, "m8", "y")])
    assert rows(book) != before
    unsettled.undo_last()
    assert rows(book) == before
    connection.close()
