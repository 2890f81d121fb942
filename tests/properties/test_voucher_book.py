"""The book of vouchers that other tests compare with: worked examples, and sums that add up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.sandbox.entries import MAX_AMOUNT, on
from tests.contracts.sandbox.terms import DayCount, Terms
from tests.contracts.sandbox.voucher_book import (
    Posting,
    by_pieces,
    confirmation,
    converted,
    discount_minor,
    discounted,
    discounting,
    mirror,
    paid_to_funders,
    paid_to_holder,
    returned,
    sale,
    to_loan,
    transfer,
)
from tests.differential.deals import deals

AMOUNTS = st.one_of(st.integers(1, 20), st.integers(1, 10**9), st.integers(1, MAX_AMOUNT))
ISSUED = on("2026-01-05")


@pytest.mark.parametrize(
    ("amount", "days", "day_count", "expected"),
    [
        (100_000_000, 180, DayCount.ACT_360, 1_925_000),
        (40_000_000, 97, DayCount.ACT_360, 414_944),
        (40_000_000, 97, DayCount.ACT_365, 409_260),
    ],
)
def test_discount_of_the_worked_examples(
    amount: int, days: int, day_count: DayCount, expected: int
) -> None:
    """1 000 000.00 at 3.85 % for 180 days; a part of 400 000.00 financed 97 days before it is due."""
    found = discount_minor(amount, 38_500, ISSUED, ISSUED + days, day_count)
    assert found == expected


def test_proceeds_of_the_worked_examples() -> None:
    terms = Terms(funding=(("bank", 1_000_000),), others=("platform",))
    whole = discounted(
        terms, amount=100_000_000, rate=38_500, date=ISSUED, due=ISSUED + 180, core_cost=0
    )
    assert (whole.proceeds, whole.income["bank"]) == (98_075_000, 1_925_000)
    part = discounted(
        terms, amount=40_000_000, rate=38_500, date=ISSUED + 83, due=ISSUED + 180, core_cost=0
    )
    assert part.proceeds == 39_585_056


@pytest.mark.parametrize(("core_cost", "borne"), [(0, 0), (1_000_000, 414_944), (500_000, 207_472)])
def test_cost_of_a_discount_is_shared_as_agreed(core_cost: int, borne: int) -> None:
    terms = Terms(funding=(("bank", 1_000_000),), others=("platform",))
    made = discounted(
        terms,
        amount=40_000_000,
        rate=38_500,
        date=ISSUED,
        due=ISSUED + 97,
        core_cost=core_cost,
    )
    assert (made.core_cost, made.proceeds) == (borne, 40_000_000 - 414_944 + borne)


@pytest.mark.parametrize(
    ("received", "interest", "outstanding", "expected"),
    [
        (100, 10, 85, (85, 10)),
        (95, 10, 85, (85, 10)),
        (94, 10, 85, (84, 10)),
        (7, 10, 85, (0, 7)),
        (100, 0, 0, (0, 0)),
    ],
)
def test_loan_gets_interest_first_then_principal(
    received: int, interest: int, outstanding: int, expected: tuple[int, int]
) -> None:
    assert to_loan(received, interest, outstanding) == expected


@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=6), share=st.integers(0, 10**6))
def test_a_payment_goes_to_the_pieces_to_the_fen(amounts: list[int], share: int) -> None:
    payment = sum(amounts) * share // 10**6
    parts = by_pieces(payment, amounts)
    assert sum(parts) == payment
    assert all(0 <= part for part in parts)
    assert by_pieces(sum(amounts), amounts) == amounts


@given(
    terms=deals(),
    before=AMOUNTS,
    share=st.integers(1, 10**6),
    rate=st.integers(1, 400_000),
    days=st.integers(1, 365),
    core_cost=st.integers(0, 10**6),
)
def test_postings_of_every_entry_add_up_to_nothing(
    terms: Terms, before: int, share: int, rate: int, days: int, core_cost: int
) -> None:
    amount = max(1, before * share // 10**6)
    made = discounted(
        terms, amount=before, rate=rate, date=ISSUED, due=ISSUED + days, core_cost=core_cost
    )
    entries: list[list[Posting]] = [
        confirmation("core", "supplier", before),
        transfer("supplier", "second", amount),
        discounting(terms, "supplier", "core", made),
        paid_to_holder("core", "supplier", amount),
        paid_to_funders(terms, "core", before, amount),
        returned(terms, "supplier", before),
        converted(terms, "core", before),
        sale("bank", "bank-b", before, amount),
        sale("bank", "bank-b", amount, before),
    ]
    for postings in entries:
        assert sum(moved for _, _, moved in postings) == 0
        assert sum(moved for _, _, moved in postings + mirror(postings)) == 0
    assert sum(made.parts) == before and sum(made.income.values()) == made.discount
    assert made.proceeds + made.discount - made.core_cost == before
