"""Door: who is let in to the console, and what a browser is told about every answer.

A POST needs a session, its form token, and comes from this very server. There is no script on any
page, and the browser is told to run none. Errors are pages; never a traceback.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date

from aiohttp import web

from ledger.console import rendering
from ledger.console.checks import Checks
from ledger.console.desk import Desk
from ledger.console.sessions import Session, Sessions, is_form_token
from ledger.console.view import NotShown
from ledger.console.worked import Worked
from ledger.errors import (
    EntryRejected,
    InputInvalid,
    LedgerError,
    LedgerUnusable,
    Refused,
)
from ledger.messages import LANGUAGES, has, language, speaking, text
from ledger.node.callers import Scope

_log = logging.getLogger(__name__)
COOKIE = "pledger_console"
BODY_BYTES_MAX = 16_384
FILE_BYTES_MAX = 1 << 20
"""For an address to which a file is sent."""
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
        " frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=()",
    "Cache-Control": "no-store",
    "Server": "pledger",
}
_OPEN = ("/enter", "/static/console.css", "/favicon.ico")
"""Asked for without a session."""
_OF_FILES = ("/proof",)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True, kw_only=True)
class Console:
    """What a server of the console is made of."""

    desk: Desk
    sessions: Sessions
    member: str
    enters: Callable[[str], Scope | None]
    """What a word lets a browser do: the key of the address that was printed, or a token."""
    hosts: frozenset[str]
    """By which names, with port, the server may be asked: no other site's name leads here."""
    clock_day: Callable[[], date]
    """The date where this machine stands."""
    printed: bool = True
    """Whether a browser is let in by the address that was printed."""
    secure: bool = False
    """Whether it is served over TLS."""
    worked: Worked = field(default_factory=Worked)
    checks: Checks
    """What is checked beside the pages."""


CONSOLE = web.AppKey("console", Console)
SESSION = web.RequestKey("session", Session)
SCOPE = web.RequestKey("scope", Scope)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in who may come in, and say of every answer what a browser may do with it."""
    console = request.app[CONSOLE]
    if request.headers.get("Host", "") not in console.hosts:
        response: web.StreamResponse = web.Response(status=421, text=text("console.other_host"))
    else:
        try:
            response = await _guarded(console, request, handler)
        except web.HTTPException as error:
            response = error
        except ValueError:
            response = await problem(request, 400, [])
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _guarded(console: Console, request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path in _OPEN:
        return await handler(request)
    session = console.sessions.find(request.cookies.get(COOKIE, ""))
    scope = console.enters(session.key) if session else None
    if session is None or scope is None:
        return outside(request)
    request[SESSION], request[SCOPE] = session, scope
    if request.method == "POST":
        if request.path in _OF_FILES:
            request = request.clone(client_max_size=FILE_BYTES_MAX)
        form = await request.post()
        own = str(form.get("form_token", ""))
        if not is_form_token(session, own) or not from_here(request):
            return await problem(request, 403, [text("console.form_old")])
    return await handler(request)


def from_here(request: web.Request) -> bool:
    """Whether a form was sent from a page of this server, as far as the browser says."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")


def outside(request: web.Request) -> web.Response:
    """What a browser sees that nothing let in."""
    console = request.app[CONSOLE]
    with speaking(wanted(request)):
        page = rendering.rendered_entrance(console.member, printed=console.printed)
    return web.Response(status=401, body=page, content_type="text/html", charset="utf-8")


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors as pages; never a traceback."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400 or SESSION not in request:
            raise
        return await problem(request, error.status, [error.reason])
    except NotShown:
        return await problem(request, 404, [])
    except LedgerError as error:
        return await problem(request, _status(error), lines(error))
    except Exception as error:
        _log.error("%s %s: %s", request.path, type(error).__name__, error)
        return await problem(request, 500, [type(error).__name__])


def _status(error: LedgerError) -> int:
    if isinstance(error, Refused):
        return 409
    if isinstance(error, LedgerUnusable):
        return 503
    return 400 if isinstance(error, InputInvalid) else 500


def lines(error: LedgerError) -> list[str]:
    """What an error says, a line each, refused rows too."""
    said = str(error).splitlines()
    if isinstance(error, EntryRejected):
        said += [f"{row.ref}: {row.detail}" for row in error.rows if row.detail not in said[0]]
    return said


async def problem(request: web.Request, status: int, says: list[str]) -> web.Response:
    """An error as a page, or as JSON where that was asked for."""
    with speaking(spoken(request)):
        key = f"console.problem_{status}"
        title = text(key) if has(key) else text("console.problem")
        if form_of(request) == "json":
            return web.json_response({"error": {"title": title, "says": says}}, status=status)
        page = rendering.rendered_problem(title, says, None)
    return web.Response(status=status, body=page, content_type="text/html", charset="utf-8")


def wanted(request: web.Request) -> str:
    """The language that the browser asks for first, of those that there are."""
    for one in request.headers.get("Accept-Language", "").split(","):
        name = one.partition(";")[0].strip().partition("-")[0].lower()
        if name in LANGUAGES:
            return name
    return language()


def spoken(request: web.Request) -> str:
    """The language of the session, else that of the browser."""
    session = request.get(SESSION)
    return (session.language if session else None) or wanted(request)


def form_of(request: web.Request) -> str:
    """csv, json or another form that the address asks for; empty for a page."""
    return request.query.get("format", "")
