"""Report: facts and tables with one definition of columns, whatever form they are written in.

Values are what the program computes with: minor units, day numbers, counts, text. What a value
looks like is decided by its unit, here for text and by each form for itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from ledger.messages import has, text
from ledger.money import date_of, format, format_percent

REPLACED = "\N{REPLACEMENT CHARACTER}"


NOT_CONTENT = ("made_at", "explanation", "meaning", "content_sha256")
"""Keys of the document that say when and in which language it was made."""


class Unit(StrEnum):
    """What a value counts."""

    TEXT = "text"
    AMOUNT = "amount"
    """Minor units."""
    COUNT = "count"
    DAY = "day"
    """Days since 1970-01-01."""
    RATE = "rate"
    """Parts per million."""
    EACH = "each"
    """Every value of the column is a `Figure` with a unit of its own."""


class Figure(NamedTuple):
    """A value with its unit."""

    unit: Unit
    value: Plain


class Said(NamedTuple):
    """A text of the program's own: programs read the value, people what is said of it."""

    value: str | int
    said: str


class Formula(NamedTuple):
    """A number that a workbook computes by itself, with what it must come to.

    In `says`, `{name}` is the cell of the row of that name, `{table.column}` all cells of a column,
    `{@column}` the cell of the same row.
    """

    says: str
    value: int


Plain = int | str | None
Value = Plain | Figure | Formula | Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table."""

    key: str
    """Its name in JSON and CSV; with `report.column_` before it, of its title."""
    unit: Unit = Unit.TEXT
    total: bool = False
    """Whether its values add up to something."""
    remark: bool = False
    """Words about the row, on a line of their own where there is little room."""
    heading: str = ""
    """Its title where that is no word: the name of a party, a number."""

    @property
    def title(self) -> str:
        """For people, in their language."""
        return self.heading or text(f"report.column_{self.key}")

    @property
    def json_key(self) -> str:
        """Amounts say their unit."""
        return f"{self.key}_minor" if self.unit is Unit.AMOUNT else self.key


class Row(NamedTuple):
    """The values of a table's columns in order, and the name by which formulas call it."""

    values: tuple[Value, ...]
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table."""

    key: str
    """Of its title: `report.table_` and this."""
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    currency: str
    decimals: int
    """Of the currency."""
    named: str = "amount"
    """The column that a formula means when it calls a row by its name."""

    @property
    def title(self) -> str:
        """For people, in their language."""
        return text(f"report.table_{self.key}", currency=self.currency)

    @property
    def totals(self) -> dict[str, int]:
        """Key of each column that adds up to its sum."""
        return {
            column.key: sum(number(row.values[at]) for row in self.rows)
            for at, column in enumerate(self.columns)
            if column.total
        }

    def documents(self) -> list[dict[str, Any]]:
        """The rows as JSON."""
        keys = [column.json_key for column in self.columns]
        return [
            {
                key: as_json(value, column.unit)
                for key, value, column in zip(keys, row.values, self.columns, strict=True)
            }
            for row in self.rows
        ]


class Shape(NamedTuple):
    """What the tables of one currency have in common."""

    currency: str
    decimals: int

    def table(self, key: str, columns: tuple[Column, ...], rows: Sequence[Row]) -> Table:
        """A table in this currency."""
        return Table(
            key=key, columns=columns, rows=rows, currency=self.currency, decimals=self.decimals
        )


NOTHING = Shape("", 2)
"""Of tables without any amount."""


class Fact(NamedTuple):
    """A line of a report's head. Its label is the text `report.` and the key."""

    key: str
    value: Value
    unit: Unit = Unit.TEXT
    paper: bool = False
    """Whether only a report that leaves the screen says it."""

    @property
    def label(self) -> str:
        """For people, in their language."""
        return text(f"report.{self.key}")


class Picture(Protocol):
    """A drawing of a report's numbers."""

    @property
    def svg(self) -> str:
        """As SVG of our own."""

    @property
    def width(self) -> int:
        """Of the drawing, in a unit of its own."""

    @property
    def height(self) -> int:
        """In the same unit."""

    def paint(self, page: Any) -> None:
        """Draw it on a canvas of reportlab in that unit, from its bottom left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a form is made of."""

    title: str
    facts: tuple[Fact, ...]
    tables: tuple[Table, ...]
    """CSV has the first, and of the others those with the same columns."""
    verdict: str
    """The result in a sentence."""
    notes: tuple[str, ...] = ()
    signers: tuple[str, ...] = ()
    """Who signs a printed copy."""
    document: Mapping[str, Any] = field(default_factory=dict)
    """The same as JSON."""
    picture: Picture | None = None
    """The same to look at; pages and paper have it above the tables."""

    @property
    def decimals(self) -> int:
        """Of the amounts among the facts."""
        return self.tables[0].decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Who made a report, when, and on which state of the ledger."""

    member: str
    made_at: int
    """Unix seconds."""
    head_block: int
    head_hash: bytes
    file: str = ""
    file_sha256: str = ""

    def facts(self) -> tuple[Fact, ...]:
        """As the head of a report has them."""
        facts = [
            Fact("made_by", self.member or "-", paper=True),
            Fact("made_at", moment(self.made_at), paper=True),
            Fact("head_block", self.head_block, Unit.COUNT, paper=True),
            Fact("head_hash", "0x" + self.head_hash.hex(), paper=True),
        ]
        if self.file:
            facts += [
                Fact("file", self.file),
                Fact("file_sha256", self.file_sha256, paper=True),
            ]
        return tuple(facts)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        document: dict[str, Any] = {
            "member": self.member or None,
            "made_at": moment(self.made_at),
            "head_block": self.head_block,
            "head_hash": "0x" + self.head_hash.hex(),
        }
        if self.file:
            document |= {"file": self.file, "file_sha256": self.file_sha256}
        return document


def moment(at: int) -> str:
    """Unix seconds as ISO text in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def word(group: str, value: str) -> Said:
    """A word by its translation, the text `GROUP.VALUE`; itself where there is none."""
    key = f"{group}.{value}"
    return Said(value, text(key) if has(key) else value)


def number(value: Value) -> int:
    """What a value adds to a total."""
    plain = plain_of(value)
    return plain if isinstance(plain, int) else 0


def plain_of(value: Value) -> Plain:
    """The value itself, whatever is said of it."""
    return value.value if isinstance(value, Figure | Formula | Said) else value


def unit_of(value: Value, unit: Unit) -> Unit:
    """The unit of a value in a column of `unit`; text wherever it is text."""
    known = value.unit if isinstance(value, Figure) else unit
    return Unit.TEXT if isinstance(plain_of(value), str) or known is Unit.EACH else known


def as_json(value: Value, unit: Unit) -> Plain:
    """Amounts and counts as integers, days as ISO dates, rates as ppm."""
    plain = plain_of(value)
    if isinstance(plain, int) and unit_of(value, unit) is Unit.DAY:
        return date_of(plain).isoformat()
    return plain


def as_text(value: Value, unit: Unit, decimals: int, *, readable: bool = True) -> str:
    """A value in words: amounts in major units, for people when `readable`, else for programs."""
    plain = plain_of(value)
    if isinstance(value, Said) and readable:
        return value.said
    if plain is None:
        return ""
    if isinstance(plain, str):
        return plain
    known = unit_of(value, unit)
    if known is Unit.DAY:
        return date_of(plain).isoformat()
    if known is Unit.RATE:
        return ("-" if plain < 0 else "") + format_percent(abs(plain))
    if known is not Unit.AMOUNT:
        return f"{plain:,}" if readable else str(plain)
    if not readable:
        return format(plain, decimals)
    whole, point, rest = format(abs(plain), decimals).partition(".")
    return f"{'-' if plain < 0 else ''}{int(whole):,}{point}{rest}"


def printable(words: str) -> str:
    """Text of others for a terminal or page: nothing in it that moves a cursor or turns a line."""
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else REPLACED
        for letter in words
    )


def content_sha256(document: Mapping[str, Any], *, without: Sequence[str] = ()) -> str:
    """SHA-256 of a JSON document: keys sorted, no spaces, UTF-8; keys in `without` left out."""
    kept = _without(document, frozenset(without))
    plain = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _without(document: Any, left_out: frozenset[str]) -> Any:
    if isinstance(document, Mapping):
        return {
            key: _without(value, left_out) for key, value in document.items() if key not in left_out
        }
    if isinstance(document, list | tuple):
        return [_without(value, left_out) for value in document]
    return document
