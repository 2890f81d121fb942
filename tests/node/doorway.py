"""A doorway: a real server on a port of its own, in this process, for what stands behind it."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger.node.door import Answering
from ledger.node.limits import Limits
from ledger.node.request_log import RequestLog
from ledger.node.serving import Entrance, Serving
from ledger.node.tokens import Tokens

DEADLINE_SECONDS = 20
CERTIFICATES = Path(__file__).with_name("certificates")


@dataclass(frozen=True)
class Doorway:
    """Where the server listens, and a plain HTTP client for it."""

    port: int
    tls: ssl.SSLContext | None = None

    def socket(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_SECONDS)

    def connection(self) -> http.client.HTTPConnection:
        """A connection that speaks HTTP."""
        if self.tls is not None:
            return http.client.HTTPSConnection(
                "127.0.0.1", self.port, context=self.tls, timeout=DEADLINE_SECONDS
            )
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)

    def send(
        self, body: bytes, *, method: str = "POST", path: str = "/", **headers: str
    ) -> tuple[int, bytes]:
        """One request; status and body of the answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self.connection()
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **named})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def ask(self, method: str, *params: Any, token: str = "") -> Any:
        """The answer's object to one request."""
        shown = {"Authorization": f"Bearer {token}"} if token else {}
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        status, answer = self.send(json.dumps(body).encode(), **shown)
        assert status == 200, (status, answer)
        return json.loads(answer)

    def result(self, method: str, *params: Any, token: str = "") -> Any:
        """The result of a request that must be answered."""
        answer = self.ask(method, *params, token=token)
        assert "result" in answer, answer
        return answer["result"]

    def refusal(self, method: str, *params: Any, token: str = "") -> tuple[int, str]:
        """Code and message of a request that must not."""
        answer = self.ask(method, *params, token=token)
        assert "error" in answer, answer
        return answer["error"]["code"], answer["error"]["message"]


@contextmanager
def doorway(
    node: Answering,
    *,
    tokens: Tokens | None = None,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    log: Path | None = None,
) -> Iterator[Doorway]:
    """Serve `node` until the end of the block."""
    loop = asyncio.new_event_loop()
    requests = RequestLog(log)
    entrance = Entrance(host="127.0.0.1", port=0, tls=tls, tokens=tokens)
    serving = Serving(node, entrance, limits or Limits(), requests)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(serving.start(), loop).result(DEADLINE_SECONDS)
        trusted = None
        if tls is not None:
            trusted = ssl.create_default_context(cafile=str(CERTIFICATES / "node.pem"))
            trusted.load_verify_locations(CERTIFICATES / "renewed.pem")
        yield Doorway(port, trusted)
    finally:
        asyncio.run_coroutine_threadsafe(serving.stop(), loop).result(DEADLINE_SECONDS * 2)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE_SECONDS)
        loop.close()
        requests.close()
