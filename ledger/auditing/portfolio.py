"""Portfolio: all loans of a deal in one pass, a loan at a time, for all that a pack counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger import reading
from ledger.auditing.exceptions import Exceptional, of_claim, of_entries, of_limits, of_lists
from ledger.auditing.fees import Fees
from ledger.auditing.limit_checks import limit_checks, principal_moves
from ledger.auditing.list_checks import ListChecks
from ledger.auditing.pinned import Pinned
from ledger.auditing.sampling import Candidate
from ledger.entries import Kind
from ledger.events import Particulars
from ledger.portfolio.all_in import Cost, all_in_ppm, documents
from ledger.portfolio.rolls import Rolls
from ledger.portfolio.standing import Standing, View, layers_of, standings
from ledger.portfolio.vintages import Vintages, end_of, month_ends
from ledger.reading import Posted
from ledger.records import Loan

_MARKS = (Kind.OVERDUE, Kind.CURE)


class Volume(NamedTuple):
    """Entries of one kind on the days; of reversals what they took back. Minor units."""

    entries: int
    amount_minor: int


@dataclass(slots=True, kw_only=True)
class Totals:
    """A view of the whole deal at the close of a day. Minor units."""

    loans: int = 0
    """With a balance."""
    balance_minor: int = 0
    past_due_90_minor: int = 0
    loss_minor: int = 0

    def add(self, standing: Standing, view: View) -> None:
        """One more loan."""
        balance = standing.balance_minor(view)
        self.loans += balance > 0
        self.balance_minor += balance
        self.loss_minor += standing.loss_minor(view)
        if standing.days_past_due >= 90:
            self.past_due_90_minor += balance


@dataclass(slots=True)
class Portfolio:
    """What one pass over the loans of a deal came to."""

    vintages: Vintages
    rolls: Rolls
    fees: Fees
    population: list[Candidate] = field(default_factory=list)
    """Loans with an entry on the days."""
    exceptions: list[Exceptional] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    volumes: dict[Kind, Volume] = field(default_factory=dict)
    opening: dict[View, Totals] = field(default_factory=lambda: {one: Totals() for one in View})
    """At the close of the day before the first,"""
    closing: dict[View, Totals] = field(default_factory=lambda: {one: Totals() for one in View})
    """and of the last."""
    by_transaction: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Block and transaction to what its entries added to the deal's outstanding."""


class Survey:
    """Makes the pass."""

    def __init__(self, pinned: Pinned, deal: reading.Deal, first: int, last: int) -> None:
        self._pinned, self._deal = pinned, deal
        self._days = range(first, last + 1)
        book = pinned.book
        versions = reading.versions(book, deal.deal)
        self._terms = {one.version: one.terms for one in versions}
        self._names = {one.number: one.member_id for one in reading.members(book)}
        self._documents = documents(pinned.ledger, pinned.book, deal)
        self._lists = ListChecks(book)
        months = month_ends(first, last)
        self._rolled = [months[0] - 1, *months] if months else []
        ends = {end_of(month) for month in self._rolled}
        self._closes = sorted({*ends, first - 1, last})
        self.found = Portfolio(
            Vintages(months), Rolls(self._rolled), Fees(self._terms, first, last)
        )

    def run(self) -> Portfolio:
        """Look at every loan once."""
        book = self._pinned.book
        for loan, entries in reading.histories(book, self._deal.deal):
            self._take(loan, entries, layers_of(book, entries))
        self.found.fees.take_statements(reading.statements(book, self._deal.deal))
        return self.found

    def _take(
        self, loan: Loan, entries: list[Posted], layers: Mapping[int, Mapping[int, int]]
    ) -> None:
        found = self.found
        particulars = Particulars.unpack(loan.particulars)
        at = dict(zip(self._closes, standings(entries, layers, self._closes), strict=True))
        ends = [at[end_of(month)] for month in self._rolled]
        found.vintages.take(particulars.start_date, ends[1:])
        found.rolls.take(ends)
        first, last = self._days[0], self._days[-1]
        for view in View:
            found.opening[view].add(at[first - 1], view)
            found.closing[view].add(at[last], view)
        for place, amount in principal_moves(entries, layers):
            found.by_transaction[place] += amount
        found.fees.take(loan.version, particulars.annual_rate_ppm, entries)
        if any(_touches(one, self._days) for one in entries):
            number = entries[0].number
            found.population.append(Candidate(loan.loan_id, number, loan.principal_minor))
            self._count(entries)
            self._look(loan, entries, at[last])

    def _count(self, entries: Sequence[Posted]) -> None:
        volumes = self.found.volumes
        for posted in entries:
            if _touches(posted, self._days):
                known = volumes.get(posted.kind, Volume(0, 0))
                amount = known.amount_minor + sum(posted.amounts)
                volumes[posted.kind] = Volume(known.entries + 1, amount)

    def _look(self, loan: Loan, entries: list[Posted], at_last: Standing) -> None:
        """What is exceptional about a loan of the population, and what it costs."""
        found, name = self.found.exceptions, self._pinned.ledger.ref
        found += of_entries(loan, entries, self._days, self._names, name)
        terms, booking, ref = self._terms[loan.version], entries[0], name(loan.loan_id)
        due = of_claim(loan, ref, terms, at_last, self._days[-1])
        if due is not None:
            found.append(due)
        if booking.day not in self._days or loan.reversed:
            return
        document = self._documents.get(loan.version)
        cost_ppm = all_in_ppm(loan, document)
        self.found.costs.append(Cost(cost_ppm, loan.principal_minor))
        checks = limit_checks(loan, terms, document, cost_ppm, None)
        found += of_limits(loan, ref, booking, checks)
        day = Particulars.unpack(loan.particulars).start_date
        lists = self._lists.check(terms, day, booking.block)
        found += of_lists(loan, ref, booking, lists, self._names)


def _touches(posted: Posted, days: range) -> bool:
    """Whether an entry is of the days; a mark by the day since which the loan is overdue."""
    return (posted.date if posted.kind in _MARKS else posted.day) in days
