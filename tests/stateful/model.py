"""Model: what a deal's contracts must do, as plain dicts of ints.

Each act changes the model or raises `Refusal` with the exact reason, in the contracts' order of
checks. Money is divided by `sandbox.model`, in fractions; nothing of the contracts or of `ledger`
is used. A caller works on a copy and keeps it when the act was not refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.contracts.sandbox.entries import (
    LAST_DAY,
    MAX_AMOUNT,
    Booking,
    Kind,
    Method,
    OverdueMark,
    Purpose,
    Repayment,
    Reversal,
    Standing,
    Waiver,
    WriteOff,
    tip_of,
)
from tests.contracts.sandbox.model import Book, repayment_legs
from tests.contracts.sandbox.terms import NOBODY, Terms


class Refusal(Exception):
    """The contracts must refuse, for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def demand(condition: bool, reason: str) -> None:
    """Refuse unless a condition holds."""
    if not condition:
        raise Refusal(reason)


@dataclass(slots=True)
class LoanState:
    """A loan that was booked once."""

    version: int
    start: int
    rate: int
    borrower: str
    outstanding: int
    sequence: int = 1
    overdue_since: int = 0
    written_off: bool = False
    reversed: bool = False
    interest_waived: int = 0
    penalty_waived: int = 0
    standing: list[Standing] = field(default_factory=list)


class Model:
    """One deal and its members."""

    def __init__(self, members: Sequence[str]) -> None:
        self.members = list(members)
        self.makers = {f"{name} maker": name for name in members}
        self.retired: set[str] = set()
        self.proposals: list[Terms] = []
        self.signatures: list[set[str]] = []
        self.in_force: list[int] = []
        """Versions that came into force, in order."""
        self.loans: dict[str, LoanState] = {}
        self.book_of_deal = Book()
        self.owed: Counter[str] = Counter()
        self.outstanding = 0
        self.disbursed = 0
        self.sealed_through = 0
        self.digests: dict[tuple[int, str], bytes] = {}

    # ---- members
    def replace_maker(self, name: str, new: str) -> None:
        """The checker of a member replaces its maker key."""
        demand(new not in self.makers and new not in self.retired, "KEY_TAKEN")
        (old,) = (key for key, owner in self.makers.items() if owner == name)
        del self.makers[old]
        self.retired.add(old)
        self.makers[new] = name

    def maker_of(self, name: str) -> str:
        """The key that acts for a member."""
        (key,) = (key for key, owner in self.makers.items() if owner == name)
        return key

    # ---- terms
    def terms(self, version: int) -> Terms:
        """The terms of a version."""
        return self.proposals[version - 1]

    def propose(self, sender: str, terms: Terms) -> None:
        """A party proposes terms."""
        demand(sender in self.makers, "SENDER_NOT_MAKER")
        demand(self.makers[sender] in terms.parties, "SENDER_NOT_PARTY")
        if self.in_force:
            latest = self.terms(self.in_force[-1])
            demand(terms.effective_date > latest.effective_date, "VERSION_NOT_LATER")
            demand(terms.parties == latest.parties, "VERSION_PARTIES_DIFFER")
        self.proposals.append(terms)
        self.signatures.append(set())

    def sign(self, party: str, version: int, terms: Terms) -> None:
        """A party signs its copy of the terms."""
        demand(0 < version <= len(self.proposals), "VERSION_UNKNOWN")
        demand(version == len(self.proposals), "VERSION_SUPERSEDED")
        demand(terms == self.terms(version), "TERMS_DIFFER")
        demand(party in terms.parties, "SENDER_NOT_PARTY")
        signed = self.signatures[version - 1]
        demand(party not in signed, "SIGNATURE_REPEATED")
        signed.add(party)
        if signed == set(terms.parties):
            self.in_force.append(version)

    def ruled_until(self, version: int) -> int:
        """First day that a later version rules."""
        position = self.in_force.index(version)
        later = self.in_force[position + 1 : position + 2]
        return self.terms(later[0]).effective_date if later else LAST_DAY

    # ---- business days
    def seal(self, party: str, day: int, digest: bytes) -> None:
        """A party signs its digest of a day."""
        latest = self.terms(self.in_force[-1])
        signers = {name for name, _ in latest.funding} | {latest.servicer}
        demand(party in signers, "SENDER_NOT_SIGNING_PARTY")
        demand(day > self.sealed_through, "DAY_SEALED")
        demand(self.digests.get((day, party)) != digest, "DIGEST_REPEATED")
        self.digests[day, party] = digest
        if all(self.digests.get((day, str(signer))) == digest for signer in signers):
            self.sealed_through = day

    # ---- entries
    def book(self, sender: str, version: int, rows: Sequence[Booking]) -> None:
        """放款."""
        terms = self._open(sender, version, lead=False)
        for row in rows:
            self._check_booking(row, version, terms)
            if self._limits_borrowers(terms):
                self._draw(row, terms)
            self.loans[row.loan] = LoanState(
                version, row.start, row.rate, row.borrower, row.principal, standing=[row]
            )
            self.book_of_deal.booking(terms, row.principal)
        booked = sum(row.principal for row in rows)
        self.outstanding += booked
        self.disbursed += booked
        limit = terms.limits.max_outstanding
        demand(not limit or self.outstanding <= limit, "OUTSTANDING_OVER_LIMIT")
        self._post([row.start for row in rows])

    def _check_booking(self, row: Booking, version: int, terms: Terms) -> None:
        limits = terms.limits
        demand(row.loan not in self.loans, "LOAN_EXISTS")
        demand(0 < row.principal <= MAX_AMOUNT, "LOAN_PRINCIPAL_INVALID")
        demand(0 < row.start < row.maturity, "LOAN_DATES_INVALID")
        demand(row.method in set(Method) and row.purpose in set(Purpose), "LOAN_METHOD_INVALID")
        in_force = terms.effective_date <= row.start < self.ruled_until(version)
        demand(in_force, "VERSION_NOT_IN_FORCE")
        over = limits.max_annual_rate and row.rate > limits.max_annual_rate
        demand(not over, "RATE_OVER_LIMIT")
        bullet = row.method in (Method.BULLET, Method.INTEREST_ONLY)
        longer = bullet and row.maturity - row.start > limits.max_bullet_days
        demand(not (limits.max_bullet_days and longer), "BULLET_TERM_OVER_LIMIT")

    def _draw(self, row: Booking, terms: Terms) -> None:
        self.owed[row.borrower] += row.principal
        owed, limits = self.owed[row.borrower], terms.limits
        demand(
            not limits.max_per_borrower or owed <= limits.max_per_borrower, "BORROWER_OVER_LIMIT"
        )
        consumer = limits.max_per_consumer and row.purpose == Purpose.CONSUMER
        demand(not consumer or owed <= limits.max_per_consumer, "CONSUMER_OVER_LIMIT")

    def repay(self, sender: str, version: int, rows: Sequence[Repayment]) -> None:
        """还款."""
        terms = self._open(sender, version, lead=False)
        for row in rows:
            loan = self._open_loan(row.loan, version, row.sequence)
            demand(row.date >= loan.start, "ENTRY_BEFORE_START")
            amounts = (row.principal, row.interest, row.penalty, row.fee)
            demand(max(amounts) <= MAX_AMOUNT, "AMOUNT_TOO_LARGE")
            demand(any(amounts), "ENTRY_EMPTY")
            demand(row.principal <= loan.outstanding, "PRINCIPAL_ABOVE_OUTSTANDING")
            demand(not row.fee or terms.fee_to != NOBODY, "FEE_WITHOUT_PAYEE")
            self._repaid(terms, loan, row, 1)
            loan.standing.append(row)
            loan.sequence += 1
        self._post([row.date for row in rows])

    def _repaid(self, terms: Terms, loan: LoanState, row: Repayment, sign: int) -> None:
        before = loan.outstanding + (row.principal if sign < 0 else 0)
        amounts = (row.principal, row.interest, row.penalty, row.fee)
        legs = repayment_legs(terms, before=before, rate=loan.rate, amounts=amounts)
        self.book_of_deal.repayment(terms, legs, sign)
        self._lower(terms, loan, sign * row.principal)

    def _lower(self, terms: Terms, loan: LoanState, principal: int) -> None:
        loan.outstanding -= principal
        self.outstanding -= principal
        if self._limits_borrowers(terms):
            self.owed[loan.borrower] -= principal

    def mark_overdue(self, sender: str, version: int, rows: Sequence[OverdueMark]) -> None:
        """逾期, or cured."""
        self._open(sender, version, lead=False)
        for row in rows:
            loan = self._open_loan(row.loan, version, row.sequence)
            if row.since == 0:
                demand(loan.overdue_since != 0, "LOAN_NOT_OVERDUE")
            else:
                demand(loan.outstanding != 0, "LOAN_SETTLED")
                demand(row.since <= LAST_DAY, "ENTRY_DATE_INVALID")
                demand(row.since != loan.overdue_since, "OVERDUE_UNCHANGED")
            loan.overdue_since = row.since
            loan.sequence += 1

    def waive(self, sender: str, version: int, rows: Sequence[Waiver]) -> None:
        """减免."""
        self._open(sender, version, lead=True)
        for row in rows:
            loan = self._open_loan(row.loan, version, row.sequence)
            self._check_date(loan, row.date)
            demand(max(row.interest, row.penalty) <= MAX_AMOUNT, "AMOUNT_TOO_LARGE")
            demand(bool(row.interest or row.penalty), "ENTRY_EMPTY")
            loan.interest_waived += row.interest
            loan.penalty_waived += row.penalty
            most = max(loan.interest_waived, loan.penalty_waived)
            demand(most <= MAX_AMOUNT, "AMOUNT_TOO_LARGE")
            loan.standing.append(row)
            loan.sequence += 1
        self._post([row.date for row in rows])

    def write_off(self, sender: str, version: int, rows: Sequence[WriteOff]) -> None:
        """核销. The rows name the outstanding that they expect; it only enters the tip."""
        terms = self._open(sender, version, lead=True)
        for row in rows:
            loan = self._open_loan(row.loan, version, row.sequence)
            self._check_date(loan, row.date)
            demand(loan.outstanding != 0, "LOAN_SETTLED")
            assert row.outstanding == loan.outstanding
            self.book_of_deal.write_off(terms, loan.outstanding)
            self.outstanding -= loan.outstanding
            loan.outstanding = 0
            loan.written_off = True
            loan.standing.append(row)
            loan.sequence += 1
        self._post([row.date for row in rows])

    def reverse(self, sender: str, version: int, row: Reversal) -> None:
        """冲正."""
        lead = row.reversed_kind > Kind.REPAYMENT
        terms = self._open(sender, version, lead=lead)
        demand(row.loan in self.loans, "LOAN_UNKNOWN")
        loan = self.loans[row.loan]
        demand(not loan.reversed, "LOAN_REVERSED")
        demand(loan.version == version, "LOAN_OTHER_VERSION")
        demand(loan.sequence == row.sequence, "ENTRY_OUT_OF_SEQUENCE")
        self._check_date(loan, row.date)
        latest = loan.standing[-1]
        kind, entry_id, date, amounts = latest.content
        named = (row.reversed_kind, row.reversed_id, row.reversed_date, row.reversed_amounts)
        exact = named == (kind, entry_id, date, amounts)
        exact = exact and row.previous_tip == tip_of(*loan.standing[:-1])
        demand(exact, "ENTRY_NOT_LATEST")
        loan.standing.pop()
        loan.sequence += 1
        self._mirror(terms, loan, latest)
        self._post([row.date])

    def _mirror(self, terms: Terms, loan: LoanState, entry: Standing) -> None:
        if isinstance(entry, Booking):
            self.book_of_deal.booking(terms, entry.principal, -1)
            self._lower(terms, loan, entry.principal)
            self.disbursed -= entry.principal
            loan.reversed = True
        elif isinstance(entry, Repayment):
            self._repaid(terms, loan, entry, -1)
        elif isinstance(entry, Waiver):
            loan.interest_waived -= entry.interest
            loan.penalty_waived -= entry.penalty
        else:
            self.book_of_deal.write_off(terms, entry.outstanding, -1)
            self.outstanding += entry.outstanding
            loan.outstanding = entry.outstanding
            loan.written_off = False

    # ---- checks
    def _open(self, sender: str, version: int, *, lead: bool) -> Terms:
        demand(sender in self.makers, "SENDER_NOT_MAKER")
        demand(version in self.in_force, "DEAL_NOT_ACTIVE")
        terms = self.terms(version)
        if lead:
            demand(self.makers[sender] == terms.parties[0], "SENDER_NOT_LEAD")
        else:
            demand(self.makers[sender] == terms.servicer, "SENDER_NOT_SERVICER")
        return terms

    def _open_loan(self, ref: str, version: int, sequence: int | None) -> LoanState:
        demand(ref in self.loans, "LOAN_UNKNOWN")
        loan = self.loans[ref]
        demand(not loan.reversed, "LOAN_REVERSED")
        demand(not loan.written_off, "LOAN_WRITTEN_OFF")
        demand(loan.version == version, "LOAN_OTHER_VERSION")
        demand(loan.sequence == sequence, "ENTRY_OUT_OF_SEQUENCE")
        return loan

    def _check_date(self, loan: LoanState, date: int) -> None:
        demand(date <= LAST_DAY, "ENTRY_DATE_INVALID")
        demand(date >= loan.start, "ENTRY_BEFORE_START")

    def _post(self, dates: Sequence[int]) -> None:
        demand(all(date > self.sealed_through for date in dates), "DAY_SEALED")

    @staticmethod
    def _limits_borrowers(terms: Terms) -> bool:
        return bool(terms.limits.max_per_borrower or terms.limits.max_per_consumer)
