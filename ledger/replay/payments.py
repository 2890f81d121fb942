"""Payments: what core enterprises instruct, and how what came in goes to all who hold pieces."""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger import events
from ledger.bindings import CLAIM_REPAYMENT, RECOVERY, REPAYMENT
from ledger.events import Place
from ledger.money import apportion
from ledger.replay.calls import Call
from ledger.replay.financing import Financing
from ledger.replay.keys import Checks
from ledger.replay.lent import Lent, Loan, Standing
from ledger.replay.pieces import CONFIRMED, DISCOUNTED, PLEDGED, Paid, Piece, Register, Voucher
from ledger.replay.vouchers import collector_of
from ledger.waterfall import Account


@dataclass(slots=True)
class _Payment:
    """A payment on a voucher, on its way to the pieces: rows that stand together."""

    voucher: Voucher
    place: Place
    """Of its first row."""
    outstanding_minor: int
    """Before it."""
    live: set[bytes]
    """The pieces that it goes to."""
    weights: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    named: list[bytes] = field(default_factory=list)
    entry_id: bytes = b""


class Payments:
    """Follows instructions and payments: R1, R5, R6."""

    def __init__(self, register: Register, lent: Lent, financing: Financing) -> None:
        self._register = register
        self._lent = lent
        self._financing = financing
        self._payment: _Payment | None = None
        self.repayments: dict[bytes, tuple[Standing | None, bool]] = {}
        """Payment of a pledged piece to the latest entry of its loan then, and whether nothing was
        owed on the loan; of the last transaction."""
        self._at = 0, 0
        self.checks: Checks = {
            events.PaymentInstructed: self._instructed,
            events.PiecePaid: self._paid,
            events.PiecePaymentReversed: self._reversed,
        }

    def finish(self) -> None:
        """Check the last payment."""
        self._close()

    def follow(self, event: object) -> None:
        """Whatever comes after a payment's last row closes it."""
        if self._payment is not None and not isinstance(event, events.PiecePaid):
            self._close()

    # ---- instructions

    def _instructed(self, event: events.PaymentInstructed, place: Place) -> None:
        register, about = self._register, event.voucher_id
        voucher = register.voucher(event.voucher_id, place)
        if voucher is None:
            return
        register.require_by("a payment instructed", (voucher.owed.core,), place, about)
        confirmed = voucher.state == CONFIRMED
        register.require("steps", place, confirmed, "a confirmed voucher", "another", about)
        voucher.instructed_minor += event.amount_minor
        most, found = voucher.outstanding_minor, voucher.instructed_minor
        holds = 0 < event.amount_minor and found <= most
        register.require("R5", place, holds, f"at most {most} instructed", found, about)

    # ---- payments

    def _paid(self, event: events.PiecePaid, place: Place) -> None:
        register, about = self._register, event.entry_id
        piece = register.piece(event.piece_id, event.date, place)
        if piece is None:
            return
        register.take_id(event.entry_id, place)
        terms = register.terms
        register.require_by("a payment", (collector_of(terms),), place, about)
        self._gather(event, piece, place)
        left = piece.amount_minor - event.amount_minor
        register.require("R5", place, left >= 0, f"at most {piece.amount_minor}", left, about)
        repayment = b""
        if piece.state == PLEDGED:
            repayment = self._check_repaid(event, piece, place)
        parts: list[tuple[int, int]] = []
        if piece.state == DISCOUNTED:
            parts = self._financing.parts(piece, event.amount_minor)
        self._financing.expect_parts(parts, event.parts, place, about)
        self._move(piece, event.amount_minor, parts, 1)
        piece.paid = Paid(event, repayment)

    def _gather(self, event: events.PiecePaid, piece: Piece, place: Place) -> None:
        voucher, payment = piece.voucher, self._payment
        if place[:2] != self._at:
            self._at = place[:2]
            self.repayments.clear()
        if payment is None or payment.voucher is not voucher or payment.place[:2] != place[:2]:
            self._close()
            live = {one.piece_id for one in self._register.live(voucher)}
            payment = _Payment(voucher, place, voucher.outstanding_minor, live)
            self._payment = payment
        payment.named.append(event.piece_id)
        payment.weights.append(piece.amount_minor)
        payment.parts.append(event.amount_minor)
        payment.entry_id = payment.entry_id or event.entry_id

    def _close(self) -> None:
        """R5: a payment goes to all live pieces by M2, and never above what was instructed."""
        payment, self._payment = self._payment, None
        if payment is None:
            return
        register, place, about = self._register, payment.place, payment.entry_id
        voucher = payment.voucher
        named, live = sorted(payment.named), sorted(payment.live)
        register.require("R5", place, named == live, f"paid to all of {len(live)}", named, about)
        total = sum(payment.parts)
        if min(payment.weights) > 0:
            expected = apportion(total, payment.weights)
            register.expect("R5", place, expected, payment.parts, f"{total} divided as", about)
        left = voucher.instructed_minor
        register.require("R5", place, left >= 0, "no more than instructed", left, about)
        register.require_whole(voucher, place, about)

    def _move(self, piece: Piece, amount: int, parts: list[tuple[int, int]], sign: int) -> None:
        """A payment (sign 1) or its mirror on voucher, piece and accounts."""
        voucher, core = piece.voucher, piece.voucher.owed.core
        piece.amount_minor -= sign * amount
        voucher.outstanding_minor -= sign * amount
        voucher.instructed_minor -= sign * amount
        postings = [(core, Account.CASH, -amount), (core, Account.VOUCHERS_OWED, amount)]
        if piece.state == DISCOUNTED:
            collector = collector_of(self._register.terms)
            postings += ((collector, Account.CASH, amount), (collector, Account.CLEARING, -amount))
            postings += self._financing.of_funders(parts)
        else:
            postings.append((piece.holder, Account.VOUCHERS_HELD, -amount))
            postings.append((piece.holder, Account.CASH, amount))
        self._register.post((one, account, sign * moved) for one, account, moved in postings)
        self._register.carry(piece)

    # ---- R6

    def _check_repaid(self, event: events.PiecePaid, piece: Piece, place: Place) -> bytes:
        """What comes in on a pledged piece repays its loan first; the id of what does, if any."""
        loan = self._lent.loan(piece.voucher.deal_id, piece.loan_id)
        last = loan.standing[-1] if loan is not None and loan.standing else None
        settled = loan is not None and not loan.is_open and not loan.unpaid_interest(event.date)
        repaid = loan is not None and self._is_repaid_by(loan, last, event)
        amount, day = event.amount_minor, event.date
        expected = f"a repayment of its loan on day {day}, of {amount} or of all that is owed"
        found = "-"
        if loan is not None and last is not None:
            found = f"{sum(last.amounts)} on day {last.date}, {loan.outstanding_minor} left"
        holds = settled or repaid or not amount
        self._register.require("R6", place, holds, expected, found, event.entry_id)
        self.repayments[event.entry_id] = last, settled
        if loan is None or last is None or not repaid:
            return b""
        if not settled:
            loan.used.add(last.entry_id)
        return last.entry_id

    def _is_repaid_by(self, loan: Loan, last: Standing | None, event: events.PiecePaid) -> bool:
        """Whether the latest entry of a loan brought it all that was paid on the piece."""
        if last is None or last.date != event.date or last.entry_id in loan.used:
            return False
        if loan.is_claimed:
            # What its owners get of a recovery is worked out with the claims.
            return last.kind in (RECOVERY, CLAIM_REPAYMENT)
        return last.kind == REPAYMENT and sum(last.amounts) == event.amount_minor

    def check_rows(self, made: Call, place: Place) -> None:
        """R6: what signed rows name is the latest entry of the loan, or nothing is owed on it."""
        for row in made.rows:
            entry_id = row[0].to_bytes(32, "big")
            if entry_id not in self.repayments:
                continue
            last, settled = self.repayments[entry_id]
            if row[5]:
                named = row[5].to_bytes(32, "big")
                latest = last.entry_id if last else b""
                self._register.expect("R6", place, latest, named, "repayment", entry_id)
            elif row[4]:
                expected = "a repayment, or a loan on which nothing is owed"
                self._register.require("R6", place, settled, expected, "-", entry_id)

    # ---- and back

    def _reversed(self, event: events.PiecePaymentReversed, place: Place) -> None:
        register, about = self._register, event.entry_id
        own = register.pieces.get((register.batch.deal_id, event.piece_id))
        before = own.paid if own is not None else None
        piece = register.piece(event.piece_id, event.date, place, spent=True)
        if piece is None:
            return
        register.take_id(event.entry_id, place)
        register.require_by("a payment reversed", (collector_of(register.terms),), place, about)
        paid = before.event if before else None
        latest = paid and (paid.entry_id, paid.date, paid.amount_minor, tuple(paid.parts))
        told = event.reversed_id, event.reversed_date, event.amount_minor, tuple(event.parts)
        register.expect("R5", place, latest, told, "the latest step taken back, a payment", about)
        parts: list[tuple[int, int]] = []
        if piece.state == DISCOUNTED:
            piece.amount_minor += event.amount_minor
            parts = self._financing.parts(piece, event.amount_minor)
            piece.amount_minor -= event.amount_minor
        self._financing.expect_parts(parts, event.parts, place, about)
        self._move(piece, event.amount_minor, parts, -1)
        if before is not None:
            loan = self._lent.loan(piece.voucher.deal_id, piece.loan_id)
            if loan is not None:
                loan.used.discard(before.repayment_id)
        register.require_whole(piece.voucher, place, about)
