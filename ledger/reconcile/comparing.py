"""Comparing: the lines of both sides become breaks. Pure: no ledger, file or clock.

One cause is one break. A line that is missing is missing once, not once for each of its fields; of
a line that is there, what is wrong in its state hides the rest, and what is wrong in its amounts
hides the parts that follow from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from ledger.money import date_of
from ledger.reconcile.balances import compare_balances
from ledger.reconcile.basis import Basis, OffList
from ledger.reconcile.cash import compare_cash
from ledger.reconcile.details import DETAILS, DetailLine, Details
from ledger.reconcile.lines import (
    AccountLine,
    Break,
    CashLine,
    CompensationLine,
    Kind,
    Line,
    LoanBalanceLine,
    LoanLine,
    State,
    Statement,
    lines_with,
)
from ledger.reconcile.matching import Matched, match
from ledger.reconcile.totals import compare_totals

_CASH_DATE = CashLine._fields.index("value_date")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a comparison found. Counts are of lines in the window."""

    ours: int
    theirs: int
    matched: int
    """Lines of theirs that differ in nothing."""
    breaks: tuple[Break, ...]
    """By date, ref and field."""


def compare(
    ours: Sequence[Line],
    theirs: Statement,
    basis: Basis,
    *,
    left: Sequence[Line] | None = None,
    agreeing: int = 0,
) -> Compared:
    """Compare our lines with a file of the same kind. O(n).

    Lines of ours outside the window pair, but alone they are no break. Totals that came with the
    file are compared as well; a file of totals alone has no lines to compare. `left`: the lines
    of the file that are to be paired, all others agree with lines that are not among `ours`; of
    them `agreeing` are in the window.
    """
    if theirs.missing is not None:
        return Compared(ours=0, theirs=0, matched=0, breaks=(theirs.missing,))
    if not theirs.lines and theirs.totals:
        date = DETAILS[theirs.kind].date_place if theirs.kind in DETAILS else _CASH_DATE
        compared = _compared(ours, (), 0, (), basis, date=date)
    elif theirs.kind in DETAILS:
        compared = _compare_details(
            DETAILS[theirs.kind],
            ours,
            theirs,
            basis,
            theirs.lines if left is None else left,
            agreeing,
        )
    elif theirs.kind is Kind.CASH:
        matched, breaks = compare_cash(
            cast("list[CashLine]", [*ours]), cast("list[CashLine]", theirs.lines), basis
        )
        compared = _compared(ours, theirs.lines, matched, breaks, basis, date=_CASH_DATE)
    else:
        matched, breaks = compare_balances(
            cast("list[LoanBalanceLine | AccountLine]", [*ours]),
            cast("list[LoanBalanceLine | AccountLine]", theirs.lines),
            theirs.date if theirs.date is not None else basis.last + 1,
            basis,
        )
        compared = Compared(
            ours=len(ours), theirs=len(theirs.lines), matched=matched, breaks=tuple(breaks)
        )
    breaks = sorted(
        [*compared.breaks, *compare_totals(ours, theirs, basis)],
        key=lambda found: (found.date, found.ref, found.field, found.line or 0),
    )
    return replace(compared, breaks=tuple(breaks))


def _compared(
    ours: Sequence[Any],
    theirs: Sequence[Any],
    matched: int,
    breaks: Sequence[Break],
    basis: Basis,
    *,
    date: int,
) -> Compared:
    first, last = basis.first, basis.last
    return Compared(
        ours=len([1 for line in ours if first <= line[date] <= last]),
        theirs=len([1 for line in theirs if first <= line[date] <= last]),
        matched=matched,
        breaks=tuple(breaks),
    )


def _compare_details(
    details: Details,
    ours: Sequence[Line],
    theirs: Statement,
    basis: Basis,
    left: Sequence[Line],
    agreeing: int,
) -> Compared:
    own = cast("Sequence[DetailLine]", ours)
    others = cast("Sequence[DetailLine]", theirs.lines)
    rest = cast("Sequence[DetailLine]", left)
    paired = len(others) - len(rest)
    found = match(details, own, rest, basis.window_days, paired=paired)
    breaks, wrong = _of_pairs(details, found, basis)
    missing = list(_of_lines_of_theirs(details, found, others, basis))
    breaks += [*missing, *_of_lines_of_ours(details, found, basis)]
    if details.kind is Kind.COMPENSATIONS:
        known = {details.loan(line) for line in others} | {b.ref for b in breaks}
        breaks += _late(cast("Sequence[CompensationLine]", own), basis)
        breaks += _unclaimed(known, basis)
    elif details.kind is Kind.LOANS:
        breaks += _breaches(cast("Sequence[LoanLine]", own), basis)
    compared = _compared(own, rest, 0, breaks, basis, date=details.date_place)
    compared = replace(compared, ours=compared.ours + agreeing, theirs=compared.theirs + agreeing)
    return replace(compared, matched=compared.theirs - wrong - len(missing))


# ---- pairs


def _of_pairs(details: Details, found: Matched, basis: Basis) -> tuple[list[Break], int]:
    """What is wrong in pairs, and in how many lines of theirs in the window."""
    breaks: list[Break] = []
    wrong = 0
    for ours, theirs in found.differing:
        within = basis.holds(details.date(theirs))
        if within or basis.holds(details.date(ours)):
            # None where only the order of the parts is another.
            differences = list(details.differences(ours, theirs, basis))
            breaks += differences
            wrong += within and bool(differences)
    for _, theirs in found.duplicates:
        if basis.holds(details.date(theirs)):
            breaks.append(_whole(details, theirs, "B07", "duplicate", ours=False))
            wrong += 1
    return breaks, wrong


# ---- whole lines


def _of_lines_of_theirs(
    details: Details,
    found: Matched,
    theirs: Sequence[DetailLine],
    basis: Basis,
) -> Iterator[Break]:
    left = [
        line for line in found.theirs if details.succeeded(line) and basis.holds(details.date(line))
    ]
    if not left:
        return
    loans = {details.loan(line) for line in left} - {""}
    alone = Counter(line for line in found.theirs if details.loan(line) in loans)
    known: set[Hashable] = set()
    compensated: set[Hashable] = set()
    if details.kind is not Kind.LOANS:
        # Of a million lines these are a few.
        for line in lines_with(theirs, details.loan_place, loans):
            if alone[line]:
                alone[line] -= 1
            else:
                known.add(details.dated(line))
                if isinstance(line, CompensationLine):
                    compensated.add(details.once(line))
    for line in left:
        yield _unknown(details, line, known, compensated, basis)
        # The next one like it is it once more.
        known.add(details.dated(line))
        if isinstance(line, CompensationLine):
            compensated.add(details.once(line))


def _unknown(
    details: Details,
    line: DetailLine,
    known: set[Hashable],
    compensated: set[Hashable],
    basis: Basis,
) -> Break:
    """A line of theirs that we do not have."""
    if isinstance(line, CompensationLine) and details.once(line) in compensated:
        return _whole(details, line, "B07", "compensated_twice", ours=False)
    if details.kind is not Kind.LOANS and details.loan(line):
        if details.dated(line) in known:
            return _whole(details, line, "B07", "repeated", ours=False)
    if details.kind is Kind.REPAYMENTS:
        loan = basis.loans.get(details.loan(line))
        since = loan.compensated_date if loan else None
        if since is not None and details.date(line) >= since:
            facts = {"compensated": date_of(since).isoformat()}
            return _whole(details, line, "B07", "repaid_after_compensation", facts, ours=False)
    return _whole(details, line, "B01", "missing_here", ours=False)


def _of_lines_of_ours(details: Details, found: Matched, basis: Basis) -> Iterator[Break]:
    for line in found.ours:
        if details.succeeded(line) and basis.holds(details.date(line)):
            yield _whole(details, line, "B02", "missing_there", ours=True)


def _whole(
    details: Details,
    line: DetailLine,
    code: str,
    cause: str,
    facts: dict[str, str | int] | dict[str, str] | None = None,
    *,
    ours: bool,
) -> Break:
    total = details.total(line)
    return Break(
        code=code, kind=details.kind, ref=line[1] or details.loan(line), field="",
        ours=total if ours else None, theirs=None if ours else total, cause=cause,
        facts={"loan": details.loan(line), **(facts or {})}, date=details.date(line),
        at_risk_minor=abs(total), line=None if ours else line.line,
    )  # fmt: skip


# ---- our own side, after the fact


def _late(ours: Sequence[CompensationLine], basis: Basis) -> Iterator[Break]:
    """Compensations that our side has, but later than the layers owed them (B12)."""
    told: set[str] = set()
    for line in ours:
        if line.state is not State.SUCCESS or not basis.holds(line.date) or line.loan_ref in told:
            continue
        loan = basis.loans.get(line.loan_ref)
        if loan is None or loan.terms.claim is None or not loan.overdue_since:
            continue
        due = loan.overdue_since + loan.terms.claim.days_past_due
        if line.date > due + basis.claim_grace_days:
            told.add(line.loan_ref)
            yield Break(
                code="B12", kind=Kind.COMPENSATIONS, ref=line.loan_ref, field="date",
                ours=date_of(line.date).isoformat(), theirs=None, cause="compensation_late",
                facts={
                    "days": line.date - due, "due": date_of(due).isoformat(),
                    "since": date_of(loan.overdue_since).isoformat(),
                    "trigger_days": loan.terms.claim.days_past_due,
                },
                date=line.date, at_risk_minor=line.amount_minor,
            )  # fmt: skip


def _unclaimed(known: set[str], basis: Basis) -> Iterator[Break]:
    """Loans past their trigger that nobody paid for (B12)."""
    for due in basis.due_claims:
        if due.loan_ref not in known and due.due_date + basis.claim_grace_days < basis.last:
            yield Break(
                code="B12", kind=Kind.COMPENSATIONS, ref=due.loan_ref, field="date", ours=None,
                theirs=None, cause="compensation_missing",
                facts={
                    "days": basis.last - due.due_date,
                    "due": date_of(due.due_date).isoformat(),
                    "since": date_of(due.since_date).isoformat(),
                },
                date=due.due_date, at_risk_minor=due.amount_minor,
            )  # fmt: skip


def _breaches(ours: Sequence[LoanLine], basis: Basis) -> Iterator[Break]:
    """Loans of ours whose parties or limits do not hold any more (B11)."""
    off_on: dict[int, OffList | None] = {}
    for line in ours if basis.off_lists else ():
        day = line.start_date
        if day not in off_on:
            covering = (one for one in basis.off_lists if one.first_date <= day <= one.last_date)
            off_on[day] = next(covering, None)
        off = off_on[day]
        if off is not None and line.state is State.SUCCESS and basis.holds(day):
            yield Break(
                code="B11", kind=Kind.LOANS, ref=line.loan_ref, field="list",
                ours=line.principal_minor, theirs=None, cause="off_list",
                facts={
                    "keeper": off.keeper, "party": off.party, "role": off.role,
                    "from": date_of(off.first_date).isoformat(), "on": date_of(day).isoformat(),
                },
                date=day, at_risk_minor=line.principal_minor,
            )  # fmt: skip
    for breach in basis.breaches:
        yield Break(
            code="B11", kind=Kind.LOANS, ref=breach.ref, field=breach.rule, ours=breach.found,
            theirs=None, cause="over_limit",
            facts={
                "rule": breach.rule,
                "limit_minor": breach.limit,
                "found_minor": breach.found,
            },
            date=breach.date, at_risk_minor=max(breach.found - breach.limit, 0),
        )  # fmt: skip
