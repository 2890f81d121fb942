"""Fees: for each loan booked (导流), and what is split of a fee in an entry (服务分成)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import Booking, Repayment, id_of, packed, parts, reversal_of
from tests.contracts.sandbox.partnership import Partnership
from tests.contracts.sandbox.terms import Fees, Terms, Tier

TWO_FUNDERS = Terms(
    funding=(("bank", 700_000), ("guarantor", 300_000)), others=("platform",), fee_to="platform"
)


def charging(**fees: int) -> Terms:
    """The funders pay the platform for each loan."""
    return replace(TWO_FUNDERS, fees=Fees(**fees))


@pytest.mark.parametrize(
    ("fees", "principal", "fee", "shares"),
    [
        ({"per_loan": 3_000}, 780_000, 3_000, (2_100, 900)),
        ({"per_loan": 3_001}, 5, 3_001, (2_101, 900)),  # 900.3 and the rest
        ({"per_loan_ppm": 15_000}, 780_000, 11_700, (8_190, 3_510)),
        ({"per_loan_ppm": 15_000}, 33, 0, (0, 0)),  # 0.495
        ({"per_loan_ppm": 15_000}, 34, 1, (1, 0)),  # 0.51
    ],
)
def test_funders_owe_the_payee_for_each_loan(
    fresh: Partnership, fees: dict[str, int], principal: int, fee: int, shares: tuple[int, int]
) -> None:
    fresh.agree(charging(**fees))
    receipt = fresh.book(Booking(loan="loan-1", principal=principal))
    assert [event.name for event in receipt.events[-2:]] == ["LoanBooked", "LoanFeeCharged"]
    assert receipt.events[-1] == Event(
        "LoanFeeCharged", loan_id=id_of("loan-1"), parts=parts(*shares)
    )
    without = Partnership()
    without.agree(TWO_FUNDERS)
    without.book(Booking(loan="loan-1", principal=principal))
    expected = without.balances()
    for party, part in zip(("bank", "guarantor"), shares, strict=True):
        expected[party]["CLEARING"] -= part
        if part:
            expected[party]["FEES"] = part
    if fee:
        expected["platform"] = {"CLEARING": fee, "FEES": -fee}
    assert fresh.balances() == {
        party: {account: amount for account, amount in own.items() if amount}
        for party, own in expected.items()
    }


def test_fees_of_a_batch_are_the_sum_of_its_loans(fresh: Partnership) -> None:
    fresh.agree(charging(per_loan_ppm=15_000))
    principals = (101, 202, 303, 70_001)
    fresh.book(*(Booking(loan=f"loan-{p}", principal=p) for p in principals))
    fee = 2 + 3 + 5 + 1_050  # 1.515, 3.03, 4.545, 1050.015
    assert fresh.balances()["platform"] == {"CLEARING": fee, "FEES": -fee}


def test_reversed_booking_takes_its_fee_back(fresh: Partnership) -> None:
    fresh.agree(charging(per_loan=3_001))
    loan = Booking(loan="loan-1", principal=780_000)
    fresh.book(loan)
    receipt = fresh.reverse(reversal_of(loan))
    assert receipt.events[-1]["legs"] == (
        packed(principal=546_000, fee=2_101), packed(principal=234_000, fee=900), 0, 0,
    )  # fmt: skip
    assert fresh.balances() == {}


@pytest.mark.parametrize(
    ("fee", "bank", "platform"), [(1_234, 185, 1_049), (1, 0, 1), (10, 2, 8), (3, 0, 3)]
)
def test_share_of_a_fee_goes_first(
    fresh: Partnership, fee: int, bank: int, platform: int
) -> None:
    """上行开放生态: 15 % of a service fee to the bank, half up."""
    terms = replace(TWO_FUNDERS, fees=Fees(split=(Tier(to="bank", share=150_000),)))
    fresh.agree(terms)
    fresh.book(Booking(loan="loan-1", principal=780_000))
    receipt = fresh.repay(Repayment(entry="r", loan="loan-1", fee=fee))
    assert receipt.events[-1]["legs"] == (packed(fee=bank), 0, packed(fee=platform), 0)


def test_shares_of_a_fee_follow_one_another(fresh: Partnership) -> None:
    split = (
        Tier(to="bank", share=100_000),
        Tier(to="guarantor", share=500_000),
        Tier(to="bank", share=250_000),
        Tier(to="guarantor", share=1),
    )
    fresh.agree(replace(TWO_FUNDERS, fees=Fees(split=split)))
    fresh.book(Booking(loan="loan-1", principal=780_000))
    receipt = fresh.repay(Repayment(entry="r", loan="loan-1", principal=10, fee=1_001))
    # 100.1 -> 100; half of 901 -> 451; a quarter of 450 -> 113; 0.0003 -> 0; the rest 337
    assert receipt.events[-1]["legs"] == (
        packed(principal=7, fee=213), packed(principal=3, fee=451), packed(fee=337), 0,
    )  # fmt: skip
