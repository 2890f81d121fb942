"""Guarantees: a deal's deposit, what its loss layers pay, and who gets what comes in later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from tests.contracts.guarantees.desk import (
    Claim,
    Posted,
    Recovery,
    book_compensation,
    book_deposit,
    book_recovery,
)
from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import LAST_DAY, MAX_AMOUNT, Kind, id_of, parts, unpacked
from tests.contracts.sandbox.model import PPM, divided, layer_pays, principal_parts, restored
from tests.contracts.sandbox.terms import Deposit, Terms
from tests.stateful.lending import Loan
from tests.stateful.membership import Four
from tests.stateful.months import Change
from tests.stateful.refusal import demand
from tests.stateful.servicing import Servicing

LARGEST = 2**57 - 1
"""What a recovery may come to; claims of this model never come near it."""


class OnDeposit(Enum):
    """Kinds of entry on a deposit."""

    PAYMENT = auto()
    RELEASE = auto()
    REVERSAL = auto()
    REVERSED_PAYMENT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """A compensation, a recovery or a late repayment as it stands on a loan."""

    posted: Posted
    layers: Sequence[int]
    residual: Sequence[int]
    """By funders."""
    income: Sequence[int]
    """By funders: interest of a compensation, surplus of a recovery."""
    written_off: bool = False

    @property
    def content(self) -> tuple[int, bytes, int, int]:
        """What the tip commits to."""
        return self.posted.content

    @property
    def compensates(self) -> bool:
        """Whether it is a compensation."""
        return self.posted.kind == Kind.COMPENSATION

    @property
    def amount(self) -> int:
        """What it counts for in the totals of its day: what came in, the cost with it."""
        if self.compensates:
            return sum(self.layers)
        amounts = unpacked(self.posted.amounts)
        return amounts[0] if self.posted.kind == Kind.RECOVERY else sum(amounts)


@dataclass(kw_only=True)
class Guarantees(Servicing):
    """A deal whose losses others may bear."""

    on_deposit: dict[str, tuple[OnDeposit, int]] = field(default_factory=dict)
    """Entry to kind and amount."""

    # ---- the deposit
    def pay(self, sender: str, entry: str, date: int, amount: int) -> None:
        """The depositor paid."""
        name = self.members.maker(sender)
        lines = self._deposit_terms()
        demand(name == lines.by, "SENDER_NOT_DEPOSITOR")
        self._note(entry, date, amount, OnDeposit.PAYMENT)
        self._move_deposit(date, amount, DayKind.DEPOSIT_PAYMENT)

    def release(self, act: Four, entry: str, date: int, amount: int) -> None:
        """The custodian paid back."""
        name = self.members.confirmed(act)
        lines = self._deposit_terms()
        demand(name == lines.custodian, "SENDER_NOT_CUSTODIAN")
        self._note(entry, date, amount, OnDeposit.RELEASE)
        demand(amount <= self.deposit, "DEPOSIT_SHORT")
        target = lines.target * self.outstanding
        demand((self.deposit - amount) * PPM >= target, "RELEASE_UNDER_TARGET")
        self._move_deposit(date, -amount, DayKind.DEPOSIT_RELEASE)

    def reverse_payment(self, act: Four, entry: str, payment: str, date: int) -> None:
        """A payment never came."""
        name = self.members.confirmed(act)
        demand(name == self._deposit_terms().custodian, "SENDER_NOT_CUSTODIAN")
        kind, amount = self.on_deposit.get(payment, (None, 0))
        demand(kind is OnDeposit.PAYMENT, "ENTRY_UNKNOWN")
        self._note(entry, date, amount, OnDeposit.REVERSAL)
        demand(amount <= self.deposit, "DEPOSIT_SHORT")
        self.on_deposit[payment] = (OnDeposit.REVERSED_PAYMENT, amount)
        before = self.deposit
        self._move_deposit(date, -amount, DayKind.REVERSAL)
        self._call_top_up(self.terms(self._deposit_version()), before, self.outstanding)

    def _deposit_version(self) -> int:
        """The newest version in force that has a deposit."""
        demand(bool(self.in_force), "DEAL_NOT_ACTIVE")
        versions = [version for version in self.in_force if self.terms(version).deposit]
        demand(bool(versions), "DEPOSIT_MISSING")
        return versions[-1]

    def _deposit_terms(self) -> Deposit:
        deposit = self.terms(self._deposit_version()).deposit
        assert deposit is not None
        return deposit

    def _note(self, entry: str, date: int, amount: int, kind: OnDeposit) -> None:
        demand(0 < amount <= MAX_AMOUNT, "AMOUNT_INVALID")
        demand(date <= LAST_DAY, "ENTRY_DATE_INVALID")
        demand(entry not in self.on_deposit, "ENTRY_EXISTS")
        self.on_deposit[entry] = (kind, amount)

    def _move_deposit(self, date: int, amount: int, kind: DayKind) -> None:
        self.deposit += amount
        version = self._deposit_version()
        book_deposit(self.book_of_deal, self.terms(version), amount)
        self.count(date, kind, abs(amount))
        self._report_exposure(version, self.outstanding)

    # ---- compensations
    def compensate(
        self, sender: str, version: int, rows: Sequence[Claim], late: bool = False
    ) -> None:
        """代偿."""
        terms = self._opened(sender, version)
        demand(bool(terms.layers), "CLAIM_MISSING")
        before = self.deposit, self.outstanding
        for row in rows:
            loan = self._open_loan(row.loan, version, row.sequence)
            self._check_date(loan, row.date)
            owed = loan.outstanding
            if terms.claim.with_interest:
                owed += loan.unpaid_interest(row.date, terms.day_count)
            days_past_due = row.date - loan.overdue_since
            due = loan.overdue_since and days_past_due >= terms.claim.days_past_due
            demand(bool(due), "CLAIM_BEFORE_TRIGGER")
            demand(owed != 0, "LOAN_SETTLED")
            pays = layer_pays(
                terms.layers,
                claim=owed,
                used=self.used,
                deposit=self.deposit,
                disbursed=self.disbursed,
                outstanding=self.outstanding,
            )
            paid = sum(pays)
            demand(paid != 0, "CLAIM_UNCOVERED")
            of_principal = min(paid, loan.outstanding)
            shared = self._shared(
                Kind.COMPENSATION,
                row,
                layers=pays,
                residual=principal_parts(terms, loan.outstanding, of_principal),
                income=divided(paid - of_principal, terms.shares),
            )
            loan.compensated = True
            self._compensated(terms, loan, shared, row.date, 1)
            loan.standing.append(shared)
            loan.sequence += 1
            self.tally(row.date, DayKind.COMPENSATION, paid, late=late)
        self.counted(late=late)
        self._finish(version, *before)

    def _compensated(self, terms: Terms, loan: Loan, shared: Shared, date: int, sign: int) -> None:
        book = self.book_of_deal
        book_compensation(book, terms, shared.layers, shared.residual, shared.income, sign)
        for k, (layer, pay) in enumerate(zip(terms.layers, shared.layers, strict=True)):
            self.used[k] += sign * pay
            loan.claims[k] += sign * pay
            if layer.from_deposit:
                self.deposit -= sign * pay
        principal, interest = sum(shared.residual), sum(shared.income)
        change = Change(date=date, principal=-sign * principal, interest=sign * interest)
        value_date = shared.posted.date
        self._changed(terms, loan, change, owed=-sign * principal, value_date=value_date)

    # ---- recoveries
    def recover(
        self, sender: str, version: int, rows: Sequence[Recovery], late: bool = False
    ) -> None:
        """追偿."""
        terms = self._opened(sender, version)
        before = self.deposit, self.outstanding
        for row in rows:
            cash = _cash(row)
            loan = self._claimed_loan(version, row)
            owed = loan.lost if loan.written_off else loan.outstanding
            layers = restored(
                terms.layers,
                cash=cash,
                residual=owed,
                claims=loan.claims[: len(terms.layers)],
                pro_rata=terms.claim.pro_rata,
            )
            rest = cash - sum(layers)
            shared = self._shared(
                row.kind,
                row,
                amounts=row.amounts,
                layers=layers,
                residual=principal_parts(terms, owed, min(rest, owed)),
                income=divided(rest - min(rest, owed), terms.shares),
                written_off=loan.written_off,
            )
            self._recovered(terms, loan, shared, row.date, 1)
            loan.standing.append(shared)
            loan.sequence += 1
            self.tally(row.date, row.kind, shared.amount, late=late)
        self.counted(late=late)
        self._finish(version, *before)

    def _claimed_loan(self, version: int, row: Recovery) -> Loan:
        demand(row.loan in self.loans, "LOAN_UNKNOWN")
        loan = self.loans[row.loan]
        demand(not loan.reversed, "LOAN_REVERSED")
        demand(loan.compensated or loan.written_off, "LOAN_NOT_COMPENSATED")
        self._check_place(loan, version, row.sequence)
        self._check_date(loan, row.date)
        return loan

    def _recovered(self, terms: Terms, loan: Loan, shared: Shared, date: int, sign: int) -> None:
        book_recovery(
            self.book_of_deal,
            terms,
            shared.layers,
            shared.residual,
            shared.income,
            written_off=shared.written_off,
            sign=sign,
        )
        for k, (layer, part) in enumerate(zip(terms.layers, shared.layers, strict=True)):
            loan.claims[k] -= sign * part
            if layer.reinstates:
                self.used[k] -= sign * part
        amount = sign * sum(shared.residual)
        if shared.written_off:
            loan.lost -= amount
            change = Change(date=date, loss=-amount)
        else:
            change = Change(date=date, principal=-amount)
        self._changed(terms, loan, change, owed=-amount, value_date=shared.posted.date)

    # ---- the mirror of either
    def reverse_shared(self, sender: str, version: int, row: Any) -> None:
        """冲正 of a compensation, a recovery or a late repayment."""
        terms = self._opened(sender, version)
        loan, shared = self._latest(version, row)
        before = self.deposit, self.outstanding
        if shared.compensates:
            loan.compensated = False
            self._compensated(terms, loan, shared, row.date, -1)
        else:
            self._recovered(terms, loan, shared, row.date, -1)
        self._take_back(loan)
        self.count(row.date, DayKind.REVERSAL, shared.amount)
        self._finish(version, *before)

    def _finish(self, version: int, deposit_before: int, outstanding_before: int) -> None:
        if self.terms(version).deposit:
            lines = self.terms(self._deposit_version())
            self._call_top_up(lines, deposit_before, outstanding_before)
        self._report_exposure(version, outstanding_before)

    @staticmethod
    def _shared(
        kind: int,
        row: Any,
        *,
        layers: Sequence[int],
        residual: Sequence[int],
        income: Sequence[int],
        amounts: int = 0,
        written_off: bool = False,
    ) -> Shared:
        posted = Posted(
            kind=kind,
            entry_id=id_of(row.entry),
            date=row.date,
            amounts=amounts,
            layers=parts(*layers),
            residual=parts(*residual),
            income=parts(*income),
        )
        return Shared(
            posted=posted, layers=layers, residual=residual, income=income, written_off=written_off
        )


def _cash(row: Recovery) -> int:
    """What a row brings the owners of the claims."""
    amounts = (row.principal, row.interest, row.penalty, row.fee)
    demand(max(amounts) <= MAX_AMOUNT, "AMOUNT_TOO_LARGE")
    demand(any(amounts), "ENTRY_EMPTY")
    if row.kind == Kind.CLAIM_REPAYMENT:
        demand(sum(amounts) <= LARGEST, "AMOUNT_TOO_LARGE")
        return sum(amounts)
    recovery = row.kind == Kind.RECOVERY and not (row.interest or row.penalty)
    demand(recovery, "RECOVERY_KIND_INVALID")
    demand(row.fee <= row.principal, "COST_ABOVE_AMOUNT")
    return row.principal - row.fee
