"""Cash causes: what a bank's statement has otherwise than the entries behind it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

from ledger.reconcile.lines import CashLine
from tests.reconcile.planted.sides import Sides


def unlike_others(sides: Sides) -> Callable[[CashLine], bool]:
    """Whether no other line has a line's amount.

    One that they lack and one of the same amount that we lack are one transfer under two
    references, as far as anybody can tell.
    """
    times = Counter(line.amount_minor for line in sides.theirs)
    return lambda line: times[line.amount_minor] == 1


def missing_there(sides: Sides) -> bool:
    if line := sides.take(unlike_others(sides)):
        sides.put(line)
        sides.expect("B02", line.reference, "", "missing_there")
    return line is not None


def missing_here(sides: Sides) -> bool:
    if line := sides.take(unlike_others(sides)):
        sides.put_ours(line, None)
        sides.expect("B01", line.reference, "", "missing_here")
    return line is not None


def amount(sides: Sides) -> bool:
    """Another amount under the same reference."""
    if line := sides.take():
        step = sides.chance.choice((1, -1, 101, 999, -4_567))
        sides.put(line, line._replace(amount_minor=line.amount_minor + step))
        sides.expect("B10", line.reference, "amount")
    return line is not None


def unit(sides: Sides) -> bool:
    factor = sides.chance.choice((10, 100))
    if line := sides.take():
        sides.put(line, line._replace(amount_minor=line.amount_minor * factor))
        sides.expect("B10", line.reference, "amount", f"unit_{factor}")
    return line is not None


def refunded(sides: Sides) -> bool:
    """The bank gives a booking back some days after, under a reference of its own."""
    if line := sides.take(lambda line: line.value_date + 5 <= sides.month.last):
        ref = sides.new_ref("back")
        on = line.value_date + sides.chance.randrange(6)
        back = line._replace(reference=ref, value_date=on, amount_minor=-line.amount_minor)
        sides.add(back._replace(text=sides.chance.choice(("returned", "退汇", ""))))
        sides.expect("B10", ref, "", "refunded")
    return line is not None


def refunded_of_a_batch(sides: Sides) -> bool:
    """One of the repayments of a batch is given back the day after."""
    lines = _repayments_of_a_day(sides)
    if not lines or lines[0].value_date >= sides.month.last:
        return False
    ref, total = sides.new_ref("back"), sum(line.amount_minor for line in lines)
    for line in lines:
        sides.put(line)
    sides.add(lines[0]._replace(reference=sides.new_ref("batch"), amount_minor=total))
    back = lines[1]._replace(reference=ref, amount_minor=-lines[1].amount_minor)
    sides.add(back._replace(value_date=back.value_date + 1, text="退汇"))
    sides.expect("B10", ref, "", "refunded")
    return True


def fee_debited(sides: Sides) -> bool:
    """The bank takes a fee that no entry stands for."""
    ref, month = sides.new_ref("fee"), sides.month
    on = sides.chance.randint(month.first, month.last)
    sides.add(CashLine(0, ref, on, -sides.chance.randrange(200, 1_500), "", "手续费"))
    sides.expect("B10", ref, "", "fee_debited")
    return True


def cut_off(sides: Sides) -> bool:
    if line := sides.take():
        moved = line.value_date + sides.chance.choice((-1, 1))
        sides.put(line, line._replace(value_date=moved))
        sides.expect("B06", line.reference, "value_date", "cut_off")
    return line is not None


def batch_short(sides: Sides) -> bool:
    """One credit for the repayments of a day, less a fee that nobody names."""
    lines = _repayments_of_a_day(sides)
    if not lines:
        return False
    ref, total = sides.new_ref("batch"), sum(line.amount_minor for line in lines)
    for line in lines:
        sides.put(line)
    short = total - total // 1_000 - 3
    sides.add(lines[0]._replace(reference=ref, amount_minor=short))
    sides.expect("B10", ref, "amount", "batch_short")
    return True


def batch_without_one(sides: Sides) -> bool:
    """One credit for the repayments of a day but one, which did not come in."""
    lines = _repayments_of_a_day(sides, least=3)
    if not lines:
        return False
    for line in lines:
        sides.put(line)
    total = sum(line.amount_minor for line in lines[1:])
    sides.add(lines[1]._replace(reference=sides.new_ref("batch"), amount_minor=total))
    sides.expect("B02", lines[0].reference, "", "missing_there")
    return True


# ---- what is no break


def other_reference(sides: Sides) -> bool:
    """The bank's own reference: the same amount on the same day, or on the next."""
    if line := sides.take(lambda line: line.value_date < sides.month.last):
        on = line.value_date + sides.chance.choice((0, 0, 1))
        sides.put(line, line._replace(reference=sides.new_ref("bank"), value_date=on))
    return line is not None


def reference_in_the_text(sides: Sides) -> bool:
    if line := sides.take():
        text = f"payment {line.reference}, thank you"
        sides.put(line, line._replace(reference=sides.new_ref("bank"), text=text))
    return line is not None


def batched(sides: Sides) -> bool:
    """One credit for all repayments of a day, on that day or the next."""
    lines = _repayments_of_a_day(sides)
    if not lines:
        return False
    for line in lines:
        sides.put(line)
    total = sum(line.amount_minor for line in lines)
    batch = lines[0]._replace(reference=sides.new_ref("batch"), amount_minor=total)
    if batch.value_date < sides.month.last:
        batch = batch._replace(value_date=batch.value_date + sides.chance.choice((0, 0, 1)))
    sides.add(batch)
    return True


def batched_in_two(sides: Sides) -> bool:
    """Two credits for the repayments of a day, whose bounds are those of no entry."""
    lines = _repayments_of_a_day(sides)
    if not lines:
        return False
    for line in lines:
        sides.put(line)
    total = sum(line.amount_minor for line in lines)
    first = total * 2 // 5 + 1
    for part in (first, total - first):
        sides.add(lines[0]._replace(reference=sides.new_ref("batch"), amount_minor=part))
    return True


def paid_in_two(sides: Sides) -> bool:
    """One of ours is two of the bank's, under our reference or its own."""
    if line := sides.take():
        first = line.amount_minor // 3
        refs = [sides.new_ref("part"), sides.new_ref("part")]
        if sides.chance.random() < 0.5:
            refs = [line.reference] * 2
        parts = zip(refs, (first, line.amount_minor - first), strict=True)
        sides.put(line, *(line._replace(reference=ref, amount_minor=a) for ref, a in parts))
    return line is not None


def batched_over_a_weekend(sides: Sides) -> bool:
    """The bank books the repayments of two or three days on the last of them."""
    first = sides.chance.randrange(sides.month.first, sides.month.last - 3)
    last = first + sides.chance.choice((1, 2))
    lines = [line for line in sides.theirs if first <= line.value_date <= last]
    came_in = [line for line in lines if line.amount_minor > 0]
    repaid = [line for line in came_in if line.text == "repayment"]
    if len({line.value_date for line in repaid}) < 2 or repaid != came_in:
        return False
    if not all(map(sides.is_free, repaid)):
        return False
    for line in repaid:
        sides.take_this(line)
        sides.put(line)
    total = sum(line.amount_minor for line in repaid)
    ref = sides.new_ref("batch")
    sides.add(repaid[0]._replace(reference=ref, value_date=last, amount_minor=total))
    return True


def _repayments_of_a_day(sides: Sides, *, least: int = 2) -> list[CashLine]:
    """All repayments of a day on which nothing is planted yet."""
    by_day: dict[int, list[CashLine]] = defaultdict(list)
    for line in sides.theirs:
        by_day[line.value_date].append(line)
    fit = []
    for lines in by_day.values():
        repaid = [line for line in lines if line.text == "repayment"]
        # A day of nothing but repayments and disbursements, so that what came in is the batch.
        came_in = [line for line in lines if line.amount_minor > 0]
        if len(repaid) >= least and repaid == came_in and all(map(sides.is_free, repaid)):
            fit.append(repaid)
    chosen = sides.chance.choice(fit) if fit else []
    for line in chosen:
        sides.take_this(line)
    return chosen
