"""Records: the tables of the book and what their rows hold."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from ledger import events
from ledger.events import DealTerms

_SCHEMA = """
CREATE TABLE progress (block INTEGER NOT NULL, block_hash BLOB NOT NULL);
CREATE TABLE members (
  number INTEGER PRIMARY KEY, member_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  maker BLOB NOT NULL, checker BLOB NOT NULL, roles INTEGER NOT NULL, licences INTEGER NOT NULL,
  validator BLOB NOT NULL, expelled INTEGER NOT NULL DEFAULT 0);
CREATE TABLE actions (
  action_id BLOB NOT NULL, number INTEGER NOT NULL, target BLOB NOT NULL, payload BLOB NOT NULL,
  block INTEGER NOT NULL, confirmed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX actions_by_id ON actions (action_id);
CREATE TABLE deals (
  deal INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, version INTEGER NOT NULL DEFAULT 0,
  sealed_through INTEGER NOT NULL DEFAULT 0);
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
  written_off INTEGER NOT NULL, reversed INTEGER NOT NULL,
  PRIMARY KEY (deal, loan_id)) WITHOUT ROWID;
CREATE TABLE entries (
  entry INTEGER PRIMARY KEY, deal INTEGER NOT NULL, entry_id BLOB NOT NULL, loan_id BLOB NOT NULL,
  kind TEXT NOT NULL, date INTEGER NOT NULL, principal_minor INTEGER NOT NULL,
  interest_minor INTEGER NOT NULL, penalty_minor INTEGER NOT NULL, fee_minor INTEGER NOT NULL,
  legs BLOB NOT NULL, submitter INTEGER NOT NULL, block INTEGER NOT NULL,
  tx INTEGER NOT NULL, log INTEGER NOT NULL, reversed_id BLOB, reversed INTEGER NOT NULL DEFAULT 0);
CREATE TABLE balances (
  deal INTEGER NOT NULL, party INTEGER NOT NULL, account TEXT NOT NULL,
  amount_minor INTEGER NOT NULL, PRIMARY KEY (deal, party, account)) WITHOUT ROWID;
"""

TABLES = re.findall(r"CREATE TABLE (\w+)", _SCHEMA)
_NAME = re.compile("[a-z0-9][a-z0-9-]*")


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

    @property
    def status(self) -> str:
        """active, overdue, settled, written_off or reversed."""
        if self.reversed:
            return "reversed"
        if self.written_off:
            return "written_off"
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
    """Whether a book was begun here."""
    query = "SELECT 1 FROM sqlite_master WHERE name = 'progress'"
    return connection.execute(query).fetchone() is not None


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of an empty book, unless another process does."""
    connection.execute("BEGIN IMMEDIATE")
    # Another process may have made them since they were looked for.
    if not has_tables(connection):
        for statement in _SCHEMA.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO progress VALUES (0, x'')")
    connection.execute("COMMIT")


def encode_legs(words: Iterable[int]) -> bytes:
    """Packed legs as stored: 32 bytes for each party, zero legs at the end left out."""
    encoded = [word.to_bytes(32, "big") for word in words]
    while encoded and not any(encoded[-1]):
        encoded.pop()
    return b"".join(encoded)


def decode_legs(encoded: bytes) -> list[int]:
    """The packed legs of `encode_legs`."""
    edges = range(0, len(encoded) + 1, 32)
    return [int.from_bytes(encoded[first:end], "big") for first, end in pairwise(edges)]


def encode_terms(terms: DealTerms) -> str:
    """Terms as JSON text."""
    return json.dumps(terms._replace(document_digest=terms.document_digest.hex()))  # type: ignore[arg-type]


def decode_terms(text: str) -> DealTerms:
    """The terms of `encode_terms`."""
    fields = dict(zip(DealTerms._fields, json.loads(text), strict=True))
    fields["parties"], fields["shares_ppm"] = tuple(fields["parties"]), tuple(fields["shares_ppm"])
    for name in ("interest", "penalty"):
        fields[name] = tuple(events.TierTerms(*tier) for tier in fields[name])
    fields["limits"] = events.LimitTerms(*fields["limits"])
    fields["document_digest"] = bytes.fromhex(fields["document_digest"])
    return DealTerms(**fields)


def name_of(label: bytes) -> str:
    """The name in a bytes32; the hex of one that no program of ours could have made."""
    name = label.rstrip(b"\0").decode("ascii", errors="replace")
    return name if _NAME.fullmatch(name) else "0x" + label.hex()
