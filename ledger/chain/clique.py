"""Clique: who may seal the next block (EIP-225).

A *snapshot* is what the headers up to a block say about the signers: who they are, who sealed
recently, which votes are open. Applying the next header gives the next snapshot or names what is
wrong with the header; the same function serves the sealing engine and the auditor's replay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NoReturn

from eth_hash.auto import keccak

from ledger.chain.headers import EMPTY_UNCLES_HASH, Header
from ledger.chain.rlp_slices import decode_kept, encode_items
from ledger.errors import ChainCorrupt

EPOCH_BLOCKS = 30_000
"""Every header whose number is a multiple of this lists the signers and carries no vote."""
IN_TURN, OUT_OF_TURN = 2, 1
NONCE_ADD, NONCE_DROP = b"\xff" * 8, b"\x00" * 8
VANITY_BYTES, SEAL_BYTES, ADDRESS_BYTES = 32, 65, 20
ZERO_ADDRESS, ZERO_HASH = bytes(20), bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """A signer's open wish to add or drop another."""

    signer: bytes
    candidate: bytes
    add: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The signers as of a block."""

    signers: tuple[bytes, ...]
    """Addresses in ascending order."""
    recents: tuple[tuple[int, bytes], ...] = ()
    """Block number and signer of the blocks whose signers must still wait."""
    votes: tuple[Vote, ...] = ()
    """At most one of each signer for each candidate."""

    @property
    def majority(self) -> int:
        """Votes that decide; also the number of blocks in which a signer seals at most once."""
        return len(self.signers) // 2 + 1

    def in_turn(self, number: int) -> bytes:
        """The signer whose turn block `number` is."""
        return self.signers[number % len(self.signers)]

    def may_seal(self, signer: bytes, number: int) -> bool:
        """Whether `signer` may seal block `number`, in turn or not."""
        waiting = {recent for at, recent in self.recents if at > number - self.majority}
        return signer in self.signers and signer not in waiting

    def wants(self, candidate: bytes, *, add: bool) -> bool:
        """Whether a vote on `candidate` would change the signers if it passed."""
        return (candidate not in self.signers) == add


def apply_header(snapshot: Snapshot, header: Header, *, epoch_blocks: int) -> Snapshot:
    """The snapshot after `header`, the child of the block that `snapshot` describes.

    Raises `ChainCorrupt` with what was expected and found.
    """
    at_epoch = header.block_number % epoch_blocks == 0
    check_form(header, epoch_blocks=epoch_blocks)
    signer = sealer_of(header)
    number = header.block_number
    if not snapshot.may_seal(signer, number):
        allowed = [f"0x{one.hex()}" for one in snapshot.signers if snapshot.may_seal(one, number)]
        _refuse(header, "sealed by one of " + ", ".join(allowed), f"0x{signer.hex()}")
    expected = IN_TURN if snapshot.in_turn(number) == signer else OUT_OF_TURN
    if header.difficulty != expected:
        _refuse(header, f"difficulty {expected}", f"{header.difficulty}")
    if at_epoch and listed_signers(header) != snapshot.signers:
        _refuse(header, _names(snapshot.signers), _names(listed_signers(header)))
    return advance(
        snapshot,
        number=number,
        signer=signer,
        candidate=header.coinbase,
        add=header.nonce == NONCE_ADD,
        at_epoch=at_epoch,
    )


def advance(
    snapshot: Snapshot, *, number: int, signer: bytes, candidate: bytes, add: bool, at_epoch: bool
) -> Snapshot:
    """The snapshot after a valid block `number` sealed by `signer`, voting on `candidate`."""
    votes = () if at_epoch else snapshot.votes
    votes = tuple(vote for vote in votes if (vote.signer, vote.candidate) != (signer, candidate))
    if snapshot.wants(candidate, add=add):
        votes = (*votes, Vote(signer=signer, candidate=candidate, add=add))
    recents = (*snapshot.recents, (number, signer))
    after = replace(snapshot, votes=votes)
    if sum(vote.candidate == candidate for vote in votes) >= snapshot.majority:
        after = _decided(after, candidate, add=add)
    # A signer waits for the majority of the signers there are when it wants to seal again.
    kept = tuple((at, recent) for at, recent in recents if at > number + 1 - after.majority)
    return replace(after, recents=kept)


def _decided(snapshot: Snapshot, candidate: bytes, *, add: bool) -> Snapshot:
    signers = set(snapshot.signers) ^ {candidate}
    votes = [vote for vote in snapshot.votes if vote.candidate != candidate]
    if not add:
        votes = [vote for vote in votes if vote.signer != candidate]
    return replace(snapshot, signers=tuple(sorted(signers)), votes=tuple(votes))


def check_form(header: Header, *, epoch_blocks: int) -> None:
    """Check what a header after genesis must look like whoever sealed it."""
    at_epoch = header.block_number % epoch_blocks == 0
    listed_bytes = len(header.extra_data) - VANITY_BYTES - SEAL_BYTES
    if listed_bytes < 0 or (listed_bytes and not at_epoch) or listed_bytes % ADDRESS_BYTES:
        kind = "32 + 20 * n + 65" if at_epoch else "97"
        _refuse(header, f"extraData of {kind} bytes", f"{len(header.extra_data)}")
    if header.nonce not in (NONCE_ADD, NONCE_DROP):
        _refuse(header, "nonce 0 or 0xffffffffffffffff", f"0x{header.nonce.hex()}")
    if at_epoch and (header.nonce, header.coinbase) != (NONCE_DROP, ZERO_ADDRESS):
        _refuse(header, "no vote", f"0x{header.coinbase.hex()}")
    if header.difficulty not in (IN_TURN, OUT_OF_TURN):
        _refuse(header, "difficulty 1 or 2", f"{header.difficulty}")
    if header.mix_hash != ZERO_HASH:
        _refuse(header, "mixHash 0", f"0x{header.mix_hash.hex()}")
    if header.uncles_hash != EMPTY_UNCLES_HASH:
        _refuse(header, f"sha3Uncles 0x{EMPTY_UNCLES_HASH.hex()}", f"0x{header.uncles_hash.hex()}")


def sealing_hash(header: Header) -> bytes:
    """What the sealer signs: the hash of the header without the seal in its `extra_data`."""
    unsealed = header.copy(extra_data=header.extra_data[:-SEAL_BYTES])
    return bytes(keccak(unsealed.encode()))


def sealer_of(header: Header) -> bytes:
    """Address recovered from the header's seal. Raises `ChainCorrupt`."""
    # Who opens a ledger to read recovers nothing.
    from eth_keys.datatypes import Signature
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    try:
        seal = Signature(signature_bytes=header.extra_data[-SEAL_BYTES:])
        public_key = seal.recover_public_key_from_msg_hash(sealing_hash(header))
    except (BadSignature, ValidationError) as error:
        _refuse(header, "a seal (secp256k1)", str(error))
    return bytes(public_key.to_canonical_address())


def listed_signers(header: Header) -> tuple[bytes, ...]:
    """The signers that genesis or a header at an epoch lists in its `extra_data`."""
    listed = header.extra_data[VANITY_BYTES:-SEAL_BYTES]
    return tuple(listed[at : at + ADDRESS_BYTES] for at in range(0, len(listed), ADDRESS_BYTES))


def encode_snapshot(snapshot: Snapshot) -> bytes:
    """RLP form, for the store."""
    recents = [[number.to_bytes(8, "big"), signer] for number, signer in snapshot.recents]
    votes = [[vote.signer, vote.candidate, bytes([vote.add])] for vote in snapshot.votes]
    return encode_items([list(snapshot.signers), recents, votes])


@lru_cache(maxsize=4)
def decode_snapshot(encoded: bytes) -> Snapshot:
    """The snapshot that `encode_snapshot` encoded."""
    signers, recents, votes = decode_kept(encoded)
    return Snapshot(
        signers=tuple(signers),
        recents=tuple((int.from_bytes(number, "big"), signer) for number, signer in recents),
        votes=tuple(
            Vote(signer=signer, candidate=candidate, add=add == b"\x01")
            for signer, candidate, add in votes
        ),
    )


def _names(addresses: tuple[bytes, ...]) -> str:
    return ", ".join(f"0x{address.hex()}" for address in addresses)


def _refuse(header: Header, expected: str, found: str) -> NoReturn:
    raise ChainCorrupt(header.block_number, expected=expected, found=found)
