"""What the tests of Deals share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.sandbox.entries import on
from tests.contracts.sandbox.terms import Terms


@pytest.fixture(scope="session")
def amended(terms: Terms) -> Terms:
    """Other shares from 2026-07-01 on."""
    return replace(
        terms,
        funding=(("bank", 600_000), ("platform", 300_000), ("guarantor", 100_000)),
        effective_date=on("2026-07-01"),
    )
