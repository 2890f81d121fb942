"""Console's book: a deal of some months as large as wanted, for the pages of `pledger console`.

The entries are folded from made-up but valid events at the head of a real ledger; what is signed,
settled and reconciled follows from them. Two deals alike: the days of one are sealed, those of the
other never.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from eth_hash.auto import keccak

from bench.portfolio import PARTIES, SERVICER, found_partnership
from ledger import days, reading, terms
from ledger.bindings import label
from ledger.entries import entry_id
from ledger.events import (
    Amounts,
    DaySealed,
    DaySigned,
    DepositPaid,
    EntriesSubmitted,
    Event,
    LoanBooked,
    LoanCompensated,
    LoanMarkedOverdue,
    LoanRepaid,
    Place,
    SettlementMade,
)
from ledger.ledger import Ledger
from ledger.money import date_of, day_number, format
from ledger.reconcile.files import read
from ledger.reconcile.lines import Kind
from ledger.reconcile.reconciling import reconcile
from ledger.reconcile.register import Register
from ledger.settling import fewest_payments
from ledger.waterfall import Account, principal_legs

BANK = PARTIES[0]
SEALED, OPEN = "sealed-daily", "never-sealed"
FIRST_DAY = day_number(date(2026, 1, 5))
DAYS, BOOKING_DAYS, FIRST_DUE, SECOND_DUE, CLAIMED = 150, 90, 30, 60, 100
SETTLED_EVERY, BREAKS_EVERY = 30, 25
_SHARES_PPM = (550_000, 350_000, 100_000)
_BATCH = 200
_COLUMNS = ("entry_ref", "loan_ref", "date", "principal", "interest", "penalty", "fee")
_TERMS = """
id = "{deal}"
mode = "guaranteed"
currency = "CNY"
day_count = "ACT/360"
servicer = "platform-p"
disbursed_by = "bank-a"
collected_by = "bank-a"
[[funding]]
party = "bank-a"
share = "55%"
[[funding]]
party = "platform-p"
share = "35%"
[[funding]]
party = "guarantor-g"
share = "10%"
[deposit]
by = "guarantor-g"
custodian = "bank-a"
target = "5%"
warn = "4.7%"
stop = "4.5%"
[[loss]]
payer = "guarantor-g"
source = "deposit"
cap = {{ disbursed = "5%" }}
[claim]
days_past_due = 60
"""


@dataclass(slots=True)
class Folding:
    """A deal in the making."""

    ledger: Ledger
    deal: str
    loans: int
    sealed: bool
    refs: list[tuple[bytes, str]] = field(default_factory=list)
    outstanding: list[int] = field(default_factory=list)
    entries: int = 0
    settlements: int = 0

    def run(self) -> None:
        """Every day in turn: its entries, and what the parties sign and settle of it."""
        salt = self.ledger.salt(self.deal)
        names = [f"L-{self.deal[0]}{at:07d}" for at in range(self.loans)]
        ids = [entry_id(salt, name) for name in names]
        self.refs = list(zip(map(bytes, ids), names, strict=True))
        self.outstanding = [100_000 + at * 7_919 % 4_900_000 for at in range(self.loans)]
        book, head = self.ledger.book(), self.ledger.engine.head()
        own = [reading.member(book, name) for name in PARTIES]
        numbers = [one.number for one in own if one is not None]
        depositor = numbers[-1]
        paid = DepositPaid(
            label(self.deal), keccak(b"deposit"), depositor, FIRST_DAY, 5 * 10**12, 5 * 10**12
        )
        book.begin()
        book.apply(paid, self._place(0))
        book.commit(head.number, head.block_hash)
        opening = EntriesSubmitted(label(self.deal), 1, numbers[1])
        for day in range(DAYS):
            book.begin()
            for at, event in enumerate(self._day(day, ids, names, salt)):
                if at % _BATCH == 0:
                    book.apply(opening, self._place(0))
                book.apply(event, self._place(1))
                self.entries += 1
            book.commit(head.number, head.block_hash)
            if self.sealed:
                self._seal(FIRST_DAY + day, numbers)
            if day % SETTLED_EVERY == SETTLED_EVERY - 1:
                self._settle(FIRST_DAY + day, numbers)
        self.ledger.keep_refs(self.refs)

    def _day(self, day: int, ids: list[bytes], names: list[str], salt: bytes) -> Iterator[Event]:
        for at in self._started(day):
            parts = principal_legs(self.outstanding[at], self.outstanding[at], _SHARES_PPM)
            start = FIRST_DAY + day
            particulars = start | (start + 360) << 16 | 180_000 << 32
            yield LoanBooked(ids[at], keccak(b"borrower %d" % at), particulars, (_packed(parts),))
        for turn, due in enumerate((FIRST_DUE, SECOND_DUE)):
            for at in self._started(day - due):
                # One in thirty-three pays the first instalment alone.
                if turn and at % 33 == 5:
                    own = entry_id(salt, f"O-{at}")
                    yield LoanMarkedOverdue(own, ids[at], FIRST_DAY + day)
                    continue
                yield self._repaid(day, turn, at, ids[at], names[at], salt)

        for at in self._started(day - CLAIMED):
            if at % 66 == 5:
                own, left = entry_id(salt, f"C-{at}"), self.outstanding[at]
                parts = (_packed(principal_legs(left, left, _SHARES_PPM)),)
                day_of_it = FIRST_DAY + day
                yield LoanCompensated(own, ids[at], day_of_it, (left,), parts, (0,))

    def _repaid(
        self, day: int, turn: int, at: int, loan: bytes, name: str, salt: bytes
    ) -> LoanRepaid:
        paid = self.outstanding[at] // 12
        parts = principal_legs(self.outstanding[at], paid, _SHARES_PPM)
        legs = tuple(Amounts(part, part // 9, 0, 0).pack() for part in parts)
        self.outstanding[at] -= paid
        ref = f"R-{name[2:]}-{turn}"
        own = entry_id(salt, ref)
        self.refs.append((bytes(own), ref))
        return LoanRepaid(own, loan, FIRST_DAY + day, legs)

    def _started(self, day: int) -> range:
        """The loans that start on a day."""
        if not 0 <= day < BOOKING_DAYS:
            return range(0)
        return range(
            -(-day * self.loans // BOOKING_DAYS), -(-(day + 1) * self.loans // BOOKING_DAYS)
        )

    def _place(self, log: int) -> Place:
        return Place(self.ledger.engine.head().number, self.entries // _BATCH, log)

    def _seal(self, day: int, numbers: list[int]) -> None:
        book, head = self.ledger.book(), self.ledger.engine.head()
        deal = self.ledger.deal(self.deal)
        said = days.statement(book, deal, day)
        digest = days.digest(label(self.deal), day, said)
        book.begin()
        for party in numbers:
            signed = DaySigned(label(self.deal), day, party, digest, *said)
            book.apply(signed, self._place(0))
        book.apply(DaySealed(label(self.deal), day, digest), self._place(0))
        book.commit(head.number, head.block_hash)

    def _settle(self, day: int, numbers: list[int]) -> None:
        book, head = self.ledger.book(), self.ledger.engine.head()
        closing = reading.closing(book, self.ledger.deal(self.deal).deal, day)
        due = {party: closing.get((party, Account.CLEARING), 0) for party in numbers}
        payments = tuple((one.payer, one.payee, one.amount_minor) for one in fewest_payments(due))
        self.settlements += 1
        made = SettlementMade(label(self.deal), self.settlements, day, numbers[0], payments)
        book.begin()
        book.apply(made, self._place(0))
        book.commit(head.number, head.block_hash)


def _packed(parts: Sequence[int]) -> int:
    return sum(part << 64 * place for place, part in enumerate(parts))


def made_ledger(folder: Path, loans: int) -> Path:
    """The ledger's folder, with so many loans in each of the two deals and breaks in both."""
    with found_partnership(folder) as ledger:
        for deal in (SEALED, OPEN):
            (document := folder / f"{deal}.toml").write_text(_TERMS.format(deal=deal), "utf-8")
            ledger.propose(terms.load(document), by=SERVICER)
            for party in PARTIES:
                ledger.sign(deal, by=party)
        for deal in (SEALED, OPEN):
            folded = Folding(ledger, deal, loans, sealed=deal == SEALED)
            folded.run()
            for day in range(FIRST_DUE, DAYS - FIRST_DUE, BREAKS_EVERY):
                _break(ledger, deal, folder / "theirs.csv", FIRST_DAY + day)
        return ledger.directory


def _break(ledger: Ledger, deal: str, path: Path, day: int) -> None:
    """The bank reconciles a day with a file that has one line in fifty otherwise."""
    found = ledger.deal(deal)
    counted = list(reading.counted(ledger.book(), found.deal, day - 1, day))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_COLUMNS)
        for at, one in enumerate(counted):
            if one.kind is reading.DayKind.REPAYMENT:
                principal, *rest = one.amounts
                said = [format(amount, 2) for amount in (principal + (at % 50 == 3) * 3_751, *rest)]
                refs = ledger.ref(one.entry_id), ledger.ref(one.loan_id)
                writer.writerow((*refs, date_of(day), *said))
    statement = read(path, kind=Kind.REPAYMENTS)
    result = reconcile(ledger, deal, Kind.REPAYMENTS, statement, first=day, last=day, today=day + 1)
    with Register(ledger.directory) as register:
        register.record(deal, BANK, result, today=day + 1)
