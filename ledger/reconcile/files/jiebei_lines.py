"""Lines of the daily set of 借呗: loans, repayments, bank lines and opening balances."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ledger.reconcile.files.set_layouts import Tables
from ledger.reconcile.lines import (
    CashLine,
    DayTotal,
    Kind,
    LoanBalanceLine,
    LoanLine,
    RepaymentLine,
    State,
    Statement,
)

PAID = (
    "paid_prin_amt",
    "paid_ovd_prin_amt",
    "paid_int_amt",
    "paid_ovd_int_amt",
    "paid_ovd_prin_pnlt_amt",
    "paid_ovd_int_pnlt_amt",
)
"""What a repayment paid, by bucket."""
STATES = {"1": State.SUCCESS, "2": State.FAILED, "3": State.IN_TRANSIT}


def statements(tables: Tables) -> dict[Kind, Statement]:
    """The lines of each kind that the set has files of."""
    made: dict[Kind, tuple[str, Callable[[Tables], Sequence[Any]]]] = {
        Kind.LOANS: ("loan_detail", _loans),
        Kind.REPAYMENTS: ("repay_loan_detail", _repayments),
        Kind.CASH: ("fund_detail", _cash),
        Kind.BALANCES: ("loan_init", _balances),
    }
    return {
        kind: _statement(tables, kind, name, make(tables))
        for kind, (name, make) in made.items()
        if name in tables.read
    }


def _statement(tables: Tables, kind: Kind, name: str, lines: Sequence[Any]) -> Statement:
    totals: tuple[DayTotal, ...] = ()
    # The totals were held against the details: what they say is what the details come to.
    if "accounting" in tables.read and kind in (Kind.LOANS, Kind.REPAYMENTS):
        totals = (_total(tables, kind, lines),)
    return Statement(
        kind=kind,
        file=str(tables.paths[name]),
        lines=list(lines),
        date=_day(tables) if kind is Kind.BALANCES else tables.date,
        totals=totals,
    )


def _total(tables: Tables, kind: Kind, lines: Sequence[Any]) -> DayTotal:
    if kind is Kind.LOANS:
        amounts = [one.principal_minor for one in lines if one.state is State.SUCCESS]
    else:
        amounts = [one.principal_minor + one.interest_minor + one.penalty_minor for one in lines]
    return DayTotal(date=tables.date, kind=kind, count=None, amount_minor=sum(amounts))


def _loans(tables: Tables) -> list[LoanLine]:
    lines: list[LoanLine] = []
    seen: set[str] = set()
    # A loan in transit at midnight is in both files of the day on which it went through.
    for name in ("loan_detail", "lending_detail"):
        if name not in tables.read:
            continue
        columns = ("contract_no", "start_date", "encash_amt", "end_date", "loan_status")
        rows = tables.columns(name, *columns, "fund_seq_no")
        for line, row in zip(tables.read[name].lines, rows, strict=True):
            ref, start, amount, end, status, cash_ref = row
            if name == "loan_detail" or ref not in seen:
                state = STATES[status]
                lines.append(LoanLine(line, ref, start, amount, end, None, state, None, cash_ref))
            seen.add(ref)
    return lines


def _repayments(tables: Tables) -> list[RepaymentLine]:
    columns = ("repay_seq_no", "contract_no", "repay_date", "withdraw_no", *PAID)
    name = "repay_loan_detail"
    return [
        RepaymentLine(
            line,
            ref,
            loan_ref,
            day,
            paid[0] + paid[1],
            paid[2] + paid[3],
            paid[4] + paid[5],
            cash_ref=cash_ref,
        )
        for line, (ref, loan_ref, day, cash_ref, *paid) in zip(
            tables.read[name].lines, tables.columns(name, *columns), strict=True
        )
    ]


def _cash(tables: Tables) -> list[CashLine]:
    name = "fund_detail"
    columns = ("trans_sub_detail", "third_busi_serial", "trans_dttm", "trans_amt")
    more = ("trans_refund_amt", "peer_org_name", "third_busi_type")
    return [
        # The order number is what repayments name too; a refund gives back what was taken.
        CashLine(
            line,
            order or serial,
            day,
            amount + refund,
            peer,
            f"{what} {serial}" if order else what,
        )
        for line, (order, serial, day, amount, refund, peer, what) in zip(
            tables.read[name].lines, tables.columns(name, *columns, *more), strict=True
        )
    ]


def _balances(tables: Tables) -> list[LoanBalanceLine]:
    name = "loan_init"
    columns = ("contract_no", "settle_date", "prin_bal", "ovd_prin_bal", "int_bal", "ovd_int_bal")
    more = ("prin_ovd_days", "int_ovd_days", "asset_class")
    return [
        LoanBalanceLine(
            line,
            ref,
            principal + late_principal,
            day - max(days, interest_days) if days or interest_days else 0,
            interest + late_interest,
            asset_class,
        )
        for line, (
            ref,
            day,
            principal,
            late_principal,
            interest,
            late_interest,
            days,
            interest_days,
            asset_class,
        ) in zip(tables.read[name].lines, tables.columns(name, *columns, *more), strict=True)
    ]


def _day(tables: Tables) -> int:
    """The day of which the balances are the opening; the set's when there are none."""
    days = tables.read["loan_init"].columns["settle_date"]
    return int(days[0]) if days else tables.date
