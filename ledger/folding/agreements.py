"""Agreements: the terms of deals, their state and their closed months."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ledger import events
from ledger.events import Event, Place, fields_of
from ledger.folding.at_hand import AtHand
from ledger.folding.balances import Balances
from ledger.records import DayKind, DealStep, encode_terms, name_of
from ledger.waterfall import Account


class Agreements:
    """Folds the events of Deals, and those of Settlements that close a month."""

    def __init__(self, at_hand: AtHand, balances: Balances) -> None:
        self._connection = at_hand.connection
        self._at_hand = at_hand
        self._balances = balances
        self.appliers: Mapping[type[Event], Callable[[Any, Place], None]] = {
            events.TermsProposed: self._proposed,
            events.TermsSigned: self._signed,
            events.DealActivated: self._activated,
            events.DealSuspended: self._suspended,
            events.DealResumed: self._resumed,
            events.ClosingSigned: self._closing_signed,
            events.DealClosed: self._closed,
            events.PeriodClosed: self._period_closed,
        }

    def _proposed(self, event: events.TermsProposed, place: Place) -> None:
        self._connection.execute(
            "INSERT OR IGNORE INTO deals (name) VALUES (?)", (name_of(event.deal_id),)
        )
        self._connection.execute(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, 0)",
            (
                self._at_hand.deal(event.deal_id),
                event.version,
                event.proposer,
                event.terms_hash,
                encode_terms(event.terms),
            ),
        )

    def _signed(self, event: events.TermsSigned, place: Place) -> None:
        self._connection.execute(
            "INSERT INTO signatures VALUES (?, ?, ?)",
            (self._at_hand.deal(event.deal_id), event.version, event.party),
        )

    def _activated(self, event: events.DealActivated, place: Place) -> None:
        deal = self._at_hand.deal(event.deal_id)
        self._connection.execute(
            "UPDATE deals SET version = ? WHERE deal = ?", (event.version, deal)
        )
        self._connection.execute(
            "UPDATE versions SET in_force = 1 WHERE deal = ? AND version = ?", (deal, event.version)
        )

    def _suspended(self, event: events.DealSuspended, place: Place) -> None:
        deal = self._step(event.deal_id, DealStep.SUSPENDED, event.party, place)
        self._connection.execute(
            "UPDATE deals SET suspended_by = ? WHERE deal = ?", (event.party, deal)
        )

    def _resumed(self, event: events.DealResumed, place: Place) -> None:
        deal = self._step(event.deal_id, DealStep.RESUMED, event.party, place)
        self._connection.execute("UPDATE deals SET suspended_by = 0 WHERE deal = ?", (deal,))

    def _closing_signed(self, event: events.ClosingSigned, place: Place) -> None:
        self._step(event.deal_id, DealStep.CLOSING_SIGNED, event.party, place)

    def _closed(self, event: events.DealClosed, place: Place) -> None:
        deal = self._step(event.deal_id, DealStep.CLOSED, 0, place)
        self._connection.execute("UPDATE deals SET closed = 1 WHERE deal = ?", (deal,))

    def _step(self, deal_id: bytes, step: DealStep, party: int, place: Place) -> int:
        deal = self._at_hand.deal(deal_id)
        self._connection.execute(
            "INSERT INTO deal_steps SELECT deal, ?, ?, version, ? FROM deals WHERE deal = ?",
            (step.value, party, place.block, deal),
        )
        return deal

    def _period_closed(self, event: events.PeriodClosed, place: Place) -> None:
        deal = self._at_hand.deal(event.deal_id)
        terms = self._at_hand.terms(deal, event.version)
        gives = fields_of(event.parts)[: len(terms.shares_ppm)]
        # Balance days of a large deal are more than an integer of SQLite holds.
        names, amounts = event._fields[5:-1], event[5:-1]
        figures = json.dumps({**dict(zip(names, amounts, strict=True)), "parts_minor": gives})
        origin = self._at_hand.origin(deal, event.date, DayKind.PERIOD_STATEMENT)
        who = deal, event.month, event.version, event.party, event.date, origin.day
        self._connection.execute(
            "INSERT INTO periods VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*who, figures, *place)
        )
        self._at_hand.count(origin, abs(event.platform_minor))
        sign = -1 if event.platform_minor < 0 else 1
        move = self._balances.move
        for party, part in zip(terms.parties, gives, strict=False):
            move(origin, party, Account.INTEREST, Account.CLEARING, sign * part)
        platform = terms.parties[terms.period.to]
        move(origin, platform, Account.CLEARING, Account.INTEREST, event.platform_minor)
