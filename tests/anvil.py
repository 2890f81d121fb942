"""A real anvil node for tests, as a pytest plugin: `pytest_plugins = ["tests.anvil"]`.

Installed once with npm into a cache folder outside the repository. Without npm the tests that need
it are skipped, except where `CI=true`: there they fail.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

VERSION = "1.7.1"
START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Anvil:
    """A running node."""

    url: str
    chain_id: int


@pytest.fixture(scope="session")
def anvil_program() -> Path:
    """The anvil executable."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    prefix = cache / "partnership-ledger" / f"anvil-{VERSION}"
    if not (found := _program(prefix)):
        npm = shutil.which("npm")
        if npm is None:
            _give_up("npm is not installed")
        package = f"@foundry-rs/anvil@{VERSION}"
        ran = subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--prefix", str(prefix), package],
            capture_output=True,
            text=True,
        )
        if not (found := _program(prefix)):
            _give_up(f"npm cannot install {package}: {ran.stderr[-500:]}")
    return found


@pytest.fixture(scope="session")
def start_anvil(anvil_program: Path) -> Iterator[Callable[[int], Anvil]]:
    """Start a node with a chain id; it ends with the session."""
    running: list[subprocess.Popen[bytes]] = []

    def start(chain_id: int) -> Anvil:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        arguments = (
            f"--port {port} --chain-id {chain_id} --hardfork london --base-fee 0 --gas-price 0 "
            "--gas-limit 200000000 --accounts 1 --no-request-size-limit --silent"
        )
        running.append(subprocess.Popen([anvil_program, *arguments.split()]))
        node = Anvil(f"http://127.0.0.1:{port}", chain_id)
        _wait_for(node, running[-1])
        return node

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture
def anvil(start_anvil: Callable[[int], Anvil]) -> Anvil:
    """A fresh node with chain id 77."""
    return start_anvil(77)


def _program(prefix: Path) -> Path | None:
    found = sorted(prefix.glob("node_modules/@foundry-rs/anvil-*/bin/anvil*"))
    return found[0] if found else None


def _wait_for(node: Anvil, process: subprocess.Popen[bytes]) -> None:
    request = urllib.request.Request(
        node.url,
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode(),
        {"Content-Type": "application/json"},
    )
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except OSError:
            assert process.poll() is None, "anvil ended while starting"
            assert time.monotonic() < give_up_at, "anvil does not answer"
            time.sleep(0.02)


def _give_up(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"anvil is needed in CI: {reason}")
    pytest.skip(reason)
