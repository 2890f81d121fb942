"""Settlements: who pays whom, and what of it was paid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ledger import events
from ledger.events import Event, Place
from ledger.folding.at_hand import AtHand
from ledger.folding.balances import Balances
from ledger.records import DayKind, PaymentKind
from ledger.waterfall import Account


class Settlements:
    """Folds the events by which CLEARING is brought to zero in cash."""

    def __init__(self, at_hand: AtHand, balances: Balances) -> None:
        self._connection = at_hand.connection
        self._at_hand = at_hand
        self._balances = balances
        self.appliers: Mapping[type[Event], Callable[[Any, Place], None]] = {
            events.SettlementMade: self._made,
            events.SettlementPaid: self._paid,
            events.PaymentReversed: self._reversed,
        }

    def _made(self, event: events.SettlementMade, place: Place) -> None:
        deal = self._at_hand.deal(event.deal_id)
        self._at_hand.settle(deal, event.number)
        of_sealed_day = self._at_hand.day_of(deal, 0) > event.day
        self._connection.execute(
            "INSERT INTO settlements VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (deal, event.number, event.day, event.party, of_sealed_day, *place),
        )
        self._connection.executemany(
            "INSERT INTO settlement_payments VALUES (?, ?, ?, ?, ?, ?, 0)",
            [(deal, event.number, at, *payment) for at, payment in enumerate(event.payments)],
        )

    def _paid(self, event: events.SettlementPaid, place: Place) -> None:
        deal = self._at_hand.deal(event.deal_id)
        line = event.number, event.payment, event.reference_id
        self._move(event, deal, line, PaymentKind.PAID, event.amount_minor, place)

    def _reversed(self, event: events.PaymentReversed, place: Place) -> None:
        deal = self._at_hand.deal(event.deal_id)
        line = self._connection.execute(
            "SELECT number, payment, reference_id FROM settlement_lines"
            " WHERE entry_id = ? AND deal = ?",
            (event.reversed_id, deal),
        ).fetchone()
        self._connection.execute(
            "UPDATE settlement_lines SET reversed = 1 WHERE entry_id = ? AND deal = ?",
            (event.reversed_id, deal),
        )
        self._move(event, deal, line, PaymentKind.REVERSED, -event.amount_minor, place)

    def _move(
        self,
        event: events.SettlementPaid | events.PaymentReversed,
        deal: int,
        line: tuple[int, int, bytes],
        kind: PaymentKind,
        amount_minor: int,
        place: Place,
    ) -> None:
        """An amount goes from payer to payee, or back."""
        number, payment, reference_id = line
        own = deal, number, payment
        payer, payee = self._connection.execute(
            "SELECT payer, payee FROM settlement_payments"
            " WHERE deal = ? AND number = ? AND payment = ?",
            own,
        ).fetchone()
        self._connection.execute(
            "UPDATE settlement_payments SET paid_minor = paid_minor + ?"
            " WHERE deal = ? AND number = ? AND payment = ?",
            (amount_minor, *own),
        )
        sign = -1 if kind is PaymentKind.REVERSED else 1
        origin = self._at_hand.origin(deal, event.date, sign * DayKind.SETTLEMENT)
        self._at_hand.count(origin, abs(amount_minor))
        self._balances.move(origin, payer, Account.CLEARING, Account.CASH, amount_minor)
        self._balances.move(origin, payee, Account.CASH, Account.CLEARING, amount_minor)
        who = event.entry_id, kind.value, number, payment, event.party, event.date, origin.day
        reversed_id = event.reversed_id if isinstance(event, events.PaymentReversed) else None
        self._connection.execute(
            "INSERT INTO settlement_lines VALUES"
            " (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (deal, *who, amount_minor, reference_id, *place, reversed_id),
        )
