"""Sealing (日终): a party signs its statement of a business day; equal ones of all seal it.

What differs between the statements, and from what the ledger counts itself, is a dispute: it stays
on record, and the day open, until the parties have signed the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ledger import days, reading
from ledger.bindings import label
from ledger.days import Difference, Section
from ledger.errors import Reverted, UsageInvalid
from ledger.messages import text
from ledger.money import date_of, day_number
from ledger.reading import DayStatement

if TYPE_CHECKING:
    from ledger.book import Book
    from ledger.ledger import Ledger

LEDGER = ""
"""In the place of a member: the ledger's own book."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a party signed of a day."""

    member: str
    digest: bytes
    statement: DayStatement
    block: int
    """0 while it waits for a checker, or in a dry run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """What a party's statement says otherwise than another's, or than the ledger's book."""

    member: str
    against: str
    """Another member; `LEDGER`."""
    differences: tuple[Difference, ...]

    @property
    def sections(self) -> tuple[Section, ...]:
        """Those that differ."""
        return tuple(dict.fromkeys(one.section for one in self.differences))


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessDay:
    """A business day of a deal: who signed it, what differs, whether it is sealed."""

    deal: str
    on: date
    currency: str
    since: date
    """The first day that its statement covers."""
    sealed: bool
    sealed_with: date | None
    """The day with which it was sealed: itself or a later one."""
    book: DayStatement | None
    """What the book says; None where it was sealed with a later day, or nobody asked.

    Its root of entries is empty where there are more than whoever asked would wait for."""
    signed: tuple[Signed, ...]
    waiting_for: tuple[str, ...]
    """The signing parties that have not signed it."""
    disputes: tuple[Dispute, ...]
    """Those that stand; none in a sealed day."""
    parties: tuple[str, ...]
    """In the order of `DayStatement.clearing_minor`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySealing:
    """What became of a party's statement of a day."""

    member: str
    digest: bytes
    statement: DayStatement
    action: bytes
    """Id of the action under four eyes; empty where the party had signed this already."""
    waits: bool
    """Whether the checker has still to approve it."""
    day: BusinessDay
    """As it stands then; in a dry run, and while it waits, as it would."""


def seal(
    ledger: Ledger,
    deal: str,
    *,
    on: date,
    by: str,
    breaks: Iterable[bytes] = (),
    statement: DayStatement | None = None,
    dry_run: bool = False,
) -> DaySealing:
    """See `Ledger.seal`."""
    number, found = day_number(on), _active(ledger, deal)
    if statement is None:
        _refuse_within_seal(ledger.book(), found, number)
        statement = days.statement(ledger.book(), found, number, breaks=breaks)
    digest = days.digest(label(deal), number, statement)
    own = reading.day_signatures(ledger.book(), found.deal, number).get(ledger.member(by).number)
    action, waits = b"", False
    if own is None or own.digest != digest:
        call = label(deal), number, statement
        action = ledger.request("Journal", "seal_day", *call, by=by, dry_run=dry_run)
        waits = not ledger.settings.dev
    ahead = None
    if waits or (dry_run and action):
        ahead = Signed(member=by, digest=digest, statement=statement, block=0)
    return DaySealing(
        member=by,
        digest=digest,
        statement=statement,
        action=action,
        waits=waits,
        day=business_day(ledger, deal, on, ahead=ahead, as_sealed=dry_run and not waits),
    )


def signed_breaks(ledger: Ledger, deal: str, on: date, member: str) -> tuple[bytes, ...]:
    """The breaks that a member listed when it signed a day. Raises `UsageInvalid`."""
    found, own = ledger.deal(deal), ledger.member(member)
    signature = reading.day_signatures(ledger.book(), found.deal, day_number(on)).get(own.number)
    if signature is None:
        raise UsageInvalid(
            text("seal.not_signed", deal=deal, date=on.isoformat()),
            found=member,
            fix=text("seal.not_signed_fix"),
        )
    return signature.statement.breaks


def check_breaks(hashes: Iterable[bytes]) -> None:
    """Raises `UsageInvalid` for more breaks than a statement can list."""
    count = len({*hashes})
    if count > reading.MAX_BREAKS:
        raise UsageInvalid(
            text("seal.breaks_many"),
            expected=text("seal.breaks_many_expected", most=reading.MAX_BREAKS),
            found=str(count),
            fix=text("seal.breaks_many_fix"),
        )


def business_day(
    ledger: Ledger,
    deal: str,
    on: date,
    *,
    ahead: Signed | None = None,
    as_sealed: bool = False,
    entries_max: int | None = None,
) -> BusinessDay:
    """A business day as it stands; `ahead`: as if that was signed already, too.

    `as_sealed`: and as sealed if nothing would be in the way. `entries_max`: the root of more
    entries is left empty, and what is signed not compared with it. Raises `Reverted` for a deal
    that is not active.
    """
    look = _Look.of(ledger, deal)
    return look.day(day_number(on), ahead=ahead, as_sealed=as_sealed, entries_max=entries_max)


def listed_days(ledger: Ledger, deal: str) -> list[tuple[int, int]]:
    """Days that a party signed, and those with entries that are not sealed, oldest first.

    Days since 1970-01-01, each with the number of entries on it that are not sealed yet.
    """
    found, book = _active(ledger, deal), ledger.book()
    entries = reading.open_days(book, found.deal, found.sealed_through)
    every = sorted({*entries, *reading.signed_days(book, found.deal)})
    return [(day, entries.get(day, 0)) for day in every]


def business_days(
    ledger: Ledger, deal: str, listed: Sequence[tuple[int, int]] | None = None
) -> list[tuple[BusinessDay, int]]:
    """The days of `listed_days`, or those of them that are given, as they stand.

    Each takes a few reads however many entries it has: the root of more than a thousand is left
    out, so a signature that differs in it alone, and from the book alone, is not said to.
    """
    look = _Look.of(ledger, deal)
    days_asked = listed_days(ledger, deal) if listed is None else listed
    return [
        (look.day(day, brief=True, entries_max=days.LISTED_MAX), entries)
        for day, entries in days_asked
    ]


def sealed_through(ledger: Ledger, deal: str) -> date | None:
    """The last sealed day of a deal; None before the first."""
    found = ledger.deal(deal).sealed_through
    return date_of(found) if found else None


def latest_day(ledger: Ledger, deal: str) -> date:
    """The newest day that a party signed, or else that has entries. Raises `UsageInvalid`."""
    found, book = ledger.deal(deal), ledger.book()
    entries = reading.open_days(book, found.deal, found.sealed_through)
    every = reading.signed_days(book, found.deal) or [*entries]
    if not every:
        raise UsageInvalid(text("seal.no_day", deal=deal))
    return date_of(max(every))


def _active(ledger: Ledger, deal: str) -> reading.Deal:
    found = ledger.deal(deal)
    if not found.version:
        raise Reverted("DEAL_NOT_ACTIVE")
    return found


def _sealed_with(book: Book, deal: reading.Deal, day: int) -> int | None:
    later = [seal.day for seal in reading.seals(book, deal.deal) if seal.day >= day]
    return later[0] if later else None


def _refuse_within_seal(book: Book, deal: reading.Deal, day: int) -> None:
    """The totals of a day that was sealed with a later one are no longer apart."""
    if _sealed_with(book, deal, day) not in (None, day):
        raise Reverted("DAY_SEALED")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What is the same for every day of a deal that is looked at."""

    book: Book
    deal: reading.Deal
    names: dict[int, str]
    parties: tuple[str, ...]
    signers: tuple[str, ...]
    currency: str
    sealed: tuple[int, ...]
    """The days with seals of their own, oldest first."""
    first_day: int | None

    @classmethod
    def of(cls, ledger: Ledger, deal: str) -> _Look:
        """Raises `Reverted` for a deal that is not active."""
        found, book = _active(ledger, deal), ledger.book()
        names = {member.number: member.member_id for member in reading.members(book)}
        terms = reading.versions(book, found.deal)[found.version - 1].terms
        return cls(
            book=book,
            deal=found,
            names=names,
            parties=tuple(names[party] for party in terms.parties),
            signers=tuple(names[party] for party in days.signing_parties(book, found)),
            currency=terms.currency.to_bytes(3, "big").decode("ascii"),
            sealed=tuple(seal.day for seal in reading.seals(book, found.deal)),
            first_day=reading.first_day(book, found.deal),
        )

    def day(
        self,
        number: int,
        *,
        ahead: Signed | None = None,
        as_sealed: bool = False,
        brief: bool = False,
        entries_max: int | None = None,
    ) -> BusinessDay:
        """See `business_day`. `brief`: the book's statement only where it is compared."""
        signed = self._signed(number)
        if ahead is not None:
            signed[ahead.member] = ahead
        place = bisect_left(self.sealed, number)
        sealed_with = self.sealed[place] if place < len(self.sealed) else None
        within = sealed_with is not None and sealed_with != number
        spared = brief and (sealed_with is not None or not signed)
        own = None
        if not within and not spared:
            own = days.statement(self.book, self.deal, number, entries_max=entries_max)
        waiting = tuple(member for member in self.signers if member not in signed)
        disputes: tuple[Dispute, ...] = ()
        if own is not None and sealed_with is None:
            named = {one: signed[one] for one in self.signers if one in signed}
            disputes = _disputes(own, named, self.parties)
        if as_sealed and not waiting and not disputes:
            sealed_with = sealed_with or number
        before = self.sealed[place - 1] + 1 if place else min(self.first_day or number, number)
        return BusinessDay(
            deal=self.deal.name,
            on=date_of(number),
            currency=self.currency,
            since=date_of(before),
            sealed=sealed_with is not None,
            sealed_with=None if sealed_with is None else date_of(sealed_with),
            book=own,
            signed=tuple(signed.values()),
            waiting_for=() if sealed_with is not None else waiting,
            disputes=disputes,
            parties=self.parties,
        )

    def _signed(self, number: int) -> dict[str, Signed]:
        found = reading.day_signatures(self.book, self.deal.deal, number)
        return {
            self.names[party]: Signed(
                member=self.names[party],
                digest=one.digest,
                statement=one.statement,
                block=one.block,
            )
            for party, one in found.items()
        }


def _disputes(
    book: DayStatement, signed: Mapping[str, Signed], parties: tuple[str, ...]
) -> tuple[Dispute, ...]:
    """Every signature against the book, and against each that was signed before it."""
    found = []
    before: list[Signed] = []
    for one in signed.values():
        # The book knows of no breaks.
        mine = book._replace(breaks=one.statement.breaks)
        for against, other in ((LEDGER, mine), *((two.member, two.statement) for two in before)):
            differences = days.differences(one.statement, other, parties)
            if differences:
                found.append(
                    Dispute(member=one.member, against=against, differences=tuple(differences))
                )
        before.append(one)
    return tuple(found)
