"""Finding: loans by the start of their refs, in an index that follows the book."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from ledger import finding
from ledger.entries import loan_id
from ledger.ledger import Ledger
from tests.cli.office import DEAL, LOAN_COLUMNS, Office
from tests.sdk.test_reading import steps


def refs(ledger: Ledger, start: str, most: int = 50) -> list[str]:
    return [ledger.ref(one) for one in finding.loans(ledger, ledger.deal(DEAL), start, most=most)]


def loans(*names: str) -> str:
    rows = (f"{name},B-9,2026-01-10,2027-01-10,1.00,18,bullet,consumer" for name in names)
    return "\n".join([LOAN_COLUMNS, *rows]) + "\n"


@pytest.fixture
def named(lent: Office) -> Office:
    """Loans whose refs begin alike, or look like a pattern."""
    lent.posted("loan", loans("A-1", "A-10", "A-2", "a-3", "A%", "A_1", "𠮷-1", "𠮷", "B"))
    return lent


def test_refs_that_begin_so_in_their_order(named: Office) -> None:
    with Ledger.open(named.home) as ledger:
        assert refs(ledger, "A-1") == ["A-1", "A-10"]
        assert refs(ledger, "A") == ["A%", "A-1", "A-10", "A-2", "A_1"]
        assert refs(ledger, "A-") == ["A-1", "A-10", "A-2"]
        assert refs(ledger, "𠮷") == ["𠮷", "𠮷-1"]
        assert refs(ledger, "A", most=2) == ["A%", "A-1"]
        assert refs(ledger, "A%") == ["A%"] and refs(ledger, "%") == [] and refs(ledger, "C") == []


def test_the_very_ref_comes_first(named: Office) -> None:
    with Ledger.open(named.home) as ledger:
        assert refs(ledger, "B")[0] == "B"
        assert refs(ledger, "A-1", most=1) == ["A-1"]


def test_loans_booked_since_are_found(named: Office) -> None:
    with Ledger.open(named.home) as ledger:
        assert refs(ledger, "Z") == []
        named.posted("loan", loans("Z-1"))
        assert refs(ledger, "Z") == ["Z-1"]
        (newest, *_) = finding.newest(ledger, ledger.deal(DEAL), most=5)
        assert ledger.ref(newest.loan_id) == "Z-1"


def test_a_step_at_a_time_until_told_to_stop(named: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "STEP", 2)
    with Ledger.open(named.home) as ledger:
        asked = iter([False, True])
        finding.follow(ledger, stop=lambda: next(asked))
        assert len(refs(ledger, "L-")) + len(refs(ledger, "A")) < 8
        # The very ref needs no index.
        assert refs(ledger, "B") == ["B"]
        finding.follow(ledger)
        assert refs(ledger, "A") == ["A%", "A-1", "A-10", "A-2", "A_1"]


@pytest.mark.parametrize("content", [b"", b"not a database at all, of some length" * 100])
def test_an_index_that_cannot_be_read_is_made_anew(named: Office, content: bytes) -> None:
    path: Path = named.home / finding.FILE
    path.write_bytes(content)
    with Ledger.open(named.home) as ledger:
        assert refs(ledger, "A-1") == ["A-1", "A-10"]
    assert path.stat().st_mode & 0o077 == 0


def test_the_index_of_another_chain_is_made_anew(named: Office, lent_office: Office, tmp_path: Path) -> None:
    with Ledger.open(named.home) as ledger:
        finding.follow(ledger)
    other = lent_office.copy(tmp_path / "other")
    (other.home / finding.FILE).write_bytes((named.home / finding.FILE).read_bytes())
    with Ledger.open(other.home) as ledger:
        assert refs(ledger, "A") == [] and refs(ledger, "L-1") == ["L-1"]


def test_refs_learnt_since_are_found(named: Office, tmp_path: Path) -> None:
    """Another folder learns them when it may: the index has the loans by their ids until then."""
    refs_file = named.home / "refs.sqlite"
    with Ledger.open(named.home) as ledger:
        known = [(loan_id(ledger.salt(DEAL), name), name) for name in ("A-1", "A-2")]
    with sqlite3.connect(refs_file) as connection:
        for table in ("refs", "recent_refs"):
            connection.executemany(f"DELETE FROM {table} WHERE id = ?", [(own,) for own, _ in known])
    with Ledger.open(named.home) as ledger:
        finding.follow(ledger)
        assert refs(ledger, "A-") == ["A-10"]
        own = [one for one, _ in known]
        assert finding.loans(ledger, ledger.deal(DEAL), "0x" + own[0].hex(), most=5) == own[:1]
        ledger.keep_refs(known[:1])
        assert refs(ledger, "A-") == ["A-1", "A-10"]
        assert finding.loans(ledger, ledger.deal(DEAL), "0x" + own[0].hex(), most=5) == []
    with Ledger.open(named.home) as other, Ledger.open(named.home) as ledger:
        other.keep_refs(known[1:])
        assert refs(ledger, "A-") == ["A-1", "A-10", "A-2"]


def test_what_follows_the_last_loan_is_not_gone_through_again(named: Office) -> None:
    with Ledger.open(named.home) as ledger:
        finding.follow(ledger)
        book = ledger.book()
        before = steps(book, lambda: refs(ledger, "A"))
        place = book.connection.execute("SELECT * FROM entries ORDER BY entry DESC LIMIT 1").fetchone()
        marks = ", ".join("?" * (len(place) - 1))
        row = [*place[1:]]
        kinds = [column[1] for column in book.connection.execute("PRAGMA table_info(entries)")]
        row[kinds.index("kind") - 1] = "repayment"
        book.connection.executemany(f"INSERT INTO entries VALUES (NULL, {marks})", [row] * 500)
        refs(ledger, "A")
        assert steps(book, lambda: refs(ledger, "A")) <= before * 1.5


def test_who_looks_for_a_loan_does_not_wait_for_who_makes_the_index(named: Office) -> None:
    with Ledger.open(named.home) as ledger:
        finding.follow(ledger)
        named.posted("loan", loans("Z-1"))
        with sqlite3.connect(named.home / finding.FILE, isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            assert refs(ledger, "A-1") == ["A-1", "A-10"] and refs(ledger, "Z") == []
            # The very ref needs no index.
            assert refs(ledger, "Z-1") == ["Z-1"]
            other.execute("ROLLBACK")
        assert refs(ledger, "Z") == ["Z-1"]
