"""Whatever happens on the way to a node: nothing twice, nothing lost, and said in words."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger import messages
from ledger.chain import rpc_sending
from ledger.chain.engine import Receipt
from ledger.chain.rpc import RpcEngine
from ledger.chain.rpc_access import Access, keep_token, read_access
from ledger.errors import ChainUnusable, NonceTaken, Reverted, UsageInvalid
from tests.anvil import Anvil

from .conftest import CHAIN_ID, Sender, Shelf, calldata
from .faulty import Fault, FaultyNode, listening

SEND = "eth_sendRawTransaction"
CERTIFICATES = Path(__file__).parents[1] / "node" / "certificates"


@pytest.fixture
def rpc(anvil: Anvil) -> Iterator[RpcEngine]:
    engine = RpcEngine(anvil.url, chain_id=CHAIN_ID, timeout_seconds=20)
    yield engine
    engine.close()


@pytest.fixture
def remote(rpc: RpcEngine, platform: Sender, shelf_code: bytes) -> Shelf:
    with rpc.submission() as submission:
        receipt = submission.send(platform.sign(None, shelf_code))
    assert receipt.contract_address is not None
    return Shelf(receipt.contract_address, platform)


@pytest.fixture
def faulty(anvil: Anvil) -> Iterator[FaultyNode]:
    with listening(FaultyNode(anvil.url)) as node:
        yield node


@pytest.fixture
def through(faulty: FaultyNode) -> Iterator[RpcEngine]:
    """An engine on the faulty way that has been answered before; its pauses are noted."""
    engine = RpcEngine(faulty.url, chain_id=CHAIN_ID, timeout_seconds=10, pause=lambda _: None)
    yield engine
    engine.close()


def slot(engine: RpcEngine, shelf: Shelf, number: int) -> int:
    output = engine.call(to=shelf.address, data=calldata("slots(uint256)", number))
    return int.from_bytes(output, "big")


def total(engine: RpcEngine, shelf: Shelf) -> int:
    return int.from_bytes(engine.call(to=shelf.address, data=calldata("total()")), "big")


@pytest.mark.parametrize(
    ("fault", "sends"),
    [
        (Fault.ANSWER_LOST, 1),
        (Fault.NOT_PASSED, 2),
        (Fault.CUT, 1),
        (Fault.GARBAGE, 1),
        (Fault.SWALLOWED, 2),
        (Fault.BUSY, 2),
        (Fault.DOWN, 2),
    ],
)
def test_a_transaction_whose_sending_goes_wrong_is_in_a_block_once(
    rpc: RpcEngine, remote: Shelf, faulty: FaultyNode, through: RpcEngine, fault: Fault, sends: int
) -> None:
    faulty.script[SEND] = [fault]
    with through.submission() as submission:
        receipt = submission.send(remote.write(0, 1, 5))
        submission.keep()
    assert rpc.receipt(receipt.transaction_hash) == receipt
    assert (total(rpc, remote), faulty.asked.count(SEND)) == (5, sends)


@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.CUT, Fault.GARBAGE, Fault.DOWN])
def test_any_other_request_is_asked_again(
    remote: Shelf, faulty: FaultyNode, through: RpcEngine, fault: Fault
) -> None:
    for method in ("eth_call", "eth_getTransactionReceipt", "eth_getBlockByNumber"):
        faulty.script[method] = [fault, fault]
    with through.submission() as submission:
        submission.send(remote.write(0, 1, 5))
        assert submission.keep() == through.head()
    assert total(through, remote) == 5


def test_time_out_after_acceptance(rpc: RpcEngine, remote: Shelf, faulty: FaultyNode) -> None:
    impatient = RpcEngine(faulty.url, timeout_seconds=1)
    faulty.script[SEND] = [Fault.HANGS]
    with impatient.submission() as submission:
        receipt = submission.send(remote.write(0, 1, 5))
    assert rpc.receipt(receipt.transaction_hash) == receipt
    assert (total(rpc, remote), faulty.asked.count(SEND)) == (5, 1)
    impatient.close()


def test_a_busy_node_is_given_the_time_it_asks_for(remote: Shelf, faulty: FaultyNode) -> None:
    pauses: list[float] = []
    engine = RpcEngine(faulty.url, timeout_seconds=10, pause=pauses.append)
    faulty.script["eth_blockNumber"] = [Fault.BUSY, Fault.BUSY]
    engine.request("eth_blockNumber")
    assert pauses == [1, 1]
    engine.close()


@pytest.mark.parametrize(("language", "words"), [("en", "the node is busy"), ("zh", "节点繁忙")])
def test_a_node_that_stays_busy_is_named(
    faulty: FaultyNode, through: RpcEngine, language: str, words: str
) -> None:
    impatient = RpcEngine(faulty.url, timeout_seconds=1, pause=lambda _: None)
    faulty.script["eth_blockNumber"] = [Fault.BUSY] * 1000
    messages.set_language(language)
    try:
        with pytest.raises(ChainUnusable, match=words) as busy:
            impatient.request("eth_blockNumber")
        assert busy.value.where == faulty.url and "429" in busy.value.found
    finally:
        messages.set_language(None)
        impatient.close()


def test_a_node_that_is_restarted_meanwhile_is_waited_for(
    anvil: Anvil, rpc: RpcEngine, remote: Shelf
) -> None:
    node = FaultyNode(anvil.url)
    restarted = []
    with listening(node):
        engine = RpcEngine(node.url, timeout_seconds=20)

    def restart(_: float) -> None:
        if not restarted:
            restarted.append(listening(node))
            restarted[0].__enter__()

    engine.node.pause = restart
    with engine.submission() as submission:
        submission.send(remote.write(0, 1, 5))
    assert total(rpc, remote) == 5
    restarted[0].__exit__(None, None, None)
    engine.close()


def test_a_node_that_never_answered_is_not_waited_for(anvil: Anvil) -> None:
    node = FaultyNode(anvil.url)
    with listening(node):
        pass
    pauses: list[float] = []
    with pytest.raises(ChainUnusable, match="does not answer"):
        RpcEngine(node.url, timeout_seconds=60, pause=pauses.append)
    assert pauses == []


# ---- several on their way


@pytest.fixture
def held(rpc: RpcEngine, remote: Shelf) -> Callable[[], None]:
    """Blocks are made by hand alone."""
    rpc.request("evm_setAutomine", False)
    return lambda: rpc.request("evm_mine")


def test_several_transactions_share_a_block(
    rpc: RpcEngine, remote: Shelf, held: Callable[[], None]
) -> None:
    rpc.node.pause = lambda _: held()
    before = rpc.head().number
    with rpc.submission() as submission:
        handed = [submission.hand_in(remote.write(at, 1, 1)) for at in range(5)]
        assert [one.outcome for one in handed] == [None] * 5
        submission.settle()
        assert {one.receipt().block_number for one in handed} == {before + 1}
        assert submission.keep().number == before + 1
    assert total(rpc, remote) == 5


def test_no_more_than_a_few_are_on_their_way(
    rpc: RpcEngine, remote: Shelf, held: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc_sending, "MOST_ON_THE_WAY", 2)
    rpc.node.pause = lambda _: held()
    with rpc.submission() as submission:
        handed = [submission.hand_in(remote.write(at, 1, 1)) for at in range(5)]
        assert sum(one.outcome is None for one in handed) <= 2
        submission.settle()
    assert len({one.receipt().block_number for one in handed}) >= 3


def test_a_refusal_that_only_the_block_knows_has_its_reason(
    rpc: RpcEngine, remote: Shelf, held: Callable[[], None]
) -> None:
    rpc.node.pause = lambda _: held()
    with rpc.submission() as submission:
        submission.send(remote.write(0, 2, 7))
        enough = submission.send(remote.write(1, 1, 8)).gas_used + 5_000
        # What fills an empty slot costs more than what the head says of a full one.
        good = submission.hand_in(remote.write(0, 1, 0))
        bad = submission.hand_in(remote.write(0, 1, 9, gas=enough))
        assert bad.outcome is None
        submission.settle()
    assert isinstance(good.outcome, Receipt)
    with pytest.raises(Reverted) as refusal:
        bad.receipt()
    assert refusal.value.reason == "OUT_OF_GAS"


def test_what_hangs_on_a_transaction_on_its_way_waits_for_it(
    rpc: RpcEngine, remote: Shelf, held: Callable[[], None]
) -> None:
    rpc.node.pause = lambda _: held()
    with rpc.submission() as submission:
        submission.hand_in(remote.write(0, 1, 1))
        with pytest.raises(Reverted, match="COUNT_TOO_LARGE"):
            submission.hand_in(remote.write(0, 1001, 1))
    assert total(rpc, remote) == 1


def test_nonces_of_another_process_are_waited_for(
    rpc: RpcEngine, remote: Shelf, held: Callable[[], None]
) -> None:
    first = rpc.nonce(remote.sender.address)
    rpc.request(SEND, "0x" + remote.write(0, 1, 1).hex())
    # A gap: it waits for one that nobody sent.
    remote.sender.nonce += 1
    rpc.request(SEND, "0x" + remote.write(1, 1, 1).hex())
    rpc.node.pause = lambda _: held()
    assert rpc.free_nonce(remote.sender.address) == first + 1
    remote.sender.nonce = first + 1
    with rpc.submission() as submission:
        submission.send(remote.write(2, 1, 1))
    held()
    assert total(rpc, remote) == 3


def test_nonces_that_wait_for_ever_are_named(rpc: RpcEngine, remote: Shelf) -> None:
    rpc.request("evm_setAutomine", False)
    rpc.request(SEND, "0x" + remote.write(0, 1, 1).hex())
    impatient = RpcEngine(rpc.node.access, timeout_seconds=1)
    with pytest.raises(ChainUnusable, match=r"1 transactions of 0x\w+ wait"):
        impatient.free_nonce(remote.sender.address)
    impatient.close()


def test_a_nonce_that_another_process_took_is_no_other_refusal(
    rpc: RpcEngine, remote: Shelf, held: Callable[[], None]
) -> None:
    rpc.request(SEND, "0x" + remote.write(0, 1, 1).hex())
    remote.sender.nonce -= 1
    with rpc.submission() as submission, pytest.raises(NonceTaken):
        submission.hand_in(remote.write(1, 1, 1))


# ---- tokens and TLS


def test_the_token_goes_in_the_header_and_nothing_of_netrc(
    anvil: Anvil, faulty: FaultyNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    for token, expected in (("abc.DEF-1", "Bearer abc.DEF-1"), ("", None)):
        RpcEngine(Access(url=faulty.url, token=token)).close()
        assert faulty.headers[-1].get("Authorization") == expected


def test_a_token_that_is_refused_is_said_so(faulty: FaultyNode) -> None:
    faulty.script["*"] = [Fault.FORBIDDEN]
    with pytest.raises(ChainUnusable, match=r"does not let this token in.*PLEDGER_TOKEN"):
        RpcEngine(faulty.url)


def test_where_the_token_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def token(**options: Path) -> str:
        return read_access(tmp_path, "http://127.0.0.1:1", **options).token

    monkeypatch.delenv("PLEDGER_TOKEN", raising=False)
    assert token() == ""
    keep_token(tmp_path, "from-folder")
    assert token() == "from-folder" and (tmp_path / "node.token").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("PLEDGER_TOKEN", "from-environment")
    assert token() == "from-environment"
    other = tmp_path / "other"
    other.touch(mode=0o600)
    other.write_text("from-file\n")
    assert token(token_file=other) == "from-file"
    assert "from-file" not in repr(read_access(tmp_path, "http://[::1]:1", token_file=other))


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        ("abc", 0o644, "others on this machine can read"),
        ("", 0o600, "not a token"),
        ("two words", 0o600, "not a token"),
        ("a\r\nX-Other: 1", 0o600, "not a token"),
        (None, 0, "cannot be read"),
    ],
)
def test_a_token_that_cannot_be_used_is_said_why(
    tmp_path: Path, content: str | None, mode: int, words: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content, newline="")
        file.chmod(mode)
    with pytest.raises(UsageInvalid, match=words):
        read_access(tmp_path, "https://node.example", token_file=file)


@pytest.mark.parametrize(
    "url", ["http://node.example:8545", "http://10.1.2.3", "http://localhost.example"]
)
def test_a_token_never_goes_over_the_network_in_clear(tmp_path: Path, url: str) -> None:
    keep_token(tmp_path, "secret")
    with pytest.raises(UsageInvalid, match="in clear"):
        read_access(tmp_path, url)
    assert read_access(tmp_path, url.replace("http:", "https:")).token == "secret"


@pytest.mark.parametrize("url", ["node:8545", "ftp://node", "http://", "http://me:secret@node", ""])
def test_what_is_no_address_of_a_node_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageInvalid, match="not the address"):
        read_access(tmp_path, url)


def test_tls_by_the_certificates_of_the_folder(anvil: Anvil, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "node.pem", CERTIFICATES / "node.key")
    node = FaultyNode(anvil.url)
    with listening(node, lambda plain: context.wrap_socket(plain, server_side=True)):
        url = f"https://127.0.0.1:{node.port}"
        with pytest.raises(ChainUnusable, match=r"not vouched for.*ca\.pem"):
            RpcEngine(read_access(tmp_path, url))
        (tmp_path / "ca.pem").write_bytes((CERTIFICATES / "node.pem").read_bytes())
        engine = RpcEngine(read_access(tmp_path, url), chain_id=CHAIN_ID)
        assert engine.head().number == 0
        engine.close()
