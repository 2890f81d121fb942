"""Lent: loans of deals that have vouchers, as far as pledged pieces are about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ledger import events
from ledger.accruals import Accrual
from ledger.bindings import (
    CLAIM_REPAYMENT,
    COMPENSATION,
    RECOVERY,
    REPAYMENT,
    WAIVER,
    WRITE_OFF,
)
from ledger.events import Amounts, Particulars, Place, fields_of
from ledger.money import date_of
from ledger.replay.keys import Checks
from ledger.replay.pieces import Register
from ledger.replay.twin import Twin


class Standing(NamedTuple):
    """An entry on a loan that stands."""

    kind: int
    entry_id: bytes
    date: int
    amounts: Amounts
    """Principal that left the outstanding, and what else was paid."""


@dataclass(slots=True)
class Loan:
    """A loan as its entries leave it."""

    version: int
    particulars: Particulars
    principal_minor: int
    accrual: Accrual
    accrues: bool
    """Whether the terms accrue interest by loan."""
    outstanding_minor: int
    entries: int = 1
    reversed: bool = False
    standing: list[Standing] = field(default_factory=list)
    """After the booking."""
    written_off: bool = False
    compensated: bool = False
    used: set[bytes] = field(default_factory=set)
    """Repayments that came with a payment of a pledged piece."""

    @property
    def is_fresh(self) -> bool:
        """Whether it was booked and nothing else."""
        return self.entries == 1

    @property
    def is_claimed(self) -> bool:
        """Whether others than the funders have something to get of it."""
        return self.written_off or self.compensated

    @property
    def is_open(self) -> bool:
        """Whether somebody still has something to get of it."""
        return bool(self.outstanding_minor) or self.is_claimed

    def unpaid_interest(self, day: int) -> int:
        """Interest accrued by a day and neither received nor waived; 0 where none accrues."""
        if not self.accrues:
            return 0
        settled = self.accrual.settled_minor
        return max(0, self.accrual.accrued_minor(date_of(day)) - settled)

    def apply(self, entry: Standing, sign: int) -> int:
        """Go on by an entry (sign 1) or back by one (-1); what the outstanding moves by."""
        principal, interest = entry.amounts[:2]
        if entry.kind == WAIVER:
            self.accrual.settled_minor += sign * interest
            return 0
        if entry.kind in (RECOVERY, CLAIM_REPAYMENT) and self.written_off:
            return 0
        self.accrual.pay(date_of(entry.date), sign * principal, sign * interest)
        self.outstanding_minor -= sign * principal
        if entry.kind == WRITE_OFF:
            self.written_off = sign == 1
        if entry.kind == COMPENSATION:
            self.compensated = sign == 1
        return -sign * principal


class Lent:
    """Follows the loans of deals whose terms have vouchers."""

    def __init__(self, register: Register) -> None:
        self._register = register
        self._loans: dict[tuple[bytes, bytes], Loan] = {}
        self.outstanding_minor: Counter[bytes] = Counter()
        """By deal, of the loans that are followed."""
        self.unfollowed: set[bytes] = set()
        """Deals with loans from before their terms had vouchers."""
        self._repaid: tuple[bytes, Loan] | None = None
        """A repayment whose legs may go on."""
        self.checks: Checks = {
            events.LoanBooked: self._booked,
            events.LoanRepaid: self._loan_repaid,
            events.FurtherLegs: self._further,
            events.LoanMarkedOverdue: self._marked,
            events.LoanWaived: self._waived,
            events.LoanWrittenOff: self._written_off,
            events.EntryReversed: self._entry_reversed,
            events.LoanCompensated: self._compensated,
            events.LoanRecovered: self._recovered,
            events.CompensationReversed: self._taken_back,
            events.RecoveryReversed: self._taken_back,
        }

    def loan(self, deal_id: bytes, loan_id: bytes) -> Loan | None:
        """A loan that was booked under terms with vouchers; None for any other."""
        return self._loans.get((deal_id, loan_id))

    def _booked(self, event: events.LoanBooked, place: Place) -> None:
        terms, deal_id = self._register.terms, self._register.batch.deal_id
        if terms is None or not terms.receivable.advance_ppm:
            self.unfollowed.add(deal_id)
            return
        principal, twin = sum(fields_of(event.parts)), Twin.of(terms)
        particulars = Particulars.unpack(event.particulars)
        accrual = Accrual(
            start_date=date_of(particulars.start_date),
            annual_rate_ppm=particulars.annual_rate_ppm,
            day_count=twin.day_count,
            outstanding_minor=principal,
        )
        self.outstanding_minor[deal_id] += principal
        self._loans[deal_id, event.loan_id] = Loan(
            self._register.batch.version, particulars, principal, accrual, twin.accrues, principal
        )

    # ---- what stands on one

    def _take(self, event: Any, kind: int, amounts: Amounts) -> None:
        loan = self._own(event)
        if loan is not None:
            self._push(loan, Standing(kind, event.entry_id, event.date, amounts))

    def _push(self, loan: Loan, entry: Standing) -> None:
        loan.standing.append(entry)
        self.outstanding_minor[self._register.batch.deal_id] += loan.apply(entry, 1)

    def _own(self, event: Any) -> Loan | None:
        """The loan of an entry, one entry further."""
        loan = self._loans.get((self._register.batch.deal_id, event.loan_id))
        if loan is not None:
            loan.entries += 1
        return loan

    def _loan_repaid(self, event: events.LoanRepaid, place: Place) -> None:
        loan, self._repaid = self._own(event), None
        if loan is not None:
            amounts = Amounts.unpack(sum(event.legs))
            self._push(loan, Standing(REPAYMENT, event.entry_id, event.date, amounts))
            self._repaid = event.entry_id, loan

    def _further(self, event: events.FurtherLegs, place: Place) -> None:
        if self._repaid is None or self._repaid[0] != event.entry_id:
            return
        loan = self._repaid[1]
        before = loan.standing.pop()
        deal_id = self._register.batch.deal_id
        self.outstanding_minor[deal_id] += loan.apply(before, -1)
        amounts = Amounts.unpack(before.amounts.pack() + sum(event.legs))
        self._push(loan, before._replace(amounts=amounts))

    def _marked(self, event: events.LoanMarkedOverdue, place: Place) -> None:
        self._own(event)

    def _waived(self, event: events.LoanWaived, place: Place) -> None:
        self._take(event, WAIVER, Amounts.unpack(event.amounts))

    def _written_off(self, event: events.LoanWrittenOff, place: Place) -> None:
        self._take(event, WRITE_OFF, Amounts(sum(fields_of(event.parts)), 0, 0, 0))

    def _compensated(self, event: events.LoanCompensated, place: Place) -> None:
        parts = _sum(event.principal_parts), _sum(event.interest_parts)
        self._take(event, COMPENSATION, Amounts(*parts, 0, 0))

    def _recovered(self, event: events.LoanRecovered, place: Place) -> None:
        self._take(event, event.kind, Amounts(_sum(event.residual_parts), 0, 0, 0))

    # ---- and no longer

    def _entry_reversed(self, event: events.EntryReversed, place: Place) -> None:
        self._repaid = None
        loan = self._own(event)
        if loan is None:
            return
        if loan.standing:
            self._pop(loan)
        else:
            loan.reversed = True
            self.outstanding_minor[self._register.batch.deal_id] -= loan.outstanding_minor
            loan.outstanding_minor = 0

    def _taken_back(
        self, event: events.CompensationReversed | events.RecoveryReversed, place: Place
    ) -> None:
        loan = self._own(event)
        if loan is not None and loan.standing:
            self._pop(loan)

    def _pop(self, loan: Loan) -> None:
        deal_id = self._register.batch.deal_id
        self.outstanding_minor[deal_id] += loan.apply(loan.standing.pop(), -1)


def _sum(parts: Sequence[int]) -> int:
    return sum(fields_of(tuple(parts)))
