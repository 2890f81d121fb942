"""Amount causes: units, parts, fees, buckets, interest by another reading, and legs."""

from __future__ import annotations

from typing import Any

from ledger.reconcile.lines import Kind, RepaymentLine
from tests.reconcile.planted.line_causes import Cause, date_column
from tests.reconcile.planted.month import (
    DAY_COUNTS,
    PPM,
    days,
    half_up,
    interest_legs,
    repayment_parts,
    summed,
)
from tests.reconcile.planted.sides import Sides

AMOUNTS = {
    Kind.LOANS: ("principal_minor",),
    Kind.REPAYMENTS: ("principal_minor", "interest_minor", "penalty_minor", "fee_minor"),
    Kind.COMPENSATIONS: ("amount_minor",),
    Kind.RECOVERIES: ("amount_minor",),
}
"""Columns with amounts; what a recovery cost has a cause of its own."""


def _name(column: str) -> str:
    return column.removesuffix("_minor")


# ---- units and other amounts


def _scaled(factor: int, cause: str) -> Cause:
    def plant(sides: Sides) -> bool:
        """All amounts in another unit; legs and all, or the columns alone."""
        columns = [*AMOUNTS[sides.kind], *(["cost_minor"] * (sides.kind is Kind.RECOVERIES))]
        if line := sides.take():
            new = {column: getattr(line, column) * factor for column in columns}
            legs = getattr(line, "legs", None)
            if legs is not None and sides.chance.random() < 0.5:
                new["legs"] = tuple((party, leg * factor) for party, leg in legs)
            sides.put(line, line._replace(**new))
            nonzero = [column for column in columns if getattr(line, column)]
            field = _name(nonzero[0]) if len(nonzero) == 1 else "amount"
            sides.expect("B03", line[1], field, cause)
        return line is not None

    plant.__name__ = cause
    return plant


unit_100, unit_10 = _scaled(100, "unit_100"), _scaled(10, "unit_10")


def unit_of_ours(sides: Sides) -> bool:
    """Theirs is a hundredth of ours: yuan where fen were meant, cents cut off."""
    column = AMOUNTS[sides.kind][0]
    if line := sides.take(lambda line: getattr(line, column) >= 10_000):
        sides.put(line, line._replace(**{column: getattr(line, column) // 100}))
        sides.expect("B03", line[1], _name(column), "unit_100")
    return line is not None


def one_column_scaled(sides: Sides) -> bool:
    column = sides.chance.choice(AMOUNTS[sides.kind][:2])
    factor = sides.chance.choice((10, 100))

    def fits(line: Any) -> bool:
        others = [getattr(line, other) for other in AMOUNTS[sides.kind] if other != column]
        return bool(getattr(line, column)) and any(others)

    if line := sides.take(fits):
        sides.put(line, line._replace(**{column: getattr(line, column) * factor}))
        sides.expect("B03", line[1], _name(column), f"unit_{factor}")
    return line is not None


def part_payment(sides: Sides) -> bool:
    """Less came in than we have, by an odd amount of the first column."""
    column = AMOUNTS[sides.kind][0]
    if line := sides.take():
        amount = getattr(line, column)
        sides.put(line, line._replace(**{column: amount * sides.chance.randrange(3, 8) // 9 - 7}))
        sides.expect("B03", line[1], _name(column))
    return line is not None


def one_fen(sides: Sides) -> bool:
    """Cash and principal have no tolerance."""
    column = AMOUNTS[sides.kind][0]
    if line := sides.take():
        step = sides.chance.choice((-1, 1))
        sides.put(line, line._replace(**{column: getattr(line, column) + step}))
        sides.expect("B03", line[1], _name(column))
    return line is not None


def two_amounts(sides: Sides) -> bool:
    """Principal and interest both wrong, and their sum: one break for the line."""
    if line := sides.take():
        principal = line.principal_minor - 1_003 - sides.chance.randrange(1_000)
        interest = line.interest_minor + 137
        sides.put(line, line._replace(principal_minor=principal, interest_minor=interest))
        sides.expect("B03", line[1], "amount")
    return line is not None


def digits_swapped(sides: Sides) -> bool:
    column = AMOUNTS[sides.kind][0]

    def swapped(line: Any) -> int:
        text = str(getattr(line, column))
        at = len(text) // 2
        return int(text[: at - 1] + text[at] + text[at - 1] + text[at + 1 :])

    if line := sides.take(lambda line: swapped(line) != getattr(line, column)):
        sides.put(line, line._replace(**{column: swapped(line)}))
        sides.expect("B03", line[1], _name(column))
    return line is not None


def fee_netted(sides: Sides) -> bool:
    """What came in, less the fee or the cost that our line has apart."""
    recovery = sides.kind is Kind.RECOVERIES
    fee, column = ("cost_minor", "amount_minor") if recovery else ("fee_minor", "principal_minor")
    if line := sides.take(lambda line: getattr(line, fee) > 0):
        amount = getattr(line, column) - getattr(line, fee)
        sides.put(line, line._replace(**{column: amount}))
        sides.expect("B03", line[1], _name(column), "fee_netted")
    return line is not None


def cost_differs(sides: Sides) -> bool:
    if line := sides.take():
        sides.put(line, line._replace(cost_minor=line.cost_minor + 333))
        sides.expect("B03", line[1], "cost")
    return line is not None


def amount_and_date(sides: Sides) -> bool:
    """Two things wrong with one line are two breaks."""
    column, month = AMOUNTS[sides.kind][0], sides.month
    if line := sides.take(lambda line: month.first < getattr(line, date_column(line)) < month.last):
        dated = date_column(line)
        new = {column: getattr(line, column) * 100, dated: getattr(line, dated) + 1}
        sides.put(line, line._replace(**new))
        sides.expect("B03", line[1], _name(column))
        sides.expect("B06", line[1], dated)
    return line is not None


# ---- buckets


def buckets_swapped(sides: Sides) -> bool:
    if line := sides.take(lambda line: line.principal_minor != line.interest_minor):
        new = {"principal_minor": line.interest_minor, "interest_minor": line.principal_minor}
        sides.put(line, line._replace(**new))
        sides.expect("B05", line[1], "amount", "buckets_swapped")
    return line is not None


def order_of_buckets(sides: Sides) -> bool:
    """They took principal before interest: the total is equal, the columns are not."""
    if line := sides.take(lambda line: line.interest_minor > 2_000):
        moved = line.interest_minor * 2 // 3 + 11
        principal, interest = line.principal_minor + moved, line.interest_minor - moved
        sides.put(line, line._replace(principal_minor=principal, interest_minor=interest))
        sides.expect("B05", line[1], "amount", "buckets")
    return line is not None


# ---- interest by another reading


def interest_by_other_days(sides: Sides) -> bool:
    """Their interest of this instalment is exactly what another day count gives."""
    return _interest_by_other_days(sides, level=False)


def level_instalment_by_other_days(sides: Sides) -> bool:
    """Likewise, and the instalment stays what it was: principal moves with the interest."""
    return _interest_by_other_days(sides, level=True)


def _interest_by_other_days(sides: Sides, *, level: bool) -> bool:
    for count in sides.chance.sample(DAY_COUNTS, len(DAY_COUNTS)):
        new: dict[int, int] = {}

        def fits(line: Any, count: str = count, new: dict[int, int] = new) -> bool:
            numerator, basis = interest_exactly(sides, line, count)
            new[line.line] = half_up(numerator, basis)
            own = half_up(*interest_exactly(sides, line, sides.month.agreed.day_count))
            # Two day counts may agree to the fen, and a difference of one could be rounding.
            return own == line.interest_minor and abs(new[line.line] - line.interest_minor) > 2

        if line := sides.take(fits):
            moved = new[line.line] - line.interest_minor
            theirs = line._replace(interest_minor=new[line.line])
            if level:
                theirs = theirs._replace(principal_minor=line.principal_minor - moved)
            sides.put(line, theirs)
            sides.expect("B09", line[1], "interest", "day_count")
            return True
    return False


def interest_cut_off(sides: Sides) -> bool:
    """They cut fractions of a fen off where the terms round half up."""

    def fits(line: Any) -> bool:
        numerator, basis = interest_exactly(sides, line, sides.month.agreed.day_count)
        return line.interest_minor == half_up(numerator, basis) == numerator // basis + 1

    if line := sides.take(fits):
        sides.put(line, line._replace(interest_minor=line.interest_minor - 1))
        sides.expect("B09", line[1], "interest", "rounding")
    return line is not None


def interest_of_both_ends(sides: Sides) -> bool:
    """They count the last day as well as the first."""

    def theirs(line: Any) -> int:
        return half_up(*interest_exactly(sides, line, sides.month.agreed.day_count, more=1))

    def fits(line: Any) -> bool:
        own = half_up(*interest_exactly(sides, line, sides.month.agreed.day_count))
        return own == line.interest_minor and theirs(line) - own > 2

    if line := sides.take(fits):
        sides.put(line, line._replace(interest_minor=theirs(line)))
        # One day more may be what another day count gives, too.
        sides.expect("B09", line[1], "interest")
    return line is not None


def interest_exactly(
    sides: Sides, line: RepaymentLine, day_count: str, *, more: int = 0
) -> tuple[int, int]:
    """Interest since the repayment before, or since the start: numerator and denominator."""
    loan = sides.month.loans[line.loan_ref]
    before = [one for one in sides.facts[loan.ref].repaid if one.date < line.date]
    since = before[-1].date if before else loan.start
    outstanding = loan.principal - sum(one.principal_minor for one in before)
    basis = 365 if day_count == "ACT/365" else 360
    count = days(since, line.date, day_count) + more
    return outstanding * loan.rate_ppm * count, basis * PPM


# ---- legs


def _several(line: Any) -> bool:
    return line.legs is not None and len(line.legs) > 1


def legs_rounded(sides: Sides) -> bool:
    """One fen from one party to another."""
    if line := sides.take(_several):
        (first, a), (second, b), *rest = line.legs
        step = sides.chance.choice((-1, 1))
        sides.put(line, line._replace(legs=((first, a + step), (second, b - step), *rest)))
        sides.expect("B05", line[1], "legs", "rounding")
    return line is not None


def legs_by_other_shares(sides: Sides) -> bool:
    if line := sides.take(_several):
        (first, a), (second, b), *rest = line.legs
        moved = a // 3 + 20
        sides.put(line, line._replace(legs=((first, a - moved), (second, b + moved), *rest)))
        sides.expect("B05", line[1], "legs")
    return line is not None


def legs_by_other_order(sides: Sides) -> bool:
    """They go through the tiers in another order."""
    agreed = sides.month.agreed
    if len(agreed.tiers) < 2:
        return False

    def theirs(line: Any) -> tuple[tuple[str, int], ...]:
        loan = sides.month.loans[line.loan_ref]
        paid = [one for one in sides.facts[loan.ref].repaid if one.date < line.date]
        before = loan.principal - sum(one.principal_minor for one in paid)
        parts = repayment_parts(agreed, loan.rate_ppm, before, line[4:7])
        other = agreed.with_tiers(agreed.tiers[::-1])
        return summed(parts | {"INTEREST": interest_legs(other, line[5], loan.rate_ppm)})

    def fits(line: Any) -> bool:
        moved = [abs(a - b) for (_, a), (_, b) in zip(theirs(line), line.legs, strict=True)]
        return max(moved) > 10

    if line := sides.take(fits):
        sides.put(line, line._replace(legs=theirs(line)))
        sides.expect("B05", line[1], "legs", "tier_order")
    return line is not None


def legs_in_another_order(sides: Sides) -> bool:
    """No break: the same parts, the parties otherwise sorted, and one that gets nothing."""
    if line := sides.take(_several):
        legs = (*sides.chance.sample(line.legs, len(line.legs)), ("auditor-x", 0))
        sides.put(line, line._replace(legs=legs))
    return line is not None
