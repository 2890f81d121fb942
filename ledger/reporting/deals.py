"""Deals: what reports say of one: its currency, and the seal of a business day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ledger import days, reading
from ledger.messages import text
from ledger.money import currency_decimals, date_of
from ledger.reporting.report import Shape

if TYPE_CHECKING:
    from ledger.book import Book


def shape(book: Book, deal: reading.Deal) -> Shape:
    """The currency of a deal's newest terms."""
    number = reading.versions(book, deal.deal)[-1].terms.currency
    currency = number.to_bytes(3, "big").decode("ascii")
    return Shape(currency, currency_decimals(currency))


def day_state(book: Book, deal: reading.Deal, day: int) -> dict[str, Any]:
    """Whether a business day of an active deal is sealed, and whose signature it has."""
    names = {member.number: member.member_id for member in reading.members(book)}
    signatures = reading.day_signatures(book, deal.deal, day)
    sealed = day <= deal.sealed_through
    differ = len({signature.digest for signature in signatures.values()}) > 1
    signing = days.signing_parties(book, deal)
    return {
        "date": date_of(day).isoformat(),
        "status": "sealed" if sealed else "disputed" if differ else "open",
        "sealed_through": date_of(deal.sealed_through).isoformat() if deal.sealed_through else None,
        "signed_by": [names[party] for party in signing if party in signatures],
        "not_signed_by": [names[party] for party in signing if party not in signatures],
    }


def seal_words(seal: Mapping[str, Any]) -> str:
    """The state of a day: sealed, or who has signed it so far."""
    return text(
        f"report.seal_{seal['status']}",
        date=seal["date"],
        through=seal["sealed_through"] or "-",
        signed=", ".join(seal["signed_by"]) or "-",
        missing=", ".join(seal["not_signed_by"]) or "-",
    )
