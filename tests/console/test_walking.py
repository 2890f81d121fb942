"""Walking: no page goes through all entries of a deal; counted in steps of SQLite, not in time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from bench.console_book import BANK, DAYS, FIRST_DAY, OPEN, SEALED, made_ledger
from ledger import finding, reading
from ledger.console import routes
from ledger.console.pages import days, position
from ledger.console.view import NotShown, View
from ledger.errors import Reverted
from ledger.ledger import Ledger
from ledger.money import date_of
from ledger.reconcile.register import Register

SHORT, LONG = 330, 3_300
"""Loans of each deal: the long book has ten times the entries, on as many days."""
GROWTH, ROWS = 1.5, 20_000
"""What a page may take more on the long book: a list that fills its page, not one entry after another."""
LEFT_OUT = {"/charts/{name}", "/reports/{name}"}
"""They go through every loan when they are first asked for."""


@dataclass
class Steps:
    """Instructions of SQLite's machine, of every connection that was opened since."""

    count: int = 0

    def counting(self, connect: Callable[..., sqlite3.Connection]) -> Callable[..., sqlite3.Connection]:
        def opened(*given: Any, **named: Any) -> sqlite3.Connection:
            connection = connect(*given, **named)
            connection.set_progress_handler(self._one_more, 1)
            return connection

        return opened

    def _one_more(self) -> None:
        self.count += 1


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Ledger, Steps]]]:
    opened = []
    for loans in (SHORT, LONG):
        folder: Path = made_ledger(tmp_path_factory.mktemp("book") / str(loans), loans)
        steps = Steps()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite3, "connect", steps.counting(sqlite3.connect))
            ledger = Ledger.open(folder)
            finding.follow(ledger)
        opened.append((ledger, steps))
    yield opened
    for ledger, _ in opened:
        ledger.close()


def own(ledger: Ledger, deal: reading.Deal, kind: str) -> str | None:
    """Something of a deal with an address of its own."""
    book = ledger.book()
    if kind == "breaks":
        with Register(ledger.directory) as register:
            return next(one.hash for one in register.open(member=BANK, today=FIRST_DAY + DAYS)).hex()
    kinds = {"loans": "booking", "bookings": "booking", "entries": "repayment"}
    if kind not in kinds:
        return None
    query = "SELECT entry_id FROM entries WHERE deal = ? AND kind = ? LIMIT 1"
    row = book.connection.execute(query, (deal.deal, kinds[kind])).fetchone()
    return bytes(row[0]).hex()


def asked(ledger: Ledger, deal: str, path: str) -> dict[str, str] | None:
    """What an address says of a page of a deal; None where the book has no such thing."""
    known = {"deal": deal, "number": "1", "day": date_of(FIRST_DAY + DAYS - 1).isoformat(),
             "month": "2026-03", "account": "loans"}  # fmt: skip
    matched = {}
    parts = path.strip("/").split("/")
    for before, part in zip(["", *parts], parts, strict=False):
        if part.startswith("{"):
            name = part.strip("{}")
            value = own(ledger, ledger.deal(deal), before) if name == "own" else known.get(name)
            if value is None:
                return None
            matched[name] = value
    return matched


def taken(ledger: Ledger, steps: Steps, route: routes.Route, matched: dict[str, str], query: dict[str, str]) -> int:
    """Steps of a page, with everything that opens a file of its own counted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", steps.counting(sqlite3.connect))
        # As for a deal of very many: what is left out of the page then is not gone through.
        patch.setattr(days, "ROOTED_MAX", SHORT)
        patch.setattr(position, "LOANS_MAX", SHORT - 1)
        view = View(ledger=ledger, book=ledger.book(), member=ledger.member(BANK), today=FIRST_DAY + DAYS,
                    query=query)  # fmt: skip
        steps.count = 0
        routes.made(route, view, matched)
    return steps.count


QUERIES = {
    "/loans": [{"q": "L-"}, {"q": "R-s0000001-0"}],
    "/deals/{deal}/loans": [{}, {"show": "overdue"}, {"show": "claims_due"}, {"q": "L-"}],
    "/deals/{deal}/days/{day}": [{}],
    "/deals/{deal}/entries": [
        {},
        {"from": date_of(FIRST_DAY).isoformat(), "kind": "repayment", "table": "entries", "page": "2"},
    ],
    "/position": [{"date": date_of(FIRST_DAY + 70).isoformat()}],
}
PAGES = [
    (route, deal)
    for route in routes.PAGES
    for deal in ((SEALED, OPEN) if "{deal}" in route.path else (SEALED,))
    if route.path not in LEFT_OUT
]


@pytest.mark.parametrize(("route", "deal"), PAGES, ids=lambda one: one if isinstance(one, str) else one.path)
def test_a_page_takes_as_long_for_a_deal_of_many_entries(
    books: list[tuple[Ledger, Steps]], route: routes.Route, deal: str
) -> None:
    for query in QUERIES.get(route.path, [{}]):
        counts = []
        for ledger, steps in books:
            matched = asked(ledger, deal, route.path)
            if matched is None:
                pytest.skip("the book has no such thing")
            try:
                counts.append(taken(ledger, steps, route, matched, query))
            except (NotShown, Reverted):
                pytest.skip("the book has no such thing")
        short, long = counts
        assert 0 < long <= short * GROWTH + ROWS, (query, short, long)


def test_the_book_is_one_that_walking_would_show(books: list[tuple[Ledger, Steps]]) -> None:
    """One pass over the entries of a deal is more than a page may take."""
    ledger, steps = books[-1]
    found = ledger.deal(SEALED)
    steps.count = 0
    assert sum(1 for _ in reading.counted(ledger.book(), found.deal, 0, date.max.toordinal())) > 9_000
    assert steps.count > 3 * ROWS
