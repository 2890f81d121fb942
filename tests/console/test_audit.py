"""Audit: what is checked beside the pages is what the commands find, of which block, and who sees it."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import stat
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger.console import outcomes
from ledger.console.checker import Job
from ledger.console.checks import PROGRAM, Checks, Place
from ledger.console.outcomes import KeptFailure, Outcome, Work
from ledger.console.packing import PackAsked, make_pack
from ledger.console.page import Form, Page
from ledger.console.pages import packs
from ledger.console.pages.audit import audit, duties
from ledger.console.rendering import Around, rendered
from ledger.console.view import NotShown, View
from ledger.ledger import Ledger
from ledger.replay.invariants import invariants
from tests.cli.office import DEAL, LEAD, REPAYMENT_COLUMNS, Office
from tests.console.audited import AUDITOR, audited_office, tamper, until
from tests.console.browser import DEADLINE_SECONDS, Answer, Browser, console

OUTSIDER = "outsider-o"


def ended(browser: Browser) -> Answer:
    """The page once nothing is underway."""
    until(lambda: browser.get("/audit?format=json").document["underway"] is None)
    return browser.get("/audit")


def looked(browser: Browser, *works: str) -> Answer:
    """The page after a check, or a replay."""
    for work in works:
        browser.post(browser.get("/audit").form(f"/audit/{work}"))
        answer = ended(browser)
    return answer


@dataclass(frozen=True, slots=True)
class Before:
    """The page as it is before anything was checked."""

    said: str
    checks: list[dict[str, Any]]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Office:
    return audited_office(tmp_path_factory.mktemp("audited") / "office")


@pytest.fixture(scope="module")
def wrong(clean: Office, tmp_path_factory: pytest.TempPathFactory) -> Office:
    """The same office with something wrong in its folder."""
    office = clean.copy(tmp_path_factory.mktemp("wrong") / "office")
    tamper(office)
    return office


@pytest.fixture(scope="module")
def morning(wrong: Office, clean: Office) -> Iterator[tuple[Browser, Before]]:
    """The auditor's console on what is in order, before and after a check and a replay."""
    with console(clean, AUDITOR) as browser:
        before = Before(browser.get("/audit").text, browser.rows("/audit", "checks"))
        looked(browser, "check", "replay")
        yield browser, before


@pytest.fixture(scope="module")
def auditor(morning: tuple[Browser, Before]) -> Browser:
    return morning[0]


@pytest.fixture(scope="module")
def finding(wrong: Office) -> Iterator[Browser]:
    """The auditor's console on what is wrong, after a check and a replay."""
    with console(wrong, AUDITOR) as browser:
        looked(browser, "check", "replay")
        yield browser


# ---- nothing wrong


def test_before_anything_was_checked_the_invariants_are_listed(
    morning: tuple[Browser, Before],
) -> None:
    _, before = morning
    assert "Neither checked nor replayed" in before.said
    assert {row["check"]: row["says"] for row in before.checks} == invariants()
    assert all(row["failed"] is None and row["times_checked"] is None for row in before.checks)


def test_a_check_and_a_replay_come_to_what_the_commands_say(
    auditor: Browser, clean: Office
) -> None:
    answer = auditor.get("/audit")
    assert "Check: nothing wrong found" in answer.text and "Replay: nothing wrong" in answer.text
    replayed = clean.run("replay", "--json").document
    checked = clean.run("check", "--json").document
    document = auditor.get("/audit?format=json").document
    levels = [
        {"level": one["level"], "checks": one["checks"], "failures": one["failures"]}
        for one in replayed["levels"]
    ]
    assert [
        {"level": one["level"], "checks": one["times"], "failures": one["failed"]}
        for one in document["levels"]
    ] == levels
    times = {
        row["check"]: (row["times_checked"], row["times_replayed"]) for row in document["checks"]
    }
    assert times.keys() == {*invariants(), *checked["checks"], *replayed["checks"]}
    for check, (in_place, again) in times.items():
        assert in_place == checked["checks"].get(check), check
        assert again == replayed["checks"].get(check), check
    for row in document["checks"]:
        made = row["times_checked"] is not None or row["times_replayed"] is not None
        assert row["failed"] == (0 if made else None)
    (check, replay) = document["runs"]
    assert (check["work"], replay["work"]) == ("check", "replay")
    assert replay["hash"] == replayed["head_hash"] == check["hash"]
    assert replay["engines"] == ", ".join(replayed["engines"])
    assert {check["holds"], replay["holds"]} == {"head"}
    assert [(row["notice"], row["detail"]) for row in document["notices"]] == [
        (one["kind"], one["detail"]) for one in checked["notices"]
    ]


def test_what_was_found_is_kept_for_its_owner_and_outlives_the_console(
    auditor: Browser, clean: Office, tmp_path: Path
) -> None:
    files = list((clean.home / outcomes.FOLDER).iterdir())
    assert {path.name for path in files} >= {"check.json"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert stat.S_IMODE((clean.home / outcomes.FOLDER).stat().st_mode) == 0o700
    other = clean.copy(tmp_path / "other")
    with console(other, AUDITOR) as browser:
        assert "Check: nothing wrong found" in browser.get("/audit").text
        other.posted("repayment", f"{REPAYMENT_COLUMNS}\nR-7,L-2,2026-02-11,1.00,0.00,0.00,0.00\n")
        stale = browser.get("/audit")
        assert "1 block(s) came since" in stale.text
        assert browser.rows("/audit", "runs")[0]["holds"] == "stale"
        path = other.home / outcomes.FOLDER / "check.json"
        document = json.loads(path.read_bytes())
        path.write_text(json.dumps({**document, "block_hash": "0x" + "12" * 32}))
        assert "that block is not in this chain" in browser.get("/audit").text
        path.write_bytes(b'{"format"')
        assert browser.get("/audit").status == 200
        assert "check" not in {row["work"] for row in browser.rows("/audit", "runs")}


# ---- something wrong


def test_what_is_wrong_is_what_the_replay_says_with_its_place(
    finding: Browser, wrong: Office
) -> None:
    replayed = wrong.run("replay", "--json").document
    assert not replayed["ok"]
    rows = [row for row in finding.rows("/audit", "failures") if row["work"] == "replay"]
    shown = [
        (
            row["block"],
            row["transaction"],
            row["check"],
            row["expected_value"],
            row["found_value"],
            row["ref"],
        )
        for row in rows
    ]
    assert shown == [
        (
            one["block"],
            one["transaction"],
            one["check"],
            one["expected"],
            one["found"],
            one["entry"] or "",
        )
        for one in replayed["failures"]
    ]
    ((_, transaction, check, *_, ref),) = shown
    assert (transaction, check) == (0, "database") and ref.startswith("R-")
    answer = finding.get("/audit")
    assert 'class="lead attention"' in answer.body.decode()
    assert "Replay: 1 failure(s)" in answer.text


def test_what_is_wrong_in_the_book_is_what_the_check_says(finding: Browser, wrong: Office) -> None:
    checked = wrong.run("check", "--json").document
    assert not checked["ok"]
    rows = [row for row in finding.rows("/audit", "failures") if row["work"] == "check"]
    assert [
        {key: row[key] for key in ("check", "deal", "ref")}
        | {"expected": row["expected_value"], "found": row["found_value"]}
        for row in rows
    ] == checked["failures"]
    assert "balances" in {row["check"] for row in rows}
    failed = {row["check"]: row["failed"] for row in finding.rows("/audit", "checks")}
    assert failed["balances"] == 1 and failed["database"] == 1


def test_a_failure_leads_to_its_block_deal_and_entry(finding: Browser) -> None:
    links = finding.get("/audit").page.links
    for part in ("/chain/blocks/", "/entries/0x", f"/deals/{DEAL}"):
        address = next(link for link in links if part in link)
        assert finding.get(address).status == 200, address
    assert f"/reports/audit?deal={DEAL}" in links


def test_every_table_comes_as_csv(finding: Browser) -> None:
    document = finding.get("/audit?format=json").document
    for key in ("runs", "failures", "levels", "checks", "notices", "working_papers"):
        answer = finding.get(f"/audit?format=csv&table={key}")
        assert answer.headers["Content-Type"].startswith("text/csv"), key
        assert len(answer.body.decode().splitlines()) == len(document[key]) + 1


@pytest.mark.slow
def test_a_replay_on_one_evm_says_so(wrong: Office, tmp_path: Path) -> None:
    pytest.importorskip("pyrevm")
    with console(wrong.copy(tmp_path / "office"), AUDITOR) as browser:
        forms = [one for one in browser.get("/audit").page.forms if one.action == "/audit/replay"]
        assert [one.fields.get("engine", "") for one in forms] == ["", "revm"]
        browser.post(forms[1])
        ended(browser)
        (run,) = [row for row in browser.rows("/audit", "runs") if row["work"] == "replay"]
        assert run["engines"] == "revm"


@pytest.mark.parametrize(
    ("member", "seen"),
    [
        (AUDITOR, ["balances", "headers", "database"]),
        (LEAD, ["balances", "headers"]),
        (OUTSIDER, ["headers"]),
    ],
)
def test_who_is_no_auditor_sees_what_is_about_its_own_deals(
    clean: Office, tmp_path: Path, member: str, seen: list[str]
) -> None:
    outcomes.write(tmp_path, Work.REPLAY, of([
        failure(check="balances", deal=DEAL), failure(check="headers"),
        failure(check="database", about="12" * 32, ref="R-1"),
    ]))  # fmt: skip
    with Ledger.open(clean.home) as ledger:
        view = View(
            ledger=ledger, book=ledger.book(), member=ledger.member(member), today=20_000, query={}
        )
        page = audit(view, Checks(Place(directory=tmp_path)))
    document = page.as_document()
    assert [row["check"] for row in document["failures"]] == seen
    more = f"{3 - len(seen)} failure(s) more are about deals"
    assert any(more in note for note in page.notes) == (len(seen) < 3)
    assert not page.sure and "3 failure(s)" in page.lead


def failure(**given: str) -> KeptFailure:
    plain = {
        "about": "",
        "ref": "",
        "deal": "",
        "account": "",
        "transaction_hash": "",
        "expected": "1",
        "found": "2",
    }
    return KeptFailure.model_validate({**plain, "block": 3, "transaction": None, **given})


def of(failures: list[KeptFailure]) -> Outcome:
    return Outcome(
        format=outcomes.FORMAT, block=3, block_hash="0x12", began_at=0, ended_at=1, engines=("pyevm",), transactions=1,
        checks={}, failures=tuple(failures), levels=(), notices=(),
    )  # fmt: skip


# ---- proofs


def upload(browser: Browser, content: bytes, *, token: str = "") -> Answer:
    """Send a file by the form that asks for a proof."""
    form = browser.get("/proof").form("/proof")
    edge = b"edge-of-a-part"
    fields = {"form_token": token or form.fields["form_token"]}
    parts = [
        b'Content-Disposition: form-data; name="' + name.encode() + b'"\r\n\r\n' + value.encode()
        for name, value in fields.items()
    ]
    parts.append(
        b'Content-Disposition: form-data; name="proof"; filename="p.json"\r\nContent-Type: application/json\r\n\r\n'
        + content
    )
    body = (
        b"".join(b"--" + edge + b"\r\n" + part + b"\r\n" for part in parts)
        + b"--"
        + edge
        + b"--\r\n"
    )
    return browser.ask(
        "POST", "/proof", body, Content_Type=f"multipart/form-data; boundary={edge.decode()}"
    )


def linked(browser: Browser, path: str, part: str) -> str:
    """The first address on a page that has a part."""
    return next(link for link in browser.get(path).page.links if part in link)


def proof_address(browser: Browser, ref: str, kind: str) -> str:
    """Of the proof of an entry of a loan, by the links of its pages."""
    loan = linked(browser, f"/loans?q={ref}", "/loans/0x")
    return linked(browser, linked(browser, loan, f"/{kind}/0x"), "/proof.json")


@pytest.fixture(scope="module")
def proof(auditor: Browser) -> bytes:
    """Of the booking of L-1, whose day is sealed."""
    return auditor.get(proof_address(auditor, "L-1", "bookings")).body


def test_a_proof_that_is_sent_is_said_to_hold_as_by_the_command(
    auditor: Browser, proof: bytes, clean: Office
) -> None:
    answer = upload(auditor, proof)
    assert answer.status == 200 and "VALID: booking" in answer.text
    file = clean.file("sent.proof", proof)
    verified = clean.run("proof", "verify", file, "--json").document
    assert verified["valid"] and verified["day"]["digest"] in answer.text
    assert verified["posting"]["transaction"] in answer.text
    for member in ("bank-a", "platform-p"):
        assert member in answer.text
    for part in (f"/deals/{DEAL}/loans/0x", "/chain/blocks/", f"/deals/{DEAL}/days/2026-01-10"):
        assert any(part in link for link in answer.page.links), part


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda proof: proof.replace(b"780000", b"780001", 1), "another entry"),
        (lambda proof: proof[:-20], "not in the form of a proof"),
        (lambda proof: b"", "not in the form of a proof"),
        (lambda proof: b"\xff\xfe{}", "not in the form of a proof"),
        (lambda proof: b"[" * 100_000, "not in the form of a proof"),
    ],
    ids=["amount", "cut", "empty", "no-text", "nested"],
)
def test_what_proves_nothing_is_refused_with_its_reason(
    auditor: Browser, proof: bytes, change: Callable[[bytes], bytes], reason: str
) -> None:
    sent = change(proof)
    assert sent != proof
    answer = upload(auditor, sent)
    assert answer.status == 200 and "REFUSED:" in answer.text and reason in answer.text
    assert 'class="lead attention"' in answer.body.decode()


def test_a_file_is_taken_from_its_own_form_and_no_larger_than_a_proof_may_be(
    auditor: Browser, proof: bytes
) -> None:
    assert upload(auditor, proof, token="x" * 43).status == 403
    assert upload(auditor, b"x" * (1 << 20)).status == 413
    assert auditor.ask("POST", "/proof", b"--x", Content_Type="multipart/form-data").status == 400
    assert auditor.get("/proof").status == 200


def test_records_that_prove_nothing_are_not_given_out_as_a_proof(finding: Browser) -> None:
    """The record of the repayments was edited; the booking before them has its proof."""
    answer = finding.get(proof_address(finding, "L-2", "entries"))
    assert answer.status == 503 and "REFUSED: a receipt is not in its block" in answer.text
    assert finding.get(proof_address(finding, "L-1", "bookings")).status == 200


# ---- packs

PACK = f"/audit/pack?deal={DEAL}"


@pytest.mark.slow
def test_a_pack_is_that_of_the_command_and_verifies(
    auditor: Browser, clean: Office, tmp_path: Path
) -> None:
    form = auditor.get(PACK).form("/audit/pack")
    days = {"from": "2026-01-01", "until": "2026-02-28"}
    auditor.post(form, **days, seed="7", random="2")
    ended(auditor)
    assert PACK in auditor.get("/audit").page.links
    page = auditor.get(PACK)
    sent = auditor.get(next(link for link in page.page.links if link.endswith(".zip")))
    assert sent.headers["Content-Disposition"].startswith(f'attachment; filename="audit-{DEAL}-')
    with zipfile.ZipFile(io.BytesIO(sent.body)) as archive:
        archive.extractall(tmp_path / "pack")
    made = clean.run(
        "audit", "pack", DEAL, "--from", days["from"], "--to", days["until"], "--seed", "7", "--sample", "2", "-o",
        tmp_path / "own", "--json",
    ).document  # fmt: skip
    assert page.text.count(made["manifest_sha256"]) == 1
    rows = auditor.rows(PACK, "exceptions")
    data = json.loads((tmp_path / "own" / "pack.json").read_bytes())["tables"]["exceptions"]
    assert rows == data and len(rows) == made["exceptions"] > 0
    for part in ("/loans/0x", "/chain/blocks/"):
        address = next(link for link in page.page.links if part in link)
        assert auditor.get(address).status == 200
    assert files_of(tmp_path / "pack") == files_of(tmp_path / "own")
    verified = clean.run("audit", "verify", tmp_path / "pack", "--json").document
    assert verified["ok"] and verified["proofs"] == made["proofs"] > 0


def files_of(folder: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(
    "given",
    [
        {"from": "2026-03-01", "until": "2026-02-28"},
        {"from": "x"},
        {"seed": "-1"},
        {"random": "10001"},
        {"largest": "1e3"},
    ],
)
def test_a_pack_that_cannot_be_made_is_not_begun(auditor: Browser, given: dict[str, str]) -> None:
    answer = auditor.post(auditor.get(PACK).form("/audit/pack"), **given)
    assert 'class="said refused"' in answer.body.decode()
    assert auditor.get("/audit?format=json").document["underway"] is None


def test_a_pack_is_of_a_deal_that_the_member_sees(clean: Office, tmp_path: Path) -> None:
    asked = PackAsked(deal=DEAL, first=20_000, last=20_001)
    home = clean.copy(tmp_path / "office").home
    with Ledger.open(home) as ledger:
        kept_pack = make_pack(ledger, asked, "en", 0, lambda done, of: None)
        checks = Checks(Place(directory=home))
        for member in (AUDITOR, LEAD):
            view = View(
                ledger=ledger,
                book=ledger.book(),
                member=ledger.member(member),
                today=20_000,
                query={},
            )
            assert packs.file(view, checks)[0] == kept_pack.name
        view = View(
            ledger=ledger,
            book=ledger.book(),
            member=ledger.member(OUTSIDER),
            today=20_000,
            query={"deal": DEAL},
        )
        with pytest.raises(NotShown):
            packs.file(view, checks)
        with pytest.raises(NotShown):
            packs.pack(view, checks)


# ---- the process beside the pages


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a node that never answers: what asks it stays underway."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def checks(clean: Office, silent: str) -> Iterator[Checks]:
    made = Checks(Place(directory=clean.home, rpc_url=silent))
    yield made
    made.close()


def begin(checks: Checks) -> bool:
    return checks.start(Work.CHECK, day=20_000, language="en")


def test_one_thing_is_done_at_a_time(checks: Checks) -> None:
    assert begin(checks)
    assert not begin(checks)
    underway = checks.underway
    assert underway is not None and underway.work is Work.CHECK


def test_what_is_stopped_is_said_so_and_something_else_may_begin(checks: Checks) -> None:
    begin(checks)
    checks.stop()
    until(lambda: checks.underway is None)
    assert checks.says == ("What was underway was stopped.",)
    assert begin(checks) and checks.says == ()


def test_what_is_underway_ends_with_the_console(checks: Checks) -> None:
    begin(checks)
    checks.close()
    assert checks.underway is None and not begin(checks)


def test_why_it_came_to_nothing_is_said(clean: Office, tmp_path: Path) -> None:
    checks = Checks(Place(directory=tmp_path))
    try:
        assert begin(checks)
        until(lambda: checks.underway is None)
        assert any(str(tmp_path) in line for line in checks.says)
        assert checks.last(Work.CHECK) is None
    finally:
        checks.close()


def test_the_process_does_not_outlive_a_console_that_was_killed(clean: Office, silent: str) -> None:
    """Its input ends with the console, whatever ended that; and it gives way to others."""
    job = Job(
        directory=str(clean.home),
        work=Work.CHECK,
        engine="",
        day=20_000,
        language="en",
        rpc_url=silent,
        token_file="",
    )
    process = subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(job.model_dump_json().encode() + b"\n")
        process.stdin.flush()
        until(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) == 19)
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(DEADLINE_SECONDS) == 1
    finally:
        process.kill()
        process.stdout.close()


def test_a_console_that_is_stopped_takes_what_is_underway_with_it(
    clean: Office, tmp_path: Path
) -> None:
    office = clean.copy(tmp_path / "office")
    process = office.start("console", "--as", AUDITOR, "--port", "0", "--json")
    assert process.stdout is not None
    try:
        browser = Browser(json.loads(process.stdout.readline())["url"])
        browser.enter()
        browser.post(browser.get("/audit").form("/audit/replay"))
        begun = children(process.pid)
        assert len(begun) == 1
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=DEADLINE_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 0 and "Traceback" not in said
    assert not Path(f"/proc/{begun[0]}").exists()


def children(parent: int) -> list[int]:
    """Processes that a process started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(words[1]) == parent:
            found.append(int(path.parent.name))
    return found


# ---- who may


@pytest.mark.parametrize("path", ["/audit/check", "/audit/replay", "/audit/stop", "/proof"])
def test_a_page_elsewhere_begins_nothing(auditor: Browser, path: str) -> None:
    assert auditor.ask("POST", path, b"form_token=" + b"x" * 43).status == 403
    assert auditor.get("/audit?format=json").document["underway"] is None


def test_who_may_only_read_is_offered_what_writes_nothing() -> None:
    around = Around(
        ledger="x", member="m", path="/audit", query={}, block=1, form_token="t", opened=frozenset(), here=frozenset(),
        reads_only=True,
    )  # fmt: skip
    forms = (
        Form(key="check", action="/audit/check", reads=True),
        Form(key="settle", action="/settle"),
    )
    page = rendered(Page(title="", tab="audit", forms=forms), around).decode()
    assert "Check now" in page and ">Settle<" not in page


# ---- today


def test_today_says_what_was_found_wrong_and_to_an_auditor_what_was_not_replayed(
    clean: Office, tmp_path: Path
) -> None:
    home = clean.copy(tmp_path / "office").home
    with Ledger.open(home) as ledger:
        head = ledger.engine.head()

        def told(member: str) -> list[tuple[str, int | None]]:
            own = ledger.member(member)
            view = View(ledger=ledger, book=ledger.book(), member=own, today=20_000, query={})
            return list(duties(view))

        for work in (Work.CHECK, Work.REPLAY):
            (home / outcomes.FOLDER / f"{work}.json").unlink(missing_ok=True)
        assert told(AUDITOR) == [("Nothing was replayed yet", None)] and told(LEAD) == []
        found = of([failure(check="balances", deal=DEAL), failure(check="balances", deal="other")])
        at = {"block": head.number, "block_hash": "0x" + head.block_hash.hex()}
        outcomes.write(home, Work.REPLAY, found.model_copy(update=at))
        said = f"Replay as of block {head.number} found something wrong"
        assert told(AUDITOR) == [(said, 2)] and told(LEAD) == [(said, 1)] and told(OUTSIDER) == []
        outcomes.write(home, Work.REPLAY, found.model_copy(update={**at, "failures": ()}))
        assert told(AUDITOR) == told(LEAD) == []
        outcomes.write(home, Work.REPLAY, found)
        assert told(LEAD) == [] and told(AUDITOR) == [
            ("Replay again: that block is not in this chain", None)
        ]
