"""What waits for its block: taken at the door, executed at once, sealed in order."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import KeyUnavailable
from ledger.keys import KeyUse, sign_transaction
from ledger.ledger import Ledger
from ledger.node.node import Node
from ledger.node.pool import PoolLimits
from ledger.node.refusals import RpcRefused
from tests.cli.office import LOANS, Office, found_office
from tests.node.opened import Opened, opened


@pytest.fixture
def node(office: Office) -> Iterator[Opened]:
    with opened(office) as found:
        yield found


@pytest.fixture
def unsealed(office: Office) -> Iterator[Opened]:
    """A node that takes transactions and does not seal them."""
    with opened(office, seal=False) as found:
        yield found


def test_a_transaction_is_sealed_and_has_a_receipt(node: Opened) -> None:
    before, nonce = node.block(), node.nonce()
    receipt = node.sealed(node.send(node.raw(nonce)))
    assert (receipt["status"], int(receipt["blockNumber"], 16)) == ("0x1", before + 1)
    assert node.nonce(block="latest") == nonce + 1
    assert node.status() == (0, 0)


def test_nothing_is_sealed_when_nothing_is_sent(node: Opened) -> None:
    before = node.block()
    node.sealed(node.send(node.raw(node.nonce())))
    assert node.block() == before + 1


def test_transactions_of_one_sender_are_taken_one_after_another(unsealed: Opened) -> None:
    nonce = unsealed.nonce()
    hashes = [unsealed.send(unsealed.raw(nonce + at)) for at in range(5)]
    assert unsealed.status() == (5, 0)
    assert unsealed.nonce() == nonce + 5
    assert unsealed.nonce(block="latest") == nonce
    waiting = unsealed.ask("eth_getBlockByNumber", "pending", False)
    assert waiting["transactions"] == hashes
    assert waiting["hash"] is None
    assert int(waiting["number"], 16) == unsealed.block() + 1


def test_one_ahead_of_its_turn_waits_for_the_one_before(node: Opened) -> None:
    nonce = node.nonce()
    ahead = [node.send(node.raw(nonce + at)) for at in (2, 1)]
    assert node.status() == (0, 2)
    assert node.ask("eth_getTransactionByHash", ahead[0])["blockNumber"] is None
    assert node.ask("eth_getTransactionReceipt", ahead[0]) is None
    node.send(node.raw(nonce))
    places = [node.sealed(one)["transactionIndex"] for one in reversed(ahead)]
    assert places == ["0x1", "0x2"]


def test_a_refusal_says_its_reason_at_the_door(unsealed: Opened) -> None:
    nonce = unsealed.nonce()
    code, message = unsealed.refusal("eth_sendRawTransaction", unsealed.refused_call(nonce))
    assert (code, message) == (3, "execution reverted: SENDER_NOT_CHECKER")
    assert (unsealed.status(), unsealed.nonce()) == ((0, 0), nonce)


def test_a_refusal_is_of_the_state_that_those_before_leave(office: Office) -> None:
    file = office.file("loan.csv", LOANS)
    loans = _signed_loans(office, file)
    with opened(office, seal=False) as node:
        node.send(loans)
        again = _other_nonce(node, loans)
        code, message = node.refusal("eth_sendRawTransaction", again)
    assert (code, message) == (3, "execution reverted: LOAN_EXISTS")


def test_one_that_waited_and_is_refused_in_its_turn_is_dropped(node: Opened) -> None:
    nonce = node.nonce()
    refused = node.send(node.refused_call(nonce + 1))
    assert node.status() == (0, 1)
    node.sealed(node.send(node.raw(nonce)))
    assert node.status() == (0, 0)
    assert node.ask("eth_getTransactionByHash", refused) is None
    node.sealed(node.send(node.raw(nonce + 1)))


def test_the_same_transaction_again_is_known_and_not_sealed_twice(unsealed: Opened) -> None:
    raw = unsealed.raw(unsealed.nonce())
    unsealed.send(raw)
    assert unsealed.refusal("eth_sendRawTransaction", raw) == (-32000, "already known")
    held = unsealed.raw(unsealed.nonce() + 1)
    unsealed.send(held)
    assert unsealed.refusal("eth_sendRawTransaction", held) == (-32000, "already known")
    assert unsealed.status() == (1, 1)


def test_another_one_with_the_same_nonce_does_not_take_its_place(unsealed: Opened) -> None:
    nonce = unsealed.nonce()
    refusal = (-32000, "replacement transaction underpriced")
    for at in (0, 2):
        unsealed.send(unsealed.raw(nonce + at))
        other = unsealed.raw(nonce + at, gas=50_000)
        assert unsealed.refusal("eth_sendRawTransaction", other) == refusal


def test_a_sealed_nonce_is_too_low(node: Opened) -> None:
    nonce = node.nonce()
    raw = node.raw(nonce)
    node.sealed(node.send(raw))
    refusal = (-32000, f"nonce too low: next nonce {nonce + 1}, tx nonce {nonce}")
    assert node.refusal("eth_sendRawTransaction", raw) == refusal


def test_only_keys_of_members_send(unsealed: Opened) -> None:
    from eth_keys.datatypes import PrivateKey

    raw = sign_transaction(
        PrivateKey(b"\x11" * 32), chain_id=20251001, nonce=0, to=bytes(20), data=b"", gas=50_000
    )
    code, message = unsealed.refusal("eth_sendRawTransaction", "0x" + raw.hex())
    assert code == -32000 and "is not a key of a member" in message
    assert unsealed.status() == (0, 0)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("0x", "typed transaction too short"),
        ("0x7f01", "transaction type not supported"),
        ("0xc0", "invalid transaction"),
        ("0x02c0", "invalid transaction"),
        ("0x" + "00" * 100, "transaction type not supported"),
    ],
)
def test_what_is_no_transaction_is_refused(unsealed: Opened, raw: str, message: str) -> None:
    code, found = unsealed.refusal("eth_sendRawTransaction", raw)
    assert code == -32000 and found.startswith(message)


def test_gas_is_bounded_both_ways(unsealed: Opened) -> None:
    nonce = unsealed.nonce()
    refusals = [
        unsealed.refusal("eth_sendRawTransaction", unsealed.raw(nonce, gas=gas))[1]
        for gas in (20_999, 100_000_001)
    ]
    assert refusals == [
        "intrinsic gas too low: gas 20999, minimum needed 21000",
        "exceeds block gas limit: gas 100000001, most 100000000",
    ]


def test_another_chains_transaction_is_refused(unsealed: Opened) -> None:
    key = unsealed.keyring.key("bank-a", KeyUse.MAKER)
    raw = sign_transaction(key, chain_id=5, nonce=0, to=bytes(20), data=b"", gas=50_000)
    _, message = unsealed.refusal("eth_sendRawTransaction", "0x" + raw.hex())
    assert message == "invalid transaction: chain_id 5 != 20251001"


def test_what_waits_for_others_is_bounded_per_sender_and_in_all(office: Office) -> None:
    limits = PoolLimits(held_per_sender=3, held=5)
    with opened(office, limits=limits, seal=False) as node:
        nonce = node.nonce()
        for at in range(1, 4):
            node.send(node.raw(nonce + at))
        code, message = node.refusal("eth_sendRawTransaction", node.raw(nonce + 4))
        assert code == -32005 and message.startswith("nonce too high")
        other = node.nonce("platform-p")
        for at in (1, 2):
            node.send(node.raw(other + at, member="platform-p"))
        refusal = node.refusal("eth_sendRawTransaction", node.raw(other + 3, member="platform-p"))
        assert refusal == (-32005, "transaction pool is full")
        # The one that all of a sender's wait for always has room.
        node.send(node.raw(nonce))
        assert node.status() == (4, 2)


def test_a_full_block_is_sealed_and_the_next_one_begun(office: Office) -> None:
    with opened(office, block_seconds=1) as node:
        nonce = node.nonce()
        node.sealed(node.send(node.raw(nonce)))
        hashes = [node.send(_large(node, nonce + at)) for at in (1, 2, 3)]
        blocks = [int(node.sealed(one)["blockNumber"], 16) for one in hashes]
        assert blocks == [blocks[0], blocks[0], blocks[0] + 1]
        assert all(
            node.ask("eth_getBlockByNumber", hex(number), False)["baseFeePerGas"] == "0x0"
            for number in blocks
        )


def test_one_that_waited_for_room_goes_into_the_next_block(node: Opened) -> None:
    nonce = node.nonce()
    hashes = [node.send(_large(node, nonce + at)) for at in (2, 1, 0)]
    blocks = [int(node.sealed(one)["blockNumber"], 16) for one in reversed(hashes)]
    assert blocks == [blocks[0], blocks[0], blocks[0] + 1]


def test_two_blocks_are_at_least_the_asked_seconds_apart(office: Office) -> None:
    import time

    with opened(office, block_seconds=1) as node:
        nonce = node.nonce()
        node.sealed(node.send(node.raw(nonce)))
        first = time.monotonic()
        node.sealed(node.send(node.raw(nonce + 1)))
        assert time.monotonic() - first > 0.8


def test_stopping_seals_what_was_taken_and_takes_nothing_more(office: Office) -> None:
    with opened(office, block_seconds=3_600) as node:
        nonce, before = node.nonce(), node.block()
        node.sealed(node.send(node.raw(nonce)))
        waiting = [node.send(node.raw(nonce + at)) for at in (1, 2)]
        assert node.status() == (2, 0)
        node.node.pool.stop()
        assert node.refusal("eth_sendRawTransaction", node.raw(nonce + 3)) == (
            -32000,
            "the node is stopping",
        )
        assert {node.sealed(one)["blockNumber"] for one in waiting} == {hex(before + 2)}


def test_others_may_post_to_the_same_folder_meanwhile(office: Office) -> None:
    with opened(office, block_seconds=3_600) as node:
        nonce = node.nonce("bank-a")
        node.sealed(node.send(node.raw(nonce)))
        waiting = node.send(node.raw(nonce + 1))
        held = node.send(node.raw(nonce + 3))
        posted = office.posted("loan", LOANS)
        assert posted["posted"] == 3
        assert node.status() == (1, 1)
        assert node.nonce() == nonce + 2
        node.node.pool.stop()
        receipt = node.sealed(waiting)
        assert int(receipt["blockNumber"], 16) == posted["head_block"] + 1
        assert node.ask("eth_getTransactionReceipt", held) is None


def test_what_another_process_made_void_is_dropped(office: Office) -> None:
    file = office.file("loan.csv", LOANS)
    loans = _signed_loans(office, file)
    with opened(office, block_seconds=3_600) as node:
        node.sealed(node.send(node.raw(node.nonce())))
        waiting = node.send(loans)
        assert node.status() == (1, 0)
        office.posted("loan", LOANS)
        node.node.pool.stop()
        assert node.status() == (0, 0)
        assert node.ask("eth_getTransactionReceipt", waiting) is not None, "the same bytes"


def test_two_nodes_on_one_folder_seal_everything_once(office: Office) -> None:
    with opened(office) as one, opened(office) as other:
        nonce, before = one.nonce(), one.block()
        hashes = []
        for at in range(12):
            raw = one.raw(nonce + at)
            first, second = (one, other) if at % 2 else (other, one)
            hashes.append(first.send(raw))
            try:
                assert second.send(raw) == hashes[-1]
            except RpcRefused as refused:
                assert "nonce too low" in refused.message, "sealed by the other one already"
        receipts = [other.sealed(sent) for sent in hashes]
        places = {(found["blockNumber"], found["transactionIndex"]) for found in receipts}
        assert len(places) == 12
        one.until(lambda: one.status() == other.status() == (0, 0))
        assert one.nonce() == other.nonce() == nonce + 12
        sealed = range(before + 1, one.block() + 1)
        counts = [one.ask("eth_getBlockTransactionCountByNumber", hex(at)) for at in sealed]
        assert sum(int(count, 16) for count in counts) == 12


def test_a_validators_passphrase_is_asked_for_before_anything_is_served(tmp_path: Path) -> None:
    environment = {"PLEDGER_PASSPHRASE": "one word for all"}
    office = found_office(tmp_path / "office", environment=environment)
    asked = []

    def passphrase(member: str, use: KeyUse) -> str:
        asked.append((member, use))
        return "one word for all"

    Node(office.home, passphrases=passphrase).stop()
    assert asked == [("bank-a", KeyUse.VALIDATOR), ("platform-p", KeyUse.VALIDATOR)]
    with pytest.raises(KeyUnavailable, match="bank-a"):
        Node(office.home, passphrases=lambda member, use: "another")


def test_many_threads_send_and_read_at_once(office: Office) -> None:
    members = ["bank-a", "platform-p", "guarantor-g"]
    failures: list[str] = []

    def sender(node: Opened, member: str) -> None:
        try:
            first = node.nonce(member)
            for at in range(15):
                node.send(node.raw(first + at, member=member))
                node.ask("eth_call", {"to": node.address(member)}, "pending")
                node.ask("eth_getBlockByNumber", "latest", True)
        except Exception as error:
            failures.append(f"{member}: {error!r}")

    with opened(office) as node:
        before = [node.nonce(member) for member in members]
        threads = [threading.Thread(target=sender, args=(node, one)) for one in members]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        node.until(lambda: node.status() == (0, 0))
        after = [node.nonce(member, "latest") for member in members]
        assert after == [one + 15 for one in before]


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_disk_that_cannot_be_written_is_said_and_recovered_from(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.chain.store import Batch
    from ledger.errors import DiskFull

    whole = Batch.commit

    def full(batch: Batch) -> None:
        raise DiskFull(Path("data.mdb"))

    with opened(office) as node:
        monkeypatch.setattr(Batch, "commit", full)
        nonce = node.nonce()
        waiting = node.send(node.raw(nonce))
        node.until(lambda: bool(node.node.pool._fault))
        code, message = node.refusal("eth_sendRawTransaction", node.raw(nonce + 1))
        assert code == -32000 and "blocks cannot be sealed" in message
        assert node.ask("eth_call", {"to": node.address()}, "latest") == "0x"
        monkeypatch.setattr(Batch, "commit", whole)
        node.sealed(waiting)
        node.sealed(node.send(node.raw(nonce + 1)))


def _large(node: Opened, nonce: int) -> str:
    """A transaction of which two go into half of the gas limit: 16 gas for each byte."""
    return node.raw(nonce, data=b"\x01" * 2_600_000, gas=42_000_000)


def _signed_loans(office: Office, file: Path) -> str:
    """The transaction that books the loans, as the servicer's own tools would sign it."""
    copy = office.copy(office.folder.with_name("elsewhere"))
    outcome = copy.run("loan", "submit", file, "--deal", "joint-2026-01", "--as", "platform-p")
    assert outcome.exit_code == 0, outcome
    with Ledger.open(copy.home) as ledger:
        engine = ledger.engine
        block = engine.block(engine.head().number)  # type: ignore[attr-defined]
    return "0x" + block.transactions[0].hex()


def _other_nonce(node: Opened, raw: str) -> str:
    """The same call by the same member, as its next transaction."""
    from ledger.chain.pending import read_transaction

    sent = read_transaction(bytes.fromhex(raw[2:]), node.node.settings.chain_id)
    return node.raw(sent.nonce + 1, member="platform-p", to=sent.to, data=sent.data, gas=sent.gas)
