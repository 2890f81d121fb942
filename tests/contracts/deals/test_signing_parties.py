"""`signing_parties`: who signs a business day."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Terms

ID = deal_id(DEAL)


def test_funders_sign_and_the_servicer_once(agreed: Partnership) -> None:
    assert agreed.deals.read("signing_parties", ID) == (1, 2, 3)


def test_servicer_that_does_not_fund_signs_too(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, others=("auditor",), servicer="auditor"))
    assert fresh.deals.read("signing_parties", ID) == (1, 2, 3, 4)


def test_party_that_neither_funds_nor_services_does_not_sign(
    fresh: Partnership, terms: Terms
) -> None:
    fresh.agree(replace(terms, others=("auditor",)))
    assert fresh.deals.read("signing_parties", ID) == (1, 2, 3)


def test_deal_that_is_not_in_force_is_refused(fresh: Partnership, terms: Terms) -> None:
    fresh.propose(terms)
    with refused("DEAL_NOT_ACTIVE"):
        fresh.deals.read("signing_parties", ID)
