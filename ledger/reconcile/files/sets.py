"""Sets: folders of daily files that belong together (日终文件), with a file of totals.

A layout says which files there are and what their columns hold. Every file is read, the totals are
held against the details, and each kind's lines come out as a statement. A file that is missing is
a break (B14), not an error: the other kinds can be reconciled without it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import StatementInvalid, TotalsDiffer
from ledger.money import shown
from ledger.reconcile.files import delimited
from ledger.reconcile.files.cells import Unit
from ledger.reconcile.files.columns import Column, Record, Table, read_columns
from ledger.reconcile.files.decoding import Decoded
from ledger.reconcile.files.findings import Findings
from ledger.reconcile.files.set_contents import DayContents
from ledger.reconcile.files.set_layouts import (
    FileSpec,
    Readers,
    SetLayout,
    Tables,
    Writers,
    file_name,
    files_of_set,
    is_read,
)
from ledger.reconcile.lines import Break, Kind, Statement
from ledger.reconcile.totals import file_missing


@dataclass(frozen=True, slots=True, kw_only=True)
class DailySet:
    """A set of a business day, read."""

    layout: str
    date: int
    statements: dict[Kind, Statement]
    tables: dict[str, Table]
    """Every file's columns, by file; also of those that no statement is made from."""
    breaks: tuple[Break, ...]
    """B14 for each file that is missing."""


def layouts() -> dict[str, SetLayout]:
    """All layouts by name."""
    from ledger.reconcile.files.assisted import LAYOUT as assisted
    from ledger.reconcile.files.jiebei import LAYOUT as jiebei

    return {layout.name: layout for layout in (jiebei, assisted)}


def read_kind(
    folder: Path, kind: Kind, *, encoding: str | None = None, decimals: int = 2
) -> Statement:
    """The statement of one kind from a folder of daily files; B14 in it when its file is missing.

    Raises `StatementInvalid` as `read_set` does, and when the set has no file of the kind.
    """
    found = read_set(folder, encoding=encoding, decimals=decimals)
    if kind in found.statements:
        return found.statements[kind]
    missing = next((one for one in found.breaks if one.kind is kind), None)
    if missing is not None:
        return Statement(kind=kind, file=str(folder), lines=[], date=found.date, missing=missing)
    findings = Findings(str(folder))
    known = " ".join(one.value for one in found.statements)
    findings.note("statement.set_kind", expected=known, found=kind.value)
    raise StatementInvalid(findings.problems, file=str(folder))


def read_set(
    folder: Path | str,
    *,
    layout: str | None = None,
    date: int | None = None,
    unit: Unit | str | None = None,
    encoding: str | None = None,
    decimals: int = 2,
) -> DailySet:
    """Read a folder of daily files.

    `layout` and `date` (days since 1970-01-01) are found out from the names of the files unless
    given; `unit` is the layout's own. Raises `StatementInvalid` with everything wrong in any of
    the files, `TotalsDiffer` when the totals are not what the details come to.
    """
    folder = Path(folder)
    known = layouts()
    candidates = [known[layout]] if layout is not None else list(known.values())
    chosen, day, paths = files_of_set(folder, candidates, date)
    tables = Tables(day, decimals, paths=paths)
    readers = Readers(chosen, Unit(unit) if unit else chosen.unit, decimals)
    for one in chosen.files:
        if one.name in paths:
            findings = Findings(str(paths[one.name]))
            tables.findings[one.name] = findings
            tables.read[one.name] = _read(one, paths[one.name], readers, encoding, findings)
    _refuse(folder, tables)
    chosen.check(tables)
    _refuse(folder, tables)
    return DailySet(
        layout=chosen.name,
        date=day,
        statements=chosen.statements(tables),
        tables=tables.read,
        breaks=tuple(
            file_missing(one.kind, day, file_name(one.name, day))
            for one in chosen.files
            if one.name not in paths
        ),
    )


def _refuse(folder: Path, tables: Tables) -> None:
    found = tables.findings.values()
    problems = [problem for one in found for problem in one.problems]
    differences = [problem for one in found for problem in one.differences]
    if problems:
        raise StatementInvalid(problems, file=str(folder))
    if differences:
        raise TotalsDiffer(differences, file=str(folder))


def _read(
    one: FileSpec, path: Path, readers: Readers, encoding: str | None, findings: Findings
) -> Table:
    found: Iterator[Record] = delimited.Delimited(Decoded(path, encoding, findings), findings)
    names, found = _names(one, found, findings)
    plan = [
        Column(name, name, names.index(name), readers.of(what))
        for name, what in one.columns.items()
        if is_read(what) and name in names
    ]
    return read_columns(found, plan, findings, width=len(names)) if plan else Table()


def _names(
    one: FileSpec, found: Iterator[Record], findings: Findings
) -> tuple[Sequence[str], Iterator[Record]]:
    """The columns of a file: as its header names them, else as the layout orders them.

    Some senders put a title or Chinese names in the first line: with as many cells as the layout
    has columns it is a header all the same.
    """
    line, header = next(found, (1, ()))
    names = [name.strip().lower() for name in header]
    known = one.columns.keys() | one.extra
    expected = ",".join(one.columns)
    if not names:
        findings.note("statement.no_columns", 1, names=expected)
        return (), found
    if known.isdisjoint(names) and len(names) == len(one.columns):
        return list(one.columns), found
    needed = (name for name, what in one.columns.items() if is_read(what))
    for name in needed:
        if names.count(name) != 1:
            key = "column_twice" if name in names else "column_missing"
            findings.note(f"statement.{key}", line, column=name, names=expected)
    for name in names:
        if name not in known:
            findings.note("statement.column_unknown", line, column=shown(name), names=expected)
    # Without its columns nothing more can be said of the file.
    return (names, found) if not findings.problems else ((), iter(()))


def write_set(
    folder: Path | str,
    contents: DayContents,
    *,
    layout: str,
    unit: Unit | str | None = None,
    decimals: int = 2,
) -> list[Path]:
    """Write the files of a day into a folder, made when there is none; UTF-8, with headers.

    `unit` is the layout's own unless given. Reading the folder gives the same lines, as far as the
    layout has room for them.
    """
    chosen = layouts()[layout]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    writing = Writers(chosen, Unit(unit) if unit else chosen.unit, decimals)
    rows = chosen.rows(contents)
    paths = []
    for one in chosen.files:
        path = folder / file_name(one.name, contents.date)
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(one.columns)
            whats = list(one.columns.values())
            writer.writerows(
                [writing.text(what, value) for what, value in zip(whats, row, strict=True)]
                for row in rows[one.name]
            )
        paths.append(path)
    return paths
