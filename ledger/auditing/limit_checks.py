"""Limit checks: every limit on a loan with the value it was held against on its date.

The contracts refuse a booking above a limit. Here each value is worked out once more, from the
entries before the booking alone; for limits across deals only the declared figure is named, which
replay checks (X1 to X4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ledger import reading
from ledger.book import Book
from ledger.breaches import ALL_LOANS, NET_ASSETS, TIER_1_CAPITAL, limits_on
from ledger.entries import Method, Purpose
from ledger.events import DealTerms, Particulars
from ledger.limits import limit_name, shown_limit
from ledger.money import date_of
from ledger.portfolio.standing import moves
from ledger.reading import Posted
from ledger.records import Loan
from ledger.rules import binding
from ledger.salts import limits_borrowers
from ledger.terms import Terms

_WIDE = {
    "max_concentration_ppm": TIER_1_CAPITAL,
    "max_joint_share_ppm": ALL_LOANS,
    "max_guarantee_multiple_ppm": NET_ASSETS,
    "max_guaranteed_borrower_ppm": NET_ASSETS,
}
"""Limits on what a member has across deals, to the figure that they are parts of."""
COST = "max_all_in_cost_ppm"
_OF_LOANS = (
    "min_partner_share_ppm", "max_annual_rate_ppm", COST, "max_bullet_days",
    "max_per_borrower_minor", "max_per_consumer_minor", "max_outstanding_minor",
)  # fmt: skip


class Verdict(StrEnum):
    """What a check came to."""

    WITHIN = "within"
    EXCEEDED = "exceeded"
    NOT_RECOMPUTED = "not-recomputed"
    """Of all deals of a member together: replay's to check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitCheck:
    """One limit on one loan."""

    field: str
    """Of `Limits`."""
    source: str
    """The rule and its basis, or `[limits]` of the deal."""
    rule: str
    """Its id alone; `limits` for the deal's own."""
    limit: int
    """In the unit of the field,"""
    found: int | None
    """as what it was held against; None where it is not worked out here."""
    verdict: Verdict
    currency: str

    @property
    def name(self) -> str:
        """As deal.toml calls it."""
        return limit_name(self.field)

    @property
    def limit_shown(self) -> str:
        """The limit as deal.toml writes it,"""
        return shown_limit(self.field, self.limit, self.currency)

    @property
    def found_shown(self) -> str:
        """and what was held against it; empty where it is not worked out here."""
        return "" if self.found is None else shown_limit(self.field, self.found, self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What a booking was held against besides itself. Minor units."""

    borrower_minor: int
    """What its borrower owed with it, in all deals of the lead that limit borrowers."""
    outstanding_minor: int
    """Of the deal, with the batch that it came in."""


def limit_checks(
    loan: Loan, terms: DealTerms, document: Terms | None, cost_ppm: int, amounts: Amounts | None
) -> list[LimitCheck]:
    """Every limit that held for a loan when it was booked, those of the loan itself first.

    `document`: the terms with their rules, where they are in this folder; without them a limit's
    source is the terms on the chain. `cost_ppm`: the loan's `all_in_ppm`. `amounts`: None: limits
    that need them are left out.
    """
    particulars = Particulars.unpack(loan.particulars)
    start = date_of(particulars.start_date)
    found: list[LimitCheck] = []
    values = _values(particulars, terms, cost_ppm, amounts)
    for field in (*_OF_LOANS, *_WIDE):
        limit, source, rule = _limit(field, terms, document, particulars.start_date, start)
        if limit is None or (field not in _WIDE and values.get(field) is None):
            continue
        value = values.get(field)
        found.append(
            LimitCheck(
                field=field,
                source=source,
                rule=rule,
                limit=limit,
                found=value,
                verdict=_verdict(field, value, limit),
                currency=terms.currency.to_bytes(3, "big").decode("ascii"),
            )
        )
    return found


def owed(book: Book, lead: int, bookings: Mapping[bytes, tuple[bytes, int]]) -> dict[bytes, int]:
    """Loan to what its borrower owed with it, in all deals of a lead that limit borrowers.

    `bookings`: loan to its borrower and to the number of its booking in the book. Minor units.
    """
    borrowers = {borrower for borrower, _ in bookings.values()}
    moved: dict[bytes, list[tuple[int, int]]] = {borrower: [] for borrower in borrowers}
    query = "SELECT loan_id, borrower_id, version FROM loans WHERE deal = ?"
    for deal in reading.deals(book):
        limiting = {
            version.version
            for version in reading.versions(book, deal.deal)
            if version.terms.parties[0] == lead and limits_borrowers(version.terms)
        }
        own = [
            (loan_id, borrower)
            for loan_id, borrower, version in book.connection.execute(query, (deal.deal,))
            if borrower in borrowers and version in limiting
        ]
        for loan_id, borrower in own:
            moved[borrower] += _owed_moves(book, deal.deal, loan_id)
    return {
        loan_id: sum(amount for number, amount in moved[borrower] if number <= booked)
        for loan_id, (borrower, booked) in bookings.items()
    }


def outstanding_at(by_transaction: Counter[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Block and transaction to the deal's outstanding with it. Minor units."""
    found, total = {}, 0
    for place in sorted(by_transaction):
        total += by_transaction[place]
        found[place] = total
    return found


def principal_moves(
    entries: Sequence[Posted], layers: Mapping[int, Mapping[int, int]]
) -> Iterable[tuple[tuple[int, int], int]]:
    """Block and transaction of each entry of a loan, and what it added to the outstanding."""
    for posted, moved in moves(entries, layers):
        if moved.outstanding_minor:
            yield (posted.block, posted.transaction), moved.outstanding_minor


def _owed_moves(book: Book, deal: int, loan_id: bytes) -> list[tuple[int, int]]:
    entries = reading.entries_of_loan(book, deal, loan_id)
    layers = {one.number: reading.layer_parts(book, one.number) for one in entries}
    return [
        # A borrower still owes what the funders gave up.
        (posted.number, moved.outstanding_minor + moved.lost_minor)
        for posted, moved in moves(entries, layers)
    ]


def _values(
    particulars: Particulars, terms: DealTerms, cost_ppm: int, amounts: Amounts | None
) -> dict[str, int | None]:
    method = list(Method)[particulars.method]
    consumer = list(Purpose)[particulars.purpose] is Purpose.CONSUMER
    return {
        "min_partner_share_ppm": min(terms.shares_ppm[1:], default=None),
        "max_annual_rate_ppm": particulars.annual_rate_ppm,
        COST: cost_ppm,
        "max_bullet_days": particulars.maturity_date - particulars.start_date
        if method is Method.BULLET
        else None,
        "max_per_borrower_minor": amounts.borrower_minor if amounts else None,
        "max_per_consumer_minor": amounts.borrower_minor if amounts and consumer else None,
        "max_outstanding_minor": amounts.outstanding_minor if amounts else None,
    }


def _limit(
    field: str, terms: DealTerms, document: Terms | None, day: int, start: date
) -> tuple[int | None, str, str]:
    """The limit that held on a day, where it comes from, and the rule's id."""
    if document is not None:
        rules = [rule for rule in document.pack_rules if rule.holds_on(start)]
        bound = binding(document.limits, rules, field)
        if bound is None:
            return None, "", ""
        return bound.value, bound.source, bound.rule.id if bound.rule else "limits"
    value = getattr(limits_on(terms, day), field, 0)
    return value or None, "[limits]", "limits"


def _verdict(field: str, value: int | None, limit: int) -> Verdict:
    if field in _WIDE or value is None:
        return Verdict.NOT_RECOMPUTED
    holds = value >= limit if field.startswith("min_") else value <= limit
    return Verdict.WITHIN if holds else Verdict.EXCEEDED
