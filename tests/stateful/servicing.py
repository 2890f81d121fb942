"""Servicing: overdue marks, waivers and write-offs of a deal's loans, and their mirrors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import (
    LAST_DAY,
    MAX_AMOUNT,
    OverdueMark,
    Waiver,
    WriteOff,
    unpacked,
)
from tests.contracts.sandbox.terms import Terms
from tests.stateful.lending import Lending, Loan
from tests.stateful.membership import Four
from tests.stateful.months import Change
from tests.stateful.refusal import demand


@dataclass(kw_only=True)
class Servicing(Lending):
    """A deal whose loans are serviced."""

    def mark_overdue(self, sender: str, version: int, rows: Sequence[OverdueMark]) -> None:
        """逾期, or cured."""
        terms = self._opened(sender, version)
        for row in rows:
            loan = self._open_loan(row.loan, version, row.sequence)
            if row.since == 0:
                demand(loan.overdue_since != 0, "LOAN_NOT_OVERDUE")
            else:
                demand(loan.outstanding != 0, "LOAN_SETTLED")
                demand(row.since <= LAST_DAY, "ENTRY_DATE_INVALID")
                demand(row.since != loan.overdue_since, "OVERDUE_UNCHANGED")
            late: Counter[int] = Counter()
            for since, sign in ((loan.overdue_since, -1), (row.since, 1)):
                if since:
                    late[since] += sign * loan.outstanding
            # A mark has no date of its own: it counts from the loan's first month on.
            self._tell(terms, Change(date=loan.start), late)
            loan.overdue_since = row.since
            loan.sequence += 1

    def waive(self, sender: str, version: int, rows: Sequence[Waiver], late: bool = False) -> None:
        """减免."""
        self._opened(sender, version, lead=True)
        for row in rows:
            loan = self._open_loan(row.loan, version, row.sequence)
            self._check_date(loan, row.date)
            demand(max(row.interest, row.penalty) <= MAX_AMOUNT, "AMOUNT_TOO_LARGE")
            demand(not (row.principal or row.fee), "WAIVER_OF_PRINCIPAL")
            demand(bool(row.interest or row.penalty), "ENTRY_EMPTY")
            self.tally(row.date, DayKind.WAIVER, row.interest + row.penalty, late=late)
            loan.interest_waived += row.interest
            loan.penalty_waived += row.penalty
            most = max(loan.interest_waived, loan.penalty_waived)
            demand(most <= MAX_AMOUNT, "AMOUNT_TOO_LARGE")
            loan.standing.append(row)
            loan.sequence += 1
        self.counted(late=late)

    def write_off(self, act: Four, version: int, rows: Sequence[WriteOff]) -> None:
        """核销. The rows name the outstanding that they expect; it only enters the tip."""
        terms = self.ruling(version)
        demand(self.members.confirmed(act) == terms.parties[0], "SENDER_NOT_LEAD")
        before = self.outstanding
        for row in rows:
            loan = self._open_loan(row.loan, version, row.sequence, compensated=True)
            self._check_date(loan, row.date)
            demand(loan.outstanding != 0, "LOAN_SETTLED")
            assert row.outstanding == loan.outstanding
            loan.standing.append(row)
            loan.written_off = True
            loan.lost = loan.outstanding
            self.tally(row.date, DayKind.WRITE_OFF, loan.lost)
            self._written_off(terms, loan, row, row.date, 1)
            loan.sequence += 1
        self.counted()
        self._report_exposure(version, before)

    def _written_off(self, terms: Terms, loan: Loan, row: WriteOff, date: int, sign: int) -> None:
        amount = row.outstanding
        self.book_of_deal.write_off(terms, amount, sign)
        # The borrower still owes what the funders gave up.
        change = Change(date=date, principal=-sign * amount, loss=sign * amount)
        self._changed(terms, loan, change, owed=0, value_date=row.date)

    def reverse_serviced(self, sender: str, version: int, row: Any) -> None:
        """冲正 of a waiver or a write-off."""
        terms = self._opened(sender, version, lead=True)
        before = self.outstanding
        loan, entry = self._latest(version, row)
        demand(isinstance(entry, Waiver | WriteOff), "ENTRY_NOT_LATEST")
        if isinstance(entry, WriteOff):
            loan.written_off = False
            loan.lost = 0
            self._written_off(terms, loan, entry, row.date, -1)
        else:
            loan.interest_waived -= entry.interest
            loan.penalty_waived -= entry.penalty
        self._take_back(loan)
        self.count(row.date, DayKind.REVERSAL, sum(unpacked(entry.content[3])))
        if isinstance(entry, WriteOff):
            self._report_exposure(version, before)
