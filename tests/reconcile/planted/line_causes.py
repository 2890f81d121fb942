"""Line causes: whole lines, their states and their dates, and what is no break at all.

A cause takes the sides, plants itself in them and says what has to be found; it returns whether
there was a line that it fits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.reconcile.lines import Kind, LoanLine, State
from tests.reconcile.planted.sides import Sides

Cause = Callable[[Sides], bool]


def date_column(line: Any) -> str:
    return "start_date" if isinstance(line, LoanLine) else "date"


def first_amount(kind: Kind) -> str:
    return "principal_minor" if kind in (Kind.LOANS, Kind.REPAYMENTS) else "amount_minor"


# ---- whole lines


def missing_there(sides: Sides) -> bool:
    if line := sides.take():
        sides.put(line)
        sides.expect("B02", line[1], "", "missing_there")
    return line is not None


def missing_here(sides: Sides) -> bool:
    if line := sides.take():
        sides.put_ours(line, None)
        sides.expect("B01", line[1], "", "missing_here")
    return line is not None


def duplicate(sides: Sides) -> bool:
    if line := sides.take():
        copies = sides.chance.choice((1, 1, 2))
        sides.put(line, line, *[line] * copies)
        for _ in range(copies):
            sides.expect("B07", line[1], "", "duplicate")
    return line is not None


def wrong_duplicate(sides: Sides) -> bool:
    """Sent again under its ref with another amount; the right one is there as well."""
    column = first_amount(sides.kind)
    if line := sides.take():
        wrong = line._replace(**{column: getattr(line, column) + 4_321})
        sides.put(line, *sides.chance.sample([line, wrong], 2))
        sides.expect("B07", line[1], "", "duplicate")
    return line is not None


def repeated(sides: Sides) -> bool:
    """The same again under a second ref, as a retry without its key sends it."""
    if line := sides.take():
        ref = sides.new_ref("again")
        sides.put(line, line, line._replace(entry_ref=ref))
        sides.expect("B07", ref, "")
    return line is not None


# ---- states


def failed_there(sides: Sides) -> bool:
    if line := sides.take():
        sides.put(line, line._replace(state=State.FAILED))
        sides.expect("B04", line[1], "state", "failed_there")
    return line is not None


def in_transit_there(sides: Sides) -> bool:
    if line := sides.take():
        sides.put(line, line._replace(state=State.IN_TRANSIT))
        sides.expect("B04", line[1], "state", "in_transit_there")
    return line is not None


def reversed_here(sides: Sides) -> bool:
    if line := sides.take():
        sides.put_ours(line, line._replace(state=State.FAILED))
        sides.expect("B04", line[1], "state", "reversed_here")
    return line is not None


# ---- dates


def cut_off(sides: Sides) -> bool:
    """One day off: their day ends at 23:00. At a month's end the file is of the other month."""
    if line := sides.take():
        column = date_column(line)
        moved = getattr(line, column) + sides.chance.choice((-1, 1))
        sides.put(line, line._replace(**{column: moved}))
        sides.expect("B06", line[1], column, "cut_off")
    return line is not None


def cut_off_here(sides: Sides) -> bool:
    """Ours is of the first day after the month, theirs of its last."""
    month = sides.month
    if line := sides.take():
        column = date_column(line)
        sides.put(line, line._replace(**{column: month.last}))
        sides.put_ours(line, line._replace(**{column: month.last + 1}))
        sides.expect("B06", line[1], column, "cut_off")
    return line is not None


def other_date(sides: Sides) -> bool:
    month = sides.month
    column = "start_date" if sides.kind is Kind.LOANS else "date"

    def fits(line: Any) -> bool:
        return month.first + 8 <= getattr(line, column) <= month.last - 8

    if line := sides.take(fits):
        moved = getattr(line, column) + sides.chance.choice((-7, -3, 2, 5))
        sides.put(line, line._replace(**{column: moved}))
        sides.expect("B06", line[1], column, "date")
    return line is not None


def maturity(sides: Sides) -> bool:
    if line := sides.take():
        moved = line.maturity_date + sides.chance.choice((-1, 1, 5, 30))
        sides.put(line, line._replace(maturity_date=moved))
        sides.expect("B06", line[1], "maturity_date")
    return line is not None


def moved_as_a_whole(sides: Sides) -> bool:
    """Start and maturity both a day off are one difference."""
    if line := sides.take(lambda line: line.start_date < sides.month.last):
        later = {"start_date": line.start_date + 1, "maturity_date": line.maturity_date + 1}
        sides.put(line, line._replace(**later))
        sides.expect("B06", line[1], "start_date", "cut_off")
    return line is not None


def other_loan(sides: Sides) -> bool:
    """Their entry is on another borrower's loan."""
    if line := sides.take():
        loans = [ref for ref in sides.month.loans if ref != line.loan_ref]
        sides.put(line, line._replace(loan_ref=sides.chance.choice(loans)))
        sides.expect("B05", line[1], "loan_ref", "other_loan")
    return line is not None


# ---- what is no break


def failed_at_both(sides: Sides) -> bool:
    """Failed there, and we never had it, or took it back."""
    if line := sides.take():
        here = sides.chance.choice((None, line._replace(state=State.FAILED)))
        sides.put_ours(line, here)
        sides.put(line, line._replace(state=sides.chance.choice((State.FAILED, State.IN_TRANSIT))))
    return line is not None


def reversed_at_both(sides: Sides) -> bool:
    """We took it back, and they never had it."""
    if line := sides.take():
        sides.put_ours(line, line._replace(state=State.FAILED))
        sides.put(line)
    return line is not None


def corrected_here(sides: Sides) -> bool:
    """We took a wrong entry back and posted the right one; they have the right one alone."""
    column = first_amount(sides.kind)
    if line := sides.take():
        ref = sides.new_ref("wrong")
        wrong = line._replace(state=State.FAILED, **{line._fields[1]: ref})
        sides.add_ours(wrong._replace(**{column: getattr(line, column) + 9}))
    return line is not None


def left_out(sides: Sides) -> bool:
    """Columns that their file does not have."""
    if line := sides.take():
        sides.put(line, line._replace(legs=None))
    return line is not None


def tried_again(sides: Sides) -> bool:
    """It failed once and went through under the same ref."""
    if line := sides.take():
        failed = line._replace(state=State.FAILED)
        sides.put(line, *sides.chance.sample([failed, line], 2))
    return line is not None


def after_the_window(sides: Sides) -> bool:
    """Either side has a line of the next day, which is not in the other's month."""
    if line := sides.take():
        new = {line._fields[1]: sides.new_ref("next"), date_column(line): sides.month.last + 1}
        if sides.chance.random() < 0.5:
            sides.add_ours(line._replace(**new))
        else:
            sides.add(line._replace(**new))
    return line is not None


def in_two_parts(sides: Sides) -> bool:
    """One repayment of ours is two lines of theirs, under their own refs or under ours, twice."""
    if line := sides.take(lambda line: line.principal_minor > 100):
        third = line.principal_minor // 3
        first = line._replace(
            entry_ref=sides.new_ref("part"), principal_minor=third, interest_minor=0,
            penalty_minor=0, fee_minor=0, legs=None,
        )  # fmt: skip
        rest = line._replace(
            entry_ref=sides.new_ref("part"), principal_minor=line.principal_minor - third, legs=None
        )
        if sides.chance.random() < 0.3:
            first, rest = (part._replace(entry_ref=line.entry_ref) for part in (first, rest))
        sides.put(line, first, rest)
    return line is not None


def parts_of_one(sides: Sides) -> bool:
    """Two entries of ours on a day are one line of theirs, or two that are divided otherwise."""
    if line := sides.take(lambda line: line.principal_minor > 100):
        fifth = line.principal_minor // 5
        first = line._replace(
            entry_ref=sides.new_ref("ours"), principal_minor=fifth, interest_minor=0,
            penalty_minor=0, fee_minor=0,
        )  # fmt: skip
        rest = line._replace(
            entry_ref=sides.new_ref("ours"), principal_minor=line.principal_minor - fifth
        )
        sides.put_ours(line, first)
        sides.add_ours(rest)
        whole = line._replace(entry_ref=sides.new_ref("whole"), legs=None)
        if sides.chance.random() < 0.5:
            half = line.principal_minor // 2
            other = whole._replace(
                entry_ref=sides.new_ref("other"), principal_minor=line.principal_minor - half
            )
            small = {"interest_minor": 0, "penalty_minor": 0, "fee_minor": 0}
            sides.put(line, whole._replace(principal_minor=half, **small), other)
        else:
            sides.put(line, whole)
    return line is not None


def all_payers_in_one(sides: Sides) -> bool:
    """Their compensation names no payer and has what all paid."""
    if line := sides.take():
        lines = sides.siblings(line)
        total = sum(one.amount_minor for one in lines)
        for one in lines:
            sides.put(one)
        sides.put(line, line._replace(payer="", amount_minor=total))
    return line is not None
