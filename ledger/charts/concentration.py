"""Partner concentration (合作方集中度): what a funder has out with each group of partners.

A deal with several partners counts in full to each of their groups, as the limit on a partner
counts it; so the parts may be more than the whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ledger import reading
from ledger.charts.chart import Axis, Chart, Form, Label, Panel, Point, Scale, Series, Words
from ledger.charts.subject import Subject, days_of, rate_ppm
from ledger.errors import UsageInvalid
from ledger.figures import Exposure, exposures
from ledger.limits import limit_name
from ledger.messages import text
from ledger.money import currency_decimals, date_of, format_percent, half_up
from ledger.reading.journal import moves, one_state
from ledger.reporting.report import Column, Row, Shape, Table, Unit
from ledger.waterfall import Account

_COLUMNS = (
    Column(key="partner"),
    Column(key="out", unit=Unit.AMOUNT),
    Column(key="of_all", unit=Unit.RATE),
    Column(key="limit_rate", unit=Unit.RATE),
    Column(key="limit_amount", unit=Unit.AMOUNT),
    Column(key="counted", unit=Unit.AMOUNT),
)
_LIMIT = limit_name("max_concentration_ppm")


class _Deal(NamedTuple):
    """A deal in which the member funds."""

    number: int
    currency: str
    groups: frozenset[int]
    """Of partners, by the member that names each."""


@dataclass(slots=True)
class _Out:
    """What the member has out in one currency. Minor units."""

    all_minor: int = 0
    by_group: Counter[int] = field(default_factory=Counter)


def concentration(subject: Subject) -> Chart:
    """What a member has out at the close of the last day. Raises `UsageInvalid`."""
    ledger, book = subject.ledger, subject.book
    member = _member(subject)
    own = ledger.member(member).number
    with one_state(book):
        funded = list(_deals(subject, own))
        moved = {day for deal in funded for day in days_of(moves(book, deal.number))}
        _, last = subject.days(moved)
        out: defaultdict[str, _Out] = defaultdict(_Out)
        for deal in funded:
            lent = reading.closing(book, deal.number, last).get((own, Account.LOANS), 0)
            out[deal.currency].all_minor += lent
            for group in deal.groups:
                out[deal.currency].by_group[group] += lent
        at, names = book.at, subject.names()
    limits = {
        (one.currency, one.group): one
        for one in exposures(ledger, member, date_of(last))
        if one.limit == _LIMIT
    }
    shapes = [Shape(currency, currency_decimals(currency)) for currency in sorted(out)]
    tables = [_table(shape, out[shape.currency], names, limits) for shape in shapes]
    return Chart(
        name="concentration",
        title=Words.of("concentration", member=member),
        summary=Words.of(
            "concentration_summary", member=member, groups=sum(len(one.rows) for one in tables)
        ),
        deal="",
        member=member,
        first=last,
        last=last,
        currency=shapes[0].currency if len(shapes) == 1 else "",
        decimals=shapes[0].decimals if shapes else 2,
        head_block=at[0],
        head_hash=at[1],
        panels=tuple(map(_panel, tables)),
        tables=tuple(tables),
        notes=(Words.of("concentration_note"),),
    )


def _member(subject: Subject) -> str:
    """Who is asked about; without a name the lead funder of the deal."""
    if subject.member:
        return subject.member
    if not subject.deal:
        raise UsageInvalid(text("cli.as_missing"), fix=text("cli.as_missing_fix"))
    newest = reading.versions(subject.book, subject.found().deal)[-1].terms
    return subject.names()[newest.parties[0]]


def _deals(subject: Subject, member: int) -> Iterator[_Deal]:
    """Every deal that the member funds under its newest terms in force."""
    book = subject.book
    own = reading.partner_groups(book, member)
    for deal in reading.deals(book):
        signed = [one.terms for one in reading.versions(book, deal.deal) if one.in_force]
        if signed and member in signed[-1].parties[: len(signed[-1].shares_ppm)]:
            terms = signed[-1]
            partners = (party for party in terms.parties if party != member)
            currency = terms.currency.to_bytes(3, "big").decode("ascii")
            yield _Deal(deal.deal, currency, frozenset(own.get(one, one) for one in partners))


def _table(
    shape: Shape,
    out: _Out,
    names: Mapping[int, str],
    limits: Mapping[tuple[str, str], Exposure],
) -> Table:
    rows = []
    for group, lent in sorted(out.by_group.items(), key=lambda one: (-one[1], one[0])):
        name = names.get(group, str(group))
        limit = limits.get((shape.currency, name))
        if not lent and limit is None:
            continue
        held = (limit.ratio_ppm, limit.limit_minor, limit.used_minor) if limit else (None,) * 3
        rows.append(Row((name, lent, rate_ppm(lent, out.all_minor), *held)))
    return shape.table("chart_concentration", _COLUMNS, rows)


def _panel(table: Table) -> Panel:
    rows = [row.values for row in table.rows]

    def points(column: int) -> tuple[Point, ...]:
        values = (row[column] for row in rows)
        return tuple(
            Point(place, value if isinstance(value, int) else None)
            for place, value in enumerate(values)
        )

    return Panel(
        form=Form.BARS,
        x=Axis(label=Words.of("axis_partner"), scale=Scale.NAME),
        y=Axis(
            label=Words.of("axis_out"),
            scale=Scale.AMOUNT,
            currency=table.currency,
            decimals=table.decimals,
        ),
        names=tuple(str(row[0]) for row in rows),
        remarks=tuple(_remark(row[2], row[3]) for row in rows),
        series=(
            Series(label=Words.of("axis_out"), points=points(1)),
            Series(label=Words.of("limit"), points=points(4), level=True),
        ),
    )


def _remark(of_all: object, limit: object) -> Label:
    # To a hundredth of a percent; the table has all of it.
    share = format_percent(half_up(of_all, 100) * 100) if isinstance(of_all, int) else "-"
    if isinstance(limit, int):
        return Words.of("share_and_limit", share=share, limit=format_percent(limit))
    return Words.of("share", share=share)
