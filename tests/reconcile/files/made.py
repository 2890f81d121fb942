"""Lines to write into files, and the files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from ledger.entries import check_ref
from ledger.errors import ValueInvalid
from ledger.money import MAX_AMOUNT_MINOR, date_of, format, format_percent
from ledger.reconcile.lines import (
    AccountLine,
    CashLine,
    CompensationLine,
    Kind,
    LoanBalanceLine,
    LoanLine,
    RecoveryLine,
    RepaymentLine,
    State,
)

DAY = 20_458
"""2026-01-05."""
NOW = datetime(2026, 1, 6, 1, tzinfo=UTC)


def _is_ref(ref: str) -> bool:
    try:
        check_ref(ref)
    except ValueInvalid:
        return False
    return True


# Carriage returns are control characters, which a ref may not have.
chinese = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
refs = st.text(
    st.one_of(st.characters(min_codepoint=33, max_codepoint=126), chinese, st.sampled_from('," |')),
    min_size=1,
    max_size=20,
).filter(lambda ref: _is_ref(ref) and ref.strip() == ref)
amounts = st.one_of(st.integers(0, 10**7), st.integers(0, MAX_AMOUNT_MINOR))
signed = st.one_of(amounts, amounts.map(lambda amount: -amount))
days = st.integers(0, 60_000)
rates = st.integers(0, 10_000_000)
states = st.sampled_from(State)
parties = st.lists(st.sampled_from(["bank-a", "platform-p", "guarantor-g"]), unique=True)


@st.composite
def loans(draw: st.DrawFn, count: int = 6) -> list[LoanLine]:
    names = draw(parties)
    return [
        LoanLine(
            line,
            draw(refs),
            draw(days),
            draw(amounts),
            draw(days),
            draw(rates),
            draw(states),
            tuple((name, draw(amounts)) for name in names) or None,
            draw(st.one_of(st.just(""), refs)),
        )
        for line in range(2, 2 + draw(st.integers(0, count)))
    ]


@st.composite
def repayments(draw: st.DrawFn, count: int = 6) -> list[RepaymentLine]:
    names = draw(parties)
    return [
        RepaymentLine(
            line,
            draw(refs),
            draw(refs),
            draw(days),
            *(draw(amounts) for _ in range(4)),
            draw(states),
            tuple((name, draw(amounts)) for name in names) or None,
            draw(st.one_of(st.just(""), refs)),
        )
        for line in range(2, 2 + draw(st.integers(0, count)))
    ]


def listed(make: Any, *fields: Any, count: int = 6) -> Any:
    """Lists of lines numbered as they are in a file with a header."""
    rows = st.lists(st.tuples(*fields), max_size=count)
    return rows.map(lambda found: [make(line, *row) for line, row in enumerate(found, start=2)])


compensations = listed(CompensationLine, refs, refs, days, amounts, refs, states, refs)
recoveries = listed(RecoveryLine, refs, refs, days, amounts, amounts, states, refs)
cash = listed(CashLine, st.one_of(st.just(""), refs), days, signed, refs, refs)
accounts = listed(AccountLine, refs, refs, signed)
loan_balances = listed(
    LoanBalanceLine, refs, amounts, st.one_of(st.just(0), days), amounts, st.integers(1, 5)
)
LINES: dict[Kind, Any] = {
    Kind.LOANS: loans(),
    Kind.REPAYMENTS: repayments(),
    Kind.COMPENSATIONS: compensations,
    Kind.RECOVERIES: recoveries,
    Kind.CASH: cash,
    Kind.BALANCES: st.one_of(accounts, loan_balances),
}


def day(number: int) -> str:
    return date_of(number).isoformat()


def money(amount_minor: int | None) -> str:
    return "" if amount_minor is None else format(amount_minor, 2)


def table(lines: Sequence[Any], *, date: int = DAY) -> tuple[list[str], list[list[str]]]:
    """Header and rows of lines in our own layout."""
    if not lines:
        return [], []
    first = lines[0]
    legs = [f"leg:{party}" for party, _ in first.legs or ()] if hasattr(first, "legs") else []
    header = {
        LoanLine: "loan_ref start_date principal maturity_date annual_rate_pct state cash_ref",
        RepaymentLine: "entry_ref loan_ref date principal interest penalty fee state cash_ref",
        CompensationLine: "entry_ref loan_ref date amount payer state cash_ref",
        RecoveryLine: "entry_ref loan_ref date amount cost state cash_ref",
        CashLine: "reference value_date amount counterparty text",
        AccountLine: "party account amount",
        LoanBalanceLine: "loan_ref date outstanding overdue_since accrued asset_class",
    }[type(first)].split()
    return header + legs, [_row(line, date) for line in lines]


def _row(line: Any, date: int) -> list[str]:
    legs = [money(amount) for _, amount in getattr(line, "legs", None) or ()]
    match line:
        case LoanLine():
            row = [line.loan_ref, day(line.start_date), money(line.principal_minor)]
            row += [day(line.maturity_date), format_percent(line.annual_rate_ppm)[:-1]]
        case RepaymentLine():
            row = [line.entry_ref, line.loan_ref, day(line.date), *map(money, line[4:8])]
        case CompensationLine():
            row = [line.entry_ref, line.loan_ref, day(line.date), money(line.amount_minor)]
            row += [line.payer]
        case RecoveryLine():
            row = [line.entry_ref, line.loan_ref, day(line.date), *map(money, line[4:6])]
        case CashLine():
            amount = money(line.amount_minor)
            return [line.reference, day(line.value_date), amount, line.counterparty, line.text]
        case AccountLine():
            return [line.party, line.account, money(line.amount_minor)]
        case LoanBalanceLine():
            since = day(line.overdue_since) if line.overdue_since else ""
            accrued, in_class = money(line.accrued_minor), str(line.asset_class or "")
            return [
                line.loan_ref,
                day(date),
                money(line.outstanding_minor),
                since,
                accrued,
                in_class,
            ]
    return [*row, line.state.value, line.cash_ref, *legs]


def written(header: Sequence[str], rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


def save(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path
