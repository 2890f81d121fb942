"""Field maps: a bank's layout read by its description, and mistakes in either named at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings

from ledger.errors import FieldMapInvalid, StatementInvalid, TotalsDiffer
from ledger.reconcile.files import read
from ledger.reconcile.lines import CashLine, CompensationLine, Kind, LoanLine, RepaymentLine, State
from tests.reconcile.files.made import DAY, repayments, save

REPAYMENTS = """
[repayments]
delimiter = "|"
quote = ""
encoding = "gb18030"
skip_lines = 2
skip_starting = ["#"]
unit = "fen"
date_format = "YYYYMMDD"
[repayments.columns]
entry_ref = "流水号"
loan_ref = "借据号"
date = "日期"
principal = "本金"
interest = "利息"
penalty = "罚息"
fee = "费用"
state = "状态"
cash_ref = "提现单号"
[repayments.states]
"00" = "success"
"01" = "failed"
"09" = "in-transit"
[repayments.control]
starts = "合计"
count = 2
sum = 3
"""
CODES = {State.SUCCESS: "00", State.FAILED: "01", State.IN_TRANSIT: "09"}


def bank_file(lines: list[RepaymentLine], *, total: int = 0, count: int = 0) -> str:
    rows = [
        "某某银行对账单",
        "导出",
        "流水号|日期|借据号|客户姓名|本金|利息|罚息|费用|状态|提现单号",
    ]
    for line in lines:
        stamp = f"{date.fromordinal(719_163 + line.date):%Y%m%d}".rjust(8, "0")
        amounts = "|".join(str(amount) for amount in line[4:8])
        rows.append(
            f"{line.entry_ref}|{stamp}| {line.loan_ref} |张三|{amounts}|{CODES[line.state]}|{line.cash_ref}"
        )
        rows.append("# 注")
    total += sum(sum(line[4:8]) for line in lines)
    return "\n".join([*rows, f"合计|{len(lines) + count}|{total}"]) + "\n"


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25
)
@given(made=repayments())
def test_a_banks_layout_is_read_by_its_map(made: list[RepaymentLine], tmp_path: Path) -> None:
    field_map = save(tmp_path / "map.toml", REPAYMENTS)
    made = [
        line._replace(
            entry_ref=f"R{i}-" + line.entry_ref.replace("|", "/")[:10],
            loan_ref=line.loan_ref.replace("|", "/"),
            cash_ref=line.cash_ref.replace("|", "/"),
            legs=None,
            line=4 + 2 * i,
            principal_minor=line.principal_minor % 10**12,
            interest_minor=0,
            penalty_minor=0,
            fee_minor=line.fee_minor % 10**12,
        )
        for i, line in enumerate(made)
    ]
    path = save(tmp_path / "f.txt", bank_file(made), "gb18030")
    found = read(path, kind="repayments", field_map=field_map)
    assert found.lines == made
    assert "张三" not in repr(found)


def line(**changes: Any) -> RepaymentLine:
    return RepaymentLine(2, "R", "L", DAY, 100, 20)._replace(**changes)


def test_control_totals_that_differ_are_refused_with_the_difference(tmp_path: Path) -> None:
    field_map = save(tmp_path / "map.toml", REPAYMENTS)
    path = save(tmp_path / "f", bank_file([line()], total=5, count=1), "gb18030")
    with pytest.raises(TotalsDiffer) as caught:
        read(path, kind="repayments", field_map=field_map)
    assert caught.value.exit_code == 2
    assert [(one.line, one.expected, one.found) for one in caught.value.problems] == [
        (6, "2", "1"), (6, "1.25", "1.20"),
    ]  # fmt: skip
    assert "difference -0.05" in str(caught.value)


def test_a_file_that_was_cut_off_has_no_control_record(tmp_path: Path) -> None:
    field_map = save(tmp_path / "map.toml", REPAYMENTS)
    whole = bank_file([line()]).replace("# 注\n", "")
    path = save(tmp_path / "f", whole[: whole.index("合计")], "gb18030")
    with pytest.raises(StatementInvalid, match="control record missing"):
        read(path, kind="repayments", field_map=field_map)


def test_bad_cells_are_named_by_what_the_bank_calls_the_column(tmp_path: Path) -> None:
    field_map = save(tmp_path / "map.toml", REPAYMENTS)
    text = bank_file([line()]).replace("|100|20|", "|1.00|x|").replace("|00|", "|77|")
    with pytest.raises(StatementInvalid) as caught:
        read(save(tmp_path / "f", text, "gb18030"), kind="repayments", field_map=field_map)
    assert [(one.line, one.column) for one in caught.value.problems] == [
        (4, "本金"), (4, "利息"), (4, "状态"),
    ]  # fmt: skip


FIXED = """
[compensations]
format = "fixed"
header = false
encoding = "gb18030"
unit = "fen"
date_format = "DD/MM/YYYY"
[compensations.columns]
entry_ref = { from = 1, length = 8 }
loan_ref = { from = 21, length = 8 }
date = { from = 29, length = 10 }
amount = { from = 39, length = 12 }
[compensations.constants]
payer = "guarantor-g"
[compensations.control]
place = "first"
starts = "HDR"
count = { from = 4, length = 6 }
sum = { from = 10, length = 15 }
"""


def test_fixed_width_is_counted_in_bytes_of_the_encoding(tmp_path: Path) -> None:
    field_map = save(tmp_path / "map.toml", FIXED)
    rows = ["HDR000002000000000000350", f"C1      {'张三丰':<9}L1      05/01/2026000000000100",
            f"C2      {'李四':<10}L2      06/01/2026000000000250"]  # fmt: skip
    path = save(tmp_path / "f", "\r\n".join(rows) + "\r\n", "gb18030")
    found = read(path, kind="compensations", field_map=field_map)
    assert found.lines == [
        CompensationLine(2, "C1", "L1", DAY, 100, "guarantor-g"),
        CompensationLine(3, "C2", "L2", DAY + 1, 250, "guarantor-g"),
    ]
    save(tmp_path / "f", "\r\n".join([*rows, "C3"]) + "\r\n", "gb18030")
    with pytest.raises(StatementInvalid, match="line too short"):
        read(path, kind="compensations", field_map=field_map)


CASH = """
[cash]
header = false
thousands = ","
[cash.columns]
value_date = 1
reference = 2
text = 5
"""


@pytest.mark.parametrize(
    ("more", "cells"),
    [
        ("amount = 3", ['"1,000.50",', '"-2,000.00",']),
        ('amount = 3\n[cash]\nsign = "negated"', ['"-1,000.50",', '"2,000.00",']),
        ('amount = 3\ndirection = 4\n[cash]\nsign = "direction"\n[cash.directions]\n"贷" = "in"\n"借" = "out"',
         ['"1,000.50",贷', "2000.00,借"]),
        ('amount_in = 3\namount_out = 4\n[cash]\nsign = "two-columns"', ['"1,000.50",', ',"2,000.00"']),
    ],
)  # fmt: skip
def test_sign_conventions_of_bank_lines(more: str, cells: list[str], tmp_path: Path) -> None:
    head, _, columns = CASH.partition("[cash.columns]")
    extra, _, rest = more.partition("\n[cash]\n")
    sign, _, tables = rest.partition("\n[")
    document = (
        head + sign + "\n[cash.columns]" + columns + extra + ("\n[" + tables if tables else "")
    )
    field_map = save(tmp_path / "map.toml", document)
    rows = [f"2026-01-05,B{i},{cell},备注" for i, cell in enumerate(cells)]
    found = read(save(tmp_path / "f", "\n".join(rows)), kind="cash", field_map=field_map)
    assert found.lines == [
        CashLine(1, "B0", DAY, 100_050, "", "备注"), CashLine(2, "B1", DAY, -200_000, "", "备注"),
    ]  # fmt: skip


def test_two_columns_hold_one_amount_in_each_line(tmp_path: Path) -> None:
    document = CASH.replace("[cash.columns]", 'sign = "two-columns"\n[cash.columns]')
    field_map = save(tmp_path / "map.toml", document + "amount_in = 3\namount_out = 4")
    rows = "2026-01-05,B,1,1,x\n2026-01-05,B,,,x\n"
    with pytest.raises(StatementInvalid) as caught:
        read(save(tmp_path / "f", rows), kind="cash", field_map=field_map)
    assert [(one.line, one.what) for one in caught.value.problems] == [
        (1, "money in and money out in one line"), (2, "neither money in nor money out"),
    ]  # fmt: skip


def test_opening_and_movements_make_the_closing_balance(tmp_path: Path) -> None:
    document = CASH + "amount = 3\n[cash.control]\nopening = 2\nclosing = 3\ncount = 4\n"
    field_map = save(tmp_path / "map.toml", document)
    rows = "2026-01-05,A,1.00,,x\n2026-01-05,B,-0.25,,y\nEND,10.00,{},2,\n"
    found = read(save(tmp_path / "f", rows.format("10.75")), kind="cash", field_map=field_map)
    assert (found.opening_minor, found.closing_minor) == (1000, 1075)
    with pytest.raises(TotalsDiffer, match=r"expected 10.70; found 10.75; difference 0.05"):
        read(save(tmp_path / "f", rows.format("10.70")), kind="cash", field_map=field_map)


def test_a_workbook_of_a_bank_is_read_with_its_own_dates(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("放款")
    for row in (
        ["某某银行"], ["借据号", "放款日", "金额", "年利率"],
        ["0001", date(2026, 1, 5), 7800, 0.1407], ["0002", "20260106", 0.1, 0.24],
    ):  # fmt: skip
        sheet.append(row)
    book.save(tmp_path / "f.xlsx")
    document = """
[loans]
format = "workbook"
sheet = "放款"
skip_lines = 1
date_format = "YYYYMMDD"
rate = "fraction"
[loans.columns]
loan_ref = "借据号"
start_date = "放款日"
principal = "金额"
annual_rate_pct = "年利率"
"""
    found = read(tmp_path / "f.xlsx", kind="loans", field_map=save(tmp_path / "m", document))
    assert found.lines == [
        LoanLine(3, "0001", DAY, 780_000, annual_rate_ppm=140_700),
        LoanLine(4, "0002", DAY + 1, 10, annual_rate_ppm=240_000),
    ]


def test_legs_and_balances_have_their_columns(tmp_path: Path) -> None:
    document = """
[loans.columns]
loan_ref = "a"
start_date = "b"
principal = "c"
"leg:bank-a" = "d"
[balances.columns]
party = "p"
account = "k"
amount = "x"
[balances.constants]
date = "2026-01-05"
"""
    field_map = save(tmp_path / "m", document)
    path = save(tmp_path / "f", "a,b,c,d\nL,2026-01-05,1,0.70\n")
    (loan,) = read(path, kind="loans", field_map=field_map).lines
    assert isinstance(loan, LoanLine) and loan.legs == (("bank-a", 70),)
    path = save(tmp_path / "f", "p,k,x\nbank-a,CASH,-1.00\n")
    found = read(path, kind="balances", field_map=field_map)
    assert found.date == DAY and found.lines[0][3] == -100


def mistakes(tmp_path: Path, document: str) -> list[tuple[int, str, str]]:
    path = save(tmp_path / "f", "")
    with pytest.raises(FieldMapInvalid) as caught:
        read(path, kind=Kind.LOANS, field_map=save(tmp_path / "map.toml", document))
    assert caught.value.exit_code == 2
    return [(one.line, one.column, one.what) for one in caught.value.problems]


def test_all_mistakes_of_a_map_are_named_at_once(tmp_path: Path) -> None:
    document = """[loans]
delimiter = "||"
encoding = "latin-1"
date_format = "YY-MM"
sign = "negated"
[loans.columns]
loan_ref = "a"
start_date = { from = 1, length = 8 }
nix = 3
state = "s"
[loans.constants]
loan_ref = "x"
principal = "1,5"
[loans.states]
"0" = "done"
[loans.control]
closing = 3
sum_of = ["interest"]
[cash]
unit = "cent"
[payments]
"""
    assert mistakes(tmp_path, document) == [
        (2, "loans.delimiter", "not a delimiter"),
        (3, "loans.encoding", "encoding not read here"),
        (4, "loans.date_format", "not a date format"),
        (5, "loans.sign", "a sign convention for amounts that have none"),
        (8, "loans.columns.start_date", "a place in a file that is not of fixed width"),
        (9, "loans.columns.nix", "not a field of this kind"),
        (12, "loans.constants.loan_ref", "a field with both a column and a constant"),
        (13, "loans.constants.principal", "a constant that cannot be used"),
        (14, "loans.states.0", "not a state"),
        (17, "loans.control.closing", "balances in a file that is not of a bank account"),
        (18, "loans.control.sum_of", "a sum of no amounts of this kind"),
        (19, "cash.columns", "missing"),
        (20, "cash.unit", "value cannot be used"),
        (21, "payments", "not a kind of file"),
    ]


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ("", "no kind of file described"),
        ("[loans", "not a TOML file"),
        ("[repayments.columns]\nentry_ref=1", "a needed field has no column"),
        ("[loans]\nheader=false\n[loans.columns]\nloan_ref='a'\nstart_date=2\nprincipal=3",
         "a column by name in a file without header"),
        ("[loans]\nformat='fixed'\n[loans.columns]\nloan_ref=1\nstart_date=2\nprincipal=3",
         "a column of a fixed-width file without its place"),
        ("[cash]\nsign='direction'\n[cash.columns]\nreference=1\nvalue_date=2\namount=3\ndirection=4",
         "no codes for money in and money out"),
        ("[cash.columns]\nreference=1\nvalue_date=2\namount=3\namount_in=4",
         "columns that do not go with the sign convention"),
        ("[loans.columns]\nloan_ref=1\nstart_date=2\nprincipal=3\nstate=4",
         "a column of states without codes"),
        ("[loans.columns]\nloan_ref=1\nstart_date=2\nprincipal=3\n[loans.control]\nstarts='x'",
         "control record without its totals"),
        ("[balances.columns]\nloan_ref=1\ndate=2\noutstanding=3\nparty=4",
         "columns of both forms of a balances file"),
    ],
)  # fmt: skip
def test_mistakes_of_a_map_are_refused(document: str, what: str, tmp_path: Path) -> None:
    assert what in [one[2] for one in mistakes(tmp_path, document)]


def test_a_map_without_the_kind_says_which_it_has(tmp_path: Path) -> None:
    document = "[recoveries.columns]\nentry_ref=1\nloan_ref=2\ndate=3\namount=4"
    assert mistakes(tmp_path, document) == [(0, "", "the map does not describe this kind")]


def test_columns_that_the_file_lacks_are_named(tmp_path: Path) -> None:
    field_map = save(tmp_path / "m", REPAYMENTS.replace('"提现单号"', '"单号"'))
    with pytest.raises(StatementInvalid, match="'单号': column missing"):
        read(save(tmp_path / "f", bank_file([]), "gb18030"), kind="repayments", field_map=field_map)
    field_map = save(tmp_path / "m", CASH + "amount = 9")
    with pytest.raises(StatementInvalid, match="a record has no such column"):
        read(save(tmp_path / "f", "2026-01-05,a,1,2,3\n"), kind="cash", field_map=field_map)


def test_an_empty_file_without_header_is_an_empty_day(tmp_path: Path) -> None:
    field_map = save(tmp_path / "m", CASH + "amount = 3")
    assert read(save(tmp_path / "f", ""), kind="cash", field_map=field_map).lines == []
