"""A ledger's own folder, edited under an intact chain, with the checksums set right."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from eth_hash.auto import keccak

from ledger.chain.blocks import SNAPSHOT, block_key, place_key
from ledger.chain.clique import Snapshot, encode_snapshot
from ledger.chain.pending import read_transaction
from ledger.chain.store import Store, Table, as_stored
from ledger.ledger import Ledger
from ledger.replay import replay
from tests.replay.forge import CHAIN_ID, Forge, found, hexed, placed, says

pytestmark = pytest.mark.slow

AT = 9


@pytest.fixture
def folder(ledger_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(ledger_folder, tmp_path / "copy")


def rewrite(
    folder: Path, table: Table, key: bytes, change: Callable[[bytes], bytes | None]
) -> tuple[bytes, bytes | None]:
    """Change a value of the database and its checksum, None removes it; both values."""
    store = Store(folder / "chain")
    with store.write() as batch:
        before = batch.need(table, key)
        value = change(before)
        if value is None:
            batch.delete(table, key)
        else:
            batch.put(table, key, value)
        batch.commit()
    store.close()
    return before, value


def test_a_transaction_rewritten_in_the_database(folder: Path, forge: Forge) -> None:
    number = forge.number_with(1)
    _, raw = rewrite(
        folder,
        Table.TRANSACTIONS,
        place_key(number, 0),
        lambda raw: raw[:200] + bytes([raw[200] ^ 1]) + raw[201:],
    )
    assert raw is not None
    report = replay(folder)
    assert found(report)[0] == (number, "transactions_root")
    says(
        report, "membership", block=number, transaction=0,
        expected="sender a registered key of a member",
        found=hexed(read_transaction(raw, CHAIN_ID).sender),
    )  # fmt: skip
    assert {block for block, _ in found(report)} == {number}


def test_a_log_rewritten_in_the_database(ledger_folder: Path, folder: Path, forge: Forge) -> None:
    """The book is read from it; the entry is named as its submitter calls it."""
    with Ledger.open(ledger_folder) as ledger:
        place = ledger.book().connection.execute(
            "SELECT block, tx, entry_id FROM entries WHERE kind = 'repayment' ORDER BY entry"
        ).fetchone()
        ref = ledger.ref(place[2])
    block, index, _ = place
    rewrite(
        folder, Table.RECEIPTS, place_key(block, index),
        lambda record: record[:-1] + bytes([record[-1] ^ 7]),
    )  # fmt: skip
    report = replay(folder)
    (named,) = report.failures
    assert (named.block, named.transaction, named.check) == (block, index, "database")
    assert named.transaction_hash == keccak(forge.block(block).transactions[index])
    assert named.expected.startswith("log ") and hexed(forge.contract("Loans")) in named.found
    assert named.entry.startswith("R-") and ref.startswith("R-")


def test_the_gas_of_a_receipt_rewritten_in_the_database(folder: Path, forge: Forge) -> None:
    before, _ = rewrite(
        folder, Table.RECEIPTS, place_key(AT, 0),
        lambda record: record[:32] + (7).to_bytes(8, "big") + record[40:],
    )  # fmt: skip
    report = replay(folder)
    gas = int.from_bytes(before[32:40], "big")
    named = says(
        report, "database", block=AT, transaction=0,
        expected=f"gas {gas}", found="7", first=True,
    )  # fmt: skip
    assert named.transaction_hash == keccak(forge.block(AT).transactions[0])
    assert len(report.failures) == 1


@pytest.mark.parametrize("table", [Table.NUMBERS, Table.LOOKUPS])
def test_a_hash_that_leads_elsewhere_in_the_database(
    table: Table, folder: Path, forge: Forge
) -> None:
    block = forge.block(AT)
    known = block.header.hash if table is Table.NUMBERS else keccak(block.transactions[0])
    own, other = (
        block_key(at) if table is Table.NUMBERS else place_key(at, 0) for at in (AT, AT + 1)
    )
    rewrite(folder, table, known, lambda value: other)
    says(
        replay(folder), "database", block=AT,
        transaction=None if table is Table.NUMBERS else 0,
        expected=f"{table} of {hexed(known)}: {hexed(own)}", found=hexed(other), first=True,
    )  # fmt: skip


def test_a_receipt_removed_from_the_database(folder: Path) -> None:
    rewrite(folder, Table.RECEIPTS, place_key(AT, 0), lambda record: None)
    report = replay(folder)
    says(report, "database", block=AT, expected="receipts: 2", found="1", first=True)
    assert len(report.failures) == 1


def test_a_state_edited_under_an_intact_chain(folder: Path, forge: Forge) -> None:
    key = a_slot(folder, forge)
    before, after = rewrite(folder, Table.STATE, key, lambda node: node[:-1] + b"\x07")
    assert after is not None
    report = replay(folder)
    expected = f"state of Journal {hexed(key)}: {hexed(before)}"
    head = len(forge.blocks)
    says(report, "database", block=head, expected=expected, found=hexed(after), first=True)
    assert len(report.failures) == 1


def test_a_state_removed_under_an_intact_chain(folder: Path, forge: Forge) -> None:
    rewrite(folder, Table.STATE, a_slot(folder, forge), lambda node: None)
    report = replay(folder)
    assert found(report) == [(len(forge.blocks), "database")]
    wanted = int(report.failures[0].expected.removeprefix("records of the state: "))
    assert report.failures[0].found == str(wanted - 1)


def a_slot(folder: Path, forge: Forge) -> bytes:
    """A key of the table of the state: of what Journal holds."""
    store = Store(folder / "chain")
    with store.read() as view:
        slots = b"s" + forge.contract("Journal")
        key = [key for key, _ in view.scan(Table.STATE, slots, slots + b"\xff")][-1]
    store.close()
    return key


def test_validators_edited_in_the_database(folder: Path, forge: Forge) -> None:
    alone = encode_snapshot(Snapshot(signers=(b"\x07" * 20,)))
    before, _ = rewrite(folder, Table.META, SNAPSHOT, lambda stored: alone)
    says(
        replay(folder), "database", block=len(forge.blocks),
        expected=f"signers: {hexed(before)}", found=hexed(alone), first=True,
    )  # fmt: skip


def test_a_header_rewritten_in_the_database(folder: Path, forge: Forge) -> None:
    header = forge.block(AT).header
    changed = header.copy(gas_used=header.gas_used + 1).encode()
    rewrite(folder, Table.HEADERS, block_key(AT), lambda stored: changed)
    report = replay(folder)
    says(
        report, "gas_used",
        block=AT, expected=str(header.gas_used + 1), found=str(header.gas_used),
    )  # fmt: skip
    # Nor is the new hash among those by which blocks are found.
    assert set(found(report)) == {
        (AT, "seals"), (AT, "gas_used"), (AT, "database"), (AT + 1, "headers"),
    }  # fmt: skip


def test_a_bit_flipped_in_the_database(folder: Path, forge: Forge) -> None:
    """By a disk, not by a forger: the checksum is what it was."""
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


def test_what_the_second_engine_alone_sees_of_a_folder(folder: Path, forge: Forge) -> None:
    """Receipts and hashes, but no state: it keeps no tries, and the report says what was not run."""
    rewrite(folder, Table.STATE, a_slot(folder, forge), lambda node: None)
    report = replay(folder, engine="revm")
    assert placed(report) == []
    (level,) = (one for one in report.levels if one.name == "pyevm")
    assert not level.run and level.why_not
    rewrite(folder, Table.RECEIPTS, place_key(AT, 0), lambda record: record[:-1] + b"\x07")
    assert placed(replay(folder, engine="revm")) == [(AT, 0, "database")]
