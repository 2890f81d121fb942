"""Clearing: what each entry adds to what the parties of a deal owe each other.

The third reading of the accounts table, after the contracts and the fold of the balances: entry by
entry, so that every due can be shown with what it is made of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from heapq import merge
from typing import NamedTuple

from ledger import reading
from ledger.book import Book
from ledger.entries import Kind
from ledger.events import DealTerms, Place
from ledger.reading import DayKind, Posted, Settlement
from ledger.reading.days import day_kind
from ledger.reading.voucher_postings import posted_steps, postings
from ledger.waterfall import Account

_KINDS = {kind: DayKind[kind.name] for kind in Kind if kind.name in DayKind.__members__}
_NONE = bytes(32)


class Cleared(NamedTuple):
    """An entry that added to CLEARING."""

    place: Place
    kind: DayKind
    entry_id: bytes
    """Of a booking the loan's, of a period statement its month as a number."""
    loan_id: bytes
    """32 zeros where it is about no loan; of an entry on a voucher the piece's."""
    date: int
    day: int
    """The business day to which it counts."""
    reference_id: bytes
    """Of a payment of a settlement or its reversal: of the bank's reference; else empty."""
    legs_minor: Mapping[int, int]
    """Party to what it added; they add up to zero."""


def cleared(book: Book, deal: int) -> Iterator[Cleared]:
    """Every entry of a deal that added to CLEARING, in chain order."""
    terms = {found.version: found.terms for found in reading.versions(book, deal)}
    yield from merge(
        _of_loans(book, deal, terms),
        _of_periods(book, deal, terms),
        _of_settlements(book, deal),
        _of_vouchers(book, deal, terms),
        key=lambda one: one.place,
    )


def behind(
    book: Book, deal: int, now: Settlement | None, before: Settlement | None
) -> list[tuple[Cleared, int]]:
    """The entries that were counted for the dues of `now` and not for those of `before`, sign 1.

    And with sign -1 those counted before and no longer, which a settlement of a day sealed since
    has: it looks at closing balances, the one before it looked at all there was. `now` None: as
    the deal stands; `before` None: from the first entry on.
    """
    found = []
    for entry in cleared(book, deal):
        sign = int(now is None or _counts(entry, now))
        sign -= int(before is not None and _counts(entry, before))
        if sign:
            found.append((entry, sign))
    return found


def _counts(entry: Cleared, settlement: Settlement) -> bool:
    """Whether an entry was part of the dues when the settlement was made."""
    made = Place(settlement.block, settlement.transaction, settlement.log)
    if entry.place >= made:
        return False
    return not settlement.of_sealed_day or entry.day <= settlement.day or bool(entry.reference_id)


# ---- entries on loans


def _of_loans(book: Book, deal: int, terms: Mapping[int, DealTerms]) -> Iterator[Cleared]:
    versions = dict(
        book.connection.execute("SELECT loan_id, version FROM loans WHERE deal = ?", (deal,))
    )
    for posted in reading.entries_of_deal(book, deal):
        legs = _legs(book, posted, terms[versions[posted.loan_id]])
        if any(legs.values()):
            yield Cleared(
                Place(posted.block, posted.transaction, posted.log),
                _KINDS[posted.kind],
                posted.entry_id,
                posted.loan_id,
                posted.date,
                posted.day,
                b"",
                {party: leg for party, leg in legs.items() if leg},
            )


def _legs(book: Book, posted: Posted, terms: DealTerms) -> dict[int, int]:
    kind = posted.mirrored or posted.kind
    legs: defaultdict[int, int] = defaultdict(int)
    if kind is Kind.BOOKING:
        _book(legs, posted, terms)
    elif kind is Kind.REPAYMENT:
        _collect(legs, terms, [sum(leg) for leg in posted.legs])
    elif kind is Kind.COMPENSATION:
        _compensate(legs, posted, terms, reading.layer_parts(book, posted.number))
    elif kind in (Kind.RECOVERY, Kind.CLAIM_REPAYMENT):
        _recover(legs, posted, terms, reading.layer_parts(book, posted.number))
    if posted.kind is Kind.REVERSAL:
        return {party: -leg for party, leg in legs.items()}
    return legs


def _book(legs: dict[int, int], posted: Posted, terms: DealTerms) -> None:
    """The disburser paid for all funders; what a loan costs them is due to the fee's payee."""
    for party, leg in zip(terms.parties, posted.legs, strict=False):
        legs[party] -= leg.principal_minor + leg.fee_minor
    legs[terms.parties[terms.disbursed_by]] += sum(leg.principal_minor for leg in posted.legs)
    fees_minor = sum(leg.fee_minor for leg in posted.legs)
    if fees_minor:
        legs[terms.parties[terms.fees.to]] += fees_minor


def _collect(legs: dict[int, int], terms: DealTerms, parts_minor: Sequence[int]) -> None:
    """The collector holds what is due to each party."""
    for party, part in zip(terms.parties, parts_minor, strict=False):
        legs[party] += part
    legs[terms.parties[terms.collected_by]] -= sum(parts_minor)


def _compensate(
    legs: dict[int, int], posted: Posted, terms: DealTerms, pays: Mapping[int, int]
) -> None:
    """What the layers pay is due to the funders from the payers, or from the custodian."""
    for party, leg in zip(terms.parties, posted.legs, strict=False):
        legs[party] += leg.principal_minor + leg.interest_minor
    for layer, paid in pays.items():
        own = terms.layers[layer]
        payer = terms.deposit.custodian if own.from_deposit else own.payer
        legs[terms.parties[payer]] -= paid


def _recover(
    legs: dict[int, int], posted: Posted, terms: DealTerms, gets: Mapping[int, int]
) -> None:
    """What came in on a claim is due to its owners; cost of collection is the collector's own."""
    parts = [leg.principal_minor + leg.penalty_minor for leg in posted.legs]
    _collect(legs, terms, parts)
    for layer, part in gets.items():
        legs[terms.parties[terms.layers[layer].payer]] += part
        legs[terms.parties[terms.collected_by]] -= part


# ---- period statements, settlements and vouchers


def _of_periods(book: Book, deal: int, terms: Mapping[int, DealTerms]) -> Iterator[Cleared]:
    for found in reading.statements(book, deal):
        agreed = terms[found.version]
        legs: defaultdict[int, int] = defaultdict(int)
        sign = -1 if found.platform_minor < 0 else 1
        for party, part in zip(agreed.parties, found.parts_minor, strict=False):
            legs[party] -= sign * part
        legs[agreed.parties[agreed.period.to]] += found.platform_minor
        if any(legs.values()):
            # Nothing else of the deal shares the transaction of a closing.
            yield Cleared(
                found.place,
                DayKind.PERIOD_STATEMENT,
                found.month.to_bytes(32, "big"),
                _NONE,
                found.date,
                found.day,
                b"",
                {party: leg for party, leg in legs.items() if leg},
            )


def _of_settlements(book: Book, deal: int) -> Iterator[Cleared]:
    sides = {
        (settlement.number, payment.payment): (payment.payer, payment.payee)
        for settlement in reading.settlements(book, deal)
        for payment in settlement.payments
    }
    for line in reading.settlement_lines(book, deal):
        payer, payee = sides[line.number, line.payment]
        yield Cleared(
            Place(line.block, line.transaction, line.log),
            DayKind.REVERSAL if line.reversed_id else DayKind.SETTLEMENT,
            line.entry_id,
            _NONE,
            line.date,
            line.day,
            line.reference_id,
            {payer: line.amount_minor, payee: -line.amount_minor},
        )


def _of_vouchers(book: Book, deal: int, terms: Mapping[int, DealTerms]) -> Iterator[Cleared]:
    for found in posted_steps(book, deal):
        step = found.step
        legs = {
            party: amount_minor
            for (party, account), amount_minor in postings(found, terms).items()
            if account is Account.CLEARING and amount_minor
        }
        if legs:
            assert step.entry_id is not None and step.piece_id is not None
            yield Cleared(
                Place(step.block, step.transaction, step.log),
                day_kind(step.kind),
                step.entry_id,
                step.piece_id,
                step.date,
                step.day,
                b"",
                legs,
            )
