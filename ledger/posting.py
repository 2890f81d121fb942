"""Posting: entries go to the chain, all of a run or none, and every refusal is explained by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from ledger import collecting, limits
from ledger.bindings import encode_batch, label
from ledger.chain.engine import Handed
from ledger.entries import Booking, Entry, Kind, refuse_duplicates
from ledger.errors import (
    EntryRejected,
    NonceTaken,
    RejectedRow,
    Reverted,
    UsageInvalid,
    explain,
)
from ledger.four_eyes import ask, asking, rows_asked
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.outbox import Outbox, final_block
from ledger.probing import Probing
from ledger.rows import ROUTES, Row, Sendable
from ledger.submission import Plan, Planner, refuse_far_days
from ledger.voucher_entries import VoucherEntry
from ledger.vouchers.explaining import explained
from ledger.vouchers.planning import VoucherPlanner
from ledger.vouchers.rows import CONFIRM, VoucherRow

if TYPE_CHECKING:
    from ledger.chain.engine import Head
    from ledger.following import Ahead
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
    signed: Mapping[str, int] = field(default_factory=dict)
    """Of vouchers: member to the parts of rows that its keys signed,"""
    waiting_for: Mapping[str, int] = field(default_factory=dict)
    """and to the rows of which it has the next part to sign."""
    transactions: int = 0
    gas_used: int = 0
    head_block: int = 0
    """The block of the last of what was posted, or the newest."""
    final_block: int = 0
    """The newest block that stays: what is posted is final once this is not below `head_block`."""


class Raced(Exception):
    """On a network another process posted first: plan again from what it posted."""


def submit(
    ledger: Ledger,
    entries: Iterable[Entry | VoucherEntry],
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
    posted_at: set[int] = set()
    for _ in range(_RACE_ATTEMPTS):
        posting = _Posting(ledger, deal, by, late, dry_run, posted_at)
        try:
            with collecting.seldom():
                return posting.post(run, given, lines, progress)
        except Raced:
            earlier = posting.sent
            run = replace(
                run,
                transactions=run.transactions + earlier.transactions,
                gas_used=run.gas_used + earlier.gas_used,
            )
    raise EntryRejected(
        RACE_REASONS[0], [RejectedRow(0, deal, RACE_REASONS[0], text("submit.raced"))]
    )


class _Posting:
    """One attempt at a run of entries."""

    def __init__(
        self,
        ledger: Ledger,
        deal: str,
        by: str,
        late: bool,
        dry_run: bool,
        posted_at: set[int],
    ) -> None:
        """`posted_at`: positions in the run of what is posted, by an earlier attempt at first."""
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
        self._posted_before = set(posted_at)
        self._posted_at = posted_at
        self._waiting_at: set[int] = set()
        self._signed: dict[str, int] = {}
        self._touched: set[bytes] = set()
        self._on_the_way: list[tuple[Handed, list[Sendable]]] = []
        self.sent = Submitted(rows=0)

    def post(
        self,
        run: Submitted,
        entries: list[Entry | VoucherEntry],
        lines: Sequence[int],
        progress: Progress,
    ) -> Submitted:
        """Plan and send; what the run came to. Raises `EntryRejected` or `Raced`."""
        ledger = self._ledger
        with ledger.ahead() as ahead:
            with ledger.outbox(dry_run=self._dry_run) as outbox:
                plan = self._plan(entries, lines)
                try:
                    probing = self._send_all(outbox, plan, len(entries), progress)
                    probing = self._arrived(outbox, plan, probing)
                    refused = self._refused(plan, probing)
                    if self._refusal is not None and not refused:
                        # No row by itself is at fault.
                        raise Reverted(self._refusal)
                    head = self._keep(outbox, refused, plan, ahead)
                finally:
                    self.sent = replace(
                        self.sent,
                        transactions=len(outbox.receipts),
                        gas_used=sum(receipt.gas_used for receipt in outbox.receipts),
                    )
            if not self._dry_run and (not refused or not self._atomic):
                ledger.fold(outbox.receipts, head, ahead=ahead)
        return self._result(run, plan, refused, head)

    def _send_all(
        self, outbox: Outbox, plan: Plan, rows: int, progress: Progress
    ) -> Probing | None:
        probing = self._probing(outbox) if plan.rejected else None
        # A row of the run may have several parts, of which each is sent by itself.
        parts = sum(map(len, plan.batches))
        total = max(rows, parts)
        done = total - parts
        with self._keeping(plan):
            for batch in plan.batches:
                if probing is None and not self._send(outbox, batch, plan):
                    probing = self._probing(outbox)
                if probing is not None:
                    probing.run(batch)
                done += len(batch)
                progress(done, total)
        return probing

    def _keeping(self, plan: Plan) -> AbstractContextManager[None]:
        """Ids are known and their refs kept before anything is posted."""
        if self._dry_run:
            return nullcontext()
        if self._atomic:
            # What is executed meanwhile nobody sees before it is kept.
            return self._ledger.keeping_refs(plan.refs)
        self._ledger.keep_refs(plan.refs)
        return nullcontext()

    def _plan(self, entries: list[Entry | VoucherEntry], lines: Sequence[int]) -> Plan:
        ledger, deal = self._ledger, self._deal
        plain = [entry for entry in entries if not isinstance(entry, VoucherEntry)]
        if len(plain) < len(entries):
            return self._plan_vouchers(entries, lines)
        asked = None
        if self._waits:
            # Planned for when nothing is written off, too: then there is nothing to look up.
            written_off = any(entry.kind is Kind.WRITE_OFF for entry in plain)
            route = ROUTES[Kind.WRITE_OFF]
            asked = rows_asked(ledger, deal, route, by=self._by) if written_off else {}
        planner = Planner(
            ledger.book(), ledger.deal(deal), ledger.salt(deal),
            documents=self._documents, asked=asked,
        )  # fmt: skip
        return planner.plan(plain, lines)

    def _plan_vouchers(self, entries: list[Entry | VoucherEntry], lines: Sequence[int]) -> Plan:
        ledger, deal = self._ledger, self._deal
        given = [entry for entry in entries if isinstance(entry, VoucherEntry)]
        if len(given) < len(entries):
            raise UsageInvalid(text("submit.mixed"))
        asked = rows_asked(ledger, deal, CONFIRM, by=self._by) if self._waits else None
        planner = VoucherPlanner(ledger, deal, self._by, documents=self._documents, asked=asked)
        return planner.plan(given, lines)

    def _result(
        self, run: Submitted, plan: Plan, refused: list[RejectedRow], head: Head
    ) -> Submitted:
        """What the run came to. Raises `EntryRejected` when a row was refused."""
        # What an attempt before this one posted on a network is found posted already here.
        result = replace(
            run,
            already_posted=len(plan.already_at - self._posted_before),
            reversed_refs=tuple(plan.reversed_refs),
            rejected=tuple(refused),
            warnings=tuple(plan.warnings),
            head_block=head.number,
            final_block=final_block(self._ledger.engine, head),
        )
        if not refused or not self._atomic:
            result = replace(
                result,
                posted=len(self._posted_at),
                waiting=plan.waiting + len(self._waiting_at),
                signed=self._signed,
                waiting_for=plan.waiting_for,
                actions=tuple(action.hex() for action in plan.actions),
                transactions=run.transactions + self.sent.transactions,
                gas_used=run.gas_used + self.sent.gas_used,
            )
        if refused:
            raise EntryRejected(refused[0].reason, refused, file=run.file, submitted=result)
        return result

    def _send(
        self, outbox: Outbox, batch: list[Sendable], plan: Plan, *, alone: bool = False
    ) -> bool:
        """Send a batch; False when the contract refuses it.

        On a network it is then on its way with others, unless `alone`.
        """
        route, by = batch[0].route, batch[0].by or self._by
        rows = [words for row in self._judged(batch) for words in row.contract_rows()]
        if not rows:
            return self._note_sent(batch, by, waits=False)
        to, data = self._call(batch[0], rows)
        waits = False
        try:
            if route.four_eyes:
                waits = self._ask(outbox, by, to, data, len(rows), plan)
            elif self._atomic or alone:
                outbox.send(by, KeyUse.MAKER, to, data, rows=len(rows))
            else:
                handed = outbox.hand_in(by, KeyUse.MAKER, to, data, rows=len(rows))
                self._on_the_way.append((handed, batch))
                return True
        except Reverted as refusal:
            self._raise_raced(outbox, refusal)
            # What is judged next must see what is on its way.
            self._wait(outbox)
            self._refusal = refusal.reason
            return False
        except NonceTaken as error:
            # Elsewhere the same member's key is used without a pause.
            self._raise_raced(outbox, error)
            raise
        return self._note_sent(batch, by, waits=waits)

    def _arrived(self, outbox: Outbox, plan: Plan, probing: Probing | None) -> Probing | None:
        """Wait for the batches on their way; those refused there are judged by themselves."""
        if not self._on_the_way:
            return probing
        refused, anothers = self._settle(outbox)
        if anothers:
            # What another process sent in the very same words is found posted in the next plan.
            raise Raced
        for batch in refused:
            if probing is None and not self._send(outbox, batch, plan, alone=True):
                probing = self._probing(outbox)
            if probing is not None:
                probing.run(batch)
        return probing

    def _settle(self, outbox: Outbox) -> tuple[list[list[Sendable]], bool]:
        """Wait for what is on its way: batches refused there, and whether one was another's."""
        self._wait(outbox)
        refused, anothers = [], False
        for handed, batch in self._on_the_way:
            if isinstance(handed.outcome, Reverted):
                refused.append(batch)
            elif handed.ours:
                self._note_sent(batch, batch[0].by or self._by, waits=False)
            else:
                anothers = True
        self._on_the_way.clear()
        return refused, anothers

    def _wait(self, outbox: Outbox) -> None:
        try:
            outbox.settle()
        except NonceTaken as error:
            raise Raced from error

    def _keep(self, outbox: Outbox, refused: list[RejectedRow], plan: Plan, ahead: Ahead) -> Head:
        """Keep what was sent; on a network what came before a refusal as well."""
        if refused and self._atomic:
            return self._ledger.engine.head()
        try:
            return outbox.keep(
                partial(ahead.fold, outbox.receipts, plan.planned_at, plan.known)
                if outbox.receipts
                else None
            )
        except (Reverted, NonceTaken) as error:
            # It fell out of the chain, and could not be in it again.
            if self._atomic:
                raise
            raise Raced from error

    def _raise_raced(self, outbox: Outbox, error: Reverted | NonceTaken) -> None:
        """On a network what another process did first is planned anew, from all that was sent."""
        if self._atomic:
            return
        if isinstance(error, NonceTaken) or error.reason in RACE_REASONS:
            self._settle(outbox)
            raise Raced from error

    def _note_sent(self, batch: list[Sendable], by: str, *, waits: bool) -> bool:
        (self._waiting_at if waits else self._posted_at).update(row.at.position for row in batch)
        if not waits and batch[0].by:
            self._signed[by] = self._signed.get(by, 0) + len(batch)
        return True

    def _judged(self, batch: list[Sendable]) -> list[Sendable]:
        """What can be sent of a batch: a dry run on a network keeps nothing for a later part."""
        if self._atomic or not self._dry_run or not batch[0].by:
            return batch
        judged = [row for row in batch if self._touched.isdisjoint(row.subjects + row.needs)]
        self._touched.update(subject for row in batch for subject in row.subjects)
        return judged

    def _ask(self, outbox: Outbox, by: str, to: bytes, data: bytes, rows: int, plan: Plan) -> bool:
        """Have the checker send a batch; whether it has still to."""
        request = ask(self._ledger, outbox, to, data, by=by, rows=rows, dry_run=self._dry_run)
        if request.waits:
            # What the contract would refuse by now is not worth a checker's time.
            try:
                outbox.probe_from(self._ledger.member(by).checker, to, data)
            except Reverted as refusal:
                # A network has nothing of a dry run.
                if self._atomic or not self._dry_run or refusal.reason != _NOT_ASKED:
                    raise
            plan.actions[request.action_id] = None
        return request.waits

    def _probing(self, outbox: Outbox) -> Probing:
        def attempt(first: Sendable, rows: list[tuple[int, ...]]) -> str | None:
            by = first.by or self._by
            to, data = self._call(first, rows)
            try:
                if first.route.four_eyes:
                    self._probe_asked(outbox, by, to, data)
                else:
                    outbox.probe(by, KeyUse.MAKER, to, data)
            except Reverted as refusal:
                if not self._atomic and refusal.reason == _NOT_ASKED:
                    # A network cannot judge parts that nobody asked for: the reason of all stands.
                    return self._refusal
                return refusal.reason
            return None

        return Probing(attempt, cumulative=self._atomic)

    def _probe_asked(self, outbox: Outbox, by: str, to: bytes, data: bytes) -> None:
        members = self._ledger.settings.contracts["Members"]
        try:
            outbox.probe(by, KeyUse.MAKER, members, asking(to, data))
        except Reverted as refusal:
            if refusal.reason != "ACTION_REPEATED":
                raise
        outbox.probe_from(self._ledger.member(by).checker, to, data)

    def _call(self, first: Sendable, rows: list[tuple[int, ...]]) -> tuple[bytes, bytes]:
        """The contract, and the call of its batch function that takes the first row."""
        deal, route = label(self._deal), first.route
        late = self._late and route.late
        data = encode_batch(
            route.function, deal, first.version, rows, contract=route.contract, late=late
        )
        return self._ledger.settings.contracts[route.contract], data

    def _refused(self, plan: Plan, probing: Probing | None) -> list[RejectedRow]:
        """Every refused row, in the order of the run."""
        refused = dict(plan.rejected)
        for row, reason in probing.refused if probing else ():
            refused.setdefault(row.at.position, self._rejected(row, reason))
        return [refused[position] for position in sorted(refused)]

    def _rejected(self, row: Sendable, reason: str) -> RejectedRow:
        """A refused row with its reason, and the rule behind it, explained."""
        detail = explain(reason)
        if isinstance(row, Row) and isinstance(row.entry, Booking):
            try:
                terms = self._documents(row.version)
                detail = limits.explained(terms, reason, row.entry.start_date)
            except UsageInvalid:
                # The document is not in this folder: the reason has to do.
                pass
        elif isinstance(row, VoucherRow):
            detail = explained(self._ledger, self._deal, row, reason)
        return RejectedRow(row.at.line, row.ref, reason, detail)
