"""Reckoning: what a month comes to by counting its entries is what the contract closes it with.

Random partnerships from fixed seeds: every kind of entry, reversals, entries that come too late and
months that nobody closed for a while. The contract keeps sums, the reckoning counts.
"""

from __future__ import annotations

import random
import shutil
import tomllib
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger import consortium, deposits, periods, reading, terms
from ledger.entries import Cure, OverdueMark, Recovery, Waiver, WriteOff
from ledger.errors import EntryRejected, LedgerError
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.money import day_number
from ledger.reckoning import Reckoning, first_day, month_of, months_through
from tests.cli.covered import COVERED
from tests.cli.office import CONSORTIUM, DEAL
from tests.sdk.sdk_office import LEAD, SERVICER, booking, repayment

RULES = {
    "excess": 'rule = "excess"\nbank_return = "7%"\nshare = "60%"\n',
    "marginal": (
        'rule = "volume"\nreading = "marginal"\n'
        '[[period.tier]]\nup_to = "9000.00"\nshare = "15%"\n'
        '[[period.tier]]\nup_to = "20000.00"\nshare = "18%"\n[[period.tier]]\nshare = "20%"\n'
    ),
    "whole": (
        'rule = "volume"\nreading = "whole"\n'
        '[[period.tier]]\nup_to = "9000.00"\nshare = "15%"\n[[period.tier]]\nshare = "20%"\n'
    ),
}
RISK = (
    '[[period.risk]]\nup_to = "10%"\nmultiplier = "100%"\n'
    '[[period.risk]]\nup_to = "40%"\nmultiplier = "90%"\n[[period.risk]]\nmultiplier = "50%"\n'
)
FIRST = date(2026, 1, 10)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reckoning") / "ledger"
    found(folder, consortium.read(tomllib.loads(CONSORTIUM)), dev=True)
    return folder


def agree(ledger: Ledger, rule: str) -> None:
    document = COVERED.replace('max_outstanding = "1000000.00"\n', "") + (
        f'[period]\nto = "platform-p"\n{RULES[rule]}{RISK}'
    )
    agreed = terms.read(tomllib.loads(document))
    ledger.propose(agreed, by=SERVICER)
    for party in agreed.parties:
        ledger.sign(DEAL, by=party)
    deposits.pay(ledger, DEAL, amount_minor=10_000_000, on=FIRST, by="guarantor-g")


class Play:
    """Random entries that the contract takes, and the months closed between them."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self.ledger = ledger
        self.random = random.Random(seed)
        self.count = 0
        self.posted: dict[str, int] = {}
        self.refs: list[str] = []
        self.loans: list[str] = []
        self.overdue: list[str] = []
        self.compared = 0

    def day(self, month: int) -> date:
        """Mostly of the month, at times of the three before it."""
        start = date(1970, 1, 1) + timedelta(days=first_day(month - self.random.choice([0, 0, 0, 1, 3])))
        return max(FIRST, start + timedelta(days=self.random.randrange(28)))

    def one(self, month: int) -> None:
        """Try an entry of some kind; what the contract refuses has no effect."""
        self.count += 1
        kind = self.random.choice(
            ["book", "book", "repay", "repay", "repay", "repay", "overdue", "overdue", "cure",
             "waive", "write off", "recover", "claim", "reverse"]
        )  # fmt: skip
        ref, day = f"E-{self.count}", self.day(month)
        loan = f"L-{self.count}" if kind == "book" else self.random.choice(self.loans)
        if kind == "cure" and self.overdue:
            loan = self.random.choice(self.overdue)
        try:
            getattr(self, f"_{kind.replace(' ', '_')}")(ref, loan, day)
        except LedgerError:
            return
        self.posted[kind] = self.posted.get(kind, 0) + 1

    def _submit(self, entry: Any, by: str = SERVICER) -> None:
        self.ledger.submit([entry], deal=DEAL, by=by)
        self.refs.append(entry.ref)

    def _book(self, ref: str, loan: str, day: date) -> None:
        self._submit(
            booking(
                loan, start_date=day, maturity_date=day + timedelta(days=365),
                principal_minor=self.random.randrange(1, 1_000_000),
            )
        )  # fmt: skip
        self.loans.append(loan)

    def _repay(self, ref: str, loan: str, day: date) -> None:
        principal = self.random.choice([0, self.random.randrange(1, 100_000)])
        interest = self.random.randrange(0, 30_000)
        self._submit(
            repayment(ref, loan, date=day, principal_minor=principal, interest_minor=interest)
        )

    def _overdue(self, ref: str, loan: str, day: date) -> None:
        since = max(FIRST, day - timedelta(days=self.random.choice([0, 20, 80, 120])))
        self._submit(OverdueMark(loan_ref=loan, since_date=since))
        self.overdue.append(loan)

    def _cure(self, ref: str, loan: str, day: date) -> None:
        self._submit(Cure(loan_ref=loan))

    def _waive(self, ref: str, loan: str, day: date) -> None:
        self._submit(
            Waiver(entry_ref=ref, loan_ref=loan, date=day, interest_minor=5, penalty_minor=0), LEAD
        )

    def _write_off(self, ref: str, loan: str, day: date) -> None:
        self._submit(WriteOff(loan_ref=loan, date=day), LEAD)

    def _recover(self, ref: str, loan: str, day: date) -> None:
        amount = self.random.randrange(1, 300_000)
        self._submit(
            Recovery(entry_ref=ref, loan_ref=loan, date=day, amount_minor=amount, cost_minor=0)
        )

    def _claim(self, ref: str, loan: str, day: date) -> None:
        run = self.ledger.claim_run(DEAL, date=day, by=SERVICER)
        self.refs += [f"compensation/{one.loan_ref}/{day.isoformat()}" for one in run.compensated]
        if not run.compensated:
            raise EntryRejected("nothing")

    def _reverse(self, ref: str, loan: str, day: date) -> None:
        chosen = self.random.choice(self.refs[-6:])
        by = LEAD if chosen.startswith("write-off") else SERVICER
        done = self.ledger.reverse([chosen], deal=DEAL, by=by, on=self.random.choice([None, day]))
        if not done.posted:
            raise EntryRejected("nothing")

    def close(self, month: int) -> None:
        """Close a month; every figure of it was known before."""
        deal, book = self.ledger.deal(DEAL), self.ledger.book()
        reckoning = Reckoning.of(reading.entries_of_deal(book, deal.deal))
        expected = asdict(months_through(book, deal, reckoning, month)[-1])
        periods.close(self.ledger, DEAL, month, by=LEAD)
        closed = reading.statement(self.ledger.book(), deal.deal, month)
        assert closed is not None
        told = asdict(closed)
        for name in ("party", "date", "day", "place"):
            expected.pop(name)
            told.pop(name)
        assert told == expected
        self.compared += any(value for name, value in told.items() if name.endswith("_minor") and name != "parts_minor")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("rule", RULES)
def test_reckoned_months_are_those_that_the_contract_closes(
    founded: Path, tmp_path: Path, rule: str, seed: int
) -> None:
    shutil.copytree(founded, tmp_path / "ledger")
    with Ledger.open(tmp_path / "ledger") as ledger:
        agree(ledger, rule)
        play = Play(ledger, seed)
        play._book("", "L-0", FIRST)
        month = month_of(FIRST)
        for step in range(8):
            for _ in range(12):
                play.one(month + step)
            if step % 3 != 1:
                first = periods.periods(ledger, DEAL)
                following = next(one.month for one in first if not one.closed)
                for late in range(following, month + step + 1):
                    play.close(late)
        assert play.compared >= 5
        assert sum(play.posted.values()) >= 25, play.posted


def test_every_kind_of_entry_is_played(founded: Path, tmp_path: Path) -> None:
    """One play that is long enough to have all of them."""
    shutil.copytree(founded, tmp_path / "ledger")
    with Ledger.open(tmp_path / "ledger") as ledger:
        agree(ledger, "excess")
        play = Play(ledger, 11)
        play._book("", "L-0", FIRST)
        month = month_of(FIRST)
        for step in range(14):
            for _ in range(16):
                play.one(month + step)
            play.close(month + step)
        assert set(play.posted) == {
            "book", "repay", "overdue", "cure", "waive", "write off", "recover", "claim", "reverse",
        }  # fmt: skip


def test_first_month_is_the_one_in_which_anything_moved() -> None:
    assert Reckoning.of(iter(())).first_month == 0


def test_late_entries_are_those_between_the_two_closings(founded: Path, tmp_path: Path) -> None:
    shutil.copytree(founded, tmp_path / "ledger")
    with Ledger.open(tmp_path / "ledger") as ledger:
        agree(ledger, "excess")
        ledger.submit([booking(start_date=FIRST)], deal=DEAL, by=SERVICER)
        periods.close(ledger, DEAL, month_of(FIRST), by=LEAD)
        ledger.submit([repayment(date=date(2026, 1, 20))], deal=DEAL, by=SERVICER)
        ledger.submit([repayment("R-2", date=date(2026, 2, 20))], deal=DEAL, by=SERVICER)
        (late,) = periods.period(ledger, DEAL, month_of(FIRST) + 1).adjustments
        assert (late.ref, late.interest_minor) == ("R-1", 11_700)
        assert late.balance_days_minor == -59_810 * (day_number(date(2026, 2, 1)) - day_number(late.date))


def test_months_are_numbered_as_on_the_chain() -> None:
    assert (periods.parse_month("2026-01"), periods.parse_month("1970-12")) == (24_312, 23_651)
    assert [periods.month_text(month) for month in (24_312, 23_651)] == ["2026-01", "1970-12"]
    assert month_of(date(2026, 1, 31)) == 24_312
    assert first_day(24_312) == day_number(date(2026, 1, 1))

