"""Replaying: one pass over the blocks, then the state at the head against the book."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger import reading
from ledger.bindings import decode_event, label
from ledger.book import Book
from ledger.chain.blocks import Block
from ledger.chain.engine import Log
from ledger.chain.genesis import Genesis, decode_genesis
from ledger.errors import ChainCorrupt, ChainUnusable, UsageInvalid
from ledger.events import DaySealed, Event, Place
from ledger.founding import admission
from ledger.messages import text
from ledger.proofs.notes import Note
from ledger.replay.asking import Asking
from ledger.replay.balances import check_balances
from ledger.replay.checkpoints import Checkpoints
from ledger.replay.contracts import Contracts, addresses_of
from ledger.replay.database import Database
from ledger.replay.engines import ENGINES, engines_of, is_installed, open_evms
from ledger.replay.execution import Executed, Execution
from ledger.replay.followed import Followed
from ledger.replay.headers import Headers
from ledger.replay.keeping import Keeper
from ledger.replay.levels import CHECKS as LEVELS
from ledger.replay.levels import levels
from ledger.replay.located import Transactions, located
from ledger.replay.pyevm import PyEvm
from ledger.replay.receivables import Words, check_moved
from ledger.replay.recompiling import check_recompiled, why_not_recompiled
from ledger.replay.report import Failure, Findings, Report, TooManyFailures, shown
from ledger.replay.resuming import Resuming, Resumption
from ledger.replay.signed import SignedCalls
from ledger.replay.source import Source, open_source, read_blocks
from ledger.replay.state import HeadState, StateUnreadable

UNREADABLE = (ValueError, AssertionError, LookupError, TypeError, ArithmeticError, sqlite3.Error)
"""What events or answers that the shipped contracts never give make the reading code raise."""

_DAY_SECONDS = 86_400

Progress = Callable[[int, int], None]
"""(done, of): how much of the source is read, in its own unit; and then, loans reviewed"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBlock:
    """A block that the auditor knows to be in the chain, from an earlier replay or a member."""

    number: int
    block_hash: bytes


def replay(
    source: Path,
    *,
    engine: str | None = None,
    recompile: bool = True,
    known: KnownBlock | None = None,
    checkpoints: Sequence[Note] = (),
    keep: Path | None = None,
    resume: Resumption | None = None,
    progress: Progress | None = None,
) -> Report:
    """Re-execute and check a ledger's folder or an exported one (`genesis.json`, `chain.rlp`).

    `checkpoints`: what members signed of the chain, which it must agree with. What is wrong with
    the chain is in the report. `keep`: a new folder for all that it takes to go on from the head,
    unless something wrong is found (`kept`); `resume`: go on from such a folder. Raises
    `UsageInvalid` for an unknown engine or a folder that cannot be used, `LedgerMissing` or
    `ChainUnusable` where there is no chain to read.
    """
    engines = engines_of(engine)
    with open_source(source) as opened:
        findings = Findings()
        try:
            genesis = decode_genesis(opened.genesis)
        except ChainUnusable as error:
            findings.counts["genesis"] += 1
            findings.fail("genesis", 0, error.expected, error.found)
            return _nothing(findings, engines)
        why_not = why_not_recompiled() if recompile else text("replay.not_wanted")
        if resume is not None and resume.note not in checkpoints:
            checkpoints = [*checkpoints, resume.note]
        underway = _Replay(genesis, findings, engines, why_not, known, checkpoints, source)
        if resume is not None:
            underway.go_on_from(resume)
        if keep is not None:
            underway.keep_in(keep)
        return underway.run(opened, progress or (lambda done, of: None))


class _Replay:
    """One replay under way."""

    def __init__(
        self,
        genesis: Genesis,
        findings: Findings,
        engines: Sequence[str],
        not_recompiled: str,
        known: KnownBlock | None,
        checkpoints: Sequence[Note],
        folder: Path,
    ) -> None:
        operator, self._addresses = addresses_of(genesis)
        self._names = {address: name for name, address in self._addresses.items()}
        self._findings = findings
        self._not_recompiled = not_recompiled
        self._known = known
        self._headers = Headers(genesis, findings)
        self._genesis_hash = self._headers.parent.hash
        members = self._addresses["Members"]
        self._evms = open_evms(engines, genesis)
        self._execution = Execution(
            genesis, self._evms, members, admission(members, operator), findings, self._names
        )
        self._contracts = Contracts(operator, self._addresses, findings)
        self._followed = Followed(findings)
        self._signed = SignedCalls(self._addresses, self._followed, findings)
        self._checkpoints = Checkpoints(
            checkpoints, genesis.chain_id, self._followed.keys, findings
        )
        # A private database of SQLite's own: in memory, on disk once it is large.
        self._book = Book(sqlite3.connect(""))
        self._hashes = Transactions()
        self._folder = folder
        self._reading = True
        self._whole = True
        self._sealed: set[bytes] = set()
        """Deals of which a day was sealed in the block under way."""
        self._seen: defaultdict[bytes, dict[int, int]] = defaultdict(dict)
        """By deal and member what balances added up to at the seal before."""
        self._finished = False
        self._database: Database | None = None
        self._resuming: Resuming | None = None
        self._keeper: Keeper | None = None
        self._blocks = self._transactions = 0

    def go_on_from(self, resumption: Resumption) -> None:
        """Execute only what comes after an earlier replay."""
        self._resuming = Resuming(resumption)

    def keep_in(self, folder: Path) -> None:
        """Leave in a folder what it takes to go on from the head."""
        if not isinstance(self._execution.evm, PyEvm):
            engine = self._execution.evm.name
            raise UsageInvalid(text("replay.keep_engine"), expected=PyEvm.name, found=engine)
        self._keeper = Keeper(folder)
        if self._resuming is not None:
            self._keeper.carry_on(self._resuming.kept)

    def run(self, source: Source, progress: Progress) -> Report:
        """Replay the whole source."""
        kept = False
        try:
            self._replay(source, progress)
            report = self._report()
            if self._keeper is not None and report.ok and self._finished:
                self._keep(self._keeper, report)
                kept = True
            return report
        finally:
            self._book.connection.close()
            self._hashes.close()
            if self._keeper is not None:
                self._keeper.close(kept=kept)

    def _keep(self, keeper: Keeper, report: Report) -> None:
        assert isinstance(self._execution.evm, PyEvm)
        keeper.keep(
            self._execution.evm,
            self._checkpoints.stated(self._headers.parent),
            genesis=self._genesis_hash,
            transactions=report.transactions,
            engines=report.engines,
            makers=self._checkpoints.all_makers(),
            checks=report.checks,
        )

    def _replay(self, source: Source, progress: Progress) -> None:
        try:
            self._start(source)
            self._follow(source, progress)
            self._finish(progress)
        except TooManyFailures:
            pass

    def _located(self) -> tuple[Failure, ...]:
        return located(
            self._findings.failures,
            hash_of=self._hashes.hash_of,
            members={one.number: one.member_id for one in self._members()},
            folder=self._folder,
        )

    def _members(self) -> list[reading.Party]:
        try:
            return reading.members(self._book)
        except UNREADABLE:
            return []

    def _start(self, source: Source) -> None:
        if source.view is not None:
            self._database = Database(source.view, self._findings, self._names)
        own = self._genesis_hash
        if source.genesis_hash is not None:
            self._findings.expect("genesis", 0, own, source.genesis_hash, "hash")
        if self._resuming is not None:
            self._resuming.check_genesis(own, self._findings)
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
        if self._resuming is not None and number <= self._resuming.height:
            self._follow_past(self._resuming, block)
            return
        hashes = list(self._headers.hashes)
        self._hashes.add(number, block.transactions)
        signer = self._headers.follow(block.header)
        self._check_known(number, block.header.hash)
        transactions = self._execution.run(block, signer, hashes)
        if self._database is not None and not self._execution.diverged:
            self._database.check_receipts(number, [executed.record for executed in transactions])
            hashes = [executed.receipt.transaction_hash for executed in transactions]
            self._database.check_places(number, block.header.hash, hashes)
        for executed in transactions:
            if executed.succeeded and executed.counts:
                self._contracts.follow(executed, number)
                self._follow_transaction(executed, number)
        if self._keeper is not None and isinstance(self._execution.evm, PyEvm):
            self._keeper.touch(self._execution.evm.touched)
            for executed in transactions:
                self._keeper.write(executed.written)
        self._blocks += 1
        self._transactions += len(block.transactions)
        reading = self._reading and not self._execution.diverged
        if reading and self._sealed:
            self._check_sealed(number)
        self._checkpoints.check(block.header, reading=reading)

    def _follow_past(self, resuming: Resuming, block: Block) -> None:
        """A block that an earlier replay has been through."""
        number = block.header.block_number
        self._hashes.add(number, block.transactions)
        self._headers.follow(block.header)
        self._check_known(number, block.header.hash)
        try:
            for log in resuming.events_of(number):
                self._read(log, number)
        except UNREADABLE as error:
            raise resuming.unreadable(error) from error
        self._sealed.clear()
        self._blocks += 1
        self._transactions += len(block.transactions)
        self._checkpoints.check(block.header, reading=True)
        if number == resuming.height:
            resuming.load(self._evms, block.header.hash)

    def _check_sealed(self, number: int) -> None:
        """The balances in the contracts and in the book, as of a block that seals a day."""
        self._book.write_balances()
        asking = Asking(self._execution.evm.read, self._addresses, self._findings, number)
        sealed, self._sealed = self._sealed, set()
        try:
            for deal in reading.deals(self._book):
                if label(deal.name) in sealed:
                    self._check_seal(asking, deal)
        except (StateUnreadable, *UNREADABLE) as error:
            self._findings.fail("state", number, "contracts that answer", repr(error))
            self._reading = False

    def _check_seal(self, asking: Asking, deal: reading.Deal) -> None:
        own, register = label(deal.name), self._followed.register
        check_balances(
            self._book, asking, deal, "balances_at_seals",
            seen=self._seen[own], moved=register.posted_in(own),
        )  # fmt: skip
        words = Words(asking, self._addresses["Vouchers"], self._execution.evm.slot)
        check_moved(words, register, deal.name)

    def _follow_transaction(self, executed: Executed, number: int) -> None:
        if not self._reading:
            return
        transaction = executed.transaction
        # Whose it is before: a key may end itself.
        key = bytes(transaction.sender)
        sender, ended = self._followed.keys.of(key), self._followed.keys.has_ended(key)
        place = Place(number, executed.receipt.transaction_index, 0)
        self._findings.require("K3", place, not ended, "a key that acts", key)
        try:
            reported = [
                event
                for log in executed.receipt.logs
                if (event := self._read(log, number)) is not None
            ]
            self._signed.check(
                place=place,
                to=bytes(transaction.to),
                data=bytes(transaction.data),
                sender=sender,
                reported=reported,
            )
        except UNREADABLE as error:
            self._reading = False
            self._findings.fail("events", place, "events of a book", repr(error))

    def _read(self, log: Log, number: int) -> Event | None:
        # Any member may deploy a contract that emits events like ours.
        event = decode_event(log) if log.address in self._names else None
        if event is not None:
            self._findings.counts["events"] += 1
            place = Place(number, log.transaction_index, log.log_index)
            self._followed.follow(event, place)
            if isinstance(event, Checkpoints.FOLLOWED):
                self._checkpoints.follow(event)
            if isinstance(event, DaySealed):
                self._sealed.add(event.deal_id)
            if self._keeper is not None:
                self._keeper.event(log)
            self._book.apply(event, place)
        return event

    def _finish(self, progress: Progress) -> None:
        if self._known is not None and self._known.number > self._blocks:
            self._findings.counts["known_block"] += 1
            expected = f"block {self._known.number} {shown(self._known.block_hash)}"
            self._findings.fail("known_block", self._blocks + 1, expected, "-")
        self._checkpoints.finish(self._blocks)
        if self._resuming is not None and not self._resuming.loaded:
            return
        self._contracts.check_code(self._execution.evm.code)
        if not self._not_recompiled:
            check_recompiled(self._findings)
        head = self._headers.parent
        if self._database is not None and self._whole and not self._execution.diverged:
            if isinstance(self._execution.evm, PyEvm):
                self._database.check_state(self._execution.evm.stored, head.block_number)
            self._database.check_signers(self._headers.snapshot, head.block_number)
        if self._execution.diverged or not self._reading or not self._blocks:
            return
        self._findings.counts["state"] += 1
        try:
            # Before the rest: it counts the loans in the book, for one.
            self._book.commit(head.block_number, head.hash)
            HeadState(
                self._book,
                self._execution.evm.read,
                self._addresses,
                self._findings,
                self._blocks,
                self._followed,
                head.timestamp // _DAY_SECONDS,
                progress,
                slot=self._execution.evm.slot,
            ).check()
            self._finished = True
        except (StateUnreadable, *UNREADABLE) as error:
            self._findings.fail("state", self._blocks, "contracts that answer", repr(error))

    def _report(self) -> Report:
        failures, head = self._located(), self._headers.parent
        engines = tuple(evm.name for evm in self._evms)
        by_evm, counts = self._execution.checks, self._findings.counts
        return Report(
            engine=engines[0],
            engines=engines,
            levels=levels(counts, by_evm, failures, self._why_not(engines)),
            blocks=self._blocks,
            transactions=self._transactions,
            head_hash=head.hash,
            head_state_root=head.state_root,
            checks=dict(sorted(counts.items())),
            failures=failures,
            resumed=self._resuming.resumed if self._resuming else None,
            validators={
                one.validator: one.member_id for one in self._members() if any(one.validator)
            },
        )

    def _why_not(self, engines: Sequence[str]) -> dict[str, str]:
        """Level to why it was not run to its end."""
        why_not = {
            engine: text("replay.not_asked" if is_installed(engine) else "replay.not_installed")
            for engine in ENGINES
            if engine not in engines
        }
        if self._execution.diverged:
            why_not |= dict.fromkeys(engines, text("replay.not_reached"))
        if self._execution.parted:
            why_not[engines[-1]] = text("replay.parted")
        if self._not_recompiled:
            why_not["recompiled"] = self._not_recompiled
        if not self._finished:
            reached = "chain", "signatures", "pyevm", "revm", "contracts", "recompiled"
            missed = [level for level in LEVELS if level not in reached]
            why_not |= dict.fromkeys(missed, text("replay.not_reached"))
        return why_not

    def _check_known(self, number: int, block_hash: bytes) -> None:
        if self._known is not None and self._known.number == number:
            self._findings.expect("known_block", number, self._known.block_hash, block_hash)


def _nothing(findings: Findings, engines: Sequence[str]) -> Report:
    """The report where there is no chain to start from."""
    failures = tuple(findings.failures)
    why_not = dict.fromkeys(LEVELS, text("replay.not_reached"))
    del why_not["chain"]
    return Report(
        engine=engines[0],
        engines=tuple(engines),
        levels=levels(findings.counts, {}, failures, why_not),
        blocks=0,
        transactions=0,
        head_hash=bytes(32),
        head_state_root=bytes(32),
        checks=dict(findings.counts),
        failures=failures,
    )
