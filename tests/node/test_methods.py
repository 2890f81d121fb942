"""What a node says of the chain, compared with what the chain is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import rlp
from eth_hash.auto import keccak
from trie import HexaryTrie

from ledger.bindings import encode_call
from ledger.node.callers import Caller, Scope
from ledger.node.filters import PER_CALLER, Filters
from ledger.node.logs import RANGE_BLOCKS
from tests.cli.office import LOANS, Office
from tests.node.opened import Opened, opened


@pytest.fixture(scope="module")
def lent_node(lent_office: Office, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A node on three loans, only read."""
    office = lent_office.copy(tmp_path_factory.mktemp("node") / "office")
    with opened(office, seal=False) as found:
        yield found


def test_every_block_is_found_by_number_and_by_hash(lent_node: Opened) -> None:
    engine, total = lent_node.node.engine, 0
    for number in range(lent_node.block() + 1):
        sealed = engine.block(number)
        assert sealed is not None
        total += sealed.header.difficulty
        found = lent_node.ask("eth_getBlockByNumber", hex(number), False)
        assert found == lent_node.ask("eth_getBlockByHash", found["hash"], False)
        assert found["hash"] == "0x" + sealed.header.hash.hex()
        assert int(found["totalDifficulty"], 16) == total
        assert int(found["size"], 16) == len(sealed.encode())
        raw = lent_node.ask("debug_getRawBlock", hex(number))
        assert raw == "0x" + sealed.encode().hex()
        header = lent_node.ask("debug_getRawHeader", hex(number))
        assert keccak(bytes.fromhex(header[2:])) == sealed.header.hash


def test_every_transaction_and_receipt_is_found(lent_node: Opened) -> None:
    engine = lent_node.node.engine
    for number in range(1, lent_node.block() + 1):
        block = lent_node.ask("eth_getBlockByNumber", hex(number), True)
        receipts = lent_node.ask("eth_getBlockReceipts", hex(number))
        used = 0
        for index, (sent, receipt) in enumerate(zip(block["transactions"], receipts, strict=True)):
            place = (hex(number), hex(index))
            assert sent == lent_node.ask("eth_getTransactionByHash", sent["hash"])
            assert sent == lent_node.ask("eth_getTransactionByBlockNumberAndIndex", *place)
            assert receipt == lent_node.ask("eth_getTransactionReceipt", sent["hash"])
            own = engine.receipt(bytes.fromhex(sent["hash"][2:]))
            assert own is not None
            used += own.gas_used
            assert int(receipt["cumulativeGasUsed"], 16) == used
            assert len(receipt["logs"]) == len(own.logs)
            raw = bytes.fromhex(lent_node.ask("eth_getRawTransactionByHash", sent["hash"])[2:])
            assert keccak(raw).hex() == sent["hash"][2:]
        assert int(block["gasUsed"], 16) == used


def test_what_is_not_there_is_null(lent_node: Opened) -> None:
    unknown, beyond = "0x" + "11" * 32, hex(lent_node.block() + 1)
    assert lent_node.ask("eth_getBlockByNumber", beyond, True) is None
    assert lent_node.ask("eth_getBlockByHash", unknown, True) is None
    assert lent_node.ask("eth_getTransactionByHash", unknown) is None
    assert lent_node.ask("eth_getTransactionReceipt", unknown) is None
    assert lent_node.ask("eth_getBlockReceipts", beyond) is None
    assert lent_node.ask("eth_getTransactionByBlockNumberAndIndex", "0x1", "0xffff") is None
    assert lent_node.ask("eth_getTransactionByBlockNumberAndIndex", "0x1", hex(1 << 40)) is None


def test_the_newest_block_has_all_the_names_of_a_final_one(lent_node: Opened) -> None:
    newest = lent_node.ask("eth_getBlockByNumber", "latest", False)
    for name in ("safe", "finalized", newest["number"]):
        assert lent_node.ask("eth_getBlockByNumber", name, False) == newest
    first = lent_node.ask("eth_getBlockByNumber", "earliest", False)
    assert first["number"] == "0x0"


def test_logs_are_found_by_address_topics_and_range(lent_node: Opened) -> None:
    every = lent_node.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
    own = [log for one in lent_node.node.engine.logs(0, lent_node.block()) for log in [one]]
    assert [int(log["logIndex"], 16) for log in every] == [log.log_index for log in own]
    for name in {log["address"] for log in every}:
        expected = [log for log in every if log["address"] == name]
        assert expected == lent_node.ask("eth_getLogs", {"fromBlock": "0x0", "address": name})
        both = {"fromBlock": "0x0", "address": [name, "0x" + "22" * 20]}
        assert expected == lent_node.ask("eth_getLogs", both)
    for at in (0, 1):
        for topic in {log["topics"][at] for log in every if len(log["topics"]) > at}:
            query = {"fromBlock": "0x0", "topics": [None] * at + [[topic, "0x" + "33" * 32]]}
            expected = [log for log in every if log["topics"][at : at + 1] == [topic]]
            assert expected == lent_node.ask("eth_getLogs", query)
    for number in range(lent_node.block() + 1):
        expected = [log for log in every if log["blockNumber"] == hex(number)]
        same = {"fromBlock": hex(number), "toBlock": hex(number)}
        assert expected == lent_node.ask("eth_getLogs", same)
        block_hash = lent_node.ask("eth_getBlockByNumber", hex(number), False)["hash"]
        assert expected == lent_node.ask("eth_getLogs", {"blockHash": block_hash})


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ({"blockHash": "0x" + "11" * 32}, -32000, "unknown block"),
        ({"fromBlock": "0x2", "toBlock": "0x1"}, -32000, "invalid block range params"),
        ({"fromBlock": "0x0", "toBlock": hex(RANGE_BLOCKS)}, 0, ""),
        ({"topics": [None] * 5}, -32602, "invalid argument 0: exceed max topics"),
        ({"topics": "0x11"}, -32602, "invalid argument 0: topics: want a list"),
        ({"address": "0x11"}, -32602, "invalid argument 0: hex string has length 2, want 40"),
        ({"address": ["0x" + "22" * 20] * 1_001}, -32005, "more than 1000 choices"),
        ({"blockHash": "0x" + "11" * 32, "fromBlock": "0x1"}, -32602, "invalid argument 0: cannot"),
    ],
)
def test_a_query_of_logs_that_cannot_be(
    lent_node: Opened, query: dict[str, object], code: int, message: str
) -> None:
    if not code:
        assert isinstance(lent_node.ask("eth_getLogs", query), list), "a range beyond the head"
        return
    found = lent_node.refusal("eth_getLogs", query)
    assert found[0] == code and found[1].startswith(message)


@pytest.mark.parametrize(
    ("limit", "query", "message"),
    [
        ("RANGE_BLOCKS", {"fromBlock": "0x0"}, "query exceeds max block range 3"),
        ("MOST_LOGS", {"fromBlock": "0x0"}, "query returned more than 3 results"),
        ("MOST_LOOKED_AT", {"fromBlock": "0x0"}, "query looks at more than 3 logs"),
    ],
)
def test_a_query_of_logs_is_bounded(
    lent_node: Opened,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    query: dict[str, object],
    message: str,
) -> None:
    monkeypatch.setattr(f"ledger.node.logs.{limit}", 3)
    code, found = lent_node.refusal("eth_getLogs", query)
    assert code == -32005 and found.startswith(message)
    assert found.endswith("ask for fewer blocks at once")


def test_a_call_sees_what_the_contract_says(lent_node: Opened) -> None:
    members = "0x" + lent_node.node.settings.contracts["Members"].hex()
    data = "0x" + encode_call("Members", "key_role", lent_node.address()).hex()
    found = lent_node.ask("eth_call", {"to": members, "data": data}, "latest")
    assert int(found, 16) != 0
    newest = lent_node.ask("eth_getBlockByNumber", "latest", False)
    for block in (newest["number"], {"blockHash": newest["hash"]}, "safe", "pending"):
        assert lent_node.ask("eth_call", {"to": members, "input": data}, block) == found


def test_a_call_that_reverts_has_the_contracts_words_and_bytes(lent_node: Opened) -> None:
    from ledger.node.refusals import RpcRefused

    sent = lent_node.ask("eth_getTransactionByBlockNumberAndIndex", _last_loans(lent_node), "0x0")
    fields = {"from": sent["from"], "to": sent["to"], "data": sent["input"]}
    for method in ("eth_call", "eth_estimateGas"):
        with pytest.raises(RpcRefused) as refused:
            lent_node.ask(method, fields)
        assert (refused.value.code, refused.value.message) == (
            3,
            "execution reverted: LOAN_EXISTS",
        )
        data = bytes.fromhex(refused.value.data[2:])
        assert data[:4].hex() == "08c379a0" and b"LOAN_EXISTS" in data


def test_an_estimate_is_enough_and_not_far_above(office: Office) -> None:
    file = office.file("loan.csv", LOANS)
    copy = office.copy(office.folder.with_name("elsewhere"))
    assert copy.run("loan", "submit", file, "--deal", "joint-2026-01", "--as", "platform-p")
    with opened(copy, seal=False) as later:
        sent = later.ask("eth_getTransactionByBlockNumberAndIndex", "latest", "0x0")
        used = int(later.ask("eth_getTransactionReceipt", sent["hash"])["gasUsed"], 16)
    with opened(office, seal=False) as node:
        fields = {"from": sent["from"], "to": sent["to"], "data": sent["input"]}
        estimate = int(node.ask("eth_estimateGas", fields), 16)
        assert used <= estimate <= used * 108 // 100
        assert node.ask("eth_call", {**fields, "gas": hex(estimate)}) is not None
        code, message = node.refusal("eth_call", {**fields, "gas": hex(used * 9 // 10)})
        assert code == -32000 and message in ("out of gas", "execution reverted")
        assert node.block() + 1 == int(sent["blockNumber"], 16), "nothing stays"


@pytest.mark.parametrize("number", [6, 7, 8, 9])
def test_what_a_little_gas_takes_long_for_is_not_executed(office: Office, number: int) -> None:
    """Ten minutes of blake2 would cost a caller nothing."""
    rounds = (40_000_000).to_bytes(4, "big") + bytes(208) + b"\x01"
    with opened(office, seal=False) as node:
        precompile = bytes(19) + bytes([number])
        fields = {"to": "0x" + precompile.hex(), "data": "0x" + rounds.hex()}
        refusal = (-32000, f"precompile {number} takes too long here and is not executed")
        for method in ("eth_call", "eth_estimateGas"):
            assert node.refusal(method, fields) == refusal
        raw = node.raw(node.nonce(), to=precompile, data=rounds, gas=90_000_000)
        assert node.refusal("eth_sendRawTransaction", raw) == refusal
        # Nor from within a contract.
        code = f"0x6000600060006000600060{number:02x}5af100"
        assert node.refusal("eth_call", {"data": code}) == refusal
        assert node.status() == (0, 0)


def test_an_endless_call_ends(lent_node: Opened) -> None:
    refusal = lent_node.refusal("eth_call", {"data": "0x5b600056", "gas": hex(3_000_000)})
    assert refusal == (-32000, "out of gas")


def test_the_state_of_the_block_before_is_there_for_a_moment(office: Office) -> None:
    with opened(office) as node:
        before, nonce = node.block(), node.nonce()
        node.sealed(node.send(node.raw(nonce)))
        assert node.block() == before + 1
        for block, expected in ((hex(before), nonce), ("latest", nonce + 1)):
            count = node.ask("eth_getTransactionCount", node.address(), block)
            assert int(count, 16) == expected
        root = node.ask("eth_getBlockByNumber", hex(before), False)["stateRoot"]
        proof = node.ask("eth_getProof", node.address(), [], hex(before))
        assert keccak(bytes.fromhex(proof["accountProof"][0][2:])).hex() == root[2:]
        node.node._recent.close()
        refusal = node.refusal("eth_getTransactionCount", node.address(), hex(before))
        assert refusal[0] == -32000 and refusal[1].startswith("missing trie node " + root[2:])


@pytest.mark.parametrize("member", ["bank-a", "nobody"])
def test_an_account_is_proved_by_the_root(lent_node: Opened, member: str) -> None:
    address = "0x" + "77" * 20 if member == "nobody" else lent_node.address(member)
    _check_proof(lent_node, address, [])


def test_slots_are_proved_whether_there_or_not(lent_node: Opened) -> None:
    for address in lent_node.node.settings.contracts.values():
        _check_proof(lent_node, "0x" + address.hex(), [hex(slot) for slot in range(12)])


def _check_proof(node: Opened, address: str, slots: list[str]) -> None:
    """As another client would: by the trie of py-evm's own library."""
    root = bytes.fromhex(node.ask("eth_getBlockByNumber", "latest", False)["stateRoot"][2:])
    proof = node.ask("eth_getProof", address, slots, "latest")
    account = _proved(root, bytes.fromhex(address[2:]), proof["accountProof"])
    if not account:
        assert (proof["nonce"], proof["balance"]) == ("0x0", "0x0")
        return
    nonce, balance, storage_root, code_hash = rlp.decode(account)
    assert int(proof["nonce"], 16) == int.from_bytes(nonce, "big")
    assert int(proof["balance"], 16) == int.from_bytes(balance, "big")
    assert proof["storageHash"] == "0x" + storage_root.hex()
    assert proof["codeHash"] == "0x" + code_hash.hex()
    code = bytes.fromhex(node.ask("eth_getCode", address, "latest")[2:])
    assert keccak(code) == code_hash
    for slot, one in zip(slots, proof["storageProof"], strict=True):
        assert one["key"] == slot
        value = node.ask("eth_getStorageAt", address, slot, "latest")
        assert int(value, 16) == int(one["value"], 16)
        found = _proved(storage_root, int(slot, 16).to_bytes(32, "big"), one["proof"])
        assert int.from_bytes(rlp.decode(found) if found else b"", "big") == int(value, 16)


def _proved(root: bytes, key: bytes, nodes: list[str]) -> bytes:
    if root == keccak(b"\x80"):
        assert not nodes
        return b""
    listed = [rlp.decode(bytes.fromhex(node[2:])) for node in nodes]
    return bytes(HexaryTrie.get_from_proof(root, keccak(key), listed))


def test_filters_tell_what_is_new(office: Office) -> None:
    with opened(office) as node:
        of_blocks, of_logs, of_waiting = (
            node.ask("eth_newBlockFilter"),
            node.ask("eth_newFilter", {}),
            node.ask("eth_newPendingTransactionFilter"),
        )
        assert node.ask("eth_getFilterChanges", of_blocks) == []
        office.posted("loan", LOANS)
        hashes = node.ask("eth_getFilterChanges", of_blocks)
        newest = node.ask("eth_getBlockByNumber", "latest", False)
        assert hashes[-1] == newest["hash"]
        assert node.ask("eth_getFilterChanges", of_blocks) == []
        logs = node.ask("eth_getFilterChanges", of_logs)
        assert logs == node.ask("eth_getLogs", {"blockHash": newest["hash"]})
        assert node.ask("eth_getFilterChanges", of_logs) == []
        assert node.ask("eth_getFilterLogs", of_logs) == logs
        assert node.ask("eth_getFilterChanges", of_waiting) == []
        assert node.ask("eth_uninstallFilter", of_logs) is True
        assert node.ask("eth_uninstallFilter", of_logs) is False
        assert node.refusal("eth_getFilterChanges", of_logs) == (-32000, "filter not found")


def test_a_filter_of_what_waits_tells_each_once(office: Office) -> None:
    with opened(office, seal=False) as node:
        of_waiting = node.ask("eth_newPendingTransactionFilter")
        sent = node.send(node.raw(node.nonce()))
        assert node.ask("eth_getFilterChanges", of_waiting) == [sent]
        assert node.ask("eth_getFilterChanges", of_waiting) == []


def test_filters_are_their_callers_alone_and_few(lent_node: Opened) -> None:
    bank, platform = Caller("bank-a", Scope.READ), Caller("platform-p", Scope.READ)
    names = [lent_node.ask("eth_newBlockFilter", caller=bank) for _ in range(PER_CALLER)]
    assert len(set(names)) == PER_CALLER
    from ledger.node.refusals import RpcRefused

    with pytest.raises(RpcRefused, match="too many filters"):
        lent_node.ask("eth_newBlockFilter", caller=bank)
    with pytest.raises(RpcRefused, match="filter not found"):
        lent_node.ask("eth_getFilterChanges", names[0], caller=platform)
    lent_node.ask("eth_newBlockFilter", caller=platform)


def test_a_filter_that_nobody_asks_for_is_forgotten(lent_node: Opened) -> None:
    from ledger.node.difficulty import TotalDifficulty
    from ledger.node.moment import Moment
    from ledger.node.recent import RecentStates
    from ledger.node.refusals import RpcRefused
    from ledger.node.values import Arguments

    seconds = [0]
    filters = Filters(now_ns=lambda: seconds[0] * 1_000_000_000)
    engine = lent_node.node.engine
    with engine.reading() as view:
        moment = Moment(
            caller=Caller("bank-a", Scope.READ),
            engine=engine,
            view=view,
            pool=lent_node.node.pool,
            totals=TotalDifficulty(),
            recent=RecentStates(engine),
        )
        nothing = Arguments([], required=0, most=0)
        old = filters.of_blocks(moment, nothing)
        seconds[0] = 299
        assert filters.changes(moment, Arguments([old], required=1, most=1)) == []
        seconds[0] = 600
        filters.of_blocks(moment, nothing)
        with pytest.raises(RpcRefused, match="filter not found"):
            filters.changes(moment, Arguments([old], required=1, most=1))


@pytest.mark.parametrize(
    ("method", "params", "code", "message"),
    [
        ("eth_foo", [], -32601, "the method eth_foo does not exist/is not available"),
        ("eth_sign", [], -32601, "the method eth_sign does not exist/is not available"),
        ("eth_sendTransaction", [{}], -32601, "the method eth_sendTransaction does not exist"),
        ("eth_getBalance", [], -32602, "missing value for required argument 0"),
        ("eth_getBalance", [None], -32602, "missing value for required argument 0"),
        ("eth_blockNumber", [1], -32602, "too many arguments, want at most 0"),
        ("eth_getBalance", ["0x12"], -32602, "invalid argument 0: hex string has length 2, want"),
        ("eth_getBalance", ["bank-a"], -32602, "invalid argument 0: hex string without 0x prefix"),
        ("eth_getBalance", [5], -32602, "invalid argument 0: want a hex string"),
        ("eth_getBlockByNumber", ["0x01", True], -32602, "invalid argument 0: hex number with"),
        ("eth_getBlockByNumber", ["newest", True], -32602, "invalid argument 0: hex string with"),
        ("eth_getBlockByNumber", ["0x1", "yes"], -32602, "invalid argument 1: want true or false"),
        ("eth_getBlockByNumber", ["0x" + "f" * 65, True], -32602, "invalid argument 0"),
        ("eth_getBlockByNumber", [{}, True], -32602, "invalid argument 0: want blockHash or"),
        ("eth_call", ["0x"], -32602, "invalid argument 0: want an object"),
        ("eth_call", [{"to": "0x1"}], -32602, "invalid argument 0: hex string of odd length"),
        ("eth_call", [{"gas": -1}], -32602, "invalid argument 0: want a hex string"),
        ("eth_call", [{}, "latest", {"0x" + "11" * 20: {"balance": "0x1"}}], -32602,
         "invalid argument 2: this node executes on the chain's state as it is"),
        ("eth_getFilterChanges", [[]], -32000, "filter not found"),
        ("eth_feeHistory", ["0x1", "0xffffff", []], -32000, "request beyond head block"),
        ("eth_getProof", ["0x" + "11" * 20, "0x0"], -32602, "invalid argument 1: want a list"),
        ("eth_getStorageAt", ["0x" + "11" * 20, "0xzz"], -32000, "unable to decode storage key"),
        ("clique_getSigners", ["0x0"], -32000, "this node knows who may seal as of the newest"),
    ],
)  # fmt: skip
def test_a_mistaken_request_is_told_what_is_wrong(
    lent_node: Opened, method: str, params: list[object], code: int, message: str
) -> None:
    found = lent_node.refusal(method, *params)
    assert found[0] == code and found[1].startswith(message), found


def test_what_the_node_says_of_itself(lent_node: Opened) -> None:
    ask = lent_node.ask
    assert ask("web3_clientVersion").startswith("pledger/v")
    assert (ask("eth_chainId"), ask("net_version")) == (hex(20251001), "20251001")
    assert (ask("eth_syncing"), ask("eth_accounts"), ask("net_listening")) == (False, [], True)
    assert ask("eth_gasPrice") == ask("eth_maxPriorityFeePerGas") == "0x0"
    assert ask("web3_sha3", "0x") == "0x" + keccak(b"").hex()
    history = ask("eth_feeHistory", "0x2", "latest", [50])
    assert history["baseFeePerGas"] == ["0x0"] * 3 and history["reward"] == [["0x0"]] * 2
    about = ask("pledger_ledger")
    settings = lent_node.node.settings
    assert about["dev"] is False and about["chain_id"] == settings.chain_id
    assert about["contracts"] == {k: "0x" + v.hex() for k, v in settings.contracts.items()}
    assert about["genesis_hash"] == ask("eth_getBlockByNumber", "0x0", False)["hash"]
    assert ask("clique_getSigners") == sorted(about["validators"].values())
    snapshot = ask("clique_getSnapshot", "latest")
    assert sorted(snapshot["signers"]) == ask("clique_getSigners")
    assert {"eth", "clique", "txpool", "pledger"} <= ask("rpc_modules").keys()


def test_a_node_without_a_validators_key_reads_and_does_not_seal(office: Office) -> None:
    for key in Path(office.home / "keys").glob("*-validator.json"):
        key.unlink()
    with opened(office) as node:
        assert node.block() > 0
        code, message = node.refusal("eth_sendRawTransaction", node.raw(node.nonce(block="latest")))
        assert code == -32000 and "block" in message


def test_a_copied_chain_is_read_and_not_added_to(lent_office: Office, tmp_path: Path) -> None:
    export = tmp_path / "export"
    assert lent_office.run("export", export).exit_code == 0
    outcome = lent_office.run("import", export, tmp_path / "copy")
    assert outcome.exit_code == 0, outcome
    copy = Office(folder=tmp_path)
    (tmp_path / "copy").rename(copy.home)
    with opened(copy) as node, opened(lent_office, seal=False) as own:
        assert node.ask("eth_getBlockByNumber", "latest", True) == own.ask(
            "eth_getBlockByNumber", "latest", True
        )
        code, message = node.refusal("eth_sendRawTransaction", own.raw(own.nonce()))
        assert code == -32000 and "copy" in message


def _last_loans(node: Opened) -> str:
    """Number of the block that booked the loans."""
    loans = "0x" + node.node.settings.contracts["Loans"].hex()
    for number in range(1, node.block() + 1):
        block = node.ask("eth_getBlockByNumber", hex(number), True)
        if any(sent["to"] == loans for sent in block["transactions"]):
            return hex(number)
    raise AssertionError("no loans")

