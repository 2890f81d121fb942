"""Transactions tampered with: in the file alone, or by whoever holds every validator's key.

`listed`: the header's root is over the list as it is now, and everything is sealed again.
"""

from __future__ import annotations

import pytest
import rlp
from eth_hash.auto import keccak

from ledger.bindings import CONTRACTS, encode_batch, label
from ledger.chain.ordered_trie import root_of
from ledger.chain.pending import read_transaction
from ledger.keys import sign_transaction
from tests.replay.forge import (
    CHAIN_ID,
    STRANGER,
    Forge,
    found,
    hexed,
    placed,
    replayed,
    says,
)
from tests.replay.partnership import JOINT, SERVICER

pytestmark = pytest.mark.slow

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of the group of secp256k1."""
MEMBER = "sender a registered key of a member"


def altered(forge: Forge, number: int, transactions: list[bytes], *, listed: bool) -> None:
    forge.put(number, transactions, listed=listed)
    if listed:
        forge.seal_from(number)


def check_list(forge: Forge, number: int, before: bytes) -> None:
    """The header's root against the list in the file is the first thing wrong."""
    says(
        replayed(forge.write()),
        "transactions_root",
        block=number,
        expected=hexed(before),
        found=hexed(root_of(forge.block(number).transactions)),
        first=True,
    )


def test_a_byte_of_a_transaction(forge: Forge) -> None:
    number = forge.number_with(1)
    before = forge.block(number).header.transaction_root
    raw, *others = forge.block(number).transactions
    flipped = raw[:200] + bytes([raw[200] ^ 1]) + raw[201:]
    altered(forge, number, [flipped, *others], listed=False)
    check_list(forge, number, before)
    # Another text under the same signature is another sender's.
    report = forge.replay()
    sender = hexed(read_transaction(flipped, CHAIN_ID).sender)
    named = says(
        report, "membership", block=number, transaction=0, expected=MEMBER, found=sender
    )
    assert named.transaction_hash == keccak(flipped)
    assert {block for block, _ in found(report)} == {number}


def test_a_byte_of_a_transaction_listed_anew(forge: Forge) -> None:
    number = forge.number_with(1)
    raw, *others = forge.block(number).transactions
    flipped = raw[:200] + bytes([raw[200] ^ 1]) + raw[201:]
    altered(forge, number, [flipped, *others], listed=True)
    sender = hexed(read_transaction(flipped, CHAIN_ID).sender)
    report = replayed(forge.write())
    says(
        report, "membership",
        block=number, transaction=0, expected=MEMBER, found=sender, first=True,
    )  # fmt: skip
    assert (number, "transactions_root") not in found(report)


def test_a_dropped_transaction(forge: Forge) -> None:
    number = forge.number_with(2)
    before = forge.block(number).header.transaction_root
    altered(forge, number, list(forge.block(number).transactions[:-1]), listed=False)
    check_list(forge, number, before)


def test_a_dropped_transaction_listed_anew(forge: Forge) -> None:
    number = forge.number_with(2)
    header = forge.block(number).header
    altered(forge, number, list(forge.block(number).transactions[:-1]), listed=True)
    report = replayed(forge.write())
    assert report.first is not None
    assert placed(report)[:3] == [
        (number, None, "gas_used"), (number, None, "logs_bloom"), (number, None, "receipts_root"),
    ]  # fmt: skip
    assert report.first.expected == str(header.gas_used)
    assert int(report.first.found) < header.gas_used


@pytest.mark.parametrize("listed", [False, True])
def test_reordered_transactions(listed: bool, forge: Forge) -> None:
    number = forge.number_with(2)
    before = forge.block(number).header.transaction_root
    first, second, *rest = forge.block(number).transactions
    altered(forge, number, [second, first, *rest], listed=listed)
    report = replayed(forge.write())
    named = says(
        report, "status", block=number, transaction=0, expected="success",
        found="ACTION_NOT_REQUESTED", first=listed,
    )  # fmt: skip
    assert named.transaction_hash == keccak(second)
    if not listed:
        check_list(forge, number, before)


@pytest.mark.parametrize("listed", [False, True])
def test_a_duplicated_transaction(listed: bool, forge: Forge) -> None:
    number = forge.number_with(2)
    before = forge.block(number).header.transaction_root
    transactions = forge.block(number).transactions
    altered(forge, number, [*transactions, transactions[-1]], listed=listed)
    nonce = read_transaction(transactions[-1], CHAIN_ID).nonce
    report = replayed(forge.write())
    says(
        report, "status", block=number, transaction=len(transactions), expected="success",
        found=f"Invalid transaction nonce: Expected {nonce + 1}, but got {nonce}", first=listed,
    )  # fmt: skip
    if not listed:
        check_list(forge, number, before)


@pytest.mark.parametrize("listed", [False, True])
def test_an_inserted_transaction_of_a_stranger(listed: bool, forge: Forge) -> None:
    number = forge.number_with(2)
    before = forge.block(number).header.transaction_root
    first, *rest = forge.block(number).transactions
    altered(forge, number, [first, forge.sign(STRANGER, bytes(20), b""), *rest], listed=listed)
    stranger = hexed(STRANGER.public_key.to_canonical_address())
    report = replayed(forge.write())
    says(
        report, "membership",
        block=number, transaction=1, expected=MEMBER, found=stranger, first=listed,
    )  # fmt: skip
    if not listed:
        check_list(forge, number, before)


def test_an_inserted_transaction_of_a_member(forge: Forge) -> None:
    """By who holds the member's key and every validator's, but does not execute it."""
    number = len(forge.blocks)
    header = forge.head.header
    raw = forge.sign_as(SERVICER, bytes(20), b"")
    altered(forge, number, [*forge.head.transactions, raw], listed=True)
    says(
        replayed(forge.write()), "gas_used",
        block=number, expected=str(header.gas_used), found=str(header.gas_used + 21_000),
        first=True,
    )  # fmt: skip


def test_a_transaction_signed_for_another_chain(forge: Forge) -> None:
    number = len(forge.blocks)
    raw = sign_transaction(STRANGER, chain_id=1, nonce=0, to=bytes(20), data=b"", gas=21_000)
    altered(forge, number, [raw], listed=True)
    report = replayed(forge.write())
    assert report.first is not None and report.first.transaction_hash == keccak(raw)
    says(
        report, "signatures", block=number, transaction=0,
        expected=f"signed for chain {CHAIN_ID}", found=report.first.found, first=True,
    )  # fmt: skip
    assert "1" in report.first.found


def test_garbage_for_a_transaction(forge: Forge) -> None:
    number = len(forge.blocks)
    altered(forge, number, [b"\x02garbage"], listed=True)
    report = replayed(forge.write())
    assert placed(report)[0] == (number, 0, "signatures")
    assert report.failures[0].expected == f"signed for chain {CHAIN_ID}"


def test_a_second_form_of_a_signature(forge: Forge) -> None:
    number = len(forge.blocks)
    fields = rlp.decode(forge.head.transactions[0])
    v, s = int.from_bytes(fields[6], "big"), int.from_bytes(fields[8], "big")
    # The mirrored point recovers to the same sender, under another hash of the transaction.
    fields[6] = (v + 1 if (v - 35) % 2 == 0 else v - 1).to_bytes(4, "big")
    fields[8] = (ORDER - s).to_bytes(32, "big")
    forge.put(number, [rlp.encode(fields), *forge.head.transactions[1:]], listed=True)
    forge.settle(number)
    report = forge.replay()
    says(
        report, "signatures", block=number, transaction=0,
        expected=f"signed for chain {CHAIN_ID}", found=f"s {ORDER - s:#x}", first=True,
    )  # fmt: skip
    assert found(report)[:2] == [(number, "signatures"), (number, "status")]
    assert forge.replay(engine="revm").first == report.first


def test_a_transaction_of_somebody_who_is_no_member(forge: Forge) -> None:
    forge.rebuild([forge.sign(STRANGER, bytes(20), b"hello")])
    stranger = hexed(STRANGER.public_key.to_canonical_address())
    report = replayed(forge.write())
    says(
        report, "membership",
        block=len(forge.blocks), transaction=0, expected=MEMBER, found=stranger, first=True,
    )  # fmt: skip
    assert len(report.failures) == 1


def test_a_transaction_of_the_operator_after_the_founding(forge: Forge) -> None:
    forge.rebuild([forge.sign(forge.operator, bytes(20), b"", nonce=len(CONTRACTS))])
    operator = hexed(forge.operator.public_key.to_canonical_address())
    report = replayed(forge.write())
    says(
        report, "membership",
        block=len(forge.blocks), transaction=0, expected=MEMBER, found=operator, first=True,
    )  # fmt: skip
    assert len(report.failures) == 1


def test_a_failed_transaction_in_a_block(forge: Forge) -> None:
    data = encode_batch("book", label(JOINT), 1, [(1, 1, 0, 0)])
    raw = forge.sign_as(SERVICER, forge.contract("Loans"), data)
    number, index = len(forge.blocks), len(forge.head.transactions)
    forge.put(number, [*forge.head.transactions, raw], listed=True)
    forge.settle(number)
    report = replayed(forge.write())
    says(
        report, "status", block=number, transaction=index,
        expected="success", found="LOAN_PRINCIPAL_INVALID", first=True,
    )  # fmt: skip
    assert len(report.failures) == 1
