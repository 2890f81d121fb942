"""Guarantees: the deposit, what loss layers pay for loans, and what comes back to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ledger import events
from ledger.entries import Kind
from ledger.events import Amounts, Event, Place, fields_of
from ledger.folding.at_hand import AtHand, Batch, Origin
from ledger.folding.balances import Balances
from ledger.records import DayKind, DepositKind, Loan
from ledger.waterfall import Account

_RECOVERED_KINDS = {6: Kind.RECOVERY, 7: Kind.CLAIM_REPAYMENT}
_MIRRORED = {
    DepositKind.PAYMENT_REVERSED: DepositKind.PAID,
    DepositKind.DRAW_REVERSED: DepositKind.DRAWN,
}

_OF_THE_DEPOSIT = {
    DepositKind.PAID: DayKind.DEPOSIT_PAID,
    DepositKind.RELEASED: DayKind.DEPOSIT_RELEASED,
    DepositKind.PAYMENT_REVERSED: -DayKind.DEPOSIT_PAID,
}


class Guarantees:
    """Folds the events of Guarantees."""

    def __init__(self, at_hand: AtHand, balances: Balances) -> None:
        self._connection = at_hand.connection
        self._at_hand = at_hand
        self._balances = balances
        self.appliers: Mapping[type[Event], Callable[[Any, Place], None]] = {
            events.DepositPaid: self._paid,
            events.DepositReleased: self._released,
            events.DepositReversed: self._payment_reversed,
            events.TopUpCalled: self._top_up_called,
            events.LoanCompensated: self._compensated,
            events.CompensationReversed: self._compensation_reversed,
            events.LoanRecovered: self._recovered,
            events.RecoveryReversed: self._recovery_reversed,
        }

    # ---- the deposit

    def _paid(self, event: events.DepositPaid, place: Place) -> None:
        self._deposit(event, DepositKind.PAID, event.amount_minor, place)

    def _released(self, event: events.DepositReleased, place: Place) -> None:
        self._deposit(event, DepositKind.RELEASED, -event.amount_minor, place)

    def _payment_reversed(self, event: events.DepositReversed, place: Place) -> None:
        self._deposit(
            event, DepositKind.PAYMENT_REVERSED, -event.amount_minor, place, event.reversed_id
        )

    def _deposit(
        self,
        event: events.DepositPaid | events.DepositReleased | events.DepositReversed,
        kind: DepositKind,
        amount_minor: int,
        place: Place,
        reversed_id: bytes | None = None,
    ) -> None:
        deal = self._at_hand.deal(event.deal_id)
        terms = self._at_hand.deposit_terms(deal)
        depositor = terms.parties[terms.deposit.depositor]
        custodian = terms.parties[terms.deposit.custodian]
        move = self._balances.move
        origin = self._at_hand.origin(deal, event.date, _OF_THE_DEPOSIT[kind])
        self._at_hand.count(origin, abs(amount_minor))
        move(origin, depositor, Account.DEPOSIT_PLACED, Account.CASH, amount_minor)
        move(origin, custodian, Account.CASH, Account.DEPOSIT_HELD, amount_minor)
        self._line(
            deal, event.entry_id, kind, event.party, event.date, amount_minor, place, reversed_id
        )

    def _line(
        self,
        deal: int,
        entry_id: bytes,
        kind: DepositKind,
        party: int,
        date: int,
        amount_minor: int,
        place: Place,
        reversed_id: bytes | None = None,
    ) -> None:
        """Add a line to the deposit's ledger, and mark the one that it reverses."""
        query = "SELECT deposit_minor FROM deposit_lines WHERE deal = ? ORDER BY line DESC LIMIT 1"
        (before,) = self._connection.execute(query, (deal,)).fetchone() or (0,)
        if reversed_id is not None:
            self._connection.execute(
                "UPDATE deposit_lines SET reversed = 1"
                " WHERE entry_id = ? AND deal = ? AND kind = ?",
                (reversed_id, deal, _MIRRORED[kind].value),
            )
        day = self._at_hand.day_of(deal, date)
        who = deal, entry_id, kind.value, party, date, day, amount_minor, before + amount_minor
        self._connection.execute(
            "INSERT INTO deposit_lines VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (*who, *place, reversed_id),
        )

    def _top_up_called(self, event: events.TopUpCalled, place: Place) -> None:
        self._connection.execute(
            "INSERT INTO top_ups VALUES (?, ?, ?, ?, ?)",
            (self._at_hand.deal(event.deal_id), *event[1:], place.block),
        )

    # ---- compensation

    def _compensated(self, event: events.LoanCompensated, place: Place) -> None:
        loan = self._compensate(event, Kind.COMPENSATION, 1, place)
        loan.compensated = 1

    def _compensation_reversed(self, event: events.CompensationReversed, place: Place) -> None:
        loan = self._compensate(event, Kind.REVERSAL, -1, place, event.reversed_id)
        loan.compensated = 0
        self._at_hand.mark_reversed(loan.deal, loan.loan_id, event.reversed_id, place)

    def _compensate(
        self,
        event: events.LoanCompensated | events.CompensationReversed,
        kind: Kind,
        sign: int,
        place: Place,
        reversed_id: bytes | None = None,
    ) -> Loan:
        """What the layers pay reaches the funders (sign 1), or goes back (sign -1)."""
        batch = self._at_hand.batch
        deal, _, submitter, terms, _, _ = batch
        loan = self._at_hand.loan(deal, event.loan_id)
        funders = len(terms.shares_ppm)
        principal = fields_of(event.principal_parts)[:funders]
        interest = fields_of(event.interest_parts)[:funders]
        pays = fields_of(event.pays)[: len(terms.layers)]
        loan.sequence += 1
        loan.outstanding_minor -= sign * sum(principal)
        loan.claims_minor += sign * sum(pays)
        legs = [Amounts(p, i, 0, 0).pack() for p, i in zip(principal, interest, strict=True)]
        mirrored = Kind.COMPENSATION if kind is Kind.REVERSAL else None
        self._at_hand.add_entry(
            batch, event.entry_id, event.loan_id, kind, event.date, legs, place, None, reversed_id,
            mirrored,
        )  # fmt: skip
        self._keep_layer_parts(pays)
        for layer, pay in _above_zero(pays):
            self._claim(batch, loan, layer, sign * pay, sign * pay)
            self._use(deal, layer, sign * pay)
        origin = batch.origin(event.date, sign * DayKind.COMPENSATION)
        move = self._balances.move
        for party, p, i in zip(terms.parties, principal, interest, strict=False):
            move(origin, party, Account.CLEARING, Account.LOANS, sign * p)
            move(origin, party, Account.CLEARING, Account.INTEREST, sign * i)
        drawn_minor = self._pay(batch, origin, pays, sign)
        if drawn_minor:
            line = DepositKind.DRAWN if kind is Kind.COMPENSATION else DepositKind.DRAW_REVERSED
            self._line(
                deal, event.entry_id, line, submitter, event.date, -drawn_minor, place, reversed_id
            )
        return loan

    def _pay(self, batch: Batch, origin: Origin, pays: Iterable[int], sign: int) -> int:
        """Post what the layers pay; the part of it that comes out of the deposit."""
        terms = batch.terms
        drawn_minor = 0
        move = self._balances.move
        for index, pay in _above_zero(pays):
            layer = terms.layers[index]
            payer = terms.parties[layer.payer]
            if layer.from_deposit:
                custodian = terms.parties[terms.deposit.custodian]
                move(origin, payer, Account.CLAIMS, Account.DEPOSIT_PLACED, sign * pay)
                move(origin, custodian, Account.DEPOSIT_HELD, Account.CLEARING, sign * pay)
                drawn_minor += sign * pay
            else:
                move(origin, payer, Account.CLAIMS, Account.CLEARING, sign * pay)
        return drawn_minor

    # ---- recovery

    def _recovered(self, event: events.LoanRecovered, place: Place) -> None:
        self._recover(event, _RECOVERED_KINDS[event.kind], 1, place)

    def _recovery_reversed(self, event: events.RecoveryReversed, place: Place) -> None:
        loan = self._recover(event, Kind.REVERSAL, -1, place, event.reversed_id)
        self._at_hand.mark_reversed(loan.deal, loan.loan_id, event.reversed_id, place)

    def _recover(
        self,
        event: events.LoanRecovered | events.RecoveryReversed,
        kind: Kind,
        sign: int,
        place: Place,
        reversed_id: bytes | None = None,
    ) -> Loan:
        """What came in restores claims and residual (sign 1), or goes back (sign -1)."""
        batch = self._at_hand.batch
        deal, terms = batch.deal, batch.terms
        loan = self._at_hand.loan(deal, event.loan_id)
        funders = len(terms.shares_ppm)
        residual = fields_of(event.residual_parts)[:funders]
        surplus = fields_of(event.surplus_parts)[:funders]
        gets = fields_of(event.to_layers)[: len(terms.layers)]
        loan.sequence += 1
        loan.claims_minor -= sign * sum(gets)
        if event.written_off:
            loan.lost_minor -= sign * sum(residual)
        else:
            loan.outstanding_minor -= sign * sum(residual)
        legs = [Amounts(r, 0, s, 0).pack() for r, s in zip(residual, surplus, strict=True)]
        self._at_hand.add_entry(
            batch, event.entry_id, event.loan_id, kind, event.date, legs, place,
            Amounts.unpack(event.amounts), reversed_id,
            _RECOVERED_KINDS[event.kind] if kind is Kind.REVERSAL else None,
        )  # fmt: skip
        self._keep_layer_parts(gets)
        origin = batch.origin(event.date, sign * DayKind[_RECOVERED_KINDS[event.kind].name])
        move = self._balances.move
        for index, part in _above_zero(gets):
            layer = terms.layers[index]
            self._claim(batch, loan, index, 0, -sign * part)
            if layer.reinstates:
                self._use(deal, index, -sign * part)
            payer = terms.parties[layer.payer]
            move(origin, payer, Account.CLEARING, Account.CLAIMS, sign * part)
        account = Account.RECOVERIES if event.written_off else Account.LOANS
        for party, r, s in zip(terms.parties, residual, surplus, strict=False):
            move(origin, party, Account.CLEARING, account, sign * r)
            move(origin, party, Account.CLEARING, Account.PENALTY, sign * s)
        cash_minor = sum(gets) + sum(residual) + sum(surplus)
        collector = terms.parties[terms.collected_by]
        move(origin, collector, Account.CASH, Account.CLEARING, sign * cash_minor)
        return loan

    # ---- layers

    def _keep_layer_parts(self, parts: Iterable[int]) -> None:
        number = self._at_hand.last_number()
        self._connection.executemany(
            "INSERT INTO layer_parts VALUES (?, ?, ?)",
            [(number, layer, part) for layer, part in _above_zero(parts)],
        )

    def _claim(self, batch: Batch, loan: Loan, layer: int, paid: int, opened: int) -> None:
        self._connection.execute(
            "INSERT INTO claims VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " paid_minor = paid_minor + excluded.paid_minor,"
            " open_minor = open_minor + excluded.open_minor",
            (batch.deal, loan.loan_id, layer, paid, opened),
        )

    def _use(self, deal: int, layer: int, amount_minor: int) -> None:
        self._connection.execute(
            "INSERT INTO layer_use VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
            " SET used_minor = used_minor + excluded.used_minor",
            (deal, layer, amount_minor),
        )


def _above_zero(parts: Iterable[int]) -> list[tuple[int, int]]:
    return [(layer, part) for layer, part in enumerate(parts) if part]
