"""Contents of a day: what a set of daily files is written from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.reconcile.lines import (
    CashLine,
    CompensationLine,
    LoanBalanceLine,
    LoanLine,
    RecoveryLine,
    RepaymentLine,
)


class WaiverLine(NamedTuple):
    """What was waived on a loan (减免)."""

    entry_ref: str
    loan_ref: str
    date: int
    interest_minor: int
    penalty_minor: int


class InstalmentLine(NamedTuple):
    """One instalment of a new loan (放款分期)."""

    loan_ref: str
    number: int
    """From 1."""
    start_date: int
    end_date: int
    principal_minor: int
    interest_minor: int


class AccrualLine(NamedTuple):
    """What accrued on a loan on the day (利息计提)."""

    loan_ref: str
    interest_minor: int
    penalty_minor: int = 0


class DepositLine(NamedTuple):
    """A movement of the guarantee deposit (保证金流水)."""

    entry_ref: str
    date: int
    kind: str
    """paid, released, payment-reversed, drawn or draw-reversed."""
    amount_minor: int
    balance_minor: int
    """Of the deposit afterwards."""


class ShareLine(NamedTuple):
    """A line of a profit-share statement (分润明细)."""

    month: str
    """YYYY-MM."""
    party: str
    base_minor: int
    tier: str
    rate_ppm: int | None
    amount_minor: int
    adjustment_minor: int
    """Of earlier statements; may be negative."""


class ListLine(NamedTuple):
    """A change of a bank's list (名单变更)."""

    date: int
    bank: str
    party: str
    role: str
    """assist, cofund or enhance."""
    change: str
    """add or remove."""
    from_date: int
    to_date: int = 0
    """0: without an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayContents:
    """Everything that a set of a business day may list. Amounts in minor units."""

    date: int
    """Days since 1970-01-01."""
    loans: Sequence[LoanLine] = ()
    plans: Sequence[InstalmentLine] = ()
    """Of the new loans; a loan without one is written as a single instalment."""
    repayments: Sequence[RepaymentLine] = ()
    waivers: Sequence[WaiverLine] = ()
    compensations: Sequence[CompensationLine] = ()
    recoveries: Sequence[RecoveryLine] = ()
    balances: Sequence[LoanBalanceLine] = ()
    """At the opening of the day."""
    accruals: Sequence[AccrualLine] = ()
    cash: Sequence[CashLine] = ()
    deposit: Sequence[DepositLine] = ()
    shares: Sequence[ShareLine] = ()
    list_changes: Sequence[ListLine] = ()
