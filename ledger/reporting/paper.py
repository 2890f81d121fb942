"""Paper: a report as PDF: A4 across, in black and white, every page with its place and its hash.

The font is in the file, Chinese as well, so that it reads the same everywhere; the same report
gives the same bytes. Lengths are points, from the bottom left of a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, NamedTuple

from ledger.errors import UsageInvalid
from ledger.messages import language, text
from ledger.reporting.lettering import FONT, fitted, known, measure, wide, wrapped
from ledger.reporting.page import Shown, shown
from ledger.reporting.report import (
    Column,
    Picture,
    Report,
    Row,
    Unit,
    Value,
    as_text,
    printable,
)

ROWS_MAX = 1000
"""Of a table; what is left out is said."""
_WIDTH, _HEIGHT, _MARGIN, _FOOT = 842, 595, 36, 30
_TITLE, _VERDICT, _HEADING, _TEXT, _SMALL = 15, 11, 10, 8, 7
_SMALLEST = 5
"""Of the text of a table with very many columns."""
_GAP = 6
"""Between columns."""
_NARROWEST = 34
_PICTURE_GAP = 10
_NUMBERS = (Unit.AMOUNT, Unit.COUNT, Unit.RATE)


class Words(NamedTuple):
    """A line of text on a page."""

    x: int
    y: int
    says: str
    size: int
    right: bool = False
    """Whether it ends at `x`."""


class Rule(NamedTuple):
    """A line across a page, `tenths` of a point thick."""

    x: int
    y: int
    to: int
    tenths: int


class Drawn(NamedTuple):
    """A picture on a page, `width` wide; `y` is its bottom."""

    x: int
    y: int
    width: int
    picture: Picture


Mark = Words | Rule | Drawn


def paper(report: Report) -> bytes:
    """The report as a PDF file. Raises `UsageInvalid` where the extra `pdf` is not installed."""
    try:
        from reportlab.pdfgen.canvas import Canvas
    except ModuleNotFoundError:
        raise UsageInvalid(text("report.pdf_missing"), fix=text("report.pdf_missing_fix")) from None
    measure()
    pages = laid_out(report)
    out = BytesIO()
    lang = "zh-CN" if language() == "zh" else "en"
    canvas = Canvas(out, pagesize=(_WIDTH, _HEIGHT), invariant=1, lang=lang)
    canvas.setTitle(known(report.title))
    canvas.setCreator("partnership-ledger")
    for number, marks in enumerate(pages, 1):
        _draw(canvas, [*marks, *_foot(report, number, len(pages))])
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def laid_out(report: Report) -> list[list[Mark]]:
    """What stands where on every page, the foot apart."""
    layout = _Layout()
    layout.lines(report.title, _TITLE, after=4)
    for line in report.verdict.splitlines():
        layout.lines(line, _VERDICT, after=2)
    layout.rule(10)
    layout.facts(
        [(one.label, as_text(one.value, one.unit, report.decimals)) for one in report.facts]
    )
    if report.picture is not None:
        layout.picture(report.picture)
    for table in report.tables:
        layout.table(shown(table, ROWS_MAX))
    for note in report.notes:
        layout.lines(note, _TEXT, before=8)
    if report.signers:
        layout.signatures(report.signers)
    return layout.pages


def _foot(report: Report, number: int, pages: int) -> Iterator[Mark]:
    hashed = str(report.document.get("content_sha256", ""))
    yield Rule(_MARGIN, _FOOT + 10, _WIDTH - _MARGIN, 3)
    yield Words(_MARGIN, _FOOT, fitted(report.title, _SMALL, 380), _SMALL)
    said = text("report.page_of", number=number, pages=pages)
    yield Words(_WIDTH - _MARGIN, _FOOT, f"{hashed}    {said}".strip(), _SMALL, right=True)


class _Layout:
    """Puts lines and tables onto pages from the top down."""

    def __init__(self) -> None:
        self.pages: list[list[Mark]] = [[]]
        self._y = _HEIGHT - _MARGIN

    def lines(self, says: str, size: int, *, before: int = 0, after: int = 0) -> None:
        """Words as wide as the page, in as many lines as they need."""
        self._y -= before
        for line in wrapped(says, size, _WIDTH - 2 * _MARGIN):
            self._need(size + 3)
            self._y -= size + 3
            self._put(Words(_MARGIN, self._y, line, size))
        self._y -= after

    def rule(self, tenths: int) -> None:
        """A line across."""
        self._need(6)
        self._y -= 4
        self._put(Rule(_MARGIN, self._y, _WIDTH - _MARGIN, tenths))

    def facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Labels and what they stand for."""
        label = max((wide(name, _TEXT) for name, _ in facts), default=0) + 12
        label = min(label, 260)
        for name, value in facts:
            lines = wrapped(printable(value), _TEXT, _WIDTH - 2 * _MARGIN - label)
            self._need((_TEXT + 3) * len(lines))
            for at, line in enumerate(lines):
                self._y -= _TEXT + 3
                if not at:
                    self._put(Words(_MARGIN, self._y, fitted(name, _TEXT, label - 6), _TEXT))
                self._put(Words(_MARGIN + label, self._y, line, _TEXT))

    def picture(self, one: Picture) -> None:
        """A picture as wide as the page, or as high as one holds; on one page."""
        most = _HEIGHT - _MARGIN - _FOOT - 2 * _PICTURE_GAP
        width = min(_WIDTH - 2 * _MARGIN, most * one.width // one.height)
        height = -(-width * one.height // one.width)
        self._need(height + _PICTURE_GAP)
        self._y -= height + _PICTURE_GAP
        self._put(Drawn(_MARGIN, self._y, width, one))

    def table(self, one: Shown) -> None:
        """A table; its head stands on every page that it reaches."""
        self._need(60)
        self.lines(one.table.title, _HEADING, before=10, after=2)
        if not one.rows:
            self.lines(text("report.no_rows"), _TEXT)
            return
        grid = _Grid(one)
        self._head(grid)
        for row in one.rows:
            self._row(grid, *grid.row(row))
        if totals := grid.totals():
            self._thick(grid)
            self._row(grid, totals, [])
        if one.left_out:
            self.lines(text("report.rows_left_out", count=one.left_out), _TEXT, before=2)

    def signatures(self, signers: Sequence[str]) -> None:
        """A line to sign on for each."""
        self._need(60)
        self._y -= 44
        width = (_WIDTH - 2 * _MARGIN) // len(signers)
        for at, signer in enumerate(signers):
            x = _MARGIN + at * width
            self._put(Rule(x, self._y, x + width - 20, 5))
            self._put(Words(x, self._y - 10, fitted(signer, _TEXT, width - 20), _TEXT))
            self._put(Words(x, self._y - 20, text("report.signature"), _SMALL))
        self._y -= 24

    def _head(self, grid: _Grid) -> None:
        self._thick(grid)
        self._row(grid, grid.titles(), [])
        self._thick(grid)

    def _thick(self, grid: _Grid) -> None:
        self._y -= 1
        self._put(Rule(_MARGIN, self._y, _MARGIN + grid.width, 8))

    def _row(self, grid: _Grid, cells: list[list[str]], remarks: list[str]) -> None:
        step = grid.size + 2
        words = [
            line
            for remark in remarks
            for line in wrapped(remark, grid.size, _WIDTH - 2 * _MARGIN - 20)
        ]
        height = step * (max(map(len, cells), default=1) + len(words)) + 3
        if self._need(height + step):
            self._head(grid)
        top = self._y
        for place, lines in zip(grid.places, cells, strict=True):
            for at, line in enumerate(lines, 1):
                x = place.x + place.width if place.right else place.x
                self._put(Words(x, top - at * step, line, grid.size, place.right))
        below = top - step * max(map(len, cells), default=1)
        for at, line in enumerate(words, 1):
            self._put(Words(_MARGIN + 20, below - at * step, line, grid.size))
        self._y = top - height
        self._put(Rule(_MARGIN, self._y, _MARGIN + grid.width, 2))

    def _need(self, height: int) -> bool:
        """Go on to a new page where so much has no room any more; whether it did."""
        if self._y - height >= _FOOT + 14 or not self.pages[-1]:
            return False
        self.pages.append([])
        self._y = _HEIGHT - _MARGIN
        return True

    def _put(self, mark: Mark) -> None:
        self.pages[-1].append(mark)


class _Place(NamedTuple):
    """Where a column stands."""

    x: int
    width: int
    right: bool


class _Grid:
    """The columns of a table with their widths."""

    def __init__(self, one: Shown) -> None:
        self._table = table = one.table
        kept = enumerate(table.columns)
        self._at = [at for at, column in kept if not column.remark]
        self._remarks = [at for at, column in enumerate(table.columns) if column.remark]
        room = _WIDTH - 2 * _MARGIN - _GAP * (len(self._at) - 1)
        self.size = _SMALL
        natural = self._natural(one.rows)
        fixed = [at for at, column in enumerate(self._columns) if column.unit is not Unit.TEXT]
        while (
            self.size > _SMALLEST
            and sum(natural[at] for at in fixed) + _NARROWEST * (len(natural) - len(fixed)) > room
        ):
            self.size -= 1
            natural = self._natural(one.rows)
        widths = _widths(natural, fixed, room)
        self.places, x = [], _MARGIN
        for width, column in zip(widths, self._columns, strict=True):
            right = column.unit in (*_NUMBERS, Unit.EACH)
            self.places.append(_Place(x, width, right))
            x += width + _GAP
        self.width = x - _GAP - _MARGIN

    @property
    def _columns(self) -> list[Column]:
        return [self._table.columns[at] for at in self._at]

    def titles(self) -> list[list[str]]:
        """The head, in lines."""
        return self._lines([column.title for column in self._columns])

    def row(self, row: Row) -> tuple[list[list[str]], list[str]]:
        """A row's cells in lines, and what is remarked on it."""
        remarks = [self._said(row.values[at], at) for at in self._remarks]
        return self._lines(self._cells(row)), [one for one in remarks if one]

    def totals(self) -> list[list[str]]:
        """The sums; nothing where nothing adds up."""
        sums = self._sums()
        return self._lines(sums) if sums else []

    def _sums(self) -> list[str]:
        table, sums = self._table, self._table.totals
        if not sums:
            return []
        said = [
            as_text(sums[column.key], column.unit, table.decimals) if column.total else ""
            for column in self._columns
        ]
        said[0] = said[0] or text("report.total")
        return said

    def _natural(self, rows: Sequence[Row]) -> list[int]:
        """Widths at which nothing but a title is in two lines."""
        found = [
            max(wide(word, self.size) for word in column.title.split() or [""]) + 1
            for column in self._columns
        ]
        for cells in (*map(self._cells, rows), self._sums()):
            for at, cell in enumerate(cells):
                found[at] = max(found[at], wide(cell, self.size) + 1)
        return found

    def _cells(self, row: Row) -> list[str]:
        return [self._said(row.values[at], at) for at in self._at]

    def _said(self, value: Value, at: int) -> str:
        return printable(as_text(value, self._table.columns[at].unit, self._table.decimals))

    def _lines(self, cells: Sequence[str]) -> list[list[str]]:
        return [
            wrapped(cell, self.size, place.width)
            for cell, place in zip(cells, self.places, strict=True)
        ]


def _widths(natural: Sequence[int], fixed: Sequence[int], room: int) -> list[int]:
    """What each column gets: numbers all they need, words what is left, the longest least of it."""
    found = list(natural)
    words = [at for at in range(len(natural)) if at not in fixed]
    left = room - sum(natural[at] for at in fixed)
    if not words or sum(natural[at] for at in words) <= left:
        return found
    # From the narrowest up: who needs less than an even share leaves the rest to the others.
    for done, at in enumerate(sorted(words, key=lambda one: natural[one])):
        found[at] = min(natural[at], max(_NARROWEST, left // (len(words) - done)))
        left -= found[at]
    return found


def _draw(canvas: Any, marks: Sequence[Mark]) -> None:
    for mark in marks:
        if isinstance(mark, Rule):
            canvas.setLineWidth(mark.tenths / 10)
            canvas.line(mark.x, mark.y, mark.to, mark.y)
            continue
        if isinstance(mark, Drawn):
            canvas.saveState()
            canvas.translate(mark.x, mark.y)
            canvas.scale(mark.width / mark.picture.width, mark.width / mark.picture.width)
            mark.picture.paint(canvas)
            canvas.restoreState()
            continue
        canvas.setFont(FONT, mark.size)
        put = canvas.drawRightString if mark.right else canvas.drawString
        put(mark.x, mark.y, mark.says)
