"""Standing: where a loan stood at the close of a business day, from its entries alone.

Twice: as the funders hold it, and as if no loss layer had paid. Compensation (代偿) takes a bad
loan off the funders' books, and so hides it: what layers paid of principal and did not get back is
counted again in the view before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from ledger import reading
from ledger.book import Book
from ledger.entries import Kind
from ledger.reading import Posted

MONTH_DAYS = 30
"""Days past due of one step of M0, M1, M2 ..."""
BUCKETS = ("M0", "M1", "M2", "M3", "M4", "M5", "M6", "M7+")
"""M0: not past due. M1: 1 to 29 days, M2: 30 to 59, and so on: 30+ is M2 and worse."""
_WITH_LAYERS = (Kind.COMPENSATION, Kind.RECOVERY, Kind.CLAIM_REPAYMENT)
Layers = Mapping[int, Mapping[int, int]]
"""Number of an entry in the book to what each loss layer paid or got with it."""


class View(StrEnum):
    """Two ways to look at a loan that was compensated."""

    BEFORE = "before"
    """As if no layer had paid."""
    AFTER = "after"
    """As the funders hold it."""


class Ended(StrEnum):
    """How a loan left the buckets."""

    SETTLED = "settled"
    COMPENSATED = "compensated"
    """Nothing of it is left to the funders; in the view after compensation only."""
    WRITTEN_OFF = "written-off"
    REVERSED = "reversed"


class Moved(NamedTuple):
    """What an entry changed, and on which business day. Minor units."""

    day: int
    booked: int = 0
    """1, or -1 where the booking is taken back."""
    disbursed_minor: int = 0
    outstanding_minor: int = 0
    covered_minor: int = 0
    """Principal that layers paid."""
    restored_minor: int = 0
    """What came back to the layers."""
    lost_minor: int = 0
    written_off: int = 0
    compensated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A loan at the close of a business day. Minor units."""

    booked: bool
    disbursed_minor: int
    outstanding_minor: int
    covered_minor: int
    """Principal that layers paid and did not get back."""
    lost_minor: int
    """Written off by the funders and not recovered."""
    written_off: bool
    compensated: bool
    days_past_due: int

    def balance_minor(self, view: View) -> int:
        """What is outstanding in a view; nothing of a loan that was written off."""
        if view is View.AFTER:
            return self.outstanding_minor
        return 0 if self.written_off else self.outstanding_minor + self.covered_minor

    def loss_minor(self, view: View) -> int:
        """Net loss: written off less recovered; before compensation with what layers bore of it."""
        if view is View.BEFORE and self.written_off:
            return self.lost_minor + self.covered_minor
        return self.lost_minor

    def bucket(self, view: View) -> str:
        """One of `BUCKETS`, or how the loan ended."""
        if not self.booked:
            return Ended.REVERSED.value
        if self.written_off:
            return Ended.WRITTEN_OFF.value
        if self.balance_minor(view):
            return BUCKETS[bucket_of(self.days_past_due)]
        ended = Ended.COMPENSATED if self.compensated and self.covered_minor else Ended.SETTLED
        return ended.value


def bucket_of(days_past_due: int) -> int:
    """Index into `BUCKETS`."""
    return min(-(-(days_past_due + 1) // MONTH_DAYS), len(BUCKETS) - 1) if days_past_due else 0


@dataclass(slots=True)
class _Sums:
    """Sums of what moved, and the flags."""

    values: list[int] = field(default_factory=lambda: [0] * (len(Moved._fields) - 1))

    def add(self, moved: Moved) -> None:
        for at, value in enumerate(moved[1:]):
            self.values[at] += value

    def standing(self, days_past_due: int) -> Standing:
        booked, disbursed, outstanding, covered, restored, lost, written_off, compensated = (
            self.values
        )
        return Standing(
            booked=booked > 0,
            disbursed_minor=disbursed,
            outstanding_minor=outstanding,
            covered_minor=max(0, covered - restored),
            lost_minor=lost,
            written_off=written_off > 0,
            compensated=compensated > 0,
            days_past_due=days_past_due,
        )


def standings(entries: Sequence[Posted], layers: Layers, days: Sequence[int]) -> list[Standing]:
    """A loan at the close of each of `days`, which rise; its entries are in chain order."""
    moved = sorted((one for _, one in moves(entries, layers)), key=lambda one: one.day)
    marks = list(_marks(entries))
    sums, at, found = _Sums(), 0, []
    for day in days:
        while at < len(moved) and moved[at].day <= day:
            sums.add(moved[at])
            at += 1
        found.append(sums.standing(_days_past_due(marks, day)))
    return found


def layers_of(book: Book, entries: Sequence[Posted]) -> dict[int, dict[int, int]]:
    """Number of each entry that touched loss layers to what each of them paid or got."""
    return {
        one.number: reading.layer_parts(book, one.number)
        for one in entries
        if (one.mirrored or one.kind) in _WITH_LAYERS
    }


def moves(entries: Sequence[Posted], layers: Layers) -> Iterator[tuple[Posted, Moved]]:
    """What each entry of a loan changed, in chain order; marks and waivers are left out."""
    lost = False
    for posted in entries:
        kind, sign = (posted.mirrored or posted.kind), 1
        if posted.kind is Kind.REVERSAL:
            sign = -1
        principal = sign * sum(leg.principal_minor for leg in posted.legs)
        day = posted.day
        if kind is Kind.BOOKING:
            yield posted, Moved(day, sign, principal, principal)
        elif kind is Kind.REPAYMENT:
            yield posted, Moved(day, outstanding_minor=-principal)
        elif kind is Kind.COMPENSATION:
            own = Moved(day, outstanding_minor=-principal, compensated=sign)
            yield posted, own._replace(covered_minor=principal)
        elif kind is Kind.WRITE_OFF:
            lost = sign > 0
            own = Moved(day, outstanding_minor=-principal, written_off=sign)
            yield posted, own._replace(lost_minor=principal)
        elif kind in (Kind.RECOVERY, Kind.CLAIM_REPAYMENT):
            restored = sign * sum(layers.get(posted.number, {}).values())
            # After a write-off what comes back to the funders is no longer principal.
            if lost:
                yield posted, Moved(day, restored_minor=restored, lost_minor=-principal)
            else:
                yield posted, Moved(day, restored_minor=restored, outstanding_minor=-principal)


def _marks(entries: Sequence[Posted]) -> Iterator[tuple[int, int]]:
    """From which day each mark holds, and since when the loan is overdue by it; 0: cured.

    A cure has no date: it holds from the latest business day that its loan had seen.
    """
    latest = 0
    for posted in entries:
        if posted.kind is Kind.OVERDUE:
            latest = max(latest, posted.date)
            yield posted.date, posted.date
        elif posted.kind is Kind.CURE:
            yield latest, 0
        latest = max(latest, posted.day)


def _days_past_due(marks: Sequence[tuple[int, int]], day: int) -> int:
    since = next((since for held, since in reversed(marks) if held <= day), 0)
    return day - since if since else 0
