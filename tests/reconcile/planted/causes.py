"""Causes: all that is planted, by the kind of line, and all that has to be taken for no break."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ledger.reconcile.lines import DayTotal, Kind
from tests.reconcile.planted import (
    amount_causes,
    balance_causes,
    cash_causes,
    line_causes,
    rule_causes,
)
from tests.reconcile.planted.line_causes import Cause

_ANY: tuple[Cause, ...] = (
    line_causes.missing_there,
    line_causes.duplicate,
    line_causes.wrong_duplicate,
    line_causes.failed_there,
    line_causes.in_transit_there,
    line_causes.reversed_here,
    line_causes.cut_off,
    line_causes.cut_off_here,
    line_causes.other_date,
    amount_causes.unit_100,
    amount_causes.unit_10,
    amount_causes.unit_of_ours,
    amount_causes.part_payment,
    amount_causes.one_fen,
    amount_causes.digits_swapped,
    amount_causes.amount_and_date,
)
CAUSES: dict[Kind, tuple[Cause, ...]] = {
    Kind.LOANS: (
        *_ANY,
        line_causes.missing_here,
        line_causes.maturity,
        line_causes.moved_as_a_whole,
        amount_causes.legs_rounded,
        amount_causes.legs_by_other_shares,
        rule_causes.other_rate,
        rule_causes.breached_later,
        rule_causes.taken_off_list,
    ),
    Kind.REPAYMENTS: (
        *_ANY,
        line_causes.missing_here,
        line_causes.repeated,
        line_causes.other_loan,
        amount_causes.one_column_scaled,
        amount_causes.two_amounts,
        amount_causes.fee_netted,
        amount_causes.buckets_swapped,
        amount_causes.order_of_buckets,
        amount_causes.interest_by_other_days,
        amount_causes.level_instalment_by_other_days,
        amount_causes.interest_cut_off,
        amount_causes.interest_of_both_ends,
        amount_causes.legs_rounded,
        amount_causes.legs_by_other_shares,
        amount_causes.legs_by_other_order,
        rule_causes.repaid_after_compensation,
    ),
    Kind.COMPENSATIONS: (
        *_ANY,
        rule_causes.claim_missing,
        rule_causes.claim_missing_here,
        rule_causes.claim_late,
        rule_causes.compensated_twice,
    ),
    Kind.RECOVERIES: (
        *_ANY,
        line_causes.missing_here,
        line_causes.repeated,
        line_causes.other_loan,
        amount_causes.fee_netted,
        amount_causes.cost_differs,
    ),
    Kind.CASH: (
        cash_causes.missing_there,
        cash_causes.missing_here,
        line_causes.duplicate,
        cash_causes.amount,
        cash_causes.unit,
        cash_causes.refunded,
        cash_causes.refunded_of_a_batch,
        cash_causes.fee_debited,
        cash_causes.cut_off,
        cash_causes.batch_short,
        cash_causes.batch_without_one,
    ),
    Kind.BALANCES: (
        balance_causes.outstanding,
        balance_causes.outstanding_unit,
        balance_causes.without_a_repayment,
        balance_causes.account_amount,
        balance_causes.account_sign,
        balance_causes.account_missing,
        balance_causes.loan_missing_there,
        balance_causes.loan_missing_here,
        balance_causes.duplicate_loan,
        balance_causes.accrued_by_other_days,
        balance_causes.accrued_beyond,
        balance_causes.overdue_since,
        balance_causes.other_class,
        balance_causes.outstanding_and_class,
        balance_causes.accrued_and_class,
    ),
}

_NOTHING: tuple[Cause, ...] = (
    line_causes.failed_at_both,
    line_causes.reversed_at_both,
    line_causes.corrected_here,
    line_causes.tried_again,
    line_causes.after_the_window,
)
HARMLESS: dict[Kind, tuple[Cause, ...]] = {
    Kind.LOANS: (*_NOTHING, line_causes.left_out, amount_causes.legs_in_another_order),
    Kind.REPAYMENTS: (
        *_NOTHING,
        line_causes.left_out,
        line_causes.in_two_parts,
        line_causes.parts_of_one,
        amount_causes.legs_in_another_order,
    ),
    Kind.COMPENSATIONS: (
        line_causes.tried_again,
        line_causes.all_payers_in_one,
        rule_causes.claim_due_today,
    ),
    Kind.RECOVERIES: _NOTHING,
    Kind.CASH: (
        cash_causes.other_reference,
        cash_causes.reference_in_the_text,
        cash_causes.batched,
        cash_causes.batched_in_two,
        cash_causes.batched_over_a_weekend,
        cash_causes.paid_in_two,
    ),
    Kind.BALANCES: (
        balance_causes.accrued_within,
        balance_causes.columns_left_out,
        balance_causes.cleared_there,
    ),
}


def day_totals(kind: Kind, lines: list[Any]) -> dict[int, DayTotal]:
    """What a file of daily totals says of these lines, by date."""
    by_day: dict[int, list[int]] = defaultdict(list)
    for line in lines:
        if kind is Kind.LOANS:
            by_day[line.start_date].append(line.principal_minor)
        elif kind is Kind.REPAYMENTS:
            by_day[line.date].append(sum(line[4:8]))
        elif kind is Kind.CASH:
            by_day[line.value_date].append(line.amount_minor)
        else:
            by_day[line.date].append(line.amount_minor)
    return {
        on: DayTotal(date=on, kind=kind, count=len(amounts), amount_minor=sum(amounts))
        for on, amounts in sorted(by_day.items())
    }
