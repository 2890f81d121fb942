"""Evidence: everything that is known of a sampled loan, on one sheet (审计底稿).

Under which terms, signed by whom; whom the lists named on its day; which limits it was held against
with which values; its entries with every leg; what is known of the cash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger import reading
from ledger.auditing.cash import CashState, Known, paid, settled_with
from ledger.auditing.exceptions import Exceptional
from ledger.auditing.limit_checks import (
    Amounts,
    LimitCheck,
    limit_checks,
    outstanding_at,
    owed,
)
from ledger.auditing.list_checks import ListCheck, ListChecks
from ledger.auditing.pinned import Pinned
from ledger.auditing.portfolio import Portfolio
from ledger.auditing.sampling import Sampled
from ledger.auditing.signers import Act, Signature
from ledger.events import Particulars
from ledger.portfolio.all_in import all_in_ppm, documents
from ledger.portfolio.standing import Standing, layers_of, standings
from ledger.reading import Posted
from ledger.records import Loan, Version
from ledger.salts import limits_borrowers


class Signer(NamedTuple):
    """A party that signed a version of the terms, and by which action."""

    party: str
    act: Act | None
    """None where it is known only that it signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsVersion:
    """A version of the deal's terms."""

    version: Version
    proposer: str
    signers: tuple[Signer, ...]
    document: bool | None
    """Whether the document here has the digest that was signed; None where it is not here."""

    @property
    def completed(self) -> Signature | None:
        """The signature that put it in force; None while it is not."""
        known = [one.act.checker for one in self.signers if one.act and one.act.checker]
        return max(known, key=lambda one: one.place, default=None)


class EntryEvidence(NamedTuple):
    """An entry of a sampled loan."""

    posted: Posted
    ref: str
    reversed_ref: str
    """Of what it reverses; empty for none."""
    layers: Mapping[int, int]
    """Layer to what it paid or got."""
    cash: CashState
    break_code: str
    settlement: int
    """Number of the settlement that its CLEARING legs are in; 0 for none."""
    settlement_paid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanEvidence:
    """A sampled loan."""

    sampled: Sampled
    loan: Loan
    ref: str
    terms: TermsVersion
    all_in_ppm: int
    lists: tuple[ListCheck, ...]
    limits: tuple[LimitCheck, ...]
    entries: tuple[EntryEvidence, ...]
    at_last: Standing
    """At the close of the last day."""
    exceptions: tuple[Exceptional, ...]

    @property
    def particulars(self) -> Particulars:
        """What the loan is."""
        return Particulars.unpack(self.loan.particulars)


def terms_versions(
    pinned: Pinned, deal: reading.Deal, acts: Sequence[Act]
) -> dict[int, TermsVersion]:
    """Every version of a deal's terms and who signed it."""
    names = {one.number: one.member_id for one in reading.members(pinned.book)}
    held = documents(pinned.ledger, pinned.book, deal)
    signed = {
        (act.version, act.member): act
        for act in acts
        if act.function == "sign" and act.checker is not None
    }
    found = {}
    for one in reading.versions(pinned.book, deal.deal):
        parties = reading.signers(pinned.book, deal.deal, one.version)
        signers = [
            Signer(names[party], signed.get((one.version, names[party])))
            for party in one.terms.parties
            if party in parties
        ]
        own = held.get(one.version)
        found[one.version] = TermsVersion(
            version=one,
            proposer=names[one.proposer],
            signers=tuple(signers),
            document=own.digest == one.terms.document_digest if own else None,
        )
    return found


def evidence(
    pinned: Pinned,
    deal: reading.Deal,
    sample: Sequence[Sampled],
    portfolio: Portfolio,
    versions: Mapping[int, TermsVersion],
    known: Known,
    last: int,
) -> list[LoanEvidence]:
    """The sheet of every sampled loan, in the order of the sample. `last`: the last day."""
    book = pinned.book
    loans = {}
    for one in sample:
        loan = reading.loan(book, deal.deal, one.loan_id)
        assert loan is not None, "a sampled loan that is not there"
        loans[one.loan_id] = loan
    amounts = _amounts(pinned, deal, sample, loans, portfolio)
    held, lists = documents(pinned.ledger, book, deal), ListChecks(book)
    settlements = reading.settlements(book, deal.deal)
    by_loan: dict[bytes, list[Exceptional]] = {}
    for found in portfolio.exceptions:
        by_loan.setdefault(found.loan_id, []).append(found)
    sheets = []
    for one in sample:
        loan = loans[one.loan_id]
        terms = versions[loan.version]
        entries = reading.entries_of_loan(book, deal.deal, one.loan_id)
        layers = layers_of(book, entries)
        document = held.get(loan.version)
        cost_ppm = all_in_ppm(loan, document)
        agreed, booking = terms.version.terms, entries[0]
        start = Particulars.unpack(loan.particulars).start_date
        sheets.append(
            LoanEvidence(
                sampled=one,
                loan=loan,
                ref=pinned.ledger.ref(one.loan_id),
                terms=terms,
                all_in_ppm=cost_ppm,
                lists=tuple(lists.check(agreed, start, booking.block)),
                limits=tuple(limit_checks(loan, agreed, document, cost_ppm, amounts[one.loan_id])),
                entries=tuple(
                    _entry(pinned, posted, layers.get(posted.number, {}), known, settlements)
                    for posted in entries
                ),
                at_last=standings(entries, layers, [last])[0],
                exceptions=tuple(by_loan.get(one.loan_id, ())),
            )
        )
    return sheets


def _entry(
    pinned: Pinned,
    posted: Posted,
    layers: Mapping[int, int],
    known: Known,
    settlements: Sequence[reading.Settlement],
) -> EntryEvidence:
    ref = pinned.ledger.ref(posted.entry_id)
    cash, code = known.of_entry(posted, ref)
    settled = settled_with(settlements, posted)
    return EntryEvidence(
        posted=posted,
        ref=ref,
        reversed_ref=pinned.ledger.ref(posted.reversed_id) if posted.reversed_id else "",
        layers=layers,
        cash=cash,
        break_code=code,
        settlement=settled.number if settled else 0,
        settlement_paid=paid(settled) if settled else False,
    )


def _amounts(
    pinned: Pinned,
    deal: reading.Deal,
    sample: Sequence[Sampled],
    loans: Mapping[bytes, Loan],
    portfolio: Portfolio,
) -> dict[bytes, Amounts]:
    """What each booking of the sample was held against besides itself."""
    book = pinned.book
    terms = {one.version: one.terms for one in reading.versions(book, deal.deal)}
    bookings = {
        one.loan_id: (loans[one.loan_id].borrower_id, one.number)
        for one in sample
        if limits_borrowers(terms[loans[one.loan_id].version])
    }
    lead = next(iter(terms.values())).parties[0]
    borrowed = owed(book, lead, bookings) if bookings else {}
    outstanding = outstanding_at(portfolio.by_transaction)
    found = {}
    for one in sample:
        first = reading.entry(book, deal.deal, one.loan_id, booking=True)
        assert first is not None
        found[one.loan_id] = Amounts(
            borrower_minor=borrowed.get(one.loan_id, 0),
            outstanding_minor=outstanding[first.block, first.transaction],
        )
    return found
