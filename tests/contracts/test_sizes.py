"""What is shipped: artifacts that are what their sources compile to, small enough, documented."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.contracts.sandbox.contract import NAMES, ROOT, artifact

LARGEST_RUNTIME = 24_576
"""EIP-170."""
ROOM = 1_536
"""For mending; a new kind of entry goes to a contract of its own."""


@pytest.mark.parametrize("name", NAMES)
def test_runtime_leaves_room_under_the_largest(name: str) -> None:
    size = len(bytes.fromhex(artifact(name)["runtime"].removeprefix("0x")))
    assert 0 < size <= LARGEST_RUNTIME - ROOM


def test_artifacts_are_what_the_sources_compile_to() -> None:
    script = ROOT / "contracts" / "compile.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stderr


def test_every_deployable_has_an_artifact_and_nothing_else_does() -> None:
    deployable = {path.stem for path in (ROOT / "contracts").glob("[A-Z]*.vy")}
    shipped = {path.stem for path in (ROOT / "ledger" / "artifacts").glob("*.json")}
    assert deployable == shipped == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_artifact_names_its_compiler_and_evm(name: str) -> None:
    assert artifact(name)["compiler"] == "vyper 0.4.3"
    assert artifact(name)["evm_version"] == "london"


@pytest.mark.parametrize("name", NAMES)
def test_deployable_says_its_units_invariants_and_stop(name: str) -> None:
    notes = artifact(name)["devdoc"]
    assert notes["title"] == name
    for tag in ("units", "invariant", "stop"):
        assert notes[f"custom:{tag}"].endswith("."), tag
    letters = re.findall(r"\b([A-Z]\d+) [A-Z]", notes["custom:invariant"])
    assert letters and len(letters) == len(set(letters))


@pytest.mark.parametrize("name", NAMES)
def test_every_function_has_a_notice_and_a_line_for_each_parameter(name: str) -> None:
    described = artifact(name)
    getters = set(described["storage_layout"]["storage_layout"])
    for entry in described["abi"]:
        if entry["type"] != "function" or entry["name"] in getters:
            continue
        signatures = [
            s for s in described["userdoc"]["methods"] if s.startswith(entry["name"] + "(")
        ]
        assert len(signatures) == 1, entry["name"]
        assert described["userdoc"]["methods"][signatures[0]]["notice"].endswith(".")
        documented = described["devdoc"]["methods"][signatures[0]].get("params", {})
        assert set(documented) == {parameter["name"] for parameter in entry["inputs"]}


def test_every_invariant_is_cited_where_it_is_enforced_or_tested() -> None:
    letters = {
        letter
        for name in NAMES
        for letter in re.findall(
            r"\b([A-Z]\d+) [A-Z]", artifact(name)["devdoc"]["custom:invariant"]
        )
    }
    places = [*(ROOT / "contracts").glob("*.vy"), *(ROOT / "tests").rglob("test_*.py")]
    cited = {
        letter
        for path in places
        for letter in re.findall(r"(?:# |\"\"\"|`)([A-Z]\d)\b", path.read_text("utf-8"))
    }
    assert letters - cited == set()
