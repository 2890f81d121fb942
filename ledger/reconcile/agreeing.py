"""Agreeing: lines that say the same on both sides, taken out before anything else is looked at.

Of a million lines nearly all agree. Those are compared as rows of the book with columns of the
file, and become lines of neither side; what is left goes the long way. A ref that the file has more
than once stays with what is left, and so does a file with parts of parties.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, repeat, tee
from operator import itemgetter
from typing import Any

from ledger.reconcile.details import Details
from ledger.reconcile.lines import State, column_of

Row = tuple[Any, ...]
Key = tuple[Any, ...]
"""An id and what is said of it."""


@dataclass(slots=True, kw_only=True)
class Agreeing:
    """What agreed, and what is left of both sides."""

    count: int = 0
    """Of the lines in the window,"""
    amount_minor: int = 0
    """and their amounts together."""
    rows: Iterable[Row] = ()
    """Of the book, without a line that says the same."""
    theirs: Sequence[Any] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a file's lines say of entries, by column, as the rows of the book say it."""

    ids: Sequence[bytes]
    """Of each line's ref,"""
    columns: Sequence[Sequence[Any]]
    """and what else is to be the same; what a line does not say is as no row has it."""
    places: Sequence[int]
    """Where a row has its id, the same columns, and whether it was reversed."""


def agreeing(
    details: Details, rows: Iterable[Row], lines: Sequence[Any], said: Said, days: range
) -> Agreeing:
    """Take out what agrees. `days`: the window of what is counted. O(n)."""
    theirs, alone = _by_what_is_said(details, lines, said)
    first, again = tee(rows)
    # A row takes out the line that says the same; where there is none it is left itself.
    unsaid = map(theirs.pop, map(itemgetter(*said.places), again), repeat(True))
    rows_left = list(compress(first, unsaid))
    # By their ids: where lines of one ref say different things, all of them are left.
    ids_left = {key[0] for key in theirs}
    left = [at for at, own in enumerate(said.ids) if own in ids_left]
    if alone is not None:
        left = sorted({*left, *(at for at, is_one in enumerate(alone) if not is_one)})
    found = Agreeing(rows=rows_left, theirs=[lines[at] for at in left])
    _count(found, details, lines, days)
    return found


def _by_what_is_said(
    details: Details, lines: Sequence[Any], said: Said
) -> tuple[dict[Key, None], list[bool] | None]:
    """Lines by what they say, those that moved money and, if some are the same, the others.

    Also which lines these are; None: all.
    """
    states, success = column_of(lines, details.state_place), State.SUCCESS
    if states.count(success) == len(states):
        theirs = dict.fromkeys(_keys(said))
        if len(theirs) == len(lines):
            return theirs, None
    refs = column_of(lines, 1)
    times = Counter(refs)
    alone = [times[ref] == 1 and state is success for ref, state in zip(refs, states, strict=True)]
    return dict.fromkeys(compress(_keys(said), alone)), alone


def _keys(said: Said) -> Iterator[Key]:
    # No row that was reversed says the same as a line.
    return zip(said.ids, *said.columns, repeat(0), strict=False)


def _count(found: Agreeing, details: Details, lines: Sequence[Any], days: range) -> None:
    """All lines in the window but those that are left."""
    first, end = days.start, days.stop
    dates = column_of(lines, details.date_place)
    within = [first <= date < end for date in dates]
    amounts = [sum(compress(column_of(lines, place), within)) for place in details.amounts]
    left = list(_within(found.theirs, details, days))
    found.count = sum(within) - len(left)
    found.amount_minor = sum(amounts) - sum(map(details.total, left))


def _within(lines: Sequence[Any], details: Details, days: range) -> Iterator[Any]:
    return (line for line in lines if details.date(line) in days)
