"""Columns: the fields that a file of each kind may have, and the lines that they make.

A file's columns are read whole runs at a time into one list for each field; the lines are made
from the lists when they are asked for.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Any, Protocol, runtime_checkable

from ledger.errors import ValueInvalid
from ledger.money import date_of
from ledger.reconcile.files import cells
from ledger.reconcile.files.cells import Cell
from ledger.reconcile.files.findings import Findings
from ledger.reconcile.lines import (
    AccountLine,
    CashLine,
    CompensationLine,
    Kind,
    LinesByColumn,
    LoanBalanceLine,
    LoanLine,
    RecoveryLine,
    RepaymentLine,
)

Record = tuple[int, Sequence[str]]
"""Physical line, from 1, and the cells of a record."""
Run = tuple[Sequence[int], Sequence[Sequence[str]]]
"""Physical lines of many records, and their cells column by column."""
RUN_RECORDS = 8_192
LEG = "leg:"
"""Begins the name of a column with a party's part of a line."""


class What(StrEnum):
    """What a field holds."""

    REF = "ref"
    LOAN_REF = "loan-ref"
    """Of a loan, in a file with many lines of it."""
    REF_OR_EMPTY = "ref-or-empty"
    AMOUNT = "amount"
    SIGNED = "signed"
    DATE = "date"
    DATE_OR_ZERO = "date-or-zero"
    RATE = "rate"
    STATE = "state"
    TEXT = "text"
    ASSET_CLASS = "asset-class"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a line."""

    target: str
    """Of the line type; "" when it is not kept on the line."""
    what: What
    needed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form of a file of a kind."""

    kind: Kind
    make: type[Any]
    """The line type."""
    fields: Mapping[str, Field]
    """By the column's name in our own files."""
    has_legs: bool = False
    ignored: frozenset[str] = frozenset()
    """Columns of our own files that are not compared."""

    @property
    def amounts(self) -> tuple[str, ...]:
        """The names of the fields that are money."""
        money = (What.AMOUNT, What.SIGNED)
        return tuple(name for name, one in self.fields.items() if one.what in money)

    @property
    def needed(self) -> tuple[str, ...]:
        """The names of the fields that every file of this form has."""
        return tuple(name for name, one in self.fields.items() if one.needed)


_STATE = {
    "state": Field("state", What.STATE, False),
    "cash_ref": Field("cash_ref", What.REF_OR_EMPTY, False),
}


def _entry(*amounts: str, optional: Sequence[str] = ()) -> dict[str, Field]:
    return {
        "entry_ref": Field("entry_ref", What.REF),
        "loan_ref": Field("loan_ref", What.LOAN_REF),
        "date": Field("date", What.DATE),
    } | {
        name: Field(f"{name}_minor", What.AMOUNT, name not in optional)
        for name in (*amounts, *optional)
    }


LOANS = Form(
    kind=Kind.LOANS,
    make=LoanLine,
    fields={
        "loan_ref": Field("loan_ref", What.REF),
        "start_date": Field("start_date", What.DATE),
        "principal": Field("principal_minor", What.AMOUNT),
        "maturity_date": Field("maturity_date", What.DATE, False),
        "annual_rate_pct": Field("annual_rate_ppm", What.RATE, False),
    }
    | _STATE,
    has_legs=True,
    ignored=frozenset(("borrower_ref", "method", "purpose")),
)
REPAYMENTS = Form(
    kind=Kind.REPAYMENTS,
    make=RepaymentLine,
    fields=_entry("principal", "interest", optional=("penalty", "fee")) | _STATE,
    has_legs=True,
)
COMPENSATIONS = Form(
    kind=Kind.COMPENSATIONS,
    make=CompensationLine,
    fields=_entry("amount") | {"payer": Field("payer", What.REF_OR_EMPTY, False)} | _STATE,
)
RECOVERIES = Form(
    kind=Kind.RECOVERIES,
    make=RecoveryLine,
    fields=_entry("amount", optional=("cost",)) | _STATE,
)
CASH = Form(
    kind=Kind.CASH,
    make=CashLine,
    fields={
        "reference": Field("reference", What.REF_OR_EMPTY),
        "value_date": Field("value_date", What.DATE),
        "amount": Field("amount_minor", What.SIGNED),
        "counterparty": Field("counterparty", What.TEXT, False),
        "text": Field("text", What.TEXT, False),
    },
)
LOAN_BALANCES = Form(
    kind=Kind.BALANCES,
    make=LoanBalanceLine,
    fields={
        "loan_ref": Field("loan_ref", What.REF),
        "date": Field("", What.DATE),
        "outstanding": Field("outstanding_minor", What.AMOUNT),
        "overdue_since": Field("overdue_since", What.DATE_OR_ZERO, False),
        "accrued": Field("accrued_minor", What.AMOUNT, False),
        "asset_class": Field("asset_class", What.ASSET_CLASS, False),
    },
)
ACCOUNTS = Form(
    kind=Kind.BALANCES,
    make=AccountLine,
    fields={
        "party": Field("party", What.REF),
        "account": Field("account", What.REF),
        "amount": Field("amount_minor", What.SIGNED),
        "date": Field("", What.DATE, False),
    },
)
FORMS: dict[Kind, tuple[Form, ...]] = {
    Kind.LOANS: (LOANS,),
    Kind.REPAYMENTS: (REPAYMENTS,),
    Kind.COMPENSATIONS: (COMPENSATIONS,),
    Kind.RECOVERIES: (RECOVERIES,),
    Kind.CASH: (CASH,),
    Kind.BALANCES: (LOAN_BALANCES, ACCOUNTS),
}
"""The forms of each kind; the first whose own columns a file has is taken."""


def form_with(kind: Kind, names: Iterable[str]) -> Form:
    """The form of a kind that fields with these names are of."""
    first, *others = FORMS[kind]
    given = set(names)
    return next((form for form in others if given & (form.fields.keys() - first.fields)), first)


def cells_of(decimals: int) -> dict[What, Cell]:
    """How our own files write each kind of field."""
    return {
        What.REF: cells.REF,
        What.LOAN_REF: cells.shared(cells.REF),
        What.REF_OR_EMPTY: cells.REF_OR_EMPTY,
        What.AMOUNT: cells.amount(decimals),
        What.SIGNED: cells.amount(decimals, signed=True),
        What.DATE: cells.DATE,
        What.DATE_OR_ZERO: cells.or_empty(cells.DATE, 0),
        What.RATE: cells.RATE,
        What.STATE: cells.STATE,
        What.TEXT: cells.TEXT,
        What.ASSET_CLASS: cells.integer(1, 5),
    }


@dataclass(frozen=True, slots=True)
class Column:
    """Where a field is in a record."""

    name: str
    """Of the field; of a leg with `leg:` before the party."""
    label: str
    """What the file calls the column, for messages."""
    index: int
    cell: Cell


@dataclass(slots=True)
class Table:
    """Columns that were read: a list for each field, all as long as `lines`."""

    lines: list[int] = field(default_factory=list)
    columns: dict[str, list[Any]] = field(default_factory=dict)


@contextmanager
def without_collection() -> Iterator[None]:
    """Pause the collection of cycles: millions of new tuples have none, yet each is looked at."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@runtime_checkable
class InRuns(Protocol):
    """Records that come in runs sooner than one by one."""

    def runs(self, width: int, findings: Findings) -> Iterator[Run]:
        """The records that are left, of `width` cells; those of another width are noted."""


def read_columns(
    records: Iterator[Record], plan: Sequence[Column], findings: Findings, *, width: int
) -> Table:
    """Read all records of `width` cells; every bad cell is noted with its line and column.

    With bad cells or records the table is incomplete: the caller refuses the file.
    """
    table = Table(columns={column.name: [] for column in plan})
    inner = records.runs if isinstance(records, InRuns) else partial(_runs, records)
    for lines, columns in inner(width, findings):
        table.lines += lines
        for column in plan:
            texts = columns[column.index]
            try:
                table.columns[column.name] += column.cell.many(texts)
            except ValueInvalid:
                _name_bad_cells(texts, lines, column, findings)
    return table


def _runs(records: Iterator[Record], width: int, findings: Findings) -> Iterator[Run]:
    while run := list(islice(records, RUN_RECORDS)):
        yield turned(run, width, findings)


def turned(run: Sequence[Record], width: int, findings: Findings) -> Run:
    """Records as columns; those of another width than `width` are noted and left out."""
    for line, record in run:
        if len(record) != width:
            findings.note("statement.fields", line, found=str(len(record)), count=width)
    kept = [one for one in run if len(one[1]) == width]
    columns = list(zip(*(record for _, record in kept), strict=True)) or [()] * width
    return [line for line, _ in kept], columns


def _name_bad_cells(
    texts: Sequence[str], lines: Sequence[int], column: Column, findings: Findings
) -> None:
    for line, found in zip(lines, texts, strict=True):
        try:
            column.cell.one(found)
        except ValueInvalid as error:
            findings.add(error, line, column.label)


def lines_of(form: Form, table: Table) -> LinesByColumn:
    """The lines of a table, which was read without problems."""
    columns = dict(table.columns)
    lines: Sequence[int] = table.lines
    if lines and lines[-1] - lines[0] == len(lines) - 1:
        lines = range(lines[0], lines[-1] + 1)
    targets: dict[str, Sequence[Any]] = {"line": lines}
    for name, one in form.fields.items():
        if one.target and name in columns:
            targets[one.target] = columns[name]
    legs = {name: values for name, values in columns.items() if name.startswith(LEG)}
    if legs:
        parties = [name.removeprefix(LEG) for name in legs]
        targets["legs"] = [
            tuple(zip(parties, parts, strict=True)) for parts in zip(*legs.values(), strict=True)
        ]
    return LinesByColumn(form.make, targets)


def single_day(table: Table, findings: Findings, *, name: str = "date") -> int | None:
    """The day of a file whose rows all name it. Notes rows of another day."""
    days = table.columns.get(name)
    if not days:
        return None
    if len(set(days)) > 1:
        for line, day in zip(table.lines, days, strict=True):
            if day != days[0]:
                shown = date_of(day).isoformat()
                expected = date_of(days[0]).isoformat()
                findings.note(
                    "statement.days_differ", line, column=name, expected=expected, found=shown
                )
    return int(days[0])
