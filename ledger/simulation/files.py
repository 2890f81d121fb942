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

from ledger.files import LAYOUTS

STEPS = ("date", "who", "does", "deal", "with", "expect")
PLANTED = ("file", "line", "code", "ref", "field", "ours", "theirs", "what")
REVERSALS = ("entry_ref",)
COLUMNS = {name: tuple(layout.columns) for name, layout in LAYOUTS.items()} | {
    "reversals": REVERSALS,
    "their-loans": ("loan_ref", "start_date", "maturity_date", "principal", "annual_rate_pct"),
    "compensations": ("entry_ref", "loan_ref", "date", "amount"),
}


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

    def submit(self, on: date, deal: str, name: str, rows: Sequence[Sequence[object]]) -> str:
        """The rows of a day's file of a deal; returns its path within the folder."""
        self.rows[name] += len(rows)
        path = f"days/{on.isoformat()}/{deal}/{name}.csv"
        if self._folder is not None:
            self._write(path, COLUMNS["loans" if name.startswith("refused-") else name], rows)
            self._close(path)
        return path

    def tell(self, member: str, deal: str, name: str, on: date, row: Sequence[object]) -> int:
        """A line of what a member's own system says of a month; returns its line, 0 unwritten."""
        self.rows[f"theirs: {name}"] += 1
        if self._folder is None:
            return 0
        columns = COLUMNS["their-loans" if name == "loans" else name]
        return self._write(self.told(member, deal, name, on), columns, (row,))

    def told(self, member: str, deal: str, name: str, on: date) -> str:
        """Where such a line goes."""
        return f"theirs/{member}/{deal}-{name}-{on.year}-{on.month:02d}.csv"

    def plant(self, file: str, line: int, code: str, *said: object) -> None:
        """Say what is wrong on purpose in a line (0: that is not there): ref, field, ours, theirs,
        what."""
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
