"""Anvil: a real node to compare with, installed once with npm into a cache folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = "1.7.1"
_START_SECONDS = 30


class AnvilAbsent(Exception):
    """There is no anvil here; the text says why."""


@contextmanager
def running(chain_id: int) -> Iterator[str]:
    """A fresh node; its URL. Raises `AnvilAbsent`."""
    program = _installed()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = (
        f"--port {port} --chain-id {chain_id} --hardfork london --base-fee 0 --gas-price 0 "
        "--gas-limit 200000000 --accounts 1 --no-request-size-limit --silent"
    )
    process = subprocess.Popen([program, *options.split()])
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _installed() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    prefix = cache / "partnership-ledger" / f"anvil-{VERSION}"
    if not (found := _program(prefix)):
        npm = shutil.which("npm")
        if npm is None:
            raise AnvilAbsent("npm is not installed")
        package = f"@foundry-rs/anvil@{VERSION}"
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(prefix), package]
        ran = subprocess.run(command, capture_output=True, text=True)
        if not (found := _program(prefix)):
            raise AnvilAbsent(f"npm cannot install {package}: {ran.stderr[-200:]}")
    return found


def _program(prefix: Path) -> Path | None:
    found = sorted(prefix.glob("node_modules/@foundry-rs/anvil-*/bin/anvil*"))
    return found[0] if found else None


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + _START_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise AnvilAbsent("anvil does not start") from None
            time.sleep(0.02)
