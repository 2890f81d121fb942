"""`pledger node` as an operator runs it: who is let in, how it ends, what it refuses to start with."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import ssl
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ledger.node.running import is_loopback
from ledger.node.tls import Certificate
from tests.cli.office import LOANS, SERVICER, Office
from tests.node.doorway import CERTIFICATES, DEADLINE_SECONDS
from tests.node.process import NodeProcess, node_process


def ask(node: NodeProcess, method: str, *params: Any, token: str = "") -> tuple[int, Any]:
    """Status and document of one request."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if node.url.startswith("https"):
        trusted = ssl.create_default_context(cafile=str(CERTIFICATES / "node.pem"))
        trusted.load_verify_locations(CERTIFICATES / "renewed.pem")
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            "127.0.0.1", node.port, context=trusted, timeout=DEADLINE_SECONDS
        )
    else:
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=DEADLINE_SECONDS)
    try:
        connection.request("POST", "/", body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def elsewhere(office: Office, node: NodeProcess, folder: Path, token: str = "") -> Office:
    """The folder of a member on another machine: keys and terms, no chain."""
    unwanted = shutil.ignore_patterns("chain", "*.sqlite*", "node-tokens*")
    shutil.copytree(office.home, folder / "ledger", ignore=unwanted)
    if token:
        (folder / "ledger" / "node.token").write_text(token)
        (folder / "ledger" / "node.token").chmod(0o600)
    shutil.copy(CERTIFICATES / "node.pem", folder / "ledger" / "ca.pem")
    return Office(folder=folder, environment={"PLEDGER_RPC": node.url})


def token_of(office: Office, member: str, *options: str) -> str:
    """A token as its operator makes it."""
    made = office.run("node", "token", "add", member, *options)
    assert made.exit_code == 0, made
    assert "cannot be shown again" in made.stderr
    return made.stdout.strip()


# ---- what it serves


def test_a_member_elsewhere_submits_over_tls_with_its_token(
    office: Office, tmp_path: Path, certificate: Certificate
) -> None:
    submits = token_of(office, SERVICER, "--scope", "submit")
    reads = token_of(office, "bank-a")
    tls = ("--tls-cert", str(certificate.chain), "--tls-key", str(certificate.key))
    with node_process(office, *tls, "--request-log", str(tmp_path / "log")) as node:
        assert ask(node, "eth_chainId")[0] == 401
        servicer = elsewhere(office, node, tmp_path / "servicer", submits)
        posted = servicer.posted("loan", LOANS)
        assert (posted["posted"], posted["already_posted"]) == (3, 0)
        assert servicer.posted("loan", LOANS)["already_posted"] == 3
        bank = elsewhere(office, node, tmp_path / "bank", reads)
        assert bank.balances()["accounts"] == servicer.balances()["accounts"]
        refused = bank.submit("loan", LOANS.replace("L-", "N-"), by=SERVICER)
        assert refused.exit_code != 0
        assert "submit" in refused.stderr
        accounts = servicer.balances()["accounts"]
        assert node.end() == 0
    assert office.balances()["accounts"] == accounts
    log = (tmp_path / "log").read_text("utf-8")
    assert submits not in log
    assert {json.loads(line)["member"] for line in log.splitlines()} == {"", SERVICER, "bank-a"}
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_it_stops_when_told_to_and_the_folder_is_free_again(office: Office, number: int) -> None:
    with node_process(office) as node:
        assert ask(node, "eth_blockNumber")[0] == 200
        assert node.end(number) == 0
        assert "Traceback" not in "".join(node.said)
    assert office.posted("loan", LOANS)["posted"] == 3


def test_a_token_made_or_revoked_while_it_runs_counts_at_once(office: Office) -> None:
    first = token_of(office, "bank-a")
    with node_process(office) as node:
        second = token_of(office, SERVICER)
        assert ask(node, "eth_chainId", token=second)[0] == 200
        listed = office.run("node", "token", "list", "--json").document["tokens"]
        assert [(one["member"], one["scope"], one["state"]) for one in listed] == [
            ("bank-a", "read", "live"), (SERVICER, "read", "live"),
        ]  # fmt: skip
        gone = office.run("node", "token", "revoke", listed[0]["id"])
        assert gone.exit_code == 0, gone
        assert ask(node, "eth_chainId", token=first)[0] == 401
        assert ask(node, "eth_chainId", token=second)[0] == 200


@pytest.mark.slow
def test_certificate_and_log_are_read_again_on_sighup(
    office: Office, tmp_path: Path, certificate: Certificate
) -> None:
    log = tmp_path / "log"
    tls = ("--tls-cert", str(certificate.chain), "--tls-key", str(certificate.key))
    with node_process(office, *tls, "--request-log", str(log)) as node:
        assert _shown(node) == (CERTIFICATES / "node.pem").read_text()
        for name in ("pem", "key"):
            shutil.copy(tmp_path / f"renewed.{name}", tmp_path / f"node.{name}")
        log.rename(tmp_path / "old")
        node.process.send_signal(signal.SIGHUP)
        renewed = (CERTIFICATES / "renewed.pem").read_text()
        for _ in range(1_000):
            if _shown(node) == renewed and log.exists():
                break
        assert _shown(node) == renewed
        assert ask(node, "eth_chainId")[0] == 200
        assert "eth_chainId" in log.read_text()


def _shown(node: NodeProcess) -> str:
    """The certificate that it shows a new connection."""
    return ssl.get_server_certificate(("127.0.0.1", node.port), timeout=DEADLINE_SECONDS)


@pytest.mark.slow
def test_a_certificate_that_cannot_be_used_does_not_replace_the_one_that_can(
    office: Office, tmp_path: Path, certificate: Certificate
) -> None:
    tls = ("--tls-cert", str(certificate.chain), "--tls-key", str(certificate.key))
    with node_process(office, *tls) as node:
        shutil.copy(tmp_path / "renewed.pem", tmp_path / "node.pem")
        node.process.send_signal(signal.SIGHUP)
        for _ in range(10_000):
            if len(node.said) > 1:
                break
            ask(node, "eth_chainId")
        assert "cannot be used" in "".join(node.said)
        assert _shown(node) == (CERTIFICATES / "node.pem").read_text()


@pytest.mark.slow
def test_many_who_mean_it_ill_do_not_keep_a_member_from_its_ledger(office: Office) -> None:
    token = token_of(office, "bank-a")
    deep = b"[" * 40_000
    bodies = [deep, b"{" * 50_000, b"\x00" * 100_000, b'"' + b"\\u0000" * 20_000, b"[{}]" * 1_000]
    with node_process(office, "--rate", "0") as node:

        def torment(at: int) -> None:
            for body in bodies:
                shown = f"Authorization: Bearer {token}\r\n".encode() if at % 2 else b""
                head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                length = b"Content-Length: %d\r\n\r\n" % len(body)
                try:
                    with socket.create_connection(("127.0.0.1", node.port), 20) as connection:
                        connection.sendall(head + shown + length + body)
                        connection.recv(1_000)
                except OSError:
                    continue

        idle = [socket.create_connection(("127.0.0.1", node.port), 20) for _ in range(60)]
        for at, connection in enumerate(idle):
            connection.sendall(b"POST / HTTP/1.1\r\nX: "[: at % 24])
        with ThreadPoolExecutor(8) as many:
            tormenting = [many.submit(torment, at) for at in range(8)]
            for _ in range(20):
                assert ask(node, "eth_blockNumber", token=token)[0] == 200
            for one in tormenting:
                one.result(DEADLINE_SECONDS)
        assert ask(node, "eth_blockNumber", token=token)[0] == 200
        for connection in idle:
            connection.close()
        assert node.end() == 0
        assert "Traceback" not in "".join(node.said)


# ---- what it refuses to start with


@pytest.fixture(scope="module")
def idle(signed_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A ledger on which no node is started."""
    yield signed_office.copy(tmp_path_factory.mktemp("idle") / "office")


def test_where_others_reach_it_it_wants_tokens_and_tls(idle: Office, tmp_path: Path) -> None:
    office = idle.copy(tmp_path / "office")
    without = office.run("node", "--host", "0.0.0.0", "--port", "0")
    assert without.exit_code == 2
    assert "no token" in without.stderr and "--no-tokens" in without.stderr
    token_of(office, "bank-a")
    plain = office.run("node", "--host", "0.0.0.0", "--port", "0")
    assert plain.exit_code == 2
    assert "--plain" in plain.stderr


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("node.example", False),
        ("127.0.0.1.example", False), ("", False),
    ],
)  # fmt: skip
def test_only_the_machine_itself_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize("half", [("--tls-cert", "c.pem"), ("--tls-key", "k.pem")])
def test_half_a_certificate_is_refused(idle: Office, half: tuple[str, str]) -> None:
    found = idle.run("node", *half)
    assert found.exit_code == 2
    assert "give both --tls-cert and --tls-key" in found.stderr


def test_a_key_that_others_can_read_is_refused(idle: Office, certificate: Certificate) -> None:
    certificate.key.chmod(0o644)
    found = idle.run("node", "--tls-cert", certificate.chain, "--tls-key", certificate.key)
    assert found.exit_code == 2
    assert "chmod 0600" in found.stderr


@pytest.mark.parametrize(
    ("chain", "key"),
    [("node.pem", "renewed.key"), ("node.key", "node.pem"), ("missing.pem", "node.key"), ("node.pem", "empty")],
)  # fmt: skip
def test_files_that_are_no_certificate_and_its_key_are_refused(
    idle: Office, certificate: Certificate, chain: str, key: str
) -> None:
    folder = certificate.key.parent
    (folder / "empty").touch(mode=0o600)
    (folder / "node.pem").chmod(0o600)
    found = idle.run("node", "--tls-cert", folder / chain, "--tls-key", folder / key)
    assert found.exit_code == 2
    assert "cannot be used" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_port_in_use_is_said(idle: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        second = idle.run("node", "--port", str(taken.getsockname()[1]))
    assert second.exit_code == 2
    assert "cannot listen here" in second.stderr


def test_a_token_is_for_a_member(idle: Office) -> None:
    found = idle.run("node", "token", "add", "nobody")
    assert found.exit_code == 2
    assert "bank-a" in found.stderr


def test_tokens_of_no_ledger_are_not_listed(tmp_path: Path) -> None:
    found = Office(folder=tmp_path).run("node", "token", "list")
    assert found.exit_code == 4


def test_the_table_of_tokens_shows_no_secret(idle: Office, tmp_path: Path) -> None:
    office = idle.copy(tmp_path / "office")
    token = token_of(office, "bank-a", "--days", "0")
    made = office.run("node", "token", "add", SERVICER, "--json").document
    assert made["scope"] == "read"
    assert made["expires_at"] > 1_700_000_000
    listed = office.run("node", "token", "list")
    assert token.split("_", 2)[2] not in listed.stdout
    assert "bank-a" in listed.stdout and "live" in listed.stdout
    chinese = office.run("--lang", "zh", "node", "token", "list", PLEDGER_LANG="zh")
    assert chinese.exit_code == 0
