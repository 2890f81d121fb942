"""Two EVMs: each alone and both together find the same, and a lie that either could tell."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.chain.blocks import Block
from ledger.chain.genesis import Genesis
from ledger.errors import UsageInvalid
from ledger.replay import ENGINES, Report, replay
from ledger.replay.evm import Outcome
from ledger.replay.execution import Execution
from ledger.replay.invariants import CHECKS
from ledger.replay.levels import CHECKS as LEVELS
from ledger.replay.levels import level_of
from ledger.replay.pyevm import PyEvm
from ledger.replay.report import Findings
from ledger.replay.revm import Revm
from ledger.waterfall import Account
from tests.replay.forge import Forge, found
from tests.replay.probe import GENESIS, PROBE, creation, header, signed, words

pytestmark = pytest.mark.slow

# ---- the same chain


@pytest.mark.parametrize("export", ["export_folder", "covered_export"])
def test_each_engine_alone_and_both_find_nothing_wrong(
    export: str, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(export)
    reports = {engine: replay(folder, engine=engine) for engine in (*ENGINES, None)}
    assert [found(report) for report in reports.values()] == [[], [], []]
    one, other, both = reports.values()
    assert (one.engines, other.engines, both.engines) == (("pyevm",), ("revm",), ENGINES)
    assert both.engine == "pyevm"
    # What the engines have nothing to do with is checked as often on each.
    apart = {"state_root", "engines"}
    assert without(one, apart) == without(other, apart) == without(both, apart)
    assert both.checks["engines"] == both.transactions
    assert "engines" not in one.checks and "state_root" not in other.checks


def without(report: Report, names: set[str]) -> dict[str, int]:
    return {name: count for name, count in report.checks.items() if name not in names}


def test_every_account_is_compared_at_every_seal(covered_export: Path) -> None:
    report = replay(covered_export, engine="revm")
    assert report.checks["balances_at_seals"] > 0
    assert report.checks["balances_at_seals"] % len(Account) == 0


# ---- levels


def test_every_check_has_a_level_and_the_report_names_all(export_folder: Path) -> None:
    assert {level_of(check) for check in CHECKS} <= LEVELS.keys()
    document = replay(export_folder).document()
    assert [level["level"] for level in document["levels"]] == list(LEVELS)
    run = {level["level"] for level in document["levels"] if level["run"]}
    assert run == LEVELS.keys() - {"recompiled"}
    assert all(level["checks"] > 0 for level in document["levels"] if level["run"])
    assert sum(level["failures"] for level in document["levels"]) == 0


def test_a_level_that_was_not_run_says_why(export_folder: Path) -> None:
    levels = {level.name: level for level in replay(export_folder, engine="pyevm").levels}
    assert "another engine" in levels["revm"].why_not
    assert (levels["revm"].checks, levels["revm"].run) == (0, False)
    assert "PLEDGER_COMPILER" in levels["recompiled"].why_not


def test_what_a_folder_keeps_is_of_the_engine_that_executed(ledger_folder: Path) -> None:
    of_blocks = 5 * 29 + 60
    for engine in ENGINES:
        report = replay(ledger_folder, engine=engine)
        levels = {level.name: level.checks for level in report.levels}
        without_tries = 29 if engine == "revm" else 0
        assert levels.pop(engine) == of_blocks - without_tries + report.checks["database"]
        assert 0 in {levels["pyevm" if engine == "revm" else "revm"]}


def test_an_engine_that_did_not_reach_the_end_says_so(forge: Forge) -> None:
    number = forge.number_with(1)
    forge.put(number, (), listed=True)
    forge.seal_from(number)
    levels = {level.name: level for level in forge.replay().levels}
    # The state root is of py-evm alone.
    assert levels["pyevm"].failures == levels["revm"].failures + 1 > 1
    assert "ended before" in levels["pyevm"].why_not
    assert not levels["books"].run


def test_without_pyrevm_py_evm_goes_alone_and_says_so(
    export_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyrevm", None)
    report = replay(export_folder)
    assert report.engines == ("pyevm",)
    assert {level.name: level.why_not for level in report.levels}["revm"] == (
        "pyrevm is not installed"
    )
    with pytest.raises(UsageInvalid, match="not installed"):
        replay(export_folder, engine="revm")


def test_what_comes_after_a_chain_that_cannot_be_read_is_not_said_to_be_checked(
    forge: Forge,
) -> None:
    path = forge.write() / "chain.rlp"
    path.write_bytes(path.read_bytes()[:-100])
    levels = {level.name: level for level in replay(forge.folder).levels}
    assert levels["chain"].failures == 1 and levels["books"].run
    forge.genesis = b"{}"
    forge.write()
    levels = {level.name: level for level in replay(forge.folder).levels}
    assert [name for name, level in levels.items() if level.run] == ["chain"]


# ---- lies that each engine finds alone


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("field", "check"),
    [("receipt_root", "receipts_root"), ("gas_used", "gas_used"), ("bloom", "logs_bloom")],
)
def test_a_forged_header_is_named_by_each_engine_alone(
    engine: str, field: str, check: str, forge: Forge
) -> None:
    number = forge.number_with(1)
    old = getattr(forge.block(number).header, field)
    forge.change(number, **{field: bytes(32) if isinstance(old, bytes) else old + 1})
    forge.seal_from(number)
    report = forge.replay(engine=engine)
    assert found(report) == [(number, check)]
    (level,) = (level for level in report.levels if level.name == engine)
    assert level.failures == 1


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("field", ["difficulty", "timestamp", "gas_limit"])
def test_a_number_that_no_word_can_hold_is_named_like_any_other(
    field: str, engine: str, forge: Forge
) -> None:
    number = len(forge.blocks)
    forge.change(number, **{field: 1 << 300})
    forge.seal_from(number)
    failures = found(forge.replay(engine=engine))
    assert failures and {block for block, _ in failures} == {number}


@pytest.mark.parametrize("engine", ENGINES)
def test_two_transactions_changed_about_are_named_by_each_engine_alone(
    engine: str, forge: Forge
) -> None:
    number = forge.number_with(2)
    first, second, *rest = forge.block(number).transactions
    forge.put(number, [second, first, *rest], listed=True)
    forge.seal_from(number)
    report = forge.replay(engine=engine)
    assert found(report)[0] == (number, "status")
    assert {block for block, _ in found(report)} == {number}


# ---- a difference between the engines


class Lying(Revm):
    """An EVM that is wrong about one transaction."""

    def __init__(self, genesis: Genesis, at: int, **lie: Any) -> None:
        super().__init__(genesis)
        self._left = at
        self._lie = lie

    def apply(self, transaction: Any) -> Outcome:
        self._left -= 1
        told = super().apply(transaction)
        return replace(told, **self._lie) if self._left == -1 else told


@pytest.mark.parametrize(
    ("lie", "expected", "told"),
    [
        ({"gas_used": 1}, "gas used ", "1 (revm)"),
        ({"reason": "no"}, "success True (pyevm)", "False (revm)"),
        ({"entries": []}, "logs 1 (pyevm)", "0 (revm)"),
        ({"written": {}}, " slot 0x", "None (revm)"),
    ],
)
def test_what_the_engines_differ_in_is_named_by_block_and_transaction(
    lie: dict[str, Any], expected: str, told: str
) -> None:
    machines = [PyEvm(GENESIS), Lying(GENESIS, 2, **lie)]
    findings = Findings()
    execution = Execution(GENESIS, machines, bytes(20), lambda sender, call: True, findings)
    calls = [signed(at, words("write", at, at + 1), PROBE) for at in range(1, 4)]
    block = Block(header=header(1), transactions=(signed(0, creation(), b""), *calls))
    execution.run(block, bytes(20), ())
    (failure,) = (one for one in findings.failures if one.check == "engines")
    assert (failure.block, failure.transaction) == (1, 2)
    assert expected in failure.expected and told == failure.found
    # What follows follows from it: the rest is of the first alone.
    assert findings.counts["engines"] == 3
    assert execution.checks["pyevm"]["status"] == 4
    assert execution.parted

