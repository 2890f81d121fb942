"""Sales: a bank sells a piece to another bank: it offers, the other accepts, the money comes."""

from __future__ import annotations

from ledger.money import day_number
from ledger.rows import At
from ledger.voucher_entries import SaleAcceptance, SaleConfirmation, SaleOffer
from ledger.voucher_records import Piece, PieceState
from ledger.vouchers.register import stranger
from ledger.vouchers.rows import ACCEPT_SALE, CONFIRM_SALE, OFFER_SALE, Needed, VoucherRow, number
from ledger.vouchers.standing import Standing, take


def offer_sale(standing: Standing, entry: SaleOffer, at: At) -> Needed:
    """By the bank that holds the piece, or alone financed it."""
    needed = Needed(at=at, ref=entry.ref)
    buyer, piece = standing.number(entry.buyer), _piece(standing, entry.piece_ref)
    if buyer is None:
        return stranger(needed, entry.buyer)
    if piece is not None and piece.state in (PieceState.ON_SALE, PieceState.SALE_ACCEPTED):
        if (piece.buyer, piece.price_minor) == (buyer, entry.price_minor):
            needed.done_by.add(_seller(standing, piece))
            return needed
    by = _seller(standing, piece) if piece else standing.by
    row = _row(standing, entry, at, piece, by)
    row.content = ((*row.content[0], buyer, entry.price_minor),)
    needed.parts.append(row)
    if piece is not None:
        piece.state, piece.buyer = PieceState.ON_SALE, buyer
        piece.price_minor = entry.price_minor
    return needed


def accept_sale(standing: Standing, entry: SaleAcceptance, at: At) -> Needed:
    """By the bank to which it is offered."""
    needed = Needed(at=at, ref=entry.ref)
    piece = _piece(standing, entry.piece_ref)
    buyer = standing.name(piece.buyer) if piece and piece.buyer else standing.by
    if piece is not None and piece.state is PieceState.SALE_ACCEPTED:
        if piece.price_minor == entry.price_minor:
            needed.done_by.add(buyer)
            return needed
    row = _row(standing, entry, at, piece, buyer)
    row.content = ((*row.content[0], entry.price_minor),)
    needed.parts.append(row)
    if piece is not None:
        piece.state = PieceState.SALE_ACCEPTED
    return needed


def confirm_sale(standing: Standing, entry: SaleConfirmation, at: At) -> Needed:
    """By the bank that sells it, which has the price."""
    needed = Needed(at=at, ref=entry.ref)
    own, piece = standing.id_of(entry.ref), _piece(standing, entry.piece_ref)
    posted = standing.posted(own)
    if posted is not None:
        needed.done_by.add(standing.name(posted.from_holder))
        return needed
    row = _row(standing, entry, at, piece, _seller(standing, piece) if piece else standing.by)
    row.content = ((number(own), *row.content[0]),)
    needed.parts.append(row)
    if piece is not None:
        piece.holder, piece.state, piece.version = piece.buyer, PieceState.HELD, 0
    return needed


_ROUTES = {SaleOffer: OFFER_SALE, SaleAcceptance: ACCEPT_SALE, SaleConfirmation: CONFIRM_SALE}


def _piece(standing: Standing, ref: str) -> Piece | None:
    return standing.piece(standing.id_of(ref))


def _seller(standing: Standing, piece: Piece) -> str:
    """Who holds a piece, or who alone financed it."""
    terms = standing.terms(piece.version)
    return standing.name(piece.holder if terms is None else terms.parties[0])


def _row(
    standing: Standing,
    entry: SaleOffer | SaleAcceptance | SaleConfirmation,
    at: At,
    piece: Piece | None,
    by: str,
) -> VoucherRow:
    """With what every step on a piece names: the piece, its voucher, the place."""
    piece_id = standing.id_of(entry.piece_ref)
    voucher_id = piece.voucher_id if piece else bytes(32)
    voucher = standing.voucher(voucher_id) if piece else None
    version = standing.version_for(voucher, entry.date)
    place = take(piece, entry.date) if piece else day_number(entry.date)
    return VoucherRow(
        entry=entry, at=at, by=by, route=_ROUTES[type(entry)], version=version,
        subjects=(piece_id,), day=entry.date,
        content=((number(piece_id), number(voucher_id), place),),
    )  # fmt: skip
