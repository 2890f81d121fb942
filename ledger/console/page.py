"""Page: what one address of the console shows, as facts, tables and forms; three forms of it.

A page is data: HTML, JSON and CSV are made of the same tables, so that no number is shown that a
program cannot read at the same address.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from ledger.console.paging import Span
from ledger.keys import KeyUse
from ledger.messages import has, text
from ledger.reporting.report import (
    NOTHING,
    Column,
    Report,
    Row,
    Said,
    Shape,
    Table,
    Unit,
    Value,
    as_json,
)
from ledger.reporting.separated import separated

Links = Mapping[str, str]
"""Key of a column to where its value leads."""


_NOWHERE: Links = MappingProxyType({})


class Line(NamedTuple):
    """A row of a table, and where its values lead."""

    values: tuple[Value, ...]
    links: Links = _NOWHERE


class Fact(NamedTuple):
    """A line of a page's head. Its label is the text `console.fact_` and the key."""

    key: str
    value: Value
    unit: Unit = Unit.TEXT
    link: str = ""
    said: str = ""
    """Its label where that is another."""

    @property
    def label(self) -> str:
        """For people, in their language."""
        return self.said or text(f"console.fact_{self.key}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table of a page."""

    table: Table
    links: tuple[Links, ...]
    """By row."""
    title: str
    empty: str
    """What is said in place of no rows."""
    more: str = ""
    """Address of the rows that follow."""
    onward: bool = False
    """Whether those come later in the order, and not earlier in time."""
    sorts: tuple[str, ...] = ()
    """Keys of the columns by which a reader may sort it."""
    span: Span | None = None
    """Where its rows are one page of a longer list, cut where they were read."""

    @property
    def key(self) -> str:
        """Its name in JSON and in the address of its CSV."""
        return self.table.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What a person fills in. Its label is the text `console.field_` and the name."""

    name: str
    kind: str = "text"
    """text, date, amount, file or hidden."""
    value: str = ""
    required: bool = True
    choices: tuple[Said, ...] = ()
    """When there are any, one of them is chosen."""

    @property
    def label(self) -> str:
        """For people, in their language."""
        return text(f"console.field_{self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """An act that a page offers. Its button is the text `console.act_` and the key."""

    key: str
    action: str
    """The address that it is posted to."""
    fields: tuple[Field, ...] = ()
    needs: tuple[KeyUse, ...] = ()
    """The member's keys that it signs with."""
    says: str = ""
    """What the act does, where the button does not say it all."""
    reads: bool = False
    """Whether it writes nothing on the ledger: who may only read may do it."""

    @property
    def button(self) -> str:
        """For people, in their language."""
        return text(f"console.act_{self.key}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A chart, drawn at an address of its own."""

    source: str
    title: str
    link: str
    """Where its numbers are."""
    caption: str = ""
    """What is written under it, if not its title."""
    narrow: str = ""
    """Where it is drawn for a small screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one address shows."""

    title: str
    tab: str
    """The entry of the navigation that it belongs to."""
    lead: str = ""
    """The result in a sentence."""
    facts: tuple[Fact, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    notes: tuple[str, ...] = ()
    forms: tuple[Form, ...] = ()
    """What the page is for."""
    aside: tuple[Form, ...] = ()
    """What may be done here, too: after everything there is to read."""
    search: Form | None = None
    """Asked for with a GET."""
    crumbs: tuple[tuple[str, str], ...] = ()
    """What the page lies in: words and address."""
    links: tuple[tuple[str, str], ...] = ()
    """Pages beside this one: words and address."""
    pictures: tuple[Picture, ...] = ()
    below: bool = False
    """Whether the pictures come after the tables."""
    shape: Shape = NOTHING
    """Of the amounts among the facts."""
    sure: bool = True
    """False where the lead says that something is wrong."""
    document: Mapping[str, Any] = field(default_factory=dict)
    """What the JSON says besides facts and tables."""

    def as_document(self) -> dict[str, Any]:
        """As JSON."""
        facts = {
            f"{one.key}_minor" if one.unit is Unit.AMOUNT else one.key: as_json(one.value, one.unit)
            for one in self.facts
        }
        tables = {one.key: one.table.documents() for one in self.sheets}
        return {"title": self.title, **facts, **self.document, **tables}

    def as_json(self) -> bytes:
        """One JSON document."""
        return (json.dumps(self.as_document(), ensure_ascii=False) + "\n").encode(
            "utf-8", "replace"
        )

    def as_csv(self, key: str) -> bytes | None:
        """One of its tables as CSV, the first without a key; None when there is no such table."""
        for one in self.sheets:
            if key in ("", one.key):
                report = Report(title=self.title, facts=(), tables=(one.table,), verdict="")
                return separated(report)
        return None


def col(key: str, unit: Unit = Unit.TEXT, *, total: bool = False, heading: str = "") -> Column:
    """A column, titled by the text `console.column_KEY`, else by that of the reports."""
    own = f"console.column_{key}"
    return Column(
        key=key, unit=unit, total=total, heading=heading or (text(own) if has(own) else "")
    )


def named(prefix: str, value: str) -> Said:
    """A word of the ledger as commands call it: `cli.PREFIX_VALUE`; itself where there is none."""
    key = f"cli.{prefix}_{value.replace('-', '_')}"
    return Said(value, text(key) if has(key) else value)


def sheet(
    key: str,
    columns: Sequence[Column],
    lines: Iterable[Line | tuple[Value, ...]],
    shape: Shape = NOTHING,
    *,
    title: str = "",
    more: str = "",
    onward: bool = False,
    empty: str = "",
    sorts: tuple[str, ...] = (),
    span: Span | None = None,
) -> Sheet:
    """A table, titled by the text `console.table_KEY` unless it is given a title."""
    every = [one if isinstance(one, Line) else Line(one) for one in lines]
    return Sheet(
        table=Table(
            key=key,
            columns=tuple(columns),
            rows=[Row(one.values) for one in every],
            currency=shape.currency,
            decimals=shape.decimals,
        ),
        links=tuple(one.links for one in every),
        title=title or text(f"console.table_{key}", currency=shape.currency),
        empty=empty or text("console.nothing"),
        more=more,
        onward=onward,
        sorts=sorts,
        span=span,
    )


def of_table(table: Table, links: Iterable[Links] = (), *, sorts: tuple[str, ...] = ()) -> Sheet:
    """A report's table as it is."""
    given = tuple(links)
    return Sheet(
        table=table,
        links=given or (_NOWHERE,) * len(table.rows),
        title=table.title,
        empty=text("report.no_rows"),
        sorts=sorts,
    )
