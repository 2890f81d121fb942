"""Own books: the statement of a business day from a party's own files instead of the ledger's book.

What the party's files have is divided anew by the terms, in Python; of kinds of entries for which
it has no file the ledger's own count. So a row that differs, is missing or is one too many shows in
every section of the statement that it touches.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger import days, files, reading
from ledger.days import Difference, Section
from ledger.entries import Booking, Kind, Reversal, WriteOff, entry_id, loan_id
from ledger.errors import FileInvalid, Problem, Reverted, UsageInvalid
from ledger.events import Amounts
from ledger.folding.at_hand import Batch
from ledger.folding.balances import Balances
from ledger.messages import text
from ledger.money import currency_decimals, date_of, day_number
from ledger.reading import Counted, DayKind, DayStatement, Posted
from ledger.replay.twin import Twin
from ledger.rows import amounts, particulars
from ledger.waterfall import Account

if TYPE_CHECKING:
    from ledger.entries import Entry
    from ledger.ledger import Ledger

_COVERS = {
    "loans": (DayKind.BOOKING,),
    "repayments": (DayKind.REPAYMENT, DayKind.CLAIM_REPAYMENT),
    "waivers": (DayKind.WAIVER,),
    "write-offs": (DayKind.WRITE_OFF,),
    "recoveries": (DayKind.RECOVERY,),
}
"""File to the kinds of entries that it lists."""
_NOT_COUNTED = ("overdue", "cash", "vouchers")
"""Files of which nothing counts to a day."""
_DIVIDED = (DayKind.BOOKING, DayKind.REPAYMENT, DayKind.WAIVER, DayKind.WRITE_OFF)
"""What is divided anew; recoveries are in totals and entries only."""
_NONE = bytes(32)
_Closing = dict[tuple[int, Account], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnBooks:
    """What a party's files come to."""

    statement: DayStatement
    differences: tuple[Difference, ...]
    """From the ledger's book: each entry and each balance."""
    files: tuple[str, ...]
    """The files that counted."""
    rows: int
    """Of them on the days of the statement."""


@dataclass(slots=True, kw_only=True)
class _Row:
    """A row of a file that counts to the statement."""

    entry: Entry
    entry_id: bytes
    loan_id: bytes
    date: int
    posted: Posted | None
    """The entry of the same ref in the ledger."""


@dataclass(slots=True)
class _Loan:
    """Where a loan stands while its entries are gone through."""

    version: int
    rate_ppm: int
    claimed: bool = False
    outstanding_minor: int = 0


@dataclass(slots=True)
class _Result:
    counted: list[Counted] = field(default_factory=list)
    closing: _Closing = field(default_factory=dict)


def own_books(
    ledger: Ledger, deal: str, on: date, folder: Path, *, breaks: Sequence[bytes] = ()
) -> OwnBooks:
    """The statement of a day that is not sealed yet, from the CSV files in a folder.

    The files are named by what they hold: `loans.csv`, `repayments.csv`, `waivers.csv`,
    `write-offs.csv`, `recoveries.csv`; rows of sealed days, or after this one, do not count. Raises
    `UsageInvalid` for other files and where there is none, `FileInvalid` with every bad row.
    """
    found, day = ledger.deal(deal), day_number(on)
    if not found.version:
        raise Reverted("DEAL_NOT_ACTIVE")
    if day <= found.sealed_through:
        raise Reverted("DAY_SEALED")
    rows, named = _read(ledger, found, folder)
    work = _Work(ledger, found, ledger.salt(deal), day, {*named})
    own = work.run(rows)
    book = ledger.book()
    theirs = list(reading.counted(book, found.deal, found.sealed_through, day))
    closing = reading.closing(book, found.deal, day)
    statement = days.stated(own.counted, own.closing, days.parties(book, found), breaks=breaks)
    return OwnBooks(
        statement=statement,
        differences=(
            *_entries_differ(ledger, work.refs, own.counted, theirs),
            *_balances_differ(ledger, own.closing, closing),
        ),
        files=tuple(named),
        rows=len(work.refs),
    )


def _read(ledger: Ledger, deal: reading.Deal, folder: Path) -> tuple[list[Entry], list[str]]:
    """The rows of all files, and what the files hold."""
    terms = reading.versions(ledger.book(), deal.deal)[deal.version - 1].terms
    decimals = currency_decimals(terms.currency.to_bytes(3, "big").decode("ascii"))
    rows: list[Entry] = []
    named: list[str] = []
    problems: list[Problem] = []
    first: dict[tuple[str, bool], str] = {}
    for path in sorted(folder.glob("*.csv")):
        name = path.stem.replace("_", "-")
        if name in _NOT_COUNTED:
            continue
        if name not in _COVERS or name in named:
            raise _not_ours(path.name, folder)
        named.append(name)
        try:
            found = files.read(path, files.LAYOUTS[name], decimals=decimals).rows
        except FileInvalid as error:
            problems += error.problems
            continue
        problems += _in_another(path.name, found, first)
        rows += found
    if not named:
        raise _not_ours("-", folder)
    if problems:
        raise FileInvalid(problems, file=str(folder))
    return rows, named


def _in_another(
    file: str, rows: Sequence[Entry], first: dict[tuple[str, bool], str]
) -> Iterator[Problem]:
    """References that a file before has as well; loans have references of their own."""
    for row in rows:
        before = first.setdefault((row.ref, isinstance(row, Booking)), file)
        if before != file:
            yield Problem(
                what=text("seal.books_twice", first=before),
                file=file,
                expected=text("file.duplicate_expected"),
                found=row.ref,
                fix=text("file.duplicate_fix"),
            )


def _not_ours(found: str, folder: Path) -> UsageInvalid:
    names = " ".join(f"{name}.csv" for name in _COVERS)
    return UsageInvalid(text("seal.books"), where=str(folder), expected=names, found=found)


class _Work:
    """Goes through every loan of which the files, or the ledger, have something of these days."""

    def __init__(
        self, ledger: Ledger, deal: reading.Deal, salt: bytes, day: int, named: set[str]
    ) -> None:
        self._book = ledger.book()
        self._deal = deal
        self._salt = salt
        self._day = day
        self._covered = {kind for name in named for kind in _COVERS[name]}
        self._twins = {
            version.version: Twin.of(version.terms)
            for version in reading.versions(self._book, deal.deal)
        }
        self._balances = Balances()
        self.refs: dict[bytes, str] = {}
        """Of the rows that count."""

    def run(self, entries: Sequence[Entry]) -> _Result:
        """What the rows come to, together with what the ledger has of other kinds."""
        deal, sealed = self._deal.deal, self._deal.sealed_through
        theirs = list(reading.counted(self._book, deal, sealed, self._day))
        result = _Result([one for one in theirs if one.kind not in self._covered])
        by_loan: defaultdict[bytes, list[_Row]] = defaultdict(list)
        for one in theirs:
            if one.kind in self._covered:
                # Its loan is gone through even when no file has anything of it.
                by_loan[one.loan_id] = []
        for row in self._of_these_days(entries):
            by_loan[row.loan_id].append(row)
        for own_loan, rows in by_loan.items():
            result.counted += self._loan(own_loan, rows)
        result.closing = reading.closing(self._book, deal, self._day)
        for (_, party, account), amount_minor in self._balances.amounts().items():
            key = party, account
            result.closing[key] = result.closing.get(key, 0) + amount_minor
        return result

    def _of_these_days(self, entries: Sequence[Entry]) -> Iterator[_Row]:
        for entry in entries:
            assert not isinstance(entry, Reversal), "no file has reversals"
            booking = isinstance(entry, Booking)
            own_loan = loan_id(self._salt, entry.loan_ref)
            own = own_loan if booking else entry_id(self._salt, entry.ref)
            day = day_number(entry.start_date if isinstance(entry, Booking) else _date(entry))
            posted = reading.entry(self._book, self._deal.deal, own, booking=booking)
            sealed = posted is not None and posted.day <= self._deal.sealed_through
            if day <= self._day and not sealed:
                self.refs[own] = entry.ref
                yield _Row(entry=entry, entry_id=own, loan_id=own_loan, date=day, posted=posted)

    # ---- one loan

    def _loan(self, own_loan: bytes, rows: list[_Row]) -> Iterator[Counted]:
        """Its entries in the order of the ledger, the party's own in the place of the ledger's."""
        loan = self._start(own_loan, rows)
        own = {(row.entry_id, isinstance(row.entry, Booking)): row for row in rows}
        for posted in reading.entries_of_loan(self._book, self._deal.deal, own_loan):
            key = posted.entry_id, posted.kind is Kind.BOOKING
            if self._is_replaced(posted):
                self._take_back(loan, posted)
                row = own.pop(key, None)
                if row is not None:
                    yield self._own(loan, row)
            else:
                _follow(loan, posted)
        for row in sorted(own.values(), key=lambda one: one.date):
            yield self._own(loan, row)

    def _start(self, own_loan: bytes, rows: list[_Row]) -> _Loan:
        known = reading.loan(self._book, self._deal.deal, own_loan)
        if known is not None:
            rate = known.particulars >> 32 & 0xFFFFFF
            return _Loan(known.version, rate, bool(known.compensated or known.written_off))
        bookings = [row.entry for row in rows if isinstance(row.entry, Booking)]
        if not bookings:
            return _Loan(self._deal.version, 0)
        (booking,) = bookings
        start = day_number(booking.start_date)
        ruling = reading.version_ruling(self._book, self._deal.deal, start)
        version = ruling.version if ruling else self._deal.version
        return _Loan(version, particulars(booking).annual_rate_ppm)

    def _is_replaced(self, posted: Posted) -> bool:
        """Whether the party's files say what there is of this kind on these days."""
        on_these_days = self._deal.sealed_through < posted.day <= self._day
        return on_these_days and _kind_of(posted) in self._covered

    def _own(self, loan: _Loan, row: _Row) -> Counted:
        """A row as it counts; divided and posted where the terms can be applied to it."""
        entry, twin = row.entry, self._twins[loan.version]
        before = loan.outstanding_minor
        kind, said = self._kind(loan, row), _amounts(entry, before)
        # Otherwise it counts as it is, and no terms divide it.
        divided = kind is not DayKind.REPAYMENT or twin.divides(before, said)
        legs = self._legs(kind, twin, loan, said) if divided else []
        if kind is DayKind.BOOKING:
            said = said._replace(fee_minor=sum(leg.fee_minor for leg in legs))
        self._post(loan, kind, legs, 1)
        _move(loan, kind, sum(leg.principal_minor for leg in legs))
        return Counted(
            kind, row.entry_id, row.loan_id, row.date,
            max(row.date, self._deal.sealed_through + 1), said, _NONE, None,
        )  # fmt: skip

    def _kind(self, loan: _Loan, row: _Row) -> DayKind:
        """To whom a repayment went was not the submitter's to say."""
        kind = DayKind[row.entry.kind.name]
        if kind is not DayKind.REPAYMENT:
            return kind
        if row.posted is not None and row.posted.kind is Kind.CLAIM_REPAYMENT:
            return DayKind.CLAIM_REPAYMENT
        late = row.posted is None and loan.claimed
        return DayKind.CLAIM_REPAYMENT if late else kind

    def _legs(self, kind: DayKind, twin: Twin, loan: _Loan, said: Amounts) -> list[Amounts]:
        if kind is DayKind.BOOKING:
            return twin.booked(said.principal_minor)
        if kind is DayKind.WRITE_OFF:
            return twin.written_off(loan.outstanding_minor)
        if kind is DayKind.REPAYMENT:
            return twin.repaid(loan.outstanding_minor, loan.rate_ppm, said)
        return []

    def _take_back(self, loan: _Loan, posted: Posted) -> None:
        """The ledger's own postings of an entry that the party's files say anew."""
        kind = _kind_of(posted)
        if kind in _DIVIDED and kind is not DayKind.WAIVER:
            self._post(loan, kind, posted.legs, -1)
        elif kind not in _DIVIDED:
            _follow(loan, posted)

    def _post(self, loan: _Loan, kind: DayKind, legs: Sequence[Amounts], sign: int) -> None:
        if not legs or kind is DayKind.WAIVER:
            return
        terms, deal = self._twins[loan.version].terms, self._deal.deal
        batch = Batch(deal, loan.version, 0, terms, self._day)
        origin = batch.origin(self._day, kind)
        if kind is DayKind.WRITE_OFF:
            words = [leg.pack() for leg in legs]
            self._balances.post_legs(batch, origin, words, None, sign)
            return
        if kind is DayKind.REPAYMENT:
            words = [leg.pack() for leg in legs]
            self._balances.post_legs(batch, origin, words, terms.collected_by, sign)
            return
        principal = [leg.principal_minor for leg in legs]
        self._balances.post_legs(batch, origin, principal, terms.disbursed_by, -sign)
        fees = [leg.fee_minor for leg in legs]
        if any(fees):
            move = self._balances.move
            for party, fee in zip(terms.parties, fees, strict=False):
                move(origin, party, Account.FEES, Account.CLEARING, sign * fee)
            payee, total = terms.parties[terms.fees.to], sign * sum(fees)
            move(origin, payee, Account.CLEARING, Account.FEES, total)


def _date(entry: Any) -> date:
    found: date = entry.date
    return found


def _kind_of(posted: Posted) -> DayKind | None:
    return DayKind.__members__.get(posted.kind.name)


def _amounts(entry: Entry, outstanding_minor: int) -> Amounts:
    if isinstance(entry, Booking):
        return Amounts(entry.principal_minor, 0, 0, 0)
    if isinstance(entry, WriteOff):
        return Amounts(outstanding_minor, 0, 0, 0)
    return amounts(entry)  # type: ignore[arg-type]


def _follow(loan: _Loan, posted: Posted) -> None:
    """An entry of the ledger that stays as it is."""
    principal_minor = sum(leg.principal_minor for leg in posted.legs)
    mirrored = DayKind[posted.mirrored.name] if posted.mirrored else None
    kind = mirrored or _kind_of(posted)
    if kind is not None and kind is not DayKind.WAIVER:
        _move(loan, kind, -principal_minor if mirrored else principal_minor)


def _move(loan: _Loan, kind: DayKind, principal_minor: int) -> None:
    """What an entry does to the outstanding; late money on a written-off loan brings none back."""
    lost = loan.outstanding_minor <= 0 and kind in (DayKind.RECOVERY, DayKind.CLAIM_REPAYMENT)
    if not lost:
        sign = 1 if kind is DayKind.BOOKING else -1
        loan.outstanding_minor += sign * principal_minor


# ---- what differs


def _entries_differ(
    ledger: Ledger, refs: Mapping[bytes, str], own: Sequence[Counted], theirs: Sequence[Counted]
) -> Iterator[Difference]:
    """Each entry that only one side has, and each field of one that both have otherwise."""
    sides = [{(one.entry_id, one.kind is DayKind.BOOKING): one for one in side}
             for side in (own, theirs)]  # fmt: skip
    for key in sorted({*sides[0], *sides[1]}):
        mine, other = (side.get(key) for side in sides)
        if mine == other:
            continue
        known = mine or other
        assert known is not None
        ref = refs.get(known.entry_id) or ledger.ref(known.entry_id)
        name = f"{known.kind.word} {ref}"
        if mine is None or other is None:
            values = [None if one is None else one.amount_minor for one in (mine, other)]
            yield _difference(Section.ENTRIES, f"{name} amount_minor", *values)
            continue
        for what, ours, found in _fields(ledger, mine, other):
            yield _difference(Section.ENTRIES, f"{name} {what}", ours, found)


def _fields(ledger: Ledger, own: Counted, other: Counted) -> Iterator[tuple[str, Any, Any]]:
    if own.kind != other.kind:
        yield "kind", own.kind.word, other.kind.word
    if own.loan_id != other.loan_id:
        yield "loan_ref", ledger.ref(own.loan_id), ledger.ref(other.loan_id)
    if own.date != other.date:
        yield "date", date_of(own.date).isoformat(), date_of(other.date).isoformat()
    for name, mine, theirs in zip(Amounts._fields, own.amounts, other.amounts, strict=True):
        if mine != theirs:
            yield name, mine, theirs


def _balances_differ(ledger: Ledger, own: _Closing, theirs: _Closing) -> Iterator[Difference]:
    names = {member.number: member.member_id for member in reading.members(ledger.book())}
    accounts = list(Account)
    for party, account in sorted({*own, *theirs}, key=lambda key: (key[0], accounts.index(key[1]))):
        mine, other = (side.get((party, account), 0) for side in (own, theirs))
        if mine != other:
            yield _difference(Section.BALANCES, f"{names[party]} {account.value}", mine, other)


def _difference(section: Section, what: str, own: Any, other: Any) -> Difference:
    return Difference(section=section, what=what, own=own, other=other)
