"""Cover ratio (保证金覆盖率): a deposit over what is outstanding, against the terms' lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ledger import reading
from ledger.charts.chart import Axis, Chart, Form, Panel, Point, Scale, Series, Words
from ledger.charts.subject import Subject, days_of
from ledger.errors import Reverted
from ledger.events import FUNDERS, DepositTerms
from ledger.money import PPM
from ledger.reading.journal import Move, moves, one_state
from ledger.records import Version
from ledger.reporting.report import Column, Row, Unit
from ledger.waterfall import Account

_COLUMNS = (
    Column(key="date", unit=Unit.DAY),
    Column(key="deposit", unit=Unit.AMOUNT),
    Column(key="outstanding", unit=Unit.AMOUNT),
    Column(key="cover", unit=Unit.RATE),
    Column(key="target", unit=Unit.RATE),
    Column(key="warn", unit=Unit.RATE),
    Column(key="stop", unit=Unit.RATE),
)
_LINES = ("target", "warn", "stop")
_ACCOUNTS = (Account.LOANS, Account.DEPOSIT_PLACED)
_TARGETS_SHOWN = 2
"""Cover above so many times the highest target is drawn at the top, as before the first loans."""


class _Close(NamedTuple):
    """A day's close."""

    day: int
    deposit_minor: int
    outstanding_minor: int
    lines: DepositTerms

    @property
    def cover_ppm(self) -> int | None:
        """Rounded down, so that what is under a line is never shown on it; None of nothing."""
        if self.outstanding_minor <= 0:
            return None
        return self.deposit_minor * PPM // self.outstanding_minor

    @property
    def row(self) -> Row:
        """As the table has it."""
        own = self.lines
        return Row((*self[:3], self.cover_ppm, own.target_ppm, own.warn_ppm, own.stop_ppm))


def cover(subject: Subject) -> Chart:
    """The cover ratio on every day on which it changed. Raises `Reverted` (`DEPOSIT_MISSING`)."""
    book, found, shape = subject.book, subject.found(), subject.shape()
    with one_state(book):
        moved = [one for one in moves(book, found.deal) if one.account in _ACCOUNTS]
        versions = [
            one
            for one in reading.versions(book, found.deal)
            if one.in_force and one.terms.deposit.depositor != FUNDERS
        ]
        at = book.at
    if not versions:
        raise Reverted("DEPOSIT_MISSING")
    first, last = subject.days(days_of(moved))
    ends = _closes(moved, versions, first, last)
    rows = [one.row for one in ends]
    columns = [column.key for column in _COLUMNS]
    series = {
        name: Series(
            label=Words.of(f"line_{name}"),
            points=tuple(Point(row.values[0], row.values[columns.index(name)]) for row in rows),  # type: ignore[arg-type]
            steps=True,
            level=name in _LINES,
        )
        for name in ("cover", *_LINES)
    }
    most = _TARGETS_SHOWN * max(one.lines.target_ppm for one in ends)
    axis = Axis(label=Words.of("axis_cover"), scale=Scale.RATE, from_zero=False)
    if max(series["cover"].values, default=0) > most:
        axis = replace(axis, most=most)
    return subject.chart(
        "cover",
        title=Words.of("cover"),
        days=(first, last),
        at=at,
        summary=Words.of("cover_summary", under=_under(ends), days=len(ends)),
        panels=(
            Panel(
                form=Form.LINES,
                x=Axis(label=Words.of("axis_day"), scale=Scale.DAY),
                y=axis,
                series=tuple(series.values()),
            ),
        ),
        tables=(shape.table("chart_cover", _COLUMNS, rows),),
        notes=() if axis.most is None else (Words.of("cover_note"),),
    )


def _closes(
    moved: Sequence[Move], versions: Sequence[Version], first: int, last: int
) -> list[_Close]:
    """The first day, the last, and those between on which anything changed."""
    changed = days_of(moved) | {one.terms.effective_date for one in versions}
    ends = sorted({first, last, *(day for day in changed if first <= day <= last)})
    sums: Counter[Account] = Counter()
    found, at = [], 0
    for end in ends:
        while at < len(moved) and moved[at].day <= end:
            sums[moved[at].account] += moved[at].amount_minor
            at += 1
        holding = [one for one in versions if one.terms.effective_date <= end]
        terms = (holding[-1] if holding else versions[0]).terms
        placed, lent = sums[Account.DEPOSIT_PLACED], sums[Account.LOANS]
        found.append(_Close(end, placed, lent, terms.deposit))
    return found


def _under(ends: Sequence[_Close]) -> int:
    """Closes under the warning line."""
    return sum(one.cover_ppm is not None and one.cover_ppm < one.lines.warn_ppm for one in ends)
