"""Deals: generated terms, and the same terms as the SDK knows them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

import ledger.terms
from ledger.consortium import FUNDERS
from ledger.money import MAX_RATE_PPM, PPM, DayCount
from ledger.tables import Fee, Funder, Mode
from ledger.tables import Tier as SdkTier
from tests.contracts.sandbox.entries import MAX_AMOUNT
from tests.contracts.sandbox.terms import NOBODY, Terms, Tier

NAMES = ("bank", "platform", "guarantor", *(f"partner-{i}" for i in range(4, 14)))

AMOUNTS = st.one_of(
    st.integers(0, 20),
    st.integers(0, 10**9),
    st.sampled_from([PPM // 2, PPM, MAX_AMOUNT - 1, MAX_AMOUNT]),
    st.integers(0, MAX_AMOUNT),
)
"""Minor units; small ones and the largest are where rounding and width show."""

RATES = st.one_of(
    st.sampled_from([0, 1, 36_000, 180_000, 240_000, MAX_RATE_PPM]), st.integers(0, MAX_RATE_PPM)
)
"""A loan's own rate."""


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, ...]:
    """Funding shares of one to eight funders, each at least one millionth."""
    count = draw(st.integers(1, 8))
    cut = st.one_of(st.integers(1, PPM - 1), st.integers(1, 9), st.integers(PPM - 9, PPM - 1))
    cuts = sorted(draw(st.lists(cut, min_size=count - 1, max_size=count - 1, unique=True)))
    edges = [0, *cuts, PPM]
    found = [b - a for a, b in pairwise(edges)]
    return tuple(draw(st.permutations(found)))


@st.composite
def deals(draw: st.DrawFn) -> Terms:
    """Terms of one to twelve parties with up to eight tiers of each kind; no limits."""
    funding = tuple(zip(NAMES, draw(shares()), strict=False))
    others = NAMES[len(funding) : len(funding) + draw(st.integers(0, 4))]
    party = st.sampled_from([*(name for name, _ in funding), *others])
    payee = st.one_of(party, st.just("funders"))
    share = st.one_of(st.integers(1, PPM), st.sampled_from([1, PPM // 2, PPM - 1, PPM]))
    by_share = st.builds(Tier, to=payee, share=share)
    by_rate = st.builds(Tier, to=payee, rate=st.integers(1, MAX_RATE_PPM))
    small_rate = st.builds(Tier, to=payee, rate=st.integers(1, 240_000))
    return Terms(
        funding=funding,
        others=tuple(others),
        servicer=draw(party),
        disbursed_by=draw(party),
        collected_by=draw(party),
        fee_to=draw(st.one_of(party, st.just(NOBODY))),
        interest=tuple(draw(st.lists(st.one_of(by_share, by_rate, small_rate), max_size=8))),
        penalty=tuple(draw(st.lists(by_share, max_size=8))),
    )


def as_sdk(terms: Terms) -> ledger.terms.Terms:
    """The same terms as a document of the SDK."""
    assert isinstance(terms.servicer, str)
    assert isinstance(terms.disbursed_by, str)
    assert isinstance(terms.collected_by, str)
    fee_to = terms.fee_to
    return ledger.terms.Terms(
        id="differential",
        mode=Mode.JOINT,
        currency="CNY",
        day_count=DayCount.ACT_360,
        servicer=terms.servicer,
        disbursed_by=terms.disbursed_by,
        collected_by=terms.collected_by,
        funding=tuple(Funder(party=party, share_ppm=share) for party, share in terms.funding),
        interest=tuple(_tier(tier) for tier in terms.interest),
        penalty=tuple(_tier(tier) for tier in terms.penalty),
        fee=Fee(to=fee_to) if isinstance(fee_to, str) else None,
    )


def _tier(tier: Tier) -> SdkTier:
    assert isinstance(tier.to, str)
    to = FUNDERS if tier.to == "funders" else tier.to
    return SdkTier(to=to, share_ppm=tier.share or None, rate_ppm=tier.rate or None)
