"""`pledger node` as a process of its own, as an operator runs it."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.cli.office import Office

DEADLINE_SECONDS = 60


@dataclass
class NodeProcess:
    """A node that serves."""

    url: str
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    """Lines of stderr."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def end(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop; returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_SECONDS)


@contextmanager
def node_process(office: Office, *options: str) -> Iterator[NodeProcess]:
    """`pledger node` on a free port, until the end of the block."""
    process = office.start("node", "--port", "0", *options)
    said: list[str] = []
    url = ""
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if line.startswith("node: http"):
            url = line.split()[1]
            break
    assert url, "".join(said)
    # A pipe that nobody reads would fill.
    reading = threading.Thread(target=said.extend, args=(process.stderr,))
    reading.start()
    try:
        yield NodeProcess(url, process, said)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(DEADLINE_SECONDS)
        reading.join(DEADLINE_SECONDS)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
