"""A station: `pledger node` as a process of its own, and the folders of members who use it."""

from __future__ import annotations

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.office import Office

DEADLINE_SECONDS = 30
_CHAIN_FILES = ("book.sqlite", "refs.sqlite")


@dataclass
class Station:
    """A running node."""

    process: subprocess.Popen[str]
    url: str

    def post(self, document: Any) -> Any:
        """What comes back for one body."""
        request = urllib.request.Request(
            self.url, json.dumps(document).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS) as answer:
            return json.loads(answer.read())

    def answer(self, method: str, *params: Any) -> Any:
        """The whole object that answers a request."""
        return self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})

    def ask(self, method: str, *params: Any) -> Any:
        """The result of a request that must be answered."""
        answer = self.answer(method, *params)
        assert "result" in answer, answer
        return answer["result"]

    def kill(self) -> None:
        """As a power cut ends it."""
        self.process.kill()
        self.process.wait(DEADLINE_SECONDS)

    def stop(self) -> int:
        """As its operator ends it; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_SECONDS)


@contextmanager
def station(office: Office, *options: str) -> Iterator[Station]:
    """A node on an office's ledger until the end of the block."""
    process = office.start("node", "--port", "0", *options)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "http" in line, line + process.stderr.read()
        yield Station(process, line.split()[-1])
    finally:
        process.kill()
        process.communicate()


def client_of(office: Office, folder: Path, url: str) -> Office:
    """A member's folder on another machine: keys, salts and terms, and no chain."""
    import shutil

    client = office.copy(folder)
    shutil.rmtree(client.home / "chain")
    for name in _CHAIN_FILES:
        (client.home / name).unlink(missing_ok=True)
    client.environment["PLEDGER_RPC"] = url
    return client
