"""The book is folded while the chain's bytes go to the disk, and kept only once they are there."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ledger import reading
from ledger.book import Book
from ledger.chain.engine import Receipt
from ledger.chain.store import Batch
from ledger.entries import Entry, loan_id
from ledger.errors import DiskFull
from ledger.following import Ahead
from ledger.founding import BOOK_FILE
from ledger.ledger import Ledger
from tests.sdk.made_events import rows
from tests.sdk.sdk_office import DEAL, SERVICER, booking, repayment

LOANS = [f"L-{at}" for at in range(20)]
Meanwhile = Callable[[], None] | None


def post(ledger: Ledger, *entries: Entry) -> None:
    ledger.submit(entries, deal=DEAL, by=SERVICER)


def receipt(number: int) -> Receipt:
    return Receipt(
        transaction_hash=bytes(32),
        block_number=number,
        transaction_index=0,
        gas_used=0,
        logs=(),
        contract_address=None,
    )


def entries_seen(folder: Path) -> int:
    """By another process."""
    other = sqlite3.connect(folder / BOOK_FILE)
    try:
        (found,) = other.execute("SELECT count(*) FROM entries").fetchone()
    finally:
        other.close()
    return int(found)


def test_it_is_folded_meanwhile_and_kept_afterwards(
    ledger: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[object] = []
    commit = Batch.commit

    def watched(batch: Batch, meanwhile: Meanwhile = None) -> None:
        assert meanwhile is not None
        found.append(ledger._book.connection.in_transaction)

        def and_where() -> None:
            meanwhile()
            found.append(threading.current_thread() is threading.main_thread())
            # Written, and seen by nobody else.
            found.append(len(rows(ledger._book)["entries"]))

        commit(batch, and_where)
        found.append(ledger._book.connection.in_transaction)
        found.append(entries_seen(folder))

    monkeypatch.setattr(Batch, "commit", watched)
    post(ledger, *map(booking, LOANS))
    assert found == [False, False, len(LOANS), True, 0]
    assert not ledger._book.connection.in_transaction
    assert entries_seen(folder) == len(LOANS)
    assert ledger._book.at[0] == ledger.engine.head().number


def test_what_the_disk_did_not_take_is_in_neither(
    ledger: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(ledger, booking("A"))
    before = rows(ledger.book())
    with monkeypatch.context() as patch, pytest.raises(DiskFull):

        def full(batch: Batch, meanwhile: Meanwhile = None) -> None:
            assert meanwhile is not None
            meanwhile()
            raise DiskFull(folder)

        patch.setattr(Batch, "commit", full)
        post(ledger, booking("B"), repayment("R", "A"))
    assert not ledger._book.connection.in_transaction
    assert rows(ledger.book()) == before
    post(ledger, booking("B"), repayment("R", "A"))
    assert len(rows(ledger.book())["entries"]) == 3


def test_a_book_that_cannot_be_folded_follows_later(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    post(ledger, booking("A"))
    with monkeypatch.context() as patch:

        def full(book: Book, events: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        patch.setattr(Book, "apply_all", full)
        done = ledger.submit([repayment("R", "A")], deal=DEAL, by=SERVICER)
    assert done.posted == 1 and "database or disk is full" in caplog.text
    assert not ledger._book.connection.in_transaction
    assert len(rows(ledger.book())["entries"]) == 2


def test_loans_that_were_planned_are_not_read_again(ledger: Ledger) -> None:
    post(ledger, *map(booking, LOANS))
    asked: list[str] = []
    ledger._book.connection.set_trace_callback(asked.append)
    post(ledger, *(repayment(f"R-{loan}", loan) for loan in LOANS))
    ledger._book.connection.set_trace_callback(None)
    assert sum("CROSS JOIN loans" in query for query in asked) == 1
    assert not ledger._book._at_hand._taken, "what is written is read again"
    for loan in LOANS:
        found = reading.loan(ledger.book(), 1, loan_id(ledger.salt(DEAL), loan))
        assert found is not None and found.sequence == 2


def test_loans_of_another_block_are_read_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was folded since they were read has changed them."""
    own = loan_id(ledger.salt(DEAL), "A")
    post(ledger, booking("A"))
    read_at, stale = ledger.book().at, reading.loan(ledger.book(), 1, own)
    assert stale is not None
    post(ledger, repayment("R-1", "A"))
    fold = Ahead.fold
    monkeypatch.setattr(
        Ahead, "fold", lambda ahead, receipts, *_: fold(ahead, receipts, read_at, [stale])
    )
    post(ledger, repayment("R-2", "A"))
    found = reading.loan(ledger.book(), 1, own)
    assert found is not None and found.sequence == 3


def test_blocks_that_do_not_follow_are_left_to_the_chain(ledger: Ledger) -> None:
    post(ledger, booking("A"))
    book, head = ledger.book(), ledger.engine.head()
    at, before = book.at, rows(book)
    with Ahead(book, ledger.settings.contracts) as ahead:
        ahead.fold([receipt(head.number + 2)])
        ahead.keep(replace(head, number=head.number + 2))
    assert not book.connection.in_transaction
    assert book.at == at and rows(book) == before


def test_what_is_not_kept_is_forgotten(ledger: Ledger) -> None:
    post(ledger, booking("A"))
    book, head = ledger.book(), ledger.engine.head()
    at = book.at
    with pytest.raises(ZeroDivisionError), Ahead(book, ledger.settings.contracts) as ahead:
        ahead.fold([receipt(head.number + 1)])
        assert book.connection.in_transaction
        _ = 1 // 0
    assert not book.connection.in_transaction and book.at == at
