"""Agreeing: lines that say the same on both sides, taken out before anything else is looked at.

Of a million lines nearly all agree. Those are compared as rows of the book, by the ids of refs, and
never become lines of ours; what is left goes the long way. A ref that the file has more than once
stays with what is left, and so does a file with parts of parties.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.reconcile.lines import State

Row = tuple[Any, ...]


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


def agreeing_repayments(
    rows: Iterable[Row], theirs: dict[bytes, Any], texts: Mapping[bytes, str], days: range
) -> Agreeing:
    """Take out repayments that agree; `theirs` loses them. `days`: the window."""
    found = Agreeing()
    get, loans, success = theirs.get, texts.get, State.SUCCESS
    first, end = days.start, days.stop
    count = total = 0
    left: list[Row] = []
    for row in rows:
        own, loan, date, principal, interest, penalty, fee, back = row
        line = get(own)
        if (
            line is not None
            and line[4] == principal
            and line[5] == interest
            and line[3] == date
            and line[6] == penalty
            and line[7] == fee
            and not back
            and line[8] is success
            and (loans(loan) == line[2] or not line[2])
        ):
            del theirs[own]
            if first <= date < end:
                count += 1
                total += principal + interest + penalty + fee
        else:
            left.append(row)
    found.count, found.amount_minor = count, total
    found.rows, found.theirs = left, list(theirs.values())
    return found


def agreeing_loans(rows: Iterable[Row], theirs: dict[bytes, Any], days: range) -> Agreeing:
    """Take out loans that agree; `theirs` loses them. `days`: the window."""
    found = Agreeing()
    success = State.SUCCESS
    left: list[Row] = []
    for row in rows:
        own, word, principal, back, _ = row
        line = theirs.get(own)
        start = word & 0xFFFF
        if (
            line is not None
            and line[3] == principal
            and line[2] == start
            and not back
            and line[6] is success
            and (line[4] is None or line[4] == word >> 16 & 0xFFFF)
            and (line[5] is None or line[5] == word >> 32 & 0xFFFFFF)
        ):
            del theirs[own]
            if start in days:
                found.count += 1
                found.amount_minor += principal
        else:
            left.append(row)
    found.rows, found.theirs = left, list(theirs.values())
    return found
