"""Lettering: what text looks like in the font of printed reports: its width, and where it breaks.

Lengths are points, rounded up.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ledger.reporting.report import printable

FONT = "LedgerSansSC"
FONT_FILE = Path(__file__).with_name("fonts") / "LedgerSansSC.ttf"
UNKNOWN = "\N{WHITE SQUARE}"
"""For a character that the font has not."""


def wrapped(says: str, size: int, width: int) -> list[str]:
    """Text in lines no wider than `width`: broken at spaces, else wherever it must be."""
    lines, line = [], ""
    for word in _pieces(known(says)):
        if wide(line + word.rstrip(), size) <= width:
            line += word
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = ""
        for letter in word:
            if line and wide(line + letter, size) > width:
                lines.append(line)
                line = ""
            line += letter
    return [*lines, line.rstrip()]


def _pieces(says: str) -> Iterator[str]:
    """Words with the spaces behind them; Chinese letter by letter."""
    start = 0
    for at, letter in enumerate(says):
        if letter == " " or ord(letter) > 0x2E7F:
            yield says[start : at + 1]
            start = at + 1
    yield says[start:]


def fitted(says: str, size: int, width: int) -> str:
    """Text in one line, cut where it is too wide."""
    kept = known(says)
    while kept and wide(kept, size) > width:
        kept = kept[:-1]
    return kept


def known(says: str) -> str:
    """Text as the font has it."""
    glyphs = measure().glyphs
    return "".join(one if ord(one) in glyphs else UNKNOWN for one in printable(says))


def wide(says: str, size: int) -> int:
    """Width of a line, rounded up."""
    font = measure()
    thousandths = sum(font.widths.get(ord(letter), font.otherwise) for letter in says)
    return -(-thousandths * size // 1000)


class _Font(NamedTuple):
    """What the font has."""

    glyphs: frozenset[int]
    widths: dict[int, int]
    """Code point to thousandths of the size."""
    otherwise: int


@cache
def measure() -> _Font:
    """Read the font, once, and make it known to who writes the file."""
    from reportlab.pdfbase.pdfmetrics import registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    font: Any = TTFont(FONT, str(FONT_FILE))
    registerFont(font)
    face = font.face
    widths = {code: round(width) for code, width in face.charWidths.items()}
    return _Font(frozenset(face.charToGlyph), widths, round(face.defaultWidth))
