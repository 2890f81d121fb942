"""Balance causes: their opening of a day and our closing of the day before it."""

from __future__ import annotations

from typing import Any

from ledger.reconcile.lines import LoanBalanceLine
from tests.reconcile.planted.month import DAY_COUNTS, PPM, asset_class, days, half_up
from tests.reconcile.planted.sides import Sides, is_loan

# ---- outstanding and accounts


def outstanding(sides: Sides) -> bool:
    """A back-dated change at their side."""
    if line := sides.take(is_loan):
        step = sides.chance.choice((-1, 1)) * sides.chance.randrange(1, 9_999)
        sides.put(line, line._replace(outstanding_minor=line.outstanding_minor + step))
        sides.expect("B08", line.loan_ref, "outstanding")
    return line is not None


def outstanding_unit(sides: Sides) -> bool:
    if line := sides.take(is_loan):
        sides.put(line, line._replace(outstanding_minor=line.outstanding_minor * 100))
        sides.expect("B08", line.loan_ref, "outstanding", "unit_100")
    return line is not None


def without_a_repayment(sides: Sides) -> bool:
    """They have not taken the last repayment off."""
    facts = sides.facts
    if line := sides.take(lambda line: is_loan(line) and facts[line.loan_ref].repaid):
        paid = facts[line.loan_ref].repaid[-1].principal_minor
        sides.put(line, line._replace(outstanding_minor=line.outstanding_minor + paid))
        sides.expect("B08", line.loan_ref, "outstanding", "without_repayment")
    return line is not None


def account_amount(sides: Sides) -> bool:
    if line := sides.take(lambda line: not is_loan(line)):
        step = sides.chance.choice((-1, 1)) * sides.chance.randrange(1, 9_999)
        sides.put(line, line._replace(amount_minor=line.amount_minor + step))
        sides.expect("B08", f"{line.party}/{line.account}", "amount")
    return line is not None


def account_sign(sides: Sides) -> bool:
    if line := sides.take(lambda line: not is_loan(line)):
        sides.put(line, line._replace(amount_minor=-line.amount_minor))
        sides.expect("B08", f"{line.party}/{line.account}", "amount", "sign")
    return line is not None


def account_missing(sides: Sides) -> bool:
    if line := sides.take(lambda line: not is_loan(line)):
        sides.put(line)
        sides.expect("B02", f"{line.party}/{line.account}", "")
    return line is not None


def loan_missing_there(sides: Sides) -> bool:
    if line := sides.take(is_loan):
        sides.put(line)
        sides.expect("B02", line.loan_ref, "")
    return line is not None


def loan_missing_here(sides: Sides) -> bool:
    if line := sides.take(is_loan):
        sides.put_ours(line, None)
        sides.expect("B01", line.loan_ref, "")
    return line is not None


def duplicate_loan(sides: Sides) -> bool:
    if line := sides.take(is_loan):
        sides.put(line, line, line)
        sides.expect("B07", line.loan_ref, "", "duplicate")
    return line is not None


# ---- interest accrued


def accrued_by_other_days(sides: Sides) -> bool:
    """Accrued by another day count, and further off than the tolerance."""
    for count in sides.chance.sample(DAY_COUNTS, len(DAY_COUNTS)):
        new: dict[int, int] = {}

        def fits(line: Any, count: str = count, new: dict[int, int] = new) -> bool:
            if not is_loan(line):
                return False
            new[line.line] = _accrued(sides, line, count)
            return abs(new[line.line] - line.accrued_minor) > _tolerance(sides, line)

        if line := sides.take(fits):
            sides.put(line, line._replace(accrued_minor=new[line.line]))
            sides.expect("B09", line.loan_ref, "accrued")
            return True
    return False


def _accrued(sides: Sides, line: LoanBalanceLine, day_count: str) -> int:
    """Interest since the last repayment under a day count."""
    loan = sides.month.loans[line.loan_ref]
    numerator = line.outstanding_minor * loan.rate_ppm
    numerator *= days(_last_paid(sides, line), sides.month.last + 1, day_count)
    return half_up(numerator, (365 if day_count == "ACT/365" else 360) * PPM)


def _last_paid(sides: Sides, line: LoanBalanceLine) -> int:
    facts = sides.facts[line.loan_ref]
    return facts.repaid[-1].date if facts.repaid else facts.start_date


def _tolerance(sides: Sides, line: LoanBalanceLine) -> int:
    return max(sides.month.last + 1 - _last_paid(sides, line), 1)


def _step(sides: Sides, line: LoanBalanceLine, size: int) -> int:
    """Up or down, but not below nothing."""
    return sides.chance.choice((-size, size)) if (line.accrued_minor or 0) >= size else size


def accrued_beyond(sides: Sides) -> bool:
    if line := sides.take(is_loan):
        step = _step(sides, line, _tolerance(sides, line) + 1)
        sides.put(line, line._replace(accrued_minor=line.accrued_minor + step))
        sides.expect("B09", line.loan_ref, "accrued")
    return line is not None


# ---- classes


def overdue_since(sides: Sides) -> bool:
    """They age the loan otherwise, and class it accordingly."""
    if line := sides.take(is_loan):
        on = sides.month.last + 1
        since = 0 if line.overdue_since else on - sides.chance.randrange(2, 200)
        moved = line._replace(overdue_since=since, asset_class=asset_class(since, on))
        sides.put(line, moved)
        sides.expect("B13", line.loan_ref, "overdue_since", "ageing")
    return line is not None


def other_class(sides: Sides) -> bool:
    if line := sides.take(is_loan):
        sides.put(line, line._replace(asset_class=line.asset_class % 5 + 1))
        sides.expect("B13", line.loan_ref, "asset_class", "class")
    return line is not None


def outstanding_and_class(sides: Sides) -> bool:
    """Two things wrong with one loan are two breaks."""
    if line := sides.take(is_loan):
        other = line.asset_class % 5 + 1
        more = line.outstanding_minor + 77_777
        sides.put(line, line._replace(outstanding_minor=more, asset_class=other))
        sides.expect("B08", line.loan_ref, "outstanding")
        sides.expect("B13", line.loan_ref, "asset_class")
    return line is not None


def accrued_and_class(sides: Sides) -> bool:
    if line := sides.take(is_loan):
        other, more = line.asset_class % 5 + 1, line.accrued_minor + 99_999
        sides.put(line, line._replace(accrued_minor=more, asset_class=other))
        sides.expect("B09", line.loan_ref, "accrued")
        sides.expect("B13", line.loan_ref, "asset_class")
    return line is not None


# ---- what is no break


def accrued_within(sides: Sides) -> bool:
    """As far off as daily rounding may be."""
    if line := sides.take(is_loan):
        step = _step(sides, line, _tolerance(sides, line))
        sides.put(line, line._replace(accrued_minor=line.accrued_minor + step))
    return line is not None


def columns_left_out(sides: Sides) -> bool:
    """Their file says no more than what is outstanding."""
    if line := sides.take(is_loan):
        bare = line._replace(overdue_since=None, accrued_minor=None, asset_class=None)
        sides.put(line, bare)
    return line is not None


def cleared_there(sides: Sides) -> bool:
    """They list a loan that is paid, at nothing."""
    paid = [loan for loan in sides.month.loans.values() if not loan.outstanding]
    if paid:
        ref = sides.chance.choice(paid).ref
        if ref not in {line[1] for line in sides.added}:
            sides.add(LoanBalanceLine(0, ref, 0, 0, 0, 1))
    return bool(paid)
