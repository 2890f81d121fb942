"""The daily set of 借呗: its totals held against its details, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.messages import text
from ledger.reconcile.files.cells import Unit
from ledger.reconcile.files.columns import single_day
from ledger.reconcile.files.jiebei_files import (
    ACCRUAL,
    ACCRUED,
    FILES,
    NON_ACCRUAL,
    OVERDUE,
    PAID_TERM,
    WAIVED,
    WAIVED_TERM,
)
from ledger.reconcile.files.jiebei_lines import PAID, statements
from ledger.reconcile.files.jiebei_writing import Rows
from ledger.reconcile.files.jiebei_writing import rows as details
from ledger.reconcile.files.set_contents import DayContents
from ledger.reconcile.files.set_layouts import SetLayout, Tables


@dataclass(frozen=True, slots=True)
class Control:
    """Totals of the file of totals, and the details that they are the sum of."""

    items: tuple[str, ...]
    file: str
    column: str
    where: tuple[str, str] = ("", "")
    """A column of the file and the value that rows have which count."""


def _controls() -> Iterator[Control]:
    yield Control(("encash_amt",), "loan_detail", "encash_amt", ("loan_status", "1"))
    for column, items in zip(
        PAID,
        (
            ("paid_prin_amt", "paid_non_accrued_prin_amt"),
            ("paid_accrued_ovd_prin_amt", "paid_non_accrued_ovd_prin_amt"),
            ("paid_int_amt", "paid_out_int_amt"),
            ("paid_in_ovd_int_amt", "paid_out_ovd_int_amt"),
            ("paid_in_ovd_prin_pnlt_int_amt", "paid_out_ovd_prin_pnlt_int_amt"),
            ("paid_in_ovd_int_pnlt_int_amt", "paid_out_ovd_int_pnlt_int_amt"),
        ),
        strict=True,
    ):
        yield Control(items, "repay_loan_detail", column)
    for column, name in zip(
        WAIVED, ("int", "ovd_int", "ovd_prin_pnlt_int", "ovd_int_pnlt_int"), strict=True
    ):
        items = (f"xpt_in_{name}_amt", f"xpt_out_{name}_amt")
        yield Control(items, "exempt_loan_detail", column)
    for column in ACCRUED:
        for prefix, status in (("accrued", "0"), ("non_accrued", "1")):
            where = ("accrued_status", status)
            yield Control((f"{prefix}_{column}",), "loan_calc", column, where)
    changes = "arg_status_change"
    yield Control(("prin_to_ovd_prin_amt",), changes, "prin_amt", ("event_code", OVERDUE))
    yield Control(("int_to_ovd_int_amt",), changes, "int_amt", ("event_code", OVERDUE))
    for code, status, sheet in (
        (NON_ACCRUAL, "accrued_to_non", "in_to_out"),
        (ACCRUAL, "non_to_accrued", "out_to_in"),
    ):
        where = ("event_code", code)
        principal = (f"{status}_prin_amt", f"{status}_ovd_prin_amt")
        yield Control(principal, changes, "prin_amt", where)
        interest = (f"{sheet}_int_amt", f"{sheet}_ovd_int_amt")
        yield Control(interest, changes, "int_amt", where)
        for column in ("ovd_prin_pnlt_amt", "ovd_int_pnlt_amt"):
            yield Control((f"{sheet}_{column}",), changes, column, where)


CONTROLS = tuple(_controls())
UNCHECKED = ("withhold_amt", "refund_amt")
"""Totals of the payment account at the platform's bank, of which no file has the details."""
ITEMS = (*(item for control in CONTROLS for item in control.items), *UNCHECKED)
"""All totals."""


def check(tables: Tables) -> None:
    """Hold totals, instalments and rows against each other."""
    _check_rows(tables, "repay_loan_detail", "repay_amt", PAID)
    _check_rows(tables, "repay_instmnt_detail", "repay_amt", PAID_TERM)
    _check_rows(tables, "exempt_loan_detail", "xpt_amt", WAIVED)
    _check_rows(tables, "exempt_instmnt_detail", "xpt_amt", WAIVED_TERM)
    _check_parts(tables, ("loan_detail", "contract_no", "encash_amt"), ("repay_plan", "prin_amt"))
    _check_parts(
        tables,
        ("repay_loan_detail", "repay_seq_no", "repay_amt"),
        ("repay_instmnt_detail", "repay_amt"),
    )
    _check_parts(
        tables,
        ("exempt_loan_detail", "xpt_seq_no", "xpt_amt"),
        ("exempt_instmnt_detail", "xpt_amt"),
    )
    if "loan_init" in tables.read:
        single_day(tables.read["loan_init"], tables.findings["loan_init"], name="settle_date")
    if "accounting" in tables.read:
        _check_totals(tables)


def _check_rows(tables: Tables, name: str, total: str, parts: Sequence[str]) -> None:
    if name not in tables.read:
        return
    lines = tables.read[name].lines
    for line, row in zip(lines, tables.columns(name, total, *parts), strict=True):
        tables.findings[name].compare(
            "statement.total_row",
            stated=row[0],
            found=sum(row[1:]),
            decimals=tables.decimals,
            line=line,
            column=total,
        )


def _check_parts(tables: Tables, whole: tuple[str, str, str], parts: tuple[str, str]) -> None:
    name, key, total = whole
    part, amount = parts
    if name not in tables.read or part not in tables.read:
        return
    sums: dict[str, int] = {}
    for ref, amount_minor in tables.columns(part, key, amount):
        sums[ref] = sums.get(ref, 0) + amount_minor
    lines = tables.read[name].lines
    for line, (ref, amount_minor) in zip(lines, tables.columns(name, key, total), strict=True):
        if name == "loan_detail" and ref not in sums:
            # A loan of an earlier day that went through today has no plan in today's file.
            continue
        tables.findings[name].compare(
            "statement.total_parts",
            stated=amount_minor,
            found=sums.get(ref, 0),
            decimals=tables.decimals,
            line=line,
            column=total,
            ref=ref,
        )


def _check_totals(tables: Tables) -> None:
    findings = tables.findings["accounting"]
    stated: dict[str, int] = {}
    lines: dict[str, int] = {}
    rows = tables.columns("accounting", "item", "amount")
    for line, (item, amount) in zip(tables.read["accounting"].lines, rows, strict=True):
        if item in stated:
            findings.note("statement.item_twice", line, column=item)
        elif item not in ITEMS:
            findings.note("statement.item_unknown", line, column=item)
        stated[item], lines[item] = amount, line
    for item in ITEMS:
        if item not in stated:
            expected = text("statement.item_expected", count=len(ITEMS))
            findings.note("statement.item_missing", column=item, expected=expected)
    if findings.problems:
        return
    for control in CONTROLS:
        if control.file in tables.read:
            findings.compare(
                "statement.total_sum",
                stated=sum(stated[item] for item in control.items),
                found=_sum(tables, control),
                decimals=tables.decimals,
                line=lines[control.items[0]],
                column=" + ".join(control.items),
            )


def _sum(tables: Tables, control: Control) -> int:
    column, value = control.where
    if not column:
        return sum(amount for (amount,) in tables.columns(control.file, control.column))
    rows = tables.columns(control.file, control.column, column)
    return sum(amount for amount, found in rows if found == value)


def rows(contents: DayContents) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of the 13 files, the totals added up from the others."""
    found = details(contents)
    sums = dict.fromkeys(ITEMS, 0)
    for control in CONTROLS:
        for item, amount in _written(found, control):
            sums[item] += amount
    sums["withhold_amt"] = sums["encash_amt"]
    found["accounting"] = list(sums.items())
    return found


def _written(found: Rows, control: Control) -> Iterator[tuple[str, int]]:
    """The amounts of a control with the item that each belongs to.

    Where two items share a column the second is what is non-accrual, off the balance sheet, or
    overdue when the state changed.
    """
    columns = list(LAYOUT.file(control.file).columns)
    column, value = control.where
    ref, amount = columns.index("contract_no"), columns.index(control.column)
    non_accrual = {row[0] for row in found["loan_init"] if row[5] == "1"}
    for row in found[control.file]:
        if not column or row[columns.index(column)] == value:
            second = len(control.items) > 1 and (
                control.file == "arg_status_change" or row[ref] in non_accrual
            )
            yield control.items[second], row[amount]


LAYOUT = SetLayout(
    name="jiebei",
    files=FILES,
    unit=Unit.MINOR,
    date_format="YYYYMMDD",
    check=check,
    statements=statements,
    rows=rows,
)
