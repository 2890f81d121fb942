"""Serving: a node's answers over HTTP, to callers who may be slow, many, mistaken or hostile.

One thread takes requests in and sends answers out; others work the answers out. A body is read
whole, within limits of size and time, before anybody works on it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from aiohttp.web import BaseRequest, Response, Server
from aiohttp.web_protocol import RequestHandler

from ledger.node.callers import LOCAL, Caller
from ledger.node.door import Answering, Work
from ledger.node.envelope import Body, error, read_body
from ledger.node.limits import Allowances, Limits
from ledger.node.refusals import (
    INTERNAL,
    INVALID_REQUEST,
    LIMIT_EXCEEDED,
    NOT_PERMITTED,
    RpcRefused,
)
from ledger.node.request_log import RequestLog
from ledger.node.tokens import Tokens

HEALTH = "/health"
_JSON = ("application/json", "application/json-rpc", "application/jsonrequest")
_LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
_LINE_BYTES, _FIELDS = 8_190, 64
_SUBMITTERS = 2
_REAP_SECONDS = 2
_silent = logging.getLogger(f"{__name__}.http")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """Where a node listens and whom it lets in."""

    host: str
    port: int
    """0: one that is free."""
    tls: ssl.SSLContext | None
    tokens: Tokens | None
    """None: everybody who reaches it, as on the machine itself."""
    names: tuple[str, ...] = ()
    """Where no token is asked for: names besides this machine's own by which it may be called. A
    browser that was led here under another name is turned away."""


@dataclass(slots=True)
class _Outcome:
    """What became of one HTTP request, for the log."""

    caller: Caller | None = None
    body_bytes: int = 0
    methods: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()


class _Refused(Exception):
    """A request that is turned away before anybody works on it."""

    def __init__(self, status: int, code: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.refusal = RpcRefused(code, message)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class _Connections(Server):
    """The open connections: not more than may be, none that hangs for ever once it is closed."""

    def __init__(self, handler: Callable[[BaseRequest], Any], limits: Limits) -> None:
        super().__init__(
            handler,
            logger=_silent,
            access_log=None,
            keepalive_timeout=limits.head_seconds,
            lingering_time=1,
            max_line_size=_LINE_BYTES,
            max_field_size=_LINE_BYTES,
            max_headers=_FIELDS,
            # What is compressed could be anything once it is not.
            auto_decompress=False,
        )
        self._limits = limits
        self._open: dict[asyncio.Transport, str] = {}
        self._closing: set[asyncio.Transport] = set()

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Count a connection, or turn it away."""
        super().connection_made(handler, transport)
        address = _address(transport.get_extra_info("peername"))
        per_address = Counter(self._open.values())[address]
        if (
            len(self._open) >= self._limits.connections
            or per_address >= self._limits.connections_per_address
        ):
            transport.abort()
            return
        self._open[transport] = address

    def reap(self) -> None:
        """Cut what was closed a while ago and still has bytes that nobody takes."""
        closing = {transport for transport in self._open if transport.is_closing()}
        for transport in closing & self._closing:
            transport.abort()
            self._open.pop(transport)
        self._closing = closing - self._closing

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a connection."""
        transport = self._connections.get(handler)
        super().connection_lost(handler, exc)
        if transport is not None:
            self._open.pop(transport, None)


class Serving:
    """A server. `start`, then `stop`, in one event loop."""

    def __init__(
        self, node: Answering, entrance: Entrance, limits: Limits, log: RequestLog
    ) -> None:
        self._node = node
        self._entrance = entrance
        self._limits = limits
        self._log = log
        self._calls = Allowances(per_period=limits.calls_per_second, burst=limits.burst)
        self._failures = Allowances(
            per_period=limits.failures_per_minute,
            burst=limits.failures_per_minute,
            period_seconds=60,
        )
        self._readers = ThreadPoolExecutor(limits.threads, "reader")
        # Of their own: what is submitted must not wait for those who read much.
        self._submitters = ThreadPoolExecutor(_SUBMITTERS, "submitter")
        self._running: set[asyncio.Future[None]] = set()
        self._connections: _Connections | None = None
        self._listening: asyncio.Server | None = None
        self._reaping: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen; returns the port. Raises `OSError` when it cannot."""
        loop = asyncio.get_running_loop()
        self._connections = _Connections(self._handle, self._limits)
        tls = self._entrance.tls
        self._listening = await loop.create_server(
            self._connections,
            self._entrance.host,
            self._entrance.port,
            ssl=tls,
            ssl_handshake_timeout=self._limits.head_seconds if tls else None,
        )
        self._reaping = loop.create_task(self._reap(self._connections))
        return int(self._listening.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Take nothing in any more and answer what is under way, for as long as is allowed."""
        if self._listening is None or self._connections is None or self._reaping is None:
            return
        self._listening.close()
        self._connections.pre_shutdown()
        await self._connections.shutdown(self._limits.stop_seconds)
        self._reaping.cancel()
        for pool in (self._readers, self._submitters):
            pool.shutdown(wait=False, cancel_futures=True)
        # What nobody waits for any more may still read the chain, which is closed next.
        while self._running:
            await asyncio.wait(self._running)

    async def _reap(self, connections: _Connections) -> None:
        while True:
            await asyncio.sleep(_REAP_SECONDS)
            connections.reap()

    async def _handle(self, request: BaseRequest) -> Response:
        began_ns = time.monotonic_ns()
        outcome = _Outcome()
        try:
            response = await self._respond(request, outcome)
        except _Refused as turned_away:
            response = _refusal(turned_away)
            outcome.codes = (turned_away.refusal.code,)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as failure:
            _silent.error("%s", failure)
            response = _refusal(_Refused(500, INTERNAL, "internal error"))
            outcome.codes = (INTERNAL,)
        self._log.write(
            remote=_remote(request),
            member=outcome.caller.member if outcome.caller else "",
            token=outcome.caller.token_id if outcome.caller else "",
            status=response.status,
            methods=outcome.methods,
            codes=outcome.codes,
            body_bytes=outcome.body_bytes,
            answer_bytes=response.content_length or 0,
            milliseconds=(time.monotonic_ns() - began_ns) // 1_000_000,
        )
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await response.prepare(request)
                await response.write_eof()
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("answer not taken") from None
        return response

    async def _respond(self, request: BaseRequest, outcome: _Outcome) -> Response:
        if request.method in ("GET", "HEAD") and request.path == HEALTH:
            return Response(text='{"ok":true}', content_type=_JSON[0])
        outcome.caller = caller = self._caller(request)
        _expect_post(request)
        raw = await self._read(request)
        outcome.body_bytes = len(raw)
        try:
            body = read_body(raw, most=self._limits.batch, most_parts=self._limits.parts)
        except RpcRefused as refusal:
            raise _Refused(400, refusal.code, refusal.message) from None
        outcome.methods = tuple(one.method for one in body.requests)
        self._expect_allowed(caller, body)
        work = await self._work(Work(self._node, caller, body, self._limits))
        text = work.text()
        outcome.codes = tuple(work.codes)
        if not text:
            return Response(status=204)
        return Response(text=text, content_type=_JSON[0])

    def _caller(self, request: BaseRequest) -> Caller:
        tokens = self._entrance.tokens
        if tokens is None:
            _expect_host(request, self._entrance.names)
            return LOCAL
        kind, _, shown = request.headers.get("Authorization", "").partition(" ")
        caller = tokens.caller(shown.strip()) if kind.lower() == "bearer" else None
        if caller is not None:
            return caller
        later = self._failures.take(_remote(request))
        if later:
            raise _Refused(429, LIMIT_EXCEEDED, "too many requests", Retry_After=str(later))
        raise _Refused(
            401,
            NOT_PERMITTED,
            "no valid token: send `Authorization: Bearer TOKEN`",
            WWW_Authenticate="Bearer",
        )

    def _expect_allowed(self, caller: Caller, body: Body) -> None:
        if caller == LOCAL:
            return
        later = self._calls.take(caller.token_id, len(body.requests))
        if later:
            raise _Refused(429, LIMIT_EXCEEDED, "too many requests", Retry_After=str(later))

    async def _read(self, request: BaseRequest) -> bytes:
        most = self._limits.body_bytes
        too_large = _Refused(413, LIMIT_EXCEEDED, f"body over {most} bytes", Connection="close")
        if (request.content_length or 0) > most:
            raise too_large
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                async for part in request.content.iter_any():
                    size += len(part)
                    if size > most:
                        raise too_large
                    parts.append(part)
        except TimeoutError:
            message = f"body not there within {self._limits.body_seconds} seconds"
            raise _Refused(408, INVALID_REQUEST, message, Connection="close") from None
        return b"".join(parts)

    async def _work(self, work: Work) -> Work:
        if len(self._running) >= self._limits.waiting:
            raise _Refused(503, LIMIT_EXCEEDED, "too much under way", Retry_After="1")
        loop = asyncio.get_running_loop()
        pool = self._submitters if work.submits else self._readers
        running = loop.run_in_executor(pool, work.run)
        self._running.add(running)
        running.add_done_callback(self._done)
        try:
            async with asyncio.timeout(self._limits.answer_seconds):
                # A thread cannot be stopped: it counts as under way until it is done.
                await asyncio.shield(running)
        except TimeoutError:
            work.drop()
        return work

    def _done(self, running: asyncio.Future[None]) -> None:
        self._running.discard(running)
        if not running.cancelled():
            running.exception()


def _expect_post(request: BaseRequest) -> None:
    if request.path != "/":
        raise _Refused(404, INVALID_REQUEST, "ask at /")
    if request.method != "POST":
        raise _Refused(405, INVALID_REQUEST, "ask by POST", Allow="POST")
    # A browser sends this type to another site only after that site allowed it, which we never do.
    if request.content_type not in _JSON:
        raise _Refused(415, INVALID_REQUEST, f"send Content-Type: {_JSON[0]}")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise _Refused(415, INVALID_REQUEST, "send it as it is, not compressed")


def _expect_host(request: BaseRequest, names: tuple[str, ...]) -> None:
    host = request.headers.get("Host", "").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name not in (*_LOCAL_NAMES, *names):
        raise _Refused(403, NOT_PERMITTED, "called by a name that is not this machine's")


def _refusal(turned_away: _Refused) -> Response:
    response = Response(
        status=turned_away.status,
        text=error(None, turned_away.refusal),
        content_type=_JSON[0],
        headers=turned_away.headers,
    )
    if turned_away.headers.get("Connection") == "close":
        response.force_close()
    return response


def _remote(request: BaseRequest) -> str:
    transport = request.transport
    return _address(transport.get_extra_info("peername") if transport is not None else None)


def _address(peer: Any) -> str:
    return str(peer[0]) if isinstance(peer, tuple) and peer else ""
