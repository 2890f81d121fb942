"""Inspecting: begin and end what is checked beside the pages, and take a file that is to be read.

Nothing here writes on the ledger, so that no key is asked for and a token to read with is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from aiohttp import web

from ledger.console.acting import view_of
from ledger.console.door import CONSOLE, SESSION, Handler, lines, spoken
from ledger.console.outcomes import Work
from ledger.console.packing import PackAsked
from ledger.console.pages import packs
from ledger.errors import InputInvalid
from ledger.messages import speaking, text

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_PAGE = "/audit"


def begin(work: Work) -> Handler:
    """Begin a check, a replay or a pack, unless something is underway."""

    async def handler(request: web.Request) -> web.StreamResponse:
        console, session, chosen = request.app[CONSOLE], request[SESSION], spoken(request)
        sent = await request.post()
        form = {key: value for key, value in sent.items() if isinstance(value, str)}

        def read(ledger: Ledger) -> tuple[int, PackAsked | None]:
            with speaking(chosen):
                view = view_of(console, ledger, ledger.book(), {})
                return view.today, packs.asked(view, form) if work is Work.PACK else None

        try:
            day, pack = await console.desk.read(read)
        except InputInvalid as error:
            session.said += [(False, line) for line in lines(error)]
            query = urlencode({"deal": form.get("deal", "")})
            raise web.HTTPSeeOther(f"{packs.ADDRESS}?{query}") from None
        engine = form.get("engine", "")
        if not console.checks.start(work, day=day, language=chosen, engine=engine, pack=pack):
            with speaking(chosen):
                session.said.append((False, text("console.work_busy")))
        raise web.HTTPSeeOther(_PAGE)

    return handler


async def stop(request: web.Request) -> web.StreamResponse:
    """End what is underway."""
    request.app[CONSOLE].checks.stop()
    raise web.HTTPSeeOther(_PAGE)


async def sent_file(request: web.Request, name: str) -> bytes | None:
    """The content of a file that a form sent; None for none."""
    if request.method != "POST":
        return None
    sent = (await request.post()).get(name)
    return sent.file.read() if isinstance(sent, web.FileField) else None
