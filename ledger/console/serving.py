"""Serving: the console over HTTP: pages in the form that is asked for, and acts.

A GET changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from ledger.checking import Checked, check
from ledger.console import entering, rendering, routes
from ledger.console.door import (
    BODY_BYTES_MAX,
    CONSOLE,
    SCOPE,
    SESSION,
    Console,
    Handler,
    form_of,
    guard,
    lines,
    problem,
    problems,
    spoken,
)
from ledger.console.page import Field, Form, Page
from ledger.console.pages import audit, charts, entries, reports
from ledger.console.rendering import Around
from ledger.console.sessions import Session
from ledger.console.view import NotShown, View, business_date
from ledger.errors import LedgerError, LedgerUnusable
from ledger.keys import KeyUse
from ledger.messages import speaking, text
from ledger.node.callers import Scope

if TYPE_CHECKING:
    from ledger.book import Book
    from ledger.ledger import Ledger

_Result = TypeVar("_Result")
ATTEMPTS = 3
"""Times a page is made anew when the book moved while it was read."""
_OF_PICTURES = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""A drawing has its styles within."""


def application(console: Console) -> web.Application:
    """The server's application."""
    app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[guard, problems])
    app[CONSOLE] = console
    add = app.router
    add.add_get("/", entering.home)
    add.add_get("/enter", entering.enter)
    add.add_post("/enter", entering.enter)
    add.add_get("/static/console.css", entering.style)
    add.add_get("/favicon.ico", entering.no_icon)
    add.add_get("/reports/{name}", _report)
    add.add_get(r"/charts/{name:[a-z-]+}.{form:svg|png}", _picture)
    for route in routes.PAGES:
        add.add_get(route.path, _page(route))
    for act in routes.ACTS:
        add.add_post(act.path, _act(act))
    add.add_get("/deals/{deal}/entries/{own}/proof.json", _proof)
    add.add_get("/audit", _audit)
    add.add_post("/audit/check", _check)
    add.add_get("/unlock", _unlock_form)
    add.add_post("/unlock", entering.unlock)
    add.add_post("/lock", entering.lock)
    add.add_post("/language", entering.set_language)
    return app


# ---- pages


def _page(route: routes.Route) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        matched = dict(request.match_info)
        return await _show(request, lambda view: routes.made(route, view, matched))

    return handler


async def _unlock_form(request: web.Request) -> web.StreamResponse:
    fields = (
        Field(name="passphrase", kind="password"),
        Field(name="next", kind="hidden", value=entering.next_page(request.query)),
    )

    def build(view: View) -> Page:
        form = Form(
            key="unlock",
            action="/unlock",
            fields=fields,
            says=text("console.unlock_says", member=view.member.member_id),
        )
        return Page(title=text("console.unlock_title"), tab="", forms=(form,))

    return await _show(request, build)


async def _audit(request: web.Request) -> web.StreamResponse:
    console = request.app[CONSOLE]
    return await _show(request, lambda view: audit.audit(view, console.checked))


async def _show(request: web.Request, build: Callable[[View], Page]) -> web.Response:
    """A page in the form that the address asks for."""
    console, session, scope = request.app[CONSOLE], request[SESSION], request[SCOPE]
    form, query = form_of(request), dict(request.query)
    path = request.path_qs
    chosen = spoken(request)

    def work(ledger: Ledger) -> tuple[bytes | None, str]:
        with speaking(chosen):
            page, view = _still(console, ledger, query, build)
            if form == "json":
                return page.as_json(), "application/json"
            if form == "csv":
                return page.as_csv(query.get("table", "")), "text/csv"
            around = _around(session, scope, view, path)
            return rendering.rendered(page, around), "text/html"

    body, kind = await console.desk.read(work)
    if body is None:
        raise NotShown(query.get("table", ""))
    if kind == "text/html":
        session.said.clear()
    response = web.Response(body=body, content_type=kind, charset="utf-8")
    if kind == "text/csv":
        name = request.path.strip("/").replace("/", "-")
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _still(
    console: Console, ledger: Ledger, query: Mapping[str, str], build: Callable[[View], Page]
) -> tuple[Page, View]:
    """A page all of whose numbers are of one block."""
    for _ in range(ATTEMPTS):
        book = ledger.book()
        before = book.at
        view = _view(console, ledger, book, query)
        page = build(view)
        if ledger.book().at == before:
            break
    return page, view


def _view(console: Console, ledger: Ledger, book: Book, query: Mapping[str, str]) -> View:
    return View(
        ledger=ledger,
        book=book,
        member=ledger.member(console.member),
        today=business_date(ledger, book, console.clock_day()),
        query=query,
    )


def _around(session: Session, scope: Scope, view: View, path: str) -> Around:
    keyring, member = view.ledger.keyring, view.member.member_id
    here = frozenset(use for use in KeyUse if keyring.holds(member, use))
    opened = here if view.ledger.settings.dev else frozenset(session.opened(member))
    return Around(
        ledger=view.ledger.settings.name,
        member=f"{member} {view.member.name}",
        path=path,
        query=view.query,
        block=view.book.at[0],
        form_token=session.form_token,
        opened=opened,
        here=here,
        said=tuple(session.said),
        locks=bool(session.passphrases),
        reads_only=scope is not Scope.SUBMIT,
        imported=view.ledger.settings.imported,
    )


async def _report(request: web.Request) -> web.StreamResponse:
    """A report as a page, or as a file of the form that is asked for."""
    name, form = request.match_info["name"], form_of(request)
    if form not in reports.FILES:
        return await _show(request, lambda view: reports.report(view, name))
    body = await _read(request, lambda view: reports.as_file(reports.made(view, name), form))
    response = web.Response(body=body, content_type=reports.FILES[form])
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


async def _picture(request: web.Request) -> web.StreamResponse:
    name, form = request.match_info["name"], request.match_info["form"]
    body = await _read(request, lambda view: charts.picture(view, name, form))
    response = web.Response(body=body, content_type=charts.PICTURES[form])
    response.headers["Content-Security-Policy"] = _OF_PICTURES
    return response


async def _read(request: web.Request, build: Callable[[View], _Result]) -> _Result:
    """What is read from the ledger, in the session's language."""
    console, query, chosen = request.app[CONSOLE], dict(request.query), spoken(request)

    def work(ledger: Ledger) -> _Result:
        with speaking(chosen):
            return build(_view(console, ledger, ledger.book(), query))

    return await console.desk.read(work)


async def _proof(request: web.Request) -> web.StreamResponse:
    deal, own = request.match_info["deal"], routes.identifier(request.match_info["own"])
    body = await _read(request, lambda view: entries.proof(view, deal, own))
    response = web.Response(body=body, content_type="application/json", charset="utf-8")
    name = f"proof-{own.hex()[:12]}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# ---- acts


def _act(route: routes.ActRoute) -> Handler:
    async def handler(request: web.Request) -> web.StreamResponse:
        console, session = request.app[CONSOLE], request[SESSION]
        if request[SCOPE] is not Scope.SUBMIT:
            return await problem(request, 403, [text("console.reads_only")])
        form = {key: value for key, value in (await request.post()).items()
                if isinstance(value, str)}  # fmt: skip
        given = form | dict(request.match_info)
        chosen = spoken(request)

        def work(ledger: Ledger) -> tuple[str, str]:
            with speaking(chosen):
                view = _view(console, ledger, ledger.book(), {})
                done = route.act(view, given)
                return done.says, done.link

        console.sessions.acted(session)
        try:
            says, link = await console.desk.act(session.given(console.desk.passphrases), work)
        except LedgerError as error:
            if isinstance(error, LedgerUnusable):
                raise
            session.said += [(False, line) for line in lines(error)]
            raise web.HTTPSeeOther(_back(request)) from None
        session.said.append((True, says))
        raise web.HTTPSeeOther(link)

    return handler


def _back(request: web.Request) -> str:
    """The page of the form that was posted: what the act is about."""
    path = request.path.rpartition("/")[0]
    known = path.rpartition("/")
    return known[0] if "/settlements/" in path and known[0].count("/") > 3 else path


async def _check(request: web.Request) -> web.StreamResponse:
    console = request.app[CONSOLE]
    chosen = spoken(request)

    def work(ledger: Ledger) -> Checked:
        with speaking(chosen):
            day = business_date(ledger, ledger.book(), console.clock_day())
            return check(ledger, day)

    console.checked = await console.desk.act(console.desk.passphrases, work)
    raise web.HTTPSeeOther("/audit")
