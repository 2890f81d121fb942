"""Replaying: one pass over the blocks, then the state at the head against the book."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ledger.bindings import decode_event
from ledger.book import Book
from ledger.chain.blocks import Block
from ledger.chain.engine import Log
from ledger.chain.genesis import Genesis, decode_genesis
from ledger.errors import ChainCorrupt, ChainUnusable, UsageInvalid
from ledger.events import Event, Place
from ledger.founding import admission
from ledger.messages import text
from ledger.replay.contracts import Contracts, addresses_of
from ledger.replay.database import Database
from ledger.replay.execution import Executed, Execution
from ledger.replay.followed import Followed
from ledger.replay.headers import Headers
from ledger.replay.report import Findings, Report, TooManyFailures, shown
from ledger.replay.signed import SignedCalls
from ledger.replay.source import Source, open_source, read_blocks
from ledger.replay.state import HeadState, StateUnreadable

ENGINES = ("pyevm", "revm")

UNREADABLE = (ValueError, AssertionError, LookupError, TypeError, ArithmeticError, sqlite3.Error)
"""What events or answers that the shipped contracts never give make the reading code raise."""

_DAY_SECONDS = 86_400

Progress = Callable[[int, int], None]
"""(done, of): how much of the source is read, in its own unit"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBlock:
    """A block that the auditor knows to be in the chain, from an earlier replay or a member."""

    number: int
    block_hash: bytes


def replay(
    source: Path,
    *,
    engine: str = "pyevm",
    known: KnownBlock | None = None,
    progress: Progress | None = None,
) -> Report:
    """Re-execute and check a ledger's folder or an exported one (`genesis.json`, `chain.rlp`).

    What is wrong with the chain is in the report. Raises `UsageInvalid` for an unknown engine,
    `LedgerMissing` or `ChainUnusable` where there is no chain to read.
    """
    if engine not in ENGINES:
        raise UsageInvalid(text("replay.engine_unknown"), expected=", ".join(ENGINES), found=engine)
    if engine == "revm":
        raise UsageInvalid(text("replay.engine_missing"), found=engine)
    with open_source(source) as opened:
        findings = Findings()
        try:
            genesis = decode_genesis(opened.genesis)
        except ChainUnusable as error:
            findings.counts["genesis"] += 1
            findings.fail("genesis", 0, error.expected, error.found)
            return _report(findings, engine, None, 0, 0)
        return _Replay(genesis, findings, known).run(opened, progress or (lambda done, of: None))


class _Replay:
    """One replay under way."""

    def __init__(self, genesis: Genesis, findings: Findings, known: KnownBlock | None) -> None:
        operator, self._addresses = addresses_of(genesis)
        self._names = {address: name for name, address in self._addresses.items()}
        self._findings = findings
        self._known = known
        self._headers = Headers(genesis, findings)
        self._execution = Execution(
            genesis, admission(self._addresses["Members"], operator), findings
        )
        self._contracts = Contracts(operator, self._addresses, findings)
        self._followed = Followed(findings)
        self._signed = SignedCalls(
            self._addresses, self._followed.agreed, self._followed.days, findings
        )
        # A private database of SQLite's own: in memory, on disk once it is large.
        self._book = Book(sqlite3.connect(""))
        self._reading = True
        self._whole = True
        self._database: Database | None = None
        self._blocks = self._transactions = 0

    def run(self, source: Source, progress: Progress) -> Report:
        """Replay the whole source."""
        try:
            self._start(source)
            self._follow(source, progress)
            self._finish()
        except TooManyFailures:
            pass
        finally:
            self._book.connection.close()
        return _report(
            self._findings,
            self._execution.name,
            self._headers,
            self._blocks,
            self._transactions,
        )

    def _start(self, source: Source) -> None:
        if source.view is not None:
            self._database = Database(source.view, self._findings)
        own = self._headers.parent.hash
        if source.genesis_hash is not None:
            self._findings.expect("genesis", 0, own, source.genesis_hash, "hash")
        self._check_known(0, own)
        self._book.begin()

    def _follow(self, source: Source, progress: Progress) -> None:
        done = 0
        for block in read_blocks(source):
            self._findings.counts["blocks"] += 1
            if isinstance(block, ChainCorrupt):
                self._findings.fail("blocks", self._blocks + 1, block.expected, block.found)
                self._whole = False
                break
            self._follow_block(block)
            done = min(done + source.size_of(block), source.size)
            progress(done, source.size)
        progress(source.size, source.size)

    def _follow_block(self, block: Block) -> None:
        number = block.header.block_number
        hashes = list(self._headers.hashes)
        signer = self._headers.follow(block.header)
        self._check_known(number, block.header.hash)
        transactions = self._execution.run(block, signer, hashes)
        if self._database is not None and not self._execution.diverged:
            self._database.check_receipts(number, [executed.record for executed in transactions])
        for executed in transactions:
            if executed.succeeded:
                self._contracts.follow(executed, number)
                self._follow_transaction(executed, number)
        self._blocks += 1
        self._transactions += len(block.transactions)

    def _follow_transaction(self, executed: Executed, number: int) -> None:
        if not self._reading:
            return
        transaction = executed.transaction
        # Whose it is before: a key may end itself.
        key = bytes(transaction.sender)
        sender, ended = self._followed.keys.of(key), self._followed.keys.has_ended(key)
        expected = f"transaction {executed.receipt.transaction_index}: a key that acts"
        self._findings.require("K3", number, not ended, expected, key)
        try:
            reported = [
                event
                for log in executed.receipt.logs
                if (event := self._read(log, number)) is not None
            ]
            self._signed.check(
                block=number,
                index=executed.receipt.transaction_index,
                to=bytes(transaction.to),
                data=bytes(transaction.data),
                sender=sender,
                reported=reported,
            )
        except UNREADABLE as error:
            self._reading = False
            expected = f"transaction {executed.receipt.transaction_index}: events of a book"
            self._findings.fail("events", number, expected, repr(error))

    def _read(self, log: Log, number: int) -> Event | None:
        # Any member may deploy a contract that emits events like ours.
        event = decode_event(log) if log.address in self._names else None
        if event is not None:
            self._findings.counts["events"] += 1
            place = Place(number, log.transaction_index, log.log_index)
            self._followed.follow(event, place)
            self._book.apply(event, place)
        return event

    def _finish(self) -> None:
        if self._known is not None and self._known.number > self._blocks:
            self._findings.counts["known_block"] += 1
            expected = f"block {self._known.number} {shown(self._known.block_hash)}"
            self._findings.fail("known_block", self._blocks + 1, expected, "-")
        self._contracts.check_code(self._execution.code)
        head = self._headers.parent
        if self._database is not None and self._whole and not self._execution.diverged:
            self._database.check_state(self._execution.stored, head.block_number)
            self._database.check_signers(self._headers.snapshot, head.block_number)
        if self._execution.diverged or not self._reading or not self._blocks:
            return
        state = HeadState(
            self._book,
            self._execution.reader(),
            self._addresses,
            self._findings,
            self._blocks,
            self._followed,
            head.timestamp // _DAY_SECONDS,
        )
        self._findings.counts["state"] += 1
        try:
            self._book.commit(head.block_number, head.hash)
            state.check()
        except (StateUnreadable, *UNREADABLE) as error:
            self._findings.fail("state", self._blocks, "contracts that answer", repr(error))

    def _check_known(self, number: int, block_hash: bytes) -> None:
        if self._known is not None and self._known.number == number:
            self._findings.expect("known_block", number, self._known.block_hash, block_hash)


def _report(
    findings: Findings, engine: str, headers: Headers | None, blocks: int, transactions: int
) -> Report:
    head = headers.parent if headers else None
    return Report(
        engine=engine,
        blocks=blocks,
        transactions=transactions,
        head_hash=head.hash if head else bytes(32),
        head_state_root=head.state_root if head else bytes(32),
        checks=dict(sorted(findings.counts.items())),
        # Stable: within a block in the order in which they were found.
        failures=tuple(sorted(findings.failures, key=lambda failure: failure.block)),
    )
