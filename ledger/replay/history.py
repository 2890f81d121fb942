"""History: what the entries of one loan come to, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import add
from typing import NamedTuple

from ledger.accruals import Accrual
from ledger.entries import Kind
from ledger.events import Amounts, Particulars, Place
from ledger.money import date_of
from ledger.records import Loan
from ledger.replay.said import cash_of
from ledger.replay.twin import Twin

MAX_LAYERS = 8
RECOVERED = {Kind.RECOVERY: 6, Kind.CLAIM_REPAYMENT: 7}
"""Kind to its number in the tip of a loan."""


class Row(NamedTuple):
    """An entry of the book."""

    entry: int
    """Its number in the book, in chain order."""
    loan_id: bytes
    entry_id: bytes
    kind: Kind
    date: int
    amounts: Amounts
    legs: list[Amounts]
    """Of every party of the deal; parties at the end with nothing left out."""
    layers: list[int]
    """What each loss layer paid or got, eight of them."""
    place: Place
    reversed_id: bytes | None

    @property
    def principal_minor(self) -> int:
        """Of all legs: what the loan's outstanding, or what was lost on it, moves by."""
        return sum([leg.principal_minor for leg in self.legs])

    @property
    def interest_minor(self) -> int:
        """Of all legs."""
        return sum([leg.interest_minor for leg in self.legs])

    @property
    def cash_minor(self) -> int:
        """What a recovery or a late repayment brings in."""
        return cash_of(RECOVERED[self.kind], self.amounts)


class Standing(NamedTuple):
    """An entry that has not been reversed, with the loan's tip before it."""

    row: Row
    tip_before: int


@dataclass(slots=True, kw_only=True)
class Step:
    """What an entry, or the mirror of one, moves beside its loan."""

    change_minor: int = 0
    """Of the loan's outstanding."""
    interest_minor: int = 0
    loss_minor: int = 0
    """Written off, less what was recovered of it."""
    disbursed_minor: int = 0
    parts_minor: Sequence[int] = ()
    """Of `change_minor`, by funder."""


@dataclass(slots=True)
class LoanHistory:
    """A loan under way."""

    loan: Loan
    deal: str
    """The deal's name."""
    twin: Twin
    particulars: Particulars
    accrual: Accrual | None = None
    """Under terms that accrue interest by loan."""
    entries: int = 0
    outstanding_minor: int = 0
    parts: list[int] = field(default_factory=list)
    """Principal outstanding by funder, summed from legs."""
    standing: list[Standing] = field(default_factory=list)
    tip: int = 0
    since_date: int = 0
    compensated: bool = False
    written_off: bool = False
    lost_minor: int = 0
    received_minor: int = 0
    """Interest received, or paid by the layers."""
    claims_minor: list[int] = field(default_factory=lambda: [0] * MAX_LAYERS)
    """Open claims of the layers."""

    @classmethod
    def of(cls, loan: Loan, deal: str, twin: Twin) -> LoanHistory:
        """A loan before its first entry."""
        particulars, accrual = Particulars.unpack(loan.particulars), None
        if twin.accrues:
            accrual = Accrual(
                start_date=date_of(particulars.start_date),
                annual_rate_ppm=particulars.annual_rate_ppm,
                day_count=twin.day_count,
                outstanding_minor=loan.principal_minor,
            )
        return cls(loan, deal, twin, particulars, accrual, parts=[0] * len(twin.funding))

    @property
    def residual_minor(self) -> int:
        """The principal that recoveries restore to the funders."""
        return self.lost_minor if self.written_off else self.outstanding_minor

    def unpaid_interest(self, day: int) -> int:
        """Interest accrued by a day and neither received nor waived."""
        if self.accrual is None:
            return 0
        return max(0, self.accrual.accrued_minor(date_of(day)) - self.accrual.settled_minor)

    def apply(self, row: Row, sign: int) -> Step:
        """Let the loan go on by an entry (sign 1), or by the mirror of one (-1).

        A mirror comes with the date of what it mirrors: interest accrues as if that had never been.
        """
        effect = _EFFECTS.get(row.kind)
        return Step() if effect is None else effect(self, row, sign)

    def _move(self, row: Row, sign: int) -> Step:
        """Principal leaves the outstanding (sign 1) or comes back."""
        funders = len(self.parts)
        parts = [-sign * leg.principal_minor for leg in row.legs[:funders]]
        parts += [0] * (funders - len(parts))
        self.parts = list(map(add, self.parts, parts))
        change = -sign * row.principal_minor
        self.outstanding_minor += change
        return Step(change_minor=change, parts_minor=parts)

    def _pay(self, row: Row, sign: int, interest_minor: int) -> Step:
        step = self._move(row, sign)
        step.interest_minor = sign * interest_minor
        self.received_minor += sign * interest_minor
        if self.accrual is not None:
            principal = sign * row.principal_minor
            self.accrual.pay(date_of(row.date), principal, step.interest_minor)
        return step

    def book(self, row: Row, sign: int) -> Step:
        """A loan is booked, or no longer."""
        step = self._move(row, -sign)
        step.disbursed_minor = step.change_minor
        return step

    def repay(self, row: Row, sign: int) -> Step:
        """A borrower repaid."""
        return self._pay(row, sign, row.interest_minor)

    def waive(self, row: Row, sign: int) -> Step:
        """Interest is no longer asked for."""
        if self.accrual is not None:
            self.accrual.settled_minor += sign * row.amounts.interest_minor
        return Step()

    def write_off(self, row: Row, sign: int) -> Step:
        """The funders lose what is outstanding."""
        step = self._pay(row, sign, 0)
        step.loss_minor = sign * row.principal_minor
        self.lost_minor = row.principal_minor if sign == 1 else 0
        self.written_off = sign == 1
        return step

    def compensate(self, row: Row, sign: int) -> Step:
        """The layers pay, and have claims for it."""
        step = self._pay(row, sign, row.interest_minor)
        self._claim(row, sign)
        self.compensated = sign == 1
        return step

    def recover(self, row: Row, sign: int) -> Step:
        """Cash restores claims and residual; what was lost is no longer outstanding."""
        self._claim(row, -sign)
        if not self.written_off:
            return self._pay(row, sign, 0)
        self.lost_minor -= sign * row.principal_minor
        return Step(loss_minor=-sign * row.principal_minor)

    def _claim(self, row: Row, sign: int) -> None:
        for layer, part in enumerate(row.layers):
            self.claims_minor[layer] += sign * part


_Effect = Callable[[LoanHistory, Row, int], Step]
_EFFECTS: dict[Kind, _Effect] = {
    Kind.BOOKING: LoanHistory.book,
    Kind.REPAYMENT: LoanHistory.repay,
    Kind.WAIVER: LoanHistory.waive,
    Kind.WRITE_OFF: LoanHistory.write_off,
    Kind.COMPENSATION: LoanHistory.compensate,
    Kind.RECOVERY: LoanHistory.recover,
    Kind.CLAIM_REPAYMENT: LoanHistory.recover,
}
