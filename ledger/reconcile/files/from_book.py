"""From the book: a deal's day as the contents of a set of daily files.

Entries are taken by their value date; those that were reversed are in the files as failed, where
a file has states. Balances are those at the opening of the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ledger import reading
from ledger.entries import Kind as EntryKind
from ledger.events import Particulars
from ledger.money import date_of, day_number
from ledger.reading import Posted
from ledger.reconcile.basis import LoanFacts
from ledger.reconcile.files.set_contents import (
    AccrualLine,
    DayContents,
    DepositLine,
    InstalmentLine,
    ListLine,
    ShareLine,
    WaiverLine,
)
from ledger.reconcile.held import cash_lines, loan_lines
from ledger.reconcile.knowing import Loans
from ledger.reconcile.lines import (
    CompensationLine,
    LoanBalanceLine,
    LoanLine,
    RecoveryLine,
    RepaymentLine,
    State,
)
from ledger.reconcile.recomputed import accrued_minor
from ledger.reconcile.refs import Refs
from ledger.schedules import schedule

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_ROLES = {1: "assist", 2: "cofund", 4: "enhance"}
_NO_END = 65_535
_REPAYMENTS = (EntryKind.REPAYMENT, EntryKind.CLAIM_REPAYMENT)


def contents_of(ledger: Ledger, deal: str, day: int, *, member: str = "") -> DayContents:
    """What a deal's book says of a day (days since 1970-01-01).

    `member`: whose bank account the cash is of; that of who collects unless given. Raises
    `UsageInvalid` for an unknown deal or member.
    """
    return _Day(ledger, deal, day).contents(member)


class _Day:
    def __init__(self, ledger: Ledger, deal: str, day: int) -> None:
        self._ledger, self._day = ledger, day
        self._book = ledger.book()
        self._deal = ledger.deal(deal)
        self._refs = Refs(ledger, deal)
        self._names = {one.number: one.member_id for one in reading.members(self._book)}
        versions = reading.versions(self._book, self._deal.deal)
        self._versions = {one.version: one.terms for one in versions}
        self._terms = versions[max(self._deal.version, 1) - 1].terms

    def contents(self, member: str) -> DayContents:
        book, deal, refs, day = self._book, self._deal, self._refs, self._day
        collecting = self._terms.parties[self._terms.collected_by]
        number = self._ledger.member(member).number if member else collecting
        before = Loans(self._ledger, deal, refs, through=day - 1)
        opening = loan_lines(book, deal, refs, before, day - 1, accrued=True)
        after = Loans(self._ledger, deal, refs, through=day)
        posted = [one for one in reading.entries_of_deal(book, deal.deal) if one.date == day]
        loans = [self._loan(one) for one in posted if one.kind is EntryKind.BOOKING]
        return DayContents(
            date=day,
            loans=loans,
            plans=[one for loan in loans for one in _plan(loan.loan_ref, after.get(loan.loan_ref))],
            repayments=[self._repayment(one) for one in posted if one.kind in _REPAYMENTS],
            waivers=[
                self._waiver(one)
                for one in posted
                if one.kind is EntryKind.WAIVER and not one.reversed
            ],
            compensations=[
                line
                for one in posted
                if one.kind is EntryKind.COMPENSATION
                for line in self._compensations(one)
            ],
            recoveries=[self._recovery(one) for one in posted if one.kind is EntryKind.RECOVERY],
            balances=[_unsigned(one) for one in opening],
            accruals=[
                accrual
                for one in opening
                if one.outstanding_minor
                for accrual in _accrual(one.loan_ref, after.get(one.loan_ref), day)
            ],
            cash=cash_lines(book, deal, refs, number, day, day),
            deposit=list(self._deposit()),
            shares=list(self._shares()),
            list_changes=list(self._list_changes()),
        )

    def _loan(self, one: Posted) -> LoanLine:
        loan = reading.loan(self._book, self._deal.deal, one.loan_id)
        assert loan is not None, "a booking without its loan"
        particulars = Particulars.unpack(loan.particulars)
        return LoanLine(
            0,
            self._refs.text(one.loan_id),
            particulars.start_date,
            loan.principal_minor,
            particulars.maturity_date,
            particulars.annual_rate_ppm,
            _state(one),
        )

    def _repayment(self, one: Posted) -> RepaymentLine:
        own, loan_ref = self._refs.text(one.entry_id), self._refs.text(one.loan_id)
        return RepaymentLine(0, own, loan_ref, one.date, *one.amounts, _state(one))

    def _waiver(self, one: Posted) -> WaiverLine:
        own, loan_ref = self._refs.text(one.entry_id), self._refs.text(one.loan_id)
        amounts = one.amounts
        return WaiverLine(own, loan_ref, one.date, amounts.interest_minor, amounts.penalty_minor)

    def _compensations(self, one: Posted) -> Iterator[CompensationLine]:
        """What each member paid, all its layers together."""
        loan = reading.loan(self._book, self._deal.deal, one.loan_id)
        assert loan is not None, "a compensation without its loan"
        terms = self._versions[loan.version]
        paid: dict[str, int] = {}
        for layer, amount in reading.layer_parts(self._book, one.number).items():
            payer = self._names[terms.parties[terms.layers[layer].payer]]
            paid[payer] = paid.get(payer, 0) + amount
        own, loan_ref = self._refs.text(one.entry_id), self._refs.text(one.loan_id)
        for payer, amount in paid.items():
            yield CompensationLine(0, own, loan_ref, one.date, amount, payer, _state(one))

    def _recovery(self, one: Posted) -> RecoveryLine:
        own, loan_ref = self._refs.text(one.entry_id), self._refs.text(one.loan_id)
        # The amount is kept as principal, its cost as fee.
        amount, _, _, cost = one.amounts
        return RecoveryLine(0, own, loan_ref, one.date, amount, cost, _state(one))

    def _deposit(self) -> Iterator[DepositLine]:
        for one in reading.deposit_lines(self._book, self._deal.deal):
            if one.date == self._day:
                ref, amount = self._refs.text(one.entry_id), abs(one.amount_minor)
                yield DepositLine(ref, one.date, one.kind.value, amount, one.deposit_minor)

    def _shares(self) -> Iterator[ShareLine]:
        for one in reading.statements(self._book, self._deal.deal):
            if one.date == self._day:
                year, month = divmod(one.month, 12)
                platform = self._names[self._terms.parties[self._terms.period.to]]
                yield ShareLine(
                    f"{year:04d}-{month + 1:02d}",
                    platform,
                    one.interest_minor,
                    "",
                    None,
                    one.platform_minor,
                    0,
                )

    def _list_changes(self) -> Iterator[ListLine]:
        parties = set(self._terms.parties)
        for bank in self._terms.parties:
            for one in reading.list_changes(self._book, bank):
                if one.from_date == self._day and one.party in parties:
                    yield ListLine(
                        one.from_date,
                        self._names[bank],
                        self._names[one.party],
                        _ROLES[one.role],
                        "add" if one.listed else "remove",
                        one.from_date,
                        0 if one.to_date == _NO_END else one.to_date,
                    )


def _state(one: Posted) -> State:
    return State.FAILED if one.reversed else State.SUCCESS


def _unsigned(one: LoanBalanceLine) -> LoanBalanceLine:
    # A loan that paid ahead has no interest outstanding.
    accrued = one.accrued_minor
    return one._replace(accrued_minor=None if accrued is None else max(accrued, 0))


def _plan(loan_ref: str, loan: LoanFacts | None) -> Iterator[InstalmentLine]:
    if loan is None:
        return
    for one in schedule(
        method=loan.method,
        principal_minor=loan.principal_minor,
        annual_rate_ppm=loan.annual_rate_ppm,
        day_count=loan.terms.day_count,
        start_date=date_of(loan.start_date),
        maturity_date=date_of(loan.maturity_date),
    ):
        yield InstalmentLine(
            loan_ref,
            one.period,
            day_number(one.start_date),
            day_number(one.due_date),
            one.principal_minor,
            one.interest_minor,
        )


def _accrual(loan_ref: str, loan: LoanFacts | None, day: int) -> Iterator[AccrualLine]:
    """What accrued from the opening of a day to that of the next."""
    if loan is not None:
        paid = sum(one.interest_minor for one in loan.repaid if one.date == day)
        accrued = accrued_minor(loan, day + 1) - accrued_minor(loan, day) + paid
        yield AccrualLine(loan_ref, max(accrued, 0))
