"""SVG: a drawing as one vector picture that needs nothing else.

No style sheet, script or font is in it or fetched by it, so that it may stand in a page that
allows none; sizes and colours are attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

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
    Shape,
)
from ledger.charts.layout import WIDTH_PX, drawn
from ledger.charts.shapes import outline
from ledger.reporting.report import printable

_FONTS = (
    "'Noto Sans', 'Noto Sans SC', 'Noto Sans CJK SC', 'Source Han Sans SC', 'PingFang SC',"
    " 'Microsoft YaHei', 'Helvetica Neue', Arial, sans-serif"
)
_TAGS = {"en": "en", "zh": "zh-CN"}


def svg(chart: Chart, lang: str = "en", *, width_px: int = WIDTH_PX) -> str:
    """A chart as SVG; the same chart, language and width give the same text.

    `width_px` is held between `NARROWEST_PX` and `WIDEST_PX` of the layout.
    """
    found = drawn(chart, lang, width_px)
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Drawing) -> Iterator[str]:
    own = f"chart-{found.name}"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{found.width // PX}"'
        f' height="{-(-found.height // PX)}" viewBox="0 0 {found.width} {found.height}" role="img"'
        f' aria-labelledby="{own}-title" aria-describedby="{own}-said" lang="{_TAGS[found.lang]}"'
        f" font-family={quoteattr(_FONTS)}>"
    )
    yield f'<title id="{own}-title">{_text(found.title)}</title>'
    yield f'<desc id="{own}-said">{_text(found.said)}</desc>'
    yield f'<rect width="{found.width}" height="{found.height}" fill="{PAPER}"/>'
    for one in found.marks:
        if isinstance(one, Group):
            yield f"<g data-series={_quoted(one.name)}>"
            yield from map(_mark, one.marks)
            yield "</g>"
        else:
            yield _mark(one)
    yield "</svg>"


def _mark(mark: Mark) -> str:
    if isinstance(mark, Line):
        return _line(mark)
    if isinstance(mark, Area):
        return _titled(
            f'rect x="{mark.x}" y="{mark.y}" width="{mark.width}" height="{mark.height}"'
            f' fill="{mark.fill}" stroke="{mark.ink}" stroke-width="{PX}"',
            mark.said,
        )
    if isinstance(mark, Dot):
        return _titled(_dot(mark), mark.said)
    weight = ' font-weight="600"' if mark.bold else ""
    anchor = "" if mark.anchor == "start" else f' text-anchor="{mark.anchor}"'
    halo = (
        f' stroke="{PAPER}" stroke-width="{3 * PX}" stroke-linejoin="round" paint-order="stroke"'
        if mark.halo
        else ""
    )
    return (
        f'<text x="{mark.x}" y="{mark.y}" font-size="{mark.size}" fill="{mark.ink}"'
        f"{anchor}{weight}{halo}>{_text(mark.words)}</text>"
    )


def _line(mark: Line) -> str:
    dash = f' stroke-dasharray="{" ".join(map(str, mark.dash))}"' if mark.dash else ""
    pen = f'stroke="{mark.ink}" stroke-width="{mark.width}"{dash}'
    if len(mark.places) == 2:
        (x, y), (other_x, other_y) = mark.places
        return f'<line x1="{x}" y1="{y}" x2="{other_x}" y2="{other_y}" {pen}/>'
    places = " ".join(f"{x},{y}" for x, y in mark.places)
    return f'<polyline points="{places}" fill="none" {pen} stroke-linejoin="round"/>'


def _dot(mark: Dot) -> str:
    fill = PAPER if mark.shape in OPEN else mark.ink
    pen = f'fill="{fill}" stroke="{mark.ink}" stroke-width="15"'
    if mark.shape in (Shape.DOT, Shape.RING):
        return f'circle cx="{mark.x}" cy="{mark.y}" r="35" {pen}'
    places = " ".join(f"{x},{y}" for x, y in outline(mark))
    return f'polygon points="{places}" {pen}'


def _titled(start: str, words: str) -> str:
    """A mark with its exact value, which a pointer on it shows."""
    return (
        f"<{start}><title>{_text(words)}</title></{start.split(' ')[0]}>"
        if words
        else f"<{start}/>"
    )


def _text(words: str) -> str:
    return escape(printable(words))


def _quoted(words: str) -> str:
    return quoteattr(printable(words))
