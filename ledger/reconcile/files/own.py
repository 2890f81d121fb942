"""Own: files in our own layout, by the names in their header; CSV, or the same in a workbook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ledger.money import shown
from ledger.reconcile.files.cells import or_empty
from ledger.reconcile.files.columns import (
    FORMS,
    LEG,
    Column,
    Form,
    Record,
    What,
    cells_of,
    form_with,
    lines_of,
    read_columns,
    single_day,
)
from ledger.reconcile.files.findings import Findings
from ledger.reconcile.lines import Kind, Statement

PERSONAL = frozenset(
    "name customer_name borrower_name id_type id_num id_no id_number cert_type cert_no mobile phone"
    " telephone address email bank_card card_no encash_acct encash_acct_no repay_acct"
    " repay_acct_no 姓名 客户姓名 客户真实姓名 户名 证件类型 证件号码 身份证号 身份证号码 手机号"
    " 手机号码 联系电话 住址 地址 邮箱 银行卡号 收款账号 还款账号".split()
)
"""Names of columns about persons: dropped while reading, whatever else a file holds."""


@dataclass(frozen=True, slots=True)
class _Header:
    form: Form
    plan: list[Column]
    width: int


def read(
    found: Iterator[Record],
    *,
    kind: Kind,
    decimals: int,
    findings: Findings,
    allow_extra: bool = False,
) -> Statement:
    """A statement from records, the first of which is the header. Raises `StatementInvalid`."""
    header = _header(found, kind, decimals, findings, allow_extra=allow_extra)
    if header is None:
        # What is wrong with the rest cannot be told without the columns.
        findings.refuse()
        raise AssertionError("a file without a header is refused")
    table = read_columns(found, header.plan, findings, width=header.width)
    if not findings.problems:
        day = single_day(table, findings) if kind is Kind.BALANCES else None
    findings.refuse()
    return Statement(kind=kind, file=findings.file, lines=lines_of(header.form, table), date=day)


def _header(
    found: Iterator[Record],
    kind: Kind,
    decimals: int,
    findings: Findings,
    *,
    allow_extra: bool,
) -> _Header | None:
    line, names = next(found, (1, ()))
    form = form_with(kind, names)
    if not names:
        if not findings.problems:
            expected = " / ".join(",".join(one.needed) for one in FORMS[kind])
            findings.note("statement.no_columns", 1, names=expected)
        return None
    before = len(findings.problems)
    _check_names(names, form, line, findings, allow_extra=allow_extra)
    if len(findings.problems) > before:
        return None
    readers = cells_of(decimals)
    plan = [
        Column(name, name, names.index(name), readers[one.what])
        for name, one in form.fields.items()
        if name in names
    ]
    plan += [
        Column(name, name, index, or_empty(readers[What.AMOUNT], 0))
        for index, name in enumerate(names)
        if _is_leg(name, form)
    ]
    return _Header(form, plan, len(names))


def _is_leg(name: str, form: Form) -> bool:
    return form.has_legs and name.startswith(LEG) and len(name) > len(LEG)


def _check_names(
    names: Sequence[str], form: Form, line: int, findings: Findings, *, allow_extra: bool
) -> None:
    known = ",".join([*form.fields, *([f"{LEG}PARTY"] if form.has_legs else [])])
    for i, name in enumerate(names):
        if name in names[:i] and name not in PERSONAL:
            findings.note("statement.column_twice", line, column=shown(name))
        elif not (
            allow_extra
            or name in form.fields
            or name in form.ignored
            or name.strip().lower() in PERSONAL
            or _is_leg(name, form)
        ):
            findings.note("statement.column_unknown", line, column=shown(name), names=known)
    for name in form.needed:
        if name not in names:
            findings.note("statement.column_missing", line, column=name, names=known)
