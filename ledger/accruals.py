"""Accruals: whether more interest comes in on a loan than accrued on it, for those who are warned.

Where the terms say `interest_check = "warn"` no contract keeps what accrued; this is the reckoning
of the contract that refuses, over the loan's entries in the book and those of a run before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ledger import reading
from ledger.book import Book
from ledger.entries import Booking, Kind, Repayment
from ledger.events import Particulars
from ledger.money import PPM, DayCount, date_of, days_between, half_up, year_days
from ledger.records import Loan
from ledger.terms import Terms


@dataclass(slots=True, kw_only=True)
class Accrual:
    """What a loan's entries come to for its interest."""

    start_date: date
    annual_rate_ppm: int
    day_count: DayCount
    outstanding_minor: int
    paid_days_minor: int = 0
    """Principal paid times the days since the start, so that no entry has to come in order."""
    settled_minor: int = 0
    """Interest received or waived."""

    def pay(self, day: date, principal_minor: int, interest_minor: int) -> None:
        """Principal and interest come in; with amounts below 0 they are taken back."""
        self.outstanding_minor -= principal_minor
        self.paid_days_minor += principal_minor * self._days(day)
        self.settled_minor += interest_minor

    def accrued_minor(self, day: date) -> int:
        """Interest accrued up to a day, which itself does not count."""
        balance_days = self.outstanding_minor * self._days(day) + self.paid_days_minor
        if day <= self.start_date or balance_days <= 0:
            return 0
        return half_up(balance_days * self.annual_rate_ppm, year_days(self.day_count) * PPM)

    def exceeds(self, day: date) -> bool:
        """Whether more was received and waived than accrued and a minor unit for each day."""
        return self.settled_minor > self.accrued_minor(day) + (day - self.start_date).days

    def _days(self, day: date) -> int:
        return days_between(self.start_date, day, self.day_count)


class Accruals:
    """The accruals of the loans of a run, as far as they are asked for."""

    def __init__(self, book: Book, deal: int) -> None:
        self._book = book
        self._deal = deal
        self._known: dict[bytes, Accrual] = {}

    def book(self, loan_id: bytes, entry: Booking, terms: Terms) -> None:
        """A loan that the run books."""
        self._known[loan_id] = Accrual(
            start_date=entry.start_date,
            annual_rate_ppm=entry.annual_rate_ppm,
            day_count=terms.day_count,
            outstanding_minor=entry.principal_minor,
        )

    def of(self, loan: Loan, day_count: DayCount) -> Accrual:
        """The accrual of a loan as the book and the run leave it."""
        if loan.loan_id not in self._known:
            self._known[loan.loan_id] = self._from_book(loan, day_count)
        return self._known[loan.loan_id]

    def waive(self, loan_id: bytes, interest_minor: int) -> None:
        """Interest that the run waives."""
        if loan_id in self._known:
            self._known[loan_id].settled_minor += interest_minor

    def repay(self, loan_id: bytes, entry: Repayment, terms: Terms) -> Accrual | None:
        """A repayment of the run; the loan's accrual if it brings in more than accrued."""
        if loan_id not in self._known:
            loan = reading.loan(self._book, self._deal, loan_id)
            if loan is None or entry.date < date_of(Particulars.unpack(loan.particulars)[0]):
                return None
            self._known[loan_id] = self._from_book(loan, terms.day_count)
        accrual = self._known[loan_id]
        accrual.pay(entry.date, entry.principal_minor, entry.interest_minor)
        return accrual if entry.interest_minor and accrual.exceeds(entry.date) else None

    def _from_book(self, loan: Loan, day_count: DayCount) -> Accrual:
        particulars = Particulars.unpack(loan.particulars)
        accrual = Accrual(
            start_date=date_of(particulars.start_date),
            annual_rate_ppm=particulars.annual_rate_ppm,
            day_count=day_count,
            outstanding_minor=loan.principal_minor,
            settled_minor=loan.waived_interest_minor,
        )
        earlier: dict[bytes, reading.Posted] = {}
        lost = False
        for posted in reading.entries_of_loan(self._book, self._deal, loan.loan_id):
            mirrored = earlier.get(posted.reversed_id) if posted.reversed_id else None
            entry, sign = (mirrored, -1) if mirrored else (posted, 1)
            earlier[posted.entry_id] = posted
            if entry.kind is Kind.WRITE_OFF:
                lost = sign == 1
            elif lost or entry.kind is Kind.BOOKING:
                # What comes in after a write-off is no principal.
                continue
            principal = sum(leg.principal_minor for leg in entry.legs)
            interest = sum(leg.interest_minor for leg in entry.legs)
            # A mirror counts from the day of what it mirrors, whatever its own.
            accrual.pay(date_of(entry.date), sign * principal, sign * interest)
        return accrual
