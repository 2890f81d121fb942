"""Financing: pieces of vouchers discounted, pledged, paid, sold and taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ledger import events
from ledger.events import Event, Place, fields_of
from ledger.folding.at_hand import AtHand, Batch, Origin
from ledger.folding.balances import Balances
from ledger.folding.register import Register, StepSaid, hold
from ledger.records import DayKind
from ledger.voucher_records import Piece, PieceState, StepKind
from ledger.waterfall import Account

_PLEDGE = 2


class Financing:
    """Folds the events of Financing and Payments."""

    def __init__(self, at_hand: AtHand, register: Register, balances: Balances) -> None:
        self._connection = at_hand.connection
        self._at_hand = at_hand
        self._register = register
        self._balances = balances
        self.appliers: Mapping[type[Event], Callable[[Any, Place], None]] = {
            events.PieceOffered: self._offered,
            events.OfferWithdrawn: self._withdrawn,
            events.PieceDiscounted: self._discounted,
            events.PiecePledged: self._pledged,
            events.PieceReleased: self._released,
            events.PaymentInstructed: self._instructed,
            events.PiecePaid: self._paid,
            events.PiecePaymentReversed: self._payment_reversed,
            events.SaleOffered: self._sale_offered,
            events.SaleAccepted: self._sale_accepted,
            events.PieceSold: self._sold,
            events.PieceReturned: self._returned,
            events.PieceConverted: self._converted,
            events.CoreLimitSet: self._limit_set,
        }

    def _offered(self, event: events.PieceOffered, place: Place) -> None:
        batch = self._at_hand.batch
        piece = self._register.next(batch, event.piece_id, event.date)
        piece.state = PieceState.OFFERED
        piece.rate_ppm = event.rate_ppm
        piece.loan_id = event.loan_id if event.form == _PLEDGE else None
        self._register.take(
            batch, StepKind.OFFER, piece, place,
            StepSaid(
                date=event.date, amount_minor=piece.amount_minor, from_holder=piece.holder,
                rate_ppm=event.rate_ppm, loan_id=piece.loan_id,
            ),
        )  # fmt: skip

    def _withdrawn(self, event: events.OfferWithdrawn, place: Place) -> None:
        batch = self._at_hand.batch
        piece = self._register.next(batch, event.piece_id, event.date)
        # What the funders own goes back to them when it is not sold.
        if piece.financed_by:
            piece.holder, piece.state = piece.financed_by, PieceState.DISCOUNTED
            piece.buyer, piece.price_minor = 0, 0
        else:
            hold(piece, piece.holder)
        self._register.take(
            batch, StepKind.WITHDRAWAL, piece, place,
            StepSaid(date=event.date, amount_minor=piece.amount_minor, from_holder=piece.holder),
        )  # fmt: skip

    def _discounted(self, event: events.PieceDiscounted, place: Place) -> None:
        batch = self._at_hand.batch
        deal, terms, amount_minor = batch.deal, batch.terms, event.amount_minor
        piece = self._register.next(batch, event.piece_id, event.date)
        piece.state, piece.version = PieceState.DISCOUNTED, batch.version
        piece.financed_by = piece.holder
        parts = fields_of(event.parts)[: len(terms.shares_ppm)]
        income = fields_of(event.income)[: len(terms.parties)]
        self._register.take(
            batch, StepKind.DISCOUNT, piece, place,
            StepSaid(
                date=event.date, amount_minor=amount_minor, entry_id=event.entry_id,
                from_holder=piece.holder, discount_minor=event.discount_minor,
                core_cost_minor=event.core_cost_minor, rate_ppm=piece.rate_ppm,
                parts=parts, income=income,
            ),
        )  # fmt: skip
        origin = batch.origin(event.date, DayKind.TRANSFER)
        move, post = self._balances.move, self._balances.post
        self._at_hand.count(origin, amount_minor)
        cost_minor = event.discount_minor - event.core_cost_minor
        cash_minor = amount_minor - cost_minor
        core = self._register.voucher(deal, piece.voucher_id).core
        post(origin, piece.holder, Account.VOUCHERS_HELD, -amount_minor)
        post(origin, piece.holder, Account.DISCOUNT, cost_minor)
        post(origin, piece.holder, Account.CASH, cash_minor)
        move(origin, core, Account.DISCOUNT, Account.CLEARING, event.core_cost_minor)
        disburser = terms.parties[terms.disbursed_by]
        move(origin, disburser, Account.CLEARING, Account.CASH, cash_minor)
        for party, part in zip(terms.parties, parts, strict=False):
            move(origin, party, Account.VOUCHERS_HELD, Account.CLEARING, part)
        for party, own in zip(terms.parties, income, strict=False):
            move(origin, party, Account.CLEARING, Account.DISCOUNT, own)

    def _pledged(self, event: events.PiecePledged, place: Place) -> None:
        batch = self._at_hand.batch
        piece = self._register.next(batch, event.piece_id, event.date)
        piece.state, piece.version = PieceState.PLEDGED, batch.version
        piece.loan_id = event.loan_id
        self._register.take(
            batch, StepKind.PLEDGE, piece, place,
            StepSaid(
                date=event.date, amount_minor=piece.amount_minor, from_holder=piece.holder,
                price_minor=event.principal_minor, loan_id=event.loan_id,
            ),
        )  # fmt: skip

    def _released(self, event: events.PieceReleased, place: Place) -> None:
        batch = self._at_hand.batch
        piece = self._register.next(batch, event.piece_id, event.date)
        hold(piece, piece.holder)
        self._register.take(
            batch, StepKind.RELEASE, piece, place,
            StepSaid(
                date=event.date, amount_minor=piece.amount_minor, to_holder=piece.holder,
                loan_id=event.loan_id,
            ),
        )  # fmt: skip

    # ---- payment

    def _instructed(self, event: events.PaymentInstructed, place: Place) -> None:
        batch = self._at_hand.batch
        voucher = self._register.voucher(batch.deal, event.voucher_id)
        voucher.instructed_minor += event.amount_minor
        self._register.step(
            batch, StepKind.INSTRUCTION, event.voucher_id, None, place,
            StepSaid(
                date=event.date, amount_minor=event.amount_minor, from_holder=voucher.core,
                document=event.reference_id,
            ),
        )  # fmt: skip

    def _paid(self, event: events.PiecePaid, place: Place) -> None:
        self._pay(event, StepKind.PAYMENT, 1, place)

    def _payment_reversed(self, event: events.PiecePaymentReversed, place: Place) -> None:
        deal = self._pay(event, StepKind.PAYMENT_REVERSED, -1, place, event.reversed_id)
        self._register.mark_reversed(deal, event.reversed_id, place)

    def _pay(
        self,
        event: events.PiecePaid | events.PiecePaymentReversed,
        kind: StepKind,
        sign: int,
        place: Place,
        reversed_id: bytes | None = None,
    ) -> int:
        """A piece is paid (sign 1), or what was paid on it goes back (sign -1); the deal."""
        batch, minor = self._at_hand.batch, sign * event.amount_minor
        deal, origin = batch.deal, batch.origin(event.date, sign * DayKind.VOUCHER_PAYMENT)
        piece = self._register.next(batch, event.piece_id, event.date)
        piece.amount_minor -= minor
        piece.paid_minor += minor
        voucher = self._register.voucher(deal, piece.voucher_id)
        voucher.outstanding_minor -= minor
        voucher.instructed_minor -= minor
        parts = fields_of(event.parts)
        owned = piece.state is PieceState.DISCOUNTED
        self._register.take(
            batch, kind, piece, place,
            StepSaid(
                date=event.date, amount_minor=event.amount_minor, entry_id=event.entry_id,
                from_holder=voucher.core, to_holder=0 if owned else piece.holder,
                parts=parts, reversed_id=reversed_id,
            ),
        )  # fmt: skip
        self._at_hand.count(origin, event.amount_minor)
        move = self._balances.move
        move(origin, voucher.core, Account.VOUCHERS_OWED, Account.CASH, minor)
        if owned:
            self._to_funders(batch, origin, batch.terms.collected_by, parts, minor)
        else:
            move(origin, piece.holder, Account.CASH, Account.VOUCHERS_HELD, minor)
        return deal

    def _to_funders(
        self, batch: Batch, origin: Origin, holder: int, parts: Sequence[int], minor: int
    ) -> None:
        """The funders get their parts of a piece in money, or give them back (below 0).

        `holder`: the party through which it passes. Parties are the same in every version (D6).
        """
        move, parties = self._balances.move, batch.terms.parties
        move(origin, parties[holder], Account.CASH, Account.CLEARING, minor)
        sign = -1 if minor < 0 else 1
        for party, part in zip(parties, parts, strict=False):
            move(origin, party, Account.CLEARING, Account.VOUCHERS_HELD, sign * part)

    # ---- from bank to bank

    def _sale_offered(self, event: events.SaleOffered, place: Place) -> None:
        batch = self._at_hand.batch
        piece = self._register.next(batch, event.piece_id, event.date)
        piece.holder, piece.state = batch.submitter, PieceState.ON_SALE
        piece.buyer, piece.price_minor = event.buyer, event.price_minor
        self._on_sale(batch, StepKind.SALE_OFFER, piece, event.date, place)

    def _sale_accepted(self, event: events.SaleAccepted, place: Place) -> None:
        batch = self._at_hand.batch
        piece = self._register.next(batch, event.piece_id, event.date)
        piece.state = PieceState.SALE_ACCEPTED
        self._on_sale(batch, StepKind.SALE_ACCEPTANCE, piece, event.date, place)

    def _on_sale(self, batch: Batch, kind: StepKind, piece: Piece, date: int, place: Place) -> None:
        self._register.take(
            batch, kind, piece, place,
            StepSaid(
                date=date, amount_minor=piece.amount_minor, from_holder=piece.holder,
                to_holder=piece.buyer, price_minor=piece.price_minor,
            ),
        )  # fmt: skip

    def _sold(self, event: events.PieceSold, place: Place) -> None:
        batch = self._at_hand.batch
        origin = batch.origin(event.date, DayKind.TRANSFER)
        piece = self._register.next(batch, event.piece_id, event.date)
        hold(piece, event.buyer)
        self._register.take(
            batch, StepKind.SALE, piece, place,
            StepSaid(
                date=event.date, amount_minor=event.amount_minor, entry_id=event.entry_id,
                from_holder=event.seller, to_holder=event.buyer, price_minor=event.price_minor,
            ),
        )  # fmt: skip
        self._at_hand.count(origin, event.amount_minor)
        for party, sign in ((event.seller, -1), (event.buyer, 1)):
            post, price_minor = self._balances.post, sign * event.price_minor
            held_minor = sign * event.amount_minor
            post(origin, party, Account.VOUCHERS_HELD, held_minor)
            post(origin, party, Account.CASH, -price_minor)
            post(origin, party, Account.DISCOUNT, price_minor - held_minor)

    # ---- not paid when due

    def _returned(self, event: events.PieceReturned, place: Place) -> None:
        batch = self._at_hand.batch
        origin, minor = batch.origin(event.date, DayKind.TRANSFER), event.amount_minor
        piece = self._register.next(batch, event.piece_id, event.date)
        parts = fields_of(event.parts)
        hold(piece, piece.holder)
        self._register.take(
            batch, StepKind.RECOURSE, piece, place,
            StepSaid(
                date=event.date, amount_minor=minor, entry_id=event.entry_id,
                to_holder=piece.holder, parts=parts,
            ),
        )  # fmt: skip
        self._at_hand.count(origin, minor)
        self._balances.move(origin, piece.holder, Account.VOUCHERS_HELD, Account.CASH, minor)
        self._to_funders(batch, origin, batch.terms.collected_by, parts, minor)

    def _converted(self, event: events.PieceConverted, place: Place) -> None:
        batch = self._at_hand.batch
        origin, minor = batch.origin(event.date, DayKind.VOUCHER_PAYMENT), event.amount_minor
        piece = self._register.next(batch, event.piece_id, event.date)
        voucher = self._register.voucher(batch.deal, piece.voucher_id)
        parts = fields_of(event.parts)
        piece.amount_minor -= minor
        piece.loan_id = event.loan_id
        voucher.outstanding_minor -= minor
        self._register.take(
            batch, StepKind.CONVERSION, piece, place,
            StepSaid(
                date=event.date, amount_minor=minor, entry_id=event.entry_id,
                from_holder=voucher.core, parts=parts, loan_id=event.loan_id,
            ),
        )  # fmt: skip
        self._at_hand.count(origin, minor)
        self._balances.move(origin, voucher.core, Account.VOUCHERS_OWED, Account.CASH, minor)
        self._to_funders(batch, origin, batch.terms.disbursed_by, parts, minor)

    def _limit_set(self, event: events.CoreLimitSet, place: Place) -> None:
        self._connection.execute(
            "INSERT INTO core_limits VALUES (?, ?, ?, ?, ?, ?)",
            (event.bank, event.core, str(event.max_minor), *place),
        )
