"""Model: the book of a deal by exact fractions, a third way to every number.

Written from the arithmetic reference, sharing nothing with the contracts or with `ledger`. Legs
are lists of (principal, interest, penalty, fee) in the order of the parties.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import floor

from tests.contracts.sandbox.terms import NOBODY, Cap, DayCount, Layer, Terms, Tier

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
    of_fee = fee_parts(terms, fee)
    return [
        (
            funded[position] if position < len(funded) else 0,
            of_interest[party],
            of_penalty[party],
            of_fee.get(party, 0),
        )
        for position, party in enumerate(terms.parties)
    ]


def fee_parts(terms: Terms, fee: int) -> dict[str, int]:
    """What each party gets of a fee in an entry; nothing in a deal without a payee."""
    got: dict[str, int] = {}
    rest = fee
    for tier in terms.fees.split:
        taken = nearest(rest * Fraction(tier.share, PPM))
        rest -= taken
        got[str(tier.to)] = got.get(str(tier.to), 0) + taken
    if terms.fee_to != NOBODY:
        got[str(terms.fee_to)] = got.get(str(terms.fee_to), 0) + rest
    return got


def loan_fee_parts(terms: Terms, principal: int) -> list[int]:
    """What each funder pays the fee payee for a loan booked."""
    by_share = nearest(principal * Fraction(terms.fees.per_loan_ppm, PPM))
    return divided(terms.fees.per_loan or by_share, terms.shares)


def layer_pays(
    layers: Sequence[Layer],
    *,
    claim: int,
    used: Sequence[int],
    deposit: int,
    disbursed: int,
    outstanding: int,
) -> list[int]:
    """What each loss layer pays of a claim."""
    bases = {Cap.AMOUNT: PPM, Cap.DISBURSED: disbursed, Cap.OUTSTANDING: outstanding}
    pays = []
    reach = claim
    for layer, before in zip(layers, used, strict=False):
        pay = nearest(reach * Fraction(layer.share, PPM))
        if layer.cap_kind != Cap.NONE:
            cap = nearest(Fraction(layer.cap * bases[Cap(layer.cap_kind)], PPM))
            pay = min(pay, max(0, cap - before))
        if layer.from_deposit:
            pay = min(pay, deposit)
            deposit -= pay
        pays.append(pay)
        reach -= pay
    return pays


def restored(
    layers: Sequence[Layer], *, cash: int, residual: int, claims: Sequence[int], pro_rata: bool
) -> list[int]:
    """What each loss layer is given back of cash that came in on its claims."""
    owed = residual + sum(claims)
    left = min(cash, owed)
    if pro_rata:
        open_ones = [claim for claim in (residual, *claims) if claim]
        taken = iter(divided(left, open_ones) if open_ones else [])
        return [next(taken) if claim else 0 for claim in (residual, *claims)][1:]
    given = []
    beyond = owed
    for layer, claim in zip(layers, claims, strict=True):
        beyond -= claim
        if layer.share == PPM:
            part = max(0, left - beyond)
        else:
            part = divided(left, [beyond, claim])[1] if claim else 0
        given.append(part)
        left -= part
    return given


def days_of_interest(first: int, last: int, day_count: int) -> int:
    """Days between two days by a day count; the first counts, the last does not."""
    if day_count != DayCount.THIRTY_360:
        return last - first
    a, b = (date(1970, 1, 1) + timedelta(days=day) for day in (first, last))
    months = 12 * (b.year - a.year) + b.month - a.month
    return 30 * months + min(b.day, 30) - min(a.day, 30)


def year_days(day_count: int) -> int:
    """Days of a year of interest."""
    return 365 if day_count == DayCount.ACT_365 else 360


class Book:
    """Balances of one deal: member to account to amount, debit positive."""

    def __init__(self) -> None:
        self._balances: dict[tuple[str, str], int] = {}

    def move(self, party: str, debit: str, credit: str, amount: int) -> None:
        """Debit one account of a party and credit another."""
        for account, change in ((debit, amount), (credit, -amount)):
            self._balances[party, account] = self._balances.get((party, account), 0) + change

    def post(self, postings: Iterable[tuple[str, str, int]]) -> None:
        """Parties, accounts and amounts that add up to nothing."""
        for party, account, amount in postings:
            self._balances[party, account] = self._balances.get((party, account), 0) + amount

    def balance(self, party: str, account: str) -> int:
        """One balance."""
        return self._balances.get((party, account), 0)

    def booking(self, terms: Terms, principal: int, sign: int = 1) -> None:
        """放款, or with sign -1 its mirror."""
        assert isinstance(terms.disbursed_by, str)
        self.move(terms.disbursed_by, "CLEARING", "CASH", sign * principal)
        for (party, _), part in zip(terms.funding, divided(principal, terms.shares), strict=True):
            self.move(party, "LOANS", "CLEARING", sign * part)

    def loan_fee(self, terms: Terms, principal: int, sign: int = 1) -> None:
        """The fee for a loan booked, or its mirror."""
        for (party, _), part in zip(terms.funding, loan_fee_parts(terms, principal), strict=True):
            self.move(party, "FEES", "CLEARING", sign * part)
            if part:
                self.move(str(terms.fee_to), "CLEARING", "FEES", sign * part)

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
