"""Details: one line of ours beside the same line of theirs, and every cause of a difference.

Each kind of line has an `agrees`, fast and without a word, and a `differences`, which looks for the
causes: one for the state, else one for the amounts, one for the parts, one for the date and one for
each particular of a loan.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from ledger.money import PPM, date_of
from ledger.reconcile.basis import Basis, LoanFacts
from ledger.reconcile.lines import (
    Break,
    CompensationLine,
    Kind,
    LoanLine,
    RecoveryLine,
    RepaymentLine,
    State,
)
from ledger.reconcile.recomputed import (
    Legs,
    booking_legs,
    interest_cause,
    legs_cause,
    outstanding_before,
    repayment_legs,
)
from ledger.reconcile.slips import Column, Slip, slip
from ledger.waterfall import interest_legs

DetailLine = LoanLine | RepaymentLine | CompensationLine | RecoveryLine
_RATE_BASES = ((365, 360), (360, 365))


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """How lines of one kind are read and compared."""

    kind: Kind
    loan_place: int
    """Places in the line: of its loan, date and state,"""
    date_place: int
    state_place: int
    amounts: tuple[int, ...]
    """and of its amounts."""
    key: Callable[[Any], Hashable]
    """Of an entry at the other side; a compensation has a line for each payer."""
    agrees: Callable[[Any, Any], bool]
    """Whether theirs says nothing else than ours. Legs are compared as they stand."""
    differences: Callable[[Any, Any, Basis], Iterator[Break]]

    def loan(self, line: Any) -> str:
        """The loan that a line is about."""
        ref: str = line[self.loan_place]
        return ref

    def date(self, line: Any) -> int:
        """A line's value date."""
        day: int = line[self.date_place]
        return day

    def succeeded(self, line: Any) -> bool:
        """Whether a line moved money."""
        return line[self.state_place] is State.SUCCESS

    def total(self, line: Any) -> int:
        """All amounts of a line that move money."""
        return sum(line[place] for place in self.amounts)

    def content(self, line: Any) -> Hashable:
        """Loan and amounts: what two lines of one entry have in common but for ref and date."""
        return self.loan(line), *(line[place] for place in self.amounts)

    def dated(self, line: Any) -> Hashable:
        """The content with the date."""
        return self.date(line), self.content(line)

    def loanless(self, line: Any) -> Hashable:
        """Date and amounts, of whatever loan."""
        return self.date(line), *(line[place] for place in self.amounts)

    def once(self, line: Any) -> Hashable:
        """Loan and payer of a compensation: what is paid once."""
        return line.loan_ref, line.payer


# ---- agreement


def _loan_agrees(ours: LoanLine, theirs: LoanLine) -> bool:
    return (
        ours[3] == theirs[3]
        and ours[2] == theirs[2]
        and ours[6] is theirs[6]
        and (theirs[4] is None or ours[4] == theirs[4])
        and (theirs[5] is None or ours[5] == theirs[5])
        and (theirs[7] is None or ours[7] == theirs[7])
    )


def _repayment_agrees(ours: RepaymentLine, theirs: RepaymentLine) -> bool:
    return (
        ours[4] == theirs[4]
        and ours[5] == theirs[5]
        and ours[6] == theirs[6]
        and ours[7] == theirs[7]
        and ours[3] == theirs[3]
        and ours[8] is theirs[8]
        and (ours[2] == theirs[2] or not theirs[2])
        and (theirs[9] is None or ours[9] == theirs[9])
    )


def _compensation_agrees(ours: CompensationLine, theirs: CompensationLine) -> bool:
    return (
        ours[4] == theirs[4]
        and ours[3] == theirs[3]
        and ours[6] is theirs[6]
        and (ours[2] == theirs[2] or not theirs[2])
    )


def _recovery_agrees(ours: RecoveryLine, theirs: RecoveryLine) -> bool:
    return (
        ours[4] == theirs[4]
        and ours[5] == theirs[5]
        and ours[3] == theirs[3]
        and ours[6] is theirs[6]
        and (ours[2] == theirs[2] or not theirs[2])
    )


# ---- differences


def _loan_differences(ours: LoanLine, theirs: LoanLine, basis: Basis) -> Iterator[Break]:
    make = _Maker(Kind.LOANS, ours, theirs, ours.start_date, ours.principal_minor)
    if ours.state is not theirs.state:
        yield from make.state()
        return
    loan = basis.loans.get(ours.loan_ref)
    columns = [Column("principal", ours.principal_minor, theirs.principal_minor)]
    found = slip(columns, netted=_fees_of_loan(loan))
    if found:
        yield make.amounts(found, columns)
    elif theirs.legs is not None:
        expected = ours.legs
        if expected is None and loan is not None:
            expected = tuple(booking_legs(loan.terms, ours.principal_minor).items())
        yield from make.legs(expected, theirs.legs, loan, [ours.principal_minor])
    shifted = theirs.start_date - ours.start_date
    if shifted:
        yield make.date("start_date", ours.start_date, theirs.start_date)
    matures = theirs.maturity_date
    if matures is not None and ours.maturity_date is not None:
        # A loan moved as a whole is one difference.
        if matures not in (ours.maturity_date, ours.maturity_date + shifted):
            yield make.date("maturity_date", ours.maturity_date, matures)
    if theirs.annual_rate_ppm is not None and theirs.annual_rate_ppm != ours.annual_rate_ppm:
        yield from make.rate(ours.annual_rate_ppm or 0, theirs.annual_rate_ppm)


def _repayment_differences(
    ours: RepaymentLine, theirs: RepaymentLine, basis: Basis
) -> Iterator[Break]:
    make = _Maker(Kind.REPAYMENTS, ours, theirs, ours.date, sum(ours[4:8]))
    if ours.state is not theirs.state:
        yield from make.state()
        return
    if theirs.loan_ref and theirs.loan_ref != ours.loan_ref:
        yield make.other_loan(ours.loan_ref, theirs.loan_ref)
    names = ("principal", "interest", "penalty", "fee")
    columns = [Column(*each) for each in zip(names, ours[4:8], theirs[4:8], strict=True)]
    if any(column.ours != column.theirs for column in columns):
        loan = basis.loans.get(ours.loan_ref)
        found = _interest_slip(columns, loan, ours) or slip(
            columns, netted=_fees_of_repayment(ours, loan)
        )
        assert found is not None, "amounts that differ"
        yield make.amounts(found, columns)
    elif theirs.legs is not None and theirs.legs != ours.legs:
        loan = basis.loans.get(ours.loan_ref)
        expected, before = ours.legs, 0
        if loan is not None:
            before = outstanding_before(loan, ours.date)
            if expected is None:
                expected = tuple(repayment_legs(loan, before, ours[4:8]).items())
        yield from make.legs(expected, theirs.legs, loan, ours[4:8], before)
    if ours.date != theirs.date:
        yield make.date("date", ours.date, theirs.date)


def _compensation_differences(
    ours: CompensationLine, theirs: CompensationLine, basis: Basis
) -> Iterator[Break]:
    make = _Maker(Kind.COMPENSATIONS, ours, theirs, ours.date, ours.amount_minor)
    if ours.state is not theirs.state:
        yield from make.state()
        return
    if theirs.loan_ref and theirs.loan_ref != ours.loan_ref:
        yield make.other_loan(ours.loan_ref, theirs.loan_ref)
    columns = [Column("amount", ours.amount_minor, theirs.amount_minor)]
    found = slip(columns, netted={})
    if found:
        yield make.amounts(found, columns)
    if ours.date != theirs.date:
        yield make.date("date", ours.date, theirs.date)


def _recovery_differences(
    ours: RecoveryLine, theirs: RecoveryLine, basis: Basis
) -> Iterator[Break]:
    make = _Maker(Kind.RECOVERIES, ours, theirs, ours.date, ours.amount_minor)
    if ours.state is not theirs.state:
        yield from make.state()
        return
    if theirs.loan_ref and theirs.loan_ref != ours.loan_ref:
        yield make.other_loan(ours.loan_ref, theirs.loan_ref)
    columns = [
        Column("amount", ours.amount_minor, theirs.amount_minor),
        Column("cost", ours.cost_minor, theirs.cost_minor),
    ]
    found = None
    if theirs.amount_minor == ours.amount_minor - ours.cost_minor:
        # The cost taken off the amount, whatever is in its own column.
        found = slip(columns[:1], netted={"cost": ours.cost_minor})
    found = found or slip(columns, netted={"cost": ours.cost_minor})
    if found:
        yield make.amounts(found, columns)
    if ours.date != theirs.date:
        yield make.date("date", ours.date, theirs.date)


DETAILS: dict[Kind, Details] = {
    Kind.LOANS: Details(
        kind=Kind.LOANS, loan_place=1, date_place=2, state_place=6, amounts=(3,), key=itemgetter(1),
        agrees=_loan_agrees, differences=_loan_differences,
    ),
    Kind.REPAYMENTS: Details(
        kind=Kind.REPAYMENTS, loan_place=2, date_place=3, state_place=8, amounts=(4, 5, 6, 7),
        key=itemgetter(1),
        agrees=_repayment_agrees, differences=_repayment_differences,
    ),
    Kind.COMPENSATIONS: Details(
        kind=Kind.COMPENSATIONS, loan_place=2, date_place=3, state_place=6, amounts=(4,),
        key=itemgetter(1, 5),
        agrees=_compensation_agrees, differences=_compensation_differences,
    ),
    Kind.RECOVERIES: Details(
        kind=Kind.RECOVERIES, loan_place=2, date_place=3, state_place=6, amounts=(4,),
        key=itemgetter(1),
        agrees=_recovery_agrees, differences=_recovery_differences,
    ),
}  # fmt: skip


# ---- causes


def _interest_slip(
    columns: Sequence[Column], loan: LoanFacts | None, ours: RepaymentLine
) -> Slip | None:
    """Interest reckoned on another basis; of a level instalment the principal moves with it."""
    principal, interest, *others = columns
    if loan is None or interest.ours == interest.theirs or any(c.ours != c.theirs for c in others):
        return None
    moved = interest.theirs - interest.ours
    if principal.ours != principal.theirs and principal.theirs - principal.ours != -moved:
        return None
    found = interest_cause(loan, ours.date, interest.ours, interest.theirs)
    if found is None:
        return None
    cause, facts = found
    return Slip(
        code="B09", field="interest", cause=cause, facts={**facts, "difference_minor": abs(moved)}
    )


def _fees_of_loan(loan: LoanFacts | None) -> dict[str, int]:
    if loan is None or loan.terms.fee is None:
        return {}
    fee = loan.terms.fee
    fees = {"per_loan": fee.per_loan_minor or 0}
    if fee.per_loan_ppm:
        fees["per_loan"] = (2 * loan.principal_minor * fee.per_loan_ppm + PPM) // (2 * PPM)
    if fee.borrower_upfront:
        fees["upfront"] = fee.borrower_upfront.of(loan.principal_minor)
    return fees


def _fees_of_repayment(ours: RepaymentLine, loan: LoanFacts | None) -> dict[str, int]:
    fees = {"fee": ours.fee_minor}
    if loan is not None and ours.interest_minor:
        legs = interest_legs(ours.interest_minor, loan.annual_rate_ppm, loan.terms)
        taken = {tier.to for tier in loan.terms.interest}
        for party in taken & legs.keys():
            fees[party] = legs[party]
    return fees


class _Maker:
    """Makes the breaks of one pair of lines."""

    def __init__(
        self, kind: Kind, ours: DetailLine, theirs: DetailLine, date: int, total_minor: int
    ) -> None:
        self._kind, self._ours, self._theirs = kind, ours, theirs
        self._date, self._total_minor = date, total_minor

    def state(self) -> Iterator[Break]:
        ours, theirs = self._ours.state, self._theirs.state
        if State.SUCCESS not in (ours, theirs):
            return
        if ours is State.SUCCESS:
            cause = "failed_there" if theirs is State.FAILED else "in_transit_there"
        else:
            cause = "reversed_here"
        yield self._make("B04", "state", ours.value, theirs.value, cause, {}, self._total_minor)

    def amounts(self, found: Slip, columns: Sequence[Column]) -> Break:
        shown = [column for column in columns if column.name == found.field] or columns
        ours, theirs = sum(c.ours for c in shown), sum(c.theirs for c in shown)
        moved = found.facts.get("moved_minor", abs(ours - theirs))
        assert isinstance(moved, int)
        return self._make(found.code, found.field, ours, theirs, found.cause, found.facts, moved)

    def legs(
        self,
        ours: tuple[tuple[str, int], ...] | None,
        theirs: tuple[tuple[str, int], ...],
        loan: LoanFacts | None,
        amounts: Sequence[int],
        before: int = 0,
    ) -> Iterator[Break]:
        if ours is None:
            return
        have = {party: part for party, part in ours if part}
        says = {party: part for party, part in theirs if part}
        if have == says:
            return
        cause, facts = legs_cause(have, says, loan, amounts, before)
        risk = sum(abs(have.get(p, 0) - says.get(p, 0)) for p in have.keys() | says.keys())
        yield self._make(
            "B05", "legs", _legs_text(have), _legs_text(says), cause, facts, (risk + 1) // 2
        )

    def date(self, field: str, ours: int, theirs: int) -> Break:
        days = abs(ours - theirs)
        cause = "cut_off" if days == 1 and field != "maturity_date" else "date"
        later = "theirs" if theirs > ours else "ours"
        texts = date_of(ours).isoformat(), date_of(theirs).isoformat()
        return self._make("B06", field, *texts, cause, {"days": days, "later": later}, 0)

    def rate(self, ours: int, theirs: int) -> Iterator[Break]:
        cause, facts = "rate", {}
        for mine, other in _RATE_BASES:
            # A daily rate made a yearly one with the other number of days.
            if abs(theirs * mine - ours * other) <= mine:
                cause, facts = "rate_basis", {"own_days": mine, "other_days": other}
        yield self._make("B09", "annual_rate", ours, theirs, cause, {**facts}, 0)

    def other_loan(self, ours: str, theirs: str) -> Break:
        return self._make("B05", "loan_ref", ours, theirs, "other_loan", {}, self._total_minor)

    def _make(
        self,
        code: str,
        field: str,
        ours: int | str,
        theirs: int | str,
        cause: str,
        facts: dict[str, str | int],
        at_risk_minor: int,
    ) -> Break:
        return Break(
            code=code, kind=self._kind, ref=self._theirs[1] or self._ours[1], field=field,
            ours=ours, theirs=theirs, cause=cause, facts=facts, date=self._date,
            at_risk_minor=at_risk_minor, line=self._theirs.line,
        )  # fmt: skip


def _legs_text(legs: Legs) -> str:
    return " ".join(f"{party}={part}" for party, part in sorted(legs.items()))
