"""Courses: a deal's entries, deposits and months in chain order, one transaction at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from typing import Protocol

from ledger import reading
from ledger.bindings import label
from ledger.book import Book
from ledger.events import Place
from ledger.records import DepositKind
from ledger.replay.agreed import Agreed
from ledger.replay.days import Days
from ledger.replay.moves import Move, Moves
from ledger.replay.report import Findings
from ledger.replay.twin import Twin

_OF_THE_DEPOSIT = (DepositKind.PAID, DepositKind.RELEASED, DepositKind.PAYMENT_REVERSED)


@dataclass(frozen=True, slots=True)
class Course:
    """What a deal's parts are reviewed by."""

    deal: reading.Deal
    deal_id: bytes
    twins: dict[int, Twin]
    """By version; those that are or were in force."""
    wide: frozenset[int]
    """Versions under which exposures are reported: once one limits them, all later ones."""
    agreed: Agreed
    findings: Findings

    @property
    def name(self) -> str:
        """The deal's name."""
        return self.deal.name

    def with_deposit(self, place: Place) -> int:
        """The newest version in force at a place of the chain that has a deposit; 0 for none.

        It rules the deposit: terms that have none leave what is there as it is.
        """
        return self.agreed.version_with_deposit(self.deal_id, place)

    def expect(
        self,
        check: str,
        place: int | Place,
        expected: object,
        found: object,
        what: str,
        about: bytes = b"",
    ) -> bool:
        """As `Findings.expect`, of this deal."""
        return self.findings.expect(
            check, place, expected, found, what, deal=self.name, about=about
        )

    def require(
        self,
        check: str,
        place: int | Place,
        holds: bool,
        expected: str,
        found: object,
        about: bytes = b"",
    ) -> bool:
        """As `Findings.require`, of this deal."""
        return self.findings.require(
            check, place, holds, expected, found, deal=self.name, about=about
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """One transaction: entries on loans, or a line of the deposit, or a month that closes."""

    place: Place
    """Of its first event."""
    moves: list[Move]
    lines: list[reading.DepositLine]
    months: list[int]

    @property
    def block(self) -> int:
        """Where it is."""
        return self.place.block


class Part(Protocol):
    """What is reviewed in chain order."""

    def take(self, batch: Batch) -> None:
        """Go on by a transaction."""
        ...

    def finish(self) -> None:
        """Check what can only be said at the end."""
        ...


def courses(book: Book, agreed: Agreed, findings: Findings) -> Iterator[Course]:
    """Every deal in force that has more than its loans to review."""
    for deal in reading.deals(book):
        twins = {
            version.version: Twin.of(version.terms)
            for version in reading.versions(book, deal.deal)
            if version.in_force
        }
        if any(twin.has_course for twin in twins.values()):
            first = min((at for at, twin in twins.items() if twin.is_wide), default=0)
            wide = frozenset(at for at in twins if first and at >= first)
            yield Course(deal, label(deal.name), twins, wide, agreed, findings)


def batches(book: Book, course: Course, moves: Moves, days: Days) -> Iterator[Batch]:
    """A deal's transactions in chain order."""
    deal = course.deal.deal
    events: Iterator[tuple[Place, Move | reading.DepositLine | int]] = merge(
        ((move.place, move) for move in moves.of_deal(deal)),
        (
            (Place(line.block, line.transaction, line.log), line)
            for line in reading.deposit_lines(book, deal)
            if line.kind in _OF_THE_DEPOSIT
        ),
        ((place, month) for month, place in days.closings.get(course.deal_id, [])),
        key=lambda event: event[0],
    )
    for _, own in groupby(events, key=lambda event: event[0][:2]):
        batch: Batch | None = None
        for place, event in own:
            if batch is None:
                batch = Batch(place, [], [], [])
            if isinstance(event, Move):
                batch.moves.append(event)
            elif isinstance(event, reading.DepositLine):
                batch.lines.append(event)
            else:
                batch.months.append(event)
        assert batch is not None, "a group has one event at least"
        yield batch
