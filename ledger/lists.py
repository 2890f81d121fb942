"""Lists (名单制): with whom a bank may do business, in which role and on which days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ledger import reading
from ledger.events import ListRole
from ledger.money import date_of, day_number

if TYPE_CHECKING:
    from ledger.ledger import Ledger

OPEN_END = 65_535
"""The last day of an entry of a list that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListEntry:
    """What a bank's list says of a party in a role, by one change of it."""

    party: str
    role: ListRole
    listed: bool
    from_date: date
    to_date: date | None
    """Inclusive; None while there is no end."""
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChanged:
    """What became of a change of a list."""

    action: bytes
    """Id of the action under four eyes; empty when the list said so already."""
    waits: bool
    """Whether the checker has still to approve it."""


def change(
    ledger: Ledger,
    *,
    bank: str,
    party: str,
    role: ListRole,
    listed: bool,
    from_date: date,
    to_date: date | None = None,
    by: str = "",
    dry_run: bool = False,
) -> ListChanged:
    """Put a party on a bank's list from a day on, or take it off; both days inclusive.

    Under four eyes of the bank; `by` acts, by default the bank. The newest change that covers a
    day decides. Nothing is asked for when the newest change of all says just that. Raises
    `UsageInvalid` for members that there are none of, `Reverted` (`SENDER_NOT_BANK`, ...).
    """
    owner, other = ledger.member(bank), ledger.member(party)
    until = OPEN_END if to_date is None else day_number(to_date)
    wanted = (listed, day_number(from_date), until)
    known = [
        (found.listed, found.from_date, found.to_date)
        for found in reading.list_changes(ledger.book(), owner.number)
        if (found.party, found.role) == (other.number, role.bit)
    ]
    if known and known[-1] == wanted:
        return ListChanged(action=b"", waits=False)
    action = ledger.request(
        "Lists", "change", owner.number, other.number, role.bit, *wanted,
        by=by or bank, dry_run=dry_run,
    )  # fmt: skip
    return ListChanged(action=action, waits=not ledger.settings.dev)


def history(ledger: Ledger, bank: str) -> list[ListEntry]:
    """Every change of a bank's list, oldest first. Raises `UsageInvalid`."""
    number = ledger.member(bank).number
    book = ledger.book()
    names = {member.number: member.member_id for member in reading.members(book)}
    return [
        ListEntry(
            party=names[found.party],
            role=ListRole.of(found.role),
            listed=found.listed,
            from_date=date_of(found.from_date),
            to_date=None if found.to_date == OPEN_END else date_of(found.to_date),
            block=found.block,
        )
        for found in reading.list_changes(book, number)
    ]


def listed_on(entries: list[ListEntry], day: date) -> list[ListEntry]:
    """Of a list's history, the changes by which a party is listed on a day, by party and role."""
    newest = {
        (entry.party, entry.role): entry
        for entry in entries
        if entry.from_date <= day and (entry.to_date is None or day <= entry.to_date)
    }
    return [newest[place] for place in sorted(newest) if newest[place].listed]
