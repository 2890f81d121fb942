"""`propose`: licences that the terms demand of funders, guarantors and fee payees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.deals.acts import (
    CREDIT_REPORTING,
    GUARANTEE,
    INSURANCE,
    LENDING,
    expel,
    license,
)
from tests.contracts.sandbox.entries import Booking, Repayment
from tests.contracts.sandbox.partnership import Partnership, refused
from tests.contracts.sandbox.terms import Claim, Demand, Deposit, Fees, Layer, Terms, Tier

OTHER = CREDIT_REPORTING
GUARANTORS = LENDING | OTHER
"""Every licence but those of a guarantor."""

BASE = Terms(
    funding=(("bank", 700_000), ("platform", 300_000)),
    others=("guarantor", "auditor"),
    fee_to="guarantor",
    fees=Fees(split=(Tier(to="auditor", share=1),)),
    deposit=Deposit(by="guarantor", custodian="bank"),
    layers=(Layer(payer="guarantor", from_deposit=True), Layer(payer="auditor")),
    claim=Claim(days_past_due=90),
)

ALL = Demand.LENDING_LICENCE | Demand.GUARANTEE_LICENCE | Demand.FEE_PAYEE_LICENCE


@pytest.fixture
def licensed(fresh: Partnership) -> Partnership:
    """Two lenders, a guarantor and an insurer."""
    return license(fresh, bank=LENDING, platform=LENDING, guarantor=GUARANTEE, auditor=INSURANCE)


def test_licensed_parties_meet_all_demands(licensed: Partnership) -> None:
    assert licensed.propose(replace(BASE, demands=31)).returned == 1


def test_terms_that_demand_nothing_ask_for_no_licence(fresh: Partnership) -> None:
    license(fresh, bank=0, platform=0, guarantor=0, auditor=0)
    for demands in (0, Demand.ACCRUED_INTEREST, Demand.JOINT):
        fresh.propose(replace(BASE, demands=demands))


@pytest.mark.parametrize(
    ("reason", "demand", "licences"),
    [
        ("LENDING_LICENCE_MISSING", Demand.LENDING_LICENCE, {"bank": 0}),
        ("LENDING_LICENCE_MISSING", Demand.LENDING_LICENCE, {"platform": 2**256 - 2}),
        ("GUARANTEE_LICENCE_MISSING", Demand.GUARANTEE_LICENCE, {"guarantor": GUARANTORS}),
        ("GUARANTEE_LICENCE_MISSING", Demand.GUARANTEE_LICENCE, {"auditor": GUARANTORS}),
        ("FEE_PAYEE_UNLICENSED", Demand.FEE_PAYEE_LICENCE, {"guarantor": OTHER}),
        ("FEE_PAYEE_UNLICENSED", Demand.FEE_PAYEE_LICENCE, {"auditor": OTHER}),
    ],
)
def test_party_without_the_licence_is_refused_where_it_is_demanded(
    licensed: Partnership, reason: str, demand: int, licences: dict[str, int]
) -> None:
    license(licensed, **licences)
    with refused(reason):
        licensed.propose(replace(BASE, demands=demand))
    licensed.propose(replace(BASE, demands=0))


def test_of_many_missing_licences_the_first_is_named(licensed: Partnership) -> None:
    license(licensed, bank=0, platform=0, guarantor=0, auditor=0)
    for reason, demands in (
        ("LENDING_LICENCE_MISSING", ALL),
        ("GUARANTEE_LICENCE_MISSING", ALL ^ Demand.LENDING_LICENCE),
        ("FEE_PAYEE_UNLICENSED", Demand.FEE_PAYEE_LICENCE),
    ):
        with refused(reason):
            licensed.propose(replace(BASE, demands=demands))


@pytest.mark.parametrize("licence", [LENDING, GUARANTEE, INSURANCE])
def test_fee_goes_to_a_lender_a_guarantor_or_an_insurer(
    licensed: Partnership, licence: int
) -> None:
    license(licensed, guarantor=licence, auditor=licence)
    licensed.propose(replace(BASE, demands=Demand.FEE_PAYEE_LICENCE))


@pytest.mark.parametrize(
    "change",
    [
        {"deposit": None, "layers": (), "claim": Claim()},
        {"deposit": None, "layers": (Layer(payer="guarantor"),)},
        {"layers": ()} | {"claim": Claim()},
    ],
)
def test_guarantee_licence_is_asked_only_of_who_guarantees(
    licensed: Partnership, change: dict[str, Any]
) -> None:
    license(licensed, auditor=0, bank=0, platform=0)
    licensed.propose(replace(BASE, demands=Demand.GUARANTEE_LICENCE, **change))


def test_depositor_without_a_layer_needs_the_licence_too(licensed: Partnership) -> None:
    license(licensed, guarantor=0)
    alone = replace(BASE, layers=(), claim=Claim(), demands=Demand.GUARANTEE_LICENCE)
    with refused("GUARANTEE_LICENCE_MISSING"):
        licensed.propose(alone)
    licensed.propose(replace(alone, deposit=None))


def test_funder_that_bears_a_layer_needs_both_licences(licensed: Partnership) -> None:
    both = replace(BASE, layers=(Layer(payer="platform"),), demands=ALL)
    with refused("GUARANTEE_LICENCE_MISSING"):
        licensed.propose(both)
    license(licensed, platform=LENDING | INSURANCE)
    licensed.propose(both)


def test_deal_without_a_fee_payee_asks_for_no_payees_licence(licensed: Partnership) -> None:
    license(licensed, guarantor=0, auditor=0)
    without = replace(BASE, fee_to=255, fees=Fees(), demands=Demand.FEE_PAYEE_LICENCE)
    licensed.propose(without)


def test_payee_of_what_is_left_of_a_split_fee_needs_the_licence(licensed: Partnership) -> None:
    license(licensed, guarantor=0)
    with refused("FEE_PAYEE_UNLICENSED"):
        licensed.propose(
            replace(
                BASE,
                fees=Fees(split=(Tier(to="bank", share=999_999),)),
                demands=Demand.FEE_PAYEE_LICENCE,
            )
        )


def test_expelled_member_has_no_licence_left(licensed: Partnership) -> None:
    expel(licensed, "auditor")
    with refused("GUARANTEE_LICENCE_MISSING"):
        licensed.propose(replace(BASE, demands=Demand.GUARANTEE_LICENCE))


def test_terms_in_force_stay_when_a_licence_is_lost(licensed: Partnership) -> None:
    """A licence is looked at when terms are proposed; a later version asks again."""
    terms = replace(BASE, demands=ALL)
    assert licensed.agree(terms) == 1
    license(licensed, auditor=0)
    licensed.deals.read("rules", b"joint-2026-01".ljust(32, b"\0"), 1, terms.effective_date)
    with refused("GUARANTEE_LICENCE_MISSING"):
        licensed.propose(replace(terms, effective_date=terms.effective_date + 1))


def test_payee_of_a_fee_for_each_loan_needs_no_licence_and_gets_no_fee_of_borrowers(
    fresh: Partnership,
) -> None:
    """CN-08: the funders may pay a platform for a loan it brought; the borrower may not."""
    license(fresh, bank=LENDING, platform=0, guarantor=0, auditor=0)
    terms = Terms(
        funding=(("bank", 1_000_000),),
        others=("platform",),
        fee_to="platform",
        fees=Fees(per_loan=3_000),
        demands=Demand.FEE_PAYEE_LICENCE,
    )
    fresh.agree(terms)
    fresh.book(Booking(loan="loan-1", principal=780_000))
    with refused("FEE_WITHOUT_PAYEE"):
        fresh.repay(Repayment(entry="r", loan="loan-1", fee=1))
    assert fresh.balances()["platform"] == {"CLEARING": 3_000, "FEES": -3_000}
