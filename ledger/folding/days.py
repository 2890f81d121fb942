"""Days: which party signed which statement of a business day, what differed, what is sealed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ledger import events
from ledger.events import Event, Place
from ledger.folding.at_hand import AtHand


class Days:
    """Folds the events of Journal."""

    def __init__(self, at_hand: AtHand) -> None:
        self._connection = at_hand.connection
        self._at_hand = at_hand
        self.appliers: Mapping[type[Event], Callable[[Any, Place], None]] = {
            events.DaySigned: self._signed,
            events.DayDisputed: self._disputed,
            events.DaySealed: self._sealed,
        }

    def _signed(self, event: events.DaySigned, place: Place) -> None:
        # Totals are words of 256 bits, more than an integer of SQLite holds.
        statement = json.dumps(
            {
                "totals": event.totals,
                "clearing_minor": event.clearing_minor,
                "balances": event.balances.hex(),
                "entries": event.entries.hex(),
                "breaks": [found.hex() for found in event.breaks],
            }
        )
        deal = self._at_hand.deal(event.deal_id)
        self._connection.execute(
            "INSERT INTO day_signatures VALUES (?, ?, ?, ?, ?, ?)",
            (deal, event.day, event.party, event.digest, statement, place.block),
        )

    def _disputed(self, event: events.DayDisputed, place: Place) -> None:
        deal = self._at_hand.deal(event.deal_id)
        self._connection.execute(
            "INSERT INTO day_disputes VALUES (?, ?, ?, ?, ?, ?)", (deal, *event[1:], place.block)
        )

    def _sealed(self, event: events.DaySealed, place: Place) -> None:
        deal = self._at_hand.deal(event.deal_id)
        self._at_hand.seal(deal, event.day)
        self._connection.execute(
            "INSERT INTO seals VALUES (?, ?, ?, ?)", (deal, event.day, event.digest, place.block)
        )
