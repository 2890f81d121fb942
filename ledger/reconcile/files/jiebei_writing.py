"""Writing the daily set of 借呗: rows of the 13 files from the contents of a day.

What the ledger does not keep is left empty: names, accounts, products, terms of repayment. A loan
that opens the day overdue has its principal and interest, and what is repaid of them, in the
overdue columns; one that is overdue for more than 90 days is non-accrual.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ledger.money import half_up
from ledger.reconcile.files.jiebei_files import NON_ACCRUAL, OVERDUE
from ledger.reconcile.files.jiebei_lines import STATES
from ledger.reconcile.files.set_contents import DayContents, InstalmentLine, WaiverLine
from ledger.reconcile.lines import CashLine, LoanBalanceLine, LoanLine, RepaymentLine, State

_CODES = {state: code for code, state in STATES.items()}
_ACCRUAL_DAYS = 90
_YEAR_DAYS = 360
Rows = dict[str, list[tuple[Any, ...]]]


class Opening:
    """How loans open the day."""

    def __init__(self, contents: DayContents) -> None:
        self._date = contents.date
        self._of = {one.loan_ref: one for one in contents.balances}

    def days(self, loan_ref: str) -> int:
        """Overdue days; 0 for a loan that is not, or is not known."""
        one = self._of.get(loan_ref)
        return self._date - one.overdue_since if one and one.overdue_since else 0

    def status(self, loan_ref: str) -> str:
        """0 accrual, 1 non-accrual."""
        return "1" if self.days(loan_ref) > _ACCRUAL_DAYS else "0"

    def balances(self, loan_ref: str) -> tuple[int, int, int, int]:
        """Principal, overdue principal, interest, overdue interest."""
        one = self._of.get(loan_ref)
        found = (one.outstanding_minor, one.accrued_minor or 0) if one else (0, 0)
        return _placed(found, late=bool(self.days(loan_ref)))


def _placed(parts: tuple[int, int], *, late: bool) -> tuple[int, int, int, int]:
    principal, interest = parts
    return (0, principal, 0, interest) if late else (principal, 0, interest, 0)


def rows(contents: DayContents) -> Rows:
    """The rows of all files but the totals, which `totals` adds up from them."""
    opening, date = Opening(contents), contents.date
    through = [one for one in contents.loans if one.state is State.SUCCESS]
    # Only loans have a state here: what did not stand is not in the files.
    repaid = [one for one in contents.repayments if one.state is State.SUCCESS]
    return {
        "lending_detail": [_loan(one) for one in contents.loans if one not in through],
        "loan_detail": [_loan(one) for one in through],
        "repay_plan": list(_plans(contents, through)),
        "repay_loan_detail": [_repayment(one, opening) for one in repaid],
        "repay_instmnt_detail": [_instalment_paid(one) for one in repaid],
        "exempt_loan_detail": [_waiver(one, opening) for one in contents.waivers],
        "exempt_instmnt_detail": [_waived_instalment(one) for one in contents.waivers],
        "loan_init": [_balance(one, opening, date) for one in contents.balances],
        "instmnt_init": [_instalment(one, opening, date) for one in contents.balances],
        "loan_calc": [
            (
                one.loan_ref,
                date,
                opening.status(one.loan_ref),
                *opening.balances(one.loan_ref)[:2],
                opening.balances(one.loan_ref)[3],
                "",
                "",
                one.interest_minor,
                one.penalty_minor,
                0,
            )
            for one in contents.accruals
        ],
        "arg_status_change": list(_changes(contents.balances, opening, date)),
        "fund_detail": [_fund(number, one) for number, one in enumerate(contents.cash, 1)],
    }


def _loan(one: LoanLine) -> tuple[Any, ...]:
    day_rate = half_up(one.annual_rate_ppm or 0, _YEAR_DAYS)
    return (
        *(one.loan_ref, one.cash_ref, "", "", "", "", _CODES[one.state], "", ""),
        *(one.start_date, one.start_date, "CNY", one.principal_minor, one.start_date),
        *(one.maturity_date if one.maturity_date is not None else one.start_date, "", "", "", ""),
        f"0.{day_rate:06d}" if one.annual_rate_ppm is not None else "",
        *("", "", "", "", "", "", "", "", ""),
    )


def _plans(contents: DayContents, loans: Sequence[LoanLine]) -> Iterator[tuple[Any, ...]]:
    planned: dict[str, list[InstalmentLine]] = {}
    for one in contents.plans:
        planned.setdefault(one.loan_ref, []).append(one)
    for loan in loans:
        end = loan.maturity_date if loan.maturity_date is not None else loan.start_date
        whole = InstalmentLine(loan.loan_ref, 1, loan.start_date, end, loan.principal_minor, 0)
        yield from map(tuple, planned.get(loan.loan_ref) or [whole])


def _repayment(one: RepaymentLine, opening: Opening) -> tuple[Any, ...]:
    paid = _placed((one.principal_minor, one.interest_minor), late=bool(opening.days(one.loan_ref)))
    total = one.principal_minor + one.interest_minor + one.penalty_minor
    return (
        *(one.loan_ref, one.entry_ref, "", one.cash_ref, "", one.date),
        *opening.balances(one.loan_ref),
        *(0, 0, total, *paid, one.penalty_minor, 0, 0),
    )


def _instalment_paid(one: RepaymentLine) -> tuple[Any, ...]:
    total = one.principal_minor + one.interest_minor + one.penalty_minor
    return (
        *(one.loan_ref, one.entry_ref, 1, "", one.date, 0, 0, 0, 0),
        *(total, one.principal_minor, one.interest_minor, one.penalty_minor, 0),
    )


def _waiver(one: WaiverLine, opening: Opening) -> tuple[Any, ...]:
    late = bool(opening.days(one.loan_ref))
    return (
        *(one.loan_ref, one.entry_ref, one.date, *opening.balances(one.loan_ref)[2:], 0, 0),
        one.interest_minor + one.penalty_minor,
        *_placed((0, one.interest_minor), late=late)[2:],
        *(one.penalty_minor, 0),
    )


def _waived_instalment(one: WaiverLine) -> tuple[Any, ...]:
    return (
        *(one.loan_ref, one.entry_ref, 1, one.date, 0, 0, 0),
        *(one.interest_minor + one.penalty_minor, one.interest_minor, one.penalty_minor, 0),
    )


def _state(one: LoanBalanceLine) -> str:
    if not one.outstanding_minor:
        return "CLEAR"
    return "OVD" if one.overdue_since else "NORMAL"


def _balance(one: LoanBalanceLine, opening: Opening, date: int) -> tuple[Any, ...]:
    days = opening.days(one.loan_ref)
    return (
        *(one.loan_ref, date, _state(one), "", one.asset_class, opening.status(one.loan_ref)),
        *("", "", "", days, days, *opening.balances(one.loan_ref), 0, 0),
    )


def _instalment(one: LoanBalanceLine, opening: Opening, date: int) -> tuple[Any, ...]:
    days = opening.days(one.loan_ref)
    return (
        *(one.loan_ref, date, 1, "", "", _state(one), "", one.overdue_since or "", ""),
        *(days, days, one.outstanding_minor, one.accrued_minor or 0, 0, 0),
    )


def _changes(
    balances: Sequence[LoanBalanceLine], opening: Opening, date: int
) -> Iterator[tuple[Any, ...]]:
    """Loans that turned overdue on the day before, or went past the limit of accrual."""
    for one in balances:
        days = opening.days(one.loan_ref)
        moved = (one.outstanding_minor, one.accrued_minor or 0, 0, 0)
        if days == 1:
            yield one.loan_ref, date, "", OVERDUE, "NORMAL", "OVD", *moved
        elif days == _ACCRUAL_DAYS + 1:
            yield one.loan_ref, date, "", NON_ACCRUAL, "0", "1", *moved


def _fund(number: int, one: CashLine) -> tuple[Any, ...]:
    what = "P_DLGATE" if one.amount_minor >= 0 else "P_WITHDRAW"
    serial = (
        one.text.rpartition(" ")[2] if one.text.startswith("P_") else f"{one.value_date}-{number}"
    )
    return (
        *(serial, what, one.amount_minor, 0, one.value_date, ""),
        *(one.counterparty, one.reference),
    )
