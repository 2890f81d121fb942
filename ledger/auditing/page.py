"""Page: a pack as one HTML file for a person; it needs nothing else and prints without colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ledger.auditing.evidence import LoanEvidence
from ledger.auditing.sheets import SAMPLE, Sheets
from ledger.money import date_of
from ledger.reporting.page import rendered, shown
from ledger.reporting.report import Report, Table

LOANS_MAX = 300
"""Sheets of a page; what is left out is in the workbook and said."""
_ROWS_MAX = 200
_NOT_SHOWN = ("document_digest", "action", "loan_id", "rank", "log")
"""Columns that the workbook has and a page has no room for."""


class Section(NamedTuple):
    """A chapter of the page."""

    key: str
    """Of its heading: `audit.section.` and this."""
    tables: Sequence[Table]
    paper: bool = False
    """Whether only the page has it: the same numbers are in another table."""


def page(
    report: Report, sections: Sequence[Section], sheets: Sheets, loans: Sequence[LoanEvidence]
) -> bytes:
    """The pack as HTML."""
    chapters = [
        (section.key, [shown(_narrow(table), _ROWS_MAX) for table in section.tables])
        for section in sections
    ]
    shown_loans = [
        {
            "loan": one,
            "facts": list(zip(SAMPLE, sheets.sample([one]).rows[0].values, strict=True)),
            "tables": [shown(_narrow(table)) for table in sheets.of(one) if table.rows],
            "start": date_of(one.particulars.start_date),
        }
        for one in loans[:LOANS_MAX]
    ]
    return rendered(
        "pack.html",
        Path(__file__).parent,
        report=report,
        chapters=chapters,
        sheets=shown_loans,
        left_out=max(0, len(loans) - LOANS_MAX),
    )


def _narrow(table: Table) -> Table:
    """A table without the columns that a page leaves out."""
    kept = [at for at, column in enumerate(table.columns) if column.key not in _NOT_SHOWN]
    if len(kept) == len(table.columns):
        return table
    return replace(
        table,
        columns=tuple(table.columns[at] for at in kept),
        rows=[row._replace(values=tuple(row.values[at] for at in kept)) for row in table.rows],
    )
