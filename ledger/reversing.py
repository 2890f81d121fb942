"""Reversing (冲正): entries found by their refs are mirrored exactly, the latest of a loan first.

A loan's tip commits to the content of every entry that stands on it, so a mirror brings the content
of the entry and the tip before it; both are made anew here from the book.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from ledger import reading, tips
from ledger.bindings import encode_call, label
from ledger.entries import Kind, Reversal, entry_id, loan_id
from ledger.errors import EntryRejected, RejectedRow, Reverted, UsageInvalid, explain
from ledger.four_eyes import ask
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import day_number
from ledger.outbox import Outbox, final_block
from ledger.paying import paid_ref
from ledger.posting import Submitted
from ledger.records import DepositKind, PaymentKind
from ledger.tips import TIP_KINDS
from ledger.voucher_records import PieceState, StepKind
from ledger.vouchers.payments import paid_ref as paid_of_piece

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_ROUTES = {
    Kind.BOOKING: ("Loans", "reverse"),
    Kind.REPAYMENT: ("Loans", "reverse"),
    Kind.WAIVER: ("Servicing", "reverse"),
    Kind.WRITE_OFF: ("Servicing", "reverse"),
    Kind.COMPENSATION: ("Guarantees", "reverse_compensation"),
    Kind.RECOVERY: ("Guarantees", "reverse_recovery"),
    Kind.CLAIM_REPAYMENT: ("Guarantees", "reverse_recovery"),
}
_MOST_PIECES = 250
"""Of a voucher: see Vouchers.split."""
_BOOKING_PREFIX, _DEPOSIT_PREFIX = "booking/", "deposit/"
_Found = reading.Posted | reading.DepositLine | reading.SettlementLine | reading.VoucherStep


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
    already = waiting = 0
    actions: list[str] = []
    with ledger.outbox(dry_run=dry_run) as outbox:
        reversing = _Reversing(ledger, deal, by, on, dry_run)
        named = [one for ref in refs for one in reversing.each_of(ref)]
        for ref in named:
            entry = reversing.find(ref)
            if entry.reversed or reversing.noted(entry):
                already += 1
                continue
            own_ref = Reversal(entry_ref=reversing.ref_of(entry, ref)).ref
            own = entry_id(ledger.salt(deal), own_ref)
            if not dry_run:
                ledger.keep_refs([(own, own_ref)])
            try:
                action = reversing.mirror(outbox, entry, own)
            except Reverted as refusal:
                row = RejectedRow(0, ref, refusal.reason, explain(refusal.reason))
                raise EntryRejected(refusal.reason, [row]) from None
            if action:
                waiting += 1
                actions.append(action.hex())
            reversing.note(entry)
        head = outbox.keep()
    if not dry_run:
        ledger.fold(outbox.receipts, head)
    return Submitted(
        rows=len(named),
        posted=len(named) - already - waiting,
        already_posted=already,
        waiting=waiting,
        actions=tuple(actions),
        transactions=len(outbox.receipts),
        gas_used=sum(receipt.gas_used for receipt in outbox.receipts),
        head_block=head.number,
        final_block=final_block(ledger.engine, head),
    )


class _Reversing:
    """Finds entries and sends their exact mirrors, one on top of the other."""

    def __init__(self, ledger: Ledger, deal: str, by: str, on: date | None, dry_run: bool) -> None:
        self._ledger = ledger
        self._dry_run = dry_run
        self._book = ledger.book()
        self._deal = ledger.deal(deal)
        self._salt = ledger.salt(deal)
        self._by = by
        self._on = on
        self._mirrored: list[_Found] = []

    def each_of(self, ref: str) -> list[str]:
        """The refs of a payment on a voucher by its pieces, newest first; any other as it is."""
        parts = (paid_of_piece(ref, place) for place in range(_MOST_PIECES, 0, -1))
        return [one for one in parts if self._step(one) is not None] or [ref]

    def find(self, ref: str) -> _Found:
        """The entry, the payment into the deposit, on a settlement or a piece, of that ref.

        `booking/LOAN_REF`, `deposit/REF` or `settlement/N/K/REFERENCE` when there is another with
        the same ref. Raises `UsageInvalid`.
        """
        book, deal = self._book, self._deal.deal
        booked = loan_id(self._salt, ref.removeprefix(_BOOKING_PREFIX))
        candidates = [
            reading.entry(book, deal, entry_id(self._salt, ref)),
            reading.entry(book, deal, booked, booking=True),
            self._payment(ref),
            self._step(ref),
            *self._paid(ref),
        ]
        known = [found for found in candidates if found is not None]
        if len(known) > 1:
            raise UsageInvalid(
                text("reverse.ambiguous"), found=ref, fix=text("reverse.ambiguous_fix", ref=ref)
            )
        if not known:
            raise UsageInvalid(text("reverse.unknown"), found=ref, fix=text("reverse.unknown_fix"))
        (found,) = known
        if found.kind not in (*TIP_KINDS, DepositKind.PAID, PaymentKind.PAID, StepKind.PAYMENT):
            raise UsageInvalid(text("reverse.kind", kind=found.kind), fix=text("reverse.kind_fix"))
        if isinstance(found, reading.Posted) and self._paid_a_piece(found):
            raise UsageInvalid(text("reverse.converted"), fix=text("reverse.converted_fix"))
        return found

    def _paid_a_piece(self, booking: reading.Posted) -> bool:
        """Whether it books a loan that paid a discounted piece, whose core owes that alone."""
        if booking.kind is not Kind.BOOKING:
            return False
        pieces = reading.pieces_of_loan(self._book, self._deal.deal, booking.loan_id)
        return any(piece.state is PieceState.DISCOUNTED for piece in pieces)

    def _payment(self, ref: str) -> reading.DepositLine | None:
        ids = [entry_id(self._salt, one) for one in (ref, ref.removeprefix(_DEPOSIT_PREFIX))]
        lines = (reading.deposit_entry(self._book, self._deal.deal, own) for own in ids)
        return next((line for line in lines if line is not None), None)

    def _step(self, ref: str) -> reading.VoucherStep | None:
        return reading.voucher_entry(self._book, self._deal.deal, entry_id(self._salt, ref))

    def _paid(self, ref: str) -> list[reading.SettlementLine]:
        """What was paid on settlements with a bank's reference; what stands, if any of it does."""
        book, deal, own = self._book, self._deal.deal, entry_id(self._salt, ref)
        one = reading.settlement_entry(book, deal, own)
        found = [one] if one is not None else reading.paid_with(book, deal, own)
        return [line for line in found if not line.reversed] or found[-1:]

    def ref_of(self, entry: _Found, ref: str) -> str:
        """The ref of the entry found: one reference of a bank may be that of several payments."""
        if (
            isinstance(entry, reading.SettlementLine)
            and entry_id(self._salt, ref) != entry.entry_id
        ):
            return paid_ref(entry.number, entry.payment, ref)
        return ref

    def noted(self, entry: _Found) -> bool:
        """Whether the entry is reversed within this submission."""
        return entry in self._mirrored

    def note(self, entry: _Found) -> None:
        """The entry is reversed within this submission."""
        self._mirrored.append(entry)

    def mirror(self, outbox: Outbox, entry: _Found, own: bytes) -> bytes:
        """Send the mirror; the id of an action that waits for its checker, or nothing."""
        contracts = self._ledger.settings.contracts
        day = entry.date if self._on is None else day_number(self._on)
        if isinstance(entry, reading.SettlementLine):
            paid = label(self._deal.name), own, entry.entry_id, day
            data = encode_call("Settlements", "reverse_paid", *paid)
            outbox.send(self._by, KeyUse.MAKER, contracts["Settlements"], data)
            return b""
        if isinstance(entry, reading.DepositLine):
            data = encode_call(
                "Guarantees", "reverse_payment", label(self._deal.name), own, entry.entry_id, day
            )
            request = ask(
                self._ledger,
                outbox,
                contracts["Guarantees"],
                data,
                by=self._by,
                dry_run=self._dry_run,
            )
            return request.action_id if request.waits else b""
        if isinstance(entry, reading.VoucherStep):
            self._mirror_payment(outbox, entry, own, day)
            return b""
        contract, function = _ROUTES[entry.kind]
        known = reading.loan(self._book, self._deal.deal, entry.loan_id)
        assert known is not None, "an entry without its loan"
        gone = {found.number for found in self._of_loan(entry.loan_id)}
        place = own, entry.loan_id, known.sequence + len(gone), day
        before = tips.tip(self._book, self._deal.deal, entry.loan_id, before=entry, gone=gone)
        row = (*place, *self._content(entry), before)
        data = encode_call(contract, function, label(self._deal.name), known.version, row)
        outbox.send(self._by, KeyUse.MAKER, contracts[contract], data)
        return b""

    def _mirror_payment(
        self, outbox: Outbox, entry: reading.VoucherStep, own: bytes, day: int
    ) -> None:
        """What a piece of a voucher was paid goes back."""
        assert entry.piece_id is not None, "a payment of no piece"
        piece = reading.piece(self._book, self._deal.deal, entry.piece_id)
        voucher = reading.voucher(self._book, self._deal.deal, entry.voucher_id)
        assert piece is not None and voucher is not None, "a payment of nothing"
        mirrored = [found for found in self._mirrored if isinstance(found, reading.VoucherStep)]
        taken = piece.sequence + sum(one.piece_id == entry.piece_id for one in mirrored)
        row = (
            own, entry.piece_id, entry.voucher_id, day | taken << 16,
            entry.entry_id, entry.date, entry.amount_minor,
        )  # fmt: skip
        terms = label(self._deal.name), voucher.version
        data = encode_call("Payments", "reverse_payment", *terms, row)
        target = self._ledger.settings.contracts["Payments"]
        outbox.send(self._by, KeyUse.MAKER, target, data)

    def _of_loan(self, loan: bytes) -> list[reading.Posted]:
        mirrored = [found for found in self._mirrored if isinstance(found, reading.Posted)]
        return [found for found in mirrored if found.loan_id == loan]

    def _content(self, entry: reading.Posted) -> tuple[Any, ...]:
        """The entry as the rows of the function that mirrors it have it."""
        if entry.kind is Kind.COMPENSATION:
            return entry.entry_id, entry.date, *tips.parts(self._book, entry)
        kind = TIP_KINDS[entry.kind]
        if entry.kind in (Kind.RECOVERY, Kind.CLAIM_REPAYMENT):
            amounts, parts = entry.amounts.pack(), tips.parts(self._book, entry)
            return entry.entry_id, entry.date, kind, amounts, *parts
        return entry.entry_id, kind, entry.date, tips.amounts_of(entry)
