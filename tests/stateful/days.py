"""Days: which business day each entry counts to, and what was signed of days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.contracts.sandbox.days import KINDS, Section, Statement
from tests.stateful.refusal import demand

MAX_DAYS = 366
OWN = ""
"""In the place of a party: the journal's own totals."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """What a party signed of a day differs from what stands against it."""

    day: int
    party: str
    against: str
    sections: Section


@dataclass(kw_only=True)
class Days:
    """The business days of a deal."""

    sealed_through: int = 0
    sealed_clearing: tuple[int, ...] = (0,) * 12
    """What the last seal says is due, in the order of the parties."""
    statements: dict[tuple[int, str], Statement] = field(default_factory=dict)
    """Day and party to what it signed last."""
    disputes: list[Dispute] = field(default_factory=list)
    day_totals: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Day and kind to the word of its total."""
    _run: tuple[int, int, int] = (0, 0, 0)
    """Date, kind and word of rows that wait for the end of their run."""

    # ---- entries
    def tally(self, date: int, kind: int, amount: int, *, late: bool = False) -> None:
        """A row of a batch. Rows of one date and kind that follow one another are counted together,
        when a row of another comes or the batch ends: only then is a sealed day noticed."""
        if self._run[:2] != (date, kind):
            self.counted(late=late)
        self._run = date, kind, self._run[2] + (1 << 128) + amount

    def counted(self, *, late: bool = False) -> None:
        """The end of a run."""
        date, kind, word = self._run
        self._run = 0, 0, 0
        if word:
            day = max(date, self.sealed_through + 1) if late else date
            demand(day > self.sealed_through, "DAY_SEALED")
            self.day_totals[day, kind] += word

    def count(self, date: int, kind: int, amount: int) -> None:
        """An entry that comes alone and is never late."""
        self.tally(date, kind, amount)
        self.counted()

    # ---- statements
    def open_totals(self, day: int) -> tuple[int, ...]:
        """The journal's own totals of the open days up to this one."""
        first = min((at for at, _ in self.day_totals), default=0)
        start = max(first, self.sealed_through + 1)
        demand(not first or day - start < MAX_DAYS, "DAYS_TOO_MANY")
        return tuple(
            sum(
                word
                for (at, of), word in self.day_totals.items()
                if of == kind and self.sealed_through < at <= day
            )
            for kind in range(KINDS)
        )

    def sign_day(self, party: str, parties: Iterable[str], day: int, statement: Statement) -> None:
        """A signing party's statement of a day that is not sealed."""
        own = self.open_totals(day)
        demand(self.statements.get((day, party)) != statement, "DIGEST_REPEATED")
        self.statements[day, party] = statement
        signed = {other: self.statements.get((day, other)) for other in parties}
        if statement.totals != own:
            self.disputes.append(Dispute(day, party, OWN, Section.TOTALS))
        for other, theirs in signed.items():
            if theirs and theirs != statement:
                self.disputes.append(Dispute(day, party, other, differing(statement, theirs)))
        if statement.totals == own and set(signed.values()) == {statement}:
            self.sealed_through = day
            self.sealed_clearing = statement.clearing


def differing(one: Statement, other: Statement) -> Section:
    """The sections in which two statements differ."""
    fields = ("totals", "clearing", "balances", "entries", "breaks")
    found = Section(0)
    for section, name in zip(Section, fields, strict=True):
        if getattr(one, name) != getattr(other, name):
            found |= section
    return found
