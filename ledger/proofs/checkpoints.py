"""Checkpoints: what a member signs of the chain it sees, and what others make of it.

A witness signs the same text only if its own copy of the chain says the same, so two histories
never get the signatures of one honest witness.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ledger import reading
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.proofs import seals
from ledger.proofs.notes import Checkpoint, Note, NoteSignature, key_hash, message_hash, signer_of

if TYPE_CHECKING:
    from eth_keys.datatypes import PrivateKey

    from ledger.ledger import Ledger
    from ledger.proofs.members import MembersFile

Makers = Callable[[str], Collection[bytes]]
"""Member to the addresses of its maker keys; of none for who is no member."""
_FIRST_V = 27


class Period(Protocol):
    """The blocks from and to which a key acts."""

    @property
    def from_block(self) -> int:
        """Where it was given."""
        ...

    @property
    def to_block(self) -> int | None:
        """Where it was taken away; None while it lives."""
        ...


class Difference(NamedTuple):
    """One thing that a note and a chain, or two notes, do not agree on."""

    what: str
    """A field of `Checkpoint`, or `signature`."""
    expected: str
    """What the note says."""
    found: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found of a note's signatures."""

    signers: Mapping[str, bytes]
    """Member to the address with which it signed, of the signatures that hold."""
    differences: tuple[Difference, ...]
    """One for each signature that does not hold."""


# ---- making


def seen(ledger: Ledger, height: int | None = None) -> Checkpoint:
    """What a ledger says as of a block, its newest final one if none is named.

    Raises `UsageInvalid` for a block that it does not have.
    """
    head = ledger.engine.head()
    at = ledger.engine.final_head() if height is None else ledger.engine.head_at(height)
    if at is None:
        raise UsageInvalid(
            text("checkpoint.beyond"), expected=f"<= {head.number}", found=str(height)
        )
    sealed = seals.sealed_days(ledger, at.number)
    return Checkpoint(
        chain_id=ledger.engine.chain_id,
        seals=len(sealed),
        seals_root=seals.root(sealed),
        height=at.number,
        block_hash=at.block_hash,
        state_root=at.state_root,
    )


def sign(checkpoint: Checkpoint, member: str, key: PrivateKey) -> NoteSignature:
    """A member's signature of a checkpoint, by its maker key."""
    made = key.sign_msg_hash(message_hash(checkpoint.text)).to_bytes()
    address = key.public_key.to_canonical_address()
    return NoteSignature(
        member, key_hash(member, address), made[:-1] + bytes([_FIRST_V + made[-1]])
    )


# ---- checking


def makers_at(ledger: Ledger, height: int) -> Makers:
    """The maker keys that lived once a block was done, by the ledger's own chain."""
    book = ledger.book()
    numbers = {member.member_id: member.number for member in reading.members(book)}

    def makers(member: str) -> list[bytes]:
        known = reading.maker_keys(book, numbers[member]) if member in numbers else []
        return [one.key for one in known if lived(one, height)]

    return makers


def lived(key: Period, height: int) -> bool:
    """Whether a key acted once a block was done."""
    return key.from_block <= height and (key.to_block is None or key.to_block > height)


def makers_by(members: MembersFile, height: int) -> Makers:
    """The maker keys that lived once a block was done, by a members file."""
    known = {one.id: one.makers for one in members.members}

    def makers(member: str) -> list[bytes]:
        return [one.address for one in known.get(member, ()) if lived(one, height)]

    return makers


def verify(note: Note, makers: Makers) -> Verified:
    """Check every signature under a note against the makers' keys of that time."""
    signers: dict[str, bytes] = {}
    differences = []
    for one in note.signatures:
        known = makers(one.member)
        address = signer_of(note.checkpoint.text, one.signature)
        if address is not None and address in known:
            if one.key_hash == key_hash(one.member, address):
                signers[one.member] = address
                continue
        differences.append(Difference("signature", _wanted(one.member, known), _made(one, address)))
    return Verified(signers=signers, differences=tuple(differences))


def against(ledger: Ledger, checkpoint: Checkpoint) -> list[Difference]:
    """What a ledger's own chain says otherwise at the height of a checkpoint."""
    head = ledger.engine.head().number
    if checkpoint.height > head:
        expected = f"{checkpoint.height} {_hex(checkpoint.block_hash)}"
        return [Difference("height", expected, f"{head}, the head")]
    return compare(checkpoint, seen(ledger, checkpoint.height))


def compare(checkpoint: Checkpoint, other: Checkpoint) -> list[Difference]:
    """What `other`, a chain's own or of another note at the same height, says otherwise."""
    pairs = (
        ("chain_id", checkpoint.chain_id, other.chain_id),
        ("height", checkpoint.height, other.height),
        ("block", _hex(checkpoint.block_hash), _hex(other.block_hash)),
        ("state", _hex(checkpoint.state_root), _hex(other.state_root)),
        ("seals", checkpoint.seals, other.seals),
        ("seals_root", _hex(checkpoint.seals_root), _hex(other.seals_root)),
    )
    return [Difference(what, str(one), str(two)) for what, one, two in pairs if one != two]


def connect(ledger: Ledger, new: Checkpoint, old: Checkpoint) -> seals.Consistency:
    """What proves to those without the ledger that the sealed days of `new` begin with `old`'s.

    Raises `UsageInvalid` where the ledger's own chain says otherwise than one of them.
    """
    for one in (old, new):
        for what, expected, found in against(ledger, one):
            raise UsageInvalid(
                text("checkpoint.not_here"), expected=f"{what} {expected}", found=found
            )
    if new.height < old.height:
        expected = f"height >= {old.height}"
        raise UsageInvalid(text("checkpoint.not_later"), expected=expected, found=str(new.height))
    return seals.consistency(new.chain_id, seals.sealed_days(ledger, new.height), old.seals)


def extends_by(
    new: Checkpoint, old: Checkpoint, proof: seals.Consistency | None
) -> list[Difference]:
    """What speaks against `new` being a later state of the chain of `old`.

    Of the sealed days `proof` is asked; None: both are known to be of one chain. That the blocks
    follow one another is for replay.
    """
    found = []
    if new.chain_id != old.chain_id:
        found.append(Difference("chain_id", str(old.chain_id), str(new.chain_id)))
    if new.height < old.height:
        found.append(Difference("height", f">= {old.height}", str(new.height)))
    elif new.height == old.height:
        found += [one for one in compare(old, new) if one.what != "chain_id"]
    if proof is not None:
        own = proof.chain_id, proof.first_seals, proof.seals
        wanted = new.chain_id, old.seals, new.seals
        if own != wanted:
            found.append(Difference("proof", _three(wanted), _three(own)))
        elif not proof.holds(old.seals_root, new.seals_root):
            expected = f"{old.seals} {_hex(old.seals_root)}"
            found.append(Difference("seals", expected, f"{new.seals} {_hex(new.seals_root)}"))
    return found


def _three(numbers: tuple[int, int, int]) -> str:
    return "chain {}, {} to {} seals".format(*numbers)


def _wanted(member: str, known: Collection[bytes]) -> str:
    return f"{member}: " + (" / ".join(_hex(one) for one in known) or "-")


def _made(signature: NoteSignature, address: bytes | None) -> str:
    found = "-" if address is None else _hex(address)
    return f"{found}, key hash {_hex(signature.key_hash)}"


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
