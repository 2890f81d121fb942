"""Lists (名单制): nothing is lent or bought with a party that a funder's list does not name."""

from __future__ import annotations

from collections.abc import Iterator

from ledger import events
from ledger.events import DealTerms, EntriesSubmitted, ListChanged, ListRole, Place
from ledger.money import date_of
from ledger.replay.agreed import Agreed, has_deposit
from ledger.replay.keys import Checks
from ledger.replay.report import Findings, deal_shown


def roles_in_lists(terms: DealTerms) -> list[int]:
    """The roles in which the funders' lists must name each party, as bits.

    Funders cofund; the depositor and the payers of layers enhance; a servicer that does not fund
    assists, and so does who does nothing else, but for a core enterprise that only owes.
    """
    funders = len(terms.shares_ppm)
    enhancers = {layer.payer for layer in terms.layers}
    if has_deposit(terms):
        enhancers.add(terms.deposit.depositor)
    found = []
    for place in range(len(terms.parties)):
        roles = ListRole.COFUND.bit if place < funders else 0
        if place in enhancers:
            roles |= ListRole.ENHANCE.bit
        # Who moves the deal's cash is more than a debtor.
        moves_cash = place in (terms.disbursed_by, terms.collected_by)
        only_owes = bool(terms.receivable.cores >> place & 1) and not moves_cash
        idle = not roles and not only_owes
        if idle or (place == terms.servicer and place >= funders):
            roles |= ListRole.ASSIST.bit
        found.append(roles)
    return found


def asked_of_list(terms: DealTerms, bank: int) -> Iterator[tuple[int, ListRole]]:
    """Every other party and role that the list of a funder, if it keeps one, must name."""
    for party, roles in zip(terms.parties, roles_in_lists(terms), strict=True):
        if party != bank:
            yield from ((party, role) for role in ListRole if roles & role.bit)


class ListBook:
    """Every change of every bank's list, oldest first."""

    def __init__(self) -> None:
        self._changes: dict[tuple[int, int, int], list[ListChanged]] = {}
        self.banks: set[int] = set()
        """Those that keep a list."""

    def add(self, change: ListChanged) -> None:
        """One more change."""
        key = change.bank, change.party, change.role
        self._changes.setdefault(key, []).append(change)
        self.banks.add(change.bank)

    def names(self, bank: int, party: int, role: int, day: int) -> bool:
        """Whether the newest change that covers the day lists the party in a role, by its bit."""
        change = self._newest(bank, party, role, day)
        return change is not None and change.listed

    def takes_off(self, bank: int, party: int, role: int, day: int) -> bool:
        """Whether the newest change that covers the day takes the party off."""
        change = self._newest(bank, party, role, day)
        return change is not None and not change.listed

    def _newest(self, bank: int, party: int, role: int, day: int) -> ListChanged | None:
        changes = reversed(self._changes.get((bank, party, role), []))
        return next((one for one in changes if one.from_date <= day <= one.to_date), None)

    def missing(self, terms: DealTerms, day: int) -> Iterator[tuple[int, int, ListRole]]:
        """Bank, party and role of whom a list that must name it does not."""
        for bank in terms.parties[: len(terms.shares_ppm)]:
            if bank not in self.banks:
                continue
            for party, role in asked_of_list(terms, bank):
                if not self.names(bank, party, role.bit, day):
                    yield bank, party, role


class Lists:
    """Follows list changes, bookings and discounts: N2."""

    def __init__(self, agreed: Agreed, findings: Findings) -> None:
        self._agreed = agreed
        self._findings = findings
        self._book = ListBook()
        self._batch: EntriesSubmitted | None = None
        self._known: dict[tuple[bytes, int, int], list[tuple[int, int, ListRole]]] = {}
        self.checks: Checks = {
            events.ListChanged: self._changed,
            events.EntriesSubmitted: self._submitted,
            events.LoanBooked: self._booked,
            events.PieceDiscounted: self._discounted,
        }

    def _changed(self, event: ListChanged, place: Place) -> None:
        self._book.add(event)
        self._known.clear()

    def _submitted(self, event: EntriesSubmitted, place: Place) -> None:
        self._batch = event

    def _booked(self, event: events.LoanBooked, place: Place) -> None:
        self._check(event.particulars & 0xFFFF, event.loan_id, place)

    def _discounted(self, event: events.PieceDiscounted, place: Place) -> None:
        self._check(event.date, event.entry_id, place)

    def _check(self, day: int, about: bytes, place: Place) -> None:
        assert self._batch is not None, "an entry without EntriesSubmitted before it"
        self._findings.counts["N2"] += 1
        if not self._book.banks:
            return
        deal_id, version, _ = self._batch
        terms = self._agreed.terms(deal_id, version)
        key = deal_id, version, day
        if terms is not None and key not in self._known:
            self._known[key] = list(self._book.missing(terms, day))
        for bank, party, role in self._known.get(key, []):
            listed = f"the list of member {bank} on {date_of(day)}"
            self._findings.fail(
                "N2",
                place,
                f"member {party} for {role} on {listed}",
                "-",
                deal=deal_shown(deal_id),
                about=about,
            )
