"""Running: the console's server from its start to the signal that ends it."""

from __future__ import annotations

import asyncio
import hmac
import logging
import signal
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from aiohttp import web

from ledger import finding
from ledger.console.checks import Checks, Place
from ledger.console.desk import Desk, Opening
from ledger.console.door import Console
from ledger.console.serving import application
from ledger.console.sessions import KEYS_SECONDS, Sessions
from ledger.errors import LedgerError, UsageInvalid
from ledger.keys import Passphrases
from ledger.messages import text
from ledger.node.callers import Scope
from ledger.node.running import is_loopback
from ledger.node.tls import Certificate
from ledger.node.tokens import Tokens

LOOPBACK = "127.0.0.1"
STOPPING_SECONDS = 5
SWEEP_SECONDS = 30
_log = logging.getLogger(__name__)
_NANOSECONDS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a console should listen, as whoever starts it says."""

    directory: Path
    member: str
    key: str
    """Lets a browser in that opens the printed address, on the machine itself alone."""
    host: str = LOOPBACK
    port: int = 0
    names: tuple[str, ...] = ()
    """By which others may ask for it, besides the host."""
    certificate: Certificate | None = None
    keys_seconds: int = KEYS_SECONDS
    rpc_url: str = ""
    """The node that is used; empty for what the folder says."""
    token_file: Path | None = None
    """With the token for that node, if not where it usually is."""

    @property
    def place(self) -> Place:
        """Where the ledger is, for a process of its own."""
        token_file = str(self.token_file.resolve()) if self.token_file else ""
        return Place(directory=self.directory, rpc_url=self.rpc_url, token_file=token_file)


class _Entrance:
    """Who is let in, and by which names the server may be asked."""

    def __init__(self, wanted: Wanted) -> None:
        """Raises `UsageInvalid` for one that is open to others without TLS or without tokens."""
        self.local = is_loopback(wanted.host)
        self._wanted = wanted
        self._tokens = Tokens(wanted.directory)
        if self.local:
            return
        if wanted.certificate is None:
            fix = text("console.no_tls_fix")
            raise UsageInvalid(text("node.no_tls"), where=wanted.host, fix=fix)
        if not any(one.member == wanted.member for one in self._tokens.list()):
            fix = text("console.no_tokens_fix", member=wanted.member)
            raise UsageInvalid(text("node.no_tokens"), where=wanted.host, fix=fix)

    def enters(self, word: str) -> Scope | None:
        """What a word lets a browser do; None: nothing."""
        given, key = word.encode("utf-8", "replace"), self._wanted.key.encode()
        if self.local and hmac.compare_digest(given, key):
            return Scope.SUBMIT
        caller = self._tokens.caller(word)
        return caller.scope if caller and caller.member == self._wanted.member else None

    def hosts(self, port: int) -> frozenset[str]:
        """What a browser may call the server: another name is somebody else's trick."""
        names = {self._wanted.host, *self._wanted.names}
        if self.local:
            names |= {LOOPBACK, "localhost"}
        plain = {f"[{name}]" if ":" in name else name.lower() for name in names}
        default = 443 if self._wanted.certificate else 80
        return frozenset(
            {f"{name}:{port}" for name in plain} | (plain if port == default else set())
        )


def run(
    opening: Opening,
    wanted: Wanted,
    *,
    passphrases: Passphrases,
    clock_day: Callable[[], date],
    ready: Callable[[str], None],
) -> None:
    """Serve until a signal; `ready` gets the address once it can be asked.

    Raises `UsageInvalid` for an address that cannot be listened on, or not so.
    """
    entrance = _Entrance(wanted)
    tls = wanted.certificate.context() if wanted.certificate else None
    desk, checks = Desk(opening, passphrases), Checks(wanted.place)
    stopping = threading.Event()
    following = threading.Thread(target=_follow, args=(opening, passphrases, stopping))
    following.start()
    try:
        console = Console(
            desk=desk,
            sessions=Sessions(_seconds, keys_seconds=wanted.keys_seconds),
            member=wanted.member,
            enters=entrance.enters,
            hosts=frozenset(),
            clock_day=clock_day,
            printed=entrance.local,
            secure=tls is not None,
            checks=checks,
        )
        asyncio.run(_serve(console, entrance, wanted, tls, ready))
    finally:
        stopping.set()
        checks.close()
        following.join()
        desk.close()


async def _serve(
    console: Console,
    entrance: _Entrance,
    wanted: Wanted,
    tls: ssl.SSLContext | None,
    ready: Callable[[str], None],
) -> None:
    runner = web.AppRunner(application(console), access_log=None, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(
            runner, wanted.host, wanted.port, ssl_context=tls, shutdown_timeout=STOPPING_SECONDS
        )
        try:
            await site.start()
        except OSError as error:
            raise UsageInvalid(
                text("console.port_taken"),
                where=f"{wanted.host}:{wanted.port}",
                found=error.strerror or "",
                fix=text("console.port_taken_fix"),
            ) from None
        port = runner.addresses[0][1]
        console.hosts = entrance.hosts(port)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        name = f"[{wanted.host}]" if ":" in wanted.host else wanted.host
        key = f"enter?key={wanted.key}" if entrance.local else ""
        sweeping = asyncio.create_task(_sweep(console.sessions))
        ready(f"{'https' if tls else 'http'}://{name}:{port}/{key}")
        await stop.wait()
        sweeping.cancel()
    finally:
        await runner.cleanup()


async def _sweep(sessions: Sessions) -> None:
    """Close keys in time though nobody asks for a page."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        sessions.sweep()


def _follow(opening: Opening, passphrases: Passphrases, stopping: threading.Event) -> None:
    """Make the index of refs, which of a million loans takes a while the first time."""
    try:
        with opening(passphrases) as ledger:
            finding.follow(ledger, stop=stopping.is_set)
    except LedgerError as error:
        _log.warning("%s", error)


def _seconds() -> int:
    return time.monotonic_ns() // _NANOSECONDS
