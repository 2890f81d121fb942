"""Lending: bookings and repayments of a deal, and the mirrors of both.

Checks are in the contracts' order. `_changed` is what every entry that moves a loan ends in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.contracts.guarantees.desk import Reversal as SharedReversal
from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import (
    LAST_DAY,
    MAX_AMOUNT,
    Booking,
    Method,
    Purpose,
    Repayment,
    Reversal,
    tip_of,
    unpacked,
)
from tests.contracts.sandbox.model import (
    PPM,
    Book,
    days_of_interest,
    nearest,
    repayment_legs,
    year_days,
)
from tests.contracts.sandbox.terms import NOBODY, Demand, Limits, Rule, Terms
from tests.stateful.agreement import Agreement, segments
from tests.stateful.exposures import Batch, Exposures, is_wide
from tests.stateful.lists import Lists
from tests.stateful.months import Change, Months
from tests.stateful.refusal import demand

MAX_LAYERS = 8


@dataclass(slots=True, kw_only=True)
class Loan:
    """A loan that was booked once."""

    version: int
    start: int
    rate: int
    borrower: str
    principal: int
    outstanding: int
    sequence: int = 1
    overdue_since: int = 0
    written_off: bool = False
    compensated: bool = False
    reversed: bool = False
    lost: int = 0
    interest_waived: int = 0
    penalty_waived: int = 0
    interest_received: int = 0
    paid: list[tuple[int, int]] = field(default_factory=list)
    """Days and principal that came off the loan, in no order."""
    claims: list[int] = field(default_factory=lambda: [0] * MAX_LAYERS)
    standing: list[Any] = field(default_factory=list)
    """Entries that stand, each with the content that the tip commits to."""

    def unpaid_interest(self, day: int, day_count: int) -> int:
        """Interest of every day since the start, less what was received and waived."""
        return max(0, self.accrued(day, day_count) - self.interest_received - self.interest_waived)

    def accrued(self, day: int, day_count: int) -> int:
        """Interest of every day since the start; the day itself does not count."""
        balance, balance_days, since = self.principal, 0, self.start
        for then, amount in sorted(self.paid):
            if then < day:
                balance_days += balance * days_of_interest(since, then, day_count)
                balance, since = balance - amount, then
        if day > since:
            balance_days += balance * days_of_interest(since, day, day_count)
        return nearest(Fraction(max(0, balance_days) * self.rate, year_days(day_count) * PPM))


def named(row: Reversal | SharedReversal) -> tuple[int, bytes, int, int]:
    """What a reversal says of the entry to mirror."""
    if isinstance(row, SharedReversal):
        return row.posted.content
    return row.reversed_kind, row.reversed_id, row.reversed_date, row.reversed_amounts


def limits_borrowers(terms: Terms) -> bool:
    """Whether terms limit what one borrower may owe."""
    return any(
        one.max_per_borrower or one.max_per_consumer or one.max_guaranteed_borrower
        for one in segments(terms)
    )


def accrues(terms: Terms) -> bool:
    """Whether interest is accrued by loan."""
    return terms.claim.with_interest or bool(terms.demands & Demand.ACCRUED_INTEREST)


@dataclass(kw_only=True)
class Lending(Agreement):
    """A deal and its loans."""

    lists: Lists
    exposures: Exposures
    owed: Counter[tuple[str, str]]
    """Lead, borrower: what it owes in the deals that limit it; all deals share it."""
    loans: dict[str, Loan] = field(default_factory=dict)
    book_of_deal: Book = field(default_factory=Book)
    outstanding: int = 0
    disbursed: int = 0
    months: Months = field(default_factory=Months)
    used: list[int] = field(default_factory=lambda: [0] * MAX_LAYERS)
    deposit: int = 0
    top_ups: list[tuple[int, int, int]] = field(default_factory=list)
    """Calls: amount, deposit, outstanding."""

    # ---- bookings
    def book(self, sender: str, version: int, rows: Sequence[Booking], late: bool = False) -> None:
        """放款."""
        terms = self._opened(sender, version)
        before = self.outstanding
        limits = Limits()
        for row in rows:
            limits = self._check_booking(row, version, rows[0].start, late)
            if limits_borrowers(terms):
                self._draw(row, terms, limits)
            most = limits.max_outstanding
            demand(not most or self.outstanding + row.principal <= most, "OUTSTANDING_OVER_LIMIT")
            loan = Loan(
                version=version,
                start=row.start,
                rate=row.rate,
                borrower=row.borrower,
                principal=row.principal,
                outstanding=row.principal,
                standing=[row],
            )
            self.loans[row.loan] = loan
            self._booked(terms, loan, row.start, row.principal, 1)
        self.counted(late=late)
        if terms.deposit:
            stop = terms.deposit.stop * self.outstanding
            demand(self.deposit * PPM >= stop, "DEPOSIT_UNDER_STOP")
            self._call_top_up(terms, self.deposit, before)
        self._report_exposure(version, before)
        if is_wide(terms):
            self.exposures.require_within(self.name, terms, limits, rows[0].start)

    def _check_booking(self, row: Booking, version: int, first_start: int, late: bool) -> Limits:
        terms = self.terms(version)
        demand(row.loan not in self.loans, "LOAN_EXISTS")
        demand(0 < row.principal <= MAX_AMOUNT, "LOAN_PRINCIPAL_INVALID")
        demand(0 < row.start < row.maturity, "LOAN_DATES_INVALID")
        demand(row.method in set(Method) and row.purpose in set(Purpose), "LOAN_METHOD_INVALID")
        self.tally(row.start, DayKind.BOOKING, row.principal, late=late)
        limits = self.limits_on(version, row.start)
        self.lists.require_listed(terms, row.start)
        demand(not is_wide(terms) or row.start == first_start, "START_DATES_DIFFER")
        over = limits.max_annual_rate and row.rate > limits.max_annual_rate
        demand(not over, "RATE_OVER_LIMIT")
        bullet = row.method in (Method.BULLET, Method.INTEREST_ONLY)
        longer = bullet and row.maturity - row.start > limits.max_bullet_days
        demand(not (limits.max_bullet_days and longer), "BULLET_TERM_OVER_LIMIT")
        return limits

    def _draw(self, row: Booking, terms: Terms, limits: Limits) -> None:
        borrower = terms.parties[0], row.borrower
        owed = self.owed[borrower] + row.principal
        most = limits.max_per_borrower
        demand(not most or owed <= most, "BORROWER_OVER_LIMIT")
        consumer = limits.max_per_consumer and row.purpose == Purpose.CONSUMER
        demand(not consumer or owed <= limits.max_per_consumer, "CONSUMER_OVER_LIMIT")
        room = self.exposures.borrower_room(terms, limits, row.start)
        demand(room is None or owed <= room, "GUARANTEED_BORROWER_OVER_LIMIT")

    def _booked(self, terms: Terms, loan: Loan, date: int, principal: int, sign: int) -> None:
        self.book_of_deal.booking(terms, principal, sign)
        self.book_of_deal.loan_fee(terms, principal, sign)
        self.disbursed += sign * principal
        self.outstanding += sign * principal
        if limits_borrowers(terms):
            self.owed[terms.parties[0], loan.borrower] += sign * principal
        change = Change(date=date, principal=sign * principal, disbursed=sign * principal)
        late = Counter({loan.overdue_since: sign * principal} if loan.overdue_since else {})
        self._tell(terms, change, late)

    # ---- repayments
    def repay(
        self, sender: str, version: int, rows: Sequence[Repayment], late: bool = False
    ) -> None:
        """还款."""
        terms = self._opened(sender, version)
        before = self.outstanding
        for row in rows:
            loan = self._open_loan(row.loan, version, row.sequence)
            demand(row.date >= loan.start, "ENTRY_BEFORE_START")
            amounts = (row.principal, row.interest, row.penalty, row.fee)
            demand(max(amounts) <= MAX_AMOUNT, "AMOUNT_TOO_LARGE")
            demand(any(amounts), "ENTRY_EMPTY")
            demand(row.principal <= loan.outstanding, "PRINCIPAL_ABOVE_OUTSTANDING")
            self.tally(row.date, DayKind.REPAYMENT, sum(amounts), late=late)
            demand(not row.fee or terms.fee_to != NOBODY, "FEE_WITHOUT_PAYEE")
            self._repaid(terms, loan, row, row.date, 1)
            if row.interest and terms.demands & Demand.ACCRUED_INTEREST:
                allowed = loan.accrued(row.date, terms.day_count) + row.date - loan.start
                settled = loan.interest_received + loan.interest_waived
                demand(settled <= allowed, "INTEREST_ABOVE_ACCRUED")
            loan.standing.append(row)
            loan.sequence += 1
        self.counted(late=late)
        self._report_exposure(version, before)

    def _repaid(self, terms: Terms, loan: Loan, row: Repayment, date: int, sign: int) -> None:
        before = loan.outstanding + (row.principal if sign < 0 else 0)
        amounts = (row.principal, row.interest, row.penalty, row.fee)
        legs = repayment_legs(terms, before=before, rate=loan.rate, amounts=amounts)
        self.book_of_deal.repayment(terms, legs, sign)
        change = Change(date=date, principal=-sign * row.principal, interest=sign * row.interest)
        self._changed(terms, loan, change, owed=-sign * row.principal, value_date=row.date)

    # ---- the mirror of either
    def reverse_lent(self, sender: str, version: int, row: Any) -> None:
        """冲正 of a booking or a repayment."""
        terms = self._opened(sender, version)
        loan, entry = self._latest(version, row)
        demand(isinstance(entry, Booking | Repayment), "ENTRY_NOT_LATEST")
        before = self.outstanding
        if isinstance(entry, Repayment):
            self._repaid(terms, loan, entry, row.date, -1)
        else:
            self._booked(terms, loan, row.date, entry.principal, -1)
            loan.outstanding = 0
            loan.reversed = True
        self._take_back(loan)
        self.count(row.date, DayKind.REVERSAL, sum(unpacked(entry.content[3])))
        self._report_exposure(version, before)

    def _latest(self, version: int, row: Any) -> tuple[Loan, Any]:
        """The loan and its latest standing entry, if a reversal names exactly that."""
        demand(row.loan in self.loans, "LOAN_UNKNOWN")
        loan = self.loans[row.loan]
        demand(not loan.reversed, "LOAN_REVERSED")
        self._check_place(loan, version, row.sequence)
        self._check_date(loan, row.date)
        exact = named(row) == loan.standing[-1].content
        exact = exact and row.previous_tip == tip_of(*loan.standing[:-1])
        demand(exact, "ENTRY_NOT_LATEST")
        _, _, entry_date, _ = named(row)
        demand(entry_date <= row.date, "REVERSAL_BEFORE_ENTRY")
        return loan, loan.standing[-1]

    @staticmethod
    def _take_back(loan: Loan) -> None:
        loan.standing.pop()
        loan.sequence += 1

    # ---- what an entry does beside its postings
    def _changed(
        self, terms: Terms, loan: Loan, change: Change, *, owed: int, value_date: int
    ) -> None:
        """Principal off a loan or back on it, interest received, and who hears of it.

        Interest accrues as if what was taken back had never been: from the `value_date` on.
        """
        late: Counter[int] = Counter()
        if loan.overdue_since:
            late[loan.overdue_since] += change.principal
        loan.outstanding += change.principal
        loan.interest_received += change.interest
        if change.principal:
            loan.paid.append((value_date, -change.principal))
        self.outstanding += change.principal
        if limits_borrowers(terms):
            self.owed[terms.parties[0], loan.borrower] += owed
        self._tell(terms, change, late)

    def _tell(self, terms: Terms, change: Change, late: Counter[int]) -> None:
        if terms.period.rule != Rule.NONE:
            self.months.moved(change, late)

    def _call_top_up(self, terms: Terms, deposit_before: int, outstanding_before: int) -> None:
        """A call when the deposit falls under the warning line."""
        lines = terms.deposit
        if lines is None:
            return
        was_above = deposit_before * PPM >= lines.warn * outstanding_before
        if was_above and self.deposit * PPM < lines.warn * self.outstanding:
            wanted = nearest(Fraction(lines.target * self.outstanding, PPM))
            amount = max(0, wanted - self.deposit)
            self.top_ups.append((amount, self.deposit, self.outstanding))

    def _report_exposure(self, version: int, before: int) -> None:
        """`before`: the outstanding before the batch."""
        self.exposures.moved(
            Batch(
                deal=self.name,
                version=version,
                terms=self.terms(version),
                ruled_until=self.ruled_until(version),
                book=self.book_of_deal,
                outstanding=self.outstanding,
                disbursed=self.disbursed,
                used=self.used,
                deposit=self.deposit,
                change=self.outstanding - before,
            )
        )

    # ---- checks
    def _opened(self, sender: str, version: int, *, lead: bool = False) -> Terms:
        name = self.members.maker(sender)
        terms = self.ruling(version)
        if lead:
            demand(name == terms.parties[0], "SENDER_NOT_LEAD")
        else:
            demand(name == terms.servicer, "SENDER_NOT_SERVICER")
        return terms

    def _open_loan(
        self, ref: str, version: int, sequence: int | None, *, compensated: bool = False
    ) -> Loan:
        """A loan that takes entries; `compensated` when it may be."""
        demand(ref in self.loans, "LOAN_UNKNOWN")
        loan = self.loans[ref]
        demand(not loan.reversed, "LOAN_REVERSED")
        demand(not loan.written_off, "LOAN_WRITTEN_OFF")
        demand(compensated or not loan.compensated, "LOAN_COMPENSATED")
        self._check_place(loan, version, sequence)
        return loan

    @staticmethod
    def _check_place(loan: Loan, version: int, sequence: int | None) -> None:
        demand(loan.version == version, "LOAN_OTHER_VERSION")
        demand(loan.sequence == sequence, "ENTRY_OUT_OF_SEQUENCE")

    @staticmethod
    def _check_date(loan: Loan, date: int) -> None:
        demand(date <= LAST_DAY, "ENTRY_DATE_INVALID")
        demand(date >= loan.start, "ENTRY_BEFORE_START")
