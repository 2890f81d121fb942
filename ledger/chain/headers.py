"""Headers: a block's header (London), as Clique seals it and as RLP has it.

Reading a ledger needs nothing else of an EVM's implementation, which would take longer to import
than all the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from eth_hash.auto import keccak

from ledger.chain.rlp_slices import decode_items, encode_items, integer
from ledger.chain.trie import EMPTY_ROOT

EMPTY_UNCLES_HASH: bytes = keccak(b"\xc0")
_BLOOM_BYTES = 256


# Without slots: the hash is kept in the instance's own dictionary.
@dataclass(frozen=True, kw_only=True)
class Header:
    """The header of a block; fields in the order of their encoding."""

    parent_hash: bytes = bytes(32)
    uncles_hash: bytes = EMPTY_UNCLES_HASH
    coinbase: bytes = bytes(20)
    """In Clique the candidate of the vote, or zero."""
    state_root: bytes = EMPTY_ROOT
    transaction_root: bytes = EMPTY_ROOT
    receipt_root: bytes = EMPTY_ROOT
    bloom: int = 0
    """2048 bits."""
    difficulty: int
    """In Clique 2 when sealed in turn, else 1."""
    block_number: int
    gas_limit: int
    gas_used: int = 0
    timestamp: int
    """Unix seconds."""
    extra_data: bytes = b""
    """Vanity, at an epoch the signers, and the seal."""
    mix_hash: bytes = bytes(32)
    nonce: bytes = bytes(8)
    """In Clique all ones to add the candidate, zero to drop it."""
    base_fee_per_gas: int = 0

    @cached_property
    def hash(self) -> bytes:
        """The hash of the block: of the header with its seal, 32 bytes."""
        return bytes(keccak(self.encode()))

    def encode(self) -> bytes:
        """RLP."""
        return encode_items(self.items())

    def items(self) -> list[bytes]:
        """The strings in the RLP list."""
        return [
            self.parent_hash,
            self.uncles_hash,
            self.coinbase,
            self.state_root,
            self.transaction_root,
            self.receipt_root,
            self.bloom.to_bytes(_BLOOM_BYTES, "big"),
            integer(self.difficulty),
            integer(self.block_number),
            integer(self.gas_limit),
            integer(self.gas_used),
            integer(self.timestamp),
            self.extra_data,
            self.mix_hash,
            self.nonce,
            integer(self.base_fee_per_gas),
        ]

    def copy(self, **changes: Any) -> Header:
        """The same header but for these fields."""
        return replace(self, **changes)


_NAMES = tuple(field.name for field in fields(Header))
_BYTES = {
    "parent_hash": 32,
    "uncles_hash": 32,
    "coinbase": 20,
    "state_root": 32,
    "transaction_root": 32,
    "receipt_root": 32,
    "bloom": _BLOOM_BYTES,
    "mix_hash": 32,
    "nonce": 8,
}
"""Length of the strings that always have the same."""
_NUMBERS = ("difficulty", "block_number", "gas_limit", "gas_used", "timestamp", "base_fee_per_gas")


def decode_header(encoded: bytes) -> Header:
    """The header of its RLP. Raises `ValueError`, or `rlp.DecodingError` for what is no RLP."""
    return header_of(decode_items(encoded))


def header_of(items: Any) -> Header:
    """The header of the strings in its RLP list. Raises `ValueError`."""
    if not isinstance(items, list) or len(items) != len(_NAMES):
        raise ValueError(f"header of {len(_NAMES)} fields")
    given: dict[str, Any] = dict(zip(_NAMES, items, strict=True))
    for name, value in given.items():
        if not isinstance(value, bytes) or len(value) != _BYTES.get(name, len(value)):
            raise ValueError(f"{name}: {_BYTES.get(name, 'any')} bytes")
    for name in _NUMBERS:
        if given[name][:1] == b"\0":
            raise ValueError(f"{name}: 0x{given[name].hex()}")
        given[name] = int.from_bytes(given[name], "big")
    given["bloom"] = int.from_bytes(given["bloom"], "big")
    return Header(**given)
