"""Lines: what one line of a file to reconcile says, and what a break is.

Amounts are minor units of the deal's currency, dates days since 1970-01-01, rates ppm a year. A
field that a file does not have is None (text: ""), and is not compared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import compress
from typing import Any, NamedTuple, overload


class Kind(StrEnum):
    """What a file lists."""

    LOANS = "loans"
    REPAYMENTS = "repayments"
    COMPENSATIONS = "compensations"
    RECOVERIES = "recoveries"
    CASH = "cash"
    BALANCES = "balances"


class State(StrEnum):
    """How a line went at the other side (状态)."""

    SUCCESS = "success"
    FAILED = "failed"
    IN_TRANSIT = "in-transit"


class LoanLine(NamedTuple):
    """A loan paid out (放款)."""

    line: int
    loan_ref: str
    start_date: int
    principal_minor: int
    maturity_date: int | None = None
    annual_rate_ppm: int | None = None
    state: State = State.SUCCESS
    legs: tuple[tuple[str, int], ...] | None = None
    """Each funder's part: member id, minor units."""
    cash_ref: str = ""
    """Reference of the bank transfer."""


class RepaymentLine(NamedTuple):
    """What a borrower repaid (还款)."""

    line: int
    entry_ref: str
    loan_ref: str
    date: int
    principal_minor: int
    interest_minor: int
    penalty_minor: int = 0
    fee_minor: int = 0
    state: State = State.SUCCESS
    legs: tuple[tuple[str, int], ...] | None = None
    """What each party got of it, all buckets together: member id, minor units."""
    cash_ref: str = ""


class CompensationLine(NamedTuple):
    """What loss layers paid for a loan (代偿)."""

    line: int
    entry_ref: str
    loan_ref: str
    date: int
    amount_minor: int
    payer: str = ""
    """Member id; "": all payers together."""
    state: State = State.SUCCESS
    cash_ref: str = ""


class RecoveryLine(NamedTuple):
    """What came in on a compensated or written-off loan (追偿)."""

    line: int
    entry_ref: str
    loan_ref: str
    date: int
    amount_minor: int
    cost_minor: int = 0
    state: State = State.SUCCESS
    cash_ref: str = ""


class CashLine(NamedTuple):
    """A booking on a bank account: positive what came in for its holder."""

    line: int
    reference: str
    value_date: int
    amount_minor: int
    counterparty: str = ""
    text: str = ""


class LoanBalanceLine(NamedTuple):
    """How a loan stands at the opening of a day (日初)."""

    line: int
    loan_ref: str
    outstanding_minor: int
    overdue_since: int | None = None
    """0: not overdue."""
    accrued_minor: int | None = None
    """Interest accrued and not paid."""
    asset_class: int | None = None
    """1 to 5 (五级分类)."""


class AccountLine(NamedTuple):
    """The balance of a party's account; debit positive."""

    line: int
    party: str
    account: str
    amount_minor: int


Line = (
    LoanLine
    | RepaymentLine
    | CompensationLine
    | RecoveryLine
    | CashLine
    | LoanBalanceLine
    | AccountLine
)


class LinesByColumn(Sequence[Any]):
    """Lines of one type kept by column: of a million, most are never looked at as lines.

    A line is made each time it is asked for.
    """

    def __init__(self, make: type[Any], columns: Mapping[str, Sequence[Any]]) -> None:
        """`columns` by the fields of `make`; the others have their default in every line."""
        (count,) = {len(column) for column in columns.values()}
        defaults = make._field_defaults
        self._make = make
        self.columns: tuple[Sequence[Any], ...] = tuple(
            columns[name] if name in columns else [defaults.get(name)] * count
            for name in make._fields
        )
        """In the order of the type's fields."""

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[Any]:
        # What the constructor of a named tuple does, without going through it a million times.
        return map(partial(tuple.__new__, self._make), zip(*self.columns, strict=True))

    @overload
    def __getitem__(self, at: int) -> Any: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Any]: ...

    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        return self._make(*(column[at] for column in self.columns))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))


def column_of(lines: Sequence[Any], place: int) -> Sequence[Any]:
    """One field of every line, by its place in a line."""
    if isinstance(lines, LinesByColumn):
        return lines.columns[place]
    return [line[place] for line in lines]


def lines_with(lines: Sequence[Any], place: int, values: Collection[Any]) -> list[Any]:
    """The lines whose field at a place is one of some values, in their order."""
    wanted = map(values.__contains__, column_of(lines, place))
    if isinstance(lines, LinesByColumn):
        return [lines[at] for at in compress(range(len(lines)), wanted)]
    return list(compress(lines, wanted))


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTotal:
    """What a file of daily totals (汇总) says of a day and kind."""

    date: int
    kind: Kind
    count: int | None
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A difference (差错) between the ledger and a file, by its code B01 to B14."""

    code: str
    kind: Kind
    ref: str
    """Of the entry, loan, bank line or account; as the other side wrote it where it did."""
    field: str
    """The compared column; "" when a whole line is missing."""
    ours: int | str | None
    theirs: int | str | None
    cause: str
    """What is known of why: the key of its words, e.g. `missing`, `unit_100`, `day_count`."""
    facts: dict[str, str | int] = dataclasses.field(default_factory=dict)
    """The numbers that go into the words."""
    date: int = 0
    """The business date of the line, from which the break ages."""
    at_risk_minor: int = 0
    """The amount that the two sides do not agree on, >= 0."""
    line: int | None = None
    """In the file; None for what the file does not have."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from the deal's other breaks, run after run: kind, ref and field."""
        return self.kind.value, self.ref, self.field


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One parsed file of the other side. Its own control totals are checked by its reader."""

    kind: Kind
    file: str
    lines: Sequence[Line]
    date: int | None = None
    """The day of a balances file (its opening), or of a whole daily file."""
    opening_minor: int | None = None
    """Of a bank account."""
    closing_minor: int | None = None
    totals: tuple[DayTotal, ...] = ()
    """Daily totals that came with the details, or alone (then `lines` is empty)."""
    missing: Break | None = None
    """B14 when the file of the kind is not in its set: then there is nothing to compare."""
