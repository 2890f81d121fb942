"""Ages: vintage curves (账龄) and roll rates (滚动率), before compensation and after it.

Compensation takes a bad loan off the funders' books; so each is drawn twice, on the same axis.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from ledger.charts.chart import Axis, Chart, Form, Label, Panel, Point, Scale, Series, Words
from ledger.charts.subject import Subject, days_of, rate_ppm
from ledger.periods import month_text
from ledger.portfolio.ageing import Ageing, ageing
from ledger.portfolio.standing import BUCKETS, View
from ledger.portfolio.vintages import PAST_DUE_DAYS
from ledger.reading.journal import moves, one_state
from ledger.reporting.report import Column, Row, Unit

VINTAGES_DRAWN = 12
"""The newest; the table has all."""
_ROLL_COLUMNS = (
    Column(key="month"),
    Column(key="bucket"),
    Column(key="balance", unit=Unit.AMOUNT),
    Column(key="rolled_worse", unit=Unit.AMOUNT),
    Column(key="rate", unit=Unit.RATE),
)
_Lines = dict[Label, list[Point]]
_Place = tuple[Path, bytes, int, int, int]
"""Folder of a ledger, hash of its newest block, deal, first and last day."""
_KEPT_MAX = 8
_kept: dict[_Place, Ageing] = {}
"""Passes over all loans: both charts need the same one, and the page of a chart and its picture."""


def vintages(subject: Subject) -> Chart:
    """Of every month's loans what share is overdue, by months on book."""
    days = subject.days_past_due
    place = PAST_DUE_DAYS.index(days)
    columns = (
        Column(key="vintage"),
        Column(key="months_on_book", unit=Unit.COUNT),
        Column(key="loans", unit=Unit.COUNT),
        Column(key="disbursed", unit=Unit.AMOUNT),
        Column(key=f"past_due_{days}", unit=Unit.AMOUNT),
        Column(key="rate", unit=Unit.RATE),
    )
    first, last, at, found = _looked(subject)
    shape = subject.shape()
    drawn = sorted({age.vintage for age, _ in found.vintages.rows(View.BEFORE)})[-VINTAGES_DRAWN:]
    panels, tables, count = [], [], 0
    for view in View:
        rows, lines = [], _Lines({month_text(one): [] for one in drawn})
        for age, cell in found.vintages.rows(view):
            overdue, name = cell.past_due_minor[place], month_text(age.vintage)
            rate = rate_ppm(overdue, cell.disbursed_minor)
            own = (cell.loans, cell.disbursed_minor, overdue, rate)
            rows.append(Row((name, age.months_on_book, *own)))
            if name in lines:
                lines[name].append(Point(age.months_on_book, rate))
        tables.append(shape.table(f"chart_vintages_{view.value}", columns, rows))
        x = Axis(label=Words.of("axis_months"), scale=Scale.COUNT)
        panels.append(_panel(view, x, Words.of("axis_overdue", days=days), lines))
        count = len({row.values[0] for row in rows})
    notes = () if count <= len(drawn) else (Words.of("vintages_note", drawn=len(drawn), of=count),)
    title = Words.of("vintages", days=days)
    summary = Words.of("vintages_summary", vintages=len(drawn), days=days)
    return subject.chart(
        "vintages", title=title, summary=summary, days=(first, last), at=at, panels=panels,
        tables=tables, notes=notes,
    )  # fmt: skip


def rolls(subject: Subject) -> Chart:
    """Of every bucket what share was worse off a month later."""
    first, last, at, found = _looked(subject)
    shape = subject.shape()
    panels, tables = [], []
    for view in View:
        rates = sorted(
            found.rolls.rates(view), key=lambda one: (one.month, BUCKETS.index(one.origin))
        )
        rows = [Row((month_text(one.month), *one[1:])) for one in rates]
        by_bucket = defaultdict[str, list[Point]](list)
        for one in rates:
            by_bucket[one.origin].append(
                Point(one.month, one.rate_ppm if one.balance_minor else None)
            )
        lines = _Lines({bucket: by_bucket[bucket] for bucket in BUCKETS if bucket in by_bucket})
        tables.append(shape.table(f"chart_rolls_{view.value}", _ROLL_COLUMNS, rows))
        x = Axis(label=Words.of("axis_month"), scale=Scale.MONTH)
        panels.append(_panel(view, x, Words.of("axis_rolled"), lines))
    summary = Words.of("rolls_summary", months=len(found.months))
    return subject.chart(
        "rolls", title=Words.of("rolls"), summary=summary, days=(first, last), at=at, panels=panels,
        tables=tables,
    )  # fmt: skip


def _looked(subject: Subject) -> tuple[int, int, tuple[int, bytes], Ageing]:
    book, found = subject.book, subject.found()
    with one_state(book):
        first, last = subject.days(days_of(moves(book, found.deal)))
        place = subject.ledger.directory.resolve(), book.at[1], found.deal, first, last
        aged = _kept.get(place) or ageing(book, found.deal, first, last)
        at = book.at
    _keep(place, aged)
    return first, last, at, aged


def _keep(place: _Place, aged: Ageing) -> None:
    """Keep the newest few; what a newer block made old is asked for no more."""
    _kept[place] = aged
    for old in list(_kept)[:-_KEPT_MAX]:
        _kept.pop(old, None)


def _panel(view: View, x: Axis, label: Label, lines: _Lines) -> Panel:
    return Panel(
        form=Form.LINES,
        title=Words.of(f"view_{view.value}"),
        x=x,
        y=Axis(label=label, scale=Scale.RATE),
        series=tuple(
            Series(label=name, points=tuple(points)) for name, points in lines.items() if points
        ),
    )
