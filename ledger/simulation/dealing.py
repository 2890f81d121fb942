"""Dealing: one deal of a simulation as the terms make it, divided in Python to the fen.

The twin of what the contracts post: a ledger into which the files are posted must come to the same
balances. Only what decides about others is kept of a loan; nothing of one that is paid.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from ledger.losses import compensation, excess, recovery
from ledger.money import PPM, apportion, day_number, half_up, year_days
from ledger.settling import Payment, fewest_payments
from ledger.tables import RecoveryOrder, Source
from ledger.terms import Terms
from ledger.waterfall import (
    Account,
    Posting,
    post_booking,
    post_compensation,
    post_deposit,
    post_period,
    post_recovery,
    post_repayment,
    post_reversal,
    post_settlement,
    post_write_off,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """Who is owed what of a loan that is not paid. Minor units."""

    left_minor: int
    """The funders': outstanding, or written off."""
    written_off: bool = False
    claims_minor: tuple[int, ...] = ()
    """By loss layer."""

    @property
    def total_minor(self) -> int:
        """Of all."""
        return self.left_minor + sum(self.claims_minor)


@dataclass(slots=True)
class Counts:
    """What happened in a deal so far. Amounts in minor units."""

    booked: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    """By reason."""
    refused_minor: int = 0
    entries: Counter[str] = field(default_factory=Counter)
    """By kind."""
    disbursed_minor: int = 0
    repaid_minor: int = 0
    """Principal."""
    compensated_minor: int = 0
    recovered_minor: int = 0
    written_off_minor: int = 0
    topped_up_minor: int = 0
    released_minor: int = 0


class Dealing:
    """A deal's balances and lines, entry by entry."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.balances: defaultdict[tuple[str, Account], int] = defaultdict(int)
        self.counts = Counts()
        self.outstanding_minor = 0
        self.deposit_minor = 0
        self.used_minor = [0] * len(terms.loss)
        self._balance_days = self._interest_minor = self._loss_minor = 0
        """Principal times its days, interest and losses, all since the beginning."""
        self._told = (0, 0, 0)
        self._carry_minor = 0
        self._moved = False

    # ---- lending

    def covers(self, principal_minor: int) -> bool:
        """Whether the deposit covers what would be outstanding, at its stop line (M5)."""
        deposit = self.terms.deposit
        after = self.outstanding_minor + principal_minor
        return deposit is None or self.deposit_minor * PPM >= deposit.stop_ppm * after

    def book(self, principal_minor: int, day: int) -> None:
        """放款."""
        self.post(post_booking(self.terms, principal_minor))
        fee = self.terms.fee
        if fee is not None and fee.per_loan_ppm:
            self._charge(fee.to, half_up(principal_minor * fee.per_loan_ppm, PPM))
        self._moves(principal_minor, day)
        self.counts.booked += 1
        self.counts.disbursed_minor += principal_minor
        self._moved = True

    def repay(self, day: int, values: Sequence[int], *, back: bool = False) -> None:
        """还款: values as in `Step.REPAYMENT`; `back`: taken back on this day (冲正)."""
        _, principal, interest, penalty, fee, before, rate_ppm, *_ = values
        postings = post_repayment(
            self.terms,
            outstanding_minor=before,
            annual_rate_ppm=rate_ppm,
            principal_minor=principal,
            interest_minor=interest,
            penalty_minor=penalty,
            fee_minor=fee,
        )
        sign = -1 if back else 1
        self.post(post_reversal(postings) if back else postings)
        self._moves(-sign * principal, day)
        self._interest_minor += sign * interest
        self.counts.repaid_minor += sign * principal

    # ---- losses

    def claim(self, owed_minor: int, day: int) -> Owed | None:
        """代偿: who is owed what once the layers paid; None when none would pay anything."""
        terms = self.terms
        found = compensation(
            owed_minor,
            terms.loss,
            used_minor=self.used_minor,
            deposits_minor={terms.deposit.by: self.deposit_minor} if terms.deposit else {},
            disbursed_minor=self.counts.disbursed_minor,
            outstanding_minor=self.outstanding_minor,
        )
        paid = sum(found.pays_minor)
        if not paid:
            return None
        for at, (layer, pay) in enumerate(zip(terms.loss, found.pays_minor, strict=True)):
            self.used_minor[at] += pay
            if layer.source is Source.DEPOSIT:
                self.deposit_minor -= pay
        pays = found.pays_minor
        self.post(post_compensation(terms, outstanding_minor=owed_minor, pays_minor=pays))
        self._moves(-paid, day)
        self.counts.compensated_minor += paid
        return Owed(left_minor=owed_minor - paid, claims_minor=found.pays_minor)

    def write_off(self, owed: Owed, day: int) -> Owed:
        """核销 of what the funders are owed."""
        self.post(post_write_off(self.terms, owed.left_minor))
        self._moves(-owed.left_minor, day)
        self._loss_minor += owed.left_minor
        self.counts.written_off_minor += owed.left_minor
        return Owed(left_minor=owed.left_minor, written_off=True, claims_minor=owed.claims_minor)

    def recover(self, owed: Owed, cash_minor: int, day: int) -> Owed:
        """追偿: what came in, less its cost; returns who is owed what after it."""
        terms = self.terms
        claims = owed.claims_minor or (0,) * len(terms.loss)
        found = recovery(
            cash_minor,
            residual_minor=owed.left_minor,
            claims_minor=claims,
            shares_ppm=[layer.share_ppm for layer in terms.loss],
            order=terms.claim.recovery_order if terms.claim else RecoveryOrder.REVERSE,
        )
        self.post(
            post_recovery(
                terms,
                cash_minor=cash_minor,
                residual_minor=owed.left_minor,
                to_residual_minor=found.to_residual_minor,
                to_layers_minor=found.to_layers_minor,
                surplus_minor=found.surplus_minor,
                written_off=owed.written_off,
            )
        )
        if owed.written_off:
            self._loss_minor -= found.to_residual_minor
        else:
            self._moves(-found.to_residual_minor, day)
        self.counts.recovered_minor += cash_minor
        left = [claim - part for claim, part in zip(claims, found.to_layers_minor, strict=True)]
        return Owed(
            left_minor=owed.left_minor - found.to_residual_minor,
            written_off=owed.written_off,
            claims_minor=tuple(left),
        )

    # ---- deposit

    def top_up_minor(self, planned_minor: int) -> int:
        """What brings the deposit to target for what is about to be lent as well, if it would be
        under its warning line; else 0."""
        deposit = self.terms.deposit
        if deposit is None:
            return 0
        after = self.outstanding_minor + planned_minor
        if self.deposit_minor * PPM >= deposit.warn_ppm * after:
            return 0
        return half_up(deposit.target_ppm * after, PPM) + 1 - self.deposit_minor

    def spare_minor(self) -> int:
        """What of the deposit is above target."""
        deposit = self.terms.deposit
        if deposit is None:
            return 0
        needed = -(-deposit.target_ppm * self.outstanding_minor // PPM)
        return max(0, self.deposit_minor - needed)

    def move_deposit(self, amount_minor: int) -> None:
        """保证金: paid in, or released below 0."""
        self.post(post_deposit(self.terms, amount_minor))
        self.deposit_minor += amount_minor
        self.counts.topped_up_minor += max(0, amount_minor)
        self.counts.released_minor += max(0, -amount_minor)

    # ---- the end of a month

    def close_month(self, end: date) -> int | None:
        """分润结算单 of a month that ends before this day: the platform's part.

        None where there is no statement to close.
        """
        period = self.terms.period
        if period is None or not self._moved:
            return None
        days = self.outstanding_minor * day_number(end) - self._balance_days
        figures = (days, self._interest_minor, self._loss_minor)
        balance_days, interest, loss = (
            now - told for now, told in zip(figures, self._told, strict=True)
        )
        self._told = figures
        found = excess(
            balance_days_minor=balance_days,
            year_days=year_days(self.terms.day_count),
            bank_return_ppm=period.bank_return_ppm or 0,
            interest_minor=interest,
            net_loss_minor=loss,
            carried_minor=self._carry_minor,
            share_ppm=period.share_ppm or 0,
        )
        self._carry_minor = found.carry_minor
        self.post(post_period(self.terms, found.platform_minor))
        return found.platform_minor

    def payments(self) -> list[Payment]:
        """清算: who pays whom so that nothing is due; parties by their place in the terms."""
        parties = self.terms.parties
        return fewest_payments(
            {at: self.balances[party, Account.CLEARING] for at, party in enumerate(parties)}
        )

    def settle(self, payer: str, payee: str, amount_minor: int) -> None:
        """A payment of a settlement was made."""
        self.post(post_settlement(payer, payee, amount_minor))

    def _charge(self, payee: str, fee_minor: int) -> None:
        """导流: what the funders pay for a loan."""
        parts = apportion(fee_minor, self.terms.shares_ppm)
        postings = [
            Posting(party=payee, account=Account.FEES, amount_minor=-fee_minor),
            Posting(party=payee, account=Account.CLEARING, amount_minor=fee_minor),
        ]
        for party, part in zip(self.terms.funders, parts, strict=True):
            postings += [
                Posting(party=party, account=Account.FEES, amount_minor=part),
                Posting(party=party, account=Account.CLEARING, amount_minor=-part),
            ]
        self.post(postings)

    def _moves(self, principal_minor: int, day: int) -> None:
        self.outstanding_minor += principal_minor
        self._balance_days += principal_minor * day

    def post(self, postings: Iterable[Posting]) -> None:
        """Postings of an entry, or a part of them."""
        for one in postings:
            self.balances[one.party, one.account] += one.amount_minor
