"""Voucher book: what each entry on a voucher comes to and posts, by exact fractions.

Written from the arithmetic reference, sharing nothing with the contracts or with `ledger`. Debit is
positive; the postings of an entry add up to nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.contracts.sandbox.model import (
    PPM,
    days_of_interest,
    divided,
    income_parts,
    nearest,
    principal_parts,
    year_days,
)
from tests.contracts.sandbox.terms import Terms

Posting = tuple[str, str, int]
"""Party, account, amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """What a discount of a piece comes to."""

    amount: int
    discount: int
    core_cost: int
    parts: Sequence[int]
    """The piece by funders."""
    income: dict[str, int]
    """The discount by parties."""

    @property
    def proceeds(self) -> int:
        """What the holder gets."""
        return self.amount - self.discount + self.core_cost


def discount_minor(amount: int, rate: int, date: int, due: int, day_count: int) -> int:
    """Interest on the amount from the day of the discount to the due date."""
    days = days_of_interest(date, due, day_count)
    return nearest(Fraction(amount * rate * days, year_days(day_count) * PPM))


def discounted(
    terms: Terms, *, amount: int, rate: int, date: int, due: int, core_cost: int
) -> Discount:
    """A piece sold to the funders; `core_cost` in ppm of the discount."""
    discount = discount_minor(amount, rate, date, due, terms.day_count)
    return Discount(
        amount=amount,
        discount=discount,
        core_cost=nearest(Fraction(discount * core_cost, PPM)),
        parts=divided(amount, terms.shares),
        income=income_parts(terms, discount, terms.interest, rate),
    )


def by_pieces(payment: int, amounts: Sequence[int]) -> list[int]:
    """What each live piece gets of a payment on its voucher; the first takes the rest."""
    return divided(payment, amounts)


def to_loan(received: int, interest: int, outstanding: int) -> tuple[int, int]:
    """Principal and interest of a pledged piece's loan out of what came in on the piece."""
    paid = min(received, interest)
    return min(received - paid, outstanding), paid


# ---- postings
def confirmation(core: str, supplier: str, amount: int) -> list[Posting]:
    """确权."""
    return [(core, "VOUCHERS_OWED", -amount), (supplier, "VOUCHERS_HELD", amount)]


def transfer(giver: str, taker: str, amount: int) -> list[Posting]:
    """转让."""
    return [(giver, "VOUCHERS_HELD", -amount), (taker, "VOUCHERS_HELD", amount)]


def discounting(terms: Terms, holder: str, core: str, made: Discount) -> list[Posting]:
    """贴现."""
    borne = made.discount - made.core_cost
    disburser = str(terms.disbursed_by)
    return [
        (holder, "VOUCHERS_HELD", -made.amount),
        (holder, "DISCOUNT", borne),
        (holder, "CASH", made.proceeds),
        (core, "DISCOUNT", made.core_cost),
        (core, "CLEARING", -made.core_cost),
        (disburser, "CASH", -made.proceeds),
        (disburser, "CLEARING", made.proceeds),
        *_of_funders(terms, made.parts),
        *((party, "DISCOUNT", -part) for party, part in made.income.items()),
        *((party, "CLEARING", part) for party, part in made.income.items()),
    ]


def paid_to_holder(core: str, holder: str, amount: int) -> list[Posting]:
    """兑付 of a piece that its holder owns."""
    return [
        (core, "CASH", -amount),
        (core, "VOUCHERS_OWED", amount),
        (holder, "VOUCHERS_HELD", -amount),
        (holder, "CASH", amount),
    ]


def paid_to_funders(
    terms: Terms, core: str, before: int, amount: int, collector: str = ""
) -> list[Posting]:
    """兑付 of a discounted piece of `before`; the collector is that of the terms unless told."""
    return [
        (core, "CASH", -amount),
        (core, "VOUCHERS_OWED", amount),
        *_collected(terms, collector or str(terms.collected_by), before, amount),
    ]


def returned(terms: Terms, holder: str, amount: int, collector: str = "") -> list[Posting]:
    """追索: a discounted piece goes back to who financed it."""
    return [
        (holder, "VOUCHERS_HELD", amount),
        (holder, "CASH", -amount),
        *_collected(terms, collector or str(terms.collected_by), amount, amount),
    ]


def converted(terms: Terms, core: str, amount: int, disburser: str = "") -> list[Posting]:
    """垫款: the deal's loan to the core enterprise pays a discounted piece."""
    return [
        (core, "CASH", -amount),
        (core, "VOUCHERS_OWED", amount),
        *_collected(terms, disburser or str(terms.disbursed_by), amount, amount),
    ]


def sale(seller: str, buyer: str, amount: int, price: int) -> list[Posting]:
    """转贴现 of a piece between banks."""
    return [
        (seller, "VOUCHERS_HELD", -amount),
        (seller, "CASH", price),
        (seller, "DISCOUNT", amount - price),
        (buyer, "VOUCHERS_HELD", amount),
        (buyer, "CASH", -price),
        (buyer, "DISCOUNT", price - amount),
    ]


def mirror(postings: Iterable[Posting]) -> list[Posting]:
    """冲正."""
    return [(party, account, -amount) for party, account, amount in postings]


def balances(postings: Iterable[Posting]) -> dict[str, dict[str, int]]:
    """As `Partnership.balances`: zeros left out."""
    sums: Counter[tuple[str, str]] = Counter()
    for party, account, amount in postings:
        sums[party, account] += amount
    found: dict[str, dict[str, int]] = {}
    for (party, account), amount in sums.items():
        if amount:
            found.setdefault(party, {})[account] = amount
    return found


def _of_funders(terms: Terms, parts: Sequence[int], sign: int = 1) -> Iterable[Posting]:
    for (party, _), part in zip(terms.funding, parts, strict=True):
        yield party, "VOUCHERS_HELD", sign * part
        yield party, "CLEARING", -sign * part


def _collected(terms: Terms, by: str, before: int, amount: int) -> list[Posting]:
    parts = principal_parts(terms, before, amount)
    return [(by, "CASH", amount), (by, "CLEARING", -amount), *_of_funders(terms, parts, -1)]
