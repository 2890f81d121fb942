"""Files: what a simulation writes, streamed row by row, in the formats that `pledger` takes.

`days/DATE/DEAL/` has what is submitted after each exchange, `theirs/MEMBER/` what the other sides
say of a month, `steps.csv` the order of it all, `planted.csv` what is wrong on purpose.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

from ledger import files, pool_assets, voucher_files

STEPS = ("date", "who", "does", "deal", "with", "expect")
PLANTED = ("file", "line", "code", "ref", "field", "ours", "theirs", "what", "date")
REVERSALS = ("entry_ref",)
_LEFT_OUT = {
    "vouchers": ("delivery_date", "term_reason"),
    "pool": ("amount",),
    "pool-replacements": ("in_amount",),
}
"""Columns that are optional and empty."""
LAYOUTS: dict[str, files.Layout[Any]] = (
    files.LAYOUTS
    | voucher_files.LAYOUTS
    | {one.name: one for one in (pool_assets.ASSETS, pool_assets.REPLACEMENTS)}
)
"""Of every file that is submitted, by what it holds."""
COLUMNS = {
    name: tuple(column for column in layout.columns if column not in _LEFT_OUT.get(name, ()))
    for name, layout in LAYOUTS.items()
} | {
    "late-repayments": tuple(LAYOUTS["repayments"].columns),
    "reversals": REVERSALS,
    "their-loans": (
        "loan_ref", "start_date", "maturity_date", "principal", "annual_rate_pct", "state",
    ),
    "their-repayments": (
        "entry_ref", "loan_ref", "date", "principal", "interest", "penalty", "fee", "state",
    ),
    "compensations": ("entry_ref", "loan_ref", "date", "amount"),
    "balances": ("party", "account", "amount", "date"),
    "standing": ("loan_ref", "date", "outstanding", "overdue_since"),
}  # fmt: skip


class Files:
    """All files of a simulation under one folder; without a folder nothing is written."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._open: dict[str, _File] = {}
        """By path within the folder."""
        self.rows: Counter[str] = Counter()
        """By what the file holds."""
        self.planted: Counter[str] = Counter()
        """By code."""
        if folder is not None:
            self._write("steps.csv", STEPS, ())
            self._write("planted.csv", PLANTED, ())

    def step(
        self, on: date, who: str, does: str, deal: str = "", with_: str = "", expect: str = ""
    ) -> None:
        """One step: who does what, with which file or words, and how many rows are posted."""
        if self._folder is not None:
            row = (on.isoformat(), who, does, deal, with_, expect)
            self._write("steps.csv", STEPS, (row,))

    def submit(
        self, on: date, deal: str, name: str, rows: Sequence[Sequence[object]], stem: str = ""
    ) -> str:
        """The rows of a day's file of a deal; returns its path within the folder. `stem`: of the
        file's name, where it is not that of its rows."""
        self.rows[name] += len(rows)
        path = f"days/{on.isoformat()}/{deal}/{stem or name}.csv"
        if self._folder is not None:
            self._write(path, COLUMNS["loans" if name.startswith("refused-") else name], rows)
            self._close(path)
        return path

    def tell(self, member: str, deal: str, name: str, on: date, row: Sequence[object]) -> int:
        """A line of what a member's own system says of a month; returns its line, 0 unwritten."""
        self.rows[f"theirs: {name}"] += 1
        if self._folder is None:
            return 0
        columns = COLUMNS.get(f"their-{name}") or COLUMNS[name]
        return self._write(self.told(member, deal, name, on), columns, (row,))

    def told(self, member: str, deal: str, name: str, on: date) -> str:
        """Where such a line goes."""
        return f"theirs/{member}/{deal}-{name}-{on.year}-{on.month:02d}.csv"

    def plant(self, file: str, line: int, code: str, *said: object) -> None:
        """Say what is wrong on purpose in a line (0: that is not there): ref, field, ours, theirs,
        what, the day that it is about."""
        self.planted[code] += 1
        if self._folder is not None:
            row = (file, line or "", code, *said)
            self._write("planted.csv", PLANTED, (row,))

    def put(self, name: str, content: str) -> None:
        """A file that is written at once."""
        if self._folder is not None:
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8")

    def month_ends(self) -> None:
        """Let go of the files of the month."""
        for path in [*self._open]:
            self._close(path)

    def _write(self, path: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        found = self._open.get(path)
        if found is None:
            assert self._folder is not None, path
            found = self._open[path] = _File(self._folder / path, columns)
        found.add(rows)
        return found.line

    def _close(self, path: str) -> None:
        found = self._open.pop(path, None)
        if found is not None:
            found.close()


class _File:
    """A CSV file to which rows are added; opened again it goes on where it was."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not path.exists()
        self._closing = ExitStack()
        self._stream = self._closing.enter_context(path.open("a", encoding="utf-8", newline=""))
        self._writer: Any = csv.writer(self._stream, lineterminator="\n")
        self.line = 0
        """Of the last row."""
        if fresh:
            self.add([columns])

    def add(self, rows: Iterable[Sequence[object]]) -> None:
        """Rows without line breaks in their cells."""
        for row in rows:
            self._writer.writerow(row)
            self.line += 1

    def close(self) -> None:
        """Write what is held."""
        self._closing.close()
