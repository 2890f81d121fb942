"""`division`: the packed terms that Loans executes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import (
    CNY,
    Band,
    Claim,
    DayCount,
    Demand,
    Deposit,
    Fees,
    Layer,
    Limits,
    Period,
    Rule,
    Terms,
    Tier,
)

ID = deal_id(DEAL)
ASSIST, COFUND, ENHANCE = 1, 2, 4


def test_division_packs_every_field_at_its_place(fresh: Partnership, terms: Terms) -> None:
    full = replace(
        terms,
        others=("auditor",),
        servicer="auditor",
        disbursed_by="guarantor",
        collected_by="platform",
        currency=int.from_bytes(b"AZM", "big"),
        day_count=DayCount.THIRTY_360,
        interest=(*(Tier(to="auditor", share=i) for i in range(1, 5)), Tier(to="funders", rate=7)),
        penalty=(Tier(to="platform", share=1_000_000),),
        fee_to="auditor",
        fees=Fees(
            per_loan=2**56 - 1,
            split=tuple(Tier(to=i, share=share) for i, share in enumerate((1, 2, 3, 1_000_000))),
        ),
    )
    fresh.agree(full)
    parties, shares, interest, penalty, places, fees = fresh.deals.read("division", ID, 1)
    assert parties == 1 | 2 << 16 | 3 << 32 | 4 << 48
    assert shares == 550_000 | 350_000 << 24 | 100_000 << 48
    first_four = sum((3 | share << 8) << 64 * (share - 1) for share in range(1, 5))
    assert interest == (first_four, 255 | 7 << 32)
    assert penalty == (1 | 1_000_000 << 8, 0)
    assert places % 2**64 == (
        4 | 3 << 8 | 3 << 16 | 2 << 24 | 1 << 32 | 3 << 40 | full.effective_date << 48
    )
    assert places >> 64 == 32 | 2 << 8 | int.from_bytes(b"AZM", "big") << 16 | 0x1222 << 40
    assert fees == (
        2**56 - 1
        | (0 | 1 << 8) << 88
        | (1 | 2 << 8) << 120
        | (2 | 3 << 8) << 152
        | (3 | 1_000_000 << 8) << 184
        | 3 << 216
    )


def test_fee_by_principal_has_its_own_place(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(
        replace(terms, others=("auditor",), fee_to="auditor", fees=Fees(per_loan_ppm=1_000_000))
    )
    assert fresh.deals.read("division", ID, 1)[-1] == 1_000_000 << 64 | 3 << 216


def test_division_of_the_widest_terms(wide: Partnership) -> None:
    names = list(wide.by_name)
    tiers = (Tier(to="funders", share=1_000_000),) * 8
    most = Terms(
        funding=tuple((name, 125_000) for name in names[:8]),
        others=tuple(names[8:12]),
        interest=tiers,
        penalty=tiers,
    )
    wide.agree(most)
    parties, shares, interest, penalty, places, fees = wide.deals.read("division", ID, 1)
    assert parties == sum((i + 1) << 16 * i for i in range(12))
    assert shares == sum(125_000 << 24 * i for i in range(8))
    tier = 255 | 1_000_000 << 8
    assert interest == penalty == (sum(tier << 64 * i for i in range(4)),) * 2
    assert places % 2**16 == 12 | 8 << 8
    assert places >> 64 == CNY << 16 | 0x1111_2222_2222 << 40
    assert fees == 255 << 216


FEATURES: dict[str, tuple[dict[str, Any], int]] = {
    "none": ({}, 0),
    "deposit": ({"deposit": Deposit(by="auditor")}, 1),
    "layers": ({"layers": (Layer(payer="auditor"),), "claim": Claim(days_past_due=90)}, 2),
    "claim with interest": (
        {
            "layers": (Layer(payer="auditor"),),
            "claim": Claim(days_past_due=90, with_interest=True),
        },
        2 | 8,
    ),
    "excess": ({"period": Period(rule=Rule.EXCESS, to=0, bank_return=1, share=1)}, 4),
    "volume": ({"period": Period(rule=Rule.VOLUME, to=0, tiers=(Band(ppm=0),))}, 4),
    "interest up to what accrued": ({"demands": Demand.ACCRUED_INTEREST}, 8 | 64),
    "joint": ({"demands": Demand.JOINT}, 0),
    "concentration": ({"limits": Limits(max_concentration=1)}, 16),
    "joint share": ({"limits": Limits(max_joint_share=1)}, 16),
    "guarantee multiple": ({"limits": Limits(max_guarantee_multiple=1)}, 16),
    "guaranteed borrower": ({"limits": Limits(max_guaranteed_borrower=1)}, 16 | 128),
    "fee for each loan": ({"fee_to": "auditor", "fees": Fees(per_loan=1)}, 32),
    "fee of principal": ({"fee_to": "auditor", "fees": Fees(per_loan_ppm=1)}, 32),
    "split fee": ({"fee_to": "bank", "fees": Fees(split=(Tier(to="auditor", share=1),))}, 0),
    "borrower": ({"limits": Limits(max_per_borrower=1)}, 128),
    "consumer": ({"limits": Limits(max_per_consumer=1)}, 128),
    "other limits": (
        {
            "limits": Limits(
                min_partner_share=1,
                max_annual_rate=2**24 - 1,
                max_bullet_days=2**16 - 1,
                max_outstanding=2**64 - 1,
            )
        },
        0,
    ),
}


@pytest.mark.parametrize("name", FEATURES)
def test_features_say_which_parts_the_deal_uses(
    fresh: Partnership, terms: Terms, name: str
) -> None:
    change, features = FEATURES[name]
    fresh.agree(replace(terms, others=("auditor",), **change))
    places = fresh.deals.read("division", ID, 1)[4]
    assert places >> 64 & 255 == features


@pytest.mark.parametrize("position", [0, 1])
def test_limits_of_any_day_are_a_feature_of_the_version(
    fresh: Partnership, terms: Terms, position: int
) -> None:
    segments = [Limits(from_date=terms.effective_date + i) for i in range(2)]
    segments[position] = replace(segments[position], max_concentration=1, max_per_borrower=1)
    fresh.agree(replace(terms, limits=tuple(segments)))
    assert fresh.deals.read("division", ID, 1)[4] >> 64 & 255 == 16 | 128


def test_limits_across_deals_stay_a_feature_of_every_later_version(
    fresh: Partnership, terms: Terms
) -> None:
    """What was lent under them is followed to its end; the other features are each version's own."""
    first = terms.effective_date
    fresh.agree(replace(terms, limits=Limits(max_concentration=1, max_per_borrower=1)))
    fresh.agree(replace(terms, effective_date=first + 1))
    fresh.agree(replace(terms, effective_date=first + 2))
    features = [fresh.deals.read("division", ID, v)[4] >> 64 & 255 for v in (1, 2, 3)]
    assert features == [16 | 128, 16, 16]
    assert fresh.deals.read("rules", ID, 3, first + 2)[1] == 0


@pytest.mark.parametrize(
    ("change", "roles"),
    [
        ({}, (COFUND, COFUND, ASSIST, ASSIST)),
        ({"servicer": "guarantor"}, (COFUND, COFUND, ASSIST, ASSIST)),
        (
            {"deposit": Deposit(by="platform", custodian="auditor")},
            (COFUND, COFUND | ENHANCE, ASSIST, ASSIST),
        ),
        (
            {"deposit": Deposit(by="guarantor", custodian="bank")},
            (COFUND, COFUND, ENHANCE, ASSIST),
        ),
        (
            {"deposit": Deposit(by="guarantor", custodian="bank"), "servicer": "guarantor"},
            (COFUND, COFUND, ENHANCE | ASSIST, ASSIST),
        ),
        (
            {
                "layers": (Layer(payer="auditor"), Layer(payer="bank"), Layer(payer="auditor")),
                "claim": Claim(days_past_due=1),
                "servicer": "auditor",
            },
            (COFUND | ENHANCE, COFUND, ASSIST, ENHANCE | ASSIST),
        ),
    ],
)
def test_roles_in_the_lists_follow_what_each_party_does(
    fresh: Partnership, change: dict[str, Any], roles: tuple[int, ...]
) -> None:
    base = Terms(
        funding=(("bank", 700_000), ("platform", 300_000)), others=("guarantor", "auditor")
    )
    fresh.agree(replace(base, **change))
    places = fresh.deals.read("division", ID, 1)[4]
    assert tuple(places >> 104 + 4 * i & 15 for i in range(4)) == roles
    assert places >> 104 + 4 * 4 == 0


def test_division_of_a_former_version_stays(
    agreed: Partnership, terms: Terms, amended: Terms
) -> None:
    before = agreed.deals.read("division", ID, 1)
    agreed.agree(amended)
    assert agreed.deals.read("division", ID, 1) == before
    assert agreed.deals.read("division", ID, 2) != before


def test_unknown_deal_is_refused(agreed: Partnership) -> None:
    with refused("DEAL_UNKNOWN"):
        agreed.deals.read("division", deal_id("other"), 1)


def test_version_that_was_never_in_force_is_refused(agreed: Partnership, amended: Terms) -> None:
    agreed.propose(amended)
    agreed.sign("bank", amended, 2)
    for version in (0, 2, 3):
        with refused("DEAL_NOT_ACTIVE"):
            agreed.deals.read("division", ID, version)
