"""What all tests share: hypothesis profiles, fixed seeds, and no test that needs the clock."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.anvil", "tests.geth"]

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


_TRACED_VARIANTS = 2
"""Of a test with many parameters: the others run much the same lines."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tracing takes twice what it traces: not where tests run no code of `ledger/`, or all of it
    once more."""
    seen: Counter[tuple[Path, str]] = Counter()
    for item in items:
        test = item.path, getattr(item, "originalname", item.name)
        seen[test] += 1
        if _UNTRACED & set(item.path.parts) or seen[test] > _TRACED_VARIANTS:
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """The plugin stops tracing for the call alone; what fixtures do is most of many a test."""
    with _untraced(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    with _untraced(item):
        return (yield)


@contextmanager
def _untraced(item: pytest.Item) -> Iterator[None]:
    plugin = item.config.pluginmanager.getplugin("_cov")
    controller = getattr(plugin, "cov_controller", None)
    if controller is None or item.get_closest_marker("no_cover") is None:
        yield
        return
    controller.pause()
    try:
        yield
    finally:
        controller.resume()


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own PLEDGER_ variables must not decide a test."""
    for name in list(os.environ):
        if name.startswith("PLEDGER_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv(*_SPARED)


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pledger demo`: 300 loans, nothing sealed; ledger, files and export. Not to be written to."""
    from ledger.cli.root import pledger

    folder = tmp_path_factory.mktemp("demo") / "demo"
    done = CliRunner().invoke(pledger, ["demo", str(folder), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return folder
