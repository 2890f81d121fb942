"""Balances: the opening of day D+1 at the other side with our closing of day D.

Balances of principal and of accounts have no tolerance. Interest accrued is recomputed from the
terms and may differ by one minor unit for each day that it accrued. What follows from another
outstanding is not told again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.money import date_of
from ledger.reconcile.basis import Basis
from ledger.reconcile.lines import AccountLine, Break, Kind, LoanBalanceLine
from ledger.reconcile.recomputed import accrual_cause, accrual_days
from ledger.reconcile.slips import Column, slip

BalanceLine = LoanBalanceLine | AccountLine


def compare_balances(
    ours: Sequence[BalanceLine], theirs: Sequence[BalanceLine], date: int, basis: Basis
) -> tuple[int, list[Break]]:
    """Lines of theirs that agree, and the breaks. `date`: the day whose opening it is."""
    own: dict[str, BalanceLine | None] = {_ref(line): line for line in ours}
    breaks: list[Break] = []
    matched = 0
    # Only what the file is about: one of accounts says nothing of loans.
    kinds = {type(line) for line in theirs}
    for line in theirs:
        ref = _ref(line)
        if ref not in own:
            found = _alone(line, date, ours=False)
        elif (mine := own[ref]) is None:
            found = [_whole(line, date, "B07", "duplicate", ours=False)]
        else:
            found = list(_differences(mine, line, date, basis))
            own[ref] = None
        breaks += found
        matched += not found
    for left in own.values():
        if left is not None and (type(left) in kinds or not theirs):
            breaks += _alone(left, date, ours=True)
    return matched, breaks


def _ref(line: BalanceLine) -> str:
    return line.loan_ref if isinstance(line, LoanBalanceLine) else f"{line.party}/{line.account}"


def _amount(line: BalanceLine) -> int:
    return line.outstanding_minor if isinstance(line, LoanBalanceLine) else line.amount_minor


def _alone(line: BalanceLine, date: int, *, ours: bool) -> list[Break]:
    """A loan or account of one side; one that comes to nothing need not be there."""
    if not _amount(line):
        return []
    code, cause = ("B02", "missing_there") if ours else ("B01", "missing_here")
    return [_whole(line, date, code, cause, ours=ours)]


def _whole(line: BalanceLine, date: int, code: str, cause: str, *, ours: bool) -> Break:
    amount = _amount(line)
    return Break(
        code=code, kind=Kind.BALANCES, ref=_ref(line), field="", ours=amount if ours else None,
        theirs=None if ours else amount, cause=cause, facts={}, date=date,
        at_risk_minor=abs(amount), line=None if ours else line.line,
    )  # fmt: skip


def _differences(
    ours: BalanceLine, theirs: BalanceLine, date: int, basis: Basis
) -> Iterator[Break]:
    field = "outstanding" if isinstance(theirs, LoanBalanceLine) else "amount"
    column = Column(field, _amount(ours), _amount(theirs))
    if column.ours != column.theirs:
        cause, facts = _balance_cause(column, ours, date, basis)
        yield _break(theirs, date, "B08", column, cause, facts)
    if not isinstance(ours, LoanBalanceLine) or not isinstance(theirs, LoanBalanceLine):
        return
    if column.ours == column.theirs:
        yield from _accrued(ours, theirs, date, basis)
    yield from _classes(ours, theirs, date)


def _balance_cause(
    column: Column, line: BalanceLine, date: int, basis: Basis
) -> tuple[str, dict[str, str | int]]:
    if column.ours == -column.theirs:
        return "sign", {}
    loan = basis.loans.get(line.loan_ref) if isinstance(line, LoanBalanceLine) else None
    facts: dict[str, str | int] = {"closing": date_of(date - 1).isoformat()}
    if loan is not None:
        for one in reversed(loan.repaid):
            # Theirs is what the loan was before one repayment, or would be without it.
            if column.theirs - column.ours == one.principal_minor and one.principal_minor:
                facts["repaid"] = date_of(one.date).isoformat()
                facts["repaid_minor"] = one.principal_minor
                return "without_repayment", facts
    found = slip([column], netted={})
    assert found is not None, "balances that differ"
    if found.cause.startswith("unit_") or found.cause == "digits_swapped":
        return found.cause, {**facts, **found.facts}
    return "discontinuous", {**facts, "difference_minor": abs(column.ours - column.theirs)}


def _accrued(
    ours: LoanBalanceLine, theirs: LoanBalanceLine, date: int, basis: Basis
) -> Iterator[Break]:
    if theirs.accrued_minor is None or ours.accrued_minor is None:
        return
    loan = basis.loans.get(ours.loan_ref)
    tolerance = accrual_days(loan, date) if loan else 1
    column = Column("accrued", ours.accrued_minor, theirs.accrued_minor)
    if abs(column.ours - column.theirs) <= tolerance:
        return
    cause, facts = "accrual", dict[str, str | int]()
    found = slip([column], netted={})
    if found is not None and found.cause.startswith("unit_"):
        cause, facts = found.cause, found.facts
    elif loan is not None:
        cause, facts = accrual_cause(loan, date, theirs.accrued_minor) or (cause, facts)
        cause = "accrual_day_count" if cause == "day_count" else cause
    facts = {**facts, "tolerance_minor": tolerance}
    facts["difference_minor"] = abs(column.ours - column.theirs)
    yield _break(theirs, date, "B09", column, cause, facts)


def _classes(ours: LoanBalanceLine, theirs: LoanBalanceLine, date: int) -> Iterator[Break]:
    since = theirs.overdue_since
    if since is not None and ours.overdue_since is not None and since != ours.overdue_since:
        yield Break(
            code="B13", kind=Kind.BALANCES, ref=theirs.loan_ref, field="overdue_since",
            ours=_day(ours.overdue_since), theirs=_day(since), cause="ageing", facts={},
            date=date, line=theirs.line,
        )  # fmt: skip
        return
    if None not in (ours.asset_class, theirs.asset_class) and (
        ours.asset_class != theirs.asset_class
    ):
        yield Break(
            code="B13", kind=Kind.BALANCES, ref=theirs.loan_ref, field="asset_class",
            ours=ours.asset_class, theirs=theirs.asset_class, cause="class",
            facts={"past_due_days": date - ours.overdue_since if ours.overdue_since else 0},
            date=date, line=theirs.line,
        )  # fmt: skip


def _day(day: int) -> str:
    return date_of(day).isoformat() if day else ""


def _break(
    theirs: BalanceLine,
    date: int,
    code: str,
    column: Column,
    cause: str,
    facts: dict[str, str | int],
) -> Break:
    return Break(
        code=code, kind=Kind.BALANCES, ref=_ref(theirs), field=column.name, ours=column.ours,
        theirs=column.theirs, cause=cause, facts=facts, date=date,
        at_risk_minor=abs(column.ours - column.theirs), line=theirs.line,
    )  # fmt: skip
