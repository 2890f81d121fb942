"""Events: what is known to happen to simulated loans on later days, kept on disk until then.

An event is a tuple of integers. Memory holds those of one window and a bounded number that is not
yet written, however many loans there are.
"""

from __future__ import annotations

from collections import defaultdict
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

UNWRITTEN = 8_000
"""Events held before all are written."""


class Step(IntEnum):
    """What happens to a loan, in the order in which a window's are posted. After it: the values."""

    REVERSAL = 1
    """Of a repayment that was wrong: as REPAYMENT has it."""
    WAIVER = 2
    """Part, interest, penalty."""
    BELATED = 3
    """A repayment that is posted when its month is sealed: as REPAYMENT has it."""
    REPAYMENT = 4
    """Part, principal, interest, penalty, fee, outstanding before, the loan's rate, and the wrong
    principal of one that is posted wrong at first, else 0."""
    TOLD = 5
    """The other sides have a belated one: as REPAYMENT has it."""
    MARK = 6
    """Overdue since, and the day on which it is paid after all, or 0."""
    CURE = 7
    """The day of the mark."""
    WRITE_OFF = 8
    """Outstanding when it stopped being paid."""
    CLAIM = 9
    """Overdue since, outstanding."""
    RECOVERY = 10
    """Part, outstanding or written off, whether it is written off, and what each layer claims."""


class Event(NamedTuple):
    """Something that happens to a loan. Orders by step, day and loan."""

    step: int
    day: int
    """Days since 1970-01-01."""
    number: int
    """Of the loan."""
    values: tuple[int, ...] = ()


class Spool:
    """The events of one deal by the window they are in."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: defaultdict[int, list[Event]] = defaultdict(list)
        self._count = 0

    def add(self, window: int, event: Event) -> None:
        """Keep an event for a window that was not taken yet."""
        self._kept[window].append(event)
        self._count += 1
        if self._count >= UNWRITTEN:
            self._write()

    def take(self, window: int) -> list[Event]:
        """All events of a window, in order; they are forgotten."""
        found = self._kept.pop(window, [])
        self._count -= len(found)
        path = self._path(window)
        if path.exists():
            with path.open(encoding="ascii") as stream:
                for line in stream:
                    step, day, number, *values = map(int, line.split())
                    found.append(Event(step, day, number, tuple(values)))
            path.unlink()
        return sorted(found)

    def _write(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for window, events in self._kept.items():
            with self._path(window).open("a", encoding="ascii") as stream:
                stream.writelines(
                    " ".join(map(str, (*event[:3], *event.values))) + "\n" for event in events
                )
        self._kept.clear()
        self._count = 0

    def _path(self, window: int) -> Path:
        return self._folder / f"{window:05d}"
