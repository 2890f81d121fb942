"""View: what a page is made from: the ledger as one member sees it, on a day.

A member sees the deals of which it is or was a party, in which anything was posted to it or a
voucher is its to confirm or to get; an auditor sees all. More than that is in the folder only where
members share one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from ledger import reading
from ledger.console.worked import Worked
from ledger.consortium import Clock, Role
from ledger.messages import text
from ledger.money import date_of, day_number, parse_date
from ledger.records import Version
from ledger.reporting.deals import shape
from ledger.reporting.report import Shape

if TYPE_CHECKING:
    from ledger.book import Book
    from ledger.ledger import Ledger

_OF_VOUCHERS = sum(1 << list(Role).index(one) for one in (Role.CORE, Role.SUPPLIER))
AUDITOR = 1 << list(Role).index(Role.AUDITOR)


class NotShown(Exception):
    """There is nothing of that name, or the member is not to see it."""


@dataclass(frozen=True, kw_only=True)
class View:
    """The ledger as one member sees it."""

    ledger: Ledger
    book: Book
    member: reading.Party
    today: int
    """Business date of the day, in days since 1970-01-01."""
    query: Mapping[str, str]
    worked: Worked = field(default_factory=Worked)
    """Of other pages of the same console."""

    @cached_property
    def names(self) -> dict[int, str]:
        """Number of each member to its id."""
        return {one.number: one.member_id for one in reading.members(self.book)}

    @cached_property
    def deals(self) -> tuple[reading.Deal, ...]:
        """Those that the member sees, oldest first."""
        every = reading.deals(self.book)
        if self.member.roles & AUDITOR:
            return tuple(every)
        return tuple(one for one in every if self._sees(one))

    def deal(self, name: str) -> reading.Deal:
        """A deal by its name. Raises `NotShown`."""
        for one in self.deals:
            if one.name == name:
                return one
        raise NotShown(name)

    def in_force(self, name: str) -> reading.Deal:
        """A deal whose terms are in force. Raises `NotShown`."""
        found = self.deal(name)
        if not found.version:
            raise NotShown(name)
        return found

    def is_party(self, deal: reading.Deal) -> bool:
        """Whether the member is a party of any version of the deal's terms."""
        own = self.member.number
        return any(own in one.terms.parties for one in reading.versions(self.book, deal.deal))

    def ruling(self, deal: reading.Deal) -> Version:
        """The version of the terms in force; of a deal that has none, the newest."""
        versions = reading.versions(self.book, deal.deal)
        return versions[(deal.version or versions[-1].version) - 1]

    def shape(self, deal: reading.Deal) -> Shape:
        """The deal's currency."""
        return shape(self.book, deal)

    def day(self, name: str = "date") -> int:
        """The day that the address asks for, else today. Raises `ValueInvalid`."""
        given = self.query.get(name, "")
        return day_number(parse_date(given)) if given else self.today

    def _sees(self, deal: reading.Deal) -> bool:
        if self.is_party(deal):
            return True
        own = self.member.number
        if own in reading.posted_members(self.book, deal.deal):
            return True
        # Nothing is posted of a voucher before its core enterprise confirms it.
        return bool(self.member.roles & _OF_VOUCHERS) and reading.has_vouchers(
            self.book, deal.deal, own
        )


def business_date(ledger: Ledger, book: Book, clock_day: date) -> int:
    """The business date of the day; where a simulated clock runs, the last day with entries."""
    if ledger.settings.clock is not Clock.STEPPED:
        return day_number(clock_day)
    known = (reading.last_day(book, one.deal) or 0 for one in reading.deals(book))
    return max(known, default=0) or day_number(clock_day)


def iso(day: int) -> str:
    """A day as ISO text."""
    return date_of(day).isoformat()


def yes(value: bool) -> str:
    """Yes or no in the user's language."""
    return text("cli.yes" if value else "cli.no")
