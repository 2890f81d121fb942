"""Vouchers: what core enterprises owe, and who holds which piece of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ledger import events
from ledger.events import Event, Owed, Place
from ledger.folding.at_hand import AtHand
from ledger.folding.balances import Balances
from ledger.folding.register import Register, StepSaid
from ledger.records import DayKind
from ledger.voucher_records import StepKind, Voucher, VoucherState
from ledger.waterfall import Account


class Vouchers:
    """Folds the events of Vouchers."""

    def __init__(self, at_hand: AtHand, register: Register, balances: Balances) -> None:
        self._at_hand = at_hand
        self._register = register
        self._balances = balances
        self.appliers: Mapping[type[Event], Callable[[Any, Place], None]] = {
            events.VoucherIssued: self._issued,
            events.VoucherConfirmed: self._confirmed,
            events.VoucherCancelled: self._cancelled,
            events.VoucherDisputed: self._disputed,
            events.EvidenceAttached: self._attached,
            events.PieceSplit: self._split,
            events.PieceTransferred: self._transferred,
        }

    def _issued(self, event: events.VoucherIssued, place: Place) -> None:
        batch = self._at_hand.batch
        owed, amount_minor = Owed.unpack(event.particulars), event.amount_minor
        voucher = Voucher(
            batch.deal, event.voucher_id, event.invoice_hash, owed.core, owed.supplier,
            amount_minor, amount_minor, 0, owed.issue_date, owed.due_date, owed.delivery_date,
            owed.term_reason, batch.version, VoucherState.ISSUED, 0, 0, batch.submitter, *place,
        )  # fmt: skip
        self._register.add_voucher(voucher)
        self._register.step(
            batch, StepKind.ISSUE, event.voucher_id, None, place,
            StepSaid(date=owed.issue_date, amount_minor=amount_minor, document=event.invoice_hash),
        )  # fmt: skip

    def _confirmed(self, event: events.VoucherConfirmed, place: Place) -> None:
        batch = self._at_hand.batch
        deal, own, amount_minor = batch.deal, event.voucher_id, event.amount_minor
        self._register.voucher(deal, own).state = VoucherState.CONFIRMED
        self._register.add_piece(
            deal, own, own, None, amount_minor, event.supplier, event.date, place
        )
        self._register.step(
            batch, StepKind.CONFIRMATION, own, own, place,
            StepSaid(
                date=event.date, amount_minor=amount_minor, entry_id=own,
                from_holder=event.core, to_holder=event.supplier,
            ),
        )  # fmt: skip
        post, origin = self._balances.post, batch.origin(event.date, DayKind.CONFIRMATION)
        self._at_hand.count(origin, amount_minor)
        post(origin, event.core, Account.VOUCHERS_OWED, -amount_minor)
        post(origin, event.supplier, Account.VOUCHERS_HELD, amount_minor)

    def _cancelled(self, event: events.VoucherCancelled, place: Place) -> None:
        batch = self._at_hand.batch
        voucher = self._register.voucher(batch.deal, event.voucher_id)
        voucher.state = VoucherState.CANCELLED
        voucher.outstanding_minor = 0
        self._register.step(batch, StepKind.CANCELLATION, event.voucher_id, None, place, StepSaid())

    def _disputed(self, event: events.VoucherDisputed, place: Place) -> None:
        batch = self._at_hand.batch
        voucher = self._register.voucher(batch.deal, event.voucher_id)
        more = event.disputed & ~voucher.disputes
        kind = StepKind.DISPUTE if more else StepKind.DISPUTE_LIFTED
        voucher.disputes = event.disputed
        self._register.step(batch, kind, event.voucher_id, None, place, StepSaid())

    def _attached(self, event: events.EvidenceAttached, place: Place) -> None:
        batch = self._at_hand.batch
        self._register.voucher(batch.deal, event.voucher_id).evidence |= event.kind
        self._register.step(
            batch, StepKind.EVIDENCE, event.voucher_id, None, place,
            StepSaid(document=event.document_hash, evidence=event.kind),
        )  # fmt: skip

    def _split(self, event: events.PieceSplit, place: Place) -> None:
        batch = self._at_hand.batch
        piece = self._register.next(batch, event.piece_id, event.date)
        piece.amount_minor -= event.amount_minor
        self._register.add_piece(
            batch.deal, event.child_id, piece.voucher_id, event.piece_id, event.amount_minor,
            piece.holder, event.date, place,
        )  # fmt: skip
        self._register.take(
            batch, StepKind.SPLIT, piece, place,
            StepSaid(
                date=event.date, amount_minor=event.amount_minor, from_holder=piece.holder,
                to_holder=piece.holder, child_id=event.child_id,
            ),
        )  # fmt: skip

    def _transferred(self, event: events.PieceTransferred, place: Place) -> None:
        batch = self._at_hand.batch
        piece = self._register.next(batch, event.piece_id, event.date)
        piece.holder = event.to_holder
        self._register.take(
            batch, StepKind.TRANSFER, piece, place,
            StepSaid(
                date=event.date, amount_minor=event.amount_minor, entry_id=event.entry_id,
                from_holder=event.from_holder, to_holder=event.to_holder,
                document=event.invoice_hash,
            ),
        )  # fmt: skip
        post, origin = self._balances.post, batch.origin(event.date, DayKind.TRANSFER)
        self._at_hand.count(origin, event.amount_minor)
        post(origin, event.from_holder, Account.VOUCHERS_HELD, -event.amount_minor)
        post(origin, event.to_holder, Account.VOUCHERS_HELD, event.amount_minor)
