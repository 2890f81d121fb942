"""Rows: entries as the contracts take them, and which contract and function takes which kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, NamedTuple, Protocol

from ledger.bindings import CLAIM_REPAYMENT, RECOVERY
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
)
from ledger.events import Amounts, Particulars
from ledger.money import day_number

BATCH_ROWS = 200
"""Rows of a transaction: past this, gas per row no longer falls."""
FEWER_ROWS = 100
"""The most that write-offs, recoveries and claims take in one batch."""


class Route(NamedTuple):
    """The function that posts a kind of entry."""

    contract: str
    function: str
    most_rows: int
    four_eyes: bool = False
    """Whether the checker sends what its maker requested."""
    late: bool = False
    """Whether entries of sealed days may be posted, to count to the first open one."""


_RECOVER = Route("Guarantees", "recover", FEWER_ROWS, late=True)
ROUTES = {
    Kind.BOOKING: Route("Loans", "book", BATCH_ROWS, late=True),
    Kind.REPAYMENT: Route("Loans", "repay", BATCH_ROWS, late=True),
    Kind.OVERDUE: Route("Servicing", "mark_overdue", BATCH_ROWS),
    Kind.CURE: Route("Servicing", "mark_overdue", BATCH_ROWS),
    Kind.WAIVER: Route("Servicing", "waive", BATCH_ROWS, late=True),
    Kind.WRITE_OFF: Route("Servicing", "write_off", FEWER_ROWS, four_eyes=True),
    Kind.RECOVERY: _RECOVER,
    Kind.CLAIM_REPAYMENT: _RECOVER,
}
"""Kind of entry to where it is posted. Claims are not entries of a file: see `claims`."""


class At(NamedTuple):
    """Where an entry stands."""

    position: int
    """In its run, from 0."""
    line: int = 0
    """In its file; 0 where there is none."""


class Sendable(Protocol):
    """What an entry, or a part of one, is on its way to a contract."""

    at: At
    version: int
    by: str
    """Member that sends it; empty: who submits the run."""

    @property
    def fixed(self) -> bool:
        """Whether what it says hangs on every row before it of what it changes."""
        ...

    @property
    def ref(self) -> str:
        """Of its entry."""
        ...

    @property
    def route(self) -> Route:
        """Where it is posted."""
        ...

    @property
    def subjects(self) -> tuple[bytes, ...]:
        """Ids of what it changes: of their rows none overtakes another."""
        ...

    @property
    def needs(self) -> tuple[bytes, ...]:
        """Ids of what else has to have its rows before."""
        ...

    @property
    def counts_to(self) -> date | None:
        """The day to which it is counted, if it is worth having those of a day together."""
        ...

    def contract_rows(self, refused: int = 0) -> list[tuple[int, ...]]:
        """As the contract takes it, after rows before it on its first subject were refused."""
        ...


@dataclass(slots=True, kw_only=True)
class Row:
    """One entry ready to be sent."""

    fixed: ClassVar[bool] = False
    needs: ClassVar[tuple[bytes, ...]] = ()

    entry: Entry
    kind: Kind
    """The entry's own, but for a repayment that goes to the owners of a claim."""
    at: At
    version: int
    loan_id: bytes
    entry_id: bytes
    """Of a booking: the borrower's."""
    sequence: int
    by: str = ""
    part_of: str = ""
    """Ref of the entry that this one is a part of, where it is."""

    @property
    def ref(self) -> str:
        """As given in the run."""
        return self.part_of or self.entry.ref

    @property
    def route(self) -> Route:
        """Where it is posted."""
        return ROUTES[self.kind]

    @property
    def subjects(self) -> tuple[bytes, ...]:
        """The loan."""
        return (self.loan_id,)

    @property
    def counts_to(self) -> date | None:
        """Of bookings and repayments alone."""
        if isinstance(self.entry, Booking):
            return self.entry.start_date
        return self.entry.date if isinstance(self.entry, Repayment) else None

    def contract_rows(self, refused: int = 0) -> list[tuple[int, ...]]:
        """One, with its sequence as it is without those refused."""
        return [self.words(self.sequence - refused)]

    def words(self, sequence: int) -> tuple[int, ...]:
        """The row as the contract takes it."""
        entry, loan = self.entry, int.from_bytes(self.loan_id, "big")
        own = int.from_bytes(self.entry_id, "big")
        if isinstance(entry, Booking):
            return loan, own, entry.principal_minor, particulars(entry).pack()
        if isinstance(entry, Repayment):
            day, packed = day_number(entry.date), amounts(entry).pack()
            if self.kind is Kind.CLAIM_REPAYMENT:
                return own, loan, sequence, day, CLAIM_REPAYMENT, packed
            return own, loan, day | sequence << 16, packed
        if isinstance(entry, OverdueMark):
            return own, loan, sequence, day_number(entry.since_date)
        if isinstance(entry, Cure):
            return own, loan, sequence, 0
        if isinstance(entry, Waiver):
            return own, loan, sequence, day_number(entry.date), amounts(entry).pack()
        if isinstance(entry, Recovery):
            day, packed = day_number(entry.date), amounts(entry).pack()
            return own, loan, sequence, day, RECOVERY, packed
        assert isinstance(entry, WriteOff), entry
        return own, loan, sequence, day_number(entry.date)


def put_days_together(batch: list[Sendable]) -> None:
    """Sort rows that change nothing twice by date: a run of a day costs one count."""
    days = [row.counts_to for row in batch]
    subjects = [subject for row in batch for subject in row.subjects]
    if None not in days and len(set(subjects)) == len(subjects):
        batch.sort(key=_date)


def _date(row: Sendable) -> date:
    assert row.counts_to is not None, row
    return row.counts_to


def particulars(entry: Booking) -> Particulars:
    """A booking's particulars as the contract packs them."""
    return Particulars(
        start_date=day_number(entry.start_date),
        maturity_date=day_number(entry.maturity_date),
        annual_rate_ppm=entry.annual_rate_ppm,
        method=list(Method).index(entry.method),
        purpose=list(Purpose).index(entry.purpose),
    )


def amounts(entry: Repayment | Waiver | Recovery) -> Amounts:
    """The four amounts of an entry; of a recovery the amount and, as fee, the cost within it."""
    if isinstance(entry, Repayment):
        return Amounts(
            entry.principal_minor, entry.interest_minor, entry.penalty_minor, entry.fee_minor
        )
    if isinstance(entry, Recovery):
        return Amounts(entry.amount_minor, 0, 0, entry.cost_minor)
    return Amounts(0, entry.interest_minor, entry.penalty_minor, 0)
