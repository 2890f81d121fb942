"""Records: how receipts lie in the store, and the bloom filter over what they log."""

from __future__ import annotations

from struct import Struct
from typing import Any

from ledger.chain.engine import ZERO_ADDRESS, Log, Receipt
from ledger.chain.rlp_slices import receipt_logs
from ledger.keccak import keccak

BLOOM_BYTES = 256
_BLOOM_BITS = Struct(">3H")
_RECORD_HEAD = Struct(">32sQI20s")
"""Transaction's hash, gas used, position of its first log, contract it deployed."""


def encode_record(receipt: Receipt, first_log: int, encoded: bytes) -> bytes:
    """What the store keeps of a receipt: its place in the block and the consensus encoding."""
    contract = receipt.contract_address or ZERO_ADDRESS
    return (
        _RECORD_HEAD.pack(receipt.transaction_hash, receipt.gas_used, first_log, contract) + encoded
    )


def decode_record(record: bytes, number: int, index: int) -> Receipt:
    """The receipt of a stored record."""
    # Fixed fields, not RLP: a book made anew reads every record there is.
    transaction_hash, gas_used, first_log, contract = _RECORD_HEAD.unpack_from(record)
    return Receipt(
        transaction_hash=transaction_hash,
        block_number=number,
        transaction_index=index,
        gas_used=gas_used,
        logs=tuple(
            [
                Log(*log, number, transaction_hash, index, at)
                for at, log in enumerate(receipt_logs(encoded_receipt(record)), first_log)
            ]
        ),
        contract_address=None if contract == ZERO_ADDRESS else contract,
    )


def encoded_receipt(record: bytes) -> bytes:
    """The consensus encoding inside a stored record."""
    return record[_RECORD_HEAD.size :]


def bloom_of(entries: list[Any]) -> int:
    """The 2048-bit bloom filter over addresses and topics of log entries."""
    named = {entry[0] for entry in entries} | {topic for entry in entries for topic in entry[1]}
    # In bytes first: a batch sets hundreds of bits, each of which would copy the whole number.
    bloom = bytearray(BLOOM_BYTES)
    for item in named:
        for bit in _BLOOM_BITS.unpack_from(keccak(item)):
            bloom[bit >> 3 & 0xFF] |= 1 << (bit & 7)
    return int.from_bytes(bloom, "little")
