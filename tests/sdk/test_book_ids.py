"""Entries are found by their ids however they came into the book, and in few pages of the disk."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import reading
from ledger.book import Book
from ledger.entries import Kind
from ledger.events import Amounts, EntriesSubmitted, Event, LoanBooked, LoanRepaid, Place
from ledger.folding import ids
from tests.sdk.made_events import DEAL, agreed, fold, own_id, terms

LOANS = 120
OTHER = b"other".ljust(32, b"\0")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are gathered a hundred at a time."""
    monkeypatch.setattr(ids, "MOST_RECENT", 100)


def story(deal: bytes = DEAL) -> Iterator[list[Event]]:
    """Transactions: loans one by one, each repaid twice, out of order."""
    chance = random.Random(7)
    yield agreed(terms(), deal=deal)
    opened = EntriesSubmitted(deal, 1, 1)
    for at in range(LOANS):
        yield [opened, LoanBooked(own_id(f"L{at}"), own_id(f"B{at}"), 20_000, (1_000, 0))]
    for again in range(2):
        paid = (Amounts(10, 1, 0, 0).pack(), 0, 0, 0)
        for at in chance.sample(range(LOANS), LOANS):
            own = own_id(f"R{at}/{again}")
            yield [opened, LoanRepaid(own, own_id(f"L{at}"), 20_030 + again, paid)]


def of_loan(at: int) -> list[bytes]:
    return [own_id(f"L{at}"), own_id(f"R{at}/0"), own_id(f"R{at}/1")]


def held(book: Book) -> tuple[int, int]:
    """How many ids were gathered, and how many were not."""
    return tuple(
        book.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("gathered_ids", "recent_ids")
    )  # type: ignore[return-value]


def expect_found(book: Book, deal: int = 1) -> None:
    for at in range(LOANS):
        loan = reading.loan(book, deal, own_id(f"L{at}"))
        assert loan is not None and loan.outstanding_minor == 980
        chain = reading.entries_of_loan(book, deal, loan.loan_id)
        assert [entry.entry_id for entry in chain] == of_loan(at)
        assert (chain[0].number, chain[-1].number) == (loan.loan, loan.last_entry)
        for own in of_loan(at)[1:]:
            entry = reading.entry(book, deal, own)
            assert entry is not None and entry.loan_id == loan.loan_id
        assert reading.entry(book, deal, own_id(f"L{at}")) is None
        booking = reading.entry(book, deal, own_id(f"L{at}"), booking=True)
        assert booking is not None and booking.kind is Kind.BOOKING
    assert reading.loan(book, deal, own_id("none")) is None


@pytest.mark.parametrize("runs", ["one", "many"])
def test_all_are_found_before_and_after_they_are_gathered(soon: None, runs: str) -> None:
    told = list(story())
    book = fold([told] if runs == "one" else [[one] for one in told])
    assert held(book) == ((3 * LOANS, 0) if runs == "one" else (300, 60))
    expect_found(book)


def test_ids_that_begin_alike_are_told_apart(soon: None) -> None:
    alike = [b"\7" * 6 + bytes([at]) * 26 for at in range(9)]
    opened = EntriesSubmitted(DEAL, 1, 1)
    book = fold(
        [
            [agreed(terms())],
            [[opened, LoanBooked(own, own, 20_000, (1_000 + own[-1], 0))] for own in alike],
        ]
    )
    for own in alike:
        loan = reading.loan(book, 1, own)
        assert loan is not None and loan.principal_minor == 1_000 + own[-1]
        assert [one.entry_id for one in reading.entries_of_loan(book, 1, own)] == [own]
        booking = reading.entry(book, 1, own, booking=True)
        assert booking is not None and booking.entry_id == own
    assert reading.loan(book, 1, b"\7" * 6 + b"\xff" * 26) is None


def test_two_deals_with_the_same_ids_are_told_apart(soon: None) -> None:
    book = fold([[*story()], [*story(OTHER)]])
    for deal in (1, 2):
        expect_found(book, deal)
    first, second = (reading.loan(book, deal, own_id("L5")) for deal in (1, 2))
    assert first is not None and second is not None and first.loan != second.loan


def test_what_is_gathered_is_settled_and_what_is_not_can_be_undone(soon: None) -> None:
    start, *told = story()
    book, plain = fold([[start]]), fold([[start]])
    blocks = [told[first : first + 30] for first in range(0, len(told), 30)]
    for block, transactions in enumerate(blocks, 2):
        book.begin()
        book.settle(block - 3)
        for undone in (True, False):
            book.begin_unsettled(block, bytes(32))
            for at, transaction in enumerate(transactions):
                for log, event in enumerate(transaction):
                    book.apply(event, Place(block, at, log))
            book.keep(block, bytes(32))
            if undone:
                book.undo()
        book.commit(block, bytes(32))
    gathered, recent = held(book)
    assert (gathered, recent) == (240, 120)
    expect_found(book)
    for block in (13, 12):
        book.begin()
        book.undo()
        book.commit(*book.at)
        assert held(book) == (240, 30 * (block - 2) - 240)
    fold([told[:300]], into=plain)
    for query in (
        "SELECT * FROM loans ORDER BY loan",
        "SELECT * FROM ids ORDER BY 1, 2, 3",
        "SELECT entry, entry_id, loan, before FROM entries ORDER BY entry",
    ):
        assert [*book.connection.execute(query)] == [*plain.connection.execute(query)]


def test_a_chain_that_somebody_bent_into_a_ring_ends(soon: None) -> None:
    book = fold([[*story()]])
    book.connection.execute("UPDATE entries SET before = 350 WHERE entry = 3")
    assert len(reading.entries_of_loan(book, 1, own_id("L2"))) <= 4


def test_a_loan_costs_as_many_pages_of_the_disk_in_a_long_book(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ids, "MOST_RECENT", 2_000)
    connection = sqlite3.connect(tmp_path / "book")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    book = fold([[agreed(terms())]], into=Book(connection))
    opened = EntriesSubmitted(DEAL, 1, 1)
    written = []
    for run in range(61):
        names = [own_id(f"{run}/{at}") for at in range(500)]
        booked = [LoanBooked(own, own, 20_000, (1_000, 0)) for own in names]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        fold([[[opened, *booked]]], into=book)
        _, frames, _ = connection.execute("PRAGMA wal_checkpoint").fetchone()
        written.append(frames)
    # At every fourth run the recent ids were gathered.
    assert held(book) == (30_000, 500)
    assert written[60] <= 1.2 * written[4], written
    connection.close()
