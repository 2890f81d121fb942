"""Printed: a drawing on a page of a PDF, as lines and letters that stay sharp.

Lengths are the drawing's own, tenths of a pixel; a page counts from its bottom, a drawing from its
top. The font is that of the page around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.charts.chart import Chart
from ledger.charts.drawing import (
    OPEN,
    PAPER,
    PX,
    Area,
    Dot,
    Drawing,
    Group,
    Line,
    Mark,
    Place,
    Shape,
    Text,
)
from ledger.charts.layout import drawn
from ledger.charts.shapes import outline
from ledger.charts.svg import svg
from ledger.reporting.lettering import FONT, known, wide

WIDTH_PX = 960
"""Of a picture on paper: its letters are then as large as those of the tables."""
_RADIUS, _PEN, _HALO, _EDGE = 35, 15, 3 * PX, 6
_FILL, _FILL_AND_STROKE = 0, 2
"""How letters are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A chart for the forms of a report that show a picture."""

    svg: str
    """For a page of HTML."""
    drawing: Drawing
    """For paper."""

    @classmethod
    def of(cls, chart: Chart, lang: str) -> Printed:
        """A chart in a language."""
        return cls(svg=svg(chart, lang), drawing=drawn(chart, lang, WIDTH_PX))

    @property
    def width(self) -> int:
        """Tenths of a pixel, as `height`."""
        return self.drawing.width

    @property
    def height(self) -> int:
        """Of the whole drawing."""
        return self.drawing.height

    def paint(self, page: Any) -> None:
        """Draw it on a canvas of reportlab whose unit is the drawing's, from its bottom left."""
        painter = _Painter(page, self.height)
        for mark in _flat(self.drawing.marks):
            painter.paint(mark)


def _flat(marks: Sequence[Mark | Group]) -> Iterator[Mark]:
    for one in marks:
        if isinstance(one, Group):
            yield from one.marks
        else:
            yield one


class _Painter:
    """Paints marks on a page."""

    def __init__(self, page: Any, height: int) -> None:
        self._page = page
        self._height = height

    def paint(self, mark: Mark) -> None:
        """One mark over what is there."""
        if isinstance(mark, Line):
            self._pen(mark.ink, mark.width, mark.dash)
            self._run(mark.places, fill=False)
        elif isinstance(mark, Area):
            self._pen(mark.ink, PX)
            self._page.setFillColor(mark.fill)
            bottom = self._height - mark.y - mark.height
            self._page.rect(mark.x, bottom, mark.width, mark.height, fill=1)
        elif isinstance(mark, Dot):
            self._dot(mark)
        else:
            self._text(mark)

    def _pen(self, ink: str, width: int, dash: Sequence[int] = ()) -> None:
        self._page.setStrokeColor(ink)
        self._page.setLineWidth(width)
        self._page.setDash(list(dash))

    def _run(self, places: Sequence[Place], *, fill: bool) -> None:
        path = self._page.beginPath()
        for at, (x, y) in enumerate(places):
            (path.lineTo if at else path.moveTo)(x, self._height - y)
        if fill:
            path.close()
        self._page.drawPath(path, stroke=1, fill=int(fill))

    def _dot(self, mark: Dot) -> None:
        self._pen(mark.ink, _PEN)
        self._page.setFillColor(PAPER if mark.shape in OPEN else mark.ink)
        if mark.shape in (Shape.DOT, Shape.RING):
            self._page.circle(mark.x, self._height - mark.y, _RADIUS, fill=1)
        else:
            self._run(outline(mark), fill=True)

    def _text(self, mark: Text) -> None:
        words, y = known(mark.words), self._height - mark.y
        length = wide(words, mark.size)
        x = mark.x - {"start": 0, "middle": length // 2, "end": length}[mark.anchor]
        self._page.setFont(FONT, mark.size)
        if mark.halo:
            self._pen(PAPER, _HALO)
            self._page.setFillColor(PAPER)
            self._page.drawString(x, y, words, mode=_FILL_AND_STROKE)
        self._page.setFillColor(mark.ink)
        # The font has one weight: heavier letters are drawn with an edge.
        self._pen(mark.ink, _EDGE)
        self._page.drawString(x, y, words, mode=_FILL_AND_STROKE if mark.bold else _FILL)
