"""Model: the book of a deal by exact fractions, a third way to every number.

Written from the arithmetic reference, sharing nothing with the contracts or with `ledger`. Legs
are lists of (principal, interest, penalty, fee) in the order of the parties.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import floor

from tests.contracts.sandbox.terms import NOBODY, Terms, Tier

PPM = 1_000_000
Leg = tuple[int, int, int, int]


def nearest(value: Fraction) -> int:
    """The integer nearest to a value; a half goes up."""
    return floor(value + Fraction(1, 2))


def divided(amount: int, shares: Sequence[int]) -> list[int]:
    """An amount by shares, the last first; the lead takes the rest."""
    parts: list[int] = []
    left = amount
    for position in reversed(range(1, len(shares))):
        part = nearest(left * Fraction(shares[position], sum(shares[: position + 1])))
        parts.insert(0, part)
        left -= part
    return [left, *parts]


def principal_parts(terms: Terms, before: int, paid: int) -> list[int]:
    """What each funder gets of a repayment of principal."""
    held, keeps = divided(before, terms.shares), divided(before - paid, terms.shares)
    return [a - b for a, b in zip(held, keeps, strict=True)]


def income_parts(terms: Terms, amount: int, tiers: Iterable[Tier], rate: int) -> dict[str, int]:
    """What each party gets of interest or penalty."""
    funders = [party for party, _ in terms.funding]
    got = dict.fromkeys(terms.parties, 0)

    def to_funders(part: int) -> None:
        for party, leg in zip(funders, divided(part, terms.shares), strict=True):
            got[party] += leg

    rest = amount
    for tier in tiers:
        if tier.share:
            taken = nearest(rest * Fraction(tier.share, PPM))
        elif rate:
            taken = min(rest, nearest(amount * Fraction(tier.rate, rate)))
        else:
            taken = rest
        rest -= taken
        if tier.to == "funders":
            to_funders(taken)
        else:
            assert isinstance(tier.to, str)
            got[tier.to] += taken
    to_funders(rest)
    return got


def repayment_legs(
    terms: Terms, *, before: int, rate: int, amounts: tuple[int, int, int, int]
) -> list[Leg]:
    """The legs of a repayment on a loan with `before` outstanding."""
    principal, interest, penalty, fee = amounts
    funded = principal_parts(terms, before, principal)
    of_interest = income_parts(terms, interest, terms.interest, rate)
    of_penalty = income_parts(terms, penalty, terms.penalty, 0)
    return [
        (
            funded[position] if position < len(funded) else 0,
            of_interest[party],
            of_penalty[party],
            fee if terms.fee_to != NOBODY and terms.fee_to == party else 0,
        )
        for position, party in enumerate(terms.parties)
    ]


class Book:
    """Balances of one deal: member to account to amount, debit positive."""

    def __init__(self) -> None:
        self._balances: dict[tuple[str, str], int] = {}

    def move(self, party: str, debit: str, credit: str, amount: int) -> None:
        """Debit one account of a party and credit another."""
        for account, change in ((debit, amount), (credit, -amount)):
            self._balances[party, account] = self._balances.get((party, account), 0) + change

    def booking(self, terms: Terms, principal: int, sign: int = 1) -> None:
        """放款, or with sign -1 its mirror."""
        assert isinstance(terms.disbursed_by, str)
        self.move(terms.disbursed_by, "CLEARING", "CASH", sign * principal)
        for (party, _), part in zip(terms.funding, divided(principal, terms.shares), strict=True):
            self.move(party, "LOANS", "CLEARING", sign * part)

    def repayment(self, terms: Terms, legs: Sequence[Leg], sign: int = 1) -> None:
        """还款, or its mirror."""
        assert isinstance(terms.collected_by, str)
        total = sum(sum(leg) for leg in legs)
        self.move(terms.collected_by, "CASH", "CLEARING", sign * total)
        for party, leg in zip(terms.parties, legs, strict=True):
            for account, part in zip(("LOANS", "INTEREST", "PENALTY", "FEES"), leg, strict=True):
                self.move(party, "CLEARING", account, sign * part)

    def write_off(self, terms: Terms, outstanding: int, sign: int = 1) -> None:
        """核销, or its mirror."""
        for (party, _), part in zip(terms.funding, divided(outstanding, terms.shares), strict=True):
            self.move(party, "LOSSES", "LOANS", sign * part)

    def balances(self) -> dict[str, dict[str, int]]:
        """As `Partnership.balances`: zeros left out."""
        found: dict[str, dict[str, int]] = {}
        for (party, account), amount in self._balances.items():
            if amount:
                found.setdefault(party, {})[account] = amount
        return found
