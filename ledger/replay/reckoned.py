"""Reckoned: deposits, layers, months and exposures of every deal, from its entries in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ledger.book import Book
from ledger.replay.courses import Course, Part, batches, courses
from ledger.replay.cover import Cover
from ledger.replay.exposures import Exposure, groups_of
from ledger.replay.followed import Followed
from ledger.replay.months import Months
from ledger.replay.moves import Moves
from ledger.replay.report import Findings


@dataclass(frozen=True, slots=True)
class Reckoned:
    """What a deal comes to."""

    course: Course
    cover: Cover
    months: Months | None
    """None for a deal without periods."""
    exposure: Exposure


def reckon(book: Book, followed: Followed, findings: Findings, moves: Moves) -> Iterator[Reckoned]:
    """Every deal that has more than its loans, reckoned to its end and checked."""
    groups = groups_of(book)
    for course in courses(book, followed.agreed, findings):
        cover = Cover(book, course)
        with_period = any(twin.terms.period.rule for twin in course.twins.values())
        months = Months(book, course) if with_period else None
        exposure = Exposure(course, cover, groups, followed.groups)
        # Exposures are of the deposit and the outstanding after each batch: cover goes first.
        parts: list[Part] = [cover, *([months] if months else []), exposure]
        for batch in batches(book, course, moves, followed.days):
            for part in parts:
                part.take(batch)
        for part in parts:
            part.finish()
        yield Reckoned(course, cover, months, exposure)
