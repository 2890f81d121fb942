"""`effective_until`: D3, each version rules the loans that start before the next one begins."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.sandbox.entries import LAST_DAY, on
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id
from tests.contracts.sandbox.terms import Terms

ID = deal_id(DEAL)


def test_newest_version_rules_to_the_last_day(agreed: Partnership) -> None:
    assert agreed.deals.read("effective_until", ID, 1) == LAST_DAY


def test_each_version_ends_where_the_next_in_force_begins(
    agreed: Partnership, amended: Terms
) -> None:
    agreed.agree(amended)
    third = replace(amended, effective_date=on("2027-01-01"))
    agreed.agree(third)
    assert agreed.deals.read("effective_until", ID, 1) == amended.effective_date
    assert agreed.deals.read("effective_until", ID, 2) == third.effective_date
    assert agreed.deals.read("effective_until", ID, 3) == LAST_DAY


def test_version_that_was_never_signed_ends_nothing(agreed: Partnership, amended: Terms) -> None:
    agreed.propose(amended)
    assert agreed.deals.read("effective_until", ID, 1) == LAST_DAY
    third = replace(amended, effective_date=on("2027-01-01"))
    agreed.agree(third)
    assert agreed.deals.read("effective_until", ID, 1) == third.effective_date
