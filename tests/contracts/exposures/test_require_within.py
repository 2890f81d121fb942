"""`require_within`: a booking that takes a total over its limit is refused, one up to it is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.exposures.batches import DEPOSIT, LOAN, pay_deposit
from tests.contracts.sandbox.banks import Figure, declare, declare_group
from tests.contracts.sandbox.entries import START, Repayment, on, reversal_of
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Layer, Limits, Terms

USD = int.from_bytes(b"USD", "big")
AT_LIMIT = replace(LOAN, principal=10_000)
"""Bank 7 000, platform 3 000; the guarantor would pay 5 000."""
ONE_MORE = replace(LOAN, loan="one more", principal=1)
"""The bank's alone; of two of them the guarantor would pay one."""

LIMITS = [
    ("CONCENTRATION_OVER_LIMIT", "bank", Figure.TIER_1_CAPITAL, 28_000),
    ("JOINT_SHARE_OVER_LIMIT", "bank", Figure.ALL_LOANS, 14_000),
    ("CONCENTRATION_OVER_LIMIT", "platform", Figure.TIER_1_CAPITAL, 12_000),
    ("JOINT_SHARE_OVER_LIMIT", "platform", Figure.ALL_LOANS, 6_000),
    ("GUARANTEE_OVER_LIMIT", "guarantor", Figure.NET_ASSETS, 500),
]
"""Reason, member and its figure that leaves room for `AT_LIMIT` and no more."""
BOUND = pytest.mark.parametrize(("reason", "member", "figure", "amount"), LIMITS)
ROOMY = 10**12


@pytest.fixture
def apart(fresh: Partnership, joint: Terms) -> Partnership:
    """`joint` is in force without its limit on a single borrower."""
    assert isinstance(joint.limits, Limits)
    fresh.agree(replace(joint, limits=replace(joint.limits, max_guaranteed_borrower=0)))
    return fresh


@BOUND
def test_booking_up_to_the_limit_is_accepted_and_one_above_refused(
    apart: Partnership, reason: str, member: str, figure: Figure, amount: int
) -> None:
    declare(apart, member, figure, amount)
    with refused(reason):
        apart.book(replace(AT_LIMIT, principal=10_002))
    assert apart.volume() == (0, 0)
    apart.book(AT_LIMIT)
    with refused(reason):
        apart.book(replace(ONE_MORE, principal=2))


@BOUND
def test_figure_one_lower_leaves_one_less(
    apart: Partnership, reason: str, member: str, figure: Figure, amount: int
) -> None:
    declare(apart, member, figure, amount - 1)
    with refused(reason):
        apart.book(AT_LIMIT)


@BOUND
def test_rows_of_one_batch_count_together(
    apart: Partnership, reason: str, member: str, figure: Figure, amount: int
) -> None:
    declare(apart, member, figure, amount)
    halves = [replace(AT_LIMIT, loan=str(i), principal=5_000) for i in range(2)]
    with refused(reason):
        apart.book(*halves, replace(AT_LIMIT, loan="2", principal=4))
    apart.book(*halves)


@BOUND
def test_figure_of_zero_leaves_no_room(
    apart: Partnership, reason: str, member: str, figure: Figure, amount: int
) -> None:
    declare(apart, member, figure, 0)
    with refused(reason):
        apart.book(AT_LIMIT)


@BOUND
def test_figure_that_is_not_declared_does_not_bind(
    apart: Partnership, reason: str, member: str, figure: Figure, amount: int
) -> None:
    """Nor does one of another member, another currency, another kind or a later day."""
    declare(apart, "auditor", figure, 0)
    declare(apart, member, figure, 0, currency=USD)
    declare(apart, member, figure, 0, from_date=START + 1)
    for other in Figure:
        if other != figure:
            declare(apart, member, other, ROOMY)
    apart.book(AT_LIMIT)
    with refused(reason):
        apart.book(replace(ONE_MORE, start=START + 1))


@BOUND
def test_figure_of_the_loans_start_counts(
    apart: Partnership, reason: str, member: str, figure: Figure, amount: int
) -> None:
    declare(apart, member, figure, amount, from_date=START)
    declare(apart, member, figure, 2 * amount, from_date=START + 30)
    apart.book(AT_LIMIT)
    with refused(reason):
        apart.book(replace(AT_LIMIT, loan="loan-2", start=START + 29))
    apart.book(replace(AT_LIMIT, loan="loan-2", start=START + 30))


@BOUND
def test_limit_of_zero_is_none(
    fresh: Partnership, joint: Terms, reason: str, member: str, figure: Figure, amount: int
) -> None:
    """One other limit stays, so the deal still counts."""
    assert isinstance(joint.limits, Limits)
    names = {1: "max_concentration", 2: "max_joint_share", 3: "max_guarantee_multiple"}
    none = replace(joint.limits, max_guaranteed_borrower=0, **{names[figure]: 0})
    fresh.agree(replace(joint, limits=none))
    declare(fresh, member, figure, 0)
    fresh.book(AT_LIMIT)


@BOUND
def test_repayment_makes_room_and_its_reversal_is_never_refused(
    apart: Partnership, reason: str, member: str, figure: Figure, amount: int
) -> None:
    declare(apart, member, figure, amount)
    apart.book(AT_LIMIT)
    paid = Repayment(entry="r", loan="loan-1", principal=10_000)
    apart.repay(paid)
    apart.book(replace(AT_LIMIT, loan="loan-2"))
    apart.reverse(reversal_of(AT_LIMIT, paid))
    with refused(reason):
        apart.book(ONE_MORE)
    apart.repay(Repayment(entry="r2", loan="loan-2", principal=1))


@BOUND
def test_lower_figure_stops_bookings_and_not_servicing(
    apart: Partnership, reason: str, member: str, figure: Figure, amount: int
) -> None:
    apart.book(AT_LIMIT)
    declare(apart, member, figure, amount // 2)
    apart.repay(Repayment(entry="r", loan="loan-1", principal=2))
    with refused(reason):
        apart.book(ONE_MORE)


def test_all_deals_with_a_group_count_together(two_deals: Partnership) -> None:
    declare(two_deals, "bank", Figure.TIER_1_CAPITAL, 40_000)
    two_deals.book(AT_LIMIT)
    two_deals.book(replace(AT_LIMIT, principal=3_000), deal="assisted")
    for deal in (DEAL, "assisted"):
        with refused("CONCENTRATION_OVER_LIMIT"):
            two_deals.book(replace(ONE_MORE, principal=2), deal=deal)


def test_deals_with_another_party_of_the_group_count_too(fresh: Partnership, joint: Terms) -> None:
    other = replace(
        joint, funding=(("bank", 1_000_000),), others=("auditor",), servicer="auditor",
        layers=(), claim=type(joint.claim)(),
    )  # fmt: skip
    declare_group(fresh, "bank", "auditor", 2)
    fresh.agree(joint)
    fresh.agree(other, deal="other")
    declare(fresh, "bank", Figure.TIER_1_CAPITAL, 40_000)
    fresh.book(AT_LIMIT)
    auditor = fresh.by_name["auditor"].maker
    with refused("CONCENTRATION_OVER_LIMIT"):
        fresh.book(replace(AT_LIMIT, principal=3_001), deal="other", by=auditor)
    fresh.book(replace(AT_LIMIT, principal=3_000), deal="other", by=auditor)


def test_deals_that_are_not_joint_leave_the_joint_share(two_deals: Partnership) -> None:
    declare(two_deals, "bank", Figure.ALL_LOANS, 14_000)
    two_deals.book(replace(AT_LIMIT, principal=1_000_000), deal="assisted")
    two_deals.book(AT_LIMIT)
    with refused("JOINT_SHARE_OVER_LIMIT"):
        two_deals.book(ONE_MORE)


def test_all_deals_of_a_guarantor_count_together(two_deals: Partnership) -> None:
    declare(two_deals, "guarantor", Figure.NET_ASSETS, 100_000)
    loans = [replace(AT_LIMIT, loan=str(i), borrower=str(i)) for i in range(101)]
    two_deals.book(*loans[:100])
    others = [replace(loan, borrower=f"other {loan.loan}", principal=5_000) for loan in loans]
    two_deals.book(*others[:100], deal="assisted")
    for deal in (DEAL, "assisted"):
        with refused("GUARANTEE_OVER_LIMIT"):
            two_deals.book(replace(loans[100], principal=1), deal=deal)


def test_payer_of_a_deposit_is_no_guarantor(fresh: Partnership, joint: Terms) -> None:
    fresh.agree(
        replace(
            joint,
            layers=(Layer(payer="platform", from_deposit=True),),
            deposit=DEPOSIT,
        )
    )
    pay_deposit(fresh, 1)
    declare(fresh, "platform", Figure.NET_ASSETS, 0)
    fresh.book(AT_LIMIT)


def test_limits_are_those_of_the_loans_start(fresh: Partnership, joint: Terms) -> None:
    later = on("2026-07-01")
    fresh.agree(
        replace(
            joint,
            limits=(
                Limits(max_concentration=250_000),
                Limits(from_date=later, max_concentration=500_000),
            ),
        )
    )
    declare(fresh, "bank", Figure.TIER_1_CAPITAL, 28_000)
    fresh.book(AT_LIMIT)
    second = replace(AT_LIMIT, loan="loan-2", maturity=later + 90)
    with refused("CONCENTRATION_OVER_LIMIT"):
        fresh.book(replace(second, start=later - 1))
    fresh.book(replace(second, start=later))


def test_first_of_many_limits_is_named(apart: Partnership) -> None:
    declare(apart, "guarantor", Figure.NET_ASSETS, 0)
    with refused("GUARANTEE_OVER_LIMIT"):
        apart.book(AT_LIMIT)
    declare(apart, "bank", Figure.ALL_LOANS, 0)
    with refused("JOINT_SHARE_OVER_LIMIT"):
        apart.book(AT_LIMIT)
    declare(apart, "bank", Figure.TIER_1_CAPITAL, 0)
    with refused("CONCENTRATION_OVER_LIMIT"):
        apart.book(AT_LIMIT)


def test_anyone_may_ask(apart: Partnership) -> None:
    apart.book(AT_LIMIT)
    wide = apart.deals.read("rules", deal_id(DEAL), 1, START)[1]
    assert apart.exposures.read("require_within", deal_id(DEAL), 1, START, wide) is True
    declare(apart, "bank", Figure.TIER_1_CAPITAL, 27_999)
    with refused("CONCENTRATION_OVER_LIMIT"):
        apart.exposures.read("require_within", deal_id(DEAL), 1, START, wide)
