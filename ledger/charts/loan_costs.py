"""Loan costs: how the all-in cost of loans is spread (综合融资成本分布), against the ceiling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from typing import NamedTuple

from ledger.charts.chart import Axis, Chart, Form, Mark, Panel, Point, Scale, Series, Words
from ledger.charts.subject import Subject
from ledger.events import Particulars
from ledger.money import date_of, format_percent
from ledger.portfolio.all_in import all_in_ppm, documents
from ledger.reading.journal import booked_loans, one_state
from ledger.reporting.report import Column, Row, Unit
from ledger.terms import Terms

_COLUMNS = (
    Column(key="cost_above", unit=Unit.RATE),
    Column(key="cost_up_to", unit=Unit.RATE),
    Column(key="loans", unit=Unit.COUNT, total=True),
    Column(key="principal", unit=Unit.AMOUNT, total=True),
    Column(key="over_ceiling", unit=Unit.COUNT, total=True),
)
_WIDTHS_PPM = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000)
"""Of a column: 0.1 %, 0.2 % and so on."""
_COLUMNS_MAX = 24


class _Priced(NamedTuple):
    """A loan with what it costs a year."""

    cost_ppm: int
    principal_minor: int
    ceiling_ppm: int | None
    """Of the day it started on; None where there is none."""


def loan_costs(subject: Subject) -> Chart:
    """Loans that started on the days by what they cost their borrowers a year."""
    book, found, shape = subject.book, subject.found(), subject.shape()
    known = documents(subject.ledger, book, found)

    @cache
    def ceiling(version: int, start: date) -> int | None:
        return _ceiling(known[version], start) if version in known else None

    with one_state(book):
        starts, priced = set(), []
        for one in booked_loans(book, found.deal):
            start = Particulars.unpack(one.loan.particulars).start_date
            if one.loan.reversed or not subject.holds(start):
                continue
            starts.add(start)
            version = one.loan.version
            cost = all_in_ppm(one.loan, known.get(version))
            own = ceiling(version, date_of(start))
            priced.append(_Priced(cost, one.loan.principal_minor, own))
        at = book.at
    first, last = subject.days(starts)
    width = _width([one.cost_ppm for one in priced])
    rows = _rows(priced, width)
    ceilings = sorted({one.ceiling_ppm for one in priced if one.ceiling_ppm is not None})
    over = sum(number for _, _, _, _, number in rows)
    return subject.chart(
        "costs",
        title=Words.of("costs"),
        days=(first, last),
        at=at,
        summary=Words.of("costs_summary", loans=len(priced), over=over),
        panels=(
            Panel(
                form=Form.COLUMNS,
                x=Axis(label=Words.of("axis_cost"), scale=Scale.RATE),
                y=Axis(label=Words.of("axis_loans"), scale=Scale.COUNT),
                series=(
                    Series(
                        label=Words.of("axis_loans"),
                        points=tuple(Point(above, count) for above, _, count, _, _ in rows),
                    ),
                ),
                width=width,
                marks=tuple(
                    Mark(Words.of("ceiling", rate=format_percent(one)), one) for one in ceilings
                ),
            ),
        ),
        tables=(shape.table("chart_costs", _COLUMNS, [Row(row) for row in rows]),),
        notes=() if len(known) == found.version else (Words.of("costs_note"),),
    )


def _ceiling(terms: Terms, start: date) -> int | None:
    """What a loan of that day may cost; its rate's limit where no cost is limited."""
    held = terms.limits_at(start)
    if held.max_all_in_cost_ppm is not None:
        return held.max_all_in_cost_ppm
    return held.max_annual_rate_ppm


def _width(costs_ppm: Sequence[int]) -> int:
    """The least width with which there are not too many columns."""
    least, most = min(costs_ppm, default=0), max(costs_ppm, default=0)
    fitting = (width for width in _WIDTHS_PPM if (most - least) // width < _COLUMNS_MAX)
    return next(fitting, -(-(most - least) // _COLUMNS_MAX) or 1)


def _rows(priced: Iterable[_Priced], width: int) -> list[tuple[int, int, int, int, int]]:
    """Every column from the first with a loan to the last: its bounds, loans, principal, over."""
    loans, principal, over = Counter[int](), Counter[int](), Counter[int]()
    for one in priced:
        # What costs exactly an upper bound is under it: a ceiling is kept by what reaches it.
        own = max(0, -(-one.cost_ppm // width) - 1)
        loans[own] += 1
        principal[own] += one.principal_minor
        over[own] += one.ceiling_ppm is not None and one.cost_ppm > one.ceiling_ppm
    places = range(min(loans), max(loans) + 1) if loans else range(0)
    return [
        (own * width, (own + 1) * width, loans[own], principal[own], over[own]) for own in places
    ]
