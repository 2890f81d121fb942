"""Scales: where values lie along an axis, which of them are written beside it, and how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import count
from typing import NamedTuple

from ledger.charts.chart import Axis, Label, Scale, Words, said
from ledger.money import PPM, date_of, day_number, format, format_percent
from ledger.periods import month_text

_NICE = (1, 2, 5)
_DAY_STEPS = (1, 2, 5, 7, 14)
_MONTH_STEPS = (1, 2, 3, 6, 12)
_YEAR_MONTHS = 12
_MAGNITUDES = {"en": (9, 6, 3), "zh": (8, 4)}
"""Powers of ten that have a name in a language."""


class Span(NamedTuple):
    """Values from `low` to `high` along a line from `start` to `end`, in tenths of a pixel."""

    low: int
    high: int
    start: int
    end: int

    def at(self, value: int) -> int:
        """Where a value lies, to the nearest tenth."""
        length = self.high - self.low
        return self.start + _nearest((value - self.low) * (self.end - self.start), length)


def value_ticks(values: Sequence[int], axis: Axis, most: int) -> list[int]:
    """Round values that reach around all that are given, at most so many steps."""
    high, low = max(values, default=0), min(values, default=0)
    high = high if axis.most is None else min(high, axis.most)
    if axis.from_zero:
        low, high = min(low, 0), max(high, 0)
    least = _least_step(axis)
    if high == low:
        high = low + least
    step = next(one for one in _steps(least) if -(-high // one) - low // one <= most)
    if not axis.from_zero and low:
        # A little room below, unless there is nothing there.
        low = max(low - step // 2, 0)
    return list(range(low // step * step, -(-high // step) * step + 1, step))


def place_ticks(axis: Axis, first: int, last: int, most: int) -> list[int]:
    """Places from `first` to `last` that are written under an axis, at most so many."""
    if axis.scale is Scale.DAY:
        return _day_ticks(first, last, max(most, 1))
    if axis.scale is Scale.MONTH:
        step = next(one for one in _month_steps() if (last - first) // one < most)
        return [month for month in range(first, last + 1) if month % step == 0] or [first]
    step = next(one for one in _steps(1) if (last - first) // one < most)
    return list(range(-(-first // step) * step, last + 1, step))


def place_text(axis: Axis, place: int, *, short: bool = False) -> str:
    """A place on the x axis."""
    if axis.scale is Scale.DAY:
        whole = date_of(place).isoformat()
        return whole[:7] if short else whole
    if axis.scale is Scale.MONTH:
        return month_text(place)
    return format_percent(place) if axis.scale is Scale.RATE else str(place)


def value_text(axis: Axis, value: int) -> str:
    """A value exactly."""
    if axis.scale is Scale.RATE:
        return format_percent(value)
    if axis.scale is Scale.AMOUNT:
        whole, point, rest = format(abs(value), axis.decimals).partition(".")
        sign = "-" if value < 0 else ""
        return f"{sign}{int(whole):,}{point}{rest} {axis.currency}"
    return f"{value:,}"


class Written(NamedTuple):
    """How the values along an axis are written."""

    texts: list[str]
    label: Label
    """Of the axis, with the unit."""


def written(axis: Axis, ticks: Sequence[int], lang: str) -> Written:
    """Ticks in the largest unit in which they are short."""
    if axis.scale is not Scale.AMOUNT:
        return Written([value_text(axis, tick) for tick in ticks], axis.label)
    unit = 10**axis.decimals
    step = (ticks[1] - ticks[0]) if len(ticks) > 1 else ticks[0]
    top = max(abs(tick) for tick in ticks)
    power = next(
        (
            one
            for one in _MAGNITUDES[lang]
            if top >= 10 * 10**one * unit and step % 10 ** (one - 1) == 0
        ),
        0,
    )
    texts = [_trimmed(tick, axis.decimals + power) for tick in ticks]
    if power:
        magnitude = said(Words.of(f"magnitude_{power}"), lang)
        label = Words.of("axis_in", label=axis.label, currency=axis.currency, magnitude=magnitude)
    else:
        label = Words.of("axis_plain", label=axis.label, currency=axis.currency)
    return Written(texts, label)


def _trimmed(value: int, decimals: int) -> str:
    whole, _, rest = format(abs(value), decimals).partition(".")
    rest = rest.rstrip("0")
    sign = "-" if value < 0 else ""
    return f"{sign}{int(whole):,}.{rest}" if rest else f"{sign}{int(whole):,}"


def _least_step(axis: Axis) -> int:
    if axis.scale is Scale.AMOUNT:
        return int(10**axis.decimals)
    return PPM // 10_000 if axis.scale is Scale.RATE else 1


def _steps(least: int) -> Iterator[int]:
    """1, 2, 5, 10, 20, ... times the least."""
    while True:
        yield from (least * one for one in _NICE)
        least *= 10


def _month_steps() -> Iterator[int]:
    """Parts of a year, then whole years."""
    yield from _MONTH_STEPS
    yield from count(2 * _YEAR_MONTHS, _YEAR_MONTHS)


def _day_ticks(first: int, last: int, most: int) -> list[int]:
    for step in _DAY_STEPS:
        if (last - first) // step < most:
            return list(range(first, last + 1, step))
    start, end = date_of(first), date_of(last)
    months = range(start.year * 12 + start.month - 1, end.year * 12 + end.month)
    firsts = [(one, day_number(date(one // 12, one % 12 + 1, 1))) for one in months]
    inside = [(month, day) for month, day in firsts if first <= day <= last]
    step = next(one for one in _month_steps() if len(inside) <= one * most)
    return [day for month, day in inside if month % step == 0] or [first]


def _nearest(numerator: int, denominator: int) -> int:
    """The quotient to the nearest whole number; a half goes up, below 0 as well."""
    return (2 * numerator + denominator) // (2 * denominator)
