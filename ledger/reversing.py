"""Reversing (冲正): entries found by their refs are mirrored exactly, the latest of a loan first.

A loan's tip commits to the content of every entry that stands on it, so a mirror brings the content
of the entry and the tip before it; both are made anew here from the book.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from ledger import reading
from ledger.bindings import (
    BOOKING,
    CLAIM_REPAYMENT,
    COMPENSATION,
    RECOVERY,
    REPAYMENT,
    WAIVER,
    WRITE_OFF,
    encode_call,
    label,
    tip_after,
)
from ledger.entries import Kind, Reversal, entry_id, loan_id
from ledger.errors import EntryRejected, RejectedRow, Reverted, UsageInvalid, explain
from ledger.four_eyes import ask
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import day_number
from ledger.paying import paid_ref
from ledger.posting import Submitted
from ledger.records import DepositKind, PaymentKind

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.outbox import Outbox

_TIP_KINDS = {
    Kind.BOOKING: BOOKING,
    Kind.REPAYMENT: REPAYMENT,
    Kind.WAIVER: WAIVER,
    Kind.WRITE_OFF: WRITE_OFF,
    Kind.COMPENSATION: COMPENSATION,
    Kind.RECOVERY: RECOVERY,
    Kind.CLAIM_REPAYMENT: CLAIM_REPAYMENT,
}
_ROUTES = {
    Kind.BOOKING: ("Loans", "reverse"),
    Kind.REPAYMENT: ("Loans", "reverse"),
    Kind.WAIVER: ("Servicing", "reverse"),
    Kind.WRITE_OFF: ("Servicing", "reverse"),
    Kind.COMPENSATION: ("Guarantees", "reverse_compensation"),
    Kind.RECOVERY: ("Guarantees", "reverse_recovery"),
    Kind.CLAIM_REPAYMENT: ("Guarantees", "reverse_recovery"),
}
_BOOKING_PREFIX, _DEPOSIT_PREFIX = "booking/", "deposit/"
_Found = reading.Posted | reading.DepositLine | reading.SettlementLine
_Pair = tuple[int, int]
"""Eight amounts of 64 bits, four in a word."""


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
        for ref in refs:
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
        rows=len(refs),
        posted=len(refs) - already - waiting,
        already_posted=already,
        waiting=waiting,
        actions=tuple(actions),
        transactions=len(outbox.receipts),
        gas_used=sum(receipt.gas_used for receipt in outbox.receipts),
        head_block=head.number,
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

    def find(self, ref: str) -> _Found:
        """The entry, the payment into the deposit or that on a settlement, of that ref.

        `booking/LOAN_REF`, `deposit/REF` or `settlement/N/K/REFERENCE` when there is another with
        the same ref. Raises `UsageInvalid`.
        """
        book, deal = self._book, self._deal.deal
        booked = loan_id(self._salt, ref.removeprefix(_BOOKING_PREFIX))
        candidates = [
            reading.entry(book, deal, entry_id(self._salt, ref)),
            reading.entry(book, deal, booked, booking=True),
            self._payment(ref),
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
        if found.kind not in (*_TIP_KINDS, DepositKind.PAID, PaymentKind.PAID):
            raise UsageInvalid(text("reverse.kind", kind=found.kind), fix=text("reverse.kind_fix"))
        return found

    def _payment(self, ref: str) -> reading.DepositLine | None:
        ids = [entry_id(self._salt, one) for one in (ref, ref.removeprefix(_DEPOSIT_PREFIX))]
        lines = (reading.deposit_entry(self._book, self._deal.deal, own) for own in ids)
        return next((line for line in lines if line is not None), None)

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
        contract, function = _ROUTES[entry.kind]
        known = reading.loan(self._book, self._deal.deal, entry.loan_id)
        assert known is not None, "an entry without its loan"
        gone = {found.number for found in self._of_loan(entry.loan_id)}
        place = own, entry.loan_id, known.sequence + len(gone), day
        row = (*place, *self._content(entry), self._tip_before(entry, gone))
        data = encode_call(contract, function, label(self._deal.name), known.version, row)
        outbox.send(self._by, KeyUse.MAKER, contracts[contract], data)
        return b""

    def _of_loan(self, loan: bytes) -> list[reading.Posted]:
        mirrored = [found for found in self._mirrored if isinstance(found, reading.Posted)]
        return [found for found in mirrored if found.loan_id == loan]

    def _content(self, entry: reading.Posted) -> tuple[Any, ...]:
        """The entry as the rows of the function that mirrors it have it."""
        if entry.kind is Kind.COMPENSATION:
            return entry.entry_id, entry.date, *self._parts(entry)
        kind = _TIP_KINDS[entry.kind]
        if entry.kind in (Kind.RECOVERY, Kind.CLAIM_REPAYMENT):
            return entry.entry_id, entry.date, kind, entry.amounts.pack(), *self._parts(entry)
        return entry.entry_id, kind, entry.date, self._amounts(entry)

    def _parts(self, entry: reading.Posted) -> tuple[_Pair, _Pair, _Pair]:
        """By layers, then by funders: principal or residual, then interest or surplus."""
        compensation = entry.kind is Kind.COMPENSATION
        return (
            _packed(reading.layer_parts(self._book, entry.number).items()),
            _packed(enumerate(leg.principal_minor for leg in entry.legs)),
            _packed(
                enumerate(
                    leg.interest_minor if compensation else leg.penalty_minor for leg in entry.legs
                )
            ),
        )

    def _tip_before(self, entry: reading.Posted, gone: set[int]) -> int:
        """The loan's tip when the entry came: over those that stand of the ones before it."""
        tip = 0
        for other in reading.entries_of_loan(self._book, self._deal.deal, entry.loan_id):
            if other.number == entry.number:
                break
            if other.kind in _TIP_KINDS and not other.reversed and other.number not in gone:
                kind, content = _TIP_KINDS[other.kind], self._committed(other)
                tip = tip_after(tip, kind, other.entry_id, other.date, content)
        return tip

    def _committed(self, entry: reading.Posted) -> int:
        """What a tip commits to of an entry's content."""
        if entry.kind in (Kind.COMPENSATION, Kind.RECOVERY, Kind.CLAIM_REPAYMENT):
            amounts = 0 if entry.kind is Kind.COMPENSATION else entry.amounts.pack()
            return content_of(amounts, *self._parts(entry))
        return self._amounts(entry)

    def _amounts(self, entry: reading.Posted) -> int:
        # What a booking cost the funders is no part of the row that made it.
        booking = entry.kind is Kind.BOOKING
        return entry.amounts.principal_minor if booking else entry.amounts.pack()


def content_of(amounts: int, by_layers: _Pair, by_funders: _Pair, income: _Pair) -> int:
    """What a loan's tip commits to of a compensation (amounts 0) or a recovery."""
    from eth_hash.auto import keccak

    words = [amounts, *by_layers, *by_funders, *income]
    hashed = keccak(b"".join(word.to_bytes(32, "big") for word in words))
    return int.from_bytes(hashed, "big")


def _packed(parts: Iterable[tuple[int, int]]) -> _Pair:
    """Amounts by their places, as the contracts pack them; the inverse of `events.fields_of`."""
    words = [0, 0]
    for place, amount_minor in parts:
        words[place // 4] |= amount_minor << 64 * (place % 4)
    return words[0], words[1]
