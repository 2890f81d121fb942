"""Book: what the chain's events come to, as tables. A pure fold: no chain, no clock, no division.

The book can be thrown away at any time: folding the events from block 1 on gives the same rows.
It lives in an SQLite connection given by the caller, a file or memory.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from operator import add, attrgetter
from typing import Any

from ledger import events
from ledger.entries import Kind
from ledger.events import Amounts, DealTerms, Event, Place, fields_of
from ledger.records import (
    TABLES,
    Loan,
    decode_legs,
    decode_terms,
    encode_legs,
    encode_terms,
    has_tables,
    make_tables,
    name_of,
)
from ledger.waterfall import Account

_ENTRY_INDEXES = {"entries_by_id": "entry_id", "entries_by_loan": "loan_id"}
# Entries kept back before they are written, and loans kept at hand while a run is folded.
_PENDING_ENTRIES, _LOANS_AT_HAND = 20_000, 250_000
_CACHE_KIB = 65_536
_FIRST_LEGS = 4
# A field of 64 bits holds the sum of so many amounts below 2**56.
_SUMMED_LEGS = 255

REVERSED_KINDS = {1: Kind.BOOKING, 2: Kind.REPAYMENT, 3: Kind.WAIVER, 4: Kind.WRITE_OFF}
_INCOME = (Account.LOANS, Account.INTEREST, Account.PENALTY, Account.FEES)


_Side = tuple[int, tuple[int, ...], Account, int | None, int]
"""Deal, parties, account that their legs are posted against, holder of the cash, sign."""


class Book:
    """Folds events into tables. `commit` after each run of blocks."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take over a connection; makes the tables when there are none."""
        self.connection = connection
        connection.isolation_level = None
        if not has_tables(connection):
            make_tables(connection)
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._loans: dict[tuple[int, bytes], Loan] = {}
        self._changed: dict[tuple[int, bytes], Loan] = {}
        self._reversed: list[tuple[object, ...]] = []
        self._sums: dict[_Side, list[int]] = {}
        self._summed = 0
        self._last_post: tuple[Account, int | None, int] = Account.CLEARING, None, 0
        self._entries: list[tuple[Any, ...]] = []
        self._balances: defaultdict[tuple[int, int, Account], int] = defaultdict(int)
        self._terms: dict[tuple[int, int], DealTerms] = {}
        self._deals: dict[bytes, int] = {}
        self._batch: tuple[int, int, int, DealTerms] | None = None
        self._appliers = {
            getattr(events, name): getattr(self, f"_{name}")
            for name in dir(events)
            if hasattr(self, f"_{name}")
        }

    @property
    def at(self) -> tuple[int, bytes]:
        """Number and hash of the last block whose events are in; (0, b"") for an empty book."""
        block, block_hash = self.connection.execute(
            "SELECT block, block_hash FROM progress"
        ).fetchone()
        return block, block_hash

    def expect_within(self, head: int, head_hash: bytes) -> None:
        """Empty a book of another chain than the one with this head, so that it is made anew."""
        block, block_hash = self.at
        if block > head or (block == head and block_hash != head_hash):
            for table in TABLES:
                self.connection.execute(f"DELETE FROM {table}")
            self.connection.execute("INSERT INTO progress VALUES (0, x'')")
            self._terms.clear()
            self._deals.clear()

    def begin(self) -> None:
        """Start a run of blocks; nothing of it is seen before `commit`."""
        self.connection.execute("BEGIN IMMEDIATE")

    def apply(self, event: Event, place: Place) -> None:
        """Fold one event, in chain order."""
        # FurtherLegs belong to the entry before them, which must still be here.
        if len(self._entries) >= _PENDING_ENTRIES and type(event) is not events.FurtherLegs:
            self._flush()
        applier = self._appliers.get(type(event))
        if applier is not None:
            applier(event, place)

    def commit(self, block: int, block_hash: bytes) -> None:
        """Keep everything applied so far as the state after `block`."""
        self._flush()
        self._flush_loans()
        for name, column in _ENTRY_INDEXES.items():
            self.connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON entries ({column})")
        self.connection.executemany(
            "UPDATE entries SET reversed = 1 WHERE entry_id = ? AND deal = ? AND loan_id = ?"
            " AND (block, tx, log) < (?, ?, ?)",
            self._reversed,
        )
        self._settle()
        for (deal, party, account), amount_minor in self._balances.items():
            self.connection.execute(
                "INSERT INTO balances VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET amount_minor = amount_minor + excluded.amount_minor",
                (deal, party, account.value, amount_minor),
            )
        self._forget()
        self.connection.execute(
            "UPDATE progress SET block = ?, block_hash = ?", (block, block_hash)
        )
        self.connection.execute("COMMIT")

    def rollback(self) -> None:
        """Forget everything since `begin`."""
        self._forget()
        self._terms.clear()
        self._deals.clear()
        self._batch = None
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    # ---- members and deals

    def _MemberAdmitted(self, event: events.MemberAdmitted, place: Place) -> None:
        self.connection.execute(
            "INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (event.number, name_of(event.member_id), event.name, *event[3:]),
        )

    def _MemberExpelled(self, event: events.MemberExpelled, place: Place) -> None:
        self.connection.execute("UPDATE members SET expelled = 1 WHERE number = ?", (event.number,))

    def _KeyReplaced(self, event: events.KeyReplaced, place: Place) -> None:
        for column in ("maker", "checker"):
            self.connection.execute(
                f"UPDATE members SET {column} = ? WHERE number = ? AND {column} = ?",
                (event.new_key, event.number, event.old_key),
            )

    def _ActionRequested(self, event: events.ActionRequested, place: Place) -> None:
        self.connection.execute(
            "INSERT INTO actions VALUES (?, ?, ?, ?, ?, 0)", (*event, place.block)
        )

    def _ActionConfirmed(self, event: events.ActionConfirmed, place: Place) -> None:
        self.connection.execute(
            "UPDATE actions SET confirmed = 1 WHERE action_id = ? AND number = ?", event
        )

    def _TermsProposed(self, event: events.TermsProposed, place: Place) -> None:
        self.connection.execute(
            "INSERT OR IGNORE INTO deals (name) VALUES (?)", (name_of(event.deal_id),)
        )
        self.connection.execute(
            "INSERT INTO versions VALUES (?, ?, ?, ?, ?, 0)",
            (
                self._deal(event.deal_id),
                event.version,
                event.proposer,
                event.terms_hash,
                encode_terms(event.terms),
            ),
        )

    def _TermsSigned(self, event: events.TermsSigned, place: Place) -> None:
        self.connection.execute(
            "INSERT INTO signatures VALUES (?, ?, ?)",
            (self._deal(event.deal_id), event.version, event.party),
        )

    def _DealActivated(self, event: events.DealActivated, place: Place) -> None:
        deal = self._deal(event.deal_id)
        self.connection.execute(
            "UPDATE deals SET version = ? WHERE deal = ?", (event.version, deal)
        )
        self.connection.execute(
            "UPDATE versions SET in_force = 1 WHERE deal = ? AND version = ?", (deal, event.version)
        )

    def _DaySealed(self, event: events.DaySealed, place: Place) -> None:
        self.connection.execute(
            "UPDATE deals SET sealed_through = ? WHERE deal = ?",
            (event.day, self._deal(event.deal_id)),
        )

    # ---- entries

    def _EntriesSubmitted(self, event: events.EntriesSubmitted, place: Place) -> None:
        deal = self._deal(event.deal_id)
        self._batch = deal, event.version, event.submitter, self._terms_of(deal, event.version)

    def _LoanBooked(self, event: events.LoanBooked, place: Place) -> None:
        deal, version, _, terms = self._open_batch()
        parts = fields_of(event.parts)[: len(terms.shares_ppm)]
        principal_minor = sum(parts)
        key = deal, event.loan_id
        self._loans[key] = self._changed[key] = Loan(
            deal, event.loan_id, event.borrower_id, version, event.particulars,
            principal_minor, principal_minor, 0, 1, 0, 0, 0, 0,
        )  # fmt: skip
        start = event.particulars & 0xFFFF
        self._add(event.loan_id, event.loan_id, Kind.BOOKING, start, parts, place)
        self._post(parts, Account.CLEARING, terms.disbursed_by, -1)

    def _LoanRepaid(self, event: events.LoanRepaid, place: Place) -> None:
        deal, *_, terms = self._open_batch()
        loan = self._loan(deal, event.loan_id)
        loan.sequence += 1
        total = self._add(
            event.entry_id, event.loan_id, Kind.REPAYMENT, event.date, event.legs, place
        )
        loan.outstanding_minor -= total.principal_minor
        self._post(event.legs, Account.CLEARING, terms.collected_by, 1)

    def _FurtherLegs(self, event: events.FurtherLegs, place: Place) -> None:
        """The rest of the entry before it: a repayment or a reversal."""
        deal = self._open_batch()[0]
        entry = list(self._entries[-1])
        assert entry[1] == event.entry_id, "FurtherLegs follows its entry"
        against, cash_place, sign = self._last_post
        more = Amounts.unpack(sum(event.legs))
        entry[5:9] = [have + extra for have, extra in zip(entry[5:9], more, strict=True)]
        first = decode_legs(entry[9])
        entry[9] = encode_legs([*first, *[0] * (_FIRST_LEGS - len(first)), *event.legs])
        self._entries[-1] = tuple(entry)
        # Whatever lowers the outstanding is posted with sign 1.
        self._loan(deal, entry[2]).outstanding_minor -= sign * more.principal_minor
        self._post(event.legs, against, cash_place, sign, first=_FIRST_LEGS)

    def _LoanMarkedOverdue(self, event: events.LoanMarkedOverdue, place: Place) -> None:
        loan = self._loan(self._open_batch()[0], event.loan_id)
        kind = Kind.OVERDUE if event.since_date else Kind.CURE
        day = event.since_date or loan.since_date
        loan.sequence += 1
        loan.since_date = event.since_date
        self._add(event.entry_id, event.loan_id, kind, day, (), place)

    def _LoanWaived(self, event: events.LoanWaived, place: Place) -> None:
        loan = self._loan(self._open_batch()[0], event.loan_id)
        amounts = Amounts.unpack(event.amounts)
        loan.sequence += 1
        loan.waived_interest_minor += amounts.interest_minor
        loan.waived_penalty_minor += amounts.penalty_minor
        self._add(event.entry_id, event.loan_id, Kind.WAIVER, event.date, (), place, amounts)

    def _LoanWrittenOff(self, event: events.LoanWrittenOff, place: Place) -> None:
        deal, *_, terms = self._open_batch()
        loan = self._loan(deal, event.loan_id)
        parts = fields_of(event.parts)[: len(terms.shares_ppm)]
        loan.sequence += 1
        loan.outstanding_minor -= sum(parts)
        loan.written_off = 1
        self._add(event.entry_id, event.loan_id, Kind.WRITE_OFF, event.date, parts, place)
        self._post(parts, Account.LOSSES, None, 1)

    def _EntryReversed(self, event: events.EntryReversed, place: Place) -> None:
        deal, *_, terms = self._open_batch()
        loan = self._loan(deal, event.loan_id)
        loan.sequence += 1
        kind = REVERSED_KINDS[event.reversed_kind]
        if kind is Kind.BOOKING:
            loan.reversed = 1
            loan.outstanding_minor -= sum(event.legs)
            self._post(event.legs, Account.CLEARING, terms.disbursed_by, 1)
        elif kind is Kind.WRITE_OFF:
            loan.written_off = 0
            loan.outstanding_minor += sum(event.legs)
            self._post(event.legs, Account.LOSSES, None, -1)
        elif kind is Kind.WAIVER:
            amounts = Amounts.unpack(event.amounts)
            loan.waived_interest_minor -= amounts.interest_minor
            loan.waived_penalty_minor -= amounts.penalty_minor
        else:
            loan.outstanding_minor += sum(leg & events.WORD_64 for leg in event.legs)
            self._post(event.legs, Account.CLEARING, terms.collected_by, -1)
        waived = Amounts.unpack(event.amounts) if kind is Kind.WAIVER else None
        self._add(
            event.entry_id, event.loan_id, Kind.REVERSAL, event.date, event.legs, place,
            waived, event.reversed_id,
        )  # fmt: skip
        self._reversed.append((event.reversed_id, deal, event.loan_id, *place))

    # ---- shared

    def _add(
        self,
        entry_id: bytes,
        loan_id: bytes,
        kind: Kind,
        date: int,
        legs: Sequence[int],
        place: Place,
        amounts: Amounts | None = None,
        reversed_id: bytes | None = None,
    ) -> Amounts:
        """Record an entry; its amounts are what its legs add up to unless it has none."""
        deal, _, submitter, terms = self._open_batch()
        words = legs[: len(terms.parties)]
        # The fields of a sum of legs are the sums of their fields: no amount reaches 2**56.
        total = amounts or Amounts.unpack(sum(words))
        encoded = encode_legs(words)
        who = deal, entry_id, loan_id, kind.value, date
        self._entries.append((*who, *total, encoded, submitter, *place, reversed_id))
        return total

    def _post(
        self,
        legs: Sequence[int],
        against: Account,
        cash_place: int | None,
        sign: int,
        first: int = 0,
    ) -> None:
        """Post legs against an account and, but for losses, through the holder of the cash.

        `first`: index of legs[0]. Postings are linear, so legs are first added up, packed.
        """
        deal, _, _, terms = self._open_batch()
        self._last_post = against, cash_place, sign
        parties = terms.parties[first:]
        holder = None if cash_place is None else terms.parties[cash_place]
        side = deal, parties, against, holder, sign
        sums = self._sums.get(side) or [0] * len(parties)
        # A loan has parts for its funders only, who come first among the parties.
        self._sums[side] = [*map(add, sums, legs), *sums[len(legs) :]]
        self._summed += 1
        if self._summed >= _SUMMED_LEGS:
            self._settle()

    def _settle(self) -> None:
        """The postings of the legs added up: see "Accounts" of the money rules."""
        for (deal, parties, against, holder, sign), sums in self._sums.items():
            cash_minor = 0
            for party, leg in zip(parties, sums, strict=True):
                total = 0
                for account, part in zip(_INCOME, Amounts.unpack(leg), strict=True):
                    if part:
                        self._balances[deal, party, account] -= sign * part
                        total += part
                if total:
                    self._balances[deal, party, against] += sign * total
                    cash_minor += sign * total
            if holder is not None:
                self._balances[deal, holder, Account.CASH] += cash_minor
                self._balances[deal, holder, Account.CLEARING] -= cash_minor
        self._sums.clear()
        self._summed = 0

    def _open_batch(self) -> tuple[int, int, int, DealTerms]:
        assert self._batch is not None, "an entry without EntriesSubmitted before it"
        return self._batch

    def _deal(self, deal_id: bytes) -> int:
        if deal_id not in self._deals:
            query = "SELECT deal FROM deals WHERE name = ?"
            self._deals[deal_id] = self.connection.execute(query, (name_of(deal_id),)).fetchone()[0]
        return self._deals[deal_id]

    def _terms_of(self, deal: int, version: int) -> DealTerms:
        if (deal, version) not in self._terms:
            query = "SELECT terms FROM versions WHERE deal = ? AND version = ?"
            (text,) = self.connection.execute(query, (deal, version)).fetchone()
            self._terms[deal, version] = decode_terms(text)
        return self._terms[deal, version]

    def _loan(self, deal: int, loan_id: bytes) -> Loan:
        """A loan that is about to change."""
        key = deal, loan_id
        loan = self._loans.get(key)
        if loan is None:
            query = "SELECT * FROM loans WHERE deal = ? AND loan_id = ?"
            loan = self._loans[key] = Loan(*self.connection.execute(query, key).fetchone())
        self._changed[key] = loan
        return loan

    def _flush(self) -> None:
        """Write the entries that are pending; loans only when there are too many at hand."""
        if self.connection.execute("SELECT 1 FROM entries").fetchone() is None:
            # A whole book is made: sorting its ids once is faster than keeping them sorted.
            for name in _ENTRY_INDEXES:
                self.connection.execute(f"DROP INDEX IF EXISTS {name}")
        self.connection.executemany(
            "INSERT INTO entries VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            self._entries,
        )
        self._entries.clear()
        if len(self._loans) > _LOANS_AT_HAND:
            self._flush_loans()

    def _flush_loans(self) -> None:
        """Write the loans that changed, in the order of their table, and let go of all."""
        marks = ", ".join("?" * len(Loan.__slots__))
        self.connection.executemany(
            f"INSERT OR REPLACE INTO loans VALUES ({marks})",
            sorted(map(_loan_row, self._changed.values())),
        )
        self._changed.clear()
        self._loans.clear()

    def _forget(self) -> None:
        """Drop what is at hand: kept, or no longer true."""
        self._loans.clear()
        self._changed.clear()
        self._entries.clear()
        self._reversed.clear()
        self._sums.clear()
        self._summed = 0
        self._balances.clear()


_loan_row = attrgetter(*Loan.__slots__)
