"""Basis: what a reconciliation knows besides the two sides' lines.

The window, the terms and history of loans to explain a difference with, and what is due or breached
on our own side. All of it is optional but the window: without it differences are found all the
same, only less is said of why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ledger.entries import Method
from ledger.terms import Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaid:
    """A repayment that stands. Amounts in minor units."""

    date: int
    """Days since 1970-01-01."""
    principal_minor: int
    interest_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanFacts:
    """A loan and what was repaid on it. Dates in days since 1970-01-01."""

    terms: Terms
    """Under which it was booked."""
    principal_minor: int
    annual_rate_ppm: int
    start_date: int
    maturity_date: int
    method: Method
    repaid: tuple[Repaid, ...] = ()
    """By date."""
    overdue_since: int = 0
    """0: not overdue."""
    compensated_date: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueClaim:
    """A loan past its trigger for which no loss layer paid on our side."""

    loan_ref: str
    since_date: int
    """Overdue since."""
    due_date: int
    """The day from which the layers owe: since plus the deal's days past due."""
    amount_minor: int
    """Principal that is outstanding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffList:
    """A party that a bank's list does not name for some days, though loans of then are booked."""

    keeper: str
    party: str
    role: str
    first_date: int
    last_date: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A limit that no longer holds."""

    ref: str
    """Of the loan, or the borrower, or the deal."""
    rule: str
    """The limit's name in the terms, e.g. `max_per_borrower`."""
    limit: int
    """Minor units, like `found`."""
    found: int
    date: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a comparison knows. Dates in days since 1970-01-01."""

    first: int
    last: int
    """Included, like `first`."""
    window_days: int = 1
    """How far apart the two dates of one entry may be (T+1)."""
    loans: Mapping[str, LoanFacts] = field(default_factory=dict)
    """By loan ref; may read them when asked."""
    due_claims: Sequence[DueClaim] = ()
    claim_grace_days: int = 1
    """After the trigger day, until a compensation is late."""
    off_lists: Sequence[OffList] = ()
    breaches: Sequence[Breach] = ()
    member: str = ""
    """Whose bank account it is; cash only."""

    def holds(self, date: int) -> bool:
        """Whether a date is in the window."""
        return self.first <= date <= self.last
