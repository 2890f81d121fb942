"""Layout: a chart on paper of some width, in a language: its title, its panels, its foot."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.charts.axes import LINE_HEIGHT, Room, Values, heading
from ledger.charts.chart import Chart, Form, Label, Panel, Scale, Words, said
from ledger.charts.columns import bar_panel, column_panel
from ledger.charts.drawing import (
    INK,
    PX,
    QUIET,
    SMALL,
    TITLE,
    Drawing,
    Group,
    Mark,
    Text,
    wrapped,
)
from ledger.charts.lines import line_panel
from ledger.money import date_of

WIDTH_PX = 960
NARROWEST_PX, WIDEST_PX = 320, 2000
_BESIDE_PX = 700
"""From which width panels stand beside one another."""
_MARGIN = 16 * PX
_BETWEEN = 24 * PX
_HASH_DIGITS = 16
"""Of a hash in the foot, enough to tell it from any other."""
_FORMS = {Form.LINES: line_panel, Form.COLUMNS: column_panel, Form.BARS: bar_panel}


def drawn(chart: Chart, lang: str, width_px: int = WIDTH_PX) -> Drawing:
    """The chart as marks. `width_px` is held between `NARROWEST_PX` and `WIDEST_PX`."""
    width = min(max(width_px, NARROWEST_PX), WIDEST_PX) * PX
    inner = width - 2 * _MARGIN
    title = said(chart.title, lang)
    head, at = _lines([(title, TITLE, True), (_about(chart, lang), SMALL, False)], inner, _MARGIN)
    marks: list[Mark | Group] = [*head]
    values = _values(chart.panels, lang)
    count = len(chart.panels) if width_px >= _BESIDE_PX else 1
    own = (inner - (count - 1) * _BETWEEN) // max(count, 1)
    ends = [at]
    for place, (panel, axis) in enumerate(zip(chart.panels, values, strict=True)):
        x = _MARGIN + place % count * (own + _BETWEEN)
        y = at if place < count else max(ends) + _BETWEEN
        found, end = _panel(panel, axis, Room(x, y + 10 * PX, own, 0), lang)
        marks += found
        ends.append(end)
    notes = [(said(note, lang), SMALL, False) for note in chart.notes if chart.panels]
    if not chart.panels:
        notes = [(said(Words.of("nothing"), lang), SMALL, False)]
    foot, at = _lines([*notes, (_foot(chart, lang), SMALL, False)], inner, max(ends) + 10 * PX)
    return Drawing(
        name=chart.name,
        lang=lang,
        width=width,
        height=at + _MARGIN // 2,
        title=title,
        said=f"{_about(chart, lang)}. {said(chart.summary, lang)}",
        marks=(*marks, *foot),
    )


def _panel(panel: Panel, values: Values, room: Room, lang: str) -> tuple[list[Mark | Group], int]:
    if not panel.is_empty:
        return _FORMS[panel.form](panel, values, room, lang)
    head, inner = heading(panel, panel.y.label, room, lang)
    words = said(Words.of("nothing"), lang)
    return [*head, Text(inner.x, inner.y + LINE_HEIGHT, words, SMALL)], inner.y + 3 * LINE_HEIGHT


def _values(panels: Sequence[Panel], lang: str) -> list[Values]:
    """Each panel's axis of values; rates beside one another have the same."""
    rates = [one for panel in panels if _is_compared(panel) for one in _reached(panel)]
    return [
        Values.of(panel.y, rates if _is_compared(panel) else _reached(panel), lang)
        for panel in panels
    ]


def _is_compared(panel: Panel) -> bool:
    return panel.form is Form.LINES and panel.y.scale is Scale.RATE


def _reached(panel: Panel) -> list[int]:
    """What the axis has to reach; of columns their tops."""
    if panel.form is not Form.COLUMNS:
        return [value for one in panel.series for value in one.values]
    tops: dict[int, int] = {}
    for one in panel.series:
        for point in one.points:
            tops[point.x] = tops.get(point.x, 0) + (point.y or 0)
    return list(tops.values())


def _about(chart: Chart, lang: str) -> str:
    """Of what and when it is."""
    first, last = date_of(chart.first).isoformat(), date_of(chart.last).isoformat()
    parts: list[Label] = [chart.deal or chart.member or Words.of("all_deals")]
    parts.append(last if first == last else Words.of("days_shown", first=first, last=last))
    if chart.currency:
        parts.append(chart.currency)
    return " · ".join(said(part, lang) for part in parts)


def _foot(chart: Chart, lang: str) -> str:
    """From which state of the ledger, and the hash of the numbers."""
    digest = str(chart.document["content_sha256"])[:_HASH_DIGITS]
    return said(Words.of("foot", block=chart.head_block, digest=digest), lang)


def _lines(texts: Sequence[tuple[str, int, bool]], width: int, y: int) -> tuple[list[Mark], int]:
    """Texts under one another, each with its size and whether it is bold; and where they end."""
    marks: list[Mark] = []
    for words, size, bold in texts:
        for line in wrapped(words, size, width):
            y += size + 6 * PX
            ink = INK if bold else QUIET
            marks.append(Text(_MARGIN, y - 4 * PX, line, size, ink, bold=bold))
    return marks, y
