"""Lines: a panel of series over time or age, each named where it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from ledger.charts.axes import BELOW, GAP, LINE_HEIGHT, Room, Values, across, below, heading
from ledger.charts.chart import Axis, Panel, Point, Scale, Series, said
from ledger.charts.drawing import (
    LEVELS,
    PX,
    QUIET,
    SMALL,
    STYLES,
    Dot,
    Group,
    Line,
    Mark,
    Place,
    Shape,
    Style,
    Text,
    text_width,
)
from ledger.charts.scales import Span, place_text, place_ticks, value_text

PLOT_HEIGHT = 260 * PX
_DOT_ROOM = 13 * PX
"""Between marks on a line; points that are nearer have none."""
_TICK_ROOM = {Scale.DAY: 84 * PX, Scale.MONTH: 66 * PX, Scale.COUNT: 32 * PX}
_WIDE, _THIN = 18, PX
_NAME = LINE_HEIGHT - 2 * PX
"""From one name to the next below it."""


class _Named(NamedTuple):
    """Where a line ends, and its name."""

    x: int
    y: int
    words: str
    ink: str


class _Plot(NamedTuple):
    """Where the points of a panel lie."""

    x_axis: Axis
    values: Values
    across: Span
    up: Span
    lang: str

    def place(self, point: Point) -> Place:
        """Of a point with a value."""
        assert point.y is not None
        return self.across.at(point.x), self.up.at(self.values.capped(point.y))


def line_panel(
    panel: Panel, values: Values, room: Room, lang: str
) -> tuple[list[Mark | Group], int]:
    """A panel's marks, and the y where it ends."""
    head, inner = heading(panel, values.written.label, room, lang)
    styles = _styles(panel.series)
    names = [_name(one, values.axis, lang) for one in panel.series]
    right = max((text_width(name, SMALL) for name in names), default=0) + 2 * GAP
    left = values.gutter
    width = max(inner.width - left - right, inner.width // 3)
    plot = Room(inner.x + left, inner.y, width, PLOT_HEIGHT)
    places = [point.x for one in panel.series for point in one.points]
    first, last = min(places), max(places)
    span = Span(first, max(last, first + 1), plot.x + GAP, plot.right - GAP)
    found = _Plot(panel.x, values, span, values.span(plot.bottom, plot.y), lang)
    ticks = place_ticks(panel.x, first, last, plot.width // _TICK_ROOM[panel.x.scale])
    short = panel.x.scale is Scale.DAY and all(
        place_text(panel.x, tick).endswith("-01") for tick in ticks
    )
    words = [(span.at(tick), place_text(panel.x, tick, short=short)) for tick in ticks]
    marks: list[Mark | Group] = [*head, *across(values, found.up, plot)]
    marks += below(words, said(panel.x.label, lang), plot)
    named = []
    for one, name, style in zip(panel.series, names, styles, strict=True):
        marks.append(Group(name=said(one.label, lang), marks=tuple(_drawn(one, style, found))))
        ends = [point for point in one.points if point.y is not None]
        if ends:
            named.append(_Named(*found.place(ends[-1]), name, style.ink))
    marks += _names(named, plot)
    return marks, plot.bottom + BELOW


def _styles(series: Sequence[Series]) -> list[Style]:
    found, lines, levels = [], 0, 0
    for one in series:
        if one.level:
            found.append(LEVELS[levels % len(LEVELS)])
            levels += 1
        else:
            found.append(STYLES[lines % len(STYLES)])
            lines += 1
    return found


def _name(one: Series, axis: Axis, lang: str) -> str:
    """What stands at the end of a line; of one that holds, with what it holds at."""
    name = said(one.label, lang)
    return f"{name} {value_text(axis, one.values[-1])}" if one.steps and one.values else name


def _drawn(one: Series, style: Style, plot: _Plot) -> Iterator[Mark]:
    for run in _runs(one.points):
        places = [plot.place(point) for point in run]
        if one.steps:
            places = _stepped(places)
        if len(places) > 1:
            yield Line(tuple(places), style.ink, _THIN if one.level else _WIDE, style.dash)
    if one.level:
        return
    yield from _dots(one, style, plot)


def _dots(one: Series, style: Style, plot: _Plot) -> Iterator[Mark]:
    """Marks on a line with room between them, the last one always, and all that are capped."""
    nearest = plot.across.end + _DOT_ROOM
    for point in reversed(one.points):
        if point.y is None:
            continue
        above = point.y > plot.values.ticks[-1]
        x, y = plot.place(point)
        if above or nearest - x >= _DOT_ROOM:
            words = f"{said(one.label, plot.lang)} · {place_text(plot.x_axis, point.x)}: "
            words += value_text(plot.values.axis, point.y)
            yield Dot(x, y, Shape.ARROW if above else style.shape, style.ink, words)
            nearest = x


def _runs(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Points without a gap between them."""
    run: list[Point] = []
    for point in points:
        if point.y is not None:
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _stepped(places: Sequence[Place]) -> list[Place]:
    """Level up to the next place, then up or down."""
    found = list(places[:1])
    for before, after in pairwise(places):
        if before[1] != after[1]:
            found.append((after[0], before[1]))
        found.append(after)
    return found


def _names(named: Sequence[_Named], plot: Room) -> Iterator[Mark]:
    """Names at the ends of lines, moved apart where they would be on one another."""
    taken: list[tuple[int, int, int]] = []
    ends = sorted(named, key=lambda found: (-found.x, found.y, found.words))
    for x, same in groupby(ends, key=lambda found: found.x):
        own = list(same)
        left = x + GAP
        for one, wanted in zip(own, _apart([one.y for one in own], plot), strict=True):
            width = text_width(one.words, SMALL)
            y = _free(taken, left, width, wanted, plot)
            taken.append((left, left + width, y))
            if abs(y - one.y) > 2 * PX:
                yield Line(((x + 3 * PX, one.y), (left - PX, y)), QUIET)
            yield Text(left, y + 4 * PX, one.words, SMALL, one.ink, halo=True)


def _apart(heights: Sequence[int], plot: Room) -> list[int]:
    """Heights in the same order with room for a name each: first downwards, then up again."""
    found: list[int] = []
    for height in heights:
        found.append(max(height, found[-1] + _NAME) if found else height)
    floor = plot.bottom + GAP // 2
    for at in reversed(range(len(found))):
        found[at] = min(found[at], floor)
        floor = found[at] - _NAME
    return found


def _free(taken: Sequence[tuple[int, int, int]], x: int, width: int, y: int, plot: Room) -> int:
    """The height nearest to `y` at which a name covers no other."""
    near = [y, *(other + sign * _NAME for _, _, other in taken for sign in (-1, 1))]
    for found in sorted(near, key=lambda height: (abs(height - y), height)):
        inside = plot.y - GAP <= found <= plot.bottom + GAP // 2
        if inside and not any(
            x < right and left < x + width and abs(found - other) < _NAME
            for left, right, other in taken
        ):
            return found
    return y
