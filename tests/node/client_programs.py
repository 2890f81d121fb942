"""Other people's clients, installed once with npm into a cache folder outside the repository.

Without npm the tests that need them are skipped, except where `CI=true`: there they fail.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CAST, ETHERS = "1.7.1", "6.17.0"


@pytest.fixture(scope="session")
def cast_program() -> Path:
    """The cast executable."""
    folder = _installed("@foundry-rs/cast", CAST)
    found = sorted(folder.glob("node_modules/@foundry-rs/cast-*/bin/cast*"))
    if not found:
        _give_up("npm installed no cast")
    return found[0]


@pytest.fixture(scope="session")
def ethers_folder() -> Path:
    """A folder from which `import "ethers"` works."""
    return _installed("ethers", ETHERS)


def _installed(package: str, version: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    prefix = cache / "partnership-ledger" / f"{package.rpartition('/')[2]}-{version}"
    if not (prefix / "node_modules" / package).is_dir():
        npm = shutil.which("npm")
        if npm is None:
            _give_up("npm is not installed")
        arguments = ["install", "--no-audit", "--no-fund", "--prefix", str(prefix)]
        ran = subprocess.run(
            [npm, *arguments, f"{package}@{version}"], capture_output=True, text=True
        )
        if ran.returncode:
            _give_up(f"npm cannot install {package}: {ran.stderr[-500:]}")
    return prefix


def _give_up(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"clients are needed in CI: {reason}")
    pytest.skip(reason)
