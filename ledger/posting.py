"""Posting: entries go to the chain, all of a run or none, and every refusal is explained by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from ledger import collecting, limits
from ledger.bindings import encode_batch, label
from ledger.entries import Booking, Entry, Kind, refuse_duplicates
from ledger.errors import (
    EntryRejected,
    RejectedRow,
    Reverted,
    TransactionInvalid,
    UsageInvalid,
    explain,
)
from ledger.four_eyes import ask, asking, rows_asked
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.outbox import Outbox
from ledger.rows import Route, Row
from ledger.submission import Plan, Planner, Probing, refuse_far_days

if TYPE_CHECKING:
    from ledger.chain.engine import Head
    from ledger.ledger import Ledger

Progress = Callable[[int, int], None]
"""(rows done, rows in all)"""

RACE_REASONS = ("ENTRY_OUT_OF_SEQUENCE", "LOAN_EXISTS")
"""What a row is refused for when another process posted to its loan first."""
_RACE_ATTEMPTS = 8
_NOT_ASKED = "ACTION_NOT_REQUESTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What became of a run of entries."""

    file: str = ""
    rows: int
    posted: int = 0
    already_posted: int = 0
    reversed_refs: tuple[str, ...] = ()
    """Of those posted already, what was reversed since: it no longer stands."""
    waiting: int = 0
    """Rows that wait for a checker to `approve`, or come after one that does on the same loan."""
    actions: tuple[str, ...] = ()
    """Ids, in hex, of what they wait for; afterwards the same run posts what is left."""
    rejected: tuple[RejectedRow, ...] = ()
    warnings: tuple[RejectedRow, ...] = ()
    """Rows that were posted although something is odd about them."""
    transactions: int = 0
    gas_used: int = 0
    head_block: int = 0


class Raced(Exception):
    """On a network another process posted first: plan again from what it posted."""


def submit(
    ledger: Ledger,
    entries: Iterable[Entry],
    *,
    deal: str,
    by: str,
    lines: Sequence[int] = (),
    file: str = "",
    late: bool = False,
    dry_run: bool = False,
    progress: Progress = lambda done, total: None,
) -> Submitted:
    """See `Ledger.submit`."""
    given = list(entries)
    refuse_duplicates(given)
    refuse_far_days(given, lines, file)
    run = Submitted(file=file, rows=len(given))
    for _ in range(_RACE_ATTEMPTS):
        posting = _Posting(ledger, deal, by, late, dry_run)
        try:
            with collecting.seldom():
                return posting.post(run, given, lines, progress)
        except Raced:
            earlier = posting.sent
            run = replace(
                run,
                transactions=run.transactions + earlier.transactions,
                gas_used=run.gas_used + earlier.gas_used,
                posted=run.posted + earlier.posted,
            )
    raise EntryRejected(
        RACE_REASONS[0], [RejectedRow(0, deal, RACE_REASONS[0], text("submit.raced"))]
    )


class _Posting:
    """One attempt at a run of entries."""

    def __init__(self, ledger: Ledger, deal: str, by: str, late: bool, dry_run: bool) -> None:
        self._ledger = ledger
        self._deal = deal
        self._by = by
        self._late = late
        self._dry_run = dry_run
        self._atomic = ledger.engine.atomic
        self._waits = not ledger.settings.dev
        # A deal has few versions, and a run many rows.
        self._documents = cache(lambda version: ledger.terms(deal, version))
        self._refusal: str | None = None
        self.sent = Submitted(rows=0)

    def post(
        self, run: Submitted, entries: list[Entry], lines: Sequence[int], progress: Progress
    ) -> Submitted:
        ledger = self._ledger
        with ledger.outbox(dry_run=self._dry_run) as outbox:
            plan = self._plan(entries, lines)
            if not self._dry_run:
                # Ids are known and their refs kept before anything is sent.
                ledger.keep_refs(plan.refs)
            probing = self._probing(outbox) if plan.rejected else None
            done = len(entries) - sum(map(len, plan.batches))
            for batch in plan.batches:
                if probing is None and not self._send(outbox, batch, plan):
                    probing = self._probing(outbox)
                if probing is not None:
                    probing.run(batch)
                done += len(batch)
                progress(done, len(entries))
            refused = self._refused(plan, probing)
            if self._refusal is not None and not refused:
                # No row by itself is at fault.
                raise Reverted(self._refusal)
            head = ledger.engine.head() if refused else outbox.keep()
        if not self._dry_run and (not refused or not self._atomic):
            ledger.fold(outbox.receipts, head)
        return self._result(run, plan, refused, head)

    def _plan(self, entries: list[Entry], lines: Sequence[int]) -> Plan:
        ledger, deal = self._ledger, self._deal
        asked = None
        if self._waits:
            # Planned for when nothing is written off, too: then there is nothing to look up.
            written_off = any(entry.kind is Kind.WRITE_OFF for entry in entries)
            asked = rows_asked(ledger, deal, Kind.WRITE_OFF, by=self._by) if written_off else {}
        planner = Planner(
            ledger.book(), ledger.deal(deal), ledger.salt(deal),
            documents=self._documents, asked=asked,
        )  # fmt: skip
        return planner.plan(entries, lines)

    def _result(
        self, run: Submitted, plan: Plan, refused: list[RejectedRow], head: Head
    ) -> Submitted:
        """What the run came to. Raises `EntryRejected` when a row was refused."""
        # What an attempt before this one posted on a network is found posted already here.
        result = replace(
            run,
            already_posted=plan.already_posted - run.posted,
            reversed_refs=tuple(plan.reversed_refs),
            rejected=tuple(refused),
            warnings=tuple(plan.warnings),
            head_block=head.number,
        )
        if not refused or not self._atomic:
            result = replace(
                result,
                posted=run.posted + self.sent.posted,
                waiting=plan.waiting + self.sent.waiting,
                actions=tuple(action.hex() for action in plan.actions),
                transactions=run.transactions + self.sent.transactions,
                gas_used=run.gas_used + self.sent.gas_used,
            )
        if refused:
            raise EntryRejected(refused[0].reason, refused, file=run.file, submitted=result)
        return result

    def _send(self, outbox: Outbox, batch: list[Row], plan: Plan) -> bool:
        """Send a batch; False when the contract refuses it."""
        route = batch[0].route
        rows = [row.words(row.sequence) for row in batch]
        to, data = self._call(route, batch[0].version, rows)
        before = len(outbox.receipts)
        waits = False
        try:
            if route.four_eyes:
                waits = self._ask(outbox, to, data, len(rows), plan)
            else:
                outbox.send(self._by, KeyUse.MAKER, to, data, rows=len(rows))
        except Reverted as refusal:
            if not self._atomic and refusal.reason in RACE_REASONS:
                raise Raced from refusal
            self._refusal = refusal.reason
            return False
        except TransactionInvalid as error:
            # Elsewhere the same member's key was used: its nonce is taken.
            if self._atomic:
                raise
            raise Raced from error
        finally:
            receipts = outbox.receipts[before:]
            self.sent = replace(
                self.sent,
                transactions=self.sent.transactions + len(receipts),
                gas_used=self.sent.gas_used + sum(receipt.gas_used for receipt in receipts),
            )
        if waits:
            self.sent = replace(self.sent, waiting=self.sent.waiting + len(batch))
        else:
            self.sent = replace(self.sent, posted=self.sent.posted + len(batch))
        return True

    def _ask(self, outbox: Outbox, to: bytes, data: bytes, rows: int, plan: Plan) -> bool:
        """Have the checker send a batch; whether it has still to."""
        request = ask(self._ledger, outbox, to, data, by=self._by, rows=rows, dry_run=self._dry_run)
        if request.waits:
            # What the contract would refuse by now is not worth a checker's time.
            try:
                outbox.probe_from(self._ledger.member(self._by).checker, to, data)
            except Reverted as refusal:
                # A network has nothing of a dry run.
                if self._atomic or not self._dry_run or refusal.reason != _NOT_ASKED:
                    raise
            plan.actions[request.action_id] = None
        return request.waits

    def _probing(self, outbox: Outbox) -> Probing:
        def attempt(route: Route, version: int, rows: list[tuple[int, ...]]) -> str | None:
            to, data = self._call(route, version, rows)
            try:
                if route.four_eyes:
                    self._probe_asked(outbox, to, data)
                else:
                    outbox.probe(self._by, KeyUse.MAKER, to, data)
            except Reverted as refusal:
                if not self._atomic and refusal.reason == _NOT_ASKED:
                    # A network cannot judge parts that nobody asked for: the reason of all stands.
                    return self._refusal
                return refusal.reason
            return None

        return Probing(attempt, cumulative=self._atomic)

    def _probe_asked(self, outbox: Outbox, to: bytes, data: bytes) -> None:
        members = self._ledger.settings.contracts["Members"]
        try:
            outbox.probe(self._by, KeyUse.MAKER, members, asking(to, data))
        except Reverted as refusal:
            if refusal.reason != "ACTION_REPEATED":
                raise
        outbox.probe_from(self._ledger.member(self._by).checker, to, data)

    def _call(self, route: Route, version: int, rows: list[tuple[int, ...]]) -> tuple[bytes, bytes]:
        """The contract, and the call of its batch function."""
        deal = label(self._deal)
        late = self._late and route.late
        data = encode_batch(route.function, deal, version, rows, contract=route.contract, late=late)
        return self._ledger.settings.contracts[route.contract], data

    def _refused(self, plan: Plan, probing: Probing | None) -> list[RejectedRow]:
        """Every refused row, in the order of the run."""
        refused = dict(plan.rejected)
        for row, reason in probing.refused if probing else ():
            refused[row.at.position] = self._rejected(row, reason)
        return [refused[position] for position in sorted(refused)]

    def _rejected(self, row: Row, reason: str) -> RejectedRow:
        """A refused row with its reason, and the rule behind it, explained."""
        detail = explain(reason)
        if isinstance(row.entry, Booking):
            try:
                terms = self._documents(row.version)
                detail = limits.explained(terms, reason, row.entry.start_date)
            except UsageInvalid:
                # The document is not in this folder: the reason has to do.
                pass
        return RejectedRow(row.at.line, row.entry.ref, reason, detail)
