"""Deposits (保证金): what each comes to, event by event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger import events
from ledger.events import EntriesSubmitted, Place, fields_of
from ledger.replay.agreed import Agreed
from ledger.replay.keys import Checks
from ledger.replay.report import Findings, deal_shown


class Deposits:
    """Follows the events of Guarantees: G5."""

    def __init__(self, agreed: Agreed, findings: Findings) -> None:
        self._agreed = agreed
        self._findings = findings
        self._deposits: dict[bytes, int] = {}
        self._paid: dict[tuple[bytes, bytes], int] = {}
        """Payments that stand, by deal and id."""
        self._batch: EntriesSubmitted | None = None
        self.checks: Checks = {
            events.EntriesSubmitted: self._submitted,
            events.DepositPaid: self._paid_in,
            events.DepositReleased: self._released,
            events.DepositReversed: self._reversed,
            events.TopUpCalled: self._called,
            events.LoanCompensated: self._compensated,
            events.CompensationReversed: self._compensation_reversed,
        }

    def _submitted(self, event: events.EntriesSubmitted, place: Place) -> None:
        self._batch = event

    def _paid_in(self, event: events.DepositPaid, place: Place) -> None:
        self._paid[event.deal_id, event.entry_id] = event.amount_minor
        self._move(event.deal_id, event.amount_minor, place, event.entry_id)
        self._compare(event, place)

    def _released(self, event: events.DepositReleased, place: Place) -> None:
        self._move(event.deal_id, -event.amount_minor, place, event.entry_id)
        self._compare(event, place)

    def _reversed(self, event: events.DepositReversed, place: Place) -> None:
        mirrored = self._paid.pop((event.deal_id, event.reversed_id), 0)
        deal = deal_shown(event.deal_id)
        self._findings.expect(
            "G5", place, mirrored, event.amount_minor, "a payment that stands, of",
            deal=deal, about=event.entry_id, account=self._agreed.deposit_account(event.deal_id),
        )  # fmt: skip
        self._move(event.deal_id, -event.amount_minor, place, event.entry_id)
        self._compare(event, place)

    def _called(self, event: events.TopUpCalled, place: Place) -> None:
        self._compare(event, place)

    def _compensated(self, event: events.LoanCompensated, place: Place) -> None:
        self._draw(event.pays, -1, place, event.entry_id)

    def _compensation_reversed(self, event: events.CompensationReversed, place: Place) -> None:
        self._draw(event.pays, 1, place, event.entry_id)

    def _draw(self, pays: Sequence[int], sign: int, place: Place, entry_id: bytes) -> None:
        assert self._batch is not None, "an entry without EntriesSubmitted before it"
        terms = self._agreed.terms(self._batch.deal_id, self._batch.version)
        if terms is None:
            return
        drawn = sum(
            pay
            for layer, pay in zip(terms.layers, fields_of(tuple(pays)), strict=False)
            if layer.from_deposit
        )
        if drawn:
            self._move(self._batch.deal_id, sign * drawn, place, entry_id)

    def _move(self, deal_id: bytes, amount_minor: int, place: Place, about: bytes) -> None:
        after = self._deposits.get(deal_id, 0) + amount_minor
        self._deposits[deal_id] = after
        deal = deal_shown(deal_id)
        expected = "a deposit never below 0"
        self._findings.require(
            "G5", place, after >= 0, expected, after,
            deal=deal, about=about, account=self._agreed.deposit_account(deal_id),
        )  # fmt: skip

    def _compare(self, event: Any, place: Place) -> None:
        deal = deal_shown(event.deal_id)
        what = f"{type(event).__name__} with a deposit of"
        self._findings.expect(
            "G5", place, self._deposits.get(event.deal_id, 0), event.deposit_minor, what,
            deal=deal, about=getattr(event, "entry_id", b""),
            account=self._agreed.deposit_account(event.deal_id),
        )  # fmt: skip
