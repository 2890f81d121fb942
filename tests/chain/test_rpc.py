"""The RPC engine against a real anvil: same transactions, same reads, lost answers survived."""

from __future__ import annotations

import http.server
import threading
import urllib.request
from collections.abc import Iterator
from typing import ClassVar

import pytest

from ledger.chain.engine import Engine
from ledger.chain.local import LocalEngine
from ledger.chain.rpc import RpcEngine
from ledger.errors import ChainUnusable, Reverted, TransactionInvalid
from tests.anvil import Anvil

from .conftest import CHAIN_ID, Sender, Shelf, calldata


@pytest.fixture
def rpc(anvil: Anvil) -> RpcEngine:
    return RpcEngine(anvil.url, chain_id=CHAIN_ID, timeout_seconds=20)


def deploy(engine: Engine, sender: Sender, code: bytes) -> Shelf:
    with engine.submission() as submission:
        receipt = submission.send(sender.sign(None, code))
        submission.keep()
    assert receipt.contract_address is not None
    return Shelf(receipt.contract_address, sender)


@pytest.fixture
def remote(rpc: RpcEngine, platform: Sender, shelf_code: bytes) -> Shelf:
    return deploy(rpc, platform, shelf_code)


def slot(engine: Engine, shelf: Shelf, number: int) -> int:
    output = engine.call(to=shelf.address, data=calldata("slots(uint256)", number))
    return int.from_bytes(output, "big")


def test_same_signed_transactions_do_the_same_on_both_engines(
    engine: LocalEngine, rpc: RpcEngine, platform: Sender, shelf_code: bytes
) -> None:
    deployment = platform.sign(None, shelf_code)
    raws: list[bytes] = []
    receipts = []
    for one in (engine, rpc):
        with one.submission() as submission:
            deployed = submission.send(deployment)
            assert deployed.contract_address is not None
            shelf = Shelf(deployed.contract_address, platform)
            raws = raws or [shelf.write(at, 3, at + 1) for at in range(3)]
            receipts.append([submission.send(raw) for raw in raws])
            submission.keep()
    local, remote = receipts
    assert [one.gas_used for one in local] == [one.gas_used for one in remote]
    assert [[(log.topics, log.data) for log in one.logs] for one in local] == [
        [(log.topics, log.data) for log in one.logs] for one in remote
    ]
    assert [slot(engine, shelf, at) for at in range(6)] == [slot(rpc, shelf, at) for at in range(6)]
    assert engine.nonce(platform.address) == rpc.nonce(platform.address) == 4
    assert engine.code(shelf.address) == rpc.code(shelf.address) != b""


def test_transaction_the_contract_refuses_is_not_sent(rpc: RpcEngine, remote: Shelf) -> None:
    head = rpc.head()
    with rpc.submission() as submission:
        with pytest.raises(Reverted) as refusal:
            submission.send(remote.write(0, 1001, 1))
        remote.sender.nonce -= 1
        assert refusal.value.reason == "COUNT_TOO_LARGE"
        assert rpc.head() == head
        submission.send(remote.write(0, 1, 7))
        assert submission.keep().number == head.number + 1
    assert slot(rpc, remote, 0) == 7


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (Shelf.write_data(0, 1001, 1), "COUNT_TOO_LARGE"),
        (calldata("fail_without_reason()"), ""),
        (calldata("divide(uint256)", 0), ""),
        (calldata("unknown()"), ""),
    ],
)
def test_reason_of_a_refused_call_is_that_of_the_local_engine(
    engine: LocalEngine, shelf: Shelf, rpc: RpcEngine, shelf_code: bytes, data: bytes, reason: str
) -> None:
    remote = deploy(rpc, Sender(b"\x08" * 32), shelf_code)
    for one, place in ((engine, shelf), (rpc, remote)):
        with pytest.raises(Reverted) as refusal:
            one.call(to=place.address, data=data)
        assert refusal.value.reason == reason


def test_probe_reports_a_refusal_and_changes_nothing(rpc: RpcEngine, remote: Shelf) -> None:
    head = rpc.head()
    with rpc.submission() as submission:
        arguments = {"sender": remote.sender.address, "to": remote.address}
        submission.probe(**arguments, data=Shelf.write_data(0, 1, 1))
        with pytest.raises(Reverted, match="COUNT_TOO_LARGE"):
            submission.probe(**arguments, data=Shelf.write_data(0, 1001, 1))
        submission.forget()
    assert rpc.head() == head


def test_each_block_is_described_as_when_it_was_the_newest(
    rpc: RpcEngine, remote: Shelf
) -> None:
    heads = [rpc.head()]
    with rpc.submission() as submission:
        submission.send(remote.write(0, 1, 7))
        heads.append(submission.keep())
    assert [rpc.head_at(head.number) for head in heads] == heads
    assert rpc.head_at(heads[-1].number + 1) is None and rpc.head_at(-1) is None


def test_dry_run_sends_nothing(rpc: RpcEngine, remote: Shelf) -> None:
    head = rpc.head()
    with rpc.submission(dry_run=True) as submission:
        submission.send(remote.write(0, 1, 1))
        assert submission.keep() == head
    assert slot(rpc, remote, 0) == 0


def test_logs_stream_over_ranges_of_blocks(
    rpc: RpcEngine, remote: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.chain.rpc.LOGS_BLOCKS", 2)
    first = rpc.head().number + 1
    with rpc.submission() as submission:
        for at in range(5):
            submission.send(remote.write(at, 1, 1))
    logs = list(rpc.logs(first, first + 3))
    assert [int.from_bytes(log.topics[1], "big") for log in logs] == [0, 1, 2, 3]


def test_transaction_sent_again_is_found_and_not_repeated(rpc: RpcEngine, remote: Shelf) -> None:
    raw = remote.write(0, 1, 1)
    with rpc.submission() as submission:
        receipt = submission.send(raw)
        head = rpc.head()
        assert submission.send(raw) == receipt
        assert submission.keep() == head
    assert rpc.receipt(receipt.transaction_hash) == receipt
    assert rpc.receipt(bytes(32)) is None


def test_nonce_used_by_another_transaction_is_refused(rpc: RpcEngine, remote: Shelf) -> None:
    with rpc.submission() as submission:
        submission.send(remote.write(0, 1, 1))
        remote.sender.nonce -= 1
        with pytest.raises(TransactionInvalid, match="nonce"):
            submission.send(remote.write(1, 1, 1))


def test_node_of_another_chain_is_refused(anvil: Anvil) -> None:
    with pytest.raises(ChainUnusable, match="78"):
        RpcEngine(anvil.url, chain_id=78)


def test_node_out_of_reach_is_named() -> None:
    with pytest.raises(ChainUnusable, match=r"127\.0\.0\.1:9"):
        RpcEngine("http://127.0.0.1:9", timeout_seconds=1)


class Lossy(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the node and loses the answer to some of them."""

    node = ""
    lose: ClassVar[list[bool]] = []
    reaches_node = True
    sends = 0

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        sending = b"eth_sendRawTransaction" in body
        type(self).sends += sending
        lost = bool(sending and self.lose and self.lose.pop(0))
        if self.reaches_node or not lost:
            request = urllib.request.Request(self.node, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request) as response:
                answer = response.read()
        if lost:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def lossy(anvil: Anvil) -> Iterator[type[Lossy]]:
    handler = type("Handler", (Lossy,), {"node": anvil.url, "lose": [], "sends": 0})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    handler.url = f"http://127.0.0.1:{server.server_port}"
    yield handler
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(("reaches_node", "sends"), [(True, 1), (False, 2)])
def test_lost_answer_to_a_sent_transaction_does_not_repeat_or_lose_it(
    rpc: RpcEngine, remote: Shelf, lossy: type[Lossy], reaches_node: bool, sends: int
) -> None:
    lossy.lose = [True]
    lossy.reaches_node = reaches_node
    through = RpcEngine(lossy.url, timeout_seconds=20)
    with through.submission() as submission:
        receipt = submission.send(remote.write(0, 1, 5))
    assert rpc.receipt(receipt.transaction_hash) == receipt
    assert slot(rpc, remote, 0) == 5
    assert lossy.sends == sends
