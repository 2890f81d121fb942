"""What all tests share: hypothesis profiles, fixed seeds, and no test that needs the clock."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.anvil"]

# A replay compiles the contracts from their sources: half a minute, once in each process.
_SPARED = "PLEDGER_COMPILER", "none"
os.environ.update([_SPARED])

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]

settings.register_profile(
    "quick", max_examples=50, derandomize=True, deadline=None, print_blob=True,
    suppress_health_check=_SLOW,
)  # fmt: skip
settings.register_profile(
    "ci", max_examples=200, derandomize=True, deadline=None, print_blob=True,
    suppress_health_check=_SLOW,
)  # fmt: skip
settings.register_profile(
    "deep", max_examples=5_000, deadline=timedelta(minutes=5), print_blob=True,
    suppress_health_check=_SLOW,
)  # fmt: skip
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


_UNTRACED = {
    "contracts", "differential", "stateful", "gas",
    "docs", "e2e", "faults", "packaging", "planted", "scenarios",
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tracing is dear: not where tests run no code of `ledger/`, or run all of it once more."""
    for item in items:
        if _UNTRACED & set(item.path.parts):
            item.add_marker(pytest.mark.no_cover)


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own PLEDGER_ variables must not decide a test."""
    for name in list(os.environ):
        if name.startswith("PLEDGER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv(*_SPARED)
