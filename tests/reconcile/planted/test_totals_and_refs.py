"""Totals of days against details, and files whose refs are all the other side's own."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest

from ledger.reconcile.comparing import compare
from ledger.reconcile.lines import DayTotal, Kind, State
from tests.reconcile.planted.causes import day_totals
from tests.reconcile.planted.sides import Sides, sides
from tests.reconcile.planted.test_planted import expected, found, plant

SEEDS = range(60)
WITH_TOTALS = (Kind.LOANS, Kind.REPAYMENTS, Kind.COMPENSATIONS, Kind.RECOVERIES, Kind.CASH)
EPOCH = date(1970, 1, 1).toordinal()


def ref_of(kind: Kind, on: int) -> str:
    return f"{kind.value}/{date.fromordinal(on + EPOCH).isoformat()}"


def spoil(planted: Sides, totals: dict[int, DayTotal], chance: random.Random) -> list[DayTotal]:
    """Some days with another count, or another sum, or in another unit."""
    for on in chance.sample(sorted(totals), min(len(totals), chance.randrange(4))):
        total, ref = totals[on], ref_of(planted.kind, on)
        way = chance.choice(("count", "amount", "unit"))
        if way == "count":
            totals[on] = replace(total, count=(total.count or 0) + 1)
            planted.expect("B14", ref, "count", "count_differs")
        elif way == "amount":
            totals[on] = replace(total, amount_minor=total.amount_minor + 1_001)
            planted.expect("B14", ref, "amount", "sum_differs")
        elif total.amount_minor:
            totals[on] = replace(total, amount_minor=total.amount_minor * 100)
            planted.expect("B14", ref, "amount", "unit_100")
    return list(totals.values())


@pytest.mark.parametrize("kind", WITH_TOTALS)
def test_totals_alone_are_compared_with_our_details(kind: Kind) -> None:
    for seed in SEEDS:
        planted = sides(seed, kind)
        totals = spoil(planted, day_totals(kind, planted.ours), random.Random(seed))
        ours, statement, basis = planted.settled()
        if not totals:
            continue
        alone = replace(statement, lines=[], totals=tuple(totals))
        assert found(compare(ours, alone, basis).breaks) == expected(planted), seed


@pytest.mark.parametrize("kind", WITH_TOTALS)
def test_a_day_that_totals_leave_out_is_told(kind: Kind) -> None:
    for seed in SEEDS:
        planted = sides(seed, kind)
        totals = day_totals(kind, planted.ours)
        if len(totals) < 2:
            continue
        left_out = random.Random(seed).choice(sorted(totals))
        del totals[left_out]
        ours, statement, basis = planted.settled()
        alone = replace(statement, lines=[], totals=tuple(totals.values()))
        wanted = Counter([("B14", ref_of(kind, left_out), "count")])
        assert found(compare(ours, alone, basis).breaks) == wanted, seed


@pytest.mark.parametrize("kind", WITH_TOTALS)
def test_totals_beside_details_are_those_of_the_same_file(kind: Kind) -> None:
    """So a line that is missing there is no second break of its day's total."""
    for seed in SEEDS:
        planted, chance = sides(seed, kind), random.Random(seed)
        plant(planted, chance, chance.randrange(6))
        ours, statement, basis = planted.settled()
        counted = [
            line
            for line in statement.lines
            if getattr(line, "state", State.SUCCESS) is State.SUCCESS
        ]
        totals = spoil(planted, day_totals(kind, counted), chance)
        whole = replace(statement, totals=tuple(totals))
        if counted:
            assert found(compare(ours, whole, basis).breaks) == expected(planted), seed


def test_totals_that_nobody_compares_are_noticed() -> None:
    noticed = 0
    for seed in range(6):
        planted = sides(seed, Kind.REPAYMENTS)
        totals = spoil(planted, day_totals(Kind.REPAYMENTS, planted.ours), random.Random(seed))
        ours, statement, basis = planted.settled()
        alone = replace(statement, lines=[], totals=tuple(totals))
        breaks = [one for one in compare(ours, alone, basis).breaks if one.code != "B14"]
        noticed += found(breaks) != expected(planted)
    assert noticed


@pytest.mark.parametrize("kind", [Kind.REPAYMENTS, Kind.COMPENSATIONS, Kind.RECOVERIES, Kind.CASH])
def test_lines_under_refs_of_their_own_are_matched_by_what_they_say(kind: Kind) -> None:
    for seed in SEEDS:
        planted, chance = sides(seed, kind), random.Random(seed)
        missing_there = planted.take() if chance.random() < 0.5 else None
        missing_here = planted.take() if chance.random() < 0.5 else None
        own: dict[int, str] = {}
        for at, line in enumerate(planted.theirs):
            own[id(line)] = f"S{at:05d}"
            planted.put(line, line._replace(**{line._fields[1]: own[id(line)]}))
        if missing_there:
            planted.put(missing_there)
            planted.expect("B02", missing_there[1], "")
        if missing_here:
            planted.put_ours(missing_here, None)
            planted.expect("B01", own[id(missing_here)], "")
        compared = compare(*planted.settled())
        assert found(compared.breaks) == expected(planted), seed


def test_loans_under_refs_of_their_own_are_matched_by_what_they_are() -> None:
    for seed in SEEDS:
        planted = sides(seed, Kind.LOANS)
        for at, line in enumerate(planted.theirs):
            planted.put(line, line._replace(loan_ref=f"S{at:05d}"))
        compared = compare(*planted.settled())
        assert compared.breaks == (), seed
        assert compared.matched == len(planted.theirs)
