"""What is drawn lies where its value is: undone from the marks alone, for charts of all sizes."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.charts.chart import Axis, Chart, Form, Mark, Panel, Point, Scale, Series
from ledger.charts.drawing import (
    LEVELS,
    STYLES,
    Area,
    Dot,
    Drawing,
    Group,
    Line,
    Shape,
    Text,
    text_width,
    wrapped,
)
from ledger.charts.layout import drawn
from ledger.charts.scales import place_ticks, value_ticks
from ledger.messages import LANGUAGES

DAY = 20_454
AMOUNTS = st.integers(0, 2**56 - 1)
WIDTHS = st.sampled_from([320, 390, 700, 960, 2000])


def charted(*panels: Panel, **given_: Any) -> Chart:
    own: dict[str, Any] = {
        "name": "outstanding", "title": "title", "summary": "summary", "deal": "deal",
        "member": "", "first": DAY, "last": DAY, "currency": "CNY", "decimals": 2,
        "head_block": 1, "head_hash": bytes(32), "panels": panels, "tables": (),
    }  # fmt: skip
    return Chart(**{**own, **given_})


@st.composite
def lined(draw: st.DrawFn) -> Chart:
    """Lines of some points, with gaps."""
    scale = draw(st.sampled_from([Scale.AMOUNT, Scale.RATE, Scale.COUNT]))
    values = AMOUNTS if scale is Scale.AMOUNT else st.integers(0, 10**7)
    days = sorted(draw(st.sets(st.integers(DAY, DAY + 900), min_size=1, max_size=30)))
    line = st.lists(values | st.none(), min_size=len(days), max_size=len(days))
    lines = draw(st.lists(line, min_size=1, max_size=9))
    panel = Panel(
        form=Form.LINES,
        x=Axis(label="x", scale=Scale.DAY),
        y=Axis(label="y", scale=scale, currency="CNY", decimals=2, from_zero=draw(st.booleans())),
        series=tuple(
            Series(label=f"line-{at}", points=tuple(map(Point, days, own)))
            for at, own in enumerate(lines)
        ),
    )
    return charted(panel)


def groups(found: Drawing) -> dict[str, list[Any]]:
    return {one.name: list(one.marks) for one in found.marks if isinstance(one, Group)}


def straight(pairs: list[tuple[int, int]]) -> None:
    """All places lie where a straight scale has their values, to the nearest tenth of a pixel."""
    if not pairs:
        return
    low, high = min(pairs), max(pairs)
    if low[0] == high[0]:
        assert low[1] == high[1]
        return
    for value, at in pairs:
        exact = low[1] * (high[0] - low[0]) + (high[1] - low[1]) * (value - low[0])
        assert abs(at * (high[0] - low[0]) - exact) <= 2 * (high[0] - low[0])


@given(lined(), WIDTHS, st.sampled_from(LANGUAGES))
def test_lines_go_through_their_values(chart: Chart, width: int, lang: str) -> None:
    found = drawn(chart, lang, width)
    pairs, across = [], []
    if chart.panels[0].is_empty:
        return
    own = groups(found)
    for series in chart.panels[0].series:
        known = [point for point in series.points if point.y is not None]
        marks = own[series.label]  # type: ignore[index]
        runs = [mark.places for mark in marks if isinstance(mark, Line)]
        dots = [mark for mark in marks if isinstance(mark, Dot)]
        places = {place for run in runs for place in run} | {(dot.x, dot.y) for dot in dots}
        # Neighbours of a gap are alone, and drawn as dots where there is room.
        assert len(places) <= len(known)
        if known:
            assert dots[0].x == max(x for x, _ in places)
        if all(point.y is not None for point in series.points) and len(known) > 1:
            (run,) = runs
            pairs += [(point.y or 0, y) for point, (_, y) in zip(known, run, strict=True)]
            across += [(point.x, x) for point, (x, _) in zip(known, run, strict=True)]
    if pairs:
        straight(pairs)
        straight(across)


@given(lined(), WIDTHS)
def test_the_last_value_of_a_line_is_said_exactly(chart: Chart, width: int) -> None:
    for name, marks in groups(drawn(chart, "en", width)).items():
        series = next(one for one in chart.panels[0].series if one.label == name)
        dots = [mark for mark in marks if isinstance(mark, Dot)]
        if series.values:
            digits = "".join(filter(str.isdigit, dots[0].said.rsplit(": ", 1)[1]))
            assert int(digits or 0) >= 0
            value = str(series.values[-1])
            assert value.rstrip("0") in digits or digits.rstrip("0") in value


@given(lined(), WIDTHS, st.sampled_from(LANGUAGES))
def test_nothing_is_drawn_beside_the_paper(chart: Chart, width: int, lang: str) -> None:
    found = drawn(chart, lang, width)
    for mark in itertools.chain.from_iterable(
        one.marks if isinstance(one, Group) else [one] for one in found.marks
    ):
        if isinstance(mark, Line):
            places = list(mark.places)
        elif isinstance(mark, Area):
            places = [(mark.x, mark.y), (mark.x + mark.width, mark.y + mark.height)]
        elif isinstance(mark, Dot):
            places = [(mark.x - 46, mark.y - 70), (mark.x + 46, mark.y + 46)]
        else:
            wide = text_width(mark.words, mark.size)
            left = mark.x - {"start": 0, "middle": wide // 2, "end": wide}[mark.anchor]
            places = [(left, mark.y - mark.size), (left + wide, mark.y)]
        for x, y in places:
            assert 0 <= x <= found.width, mark
            assert 0 <= y <= found.height, mark


@given(st.lists(AMOUNTS, min_size=1, max_size=20), st.booleans())
def test_ticks_reach_around_all_values(values: list[int], from_zero: bool) -> None:
    axis = Axis(label="y", scale=Scale.AMOUNT, currency="CNY", decimals=2, from_zero=from_zero)
    ticks = value_ticks(values, axis, 6)
    assert ticks[0] <= min(values) <= max(values) <= ticks[-1]
    assert 2 <= len(ticks) <= 9
    steps = {after - before for before, after in itertools.pairwise(ticks)}
    assert len(steps) == 1
    (step,) = steps
    assert all(tick % step == 0 for tick in ticks)
    assert str(step).rstrip("0") in ("1", "2", "5")


@given(st.integers(0, 60_000), st.integers(0, 20_000), st.integers(1, 12))
def test_days_under_an_axis_are_few_and_within_it(first: int, length: int, most: int) -> None:
    axis = Axis(label="x", scale=Scale.DAY)
    ticks = place_ticks(axis, first, first + length, most)
    assert ticks
    assert all(first <= tick <= first + length for tick in ticks)
    assert len(ticks) <= most


def test_names_at_the_ends_of_lines_cover_no_other() -> None:
    days = range(DAY, DAY + 5)
    panel = Panel(
        form=Form.LINES,
        x=Axis(label="x", scale=Scale.DAY),
        y=Axis(label="y", scale=Scale.RATE),
        series=tuple(
            Series(label=f"line-{at}", points=tuple(Point(day, 50_000) for day in days))
            for at in range(8)
        ),
    )
    found = drawn(charted(panel), "en")
    names = [mark for mark in found.marks if isinstance(mark, Text) and mark.halo]
    assert sorted(mark.words for mark in names) == [f"line-{at}" for at in range(8)]
    heights = sorted(mark.y for mark in names)
    assert all(after - before >= 120 for before, after in itertools.pairwise(heights))


def test_series_are_told_apart_without_colour() -> None:
    assert len({(style.dash, style.shape) for style in STYLES}) == len(STYLES)
    assert len({style.dash for style in STYLES}) == len(STYLES)
    assert len({style.dash for style in LEVELS}) == len(LEVELS)
    for style in (*STYLES, *LEVELS):
        assert contrast_with_paper(style.ink) >= 4.5, style


def contrast_with_paper(ink: str) -> float:
    """By the formula of the web's guidelines on contrast."""
    parts = [int(ink[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


@given(st.lists(st.tuples(*[st.integers(0, 10**12)] * 2), min_size=1, max_size=12), WIDTHS)
def test_columns_are_as_high_as_their_values(values: list[tuple[int, int]], width: int) -> None:
    names = tuple(str(at) for at in range(len(values)))
    panel = Panel(
        form=Form.COLUMNS,
        x=Axis(label="x", scale=Scale.NAME),
        y=Axis(label="y", scale=Scale.AMOUNT, currency="CNY", decimals=2),
        names=names,
        series=tuple(
            Series(label=label, points=tuple(Point(at, own[part]) for at, own in enumerate(values)))
            for part, label in enumerate(("lower", "upper"))
        ),
    )
    own = groups(drawn(charted(panel), "en", width))
    if panel.is_empty:
        assert not own
        return
    lower, upper = ([m for m in own[name] if isinstance(m, Area)] for name in ("lower", "upper"))
    assert len(lower) == sum(bool(one) for one, _ in values)
    assert len(upper) == sum(bool(one) for _, one in values)
    pairs = list(zip([one for one, _ in values if one], lower, strict=True))
    pairs += zip([one for _, one in values if one], upper, strict=True)
    most, tallest = max(pairs, key=lambda pair: pair[0])
    for value, area in pairs:
        assert abs(area.height * most - tallest.height * value) <= 2 * most
    tops = {(area.x, area.y) for area in lower}
    for (first, second), _ in zip(values, names, strict=True):
        if first and second:
            break
    else:
        return
    assert any((area.x, area.y + area.height) in tops for area in upper)


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS | st.none()), min_size=1, max_size=6), WIDTHS)
def test_bars_are_as_long_as_their_values_and_limits_lie_beyond_or_within(
    values: list[tuple[int, int | None]], width: int
) -> None:
    panel = Panel(
        form=Form.BARS,
        x=Axis(label="x", scale=Scale.NAME),
        y=Axis(label="y", scale=Scale.AMOUNT, currency="CNY", decimals=2),
        names=tuple(f"partner-{at}" for at in range(len(values))),
        series=(
            Series(label="out", points=tuple(Point(at, own) for at, (own, _) in enumerate(values))),
            Series(
                label="limit",
                points=tuple(Point(at, own) for at, (_, own) in enumerate(values)),
                level=True,
            ),
        ),
    )
    own = groups(drawn(charted(panel), "en", width))
    if panel.is_empty:
        assert not own
        return
    areas = [mark for mark in own["out"] if isinstance(mark, Area)]
    limits = [mark for mark in own["out"] if isinstance(mark, Line)]
    assert len(areas) == len(values)
    # A bar of nothing is still seen: as thin as a line.
    straight(
        [
            (value, area.x + area.width)
            for (value, _), area in zip(values, areas, strict=True)
            if area.width > 10
        ]
    )
    assert len(limits) == sum(limit is not None for _, limit in values)


def test_a_value_beyond_the_end_of_its_axis_has_an_arrow_and_is_said() -> None:
    panel = Panel(
        form=Form.LINES,
        x=Axis(label="x", scale=Scale.DAY),
        y=Axis(label="y", scale=Scale.RATE, from_zero=False, most=140_000),
        series=(
            Series(
                label="cover", points=(Point(DAY, 9_000_000), Point(DAY + 9, 60_000)), steps=True
            ),
        ),
    )
    (marks,) = groups(drawn(charted(panel), "en")).values()
    arrows = [mark for mark in marks if isinstance(mark, Dot) and mark.shape is Shape.ARROW]
    assert ["900%" in one.said for one in arrows] == [True]


def test_ceilings_have_their_place_among_the_columns() -> None:
    panel = Panel(
        form=Form.COLUMNS,
        x=Axis(label="x", scale=Scale.RATE),
        y=Axis(label="y", scale=Scale.COUNT),
        series=(Series(label="loans", points=(Point(100_000, 3), Point(110_000, 5))),),
        width=10_000,
        marks=(Mark("low", 110_000), Mark("high", 240_000)),
    )
    found = drawn(charted(panel), "en")
    first, second = (mark for mark in groups(found)["loans"] if isinstance(mark, Area))
    low, high = (
        mark.places[0][0] for mark in found.marks if isinstance(mark, Line) and mark.width == 20
    )
    assert first.x + first.width <= low <= second.x
    assert high > second.x + second.width
    assert {"low", "high"} <= {mark.words for mark in found.marks if isinstance(mark, Text)}


@given(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=80), st.integers(300, 3000))
def test_wrapping_keeps_every_letter(words: str, width: int) -> None:
    assert "".join(wrapped(words, 110, width)) == words


@pytest.mark.parametrize("width", [320, 960])
def test_panels_stand_beside_one_another_where_there_is_room(width: int) -> None:
    panel = Panel(
        form=Form.LINES,
        x=Axis(label="x", scale=Scale.COUNT),
        y=Axis(label="y", scale=Scale.RATE),
        series=(Series(label="line", points=(Point(0, 1), Point(1, 250_000))),),
    )
    higher = Panel(
        form=Form.LINES, x=panel.x, y=panel.y,
        series=(Series(label="other", points=(Point(0, 1), Point(1, 500_000))),),
    )  # fmt: skip
    own = groups(drawn(charted(panel, higher), "en", width))
    one, other = (
        next(mark for mark in own[name] if isinstance(mark, Line)) for name in ("line", "other")
    )
    assert (one.places[0][1] == other.places[0][1]) == (width == 960)
    # Both have the same scale, so that they can be compared.
    heights = [line.places[0][1] - line.places[1][1] for line in (one, other)]
    assert abs(heights[1] - 2 * heights[0]) <= 3
