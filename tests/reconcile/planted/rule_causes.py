"""Rule causes: rates, lists and limits, and compensations that come late, twice or not at all."""

from __future__ import annotations

from dataclasses import replace

from ledger.reconcile.basis import Breach, DueClaim, OffList
from ledger.reconcile.lines import CompensationLine, RepaymentLine
from tests.reconcile.planted.month import BANK, CLAIM_DAYS, PLATFORM
from tests.reconcile.planted.sides import Sides


def other_rate(sides: Sides) -> bool:
    if line := sides.take():
        by_365 = sides.chance.random() < 0.5
        rate = line.annual_rate_ppm * 365 // 360 if by_365 else line.annual_rate_ppm + 5_000
        sides.put(line, line._replace(annual_rate_ppm=rate))
        sides.expect("B09", line[1], "annual_rate", "rate_basis" if by_365 else "rate")
    return line is not None


# ---- found afterwards


def breached_later(sides: Sides) -> bool:
    if line := sides.take():
        rule = sides.chance.choice(("max_per_borrower", "max_partner_concentration"))
        found = line.principal_minor
        sides.breaches.append(
            Breach(ref=line.loan_ref, rule=rule, limit=100, found=found, date=line.start_date)
        )
        sides.expect("B11", line.loan_ref, rule, "over_limit")
    return line is not None


def taken_off_list(sides: Sides) -> bool:
    """A party was off the bank's list on the day of a loan, as came out later."""
    if sides.off_lists:
        return False
    on = sides.chance.choice([line.start_date for line in sides.ours])
    booked = [line for line in sides.ours if line.start_date == on]
    # Every loan of the day breaks the rule, so nothing else may be planted in any of them.
    if not all(sides.is_free(line) for line in booked):
        return False
    for line in booked:
        sides.take_this(line)
        sides.expect("B11", line.loan_ref, "list", "off_list")
    sides.off_lists.append(
        OffList(keeper=BANK, party=PLATFORM, role="cofund", first_date=on, last_date=on)
    )
    return True


# ---- compensations


def claim_missing(sides: Sides) -> bool:
    """The trigger passed and nobody paid, on either side."""
    if line := sides.take(lambda line: line.date + 2 <= sides.month.last):
        for one in sides.siblings(line):
            sides.put(one)
        _not_compensated(sides, line)
        sides.expect("B12", line.loan_ref, "date", "compensation_missing")
    return line is not None


def claim_missing_here(sides: Sides) -> bool:
    """They have the compensation, we have a loan past its trigger: no second break for that."""
    if line := sides.take():
        for one in sides.siblings(line):
            sides.expect("B01", one.entry_ref, "", "missing_here")
        _not_compensated(sides, line)
    return line is not None


def _not_compensated(sides: Sides, line: CompensationLine) -> None:
    """On our side, where the loan is past its trigger."""
    lines = sides.siblings(line)
    for one in lines:
        sides.put_ours(one, None)
    sides.facts[line.loan_ref] = replace(sides.facts[line.loan_ref], compensated_date=None)
    since = sides.month.loans[line.loan_ref].since
    sides.due_claims.append(
        DueClaim(
            loan_ref=line.loan_ref,
            since_date=since,
            due_date=since + CLAIM_DAYS,
            amount_minor=sum(one.amount_minor for one in lines),
        )
    )


def claim_due_today(sides: Sides) -> bool:
    """No break: the trigger is the last day of the month, and there is a day's grace."""
    month = sides.month
    if line := sides.take(lambda line: line.date >= month.last - 1):
        for one in sides.siblings(line):
            sides.put(one)
        _not_compensated(sides, line)
    return line is not None


def claim_late(sides: Sides) -> bool:
    """Both sides agree that it was paid, days after the trigger."""
    month = sides.month
    if line := sides.take(lambda line: line.date + 4 <= month.last):
        on = line.date + sides.chance.choice((2, 3, 4))
        for one in sides.siblings(line):
            sides.put(one, one._replace(date=on))
            sides.put_ours(one, one._replace(date=on))
        facts = sides.facts[line.loan_ref]
        sides.facts[line.loan_ref] = replace(facts, compensated_date=on)
        sides.expect("B12", line.loan_ref, "date", "compensation_late")
    return line is not None


def compensated_twice(sides: Sides) -> bool:
    if line := sides.take(lambda line: line.date < sides.month.last - 2):
        ref = sides.new_ref("C")
        sides.put(line, line, line._replace(entry_ref=ref, date=line.date + 2))
        sides.expect("B07", ref, "", "compensated_twice")
    return line is not None


def repaid_after_compensation(sides: Sides) -> bool:
    """The borrower paid the wrong one after the guarantor had paid."""
    month, chance = sides.month, sides.chance
    paid = [loan for loan in month.loans.values() if loan.compensated]
    if not paid:
        return False
    loan, ref = chance.choice(paid), sides.new_ref("R")
    on = chance.randint(max(loan.compensated, month.first), month.last)
    sides.add(RepaymentLine(0, ref, loan.ref, on, chance.randrange(9_000, 90_000), 1_234))
    sides.expect("B07", ref, "", "repaid_after_compensation")
    return True
