"""A ledger's history goes on on four geth nodes, and comes back to our auditor whole.

Everything is real: the embedded engine's own chain, geth's import of it, four processes that seal
in turn, kills, a partition, geth's export, and a replay from block 0 on both EVMs.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.geth import Network, Node, wait_until
from ledger.chain.export import CHAIN_FILE, GENESIS_FILE, read_chain
from tests.cli.office import (
    CONSORTIUM,
    DEAL,
    LOANS,
    REPAYMENTS,
    SERVICER,
    Office,
    sign_deal,
)

pytestmark = pytest.mark.slow

VALIDATORS = ["bank-a", "platform-p", "guarantor-g", "outsider-o"]
FOUR = "".join(
    part if "validator" in part else part + ("validator = true\n" if at else "")
    for at, part in enumerate(CONSORTIUM.replace("[[member]]", "\0[[member]]").split("\0"))
)
REPAID = "entry_ref,loan_ref,date,principal,interest,penalty,fee\n"


def loans(prefix: str, count: int = 2) -> str:
    """Loans of borrowers of their own, L-1 of the worked example each."""
    header, first, *_ = LOANS.splitlines()
    rows = [
        first.replace("L-1,B-1,", f"{prefix}-{at},B-{prefix}-{at},").replace("7800.00", "100.00")
        for at in range(count)
    ]
    return "\n".join([header, *rows]) + "\n"


def repayment(ref: str, loan: str) -> str:
    return f"{REPAID}{ref},{loan},2026-02-10,1.00,0.50,0.00,0.00\n"


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """A ledger of four validators with loans on the embedded engine."""
    office = Office(folder=tmp_path)
    config = office.file("consortium.toml", FOUR)
    founded = office.run("init", office.home, "--config", config, "--dev", "--json")
    assert founded.exit_code == 0 and founded.document["validators"] == VALIDATORS, founded
    sign_deal(office)
    office.posted("loan", LOANS)
    return office


@pytest.fixture
def network(office: Office, geth_program: Path) -> Iterator[Network]:
    """Four nodes that have imported the history and seal on.

    Two seconds between blocks, where the history has one.
    """
    exported = office.run(
        "network", "export", office.folder / "net", *Network.places(VALIDATORS),
        "--period", "2", "--json",
    )  # fmt: skip
    assert exported.exit_code == 0, exported
    network = Network.of(exported.document, geth_program)
    try:
        network.start()
        yield network
    finally:
        network.kill()


def submitted(office: Office, noun: str, content: str, node: Node) -> Any:
    """The document of a submission through one node, by a process of its own."""
    file = office.file(f"{noun}.csv", content)
    done = office.process(
        noun, "submit", file, "--deal", DEAL, "--as", SERVICER, "--json", "--rpc", node.url
    )
    assert done.exit_code == 0, done
    return done.document


def everywhere(office: Office, network: Network) -> list[Any]:
    """The balances as each validator's own folder shows them from its own node."""
    shown = []
    for node in network.nodes:
        theirs = Office(folder=office.folder / f"own-{node.member}")
        if not theirs.home.exists():
            shutil.copytree(office.home, theirs.home)
        shown.append(balances(theirs, node))
    return shown


def balances(office: Office, node: Node) -> Any:
    shown = office.process("balances", DEAL, "--json", "--rpc", node.url)
    assert shown.exit_code == 0, shown
    return shown.document["accounts"]


def test_a_ledger_goes_on_on_four_nodes_and_is_replayed(
    office: Office, network: Network, tmp_path: Path
) -> None:
    before = office.run("balances", DEAL, "--json").document
    bank, platform, guarantor, outsider = network.nodes
    head = before["as_of_block"]
    *_, last = read_chain(network.folder / CHAIN_FILE)
    # The same chain: every node has our head at its height, and our balances.
    assert last.header.block_number == head
    assert {node.hash_of(head) for node in network.nodes} == {f"0x{last.header.hash.hex()}"}
    joined = office.run("network", "join", "--rpc", bank.url, "--json")
    assert joined.exit_code == 0 and joined.document["joined_at_block"] == head, joined
    assert balances(office, bank) == before["accounts"]

    # Entries through two nodes, one process each.
    assert submitted(office, "repayment", REPAYMENTS, platform)["posted"] == 3
    done = submitted(office, "loan", loans("N"), guarantor)
    assert done["posted"] == 2 and done["final_block"] >= done["head_block"]

    # One validator is gone: entries are still taken. It is back: it has caught up.
    outsider.kill()
    assert submitted(office, "repayment", repayment("S-0", "N-0"), bank)["posted"] == 1
    outsider.start()
    network.connected()
    assert submitted(office, "repayment", repayment("S-1", "N-1"), outsider)["posted"] == 1
    network.agreed(beyond=head)
    shown = everywhere(office, network)
    assert all(one == shown[0] for one in shown)
    assert shown[0] != before["accounts"]
    # Submitted once more, through another node, nothing is posted.
    again = submitted(office, "repayment", REPAYMENTS, outsider)
    assert (again["posted"], again["already_posted"]) == (0, 3)

    # geth's own export of it, and our replay from block 0 on both EVMs.
    network.agreed()
    for node in network.nodes:
        node.stop()
    export = tmp_path / "exported"
    export.mkdir()
    guarantor.export(export / "chain.rlp")
    (export / GENESIS_FILE).write_bytes((network.folder / GENESIS_FILE).read_bytes())
    replayed = office.run("replay", export, "--no-recompile", "--json")
    assert replayed.exit_code == 0, replayed
    report = replayed.document
    assert report["ok"] and report["blocks"] > head
    blocks = list(read_chain(export / "chain.rlp"))
    assert report["head_hash"] == "0x" + blocks[-1].header.hash.hex()
    # A folder made of it shows the same balances, read by nobody's node.
    copy = tmp_path / "copy"
    assert office.run("import", export, copy).exit_code == 0
    theirs = office.run("balances", DEAL, "--json", "--ledger", copy)
    assert theirs.document["accounts"] == shown[0]


def test_entries_of_a_branch_that_lost_are_posted_once(office: Office, network: Network) -> None:
    """One validator alone seals an entry that the other three never saw; then they meet again."""
    joined = office.run("network", "join", "--rpc", network.nodes[0].url)
    assert joined.exit_code == 0, joined
    submitted(office, "repayment", REPAYMENTS, network.nodes[0])
    before = everywhere(office, network)
    lone, others = part(network)
    file = office.file("alone.csv", loans("A"))
    posting = office.start(
        "loan", "submit", file, "--deal", DEAL, "--as", SERVICER, "--json", "--rpc", lone.url
    )
    try:
        wait_until(lambda: int(lone.request("txpool_status")["pending"], 16), "the entry is queued")
        assert lone.told("miner.start() == null")
        height = wait_until(lambda: with_transactions(lone), "the entry is in a block")
        fallen = lone.hash_of(height)
        # The book of whoever asks the lone one knows the entry by now; it must not keep it so.
        watching = Office(folder=office.folder / f"own-{lone.member}")
        assert balances(watching, lone) != before[0]
        for node in others:
            assert node.told("miner.start() == null")
        wait_until(lambda: others[0].head()[0] > height + 3, "the three go on")
        # They let it in again, and it finds them where its own files say they are.
        for node in others:
            assert node.told(f"admin.addTrustedPeer('{lone.enode}')")
        lone.stop()
        lone.start()
        wait_until(lambda: lone.hash_of(height) not in (fallen, None), "its block fell out")
        stdout, stderr = posting.communicate(timeout=120)
    finally:
        posting.kill()
        posting.communicate()
    assert posting.returncode == 0, stderr
    document = json.loads(stdout)
    assert document["posted"] + document["already_posted"] == 2
    assert lone.hash_of(document["final_block"]) == others[0].hash_of(document["final_block"])
    network.agreed(beyond=document["final_block"])
    shown = everywhere(office, network)
    assert all(one == shown[0] for one in shown) and shown[0] != before[0]
    loan = office.run("loan", "show", "A-0", "--deal", DEAL, "--json", "--rpc", others[0].url)
    assert loan.document["outstanding_minor"] == 100_00
    # The same file once more: it is all there.
    again = submitted(office, "loan", loans("A"), others[1])
    assert (again["posted"], again["already_posted"]) == (0, 2)


def part(network: Network) -> tuple[Node, list[Node]]:
    """Stop all from sealing, and cut one off that may seal the next block: it and the others."""
    for node in network.nodes:
        assert node.told("miner.stop() == null")
    # What is being sealed still comes: one out of turn waits up to 1.5 s.
    wait_until(lambda: all(age(node) > 5 for node in network.nodes), "nobody seals any more")
    number, _ = network.agreed()
    recent = {sealer(network.nodes[0], at) for at in (number, number - 1)}
    lone = next(node for node in network.nodes if node.address not in recent)
    others = [node for node in network.nodes if node is not lone]
    for node in others:
        cut(lone, node)
    wait_until(lambda: lone.peers() == 0, "one is alone")
    return lone, others


def cut(one: Node, other: Node) -> None:
    for here, there in ((one, other), (other, one)):
        assert here.told(f"admin.removeTrustedPeer('{there.enode}')")
        assert here.told(f"admin.removePeer('{there.enode}')")


def sealer(node: Node, number: int) -> str:
    found: str = node.request("clique_getSigner", hex(number))
    return found


def age(node: Node) -> float:
    """Seconds since the newest block."""
    block = node.request("eth_getBlockByNumber", "latest", False)
    return time.time() - int(block["timestamp"], 16)


def with_transactions(node: Node) -> int:
    """The head's number if it has transactions, else 0."""
    block = node.request("eth_getBlockByNumber", "latest", False)
    return int(block["number"], 16) if block["transactions"] else 0


def test_the_start_script_is_a_shell_script() -> None:
    script = Path(__file__).parents[2] / "ledger" / "network" / "start.sh"
    assert subprocess.run(["sh", "-n", script], check=False).returncode == 0
