"""genesis.json and chain.rlp: written and read back, damage located."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rlp

from ledger.chain.clique import EPOCH_BLOCKS
from ledger.chain.export import CHAIN_FILE, GENESIS_FILE, export_chain, read_chain
from ledger.chain.genesis import Genesis, decode_genesis, read_genesis
from ledger.chain.local import LocalEngine, create_chain
from ledger.errors import ChainCorrupt, ChainUnusable

from .conftest import GENESIS_AT, VALIDATORS, Shelf, Yard, address_of


def test_genesis_read_back_is_the_same_and_has_the_stored_hash(
    engine: LocalEngine, tmp_path: Path
) -> None:
    export_chain(engine, tmp_path / "out")
    genesis = read_genesis(tmp_path / "out" / GENESIS_FILE)
    assert genesis == engine.genesis
    stored = engine.block(0)
    assert stored is not None
    assert genesis.header().hash == stored.header.hash


def test_genesis_file_has_geth_s_layout(yard: Yard) -> None:
    document = json.loads(yard.genesis().encode())
    assert document["config"]["clique"] == {"period": 0, "epoch": 6}
    assert document["config"]["londonBlock"] == 0
    assert document["config"]["pledger"]["name"] == "合作"
    assert document["alloc"] == {}
    assert document["baseFeePerGas"] == "0x0"
    listed = bytes.fromhex(document["extraData"][2:])[32:-65]
    assert listed == b"".join(sorted(map(address_of, VALIDATORS)))


@pytest.mark.parametrize("change", [{"chain_id": 78}, {"pledger": {}}, {"epoch_blocks": 7}])
def test_genesis_hash_pins_the_configuration(yard: Yard, change: dict[str, object]) -> None:
    assert yard.genesis().header().hash != yard.genesis(**change).header().hash


def test_order_of_the_signers_does_not_matter_to_the_hash(yard: Yard) -> None:
    signers = tuple(map(address_of, reversed(VALIDATORS)))
    assert yard.genesis().header().hash == yard.genesis(signers=signers).header().hash


def test_epoch_is_thirty_thousand_blocks_unless_said() -> None:
    genesis = Genesis(chain_id=1, signers=(bytes(20),), timestamp=GENESIS_AT)
    assert genesis.epoch_blocks == EPOCH_BLOCKS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alloc", {"11" * 20: {"balance": "0x1"}}),
        ("baseFeePerGas", "0x1"),
        ("extraData", "0x" + "00" * 117),
        ("config", {}),
        ("timestamp", 5),
    ],
)
def test_genesis_changed_by_hand_is_refused(yard: Yard, name: str, value: object) -> None:
    document = json.loads(yard.genesis().encode()) | {name: value}
    with pytest.raises(ChainUnusable, match="genesis"):
        decode_genesis(json.dumps(document).encode())


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'"x"'])
def test_file_that_is_no_genesis_is_refused(content: bytes) -> None:
    with pytest.raises(ChainUnusable, match="genesis"):
        decode_genesis(content)


def test_missing_genesis_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ChainUnusable, match="nowhere"):
        read_genesis(tmp_path / "nowhere.json")


def test_second_chain_in_a_folder_is_refused(yard: Yard, engine: LocalEngine) -> None:
    with pytest.raises(ChainUnusable, match="already"):
        create_chain(yard.folder, yard.genesis())


@pytest.fixture
def exported(engine: LocalEngine, shelf: Shelf, tmp_path: Path) -> Path:
    with engine.submission() as submission:
        submission.send(shelf.write(0, 200, 1))
        submission.send(shelf.sender.sign(shelf.address, Shelf.write_data(0, 1, 2), kind=0))
        submission.keep()
    engine.seal_empty(5)
    assert export_chain(engine, tmp_path / "out") == engine.head().number
    return tmp_path / "out"


def test_exported_blocks_read_back_are_the_chain_s(engine: LocalEngine, exported: Path) -> None:
    read = list(read_chain(exported / CHAIN_FILE))
    assert read == list(engine.blocks(1, engine.head().number))
    assert [len(block.transactions) for block in read[:3]] == [1, 2, 0]


def test_export_of_the_same_chain_gives_the_same_bytes(
    engine: LocalEngine, exported: Path, tmp_path: Path
) -> None:
    export_chain(engine, tmp_path / "again")
    for name in (GENESIS_FILE, CHAIN_FILE):
        assert (exported / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_truncated_chain_file_is_named_by_block(exported: Path) -> None:
    path = exported / CHAIN_FILE
    whole = path.read_bytes()
    sizes = [len(block.encode()) for block in read_chain(path)]
    cuts = {1: 1, sizes[0] - 1: 1, sizes[0] + 1: 2, sizes[0] + 2: 2, sum(sizes) - 1: len(sizes)}
    for cut, block in cuts.items():
        path.write_bytes(whole[:cut])
        with pytest.raises(ChainCorrupt) as corrupt:
            list(read_chain(path))
        assert corrupt.value.block == block


def test_missing_block_in_the_chain_file_is_named(exported: Path) -> None:
    path = exported / CHAIN_FILE
    blocks = [block.encode() for block in read_chain(path)]
    path.write_bytes(b"".join(blocks[:2] + blocks[3:]))
    with pytest.raises(ChainCorrupt) as corrupt:
        list(read_chain(path))
    assert corrupt.value.block == 3


@pytest.mark.parametrize("garbage", [b"\x80", b"\xff" * 9, rlp.encode([b"x"]), b"\xc0"])
def test_garbage_in_the_chain_file_is_named_by_block(exported: Path, garbage: bytes) -> None:
    path = exported / CHAIN_FILE
    count = len(list(read_chain(path)))
    with path.open("ab") as file:
        file.write(garbage)
    with pytest.raises(ChainCorrupt) as corrupt:
        list(read_chain(path))
    assert corrupt.value.block == count + 1
