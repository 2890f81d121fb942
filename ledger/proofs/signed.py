"""Signed: headers and transactions from their bytes, and whose key signed them.

Read here and not by the machine that executes them: a proof is checked by what the formats say.
A signature has one form only, the lower half of s, as every client makes it: so nobody can give
what somebody signed another hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import rlp
from eth_hash.auto import keccak
from rlp.codec import encode_raw
from rlp.exceptions import RLPException

from ledger.chain.rlp_slices import expect_shallow

SEAL_BYTES, VANITY_BYTES = 65, 32
_HEADER_FIELDS = 16
# Far above any header, and one that lists all signers.
_HEADER_BYTES_MAX = 1 << 14
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_LEGACY_FIRST_V = 35
# Envelope (EIP-2718) to the number of fields before the signature, and where the call is in them.
_TYPED = {1: (8, 4), 2: (9, 5)}
_LEGACY_TO = 3


class Malformed(ValueError):
    """Bytes that are not what they are said to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedHeader:
    """What a proof reads of a block's header."""

    number: int
    block_hash: bytes
    parent_hash: bytes
    transaction_root: bytes
    receipt_root: bytes
    state_root: bytes
    timestamp: int
    sealer: bytes
    """Address of the key that sealed it (EIP-225)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What a proof reads of a signed transaction."""

    transaction_hash: bytes
    sender: bytes
    to: bytes
    data: bytes
    envelope: int
    """Its type (EIP-2718); 0 for one without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One log of a receipt."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


def decode_header(encoded: bytes) -> SealedHeader:
    """The header of its RLP, with the base fee of London. Raises `Malformed`."""
    if len(encoded) > _HEADER_BYTES_MAX:
        raise Malformed(f"{len(encoded)} bytes")
    fields = _list(encoded)
    if len(fields) != _HEADER_FIELDS or not all(isinstance(one, bytes) for one in fields):
        raise Malformed(f"{len(fields)} fields")
    parent, _, _, state, transactions, receipts, *rest, extra, _, _, _ = fields
    if {len(one) for one in (parent, state, transactions, receipts)} != {32}:
        raise Malformed("a hash that has not 32 bytes")
    if len(extra) < VANITY_BYTES + SEAL_BYTES:
        raise Malformed(f"extraData of {len(extra)} bytes")
    unsealed = [*fields[:12], extra[:-SEAL_BYTES], *fields[13:]]
    seal = extra[-SEAL_BYTES:]
    return SealedHeader(
        number=_integer(rest[2]),
        block_hash=keccak(encoded),
        parent_hash=parent,
        transaction_root=transactions,
        receipt_root=receipts,
        state_root=state,
        timestamp=_integer(rest[5]),
        sealer=recover(keccak(encode_raw(unsealed)), seal[-1], seal[:32], seal[32:64]),
    )


def decode_transaction(raw: bytes, chain_id: int) -> Transaction:
    """A signed transaction of a chain, as it was sent. Raises `Malformed`."""
    envelope = raw[0] if raw[:1] < b"\x80" and raw else 0
    fields = _list(raw[1:] if envelope else raw)
    if envelope:
        if envelope not in _TYPED or len(fields) != _TYPED[envelope][0] + 3:
            raise Malformed(f"type {envelope} with {len(fields)} fields")
        count, at = _TYPED[envelope]
        body, parity = fields[:count], _integer(fields[-3])
        signed = bytes([envelope]) + encode_raw(body)
        named = _integer(fields[0])
    else:
        if len(fields) != 9:
            raise Malformed(f"{len(fields)} fields")
        v, at = _integer(fields[6]), _LEGACY_TO
        named, parity = divmod(v - _LEGACY_FIRST_V, 2)
        signed = encode_raw([*fields[:6], _minimal(chain_id), b"", b""])
    if named != chain_id:
        raise Malformed(f"chain id {named}")
    to, _, data = fields[at : at + 3]
    if not isinstance(to, bytes) or not isinstance(data, bytes):
        raise Malformed("a list for bytes")
    return Transaction(
        transaction_hash=keccak(raw),
        sender=recover(keccak(signed), parity, _padded(fields[-2]), _padded(fields[-1])),
        to=to,
        data=data,
        envelope=envelope,
    )


def decode_receipt(encoded: bytes, envelope: int) -> tuple[LogEntry, ...]:
    """The logs of a receipt that reports success. Raises `Malformed`."""
    if envelope:
        if encoded[:1] != bytes([envelope]):
            raise Malformed(f"not of type {envelope}")
        encoded = encoded[1:]
    fields = _list(encoded)
    if len(fields) != 4 or not isinstance(fields[3], list):
        raise Malformed(f"{len(fields)} fields")
    if fields[0] != b"\x01":
        raise Malformed("a failure")
    return tuple(_log(one) for one in fields[3])


def recover(message_hash: bytes, parity: int, r: bytes, s: bytes) -> bytes:
    """The address whose key signed. Raises `Malformed`."""
    from eth_keys.datatypes import Signature
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    if parity not in (0, 1) or int.from_bytes(s, "big") > _HALF_ORDER:
        raise Malformed("a signature in another form")
    try:
        signature = Signature(signature_bytes=r + s + bytes([parity]))
        public_key = signature.recover_public_key_from_msg_hash(message_hash)
    except (BadSignature, ValidationError, ValueError) as error:
        raise Malformed(f"no signature: {error}") from None
    return bytes(public_key.to_canonical_address())


def _log(fields: Any) -> LogEntry:
    try:
        address, topics, data = fields
        made = LogEntry(address=bytes(address), topics=tuple(topics), data=bytes(data))
    except (TypeError, ValueError) as error:
        raise Malformed(str(error)) from None
    words = all(isinstance(topic, bytes) and len(topic) == 32 for topic in made.topics)
    if len(made.address) != 20 or not words:
        raise Malformed("a log in another form")
    return made


def _list(encoded: bytes) -> list[Any]:
    try:
        expect_shallow(encoded)
        found = rlp.decode(encoded)
    except (RLPException, TypeError) as error:
        raise Malformed(str(error)) from None
    if not isinstance(found, list):
        raise Malformed("no list")
    return found


def _integer(found: Any) -> int:
    if not isinstance(found, bytes) or found[:1] == b"\0" or len(found) > 32:
        raise Malformed("no integer")
    return int.from_bytes(found, "big")


def _minimal(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _padded(found: Any) -> bytes:
    return _integer(found).to_bytes(32, "big")
