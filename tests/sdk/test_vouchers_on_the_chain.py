"""The book of a ledger with vouchers is what its contracts hold: words, balances, days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from ledger import days, reading
from ledger.bindings import decode_output, encode_call, label
from ledger.clearing import cleared
from ledger.exports.journal import journal
from ledger.ledger import Ledger
from ledger.reading import DayKind
from ledger.voucher_records import Piece, PieceState, Voucher, VoucherState
from ledger.waterfall import Account
from tests.replay import supplied

DEALS = supplied.CHAIN, supplied.SOLE
LATEST = 70_000


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger with everything that may happen to vouchers. Not to be written to."""
    folder = supplied.make(tmp_path_factory.mktemp("vouchers") / "ledger")
    with Ledger.open(folder) as opened:
        yield opened


def asked(ledger: Ledger, contract: str, function: str, *arguments: Any) -> Any:
    data = encode_call(contract, function, *arguments)
    to = ledger.settings.contracts[contract]
    return decode_output(contract, function, ledger.engine.call(to=to, data=data))


def word_of(voucher: Voucher, pieces: int) -> int:
    state = 1 + list(VoucherState).index(voucher.state)
    return (
        voucher.outstanding_minor
        | voucher.core << 56
        | voucher.supplier << 80
        | voucher.issue_date << 104
        | voucher.due_date << 120
        | voucher.version << 136
        | state << 144
        | voucher.evidence << 148
        | voucher.disputes << 156
        | voucher.instructed_minor << 160
        # Of the pieces there ever were, those that were split off.
        | max(0, pieces - 1) << 216
    )


def word_of_piece(piece: Piece) -> int:
    state = 1 + list(PieceState).index(piece.state)
    return (
        piece.amount_minor
        | piece.holder << 56
        | state << 80
        | piece.version << 84
        | piece.sequence << 92
        | piece.date << 106
        | int.from_bytes(piece.voucher_id[:16], "big") << 128
    )


@pytest.mark.parametrize("deal", DEALS)
def test_vouchers_and_pieces_are_the_words_of_the_contract(ledger: Ledger, deal: str) -> None:
    book, number = ledger.book(), ledger.deal(deal).deal
    vouchers = list(reading.vouchers(book, number))
    pieces = list(reading.pieces_of_deal(book, number))
    assert vouchers and len(pieces) >= 3
    for one in vouchers:
        held = asked(ledger, "Vouchers", "voucher", label(deal), one.voucher_id)
        own = reading.pieces(book, number, one.voucher_id)
        assert held == word_of(one, len(own)), one
        registered = asked(ledger, "Vouchers", "invoice", one.invoice_hash)
        found = reading.registered(book, one.invoice_hash)
        assert registered == (found.voucher_id if found else bytes(32))
    for piece in pieces:
        held = asked(ledger, "Vouchers", "piece", label(deal), piece.piece_id)
        assert held == word_of_piece(piece), piece


@pytest.mark.parametrize("deal", DEALS)
def test_every_account_of_every_member_is_what_the_journal_holds(
    ledger: Ledger, deal: str
) -> None:
    book, found = ledger.book(), ledger.deal(deal)
    newest = reading.versions(book, found.deal)[-1].terms
    kept = reading.balances(book, found.deal, newest)
    holders = reading.posted_members(book, found.deal).difference(newest.parties)
    assert holders and holders <= kept.keys()
    for member in reading.members(book):
        for number, account in enumerate(Account):
            held = asked(
                ledger, "Journal", "balances", label(deal), member.number * 256 + number
            )
            assert kept.get(member.number, {}).get(account, 0) == held, (member, account)


@pytest.mark.parametrize("deal", DEALS)
def test_each_day_has_the_totals_that_the_journal_counted(ledger: Ledger, deal: str) -> None:
    book, found = ledger.book(), ledger.deal(deal)
    by_day: dict[int, list[int]] = {}
    for one in reading.counted(book, found.deal, 0, LATEST):
        words = by_day.setdefault(one.day, [0] * 16)
        words[one.kind] += days.DayTotal(1, one.amount_minor).pack()
    assert by_day == reading.day_totals(book, found.deal, 0, LATEST)
    for day, words in by_day.items():
        told = [asked(ledger, "Journal", "day_total", label(deal), day, kind) for kind in range(16)]
        assert told == words
    assert reading.first_day(book, found.deal) == min(by_day)
    opened = reading.open_days(book, found.deal, found.sealed_through)
    assert {day for day in by_day if day > found.sealed_through} == {*opened}


def test_every_kind_of_vouchers_is_counted(ledger: Ledger) -> None:
    kinds = Counter(
        one.kind
        for deal in DEALS
        for one in reading.counted(ledger.book(), ledger.deal(deal).deal, 0, LATEST)
    )
    assert kinds.keys() >= {
        DayKind.CONFIRMATION, DayKind.TRANSFER, DayKind.VOUCHER_PAYMENT, DayKind.REVERSAL,
    }  # fmt: skip


@pytest.mark.parametrize("deal", DEALS)
def test_journal_and_clearing_come_to_the_balances(ledger: Ledger, deal: str) -> None:
    book, found = ledger.book(), ledger.deal(deal)
    newest = reading.versions(book, found.deal)[-1].terms
    posted: Counter[tuple[int, Account]] = Counter()
    for entry in journal(book, found.deal):
        assert sum(minor for _, _, minor in entry.postings) == 0
        for party, account, minor in entry.postings:
            posted[party, account] += minor
    due: Counter[int] = Counter()
    for one in cleared(book, found.deal):
        assert sum(one.legs_minor.values()) == 0
        due.update(one.legs_minor)
    for party, own in reading.balances(book, found.deal, newest).items():
        assert {account: posted[party, account] for account in Account} == own
        assert due[party] == own[Account.CLEARING]


def test_pools_are_what_the_contract_holds(ledger: Ledger) -> None:
    (pool,) = reading.pools(ledger.book())
    (replaced,) = reading.substitutions(ledger.book(), pool.pool_id)
    held = asked(ledger, "Pools", "pool", pool.pool_id)
    more_minor = replaced.total_minor - pool.total_minor
    assert tuple(held) == (
        pool.owner, replaced.root, pool.count, replaced.total_minor, pool.senior_minor,
        pool.junior_minor + more_minor, replaced.date,
    )  # fmt: skip


def test_limits_are_what_the_contract_holds(ledger: Ledger) -> None:
    limits = reading.core_limits(ledger.book())
    assert len(limits) == 2
    for one in limits:
        held = asked(ledger, "Financing", "core_limit", one.bank, one.core)
        assert tuple(held) == (True, reading.core_limit_minor(ledger.book(), one.bank, one.core))


def test_rebuilding_the_book_gives_the_same_rows(ledger: Ledger) -> None:
    import sqlite3

    from ledger.bindings import decode_event
    from ledger.book import Book
    from ledger.events import Place
    from tests.sdk.made_events import rows

    whole = Book(sqlite3.connect(":memory:"))
    whole.begin()
    head = ledger.engine.head()
    ours = {*ledger.settings.contracts.values()}
    for log in ledger.engine.logs(1, head.number):
        event = decode_event(log) if log.address in ours else None
        if event is not None:
            whole.apply(event, Place(log.block_number, log.transaction_index, log.log_index))
    whole.commit(head.number, head.block_hash)
    assert rows(whole) == rows(ledger.book())
