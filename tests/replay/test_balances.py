"""Balances at the block of a seal: the book's while the run goes on, and a contract that lies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import reading
from ledger.bindings import label
from ledger.book import Book
from ledger.events import DaySealed
from ledger.ledger import Ledger
from ledger.replay.asking import Asking
from ledger.replay.balances import check_balances
from ledger.replay.report import Findings, PartyAccount
from ledger.waterfall import Account
from tests.replay.altered import events_of, folded, honestly, lying
from tests.replay.covered import SHORT

BLOCK = 7


@pytest.fixture(scope="module")
def ledger(covered_folder: Path) -> Iterator[Ledger]:
    with Ledger.open(covered_folder) as opened:
        yield opened


def balances_of(book: Book) -> list[tuple[object, ...]]:
    query = "SELECT * FROM balances WHERE amount_minor != 0 ORDER BY 1, 2, 3"
    return book.connection.execute(query).fetchall()


def test_balances_can_be_read_at_every_seal_of_a_run(ledger: Ledger) -> None:
    reported = events_of(ledger)
    book = Book(sqlite3.connect(":memory:"))
    book.begin()
    seals = 0
    for event, place in reported:
        book.apply(event, place)
        if isinstance(event, DaySealed):
            book.write_balances()
            before = [one for one in reported if one[1] <= place]
            assert balances_of(book) == balances_of(folded(before))
            seals += 1
    book.commit(1, b"")
    assert seals and balances_of(book) == balances_of(folded(reported))


def test_a_balance_that_a_contract_has_wrong_is_named_by_block_and_account(ledger: Ledger) -> None:
    deal = ledger.deal(SHORT)
    party = reading.versions(ledger.book(), deal.deal)[-1].terms.parties[0]
    account = list(Account)[2]
    lie = lying(ledger, "Journal", "balances", label(SHORT), party * 256 + 2)
    for read, expected in ((honestly(ledger), []), (lie, ["balances_at_seals", "J1"])):
        findings = Findings()
        asking = Asking(read, ledger.settings.contracts, findings, BLOCK)
        check_balances(ledger.book(), asking, deal, "balances_at_seals")
        assert [failure.check for failure in findings.failures] == expected
        assert {failure.block for failure in findings.failures} <= {BLOCK}
    assert findings.failures[0].account == PartyAccount(party, account.value)
