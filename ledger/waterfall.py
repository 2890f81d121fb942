"""Waterfall: how an entry is divided between the parties; the twin of the contracts.

Written from the arithmetic reference alone, so that contracts and SDK are two independent ways to
every number. Functions named for a noun divide and return amounts; functions named `post_*`
return the postings of an entry. Debit is positive; the postings of an entry add up to zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ledger.consortium import FUNDERS
from ledger.money import PPM, apportion, half_up
from ledger.tables import Source, Tier
from ledger.terms import Terms


class Account(StrEnum):
    """Accounts that each party has in each deal."""

    CASH = "CASH"
    CLEARING = "CLEARING"
    LOANS = "LOANS"
    INTEREST = "INTEREST"
    PENALTY = "PENALTY"
    FEES = "FEES"
    DEPOSIT_PLACED = "DEPOSIT_PLACED"
    DEPOSIT_HELD = "DEPOSIT_HELD"
    CLAIMS = "CLAIMS"
    LOSSES = "LOSSES"
    RECOVERIES = "RECOVERIES"
    VOUCHERS_HELD = "VOUCHERS_HELD"
    VOUCHERS_OWED = "VOUCHERS_OWED"
    DISCOUNT = "DISCOUNT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One debit (positive) or credit (negative) of one account of one party."""

    party: str
    account: Account
    amount_minor: int


Postings = tuple[Posting, ...]


def principal_legs(outstanding_minor: int, paid_minor: int, shares_ppm: Sequence[int]) -> list[int]:
    """M3: what each funder gets of `paid_minor` (at most `outstanding_minor`) of principal.

    Booking legs are those of a loan paid back whole: `principal_legs(p, p, shares)`.
    """
    assert 0 <= paid_minor <= outstanding_minor, (paid_minor, outstanding_minor)
    before = apportion(outstanding_minor, shares_ppm)
    after = apportion(outstanding_minor - paid_minor, shares_ppm)
    return [b - a for b, a in zip(before, after, strict=True)]


def tier_legs(
    amount_minor: int,
    tiers: Iterable[Tier],
    funding: Sequence[tuple[str, int]],
    *,
    annual_rate_ppm: int = 0,
) -> dict[str, int]:
    """M4: income divided by ordered tiers; parties that get nothing are not in the result.

    `funding` has the funders with their shares in ppm, the lead first. `annual_rate_ppm` is the
    loan's own rate; on a loan at 0 % a rate tier takes all that is left, the value that
    `min(rest, amount * rate / loan rate)` comes to as the loan's rate falls.
    """
    rest = amount_minor
    legs: dict[str, int] = {}
    for tier in tiers:
        taken = _taken(amount_minor, rest, tier, annual_rate_ppm)
        rest -= taken
        if tier.to == FUNDERS:
            _add_to_funders(legs, taken, funding)
        else:
            legs[tier.to] = legs.get(tier.to, 0) + taken
    _add_to_funders(legs, rest, funding)
    return {party: leg for party, leg in legs.items() if leg}


def _taken(amount_minor: int, rest: int, tier: Tier, annual_rate_ppm: int) -> int:
    if tier.rate_ppm is None:
        assert tier.share_ppm is not None
        return half_up(rest * tier.share_ppm, PPM)
    if annual_rate_ppm == 0:
        return rest
    return min(rest, half_up(amount_minor * tier.rate_ppm, annual_rate_ppm))


def _add_to_funders(
    legs: dict[str, int], amount_minor: int, funding: Sequence[tuple[str, int]]
) -> None:
    if not amount_minor:
        return
    parts = apportion(amount_minor, [share for _, share in funding])
    for (party, _), part in zip(funding, parts, strict=True):
        legs[party] = legs.get(party, 0) + part


def interest_legs(interest_minor: int, annual_rate_ppm: int, terms: Terms) -> dict[str, int]:
    """M4 by a deal's terms: who gets what of the interest of one repayment."""
    return tier_legs(
        interest_minor, terms.interest, _funding(terms), annual_rate_ppm=annual_rate_ppm
    )


def penalty_legs(penalty_minor: int, terms: Terms) -> dict[str, int]:
    """M4 for penalty interest: its own tiers, shares only; without tiers all to the funders."""
    return tier_legs(penalty_minor, terms.penalty, _funding(terms))


def _funding(terms: Terms) -> list[tuple[str, int]]:
    return list(zip(terms.funders, terms.shares_ppm, strict=True))


def post_booking(terms: Terms, principal_minor: int) -> Postings:
    """放款: the disburser pays the borrower, each funder owes it its part."""
    book = _Book()
    book.add(terms.disbursed_by, Account.CASH, -principal_minor)
    book.add(terms.disbursed_by, Account.CLEARING, principal_minor)
    for party, leg in _by_funder(terms, principal_minor, principal_minor):
        book.move(party, Account.CLEARING, Account.LOANS, leg)
    return book.postings()


def post_repayment(
    terms: Terms,
    *,
    outstanding_minor: int,
    annual_rate_ppm: int,
    principal_minor: int,
    interest_minor: int = 0,
    penalty_minor: int = 0,
    fee_minor: int = 0,
) -> Postings:
    """还款: the collector has the cash and owes each party its legs.

    `outstanding_minor` is the loan's principal before the repayment. A fee needs a fee payee.
    """
    book = _Book()
    book.collect(terms, principal_minor + interest_minor + penalty_minor + fee_minor)
    for party, leg in _by_funder(terms, outstanding_minor, principal_minor):
        book.move(party, Account.LOANS, Account.CLEARING, leg)
    for party, leg in interest_legs(interest_minor, annual_rate_ppm, terms).items():
        book.move(party, Account.INTEREST, Account.CLEARING, leg)
    for party, leg in penalty_legs(penalty_minor, terms).items():
        book.move(party, Account.PENALTY, Account.CLEARING, leg)
    if fee_minor:
        assert terms.fee is not None, "the deal names no fee payee"
        book.move(terms.fee.to, Account.FEES, Account.CLEARING, fee_minor)
    return book.postings()


def post_waiver() -> Postings:
    """减免: nothing was received yet, so nothing is posted."""
    return ()


def post_write_off(terms: Terms, outstanding_minor: int) -> Postings:
    """核销: the funders' parts of the whole loan become losses."""
    book = _Book()
    for party, leg in _by_funder(terms, outstanding_minor, outstanding_minor):
        book.move(party, Account.LOANS, Account.LOSSES, leg)
    return book.postings()


def post_reversal(postings: Iterable[Posting]) -> Postings:
    """冲正: the exact mirror of an entry's postings."""
    return tuple(
        Posting(party=p.party, account=p.account, amount_minor=-p.amount_minor) for p in postings
    )


def post_settlement(payer: str, payee: str, amount_minor: int) -> Postings:
    """清算: cash moves between two parties and their clearing balances with it."""
    book = _Book()
    book.move(payer, Account.CASH, Account.CLEARING, amount_minor)
    book.move(payee, Account.CLEARING, Account.CASH, amount_minor)
    return book.postings()


def post_deposit(terms: Terms, amount_minor: int) -> Postings:
    """保证金: paid to the custodian (> 0) or released to the depositor (< 0)."""
    assert terms.deposit is not None, "the deal has no deposit"
    book = _Book()
    book.move(terms.deposit.by, Account.CASH, Account.DEPOSIT_PLACED, amount_minor)
    book.move(terms.deposit.custodian, Account.DEPOSIT_HELD, Account.CASH, amount_minor)
    return book.postings()


def post_compensation(
    terms: Terms, *, outstanding_minor: int, pays_minor: Sequence[int]
) -> Postings:
    """代偿: what each loss layer pays, in the order of the terms.

    Payments cover the loan's outstanding principal first, then interest; both reach the funders
    by their shares.
    """
    book = _Book()
    for layer, pay in zip(terms.loss, pays_minor, strict=True):
        if layer.source is Source.DEPOSIT:
            assert terms.deposit is not None, "a layer draws on a deposit that is not there"
            book.move(layer.payer, Account.DEPOSIT_PLACED, Account.CLAIMS, pay)
            book.move(terms.deposit.custodian, Account.CLEARING, Account.DEPOSIT_HELD, pay)
        else:
            book.move(layer.payer, Account.CLEARING, Account.CLAIMS, pay)
    principal = min(sum(pays_minor), outstanding_minor)
    for party, leg in _by_funder(terms, outstanding_minor, principal):
        book.move(party, Account.LOANS, Account.CLEARING, leg)
    interest = apportion(sum(pays_minor) - principal, terms.shares_ppm)
    for party, leg in zip(terms.funders, interest, strict=True):
        book.move(party, Account.INTEREST, Account.CLEARING, leg)
    return book.postings()


def post_recovery(
    terms: Terms,
    *,
    cash_minor: int,
    residual_minor: int,
    to_residual_minor: int,
    to_layers_minor: Sequence[int],
    surplus_minor: int,
    written_off: bool = False,
) -> Postings:
    """追偿: `cash_minor`, the amount less the collection cost, restores residual and claims.

    `residual_minor` is the funders' residual principal before, of which M3 gives the legs; after
    a write-off their part is income. Cash above all claims is their penalty income.
    """
    assert cash_minor == to_residual_minor + sum(to_layers_minor) + surplus_minor
    book = _Book()
    book.collect(terms, cash_minor)
    for layer, part in zip(terms.loss, to_layers_minor, strict=True):
        book.move(layer.payer, Account.CLAIMS, Account.CLEARING, part)
    account = Account.RECOVERIES if written_off else Account.LOANS
    for party, leg in _by_funder(terms, residual_minor, to_residual_minor):
        book.move(party, account, Account.CLEARING, leg)
    surplus = apportion(surplus_minor, terms.shares_ppm)
    for party, leg in zip(terms.funders, surplus, strict=True):
        book.move(party, Account.PENALTY, Account.CLEARING, leg)
    return book.postings()


def post_period(terms: Terms, platform_minor: int) -> Postings:
    """分润: the funders owe the platform its part of the period, by their shares."""
    assert terms.period is not None, "the deal has no period statement"
    book = _Book()
    book.move(terms.period.to, Account.INTEREST, Account.CLEARING, platform_minor)
    parts = apportion(platform_minor, terms.shares_ppm)
    for party, part in zip(terms.funders, parts, strict=True):
        book.move(party, Account.CLEARING, Account.INTEREST, part)
    return book.postings()


def balances(postings: Iterable[Posting]) -> Mapping[tuple[str, Account], int]:
    """The sum of postings by party and account; accounts without a posting are not there."""
    book = _Book()
    for posting in postings:
        book.add(posting.party, posting.account, posting.amount_minor)
    return book


def _by_funder(terms: Terms, outstanding_minor: int, paid_minor: int) -> Iterable[tuple[str, int]]:
    legs = principal_legs(outstanding_minor, paid_minor, terms.shares_ppm)
    return zip(terms.funders, legs, strict=True)


class _Book(dict[tuple[str, Account], int]):
    """Sums by party and account, in the order of their first posting."""

    def add(self, party: str, account: Account, amount_minor: int) -> None:
        self[party, account] = self.get((party, account), 0) + amount_minor

    def move(self, party: str, credit: Account, debit: Account, amount_minor: int) -> None:
        self.add(party, debit, amount_minor)
        self.add(party, credit, -amount_minor)

    def collect(self, terms: Terms, amount_minor: int) -> None:
        self.move(terms.collected_by, Account.CLEARING, Account.CASH, amount_minor)

    def postings(self) -> Postings:
        assert sum(self.values()) == 0, dict(self)
        return tuple(
            Posting(party=party, account=account, amount_minor=amount)
            for (party, account), amount in self.items()
            if amount
        )
