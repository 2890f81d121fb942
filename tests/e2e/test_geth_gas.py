"""Why a transaction on a network asks for half a block more gas than it may use: with real geth.

A block above half its gas limit raises the base fee to 1 wei for ever, and nobody has money.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.geth import Network, Node, wait_until
from ledger.chain.genesis import GAS_LIMIT
from ledger.chain.rpc import RpcEngine
from ledger.founding import KEYS_FOLDER
from ledger.keys import Keyring, KeyUse, open_passphrases, sign_transaction
from tests.cli.office import CONSORTIUM, LEAD, LOANS, REPAYMENTS, SERVICER, Office, sign_deal

pytestmark = pytest.mark.slow

CHAIN_ID = 20251001
ALONE = CONSORTIUM.replace("validator = true\n", "", 1)
# PUSH3 225000; a loop of 26 gas that counts down; STOP: creates an account without code.
BURNING = bytes.fromhex("62036ee8" + "5b" + "6001" + "90" + "03" + "80" + "6004" + "57" + "00")
USES, MAY_USE = 5_900_000, 8_000_000
BURST = 40
"""Transactions at once: together they would fill a block and more."""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A ledger of one validator."""
    office = Office(folder=tmp_path)
    config = office.file("consortium.toml", ALONE)
    assert office.run("init", office.home, "--config", config, "--dev").exit_code == 0
    sign_deal(office)
    office.posted("loan", LOANS)
    return office


@pytest.fixture
def node(office: Office, geth_program: Path) -> Iterator[Node]:
    """Its node, stopped from sealing so that a burst meets one block."""
    exported = office.run(
        "network", "export", office.folder / "net", *Network.places([SERVICER]),
        "--period", "1", "--json",
    )  # fmt: skip
    network = Network.of(exported.document, geth_program)
    try:
        network.start()
        assert office.run("network", "join", "--rpc", network.nodes[0].url).exit_code == 0
        yield network.nodes[0]
    finally:
        network.kill()


def burst(office: Office, node: Node, gas: int) -> list[str]:
    """Hand over what two members sign at once; the hashes, once all are queued."""
    assert node.told("miner.stop() == null")
    keys = Keyring(office.home / KEYS_FOLDER, open_passphrases)
    hashes = []
    for member in (LEAD, SERVICER):
        key = keys.key(member, KeyUse.MAKER)
        sender = "0x" + key.public_key.to_canonical_address().hex()
        first = int(node.request("eth_getTransactionCount", sender, "latest"), 16)
        for nonce in range(first, first + BURST // 2):
            raw = sign_transaction(
                key, chain_id=CHAIN_ID, nonce=nonce, to=b"", data=BURNING, gas=gas
            )
            hashes.append(node.request("eth_sendRawTransaction", "0x" + raw.hex()))
    pending = lambda: int(node.request("txpool_status")["pending"], 16)  # noqa: E731
    wait_until(lambda: pending() == BURST, "all are queued")
    assert node.told("miner.start() == null")
    return hashes


def blocks_since(node: Node, first: int) -> list[dict[str, int]]:
    numbers = range(first, node.head()[0] + 1)
    found = [node.request("eth_getBlockByNumber", hex(number), False) for number in numbers]
    return [{name: int(one[name], 16) for name in ("gasUsed", "baseFeePerGas")} for one in found]


def included(node: Node, hashes: list[str]) -> bool:
    return all(node.request("eth_getTransactionReceipt", one) for one in hashes)


def test_a_burst_with_the_reserve_leaves_the_base_fee_at_0(office: Office, node: Node) -> None:
    before = node.head()[0]
    engine = RpcEngine(node.url)
    assert engine.gas_reserve == GAS_LIMIT // 2
    hashes = burst(office, node, engine.gas_reserve + MAY_USE)
    wait_until(lambda: included(node, hashes), "all are in blocks")
    blocks = blocks_since(node, before)
    assert sum(one["gasUsed"] for one in blocks) > BURST * USES > GAS_LIMIT
    # As full as they may be, and no fuller.
    assert GAS_LIMIT // 2 - MAY_USE - USES < max(one["gasUsed"] for one in blocks) <= GAS_LIMIT // 2
    assert {one["baseFeePerGas"] for one in blocks} == {0}
    assert office.posted("repayment", REPAYMENTS)["posted"] == 3


def test_a_burst_without_it_stops_the_ledger_until_the_block_is_taken_back(
    office: Office, node: Node
) -> None:
    before = node.head()[0]
    burst(office, node, MAY_USE)
    over = wait_until(
        lambda: [at for at, one in enumerate(blocks_since(node, before)) if one["baseFeePerGas"]],
        "the base fee rises",
    )[0]
    blocks = blocks_since(node, before)
    assert blocks[over - 1]["gasUsed"] > GAS_LIMIT // 2
    refused = office.submit("repayment", REPAYMENTS)
    assert refused.exit_code == 4, refused
    wait_until(lambda: node.head()[0] > before + over + 3, "empty blocks go on")
    assert {one["baseFeePerGas"] for one in blocks_since(node, before + over)} == {1}

    # What the operator's page says: back to the block before, and everything goes on.
    assert node.told("miner.stop() == null")
    node.attach(f"debug.setHead('{hex(before + over - 2)}')")
    node.stop()
    node.folder.joinpath("data", "geth", "transactions.rlp").unlink(missing_ok=True)
    node.start()
    # Taken back is what was final: a book that knew it is made anew.
    for path in office.home.glob("book.sqlite*"):
        path.unlink()
    assert office.posted("repayment", REPAYMENTS)["posted"] == 3
    assert {one["baseFeePerGas"] for one in blocks_since(node, before)} == {0}
