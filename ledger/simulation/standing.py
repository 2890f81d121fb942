"""Standing: what is outstanding of each loan and since when it is overdue, kept on disk.

Facts are appended to a file for each run of numbers, the last of a loan counts. Memory holds a
bounded number of them while a simulation runs, and one run's loans when it is read at the end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

LOANS_OF_RUN = 8_000
"""Loans whose facts are in one file."""
UNWRITTEN = 8_000
"""Facts held before all are written."""
_OWES, _SINCE = "o", "s"


class Standing:
    """The loans of one deal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: defaultdict[int, list[str]] = defaultdict(list)
        self._count = 0

    def owes(self, number: int, outstanding_minor: int) -> None:
        """What is outstanding of a loan from now on."""
        self._add(number, _OWES, outstanding_minor)

    def overdue(self, number: int, since_day: int) -> None:
        """Since when a loan is overdue; 0: it is not."""
        self._add(number, _SINCE, since_day)

    def loans(self) -> Iterator[tuple[int, int, int]]:
        """Number, outstanding and overdue since of every loan that owes anything, in order."""
        self._write()
        for path in sorted(self._folder.glob("*")):
            owed: dict[int, int] = {}
            since: dict[int, int] = {}
            with path.open(encoding="ascii") as stream:
                for line in stream:
                    what, number, value = line.split()
                    (owed if what == _OWES else since)[int(number)] = int(value)
            for one in sorted(owed):
                if owed[one]:
                    yield one, owed[one], since.get(one, 0)

    def _add(self, number: int, what: str, value: int) -> None:
        self._kept[number // LOANS_OF_RUN].append(f"{what} {number} {value}\n")
        self._count += 1
        if self._count >= UNWRITTEN:
            self._write()

    def _write(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for run, lines in self._kept.items():
            with (self._folder / f"{run:06d}").open("a", encoding="ascii") as stream:
                stream.writelines(lines)
        self._kept.clear()
        self._count = 0
