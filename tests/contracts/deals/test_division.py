"""`division`: the packed terms that Loans executes."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Limits, Terms, Tier

ID = deal_id(DEAL)


def test_division_packs_every_field_at_its_place(fresh: Partnership, terms: Terms) -> None:
    full = replace(
        terms,
        others=("auditor",),
        servicer="auditor",
        disbursed_by="guarantor",
        collected_by="platform",
        fee_to="bank",
        interest=(*(Tier(to="auditor", share=i) for i in range(1, 5)), Tier(to="funders", rate=7)),
        penalty=(Tier(to="platform", share=1_000_000),),
        limits=Limits(
            min_partner_share=1,
            max_annual_rate=240_000,
            max_per_borrower=3,
            max_per_consumer=4,
            max_bullet_days=365,
            max_outstanding=6,
        ),
    )
    fresh.agree(full)
    parties, shares, interest, penalty, places, limits = fresh.deals.read("division", ID, 1)
    assert parties == 1 | 2 << 16 | 3 << 32 | 4 << 48
    assert shares == 550_000 | 350_000 << 24 | 100_000 << 48
    first_four = sum((3 | share << 8) << 64 * (share - 1) for share in range(1, 5))
    assert interest == (first_four, 255 | 7 << 32)
    assert penalty == (1 | 1_000_000 << 8, 0)
    assert places == 4 | 3 << 8 | 3 << 16 | 2 << 24 | 1 << 32 | 0 << 40 | full.effective_date << 48
    assert limits == 240_000 | 365 << 24 | 3 << 40 | 6 << 104 | 4 << 168


def test_division_of_the_widest_terms(wide: Partnership) -> None:
    names = list(wide.by_name)
    funding = tuple((name, 125_000) for name in names[:8])
    wide.agree(
        Terms(
            funding=funding,
            others=tuple(names[8:12]),
            interest=(Tier(to="funders", share=1_000_000),) * 8,
            penalty=(Tier(to="funders", share=1_000_000),) * 8,
        )
    )
    parties, shares, interest, penalty, places, limits = wide.deals.read("division", ID, 1)
    assert parties == sum((i + 1) << 16 * i for i in range(12))
    assert shares == sum(125_000 << 24 * i for i in range(8))
    tier = 255 | 1_000_000 << 8
    assert interest == penalty == (sum(tier << 64 * i for i in range(4)),) * 2
    assert places % 2**16 == 12 | 8 << 8
    assert limits == 0


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
