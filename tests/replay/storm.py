"""A storm: whatever a random crowd of members tries, and some of it the contracts take.

The same seed gives the same chain. Nothing here knows what ought to be taken: that is for replay
to say afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random

from ledger import consortium, reading
from ledger.bindings import label
from ledger.entries import (
    Booking,
    Cure,
    Entry,
    Kind,
    Method,
    OverdueMark,
    Purpose,
    Recovery,
    Repayment,
    Waiver,
    WriteOff,
    loan_id,
)
from ledger.errors import LedgerError
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.money import day_number
from tests.replay.covered import (
    CNY,
    CONSORTIUM,
    GUARANTOR,
    LEAD,
    NET_ASSETS,
    PARTNER,
    SERVICER,
    SHIELD,
    SHIELD_V1,
    SHIELD_V2,
    VOLUME,
    VOLUME_V1,
    VOLUME_V2,
    agree,
    own,
    pay,
)

_DEPOSIT = SHIELD_V1[SHIELD_V1.index("[deposit]") : SHIELD_V1.index('[[loss]]\npayer = "guar')]
TERMS = {
    SHIELD: [
        SHIELD_V1,
        SHIELD_V2,
        SHIELD_V1.replace('per_loan_share = "0.5%"\n', "").replace('"refuse"', '"off"'),
        # Neither a deposit nor limits across deals, any more or for now.
        SHIELD_V1.replace(_DEPOSIT, "").replace('"deposit"', '"guaranteed"').replace(
            SHIELD_V1[SHIELD_V1.index("max_partner_conc") : SHIELD_V1.index("interest_check")], ""
        ),
    ],
    VOLUME: [
        VOLUME_V1,
        VOLUME_V2,
        VOLUME_V1.replace("marginal", "whole").replace("30/360", "ACT/365"),
        VOLUME_V1.replace("+interest", "").replace('"40%" }', '"10%" }\nreinstates = true'),
    ],
}
"""By deal the terms that its versions are made of."""
FIRST_DAY = date(2026, 1, 1)


class Storm:
    """One run of random acts."""

    def __init__(self, ledger: Ledger, files: Path, seed: int) -> None:
        self._ledger = ledger
        self._files = files
        self._random = Random(seed)
        self._loans: dict[str, list[Booking]] = {deal: [] for deal in TERMS}
        self._from = dict.fromkeys(TERMS, date(2025, 1, 1))
        self._paid: list[str] = []
        self._number = 0
        self.taken: Counter[str] = Counter()
        self._acts: dict[Callable[[str], None], float] = {
            self.book: 12, self.repay: 14, self.mark: 9, self.cure: 2, self.waive: 2,
            self.write_off: 3, self.claim: 6, self.recover: 12, self.reverse: 12,
            self.move_deposit: 7, self.close: 6, self.amend: 2, self.suspend: 1, self.declare: 3,
        }  # fmt: skip

    def rage(self, acts: int) -> Counter[str]:
        """So many acts; how many of each kind were taken."""
        for deal, versions in TERMS.items():
            agree(self._ledger, self._files, versions[0])
            assert self._loans[deal] == []
        for _ in range(acts):
            self._number += 1
            (act,) = self._random.choices(list(self._acts), list(self._acts.values()))
            try:
                act(self._random.choice(list(TERMS)))
            except LedgerError:
                continue
            self.taken[act.__name__] += 1
        return self.taken

    # ---- entries

    def book(self, deal: str) -> None:
        pick = self._random
        start = self._day()
        loans = [
            Booking(
                loan_ref=f"{deal}-{self._number}-{at}",
                borrower_ref=f"B-{pick.randrange(5)}",
                start_date=start,
                maturity_date=start + timedelta(pick.randrange(30, 300)),
                principal_minor=pick.randrange(1, 3_000_000),
                annual_rate_ppm=pick.choice([0, 1, 36_000, 180_000]),
                method=pick.choice(list(Method)),
                purpose=pick.choice(list(Purpose)),
            )
            for at in range(pick.randrange(1, 4))
        ]
        self._submit(deal, loans)
        self._loans[deal] += loans

    def repay(self, deal: str) -> None:
        loan, most = self._loan(deal), self._random.randrange
        self._submit(deal, [Repayment(
            entry_ref=f"R-{self._number}",
            loan_ref=loan.loan_ref,
            date=loan.start_date + timedelta(most(200)),
            principal_minor=self._random.choice([0, most(loan.principal_minor + 1)]),
            interest_minor=self._random.choice([0, most(9_000)]),
            penalty_minor=most(1, 900),
            fee_minor=most(900) if deal == SHIELD and most(3) == 0 else 0,
        )])  # fmt: skip

    def mark(self, deal: str) -> None:
        loan = self._loan(deal)
        since = loan.start_date + timedelta(self._random.randrange(-40, 120))
        self._submit(deal, [OverdueMark(loan_ref=loan.loan_ref, since_date=since)])

    def cure(self, deal: str) -> None:
        self._submit(deal, [Cure(loan_ref=self._loan(deal).loan_ref)])

    def waive(self, deal: str) -> None:
        loan = self._loan(deal)
        self._submit(deal, [Waiver(
            entry_ref=f"W-{self._number}",
            loan_ref=loan.loan_ref,
            date=loan.start_date + timedelta(self._random.randrange(200)),
            interest_minor=self._random.randrange(900),
            penalty_minor=1,
        )], by=LEAD)  # fmt: skip

    def write_off(self, deal: str) -> None:
        loan = self._loan(deal)
        on = loan.start_date + timedelta(self._random.randrange(250))
        self._submit(deal, [WriteOff(loan_ref=loan.loan_ref, date=on)], by=LEAD)

    def claim(self, deal: str) -> None:
        self._ledger.claim_run(deal, date=self._day() + timedelta(60), by=SERVICER)

    def recover(self, deal: str) -> None:
        """A recovery or a late repayment, of anything between nothing and twice the loan."""
        book, salt = self._ledger.book(), self._ledger.salt(deal)
        number = self._ledger.deal(deal).deal
        found = (reading.loan(book, number, loan_id(salt, one.loan_ref)) for one in self._loans[deal])
        closed = [
            loan for loan, known in zip(self._loans[deal], found, strict=True)
            if known is not None and (known.compensated or known.written_off)
        ]  # fmt: skip
        loan = self._random.choice(closed) if closed else self._loan(deal)
        amount = self._random.choice([1, 2_000, loan.principal_minor, 2 * loan.principal_minor])
        on = loan.start_date + timedelta(self._random.randrange(100, 300))
        common = {"entry_ref": f"C-{self._number}", "loan_ref": loan.loan_ref, "date": on}
        if self._random.randrange(3):
            cost = self._random.choice([0, amount, amount // 3])
            self._submit(deal, [Recovery(**common, amount_minor=amount, cost_minor=cost)])
        else:
            rest = {"interest_minor": 300, "penalty_minor": 3, "fee_minor": 2}
            self._submit(deal, [Repayment(**common, principal_minor=amount, **rest)])

    def reverse(self, deal: str) -> None:
        """Mostly the latest entry that stands, sometimes another."""
        loan = self._loan(deal)
        book, known = self._ledger.book(), loan_id(self._ledger.salt(deal), loan.loan_ref)
        entries = [
            one for one in reading.entries_of_loan(book, self._ledger.deal(deal).deal, known)
            if not one.reversed and one.kind not in (Kind.REVERSAL, Kind.OVERDUE, Kind.CURE)
        ]  # fmt: skip
        if not entries:
            return
        entry = entries[-1] if self._random.randrange(10) else self._random.choice(entries)
        of_lead = entry.kind in (Kind.WAIVER, Kind.WRITE_OFF)
        ref = loan.loan_ref if entry.kind is Kind.BOOKING else self._ledger.ref(entry.entry_id)
        on = self._random.choice([None, max(self._day(), loan.start_date)])
        self._ledger.reverse([ref], deal=deal, by=LEAD if of_lead else SERVICER, on=on)

    # ---- everything else

    def move_deposit(self, deal: str) -> None:
        on, kind = day_number(self._day()), self._random.randrange(4)
        if kind < 2:
            pay(self._ledger, f"D-{self._number}", on, self._random.randrange(1, 2_500_000))
            self._paid.append(f"D-{self._number}")
        elif kind == 2 and self._paid:
            paid = self._random.choice(self._paid)
            self._ledger.reverse([f"deposit/{paid}"], deal=SHIELD, by=LEAD)
        else:
            released = own(self._ledger, SHIELD, f"D-{self._number}")
            args = label(SHIELD), released, on, self._random.randrange(1, 200_000)
            self._ledger.request("Guarantees", "release", *args, by=LEAD)

    def close(self, deal: str) -> None:
        number, book = self._ledger.deal(deal).deal, self._ledger.book()
        closed = [found.month for found in reading.statements(book, number)]
        first = 2026 * 12 + self._random.randrange(4)
        month = closed[-1] + 1 if closed and self._random.randrange(5) else first
        last = date(month // 12 + (month % 12 == 11), (month + 1) % 12 + 1, 1) - timedelta(1)
        ruling = reading.version_ruling(book, number, day_number(last))
        if ruling is not None:
            args = label(deal), ruling.version, month, day_number(last)
            self._ledger.request("Settlements", "close", *args, by=LEAD)

    def amend(self, deal: str) -> None:
        recent = self._from[deal] >= FIRST_DAY
        days = self._random.randrange(10, 60) if recent else self._random.randrange(100, 400)
        self._from[deal] += timedelta(days)
        agree(self._ledger, self._files, self._random.choice(TERMS[deal]), self._from[deal])

    def suspend(self, deal: str) -> None:
        for by in self._random.choice([[LEAD], [LEAD, SERVICER], [PARTNER, LEAD]]):
            self._ledger.request("Deals", "suspend", label(deal), by=by)
        if self._random.randrange(10):
            self._ledger.request("Deals", "resume", label(deal), by=by)

    def declare(self, deal: str) -> None:
        if self._random.randrange(2):
            bank, by = self._random.choice([(1, LEAD), (2, PARTNER)])
            args = bank, self._random.randrange(1, 5), self._random.choice([3, 4, 9])
            self._ledger.request("Exposures", "declare_group", *args, by=by)
            return
        figure = 4, NET_ASSETS, CNY, day_number(self._day())
        amount = self._random.choice([10**9, 10**10])
        self._ledger.request("Exposures", "declare", *figure, amount, by=GUARANTOR)

    # ---- shared

    def _day(self) -> date:
        return FIRST_DAY + timedelta(self._random.randrange(240))

    def _loan(self, deal: str) -> Booking:
        if not self._loans[deal]:
            self.book(deal)
        return self._random.choice(self._loans[deal])

    def _submit(self, deal: str, entries: list[Entry] | list[Booking], by: str = SERVICER) -> None:
        self._ledger.submit(entries, deal=deal, by=by)


def make(folder: Path, seed: int, acts: int) -> Counter[str]:
    """A ledger after a storm, in `folder`; how many acts of each kind were taken."""
    files = folder.with_name(folder.name + "-files")
    files.mkdir(parents=True)
    (files / "consortium.toml").write_text(CONSORTIUM, "utf-8")
    found(folder, consortium.load(files / "consortium.toml"), dev=True)
    with Ledger.open(folder) as ledger:
        return Storm(ledger, files, seed).rage(acts)
