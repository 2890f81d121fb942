"""Totals: a file of daily totals (汇总) with our details, and a file's totals with its own lines.

A day's total that differs from our details only because lines of the same file differ says nothing
new: it is compared with the lines it came with. Totals that came alone are compared with ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import cast

from ledger.money import date_of
from ledger.reconcile.basis import Basis
from ledger.reconcile.details import DETAILS, DetailLine
from ledger.reconcile.lines import Break, CashLine, DayTotal, Kind, Line, Statement
from ledger.reconcile.slips import unit_factor


def compare_totals(ours: Sequence[Line], theirs: Statement, basis: Basis) -> Iterator[Break]:
    """Breaks of the totals of a file (B14), one for each day and kind."""
    if not theirs.totals:
        return
    alone = not theirs.lines
    counts, sums = _by_day(theirs.kind, ours if alone else theirs.lines)
    told = set()
    for total in theirs.totals:
        if total.kind is theirs.kind and (not alone or basis.holds(total.date)):
            told.add(total.date)
            found = _difference(total, counts[total.date], sums[total.date])
            if found:
                yield found
    for date in sorted(counts.keys() - told):
        if alone and basis.holds(date):
            yield _break(
                theirs.kind, date, "count", counts[date], None, "total_missing", sums[date]
            )


def file_missing(kind: Kind, date: int, file: str) -> Break:
    """The break for a file of a day that did not come (B14)."""
    return Break(
        code="B14", kind=kind, ref=date_of(date).isoformat(), field=file, ours=None, theirs=None,
        cause="file_missing", facts={"file": file}, date=date,
    )  # fmt: skip


def _by_day(kind: Kind, lines: Iterable[Line]) -> tuple[Counter[int], Counter[int]]:
    counts: Counter[int] = Counter()
    sums: Counter[int] = Counter()
    if kind in DETAILS:
        details = DETAILS[kind]
        for line in cast("Iterable[DetailLine]", lines):
            if details.succeeded(line):
                counts[details.date(line)] += 1
                sums[details.date(line)] += details.total(line)
    elif kind is Kind.CASH:
        for one in cast("Iterable[CashLine]", lines):
            counts[one.value_date] += 1
            sums[one.value_date] += one.amount_minor
    return counts, sums


def _difference(total: DayTotal, count: int, amount_minor: int) -> Break | None:
    wrong_minor = abs(total.amount_minor - amount_minor)
    if total.count is not None and total.count != count:
        return _break(
            total.kind, total.date, "count", count, total.count, "count_differs", wrong_minor
        )
    if not wrong_minor:
        return None
    factor = unit_factor(amount_minor, total.amount_minor)
    cause = f"unit_{abs(factor)}" if factor else "sum_differs"
    found = _break(
        total.kind, total.date, "amount", amount_minor, total.amount_minor, cause, wrong_minor
    )
    found.facts["larger"] = "theirs" if total.amount_minor > amount_minor else "ours"
    found.facts["factor"] = abs(factor)
    return found


def _break(
    kind: Kind, date: int, field: str, ours: int, theirs: int | None, cause: str, risk: int
) -> Break:
    return Break(
        code="B14", kind=kind, ref=_ref(kind, date), field=field, ours=ours, theirs=theirs,
        cause=cause, facts={"difference_minor": risk}, date=date, at_risk_minor=risk,
    )  # fmt: skip


def _ref(kind: Kind, date: int) -> str:
    return f"{kind.value}/{date_of(date).isoformat()}"
