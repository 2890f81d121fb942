"""Outstanding: what every loan of a deal came to at the close of a business day.

The book has each loan as it is now. Only loans with an entry that counts to a later day, or a mark
of one, are worked out from their entries: the nearer the day, the fewer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ledger import reading
from ledger.book import Book
from ledger.portfolio.standing import layers_of, standings
from ledger.reading.exposed import loans_outstanding, loans_with_entries_after


class Outstanding(NamedTuple):
    """A loan with something outstanding to its funders."""

    version: int
    """Of the terms that it runs under."""
    outstanding_minor: int
    days_past_due: int


def outstanding_on(book: Book, deal: int, day: int) -> Iterator[Outstanding]:
    """Every loan of a deal that had something outstanding at the close of a day."""
    changed = loans_with_entries_after(book, deal, day)
    for loan in loans_outstanding(book, deal):
        if loan.loan_id not in changed:
            days = day - loan.since_date if loan.since_date else 0
            yield Outstanding(loan.version, loan.outstanding_minor, days)
    for loan_id in sorted(changed):
        found = reading.loan(book, deal, loan_id)
        assert found is not None, "an entry without its loan"
        entries = reading.entries_of_loan(book, deal, loan_id)
        (at,) = standings(entries, layers_of(book, entries), [day])
        if at.outstanding_minor:
            yield Outstanding(found.version, at.outstanding_minor, at.days_past_due)
