"""The server stays up and answers others, whatever one client does to it."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.node.callers import Scope
from ledger.node.limits import Allowances, Limits
from ledger.node.tokens import Tokens
from tests.node.doorway import DEADLINE_SECONDS, Doorway, doorway
from tests.node.scripted import Scripted

ECHO = b'{"jsonrpc":"2.0","id":1,"method":"echo","params":["here"]}'
WAIT = b'{"jsonrpc":"2.0","id":1,"method":"wait"}'
HASTY = Limits(
    body_bytes=10_000, head_seconds=1, body_seconds=1, answer_seconds=1, send_seconds=1,
    threads=2, waiting=3, connections=20, connections_per_address=20, stop_seconds=5,
)  # fmt: skip


@pytest.fixture
def node() -> Iterator[Scripted]:
    """Lets go of whatever still stands still."""
    made = Scripted()
    yield made
    made.go.set()


@pytest.fixture
def hasty(node: Scripted) -> Iterator[Doorway]:
    """A server that waits for nobody longer than a second."""
    with doorway(node, limits=HASTY) as door:
        yield door
        node.go.set()


@pytest.fixture(scope="module")
def door() -> Iterator[Doorway]:
    """A server with the limits that it has for everybody."""
    with doorway(Scripted()) as made:
        yield made


def code(body: bytes) -> int:
    return int(json.loads(body)["error"]["code"])


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionError:
        pass
    return b"".join(parts)


def alive(door: Doorway) -> bool:
    """Whether the next client is served."""
    return door.result("echo", "next") == ["next"]


# ---- plain requests


def test_a_connection_serves_many_requests(door: Doorway) -> None:
    connection = door.connection()
    for _ in range(3):
        connection.request("POST", "/", ECHO, {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.getheader("Content-Type") == "application/json; charset=utf-8"
        assert json.loads(response.read())["result"] == ["here"]
    connection.close()


def test_several_requests_at_once_on_one_connection_are_answered_in_order(door: Doorway) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    one = head + b"Content-Length: %d\r\n\r\n" % len(ECHO) + ECHO
    last = head + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(ECHO) + ECHO
    with door.socket() as connection:
        connection.sendall(one + one + last)
        assert read_all(connection).count(b'"result":["here"]') == 3


@pytest.mark.parametrize("kind", ["application/json-rpc", "application/json; charset=utf-8"])
def test_content_types_of_json_are_taken(door: Doorway, kind: str) -> None:
    assert door.send(ECHO, Content_Type=kind)[0] == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "nonsense"])
def test_types_that_any_page_in_a_browser_may_send_are_not(door: Doorway, kind: str) -> None:
    status, body = door.send(ECHO, Content_Type=kind)
    assert (status, code(body)) == (415, -32600)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8545", "127.0.0.1.evil.example", ""]
)
def test_a_name_that_is_not_this_machines_is_turned_away(door: Doorway, host: str) -> None:
    status, body = door.send(ECHO, Host=host)
    assert (status, code(body)) == (403, -32004)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8545", "[::1]:8545"])
def test_this_machines_own_names_are_taken(door: Doorway, host: str) -> None:
    assert door.send(ECHO, Host=host)[0] == 200


def test_only_posts_to_the_root_ask_anything(door: Doorway) -> None:
    assert door.send(b"", method="GET")[0] == 405
    assert door.send(b"", method="OPTIONS", Origin="https://evil.example")[0] == 405
    assert door.send(ECHO, path="/rpc")[0] == 404
    assert door.send(b"", method="GET", path="/health") == (200, b'{"ok":true}')


def test_compressed_bodies_are_not_taken(door: Doorway) -> None:
    assert door.send(ECHO, Content_Encoding="gzip")[0] == 415


def test_a_notification_gets_no_body(door: Doorway) -> None:
    assert door.send(b'{"jsonrpc":"2.0","method":"echo"}') == (204, b"")


def test_a_body_that_is_no_json_is_refused_as_json_rpc_says(door: Doorway) -> None:
    status, body = door.send(b"{")
    assert (status, code(body)) == (400, -32700)
    assert json.loads(body)["id"] is None


# ---- hostile clients


@settings(max_examples=40)
@given(st.binary(max_size=300))
def test_any_bytes_on_the_line_are_survived(door: Doorway, sent: bytes) -> None:
    with door.socket() as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = read_all(connection)
    assert b"Traceback" not in answer
    assert alive(door)


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([
        b"POST / HTTP/1.1\r\n", b"Host: localhost\r\n", b"Content-Type: application/json\r\n",
        b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 99999999999\r\n",
        b"Transfer-Encoding: chunked\r\n", b"Expect: 100-continue\r\n", b"Upgrade: websocket\r\n",
        b"Connection: upgrade\r\n", b"\r\n", b"{}", b"5\r\n[1,2]\r\n0\r\n\r\n", b"ffffffffffffff\r\n",
        b"X: " + b"y" * 9_000 + b"\r\n", b"\x00\r\n", b"GET /../../etc HTTP/9.9\r\n",
    ]), max_size=12),
)  # fmt: skip
def test_any_order_of_pieces_of_http_is_survived(door: Doorway, pieces: list[bytes]) -> None:
    with door.socket() as connection:
        try:
            connection.sendall(b"".join(pieces))
            connection.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass
        answer = read_all(connection)
    assert b"Traceback" not in answer
    assert alive(door)


def test_a_body_over_the_limit_is_refused_by_its_length(hasty: Doorway) -> None:
    with hasty.socket() as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 20000\r\n\r\n"
        )
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert alive(hasty)


def test_a_body_over_the_limit_without_a_length_is_cut(hasty: Doorway) -> None:
    with hasty.socket() as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        try:
            for _ in range(4_000):
                connection.sendall(b"400\r\n" + b" " * 1_024 + b"\r\n")
        except ConnectionError:
            pass
        answer = read_all(connection)
    assert not answer or answer.startswith(b"HTTP/1.1 413 ")
    assert alive(hasty)


def test_clients_that_do_not_go_on_are_let_go(hasty: Doorway) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    beginnings = (b"", b"POST / HT", head, head + b"Content-Length: 50\r\n\r\n{")
    connections = [hasty.socket() for _ in beginnings]
    for connection, beginning in zip(connections, beginnings, strict=True):
        connection.sendall(beginning)
    for connection in connections:
        with connection:
            read_all(connection)
    assert alive(hasty)


def test_a_client_that_sends_a_byte_now_and_then_is_let_go(hasty: Doorway) -> None:
    with hasty.socket() as connection:
        connection.settimeout(0.2)
        for at in range(DEADLINE_SECONDS * 5):
            try:
                connection.sendall(b"POST / HTTP/1.1\r\nX-Long: " if not at else b"y")
                if connection.recv(100) == b"":
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return
    pytest.fail("still connected")


def test_a_client_that_does_not_read_its_answer_is_let_go(node: Scripted) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"sized","params":[20000000]}'
    with doorway(node, limits=HASTY) as door, door.socket() as connection:
        connection.sendall(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body
        )
        assert len(connection.recv(1_000)) > 0
        until = time.monotonic() + 2 * HASTY.send_seconds
        while time.monotonic() < until:
            assert alive(door)
        # What the two kernels held, and then the end.
        assert len(read_all(connection)) < 20_000_000


def test_more_connections_than_allowed_are_turned_away_and_room_comes_back(
    hasty: Doorway,
) -> None:
    held = [hasty.socket() for _ in range(HASTY.connections)]
    try:
        with hasty.socket() as one_more:
            assert read_all(one_more) == b""
    finally:
        for connection in held:
            connection.close()
    for _ in range(1_000):
        try:
            assert alive(hasty)
            return
        except ConnectionError:
            continue
    pytest.fail("no room any more")


# ---- much at once


def test_a_request_that_takes_too_long_is_answered_and_others_are_served(
    hasty: Doorway, node: Scripted
) -> None:
    status, body = hasty.send(WAIT)
    assert (status, code(body)) == (200, -32002)
    assert alive(hasty)


def test_more_under_way_than_allowed_is_put_off(node: Scripted) -> None:
    limits = Limits(threads=3, waiting=3)
    with doorway(node, limits=limits) as door, ThreadPoolExecutor(3) as clients:
        waiting = [clients.submit(door.send, WAIT) for _ in range(3)]
        for _ in range(3):
            assert node.waiting.acquire(timeout=DEADLINE_SECONDS)
        status, body = door.send(ECHO)
        assert (status, code(body)) == (503, -32005)
        node.go.set()
        assert [one.result(DEADLINE_SECONDS)[0] for one in waiting] == [200] * 3
        assert alive(door)


def test_what_is_submitted_does_not_wait_for_those_who_read(node: Scripted) -> None:
    with doorway(node, limits=Limits(threads=1)) as door, ThreadPoolExecutor(1) as clients:
        reading = clients.submit(door.send, WAIT)
        assert node.waiting.acquire(timeout=DEADLINE_SECONDS)
        assert door.result("eth_sendRawTransaction", "0x") == ["0x"]
        node.go.set()
        assert reading.result(DEADLINE_SECONDS)[0] == 200


def test_what_is_under_way_is_answered_before_the_server_stops(node: Scripted) -> None:
    with ThreadPoolExecutor(1) as clients:
        with doorway(node) as door:
            waiting = clients.submit(door.send, WAIT)
            assert node.waiting.acquire(timeout=DEADLINE_SECONDS)
            threading.Timer(0.2, node.go.set).start()
        status, body = waiting.result(DEADLINE_SECONDS)
        assert (status, json.loads(body)["result"]) == (200, "done")
    with pytest.raises(OSError):
        door.socket()


# ---- tokens, rates, the log


def test_without_a_valid_token_nobody_is_let_in(tmp_path: Path, node: Scripted) -> None:
    tokens = Tokens(tmp_path)
    token = tokens.add("bank-a", Scope.READ, None)
    with doorway(node, tokens=tokens) as door:
        for shown in ("", "Bearer", f"Basic {token}", "Bearer x", f"Bearer {token[:-1]}"):
            headers = {"Authorization": shown} if shown else {}
            status, body = door.send(ECHO, **headers)
            assert (status, code(body)) == (401, -32004), shown
        assert door.result("echo", token=token) == []
        assert node.asked == [("bank-a", "echo")]
        tokens.revoke(tokens.list()[0].token_id)
        assert door.send(ECHO, Authorization=f"Bearer {token}")[0] == 401


def test_who_guesses_tokens_is_put_off_but_not_who_has_one(tmp_path: Path, node: Scripted) -> None:
    tokens = Tokens(tmp_path)
    token = tokens.add("bank-a", Scope.READ, None)
    with doorway(node, tokens=tokens, limits=Limits(failures_per_minute=5)) as door:
        statuses = [door.send(ECHO, Authorization="Bearer x")[0] for _ in range(7)]
        assert statuses == [401] * 5 + [429] * 2
        assert door.result("echo", token=token) == []


def test_a_token_to_read_does_not_submit(tmp_path: Path, node: Scripted) -> None:
    tokens = Tokens(tmp_path)
    reads = tokens.add("bank-a", Scope.READ, None)
    submits = tokens.add("bank-a", Scope.SUBMIT, None)
    with doorway(node, tokens=tokens) as door:
        refused = door.refusal("eth_sendRawTransaction", "0x", token=reads)
        assert refused == (-32004, "eth_sendRawTransaction needs scope submit, the token has read")
        assert door.result("eth_sendRawTransaction", "0x", token=submits) == ["0x"]
        assert door.result("echo", token=submits) == []


def test_a_batch_counts_as_all_its_requests(tmp_path: Path, node: Scripted) -> None:
    tokens = Tokens(tmp_path)
    token = tokens.add("bank-a", Scope.READ, None)
    other = tokens.add("bank-a", Scope.READ, None)
    limits = Limits(calls_per_second=1, burst=10)
    with doorway(node, tokens=tokens, limits=limits) as door:
        batch = b"[" + b",".join([ECHO] * 8) + b"]"
        assert door.send(batch, Authorization=f"Bearer {token}")[0] == 200
        connection = door.connection()
        shown = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        connection.request("POST", "/", batch, shown)
        response = connection.getresponse()
        assert response.status == 429
        assert int(response.getheader("Retry-After", "0")) >= 1
        connection.close()
        assert door.send(batch, Authorization=f"Bearer {other}")[0] == 200


def test_calls_come_back_with_time() -> None:
    now = [0]
    allowances = Allowances(per_period=2, burst=4, monotonic_ns=lambda: now[0])
    assert [allowances.take("a") for _ in range(5)] == [0, 0, 0, 0, 1]
    assert allowances.take("b", 4) == 0
    now[0] = 1_000_000_000
    assert [allowances.take("a") for _ in range(3)] == [0, 0, 1]
    assert allowances.take("c", 5) == 1


def test_the_log_has_who_and_what_and_no_secret(tmp_path: Path, node: Scripted) -> None:
    tokens = Tokens(tmp_path)
    token = tokens.add("bank-a", Scope.SUBMIT, None)
    path = tmp_path / "requests.log"
    with doorway(node, tokens=tokens, log=path) as door:
        door.result("eth_sendRawTransaction", "0xfeedfeed", token=token)
        door.ask("line\nbreak", token=token)
        door.send(ECHO, Authorization="Bearer guessed-secret")
    text = path.read_text("utf-8")
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(one["member"], one["status"], one["methods"], one["errors"]) for one in lines] == [
        ("bank-a", 200, ["eth_sendRawTransaction"], []),
        ("bank-a", 200, ["line\nbreak"], [-32601]),
        ("", 401, [], [-32004]),
    ]
    assert lines[0]["token"] == tokens.list()[0].token_id
    for secret in (token, token.split("_", 2)[2], "feedfeed", "guessed"):
        assert secret not in text


# ---- TLS


def test_over_tls_answers_are_the_same_and_plain_http_gets_none(
    node: Scripted, served_certificate: ssl.SSLContext
) -> None:
    with doorway(node, tls=served_certificate) as door:
        assert door.result("echo", 1) == [1]
        with door.socket() as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200" not in read_all(connection)
        assert door.result("echo", 2) == [2]


def test_a_handshake_that_does_not_go_on_is_let_go(
    node: Scripted, served_certificate: ssl.SSLContext
) -> None:
    with doorway(node, tls=served_certificate, limits=HASTY) as door:
        with door.socket() as connection:
            connection.sendall(b"\x16\x03\x01")
            read_all(connection)
        assert door.result("echo", 2) == [2]
