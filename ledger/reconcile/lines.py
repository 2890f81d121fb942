"""Lines: what one line of a file to reconcile says, and what a break is.

Amounts are minor units of the deal's currency, dates days since 1970-01-01, rates ppm a year. A
field that a file does not have is None (text: ""), and is not compared.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


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
    lines: list[Line]
    date: int | None = None
    """The day of a balances file (its opening), or of a whole daily file."""
    opening_minor: int | None = None
    """Of a bank account."""
    closing_minor: int | None = None
    totals: tuple[DayTotal, ...] = ()
    """Daily totals that came with the details, or alone (then `lines` is empty)."""
    missing: Break | None = None
    """B14 when the file of the kind is not in its set: then there is nothing to compare."""
