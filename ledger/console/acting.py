"""Acting: forms that are posted to the console, drafts of what they would post, and the posting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from ledger.console.acts import Done
from ledger.console.door import (
    CONSOLE,
    SCOPE,
    SESSION,
    Console,
    Handler,
    lines,
    problem,
    spoken,
)
from ledger.console.drafts import Draft, Posting, SessionDraft
from ledger.console.routes import ActRoute, PostingRoute
from ledger.console.sessions import Session
from ledger.console.view import View, business_date
from ledger.errors import LedgerError, LedgerUnusable
from ledger.messages import speaking, text
from ledger.node.callers import Scope

if TYPE_CHECKING:
    from ledger.book import Book
    from ledger.ledger import Ledger

_Result = TypeVar("_Result")


def view_of(console: Console, ledger: Ledger, book: Book, query: Mapping[str, str]) -> View:
    """The ledger as the console's member sees it today."""
    return View(
        ledger=ledger,
        book=book,
        member=ledger.member(console.member),
        today=business_date(ledger, book, console.clock_day()),
        query=query,
        worked=console.worked,
    )


def act(route: ActRoute) -> Handler:
    """What is done at once."""

    async def handler(request: web.Request) -> web.StreamResponse:
        given = await _given(request)
        session = request[SESSION]
        if not _may(request):
            return await problem(request, 403, [text("console.reads_only")])
        done = await _worked(request, lambda view: route.act(view, given), _back(request, 1))
        session.said.append((True, done.says))
        raise web.HTTPSeeOther(done.link)

    return handler


def draft(route: PostingRoute) -> Handler:
    """What is posted only once it was read: a dry run, and the page that shows what it came to."""
    posting: Posting = route.posting

    async def handler(request: web.Request) -> web.StreamResponse:
        given = await _given(request)
        session = request[SESSION]
        if not _may(request):
            return await problem(request, 403, [text("console.reads_only")])
        # Who comes back finds what they filled in.
        session.keep_typed(request.path, given)
        back = _back(request, route.up)

        def drafted(view: View) -> Draft:
            return posting.draft(view, given)

        made = await _worked(request, drafted, back)
        kept = session.drafts.keep(posting, made, back=back, asked=request.path)
        raise web.HTTPSeeOther(kept.address)

    return handler


async def post(request: web.Request) -> web.StreamResponse:
    """Post a draft, once: who asks again is told what became of it."""
    session = request[SESSION]
    kept = session.drafts.find(request.match_info["draft"])
    if not _may(request):
        return await problem(request, 403, [text("console.reads_only")])
    async with kept.busy:
        if kept.done is None:
            done = await _worked(request, kept.post, kept.address)
            _note(session, kept, done, spoken(request))
        else:
            done = kept.done
            with speaking(spoken(request)):
                session.said.append((True, text("console.draft_once")))
    raise web.HTTPSeeOther(kept.address if done is None else done.link)


def _note(session: Session, kept: SessionDraft, done: Done | None, chosen: str) -> None:
    """Remember that a draft was posted, or say that it has become another."""
    if done is None:
        with speaking(chosen):
            session.said.append((False, text("console.draft_moved")))
        return
    kept.done = done
    session.typed.pop(kept.asked, None)
    session.said.append((True, done.says))


def _may(request: web.Request) -> bool:
    return request[SCOPE] is Scope.SUBMIT


async def _given(request: web.Request) -> Mapping[str, str]:
    """What the form and the address say; the form's own word is for the door alone."""
    form = {key: value for key, value in (await request.post()).items()
            if isinstance(value, str) and key != "form_token"}  # fmt: skip
    return form | dict(request.match_info)


async def _worked(request: web.Request, work: Callable[[View], _Result], back: str) -> _Result:
    """What an act comes to, with the session's keys; a refusal is said on the page `back`."""
    console, session, chosen = request.app[CONSOLE], request[SESSION], spoken(request)

    def run(ledger: Ledger) -> _Result:
        with speaking(chosen):
            return work(view_of(console, ledger, ledger.book(), {}))

    console.sessions.acted(session)
    try:
        return await console.desk.act(session.given(console.desk.passphrases), run)
    except LedgerError as error:
        if isinstance(error, LedgerUnusable):
            raise
        with speaking(chosen):
            session.said += [(False, line) for line in lines(error)]
        raise web.HTTPSeeOther(back) from None


def _back(request: web.Request, up: int) -> str:
    """The page of the form that was posted: what the act is about."""
    return request.path.rsplit("/", up)[0]
