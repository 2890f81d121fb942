"""Real geth nodes for tests, as a pytest plugin: `pytest_plugins = ["tests.geth"]`.

Built once with Go into a cache folder outside the repository. Without Go the tests that need it are
skipped, except where `CI=true`: there they fail.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.geth import GethAbsent, installed


@pytest.fixture(scope="session")
def geth_program() -> Path:
    """The geth executable."""
    try:
        return installed()
    except GethAbsent as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"geth is needed in CI: {error}")
        pytest.skip(str(error))
