"""Axes: the lines and words around what a panel shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ledger.charts.chart import Axis, Label, Panel, said
from ledger.charts.drawing import (
    GRID,
    INK,
    PX,
    QUIET,
    SMALL,
    Line,
    Mark,
    Text,
    text_width,
    wrapped,
)
from ledger.charts.scales import Span, Written, value_ticks, written

VALUES_MAX = 6
"""Steps of a value axis."""
GAP = 8 * PX
LINE_HEIGHT = 15 * PX


class Room(NamedTuple):
    """Where a panel is, in tenths of a pixel."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """Its right edge,"""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """and its lower one."""
        return self.y + self.height


class Values(NamedTuple):
    """A value axis: what is written beside it."""

    axis: Axis
    ticks: list[int]
    written: Written

    @classmethod
    def of(cls, axis: Axis, values: Sequence[int], lang: str) -> Values:
        """The axis of all these values."""
        ticks = value_ticks(values, axis, VALUES_MAX)
        return cls(axis, ticks, written(axis, ticks, lang))

    @property
    def gutter(self) -> int:
        """Room that the ticks take."""
        return max(text_width(one, SMALL) for one in self.written.texts) + GAP

    def span(self, start: int, end: int) -> Span:
        """The axis along a line."""
        return Span(self.ticks[0], self.ticks[-1], start, end)

    def capped(self, value: int) -> int:
        """The value, or the end of the axis where it is above."""
        return min(value, self.ticks[-1])


def heading(panel: Panel, label: Label, room: Room, lang: str) -> tuple[list[Mark], Room]:
    """A panel's title and what its values are, and the room below."""
    marks: list[Mark] = []
    at = room.y
    if panel.title:
        for line in wrapped(said(panel.title, lang), SMALL + PX, room.width):
            marks.append(Text(room.x, at + LINE_HEIGHT - 3 * PX, line, bold=True))
            at += LINE_HEIGHT
    for line in wrapped(said(label, lang), SMALL, room.width):
        marks.append(Text(room.x, at + LINE_HEIGHT - 3 * PX, line, SMALL, QUIET))
        at += LINE_HEIGHT
    at += GAP
    return marks, Room(room.x, at, room.width, room.bottom - at)


def across(values: Values, span: Span, plot: Room) -> Iterator[Mark]:
    """Lines across the plot at each value, with the value to the left."""
    for tick, words in zip(values.ticks, values.written.texts, strict=True):
        y = span.at(tick)
        ink = QUIET if tick == 0 or tick == values.ticks[0] else GRID
        yield Line(((plot.x, y), (plot.right, y)), ink)
        yield Text(plot.x - GAP, y + 4 * PX, words, SMALL, QUIET, "end")


def below(words: Sequence[tuple[int, str]], label: str, plot: Room) -> Iterator[Mark]:
    """Words at places under the plot, and below them what the places are."""
    at = plot.bottom + LINE_HEIGHT
    for x, one in words:
        yield Line(((x, plot.bottom), (x, plot.bottom + 4 * PX)), QUIET)
        half = text_width(one, SMALL) // 2
        yield Text(min(x, plot.right + GAP - half), at + 2 * PX, one, SMALL, QUIET, "middle")
    middle = plot.x + plot.width // 2
    yield Text(middle, at + 2 * PX + LINE_HEIGHT, label, SMALL, INK, "middle")


BELOW = 2 * LINE_HEIGHT + 6 * PX
"""Room that `below` takes."""
