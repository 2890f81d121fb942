"""Columns and bars: how much there is of each of some places or names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.charts.axes import BELOW, GAP, LINE_HEIGHT, Room, Values, across, below, heading
from ledger.charts.chart import Panel, Point, Scale, Series, said
from ledger.charts.drawing import (
    GRID,
    INK,
    PAPER,
    PX,
    QUIET,
    SMALL,
    Area,
    Group,
    Line,
    Mark,
    Place,
    Text,
    text_width,
    wrapped,
)
from ledger.charts.scales import Span, place_text, place_ticks, value_text

PLOT_HEIGHT = 230 * PX
_FILLS = (("#8fa9c4", False), (PAPER, True))
"""Of the series of a column: dark, and hatched."""
_EDGE = "#16324f"
_HATCH = 7 * PX
_BAR = 16 * PX


def column_panel(
    panel: Panel, values: Values, room: Room, lang: str
) -> tuple[list[Mark | Group], int]:
    """A panel of columns, and the y where it ends."""
    head, inner = heading(panel, values.written.label, room, lang)
    marks: list[Mark | Group] = [*head]
    if len(panel.series) > 1:
        marks += _legend(panel.series, inner, lang)
    left = values.gutter
    inner = inner._replace(y=inner.y + LINE_HEIGHT * len(panel.marks))
    plot = Room(inner.x + left, inner.y + GAP, inner.width - left - 2 * GAP, PLOT_HEIGHT)
    places = [point.x for one in panel.series for point in one.points]
    ends = [*places, *(place + panel.width for place in places), *(one.x for one in panel.marks)]
    span = Span(min(ends), max(ends), plot.x, plot.right)
    up = values.span(plot.bottom, plot.y)
    marks += across(values, up, plot)
    marks += below(_places(panel, span, plot, lang), said(panel.x.label, lang), plot)
    floor: dict[int, int] = {}
    for at, one in enumerate(panel.series):
        own = tuple(_columns(panel, one, _FILLS[at % len(_FILLS)], span, up, values, floor, lang))
        marks.append(Group(name=said(one.label, lang), marks=own))
    marks += _totals(panel, span, up, values, floor)
    marks += _lines_at(panel, span, plot, lang)
    return marks, plot.bottom + BELOW


def _lines_at(panel: Panel, span: Span, plot: Room, lang: str) -> Iterator[Mark]:
    """Lines up from places of the x axis, each with its words on a line of its own."""
    for at, mark in enumerate(panel.marks):
        x, words = span.at(mark.x), said(mark.label, lang)
        top, half = plot.y - GAP - at * LINE_HEIGHT, text_width(words, SMALL) // 2
        middle = max(plot.x + half, min(x, plot.right + GAP - half))
        yield Line(((x, top), (x, plot.bottom)), INK, 2 * PX, (80, 40))
        yield Text(middle, top - 4 * PX, words, SMALL, INK, "middle", bold=True, halo=True)


def _places(panel: Panel, span: Span, plot: Room, lang: str) -> list[tuple[int, str]]:
    if panel.x.scale is Scale.NAME:
        return [
            (span.at(place) + (span.at(place + 1) - span.at(place)) // 2, said(name, lang))
            for place, name in enumerate(panel.names)
        ]
    ticks = place_ticks(panel.x, span.low, span.high, max(plot.width // (50 * PX), 2))
    return [(span.at(tick), place_text(panel.x, tick)) for tick in ticks]


def _columns(
    panel: Panel,
    one: Series,
    fill: tuple[str, bool],
    span: Span,
    up: Span,
    values: Values,
    floor: dict[int, int],
    lang: str,
) -> Iterator[Mark]:
    """A series' part of each column, on what is there already; `floor` grows by it."""
    margin = 2 * PX if panel.x.scale is not Scale.NAME else 10 * PX
    for point in one.points:
        if not point.y:
            continue
        below_it = floor.get(point.x, 0)
        floor[point.x] = below_it + point.y
        x, right = span.at(point.x) + margin, span.at(point.x + panel.width) - margin
        top, bottom = up.at(below_it + point.y), up.at(below_it)
        words = f"{said(one.label, lang)} · {_place(panel, point.x, lang)}: "
        words += value_text(values.axis, point.y)
        area = Area(x, top, max(right - x, PX), bottom - top, fill[0], _EDGE, words)
        yield area
        if fill[1]:
            yield from _hatch(area)


def _place(panel: Panel, place: int, lang: str) -> str:
    if panel.x.scale is Scale.NAME:
        return said(panel.names[place], lang)
    return f"{place_text(panel.x, place)}–{place_text(panel.x, place + panel.width)}"


def _totals(
    panel: Panel, span: Span, up: Span, values: Values, floor: dict[int, int]
) -> Iterator[Mark]:
    """What each column comes to, above it, where there is room for all."""
    texts = {place: value_text(values.axis, total) for place, total in floor.items()}
    width = span.at(span.low + panel.width) - span.start
    if max(text_width(words, SMALL) for words in texts.values()) > width - 4 * PX:
        return
    for place, words in texts.items():
        middle = (span.at(place) + span.at(place + panel.width)) // 2
        top = up.at(floor[place]) - 4 * PX
        yield Text(middle, top, words, SMALL, INK, "middle", halo=True)


def _hatch(area: Area) -> Iterator[Line]:
    """Slanted lines within a rectangle."""
    right, bottom = area.x + area.width, area.y + area.height
    # A line from lower left to upper right has the same x + y all along.
    first = -(-(area.x + area.y) // _HATCH) * _HATCH
    for both in range(first, right + bottom, _HATCH):
        start: Place = (max(area.x, both - bottom), min(bottom, both - area.x))
        end: Place = (min(right, both - area.y), max(area.y, both - right))
        if start[0] < end[0]:
            yield Line((start, end), _EDGE, PX)


def _legend(series: Sequence[Series], room: Room, lang: str) -> Iterator[Mark]:
    """What each filling stands for, at the right end of the line above the plot."""
    words = [said(one.label, lang) for one in series]
    x = room.right - sum(36 * PX + text_width(one, SMALL) for one in words)
    y = room.y - GAP - LINE_HEIGHT + 3 * PX
    for at, one in enumerate(words):
        fill, hatched = _FILLS[at % len(_FILLS)]
        area = Area(x, y, 14 * PX, 10 * PX, fill, _EDGE)
        yield area
        if hatched:
            yield from _hatch(area)
        yield Text(x + 20 * PX, y + 9 * PX, one, SMALL)
        x += 36 * PX + text_width(one, SMALL)


def bar_panel(
    panel: Panel, values: Values, room: Room, lang: str
) -> tuple[list[Mark | Group], int]:
    """A panel of lying bars, each with its name above it, and the y where it ends."""
    head, inner = heading(panel, values.written.label, room, lang)
    marks: list[Mark | Group] = [*head]
    bars = next(one for one in panel.series if not one.level)
    levels = {one: {point.x: point.y for point in one.points} for one in panel.series if one.level}
    said_of = [_said_of(panel, point, values, inner.width, lang) for point in bars.points]
    row = _BAR + 14 * PX + LINE_HEIGHT * max(map(len, said_of))
    plot = Room(inner.x, inner.y, inner.width - 3 * GAP, len(panel.names) * row)
    along = values.span(plot.x, plot.right)
    for tick, words in zip(values.ticks, values.written.texts, strict=True):
        x = along.at(tick)
        marks.append(Line(((x, plot.y), (x, plot.bottom)), QUIET if tick == 0 else GRID))
        anchor = "start" if tick == values.ticks[0] else "middle"
        marks.append(Text(x, plot.bottom + LINE_HEIGHT, words, SMALL, QUIET, anchor))
    own: list[Mark] = []
    for point, lines in zip(bars.points, said_of, strict=True):
        if point.y is None:
            continue
        at = plot.y + point.x * row
        for line in lines:
            at += LINE_HEIGHT
            own.append(Text(plot.x + 4 * PX, at - 2 * PX, line, SMALL, INK, halo=True))
        at += 4 * PX
        width = along.at(values.capped(point.y)) - plot.x
        exact = " · ".join(lines)
        own.append(Area(plot.x, at, max(width, PX), _BAR, _FILLS[0][0], _EDGE, exact))
        for found in levels.values():
            limit = found.get(point.x)
            if limit is not None:
                own += _limit(along, limit, at, values)
    marks.append(Group(name=said(bars.label, lang), marks=tuple(own)))
    return marks, plot.bottom + LINE_HEIGHT + GAP


def _said_of(panel: Panel, point: Point, values: Values, width: int, lang: str) -> list[str]:
    """The name of a bar, its value and what is remarked on it, on one line or two."""
    value = "-" if point.y is None else value_text(values.axis, point.y)
    words = f"{said(panel.names[point.x], lang)}: {value}"
    remark = said(panel.remarks[point.x], lang) if panel.remarks else ""
    together = f"{words} · {remark}" if remark else words
    if text_width(together, SMALL) <= width - 3 * GAP:
        return [together]
    return [words, *wrapped(remark, SMALL, width - 3 * GAP)]


def _limit(along: Span, limit: int, at: int, values: Values) -> Iterator[Mark]:
    """A mark across a bar at its limit."""
    x = along.at(values.capped(limit))
    yield Line(((x, at - 4 * PX), (x, at + _BAR + 4 * PX)), INK, 3 * PX)
