"""A joint deal of bank and platform, and one that the bank funds alone; the guarantor stands in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.sandbox.partnership import Partnership
from tests.contracts.sandbox.terms import Claim, Demand, Layer, Limits, Terms

WIDE = Limits(
    max_concentration=250_000,
    max_joint_share=500_000,
    max_guarantee_multiple=10_000_000,
    max_guaranteed_borrower=100_000,
)
"""25 %, 50 %, ten times, 10 %."""


@pytest.fixture(scope="session")
def joint() -> Terms:
    """70 % bank, 30 % platform; the guarantor bears half of every loss."""
    return Terms(
        funding=(("bank", 700_000), ("platform", 300_000)),
        others=("guarantor",),
        layers=(Layer(payer="guarantor", share=500_000),),
        claim=Claim(days_past_due=90),
        limits=WIDE,
        demands=Demand.JOINT,
    )


@pytest.fixture(scope="session")
def assisted(joint: Terms) -> Terms:
    """The bank funds alone; the guarantor bears every loss."""
    return replace(
        joint,
        funding=(("bank", 1_000_000),),
        others=("platform", "guarantor"),
        layers=(Layer(payer="guarantor"),),
        limits=replace(WIDE, max_joint_share=0),
        demands=0,
    )


@pytest.fixture(scope="session")
def _two_deals(
    _fresh: tuple[Partnership, bytes], joint: Terms, assisted: Terms
) -> tuple[Partnership, bytes]:
    partnership, fresh = _fresh
    partnership.chain.revert(fresh)
    partnership.agree(joint)
    partnership.agree(assisted, deal="assisted")
    return partnership, partnership.chain.snapshot()


@pytest.fixture
def two_deals(_two_deals: tuple[Partnership, bytes]) -> Partnership:
    """`joint` under the usual name and `assisted` are in force; nobody declared a figure."""
    partnership, snapshot = _two_deals
    partnership.chain.revert(snapshot)
    return partnership
