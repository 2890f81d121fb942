"""Open breaks: how old they are (差错账龄) and how much is at risk in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from ledger.charts.chart import Axis, Chart, Form, Panel, Point, Scale, Series, Words
from ledger.charts.subject import Subject
from ledger.reconcile.register import BREAKS_FILE, OpenBreak, Register
from ledger.reconcile.report import AGE_BUCKETS, OLDEST, STANDING, bucket_of
from ledger.reporting.deals import shape
from ledger.reporting.report import NOTHING, Column, Row, Shape, Table, Unit

_COLUMNS = (
    Column(key="bucket"),
    Column(key="breaks_held", unit=Unit.COUNT, total=True),
    Column(key="breaks_open", unit=Unit.COUNT, total=True),
    Column(key="at_risk", unit=Unit.AMOUNT, total=True),
)
_BUCKETS = (*(name for name, _ in AGE_BUCKETS), OLDEST)


def open_breaks(subject: Subject) -> Chart:
    """Breaks that nobody has closed, by age on the last day; of all deals where none is named."""
    ledger, book = subject.ledger, subject.book
    if subject.deal:
        subject.found()
    found = _open(subject)
    _, last = subject.days(chain.from_iterable((one.date, one.first_seen) for one in found))
    if subject.last is None:
        found = _open(replace(subject, last=last))
    shapes = {name: shape(book, ledger.deal(name)) for name in {one.deal for one in found}}
    known = list(dict.fromkeys(shapes[one.deal] for one in found))
    if not known:
        known = [subject.shape() if subject.deal else NOTHING]
    tables, amounts = [], []
    for own in known:
        breaks = [one for one in found if shapes[one.deal] == own]
        tables.append(_table(own, breaks, last))
        amounts.append(_amounts(own, tables[-1]))
    return Chart(
        name="breaks",
        title=Words.of("breaks"),
        summary=Words.of("breaks_summary", count=len(found)),
        deal=subject.deal,
        member=subject.member,
        first=last,
        last=last,
        currency=known[0].currency if len(known) == 1 else "",
        decimals=known[0].decimals,
        head_block=book.at[0],
        head_hash=book.at[1],
        panels=(_counts(tables), *amounts),
        tables=tuple(tables),
    )


def _open(subject: Subject) -> list[OpenBreak]:
    if not (subject.ledger.directory / BREAKS_FILE).exists():
        return []
    with Register(subject.ledger.directory) as register:
        deal, member = subject.deal or None, subject.member or None
        found = register.open(deal, member, today=subject.last or 0)
    on_time = [one for one in found if subject.last is None or one.date <= subject.last]
    return [one for one in on_time if one.status in STANDING]


def _table(own: Shape, breaks: Sequence[OpenBreak], today: int) -> Table:
    held, opened, at_risk = Counter[str](), Counter[str](), Counter[str]()
    for one in breaks:
        bucket = bucket_of(one.age_days(today))
        (held if one.status == "held" else opened)[bucket] += 1
        at_risk[bucket] += one.at_risk_minor
    rows = [Row((bucket, held[bucket], opened[bucket], at_risk[bucket])) for bucket in _BUCKETS]
    return own.table("chart_breaks", _COLUMNS, rows)


def _counts(tables: Sequence[Table]) -> Panel:
    """Breaks of all currencies together: those held until tomorrow, and the others."""

    def points(column: int) -> tuple[Point, ...]:
        sums = Counter[int]()
        for table in tables:
            for place, row in enumerate(table.rows):
                value = row.values[column]
                assert isinstance(value, int)
                sums[place] += value
        return tuple(Point(place, sums[place]) for place in range(len(_BUCKETS)))

    return Panel(
        form=Form.COLUMNS,
        title=Words.of("breaks_counted"),
        x=Axis(label=Words.of("axis_age"), scale=Scale.NAME),
        y=Axis(label=Words.of("axis_breaks"), scale=Scale.COUNT),
        names=_BUCKETS,
        series=(
            Series(label=Words.of("break_open"), points=points(2)),
            Series(label=Words.of("break_held"), points=points(1)),
        ),
    )


def _amounts(own: Shape, table: Table) -> Panel:
    values = [row.values[3] for row in table.rows]
    return Panel(
        form=Form.COLUMNS,
        title=Words.of("breaks_at_risk"),
        x=Axis(label=Words.of("axis_age"), scale=Scale.NAME),
        y=Axis(label=Words.of("axis_at_risk"), scale=Scale.AMOUNT, **own._asdict()),
        names=_BUCKETS,
        series=(
            Series(
                label=Words.of("axis_at_risk"),
                points=tuple(
                    Point(place, value)
                    for place, value in enumerate(values)
                    if isinstance(value, int)
                ),
            ),
        ),
    )
