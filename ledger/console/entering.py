"""Entering: a browser comes in, opens keys, closes them, and chooses its language."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING

from aiohttp import web

from ledger.console.door import CONSOLE, COOKIE, SESSION, from_here, outside, spoken
from ledger.console.sessions import WRONG_MAX, opens
from ledger.keys import Keyring, KeyUse
from ledger.messages import LANGUAGES, speaking, text

if TYPE_CHECKING:
    from ledger.ledger import Ledger


async def home(request: web.Request) -> web.StreamResponse:
    """The first page is today's."""
    raise web.HTTPSeeOther("/today")


async def style(request: web.Request) -> web.StreamResponse:
    """The one style sheet."""
    body = resources.files("ledger.console").joinpath("static/console.css").read_bytes()
    return web.Response(body=body, content_type="text/css", charset="utf-8")


async def no_icon(request: web.Request) -> web.StreamResponse:
    """Browsers ask for one unasked."""
    return web.Response(status=204)


async def enter(request: web.Request) -> web.StreamResponse:
    """Begin a session for who has the key or shows a token."""
    console = request.app[CONSOLE]
    if request.method == "POST":
        key = str((await request.post()).get("key", "")).strip()
    else:
        key = request.query.get("key", "")
    if console.enters(key) is None or not from_here(request):
        return outside(request)
    token, _ = console.sessions.begin(key)
    response = web.HTTPSeeOther("/today")
    response.set_cookie(
        COOKIE, token, httponly=True, samesite="Strict", path="/", secure=console.secure
    )
    return response


async def unlock(request: web.Request) -> web.StreamResponse:
    """Keep the passphrase for this session if it opens any key of the member."""
    console, session = request.app[CONSOLE], request[SESSION]
    form = await request.post()
    given = str(form.get("passphrase", ""))

    def keys(ledger: Ledger) -> tuple[Keyring, list[str]]:
        keyring = Keyring(ledger.keyring.path(console.member, KeyUse.MAKER).parent,
                          lambda member, use: given)  # fmt: skip
        return keyring, list(ledger.settings.validators)

    keyring, members = await console.desk.read(keys)
    opened = await console.desk.aside(lambda: opens(keyring, members, console.member, given))
    with speaking(spoken(request)):
        if not any(use is not KeyUse.VALIDATOR for _, use in opened):
            session.wrong += 1
            session.said.append((False, text("console.unlock_wrong")))
            if session.wrong >= WRONG_MAX:
                console.sessions.end(request.cookies.get(COOKIE, ""))
            raise web.HTTPSeeOther("/unlock")
        console.sessions.open_keys(session, opened)
        uses = [text(f"console.key_{use.value}") for _, use in opened]
        session.said.append((True, text("console.unlocked", keys=", ".join(dict.fromkeys(uses)))))
    raise web.HTTPSeeOther(next_page(form))


async def lock(request: web.Request) -> web.StreamResponse:
    """Forget the passphrases."""
    request[SESSION].passphrases.clear()
    raise web.HTTPSeeOther(next_page(await request.post()))


async def set_language(request: web.Request) -> web.StreamResponse:
    """Speak another language in this session."""
    form = await request.post()
    chosen = str(form.get("language", ""))
    if chosen in LANGUAGES:
        request[SESSION].language = chosen
    raise web.HTTPSeeOther(next_page(form))


def next_page(given: Mapping[str, object]) -> str:
    """Where to go on: an address of this server, whatever the form says."""
    wanted = str(given.get("next", ""))
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if inside and wanted.isprintable() else "/today"
