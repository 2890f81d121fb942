"""Days and months: sealed by all, closed one after another, and nothing posted behind them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_hash.auto import keccak

from ledger import events
from ledger.days import DayTotal
from ledger.events import EntriesSubmitted, Place
from ledger.reading import MAX_KINDS, DayStatement
from ledger.replay.agreed import Agreed
from ledger.replay.keys import Checks
from ledger.replay.report import Findings, deal_shown
from ledger.replay.tallied import LATE, TALLIED, of_further_legs

_ONE_ENTRY = DayTotal(1, 0).pack()
_OWN = 0
"""In the place of a party: the journal's own totals."""


@dataclass(slots=True)
class DealDays:
    """The business days of a deal."""

    sealed: int = 0
    totals: defaultdict[int, list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0] * MAX_KINDS)
    )
    """Day to the words of its kinds, as events counted to it."""
    signed: dict[int, dict[int, events.DaySigned]] = field(default_factory=dict)
    """Day to party to what it signed last."""
    seals: list[tuple[Place, events.DaySigned]] = field(default_factory=list)
    """Each seal, with one of the equal signatures."""

    def own_totals(self, day: int) -> tuple[int, ...]:
        """Of all days since the last seal up to this one."""
        words = [0] * MAX_KINDS
        for one, own in self.totals.items():
            if self.sealed < one <= day:
                words = [word + more for word, more in zip(words, own, strict=True)]
        return tuple(words)


class Days:
    """Follows business days and period statements: J2, J3, S2 and that no month closes twice."""

    def __init__(self, agreed: Agreed, findings: Findings) -> None:
        self._agreed = agreed
        self._findings = findings
        self._deals: defaultdict[bytes, DealDays] = defaultdict(DealDays)
        self._batch: EntriesSubmitted | None = None
        self._last: tuple[Any, bytes, int, int] | None = None
        """The last entry with legs: event, deal, business day, kind."""
        self._due: set[tuple[int, int]] = set()
        """Disputes that the last signature still has to bring on record: party, sections."""
        self._due_at = "", "", Place(0, 0, 0)
        """Deal, words and place of the last signature."""
        self.closings: dict[bytes, list[tuple[int, Place]]] = {}
        """Deal to its closed months, each with the place of its closing."""
        self.checks: Checks = {
            **dict.fromkeys(TALLIED, self._tallied),
            events.EntriesSubmitted: self._submitted,
            events.FurtherLegs: self._further,
            events.DaySigned: self._day_signed,
            events.DayDisputed: self._day_disputed,
            events.DaySealed: self._day_sealed,
            events.PeriodClosed: self._period_closed,
        }

    def of(self, deal_id: bytes) -> DealDays:
        """The days of a deal by now."""
        return self._deals[deal_id]

    def finish(self) -> None:
        """Check what the last signature left open."""
        self._check_due()

    # ---- entries

    def _submitted(self, event: events.EntriesSubmitted, place: Place) -> None:
        self._batch = event

    def _tallied(self, event: Any, place: Place) -> None:
        deal_id = getattr(event, "deal_id", None)
        if deal_id is None:
            assert self._batch is not None, "an entry without EntriesSubmitted before it"
            deal_id = self._batch.deal_id
        own, counts = self._deals[deal_id], TALLIED[type(event)](event)
        if type(event) not in LATE:
            about = getattr(event, "entry_id", b"")
            self._require_open(deal_id, counts.date, place, about)
        day = max(counts.date, own.sealed + 1)
        own.totals[day][counts.kind] += _ONE_ENTRY + counts.amount_minor
        self._last = event, deal_id, day, counts.kind

    def _further(self, event: events.FurtherLegs, place: Place) -> None:
        assert self._last is not None, "legs without an entry before them"
        before, deal_id, day, kind = self._last
        self._deals[deal_id].totals[day][kind] += of_further_legs(event, before)

    def _require_open(self, deal_id: bytes, day: int, place: Place, about: bytes) -> None:
        """J3, of what is never posted as late; the rest is checked with the signed call."""
        sealed = self._deals[deal_id].sealed
        self._findings.counts["J3"] += 1
        if day <= sealed:
            deal = deal_shown(deal_id)
            expected = f"a date after day {sealed}"
            self._findings.fail("J3", place, expected, f"day {day}", deal=deal, about=about)

    # ---- signatures

    def _day_signed(self, event: events.DaySigned, place: Place) -> None:
        self._check_due()
        own = self._deals[event.deal_id]
        signatures = own.signed.setdefault(event.day, {})
        signatures[event.party] = event
        sections = section_hashes(event)
        name = f"day {event.day}: member {event.party}"
        self._due_at = deal_shown(event.deal_id), name, place
        if tuple(event.totals) != own.own_totals(event.day):
            self._due.add((_OWN, 1))
        for party, other in signatures.items():
            if other.digest != event.digest and party in self._agreed.signing_parties(
                event.deal_id
            ):
                pairs = zip(sections, section_hashes(other), strict=True)
                self._due.add((party, sum((a != b) << at for at, (a, b) in enumerate(pairs))))

    def _day_disputed(self, event: events.DayDisputed, place: Place) -> None:
        named = event.against, event.sections
        expected = f"{self._due_at[1]} differs from {sorted(self._due)}"
        deal = deal_shown(event.deal_id)
        holds = named in self._due
        self._findings.require("disputes", place, holds, expected, named, deal=deal)
        self._due.discard(named)

    def _check_due(self) -> None:
        """What differs is on record."""
        if self._due:
            deal, name, place = self._due_at
            expected = f"{name} differs from {sorted(self._due)}, on record"
            self._findings.require("disputes", place, False, expected, "-", deal=deal)
            self._due.clear()

    def _day_sealed(self, event: events.DaySealed, place: Place) -> None:
        self._check_due()
        own = self._deals[event.deal_id]
        signatures = own.signed.get(event.day, {})
        same = {party: one for party, one in signatures.items() if one.digest == event.digest}
        parties = self._agreed.signing_parties(event.deal_id)
        deal = deal_shown(event.deal_id)
        name = f"day {event.day}:"
        # Another than a signing party cannot sign, so those who did are a part of them.
        signers = sorted(same.keys() & parties)
        expect = self._findings.expect
        expect("J2", place, sorted(parties), signers, f"{name} signed by members", deal=deal)
        for party in signers[:1]:
            totals = own.own_totals(event.day)
            told = tuple(same[party].totals)
            expect("J2", place, totals, told, f"{name} sealed with totals", deal=deal)
            own.seals.append((place, same[party]))
        own.sealed = event.day

    # ---- months

    def _period_closed(self, event: events.PeriodClosed, place: Place) -> None:
        self._tallied(event, place)
        closed = self.closings.setdefault(event.deal_id, [])
        deal = deal_shown(event.deal_id)
        again = any(month == event.month for month, _ in closed)
        expected = f"month {event.month} closed once"
        self._findings.require("S1", place, not again, expected, "again", deal=deal)
        if closed and not again:
            what, after = "next month to close", closed[-1][0] + 1
            self._findings.expect("S2", place, after, event.month, what, deal=deal)
        closed.append((event.month, place))


def statement_of(event: events.DaySigned) -> DayStatement:
    """The statement of a signature."""
    return DayStatement(
        totals=tuple(event.totals),
        clearing_minor=tuple(event.clearing_minor),
        balances=event.balances,
        entries=event.entries,
        breaks=tuple(event.breaks),
    )


def section_hashes(event: events.DaySigned) -> list[bytes]:
    """Hashes of the sections of a signature, as Journal keeps them; two are hashes themselves."""
    totals, clearing, breaks = (
        keccak(abi_encode([kind], [value]))
        for kind, value in (
            ("uint256[16]", event.totals),
            ("int256[12]", event.clearing_minor),
            ("bytes32[]", event.breaks),
        )
    )
    return [totals, clearing, event.balances, event.entries, breaks]
