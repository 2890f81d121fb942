"""Ledger: opened from its folder, read through its book, safe against damage of what is disposable."""

from __future__ import annotations

import logging
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import reading
from ledger.chain.engine import Log
from ledger.disk import BookDamaged
from ledger.entries import borrower_id, loan_id
from ledger.errors import LedgerMissing, LedgerUnusable, UsageInvalid
from ledger.ledger import Ledger
from ledger.waterfall import Account
from tests.sdk.sdk_office import DEAL, LEAD, SERVICER, booking, repayment


def rows(opened: Ledger) -> dict[str, list[tuple[object, ...]]]:
    connection = opened.book().connection
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}


def delete_book(folder: Path) -> None:
    for path in folder.glob("book.sqlite*"):
        path.unlink()


def test_open_where_no_ledger_is(tmp_path: Path) -> None:
    with pytest.raises(LedgerMissing):
        Ledger.open(tmp_path)


def test_unknown_deal_and_member_name_the_known_ones(ledger: Ledger) -> None:
    with pytest.raises(UsageInvalid) as deal:
        ledger.deal("joint-1")
    assert (deal.value.expected, deal.value.found) == (DEAL, "joint-1")
    with pytest.raises(UsageInvalid) as member:
        ledger.member("bank-z")
    assert member.value.expected == "bank-a, platform-p, guarantor-g, outsider-o"


def test_terms_and_salt_are_of_the_folder(ledger: Ledger, folder: Path) -> None:
    assert ledger.terms(DEAL, 1).id == DEAL
    assert len(ledger.salt(DEAL)) == 32
    with pytest.raises(UsageInvalid):
        ledger.terms(DEAL, 2)
    (folder / "deals" / DEAL / "salt").write_text("no hex")
    with pytest.raises(UsageInvalid):
        ledger.salt(DEAL)


def test_refs_are_known_here_and_hex_elsewhere(ledger: Ledger, folder: Path) -> None:
    ledger.submit([booking()], deal=DEAL, by=SERVICER)
    own = loan_id(ledger.salt(DEAL), "L-1")
    borrower = borrower_id(ledger.salt(DEAL), "borrower of L-1")
    assert (ledger.ref(own), ledger.ref(borrower)) == ("L-1", "borrower of L-1")
    assert ledger.ref(bytes(32)) == "0x" + "00" * 32


def test_book_follows_what_another_opening_posts(ledger: Ledger, folder: Path) -> None:
    before = ledger.book().at
    with Ledger.open(folder) as other:
        other.submit([booking(), repayment()], deal=DEAL, by=SERVICER)
    assert ledger.book().at[0] == before[0] + 1
    assert reading.count_loans(ledger.book(), ledger.deal(DEAL).deal) == 1


def test_book_folded_by_another_opening_meanwhile_is_not_folded_twice(
    ledger: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two openings share one file: the slower one must look again under the lock."""
    with Ledger.open(folder) as other:
        ledger.submit([booking(), repayment()], deal=DEAL, by=SERVICER)
        own = ledger.book().connection
        for (name,) in own.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            own.execute(f"DELETE FROM {name}")
        own.execute("INSERT INTO progress VALUES (0, x'')")
        own.execute("PRAGMA busy_timeout = 0")
        real = other.engine.logs

        def slow(first_block: int, last_block: int) -> Iterator[Log]:
            # By now the other one has taken the book's lock: this one must wait, not fold too.
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                ledger.book()
            return real(first_block, last_block)

        monkeypatch.setattr(other.engine, "logs", slow)
        folded = rows(other)
    assert len(folded["entries"]) == 2
    assert rows(ledger) == folded


def test_rebuilt_book_has_the_same_rows(folder: Path) -> None:
    with Ledger.open(folder) as opened:
        opened.submit([booking(f"L-{i}") for i in range(5)], deal=DEAL, by=SERVICER)
        opened.submit([repayment(f"R-{i}", f"L-{i}") for i in range(5)], deal=DEAL, by=SERVICER)
        opened.reverse(["R-2", "L-2"], deal=DEAL, by=SERVICER)
        kept = rows(opened)
    delete_book(folder)
    with Ledger.open(folder) as opened:
        assert rows(opened) == kept


def test_folder_keeps_its_files_to_its_owner(ledger: Ledger, folder: Path) -> None:
    for name in ("book.sqlite", "refs.sqlite"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def test_book_that_cannot_be_read_is_made_anew_with_a_note(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Ledger.open(folder) as opened:
        kept = rows(opened)
    delete_book(folder)
    (folder / "book.sqlite").write_bytes(b"nothing that SQLite knows")
    with caplog.at_level(logging.WARNING), Ledger.open(folder) as opened:
        assert rows(opened) == kept
    assert "book.sqlite: the book could not be read" in caplog.text


def test_damage_met_while_reading_throws_the_book_away(folder: Path) -> None:
    with pytest.raises(BookDamaged), Ledger.open(folder) as opened:
        opened.book()
        error = sqlite3.DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error
    assert not (folder / "book.sqlite").exists()
    with Ledger.open(folder) as opened:
        assert opened.deal(DEAL).version == 1


def test_refs_that_cannot_be_read_are_left_for_their_owner(folder: Path) -> None:
    for path in folder.glob("refs.sqlite*"):
        path.unlink()
    (folder / "refs.sqlite").write_bytes(b"nothing that SQLite knows")
    with pytest.raises(LedgerUnusable) as refused:
        Ledger.open(folder)
    assert refused.value.where == str(folder / "refs.sqlite")
    assert (folder / "refs.sqlite").read_bytes() == b"nothing that SQLite knows"


def test_book_that_cannot_be_written_does_not_undo_what_is_posted(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(folder) as opened:
        opened.book()

        def full(block: int, block_hash: bytes) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
            patch.setattr(opened.book(), "commit", full)
            done = opened.submit([booking()], deal=DEAL, by=SERVICER)
        assert done.posted == 1
        assert "the next command does it" in caplog.text
        deal = opened.deal(DEAL)
        found = reading.balances(opened.book(), deal.deal, reading.versions(opened.book(), 1)[0].terms)
        assert found[opened.member(LEAD).number][Account.CASH] == -780_000
