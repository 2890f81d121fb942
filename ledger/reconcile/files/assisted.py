"""The end-of-day set of assisted lending (助贷): ten files, in a layout that is ours.

No published layout has compensations, recoveries, profit shares, deposit movements and changes of
lists together; docs/reference/partner-files.md says what each column is. Amounts are decimals of
the currency's major unit, dates YYYY-MM-DD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ledger.messages import text
from ledger.reconcile.files.cells import Unit
from ledger.reconcile.files.columns import single_day
from ledger.reconcile.files.set_contents import DayContents
from ledger.reconcile.files.set_layouts import SetLayout, Tables, spec
from ledger.reconcile.lines import (
    CompensationLine,
    DayTotal,
    Kind,
    LoanBalanceLine,
    LoanLine,
    RecoveryLine,
    RepaymentLine,
    State,
    Statement,
)

_ENTRY = "entry_ref:ref loan_ref:ref date:date"
_STATE = "state:state cash_ref:ref?"
FILES = (
    spec(
        "disbursements",
        "放款",
        Kind.LOANS,
        "loan_ref:ref start_date:date maturity_date:maturity? principal:amount"
        f" annual_rate_pct:percent? {_STATE}",
    ),
    spec(
        "repayments",
        "还款",
        Kind.REPAYMENTS,
        f"{_ENTRY} principal:amount interest:amount penalty:amount fee:amount {_STATE}",
    ),
    spec(
        "compensations",
        "代偿明细",
        Kind.COMPENSATIONS,
        f"{_ENTRY} principal:amount interest:amount penalty:amount payer:ref? payer_type {_STATE}",
    ),
    spec("recoveries", "回收明细", Kind.RECOVERIES, f"{_ENTRY} amount:amount cost:amount {_STATE}"),
    spec(
        "profit_shares",
        "分润明细",
        Kind.BALANCES,
        "month:month party:ref base:amount tier:text rate_pct:percent? amount:signed"
        " adjustment:signed",
    ),
    spec(
        "deposit_lines",
        "保证金流水",
        Kind.BALANCES,
        "entry_ref:ref date:date kind:paid/released/payment-reversed/drawn/draw-reversed"
        " amount:amount balance:amount",
    ),
    spec(
        "list_changes",
        "名单变更",
        Kind.LOANS,
        "date:date bank:ref party:ref role:assist/cofund/enhance change:add/remove"
        " from_date:date to_date:date?",
    ),
    spec("waivers", "减免", Kind.REPAYMENTS, f"{_ENTRY} interest:amount penalty:amount"),
    spec(
        "opening_balances",
        "余额(日初)",
        Kind.BALANCES,
        "loan_ref:ref date:date outstanding:amount overdue_since:date? accrued:accrued?"
        " asset_class:class?",
    ),
    spec("totals", "汇总", Kind.BALANCES, "file:text count:count amount:signed"),
)
SUMS = {
    "disbursements": ("principal",),
    "repayments": ("principal", "interest", "penalty", "fee"),
    "compensations": ("principal", "interest", "penalty"),
    "recoveries": ("amount",),
    "profit_shares": ("amount", "adjustment"),
    "deposit_lines": ("amount",),
    "list_changes": (),
    "waivers": ("interest", "penalty"),
    "opening_balances": ("outstanding",),
}
"""The columns that the file of totals has the sum of, by file."""
_SIGNS = {"paid": 1, "released": -1, "payment-reversed": -1, "drawn": -1, "draw-reversed": 1}


def check(tables: Tables) -> None:
    """Hold the counts and sums against the files, and the deposit's balance against its lines."""
    if "opening_balances" in tables.read:
        single_day(tables.read["opening_balances"], tables.findings["opening_balances"])
    if "deposit_lines" in tables.read:
        _check_deposit(tables)
    if "totals" in tables.read:
        _check_totals(tables)


def _check_deposit(tables: Tables) -> None:
    before: int | None = None
    rows = tables.columns("deposit_lines", "kind", "amount", "balance")
    lines = tables.read["deposit_lines"].lines
    for line, (kind, amount, balance) in zip(lines, rows, strict=True):
        if before is not None:
            tables.findings["deposit_lines"].compare(
                "statement.total_closing",
                stated=balance,
                found=before + _SIGNS[kind] * amount,
                decimals=tables.decimals,
                line=line,
                column="balance",
            )
        before = balance


def _check_totals(tables: Tables) -> None:
    findings = tables.findings["totals"]
    seen: set[str] = set()
    rows = tables.columns("totals", "file", "count", "amount")
    for line, (name, count, amount) in zip(tables.read["totals"].lines, rows, strict=True):
        if name in seen or name not in SUMS:
            key = "item_twice" if name in seen else "item_unknown"
            findings.note(f"statement.{key}", line, column="file", expected=" ".join(SUMS))
        elif name in tables.read:
            found = len(tables.read[name].lines)
            findings.compare(
                "statement.total_count", stated=count, found=found, line=line, column=name
            )
            findings.compare(
                "statement.total_sum",
                stated=amount,
                found=_sum(tables, name),
                decimals=tables.decimals,
                line=line,
                column=name,
            )
        seen.add(name)
    for name in SUMS.keys() - seen:
        expected = text("statement.item_expected", count=len(SUMS))
        findings.note("statement.item_missing", column=name, expected=expected)


def _sum(tables: Tables, name: str) -> int:
    columns = tables.read[name].columns
    return sum(sum(columns[column]) for column in SUMS[name])


def statements(tables: Tables) -> dict[Kind, Statement]:
    """The lines of each kind that the set has files of."""
    made: dict[Kind, tuple[str, Callable[[Tables], Iterator[Any]]]] = {
        Kind.LOANS: ("disbursements", _loans),
        Kind.REPAYMENTS: ("repayments", _repayments),
        Kind.COMPENSATIONS: ("compensations", _compensations),
        Kind.RECOVERIES: ("recoveries", _recoveries),
        Kind.BALANCES: ("opening_balances", _balances),
    }
    return {
        kind: Statement(
            kind=kind,
            file=str(tables.paths[name]),
            lines=list(make(tables)),
            date=_day(tables) if kind is Kind.BALANCES else tables.date,
            totals=_totals(tables, kind, name),
        )
        for kind, (name, make) in made.items()
        if name in tables.read
    }


def _totals(tables: Tables, kind: Kind, name: str) -> tuple[DayTotal, ...]:
    """What went through. The file of totals counts what did not as well: it controls transport."""
    if "totals" not in tables.read or kind is Kind.BALANCES:
        return ()
    rows = list(tables.columns(name, "state", *SUMS[name]))
    amounts = [sum(parts) for state, *parts in rows if state is State.SUCCESS]
    total = DayTotal(date=tables.date, kind=kind, count=len(amounts), amount_minor=sum(amounts))
    return (total,)


def _day(tables: Tables) -> int:
    days = tables.read["opening_balances"].columns["date"]
    return int(days[0]) if days else tables.date


def _rows(tables: Tables, name: str, *columns: str) -> Iterator[tuple[Any, ...]]:
    lines = tables.read[name].lines
    return zip(lines, *(tables.read[name].columns[column] for column in columns), strict=True)


def _loans(tables: Tables) -> Iterator[LoanLine]:
    columns = ("loan_ref", "start_date", "principal", "maturity_date", "annual_rate_pct")
    for row in _rows(tables, "disbursements", *columns, "state", "cash_ref"):
        yield LoanLine._make((*row[:7], None, row[7]))


def _repayments(tables: Tables) -> Iterator[RepaymentLine]:
    columns = ("entry_ref", "loan_ref", "date", "principal", "interest", "penalty", "fee")
    for row in _rows(tables, "repayments", *columns, "state", "cash_ref"):
        yield RepaymentLine._make((*row[:9], None, row[9]))


def _compensations(tables: Tables) -> Iterator[CompensationLine]:
    columns = ("entry_ref", "loan_ref", "date", "payer", "state", "cash_ref")
    amounts = ("principal", "interest", "penalty")
    for row in _rows(tables, "compensations", *columns, *amounts):
        line, ref, loan_ref, day, payer, state, cash_ref, *parts = row
        yield CompensationLine(line, ref, loan_ref, day, sum(parts), payer, state, cash_ref)


def _recoveries(tables: Tables) -> Iterator[RecoveryLine]:
    columns = ("entry_ref", "loan_ref", "date", "amount", "cost", "state", "cash_ref")
    for row in _rows(tables, "recoveries", *columns):
        yield RecoveryLine(*row)


def _balances(tables: Tables) -> Iterator[LoanBalanceLine]:
    columns = ("loan_ref", "outstanding", "overdue_since", "accrued", "asset_class")
    for row in _rows(tables, "opening_balances", *columns):
        yield LoanBalanceLine(*row)


def rows(contents: DayContents) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the ten files. A compensation's amount is written as principal."""
    found: dict[str, list[tuple[Any, ...]]] = {
        "disbursements": [
            (
                one.loan_ref,
                one.start_date,
                one.maturity_date,
                one.principal_minor,
                one.annual_rate_ppm,
                one.state,
                one.cash_ref,
            )
            for one in contents.loans
        ],
        "repayments": [(*one[1:9], one.cash_ref) for one in contents.repayments],
        "compensations": [
            (*one[1:4], one.amount_minor, 0, 0, one.payer, "", one.state, one.cash_ref)
            for one in contents.compensations
        ],
        "recoveries": [tuple(one[1:]) for one in contents.recoveries],
        "profit_shares": [tuple(one) for one in contents.shares],
        "deposit_lines": [tuple(one) for one in contents.deposit],
        "list_changes": [tuple(one) for one in contents.list_changes],
        "waivers": [tuple(one) for one in contents.waivers],
        "opening_balances": [(one.loan_ref, contents.date, *one[2:]) for one in contents.balances],
    }
    found["totals"] = [(name, len(found[name]), _written_sum(name, found[name])) for name in SUMS]
    return found


def _written_sum(name: str, written: Sequence[tuple[Any, ...]]) -> int:
    columns = list(LAYOUT.file(name).columns)
    at = [columns.index(column) for column in SUMS[name]]
    return sum(row[index] for row in written for index in at)


LAYOUT = SetLayout(
    name="assisted",
    files=FILES,
    unit=Unit.MAJOR,
    date_format="YYYY-MM-DD",
    check=check,
    statements=statements,
    rows=rows,
)
