"""Tips: what a loan's word commits to, made anew from the book.

The tip of a loan is over every entry that stands on it, newest outermost; who mirrors an entry, or
says that one is the latest, brings the tip before it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ledger import reading
from ledger.bindings import (
    BOOKING,
    CLAIM_REPAYMENT,
    COMPENSATION,
    RECOVERY,
    REPAYMENT,
    WAIVER,
    WRITE_OFF,
    tip_after,
)
from ledger.book import Book
from ledger.entries import Kind

TIP_KINDS = {
    Kind.BOOKING: BOOKING,
    Kind.REPAYMENT: REPAYMENT,
    Kind.WAIVER: WAIVER,
    Kind.WRITE_OFF: WRITE_OFF,
    Kind.COMPENSATION: COMPENSATION,
    Kind.RECOVERY: RECOVERY,
    Kind.CLAIM_REPAYMENT: CLAIM_REPAYMENT,
}
"""What stands on a loan, and as what its tip commits to it."""

Pair = tuple[int, int]
"""Eight amounts of 64 bits, four in a word."""


def tip(
    book: Book,
    deal: int,
    loan_id: bytes,
    *,
    before: reading.Posted | None = None,
    gone: Collection[int] = (),
) -> int:
    """The tip over the entries that stand on a loan, or on it before one of them.

    `gone`: positions in the book of entries that are reversed by what is not in it yet.
    """
    found = 0
    for other in reading.entries_of_loan(book, deal, loan_id):
        if before is not None and other.number == before.number:
            break
        if other.kind in TIP_KINDS and not other.reversed and other.number not in gone:
            content = committed(book, other)
            found = tip_after(found, TIP_KINDS[other.kind], other.entry_id, other.date, content)
    return found


def latest(book: Book, deal: int, loan_id: bytes) -> reading.Posted | None:
    """The entry that is outermost in a loan's tip."""
    standing = [
        entry
        for entry in reading.entries_of_loan(book, deal, loan_id)
        if entry.kind in TIP_KINDS and not entry.reversed
    ]
    return standing[-1] if standing else None


def committed(book: Book, entry: reading.Posted) -> int:
    """What a tip commits to of an entry's content."""
    if entry.kind in (Kind.COMPENSATION, Kind.RECOVERY, Kind.CLAIM_REPAYMENT):
        amounts = 0 if entry.kind is Kind.COMPENSATION else entry.amounts.pack()
        return content_of(amounts, *parts(book, entry))
    return amounts_of(entry)


def amounts_of(entry: reading.Posted) -> int:
    """The amounts of an entry as the row that made it has them."""
    # What a booking cost the funders is no part of the row that made it.
    booking = entry.kind is Kind.BOOKING
    return entry.amounts.principal_minor if booking else entry.amounts.pack()


def parts(book: Book, entry: reading.Posted) -> tuple[Pair, Pair, Pair]:
    """By layers, then by funders: principal or residual, then interest or surplus."""
    compensation = entry.kind is Kind.COMPENSATION
    return (
        packed(reading.layer_parts(book, entry.number).items()),
        packed(enumerate(leg.principal_minor for leg in entry.legs)),
        packed(
            enumerate(
                leg.interest_minor if compensation else leg.penalty_minor for leg in entry.legs
            )
        ),
    )


def content_of(amounts: int, by_layers: Pair, by_funders: Pair, income: Pair) -> int:
    """What a loan's tip commits to of a compensation (amounts 0) or a recovery."""
    from eth_hash.auto import keccak

    words = [amounts, *by_layers, *by_funders, *income]
    hashed = keccak(b"".join(word.to_bytes(32, "big") for word in words))
    return int.from_bytes(hashed, "big")


def packed(amounts: Iterable[tuple[int, int]]) -> Pair:
    """Amounts by their places, as the contracts pack them; the inverse of `events.fields_of`."""
    words = [0, 0]
    for place, amount_minor in amounts:
        words[place // 4] |= amount_minor << 64 * (place % 4)
    return words[0], words[1]
