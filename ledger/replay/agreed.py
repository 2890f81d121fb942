"""Agreed: the terms and the state of each deal hold to the rules of Deals."""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger import events
from ledger.bindings import terms_hash
from ledger.consortium import Licence, Role
from ledger.events import FUNDERS as NOBODY
from ledger.events import DealTerms, EntriesSubmitted, Place
from ledger.founding import bits
from ledger.money import PPM
from ledger.replay.keys import Checks, Keys
from ledger.replay.report import Findings, PartyAccount, deal_shown
from ledger.replay.twin import Twin
from ledger.waterfall import Account

_CORE = bits(list(Role), (Role.CORE,))
_CASH = bits(list(Role), (Role.BANK, Role.CUSTODIAN))
_LENDER = bits(list(Licence), (Licence.LENDING,))
_GUARANTOR = bits(list(Licence), (Licence.GUARANTEE, Licence.INSURANCE))
# Bits of DealTerms.demands.
_FUNDERS_LICENSED, _ENHANCERS_LICENSED, _PAYEES_LICENSED = 1, 2, 4


@dataclass(slots=True)
class _Deal:
    name: str
    versions: dict[int, events.TermsProposed] = field(default_factory=dict)
    signed: dict[int, dict[int, bytes]] = field(default_factory=dict)
    """Version to party to the terms hash it signed."""
    in_force: list[int] = field(default_factory=list)
    """Versions that every party signed, oldest first."""
    since: list[Place] = field(default_factory=list)
    """From where on the chain each of them is in force."""
    suspended_by: int = 0
    closed: bool = False
    closing: dict[int, set[int]] = field(default_factory=dict)
    """Version in force to the parties that signed the closing under it."""

    @property
    def newest(self) -> DealTerms | None:
        """The terms in force, if any are."""
        return self.versions[self.in_force[-1]].terms if self.in_force else None

    def with_deposit(self) -> DealTerms | None:
        """The newest terms in force that have a deposit."""
        terms = [self.versions[version].terms for version in self.in_force]
        return next((one for one in reversed(terms) if has_deposit(one)), None)


def has_deposit(terms: DealTerms) -> bool:
    """Whether the terms have a deposit."""
    return terms.deposit.depositor != NOBODY


class Agreed:
    """Follows the events of Deals: D1 to D6, and what the terms demand of their parties."""

    def __init__(self, keys: Keys, findings: Findings) -> None:
        self._keys = keys
        self._findings = findings
        self._deals: dict[bytes, _Deal] = {}
        self._batch: EntriesSubmitted | None = None
        self.checks: Checks = {
            events.TermsProposed: self._proposed,
            events.TermsSigned: self._signed,
            events.DealActivated: self._activated,
            events.DealSuspended: self._suspended,
            events.DealResumed: self._resumed,
            events.ClosingSigned: self._closing_signed,
            events.DealClosed: self._closed,
            events.EntriesSubmitted: self._submitted,
            events.LoanBooked: self._booked,
        }

    # ---- what others ask

    def terms(self, deal_id: bytes, version: int) -> DealTerms | None:
        """The terms of a version that is or was in force, else None."""
        deal = self._deals.get(deal_id)
        if deal is None or version not in deal.in_force:
            return None
        return deal.versions[version].terms

    def proposed(self, deal_id: bytes, version: int) -> DealTerms | None:
        """The terms of a version, in force or not; None for a version never proposed."""
        deal = self._deals.get(deal_id)
        found = deal.versions.get(version) if deal else None
        return found.terms if found else None

    def newest(self, deal_id: bytes) -> DealTerms | None:
        """The terms in force last, if any are."""
        deal = self._deals.get(deal_id)
        return deal.newest if deal else None

    def with_deposit(self, deal_id: bytes) -> DealTerms | None:
        """The newest terms in force that have a deposit, if any do; it stays under later ones."""
        deal = self._deals.get(deal_id)
        return deal.with_deposit() if deal else None

    def deposit_account(self, deal_id: bytes) -> PartyAccount | None:
        """What the deposit of a deal is to who placed it, if the deal has one."""
        terms = self.with_deposit(deal_id)
        if terms is None:
            return None
        return PartyAccount(terms.parties[terms.deposit.depositor], Account.DEPOSIT_PLACED.value)

    def signing_parties(self, deal_id: bytes) -> set[int]:
        """Every funder and the servicer, by the terms in force."""
        terms = self.newest(deal_id)
        if terms is None:
            return set()
        return {*terms.parties[: len(terms.shares_ppm)], terms.parties[terms.servicer]}

    def version_with_deposit(self, deal_id: bytes, place: Place) -> int:
        """The newest version in force at a place of the chain that has a deposit; 0 for none."""
        deal = self._deal(deal_id)
        before = [
            version for version, since in zip(deal.in_force, deal.since, strict=True)
            if since < place and has_deposit(deal.versions[version].terms)
        ]  # fmt: skip
        return before[-1] if before else 0

    def effective_until(self, deal_id: bytes, version: int, place: Place) -> int | None:
        """First day of the version after this one, as known at a place; None for the last."""
        deal = self._deal(deal_id)
        after = deal.in_force.index(version) + 1
        if after == len(deal.in_force) or deal.since[after] >= place:
            return None
        return deal.versions[deal.in_force[after]].terms.effective_date

    def _deal(self, deal_id: bytes) -> _Deal:
        deal = self._deals.get(deal_id)
        if deal is None:
            deal = self._deals[deal_id] = _Deal(deal_shown(deal_id))
        return deal

    def may_enrol(self, number: int) -> bool:
        """Whether a member may make suppliers members."""
        return self._keys.may_enrol(number)

    # ---- terms

    def _proposed(self, event: events.TermsProposed, place: Place) -> None:
        deal, terms = self._deal(event.deal_id), event.terms
        name = f"version {event.version}:"

        def expect(check: str, expected: object, found: object, what: str) -> None:
            self._findings.expect(check, place, expected, found, f"{name} {what}", deal=deal.name)

        expect("D2", len(deal.versions) + 1, event.version, "version")
        expect("D2", PPM, sum(terms.shares_ppm), "shares")
        expect("D2", terms_hash(terms), event.terms_hash, "terms hash")
        before, held = deal.newest, deal.with_deposit()
        if before is not None:
            expect("versions", before.parties, terms.parties, "parties")
            expect("versions", bool(before.period.rule), bool(terms.period.rule), "has a period")
            expect("D6", before.currency, terms.currency, "currency")
        if held is not None and has_deposit(terms):
            expect("D6", held.deposit[:2], terms.deposit[:2], "depositor and custodian")
        self._check_licences(deal.name, terms, place)
        self._check_roles(deal.name, terms, place)
        self._require_not_closed(deal, place, "terms proposed")
        deal.versions[event.version] = event

    def _check_licences(self, name: str, terms: DealTerms, place: Place) -> None:
        funders = range(len(terms.shares_ppm))
        enhancers = {layer.payer for layer in terms.layers}
        enhancers |= {terms.deposit.depositor} - {NOBODY}
        payees = {terms.fees.to} - {NOBODY} | {tier.to for tier in terms.fees.split}
        if Twin.of(terms).charges_loans:
            # Then borrowers pay it none.
            payees = set()
        for bit, places, allowed in (
            (_FUNDERS_LICENSED, funders, _LENDER),
            (_ENHANCERS_LICENSED, enhancers, _GUARANTOR),
            (_PAYEES_LICENSED, payees, _LENDER | _GUARANTOR),
        ):
            for party in (terms.parties[place] for place in places if terms.demands & bit):
                held = self._keys.licences(party)
                expected = f"member {party} with a licence of {allowed:b}"
                self._findings.require(
                    "licences", place, bool(held & allowed), expected, f"{held:b}", deal=name
                )

    def _check_roles(self, name: str, terms: DealTerms, place: Place) -> None:
        """In a deal with vouchers: cores are core enterprises, cash is of banks and custodians."""
        receivable = terms.receivable
        if not receivable.advance_ppm:
            return
        cores = [at for at in range(len(terms.parties)) if receivable.cores >> at & 1]
        for places, allowed in ((cores, _CORE), ([terms.disbursed_by, terms.collected_by], _CASH)):
            for party in (terms.parties[at] for at in places):
                held = self._keys.roles(party)
                expected = f"member {party} with a role of {allowed:b}"
                self._findings.require(
                    "licences", place, bool(held & allowed), expected, f"{held:b}", deal=name
                )

    def _signed(self, event: events.TermsSigned, place: Place) -> None:
        deal = self._deal(event.deal_id)
        self._require_not_closed(deal, place, "terms signed")
        deal.signed.setdefault(event.version, {})[event.party] = event.terms_hash

    def _activated(self, event: events.DealActivated, place: Place) -> None:
        deal = self._deal(event.deal_id)
        proposed = deal.versions.get(event.version)
        name = f"version {event.version}:"
        if proposed is None:
            self._findings.require("D1", place, False, f"{name} proposed", "-", deal=deal.name)
            return
        signatures = deal.signed.get(event.version, {})
        same = {party for party, signed in signatures.items() if signed == proposed.terms_hash}
        parties = sorted(proposed.terms.parties)
        what = f"{name} signed by members"
        self._findings.expect("D1", place, parties, sorted(same), what, deal=deal.name)
        before = deal.newest.effective_date if deal.newest else -1
        day = proposed.terms.effective_date
        holds = day > before and event.effective_date == day
        expected = f"{name} effective on day {day}, after day {before}"
        found = f"day {event.effective_date}"
        self._findings.require("D3", place, holds, expected, found, deal=deal.name)
        deal.in_force.append(event.version)
        deal.since.append(place)

    # ---- state

    def _suspended(self, event: events.DealSuspended, place: Place) -> None:
        deal = self._deal(event.deal_id)
        # Another's suspension may be taken over.
        fresh = event.party != deal.suspended_by
        expected = "suspended by a party that has not done so yet"
        found = f"member {event.party}"
        self._findings.require("D4", place, fresh, expected, found, deal=deal.name)
        self._require_not_closed(deal, place, "suspended")
        deal.suspended_by = event.party

    def _resumed(self, event: events.DealResumed, place: Place) -> None:
        deal = self._deal(event.deal_id)
        what = "resumed by member"
        self._findings.expect("D4", place, deal.suspended_by, event.party, what, deal=deal.name)
        self._require_not_closed(deal, place, "resumed")
        deal.suspended_by = 0

    def _closing_signed(self, event: events.ClosingSigned, place: Place) -> None:
        deal = self._deal(event.deal_id)
        signers = deal.closing.setdefault(deal.in_force[-1] if deal.in_force else 0, set())
        holds = event.party in self.signing_parties(event.deal_id) - signers
        expected = "closing signed by a signing party, once"
        found = f"member {event.party}"
        self._findings.require("D5", place, holds, expected, found, deal=deal.name)
        self._require_not_closed(deal, place, "closing signed")
        signers.add(event.party)

    def _closed(self, event: events.DealClosed, place: Place) -> None:
        deal = self._deal(event.deal_id)
        signers = deal.closing.get(deal.in_force[-1] if deal.in_force else 0, set())
        parties = sorted(self.signing_parties(event.deal_id))
        what = "closing signed by members"
        self._findings.expect("D5", place, parties, sorted(signers), what, deal=deal.name)
        deal.closed = True

    def _require_not_closed(self, deal: _Deal, place: Place, what: str) -> None:
        self._findings.counts["D5"] += 1
        if deal.closed:
            expected = f"nothing {what} once it is closed"
            self._findings.fail("D5", place, expected, what, deal=deal.name)

    # ---- bookings

    def _submitted(self, event: events.EntriesSubmitted, place: Place) -> None:
        self._batch = event

    def _booked(self, event: events.LoanBooked, place: Place) -> None:
        assert self._batch is not None, "a loan without EntriesSubmitted before it"
        start = event.particulars & 0xFFFF
        self.check_new(self._batch, start, "loan booked", place, event.loan_id)

    def check_new(
        self, batch: EntriesSubmitted, day: int, what: str, place: Place, about: bytes
    ) -> None:
        """D3, D4 and D5 of something new in a deal, dated on a day, under the batch's version."""
        deal = self._deal(batch.deal_id)
        version, fail = batch.version, self._findings.fail
        counts = self._findings.counts
        counts["D4"] += 1
        if deal.suspended_by:
            expected = f"no {what} while it is suspended"
            stopped = f"member {deal.suspended_by}"
            fail("D4", place, expected, stopped, deal=deal.name, about=about)
        self._require_not_closed(deal, place, what)
        if version not in deal.in_force:
            return
        first = deal.versions[version].terms.effective_date
        after = deal.in_force.index(version) + 1
        end = 1 << 16
        if after < len(deal.in_force):
            end = deal.versions[deal.in_force[after]].terms.effective_date
        counts["D3"] += 1
        if not first <= day < end:
            expected = f"version {version}: a {what} from day {first} on, before day {end}"
            fail("D3", place, expected, f"day {day}", deal=deal.name, about=about)
