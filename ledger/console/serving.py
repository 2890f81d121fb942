"""Serving: the console over HTTP: pages in the form that is asked for, and acts.

A GET changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

from aiohttp import web

from ledger.console import acting, entering, inspecting, rendering, routes
from ledger.console.acting import view_of
from ledger.console.addresses import identifier
from ledger.console.door import (
    BODY_BYTES_MAX,
    CONSOLE,
    SCOPE,
    SESSION,
    Console,
    Handler,
    form_of,
    guard,
    problems,
    spoken,
)
from ledger.console.drafts import ADDRESS as DRAFTS
from ledger.console.outcomes import Work
from ledger.console.page import Field, Form, Page
from ledger.console.pages import audit, charts, entries, packs, proofs, reports
from ledger.console.rendering import Around
from ledger.console.sessions import Session
from ledger.console.view import NotShown, View
from ledger.keys import KeyUse
from ledger.messages import speaking, text
from ledger.node.callers import Scope

if TYPE_CHECKING:
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
        add.add_post(act.path, acting.act(act))
    for posting in routes.POSTINGS:
        add.add_post(posting.path, acting.draft(posting))
    add.add_get(DRAFTS + "/{draft}", _draft)
    add.add_post(DRAFTS + "/{draft}/post", acting.post)
    add.add_get("/deals/{deal}/entries/{own}/proof.json", _proof)
    add.add_get("/audit", _audit)
    add.add_post("/audit/check", inspecting.begin(Work.CHECK))
    add.add_post("/audit/replay", inspecting.begin(Work.REPLAY))
    add.add_post("/audit/stop", inspecting.stop)
    add.add_get(packs.ADDRESS, _pack)
    add.add_post(packs.ADDRESS, inspecting.begin(Work.PACK))
    add.add_get(packs.FILE, _packed)
    add.add_get("/proof", _verification)
    add.add_post("/proof", _verification)
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


async def _draft(request: web.Request) -> web.StreamResponse:
    kept = request[SESSION].drafts.find(request.match_info["draft"])
    return await _show(request, kept.page)


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
    return await _show(request, lambda view: audit.audit(view, console.checks))


async def _pack(request: web.Request) -> web.StreamResponse:
    console = request.app[CONSOLE]
    return await _show(request, lambda view: packs.pack(view, console.checks))


async def _packed(request: web.Request) -> web.StreamResponse:
    console = request.app[CONSOLE]
    name, body = await _read(request, lambda view: packs.file(view, console.checks))
    response = web.Response(body=body, content_type="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


async def _verification(request: web.Request) -> web.StreamResponse:
    sent = await inspecting.sent_file(request, "proof")
    return await _show(request, lambda view: proofs.verification(view, sent))


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
        view = view_of(console, ledger, book, query)
        page = build(view)
        if ledger.book().at == before:
            break
    return page, view


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
        typed=session.typed,
        locks=bool(session.passphrases),
        reads_only=scope is not Scope.SUBMIT,
        imported=view.ledger.settings.imported,
    )


async def _report(request: web.Request) -> web.StreamResponse:
    """A report as a page, or as a file of the form that is asked for."""
    name, form = request.match_info["name"], form_of(request)
    if form not in reports.FILES:
        return await _show(request, lambda view: reports.report(view, name))
    body = await _read(request, lambda view: reports.as_file(reports.made(view, name, form), form))
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
            return build(view_of(console, ledger, ledger.book(), query))

    return await console.desk.read(work)


async def _proof(request: web.Request) -> web.StreamResponse:
    deal, own = request.match_info["deal"], identifier(request.match_info["own"])
    body = await _read(request, lambda view: entries.proof(view, deal, own))
    response = web.Response(body=body, content_type="application/json", charset="utf-8")
    name = f"proof-{own.hex()[:12]}.json"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
