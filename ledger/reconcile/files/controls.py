"""Controls: what a file's control record says of the others, held against them."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.errors import ValueInvalid
from ledger.reconcile.files import cells
from ledger.reconcile.files.cells import Cell
from ledger.reconcile.files.columns import Record, Table
from ledger.reconcile.files.field_maps import Control, Layout, Place
from ledger.reconcile.files.findings import Findings

_MOST_LINES = 10**9


def size_of(whole: str, encoding: str) -> int:
    """Bytes of a line in an encoding; characters where that is empty."""
    return len(whole.encode(encoding, "replace")) if encoding else len(whole)


def part_of(whole: str, where: Place, encoding: str) -> str:
    """What is at a place of a fixed-width line; positions count bytes if there is an encoding."""
    first = where.first - 1
    if not encoding:
        return whole[first : first + where.length]
    part = whole.encode(encoding, "replace")[first : first + where.length]
    return part.decode(encoding, "replace")


@dataclass(slots=True)
class Totals:
    """The control totals of one file."""

    layout: Layout
    control: Control
    in_bytes: str
    """The encoding in which places are counted; "" for characters."""
    findings: Findings

    def check(self, record: Record, table: Table, money: Cell) -> tuple[int | None, int | None]:
        """Note every difference; opening and closing balance where they are stated."""
        stated = self._stated(record, money)
        if self.findings.problems:
            return None, None
        line, compare = record[0], self.findings.compare
        if "count" in stated:
            found = len(table.lines)
            compare("statement.total_count", stated=stated["count"], found=found, line=line)
        if "sum" in stated:
            fields = self.control.sum_of or self.layout.form.amounts
            compare(
                "statement.total_sum",
                stated=stated["sum"],
                found=sum(sum(table.columns.get(name) or ()) for name in fields),
                decimals=self.layout.decimals,
                line=line,
                column=" + ".join(fields),
            )
        opening, closing = stated.get("opening"), stated.get("closing")
        if opening is not None and closing is not None:
            compare(
                "statement.total_closing",
                stated=closing,
                found=opening + sum(table.columns["amount"]),
                decimals=self.layout.decimals,
                line=line,
            )
        return opening, closing

    def _stated(self, record: Record, money: Cell) -> dict[str, int]:
        control = self.control
        count = cells.integer(0, _MOST_LINES)
        places = (
            ("count", control.count, count),
            ("sum", control.sum, money),
            ("opening", control.opening, money),
            ("closing", control.closing, money),
        )
        return {
            name: self._value(record, name, where, cell)
            for name, where, cell in places
            if where is not None
        }

    def _value(self, record: Record, name: str, where: int | Place, cell: Cell) -> int:
        line, held = record
        if isinstance(where, Place):
            found = part_of(held[0], where, self.in_bytes)
        elif where <= len(held):
            found = held[where - 1]
        else:
            size = str(len(held))
            self.findings.note(
                "statement.column_position", line, column=name, found=size, count=where
            )
            return 0
        try:
            return int(cell.one(found.strip()))
        except ValueInvalid as error:
            self.findings.add(error, line, name)
            return 0
