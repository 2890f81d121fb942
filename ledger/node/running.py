"""Running: a node from its start to its graceful end.

SIGTERM or SIGINT ends it: nothing more is taken in, what is under way is answered, what is queued
is sealed. SIGHUP reads the certificate and opens the log again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ledger.chain.local import LocalEngine
from ledger.errors import LedgerError, UsageInvalid
from ledger.founding import Settings
from ledger.messages import text
from ledger.node.door import Answering
from ledger.node.limits import Limits
from ledger.node.request_log import RequestLog
from ledger.node.screen import Screen
from ledger.node.serving import Entrance, Serving
from ledger.node.sight import Sights
from ledger.node.tls import Certificate
from ledger.node.tokens import Tokens

_log = logging.getLogger(__name__)


class Runnable(Answering, Protocol):
    """A node."""

    settings: Settings
    engine: LocalEngine

    def start(self) -> None:
        """Begin to seal."""
        ...

    def stop(self) -> None:
        """Seal what is queued and end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a node should listen, as its operator says."""

    directory: Path
    host: str = "127.0.0.1"
    port: int = 8545
    certificate: Certificate | None = None
    tokens: bool = True
    """False: nobody is asked for one, said so explicitly."""
    plain: bool = False
    """Whether to go without TLS where others could read along, said so explicitly."""
    names: tuple[str, ...] = ()
    request_log: Path | None = None
    limits: Limits = field(default_factory=Limits)


def entrance(wanted: Wanted) -> Entrance:
    """The entrance that is wanted. Raises `UsageInvalid` for one open to others by oversight.

    On the machine itself tokens are asked for as soon as one was made.
    """
    tokens = Tokens(wanted.directory) if wanted.tokens else None
    if tokens is not None and not tokens.list():
        if not is_loopback(wanted.host):
            raise UsageInvalid(
                text("node.no_tokens"), where=wanted.host, fix=text("node.no_tokens_fix")
            )
        tokens = None
    if wanted.certificate is None and not wanted.plain and not is_loopback(wanted.host):
        raise UsageInvalid(text("node.no_tls"), where=wanted.host, fix=text("node.no_tls_fix"))
    tls = wanted.certificate.context() if wanted.certificate is not None else None
    names = tuple(name.lower() for name in (*wanted.names, wanted.host))
    return Entrance(host=wanted.host, port=wanted.port, tls=tls, tokens=tokens, names=names)


def is_loopback(host: str) -> bool:
    """Whether only this machine itself reaches the host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def run(node: Runnable, wanted: Wanted, *, ready: Callable[[str], None]) -> None:
    """Serve until told to stop; `ready` gets the URL as soon as requests are taken.

    Raises `UsageInvalid` when it cannot listen there.
    """
    opened = entrance(wanted)
    log = RequestLog(wanted.request_log)
    try:
        asyncio.run(_run(node, opened, wanted, log, ready))
    finally:
        log.close()


async def _run(
    node: Runnable,
    opened: Entrance,
    wanted: Wanted,
    log: RequestLog,
    ready: Callable[[str], None],
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_one_line)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(signal.SIGHUP, lambda: _renew(opened, wanted.certificate, log))
    sights = Sights(wanted.directory, node.settings, node.engine)
    screen = Screen(node, engine=node.engine, settings=node.settings, sights=sights)
    serving = Serving(screen, opened, wanted.limits, log)
    node.start()
    if opened.tokens is not None:
        sights.start()
    try:
        try:
            port = await serving.start()
        except OSError as error:
            raise UsageInvalid(
                text("node.cannot_listen"),
                where=f"{opened.host}:{opened.port}",
                found=error.strerror or str(error),
            ) from None
        host = f"[{opened.host}]" if ":" in opened.host else opened.host
        ready(f"{'https' if opened.tls else 'http'}://{host}:{port}")
        await stopping.wait()
    finally:
        await serving.stop()
        await asyncio.to_thread(sights.stop)
        await asyncio.to_thread(node.stop)


def _renew(opened: Entrance, certificate: Certificate | None, log: RequestLog) -> None:
    try:
        log.reopen()
        if certificate is not None and opened.tls is not None:
            certificate.load(opened.tls)
    except (LedgerError, OSError) as error:
        _log.error("%s", error)


def _one_line(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What goes wrong beside any request: a handshake broken off, no descriptor left."""
    failure = context.get("exception")
    _log.warning("%s: %s", context.get("message", ""), type(failure).__name__ if failure else "-")
