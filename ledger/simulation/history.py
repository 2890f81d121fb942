"""History: what is remembered of a deal besides its balances, month by month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(slots=True)
class Vintage:
    """The loans of one month. Minor units."""

    booked: int = 0
    principal_minor: int = 0
    past_due: int = 0
    """Loans that reached 90 days past due,"""
    past_due_minor: int = 0
    """and what was outstanding of them then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthEnd:
    """How a deal stands at the end of a month. Minor units."""

    month: date
    """Its first day."""
    booked: int
    refused: int
    outstanding_minor: int
    deposit_minor: int
    compensated_minor: int
    """Since the beginning, as are the next."""
    recovered_minor: int
    written_off_minor: int


@dataclass(slots=True)
class Milestones:
    """Days on which something came to an end."""

    last_loan: date | None = None
    stopped_on: date | None = None
    """The first loan that was refused with none booked after it."""
    stopped_by: str = ""
    """Why."""
    deposit_out_on: date | None = None
    """The first claim for which there was not enough in the deposit."""

    def deposit_is_out(self, on: date) -> None:
        """A claim was for more than there is in the deposit."""
        if self.deposit_out_on is None:
            self.deposit_out_on = on
