"""Guaranteeing: rules for deposits, claims and recoveries."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.contracts.guarantees.desk import Claim, Recovery
from tests.contracts.sandbox.entries import MAX_AMOUNT, START, Kind, OverdueMark, id_of
from tests.contracts.sandbox.partnership import deal_id
from tests.stateful.draws import (
    AMOUNTS,
    ASKED,
    CLAIMED,
    ENTRY_DAYS,
    KNOWN,
    OPEN,
    SENDERS,
    SKIPS,
    WITH_DEPOSIT,
    any_plan,
)
from tests.stateful.posting import Posting

CUSTODIANS = st.sampled_from([None] * 12 + ["platform", "auditor"])
DEPOSITS = any_plan(lambda plan: plan.deposit_terms)
LAYERS = any_plan(lambda plan: plan.has_layers)


class Guaranteeing(Posting):
    """What guarantors place, pay and get back."""

    # ---- deposits
    @precondition(DEPOSITS)
    @rule(
        name=WITH_DEPOSIT,
        amount=st.sampled_from([1, 7_777, 60_000, 60_000, 0, MAX_AMOUNT + 1]),
        date=st.one_of(ENTRY_DAYS, st.just(2**16)),
        again=st.sampled_from([False] * 9 + [True]),
        sender=SENDERS,
    )
    def pay(self, name: str, amount: int, date: int, again: bool, sender: str | None) -> None:
        entry = self._deposit_entry(name, again)
        self.submit_payment(name, sender, entry, date, amount)

    @precondition(DEPOSITS)
    @rule(name=WITH_DEPOSIT, amount=st.integers(1, 20_000), day=st.integers(1, 300))
    def pay_soundly(self, name: str, amount: int, day: int) -> None:
        date = self.deal(name).sealed_through or START
        self.submit_payment(name, None, self.entry(), date + day, amount)

    @precondition(DEPOSITS)
    @rule(
        name=WITH_DEPOSIT,
        share=st.sampled_from([1, 2, 5, 10, 50]),
        more=st.sampled_from([0, 0, 0, 1]),
        date=ENTRY_DAYS,
        again=st.sampled_from([False] * 9 + [True]),
        party=CUSTODIANS,
        ask=ASKED,
    )
    def release(
        self,
        name: str,
        share: int,
        more: int,
        date: int,
        again: bool,
        party: str | None,
        ask: bool,
    ) -> None:
        amount = self.deal(name).deposit // share + more
        entry = self._deposit_entry(name, again)
        self.four_eyes(
            party or self._custodian(name),
            "guarantees",
            "release",
            (deal_id(name), id_of(entry), date, amount),
            lambda model, act: model.deals[name].release(act, entry, date, amount),
            ask=ask,
        )

    @precondition(DEPOSITS)
    @rule(name=WITH_DEPOSIT, which=st.integers(0, 20), date=ENTRY_DAYS, party=CUSTODIANS, ask=ASKED)
    def reverse_payment(
        self, name: str, which: int, date: int, party: str | None, ask: bool
    ) -> None:
        known = [*self.deal(name).on_deposit, "no payment"]
        entry, payment = self.entry(), known[which % len(known)]
        self.four_eyes(
            party or self._custodian(name),
            "guarantees",
            "reverse_payment",
            (deal_id(name), id_of(entry), id_of(payment), date),
            lambda model, act: model.deals[name].reverse_payment(act, entry, payment, date),
            ask=ask,
        )

    def _deposit_entry(self, name: str, again: bool) -> str:
        known = list(self.deal(name).on_deposit)
        return known[-1] if again and known else self.entry()

    def _custodian(self, name: str) -> str:
        deposit = self.plans[name].deposit_terms
        assert deposit is not None
        return str(deposit.custodian)

    # ---- claims
    @precondition(LAYERS)
    @rule(
        known=KNOWN,
        date=st.one_of(ENTRY_DAYS, st.just(2**16)),
        twice=st.sampled_from([False] * 9 + [True]),
        sender=SENDERS,
        skip=SKIPS,
    )
    def compensate(
        self, known: tuple[str, str], date: int, twice: bool, sender: str | None, skip: int
    ) -> None:
        name, ref = known
        day = max(date, self.last_paid(name, ref))
        rows = [Claim(entry=self.entry(), loan=ref, date=day, sequence=skip)] * (1 + twice)
        self.submit(
            name, "compensate", self.version_of(name, ref), sender, self.numbered(name, rows)
        )

    @precondition(LAYERS)
    @rule(
        first=OPEN,
        more=st.integers(0, 2),
        since=st.integers(1, 60),
        late=st.sampled_from([0, 0, 0, 1, 30, -1]),
    )
    def compensate_soundly(self, first: tuple[str, str], more: int, since: int, late: int) -> None:
        """Loans of one version, marked overdue if they are not yet."""
        name, ref = first
        version = self.version_of(name, ref)
        others = [
            other
            for other, loan in self.deal(name).loans.items()
            if other != ref and loan.version == version and loan.outstanding
            and not (loan.compensated or loan.written_off)
        ]  # fmt: skip
        rows = []
        for other in [ref, *others[:more]]:
            loan = self.deal(name).loans.get(other)
            if loan and loan.outstanding and not loan.overdue_since:
                day = loan.start + since
                mark = OverdueMark(
                    entry=self.entry(), loan=other, since=day, sequence=loan.sequence
                )
                self.submit(name, "mark_overdue", version, None, [mark])
                loan = self.deal(name).loans[other]
            wait = self.deal(name).terms(version).claim.days_past_due + late
            day = (loan.overdue_since if loan else START) + wait
            # What accrued by an earlier day is not known any more.
            day = max(day, self.last_paid(name, other), loan.start if loan else 0)
            rows.append(Claim(entry=self.entry(), loan=other, date=day, sequence=0))
        self.submit(name, "compensate", version, None, self.numbered(name, rows))

    # ---- recoveries
    @rule(
        known=KNOWN,
        date=st.one_of(ENTRY_DAYS, st.just(2**16)),
        amounts=st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS),
        kind=st.sampled_from([Kind.RECOVERY, Kind.CLAIM_REPAYMENT, Kind.CLAIM_REPAYMENT, 8]),
        sender=SENDERS,
        skip=SKIPS,
    )
    def recover(
        self,
        known: tuple[str, str],
        date: int,
        amounts: tuple[int, int, int, int],
        kind: int,
        sender: str | None,
        skip: int,
    ) -> None:
        name, ref = known
        principal, interest, penalty, fee = amounts
        row = Recovery(
            entry=self.entry(), loan=ref, date=date, sequence=skip, kind=kind,
            principal=principal, interest=interest, penalty=penalty, fee=fee,
        )  # fmt: skip
        self.submit(name, "recover", self.version_of(name, ref), sender, self.numbered(name, [row]))

    @precondition(
        lambda self: any(
            loan.compensated or loan.written_off
            for deal in self.model.deals.values()
            for loan in deal.loans.values()
        )
    )
    @rule(
        known=CLAIMED,
        rows=st.lists(
            st.tuples(
                st.sampled_from([1, 2, 3, 7]), st.integers(0, 1), st.booleans(), st.integers(0, 300)
            ),
            min_size=1,
            max_size=2,
        ),
    )
    def recover_soundly(
        self, known: tuple[str, str], rows: list[tuple[int, int, bool, int]]
    ) -> None:
        """A part of what is open, all of it, or one more."""
        name, ref = known
        loan = self.deal(name).loans.get(ref)
        owed = sum(loan.claims) + (loan.lost or loan.outstanding) if loan else 0
        found = []
        for share, more, late_repayment, day in rows:
            amount = max(1, owed // share) + more
            if late_repayment:
                amounts = {"principal": amount - amount // 3, "interest": amount // 3}
            else:
                amounts = {"principal": amount + 7 * more, "fee": 7 * more}
            kind = Kind.CLAIM_REPAYMENT if late_repayment else Kind.RECOVERY
            date = (loan.start if loan else START) + day
            found.append(
                Recovery(entry=self.entry(), loan=ref, date=date, sequence=0, kind=kind, **amounts)
            )
        version = self.version_of(name, ref)
        self.submit(name, "recover", version, None, self.numbered(name, found))
