"""Submission: entries become batches of rows, in order, each at its loan's next sequence number.

What is on the chain already is left out; what has the same ref and other content is refused here,
because the chain knows refs only as hashes of what it has seen. Refused here too is a loan that
would cost its borrower more than the terms allow: no contract knows what a borrower will pay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count, islice

from ledger import costs, reading
from ledger.accruals import Accruals
from ledger.book import Book
from ledger.entries import (
    Booking,
    Cure,
    Entry,
    Kind,
    OverdueMark,
    Recovery,
    Repayment,
    Reversal,
    Waiver,
    WriteOff,
    borrower_id,
    entry_id,
    loan_id,
)
from ledger.errors import EntryInvalid, Problem, RejectedRow, UsageInvalid, explain
from ledger.events import DealTerms
from ledger.messages import text
from ledger.money import date_of, day_number, format
from ledger.records import Loan
from ledger.rows import At, Route, Row, Sendable, amounts, particulars, put_days_together
from ledger.tables import InterestCheck
from ledger.terms import Terms
from ledger.voucher_entries import VoucherEntry

LAST_DATE = date_of(2**16 - 1)
"""The last day that the chain can hold: 2149-06-06."""
REF_REUSED = "REF_REUSED"
"""Reason for a row whose ref is on the chain with other content."""
INTEREST_ABOVE_ACCRUED = "INTEREST_ABOVE_ACCRUED"
"""Reason of a warning, or of the contract."""

Asked = Mapping[tuple[int, ...], bytes]
"""Version and words of rows that wait for a checker already, to the action's id."""
Documents = Callable[[int], Terms]
"""The terms of a version as signed. Raises `UsageInvalid` where they are not."""

_LOOKED_UP = 50_000
"""Entries that are looked up together, in the order of their ids."""


@dataclass(slots=True, kw_only=True)
class Plan:
    """What is to be sent of a run of entries, and what is not."""

    batches: list[list[Sendable]] = field(default_factory=list)
    already_at: set[int] = field(default_factory=set)
    """Positions in the run of what is posted already."""
    reversed_refs: list[str] = field(default_factory=list)
    """Of those posted already, what was reversed since."""
    waiting: int = 0
    """Rows that wait for a checker already, or come after one that does on the same loan."""
    actions: dict[bytes, None] = field(default_factory=dict)
    """Ids of what they wait for, in order."""
    rejected: dict[int, RejectedRow] = field(default_factory=dict)
    """By their position in the run."""
    warnings: list[RejectedRow] = field(default_factory=list)
    """Rows that are sent although something is odd about them."""
    refs: list[tuple[bytes, str]] = field(default_factory=list)
    """Id to ref of everything in the run, to be kept before anything is sent."""
    waiting_for: dict[str, int] = field(default_factory=dict)
    """Member to the rows of which it has the next part to sign."""
    planned_at: tuple[int, bytes] = (0, b"")
    """The block of the book before the first look at it,"""
    known: list[Loan] = field(default_factory=list)
    """and the loans that were read in it."""

    @property
    def already_posted(self) -> int:
        """Rows that are posted already."""
        return len(self.already_at)


@dataclass(slots=True, kw_only=True)
class _Course:
    """Where the book, and the rows of the run so far, leave a loan."""

    known: Loan | None = None
    version: int
    sequence: int = 1
    since_date: int = 0
    claimed: bool = False
    """Compensated or written off: what comes in goes to the owners of the claims."""
    behind: bool = False
    """A row of the run waits for a checker: those after it on the loan cannot be sent yet."""
    batch: int = -1
    """Index of the last batch with a row of the loan."""


class Planner:
    """Plans entries against the book as it stands."""

    def __init__(
        self,
        book: Book,
        deal: reading.Deal,
        salt: bytes,
        *,
        documents: Documents | None = None,
        asked: Asked | None = None,
    ) -> None:
        """Without `documents` neither costs nor accrued interest are looked at.

        `asked`: None where checkers confirm at once, so that no row waits.
        """
        self._book = book
        self._deal = deal.deal
        self._salt = salt
        self._documents = documents
        self._asked = asked
        self._versions = [found for found in reading.versions(book, deal.deal) if found.in_force]
        self._accruals = Accruals(book, deal.deal)
        self._courses: dict[bytes, _Course] = {}
        # Of the entries that are being planned.
        self._loan_ids: dict[str, bytes] = {}
        self._entry_ids: dict[str, bytes] = {}
        self._posted: dict[bytes, reading.Posted] = {}
        self._open: dict[tuple[Route, int, date | None], int] = {}
        self._wide = {found.version for found in self._versions if _limits_reach_wide(found.terms)}

    def plan(self, entries: Iterable[Entry], lines: Sequence[int] = ()) -> Plan:
        """Plan a run of entries; `lines` are their lines in a file, 0 where there is none."""
        plan = Plan(planned_at=self._book.at)
        positions = count()
        waiting = iter(entries)
        while together := list(islice(waiting, _LOOKED_UP)):
            self._look_up(together)
            for given in together:
                position = next(positions)
                line = lines[position] if position < len(lines) else 0
                row = self._row(given, At(position, line), plan)
                if row is not None:
                    self._add(row, plan)
        for batch in plan.batches:
            put_days_together(batch)
        plan.known = [one.known for one in self._courses.values() if one.known is not None]
        return plan

    def row(self, entry: Entry, at: At, plan: Plan) -> Row | None:
        """The row of one entry, which its run adds to a batch itself; None: see the plan."""
        self._look_up([entry])
        return self._row(entry, at, plan)

    def _look_up(self, entries: Sequence[Entry]) -> None:
        """What the book has of them; many at once take a fraction of the time of one by one."""
        self._loan_ids.clear()
        self._entry_ids.clear()
        for entry in entries:
            if isinstance(entry, Reversal):
                continue
            self._loan_ids[entry.loan_ref] = loan_id(self._salt, entry.loan_ref)
            if not isinstance(entry, Booking):
                self._entry_ids[entry.ref] = entry_id(self._salt, entry.ref)
        loans = [one for one in self._loan_ids.values() if one not in self._courses]
        known = reading.loans_by_id(self._book, self._deal, loans)
        for loan in loans:
            self._courses[loan] = self._course(known.get(loan))
        own = [*self._entry_ids.values()]
        self._posted = reading.entries_by_id(self._book, self._deal, own)

    def _add(self, row: Row, plan: Plan) -> None:
        """Rows of one loan never overtake one another: a batch is joined only if it is the last."""
        course = self._courses[row.loan_id]
        place = row.route, row.version, self.day_apart(row)
        last = self._open.get(place, -1)
        if last < course.batch or last < 0 or len(plan.batches[last]) == row.route.most_rows:
            last = self._open[place] = len(plan.batches)
            plan.batches.append([])
        plan.batches[last].append(row)
        course.batch = last

    def day_apart(self, row: Row) -> date | None:
        """Declared figures are dated: under limits across deals each start date has its batches."""
        entry = row.entry
        if isinstance(entry, Booking) and row.version in self._wide:
            return entry.start_date
        return None

    def _row(self, entry: Entry, at: At, plan: Plan) -> Row | None:
        if isinstance(entry, Reversal):
            raise UsageInvalid(text("submit.kind", kind=entry.kind))
        loan = self._loan_ids[entry.loan_ref]
        plan.refs.append((loan, entry.loan_ref))
        course = self._courses[loan]
        if isinstance(entry, Booking):
            return self._booking(entry, at, loan, course, plan)
        if isinstance(entry, Cure):
            entry = self._ending(entry, loan, course)
        elif isinstance(entry, OverdueMark):
            course.since_date = day_number(entry.since_date)
        own = self._entry_ids.get(entry.ref)
        if own is None:
            # A cure that is called by the mark it ends, which only its loan tells.
            own = entry_id(self._salt, entry.ref)
            posted = reading.entry(self._book, self._deal, own)
        else:
            posted = self._posted.get(own)
        plan.refs.append((own, entry.ref))
        if posted is not None:
            self._note_posted(entry, at, posted, plan, loan)
            return None
        repaid = isinstance(entry, Repayment) and course.claimed
        row = Row(
            entry=entry,
            kind=Kind.CLAIM_REPAYMENT if repaid else entry.kind,
            at=at,
            version=course.version,
            loan_id=loan,
            entry_id=own,
            sequence=course.sequence,
        )
        return row if self._follows(row, course, plan) else None

    def _course(self, known: Loan | None) -> _Course:
        if known is None:
            return _Course(version=self._newest())
        return _Course(
            known=known,
            version=known.version,
            sequence=known.sequence,
            since_date=known.since_date,
            claimed=bool(known.compensated or known.written_off),
        )

    def _booking(
        self, entry: Booking, at: At, loan: bytes, course: _Course, plan: Plan
    ) -> Row | None:
        borrower = borrower_id(self._salt, entry.borrower_ref)
        plan.refs.append((borrower, entry.borrower_ref))
        known = course.known
        if known is not None:
            same = (
                known.borrower_id == borrower
                and known.principal_minor == entry.principal_minor
                and known.particulars == particulars(entry).pack()
            )
            self._note(entry, at, plan, same=same, gone=bool(known.reversed))
            return None
        course.version = self._version_on(day_number(entry.start_date))
        if self._documents is not None:
            terms = self._documents(course.version)
            cost = costs.check(entry, terms) if terms.fee is not None else None
            if cost is not None and not cost.passes:
                detail = costs.explained(entry, terms, cost)
                row = RejectedRow(at.line, entry.ref, costs.COST_OVER_LIMIT, detail)
                plan.rejected[at.position] = row
                return None
            if terms.limits.interest_check is InterestCheck.WARN:
                self._accruals.book(loan, entry, terms)
        return Row(
            entry=entry,
            kind=Kind.BOOKING,
            at=at,
            version=course.version,
            loan_id=loan,
            entry_id=borrower,
            sequence=0,
        )

    def _follows(self, row: Row, course: _Course, plan: Plan) -> bool:
        """What a row means for those after it; False when it has to wait already."""
        if course.behind:
            plan.waiting += 1
            return False
        entry = row.entry
        if row.route.four_eyes and self._asked is not None:
            course.behind = True
            action = self._asked.get((row.version, *row.words(row.sequence)))
            if action is not None:
                plan.waiting += 1
                plan.actions[action] = None
                return False
        if isinstance(entry, WriteOff):
            course.claimed = True
        elif isinstance(entry, Waiver):
            self._accruals.waive(row.loan_id, entry.interest_minor)
        elif isinstance(entry, Repayment) and not course.claimed:
            self._warn_of_interest(row, entry, plan)
        course.sequence += 1
        return True

    def _warn_of_interest(self, row: Row, entry: Repayment, plan: Plan) -> None:
        terms = self._terms(row.version)
        if terms is None or terms.limits.interest_check is not InterestCheck.WARN:
            return
        accrual = self._accruals.repay(row.loan_id, entry, terms)
        if accrual is not None:
            figures = text(
                "submit.accrued",
                accrued=format(accrual.accrued_minor(entry.date), terms.decimals),
                found=format(accrual.settled_minor, terms.decimals),
            )
            detail = text("problem.separator").join([explain(INTEREST_ABOVE_ACCRUED), figures])
            plan.warnings.append(
                RejectedRow(row.at.line, entry.ref, INTEREST_ABOVE_ACCRUED, detail)
            )

    def _note_posted(
        self, entry: Entry, at: At, posted: reading.Posted, plan: Plan, loan: bytes
    ) -> None:
        kind = posted.kind
        if kind is Kind.CLAIM_REPAYMENT:
            # To whom it went was not the submitter's to say.
            kind = Kind.REPAYMENT
        same = kind is entry.kind and posted.loan_id == loan
        if same and isinstance(entry, Repayment | Waiver | Recovery):
            same = posted.date == day_number(entry.date) and posted.amounts == amounts(entry)
        self._note(entry, at, plan, same=same, gone=posted.reversed)

    def _note(self, entry: Entry, at: At, plan: Plan, *, same: bool, gone: bool) -> None:
        if same:
            plan.already_at.add(at.position)
            if gone:
                plan.reversed_refs.append(entry.ref)
        else:
            row = RejectedRow(at.line, entry.ref, REF_REUSED, explain(REF_REUSED))
            plan.rejected[at.position] = row

    def _ending(self, entry: Cure, loan: bytes, course: _Course) -> Cure:
        """The cure of the mark that stands, or else of the last one there was."""
        since = course.since_date
        course.since_date = 0
        if not since:
            marks = [
                found.date
                for found in reading.entries_of_loan(self._book, self._deal, loan)
                if found.kind is Kind.OVERDUE
            ]
            since = marks[-1] if marks else 0
        return entry.ending(date_of(since)) if since else entry

    def _terms(self, version: int) -> Terms | None:
        try:
            return self._documents(version) if self._documents else None
        except UsageInvalid:
            return None

    def _version_on(self, day: int) -> int:
        ruling = [found.version for found in self._versions if found.terms.effective_date <= day]
        return ruling[-1] if ruling else self._newest()

    def _newest(self) -> int:
        return self._versions[-1].version if self._versions else 1


def _limits_reach_wide(terms: DealTerms) -> bool:
    """Whether the limits of a version reach across deals, as the contracts reckon it."""
    return any(
        limits.max_concentration_ppm
        or limits.max_joint_share_ppm
        or limits.max_guarantee_multiple_ppm
        or limits.max_guaranteed_borrower_ppm
        for limits in terms.limits
    )


def refuse_far_days(
    entries: Sequence[Entry | VoucherEntry], lines: Sequence[int] = (), file: str = ""
) -> None:
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
