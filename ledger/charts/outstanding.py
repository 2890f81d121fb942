"""Outstanding by party: what every party is owed, day after day (余额)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ledger import days
from ledger.charts.chart import Axis, Chart, Form, Label, Panel, Point, Scale, Series, Words, said
from ledger.charts.subject import Subject, closes, days_of
from ledger.messages import language
from ledger.reading.journal import Move, moves, one_state
from ledger.reporting.report import Column, Row, Unit
from ledger.waterfall import Account

_OWED = (Account.LOANS, Account.CLAIMS, Account.VOUCHERS_HELD)
_LINES_MAX = 8
_Owner = tuple[int, Account]
_OTHERS: _Owner = (0, Account.CASH)
"""No party's account."""


def outstanding(subject: Subject) -> Chart:
    """What each party is owed at the close of days."""
    book, found, shape = subject.book, subject.found(), subject.shape()
    names, order = subject.names(), days.parties(book, found)
    with one_state(book):
        moved = [one for one in moves(book, found.deal) if one.account in _OWED]
        at = book.at
    first, last = subject.days(days_of(moved))
    ends = closes(first, last)
    lines = _together(_balances(moved, ends), order)
    labels = {owner: _label(owner, names) for owner in lines}
    columns = (
        Column(key="date", unit=Unit.DAY),
        *(
            Column(key=_key(owner, names), unit=Unit.AMOUNT, heading=said(label, language()))
            for owner, label in labels.items()
        ),
        Column(key="total", unit=Unit.AMOUNT),
    )
    by_day = list(zip(*lines.values(), strict=True)) or [()] * len(ends)
    rows = [Row((day, *own, sum(own))) for day, own in zip(ends, by_day, strict=True)]
    series = tuple(
        Series(label=labels[owner], points=_while_owed(tuple(map(Point, ends, line))))
        for owner, line in lines.items()
    )
    return subject.chart(
        "outstanding",
        title=Words.of("outstanding"),
        days=(first, last),
        at=at,
        summary=Words.of("outstanding_summary", parties=len(series)),
        panels=(
            Panel(
                form=Form.LINES,
                x=Axis(label=Words.of("axis_day"), scale=Scale.DAY),
                y=Axis(label=Words.of("axis_owed"), scale=Scale.AMOUNT, **shape._asdict()),
                series=series,
            ),
        ),
        tables=(shape.table("chart_outstanding", columns, rows),),
    )


def _balances(moved: Iterable[Move], ends: Sequence[int]) -> dict[_Owner, list[int]]:
    """Every account that ever had something, at the close of each day."""
    running: defaultdict[_Owner, int] = defaultdict(int)
    waiting, found = list(moved), defaultdict[_Owner, list[int]](list)
    owners = dict.fromkeys((one.party, one.account) for one in waiting)
    at = 0
    for end in ends:
        while at < len(waiting) and waiting[at].day <= end:
            one = waiting[at]
            running[one.party, one.account] += one.amount_minor
            at += 1
        for owner in owners:
            found[owner].append(running[owner])
    return {owner: line for owner, line in found.items() if any(line)}


def _while_owed(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """From the last close before a party had anything to the first at which it has nothing more."""
    owed = [at for at, point in enumerate(points) if point.y]
    return points[max(owed[0] - 1, 0) : owed[-1] + 2] if owed else ()


def _together(lines: Mapping[_Owner, list[int]], order: Sequence[int]) -> dict[_Owner, list[int]]:
    """Lines in the order of the parties; the smallest as one, where there are too many."""
    largest = sorted(lines, key=lambda owner: (-max(lines[owner]), owner))
    kept = largest if len(largest) <= _LINES_MAX else largest[: _LINES_MAX - 1]
    places = {party: place for place, party in enumerate(order)}
    kept.sort(
        key=lambda owner: (
            _OWED.index(owner[1]), places.get(owner[0], len(places)), owner[0],
        )
    )  # fmt: skip
    found = {owner: lines[owner] for owner in kept}
    rest = [line for owner, line in lines.items() if owner not in found]
    if rest:
        found[_OTHERS] = [sum(day) for day in zip(*rest, strict=True)]
    return found


def _label(owner: _Owner, names: Mapping[int, str]) -> Label:
    party, account = owner
    if owner == _OTHERS:
        return Words.of("others")
    if account is Account.LOANS:
        return names[party]
    return Words.of(f"owed_{account.value.lower()}", party=names[party])


def _key(owner: _Owner, names: Mapping[int, str]) -> str:
    party, account = owner
    return "others" if owner == _OTHERS else f"{names[party]}_{account.value.lower()}"
