"""What loans cost their borrowers, and percentiles of it."""

from __future__ import annotations

from datetime import date
from math import ceil
from random import Random

import pytest

from ledger import costs
from ledger.entries import Booking, Method, Purpose
from ledger.money import format_percent
from ledger.portfolio.percentiles import PERCENTS, percentiles
from ledger.terms import Terms, read

TERMS = {
    "id": "fees", "mode": "joint", "currency": "CNY", "day_count": "ACT/360",
    "servicer": "platform-p", "disbursed_by": "bank-a", "collected_by": "bank-a",
    "funding": [{"party": "bank-a", "share": "100%"}],
}  # fmt: skip


def terms(ceiling: str = "", **fee: str) -> Terms:
    own: dict[str, object] = dict(TERMS)
    if fee:
        own["fee"] = {"to": "platform-p", **fee}
    if ceiling:
        own["limits"] = {"max_all_in_cost": ceiling}
    return read(own)


def loan(method: Method, principal_minor: int = 1_000_000, months: int = 12) -> Booking:
    return Booking(
        loan_ref="L", borrower_ref="B", start_date=date(2026, 1, 15),
        maturity_date=date(2026 + months // 12, 1 + months % 12, 15),
        principal_minor=principal_minor, annual_rate_ppm=180_000, method=method,
        purpose=Purpose.CONSUMER,
    )  # fmt: skip


FEES = [
    {"borrower_upfront": "3%"},
    {"borrower_per_instalment": "0.5%"},
    {"borrower_upfront": "25.00", "borrower_per_instalment": "1.00"},
]


@pytest.mark.parametrize("fee", FEES)
@pytest.mark.parametrize("method", [Method.EQUAL_INSTALLMENT, Method.INTEREST_ONLY, Method.BULLET])
def test_the_cost_is_the_lowest_ceiling_that_passes(method: Method, fee: dict[str, str]) -> None:
    own = loan(method)
    cost = costs.all_in_ppm(own, terms(**fee))
    if method is not Method.BULLET:
        # Of a bullet loan interest is paid once, at the end: worth less than that of each month.
        assert cost > own.annual_rate_ppm
    at, below = (costs.check(own, terms(format_percent(c), **fee)) for c in (cost, cost - 1))
    assert at is not None and at.passes
    assert below is not None and not below.passes


def test_without_a_fee_of_the_borrower_the_cost_is_the_rate() -> None:
    assert costs.all_in_ppm(loan(Method.BULLET), terms()) == 180_000


def test_a_known_cost() -> None:
    """1 000.00 for one month at 0 %, 10.00 at the start: 10 of 990 a month is 12.1212 % a year."""
    own = Booking.model_construct(
        start_date=date(2026, 3, 1), maturity_date=date(2026, 4, 1), principal_minor=100_000,
        annual_rate_ppm=0, method=Method.BULLET,
    )  # fmt: skip
    assert costs.all_in_ppm(own, terms(borrower_upfront="10.00")) == 121_213


def test_percentiles_are_by_nearest_rank() -> None:
    random = Random(5)
    values = [(random.randrange(1000), random.randrange(1, 50)) for _ in range(137)]
    expanded = sorted(value for value, weight in values for _ in range(weight))
    plain = sorted(value for value, _ in values)
    for one in percentiles(values):
        rank = max(1, ceil(one.percent * len(plain) / 100))
        assert one.of_count == plain[rank - 1]
        rank = max(1, ceil(one.percent * len(expanded) / 100))
        assert one.of_weight == expanded[rank - 1]


def test_percentiles_of_one_value_are_that_value() -> None:
    assert [one[1:] for one in percentiles([(7, 3)])] == [(7, 7)] * len(PERCENTS)
    assert percentiles([]) == []
