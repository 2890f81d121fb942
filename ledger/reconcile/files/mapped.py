"""Mapped: files in a bank's own layout, read by its field map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import chain
from pathlib import Path

from ledger.messages import text
from ledger.money import shown
from ledger.reconcile.files import cells, delimited, workbooks
from ledger.reconcile.files.cells import Cell, Unit
from ledger.reconcile.files.columns import (
    LEG,
    Column,
    Record,
    Table,
    What,
    cells_of,
    lines_of,
    read_columns,
    single_day,
)
from ledger.reconcile.files.controls import Totals, part_of, size_of
from ledger.reconcile.files.decoding import Decoded
from ledger.reconcile.files.field_maps import Control, Layout, Place, fields_of_sign
from ledger.reconcile.files.findings import Findings
from ledger.reconcile.lines import Kind, Statement


def read(
    path: Path, layout: Layout, *, encoding: str | None = None, findings: Findings
) -> Statement:
    """A statement from a file laid out as the map says. Raises `StatementInvalid`.

    `encoding` wins over the map's.
    """
    return _Reading(path, layout, encoding, findings).read()


@dataclass(slots=True)
class _Reading:
    path: Path
    layout: Layout
    encoding: str | None
    findings: Findings
    control: Record | None = None
    in_bytes: str = ""
    """The encoding in which the places of a fixed-width file are counted."""
    readers: dict[What, Cell] = field(default_factory=dict)

    def read(self) -> Statement:
        """Records, columns, lines; then the control totals."""
        layout, findings = self.layout, self.findings
        self.readers = _readers(layout)
        found = self._counted(self._records())
        header: Sequence[str] = ()
        line = 1
        if layout.map.header:
            line, header = next(found, (1, ()))
            self._check_header(header, line)
        plan = self._plan(header)
        if layout.map.format == "fixed":
            found, width = self._sliced(found, plan), len(plan)
        else:
            width = len(header)
            if not header and (first := next(found, None)):
                line, width = first[0], len(first[1])
                found = chain([first], found)
            self._check_positions(plan, width, line)
        table = read_columns(found, plan, findings, width=width)
        table = self._completed(table)
        opening, closing = self._balances(table)
        day = None
        if layout.kind is Kind.BALANCES and not findings.problems:
            day = single_day(table, findings)
        findings.refuse()
        return Statement(
            kind=layout.kind,
            file=findings.file,
            lines=lines_of(layout.form, table),
            date=day,
            opening_minor=opening,
            closing_minor=closing,
        )

    def _records(self) -> Iterator[Record]:
        found = self.layout.map
        if found.format == "workbook":
            rows = workbooks.records(self.path, self.findings, sheet=found.sheet)
            return (record for record in rows if record[0] > found.skip_lines)
        decoded = Decoded(self.path, self.encoding or found.encoding, self.findings)
        if found.format == "fixed":
            self.in_bytes = decoded.encoding if found.width_in == "bytes" else ""
            return delimited.whole_lines(decoded, skip_lines=found.skip_lines)
        return delimited.Delimited(
            decoded,
            self.findings,
            delimiter=found.delimiter,
            quote=found.quote,
            skip_lines=found.skip_lines,
        )

    def _counted(self, found: Iterator[Record]) -> Iterator[Record]:
        """The records without those to skip and the control record, which is kept aside."""
        skipped = tuple(self.layout.map.skip_starting)
        if skipped:
            found = (one for one in found if not one[1][0].startswith(skipped))
        control = self.layout.map.control
        if control is None:
            return found
        if control.place == "first":
            self._take(next(found, None), control)
            return found
        return self._all_but_last(found, control)

    def _all_but_last(self, found: Iterator[Record], control: Control) -> Iterator[Record]:
        last: Record | None = None
        for record in found:
            if last is not None:
                yield last
            last = record
        if not self._take(last, control) and last is not None:
            yield last

    def _take(self, record: Record | None, control: Control) -> bool:
        if record is not None and record[1][0].lstrip().startswith(control.starts):
            self.control = record
            return True
        line = record[0] if record else 1
        place = text(f"statement.{control.place}")
        found = shown(record[1][0][:40]) if record else ""
        self.findings.note("statement.control_missing", line, found=found, place=place)
        return False

    def _check_header(self, header: Sequence[str], line: int) -> None:
        names = [name.strip() for name in header]
        expected = ", ".join(str(one) for one in self.layout.map.columns.values())
        if not names:
            self.findings.note("statement.no_columns", 1, names=expected)
        for where in self.layout.map.columns.values():
            if isinstance(where, str) and names and names.count(where) != 1:
                key = "column_twice" if where in names else "column_missing"
                self.findings.note(f"statement.{key}", line, column=shown(where), names=expected)
        self.findings.refuse()

    def _plan(self, header: Sequence[str]) -> list[Column]:
        names = [name.strip() for name in header]
        plan = []
        for index, (name, where) in enumerate(self.layout.map.columns.items()):
            if isinstance(where, Place):
                plan.append(Column(name, name, index, self._cell(name)))
            elif isinstance(where, int):
                plan.append(Column(name, f"{name} ({where})", where - 1, self._cell(name)))
            else:
                plan.append(Column(name, where, names.index(where), self._cell(name)))
        return plan

    def _check_positions(self, plan: Sequence[Column], width: int, line: int) -> None:
        for column in plan:
            if width and column.index >= width:
                self.findings.note(
                    "statement.column_position",
                    line,
                    column=column.label,
                    found=str(width),
                    count=column.index + 1,
                )
        self.findings.refuse()

    def _sliced(self, found: Iterable[Record], plan: Sequence[Column]) -> Iterator[Record]:
        places = [where for where in self.layout.map.columns.values() if isinstance(where, Place)]
        needed = max(where.first for where in places)
        for line, (whole,) in found:
            if size_of(whole, self.in_bytes) < needed:
                self.findings.note(
                    "statement.short_line",
                    line,
                    found=str(size_of(whole, self.in_bytes)),
                    count=needed,
                    width_in=self.layout.map.width_in,
                )
            else:
                yield line, [part_of(whole, where, self.in_bytes) for where in places]

    def _cell(self, name: str) -> Cell:
        found, fields = self.layout.map, self.layout.form.fields
        if name.startswith(LEG):
            cell = cells.or_empty(self.readers[What.AMOUNT], 0)
        elif name == "direction":
            cell = cells.code(found.directions, "statement.direction")
        elif name in ("amount_in", "amount_out"):
            cell = cells.or_empty(self.readers[What.AMOUNT], None)
        elif name == "amount" and found.sign == "direction":
            cell = self.readers[What.AMOUNT]
        else:
            cell = self.readers[fields[name].what]
        return _trimmed(cell) if found.trim else cell

    def _balances(self, table: Table) -> tuple[int | None, int | None]:
        control = self.layout.map.control
        if control is None or self.control is None:
            return None, None
        return Totals(self.layout, control, self.in_bytes, self.findings).check(
            self.control, table, self.readers[What.SIGNED]
        )

    def _completed(self, table: Table) -> Table:
        """The table with its amounts signed, and the constants."""
        if self.findings.problems:
            return table
        if self.layout.kind is Kind.CASH:
            table.columns["amount"] = list(self._signed(table))
        readers = cells_of(self.layout.decimals)
        for name, constant in self.layout.map.constants.items():
            what = self.layout.form.fields[name].what if not name.startswith(LEG) else What.AMOUNT
            table.columns[name] = [readers[what].one(constant)] * len(table.lines)
        return table

    def _signed(self, table: Table) -> Iterator[int]:
        sign = self.layout.map.sign
        first, *second = (table.columns[name] for name in fields_of_sign(self.layout.map))
        if not second:
            yield from (first if sign == "signed" else [-amount for amount in first])
        elif sign == "direction":
            for amount, direction in zip(first, second[0], strict=True):
                yield amount if direction == "in" else -amount
        else:
            for line, came, went in zip(table.lines, first, second[0], strict=True):
                if came and went:
                    self.findings.note("statement.two_amounts", line, column="amount_in")
                if came is None and went is None:
                    self.findings.note("statement.no_amount", line, column="amount_in")
                yield (came or 0) - (went or 0)


def _readers(layout: Layout) -> dict[What, Cell]:
    found = layout.map
    unit = Unit(found.unit)
    readers = cells_of(layout.decimals)
    day = cells.dated(found.date_format, iso_too=found.format == "workbook")
    readers |= {
        What.AMOUNT: cells.amount(layout.decimals, unit=unit, thousands=found.thousands),
        What.SIGNED: cells.amount(
            layout.decimals, signed=True, unit=unit, thousands=found.thousands
        ),
        What.DATE: day,
        What.DATE_OR_ZERO: cells.or_empty(day, 0),
    }
    if found.states:
        states = {name: cells.STATES[state] for name, state in found.states.items()}
        readers[What.STATE] = cells.code(states, "statement.state")
    if found.rate == "fraction":
        readers[What.RATE] = cells.each(_fraction)
    return readers


def _fraction(found: str) -> int:
    try:
        percent = Decimal(found) * 100
    except InvalidOperation:
        percent = None
    plain = f"{percent.normalize():f}" if percent is not None and percent.is_finite() else found
    return int(cells.RATE.one(plain))


def _trimmed(cell: Cell) -> Cell:
    return Cell(
        lambda found: cell.one(found.strip()),
        lambda texts: cell.many([found.strip() for found in texts]),
    )
