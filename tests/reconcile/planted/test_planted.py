"""Reconciliation finds what is planted: every break with its code, and no other."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from ledger.reconcile.comparing import Compared, compare
from ledger.reconcile.explaining import explain
from ledger.reconcile.lines import Break, Kind
from tests.reconcile.planted.causes import CAUSES, HARMLESS
from tests.reconcile.planted.line_causes import Cause
from tests.reconcile.planted.sides import Sides, sides

Compare = Callable[..., Compared]
SAMPLE, ALL_SEEDS = 100, 1_000
LARGE_BOOK_LOANS = 40_000
"""Some 100 000 lines of all kinds."""


def named(cause: Cause) -> str:
    return f"{cause.__module__.rpartition('.')[2]}.{cause.__name__}"


def plant(planted: Sides, chance: random.Random, causes: int) -> Counter[str]:
    """Several causes at once, and some of what is no break; how often each."""
    did: Counter[str] = Counter()
    kind = planted.kind
    for cause in chance.choices(CAUSES[kind], k=causes):
        did[f"{kind} {named(cause)}"] += cause(planted)
    for harmless in chance.choices(HARMLESS[kind], k=1 + causes // 3):
        did[f"{kind} {named(harmless)}"] += harmless(planted)
    return did


def found(breaks: Iterable[Break]) -> Counter[tuple[str, str, str]]:
    return Counter((one.code, one.ref, one.field) for one in breaks)


def expected(planted: Sides) -> Counter[tuple[str, str, str]]:
    return Counter((one.code, one.ref, one.field) for one in planted.planted)


def differences(planted: Sides, comparing: Compare = compare) -> list[str]:
    """What a comparison missed and what it made up; empty when it is right."""
    compared = comparing(*planted.settled())
    wanted, has = expected(planted), found(compared.breaks)
    by_place = {(one.ref, one.field): one for one in compared.breaks}
    wrong = [f"missed {one}" for one in wanted - has]
    wrong += [f"made up {one} {by_place[one[1], one[2]]}" for one in has - wanted]
    for one in planted.planted:
        cause = by_place[one.ref, one.field].cause if (one.ref, one.field) in by_place else ""
        if one.cause and cause and cause != one.cause:
            wrong.append(f"caused by {cause}: {one}")
    return [f"seed {planted.month.seed} {planted.kind}: {text}" for text in wrong]


def run(seeds: range, comparing: Compare = compare) -> tuple[list[str], Counter[str]]:
    """All kinds of each seed's month, with up to eight causes in each."""
    wrong: list[str] = []
    did: Counter[str] = Counter()
    for seed in seeds:
        chance = random.Random(f"plan {seed}")
        for kind in Kind:
            planted = sides(seed, kind, loans=chance.randrange(12, 48))
            did += plant(planted, chance, chance.randrange(9))
            wrong += differences(planted, comparing)
    return wrong, did


def test_a_clean_month_has_no_break() -> None:
    for seed in range(SAMPLE):
        for kind in Kind:
            clean = sides(seed, kind)
            compared = compare(*clean.settled())
            assert compared.breaks == (), (seed, kind)
            lines = len(clean.month.lines[kind])
            assert (compared.ours, compared.theirs, compared.matched) == (lines, lines, lines)


def test_every_planted_break_is_found_and_no_other() -> None:
    wrong, _ = run(range(SAMPLE))
    assert wrong == []


@pytest.mark.slow
def test_every_planted_break_is_found_in_a_thousand_books() -> None:
    wrong, did = run(range(ALL_SEEDS))
    assert wrong == []
    every = [
        f"{kind} {named(cause)}" for kind in Kind for cause in (*CAUSES[kind], *HARMLESS[kind])
    ]
    # A cause that hardly ever fits a month would prove nothing.
    assert {name: did[name] for name in every if did[name] < 5} == {}


@pytest.mark.slow
def test_every_planted_break_is_found_in_a_large_book() -> None:
    lines, planted_ones = 0, 0
    for kind in Kind:
        chance = random.Random(f"large {kind}")
        planted = sides(77, kind, loans=LARGE_BOOK_LOANS)
        plant(planted, chance, 60)
        assert differences(planted) == []
        lines += len(planted.theirs)
        planted_ones += len(planted.planted)
    assert lines > 100_000 and planted_ones > 300


def test_every_break_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    for language in ("en", "zh"):
        monkeypatch.setenv("PLEDGER_LANG", language)
        for seed in range(20):
            for kind in Kind:
                planted = sides(seed, kind)
                plant(planted, random.Random(seed), 6)
                for one in compare(*planted.settled()).breaks:
                    words = explain(one, decimals=2)
                    assert len(words) > 8 and "{" not in words, one


# ---- the proof can fail


CODES = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B10", "B11", "B12", "B13")


def changed(change: Callable[[tuple[Break, ...]], Iterable[Break]]) -> Compare:
    """A comparison whose breaks somebody tampered with."""

    def comparing(*arguments: Any) -> Compared:
        right = compare(*arguments)
        fields = {"ours": right.ours, "theirs": right.theirs, "matched": right.matched}
        return Compared(**fields, breaks=tuple(change(right.breaks)))

    return comparing


@pytest.mark.parametrize("code", CODES)
def test_a_comparison_that_drops_a_code_is_noticed(code: str) -> None:
    wrong, _ = run(range(12), changed(lambda breaks: (b for b in breaks if b.code != code)))
    assert wrong and all(f"missed ('{code}'" in one for one in wrong)


def test_a_comparison_that_finds_a_break_twice_is_noticed() -> None:
    wrong, _ = run(range(3), changed(lambda breaks: breaks + breaks[:1]))
    assert wrong and all("made up" in one for one in wrong)


def test_a_comparison_that_names_another_code_is_noticed() -> None:
    def renamed(breaks: tuple[Break, ...]) -> Iterable[Break]:
        return (replace(one, code="B02" if one.code == "B01" else one.code) for one in breaks)

    wrong, _ = run(range(12), changed(renamed))
    assert any("missed ('B01'" in one for one in wrong)
    assert any("made up ('B02'" in one for one in wrong)


def test_a_comparison_that_overlooks_a_line_of_ours_is_noticed() -> None:
    wrong, _ = run(range(3), lambda ours, theirs, basis: compare(ours[1:], theirs, basis))
    assert any("made up ('B01'" in one for one in wrong)


def test_a_comparison_that_knows_no_terms_is_noticed() -> None:
    """It finds that interest differs, but not that it differs by the day count."""

    def ignorant(ours: Any, theirs: Any, basis: Any) -> Compared:
        return compare(ours, theirs, replace(basis, loans={}))

    wrong, _ = run(range(12), ignorant)
    assert any("missed ('B09'" in one for one in wrong)
    assert any("missed ('B12'" in one for one in wrong)


def test_a_comparison_of_another_window_is_noticed() -> None:
    def shifted(ours: Any, theirs: Any, basis: Any) -> Compared:
        return compare(ours, theirs, replace(basis, first=basis.first + 3))

    wrong, _ = run(range(12), shifted)
    assert any("missed" in one for one in wrong)
