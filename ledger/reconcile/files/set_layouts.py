"""Layouts of sets: which files there are, what their columns hold, and how they are called."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.errors import ValueInvalid
from ledger.messages import text
from ledger.money import date_of, format, format_percent, parse_date, shown
from ledger.reconcile.files import cells
from ledger.reconcile.files.cells import Cell, Unit
from ledger.reconcile.files.columns import Table
from ledger.reconcile.files.findings import Findings
from ledger.reconcile.files.set_contents import DayContents
from ledger.reconcile.lines import Kind, Statement

UNREAD, PERSONAL = "-", "personal"
"""What a column holds that is not kept: of no use here (`-date`: a date, when written); about a
person."""
_STAMP = re.compile(r"(?<![0-9])(20[0-9]{6})(?![0-9])")
_SUFFIXES = (".csv", ".txt")


@dataclass(frozen=True, slots=True)
class FileSpec:
    """One file of a set."""

    name: str
    title: str
    """What the parties call it."""
    kind: Kind
    """Of the breaks that a missing file is."""
    columns: Mapping[str, str]
    """Name to what it holds, in the file's order: see `reader_of`."""
    extra: frozenset[str] = frozenset()
    """Columns that may be there as well and are not read."""


def spec(name: str, title: str, kind: Kind, columns: str, *, extra: str = "") -> FileSpec:
    """A file with its columns written as `name:what name:what`."""
    parted = (one.partition(":") for one in columns.split())
    held = {column: what or UNREAD for column, _, what in parted}
    return FileSpec(name, title, kind, held, frozenset(extra.split()))


@dataclass(slots=True)
class Tables:
    """The files of a set that were read, by name, with what was found wrong."""

    date: int
    decimals: int
    read: dict[str, Table] = field(default_factory=dict)
    findings: dict[str, Findings] = field(default_factory=dict)
    paths: dict[str, Path] = field(default_factory=dict)

    def columns(self, name: str, *columns: str) -> Iterator[tuple[Any, ...]]:
        """Rows of some columns of a file; none when the file is missing."""
        if name not in self.read:
            return iter(())
        held = self.read[name].columns
        return zip(*(held[column] for column in columns), strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLayout:
    """A layout of daily files."""

    name: str
    files: tuple[FileSpec, ...]
    unit: Unit
    """In which amounts are unless said otherwise."""
    date_format: str
    check: Callable[[Tables], None]
    """Holds totals against details; notes differences."""
    statements: Callable[[Tables], dict[Kind, Statement]]
    rows: Callable[[DayContents], dict[str, list[tuple[Any, ...]]]]
    """What to write: by file, rows of the values of all columns in order."""

    def file(self, name: str) -> FileSpec:
        """The file of a name."""
        return next(one for one in self.files if one.name == name)


def file_name(name: str, date: int) -> str:
    """What a file of a day is called."""
    return f"{name}_{date_of(date):%Y%m%d}.csv"


def is_read(what: str) -> bool:
    """Whether a column that holds this is kept."""
    return what != PERSONAL and not what.startswith(UNREAD)


class Readers:
    """The cells of a layout's columns, in its unit or another."""

    def __init__(self, layout: SetLayout, unit: Unit, decimals: int) -> None:
        date = cells.dated(layout.date_format)
        moment = cells.each(_moment)
        amount = cells.amount(decimals, unit=unit)
        self._readers = {
            "ref": cells.REF,
            "ref?": cells.REF_OR_EMPTY,
            "text": cells.TEXT,
            "amount": amount,
            "amount?": cells.or_empty(amount, 0),
            "accrued?": cells.or_empty(amount, None),
            "signed": cells.amount(decimals, signed=True, unit=unit),
            "date": date,
            "date?": cells.or_empty(date, 0),
            "maturity?": cells.or_empty(date, None),
            "time": moment,
            "count": cells.integer(0, 10**9),
            "count?": cells.or_empty(cells.integer(0, 10**9), 0),
            "class?": cells.or_empty(cells.integer(1, 5), None),
            "percent?": cells.or_empty(cells.RATE, None),
            "state": cells.STATE,
            "month": cells.each(_month),
        }

    def of(self, what: str) -> Cell:
        """The cell of what a column holds; codes are written as `a/b/c`."""
        if what in self._readers:
            return self._readers[what]
        codes = what.split("/")
        return cells.code(dict(zip(codes, codes, strict=True)), "value.choice")


class Writers:
    """What `Readers` reads, as text."""

    def __init__(self, layout: SetLayout, unit: Unit, decimals: int) -> None:
        """For a layout's columns, in its unit or another."""
        self._decimals = decimals if unit is Unit.MAJOR else 0
        self._form = "%Y-%m-%d" if "-" in layout.date_format else "%Y%m%d"

    def text(self, what: str, value: Any) -> str:
        """The text of a column's value; "" for none. A day that may be missing is not 0."""
        what = what.removeprefix(UNREAD)
        if value is None or value == "" or what == PERSONAL:
            return ""
        if what in ("amount", "amount?", "accrued?", "signed"):
            return format(value, self._decimals)
        if what in ("date", "date?", "maturity?", "time"):
            if not value and what == "date?":
                return ""
            clock = "%H%M%S" if what == "time" else ""
            return date_of(value).strftime(self._form + clock)
        if what == "percent?":
            return format_percent(value).removesuffix("%")
        return str(value)


def _moment(found: str) -> int:
    """The day of YYYYMMDDhhmmss, with or without signs between."""
    digits = re.sub(r"[-: T]", "", found)
    form = "YYYYMMDDhhmmss" if len(digits) == 14 else "YYYYMMDD"
    try:
        return int(cells.dated(form).one(digits))
    except ValueInvalid as error:
        raise ValueInvalid(
            error.what,
            expected=text("statement.date_form_expected", form="YYYYMMDDhhmmss"),
            found=shown(found),
        ) from None


def _month(found: str) -> str:
    try:
        parse_date(f"{found}-01")
    except ValueInvalid as error:
        raise ValueInvalid(
            text("value.month"), expected=text("value.month_expected"), found=error.found
        ) from None
    return found


def files_of_set(
    folder: Path, candidates: Sequence[SetLayout], date: int | None
) -> tuple[SetLayout, int, dict[str, Path]]:
    """The layout, the day and the files of a folder. Raises `StatementInvalid`."""
    findings = Findings(str(folder))
    stamped = _stamped(folder, findings)
    best = max(candidates, key=lambda one: len(_named(one, stamped)))
    named = _named(best, stamped)
    if not named:
        example = file_name(best.files[-1].name, date or 20_458)
        findings.note("statement.set_unknown", example=example)
    days = sorted({day for _, day, _ in named})
    if date is None and len(days) > 1:
        expected = " ".join(date_of(day).isoformat() for day in days)
        findings.note("statement.set_day", expected=expected)
    findings.refuse()
    day = date if date is not None else days[0]
    paths: dict[str, Path] = {}
    for name, one_day, path in named:
        if one_day == day:
            if name in paths:
                findings.note(
                    "statement.set_file_twice", found=path.name, expected=paths[name].name
                )
            paths[name] = path
    findings.refuse()
    return best, day, paths


def _stamped(folder: Path, findings: Findings) -> list[tuple[Path, int]]:
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    except OSError as error:
        findings.note("file.unreadable", found=error.strerror or str(error))
        findings.refuse()
    found = []
    for path in files:
        stamp = _STAMP.search(path.stem)
        try:
            day = cells.dated("YYYYMMDD").one(stamp[1] if stamp else "")
        except ValueInvalid:
            continue
        found.append((path, day))
    return found


def _named(layout: SetLayout, stamped: Sequence[tuple[Path, int]]) -> list[tuple[str, int, Path]]:
    """The files that are of a layout: the longest of its names that a file's name holds."""
    longest = sorted((one.name for one in layout.files), key=len, reverse=True)
    found = []
    for path, day in stamped:
        stem = path.stem.lower()
        name = next((one for one in longest if re.search(rf"(?<![a-z]){one}(?![a-z])", stem)), None)
        if name is not None:
            found.append((name, day, path))
    return found
