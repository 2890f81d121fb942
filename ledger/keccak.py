"""Keccak-256, the hash of the chain, without the layers of eth-hash, which take as long again."""

from __future__ import annotations

from sha3 import keccak_256 as keccak_256


def keccak(data: bytes | bytearray) -> bytes:
    """The hash: 32 bytes."""
    digest: bytes = keccak_256(data).digest()
    return digest
