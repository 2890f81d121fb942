"""Posting: entries go to the chain, all of a run or none, and every refusal is explained by row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from ledger import reading
from ledger.bindings import (
    BOOKING,
    REPAYMENT,
    WAIVER,
    WRITE_OFF,
    encode_batch,
    encode_call,
    label,
    tip_after,
)
from ledger.entries import Entry, Kind, Reversal, entry_id, loan_id, refuse_duplicates
from ledger.errors import (
    EntryRejected,
    RejectedRow,
    Reverted,
    TransactionInvalid,
    UsageInvalid,
    explain,
)
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import day_number
from ledger.outbox import Outbox
from ledger.submission import Planner, Probing, Row, refuse_far_days

if TYPE_CHECKING:
    from ledger.ledger import Ledger

Progress = Callable[[int, int], None]
"""(rows done, rows in all)"""

_TIP_KINDS = {
    Kind.BOOKING: BOOKING,
    Kind.REPAYMENT: REPAYMENT,
    Kind.WAIVER: WAIVER,
    Kind.WRITE_OFF: WRITE_OFF,
}
_RACE_REASONS = ("ENTRY_OUT_OF_SEQUENCE", "LOAN_EXISTS")
_RACE_ATTEMPTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What became of a run of entries."""

    file: str = ""
    rows: int
    posted: int = 0
    already_posted: int = 0
    reversed_refs: tuple[str, ...] = ()
    """Of those posted already, what was reversed since: it no longer stands."""
    rejected: tuple[RejectedRow, ...] = ()
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
    dry_run: bool = False,
    progress: Progress = lambda done, total: None,
) -> Submitted:
    """See `Ledger.submit`."""
    given = list(entries)
    refuse_duplicates(given)
    refuse_far_days(given, lines, file)
    run = Submitted(file=file, rows=len(given))
    for _ in range(_RACE_ATTEMPTS):
        posting = _Posting(ledger, deal, by, dry_run)
        try:
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
        _RACE_REASONS[0], [RejectedRow(0, deal, _RACE_REASONS[0], text("submit.raced"))]
    )


class _Posting:
    """One attempt at a run of entries."""

    def __init__(self, ledger: Ledger, deal: str, by: str, dry_run: bool) -> None:
        self._ledger = ledger
        self._deal = deal
        self._by = by
        self._dry_run = dry_run
        self._target = ledger.settings.contracts["Loans"]
        self._atomic = ledger.engine.atomic
        self.sent = Submitted(rows=0)

    def post(
        self, run: Submitted, entries: list[Entry], lines: Sequence[int], progress: Progress
    ) -> Submitted:
        ledger = self._ledger
        with ledger.outbox(dry_run=self._dry_run) as outbox:
            planner = Planner(ledger.book(), ledger.deal(self._deal), ledger.salt(self._deal))
            plan = planner.plan(entries, lines)
            if not self._dry_run:
                # Ids are known and their refs kept before anything is sent.
                ledger.keep_refs(plan.refs)
            probing = self._probing(outbox) if plan.rejected else None
            done = len(entries) - sum(map(len, plan.batches))
            for batch in plan.batches:
                if probing is None and not self._send(outbox, batch):
                    probing = self._probing(outbox)
                if probing is not None:
                    probing.run(batch)
                done += len(batch)
                progress(done, len(entries))
            refused = [*plan.rejected, *(probing.rejected if probing else ())]
            head = ledger.engine.head() if refused else outbox.keep()
        if not self._dry_run and (not refused or not self._atomic):
            ledger.fold(outbox.receipts, head)
        # What an attempt before this one posted on a network is found posted already here.
        result = replace(
            run,
            already_posted=plan.already_posted - run.posted,
            reversed_refs=tuple(plan.reversed_refs),
            rejected=tuple(sorted(refused, key=lambda row: row.line)),
            head_block=head.number,
        )
        if not refused or not self._atomic:
            result = replace(
                result,
                posted=run.posted + self.sent.posted,
                transactions=run.transactions + self.sent.transactions,
                gas_used=run.gas_used + self.sent.gas_used,
            )
        if refused:
            raise EntryRejected(refused[0].reason, result.rejected, file=run.file, submitted=result)
        return result

    def _send(self, outbox: Outbox, batch: list[Row]) -> bool:
        """Send a batch; False when the contract refuses it."""
        rows = [row.words(row.sequence) for row in batch]
        data = encode_batch(batch[0].function, label(self._deal), batch[0].version, rows)
        try:
            receipt = outbox.send(self._by, KeyUse.MAKER, self._target, data, rows=len(rows))
        except Reverted as refusal:
            if not self._atomic and refusal.reason in _RACE_REASONS:
                raise Raced from refusal
            return False
        except TransactionInvalid as error:
            # Elsewhere the same member's key was used: its nonce is taken.
            if self._atomic:
                raise
            raise Raced from error
        self.sent = replace(
            self.sent,
            posted=self.sent.posted + len(batch),
            transactions=self.sent.transactions + 1,
            gas_used=self.sent.gas_used + receipt.gas_used,
        )
        return True

    def _probing(self, outbox: Outbox) -> Probing:
        def attempt(function: str, version: int, rows: list[tuple[int, ...]]) -> str | None:
            data = encode_batch(function, label(self._deal), version, rows)
            try:
                outbox.probe(self._by, KeyUse.MAKER, self._target, data)
            except Reverted as refusal:
                return refusal.reason
            return None

        return Probing(attempt, cumulative=self._atomic)


def reverse(
    ledger: Ledger,
    refs: Sequence[str],
    *,
    deal: str,
    by: str,
    on: date | None = None,
    dry_run: bool = False,
) -> Submitted:
    """See `Ledger.reverse`."""
    already = 0
    with ledger.outbox(dry_run=dry_run) as outbox:
        reversing = _Reversing(ledger, deal, on)
        for ref in refs:
            entry = reversing.find(ref)
            if entry.reversed or reversing.noted(entry):
                already += 1
                continue
            own = entry_id(ledger.salt(deal), Reversal(entry_ref=ref).ref)
            if not dry_run:
                ledger.keep_refs([(own, Reversal(entry_ref=ref).ref)])
            try:
                data = reversing.call_data(entry, own)
                outbox.send(by, KeyUse.MAKER, ledger.settings.contracts["Loans"], data)
            except Reverted as refusal:
                row = RejectedRow(0, ref, refusal.reason, explain(refusal.reason))
                raise EntryRejected(refusal.reason, [row]) from None
            reversing.note(entry)
        head = outbox.keep()
    if not dry_run:
        ledger.fold(outbox.receipts, head)
    return Submitted(
        rows=len(refs),
        posted=len(refs) - already,
        already_posted=already,
        transactions=len(outbox.receipts),
        gas_used=sum(receipt.gas_used for receipt in outbox.receipts),
        head_block=head.number,
    )


class _Reversing:
    """Finds entries and builds their exact mirrors, one on top of the other."""

    def __init__(self, ledger: Ledger, deal: str, on: date | None) -> None:
        self._book = ledger.book()
        self._deal = ledger.deal(deal)
        self._salt = ledger.salt(deal)
        self._on = on
        self._mirrored: list[reading.Posted] = []

    def find(self, ref: str) -> reading.Posted:
        """The entry of that ref. `booking/LOAN_REF` when an entry has the same ref as a loan."""
        book, deal = self._book, self._deal.deal
        own = reading.entry(book, deal, entry_id(self._salt, ref))
        booked = loan_id(self._salt, ref.removeprefix("booking/"))
        booking = reading.entry(book, deal, booked, booking=True)
        if own is not None and booking is not None:
            raise UsageInvalid(
                text("reverse.ambiguous"), found=ref, fix=text("reverse.ambiguous_fix", ref=ref)
            )
        found = own or booking
        if found is None:
            raise UsageInvalid(text("reverse.unknown"), found=ref, fix=text("reverse.unknown_fix"))
        if found.kind not in _TIP_KINDS:
            raise UsageInvalid(text("reverse.kind", kind=found.kind), fix=text("reverse.kind_fix"))
        return found

    def noted(self, entry: reading.Posted) -> bool:
        """Whether the entry is reversed within this submission."""
        return any(found.number == entry.number for found in self._mirrored)

    def note(self, entry: reading.Posted) -> None:
        """The entry is reversed within this submission."""
        self._mirrored.append(entry)

    def call_data(self, entry: reading.Posted, own: bytes) -> bytes:
        """The call of Loans.reverse."""
        known = reading.loan(self._book, self._deal.deal, entry.loan_id)
        assert known is not None, "an entry without its loan"
        before = [found for found in self._mirrored if found.loan_id == entry.loan_id]
        gone = {found.number for found in before}
        tip = 0
        for other in reading.entries_of_loan(self._book, self._deal.deal, entry.loan_id):
            if other.number == entry.number:
                break
            if other.kind in _TIP_KINDS and not other.reversed and other.number not in gone:
                kind, amounts = _TIP_KINDS[other.kind], other.amounts.pack()
                tip = tip_after(tip, kind, other.entry_id, other.date, amounts)
        row = (
            own,
            entry.loan_id,
            known.sequence + len(before),
            entry.date if self._on is None else day_number(self._on),
            entry.entry_id,
            _TIP_KINDS[entry.kind],
            entry.date,
            entry.amounts.pack(),
            tip,
        )
        return encode_call("Loans", "reverse", label(self._deal.name), known.version, row)
