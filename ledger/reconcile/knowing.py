"""Knowing: what the ledger tells a comparison besides our lines.

Loans are read one by one, when a difference needs its cause: most never are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ledger import reading
from ledger.entries import Kind as EntryKind
from ledger.entries import Method
from ledger.errors import LedgerError
from ledger.events import DealTerms, ListChanged, ListRole, Particulars
from ledger.reading import Posted
from ledger.reconcile.basis import Basis, Breach, DueClaim, LoanFacts, OffList, Repaid
from ledger.reconcile.lines import Kind
from ledger.reconcile.refs import Refs
from ledger.replay.lists import ListBook, asked_of_list

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.terms import Terms

_METHODS = list(Method)
_UNMOVED = (EntryKind.BOOKING, EntryKind.OVERDUE, EntryKind.CURE, EntryKind.WAIVER)


class Loans(Mapping[str, LoanFacts]):
    """The loans of a deal by ref, read when asked for."""

    def __init__(self, ledger: Ledger, deal: reading.Deal, refs: Refs, *, through: int) -> None:
        """`through`: the last business day whose entries count."""
        self._ledger, self._deal, self._refs = ledger, deal, refs
        self._book = ledger.book()
        self._through = through
        self._known: dict[str, LoanFacts | None] = {}
        self._terms: dict[int, Terms | None] = {}

    def __getitem__(self, loan_ref: str) -> LoanFacts:
        """Raises `KeyError` for a loan that is not there, or whose terms this folder lacks."""
        if loan_ref not in self._known:
            self._known[loan_ref] = self._read(loan_ref)
        found = self._known[loan_ref]
        if found is None:
            raise KeyError(loan_ref)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def _read(self, loan_ref: str) -> LoanFacts | None:
        book, deal = self._book, self._deal.deal
        loan = reading.loan(book, deal, self._refs.id(loan_ref))
        terms = self._document(loan.version) if loan else None
        if loan is None or terms is None:
            return None
        particulars = Particulars.unpack(loan.particulars)
        posted = [
            one
            for one in reading.entries_of_loan(book, deal, loan.loan_id)
            if not one.reversed and one.day <= self._through
        ]
        compensated = [one.date for one in posted if one.kind is EntryKind.COMPENSATION]
        return LoanFacts(
            terms=terms,
            principal_minor=loan.principal_minor,
            annual_rate_ppm=particulars.annual_rate_ppm,
            start_date=particulars.start_date,
            maturity_date=particulars.maturity_date,
            method=_METHODS[particulars.method],
            repaid=tuple(sorted(_repaid(posted), key=lambda one: one.date)),
            overdue_since=loan.since_date,
            compensated_date=compensated[0] if compensated else None,
        )

    def _document(self, version: int) -> Terms | None:
        if version not in self._terms:
            try:
                self._terms[version] = self._ledger.terms(self._deal.name, version)
            except LedgerError:
                self._terms[version] = None
        return self._terms[version]


def _repaid(posted: list[Posted]) -> Iterator[Repaid]:
    """What lowered the principal or paid interest, until the loan was written off."""
    for one in posted:
        if one.kind is EntryKind.WRITE_OFF:
            return
        if one.kind not in _UNMOVED and one.kind is not EntryKind.REVERSAL:
            yield Repaid(
                date=one.date,
                principal_minor=sum(leg.principal_minor for leg in one.legs),
                interest_minor=sum(leg.interest_minor for leg in one.legs),
            )


def basis(
    ledger: Ledger,
    deal: reading.Deal,
    kind: Kind,
    refs: Refs,
    *,
    first: int,
    last: int,
    member: str,
) -> Basis:
    """What there is to know for a comparison of these days."""
    loans = Loans(ledger, deal, refs, through=last)
    if kind is Kind.COMPENSATIONS:
        due = tuple(_due_claims(ledger, deal, refs, last))
        return Basis(first=first, last=last, loans=loans, due_claims=due)
    if kind is Kind.LOANS:
        return Basis(
            first=first,
            last=last,
            loans=loans,
            off_lists=tuple(_off_lists(ledger, deal, first, last)),
            breaches=tuple(_breaches(ledger, deal, refs, last)),
        )
    return Basis(first=first, last=last, loans=loans, member=member)


# ---- claims that are due


def _due_claims(ledger: Ledger, deal: reading.Deal, refs: Refs, last: int) -> Iterator[DueClaim]:
    book = ledger.book()
    terms = {one.version: one.terms for one in reading.versions(book, deal.deal)}
    days = [one.claim.days_past_due for one in terms.values() if one.layers]
    for loan in reading.overdue_loans(book, deal.deal, last - min(days)) if days else []:
        own = terms[loan.version]
        due = loan.since_date + own.claim.days_past_due
        if own.layers and due <= last:
            yield DueClaim(
                loan_ref=refs.text(loan.loan_id),
                since_date=loan.since_date,
                due_date=due,
                amount_minor=loan.outstanding_minor,
            )


# ---- lists and limits


def _off_lists(ledger: Ledger, deal: reading.Deal, first: int, last: int) -> Iterator[OffList]:
    """Parties that a list takes off for a day on which loans of the window start."""
    book = ledger.book()
    names = {one.number: one.member_id for one in reading.members(book)}
    lists = ListBook()
    for bank in names:
        for one in reading.list_changes(book, bank):
            dates = one.from_date, one.to_date
            lists.add(ListChanged(bank, one.party, one.role, one.listed, *dates))
    if not lists.banks:
        return
    days = book.connection.execute(
        "SELECT DISTINCT version, particulars & 65535 FROM loans WHERE deal = ? AND NOT reversed"
        " AND (particulars & 65535) BETWEEN ? AND ?",
        (deal.deal, first, last),
    ).fetchall()
    terms = {one.version: one.terms for one in reading.versions(book, deal.deal)}
    for version, day in sorted(days):
        for bank, party, role in _taken_off(terms[version], lists, day):
            yield OffList(
                keeper=names[bank], party=names[party], role=role, first_date=day,
                last_date=day,
            )  # fmt: skip


def _taken_off(terms: DealTerms, lists: ListBook, day: int) -> Iterator[tuple[int, int, ListRole]]:
    for bank in terms.parties[: len(terms.shares_ppm)]:
        for party, role in asked_of_list(terms, bank):
            if lists.takes_off(bank, party, role.bit, day):
                yield bank, party, role


def _breaches(ledger: Ledger, deal: reading.Deal, refs: Refs, last: int) -> Iterator[Breach]:
    """Limits of the deal's newest terms that its loans are above now."""
    book = ledger.book()
    ruling = reading.version_ruling(book, deal.deal, last)
    if ruling is None:
        return
    holding = [one for one in ruling.terms.limits if one.from_date <= last]
    limits = holding[-1] if holding else ruling.terms.limits[0]
    outstanding, _ = reading.volume(book, deal.deal)
    if 0 < limits.max_outstanding_minor < outstanding:
        yield Breach(
            ref=deal.name, rule="max_outstanding", limit=limits.max_outstanding_minor,
            found=outstanding, date=last,
        )  # fmt: skip
    if not limits.max_per_borrower_minor:
        return
    owed = book.connection.execute(
        "SELECT borrower_id, sum(outstanding_minor + lost_minor) AS owed FROM loans"
        " WHERE deal = ? GROUP BY borrower_id HAVING owed > ? ORDER BY borrower_id",
        (deal.deal, limits.max_per_borrower_minor),
    ).fetchall()
    for borrower_id, found in owed:
        yield Breach(
            ref=refs.text(borrower_id), rule="max_per_borrower",
            limit=limits.max_per_borrower_minor, found=found, date=last,
        )  # fmt: skip
