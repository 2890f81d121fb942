"""Notes made by hand for the tests: fixed keys, fixed content."""

from __future__ import annotations

from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey

from ledger import merkle
from ledger.proofs.checkpoints import sign
from ledger.proofs.notes import Checkpoint, Note

KEYS = {name: PrivateKey(keccak(name.encode())) for name in ("bank-a", "platform-p", "auditor-x")}
LEAVES = [bytes([at]) * 96 for at in range(5)]
CHECKPOINT = Checkpoint(
    chain_id=20251001,
    seals=5,
    seals_root=merkle.root(LEAVES),
    height=12,
    block_hash=b"\x0b" * 32,
    state_root=b"\x0c" * 32,
)


def address(member: str) -> bytes:
    return KEYS[member].public_key.to_canonical_address()


def makers(member: str) -> list[bytes]:
    """Each member's one key."""
    return [address(member)] if member in KEYS else []


def note(*members: str, checkpoint: Checkpoint = CHECKPOINT) -> Note:
    signed = [sign(checkpoint, member, KEYS[member]) for member in members or ("bank-a",)]
    return Note(checkpoint=checkpoint, signatures=tuple(signed))
