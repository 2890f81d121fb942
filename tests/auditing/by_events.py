"""Where loans stood, from the chain's events by a plain loop: the second way to every balance.

It reads the events themselves, not the book, and keeps sums by loan and day. It knows nothing of the
code under test.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from ledger import events
from ledger.bindings import decode_event, label
from ledger.events import fields_of
from ledger.ledger import Ledger


@dataclass
class Line:
    """A loan, as lists of what happened on which business day."""

    start: int = 0
    principal: list[tuple[int, int]] = field(default_factory=list)
    covered: list[tuple[int, int]] = field(default_factory=list)
    back: list[tuple[int, int]] = field(default_factory=list)
    lost: list[tuple[int, int]] = field(default_factory=list)
    disbursed: list[tuple[int, int]] = field(default_factory=list)
    off: list[tuple[int, int]] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)
    seen: int = 0
    written_off: bool = False

    def at(self, name: str, day: int) -> int:
        return sum(amount for on, amount in getattr(self, name) if on <= day)

    def overdue(self, day: int) -> int:
        since = 0
        for held, mark in self.marks:
            if held <= day:
                since = mark
        return day - since if since else 0

    def after(self, day: int) -> int:
        return self.at("principal", day)

    def open_cover(self, day: int) -> int:
        return max(0, self.at("covered", day) - self.at("back", day))

    def before(self, day: int) -> int:
        return 0 if self.at("off", day) else self.after(day) + self.open_cover(day)

    def loss_before(self, day: int) -> int:
        bearing = self.open_cover(day) if self.at("off", day) else 0
        return self.at("lost", day) + bearing


def lines(ledger: Ledger, deal: str) -> dict[bytes, Line]:
    """Every loan of a deal by its id."""
    found: defaultdict[bytes, Line] = defaultdict(Line)
    own, current, open_day = label(deal), b"", 0
    ours = set(ledger.settings.contracts.values())
    for log in ledger.engine.logs(1, ledger.engine.head().number):
        event: Any = decode_event(log) if log.address in ours else None
        if isinstance(event, events.DaySealed) and event.deal_id == own:
            open_day = event.day + 1
        if isinstance(event, events.EntriesSubmitted):
            current = event.deal_id
        if current != own or not hasattr(event, "loan_id"):
            continue
        line = found[event.loan_id]
        if isinstance(event, events.LoanBooked):
            line.start = event.particulars & 0xFFFF
        date = getattr(event, "date", line.start)
        _take(line, event, max(date, open_day))
    return found


def _take(line: Line, event: Any, day: int) -> None:
    kind = type(event).__name__
    if kind == "LoanMarkedOverdue":
        line.marks.append((event.since_date or line.seen, event.since_date))
        line.seen = max(line.seen, event.since_date)
        return
    if kind == "LoanBooked":
        amount = sum(fields_of(event.parts))
        line.principal.append((day, amount))
        line.disbursed.append((day, amount))
    elif kind == "LoanRepaid":
        line.principal.append((day, -_first(event.legs)))
    elif kind == "LoanWrittenOff":
        amount = sum(fields_of(event.parts))
        line.principal.append((day, -amount))
        line.lost.append((day, amount))
        line.off.append((day, 1))
    elif kind in ("LoanCompensated", "CompensationReversed"):
        sign = 1 if kind == "LoanCompensated" else -1
        amount = sign * sum(fields_of(event.principal_parts))
        line.principal.append((day, -amount))
        line.covered.append((day, amount))
    elif kind in ("LoanRecovered", "RecoveryReversed"):
        sign = 1 if kind == "LoanRecovered" else -1
        line.back.append((day, sign * sum(fields_of(event.to_layers))))
        where = line.lost if event.written_off else line.principal
        where.append((day, -sign * sum(fields_of(event.residual_parts))))
    elif kind == "EntryReversed":
        amount = _first(event.legs)
        if event.reversed_kind == 1:
            line.principal.append((day, -amount))
            line.disbursed.append((day, -amount))
        elif event.reversed_kind == 2:
            line.principal.append((day, amount))
        elif event.reversed_kind == 4:
            line.principal.append((day, amount))
            line.lost.append((day, -amount))
            line.off.append((day, -1))
    line.seen = max(line.seen, day)


def _first(legs: tuple[int, ...]) -> int:
    """Principal of packed legs; none of the deals here has more than four parties."""
    return sum(leg & (1 << 64) - 1 for leg in legs)
