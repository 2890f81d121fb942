"""Breaches: lists and limits that no longer hold, though each booking met them at its time.

A bank took a partner off its list for days of loans booked before; a declared figure fell, terms
became stricter, a repayment was reversed. The contracts then book nothing more; what is there
already is for the parties to settle.
"""

from __future__ import annotations

from collections import Counter

from ledger import reading
from ledger.book import Book
from ledger.events import DealTerms, LimitTerms, ListChanged, ListRole
from ledger.money import PPM, date_of
from ledger.records import Version
from ledger.replay.exposures import Totals
from ledger.replay.lists import ListBook, asked_of_list
from ledger.replay.report import Findings

TIER_1_CAPITAL, ALL_LOANS, NET_ASSETS = 1, 2, 3
"""Figures that members declare."""


def limits_on(terms: DealTerms, day: int) -> LimitTerms:
    """The limits on loans that start on a day, under these terms."""
    holding = [limits for limits in terms.limits if limits.from_date <= day]
    return holding[-1] if holding else terms.limits[0]


class Breaches:
    """Looks for them as of a day."""

    def __init__(self, book: Book, findings: Findings, totals: Totals, today: int) -> None:
        self._book = book
        self._findings = findings
        self._totals = totals
        self._today = today
        self._head = book.at[0]
        members = reading.members(book)
        self._names = {member.number: member.member_id for member in members}
        self._figures = {
            (member.number, found.figure, found.currency): found.amount_minor
            for member in members
            for found in reading.figures(book, member.number, today)
        }

    def check(self) -> None:
        """Check every deal."""
        lists = self._lists()
        for deal in reading.deals(self._book):
            for version in reading.versions(self._book, deal.deal):
                if version.in_force and lists.banks:
                    self._check_lists(deal, version, lists)
            ruling = reading.version_ruling(self._book, deal.deal, self._today)
            if ruling is not None:
                limits = limits_on(ruling.terms, self._today)
                self._check_deal(deal, ruling.terms, limits)
                self._check_wide(deal, ruling.terms, limits)

    # ---- lists

    def _lists(self) -> ListBook:
        lists = ListBook()
        for bank in self._names:
            for one in reading.list_changes(self._book, bank):
                dates = one.from_date, one.to_date
                lists.add(ListChanged(bank, one.party, one.role, one.listed, *dates))
        return lists

    def _check_lists(self, deal: reading.Deal, version: Version, lists: ListBook) -> None:
        """No party was taken off a list for the day of a loan with it."""
        days = self._book.connection.execute(
            "SELECT particulars & 65535, count(*), min(loan_id) FROM loans"
            " WHERE deal = ? AND version = ? AND NOT reversed GROUP BY 1 ORDER BY 1",
            (deal.deal, version.version),
        ).fetchall()
        terms = version.terms
        taken: Counter[tuple[int, int, ListRole]] = Counter()
        first: dict[tuple[int, int, ListRole], tuple[int, bytes]] = {}
        for day, count, loan_id in days:
            for bank in terms.parties[: len(terms.shares_ppm)]:
                for party, role in asked_of_list(terms, bank):
                    if lists.takes_off(bank, party, role.bit, day):
                        taken[bank, party, role] += count
                        first.setdefault((bank, party, role), (day, loan_id))
        self._findings.counts["lists"] += len(days)
        for own, count in taken.items():
            keeper, taken_off = self._names[own[0]], self._names[own[1]]
            day, loan_id = first[own]
            place = f"the list of {keeper} on {date_of(day)}"
            expected = f"{deal.name}: {taken_off} for {own[2]} on {place}"
            found = f"taken off, {count} loans from this one on"
            self._findings.fail("lists", self._head, expected, found, deal=deal.name, about=loan_id)

    # ---- limits

    def _check_deal(self, deal: reading.Deal, terms: DealTerms, limits: LimitTerms) -> None:
        (outstanding_minor,) = self._book.connection.execute(
            "SELECT coalesce(sum(outstanding_minor), 0) FROM loans WHERE deal = ?", (deal.deal,)
        ).fetchone()
        self._within(deal, "outstanding", outstanding_minor, limits.max_outstanding_minor)
        rooms = [limits.max_per_borrower_minor, *self._borrower_rooms(terms, limits)]
        bounds = [room for room in rooms if room]
        if not bounds:
            return
        self._findings.counts["limits"] += 1
        for borrower_id, owed_minor in self._owed(terms.parties[0], min(bounds)):
            self._findings.fail(
                "limits",
                self._head,
                f"{deal.name}: a borrower owes at most {min(bounds)}",
                str(owed_minor),
                deal=deal.name,
                about=borrower_id,
            )

    def _borrower_rooms(self, terms: DealTerms, limits: LimitTerms) -> list[int]:
        """What one borrower may owe where guarantors stand in directly."""
        share = limits.max_guaranteed_borrower_ppm
        return [
            assets * share // PPM
            for payer in self._direct_payers(terms)
            if share and (assets := self._figure(payer, NET_ASSETS, terms)) is not None
        ]

    def _owed(self, lead: int, above_minor: int) -> list[tuple[bytes, int]]:
        """Borrowers that owe more than an amount in the deals of a lead that limit borrowers."""
        places = [
            f"({deal.deal}, {version.version})"
            for deal in reading.deals(self._book)
            for version in reading.versions(self._book, deal.deal)
            if version.in_force and version.terms.parties[0] == lead and _limits_borrowers(version)
        ]
        return self._book.connection.execute(
            f"WITH limited (deal, version) AS (VALUES {', '.join(places)})"
            " SELECT borrower_id, sum(outstanding_minor + lost_minor) AS owed FROM loans"
            " JOIN limited USING (deal, version) GROUP BY borrower_id HAVING owed > ?",
            (above_minor,),
        ).fetchall()

    def _check_wide(self, deal: reading.Deal, terms: DealTerms, limits: LimitTerms) -> None:
        for funder in terms.parties[: len(terms.shares_ppm)]:
            name = self._names[funder]
            capital = self._figure(funder, TIER_1_CAPITAL, terms)
            for (bank, group, currency), out in self._totals.concentration.items():
                if (bank, currency) == (funder, terms.currency) and capital is not None:
                    what = f"{name} out with group {group}"
                    self._share(deal, what, out, capital, limits.max_concentration_ppm)
            loans = self._figure(funder, ALL_LOANS, terms)
            if loans is not None:
                out = self._totals.joint[funder, terms.currency]
                self._share(deal, f"{name} in joint deals", out, loans, limits.max_joint_share_ppm)
        for payer in self._direct_payers(terms):
            assets = self._figure(payer, NET_ASSETS, terms)
            if assets is not None:
                liable = self._totals.liability[payer, terms.currency]
                what = f"{self._names[payer]} stands in for"
                self._share(deal, what, liable, assets, limits.max_guarantee_multiple_ppm)

    def _direct_payers(self, terms: DealTerms) -> list[int]:
        direct = {layer.payer for layer in terms.layers if not layer.from_deposit}
        return [terms.parties[place] for place in sorted(direct)]

    def _figure(self, member: int, figure: int, terms: DealTerms) -> int | None:
        return self._figures.get((member, figure, terms.currency))

    def _share(
        self, deal: reading.Deal, what: str, amount_minor: int, of_minor: int, limit_ppm: int
    ) -> None:
        if limit_ppm:
            self._findings.require(
                "limits",
                self._head,
                amount_minor * PPM <= limit_ppm * of_minor,
                f"{deal.name}: {what} at most {of_minor * limit_ppm // PPM}",
                amount_minor,
                deal=deal.name,
            )

    def _within(self, deal: reading.Deal, what: str, amount_minor: int, limit_minor: int) -> None:
        if limit_minor:
            self._share(deal, what, amount_minor, limit_minor, PPM)


def _limits_borrowers(version: Version) -> bool:
    return any(
        limits.max_per_borrower_minor
        or limits.max_per_consumer_minor
        or limits.max_guaranteed_borrower_ppm
        for limits in version.terms.limits
    )
