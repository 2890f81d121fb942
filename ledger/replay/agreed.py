"""Agreed: members, keys, terms and sealed days hold to the rules of Members, Deals and Journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ledger import events
from ledger.bindings import terms_hash
from ledger.events import DealTerms, Event
from ledger.money import PPM
from ledger.replay.report import Findings, deal_shown, shown


@dataclass(slots=True)
class _Deal:
    versions: dict[int, events.TermsProposed] = field(default_factory=dict)
    signed: dict[int, dict[int, bytes]] = field(default_factory=dict)
    """Version to party to the terms hash it signed."""
    in_force: list[int] = field(default_factory=list)
    """Versions that every party signed, oldest first."""


class Agreed:
    """Follows the events of Members, Deals and Journal."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._deals: dict[bytes, _Deal] = {}
        self._used_keys: set[bytes] = set()
        self._waiting: set[tuple[int, bytes]] = set()
        self._digests: dict[tuple[bytes, int], dict[int, bytes]] = {}
        self.number_of_maker: dict[bytes, int] = {}
        """Maker keys that act, to the member's number."""
        self.sealed_through: dict[bytes, int] = {}
        self._checks: dict[type, Callable[[Any, int], None]] = {
            events.MemberAdmitted: self._admitted,
            events.MemberExpelled: self._expelled,
            events.KeyReplaced: self._replaced,
            events.ActionRequested: self._requested,
            events.ActionConfirmed: self._confirmed,
            events.TermsProposed: self._proposed,
            events.TermsSigned: self._signed,
            events.DealActivated: self._activated,
            events.DaySigned: self._day_signed,
            events.DaySealed: self._day_sealed,
        }

    def follow(self, event: Event, block: int) -> None:
        """Check the next event."""
        check = self._checks.get(type(event))
        if check is not None:
            check(event, block)

    def terms(self, deal_id: bytes, version: int) -> DealTerms | None:
        """The terms of a version that is or was in force, else None."""
        deal = self._deals.get(deal_id)
        if deal is None or version not in deal.in_force:
            return None
        return deal.versions[version].terms

    # ---- members

    def _admitted(self, event: events.MemberAdmitted, block: int) -> None:
        self._take_key(event.maker, block)
        self._take_key(event.checker, block)
        self.number_of_maker[event.maker] = event.number

    def _expelled(self, event: events.MemberExpelled, block: int) -> None:
        for key in [key for key, number in self.number_of_maker.items() if number == event.number]:
            del self.number_of_maker[key]

    def _replaced(self, event: events.KeyReplaced, block: int) -> None:
        self._take_key(event.new_key, block)
        if self.number_of_maker.pop(event.old_key, None) is not None:
            self.number_of_maker[event.new_key] = event.number

    def _take_key(self, key: bytes, block: int) -> None:
        self._findings.counts["K1"] += 1
        if key in self._used_keys:
            self._findings.fail("K1", block, "a key never used before", shown(key))
        self._used_keys.add(key)

    def _requested(self, event: events.ActionRequested, block: int) -> None:
        self._waiting.add((event.number, event.action_id))

    def _confirmed(self, event: events.ActionConfirmed, block: int) -> None:
        action = event.number, event.action_id
        self._findings.counts["K2"] += 1
        if action not in self._waiting:
            name = f"action {shown(event.action_id)} requested by member {event.number}"
            self._findings.fail("K2", block, name, "-")
        self._waiting.discard(action)

    # ---- deals

    def _proposed(self, event: events.TermsProposed, block: int) -> None:
        deal = self._deals.setdefault(event.deal_id, _Deal())
        name = f"{deal_shown(event.deal_id)} version {event.version}:"
        expect = self._findings.expect
        expect("D2", block, len(deal.versions) + 1, event.version, f"{name} version")
        expect("D2", block, PPM, sum(event.terms.shares_ppm), f"{name} shares")
        expect("D2", block, terms_hash(event.terms), event.terms_hash, f"{name} terms hash")
        deal.versions[event.version] = event

    def _signed(self, event: events.TermsSigned, block: int) -> None:
        deal = self._deals.setdefault(event.deal_id, _Deal())
        deal.signed.setdefault(event.version, {})[event.party] = event.terms_hash

    def _activated(self, event: events.DealActivated, block: int) -> None:
        deal = self._deals.setdefault(event.deal_id, _Deal())
        proposed = deal.versions.get(event.version)
        name = f"{deal_shown(event.deal_id)} version {event.version}:"
        if proposed is None:
            self._findings.counts["D1"] += 1
            self._findings.fail("D1", block, f"{name} proposed", "-")
            return
        signatures = deal.signed.get(event.version, {})
        same = {party for party, signed in signatures.items() if signed == proposed.terms_hash}
        parties = sorted(proposed.terms.parties)
        self._findings.expect("D1", block, parties, sorted(same), f"{name} signed by members")
        self._findings.counts["D3"] += 1
        before = -1
        if deal.in_force:
            before = deal.versions[deal.in_force[-1]].terms.effective_date
        day = proposed.terms.effective_date
        if day <= before or event.effective_date != day:
            expected = f"{name} effective on day {day}, after day {before}"
            self._findings.fail("D3", block, expected, f"day {event.effective_date}")
        deal.in_force.append(event.version)

    # ---- business days

    def _day_signed(self, event: events.DaySigned, block: int) -> None:
        signatures = self._digests.setdefault((event.deal_id, event.day), {})
        signatures[event.party] = event.digest

    def _day_sealed(self, event: events.DaySealed, block: int) -> None:
        signatures = self._digests.pop((event.deal_id, event.day), {})
        same = {party for party, digest in signatures.items() if digest == event.digest}
        deal = self._deals.get(event.deal_id)
        parties: set[int] = set()
        if deal is not None and deal.in_force:
            terms = deal.versions[deal.in_force[-1]].terms
            funders = terms.parties[: len(terms.shares_ppm)]
            parties = {*funders, terms.parties[terms.servicer]}
        name = f"{deal_shown(event.deal_id)} day {event.day}: signed by members"
        # Another than a signing party cannot sign, so those who did are a part of them.
        self._findings.expect("J2", block, sorted(parties), sorted(same & parties), name)
        self.sealed_through[event.deal_id] = event.day
