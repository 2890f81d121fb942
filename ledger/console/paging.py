"""Paging: which rows of a table one page has, and in what order, as its address asks.

`?table=KEY&page=N&sort=COLUMN` is about one table of a page; `-COLUMN` is downwards. The others
stay as they are. CSV and JSON have every row, in the table's own order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ledger.reporting.report import Value, plain_of

ROWS_SHOWN = 200
"""Of a table in HTML: a page is read by a person."""
WHOLE = ("csv", "json")
"""Forms that have every row."""
_PAGE_DIGITS = 7


class Wish(NamedTuple):
    """What the address asks of a table."""

    page: int = 1
    column: str = ""
    """Key of the column that it is sorted by; empty: as it is."""
    down: bool = False
    whole: bool = False
    """Whether the form has every row."""

    def within(self, count: int) -> Wish:
        """The last page of a list of that many rows, where it asks for one after that."""
        return self._replace(page=min(self.page, pages(count)))

    @property
    def first(self) -> int:
        """Rows that are left out before it."""
        return 0 if self.whole else (self.page - 1) * ROWS_SHOWN

    @property
    def most(self) -> int:
        """Rows that are wanted; -1: all that follow, as SQL says it."""
        return -1 if self.whole else ROWS_SHOWN

    @property
    def sort(self) -> str:
        """As the address has it."""
        return f"-{self.column}" if self.down else self.column


class Span(NamedTuple):
    """Where rows that are of one page already lie in the list that they are of."""

    first: int
    whole: int
    """Rows of the whole list."""
    totals: Mapping[str, int]
    """Of the whole list, by column."""


def wished(query: Mapping[str, str], key: str) -> Wish:
    """What an address asks of the table of that key; what cannot be read is not asked for."""
    if query.get("format") in WHOLE:
        return Wish(whole=True)
    if query.get("table") != key:
        return Wish()
    page, sort = query.get("page", ""), query.get("sort", "")
    known = page.isascii() and page.isdecimal() and len(page) <= _PAGE_DIGITS
    return Wish(max(1, int(page)) if known else 1, sort.removeprefix("-"), sort.startswith("-"))


def order(values: Sequence[Sequence[Value]], at: int, *, down: bool) -> list[int]:
    """Places of rows in the order of their column `at`; those without a value come last."""

    def place(row: int) -> tuple[bool, Any]:
        plain = plain_of(values[row][at])
        return isinstance(plain, str), plain

    known = [row for row, own in enumerate(values) if plain_of(own[at]) is not None]
    rest = [row for row, own in enumerate(values) if plain_of(own[at]) is None]
    return [*sorted(known, key=place, reverse=down), *rest]


def pages(count: int) -> int:
    """How many pages a list of that many rows has."""
    return max(1, -(-count // ROWS_SHOWN))
