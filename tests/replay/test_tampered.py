"""The tamper corpus: every alteration is named by its check and its block.

Where a case says nothing else, whoever altered the chain holds every validator's key and sealed
everything behind the alteration again.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rlp
import vyper

from ledger import reading
from ledger.bindings import CONTRACTS, artifact, creation_code, encode_batch, label
from ledger.chain.blocks import SNAPSHOT, place_key
from ledger.chain.clique import Snapshot, encode_snapshot, sealer_of
from ledger.chain.genesis import decode_genesis
from ledger.chain.pending import read_transaction
from ledger.chain.store import Store, Table, as_stored
from ledger.entries import entry_id, loan_id
from ledger.founding import POSTERS, WIRING
from ledger.keys import KeyUse, sign_transaction
from ledger.ledger import Ledger
from ledger.replay import KnownBlock, replay
from tests.replay.forge import CHAIN_ID, STRANGER, Forge, found
from tests.replay.partnership import JOINT, MEMBERS, SERVICER

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Of the group of secp256k1."""


# ---- blocks of the file


def test_a_file_cut_short_is_named_at_the_block_it_ends_in(forge: Forge) -> None:
    path = forge.write() / "chain.rlp"
    path.write_bytes(path.read_bytes()[:-100])
    report = replay(forge.folder)
    assert found(report) == [(len(forge.blocks), "blocks")]
    assert report.blocks == len(forge.blocks) - 1


def test_a_dropped_block_is_named(forge: Forge) -> None:
    del forge.blocks[11]
    assert found(forge.replay()) == [(12, "blocks")]


def test_a_block_there_twice_is_named(forge: Forge) -> None:
    forge.blocks.insert(12, forge.block(12))
    assert found(forge.replay()) == [(13, "blocks")]


def test_blocks_out_of_order_are_named(forge: Forge) -> None:
    forge.blocks[11], forge.blocks[12] = forge.blocks[12], forge.blocks[11]
    assert found(forge.replay()) == [(12, "blocks")]


def test_a_file_that_is_no_chain_is_named(forge: Forge) -> None:
    (forge.write() / "chain.rlp").write_bytes(b"not a chain")
    assert found(replay(forge.folder))[0] == (1, "blocks")


def test_a_removed_tail_is_named_against_a_known_head(forge: Forge) -> None:
    head = forge.head.header
    known = KnownBlock(number=head.block_number, block_hash=head.hash)
    del forge.blocks[-2:]
    assert found(forge.replay()) == []
    assert found(forge.replay(known=known)) == [(head.block_number - 1, "known_block")]


def test_another_history_is_named_against_a_known_block(forge: Forge) -> None:
    known = KnownBlock(number=9, block_hash=forge.block(9).header.hash)
    forge.rebuild(changed={(8, 0): resigned(forge, 8, 0)})
    assert found(forge.replay()) == []
    assert found(forge.replay(known=known)) == [(9, "known_block")]


def resigned(forge: Forge, number: int, index: int) -> bytes:
    """The same transaction by the same key with another gas limit."""
    old = read_transaction(forge.block(number).transactions[index], CHAIN_ID)
    (key,) = (
        forge.keyring.key(member, use)
        for member in MEMBERS
        for use in (KeyUse.MAKER, KeyUse.CHECKER)
        if forge.keyring.address(member, use) == old.sender
    )
    return forge.sign(key, bytes(old.to), bytes(old.data), old.nonce, old.gas + 1)


def test_no_flipped_byte_of_the_file_goes_unnoticed(forge: Forge) -> None:
    whole = (forge.write() / "chain.rlp").read_bytes()
    randomness = random.Random(20251001)
    for _ in range(15):
        at = randomness.randrange(len(whole))
        flipped = bytearray(whole)
        flipped[at] ^= 1 << randomness.randrange(8)
        (forge.folder / "chain.rlp").write_bytes(flipped)
        report = replay(forge.folder)
        assert not report.ok, at


# ---- genesis


def test_the_genesis_of_another_ledger_does_not_fit_the_first_block(forge: Forge) -> None:
    genesis = decode_genesis(forge.genesis)
    forge.genesis = replace(genesis, timestamp=genesis.timestamp - 1).encode()
    assert found(forge.replay()) == [(1, "headers")]


def test_an_edited_genesis_contradicts_itself(forge: Forge) -> None:
    forge.genesis = forge.genesis.replace(b'"timestamp": "0x', b'"timestamp": "0x1', 1)
    forge.genesis = forge.genesis.replace(b'"gasLimit": "0x', b'"gasLimit": "0x1', 1)
    report = forge.replay()
    assert found(report)[0] == (1, "headers")
    forge.genesis = forge.genesis.replace(b'"difficulty": "0x1"', b'"difficulty": "0x2"', 1)
    assert found(forge.replay()) == [(0, "genesis")]


def test_contracts_elsewhere_than_the_operator_deploys_are_named(forge: Forge) -> None:
    genesis = decode_genesis(forge.genesis)
    contracts = {**genesis.pledger["contracts"], "Journal": "0x" + "77" * 20}
    forge.genesis = replace(genesis, pledger={**genesis.pledger, "contracts": contracts}).encode()
    report = forge.replay()
    assert found(report)[0] == (0, "genesis")
    assert (1, "headers") in found(report)


# ---- headers


CHANGED_HEADER: list[tuple[str, Callable[[Any], Any]]] = [
    ("gas_used", lambda header: {"gas_used": header.gas_used + 1}),
    ("logs_bloom", lambda header: {"bloom": header.bloom ^ 1 << 77}),
    ("receipts_root", lambda header: {"receipt_root": b"\x07" * 32}),
    ("state_root", lambda header: {"state_root": b"\x07" * 32}),
    ("transactions_root", lambda header: {"transaction_root": b"\x07" * 32}),
    ("headers", lambda header: {"gas_limit": header.gas_limit + 1}),
    ("headers", lambda header: {"base_fee_per_gas": 1}),
    ("headers", lambda header: {"timestamp": header.timestamp - 1_000}),
    ("seals", lambda header: {"difficulty": 1}),
    ("seals", lambda header: {"mix_hash": b"\x01" * 32}),
    ("seals", lambda header: {"nonce": b"\x01" * 8}),
    ("seals", lambda header: {"extra_data": b"\0" * 20 + header.extra_data}),
]


@pytest.mark.parametrize(("check", "change"), CHANGED_HEADER)
def test_a_field_of_a_header_sealed_again_is_named(
    check: str, change: Callable[[Any], Any], forge: Forge
) -> None:
    forge.change(10, **change(forge.block(10).header))
    forge.seal_from(10)
    assert found(forge.replay()) == [(10, check)]


@pytest.mark.parametrize(("check", "change"), CHANGED_HEADER)
def test_a_field_of_a_header_not_sealed_again_breaks_seal_and_chain(
    check: str, change: Callable[[Any], Any], forge: Forge
) -> None:
    forge.change(10, **change(forge.block(10).header))
    assert sorted(set(found(forge.replay()))) == sorted(
        {(10, check), (10, "seals"), (11, "headers")}
    )


def test_a_wrong_parent_hash_is_named(forge: Forge) -> None:
    forge.change(10, parent_hash=b"\x07" * 32)
    forge.seal_from(10)
    assert found(forge.replay()) == [(10, "headers")]


def test_a_block_sealed_by_a_stranger_is_named(forge: Forge) -> None:
    forge.seal_from(10, STRANGER)
    report = forge.replay()
    assert found(report) == [(10, "seals")]
    assert report.failures[0].found == "0x" + STRANGER.public_key.to_canonical_address().hex()


def test_two_blocks_in_a_row_by_one_signer_are_named(forge: Forge) -> None:
    before = forge.keys[sealer_of(forge.block(9).header)]
    forge.seal_from(10, before)
    assert found(forge.replay()) == [(10, "seals")]


def test_a_seal_that_is_no_signature_is_named(forge: Forge) -> None:
    header = forge.block(10).header
    forge.change(10, extra_data=header.extra_data[:-65] + b"\xff" * 65)
    assert found(forge.replay()) == [(10, "seals"), (11, "headers")]


def test_a_vote_by_one_validator_alone_changes_no_signer(forge: Forge) -> None:
    stranger = STRANGER.public_key.to_canonical_address()
    forge.change(10, coinbase=stranger, nonce=b"\xff" * 8)
    forge.seal_from(10)
    assert found(forge.replay()) == []
    forge.seal_from(14, STRANGER)
    assert found(forge.replay()) == [(14, "seals")]


# ---- transactions


def test_a_flipped_byte_of_a_transaction_is_named(forge: Forge) -> None:
    number = forge.number_with(1)
    raw, *others = forge.block(number).transactions
    flipped = raw[:200] + bytes([raw[200] ^ 1]) + raw[201:]
    forge.put(number, [flipped, *others])
    failures = found(forge.replay())
    assert failures[0] == (number, "transactions_root")
    assert {block for block, _ in failures} == {number}
    # Another text under the same signature is another sender's.
    assert (number, "membership") in failures


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("how", ["dropped", "repeated", "reordered"])
def test_other_transactions_than_executed_are_named(how: str, listed: bool, forge: Forge) -> None:
    number = forge.number_with(2)
    first, second, *rest = forge.block(number).transactions
    altered = {
        "dropped": [first, *rest],
        "repeated": [first, second, second, *rest],
        "reordered": [second, first, *rest],
    }
    forge.put(number, altered[how], listed=listed)
    forge.seal_from(number)
    report = forge.replay()
    named = {check for block, check in found(report) if block == number}
    assert ("transactions_root" in named) == (not listed)
    assert "status" in named if how != "dropped" else "receipts_root" in named
    assert {block for block, _ in found(report)} == {number}


def test_a_transaction_signed_for_another_chain_is_named(forge: Forge) -> None:
    raw = sign_transaction(STRANGER, chain_id=1, nonce=0, to=bytes(20), data=b"", gas=21_000)
    forge.put(len(forge.blocks), [raw], listed=True)
    forge.seal(len(forge.blocks))
    failures = found(forge.replay())
    assert failures[0][1] == "signatures" and failures[0][0] == len(forge.blocks)


def test_garbage_for_a_transaction_is_named(forge: Forge) -> None:
    forge.put(len(forge.blocks), [b"\x02garbage"], listed=True)
    forge.seal(len(forge.blocks))
    assert (len(forge.blocks), "signatures") in found(forge.replay())


def test_a_second_form_of_a_signature_is_named(forge: Forge) -> None:
    number = len(forge.blocks)
    fields = rlp.decode(forge.head.transactions[0])
    v, s = int.from_bytes(fields[6], "big"), int.from_bytes(fields[8], "big")
    # The mirrored point recovers to the same sender, under another hash of the transaction.
    fields[6] = (v + 1 if (v - 35) % 2 == 0 else v - 1).to_bytes(4, "big")
    fields[8] = (ORDER - s).to_bytes(32, "big")
    forge.put(number, [rlp.encode(fields), *forge.head.transactions[1:]], listed=True)
    forge.settle(number)
    assert found(forge.replay())[:2] == [(number, "signatures"), (number, "status")]


def test_a_transaction_of_somebody_who_is_no_member_is_named(forge: Forge) -> None:
    forge.rebuild([forge.sign(STRANGER, bytes(20), b"hello")])
    assert found(forge.replay()) == [(len(forge.blocks), "membership")]


def test_a_transaction_of_the_operator_after_the_founding_is_named(forge: Forge) -> None:
    forge.rebuild([forge.sign(forge.operator, bytes(20), b"", nonce=len(CONTRACTS))])
    assert found(forge.replay()) == [(len(forge.blocks), "membership")]


def test_a_failed_transaction_in_a_block_is_named(forge: Forge) -> None:
    data = encode_batch("book", label(JOINT), 1, [(1, 1, 0, 0)])
    raw = forge.sign_as(SERVICER, forge.contract("Loans"), data)
    number = len(forge.blocks)
    forge.put(number, [*forge.head.transactions, raw], listed=True)
    forge.settle(number)
    report = forge.replay()
    assert found(report) == [(number, "status")]
    assert report.failures[0].found == "LOAN_PRINCIPAL_INVALID"


# ---- contracts


def test_a_contract_that_divides_by_another_constant_is_named(forge: Forge) -> None:
    # The half that M1 adds before it divides by 1 000 000.
    half, other = (500_000).to_bytes(3, "big"), (499_999).to_bytes(3, "big")
    creation = deployment(forge, "Loans")
    assert half in creation
    redeploy(forge, "Loans", creation.replace(half, other))
    failures = found(forge.replay())
    assert failures[:2] == [(1, "deployment"), (1, "contract_code")]
    assert {check for block, check in failures[2:]} <= {"twin"}


def test_a_contract_that_divides_in_another_proportion_is_named(forge: Forge) -> None:
    whole, other = (1_000_000).to_bytes(3, "big"), (1_000_001).to_bytes(3, "big")
    redeploy(forge, "Loans", deployment(forge, "Loans").replace(whole, other))
    report = forge.replay()
    assert found(report)[:2] == [(1, "deployment"), (1, "contract_code")]
    # Its numbers are not those of the terms either.
    assert {check for _, check in found(report)[2:]} & {"twin", "L2"}


def test_one_more_contract_that_may_post_is_named(forge: Forge) -> None:
    at = {name: "0x" + forge.contract(name).hex() for name in CONTRACTS}
    posters = [*(at[name] for name in POSTERS), "0x" + "66" * 20]
    code = creation_code("Journal", *(at[name] for name in WIRING["Journal"]), posters)
    redeploy(forge, "Journal", code)
    # Its code is the shipped one: only the deployment shows it.
    assert found(forge.replay()) == [(1, "deployment")]


def test_sources_that_differ_in_a_comment_alone_are_the_same_contract(forge: Forge) -> None:
    creation, bytecode = deployment(forge, "Deals"), artifact("Deals").bytecode
    hashed = len(bytecode) - int.from_bytes(bytecode[-2:], "big") + 3
    redeploy(forge, "Deals", creation[:hashed] + b"\x07" * 32 + creation[hashed + 32 :])
    assert found(forge.replay()) == []


def deployment(forge: Forge, name: str) -> bytes:
    data: bytes = rlp.decode(forge.block(1).transactions[CONTRACTS.index(name)])[5]
    return data


def redeploy(forge: Forge, name: str, creation: bytes) -> None:
    """The whole chain once more, with another contract in the place of one of the ledger's."""
    nonce = CONTRACTS.index(name)
    raw = forge.sign(forge.operator, b"", creation, nonce=nonce, gas=12_000_000)
    forge.rebuild(changed={(1, nonce): raw})


def test_events_of_a_members_own_contract_are_not_entries(forge: Forge) -> None:
    compiled = vyper.compile_code(LOOKALIKE, output_formats=["bytecode"])
    code = bytes.fromhex(compiled["bytecode"].removeprefix("0x"))
    forge.rebuild([forge.sign_as(SERVICER, b"", code)])
    assert found(forge.replay()) == []


LOOKALIKE = """
# pragma version 0.4.3
# pragma evm-version london
event LoanRepaid:
    entry_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    date: uint256
    legs: uint256[4]
@deploy
def __init__():
    log LoanRepaid(entry_id=empty(bytes32), loan_id=empty(bytes32), date=20000, legs=[1, 2, 3, 4])
"""


# ---- entries


def test_an_entry_id_posted_twice_by_its_servicer_is_named(
    ledger_folder: Path, forge: Forge
) -> None:
    with Ledger.open(ledger_folder) as ledger:
        salt = ledger.salt(JOINT)
    twice = int.from_bytes(entry_id(salt, "R-0020-1"), "big")
    loan = int.from_bytes(loan_id(salt, "L-0020"), "big")
    row = (twice, loan, 20_600 | 2 << 16, 100_00)
    data = encode_batch("repay", label(JOINT), version_of(ledger_folder, "L-0020"), [row])
    forge.rebuild([forge.sign_as(SERVICER, forge.contract("Loans"), data)])
    report = forge.replay()
    assert found(report) == [(len(forge.blocks), "entry_ids")]
    assert f"{twice:064x}" in report.failures[0].expected


def version_of(folder: Path, ref: str) -> int:
    with Ledger.open(folder) as ledger:
        deal = ledger.deal(JOINT).deal
        known = reading.loan(ledger.book(), deal, loan_id(ledger.salt(JOINT), ref))
    assert known is not None
    return known.version


def test_a_deal_whose_name_is_no_text_hinders_nobody(forge: Forge) -> None:
    proposal = next(
        rlp.decode(raw)[5]
        for block in forge.blocks[1:]
        for raw in block.transactions
        if rlp.decode(raw)[3] == forge.contract("Deals")
    )
    data = proposal[:4] + b"\xff" * 32 + proposal[36:]
    forge.rebuild([forge.sign_as(SERVICER, forge.contract("Deals"), data)])
    assert found(forge.replay()) == []


# ---- a ledger's own folder


def test_a_transaction_rewritten_in_the_database_is_named(
    ledger_folder: Path, tmp_path: Path, forge: Forge
) -> None:
    folder = copied(ledger_folder, tmp_path)
    number = forge.number_with(1)
    rewrite(
        folder,
        Table.TRANSACTIONS,
        place_key(number, 0),
        lambda raw: raw[:200] + bytes([raw[200] ^ 1]) + raw[201:],
    )
    failures = found(replay(folder))
    assert failures[0] == (number, "transactions_root")
    assert {block for block, _ in failures} == {number}


def test_a_receipt_rewritten_in_the_database_is_named(ledger_folder: Path, tmp_path: Path) -> None:
    folder = copied(ledger_folder, tmp_path)
    rewrite(folder, Table.RECEIPTS, place_key(9, 0), lambda record: record[:-1] + b"\x07")
    assert found(replay(folder)) == [(9, "database")]


def test_a_receipt_removed_from_the_database_is_named(ledger_folder: Path, tmp_path: Path) -> None:
    folder = copied(ledger_folder, tmp_path)
    rewrite(folder, Table.RECEIPTS, place_key(9, 0), lambda record: None)
    assert found(replay(folder)) == [(9, "database")]


@pytest.mark.parametrize("change", [lambda node: node[:-1] + b"\x07", lambda node: None])
def test_a_state_edited_under_an_intact_chain_is_named(
    change: Callable[[bytes], bytes | None], ledger_folder: Path, tmp_path: Path, forge: Forge
) -> None:
    folder = copied(ledger_folder, tmp_path)
    store = Store(folder / "chain")
    with store.read() as view:
        slots = b"s" + forge.contract("Journal")
        key = [key for key, _ in view.scan(Table.STATE, slots, slots + b"\xff")][-1]
    store.close()
    rewrite(folder, Table.STATE, key, change)
    assert found(replay(folder)) == [(len(forge.blocks), "database")]


def test_signers_edited_in_the_database_are_named(
    ledger_folder: Path, tmp_path: Path, forge: Forge
) -> None:
    folder = copied(ledger_folder, tmp_path)
    alone = Snapshot(signers=(b"\x07" * 20,))
    rewrite(folder, Table.META, SNAPSHOT, lambda stored: encode_snapshot(alone))
    assert found(replay(folder)) == [(len(forge.blocks), "database")]


def rewrite(
    folder: Path, table: Table, key: bytes, change: Callable[[bytes], bytes | None]
) -> None:
    """Change a value of the database and its checksum; None removes it."""
    store = Store(folder / "chain")
    with store.write() as batch:
        value = change(batch.need(table, key))
        if value is None:
            batch.delete(table, key)
        else:
            batch.put(table, key, value)
        batch.commit()
    store.close()


def test_a_bit_flipped_in_the_database_is_named(
    ledger_folder: Path, tmp_path: Path, forge: Forge
) -> None:
    folder = copied(ledger_folder, tmp_path)
    number = forge.number_with(1)
    raw = forge.block(number).transactions[0]
    path = folder / "chain" / "data.mdb"
    data = bytearray(path.read_bytes())
    stored = as_stored(Table.TRANSACTIONS, place_key(number, 0), raw)[100:160]
    at = data.find(stored)
    assert at > 0
    while at > 0:
        data[at] ^= 1
        at = data.find(stored, at + 1)
    path.write_bytes(data)
    assert found(replay(folder)) == [(number, "blocks")]


def copied(folder: Path, to: Path) -> Path:
    return shutil.copytree(folder, to / "copy")
