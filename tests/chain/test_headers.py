"""Headers, blocks and receipts: read by our own few lines, byte for byte as py-evm has them."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from eth.vm.forks.london.blocks import LondonBlock, LondonBlockHeader
from eth.vm.forks.london.receipts import LondonReceiptBuilder
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.chain.blocks import decode_block
from ledger.chain.headers import Header, decode_header, header_of
from ledger.chain.local import LocalEngine
from ledger.chain.records import decode_record, encode_record

from .conftest import EPOCH_BLOCKS, GENESIS_AT, Shelf

NAMES = [name for name, _ in LondonBlockHeader._meta.fields]
HASH, WORD = st.binary(min_size=32, max_size=32), st.integers(0, 2**256 - 1)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "parent_hash": HASH, "uncles_hash": HASH, "coinbase": st.binary(min_size=20, max_size=20),
    "state_root": HASH, "transaction_root": HASH, "receipt_root": HASH,
    "bloom": st.integers(0, 2**2048 - 1), "difficulty": WORD, "block_number": WORD,
    "gas_limit": WORD, "gas_used": WORD, "timestamp": WORD,
    "extra_data": st.binary(max_size=300), "mix_hash": HASH,
    "nonce": st.binary(min_size=8, max_size=8), "base_fee_per_gas": WORD,
}  # fmt: skip
REQUIRED = {"difficulty": 1, "block_number": 7, "gas_limit": 9, "timestamp": GENESIS_AT}


@given(fields=st.fixed_dictionaries({}, optional=FIELDS))
@example(fields={})
@example(fields={"base_fee_per_gas": 0x80, "extra_data": b"\x7f", "bloom": 1})
def test_header_is_the_one_of_pyevm_byte_for_byte(fields: dict[str, Any]) -> None:
    given_fields = REQUIRED | {"nonce": bytes(8)} | fields
    ours, theirs = Header(**given_fields), LondonBlockHeader(**given_fields)
    assert ours.encode() == rlp.encode(theirs)
    assert ours.hash == theirs.hash
    read = decode_header(rlp.encode(theirs))
    assert [getattr(read, name) for name in NAMES] == list(theirs)
    assert read == ours
    assert read.copy(gas_used=5).hash == theirs.copy(gas_used=5).hash


def wrong(name: str, value: object) -> list[object]:
    items: list[object] = list(Header(**REQUIRED).items())
    items[NAMES.index(name)] = value
    return items


@pytest.mark.parametrize(
    "items",
    [
        Header(**REQUIRED).items()[:-1],
        [*Header(**REQUIRED).items(), b""],
        b"header",
        *[wrong(name, bytes(33)) for name in NAMES if name != "extra_data"],
        *[wrong(name, b"\0\1") for name in ("block_number", "gas_used", "base_fee_per_gas")],
        *[wrong(name, b"") for name in ("parent_hash", "coinbase", "bloom", "nonce")],
        *[wrong(name, [b"\1"]) for name in ("timestamp", "extra_data")],
    ],
)
def test_what_is_no_header_is_refused(items: Any) -> None:
    with pytest.raises(ValueError, match=r"header|bytes|0x"):
        header_of(items)


def test_blocks_and_receipts_of_a_chain_are_those_pyevm_reads(
    engine: LocalEngine, shelf: Shelf
) -> None:
    with engine.submission() as submission:
        submission.send(shelf.write(1, 2, 3))
        submission.send(shelf.write(4, 1, 0))
        submission.keep()
    engine.seal_empty(EPOCH_BLOCKS)
    for block in engine.blocks(1, engine.head().number):
        theirs = rlp.decode(block.encode(), sedes=LondonBlock)
        assert block.header.hash == theirs.header.hash
        assert [one.encode() for one in theirs.transactions] == list(block.transactions)
        assert rlp.encode(theirs) == block.encode()
        assert decode_block(block.encode()) == block
    last = engine.head().number
    number = next(n for n in range(1, last) if len(engine.encoded_receipts(n)) == 2)
    ours = list(engine.receipts(number, number))
    read = [LondonReceiptBuilder.decode(one) for one in engine.encoded_receipts(number)]
    for at, (receipt, theirs) in enumerate(zip(ours, read, strict=True)):
        assert receipt.logs
        assert [(log.address, log.topics, log.data) for log in receipt.logs] == [
            (log.address, tuple(topic.to_bytes(32, "big") for topic in log.topics), log.data)
            for log in theirs.logs
        ]
        record = encode_record(receipt, receipt.logs[0].log_index, theirs.encode())
        assert decode_record(record, number, at) == receipt
    assert read[-1].gas_used == sum(receipt.gas_used for receipt in ours)
