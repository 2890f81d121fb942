"""The shipped contracts against the sources that they carry."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from ledger.bindings import CONTRACTS, artifact
from ledger.replay import replay
from ledger.replay.recompiling import (
    COMPILER_VARIABLE,
    check_recompiled,
    compiled,
    why_not_recompiled,
)
from ledger.replay.report import Findings


def test_a_contract_is_what_its_shipped_sources_compile_to() -> None:
    shipped = artifact("Lists")
    assert compiled("Lists", shipped.sources) == (shipped.bytecode, shipped.runtime)


def test_other_sources_compile_to_another_contract() -> None:
    shipped = artifact("Lists")
    text = shipped.sources["Lists.vy"]
    altered = text.replace("assert ", "assert True or ", 1)
    assert altered != text
    creation, runtime = compiled("Lists", {**shipped.sources, "Lists.vy": altered})
    assert creation != shipped.bytecode and runtime != shipped.runtime


@pytest.mark.slow
def test_all_of_them_are_recompiled_in_a_replay(
    export_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(COMPILER_VARIABLE)
    assert why_not_recompiled() == ""
    report = replay(export_folder, engine="revm")
    assert report.ok and report.checks["recompiled"] == 2 * len(CONTRACTS)
    assert {level.name: level.run for level in report.levels}["recompiled"]
    findings = Findings()
    check_recompiled(findings)
    assert not findings.failures


def test_without_the_compiler_of_the_artifacts_the_level_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert COMPILER_VARIABLE in why_not_recompiled()
    monkeypatch.delenv(COMPILER_VARIABLE)
    monkeypatch.setattr("ledger.replay.recompiling.version", lambda name: "0.4.0")
    assert why_not_recompiled() == "compiled by vyper 0.4.3, and vyper 0.4.0 is installed"

    def absent(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("ledger.replay.recompiling.version", absent)
    assert why_not_recompiled() == "vyper 0.4.3 is not installed"
