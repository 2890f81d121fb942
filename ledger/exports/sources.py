"""Sources: what every export reads, of a ledger in one state: deals, members, refs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger import reading
from ledger.book import Book
from ledger.errors import UsageInvalid
from ledger.events import DealTerms
from ledger.messages import text
from ledger.money import currency_decimals
from ledger.reading.journal import one_state

if TYPE_CHECKING:
    from ledger.ledger import Ledger

Progress = Callable[[int, int], None]
"""(entries done, entries there are)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDeal:
    """A deal that is exported."""

    deal: reading.Deal
    terms: DealTerms
    """The newest in force."""
    currency: str
    decimals: int
    parties: tuple[int, ...]
    """Of every version of its terms in force, those of the newest first."""
    holders: tuple[int, ...]
    """Who else was ever posted to: holders of vouchers, and who owes them."""

    @property
    def posted(self) -> tuple[int, ...]:
        """Everyone with books of the deal."""
        return self.parties + self.holders

    @property
    def number(self) -> int:
        """Its number in the book."""
        return self.deal.deal


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A ledger as it stands, and what of it is wanted."""

    name: str
    chain_id: int
    book: Book
    head: int
    head_hash: bytes
    deals: tuple[SourceDeal, ...]
    members: Mapping[int, reading.Party]
    member: int | None
    """The one member whose postings are wanted; None: of all."""
    ref: Callable[[bytes], str]
    """The text behind an id; the id in hex where it is not known."""

    def wants(self, member: int) -> bool:
        """Whether the postings of a member are wanted."""
        return self.member in (None, member)

    def member_id(self, member: int) -> str:
        """Its id."""
        return self.members[member].member_id


@contextmanager
def source(
    ledger: Ledger, *, deal: str | None = None, member: str | None = None
) -> Iterator[Source]:
    """A ledger in one state, as long as the context lasts.

    `deal`: that one alone; `member`: the deals of which it is a party, or in which it holds.
    Raises `UsageInvalid` for either if it is not there, and for a member that has no part in what
    is wanted.
    """
    book = ledger.book()
    wanted = None if deal is None else ledger.deal(deal).deal
    own = None if member is None else ledger.member(member).number
    with one_state(book):
        head, head_hash = book.at
        deals = tuple(
            found
            for found in _deals(book)
            if (wanted is None or found.number == wanted) and (own is None or own in found.posted)
        )
        if own is not None and not deals:
            raise UsageInvalid(text("exports.no_part", member=member, deal=deal or "-"))
        yield Source(
            name=ledger.settings.name,
            chain_id=ledger.settings.chain_id,
            book=book,
            head=head,
            head_hash=head_hash,
            deals=deals,
            members={one.number: one for one in reading.members(book)},
            member=own,
            ref=ledger.ref,
        )


def _deals(book: Book) -> Iterator[SourceDeal]:
    """Those that were ever in force: a proposal has no entries."""
    for deal in reading.deals(book):
        signed = [one.terms for one in reading.versions(book, deal.deal) if one.in_force]
        if signed:
            # D6: the currency is the same in every version in force.
            currency = signed[-1].currency.to_bytes(3, "big").decode("ascii")
            parties = tuple(dict.fromkeys(p for one in reversed(signed) for p in one.parties))
            yield SourceDeal(
                deal=deal,
                terms=signed[-1],
                currency=currency,
                decimals=currency_decimals(currency),
                parties=parties,
                holders=tuple(sorted(reading.posted_members(book, deal.deal).difference(parties))),
            )
