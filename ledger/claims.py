"""Claims (代偿): every loan past its trigger day goes to the loss layers, once.

The contract decides what each layer pays, in the order in which the loans come: the longest overdue
first. A loan for which no layer would pay anything is left for another day and named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from ledger import reading
from ledger.bindings import decode_event, decode_output, encode_batch, encode_call, label
from ledger.entries import EntryId, entry_id
from ledger.errors import (
    EntryRejected,
    RejectedRow,
    Reverted,
    TransactionInvalid,
    UsageInvalid,
    explain,
)
from ledger.events import DealTerms, LoanCompensated, Particulars, fields_of
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import day_number
from ledger.outbox import Outbox, final_block
from ledger.posting import RACE_REASONS, Progress
from ledger.records import Loan
from ledger.rows import FEWER_ROWS
from ledger.submission import LAST_DATE
from ledger.tables import Source

if TYPE_CHECKING:
    from ledger.ledger import Ledger

CLAIM_MISSING, CLAIM_UNCOVERED = "CLAIM_MISSING", "CLAIM_UNCOVERED"
_OF_THE_WHOLE = ("SENDER_", "DEAL_", "KEY_", "DAY_SEALED", "EVM_", "OUT_OF_GAS")
"""How reasons start that are no single loan's."""
_RACED = (*RACE_REASONS, "LOAN_COMPENSATED", "LOAN_WRITTEN_OFF", "LOAN_REVERSED")
_RACE_ATTEMPTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Pay:
    """What one loss layer paid."""

    payer: str
    source: Source
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Compensated:
    """A loan that was claimed. `claim_minor` is principal and interest, and what all layers paid
    and the residual."""

    loan_ref: str
    claim_minor: int
    principal_minor: int
    interest_minor: int
    pays: tuple[Pay, ...]
    """Of every layer in its order, 0 too; empty in a dry run on a network."""
    residual_minor: int
    """The claim less what the layers pay; its principal stays with the funders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A loan past its trigger that was not claimed."""

    loan_ref: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRun:
    """What became of a run of claims."""

    deal: str
    on: date
    compensated: tuple[Compensated, ...]
    skipped: tuple[Skipped, ...]
    already_compensated: int
    """Loans of the deal that were compensated before."""
    transactions: int
    gas_used: int
    head_block: int
    final_block: int

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "deal": self.deal,
            "date": self.on.isoformat(),
            "posted": len(self.compensated),
            "compensated": [
                {
                    "loan_ref": found.loan_ref,
                    "claim_minor": found.claim_minor,
                    "principal_minor": found.principal_minor,
                    "interest_minor": found.interest_minor,
                    "pays": [
                        {
                            "payer": pay.payer,
                            "source": pay.source.value,
                            "amount_minor": pay.amount_minor,
                        }
                        for pay in found.pays
                    ],
                    "residual_minor": found.residual_minor,
                }
                for found in self.compensated
            ],
            "skipped": [
                {"loan_ref": found.loan_ref, "reason": found.reason, "detail": found.detail}
                for found in self.skipped
            ],
            "already_compensated": self.already_compensated,
            "transactions": self.transactions,
            "gas_used": self.gas_used,
            "head_block": self.head_block,
            "final_block": self.final_block,
        }


def claim_run(
    ledger: Ledger,
    deal: str,
    *,
    on: date,
    by: str,
    late: bool = False,
    dry_run: bool = False,
    progress: Progress = lambda done, total: None,
) -> ClaimRun:
    """See `Ledger.claim_run`."""
    if on > LAST_DATE:
        last = text("submit.day_far_expected", last=LAST_DATE.isoformat())
        raise UsageInvalid(text("submit.day_far"), expected=last, found=on.isoformat())
    run = _Run(ledger, deal, on, by, late, dry_run, progress)
    for _ in range(_RACE_ATTEMPTS):
        try:
            return run.attempt()
        except _Raced:
            # On a network another process was at the same loans, or at the same key.
            continue
    raise EntryRejected(
        RACE_REASONS[0], [RejectedRow(0, deal, RACE_REASONS[0], text("submit.raced"))]
    )


class _Raced(Exception):
    pass


@dataclass(slots=True, kw_only=True)
class _Claim:
    """A loan past its trigger."""

    loan: Loan
    ref: str
    own: EntryId
    interest_minor: int

    def words(self, day: int) -> tuple[int, ...]:
        """The row as the contract takes it."""
        own, loan = (int.from_bytes(one, "big") for one in (self.own, self.loan.loan_id))
        return own, loan, self.loan.sequence, day


class _Run:
    """A run of claims; what it posted on a network stays with it from attempt to attempt."""

    def __init__(
        self,
        ledger: Ledger,
        deal: str,
        on: date,
        by: str,
        late: bool,
        dry_run: bool,
        progress: Progress,
    ) -> None:
        self._ledger = ledger
        self._name = deal
        self._deal = ledger.deal(deal)
        self._salt = ledger.salt(deal)
        self._on = on
        self._day = day_number(on)
        self._by = by
        self._late = late
        self._dry_run = dry_run
        self._progress = progress
        self._already = _compensated(ledger, self._deal.deal)
        self._members = {one.number: one.member_id for one in reading.members(ledger.book())}
        self._terms: dict[int, DealTerms] = {}
        self._posted: list[Compensated] = []
        self._skipped: list[Skipped] = []
        self._refused: list[RejectedRow] = []
        self._receipts = 0
        self._gas_used = 0

    def attempt(self) -> ClaimRun:
        """Claim what is past its trigger by now."""
        ledger = self._ledger
        self._skipped, self._refused = [], []
        with ledger.outbox(dry_run=self._dry_run) as outbox:
            batches = self._batches()
            total = sum(len(batch) for batch in batches)
            done = 0
            try:
                for batch in batches:
                    self._send(outbox, batch)
                    done += len(batch)
                    self._progress(done, total)
            finally:
                self._receipts += len(outbox.receipts)
                self._gas_used += sum(receipt.gas_used for receipt in outbox.receipts)
            head = ledger.engine.head() if self._refused else outbox.keep()
        if not self._dry_run and (not self._refused or not ledger.engine.atomic):
            ledger.fold(outbox.receipts, head)
        if self._refused:
            raise EntryRejected(self._refused[0].reason, self._refused)
        return ClaimRun(
            deal=self._name,
            on=self._on,
            compensated=tuple(self._posted),
            skipped=tuple(self._skipped),
            already_compensated=self._already,
            transactions=self._receipts,
            gas_used=self._gas_used,
            head_block=head.number,
            final_block=final_block(ledger.engine, head),
        )

    # ---- what is past its trigger

    def _batches(self) -> list[list[_Claim]]:
        """Claims by the version of their terms, the longest overdue first."""
        book, deal = self._ledger.book(), self._deal.deal
        self._terms = {found.version: found.terms for found in reading.versions(book, deal)}
        signed = [found for found in reading.versions(book, deal) if found.in_force]
        triggers = {
            found.version: found.terms.claim.days_past_due for found in signed if found.terms.layers
        }
        if not triggers:
            raise Reverted(CLAIM_MISSING)
        loans = [
            loan
            for loan in reading.overdue_loans(book, deal, self._day - min(triggers.values()))
            if loan.version in triggers
            and loan.since_date + triggers[loan.version] <= self._day
            and _start(loan) <= self._day
        ]
        batches: list[list[_Claim]] = []
        last: dict[int, list[_Claim]] = {}
        # Loans overdue since the same day in the order in which they were booked, not of a hash.
        for loan in sorted(loans, key=lambda one: (one.since_date, self._booked(one))):
            batch = last.get(loan.version)
            if batch is None or len(batch) == FEWER_ROWS:
                batch = last[loan.version] = []
                batches.append(batch)
            batch.append(self._claim(loan))
        if not self._dry_run:
            self._ledger.keep_refs([(one.own, one.ref) for batch in batches for one in batch])
        return batches

    def _claim(self, loan: Loan) -> _Claim:
        ref = start = f"compensation/{self._ledger.ref(loan.loan_id)}/{self._on.isoformat()}"
        again = 2
        # One of the same day may have been taken back: every entry has a ref of its own.
        while self._known(ref):
            ref = f"{start}/{again}"
            again += 1
        return _Claim(
            loan=loan,
            ref=ref,
            own=entry_id(self._salt, ref),
            interest_minor=self._unpaid_interest(loan),
        )

    def _booked(self, loan: Loan) -> int:
        """Position of the loan's booking in the book."""
        booking = reading.entry(self._ledger.book(), self._deal.deal, loan.loan_id, booking=True)
        assert booking is not None, "a loan without its booking"
        return booking.number

    def _known(self, ref: str) -> bool:
        book, own = self._ledger.book(), entry_id(self._salt, ref)
        return reading.entry(book, self._deal.deal, own) is not None

    def _unpaid_interest(self, loan: Loan) -> int:
        if not self._terms[loan.version].claim.with_interest:
            return 0
        engine, loans = self._ledger.engine, self._ledger.settings.contracts["Loans"]
        place = label(self._name), loan.loan_id, self._day
        output = engine.call(to=loans, data=encode_call("Loans", "unpaid_interest", *place))
        return int(decode_output("Loans", "unpaid_interest", output))

    # ---- posting

    def _send(self, outbox: Outbox, claims: list[_Claim]) -> None:
        """Send a batch; a refused one in halves, so that only single loans are left out."""
        guarantees = self._ledger.settings.contracts["Guarantees"]
        rows = [claim.words(self._day) for claim in claims]
        version = claims[0].loan.version
        data = encode_batch(
            "compensate", label(self._name), version, rows, contract="Guarantees", late=self._late
        )
        try:
            receipt = outbox.send(self._by, KeyUse.MAKER, guarantees, data, rows=len(rows))
        except Reverted as refusal:
            self._refuse(outbox, claims, refusal)
            return
        except TransactionInvalid as error:
            if self._ledger.engine.atomic:
                raise
            raise _Raced from error
        logs = [log for log in receipt.logs if log.address == guarantees]
        events = [event for log in logs if isinstance(event := decode_event(log), LoanCompensated)]
        pays = {event.loan_id: fields_of(event.pays) for event in events}
        self._posted += [self._report(claim, pays.get(claim.loan.loan_id)) for claim in claims]

    def _refuse(self, outbox: Outbox, claims: list[_Claim], refusal: Reverted) -> None:
        reason = refusal.reason
        if reason in _RACED and not self._ledger.engine.atomic:
            raise _Raced from refusal
        if not reason or reason.startswith(_OF_THE_WHOLE):
            raise refusal
        if len(claims) > 1:
            half = len(claims) // 2
            self._send(outbox, claims[:half])
            self._send(outbox, claims[half:])
            return
        ref = self._ledger.ref(claims[0].loan.loan_id)
        if reason == CLAIM_UNCOVERED:
            self._skipped.append(Skipped(loan_ref=ref, reason=reason, detail=explain(reason)))
        else:
            self._refused.append(RejectedRow(0, ref, reason, explain(reason)))

    def _report(self, claim: _Claim, pays: Iterable[int] | None) -> Compensated:
        terms = self._terms[claim.loan.version]
        paid = (
            ()
            if pays is None
            else tuple(
                Pay(
                    payer=self._members[terms.parties[layer.payer]],
                    source=Source.DEPOSIT if layer.from_deposit else Source.DIRECT,
                    amount_minor=amount_minor,
                )
                for layer, amount_minor in zip(terms.layers, pays, strict=False)
            )
        )
        principal_minor = claim.loan.outstanding_minor
        claim_minor = principal_minor + claim.interest_minor
        return Compensated(
            loan_ref=self._ledger.ref(claim.loan.loan_id),
            claim_minor=claim_minor,
            principal_minor=principal_minor,
            interest_minor=claim.interest_minor,
            pays=paid,
            residual_minor=claim_minor - sum(pay.amount_minor for pay in paid),
        )


def _start(loan: Loan) -> int:
    return Particulars.unpack(loan.particulars).start_date


def _compensated(ledger: Ledger, deal: int) -> int:
    """Loans of a deal whose compensation stands."""
    query = "SELECT count(DISTINCT loan_id) FROM claims WHERE deal = ? AND paid_minor > 0"
    return int(ledger.book().connection.execute(query, (deal,)).fetchone()[0])
