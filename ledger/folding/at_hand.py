"""At hand: what is kept in memory while a run of blocks is folded, and written at its end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from ledger.entries import Kind
from ledger.events import FUNDERS, Amounts, DealTerms, Event, LoanRepaid, Place
from ledger.folding.ids import Ids, rows_with_keys
from ledger.records import (
    ENTRY_INDEXES,
    FIXED,
    KEY_OF_ID,
    LOAN_BY_ID,
    LOANS_BY_KEY,
    WITHOUT_FEE,
    DayKind,
    Loan,
    decode_legs,
    decode_terms,
    encode_legs,
    name_of,
)

# Entries kept back before they are written, and loans kept at hand while a run is folded.
_PENDING_ENTRIES, _LOANS_AT_HAND = 20_000, 250_000
# Events of which there are many, each of a loan; and how few of them are not worth a query.
_CHANGING, _WORTH_IT = (LoanRepaid,), 10
# Marks are not dated: they count to no business day.
_UNDATED = (Kind.OVERDUE, Kind.CURE)
# Places in a row of entries.
_ENTRY_ID, _LOAN_ID, _KIND, _DAY, _FIRST_AMOUNT, _FEE, _LEGS, _MIRRORED = 1, 2, 3, 5, 6, 9, 10, 16
_counted_as = itemgetter(0, _DAY, _KIND, _MIRRORED)
_DAY_KINDS = {kind.value: DayKind[kind.name] for kind in Kind if kind.name in DayKind.__members__}


class Origin(NamedTuple):
    """What is posted together in the sums of a day."""

    deal: int
    settled: int
    """Number of the deal's newest settlement by then; 0 before the first."""
    day: int
    """The business day."""
    kind: int
    """A `DayKind`; below 0 what takes an entry of that kind back."""


class Batch(NamedTuple):
    """The batch that is open: whose entries follow."""

    deal: int
    version: int
    submitter: int
    terms: DealTerms
    open_day: int
    """The first business day that is not sealed: what is dated before it counts to it."""
    settled: int = 0
    """Number of the deal's newest settlement."""

    def origin(self, date: int, kind: int) -> Origin:
        """That of an entry of the batch."""
        return Origin(self.deal, self.settled, max(date, self.open_day), kind)

    def day_of(self, date: int) -> int:
        """The business day to which an entry of the batch counts."""
        return max(date, self.open_day)


class AtHand:
    """Loans and entries of the run, and what it needs to know of deals again and again."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.ids = Ids(connection)
        self._batch: Batch | None = None
        self._loans: dict[tuple[int, bytes], Loan] = {}
        self._changed: dict[tuple[int, bytes], Loan] = {}
        self._booked: dict[tuple[int, bytes], Loan] = {}
        self._taken: set[bytes] = set()
        self._entries: list[tuple[Any, ...]] = []
        self._reversed: list[tuple[object, ...]] = []
        self._totals: dict[tuple[int, int, int], list[int]] = {}
        self._terms: dict[tuple[int, int], DealTerms] = {}
        self._deals: dict[bytes, int] = {}
        self._open_days: dict[int, int] = {}
        self._settled: dict[int, int] = {}

    # ---- deals

    def open_batch(self, deal_id: bytes, version: int, submitter: int) -> None:
        """The entries that follow are these."""
        # Never within a batch: events that belong to the entry before them must find it here.
        if len(self._entries) >= _PENDING_ENTRIES:
            self._flush()
        deal = self.deal(deal_id)
        open_day = self.day_of(deal, 0)
        terms, settled = self.terms(deal, version), self.settled(deal)
        self._batch = Batch(deal, version, submitter, terms, open_day, settled)

    @property
    def batch(self) -> Batch:
        """The batch that is open."""
        assert self._batch is not None, "an entry without EntriesSubmitted before it"
        return self._batch

    def deal(self, deal_id: bytes) -> int:
        """The number of a deal in the book."""
        if deal_id not in self._deals:
            query = "SELECT deal FROM deals WHERE name = ?"
            row = self.connection.execute(query, (name_of(deal_id),)).fetchone()
            self._deals[deal_id] = row[0]
        return self._deals[deal_id]

    def terms(self, deal: int, version: int) -> DealTerms:
        """A version of a deal's terms."""
        if (deal, version) not in self._terms:
            query = "SELECT terms FROM versions WHERE deal = ? AND version = ?"
            (text,) = self.connection.execute(query, (deal, version)).fetchone()
            self._terms[deal, version] = decode_terms(text)
        return self._terms[deal, version]

    def day_of(self, deal: int, date: int) -> int:
        """The business day to which an entry of that date counts when it is posted now."""
        if deal not in self._open_days:
            query = "SELECT sealed_through FROM deals WHERE deal = ?"
            (sealed_through,) = self.connection.execute(query, (deal,)).fetchone()
            self._open_days[deal] = sealed_through + 1
        return max(date, self._open_days[deal])

    def origin(self, deal: int, date: int, kind: int) -> Origin:
        """That of an entry of a date that is posted now."""
        return Origin(deal, self.settled(deal), self.day_of(deal, date), kind)

    def settled(self, deal: int) -> int:
        """Number of a deal's newest settlement; 0 before the first."""
        if deal not in self._settled:
            query = "SELECT coalesce(max(number), 0) FROM settlements WHERE deal = ?"
            (self._settled[deal],) = self.connection.execute(query, (deal,)).fetchone()
        return self._settled[deal]

    def settle(self, deal: int, number: int) -> None:
        """The deal's newest settlement is this one."""
        self._settled[deal] = number

    def seal(self, deal: int, day: int) -> None:
        """Nothing counts to a day up to this one any more."""
        self._open_days[deal] = day + 1
        self.connection.execute("UPDATE deals SET sealed_through = ? WHERE deal = ?", (day, deal))

    def deposit_terms(self, deal: int) -> DealTerms:
        """The newest terms in force that have a deposit: it stays when later ones do without."""
        query = "SELECT version FROM versions WHERE deal = ? AND in_force ORDER BY version DESC"
        for (version,) in self.connection.execute(query, (deal,)).fetchall():
            terms = self.terms(deal, version)
            if terms.deposit.depositor != FUNDERS:
                return terms
        raise AssertionError("an entry on a deposit that no terms have")

    # ---- loans

    def loan(self, deal: int, loan_id: bytes) -> Loan:
        """A loan that is about to change."""
        key = deal, loan_id
        loan = self._loans.get(key)
        if loan is None:
            named = {"deal": deal, "id": loan_id}
            loan = self._loans[key] = Loan(*self.connection.execute(LOAN_BY_ID, named).fetchone())
        if key not in self._booked:
            self._changed[key] = loan
        return loan

    def take(self, loans: Iterable[Loan]) -> None:
        """Loans as they were last written."""
        for loan in loans:
            self._loans[loan.deal, loan.loan_id] = loan
            self._taken.add(loan.loan_id)

    def look_up(self, events: Iterable[Event]) -> None:
        """Have the loans at hand that the events change: one by one they take far longer."""
        ids = {event.loan_id for event in events if isinstance(event, _CHANGING)} - self._taken
        if len(ids) < _WORTH_IT:
            return
        for row in rows_with_keys(self.connection, LOANS_BY_KEY, [*ids]):
            loan = Loan(*row)
            # What is at hand already may have changed since it was written.
            self._loans.setdefault((loan.deal, loan.loan_id), loan)

    def add_loan(self, loan: Loan) -> None:
        """A loan that is booked by the entry that is added next."""
        key = loan.deal, loan.loan_id
        loan.loan = self.ids.last + 1
        self._loans[key] = self._booked[key] = loan

    # ---- entries

    def add_entry(
        self,
        batch: Batch,
        entry_id: bytes,
        loan_id: bytes,
        kind: Kind,
        date: int,
        legs: Sequence[int],
        place: Place,
        amounts: Amounts | None = None,
        reversed_id: bytes | None = None,
        mirrored: Kind | None = None,
    ) -> Amounts:
        """Record an entry; its amounts are what its legs add up to unless it has its own.

        `mirrored`: the kind of what a reversal takes back.
        """
        deal, _, submitter, terms, open_day, _ = batch
        words = legs[: len(terms.parties)]
        # The fields of a sum of legs are the sums of their fields: no amount reaches 2**56.
        total = amounts or Amounts.unpack(sum(words))
        encoded = encode_legs(words)
        day = 0 if kind in _UNDATED else max(date, open_day)
        who = deal, entry_id, loan_id, kind.value, date, day
        takes_back = mirrored.value if mirrored else None
        loan = self.loan(deal, loan_id)
        chain = loan.loan, loan.last_entry
        loan.last_entry = self.ids.next()
        self._entries.append(
            (*who, *total, encoded, submitter, *place, reversed_id, takes_back, *chain)
        )
        return total

    def last_entry(self) -> tuple[bytes, bytes, str]:
        """Id, loan and kind of the entry just before, which still waits to be written."""
        entry = self._entries[-1]
        return entry[_ENTRY_ID], entry[_LOAN_ID], entry[_KIND]

    def last_day(self) -> int:
        """The business day of the entry just before."""
        return int(self._entries[-1][_DAY])

    def extend_last(self, words: Sequence[int], first: int = 0) -> None:
        """Add words to the legs of the entry just before, from the party `first` on."""
        entry = list(self._entries[-1])
        amounts = slice(_FIRST_AMOUNT, _LEGS)
        more = Amounts.unpack(sum(words))
        entry[amounts] = [have + extra for have, extra in zip(entry[amounts], more, strict=True)]
        legs = decode_legs(entry[_LEGS])
        legs += [0] * (first + len(words) - len(legs))
        for place, word in enumerate(words, first):
            legs[place] += word
        entry[_LEGS] = encode_legs(legs)
        self._entries[-1] = tuple(entry)

    def last_number(self) -> int:
        """The number that the entry just before will have in its table."""
        return self.ids.last

    def mark_reversed(
        self, deal: int, loan_id: bytes, reversed_id: bytes, place: Place, *, booking: bool = False
    ) -> None:
        """The entry of that id before `place` no longer stands. Bookings have ids of their own."""
        self._reversed.append((reversed_id, deal, loan_id, *place, booking))

    # ---- totals of days

    def count(self, origin: Origin, amount_minor: int, entries: int = 1) -> None:
        """Entries that are not in the table of entries on loans, and what they come to."""
        total = self._totals.setdefault((origin.deal, origin.day, origin.kind), [0, 0])
        total[0] += entries
        total[1] += amount_minor

    def _count_entries(self) -> None:
        """The entries that are pending. They come in batches of a day and kind."""
        for (deal, day, name, mirrored), rows in groupby(self._entries, key=_counted_as):
            if not day:
                continue
            kind = _DAY_KINDS[mirrored or name]
            fields = slice(_FIRST_AMOUNT, _FEE if kind in WITHOUT_FEE else _LEGS)
            amounts = [sum(row[fields]) for row in rows]
            origin = Origin(deal, 0, day, -kind if mirrored else kind)
            self.count(origin, sum(amounts), len(amounts))

    # ---- writing

    def write(self) -> None:
        """Write everything."""
        self._flush()
        self._flush_loans()
        self.connection.executemany(
            "INSERT INTO day_totals VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " entries = entries + excluded.entries,"
            " amount_minor = amount_minor + excluded.amount_minor",
            [(*key, *total) for key, total in self._totals.items()],
        )
        for name, columns in ENTRY_INDEXES.items():
            self.connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON entries ({columns})")
        self.connection.executemany(
            f"UPDATE entries SET reversed = 1 WHERE entry IN"
            f" (SELECT entry FROM ids WHERE booking = ?7 AND key = {KEY_OF_ID.format(id='?1')})"
            " AND entry_id = ?1 AND +deal = ?2 AND loan_id = ?3"
            " AND (block, tx, log) < (?4, ?5, ?6) AND (kind = 'booking') = ?7",
            self._reversed,
        )

    def forget_run(self) -> None:
        """Drop loans and entries: they are written, or no longer true."""
        self._let_go()
        self._entries.clear()
        self._reversed.clear()
        self._totals.clear()
        self.ids.forget()

    def forget_deals(self) -> None:
        """Drop what is known of deals: it is no longer true."""
        self._terms.clear()
        self._deals.clear()
        self._open_days.clear()
        self._settled.clear()
        self._batch = None

    def _flush(self) -> None:
        """Write the entries that are pending; loans only when there are too many at hand."""
        if self.connection.execute("SELECT 1 FROM entries").fetchone() is None:
            # A whole book is made: sorting its ids once is faster than keeping them sorted.
            for name in ENTRY_INDEXES:
                self.connection.execute(f"DROP INDEX IF EXISTS {name}")
        self._count_entries()
        self.connection.executemany(
            "INSERT INTO entries VALUES"
            " (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
            self._entries,
        )
        self._entries.clear()
        if len(self._loans) > _LOANS_AT_HAND:
            self._flush_loans()

    def _flush_loans(self) -> None:
        """Write the loans that changed, in the order of their table, and let go of all."""
        self.ids.write()
        marks = ", ".join("?" * len(Loan.__slots__))
        self.connection.executemany(
            f"INSERT INTO loans VALUES ({marks})", map(_loan_row, self._booked.values())
        )
        # Not put in anew: SQLite would keep a copy of each page until the row is in its indexes.
        self.connection.executemany(
            _CHANGE_LOAN, map(_moved, sorted(self._changed.values(), key=attrgetter("loan")))
        )
        self._let_go()

    def _let_go(self) -> None:
        self._loans.clear()
        self._taken.clear()
        self._changed.clear()
        self._booked.clear()


_MOVING = [name for name in Loan.__slots__ if name not in FIXED]
_CHANGE_LOAN = f"UPDATE loans SET {', '.join(f'{name} = ?' for name in _MOVING)} WHERE loan = ?"
_loan_row, _moved = attrgetter(*Loan.__slots__), attrgetter(*_MOVING, "loan")
