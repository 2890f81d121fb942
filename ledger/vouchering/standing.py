"""Standing: a deal's vouchers and their pieces as the book has them now, by the names of things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ledger import owners, reading
from ledger.errors import UsageInvalid
from ledger.events import DealTerms
from ledger.messages import text
from ledger.money import currency_decimals, date_of
from ledger.receivable import evidence_of
from ledger.voucher_flags import Flag, flags, reason_of
from ledger.voucher_records import Piece, Voucher
from ledger.waterfall import Account

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.terms import Terms

DISPUTING = {1: "core", 2: "servicer", 4: "supplier"}
"""Bits of `Voucher.disputes`."""


class Standing:
    """Vouchers of one deal, read in one go."""

    def __init__(self, ledger: Ledger, deal: str) -> None:
        """Raises `UsageInvalid` for an unknown deal."""
        self.ledger = ledger
        self.book = ledger.book()
        self.deal = ledger.deal(deal)
        newest = self.deal.version or 1
        self.currency = reading.currency(self.book, self.deal.deal, newest)
        self.decimals = currency_decimals(self.currency)
        self._documents: dict[int, Terms | None] = {}

    @cached_property
    def names(self) -> Mapping[int, str]:
        """Member number to member id."""
        return {member.number: member.member_id for member in reading.members(self.book)}

    @cached_property
    def terms(self) -> Mapping[int, DealTerms]:
        """Of the versions, as the contracts have them."""
        return {one.version: one.terms for one in reading.versions(self.book, self.deal.deal)}

    def name(self, number: int) -> str | None:
        """A member's id; None for nobody."""
        return self.names.get(number, str(number)) if number else None

    def owned(self, piece: Piece) -> dict[str, int]:
        """Who owns how much of a piece."""
        parts = owners.of_piece(piece, self.terms)
        return {self.names[party]: part for party, part in parts.items()}

    def flags(self, voucher: Voucher) -> list[Flag] | None:
        """What dated rules flag; None where the terms are not in this folder."""
        if voucher.version not in self._documents:
            try:
                document = self.ledger.terms(self.deal.name, voucher.version)
            except UsageInvalid:
                self._documents[voucher.version] = None
            else:
                self._documents[voucher.version] = document
        known = self._documents[voucher.version]
        return None if known is None else flags(voucher, known)

    def voucher_of(self, ref: str) -> tuple[Voucher, Piece | None]:
        """A voucher by its ref or by the ref of a piece, which is then there as well.

        Raises `UsageInvalid`.
        """
        own = self.ledger.salts.loan_id(self.deal.name, ref)
        voucher = reading.voucher(self.book, self.deal.deal, own)
        if voucher is not None:
            return voucher, None
        piece = reading.piece(self.book, self.deal.deal, own)
        if piece is None:
            raise UsageInvalid(text("voucher_view.unknown", deal=self.deal.name), found=ref)
        voucher = reading.voucher(self.book, self.deal.deal, piece.voucher_id)
        assert voucher is not None, "a piece of no voucher"
        return voucher, piece

    def line(self, voucher: Voucher) -> dict[str, Any]:
        """A voucher as JSON, without its pieces."""
        flagged = self.flags(voucher)
        return {
            "voucher_ref": self.ledger.ref(voucher.voucher_id),
            "status": voucher.status,
            "core": self.name(voucher.core),
            "supplier": self.name(voucher.supplier),
            "issue_date": date_of(voucher.issue_date).isoformat(),
            "due_date": date_of(voucher.due_date).isoformat(),
            "delivery_date": _iso(voucher.delivery_date),
            "term_days": voucher.due_date - voucher.issue_date,
            "term_reason": reason_of(voucher.term_reason) or None,
            "version": voucher.version,
            "amount_minor": voucher.amount_minor,
            "outstanding_minor": voucher.outstanding_minor,
            "instructed_minor": voucher.instructed_minor,
            "invoice_hash": "0x" + voucher.invoice_hash.hex(),
            "evidence": [kind.value for kind in evidence_of(voucher.evidence)],
            "disputed_by": [who for bit, who in DISPUTING.items() if voucher.disputes & bit],
            "warnings": None if flagged is None else [flag.document() for flag in flagged],
        }

    # ---- who holds what

    def holdings(self) -> Iterator[Holding]:
        """Who owns how much of each live piece, in the order of issue."""
        vouchers = {one.voucher_id: one for one in reading.vouchers(self.book, self.deal.deal)}
        for piece in reading.pieces_of_deal(self.book, self.deal.deal):
            for owner, part_minor in self.owned(piece).items():
                yield Holding(
                    owner=owner,
                    amount_minor=part_minor,
                    piece=piece,
                    voucher=vouchers[piece.voucher_id],
                )

    def balances(self, account: Account) -> dict[str, int]:
        """Member to the balance of an account in the deal, where it is not 0."""
        found = reading.balances(self.book, self.deal.deal, self.terms[self.deal.version or 1])
        return {self.names[party]: own[account] for party, own in found.items() if own[account]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a member owns of a piece."""

    owner: str
    amount_minor: int
    piece: Piece
    voucher: Voucher


def _iso(day: int) -> str | None:
    return date_of(day).isoformat() if day else None
