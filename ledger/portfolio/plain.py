"""Plain: loans that were only booked and repaid, added up by when that was.

Such a loan is never past due, so what it came to at a close follows from when it was booked, when
it was settled, and what was repaid until then: loans alike in these are one sum, however many.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ledger.book import Book
from ledger.money import date_of
from ledger.reading.lending import Course, plain_courses
from ledger.reckoning import month_of


@dataclass(slots=True)
class Alike:
    """Loans of one month, booked and settled between the same closes. Minor units."""

    vintage: int
    """The month of disbursement: year * 12 + month - 1."""
    booked: int
    """Index of the first close after the booking,"""
    settled: int
    """and of the first without a balance; the number of closes where there is none."""
    loans: int = 0
    disbursed_minor: int = 0
    repaid_minor: list[int] = field(default_factory=list)
    """By the first close after it."""

    def balance_minor(self, close: int) -> int:
        """What is outstanding at a close, by its index, from the one after the booking on."""
        return self.disbursed_minor - sum(self.repaid_minor[: close + 1])


def plain_loans(book: Book, deal: int, closes: Sequence[int]) -> Iterator[Alike]:
    """The loans of a deal that were only booked and repaid, and booked by the last close.

    `closes`: days since 1970-01-01, rising.
    """
    after, months = _After(closes), _Months()
    found: dict[tuple[int, int, int], Alike] = {}
    for start, entries in plain_courses(book, deal):
        _take(found, entries, months[start], after)
    yield from found.values()


def _take(
    found: dict[tuple[int, int, int], Alike],
    entries: Sequence[Course],
    vintage: int,
    after: _After,
) -> None:
    none = after.none
    booked = none
    settled = disbursed = left = 0
    repaid: list[tuple[int, int]] = []
    for _, is_booking, day, amount in entries:
        close = after[day]
        if is_booking:
            booked = close
            disbursed = amount
            left += amount
        elif close < none and amount:
            repaid.append((close, amount))
            left -= amount
            settled = max(settled, close)
    if booked == none:
        return
    key = vintage, booked, none if left else max(settled, booked)
    alike = found.get(key)
    if alike is None:
        alike = found[key] = Alike(*key, repaid_minor=[0] * none)
    alike.loans += 1
    alike.disbursed_minor += disbursed
    for close, amount in repaid:
        alike.repaid_minor[close] += amount


class _After(dict[int, int]):
    """Day to the index of the first close on or after it."""

    def __init__(self, closes: Sequence[int]) -> None:
        super().__init__()
        self._closes = closes
        self.none = len(closes)

    def __missing__(self, day: int) -> int:
        close = self[day] = bisect_left(self._closes, day)
        return close


class _Months(dict[int, int]):
    """Day to its month."""

    def __missing__(self, day: int) -> int:
        month = self[day] = month_of(date_of(day))
        return month
