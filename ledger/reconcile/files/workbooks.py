"""Workbooks: the rows of an XLSX sheet as records of text, with nothing lost on the way.

A number in a workbook is a binary fraction that a person sees as a decimal. It is taken as the
shortest decimal that stands for it; one with more digits than a workbook can hold is refused, and
so are truth values and errors.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ledger.errors import LedgerError
from ledger.money import shown
from ledger.reconcile.files.columns import Record
from ledger.reconcile.files.findings import Findings

MOST_BYTES = 1 << 30
"""To which a workbook may unpack."""
MOST_ROWS = 1_048_576
MOST_DIGITS = 15
"""Digits that a workbook's numbers hold without loss."""
_ZEROS = re.compile("0+")


def records(path: Path, findings: Findings, *, sheet: str | None = None) -> Iterator[Record]:
    """The rows of a sheet, the first one that is visible unless named; empty rows left out.

    Raises `StatementInvalid` when the workbook cannot be read.
    """
    from openpyxl import load_workbook

    _refuse_bombs(path, findings)
    try:
        with warnings.catch_warnings():
            # What of styles and extensions it cannot read is none of our business.
            warnings.simplefilter("ignore")
            with path.open("rb") as stream:
                book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
                yield from _rows(_sheet(book, sheet, findings), findings)
    except LedgerError:
        raise
    except Exception as error:
        # What a damaged workbook makes the libraries raise has no end: zlib, zipfile, XML, theirs.
        findings.note("statement.workbook", found=_one_line(error))
        findings.refuse()


def _refuse_bombs(path: Path, findings: Findings) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        findings.note("statement.workbook", found=_one_line(error))
    else:
        if size > MOST_BYTES:
            findings.note("statement.workbook_large", found=str(size), most=MOST_BYTES)
    findings.refuse()


def _one_line(error: Exception) -> str:
    return shown(str(error).partition("\n")[0] or type(error).__name__)


def _sheet(book: Any, name: str | None, findings: Findings) -> Any:
    sheets = {one.title: one for one in book.worksheets}
    if name is None:
        visible = [one for one in book.worksheets if one.sheet_state == "visible"]
        found = next(iter(visible), None)
    else:
        found = sheets.get(name)
    if found is None:
        findings.note("statement.sheet", expected=", ".join(sheets), found=shown(name or ""))
        findings.refuse()
    else:
        # A sheet may say that it is smaller than it is.
        found.reset_dimensions()
    return found


def _rows(sheet: Any, findings: Findings) -> Iterator[Record]:
    width = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        if number > MOST_ROWS:
            findings.note("statement.workbook", number, found=str(number))
            return
        before = len(findings.problems)
        cells = [_text(cell, number, findings) for cell in row]
        if len(findings.problems) > before:
            # Named already: nothing more is said of the row.
            continue
        while cells and not cells[-1]:
            cells.pop()
        if not cells:
            continue
        # Empty cells at the end of a row are not there at all in the file.
        width = width or len(cells)
        yield number, cells + [""] * (width - len(cells))


def _text(cell: Any, line: int, findings: Findings) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str) and cell.data_type != "e":
        return value
    if isinstance(value, date):
        return (value.date() if isinstance(value, datetime) else value).isoformat()
    if isinstance(value, bool) or cell.data_type != "n":
        findings.note(
            "statement.cell_kind", line, column=cell.column_letter, found=shown(str(value))
        )
        return ""
    number = Decimal(repr(value))
    if not number.is_finite() or len(number.normalize().as_tuple().digits) > MOST_DIGITS:
        findings.note(
            "statement.cell_digits",
            line,
            column=cell.column_letter,
            found=repr(value),
            most=MOST_DIGITS,
        )
        return ""
    return _shown_number(number, cell.number_format or "")


def _shown_number(number: Decimal, form: str) -> str:
    if form.endswith("%"):
        number *= 100
    plain = f"{number.normalize():f}"
    # A format of zeros alone is how a workbook shows the leading zeros of a reference.
    return plain.zfill(len(form)) if _ZEROS.fullmatch(form) and plain.isdigit() else plain
