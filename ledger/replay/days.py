"""Days and months: sealed by all, closed one after another, and nothing posted behind them."""

from __future__ import annotations

from typing import Any

from ledger import events
from ledger.events import EntriesSubmitted, Place
from ledger.replay.agreed import Agreed
from ledger.replay.keys import Checks
from ledger.replay.report import Findings, deal_shown

_DATED = (
    events.LoanRepaid,
    events.LoanWaived,
    events.LoanWrittenOff,
    events.EntryReversed,
    events.LoanCompensated,
    events.LoanRecovered,
    events.CompensationReversed,
    events.RecoveryReversed,
)
_DATED_OF_DEAL = (
    events.DepositPaid,
    events.DepositReleased,
    events.DepositReversed,
)


class Days:
    """Follows business days and period statements: J2, J3, S2 and that no month closes twice."""

    def __init__(self, agreed: Agreed, findings: Findings) -> None:
        self._agreed = agreed
        self._findings = findings
        self._digests: dict[tuple[bytes, int], dict[int, bytes]] = {}
        self._batch: EntriesSubmitted | None = None
        self._sealed: dict[bytes, int] = {}
        self.closings: dict[bytes, list[tuple[int, Place]]] = {}
        """Deal to its closed months, each with the place of its closing."""
        self.checks: Checks = {
            events.EntriesSubmitted: self._submitted,
            events.DaySigned: self._day_signed,
            events.DaySealed: self._day_sealed,
            events.LoanBooked: self._booked,
            **dict.fromkeys(_DATED, self._dated),
            **dict.fromkeys(_DATED_OF_DEAL, self._dated_of_deal),
            events.PeriodClosed: self._period_closed,
        }

    def _submitted(self, event: events.EntriesSubmitted, place: Place) -> None:
        self._batch = event

    def _day_signed(self, event: events.DaySigned, place: Place) -> None:
        signatures = self._digests.setdefault((event.deal_id, event.day), {})
        signatures[event.party] = event.digest

    def _day_sealed(self, event: events.DaySealed, place: Place) -> None:
        signatures = self._digests.pop((event.deal_id, event.day), {})
        same = {party for party, digest in signatures.items() if digest == event.digest}
        parties = self._agreed.signing_parties(event.deal_id)
        deal = deal_shown(event.deal_id)
        name = f"{deal} day {event.day}: signed by members"
        # Another than a signing party cannot sign, so those who did are a part of them.
        self._findings.expect(
            "J2", place.block, sorted(parties), sorted(same & parties), name, deal=deal
        )
        self._sealed[event.deal_id] = event.day

    def _booked(self, event: events.LoanBooked, place: Place) -> None:
        self._check_day(event.particulars & 0xFFFF, place, event.loan_id)

    def _dated(self, event: Any, place: Place) -> None:
        self._check_day(event.date, place, event.entry_id)

    def _check_day(self, day: int, place: Place, entry_id: bytes) -> None:
        assert self._batch is not None, "an entry without EntriesSubmitted before it"
        self._require_open(self._batch.deal_id, day, place, entry_id)

    def _dated_of_deal(self, event: Any, place: Place) -> None:
        self._require_open(event.deal_id, event.date, place, getattr(event, "entry_id", b""))

    def _require_open(self, deal_id: bytes, day: int, place: Place, about: bytes) -> None:
        """J3: nothing is posted on or before the last sealed day."""
        sealed = self._sealed.get(deal_id, 0)
        self._findings.counts["J3"] += 1
        if day <= sealed:
            deal = deal_shown(deal_id)
            expected = f"{deal}: a date after day {sealed}"
            self._findings.fail("J3", place.block, expected, f"day {day}", deal=deal, about=about)

    def _period_closed(self, event: events.PeriodClosed, place: Place) -> None:
        self._dated_of_deal(event, place)
        closed = self.closings.setdefault(event.deal_id, [])
        deal = deal_shown(event.deal_id)
        again = any(month == event.month for month, _ in closed)
        expected = f"{deal}: month {event.month} closed once"
        self._findings.require("S1", place.block, not again, expected, "again", deal=deal)
        if closed and not again:
            what = f"{deal}: next month to close"
            after = closed[-1][0] + 1
            self._findings.expect("S2", place.block, after, event.month, what, deal=deal)
        closed.append((event.month, place))
