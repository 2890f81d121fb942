"""List checks (名单制): whether a funder's list named a party on the day of a loan.

Twice: as the list was when the loan was booked, and as it says today, for a list may be changed
later for days that are past.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from ledger import reading
from ledger.book import Book
from ledger.events import DealTerms, ListRole
from ledger.reading import ListChange
from ledger.replay.lists import asked_of_list


class Membership(StrEnum):
    """What a list says of a party, a role and a day."""

    LISTED = "listed"
    NOT_LISTED = "not-listed"
    """No change of the list covers the day."""
    TAKEN_OFF = "taken-off"
    NO_LIST = "no-list"
    """The funder kept none: nothing binds."""


class ListCheck(NamedTuple):
    """A party in a role on a funder's list."""

    funder: int
    party: int
    role: ListRole
    booked: Membership
    """By the changes up to the block of the booking,"""
    now: Membership
    """and by all of them."""
    change: ListChange | None
    """The one that decided at the booking."""


class ListChecks:
    """Knows every change of the lists of a deal's funders."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._changes: dict[int, Sequence[ListChange]] = {}

    def check(self, terms: DealTerms, day: int, block: int) -> list[ListCheck]:
        """Every funder's list for a loan of a day that was booked in a block."""
        found = []
        for funder in terms.parties[: len(terms.shares_ppm)]:
            changes = self._of(funder)
            kept = any(one.block <= block for one in changes)
            for party, role in asked_of_list(terms, funder):
                own = [one for one in changes if (one.party, one.role) == (party, role.bit)]
                before = [one for one in own if one.block <= block]
                booked, decided = _says(before, day, kept=kept)
                now, _ = _says(own, day, kept=bool(changes))
                found.append(ListCheck(funder, party, role, booked, now, decided))
        return found

    def _of(self, funder: int) -> Sequence[ListChange]:
        if funder not in self._changes:
            self._changes[funder] = reading.list_changes(self._book, funder)
        return self._changes[funder]


def _says(
    changes: Sequence[ListChange], day: int, *, kept: bool
) -> tuple[Membership, ListChange | None]:
    """The newest change that covers the day decides."""
    covering = [one for one in changes if one.from_date <= day <= one.to_date]
    if covering:
        decided = covering[-1]
        return (Membership.LISTED if decided.listed else Membership.TAKEN_OFF), decided
    return (Membership.NOT_LISTED if kept else Membership.NO_LIST), None
