"""Posting: rules for entries on loans that Loans and Servicing post, and for their mirrors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.contracts.guarantees.desk import Reversal as SharedReversal
from tests.contracts.sandbox.entries import (
    MAX_AMOUNT,
    START,
    Booking,
    Kind,
    Method,
    OverdueMark,
    Purpose,
    Repayment,
    Reversal,
    Waiver,
    WriteOff,
    reversal_of,
    tip_of,
)
from tests.contracts.sandbox.partnership import deal_id
from tests.contracts.sandbox.terms import Demand
from tests.stateful.draws import (
    AMOUNTS,
    ASKED,
    DEALS,
    ENTRY_DAYS,
    KNOWN,
    NEW,
    OPEN,
    SENDERS,
    SKIPS,
    STANDING,
    versions,
)
from tests.stateful.guarantees import Shared
from tests.stateful.office import BORROWERS, LOANS, Office

BOOKINGS = st.fixed_dictionaries(
    {
        "borrower": st.sampled_from(BORROWERS),
        "principal": st.one_of(
            st.integers(1, 400_000),
            st.integers(1, 400_000),
            st.sampled_from([0, 200_001, 1_500_000, MAX_AMOUNT + 1]),
        ),
        "after": st.sampled_from([0, 0, 1, 27, 30, 45, 200, -1]),
        "days": st.sampled_from([365, 365, 365, 366, 700, 0]),
        "rate": st.sampled_from([0, 180_000, 180_000, 180_000, 240_000, 240_001]),
        "method": st.sampled_from([*list(Method) * 3, 4]),
        "purpose": st.sampled_from([*list(Purpose) * 4, 2]),
    }
)
"""`after`: days after the version's effective date; `days`: to maturity."""
FORGED: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}] * 9
    + [
        {"reversed_amounts": 1},
        {"reversed_id": bytes(32)},
        {"reversed_kind": Kind.REPAYMENT},
        {"reversed_kind": 0},
        {"previous_tip": 1},
    ]
)


class Posting(Office):
    """Bookings, repayments, marks, waivers, write-offs, reversals."""

    # ---- bookings
    @rule(
        first=NEW,
        rows=st.lists(BOOKINGS, min_size=1, max_size=2),
        same_day=st.booleans(),
        pick=st.integers(0, 60),
        sender=SENDERS,
    )
    def book(
        self,
        first: tuple[str, str],
        rows: list[dict[str, Any]],
        same_day: bool,
        pick: int,
        sender: str | None,
    ) -> None:
        name, ref = first
        refs = LOANS[LOANS.index(ref) :] + LOANS
        version = versions(self, name, pick)
        proposals = self.deal(name).proposals
        first_day = proposals[min(version, len(proposals)) - 1].effective_date
        bookings = []
        for own, fields in zip(refs, rows, strict=False):
            known = {key: fields[key] for key in fields.keys() - {"after", "days"}}
            start = first_day + rows[0 if same_day else len(bookings)]["after"]
            maturity = start + fields["days"]
            bookings.append(Booking(loan=own, start=start, maturity=maturity, **known))
        self.submit(name, "book", version, sender, bookings)

    @rule(
        new=NEW,
        principal=st.one_of(
            st.integers(1, 400_000), st.sampled_from([60_000, 150_001, 240_000, 333_333])
        ),
        borrower=st.sampled_from(BORROWERS),
        late=st.integers(0, 27),
    )
    def book_soundly(self, new: tuple[str, str], principal: int, borrower: str, late: int) -> None:
        name, loan = new
        version = self.deal(name).in_force[-1]
        start = self.deal(name).terms(version).effective_date + late
        row = Booking(
            loan=loan, borrower=borrower, principal=principal, start=start, maturity=start + 365
        )
        self.submit(name, "book", version, None, [row])

    # ---- repayments
    @rule(
        name=DEALS,
        rows=st.lists(
            st.tuples(st.integers(0, 7), ENTRY_DAYS, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, SKIPS),
            min_size=1,
            max_size=3,
        ),
        sender=SENDERS,
    )
    def repay(
        self, name: str, rows: list[tuple[int, int, int, int, int, int, int]], sender: str | None
    ) -> None:
        refs = [*self.deal(name).loans, LOANS[-1]]
        repayments = [
            Repayment(entry=self.entry(), loan=refs[which % len(refs)], date=day, principal=p,
                      interest=i, penalty=n, fee=f, sequence=skip)
            for which, day, p, i, n, f, skip in rows
        ]  # fmt: skip
        version = self.version_of(name, repayments[0].loan)
        rows_in_order = self._in_order(name, self.numbered(name, repayments))
        self.submit(name, "repay", version, sender, rows_in_order)

    @rule(
        known=OPEN, parts=st.integers(1, 4), interest=st.integers(0, 9_000), day=st.integers(5, 300)
    )
    def repay_soundly(self, known: tuple[str, str], parts: int, interest: int, day: int) -> None:
        name, ref = known
        loan = self.deal(name).loans.get(ref)
        principal = loan.outstanding // parts if loan else 1
        row = Repayment(
            entry=self.entry(),
            loan=ref,
            date=(loan.start if loan else START) + day,
            principal=principal,
            interest=interest,
        )
        rows = self._in_order(name, self.numbered(name, [row]))
        self.submit(name, "repay", self.version_of(name, ref), None, rows)

    def _in_order(self, name: str, rows: list[Repayment]) -> list[Repayment]:
        """Interest that is held against what accrued comes on the day of the loan's latest entry of
        principal or later: what accrued by an earlier day is not known any more."""
        latest: dict[str, int] = {}
        found = []
        for row in rows:
            terms = self.deal(name).terms(self.version_of(name, row.loan))
            if terms.demands & Demand.ACCRUED_INTEREST:
                day = max(row.date, latest.get(row.loan, 0), self.last_paid(name, row.loan))
                row = replace(row, date=day)
            latest[row.loan] = row.date
            found.append(row)
        return found

    def last_paid(self, name: str, ref: str) -> int:
        """The last day on which principal came off a loan, or back on it."""
        loan = self.deal(name).loans.get(ref)
        return max((day for day, _ in loan.paid), default=0) if loan else 0

    # ---- marks and waivers
    @rule(
        known=KNOWN,
        since=st.one_of(st.just(0), ENTRY_DAYS, st.just(2**16)),
        sender=SENDERS,
        skip=SKIPS,
    )
    def mark_overdue(
        self, known: tuple[str, str], since: int, sender: str | None, skip: int
    ) -> None:
        name, ref = known
        mark = OverdueMark(entry=self.entry(), loan=ref, since=since, sequence=skip)
        rows = self.numbered(name, [mark])
        self.submit(name, "mark_overdue", self.version_of(name, ref), sender, rows)

    @rule(
        known=KNOWN,
        date=st.one_of(ENTRY_DAYS, st.just(2**16)),
        amounts=st.tuples(AMOUNTS, AMOUNTS, st.sampled_from([0] * 9 + [5])),
        sender=SENDERS,
        skip=SKIPS,
    )
    def waive(
        self,
        known: tuple[str, str],
        date: int,
        amounts: tuple[int, int, int],
        sender: str | None,
        skip: int,
    ) -> None:
        name, ref = known
        interest, penalty, fee = amounts
        row = Waiver(
            entry=self.entry(), loan=ref, date=date, interest=interest, penalty=penalty, fee=fee,
            sequence=skip,
        )  # fmt: skip
        self.submit(name, "waive", self.version_of(name, ref), sender, self.numbered(name, [row]))

    @rule(known=OPEN, interest=st.integers(1, 9_000), day=st.integers(5, 300))
    def waive_soundly(self, known: tuple[str, str], interest: int, day: int) -> None:
        name, ref = known
        loan = self.deal(name).loans.get(ref)
        date = (loan.start if loan else START) + day
        row = Waiver(entry=self.entry(), loan=ref, date=date, interest=interest)
        self.submit(name, "waive", self.version_of(name, ref), None, self.numbered(name, [row]))

    # ---- write-offs
    @rule(
        known=KNOWN,
        date=st.one_of(ENTRY_DAYS, st.just(2**16)),
        party=st.sampled_from(["bank"] * 9 + ["platform"]),
        skip=SKIPS,
        ask=ASKED,
    )
    def write_off(
        self, known: tuple[str, str], date: int, party: str, skip: int, ask: bool
    ) -> None:
        name, ref = known
        loan = self.deal(name).loans.get(ref)
        row = WriteOff(
            entry=self.entry(), loan=ref, date=date, sequence=skip,
            outstanding=loan.outstanding if loan else 0,
        )  # fmt: skip
        rows, version = self.numbered(name, [row]), self.version_of(name, ref)
        self.four_eyes(
            party,
            "servicing",
            "write_off",
            (deal_id(name), version, [row.row for row in rows]),
            lambda model, act: model.deals[name].write_off(act, version, rows),
            ask=ask,
        )

    # ---- reversals
    @rule(
        known=KNOWN,
        depth=st.sampled_from([0, 0, 0, 0, 1]),
        date=ENTRY_DAYS,
        sender=SENDERS,
        skip=SKIPS,
        forged=FORGED,
    )
    def reverse(
        self,
        known: tuple[str, str],
        depth: int,
        date: int,
        sender: str | None,
        skip: int,
        forged: dict[str, Any],
    ) -> None:
        name, ref = known
        loan = self.deal(name).loans.get(ref)
        standing = list(loan.standing) if loan else []
        shown = standing[: len(standing) - depth] or [Booking(loan=ref, principal=1)]
        row = self._reversal(ref, shown, date, forged)
        (numbered,) = self.numbered(name, [replace(row, sequence=skip)])
        self.submit_reversal(name, self.version_of(name, ref), sender, numbered)

    @rule(known=STANDING, late=st.integers(0, 100))
    def reverse_latest(self, known: tuple[str, str], late: int) -> None:
        name, ref = known
        loan = self.deal(name).loans.get(ref)
        if loan and loan.standing:
            _, _, posted_on, _ = loan.standing[-1].content
            date = max(posted_on, self.deal(name).sealed_through + 1) + late
            row = replace(self._reversal(ref, loan.standing, date, {}), sequence=loan.sequence)
            self.submit_reversal(name, loan.version, None, row)

    def _reversal(
        self, ref: str, standing: list[Any], date: int, forged: dict[str, Any]
    ) -> Reversal | SharedReversal:
        """The reversal of the last of these entries, with what is forged in it."""
        entry = self.entry()
        latest = standing[-1]
        if not isinstance(latest, Shared):
            row = reversal_of(*standing, entry=entry, date=date)
            return replace(row, loan=ref, **forged)
        posted = latest.posted
        if "reversed_amounts" in forged:
            posted = replace(posted, layers=posted.residual, residual=posted.layers, amounts=1)
        if "reversed_id" in forged:
            posted = replace(posted, entry_id=bytes(32))
        tip = forged.get("previous_tip", tip_of(*standing[:-1]))
        return SharedReversal(loan=ref, posted=posted, previous_tip=tip, entry=entry, date=date)
