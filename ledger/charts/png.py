"""PNG: the same drawing as points, for papers and letters that take no SVG.

Twice as many points as pixels, and drawn twice as large as that, so that lines are smooth. The
font is the one that reports on paper have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from io import BytesIO
from itertools import pairwise
from math import isqrt
from typing import TYPE_CHECKING

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
from ledger.charts.layout import WIDTH_PX, drawn
from ledger.charts.shapes import outline
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.reporting.lettering import FONT_FILE
from ledger.reporting.report import printable

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

POINTS = 2
"""Of the picture to a pixel."""
_FINER = 2
"""Of what is drawn to a point."""
_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}
_HALO, _BOLD = 3 * PX // 2, 4
_RADIUS, _PEN = 35, 15


def png(chart: Chart, lang: str = "en", *, width_px: int = WIDTH_PX) -> bytes:
    """A chart as PNG, with its title and description for programs that read them out.

    The same chart, language and width give the same bytes with the same version of Pillow. Raises
    `UsageInvalid` where that is not installed.
    """
    try:
        from PIL import Image, ImageDraw
        from PIL.PngImagePlugin import PngInfo
    except ImportError:
        raise UsageInvalid(
            text("chart.picture_missing"), fix=text("chart.picture_missing_fix")
        ) from None
    found = drawn(chart, lang, width_px)
    size = found.width // PX * POINTS, -(-found.height // PX) * POINTS
    picture = Image.new("RGB", (size[0] * _FINER, size[1] * _FINER), PAPER)
    painter = _Painter(ImageDraw.Draw(picture))
    for mark in _flat(found):
        painter.paint(mark)
    words = PngInfo()
    words.add_itxt("Title", found.title, found.lang)
    words.add_itxt("Description", found.said, found.lang)
    out = BytesIO()
    picture.reduce(_FINER).save(out, "PNG", pnginfo=words, compress_level=9)
    return out.getvalue()


def _flat(found: Drawing) -> Iterator[Mark]:
    for one in found.marks:
        if isinstance(one, Group):
            yield from one.marks
        else:
            yield one


class _Painter:
    """Paints marks, whose lengths are tenths of a pixel."""

    def __init__(self, paper: ImageDraw) -> None:
        self._paper = paper

    def paint(self, mark: Mark) -> None:
        """One mark over what is there."""
        if isinstance(mark, Line):
            self._line(mark.places, mark.ink, mark.width, mark.dash)
        elif isinstance(mark, Area):
            corners = [_at((mark.x, mark.y)), _at((mark.x + mark.width, mark.y + mark.height))]
            self._paper.rectangle(corners, mark.fill, mark.ink, _fine(PX))
        elif isinstance(mark, Dot):
            self._dot(mark)
        else:
            self._text(mark)

    def _line(self, places: Sequence[Place], ink: str, width: int, dash: Sequence[int]) -> None:
        for run in dashes(places, dash) if dash else [places]:
            self._paper.line([_at(one) for one in run], ink, max(_fine(width), 1), "curve")

    def _dot(self, mark: Dot) -> None:
        fill = PAPER if mark.shape in OPEN else mark.ink
        if mark.shape in (Shape.DOT, Shape.RING):
            corners = [_at((mark.x + sign * _RADIUS, mark.y + sign * _RADIUS)) for sign in (-1, 1)]
            self._paper.ellipse(corners, fill, mark.ink, _fine(_PEN))
            return
        places = outline(mark)
        self._paper.polygon([_at(one) for one in places], fill)
        self._line((*places, places[0]), mark.ink, _PEN, ())

    def _text(self, mark: Text) -> None:
        words, place = printable(mark.words), _at((mark.x, mark.y))
        font, anchor = _font(_fine(mark.size)), _ANCHORS[mark.anchor]
        if mark.halo:
            self._paper.text(
                place, words, PAPER, font, anchor, stroke_width=_fine(_HALO), stroke_fill=PAPER
            )
        # The font has one weight: heavier letters are drawn with an edge.
        edge = _fine(_BOLD) if mark.bold else 0
        self._paper.text(place, words, mark.ink, font, anchor, stroke_width=edge)


def dashes(places: Sequence[Place], pattern: Sequence[int]) -> Iterator[list[Place]]:
    """A line cut into lengths of line and gap by turns, around its corners."""
    at, left, run = 0, pattern[0], [places[0]]
    for start, end in pairwise(places):
        length = isqrt((end[0] - start[0]) ** 2 + (end[1] - start[1]) ** 2)
        done = 0
        while length - done > left:
            done += left
            place = (
                start[0] + (end[0] - start[0]) * done // length,
                start[1] + (end[1] - start[1]) * done // length,
            )
            if at % 2 == 0:
                yield [*run, place]
            at += 1
            left, run = pattern[at % len(pattern)], [place]
        left -= length - done
        run.append(end)
    if at % 2 == 0 and len(run) > 1:
        yield run


@cache
def _font(size: int) -> FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(FONT_FILE, size, layout_engine=ImageFont.Layout.BASIC)


def _at(place: Place) -> tuple[int, int]:
    return _fine(place[0]), _fine(place[1])


def _fine(length: int) -> int:
    """A length in what is drawn."""
    return length * POINTS * _FINER // PX
