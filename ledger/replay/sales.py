"""Sales: financed pieces that go from bank to bank, offered, accepted and paid."""

from __future__ import annotations

from ledger import events
from ledger.consortium import Role
from ledger.events import Place
from ledger.founding import bits
from ledger.replay.financing import Financing
from ledger.replay.keys import Checks
from ledger.replay.pieces import (
    DISCOUNTED,
    HELD,
    ON_SALE,
    SALE_ACCEPTED,
    Piece,
    Register,
    Sale,
)
from ledger.waterfall import Account

_BANK = bits(list(Role), (Role.BANK,))
_NO_SALE = Sale(0, 0, 0)


class Sales:
    """Follows sales: R3, R4, R7."""

    def __init__(self, register: Register, financing: Financing) -> None:
        self._register = register
        self._financing = financing
        self.checks: Checks = {
            events.SaleOffered: self._sale_offered,
            events.SaleAccepted: self._sale_accepted,
            events.PieceSold: self._sold,
        }

    def _sale_offered(self, event: events.SaleOffered, place: Place) -> None:
        register = self._register
        piece = register.piece(event.piece_id, event.date, place)
        if piece is None:
            return
        register.require_state(piece, (HELD, DISCOUNTED), "a sale", place)
        register.require_undisputed(piece, "sale", place)
        seller = self._owner(piece)
        register.require_agreed("a sale", (seller,), place, piece.piece_id)
        banks = register.has_role(seller, _BANK) and register.has_role(event.buyer, _BANK)
        others = event.buyer not in (seller, piece.voucher.owed.core)
        holds = banks and others and event.price_minor > 0
        self._financing.require(place, holds, "a sale of a bank to another", event[1:], piece)
        piece.sale = Sale(event.buyer, event.price_minor, piece.holder)
        piece.state, piece.holder = ON_SALE, seller

    def _owner(self, piece: Piece) -> int:
        """Who may sell a piece: its holder, or the one funder of a discounted one; 0 for none."""
        if piece.state != DISCOUNTED:
            return piece.holder
        terms = self._financing.terms_of(piece)
        return terms.parties[0] if terms and len(terms.shares_ppm) == 1 else 0

    def _sale_accepted(self, event: events.SaleAccepted, place: Place) -> None:
        register = self._register
        piece = register.piece(event.piece_id, event.date, place)
        if piece is None:
            return
        register.require_state(piece, (ON_SALE,), "a sale accepted", place)
        sale = piece.sale or _NO_SALE
        register.require_agreed("a sale accepted", (sale.buyer,), place, piece.piece_id)
        piece.state, piece.sale = SALE_ACCEPTED, sale._replace(amount_minor=piece.amount_minor)

    def _sold(self, event: events.PieceSold, place: Place) -> None:
        register, about = self._register, event.entry_id
        piece = register.piece(event.piece_id, event.date, place)
        if piece is None:
            return
        register.take_id(event.entry_id, place)
        register.require_state(piece, (SALE_ACCEPTED,), "a sale confirmed", place)
        sale, seller, amount = piece.sale or _NO_SALE, piece.holder, piece.amount_minor
        register.require_agreed("a sale confirmed", (seller,), place, about)
        expected = seller, sale.buyer, sale.amount_minor, sale.price_minor
        found = event.seller, event.buyer, event.amount_minor, event.price_minor
        register.expect("R4", place, expected, found, "sold by, to, of and for", about)
        register.expect("steps", place, sale.amount_minor, amount, "sold, as accepted,", about)
        price, buyer = sale.price_minor, sale.buyer
        register.post(
            (
                (seller, Account.VOUCHERS_HELD, -amount),
                (seller, Account.CASH, price),
                (seller, Account.DISCOUNT, amount - price),
                (buyer, Account.VOUCHERS_HELD, amount),
                (buyer, Account.CASH, -price),
                (buyer, Account.DISCOUNT, price - amount),
            )
        )
        piece.state, piece.holder, piece.version, piece.sale = HELD, buyer, 0, None
        piece.bought_by = buyer
        register.carry(piece)
        register.require_within(piece, place, about)
