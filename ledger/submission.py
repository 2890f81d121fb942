"""Submission: entries become batches of rows, in order, each at its loan's next sequence number.

What is on the chain already is left out; what has the same ref and other content is refused here,
because the chain knows refs only as hashes of what it has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from ledger import reading
from ledger.book import Book
from ledger.entries import (
    Booking,
    Cure,
    Entry,
    Kind,
    Method,
    OverdueMark,
    Purpose,
    Repayment,
    Waiver,
    WriteOff,
    borrower_id,
    entry_id,
    loan_id,
)
from ledger.errors import EntryInvalid, Problem, RejectedRow, UsageInvalid, explain
from ledger.events import Amounts, Particulars
from ledger.messages import text
from ledger.money import date_of, day_number

BATCH_ROWS = 200
"""Rows of a transaction: past this, gas per row no longer falls."""
LAST_DATE = date_of(2**16 - 1)
"""The last day that the chain can hold: 2149-06-06."""
REF_REUSED = "REF_REUSED"
"""Reason for a row whose ref is on the chain with other content."""

FUNCTIONS = {
    Kind.BOOKING: "book",
    Kind.REPAYMENT: "repay",
    Kind.OVERDUE: "mark_overdue",
    Kind.CURE: "mark_overdue",
    Kind.WAIVER: "waive",
    Kind.WRITE_OFF: "write_off",
}
"""Kind of entry to the function of Loans that posts it."""


@dataclass(slots=True, kw_only=True)
class Row:
    """One entry ready to be sent."""

    entry: Entry
    line: int
    function: str
    version: int
    loan_id: bytes
    entry_id: bytes
    sequence: int

    def words(self, sequence: int) -> tuple[int, ...]:
        """The row as the contract takes it."""
        entry, loan = self.entry, int.from_bytes(self.loan_id, "big")
        if isinstance(entry, Booking):
            borrower = int.from_bytes(self.entry_id, "big")
            return loan, borrower, entry.principal_minor, particulars(entry).pack()
        own = int.from_bytes(self.entry_id, "big")
        if isinstance(entry, Repayment):
            place = day_number(entry.date) | sequence << 16
            return own, loan, place, amounts(entry).pack()
        if isinstance(entry, OverdueMark):
            return own, loan, sequence, day_number(entry.since_date)
        if isinstance(entry, Cure):
            return own, loan, sequence, 0
        if isinstance(entry, Waiver):
            return own, loan, sequence, day_number(entry.date), amounts(entry).pack()
        assert isinstance(entry, WriteOff), entry
        return own, loan, sequence, day_number(entry.date)


@dataclass(slots=True, kw_only=True)
class Plan:
    """What is to be sent of a run of entries, and what is not."""

    batches: list[list[Row]] = field(default_factory=list)
    already_posted: int = 0
    reversed_refs: list[str] = field(default_factory=list)
    """Of those posted already, what was reversed since."""
    rejected: list[RejectedRow] = field(default_factory=list)
    refs: list[tuple[bytes, str]] = field(default_factory=list)
    """Id to ref of everything in the run, to be kept before anything is sent."""


class Planner:
    """Plans entries against the book as it stands."""

    def __init__(self, book: Book, deal: reading.Deal, salt: bytes) -> None:
        self._book = book
        self._deal = deal.deal
        self._salt = salt
        self._versions = [found for found in reading.versions(book, deal.deal) if found.in_force]
        self._sequences: dict[bytes, int] = {}
        self._since: dict[bytes, int] = {}

    def plan(self, entries: Iterable[Entry], lines: Sequence[int] = ()) -> Plan:
        """Plan a run of entries; `lines` are their lines in a file, 0 where there is none."""
        plan = Plan()
        open_batches: dict[tuple[str, int], list[Row]] = {}
        for position, given in enumerate(entries):
            line = lines[position] if position < len(lines) else 0
            row = self._row(given, line, plan)
            if row is None:
                continue
            batch = open_batches.get((row.function, row.version))
            if batch is None or len(batch) == BATCH_ROWS:
                batch = open_batches[row.function, row.version] = []
                plan.batches.append(batch)
            batch.append(row)
        return plan

    def _row(self, entry: Entry, line: int, plan: Plan) -> Row | None:
        if not isinstance(entry, Booking | Repayment | OverdueMark | Cure | Waiver | WriteOff):
            raise UsageInvalid(text("submit.kind", kind=entry.kind))
        loan = loan_id(self._salt, entry.loan_ref)
        plan.refs.append((loan, entry.loan_ref))
        if isinstance(entry, Booking):
            return self._booking(entry, line, loan, plan)
        known = reading.loan(self._book, self._deal, loan)
        if isinstance(entry, Cure):
            entry = self._ending(entry, loan, known.since_date if known else 0)
        elif isinstance(entry, OverdueMark):
            self._since[loan] = day_number(entry.since_date)
        own = entry_id(self._salt, entry.ref)
        plan.refs.append((own, entry.ref))
        posted = reading.entry(self._book, self._deal, own)
        if posted is not None:
            self._note_posted(entry, line, posted, plan, loan)
            return None
        sequence = self._sequences.get(loan, known.sequence if known else 1)
        self._sequences[loan] = sequence + 1
        return Row(
            entry=entry,
            line=line,
            function=FUNCTIONS[entry.kind],
            version=known.version if known else self._newest(),
            loan_id=loan,
            entry_id=own,
            sequence=sequence,
        )

    def _booking(self, entry: Booking, line: int, loan: bytes, plan: Plan) -> Row | None:
        borrower = borrower_id(self._salt, entry.borrower_ref)
        plan.refs.append((borrower, entry.borrower_ref))
        known = reading.loan(self._book, self._deal, loan)
        if known is None:
            return Row(
                entry=entry,
                line=line,
                function=FUNCTIONS[Kind.BOOKING],
                version=self._version_on(day_number(entry.start_date)),
                loan_id=loan,
                entry_id=borrower,
                sequence=0,
            )
        same = (
            known.borrower_id == borrower
            and known.principal_minor == entry.principal_minor
            and known.particulars == particulars(entry).pack()
        )
        self._note(entry, line, plan, same=same, gone=bool(known.reversed))
        return None

    def _note_posted(
        self, entry: Entry, line: int, posted: reading.Posted, plan: Plan, loan: bytes
    ) -> None:
        same = posted.kind is entry.kind and posted.loan_id == loan
        if same and isinstance(entry, Repayment | Waiver):
            same = posted.date == day_number(entry.date) and posted.amounts == amounts(entry)
        self._note(entry, line, plan, same=same, gone=posted.reversed)

    def _note(self, entry: Entry, line: int, plan: Plan, *, same: bool, gone: bool) -> None:
        if same:
            plan.already_posted += 1
            if gone:
                plan.reversed_refs.append(entry.ref)
        else:
            plan.rejected.append(rejected(entry, line, REF_REUSED))

    def _ending(self, entry: Cure, loan: bytes, since_date: int) -> Cure:
        """The cure of the mark that stands, or else of the last one there was."""
        since = self._since.get(loan, since_date)
        self._since[loan] = 0
        if not since:
            marks = [
                found.date
                for found in reading.entries_of_loan(self._book, self._deal, loan)
                if found.kind is Kind.OVERDUE
            ]
            since = marks[-1] if marks else 0
        return entry.ending(date_of(since)) if since else entry

    def _version_on(self, day: int) -> int:
        ruling = [found.version for found in self._versions if found.terms.effective_date <= day]
        return ruling[-1] if ruling else self._newest()

    def _newest(self) -> int:
        return self._versions[-1].version if self._versions else 1


class Probing:
    """Finds every refused row of batches by trying parts of them on top of each other."""

    def __init__(
        self,
        attempt: Callable[[str, int, list[tuple[int, ...]]], str | None],
        *,
        cumulative: bool = True,
    ) -> None:
        """`attempt(function, version, rows)` returns the reason of a refusal, or None.

        `cumulative`: rows that went through stay in effect for later attempts. Where they do not
        (on a network), a later row of the same loan cannot be judged and is left out.
        """
        self._attempt = attempt
        self._cumulative = cumulative
        self._refused: dict[bytes, int] = {}
        self._tried: set[bytes] = set()
        self.rejected: list[RejectedRow] = []

    def run(self, rows: list[Row]) -> None:
        """Try rows in order."""
        if not self._cumulative:
            rows = [row for row in rows if row.loan_id not in self._tried]
        if rows:
            self._run(rows)

    def _run(self, rows: list[Row]) -> None:
        reason = self._attempt(
            rows[0].function, rows[0].version, [row.words(self.sequence(row)) for row in rows]
        )
        if reason is None:
            self._tried.update(row.loan_id for row in rows)
            return
        if len(rows) == 1:
            (row,) = rows
            self._refused[row.loan_id] = self._refused.get(row.loan_id, 0) + 1
            self.rejected.append(rejected(row.entry, row.line, reason))
            return
        half = len(rows) // 2
        self.run(rows[:half])
        self.run(rows[half:])

    def sequence(self, row: Row) -> int:
        """The row's sequence without the refused rows before it on the same loan."""
        return row.sequence - self._refused.get(row.loan_id, 0)


def refuse_far_days(entries: Sequence[Entry], lines: Sequence[int] = (), file: str = "") -> None:
    """Days that do not fit their 16 bits on the chain would spill into the field beside them.

    Raises `EntryInvalid` with all of them.
    """
    problems = [
        Problem(
            what=text("submit.day_far"),
            file=file,
            line=lines[position] if position < len(lines) else 0,
            column=name,
            expected=text("submit.day_far_expected", last=LAST_DATE.isoformat()),
            found=value.isoformat(),
        )
        for position, entry in enumerate(entries)
        for name, value in entry.__dict__.items()
        if isinstance(value, date) and value > LAST_DATE
    ]
    if problems:
        raise EntryInvalid(problems, file=file)


def rejected(entry: Entry, line: int, reason: str) -> RejectedRow:
    """A refused row with its reason explained."""
    return RejectedRow(line, entry.ref, reason, explain(reason))


def particulars(entry: Booking) -> Particulars:
    """A booking's particulars as the contract packs them."""
    return Particulars(
        start_date=day_number(entry.start_date),
        maturity_date=day_number(entry.maturity_date),
        annual_rate_ppm=entry.annual_rate_ppm,
        method=list(Method).index(entry.method),
        purpose=list(Purpose).index(entry.purpose),
    )


def amounts(entry: Repayment | Waiver) -> Amounts:
    """The four amounts of an entry."""
    if isinstance(entry, Repayment):
        return Amounts(
            entry.principal_minor, entry.interest_minor, entry.penalty_minor, entry.fee_minor
        )
    return Amounts(0, entry.interest_minor, entry.penalty_minor, 0)
