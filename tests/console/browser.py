"""A browser as far as a test needs one: cookies, forms, redirects; and the console that it asks."""

from __future__ import annotations

import http.client
import json
import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urldefrag, urlencode, urlsplit

from tests.cli.office import Office

DEADLINE_SECONDS = 60


@dataclass(slots=True)
class Form:
    """A form of a page."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Reading(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes += own.items()
        if tag == "a":
            self.links.append(own["href"])
        if tag == "form":
            self.forms.append(Form(own.get("action", ""), own.get("method", "get")))
        if tag == "input" and self.forms:
            self.forms[-1].fields[own["name"]] = own.get("value", "")
        if tag == "button" and self.forms:
            self.forms[-1].buttons.append(own.get("value", ""))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@dataclass(slots=True, kw_only=True)
class Answer:
    """What the server said."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def page(self) -> _Reading:
        """The body read as HTML."""
        reading = _Reading()
        reading.feed(self.body.decode())
        return reading

    @property
    def text(self) -> str:
        """The words of the page."""
        return " ".join(" ".join(self.page.text).split())

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def form(self, ending: str) -> Form:
        """The form that is posted to an address of that ending."""
        return next(one for one in self.page.forms if one.action.endswith(ending))


@dataclass(slots=True)
class Browser:
    """Someone at one console."""

    url: str
    language: str = "en"
    cookie: str = ""
    tls: ssl.SSLContext | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """Name and port of the server."""
        return urlsplit(self.url).netloc

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """One request, no redirect followed."""
        made = (
            http.client.HTTPSConnection(self.host, timeout=DEADLINE_SECONDS, context=self.tls)
            if self.url.startswith("https")
            else http.client.HTTPConnection(self.host, timeout=DEADLINE_SECONDS)
        )
        sent = {"Cookie": self.cookie, "Accept-Language": self.language, **self.headers}
        if method == "POST":
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            made.request(method, path, body=body or None, headers=sent)
            found = made.getresponse()
            answer = Answer(status=found.status, headers=dict(found.getheaders()), body=found.read())
        finally:
            made.close()
        kept = answer.headers.get("Set-Cookie")
        if kept:
            self.cookie = kept.partition(";")[0]
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        """A page, redirects followed."""
        answer = self.ask("GET", path, **headers)
        while answer.status == 303:
            answer = self.ask("GET", answer.headers["Location"])
        return answer

    def enter(self) -> Answer:
        """Open the printed address."""
        split = urlsplit(self.url)
        return self.get(f"{split.path}?{split.query}")

    def post(self, form: Form, **given: str) -> Answer:
        """Send a form and go where the answer leads."""
        answer = self.ask("POST", form.action, urlencode({**form.fields, **given}).encode())
        if answer.status == 303:
            return self.get(answer.headers["Location"])
        return answer

    def rows(self, path: str, table: str) -> list[dict[str, Any]]:
        """A table of a page, as its JSON has it."""
        answer = self.get(path + ("&" if "?" in path else "?") + "format=json")
        assert answer.status == 200, answer
        rows: list[dict[str, Any]] = answer.document[table]
        return rows


@contextmanager
def console(office: Office, member: str, *options: str) -> Iterator[Browser]:
    """The console of a member on a port of its own, and a browser that was let in."""
    process = office.start("console", "--as", member, "--port", "0", "--json", *options)
    try:
        assert process.stdout is not None and process.stderr is not None
        line = process.stdout.readline()
        assert line, process.stderr.read()
        browser = Browser(json.loads(line)["url"])
        if "--host" not in options:
            assert browser.enter().status == 200
        yield browser
    finally:
        process.terminate()
        try:
            _, said = process.communicate(timeout=DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert process.returncode == 0, said
    assert "Traceback" not in said, said


def inside(answer: Answer) -> list[str]:
    """The addresses of this server that a page leads to."""
    return [urldefrag(link).url for link in answer.page.links if re.match(r"/(?!/)", link)]
