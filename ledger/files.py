"""Files: the CSV files that parties exchange, read into entries or statement lines.

A file is read once, streaming, and every bad row is found before anything is sent. A row's line
is the physical line where its record starts, as an editor shows it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from ledger import collecting
from ledger.entries import (
    Booking,
    CashLine,
    Cure,
    Method,
    OverdueMark,
    Purpose,
    Recovery,
    Referred,
    Repayment,
    TermReason,
    VoucherIssue,
    Waiver,
    WriteOff,
)
from ledger.errors import FileInvalid, Problem, ValueInvalid
from ledger.messages import text
from ledger.money import format, parse, parse_date, parse_percentage_number, shown
from ledger.problems import problems_of
from ledger.receivable import Evidence
from ledger.voucher_entries import Form

_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


R_co = TypeVar("R_co", bound=Referred, covariant=True)


class Cell(StrEnum):
    """What a column holds."""

    TEXT = "text"
    AMOUNT = "amount"
    POSITIVE = "positive"
    SIGNED = "signed"
    PERCENTAGE = "percentage"
    DATE = "date"
    DATE_OR_EMPTY = "date or empty"
    METHOD = "method"
    PURPOSE = "purpose"
    AMOUNT_OR_EMPTY = "amount or empty"
    FORM = "form"
    EVIDENCE = "evidence"
    TERM_REASON = "term reason or empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout(Generic[R_co]):
    """The columns of one kind of file and what a row of it becomes."""

    name: str
    columns: dict[str, tuple[str, Cell]]
    """Column to the field of the row and what it holds."""
    make: Callable[..., R_co]
    unique: bool = True
    """Whether two rows may not have the same ref."""
    optional: frozenset[str] = frozenset()
    """Columns that need not be there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRows(Generic[R_co]):
    """A file that was read without problems."""

    file: str
    rows: tuple[R_co, ...]
    lines: tuple[int, ...]
    """Physical line of each row, from 1."""


def _mark_or_cure(*, loan_ref: str, since_date: Any) -> OverdueMark | Cure:
    if since_date is None:
        return Cure(loan_ref=loan_ref)
    return OverdueMark(loan_ref=loan_ref, since_date=since_date)


def _same(*names: str) -> dict[str, tuple[str, Cell]]:
    return {name: (name, Cell.TEXT) for name in names}


def _days(*names: str) -> dict[str, tuple[str, Cell]]:
    return {name: (name, Cell.DATE) for name in names}


def _amounts(*names: str) -> dict[str, tuple[str, Cell]]:
    return {name: (f"{name}_minor", Cell.AMOUNT) for name in names}


LOANS: Layout[Booking] = Layout(
    name="loans",
    columns=_same("loan_ref", "borrower_ref")
    | _days("start_date", "maturity_date")
    | {
        "principal": ("principal_minor", Cell.POSITIVE),
        "annual_rate_pct": ("annual_rate_ppm", Cell.PERCENTAGE),
        "method": ("method", Cell.METHOD),
        "purpose": ("purpose", Cell.PURPOSE),
    },
    make=Booking,
)
REPAYMENTS: Layout[Repayment] = Layout(
    name="repayments",
    columns=_same("entry_ref", "loan_ref")
    | _days("date")
    | _amounts("principal", "interest", "penalty", "fee"),
    make=Repayment,
)
OVERDUE: Layout[OverdueMark | Cure] = Layout(
    name="overdue",
    columns=_same("loan_ref") | {"since_date": ("since_date", Cell.DATE_OR_EMPTY)},
    make=_mark_or_cure,
)
WRITE_OFFS: Layout[WriteOff] = Layout(
    name="write-offs", columns=_same("loan_ref") | _days("date"), make=WriteOff
)
RECOVERIES: Layout[Recovery] = Layout(
    name="recoveries",
    columns=_same("entry_ref", "loan_ref")
    | _days("date")
    | {"amount": ("amount_minor", Cell.POSITIVE)}
    | _amounts("cost"),
    make=Recovery,
)
WAIVERS: Layout[Waiver] = Layout(
    name="waivers",
    columns=_same("entry_ref", "loan_ref") | _days("date") | _amounts("interest", "penalty"),
    make=Waiver,
)
CASH: Layout[CashLine] = Layout(
    name="cash",
    columns=_same("reference")
    | _days("value_date")
    | {"amount": ("amount_minor", Cell.SIGNED)}
    | _same("counterparty", "text"),
    make=CashLine,
    # A bank may use one reference twice; that is a break to explain, not a bad file.
    unique=False,
)
VOUCHERS: Layout[VoucherIssue] = Layout(
    name="vouchers",
    columns=_same("voucher_ref", "core", "supplier", "invoice_ref")
    | _days("issue_date", "due_date")
    | {
        "amount": ("amount_minor", Cell.POSITIVE),
        "delivery_date": ("delivery_date", Cell.DATE_OR_EMPTY),
        "term_reason": ("term_reason", Cell.TERM_REASON),
    },
    make=VoucherIssue,
    optional=frozenset({"delivery_date", "term_reason"}),
)
LAYOUTS: dict[str, Layout[Any]] = {
    layout.name: layout
    for layout in (LOANS, REPAYMENTS, OVERDUE, WRITE_OFFS, RECOVERIES, WAIVERS, CASH, VOUCHERS)
}
"""Layouts by name; `voucher_files` has those of what is done with vouchers."""


def read(
    file: Path | str,
    layout: Layout[R_co],
    *,
    decimals: int,
    allow_extra: bool = False,
    allow_duplicates: bool = False,
) -> FileRows[R_co]:
    """Read a CSV file; amounts have up to `decimals` decimals.

    `allow_extra` ignores unknown columns. `allow_duplicates` keeps rows with the same ref, for
    the other side's file in a reconciliation. A file with a header alone has no rows. Raises
    `FileInvalid` with every problem of every row.
    """
    reading = _Reading(file=str(file), layout=layout, decimals=decimals)
    reading.unique = layout.unique and not allow_duplicates
    try:
        with collecting.seldom(), Path(file).open("rb") as stream:
            reading.read(_Lines(stream, reading), allow_extra=allow_extra)
    except OSError as error:
        found = error.strerror or str(error)
        reading.problems.append(Problem(what=text("file.unreadable"), file=str(file), found=found))
    if reading.problems:
        problems = sorted(reading.problems, key=lambda problem: problem.line)
        raise FileInvalid(problems, file=str(file))
    return FileRows(file=str(file), rows=tuple(reading.rows), lines=tuple(reading.lines))


class _Stop(Exception):
    """The file cannot be read further; the problem is noted."""


@dataclass(slots=True, kw_only=True)
class _Reading:
    """One pass over one file."""

    file: str
    layout: Layout[Any]
    decimals: int
    unique: bool = True
    rows: list[Any] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    undecoded: set[int] = field(default_factory=set)
    """Lines that are not text, so that their records are not read."""
    first_seen: dict[str, int] = field(default_factory=dict)
    """Ref to its position in `rows`."""

    def read(self, lines: _Lines, *, allow_extra: bool) -> None:
        records = self._records(lines)
        try:
            _, header = next(records, (1, []))
            plan = self._plan(header, allow_extra=allow_extra)
        except _Stop:
            return
        for line, record in records:
            if len(record) != len(header):
                self.note("fields", line, found=str(len(record)), count=len(header))
            else:
                self._read_row(line, record, plan)

    def note(self, key: str, line: int, *, column: str = "", found: str = "", **f: object) -> None:
        problem = Problem(
            what=text(f"file.{key}", **f),
            file=self.file,
            line=line,
            column=column,
            expected=text(f"file.{key}_expected", **f),
            found=found,
            fix=text(f"file.{key}_fix", **f),
        )
        self.problems.append(problem)

    def _records(self, lines: _Lines) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(lines, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self.note("malformed", line, found=str(error))
                continue
            if record and self.undecoded.isdisjoint(range(line, reader.line_num + 1)):
                yield line, record

    def _plan(self, header: list[str], *, allow_extra: bool) -> list[_Column]:
        known = self.layout.columns
        names = ",".join(known)
        if not header:
            if not self.problems:
                self.note("empty", 1, names=names)
            raise _Stop
        before = len(self.problems)
        for i, name in enumerate(header):
            if name in header[:i]:
                self.note("column_twice", 1, column=name, names=names)
            elif name not in known and not allow_extra:
                self.note("column_unknown", 1, column=shown(name), names=names)
        for name in known:
            if name not in header and name not in self.layout.optional:
                self.note("column_missing", 1, column=name, names=names)
        if len(self.problems) > before:
            raise _Stop
        readers = _cell_readers(self.decimals)
        return [
            (header.index(name), name, target, readers[cell])
            for name, (target, cell) in known.items()
            if name in header
        ]

    def _read_row(self, line: int, record: list[str], plan: list[_Column]) -> None:
        values: dict[str, Any] = {}
        for index, column, target, read_cell in plan:
            try:
                values[target] = read_cell(record[index])
            except ValueInvalid as error:
                self.problems.append(error.problem(file=self.file, line=line, column=column))
        if len(values) < len(plan):
            return
        try:
            row = self.layout.make(**values)
        except ValidationError as error:
            names = {target: column for _, column, target, _ in plan}
            self.problems += problems_of(error, file=self.file, line=line, keys=names)
            return
        if self.unique and self.first_seen.setdefault(row.ref, len(self.rows)) != len(self.rows):
            self._note_duplicate(line, row)
            return
        self.rows.append(row)
        self.lines.append(line)

    def _note_duplicate(self, line: int, row: Any) -> None:
        position = self.first_seen[row.ref]
        key = "duplicate" if self.rows[position] == row else "duplicate_other"
        column = next(iter(self.layout.columns))
        self.note(key, line, column=column, found=shown(row.ref), first=self.lines[position])


class _Lines:
    """The physical lines of a file, decoded; lines that are not text are noted and emptied."""

    def __init__(self, stream: Any, reading: _Reading) -> None:
        self._stream = stream
        self._reading = reading

    def __iter__(self) -> Iterator[str]:
        for number, raw in enumerate(self._stream, start=1):
            if number == 1:
                if raw.startswith(_UTF16_BOMS):
                    self._reading.note("not_utf8", 1, found="UTF-16")
                    return
                raw = raw.removeprefix(_BOM)
            try:
                line = raw.decode("utf-8")
            except UnicodeDecodeError as error:
                self._skip(number, "not_utf8", raw[error.start], error.start)
                line = raw.decode("utf-8", "replace")
            if "\0" in line:
                self._skip(number, "nul", 0, raw.index(0))
                line = line.replace("\0", "")
            yield line

    def _skip(self, number: int, key: str, byte: int, at: int) -> None:
        found = text("file.byte", byte=f"0x{byte:02x}", at=at + 1)
        self._reading.note(key, number, found=found)
        self._reading.undecoded.add(number)


CellReader = Callable[[str], Any]
_Column = tuple[int, str, str, CellReader]


def _cell_readers(decimals: int) -> dict[Cell, CellReader]:
    # Few different days and rates in a file of many rows.
    read_date = lru_cache(maxsize=4096)(parse_date)

    def positive(cell: str) -> int:
        amount_minor = parse(cell, decimals)
        if not amount_minor:
            expected = text("value.amount_zero_expected", least=format(1, decimals))
            raise ValueInvalid(text("value.amount_zero"), expected=expected, found=shown(cell))
        return amount_minor

    return {
        Cell.TEXT: str,
        Cell.AMOUNT: lambda cell: parse(cell, decimals),
        Cell.POSITIVE: positive,
        Cell.SIGNED: lambda cell: parse(cell, decimals, signed=True),
        Cell.PERCENTAGE: lru_cache(maxsize=4096)(parse_percentage_number),
        Cell.DATE: read_date,
        Cell.DATE_OR_EMPTY: lambda cell: read_date(cell) if cell else None,
        Cell.METHOD: _one_of(Method),
        Cell.PURPOSE: _one_of(Purpose),
        Cell.AMOUNT_OR_EMPTY: lambda cell: positive(cell) if cell else 0,
        Cell.FORM: _one_of(Form),
        Cell.EVIDENCE: _one_of(Evidence),
        Cell.TERM_REASON: _one_of(TermReason),
    }


def _one_of(choices: type[StrEnum]) -> CellReader:
    by_text = {choice.value: choice for choice in choices}

    def choose(cell: str) -> StrEnum:
        if cell in by_text:
            return by_text[cell]
        expected = " ".join(filter(None, by_text))
        raise ValueInvalid(text("value.choice"), expected=expected, found=shown(cell))

    return choose
