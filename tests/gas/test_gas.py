"""Gas and opcodes do not rise: not above the snapshot, and gas never above the budgets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.gas.measure import SNAPSHOT, header, measure, snapshot_of

pytestmark = pytest.mark.slow

BUDGET = {
    "loan, first batch of a deal": 30_000,
    "loan": 30_000,
    "repayment, first batch of a deal": 14_000,
    "repayment": 14_000,
    "repayment, later entry of a loan": 14_000,
    "piece split": 45_000,
    "piece transferred": 45_000,
}
UPDATE = "measure again with `python -m tests.gas.measure` if it is meant"


@pytest.fixture(scope="module")
def snapshot() -> dict[str, Any]:
    """The committed numbers."""
    document: dict[str, Any] = json.loads(SNAPSHOT.read_text())
    return document


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """The numbers of the shipped artifacts."""
    return snapshot_of(measure())


def test_snapshot_is_of_this_compiler_evm_and_optimiser(snapshot: dict[str, Any]) -> None:
    assert snapshot["header"] == header(), UPDATE


@pytest.mark.parametrize("kind", ["gas", "opcodes", "functions"])
def test_every_measurement_is_in_the_snapshot(
    kind: str, snapshot: dict[str, Any], measured: dict[str, Any]
) -> None:
    assert list(snapshot[kind]) == list(measured[kind]), UPDATE


@pytest.mark.parametrize("kind", ["gas", "opcodes"])
def test_no_cost_of_a_row_rises(
    kind: str, snapshot: dict[str, Any], measured: dict[str, Any]
) -> None:
    risen = {
        name: {"snapshot": snapshot[kind][name], "now": now}
        for name, now in measured[kind].items()
        if now > snapshot[kind][name]
    }
    assert risen == {}, UPDATE


def test_no_cost_of_a_function_rises(snapshot: dict[str, Any], measured: dict[str, Any]) -> None:
    risen = {
        name: {"snapshot": snapshot["functions"][name], "now": now}
        for name, now in measured["functions"].items()
        if any(one > before for one, before in zip(now, snapshot["functions"][name], strict=True))
    }
    assert risen == {}, UPDATE


@pytest.mark.parametrize("name", BUDGET)
def test_gas_is_within_its_budget(measured: dict[str, Any], name: str) -> None:
    assert measured["gas"][name] <= BUDGET[name]
