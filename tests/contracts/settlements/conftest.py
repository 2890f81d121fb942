"""Periods and clearings whose state is put back before every test."""

from __future__ import annotations

import pytest

from tests.contracts.sandbox.terms import Band, DayCount, Period, Rule, Terms
from tests.contracts.settlements.clearings import Clearings
from tests.contracts.settlements.periods import Periods

FUNDING = (("bank", 700_000), ("platform", 300_000))
CLEARED = Terms(funding=FUNDING, others=("guarantor",))
"""The bank and the platform sign days; the guarantor is a party that does not."""


@pytest.fixture(scope="session")
def excess() -> Terms:
    """7 % a year to the funders, then 60 % of the excess to the platform, which funds 30 %."""
    period = Period(rule=Rule.EXCESS, to="platform", bank_return=70_000, share=600_000)
    return Terms(funding=FUNDING, period=period)


@pytest.fixture(scope="session")
def volume() -> Terms:
    """10 % of the interest up to 1 000.00 disbursed, 20 % beyond, 30 % beyond 5 000.00."""
    tiers = (
        Band(up_to=100_000, ppm=100_000),
        Band(up_to=500_000, ppm=200_000),
        Band(ppm=300_000),
    )
    period = Period(rule=Rule.VOLUME, to="guarantor", tiers=tiers)
    return Terms(funding=FUNDING, others=("guarantor",), day_count=DayCount.ACT_365, period=period)


@pytest.fixture(scope="session")
def _bare() -> tuple[Periods, bytes]:
    periods = Periods()
    return periods, periods.chain.snapshot()


@pytest.fixture(scope="session")
def _excess_agreed(_bare: tuple[Periods, bytes], excess: Terms) -> tuple[Periods, bytes]:
    periods, bare = _bare
    periods.chain.revert(bare)
    periods.agree(excess)
    return periods, periods.chain.snapshot()


@pytest.fixture
def bare(_bare: tuple[Periods, bytes]) -> Periods:
    """Four members; no deal."""
    periods, snapshot = _bare
    periods.chain.revert(snapshot)
    return periods


@pytest.fixture
def periods(_excess_agreed: tuple[Periods, bytes]) -> Periods:
    """The deal of `excess` is in force; nothing moved."""
    periods, snapshot = _excess_agreed
    periods.chain.revert(snapshot)
    return periods


@pytest.fixture(scope="session")
def _cleared() -> tuple[Clearings, bytes]:
    clearings = Clearings()
    clearings.agree(CLEARED)
    return clearings, clearings.chain.snapshot()


@pytest.fixture
def clearings(_cleared: tuple[Clearings, bytes]) -> Clearings:
    """A deal of three parties in force; nothing is due."""
    clearings, snapshot = _cleared
    clearings.chain.revert(snapshot)
    return clearings


@pytest.fixture
def owing(clearings: Clearings) -> Clearings:
    """The platform owes the bank 500 and the guarantor 200; nothing was paid."""
    clearings.owe({"bank": 500, "platform": -700, "guarantor": 200})
    return clearings


@pytest.fixture
def settled(owing: Clearings) -> Clearings:
    """Settlement 1: the platform pays the bank (0) and the guarantor (1); nothing was paid."""
    owing.settle(("platform", "bank", 500), ("platform", "guarantor", 200))
    return owing
