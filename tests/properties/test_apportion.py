"""M1 to M3: division adds up, never falls, and telescopes."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ledger.money import MAX_AMOUNT_MINOR, apportion, half_up
from ledger.waterfall import principal_legs

amounts = st.one_of(
    st.integers(0, 200), st.integers(0, MAX_AMOUNT_MINOR), st.just(MAX_AMOUNT_MINOR)
)
weights = st.tuples(st.integers(1, 1_000_000), st.lists(st.integers(0, 1_000_000), max_size=7)).map(
    lambda parts: [parts[0], *parts[1]]
)


@given(st.integers(0, 10**30), st.integers(1, 10**12))
def test_half_up_is_the_nearest_integer_and_a_half_goes_up(n: int, d: int) -> None:
    difference = half_up(n, d) - Fraction(n, d)
    assert Fraction(-1, 2) < difference <= Fraction(1, 2)


@given(amounts, weights)
def test_parts_add_up_and_are_never_negative(amount: int, by: list[int]) -> None:
    parts = apportion(amount, by)
    assert sum(parts) == amount
    assert len(parts) == len(by)
    assert min(parts) >= 0


@given(amounts, weights, st.integers(0, 10_000))
def test_no_part_falls_when_the_amount_grows(amount: int, by: list[int], more: int) -> None:
    before, after = apportion(amount, by), apportion(amount + more, by)
    assert all(b <= a for b, a in zip(before, after, strict=True))


@given(amounts, weights)
def test_each_part_is_close_to_its_exact_share(amount: int, by: list[int]) -> None:
    total = sum(by)
    for part, weight in zip(apportion(amount, by), by, strict=True):
        assert abs(part - Fraction(amount * weight, total)) < len(by)


@given(amounts, st.integers(1, 999_999))
def test_of_two_parties_the_partner_has_half_up_and_the_lead_the_rest(
    amount: int, partner: int
) -> None:
    parts = apportion(amount, [1_000_000 - partner, partner])
    assert parts[1] == half_up(amount * partner, 1_000_000)


@given(amounts, weights, st.lists(st.integers(0, 1_000_000), min_size=1, max_size=8))
def test_each_funder_gets_back_what_it_put_in_whatever_the_instalments(
    principal: int, shares: list[int], cuts: list[int]
) -> None:
    outstanding = principal
    received = [0] * len(shares)
    for cut in [*cuts, 1_000_000]:
        paid = half_up(outstanding * cut, 1_000_000)
        legs = principal_legs(outstanding, paid, shares)
        assert sum(legs) == paid and min(legs) >= 0
        received = [r + leg for r, leg in zip(received, legs, strict=True)]
        outstanding -= paid
    assert outstanding == 0
    assert received == apportion(principal, shares)
