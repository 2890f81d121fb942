"""The benchmark command works and leaves out no budget. Nothing here looks at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str, str]:
    results = tmp_path_factory.mktemp("bench") / "results"
    command = [sys.executable, "bench/run.py", "--quick", "--results", str(results)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (document,) = results.glob("*.json")
    page = results.with_suffix(".md").read_text("utf-8")
    return json.loads(document.read_text("utf-8")), page, ran.stdout


def test_every_budget_of_the_table_is_reported(run: tuple[dict[str, Any], str, str]) -> None:
    from bench.budgets import BUDGETS

    document, page, printed = run
    assert [one["key"] for one in document["results"]] == [budget.key for budget in BUDGETS]
    for budget in BUDGETS:
        assert f"| {budget.what} | {budget.aim} |" in page
        assert f"| {budget.what} | {budget.aim} |" in printed


def test_what_was_not_measured_says_why(run: tuple[dict[str, Any], str, str]) -> None:
    for one in run[0]["results"]:
        assert (one["value"] is None) == (one["verdict"] == "not measured"), one
        assert one["value"] is not None or one["note"], one
        assert not one["note"].startswith("failed"), one


def test_gas_budgets_are_met(run: tuple[dict[str, Any], str, str]) -> None:
    gas = [one for one in run[0]["results"] if one["key"].startswith("gas_") and one["aim"] != "-"]
    assert len(gas) == 4
    assert {one["verdict"] for one in gas} == {"met"}, gas


def test_a_run_names_its_machine_and_versions(run: tuple[dict[str, Any], str, str]) -> None:
    document, page, _ = run
    assert document["quick"] is True
    assert document["machine"]["processor"] in page
    assert document["versions"]["py-evm"] in page


def test_an_unknown_benchmark_is_refused() -> None:
    command = [sys.executable, "bench/run.py", "--only", "luck"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 2
    assert "luck" in ran.stderr and "throughput" in ran.stderr
