"""Ethereum's published state tests on py-evm, on our compiled code, and on our state.

They are fetched for the run and not part of this repository: with a checkout of
`ethereum/legacytests`,

    PLEDGER_STATE_TESTS=legacytests/Cancun/GeneralStateTests pytest -m slow tests/evm

runs every fixture that has a state after London; with `-n 2` in ten minutes to half an hour.
Without it there is nothing to run. One file of `stTimeConsuming` has four billion rounds of BLAKE2
and is left out unless `blake2b-py` is installed: py-evm uses it where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from ledger.chain import compiled
from tests.evm.state_tests import (
    FIXTURES_VARIABLE,
    Compiled,
    OnOurState,
    OnPyEvm,
    cases_of,
    folder,
    run,
)

FIXTURES = sorted(folder().rglob("*.json")) if folder() else []  # type: ignore[union-attr]
FOR_DAYS = {"CALLBlake2f_MaxRounds"} if find_spec("blake2b") is None else set()
"""What takes days in Python."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not FIXTURES, reason=f"{FIXTURES_VARIABLE} names no checkout of ethereum/legacytests"
    ),
]


@pytest.fixture(autouse=True)
def _all_compiled() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "HOT_AFTER", 0)
        yield


def skip_what_takes_days(path: Path) -> None:
    if path.stem in FOR_DAYS:
        pytest.skip("blake2b-py is not installed")


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_fixture_ends_in_the_published_state(path: Path) -> None:
    skip_what_takes_days(path)
    for test in cases_of(path):
        if test.has_lone_storage:
            continue
        expected = test.state_root, test.logs_hash
        assert run(test, Compiled) == expected, test.name
        if not test.has_empty_account:
            assert run(test, OnOurState) == expected, test.name


@pytest.mark.parametrize(
    "path", FIXTURES[:: max(1, len(FIXTURES) // 40)], ids=lambda path: path.stem
)
def test_this_harness_agrees_with_pyevm_itself(path: Path) -> None:
    skip_what_takes_days(path)
    for test in cases_of(path):
        if test.has_lone_storage:
            continue
        assert run(test, OnPyEvm) == (test.state_root, test.logs_hash), test.name
