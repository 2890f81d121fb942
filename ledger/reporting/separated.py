"""Separated: a report's table as CSV, for programs and for spreadsheets that open it.

UTF-8 with a byte order mark, a header of column keys, amounts in major units, ISO dates. A
spreadsheet runs what begins like a formula, so an apostrophe goes before text that does.
"""

from __future__ import annotations

import csv
from io import StringIO

from ledger.reporting.report import Column, Report, Value, as_text, plain_of

_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r", "'")


def separated(report: Report) -> bytes:
    """The report's first table and those with its columns, as a CSV file."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    first = report.tables[0]
    writer.writerow([column.key for column in first.columns])
    for table in report.tables:
        if table.columns == first.columns:
            writer.writerows(
                [
                    _cell(*pair, table.decimals)
                    for pair in zip(row.values, table.columns, strict=True)
                ]
                for row in table.rows
            )
    return out.getvalue().encode("utf-8-sig", "replace")


def _cell(value: Value, column: Column, decimals: int) -> str:
    words = as_text(value, column.unit, decimals, readable=False)
    if isinstance(plain_of(value), str) and words.startswith(_RUN_BY_SPREADSHEETS):
        return f"'{words}"
    return words
