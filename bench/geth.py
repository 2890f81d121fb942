"""Geth: real nodes of validators on this machine, as `pledger network export` writes them.

geth is built once with Go's own tools into a cache folder: 1.13.15, of the last line that seals
Clique.
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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSION = "1.13.15"
START_SECONDS = 60
_PAUSE_SECONDS = 0.05


class GethAbsent(Exception):
    """There is no geth here; the text says why."""


def installed() -> Path:
    """The geth executable, built if it is not there yet. Raises `GethAbsent`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "partnership-ledger" / f"geth-{VERSION}"
    program = folder / "geth"
    if not program.exists():
        go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
        if go is None:
            raise GethAbsent("Go is not installed")
        module = f"github.com/ethereum/go-ethereum/cmd/geth@v{VERSION}"
        # Go 1.23 and later keep a dependency from a function of the runtime's own unless told.
        flags = ["-ldflags=-checklinkname=0"]
        folder.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "GOBIN": str(folder)}
        ran = subprocess.run(
            [go, "install", *flags, module], env=environment, capture_output=True, text=True
        )
        if not program.exists():
            raise GethAbsent(f"go cannot build {module}: {ran.stderr[-500:]}")
    return program


def wait_until(holds: Callable[[], Any], what: str, seconds: float = START_SECONDS) -> Any:
    """What `holds` returns once that is true; fails when it takes too long."""
    give_up_at = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < give_up_at, f"not within {seconds} s: {what}"
        time.sleep(_PAUSE_SECONDS)
    return found


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses, all different."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


@dataclass(slots=True)
class Node:
    """A validator's node, running or not."""

    member: str
    address: str
    url: str
    enode: str
    folder: Path
    program: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self, *options: str) -> None:
        """Start it with its own script; returns once it answers and takes free transactions."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["sh", str(self.folder / "start.sh"), *options],
                env={**os.environ, "GETH": str(self.program)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        # The script tells the running node the price once; here it is waited for.
        wait_until(
            lambda: self._runs() and self.told("miner.setGasPrice(0)"), f"{self.member} starts"
        )

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(START_SECONDS)
            self.process = None

    def kill(self) -> None:
        """No time to write anything."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def request(self, method: str, *params: object) -> Any:
        """One call over HTTP."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        asked = urllib.request.Request(
            self.url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=30) as answer:
            document = json.load(answer)
        assert "error" not in document, (method, document["error"])
        return document["result"]

    def attach(self, script: str) -> str:
        """What the node's console says to a line of script."""
        ipc = self.folder / "data" / "geth.ipc"
        ran = subprocess.run(
            [self.program, "attach", "--exec", script, str(ipc)], capture_output=True, text=True
        )
        assert ran.returncode == 0, (script, ran.stdout, ran.stderr)
        return ran.stdout.strip()

    def told(self, script: str) -> bool:
        """Whether the console was there and agreed."""
        with suppress(AssertionError):
            return self.attach(script) == "true"
        return False

    def head(self) -> tuple[int, str]:
        """Number and hash of the newest block."""
        block = self.request("eth_getBlockByNumber", "latest", False)
        return int(block["number"], 16), block["hash"]

    def hash_of(self, number: int) -> str | None:
        """Hash of the block of a number, if the node has one."""
        block = self.request("eth_getBlockByNumber", hex(number), False)
        return block["hash"] if block else None

    def peers(self) -> int:
        """How many nodes it is connected with."""
        return int(self.request("net_peerCount"), 16)

    def export(self, file: Path) -> None:
        """Have the stopped node write its chain."""
        assert self.process is None, "a running node holds its folder"
        data = self.folder / "data"
        command = [self.program, "--datadir", data, "--gcmode", "archive", "export", file]
        subprocess.run(command, check=True, capture_output=True)

    def _runs(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log()[-3000:]
        with suppress(OSError):
            return bool(self.request("eth_chainId"))
        return False

    def log(self) -> str:
        """What it said so far."""
        return (self.folder / "log").read_text("utf-8", "replace")


@dataclass(slots=True)
class Network:
    """The nodes of an exported network."""

    folder: Path
    nodes: list[Node]

    @classmethod
    def of(cls, exported: dict[str, Any], program: Path) -> Network:
        """From what `pledger network export --json` printed."""
        folder = Path(exported["directory"])
        nodes = [
            Node(
                member=one["member"], address=one["address"], url=one["rpc_url"],
                enode=one["enode"], folder=folder / one["member"], program=program,
            )
            for one in exported["validators"]
        ]  # fmt: skip
        return cls(folder, nodes)

    @staticmethod
    def places(members: list[str]) -> list[str]:
        """Options of `pledger network export` for ports that are free."""
        ports = free_ports(2 * len(members))
        options = []
        for member, peer, rpc in zip(members, ports[::2], ports[1::2], strict=True):
            options += ["--at", f"{member}=127.0.0.1:{peer}", "--rpc-port", f"{member}={rpc}"]
        return options

    def start(self) -> None:
        """Start all; returns once each is connected with all others."""
        for node in self.nodes:
            node.start()
        self.connected()

    def connected(self) -> None:
        """Wait until each running node is connected with all others that run."""
        running = [node for node in self.nodes if node.process is not None]
        wait_until(
            lambda: all(node.peers() == len(running) - 1 for node in running), "all are connected"
        )

    def agreed(self, *, beyond: int = 0) -> tuple[int, str]:
        """Wait until all running nodes have the same head above a number; returns it."""
        running = [node for node in self.nodes if node.process is not None]

        def same() -> tuple[int, str] | None:
            heads = {node.head() for node in running}
            return heads.pop() if len(heads) == 1 and min(heads)[0] > beyond else None

        found: tuple[int, str] = wait_until(same, "all at the same head")
        return found

    def kill(self) -> None:
        """End all."""
        for node in self.nodes:
            node.kill()


@contextmanager
def running(exported: dict[str, Any]) -> Iterator[Network]:
    """The nodes of an exported network; they end with the context. Raises `GethAbsent`."""
    network = Network.of(exported, installed())
    try:
        network.start()
        yield network
    finally:
        network.kill()
