"""The door: who is let in, what a page elsewhere cannot do, and what a browser is told not to run."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from ledger.console.sessions import Sessions, is_form_token
from ledger.keys import KeyUse
from ledger.node.callers import Scope
from ledger.node.tokens import Tokens
from tests.cli.office import DEAL, LEAD, SERVICER, Office
from tests.console.browser import Browser, console

POSTS = (
    f"/deals/{DEAL}/days/2026-02-10/seal", f"/deals/{DEAL}/settlements/settle", "/unlock", "/lock", "/language",
    f"/deals/{DEAL}/deposit/pay", f"/deals/{DEAL}/claims/run", "/drafts/" + "0" * 24 + "/post",
    "/audit/check", "/breaks/" + "0" * 64 + "/waive", "/approvals/" + "0" * 64 + "/approve",
)  # fmt: skip


def test_nothing_is_shown_without_the_printed_address(bank: Browser) -> None:
    for path in ("/", "/today", f"/deals/{DEAL}?format=json", "/reports/balances?format=xlsx", "/nothing"):
        answer = Browser(bank.url).ask("GET", path)
        assert answer.status == 401, path
        assert DEAL not in answer.text
    for key in ("", "x" * 32, "é"):
        answer = Browser(bank.url).ask("GET", "/enter?" + urlencode({"key": key}))
        assert (answer.status, answer.headers.get("Set-Cookie")) == (401, None)


def test_the_cookie_is_kept_from_scripts_and_other_sites(bank: Browser) -> None:
    split = urlsplit(bank.url)
    answer = Browser(bank.url).ask("GET", f"{split.path}?{split.query}")
    assert answer.status == 303 and answer.headers["Location"] == "/today"
    kept = answer.headers["Set-Cookie"]
    assert "HttpOnly" in kept and "SameSite=Strict" in kept and "Path=/" in kept


@pytest.mark.parametrize("path", ["/today", "/nothing", "/static/console.css", "/charts/cover.svg?deal=" + DEAL])
def test_every_answer_says_what_a_browser_may_not_do(bank: Browser, path: str) -> None:
    headers = bank.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'") and "script" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"


def test_no_page_has_a_script_a_style_of_its_own_or_anything_from_elsewhere(bank: Browser) -> None:
    for path in ("/today", f"/deals/{DEAL}", f"/deals/{DEAL}/settlements", "/loans?q=L", "/unlock", "/nothing"):
        page = bank.get(path).page
        assert not {"script", "style", "iframe", "object"} & set(page.tags)
        for name, value in page.attributes:
            assert not name.startswith("on") and name != "style"
            if name in ("href", "src", "action"):
                assert value.startswith(("/", "#")), value


@pytest.mark.parametrize("path", POSTS)
def test_a_form_of_a_page_elsewhere_does_nothing(bank: Browser, path: str) -> None:
    for form in ({}, {"form_token": "x" * 43}):
        answer = bank.ask("POST", path, urlencode(form).encode())
        assert answer.status == 403
    assert bank.ask("POST", path, b"\xff\xfe\x00=%zz&form_token").status in (400, 403)


def test_a_form_sent_from_another_site_does_nothing(bank: Browser) -> None:
    form = bank.get("/today").form("/language")
    body = urlencode({**form.fields, "language": "zh"}).encode()
    for site in ("cross-site", "same-site"):
        assert bank.ask("POST", "/language", body, Sec_Fetch_Site=site).status == 403


def test_another_name_of_this_machine_leads_nowhere(bank: Browser) -> None:
    """A name that somebody points at 127.0.0.1 would make their pages this server's own."""
    port = bank.host.rpartition(":")[2]
    for name in ("evil.example", f"evil.example:{port}", "", "127.0.0.1", f"127.0.0.1.evil.example:{port}"):
        assert bank.ask("GET", "/today", Host=name).status == 421, name
    assert bank.ask("GET", "/today", Host=f"localhost:{port}").status == 200


def test_a_get_changes_nothing(bank: Browser, morning_office: Office) -> None:
    head = morning_office.head()
    for path in POSTS:
        assert bank.get(path).status in (200, 404, 405), path
    assert morning_office.head() == head


def test_where_to_go_on_is_never_another_site(bank: Browser) -> None:
    form = bank.get("/today").form("/language")
    for place in ("https://evil.example/", "//evil.example/", "/\\evil.example", "\r\nX: y", "evil"):
        body = urlencode({**form.fields, "language": "en", "next": place}).encode()
        answer = bank.ask("POST", "/language", body)
        assert (answer.status, answer.headers["Location"]) == (303, "/today")
        assert "X" not in answer.headers


def test_what_is_too_large_or_no_request_is_refused(bank: Browser) -> None:
    form = bank.get("/today").form("/language")
    body = urlencode({**form.fields, "language": "x" * 20_000}).encode()
    assert bank.ask("POST", "/language", body).status == 413
    assert bank.ask("DELETE", "/today").status in (404, 405)
    assert bank.ask("GET", "/today?date=" + "9" * 5_000).status == 400
    assert bank.get("/today").status == 200


# ---- sessions by the clock


class _Clock:
    def __init__(self) -> None:
        self.at = 1_000

    def now(self) -> int:
        return self.at


def test_a_session_is_over_after_a_while_and_its_keys_are_closed_before() -> None:
    clock = _Clock()
    sessions = Sessions(clock.now, session_seconds=100, keys_seconds=10)
    token, session = sessions.begin("key")
    sessions.open_keys(session, {("bank-a", KeyUse.MAKER): "word"})
    clock.at += 10
    assert sessions.find(token) is session and session.opened("bank-a") == {KeyUse.MAKER}
    clock.at += 1
    assert sessions.find(token) is session and not session.opened("bank-a")
    sessions.open_keys(session, {("bank-a", KeyUse.MAKER): "word"})
    clock.at += 11
    sessions.sweep()
    assert not session.passphrases
    clock.at += 101
    assert sessions.find(token) is None


def test_sessions_are_bounded_and_their_tokens_their_own() -> None:
    clock = _Clock()
    sessions = Sessions(clock.now)
    made = []
    for _ in range(150):
        clock.at += 1
        made.append(sessions.begin("key"))
    alive = [token for token, _ in made if sessions.find(token)]
    assert len(alive) == 100 and alive[-1] == made[-1][0]
    assert not is_form_token(made[-1][1], made[-2][1].form_token)
    assert is_form_token(made[-1][1], made[-1][1].form_token)


# ---- served to others


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [program, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
         "-out", chain, "-days", "2", "-subj", "/CN=console", "-addext", "subjectAltName=IP:127.0.0.1,IP:0.0.0.0"],
        check=True, capture_output=True,
    )  # fmt: skip
    key.chmod(0o600)
    return chain, key


@pytest.fixture(scope="module")
def served(
    morning_office: Office, certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Office, Browser]]:
    """The bank's console, open to other machines over TLS; nobody is let in yet."""
    office = morning_office.copy(tmp_path_factory.mktemp("served") / "office")
    Tokens(office.home).add(LEAD, Scope.READ, None)
    chain, key = certificate
    options = ("--host", "0.0.0.0", "--name", "127.0.0.1", "--tls-cert", str(chain), "--tls-key", str(key))
    with console(office, LEAD, *options) as browser:
        browser.url = browser.url.replace("0.0.0.0", "127.0.0.1")
        browser.tls = ssl.create_default_context(cafile=str(chain))
        yield office, browser


def test_others_show_a_token_of_the_member(served: tuple[Office, Browser]) -> None:
    office, browser = served
    tokens = Tokens(office.home)
    entrance = browser.get("/today")
    assert entrance.status == 401 and entrance.form("/enter")
    assert "key=" not in browser.url
    form = entrance.form("/enter")
    for wrong in ("", "x", tokens.add(SERVICER, Scope.SUBMIT, None)):
        assert browser.post(form, key=wrong).status == 401
    own = tokens.add(LEAD, Scope.SUBMIT, None)
    answer = browser.ask("POST", "/enter", urlencode({"key": own}).encode())
    assert "Secure" in answer.headers["Set-Cookie"]
    assert browser.get("/today").status == 200
    page = browser.get(f"/deals/{DEAL}/days/2026-02-10")
    assert page.form("/seal").buttons
    known = own.split("_")[1]
    tokens.revoke(known)
    assert browser.get("/today").status == 401


def test_a_token_to_read_with_does_nothing(served: tuple[Office, Browser]) -> None:
    office, browser = served
    own = Tokens(office.home).add(LEAD, Scope.READ, None)
    browser.post(browser.get("/today").form("/enter"), key=own)
    page = browser.get(f"/deals/{DEAL}/days/2026-02-10")
    form = page.form("/seal")
    assert page.status == 200 and not form.buttons
    assert browser.post(form).status == 403


@pytest.mark.parametrize("tls", [False, True])
def test_it_is_not_open_to_others_by_oversight(
    morning_office: Office, tls: bool, certificate: tuple[Path, Path]
) -> None:
    chain, key = certificate
    options = ("--tls-cert", str(chain), "--tls-key", str(key)) if tls else ()
    ended = morning_office.process("console", "--as", LEAD, "--host", "0.0.0.0", "--port", "0", "--json", *options)
    assert ended.exit_code == 2
    assert ("token" if tls else "--tls-cert") in json.loads(ended.stdout)["error"]["fix"]
