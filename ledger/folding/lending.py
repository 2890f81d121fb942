"""Lending: entries on loans while their borrowers pay them, or ought to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ledger import events
from ledger.entries import Kind
from ledger.events import WORD_64, Amounts, Event, Place, fields_of
from ledger.folding.at_hand import AtHand, Batch, Origin
from ledger.folding.balances import Balances
from ledger.records import DayKind, Loan
from ledger.waterfall import Account

_FIRST_LEGS = 4
_FEE = 192
_REVERSED_KINDS = {1: Kind.BOOKING, 2: Kind.REPAYMENT, 3: Kind.WAIVER, 4: Kind.WRITE_OFF}


class Lending:
    """Folds the events of Loans."""

    def __init__(self, at_hand: AtHand, balances: Balances) -> None:
        self._at_hand = at_hand
        self._balances = balances
        self._mirrored = Kind.BOOKING
        self.appliers: Mapping[type[Event], Callable[[Any, Place], None]] = {
            events.EntriesSubmitted: self._submitted,
            events.LoanBooked: self._booked,
            events.LoanFeeCharged: self._charged,
            events.LoanRepaid: self._repaid,
            events.FurtherLegs: self._further,
            events.LoanMarkedOverdue: self._marked,
            events.LoanWaived: self._waived,
            events.LoanWrittenOff: self._written_off,
            events.EntryReversed: self._reversed,
        }

    def _submitted(self, event: events.EntriesSubmitted, place: Place) -> None:
        self._at_hand.open_batch(*event)

    def _booked(self, event: events.LoanBooked, place: Place) -> None:
        batch = self._at_hand.batch
        parts = fields_of(event.parts)[: len(batch.terms.shares_ppm)]
        principal_minor = sum(parts)
        self._at_hand.add_loan(
            Loan(
                batch.deal, event.loan_id, event.borrower_id, batch.version, event.particulars,
                principal_minor, principal_minor, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            )
        )  # fmt: skip
        start = event.particulars & 0xFFFF
        self._at_hand.add_entry(
            batch, event.loan_id, event.loan_id, Kind.BOOKING, start, parts, place
        )
        origin = batch.origin(start, DayKind.BOOKING)
        self._balances.post_legs(batch, origin, parts, batch.terms.disbursed_by, -1)

    def _charged(self, event: events.LoanFeeCharged, place: Place) -> None:
        """What the funders pay for the loan booked just before."""
        batch = self._at_hand.batch
        assert self._at_hand.last_entry() == (event.loan_id, event.loan_id, Kind.BOOKING)
        parts = fields_of(event.parts)[: len(batch.terms.shares_ppm)]
        self._at_hand.extend_last([part << _FEE for part in parts])
        self._charge(batch, batch.origin(self._at_hand.last_day(), DayKind.BOOKING), parts, 1)

    def _repaid(self, event: events.LoanRepaid, place: Place) -> None:
        batch = self._at_hand.batch
        loan = self._at_hand.loan(batch.deal, event.loan_id)
        loan.sequence += 1
        total = self._at_hand.add_entry(
            batch, event.entry_id, event.loan_id, Kind.REPAYMENT, event.date, event.legs, place
        )
        loan.outstanding_minor -= total.principal_minor
        origin = batch.origin(event.date, DayKind.REPAYMENT)
        self._balances.post_legs(batch, origin, event.legs, batch.terms.collected_by, 1)

    def _further(self, event: events.FurtherLegs, place: Place) -> None:
        """The rest of the entry before it: a repayment or a reversal."""
        batch = self._at_hand.batch
        entry_id, loan_id, kind = self._at_hand.last_entry()
        assert entry_id == event.entry_id, "FurtherLegs follows its entry"
        self._at_hand.extend_last(event.legs, _FIRST_LEGS)
        day = self._at_hand.last_day()
        loan = self._at_hand.loan(batch.deal, loan_id)
        if kind == Kind.REVERSAL:
            origin = batch.origin(day, -DayKind[self._mirrored.name])
            self._mirror(batch, origin, loan, event.legs, _FIRST_LEGS)
            return
        loan.outstanding_minor -= sum(event.legs) & WORD_64
        collector = batch.terms.collected_by
        origin = batch.origin(day, DayKind.REPAYMENT)
        self._balances.post_legs(batch, origin, event.legs, collector, 1, _FIRST_LEGS)

    def _marked(self, event: events.LoanMarkedOverdue, place: Place) -> None:
        batch = self._at_hand.batch
        loan = self._at_hand.loan(batch.deal, event.loan_id)
        kind = Kind.OVERDUE if event.since_date else Kind.CURE
        day = event.since_date or loan.since_date
        loan.sequence += 1
        loan.since_date = event.since_date
        self._at_hand.add_entry(batch, event.entry_id, event.loan_id, kind, day, (), place)

    def _waived(self, event: events.LoanWaived, place: Place) -> None:
        batch = self._at_hand.batch
        loan = self._at_hand.loan(batch.deal, event.loan_id)
        amounts = Amounts.unpack(event.amounts)
        loan.sequence += 1
        loan.waived_interest_minor += amounts.interest_minor
        loan.waived_penalty_minor += amounts.penalty_minor
        self._at_hand.add_entry(
            batch, event.entry_id, event.loan_id, Kind.WAIVER, event.date, (), place, amounts
        )

    def _written_off(self, event: events.LoanWrittenOff, place: Place) -> None:
        batch = self._at_hand.batch
        loan = self._at_hand.loan(batch.deal, event.loan_id)
        parts = fields_of(event.parts)[: len(batch.terms.shares_ppm)]
        loan.sequence += 1
        loan.outstanding_minor -= sum(parts)
        loan.lost_minor += sum(parts)
        loan.written_off = 1
        self._at_hand.add_entry(
            batch, event.entry_id, event.loan_id, Kind.WRITE_OFF, event.date, parts, place
        )
        origin = batch.origin(event.date, DayKind.WRITE_OFF)
        self._balances.post_legs(batch, origin, parts, None, 1)

    def _reversed(self, event: events.EntryReversed, place: Place) -> None:
        batch = self._at_hand.batch
        loan = self._at_hand.loan(batch.deal, event.loan_id)
        loan.sequence += 1
        kind = self._mirrored = _REVERSED_KINDS[event.reversed_kind]
        waived = Amounts.unpack(event.amounts) if kind is Kind.WAIVER else None
        if kind is Kind.BOOKING:
            loan.reversed = 1
        elif kind is Kind.WRITE_OFF:
            loan.written_off = 0
        elif waived:
            loan.waived_interest_minor -= waived.interest_minor
            loan.waived_penalty_minor -= waived.penalty_minor
        origin = batch.origin(event.date, -DayKind[kind.name])
        self._mirror(batch, origin, loan, event.legs)
        self._at_hand.add_entry(
            batch, event.entry_id, event.loan_id, Kind.REVERSAL, event.date, event.legs, place,
            waived, event.reversed_id, kind,
        )  # fmt: skip
        booking = kind is Kind.BOOKING
        self._at_hand.mark_reversed(
            batch.deal, event.loan_id, event.reversed_id, place, booking=booking
        )

    # ---- shared

    def _mirror(
        self, batch: Batch, origin: Origin, loan: Loan, legs: Sequence[int], first: int = 0
    ) -> None:
        """Take back legs of a kind of entry; `first`: index of legs[0] among the parties."""
        post, terms = self._balances.post_legs, batch.terms
        principal_minor = sum(leg & WORD_64 for leg in legs)
        if self._mirrored is Kind.BOOKING:
            loan.outstanding_minor -= principal_minor
            principal = [leg & WORD_64 for leg in legs]
            post(batch, origin, principal, terms.disbursed_by, 1, first)
            self._charge(batch, origin, [leg >> _FEE for leg in legs], -1, first)
        elif self._mirrored is Kind.WRITE_OFF:
            loan.outstanding_minor += principal_minor
            loan.lost_minor -= principal_minor
            post(batch, origin, legs, None, -1, first)
        elif self._mirrored is Kind.REPAYMENT:
            loan.outstanding_minor += principal_minor
            post(batch, origin, legs, terms.collected_by, -1, first)

    def _charge(
        self, batch: Batch, origin: Origin, parts: Sequence[int], sign: int, first: int = 0
    ) -> None:
        """The funders from `first` on pay the fee's payee for a loan booked."""
        terms = batch.terms
        if not any(parts):
            return
        for party, part in zip(terms.parties[first:], parts, strict=False):
            self._balances.move(origin, party, Account.FEES, Account.CLEARING, sign * part)
        payee = terms.parties[terms.fees.to]
        charged = sign * sum(parts)
        self._balances.move(origin, payee, Account.CLEARING, Account.FEES, charged)
