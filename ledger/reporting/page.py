"""Page: a report as one HTML file that needs nothing else and prints in black and white."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
    from jinja2 import Template

ROWS_MAX = 200
"""Of a table; a page is read by a person. What is left out is said."""


class _Shown(NamedTuple):
    table: Table
    rows: Sequence[Row]
    left_out: int


def page(report: Report) -> bytes:
    """The report as HTML."""
    rendered = _template().render(
        language="zh-CN" if language() == "zh" else "en",
        report=report,
        tables=[
            _Shown(table, table.rows[:ROWS_MAX], max(0, len(table.rows) - ROWS_MAX))
            for table in report.tables
        ],
        words=_words,
        numeric=_numeric,
        text=text,
    )
    return (rendered + "\n").encode("utf-8", "replace")


def _words(value: Value, unit: Unit, decimals: int) -> str:
    return printable(as_text(value, unit, decimals))


def _numeric(value: Value, unit: Unit) -> bool:
    return unit_of(value, unit) in (Unit.AMOUNT, Unit.COUNT, Unit.RATE)


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    return environment.from_string(Path(__file__).with_name("page.html").read_text("utf-8"))
