"""Register: vouchers, pieces and steps of the run of blocks that is folded, written at its end."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from ledger.events import Place
from ledger.folding.at_hand import Batch
from ledger.records import encode_legs
from ledger.voucher_records import (
    Piece,
    PieceState,
    StepKind,
    Voucher,
    piece_of,
    row_of_piece,
    row_of_voucher,
    voucher_of,
)

# Kept back before they are written.
_PENDING_STEPS, _PIECES_AT_HAND = 20_000, 250_000
_Key = tuple[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSaid:
    """What a row of `voucher_steps` says beside whose and where it is; 0 and None: nothing."""

    date: int = 0
    amount_minor: int = 0
    entry_id: bytes | None = None
    """None: it counts to no business day."""
    from_holder: int = 0
    to_holder: int = 0
    discount_minor: int = 0
    core_cost_minor: int = 0
    price_minor: int = 0
    rate_ppm: int = 0
    parts: Sequence[int] = ()
    income: Sequence[int] = ()
    loan_id: bytes | None = None
    child_id: bytes | None = None
    document: bytes | None = None
    evidence: int = 0
    reversed_id: bytes | None = None


class Register:
    """What is kept in memory of vouchers while a run of blocks is folded."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._vouchers: dict[_Key, Voucher] = {}
        self._pieces: dict[_Key, Piece] = {}
        self._steps: list[tuple[Any, ...]] = []
        self._reversed: list[tuple[object, ...]] = []

    def add_voucher(self, voucher: Voucher) -> None:
        """A voucher that was just issued."""
        self._vouchers[voucher.deal, voucher.voucher_id] = voucher

    def voucher(self, deal: int, voucher_id: bytes) -> Voucher:
        """A voucher that is about to change."""
        key = deal, voucher_id
        voucher = self._vouchers.get(key)
        if voucher is None:
            query = "SELECT * FROM vouchers WHERE deal = ? AND voucher_id = ?"
            voucher = voucher_of(self._connection.execute(query, key).fetchone())
            self._vouchers[key] = voucher
        return voucher

    def _piece(self, deal: int, piece_id: bytes) -> Piece:
        """A piece that is about to change."""
        key = deal, piece_id
        piece = self._pieces.get(key)
        if piece is None:
            query = "SELECT * FROM voucher_pieces WHERE deal = ? AND piece_id = ?"
            piece = piece_of(self._connection.execute(query, key).fetchone())
            self._pieces[key] = piece
        return piece

    def next(self, batch: Batch, piece_id: bytes, date: int) -> Piece:
        """A piece on which a step is taken."""
        piece = self._piece(batch.deal, piece_id)
        piece.sequence += 1
        piece.date = date
        return piece

    def add_piece(
        self, deal: int, piece_id: bytes, voucher_id: bytes, parent_id: bytes | None,
        amount_minor: int, holder: int, date: int, place: Place,
    ) -> None:  # fmt: skip
        """A piece that came to be."""
        self._pieces[deal, piece_id] = Piece(
            deal, piece_id, voucher_id, parent_id, amount_minor, 0, holder, 0, PieceState.HELD, 0,
            0, date, 0, None, 0, 0, *place,
        )  # fmt: skip

    def take(
        self, batch: Batch, kind: StepKind, piece: Piece, place: Place, said: StepSaid
    ) -> None:
        """Record a step on a piece."""
        self.step(batch, kind, piece.voucher_id, piece.piece_id, place, said)

    def step(
        self, batch: Batch, kind: StepKind, voucher_id: bytes, piece_id: bytes | None,
        place: Place, said: StepSaid,
    ) -> None:  # fmt: skip
        """Record a step; by then everything is changed that it changes."""
        day = batch.day_of(said.date) if said.entry_id is not None else 0
        self._steps.append(
            (
                batch.deal, kind.value, voucher_id, piece_id, said.entry_id, said.date, day,
                said.amount_minor, said.from_holder, said.to_holder, said.discount_minor,
                said.core_cost_minor, said.price_minor, said.rate_ppm, batch.version,
                encode_legs(said.parts), encode_legs(said.income), said.loan_id, said.child_id,
                said.document, said.evidence, batch.submitter, *place, said.reversed_id,
            )
        )  # fmt: skip
        if len(self._steps) >= _PENDING_STEPS:
            self._write_steps()
            if len(self._pieces) >= _PIECES_AT_HAND:
                self._write_changed()

    def mark_reversed(self, deal: int, reversed_id: bytes, place: Place) -> None:
        """The payment of that id before `place` no longer stands."""
        self._reversed.append((reversed_id, deal, *place))

    def write(self) -> None:
        """Write everything."""
        self._write_steps()
        self._write_changed()
        self._connection.executemany(
            "UPDATE voucher_steps SET reversed = 1 WHERE entry_id = ? AND deal = ?"
            " AND kind = 'payment' AND (block, tx, log) < (?, ?, ?)",
            self._reversed,
        )

    def forget(self) -> None:
        """Drop what is at hand: written, or no longer true."""
        self._vouchers.clear()
        self._pieces.clear()
        self._steps.clear()
        self._reversed.clear()

    def _write_steps(self) -> None:
        if self._steps:
            marks = ", ".join("?" * len(self._steps[0]))
            self._connection.executemany(
                f"INSERT INTO voucher_steps VALUES (NULL, {marks}, 0)", self._steps
            )
            self._steps.clear()

    def _write_changed(self) -> None:
        """Write vouchers and pieces, and let go of all."""
        self._replace("vouchers", map(row_of_voucher, self._vouchers.values()))
        self._replace("voucher_pieces", map(row_of_piece, self._pieces.values()))
        self._vouchers.clear()
        self._pieces.clear()

    def _replace(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write rows in the order of their table."""
        if changed := sorted(rows, key=itemgetter(0, 1)):
            marks = ", ".join("?" * len(changed[0]))
            self._connection.executemany(
                f"INSERT OR REPLACE INTO {table} VALUES ({marks})", changed
            )


def hold(piece: Piece, holder: int) -> None:
    """Nobody finances the piece any more, or wants to buy it: a member has it."""
    piece.holder, piece.state, piece.version = holder, PieceState.HELD, 0
    piece.financed_by = 0
    piece.rate_ppm, piece.loan_id, piece.buyer, piece.price_minor = 0, None, 0, 0
