"""Records: the tables of the book and what their rows hold."""

from __future__ import annotations

import json
import re
import sqlite3
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, TypeVar

from ledger import events
from ledger.events import DealTerms
from ledger.voucher_records import SCHEMA as _VOUCHER_SCHEMA

OVERDUE = (
    "since_date > 0 AND outstanding_minor > 0"
    " AND NOT compensated AND NOT written_off AND NOT reversed"
)
"""Loans that are overdue and have no claim yet. Queries say the same words to use their index."""

_SCHEMA = f"""
CREATE TABLE progress (block INTEGER NOT NULL, block_hash BLOB NOT NULL);
CREATE TABLE members (
  number INTEGER PRIMARY KEY, member_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  maker BLOB NOT NULL, checker BLOB NOT NULL, roles INTEGER NOT NULL, licences INTEGER NOT NULL,
  validator BLOB NOT NULL, expelled INTEGER NOT NULL DEFAULT 0);
CREATE TABLE maker_keys (
  number INTEGER NOT NULL, key BLOB NOT NULL, from_block INTEGER NOT NULL, to_block INTEGER);
CREATE TABLE list_changes (
  change INTEGER PRIMARY KEY, bank INTEGER NOT NULL, party INTEGER NOT NULL, role INTEGER NOT NULL,
  listed INTEGER NOT NULL, from_date INTEGER NOT NULL, to_date INTEGER NOT NULL,
  block INTEGER NOT NULL);
CREATE INDEX list_changes_by_bank ON list_changes (bank);
CREATE TABLE figures (
  member INTEGER NOT NULL, figure INTEGER NOT NULL, currency INTEGER NOT NULL,
  from_date INTEGER NOT NULL, amount_minor TEXT NOT NULL, block INTEGER NOT NULL);
CREATE TABLE partner_groups (
  bank INTEGER NOT NULL, party INTEGER NOT NULL, group_number INTEGER NOT NULL,
  block INTEGER NOT NULL);
CREATE TABLE actions (
  action_id BLOB NOT NULL, number INTEGER NOT NULL, target BLOB NOT NULL, payload BLOB NOT NULL,
  block INTEGER NOT NULL, confirmed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX actions_by_id ON actions (action_id);
CREATE TABLE deals (
  deal INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 0,
  sealed_through INTEGER NOT NULL DEFAULT 0, suspended_by INTEGER NOT NULL DEFAULT 0,
  closed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE deal_steps (
  deal INTEGER NOT NULL, step TEXT NOT NULL, party INTEGER NOT NULL, version INTEGER NOT NULL,
  block INTEGER NOT NULL);
CREATE TABLE periods (
  deal INTEGER NOT NULL, month INTEGER NOT NULL, version INTEGER NOT NULL, party INTEGER NOT NULL,
  date INTEGER NOT NULL, day INTEGER NOT NULL, figures TEXT NOT NULL, block INTEGER NOT NULL,
  tx INTEGER NOT NULL, log INTEGER NOT NULL, PRIMARY KEY (deal, month)) WITHOUT ROWID;
CREATE TABLE versions (
  deal INTEGER NOT NULL, version INTEGER NOT NULL, proposer INTEGER NOT NULL,
  terms_hash BLOB NOT NULL, terms TEXT NOT NULL, in_force INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (deal, version));
CREATE TABLE signatures (
  deal INTEGER NOT NULL, version INTEGER NOT NULL, party INTEGER NOT NULL,
  PRIMARY KEY (deal, version, party));
CREATE TABLE loans (
  deal INTEGER NOT NULL, loan_id BLOB NOT NULL, borrower_id BLOB NOT NULL,
  version INTEGER NOT NULL, particulars INTEGER NOT NULL, principal_minor INTEGER NOT NULL,
  outstanding_minor INTEGER NOT NULL, since_date INTEGER NOT NULL, sequence INTEGER NOT NULL,
  waived_interest_minor INTEGER NOT NULL, waived_penalty_minor INTEGER NOT NULL,
  written_off INTEGER NOT NULL, reversed INTEGER NOT NULL, compensated INTEGER NOT NULL,
  lost_minor INTEGER NOT NULL, claims_minor INTEGER NOT NULL,
  loan INTEGER PRIMARY KEY, last_entry INTEGER NOT NULL);
CREATE INDEX loans_overdue ON loans (deal, since_date) WHERE {OVERDUE};
CREATE TABLE entries (
  entry INTEGER PRIMARY KEY, deal INTEGER NOT NULL, entry_id BLOB NOT NULL, loan_id BLOB NOT NULL,
  kind TEXT NOT NULL, date INTEGER NOT NULL, day INTEGER NOT NULL,
  principal_minor INTEGER NOT NULL, interest_minor INTEGER NOT NULL,
  penalty_minor INTEGER NOT NULL, fee_minor INTEGER NOT NULL,
  legs BLOB NOT NULL, submitter INTEGER NOT NULL, block INTEGER NOT NULL,
  tx INTEGER NOT NULL, log INTEGER NOT NULL, reversed_id BLOB, mirrored TEXT,
  reversed INTEGER NOT NULL DEFAULT 0, loan INTEGER NOT NULL, before INTEGER NOT NULL);
CREATE TABLE recent_ids (
  booking INTEGER NOT NULL, key BLOB NOT NULL, entry INTEGER NOT NULL,
  PRIMARY KEY (booking, key, entry)) WITHOUT ROWID;
CREATE TABLE gathered_ids (
  booking INTEGER NOT NULL, key BLOB NOT NULL, entry INTEGER NOT NULL,
  PRIMARY KEY (booking, key, entry)) WITHOUT ROWID;
CREATE TABLE gathered (entry INTEGER NOT NULL);
CREATE VIEW ids AS
  SELECT booking, key, entry FROM gathered_ids
  UNION ALL SELECT booking, key, entry FROM recent_ids;
CREATE TABLE layer_parts (
  entry INTEGER NOT NULL, layer INTEGER NOT NULL, amount_minor INTEGER NOT NULL,
  PRIMARY KEY (entry, layer)) WITHOUT ROWID;
CREATE TABLE claims (
  deal INTEGER NOT NULL, loan_id BLOB NOT NULL, layer INTEGER NOT NULL,
  paid_minor INTEGER NOT NULL, open_minor INTEGER NOT NULL,
  PRIMARY KEY (deal, loan_id, layer)) WITHOUT ROWID;
CREATE TABLE layer_use (
  deal INTEGER NOT NULL, layer INTEGER NOT NULL, used_minor INTEGER NOT NULL,
  PRIMARY KEY (deal, layer)) WITHOUT ROWID;
CREATE TABLE deposit_lines (
  line INTEGER PRIMARY KEY, deal INTEGER NOT NULL, entry_id BLOB NOT NULL, kind TEXT NOT NULL,
  party INTEGER NOT NULL, date INTEGER NOT NULL, day INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL, deposit_minor INTEGER NOT NULL, block INTEGER NOT NULL,
  tx INTEGER NOT NULL, log INTEGER NOT NULL, reversed_id BLOB, reversed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX deposit_lines_by_deal ON deposit_lines (deal);
CREATE INDEX deposit_lines_by_id ON deposit_lines (entry_id);
CREATE TABLE top_ups (
  deal INTEGER NOT NULL, amount_minor INTEGER NOT NULL, deposit_minor INTEGER NOT NULL,
  outstanding_minor INTEGER NOT NULL, block INTEGER NOT NULL);
CREATE TABLE balances (
  deal INTEGER NOT NULL, party INTEGER NOT NULL, account TEXT NOT NULL,
  amount_minor INTEGER NOT NULL, PRIMARY KEY (deal, party, account)) WITHOUT ROWID;
CREATE TABLE day_moves (
  deal INTEGER NOT NULL, day INTEGER NOT NULL, kind INTEGER NOT NULL, settled INTEGER NOT NULL,
  party INTEGER NOT NULL, account TEXT NOT NULL, amount_minor INTEGER NOT NULL,
  PRIMARY KEY (deal, day, kind, settled, party, account)) WITHOUT ROWID;
CREATE TABLE day_totals (
  deal INTEGER NOT NULL, day INTEGER NOT NULL, kind INTEGER NOT NULL, entries INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL, PRIMARY KEY (deal, day, kind)) WITHOUT ROWID;
CREATE TABLE day_signatures (
  deal INTEGER NOT NULL, day INTEGER NOT NULL, party INTEGER NOT NULL, digest BLOB NOT NULL,
  statement TEXT NOT NULL, block INTEGER NOT NULL);
CREATE INDEX day_signatures_by_day ON day_signatures (deal, day);
CREATE TABLE day_disputes (
  deal INTEGER NOT NULL, day INTEGER NOT NULL, party INTEGER NOT NULL, against INTEGER NOT NULL,
  sections INTEGER NOT NULL, block INTEGER NOT NULL);
CREATE INDEX day_disputes_by_day ON day_disputes (deal, day);
CREATE TABLE seals (
  deal INTEGER NOT NULL, day INTEGER NOT NULL, digest BLOB NOT NULL, block INTEGER NOT NULL,
  PRIMARY KEY (deal, day)) WITHOUT ROWID;
CREATE TABLE settlements (
  deal INTEGER NOT NULL, number INTEGER NOT NULL, day INTEGER NOT NULL, party INTEGER NOT NULL,
  of_sealed_day INTEGER NOT NULL, block INTEGER NOT NULL, tx INTEGER NOT NULL,
  log INTEGER NOT NULL, PRIMARY KEY (deal, number)) WITHOUT ROWID;
CREATE TABLE settlement_payments (
  deal INTEGER NOT NULL, number INTEGER NOT NULL, payment INTEGER NOT NULL,
  payer INTEGER NOT NULL, payee INTEGER NOT NULL, amount_minor INTEGER NOT NULL,
  paid_minor INTEGER NOT NULL, PRIMARY KEY (deal, number, payment)) WITHOUT ROWID;
CREATE TABLE settlement_lines (
  line INTEGER PRIMARY KEY, deal INTEGER NOT NULL, entry_id BLOB NOT NULL, kind TEXT NOT NULL,
  number INTEGER NOT NULL, payment INTEGER NOT NULL, party INTEGER NOT NULL,
  date INTEGER NOT NULL, day INTEGER NOT NULL, amount_minor INTEGER NOT NULL,
  reference_id BLOB NOT NULL, block INTEGER NOT NULL, tx INTEGER NOT NULL, log INTEGER NOT NULL,
  reversed_id BLOB, reversed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX settlement_lines_by_deal ON settlement_lines (deal);
CREATE INDEX settlement_lines_by_id ON settlement_lines (entry_id);
CREATE INDEX settlement_lines_by_reference ON settlement_lines (reference_id);
CREATE TABLE unsettled (
  block INTEGER PRIMARY KEY, block_hash BLOB NOT NULL, before INTEGER NOT NULL,
  before_hash BLOB NOT NULL);
CREATE TABLE undo (number INTEGER PRIMARY KEY, block INTEGER NOT NULL, statement TEXT NOT NULL);
{_VOUCHER_SCHEMA}"""
ENTRY_INDEXES = {"entries_by_day": "deal, day"}
"""Of the table `entries`, which makes them last: name to columns.

Ids have none, nor do the loans of entries: whatever is put in at random costs a page of the disk
for each row once the book is long. The entries of a loan are a chain (`LOAN_CHAIN`), and the ids'
own tables are filled in order (`folding/ids.py`).
"""
KEY_BYTES = 6
KEY_OF_ID = f"substr({{id}}, 1, {KEY_BYTES})"
"""What is kept of an id in `ids`. Whoever finds an entry by it compares the id of the row."""
_LOAN = "SELECT loans.* FROM ids CROSS JOIN loans ON loan = entry WHERE booking = 1 AND key"
LOAN_BY_ID = f"{_LOAN} = {KEY_OF_ID} AND loan_id = :id AND deal = :deal".format(id=":id")
"""A loan has the number of the entry that booked it."""
LOANS_BY_KEY = f"{_LOAN} IN ({{keys}})"
LOAN_CHAIN = (
    "WITH RECURSIVE chain (entry, before) AS ("
    f" SELECT entries.entry, before FROM ({LOAN_BY_ID}) JOIN entries ON entry = last_entry"
    " UNION ALL"
    " SELECT entries.entry, entries.before FROM chain JOIN entries ON entries.entry = chain.before"
    # None has a later one before it, whatever a book says that somebody changed.
    " WHERE chain.before < chain.entry)"
)
"""The numbers of a loan's entries, the last first: each has that of the one before it, or 0."""
_FORM_OF_LEGS = "sized"
_SCHEMA_NUMBER = zlib.crc32(f"{_SCHEMA}{ENTRY_INDEXES}{_FORM_OF_LEGS}".encode()) >> 1 | 1

TABLES = re.findall(r"CREATE TABLE (\w+)", _SCHEMA)
FIXED = ("deal", "loan_id", "borrower_id", "version", "particulars", "principal_minor", "loan")
"""Columns of a loan that no entry after its booking changes."""
_Record = TypeVar("_Record")
_NAME = re.compile("[a-z0-9][a-z0-9-]*")


class DayKind(IntEnum):
    """Kinds of entries as the totals of a day number them. Overdue marks count to no day."""

    BOOKING = 1
    REPAYMENT = 2
    WAIVER = 3
    WRITE_OFF = 4
    COMPENSATION = 5
    RECOVERY = 6
    CLAIM_REPAYMENT = 7
    DEPOSIT_PAID = 8
    DEPOSIT_RELEASED = 9
    PERIOD_STATEMENT = 10
    SETTLEMENT = 11
    REVERSAL = 12
    CONFIRMATION = 13
    TRANSFER = 14
    """A piece of a voucher went to another holder: passed on, discounted, sold or bought back."""
    VOUCHER_PAYMENT = 15
    """A piece was paid, by the core enterprise or by a loan to it."""

    @property
    def word(self) -> str:
        """As messages and JSON have it."""
        return self.name.lower().replace("_", "-")


WITHOUT_FEE = (DayKind.BOOKING, DayKind.RECOVERY)
"""Their field fee is no part of their amount: what it cost the funders, the cost within it."""


class DealStep(StrEnum):
    """What the parties of a deal did to its state."""

    SUSPENDED = "suspended"
    RESUMED = "resumed"
    CLOSING_SIGNED = "closing-signed"
    CLOSED = "closed"


class DepositKind(StrEnum):
    """Kinds of lines of a deposit's ledger (保证金台账)."""

    PAID = "paid"
    RELEASED = "released"
    PAYMENT_REVERSED = "payment-reversed"
    DRAWN = "drawn"
    """By a compensation."""
    DRAW_REVERSED = "draw-reversed"


class PaymentKind(StrEnum):
    """Kinds of lines of a settlement's payments."""

    PAID = "paid"
    REVERSED = "payment-reversed"


@dataclass(slots=True)
class Loan:
    """A loan as its entries left it. Amounts in minor units, dates in days since 1970-01-01."""

    deal: int
    loan_id: bytes
    borrower_id: bytes
    version: int
    particulars: int
    principal_minor: int
    outstanding_minor: int
    since_date: int
    sequence: int
    waived_interest_minor: int
    waived_penalty_minor: int
    written_off: int
    reversed: int
    compensated: int
    lost_minor: int
    """Written off and not recovered yet."""
    claims_minor: int
    """Open claims of the loss layers."""
    loan: int
    """Its number in the book: that of the entry that booked it."""
    last_entry: int
    """The number of its newest entry."""

    @property
    def status(self) -> str:
        """active, overdue, settled, compensated, written_off or reversed.

        A compensated loan is settled once nothing is outstanding and no claim is open.
        """
        if self.reversed:
            return "reversed"
        if self.written_off:
            return "written_off"
        if self.compensated and (self.outstanding_minor or self.claims_minor):
            return "compensated"
        if not self.outstanding_minor:
            return "settled"
        return "overdue" if self.since_date else "active"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a deal's terms."""

    version: int
    proposer: int
    terms_hash: bytes
    terms: DealTerms
    in_force: bool


def has_tables(connection: sqlite3.Connection) -> bool:
    """Whether a book with these very tables was begun here."""
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    return bool(number == _SCHEMA_NUMBER)


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty book, unless another process does.

    A book with other tables is of another version of the program and is thrown away.
    """
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have made them since they were looked for.
    if not has_tables(connection):
        query = "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view')"
        for kind, name in connection.execute(query).fetchall():
            connection.execute(f"DROP {kind} {name}")
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO progress VALUES (0, x'')")
        connection.execute(f"PRAGMA user_version = {_SCHEMA_NUMBER}")
    connection.execute("COMMIT")


def encode_legs(words: Iterable[int]) -> bytes:
    """Packed legs as stored: a length and as many bytes for each party, zeros at the end left out.

    An amount rarely fills its 64 bits, so a word takes a third of its 32 bytes.
    """
    kept = list(words)
    while kept and not kept[-1]:
        kept.pop()
    return b"".join(
        [
            (word | (size := (word.bit_length() + 7) >> 3) << 8 * size).to_bytes(size + 1, "big")
            for word in kept
        ]
    )


def decode_legs(encoded: bytes) -> list[int]:
    """The packed legs of `encode_legs`."""
    words = []
    at = 0
    while at < len(encoded):
        end = at + 1 + encoded[at]
        words.append(int.from_bytes(encoded[at + 1 : end], "big"))
        at = end
    return words


def encode_terms(terms: DealTerms) -> str:
    """Terms as JSON text: the fields in their order, without their names."""
    return json.dumps(terms._replace(document_digest=terms.document_digest.hex()))  # type: ignore[arg-type]


def decode_terms(text: str) -> DealTerms:
    """The terms of `encode_terms`."""
    *fields, digest = json.loads(text)
    return terms_of([*fields, bytes.fromhex(digest)])


def terms_of(fields: Iterable[Any]) -> DealTerms:
    """Terms from the values of their fields in order, tables and lists as plain sequences."""
    terms = DealTerms(*fields)
    fees, period = events.FeeTerms(*terms.fees), events.PeriodTerms(*terms.period)
    return terms._replace(
        parties=tuple(terms.parties),
        shares_ppm=tuple(terms.shares_ppm),
        interest=_each(events.TierTerms, terms.interest),
        penalty=_each(events.TierTerms, terms.penalty),
        fees=fees._replace(split=_each(events.TierTerms, fees.split)),
        deposit=events.DepositTerms(*terms.deposit),
        layers=_each(events.LayerTerms, terms.layers),
        claim=events.ClaimTerms(*terms.claim),
        period=period._replace(
            tiers=_each(events.BandTerms, period.tiers), risk=_each(events.BandTerms, period.risk)
        ),
        receivable=events.ReceivableTerms(*terms.receivable),
        limits=_each(events.LimitTerms, terms.limits),
    )


def _each(record: Callable[..., _Record], rows: Iterable[Iterable[Any]]) -> tuple[_Record, ...]:
    return tuple(record(*row) for row in rows)


def name_of(label: bytes) -> str:
    """The name in a bytes32; the hex of one that no program of ours could have made."""
    name = label.rstrip(b"\0").decode("ascii", errors="replace")
    return name if _NAME.fullmatch(name) else "0x" + label.hex()
