"""How entries are divided and posted: the worked example, the vectors, the table of accounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ledger import terms, waterfall
from ledger.tables import Tier
from ledger.terms import Terms
from ledger.waterfall import Account, Posting

VECTORS = Path(__file__).resolve().parents[2].parent / "shared" / "vectors"

DEAL: dict[str, Any] = {
    "id": "joint-1",
    "mode": "joint",
    "currency": "CNY",
    "day_count": "ACT/360",
    "servicer": "platform-p",
    "disbursed_by": "bank-a",
    "collected_by": "platform-p",
    "funding": [
        {"party": "bank-a", "share": "70%"},
        {"party": "platform-p", "share": "30%"},
    ],
    "interest": [{"to": "platform-p", "share": "20%"}],
    "penalty": [{"to": "platform-p", "share": "10%"}],
    "fee": {"to": "guarantor-g"},
    "deposit": {
        "by": "guarantor-g", "custodian": "bank-a", "target": "5%", "warn": "4.7%", "stop": "4.5%",
    },
    "loss": [
        {"payer": "guarantor-g", "source": "deposit", "share": "60%"},
        {"payer": "platform-p", "source": "direct", "share": "100%"},
    ],
    "claim": {"days_past_due": 90, "base": "principal+interest"},
    "period": {"rule": "excess", "bank_return": "7%", "share": "60%", "to": "platform-p"},
}  # fmt: skip

# The first three instalments of 7 800.00 at 18 % over 12 months: principal, interest, then the
# legs of bank-a and platform-p of each.
INSTALMENTS = [
    (59_810, 11_700, [41_867, 17_943], [6_552, 5_148]),
    (60_707, 10_803, [42_495, 18_212], [6_049, 4_754]),
    (61_618, 9_892, [43_133, 18_485], [5_540, 4_352]),
]


@pytest.fixture
def deal() -> Terms:
    return terms.read(DEAL)


def vectors(name: str) -> Any:
    file = VECTORS / f"{name}.json"
    if not file.is_file():
        pytest.skip("the vectors are not beside this repository")
    return json.loads(file.read_text())


def posted(postings: waterfall.Postings) -> dict[str, dict[str, int]]:
    assert sum(p.amount_minor for p in postings) == 0
    assert all(p.amount_minor for p in postings)
    by_party: dict[str, dict[str, int]] = {}
    for p in postings:
        accounts = by_party.setdefault(p.party, {})
        assert p.account not in accounts, "one posting per party and account"
        accounts[p.account.value] = p.amount_minor
    return by_party


def test_worked_example_is_divided_as_published(deal: Terms) -> None:
    outstanding = 780_000
    assert waterfall.principal_legs(outstanding, outstanding, deal.shares_ppm) == [546_000, 234_000]
    for principal, interest, principal_legs, interest_legs in INSTALMENTS:
        legs = waterfall.principal_legs(outstanding, principal, deal.shares_ppm)
        assert legs == principal_legs
        by_party = waterfall.interest_legs(interest, 180_000, deal)
        assert [by_party[party] for party in deal.funders] == interest_legs
        outstanding -= principal


def test_bank_return_first_and_excess_to_the_platform() -> None:
    tiers = [Tier(to="funders", rate_ppm=70_000), Tier(to="platform-p", share_ppm=600_000)]
    legs = waterfall.tier_legs(21_600, tiers, [("bank-a", 1_000_000)], annual_rate_ppm=216_000)
    assert legs == {"bank-a": 7_000 + 5_840, "platform-p": 8_760}


def test_rate_tier_takes_no_more_than_is_left() -> None:
    tiers = [Tier(to="a", share_ppm=900_000), Tier(to="b", rate_ppm=200_000)]
    legs = waterfall.tier_legs(1_000, tiers, [("bank-a", 1_000_000)], annual_rate_ppm=240_000)
    assert legs == {"a": 900, "b": 100}


def test_rate_tier_on_a_loan_without_interest_rate_takes_the_rest() -> None:
    tiers = [Tier(to="a", share_ppm=100_000), Tier(to="b", rate_ppm=30_000)]
    legs = waterfall.tier_legs(1_000, tiers, [("bank-a", 1_000_000)], annual_rate_ppm=0)
    assert legs == {"a": 100, "b": 900}


def test_principal_legs_equal_the_vectors() -> None:
    for case in vectors("principal"):
        legs = waterfall.principal_legs(case["before"], case["paid"], case["shares"])
        assert legs == case["legs"], case


def test_interest_legs_equal_the_vectors() -> None:
    for case in vectors("interest"):
        tiers = [
            Tier(to=t["to"], share_ppm=t.get("share"), rate_ppm=t.get("rate"))
            for t in case["tiers"]
        ]
        funding = [(party, share) for party, share in case["funding"]]
        legs = waterfall.tier_legs(case["interest"], tiers, funding, annual_rate_ppm=case["rate"])
        assert {**dict.fromkeys(case["legs"], 0), **legs} == case["legs"], case


def test_every_instalment_of_the_worked_vector_is_divided_as_published(deal: Terms) -> None:
    loan = vectors("worked")["joint_loan"]
    outstanding = loan["principal"]
    for instalment in loan["instalments"]:
        legs = waterfall.principal_legs(outstanding, instalment["principal"], deal.shares_ppm)
        assert dict(zip(deal.funders, legs, strict=True)) == instalment["principal_legs"]
        interest = waterfall.interest_legs(instalment["interest"], loan["rate_ppm"], deal)
        assert interest == instalment["interest_legs"]
        outstanding -= instalment["principal"]
    assert outstanding == 0


def test_booking_is_posted_as_in_the_table(deal: Terms) -> None:
    assert posted(waterfall.post_booking(deal, 780_000)) == {
        "bank-a": {"CASH": -780_000, "CLEARING": 234_000, "LOANS": 546_000},
        "platform-p": {"CLEARING": -234_000, "LOANS": 234_000},
    }


def test_repayment_is_posted_as_in_the_table(deal: Terms) -> None:
    postings = waterfall.post_repayment(
        deal,
        outstanding_minor=780_000,
        annual_rate_ppm=180_000,
        principal_minor=59_810,
        interest_minor=11_700,
        penalty_minor=1_000,
        fee_minor=500,
    )
    assert posted(postings) == {
        "platform-p": {
            "CASH": 73_010,
            "CLEARING": -73_010 + 17_943 + 5_148 + 370,
            "LOANS": -17_943,
            "INTEREST": -5_148,
            "PENALTY": -370,
        },
        "bank-a": {
            "CLEARING": 41_867 + 6_552 + 630, "LOANS": -41_867, "INTEREST": -6_552, "PENALTY": -630,
        },
        "guarantor-g": {"CLEARING": 500, "FEES": -500},
    }  # fmt: skip


def test_penalty_without_tiers_goes_to_the_funders() -> None:
    deal = terms.read({**DEAL, "penalty": []})
    assert waterfall.penalty_legs(1_000, deal) == {"bank-a": 700, "platform-p": 300}


def test_fee_in_a_deal_without_payee_is_an_error_of_the_program() -> None:
    deal = terms.read({key: value for key, value in DEAL.items() if key != "fee"})
    with pytest.raises(AssertionError):
        waterfall.post_repayment(
            deal, outstanding_minor=1, annual_rate_ppm=0, principal_minor=0, fee_minor=1
        )


def test_waiver_posts_nothing() -> None:
    assert waterfall.post_waiver() == ()


def test_write_off_turns_loans_into_losses(deal: Terms) -> None:
    assert posted(waterfall.post_write_off(deal, 720_190)) == {
        "bank-a": {"LOSSES": 504_133, "LOANS": -504_133},
        "platform-p": {"LOSSES": 216_057, "LOANS": -216_057},
    }


def test_reversal_is_the_exact_mirror(deal: Terms) -> None:
    booking = waterfall.post_booking(deal, 780_001)
    both = [*booking, *waterfall.post_reversal(booking)]
    assert set(waterfall.balances(both).values()) == {0}


def test_settlement_moves_cash_and_clearing_together() -> None:
    assert posted(waterfall.post_settlement("platform-p", "bank-a", 100)) == {
        "platform-p": {"CASH": -100, "CLEARING": 100},
        "bank-a": {"CASH": 100, "CLEARING": -100},
    }


def test_deposit_is_an_asset_of_one_and_a_liability_of_the_other(deal: Terms) -> None:
    paid = waterfall.post_deposit(deal, 500_000)
    assert posted(paid) == {
        "guarantor-g": {"DEPOSIT_PLACED": 500_000, "CASH": -500_000},
        "bank-a": {"CASH": 500_000, "DEPOSIT_HELD": -500_000},
    }
    assert waterfall.post_deposit(deal, -500_000) == waterfall.post_reversal(paid)


def test_compensation_reaches_the_funders_and_makes_claims(deal: Terms) -> None:
    postings = waterfall.post_compensation(deal, outstanding_minor=1_000, pays_minor=[660, 440])
    assert posted(postings) == {
        "guarantor-g": {"DEPOSIT_PLACED": -660, "CLAIMS": 660},
        # Custodian and lead in one: what it owes and what it gets cancel.
        "bank-a": {"DEPOSIT_HELD": 660, "CLEARING": -660 + 770, "LOANS": -700, "INTEREST": -70},
        "platform-p": {"CLAIMS": 440, "CLEARING": -440 + 330, "LOANS": -300, "INTEREST": -30},
    }


def test_clearing_of_a_custodian_that_funds_alone_cancels_to_zero() -> None:
    alone = {**DEAL, "funding": [{"party": "bank-a", "share": "100%"}], "loss": DEAL["loss"][:1]}
    postings = waterfall.post_compensation(
        terms.read(alone), outstanding_minor=1_000, pays_minor=[600]
    )
    assert posted(postings)["bank-a"] == {"DEPOSIT_HELD": 600, "LOANS": -600}


def test_recovery_restores_claims_and_residual(deal: Terms) -> None:
    postings = waterfall.post_recovery(
        deal,
        cash_minor=1_000,
        residual_minor=500,
        to_residual_minor=300,
        to_layers_minor=[400, 200],
        surplus_minor=100,
    )
    assert posted(postings) == {
        "platform-p": {
            "CASH": 1_000,
            "CLEARING": -1_000 + 200 + 90 + 30,
            "CLAIMS": -200,
            "LOANS": -90,
            "PENALTY": -30,
        },
        "guarantor-g": {"CLAIMS": -400, "CLEARING": 400},
        "bank-a": {"LOANS": -210, "PENALTY": -70, "CLEARING": 280},
    }


def test_recovery_after_a_write_off_is_income(deal: Terms) -> None:
    postings = waterfall.post_recovery(
        deal,
        cash_minor=300,
        residual_minor=500,
        to_residual_minor=300,
        to_layers_minor=[0, 0],
        surplus_minor=0,
        written_off=True,
    )
    assert posted(postings) == {
        "platform-p": {"CASH": 300, "CLEARING": -210, "RECOVERIES": -90},
        "bank-a": {"CLEARING": 210, "RECOVERIES": -210},
    }


def test_period_statement_moves_interest_from_funders_to_platform(deal: Terms) -> None:
    assert posted(waterfall.post_period(deal, 1_000)) == {
        "platform-p": {"INTEREST": -700, "CLEARING": 700},
        "bank-a": {"CLEARING": -700, "INTEREST": 700},
    }


def test_balances_sum_by_party_and_account() -> None:
    twice = [Posting(party="a", account=Account.CASH, amount_minor=3)] * 2
    totals: Mapping[tuple[str, Account], int] = waterfall.balances(twice)
    assert dict(totals) == {("a", Account.CASH): 6}
