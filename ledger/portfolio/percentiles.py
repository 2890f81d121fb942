"""Percentiles by nearest rank: each is a value that is there, and no division is rounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

PERCENTS = (0, 10, 25, 50, 75, 90, 95, 99, 100)
"""0: the least; 100: the most."""


class Percentile(NamedTuple):
    """A percentile of values with weights."""

    percent: int
    of_count: int
    """The least value that so many of a hundred values do not exceed."""
    of_weight: int
    """The same, each value counted as often as it weighs."""


def percentiles(values: Sequence[tuple[int, int]]) -> list[Percentile]:
    """`PERCENTS` of values with their weights, each above 0; nothing of nothing."""
    ordered = sorted(values)
    total = sum(weight for _, weight in ordered)
    return [
        Percentile(
            percent,
            _at([(value, 1) for value, _ in ordered], len(ordered), percent),
            _at(ordered, total, percent),
        )
        for percent in PERCENTS
        if ordered
    ]


def _at(ordered: Sequence[tuple[int, int]], total: int, percent: int) -> int:
    """The first value with at least `percent` of the weight up to it."""
    reached = 0
    for value, weight in ordered:
        reached += weight
        if reached * 100 >= total * percent:
            return value
    raise AssertionError("a percentile of nothing")
