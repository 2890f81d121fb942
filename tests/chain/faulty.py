"""A faulty way to a real node: it passes requests on, and does to some what networks do."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any


class Fault(Enum):
    """What happens to one request."""

    NONE = auto()
    ANSWER_LOST = auto()
    """The node does what is asked, and the connection ends."""
    NOT_PASSED = auto()
    """The connection ends before the node hears of it."""
    CUT = auto()
    """Half of the answer arrives."""
    GARBAGE = auto()
    """All of it arrives, and is no JSON."""
    HANGS = auto()
    """The node does what is asked, and nobody says so."""
    SWALLOWED = auto()
    """A transaction is taken with thanks and forgotten."""
    BUSY = auto()
    """429, with a second to wait."""
    DOWN = auto()
    """503."""
    FORBIDDEN = auto()
    """401."""


@dataclass
class FaultyNode:
    """Where it listens, what it will do, and what it was asked."""

    behind: str
    port: int = 0
    script: dict[str, list[Fault]] = field(default_factory=dict)
    """By method (and `*`): what happens to the next requests."""
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def fault(self, methods: list[str]) -> Fault:
        for name in (*methods, "*"):
            if self.script.get(name):
                return self.script[name].pop(0)
        return Fault.NONE

    def pass_on(self, body: bytes) -> bytes:
        request = urllib.request.Request(self.behind, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as response:
            return bytes(response.read())


def _handler(node: FaultyNode) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            document = json.loads(body)
            requests = document if isinstance(document, list) else [document]
            methods = [one["method"] for one in requests]
            node.asked += methods
            node.headers.append(dict(self.headers))
            self.meet(node.fault(methods), body, requests)

        def meet(self, fault: Fault, body: bytes, requests: list[dict[str, Any]]) -> None:
            if fault is Fault.NOT_PASSED:
                return self.hang_up()
            codes = {Fault.BUSY: 429, Fault.DOWN: 503, Fault.FORBIDDEN: 401}
            if fault in codes:
                return self.answer(b"no", code=codes[fault])
            if fault is Fault.SWALLOWED:
                from eth_hash.auto import keccak

                (one,) = requests
                found = "0x" + keccak(bytes.fromhex(one["params"][0][2:])).hex()
                return self.answer(
                    json.dumps({"jsonrpc": "2.0", "id": one["id"], "result": found}).encode()
                )
            answer = node.pass_on(body)
            if fault is Fault.ANSWER_LOST:
                return self.hang_up()
            if fault is Fault.HANGS:
                node.release.wait(30)
                return self.hang_up()
            if fault is Fault.GARBAGE:
                answer = b"<html>gateway</html>"
            self.answer(answer, cut=fault is Fault.CUT)
            return None

        def answer(self, content: bytes, *, code: int = 200, cut: bool = False) -> None:
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            if code == 429:
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if cut else content)
            if cut:
                self.hang_up()

        def hang_up(self) -> None:
            self.close_connection = True
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler


@contextmanager
def listening(node: FaultyNode, wrap: Callable[[Any], Any] = lambda it: it) -> Iterator[FaultyNode]:
    """Let it listen, on the port it had, until the end of the block. `wrap`: the socket, in TLS."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", node.port), _handler(node))
    server.socket = wrap(server.socket)
    server.daemon_threads = True
    node.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield node
    finally:
        node.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
