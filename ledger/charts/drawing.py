"""Drawing: marks on paper in whole numbers, whatever they are written as.

All lengths are tenths of a pixel, so that the same chart is the same bytes on every machine.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

PX = 10
"""A pixel."""
INK, QUIET, GRID, PAPER = "#1a1a1a", "#555555", "#d9d9d9", "#ffffff"
SMALL, TEXT, TITLE = 11 * PX, 12 * PX, 16 * PX
"""Sizes of text."""
_NARROW, _WIDE_LETTERS = frozenset("ijltfrI.,:;'|!()[] -·"), frozenset("mwMW%@")
Place = tuple[int, int]


class Shape(StrEnum):
    """What marks a point."""

    DOT = "dot"
    SQUARE = "square"
    TRIANGLE = "triangle"
    DIAMOND = "diamond"
    RING = "ring"
    BOX = "box"
    DOWN = "down"
    OPEN_DIAMOND = "open-diamond"
    PLUS = "plus"
    OPEN_TRIANGLE = "open-triangle"
    CROSS = "cross"
    OPEN_DOWN = "open-down"
    ARROW = "arrow"
    """There is a value, above the end of the axis."""


OPEN = (
    Shape.RING, Shape.BOX, Shape.OPEN_DIAMOND, Shape.OPEN_TRIANGLE, Shape.OPEN_DOWN, Shape.ARROW,
)  # fmt: skip
"""Drawn as outlines."""


class Style(NamedTuple):
    """How a series looks: told apart by dash and mark, colour or not."""

    ink: str
    dash: tuple[int, ...]
    """Lengths of line and gap; empty for a whole line."""
    shape: Shape


STYLES = (
    Style("#16324f", (), Shape.DOT),
    Style("#a2331f", (80, 40), Shape.SQUARE),
    Style("#2b6238", (20, 30), Shape.TRIANGLE),
    Style("#5f3a93", (120, 30, 20, 30), Shape.DIAMOND),
    Style("#7d5200", (50, 30), Shape.RING),
    Style("#006670", (160, 50), Shape.BOX),
    Style("#85296a", (20, 60), Shape.DOWN),
    Style("#3f3f3f", (80, 30, 20, 30, 20, 30), Shape.OPEN_DIAMOND),
    Style("#1f5fa8", (200, 30), Shape.PLUS),
    Style("#8a1c1c", (120, 30, 60, 30), Shape.OPEN_TRIANGLE),
    Style("#4a5a00", (30, 20), Shape.CROSS),
    Style("#6a2fb0", (160, 30, 20, 30, 20, 30), Shape.OPEN_DOWN),
)
LEVELS = (
    Style(QUIET, (120, 40), Shape.DOT),
    Style(QUIET, (60, 40), Shape.DOT),
    Style(QUIET, (20, 30), Shape.DOT),
)


class Line(NamedTuple):
    """A line through places."""

    places: tuple[Place, ...]
    ink: str = GRID
    width: int = PX
    dash: tuple[int, ...] = ()


class Area(NamedTuple):
    """A rectangle."""

    x: int
    y: int
    width: int
    height: int
    fill: str
    ink: str
    said: str = ""
    """What it stands for, exactly."""


class Text(NamedTuple):
    """A line of text; `y` is where its letters stand."""

    x: int
    y: int
    words: str
    size: int = TEXT
    ink: str = INK
    anchor: str = "start"
    """start, middle or end: what of it is at `x`."""
    bold: bool = False
    halo: bool = False
    """Whether paper shows around its letters, over what is below."""


class Dot(NamedTuple):
    """A point's mark around a place."""

    x: int
    y: int
    shape: Shape
    ink: str
    said: str = ""


Mark = Line | Area | Text | Dot


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Marks of one series."""

    name: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A chart as it is drawn in one language and width."""

    name: str
    lang: str
    width: int
    height: int
    title: str
    said: str
    """What it shows, for who cannot see it."""
    marks: tuple[Mark | Group, ...]


def text_width(words: str, size: int = TEXT) -> int:
    """About what a text takes; rather more than less."""
    return sum(map(_letter, words)) * size // 1000


def wrapped(words: str, size: int, width: int) -> list[str]:
    """Words on as many lines as they need; Chinese may break after any letter."""
    lines, line = [], ""
    for piece in _pieces(words):
        if line and text_width((line + piece).rstrip(), size) > width:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()] if line.strip() else lines or [""]


def _pieces(words: str) -> list[str]:
    pieces = [""]
    for letter in words:
        pieces[-1] += letter
        if letter == " " or unicodedata.east_asian_width(letter) in "WF":
            pieces.append("")
    return pieces


def _letter(letter: str) -> int:
    """Thousandths of the size."""
    if unicodedata.east_asian_width(letter) in "WF":
        return 1000
    if letter in _NARROW:
        return 330
    if letter in _WIDE_LETTERS:
        return 900
    return 680 if letter.isupper() else 580
