"""All-in: what loans cost their borrowers a year (综合融资成本) by their terms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ledger import costs, reading
from ledger.book import Book
from ledger.entries import Booking, Method, Purpose
from ledger.errors import UsageInvalid
from ledger.events import Particulars
from ledger.money import date_of
from ledger.records import Loan
from ledger.terms import Terms

if TYPE_CHECKING:
    from ledger.ledger import Ledger


class Cost(NamedTuple):
    """What a loan costs its borrower a year."""

    all_in_ppm: int
    principal_minor: int


def all_in_ppm(loan: Loan, document: Terms | None) -> int:
    """What a loan costs its borrower a year; its rate where the terms are not in this folder."""
    particulars = Particulars.unpack(loan.particulars)
    if document is None or costs.fee_of_borrower(document) is None:
        return particulars.annual_rate_ppm
    booking = Booking.model_construct(
        loan_ref="",
        borrower_ref="",
        start_date=date_of(particulars.start_date),
        maturity_date=date_of(particulars.maturity_date),
        principal_minor=loan.principal_minor,
        annual_rate_ppm=particulars.annual_rate_ppm,
        method=list(Method)[particulars.method],
        purpose=list(Purpose)[particulars.purpose],
    )
    return costs.all_in_ppm(booking, document)


def documents(ledger: Ledger, book: Book, deal: reading.Deal) -> dict[int, Terms]:
    """The terms' documents by version, those that this folder has."""
    return dict(_documents(ledger, book, deal))


def _documents(ledger: Ledger, book: Book, deal: reading.Deal) -> Iterator[tuple[int, Terms]]:
    for one in reading.versions(book, deal.deal):
        try:
            yield one.version, ledger.terms(deal.name, one.version)
        except UsageInvalid:
            # The documents of others are not in every folder.
            continue
