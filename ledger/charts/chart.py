"""Chart: panels of points in whole numbers, and the tables that they were taken from.

A chart knows no language and no size: its words are keys until it is drawn, and every point is a
value of its tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from ledger.messages import table
from ledger.money import date_of
from ledger.reporting.report import NOT_CONTENT, Table, content_sha256


class Words(NamedTuple):
    """Words of the program in whatever language they are drawn in: a key of the messages."""

    key: str
    fields: tuple[tuple[str, str | int | Words], ...] = ()

    @classmethod
    def of(cls, key: str, **fields: str | int | Words) -> Words:
        """Those of `chart.KEY` with its fields."""
        return cls(f"chart.{key}", tuple(fields.items()))


Label = str | Words
"""Text of others, such as a member's id, as it is; or words of the program."""


def said(label: Label, lang: str) -> str:
    """A label in a language."""
    if isinstance(label, str):
        return label
    fields = {
        name: said(value, lang) if isinstance(value, Words) else value
        for name, value in label.fields
    }
    return table()[label.key][lang].format(**fields)


class Scale(StrEnum):
    """What the numbers along an axis are."""

    AMOUNT = "amount"
    """Minor units of the chart's currency."""
    RATE = "rate"
    """Parts per million."""
    COUNT = "count"
    DAY = "day"
    """Days since 1970-01-01."""
    MONTH = "month"
    """Year * 12 + month - 1."""
    NAME = "name"
    """Places of `Panel.names`, from 0."""


class Form(StrEnum):
    """How a panel is drawn."""

    LINES = "lines"
    COLUMNS = "columns"
    """Upright, the series of a place on top of one another."""
    BARS = "bars"
    """Lying, one to a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of a panel."""

    label: Label
    scale: Scale
    currency: str = ""
    """Of amounts, with its decimals."""
    decimals: int = 0
    from_zero: bool = True
    """Whether 0 is on it; without, it begins near the least value."""
    most: int | None = None
    """Values above are drawn at its end, with an arrow; None: there are none."""


class Point(NamedTuple):
    """A value at a place; both in the units of their axes."""

    x: int
    y: int | None
    """None: there is no such value, and the line has a gap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points that belong together."""

    label: Label
    points: tuple[Point, ...]
    """By x, rising."""
    steps: bool = False
    """Whether a value holds until the next one."""
    level: bool = False
    """Whether it is a line that others are held against. Of bars: a mark across each."""

    @property
    def values(self) -> list[int]:
        """Those that are there."""
        return [point.y for point in self.points if point.y is not None]


class Mark(NamedTuple):
    """A line across a panel at a place of its x axis."""

    label: Label
    x: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A picture with axes of its own."""

    form: Form
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    title: Label = ""
    names: tuple[Label, ...] = ()
    """Of the places, where the x axis has names."""
    remarks: tuple[Label, ...] = ()
    """Beside each bar."""
    width: int = 1
    """Of a column, in units of the x axis."""
    marks: tuple[Mark, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw; of columns and bars, nothing above 0."""
        values = [value for one in self.series if not one.level for value in one.values]
        return not (values if self.form is Form.LINES else any(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart of the ledger as it stood at a block."""

    name: str
    """Of `CHARTS`."""
    title: Label
    summary: Label
    """What it shows, in a sentence, for who cannot see it."""
    deal: str
    """Empty where it is of several."""
    member: str
    """Whose it is; empty where it is the same for all."""
    first: int
    """Days since 1970-01-01, as `last`."""
    last: int
    currency: str
    decimals: int
    head_block: int
    head_hash: bytes
    panels: tuple[Panel, ...]
    tables: tuple[Table, ...]
    """Where every point comes from."""
    notes: tuple[Label, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The numbers as JSON, with their hash."""
        document: dict[str, Any] = {
            "chart": self.name,
            "deal": self.deal or None,
            "member": self.member or None,
            "from": date_of(self.first).isoformat(),
            "to": date_of(self.last).isoformat(),
            "currency": self.currency,
            "head_block": self.head_block,
            "head_hash": "0x" + self.head_hash.hex(),
            **_rows(self.tables),
        }
        return {**document, "content_sha256": content_sha256(document, without=NOT_CONTENT)}


def _rows(tables: tuple[Table, ...]) -> Mapping[str, Any]:
    """Rows by the name of their table; those of several currencies under one name."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for one in tables:
        rows.setdefault(one.key.removeprefix("chart_"), []).extend(one.documents())
    return rows
