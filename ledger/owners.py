"""Owners: whose a piece of a voucher or a loan is, and how much of it, now or before any event.

A piece is its holder's; once it is discounted, the funders' by M3, as every loan is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ledger import reading
from ledger.book import Book
from ledger.entries import Kind
from ledger.events import DealTerms
from ledger.money import apportion
from ledger.reading import Posted, VoucherStep
from ledger.voucher_records import Piece, PieceState, StepKind

Moment = tuple[int, int]
"""Block, and log in it."""
_FUNDED = (PieceState.DISCOUNTED, PieceState.ON_SALE, PieceState.SALE_ACCEPTED)
_HELD_AFTER = (StepKind.RELEASE, StepKind.SALE, StepKind.RECOURSE)
_FINANCED = (StepKind.DISCOUNT, StepKind.PLEDGE)
_STATES = {
    StepKind.OFFER: PieceState.OFFERED,
    StepKind.DISCOUNT: PieceState.DISCOUNTED,
    StepKind.PLEDGE: PieceState.PLEDGED,
    StepKind.SALE_OFFER: PieceState.ON_SALE,
    StepKind.SALE_ACCEPTANCE: PieceState.SALE_ACCEPTED,
}


def of_piece(piece: Piece, terms: Mapping[int, DealTerms]) -> dict[int, int]:
    """Member number to what it owns of a live piece, in minor units; nothing of a spent one.

    `terms`: of the deal's versions.
    """
    if not piece.live:
        return {}
    if not (piece.version and piece.state in _FUNDED):
        return {piece.holder: piece.amount_minor}
    agreed = terms[piece.version]
    parts = apportion(piece.amount_minor, agreed.shares_ppm)
    return {funder: part for funder, part in zip(agreed.parties, parts, strict=False) if part}


def pieces_before(
    pieces: Iterable[Piece], steps: Iterable[VoucherStep], moment: Moment
) -> dict[bytes, Piece]:
    """The pieces of one voucher as they were before a moment, by id.

    `pieces`: as they are now; `steps`: those on the voucher in chain order.
    """
    now = {piece.piece_id: piece for piece in pieces}
    found: dict[bytes, Piece] = {}
    for step in steps:
        if (step.block, step.log) >= moment or step.piece_id is None:
            continue
        if step.kind is StepKind.CONFIRMATION:
            first = now[step.piece_id]
            found[step.piece_id] = _fresh(first, step.amount_minor, step.to_holder)
            continue
        piece = found[step.piece_id]
        if step.kind is StepKind.SPLIT:
            assert step.child_id is not None, "a split without a child"
            child = now[step.child_id]
            found[step.child_id] = _fresh(child, step.amount_minor, piece.holder)
        _take(piece, step)
    return found


def _fresh(piece: Piece, amount_minor: int, holder: int) -> Piece:
    return replace(
        piece, amount_minor=amount_minor, paid_minor=0, holder=holder, state=PieceState.HELD,
        version=0, sequence=0, rate_ppm=0, loan_id=None, buyer=0, price_minor=0,
    )  # fmt: skip


def _take(piece: Piece, step: VoucherStep) -> None:
    """A step changes whose a piece is, how much is left of it and what it is used for."""
    kind = step.kind
    piece.sequence += 1
    if kind in (StepKind.SPLIT, StepKind.PAYMENT, StepKind.CONVERSION):
        piece.amount_minor -= step.amount_minor
        piece.paid_minor += step.amount_minor if kind is StepKind.PAYMENT else 0
    elif kind is StepKind.PAYMENT_REVERSED:
        piece.amount_minor += step.amount_minor
        piece.paid_minor -= step.amount_minor
    elif kind is StepKind.WITHDRAWAL:
        owned = piece.version and piece.state is not PieceState.OFFERED
        piece.state = PieceState.DISCOUNTED if owned else PieceState.HELD
        piece.version = piece.version if owned else 0
    elif kind in _HELD_AFTER:
        piece.state, piece.version = PieceState.HELD, 0
    if kind in (StepKind.TRANSFER, StepKind.SALE):
        piece.holder = step.to_holder
    if kind in _STATES:
        piece.state = _STATES[kind]
    if kind in _FINANCED:
        piece.version = step.version


def piece_minor(
    book: Book, deal: int, piece_id: bytes, owner: int, *, before: Moment | None = None
) -> int | None:
    """What a member owns of a piece in minor units; None where there is no such piece.

    `before`: as it was then; None: as it is.
    """
    found = reading.piece(book, deal, piece_id)
    if found is None:
        return None
    if before is not None:
        pieces = reading.pieces(book, deal, found.voucher_id)
        steps = reading.voucher_steps(book, deal, found.voucher_id)
        then = pieces_before(pieces, steps, before).get(piece_id)
        if then is None:
            return None
        found = then
    terms = {one.version: one.terms for one in reading.versions(book, deal)}
    return of_piece(found, terms).get(owner, 0)


def loan_minor(
    book: Book, deal: int, loan_id: bytes, owner: int, *, before: Moment | None = None
) -> int | None:
    """A member's part of what is outstanding of a loan; None where there is no such loan.

    `before`: as it was then; None: as it is.
    """
    loan = reading.loan(book, deal, loan_id)
    entries = reading.entries_of_loan(book, deal, loan_id)
    if before is not None:
        entries = [entry for entry in entries if (entry.block, entry.log) < before]
    if loan is None or not entries:
        return None
    parties = reading.versions(book, deal)[loan.version - 1].terms.parties
    legs = reading.outstanding_legs(_as_of(entries), [str(party) for party in parties])
    return legs.get(str(owner), 0)


def _as_of(entries: list[Posted]) -> list[Posted]:
    """The entries with only those reversed that one of them reverses."""
    gone = {(entry.reversed_id, entry.mirrored) for entry in entries if entry.kind is Kind.REVERSAL}
    return [replace(entry, reversed=(entry.entry_id, entry.kind) in gone) for entry in entries]
