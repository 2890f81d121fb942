"""The same chain in geth and here: both are asked everything, and both must say the same."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.bindings import encode_call
from ledger.chain.export import export_chain
from ledger.node.refusals import RpcRefused
from tests.cli.office import REPAYMENTS, Office
from tests.node.opened import Opened, opened

pytestmark = pytest.mark.slow

STOPS = "0x60006000fd"
PANICS = "0x634e487b7160e01b600052601160045260246000fd"
ANSWERS_42 = "0x600a600c600039600a6000f3602a60005260206000f3"
UNKNOWN = "0x" + "11" * 32
# What pushes, stores, hashes, jumps, calls and ends, more often than chance would have it. Nothing
# that reads the block's author, which the two name differently, or a precompile that we refuse.
_OPCODES = st.sampled_from(
    [bytes([one]) for one in range(0x60) if one not in (0x41, 0x44, 0x48)]
    + [bytes([one]) for one in (0x80, 0x81, 0x90, 0x91, 0xA0, 0xA1, 0xF0, 0xF3, 0xF5, 0xFD, 0xFF)]
)
_PUSHES = st.integers(0, 255).map(lambda value: bytes([0x60, value]))
_WORDS = st.sampled_from([_PUSHES, _PUSHES, _OPCODES]).flatmap(lambda kind: kind)
Request = tuple[Any, ...]


@dataclass
class Pair:
    """A node of ours and a geth with the same blocks."""

    ours: Opened
    url: str

    def both(self, method: str, *params: Any) -> tuple[Any, Any]:
        """The two answers; an error as its code, and with its words where they are a contract's."""
        try:
            own = self.ours.ask(method, *params)
        except RpcRefused as refused:
            own = _error(refused.code, refused.message, refused.data)
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        request = urllib.request.Request(
            self.url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = json.loads(answer.read())
        if "error" in found:
            error = found["error"]
            return own, _error(error["code"], error["message"], error.get("data"))
        return own, found["result"]


@pytest.fixture(scope="module")
def pair(
    lent_office: Office, geth_program: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("like-geth")
    office = lent_office.copy(folder / "office")
    office.posted("repayment", REPAYMENTS)
    with opened(office) as ours:
        _send_typed(ours)
        export_chain(ours.node.engine, folder / "export")
        data = ["--datadir", str(folder / "geth")]
        kept = ["--gcmode", "archive", "--syncmode", "full"]
        _run(geth_program, *data, "init", folder / "export" / "genesis.json")
        _run(geth_program, *data, *kept, "import", folder / "export" / "chain.rlp")
        port = _free_port()
        process = subprocess.Popen(
            [
                geth_program, *data, *kept, "--nodiscover", "--maxpeers", "0", "--ipcdisable",
                "--port", _free_port(), "--authrpc.port", _free_port(),
                "--http", "--http.port", port, "--http.api", "eth,net,web3,debug,txpool,clique",
            ],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            found = Pair(ours, f"http://127.0.0.1:{port}")
            _until_it_answers(found, process)
            yield found
        finally:
            process.kill()
            process.wait()


def test_blocks_transactions_and_receipts(pair: Pair) -> None:
    requests: list[Request] = []
    for number in range(pair.ours.block() + 2):
        name = hex(number)
        requests += [
            ("eth_getBlockByNumber", name, False),
            ("eth_getBlockByNumber", name, True),
            ("eth_getBlockReceipts", name),
            ("eth_getBlockTransactionCountByNumber", name),
            ("eth_getUncleCountByBlockNumber", name),
            ("eth_getTransactionByBlockNumberAndIndex", name, "0x0"),
            ("eth_getTransactionByBlockNumberAndIndex", name, "0x7"),
            ("eth_getHeaderByNumber", name),
        ]
    for number in range(pair.ours.block() + 1):
        block = pair.ours.ask("eth_getBlockByNumber", hex(number), True)
        requests += [
            (method, block["hash"])
            for method in (
                "eth_getBlockReceipts",
                "eth_getBlockTransactionCountByHash",
                "eth_getUncleCountByBlockHash",
                "eth_getHeaderByHash",
            )
        ]
        requests += [(name, hex(number)) for name in _RAW]
        requests += [("eth_getBlockByHash", block["hash"], whole) for whole in (False, True)]
        for sent in block["transactions"]:
            requests += [
                (method, sent["hash"])
                for method in (
                    "eth_getTransactionByHash",
                    "eth_getTransactionReceipt",
                    "eth_getRawTransactionByHash",
                    "debug_getRawTransaction",
                )
            ]
    _expect_same(pair, requests, at_least=150)


def test_logs(pair: Pair) -> None:
    every = pair.ours.ask("eth_getLogs", {"fromBlock": "0x0"})
    first, last = every[0], every[-1]
    one = {"fromBlock": "0x0"}
    queries: list[dict[str, Any]] = [
        {},
        one,
        {"fromBlock": "0x0", "toBlock": "0xfff"},
        {"fromBlock": "0x2", "toBlock": "0x4"},
        {"fromBlock": "0x5", "toBlock": "0x3"},
        {"fromBlock": "0xff0", "toBlock": "0xfff"},
        {"blockHash": UNKNOWN},
        {"blockHash": last["blockHash"]},
        {"blockHash": UNKNOWN, "fromBlock": "0x1"},
        {**one, "address": last["address"]},
        {**one, "address": [last["address"], first["address"]]},
        {**one, "address": []},
        {**one, "topics": [last["topics"][0]]},
        {**one, "topics": [[last["topics"][0], first["topics"][0]]]},
        {**one, "topics": [None, last["topics"][1]]},
        {**one, "topics": [None, [None, last["topics"][1]]]},
        {**one, "topics": [[], last["topics"][1]]},
        {"topics": [None] * 5},
    ]
    _expect_same(pair, [("eth_getLogs", query) for query in queries], at_least=len(queries))


def test_state_and_proofs(pair: Pair) -> None:
    addresses = ["0x" + one.hex() for one in pair.ours.node.settings.contracts.values()]
    addresses += [pair.ours.address(), "0x" + "77" * 20]
    word = "0x" + "00" * 31 + "02"
    requests: list[Request] = []
    for address in addresses:
        requests += [
            ("eth_getCode", address, "latest"),
            ("eth_getBalance", address, "latest"),
            ("eth_getTransactionCount", address, "latest"),
            ("eth_getTransactionCount", address, "pending"),
            ("eth_getProof", address, [], "latest"),
            ("eth_getProof", address, ["0x0", "0x1", word, "0x05"], "latest"),
            *[("eth_getStorageAt", address, slot, "latest") for slot in ("0x0", "0x1", word)],
        ]
    _expect_same(pair, requests, at_least=100)


def test_calls_and_estimates(pair: Pair) -> None:
    members = "0x" + pair.ours.node.settings.contracts["Members"].hex()
    data = "0x" + encode_call("Members", "key_role", pair.ours.address()).hex()
    contract = pair.ours.ask("eth_getBlockReceipts", "latest")[-1]["contractAddress"]
    calls: list[dict[str, Any]] = [
        {"to": members, "data": data},
        {"to": members, "input": data, "data": "0x11"},
        {"to": members, "data": "0xdeadbeef"},
        {"to": members, "data": data, "accessList": [{"address": members, "storageKeys": []}]},
        {"to": "0x" + "77" * 20, "data": "0x11"},
        {"to": "0x" + "77" * 20},
        {"to": "0x" + "00" * 19 + "02", "data": "0x1234"},
        {"to": contract},
        *[{"to": contract, "gas": hex(gas)} for gas in (21_000, 21_017, 21_018, 60_000)],
        {"to": contract, "nonce": "0x5", "chainId": "0x1", "unknown": 1},
        *[{"data": code} for code in ("0xfe", "0x5b600056", STOPS, PANICS, ANSWERS_42, "0x")],
        {},
    ]
    for number in range(1, pair.ours.block() + 1):
        for sent in pair.ours.ask("eth_getBlockByNumber", hex(number), True)["transactions"]:
            fields = {"from": sent["from"], "data": sent["input"]}
            calls.append({**fields, "to": sent["to"]} if sent["to"] else fields)
    requests: list[Request] = []
    for call in calls:
        requests += [("eth_call", call, "latest"), ("eth_estimateGas", call)]
    _expect_same(pair, requests, at_least=60)


@given(words=st.lists(_WORDS, min_size=1, max_size=30), gas=st.integers(53_000, 300_000))
def test_any_code(pair: Pair, words: list[bytes], gas: int) -> None:
    """Code that makes a contract: executed, and what it would cost to send."""
    code = "0x" + b"".join(words).hex()
    called = {"data": code, "gas": hex(gas), "from": pair.ours.address()}
    _expect_same(
        pair,
        [("eth_call", called, "latest"), ("eth_estimateGas", {"data": code})],
        at_least=2,
    )


def test_mistakes_have_the_same_codes(pair: Pair) -> None:
    own = pair.ours.address()
    _expect_same(
        pair,
        [
            ("eth_foo",),
            ("foo",),
            ("eth_getBalance",),
            ("eth_getBalance", "0x12", "latest"),
            ("eth_getBalance", 12, "latest"),
            ("eth_getBalance", own, "newest"),
            ("eth_getBalance", own, "0x01"),
            ("eth_getBalance", own, "0xfff"),
            ("eth_getBalance", own, "latest", "latest"),
            ("eth_getBlockByNumber", "latest"),
            ("eth_getBlockByNumber", "latest", "x"),
            ("eth_getBlockByHash", UNKNOWN, False),
            ("eth_getTransactionByHash", UNKNOWN),
            ("eth_getTransactionReceipt", UNKNOWN),
            ("eth_getStorageAt", own, "0xzz", "latest"),
            ("eth_getStorageAt", own, "0x" + "11" * 33, "latest"),
            ("eth_call",),
            ("eth_call", "x"),
            ("eth_call", {"to": own}, "0xfff"),
            ("eth_call", {"to": own}, {"blockHash": UNKNOWN}),
            ("eth_call", {"to": own, "value": "0x1"}, "latest"),
            ("eth_feeHistory", "0x3", "0xfff", []),
            ("eth_feeHistory", "0x3", "latest", []),
            ("eth_feeHistory", "0x0", "latest", []),
            ("eth_sendRawTransaction", "0x"),
            ("eth_sendRawTransaction", "0x7f01"),
            ("eth_sendRawTransaction", pair.ours.raw(0)),
            ("eth_sendRawTransaction", pair.ours.raw(pair.ours.nonce(), gas=100)),
            ("eth_getFilterChanges", "0x1"),
            ("eth_uninstallFilter", "0x1"),
            ("clique_getSigners",),
            ("clique_getSigners", "latest"),
            ("clique_getSnapshot",),
            ("eth_chainId",),
            ("net_version",),
            ("eth_blockNumber",),
            ("eth_syncing",),
            ("net_listening",),
            ("net_peerCount",),
            ("txpool_status",),
            ("eth_accounts",),
            ("web3_sha3", "0x1234"),
        ],
        at_least=40,
    )


_RAW = ("debug_getRawHeader", "debug_getRawBlock", "debug_getRawReceipts")


def _expect_same(pair: Pair, requests: list[Request], *, at_least: int) -> None:
    assert len(requests) >= at_least
    for request in requests:
        own, found = pair.both(*request)
        assert own == found, request


def _error(code: int, message: str, data: Any) -> tuple[Any, ...]:
    return ("error", code, message if message.startswith("execution reverted") else "", data)


def _send_typed(ours: Opened) -> None:
    """An access list, a dynamic fee and a deployment, in the newest block."""
    from eth_account import Account

    from ledger.keys import KeyUse

    account = Account.from_key(ours.keyring.key("bank-a", KeyUse.MAKER).to_bytes())
    shared = {"chainId": ours.node.settings.chain_id, "gas": 300_000, "value": 0}
    listed = [{"address": account.address, "storageKeys": [UNKNOWN]}]
    kinds: list[dict[str, Any]] = [
        {"type": 1, "gasPrice": 0, "to": account.address, "data": "0x", "accessList": listed},
        {
            "type": 2,
            "maxFeePerGas": 0,
            "maxPriorityFeePerGas": 0,
            "to": account.address,
            "data": "0xabcd",
        },
        {"gasPrice": 0, "to": "", "data": ANSWERS_42},
    ]
    for kind in kinds:
        signed = account.sign_transaction({**shared, **kind, "nonce": ours.nonce()})
        ours.sealed(ours.send("0x" + bytes(signed.raw_transaction).hex()))


def _run(program: Path, *arguments: Any) -> None:
    ran = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2_000:]


def _free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def _until_it_answers(pair: Pair, process: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + 60
    while True:
        try:
            pair.both("eth_chainId")
            return
        except OSError:
            assert process.poll() is None, "geth ended while starting"
            assert time.monotonic() < give_up_at, "geth does not answer"
