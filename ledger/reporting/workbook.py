"""Workbook: a report as XLSX: a sheet of facts, then one for each table, its totals as formulas.

A total counts the rows that a filter leaves; the first sheet sets each beside the ledger's own.
Text of others is kept as text, so that nothing in it is computed.
"""

from __future__ import annotations

import re
from decimal import Decimal
from io import BytesIO
from typing import Any

from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import PPM, date_of
from ledger.reporting.report import (
    REPLACED,
    Column,
    Formula,
    Report,
    Row,
    Said,
    Table,
    Unit,
    Value,
    plain_of,
    unit_of,
)

ROWS_MAX = 1_000_000
"""Of a table; a sheet of the format ends soon after."""
TOTAL_ROW, HEAD_ROW, FIRST_ROW = 2, 3, 4
"""Of a table's sheet; the totals stand above the head, where sorting leaves them alone."""
_WIDEST, _SAMPLE = 60, 200
_NAMED = re.compile(r"\{([^{}]+)\}")
_SUBTOTAL_SUM = 109
"""SUBTOTAL's number for the sum of what is not hidden."""


def workbook(report: Report) -> bytes:
    """The report as an XLSX file. Raises `UsageInvalid` for more rows than a sheet has."""
    from openpyxl import Workbook

    for table in report.tables:
        if len(table.rows) > ROWS_MAX:
            raise UsageInvalid(
                text("report.too_long"),
                expected=f"{ROWS_MAX:,}",
                found=f"{len(table.rows):,}",
                fix=text("report.too_long_fix"),
            )
    book = Workbook()
    places = _Places(report.tables)
    first = book.active
    first.title = text("report.sheet_facts")
    _facts(first, report, places)
    for table in report.tables:
        _sheet(book.create_sheet(places.sheet(table)), table, places)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


class _Places:
    """Where everything stands, as formulas call it."""

    def __init__(self, tables: tuple[Table, ...]) -> None:
        keys = [table.key for table in tables]
        self._again = {key for key in keys if keys.count(key) > 1}
        self.cells: dict[str, str] = {}
        for table in tables:
            sheet, last = self.sheet(table), last_row(table)
            for column in table.columns:
                letter = _letter(table, column.key)
                known = f"'{sheet}'!${letter}${FIRST_ROW}:${letter}${last}"
                self.cells[f"{table.key}.{column.key}"] = known
            for at, row in enumerate(table.rows):
                if row.name:
                    letter = _letter(table, table.named)
                    self.cells[row.name] = f"'{sheet}'!${letter}${FIRST_ROW + at}"

    def sheet(self, table: Table) -> str:
        """Name of a table's sheet; with its currency where there is one for each."""
        name = text(f"report.sheet_{table.key}")
        return f"{name} {table.currency}" if table.key in self._again else name

    def total(self, table: Table, column: Column) -> str:
        """The cell of a column's total."""
        return f"'{self.sheet(table)}'!${_letter(table, column.key)}${TOTAL_ROW}"

    def formula(self, says: str, table: Table, at: int) -> str:
        """A formula of a table's row with the cells that it names."""

        def cell(named: re.Match[str]) -> str:
            name = named[1]
            return f"{_letter(table, name[1:])}{at}" if name[0] == "@" else self.cells[name]

        return "=" + _NAMED.sub(cell, says)


def last_row(table: Table) -> int:
    """The row of its sheet on which a table ends; a table without rows has an empty one."""
    return FIRST_ROW + max(1, len(table.rows)) - 1


def _letter(table: Table, key: str) -> str:
    from openpyxl.utils import get_column_letter

    at = next(at for at, column in enumerate(table.columns, 1) if column.key == key)
    return str(get_column_letter(at))


def _facts(sheet: Any, report: Report, places: _Places) -> None:
    from openpyxl.styles import Alignment, Font

    _put(sheet.cell(1, 1), report.title)
    sheet.cell(1, 1).font = Font(bold=True, size=14)
    _put(sheet.cell(2, 1), report.verdict)
    sheet.cell(2, 1).font = Font(bold=True)
    at = HEAD_ROW
    for at, fact in enumerate(report.facts, FIRST_ROW):
        _put(sheet.cell(at, 1), fact.label)
        _put(sheet.cell(at, 2), fact.value, fact.unit, report.decimals)
        sheet.cell(at, 2).alignment = Alignment(horizontal="left", wrap_text=True, vertical="top")
    at += 2
    for column, key in enumerate(("total", "of_ledger", "of_workbook", "agrees"), 1):
        _put(sheet.cell(at, column), text(f"report.{key}"))
        sheet.cell(at, column).font = Font(bold=True)
    for table in report.tables:
        for known in (known for known in table.columns if known.total):
            at += 1
            _put(sheet.cell(at, 1), f"{table.title}: {known.title}")
            _put(sheet.cell(at, 2), table.totals[known.key], known.unit, table.decimals)
            _compute(sheet.cell(at, 3), f"={places.total(table, known)}", known.unit, table)
            verdict = text("report.agrees_yes"), text("report.agrees_no")
            sheet.cell(at, 4).value = f'=IF(ROUND(B{at}-C{at},4)=0,"{verdict[0]}","{verdict[1]}")'
    for note in report.notes:
        at += 2
        _put(sheet.cell(at, 1), note)
    for signer in report.signers:
        at += 3
        _put(sheet.cell(at, 1), signer)
        _put(sheet.cell(at, 2), text("report.signature"))
    for letter, width in (("A", 42), ("B", 30), ("C", 22), ("D", 12)):
        sheet.column_dimensions[letter].width = width
    _print(sheet)


def _sheet(sheet: Any, table: Table, places: _Places) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    _put(sheet.cell(1, 1), table.title)
    sheet.cell(1, 1).font = Font(bold=True, size=12)
    last = last_row(table)
    for at, column in enumerate(table.columns, 1):
        letter = get_column_letter(at)
        head = sheet.cell(HEAD_ROW, at)
        _put(head, column.title)
        head.font, head.fill = Font(bold=True), PatternFill("solid", fgColor="DDDDDD")
        head.alignment = Alignment(wrap_text=True, vertical="top")
        if column.total:
            says = f"=SUBTOTAL({_SUBTOTAL_SUM},{letter}{FIRST_ROW}:{letter}{last})"
            _compute(sheet.cell(TOTAL_ROW, at), says, column.unit, table)
            sheet.cell(TOTAL_ROW, at).font = Font(bold=True)
        sheet.column_dimensions[letter].width = _width(table, at - 1, column)
    if table.totals and not table.columns[0].total:
        _put(sheet.cell(TOTAL_ROW, 1), text("report.total"))
    for at, row in enumerate(table.rows, FIRST_ROW):
        _row(sheet, at, row, table, places)
    sheet.freeze_panes = sheet.cell(FIRST_ROW, 1)
    final = get_column_letter(len(table.columns))
    sheet.auto_filter.ref = f"A{HEAD_ROW}:{final}{last}"
    sheet.print_title_rows = f"{HEAD_ROW}:{HEAD_ROW}"
    _print(sheet)


def _row(sheet: Any, at: int, row: Row, table: Table, places: _Places) -> None:
    from openpyxl.styles import Alignment

    for place, (value, column) in enumerate(zip(row.values, table.columns, strict=True), 1):
        cell = sheet.cell(at, place)
        if isinstance(value, Formula):
            _compute(cell, places.formula(value.says, table, at), column.unit, table)
        else:
            _put(cell, value, column.unit, table.decimals)
        if column.remark:
            cell.alignment = Alignment(wrap_text=True, vertical="top")


def _put(cell: Any, value: Value, unit: Unit = Unit.TEXT, decimals: int = 0) -> None:
    """A value as what it is: a number, a date, or text that nothing computes."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    plain = value.said if isinstance(value, Said) else plain_of(value)
    known = unit_of(value, unit)
    if plain is None:
        return
    if isinstance(plain, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub(REPLACED, plain)
        cell.data_type = "s"
        cell.number_format = "@"
    elif known is Unit.DAY:
        cell.value = date_of(plain)
        cell.number_format = "yyyy-mm-dd"
    else:
        scale = {Unit.AMOUNT: 10**decimals, Unit.RATE: PPM}.get(known, 1)
        cell.value = Decimal(plain) / scale if scale > 1 else plain
        cell.number_format = number_format(known, decimals)


def _compute(cell: Any, says: str, unit: Unit, table: Table) -> None:
    cell.value = says
    cell.number_format = number_format(unit, table.decimals)


def number_format(unit: Unit, decimals: int) -> str:
    """How numbers of a unit are shown; negative ones in red and with their sign."""
    if unit is Unit.RATE:
        return "0.00##%"
    point = "." + "0" * decimals if unit is Unit.AMOUNT and decimals else ""
    return f"#,##0{point};[Red]-#,##0{point}"


def _width(table: Table, at: int, column: Column) -> int:
    from ledger.reporting.report import as_text

    sample = (as_text(row.values[at], column.unit, table.decimals) for row in table.rows[:_SAMPLE])
    longest = max((sum(2 if ord(c) > 0x2E7F else 1 for c in words) for words in sample), default=0)
    return min(max(longest, 2 * len(column.title), 8) + 2, _WIDEST)


def _print(sheet: Any) -> None:
    """On paper: landscape, as wide as the sheet."""
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
