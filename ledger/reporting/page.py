"""Page: a report as one HTML file that needs nothing else and prints in black and white."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.messages import language, text
from ledger.reporting.report import (
    Report,
    Row,
    Table,
    Unit,
    Value,
    as_text,
    printable,
    unit_of,
)

if TYPE_CHECKING:
    from jinja2 import Environment

ROWS_MAX = 200
"""Of a table; a page is read by a person. What is left out is said."""


class Shown(NamedTuple):
    """A table and the rows of it that a page has."""

    table: Table
    rows: Sequence[Row]
    left_out: int


def page(report: Report) -> bytes:
    """The report as HTML."""
    tables = [shown(table) for table in report.tables]
    return rendered("page.html", report=report, tables=tables)


def shown(table: Table, most: int | None = None) -> Shown:
    """A table with at most so many rows; without, `ROWS_MAX`."""
    most = ROWS_MAX if most is None else most
    return Shown(table, table.rows[:most], max(0, len(table.rows) - most))


def rendered(template: str, folder: Path | None = None, **given: Any) -> bytes:
    """A page by one of our templates; those of `folder` besides our own."""
    made = _environment(folder).get_template(template)
    chosen = "zh-CN" if language() == "zh" else "en"
    return (made.render(language=chosen, **given) + "\n").encode("utf-8", "replace")


def _words(value: Value, unit: Unit, decimals: int) -> str:
    return printable(as_text(value, unit, decimals))


def _numeric(value: Value, unit: Unit) -> bool:
    return unit_of(value, unit) in (Unit.AMOUNT, Unit.COUNT, Unit.RATE)


@cache
def _environment(folder: Path | None) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folders = [Path(__file__).parent, *([folder] if folder else [])]
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.globals |= {"words": _words, "numeric": _numeric, "text": text}
    return environment
