"""The events of a real chain with one of them altered, and what each part of replay says of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from ledger import reading
from ledger.bindings import decode_event, encode_call
from ledger.book import Book
from ledger.chain.pending import read_transaction
from ledger.events import Event, Place
from ledger.ledger import Ledger
from ledger.replay.followed import Followed
from ledger.replay.keys import Key
from ledger.replay.loans import LoanReview
from ledger.replay.moves import Moves
from ledger.replay.reckoned import reckon
from ledger.replay.report import Findings
from ledger.replay.settlements import Review
from ledger.replay.signed import SignedCalls
from ledger.replay.state import HeadState
from tests.replay.forge import CHAIN_ID

Reported = list[tuple[Event, Place]]
Named = set[tuple[int, str]]
"""Block and check of failures."""
HEAD, TODAY = 77, 20_454


def events_of(ledger: Ledger) -> Reported:
    """Every event of the ledger's contracts."""
    logs = list(ledger.engine.logs(1, ledger.engine.head().number))
    decoded = [
        (decode_event(log), Place(log.block_number, log.transaction_index, log.log_index))
        for log in logs
    ]
    return [(event, place) for event, place in decoded if event is not None]


def altered(
    reported: Reported, kind: type, change: Callable[[Any], Any], *, nth: int = 0
) -> tuple[Reported, int]:
    """The events with the nth of a kind changed (None: left out), and its block."""
    at = [at for at, (event, _) in enumerate(reported) if type(event) is kind][nth]
    event, place = reported[at]
    after = change(event)
    middle = [] if after is None else [(after, place)]
    return [*reported[:at], *middle, *reported[at + 1 :]], place.block


def named(findings: Findings) -> Named:
    return {(failure.block, failure.check) for failure in findings.failures}


def checks(findings: Findings) -> set[str]:
    return {failure.check for failure in findings.failures}


def folded(reported: Reported) -> Book:
    """A book of the events, in memory."""
    book = Book(sqlite3.connect(":memory:"))
    book.begin()
    for event, place in reported:
        book.apply(event, place)
    book.commit(1, b"")
    return book


def followed(reported: Reported, findings: Findings | None = None) -> Findings:
    """What following the events one by one finds."""
    findings = findings or Findings()
    following = Followed(findings)
    for event, place in reported:
        following.follow(event, place)
    following.finish()
    return located(findings)


def located(findings: Findings, *of_blocks: str) -> Findings:
    """The same findings: each has its transaction, and its deal but for what is about members.

    `of_blocks`: checks that go by the block.
    """
    for one in findings.failures:
        assert one.transaction is not None or one.check in of_blocks, one
        assert one.deal or one.check in ("K1", "K2", "K3", "K4", "R8", "acts", "roles"), one
    return findings


def reviewed(reported: Reported) -> Findings:
    """What reviewing every loan, then every deal in chain order, and its settlements, finds."""
    findings = Findings()
    book, following = folded(reported), Followed(Findings())
    for event, place in reported:
        following.follow(event, place)
    moves = Moves(book.connection)
    review = LoanReview(book, findings, moves)
    review.run(lambda history, block: None)
    review.check_ids()
    for _ in reckon(book, following, findings, moves):
        pass
    for deal in reading.deals(book):
        Review(book, findings, deal).run(HEAD)
    book.connection.close()
    return located(findings, "lines", "S6")


Read = Callable[[bytes, bytes], bytes]


def compared(ledger: Ledger, read: Read | None = None) -> Findings:
    """What comparing the book with the contracts finds; `read` answers for them."""
    findings = Findings()
    following = Followed(Findings())
    for event, place in events_of(ledger):
        following.follow(event, place)
    honest = honestly(ledger)
    contracts = ledger.settings.contracts
    HeadState(
        ledger.book(), read or honest, contracts, findings, HEAD, following, TODAY
    ).check()
    return findings


def honestly(ledger: Ledger) -> Read:
    """What the contracts really answer."""
    return lambda to, data: ledger.engine.call(to=to, data=data)


def lying(
    ledger: Ledger, contract: str, function: str, *arguments: Any, by: int = 1, word: int = 0
) -> Read:
    """Reads of the chain, with one word of one answer too high."""
    lie = ledger.settings.contracts[contract], encode_call(contract, function, *arguments)
    begin, end = 32 * word, 32 * word + 32
    engine = ledger.engine

    def read(to: bytes, data: bytes) -> bytes:
        output = engine.call(to=to, data=data)
        if (to, data) != lie:
            return output
        assert len(output) >= end
        wrong = (int.from_bytes(output[begin:end], "big") + by) % (1 << 256)
        return output[:begin] + wrong.to_bytes(32, "big") + output[end:]

    return read


def signed(
    ledger: Ledger,
    reported: Reported,
    kind: type,
    change: Callable[[list[Any]], list[Any]] = lambda mine: mine,
    *,
    nth: int = 0,
    to: bytes | None = None,
    data: bytes | None = None,
    sender: Key | None = None,
) -> set[str]:
    """The checks that fail on one transaction, altered: that of the nth event of this kind."""
    place = [place for event, place in reported if type(event) is kind][nth]
    mine = [event for event, at in reported if at[:2] == place[:2]]
    block = ledger.engine.block(place.block)  # type: ignore[attr-defined]
    transaction = read_transaction(block.transactions[place.transaction], CHAIN_ID)
    findings = Findings()
    following = Followed(findings)
    own = None
    for event, at in reported:
        if own is None and at[:2] == place[:2]:
            own = following.keys.of(transaction.sender)
        if at[:2] <= place[:2]:
            following.follow(event, at)
    assert own is not None
    findings.failures.clear()
    SignedCalls(ledger.settings.contracts, following, findings).check(
        place=place,
        to=bytes(transaction.to) if to is None else to,
        data=bytes(transaction.data) if data is None else data,
        sender=own if sender is None else sender,
        reported=change(mine),
    )
    return checks(located(findings))


def place_of(reported: Reported, kind: type, nth: int = 0) -> Place:
    return [place for event, place in reported if type(event) is kind][nth]
