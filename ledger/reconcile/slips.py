"""Slips: what makes an amount of one side another than the other side's.

Known slips are looked for from the surest on: all columns off by one factor, columns exchanged,
interest by another basis, a fee taken off, two digits exchanged. What is none of them is partial
(theirs is less) or just another amount.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_FACTORS = (100, 10)
_LEAST_TRUNCATED = 100
"""Quotients under this are no sign of a unit slip when the division leaves a rest."""


class Column(NamedTuple):
    """One amount as both sides have it, in minor units."""

    name: str
    ours: int
    theirs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """Why amounts differ."""

    code: str
    field: str
    """The column that is wrong; `amount` for several."""
    cause: str
    facts: dict[str, str | int] = dataclasses.field(default_factory=dict)


def slip(columns: Sequence[Column], *, netted: Mapping[str, int], code: str = "B03") -> Slip | None:
    """The one cause for all differing columns of a line; None when none differs.

    `netted`: what may have been taken off, name to minor units. `code`: of an amount that is
    simply another.
    """
    wrong = [column for column in columns if column.ours != column.theirs]
    if not wrong:
        return None
    name = wrong[0].name if len(wrong) == 1 else "amount"
    found = _unit(wrong, columns, name, code)
    if found:
        return found
    ours, theirs = sum(c.ours for c in columns), sum(c.theirs for c in columns)
    if len(columns) > 1 and ours == theirs:
        return _moved(wrong)
    for what, fee_minor in netted.items():
        if fee_minor > 0 and abs(ours - theirs) == fee_minor and _one_way(wrong):
            return Slip(
                code=code, field=name, cause="fee_netted",
                facts={"fee": what, "fee_minor": fee_minor},
            )  # fmt: skip
    if len(wrong) == 1 and _digits_swapped(wrong[0].ours, wrong[0].theirs):
        return Slip(code=code, field=name, cause="digits_swapped")
    cause = "partial" if theirs < ours else "amount"
    return Slip(code=code, field=name, cause=cause, facts={"difference_minor": abs(ours - theirs)})


def unit_factor(ours: int, theirs: int) -> int:
    """100, 10, or below 0 when ours is so many times theirs; 0 when it is no such slip."""
    if not ours or not theirs:
        return 0
    for factor in _FACTORS:
        if theirs == ours * factor:
            return factor
        quotient, rest = divmod(abs(ours), factor)
        if abs(theirs) == quotient and (not rest or quotient >= _LEAST_TRUNCATED):
            return -factor if (ours > 0) == (theirs > 0) else 0
    return 0


def _unit(wrong: Sequence[Column], columns: Sequence[Column], name: str, code: str) -> Slip | None:
    factors = {unit_factor(c.ours, c.theirs) for c in wrong}
    factor = factors.pop()
    if factors or not factor:
        return None
    # One column of several off by a factor is a slip of its own; some of several are chance.
    untouched = [c for c in columns if c.ours == c.theirs and c.ours]
    if len(wrong) > 1 and untouched:
        return None
    side = "theirs" if factor > 0 else "ours"
    return Slip(
        code=code, field=name, cause=f"unit_{abs(factor)}",
        facts={"factor": abs(factor), "larger": side},
    )  # fmt: skip


def _moved(wrong: Sequence[Column]) -> Slip:
    first, last = wrong[0], wrong[-1]
    swapped = len(wrong) == 2 and (first.ours, last.ours) == (last.theirs, first.theirs)
    return Slip(
        code="B05", field="amount", cause="buckets_swapped" if swapped else "buckets",
        facts={
            "columns": " ".join(c.name for c in wrong),
            "moved_minor": sum(abs(c.ours - c.theirs) for c in wrong) // 2,
        },
    )  # fmt: skip


def _one_way(wrong: Sequence[Column]) -> bool:
    return len({c.ours > c.theirs for c in wrong}) == 1


def _digits_swapped(ours: int, theirs: int) -> bool:
    """Whether two neighbouring digits are exchanged and nothing else."""
    one, other = str(ours), str(theirs)
    if len(one) != len(other):
        return False
    places = [i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
    if len(places) != 2 or places[1] != places[0] + 1:
        return False
    first, last = places
    return one[first] == other[last] and one[last] == other[first]
