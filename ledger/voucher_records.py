"""Voucher records: the tables that vouchers, their pieces, pools and limits have in the book.

A *voucher* (应收账款电子凭证) is what a core enterprise confirmed that it owes; a *piece* is the
part of one that one holder has. Dates are days since 1970-01-01, 0 for none; members are numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any

SCHEMA = """
CREATE TABLE vouchers (
  deal INTEGER NOT NULL, voucher_id BLOB NOT NULL, invoice_hash BLOB NOT NULL,
  core INTEGER NOT NULL, supplier INTEGER NOT NULL, amount_minor INTEGER NOT NULL,
  outstanding_minor INTEGER NOT NULL, instructed_minor INTEGER NOT NULL,
  issue_date INTEGER NOT NULL, due_date INTEGER NOT NULL, delivery_date INTEGER NOT NULL,
  term_reason INTEGER NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL,
  evidence INTEGER NOT NULL, disputes INTEGER NOT NULL, issued_by INTEGER NOT NULL,
  block INTEGER NOT NULL, tx INTEGER NOT NULL, log INTEGER NOT NULL,
  PRIMARY KEY (deal, voucher_id)) WITHOUT ROWID;
CREATE INDEX vouchers_by_due_date ON vouchers (deal, due_date);
CREATE INDEX vouchers_by_invoice ON vouchers (invoice_hash);
CREATE TABLE voucher_pieces (
  deal INTEGER NOT NULL, piece_id BLOB NOT NULL, voucher_id BLOB NOT NULL, parent_id BLOB,
  amount_minor INTEGER NOT NULL, paid_minor INTEGER NOT NULL, holder INTEGER NOT NULL,
  financed_by INTEGER NOT NULL, state TEXT NOT NULL, version INTEGER NOT NULL,
  sequence INTEGER NOT NULL, date INTEGER NOT NULL,
  rate_ppm INTEGER NOT NULL, loan_id BLOB, buyer INTEGER NOT NULL, price_minor INTEGER NOT NULL,
  block INTEGER NOT NULL, tx INTEGER NOT NULL, log INTEGER NOT NULL,
  PRIMARY KEY (deal, piece_id)) WITHOUT ROWID;
CREATE INDEX voucher_pieces_by_voucher ON voucher_pieces (voucher_id);
CREATE INDEX voucher_pieces_by_holder ON voucher_pieces (holder);
CREATE INDEX voucher_pieces_by_loan ON voucher_pieces (loan_id) WHERE loan_id IS NOT NULL;
CREATE TABLE voucher_steps (
  step INTEGER PRIMARY KEY, deal INTEGER NOT NULL, kind TEXT NOT NULL, voucher_id BLOB NOT NULL,
  piece_id BLOB, entry_id BLOB, date INTEGER NOT NULL, day INTEGER NOT NULL,
  amount_minor INTEGER NOT NULL, from_holder INTEGER NOT NULL, to_holder INTEGER NOT NULL,
  discount_minor INTEGER NOT NULL, core_cost_minor INTEGER NOT NULL, price_minor INTEGER NOT NULL,
  rate_ppm INTEGER NOT NULL, version INTEGER NOT NULL, parts BLOB NOT NULL, income BLOB NOT NULL,
  loan_id BLOB, child_id BLOB, document BLOB, evidence INTEGER NOT NULL, submitter INTEGER NOT NULL,
  block INTEGER NOT NULL, tx INTEGER NOT NULL, log INTEGER NOT NULL, reversed_id BLOB,
  reversed INTEGER NOT NULL DEFAULT 0);
CREATE INDEX voucher_steps_by_voucher ON voucher_steps (voucher_id, deal);
CREATE INDEX voucher_steps_by_entry ON voucher_steps (entry_id, deal) WHERE entry_id IS NOT NULL;
CREATE INDEX voucher_steps_by_day ON voucher_steps (deal, day) WHERE day > 0;
CREATE INDEX voucher_steps_by_invoice ON voucher_steps (document) WHERE kind = 'transfer';
CREATE TABLE core_limits (
  bank INTEGER NOT NULL, core INTEGER NOT NULL, max_minor TEXT NOT NULL,
  block INTEGER NOT NULL, tx INTEGER NOT NULL, log INTEGER NOT NULL);
CREATE TABLE pools (
  pool_id BLOB PRIMARY KEY, owner INTEGER NOT NULL, root BLOB NOT NULL, count INTEGER NOT NULL,
  total_minor INTEGER NOT NULL, senior_minor INTEGER NOT NULL, junior_minor INTEGER NOT NULL,
  date INTEGER NOT NULL, block INTEGER NOT NULL, tx INTEGER NOT NULL, log INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE pool_substitutions (
  substitution INTEGER PRIMARY KEY, pool_id BLOB NOT NULL, place INTEGER NOT NULL,
  out_id BLOB NOT NULL, in_id BLOB NOT NULL, root BLOB NOT NULL, total_minor INTEGER NOT NULL,
  date INTEGER NOT NULL, block INTEGER NOT NULL, tx INTEGER NOT NULL, log INTEGER NOT NULL);
CREATE INDEX pool_substitutions_by_pool ON pool_substitutions (pool_id);
"""


class VoucherState(StrEnum):
    """What the core enterprise said of a voucher."""

    ISSUED = "issued"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class PieceState(StrEnum):
    """What a piece is used for, in the order of the contracts' numbers, from 1."""

    HELD = "held"
    OFFERED = "offered"
    DISCOUNTED = "discounted"
    PLEDGED = "pledged"
    ON_SALE = "on-sale"
    SALE_ACCEPTED = "sale-accepted"


class StepKind(StrEnum):
    """What happened to a voucher or to a piece of it."""

    ISSUE = "issue"
    CONFIRMATION = "confirmation"
    CANCELLATION = "cancellation"
    DISPUTE = "dispute"
    DISPUTE_LIFTED = "dispute-lifted"
    EVIDENCE = "evidence"
    SPLIT = "split"
    TRANSFER = "transfer"
    OFFER = "offer"
    WITHDRAWAL = "withdrawal"
    DISCOUNT = "discount"
    PLEDGE = "pledge"
    RELEASE = "release"
    INSTRUCTION = "instruction"
    PAYMENT = "payment"
    PAYMENT_REVERSED = "payment-reversed"
    SALE_OFFER = "sale-offer"
    SALE_ACCEPTANCE = "sale-acceptance"
    SALE = "sale"
    RECOURSE = "recourse"
    CONVERSION = "conversion"


@dataclass(slots=True)
class Voucher:
    """A voucher as its steps left it. Amounts in minor units."""

    deal: int
    voucher_id: bytes
    invoice_hash: bytes
    core: int
    supplier: int
    amount_minor: int
    outstanding_minor: int
    """What is not paid of it; its live pieces add up to it once it is confirmed."""
    instructed_minor: int
    """What the core enterprise said it pays, and what is not paid out of that."""
    issue_date: int
    due_date: int
    delivery_date: int
    term_reason: int
    """Why its term is longer than six months, as a number; 0 for none."""
    version: int
    state: VoucherState
    evidence: int
    """Bits of the kinds attached: 1 contract, 2 order, 4 waybill, 8 customs entry, 16 delivery."""
    disputes: int
    """Bits of who disputes it: 1 core enterprise, 2 servicer, 4 supplier."""
    issued_by: int
    block: int
    """Where it was issued,"""
    transaction: int
    log: int

    @property
    def status(self) -> str:
        """issued, confirmed, disputed, paid or cancelled.

        A dispute of what is paid is none.
        """
        if self.state is VoucherState.CANCELLED:
            return self.state.value
        if self.state is VoucherState.CONFIRMED and not self.outstanding_minor:
            return "paid"
        return "disputed" if self.disputes else self.state.value


@dataclass(slots=True)
class Piece:
    """A piece of a voucher as the steps on it left it. Amounts in minor units."""

    deal: int
    piece_id: bytes
    """Of the first piece: its voucher's."""
    voucher_id: bytes
    parent_id: bytes | None
    """The piece that it was split off; None for the first."""
    amount_minor: int
    """What is left of it: not split off, paid or converted."""
    paid_minor: int
    holder: int
    """Who has it; of a discounted piece, which the funders hold, who financed it."""
    financed_by: int
    """Who discounted it, while the funders hold it; 0 while they do not."""
    state: PieceState
    version: int
    """Of the terms under which it is financed; 0 while it is not."""
    sequence: int
    """How many steps were taken on it: the number of the next one."""
    date: int
    """Of the last of them."""
    rate_ppm: int
    """A year, at which it is offered or discounted; 0 for a pledge."""
    loan_id: bytes | None
    """The loan that it secures, or is offered for; or that paid it."""
    buyer: int
    """To whom it is on sale; 0 where it is not,"""
    price_minor: int
    """and for how much."""
    block: int
    """Where it came to be."""
    transaction: int
    log: int

    @property
    def live(self) -> bool:
        """Whether anything of it is left."""
        return self.amount_minor > 0

    @property
    def status(self) -> str:
        """Its state while it is live; then spent."""
        return self.state.value if self.live else "spent"


row_of_voucher = attrgetter(*Voucher.__slots__)
"""A voucher as its table has it."""
row_of_piece = attrgetter(*Piece.__slots__)
"""A piece as its table has it."""
_VOUCHER_STATE = Voucher.__slots__.index("state")
_PIECE_STATE = Piece.__slots__.index("state")


def voucher_of(row: Sequence[Any]) -> Voucher:
    """A voucher of a row of its table."""
    state = VoucherState(row[_VOUCHER_STATE])
    return Voucher(*[*row[:_VOUCHER_STATE], state, *row[_VOUCHER_STATE + 1 :]])


def piece_of(row: Sequence[Any]) -> Piece:
    """A piece of a row of its table."""
    state = PieceState(row[_PIECE_STATE])
    return Piece(*[*row[:_PIECE_STATE], state, *row[_PIECE_STATE + 1 :]])
