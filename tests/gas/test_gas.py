"""Gas does not rise: not above the snapshot, and never above the budgets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.gas.measure import SNAPSHOT, header, measure

BUDGET = {
    "loan, first batch of a deal": 30_000,
    "loan": 30_000,
    "repayment, first batch of a deal": 14_000,
    "repayment": 14_000,
    "repayment, later entry of a loan": 14_000,
}
UPDATE = "measure again with `python -m tests.gas.measure` if it is meant"


@pytest.fixture(scope="module")
def snapshot() -> dict[str, Any]:
    """The committed numbers."""
    document: dict[str, Any] = json.loads(SNAPSHOT.read_text())
    return document


@pytest.fixture(scope="module")
def measured() -> dict[str, int]:
    """The numbers of the shipped artifacts."""
    return measure()


def test_snapshot_is_of_this_compiler_evm_and_optimiser(snapshot: dict[str, Any]) -> None:
    assert snapshot["header"] == header(), UPDATE


def test_every_measurement_is_in_the_snapshot(
    snapshot: dict[str, Any], measured: dict[str, int]
) -> None:
    assert list(snapshot["gas"]) == list(measured), UPDATE


def test_gas_does_not_rise(snapshot: dict[str, Any], measured: dict[str, int]) -> None:
    risen = {
        name: {"snapshot": snapshot["gas"][name], "now": gas}
        for name, gas in measured.items()
        if gas > snapshot["gas"][name]
    }
    assert risen == {}, UPDATE


@pytest.mark.parametrize("name", BUDGET)
def test_gas_is_within_its_budget(measured: dict[str, int], name: str) -> None:
    assert measured[name] <= BUDGET[name]
