"""Notes: a checkpoint as text, and the members' signatures under it (C2SP signed-note).

    pledger CHAIN_ID
    SEALS
    SEALS_ROOT, base64
    height HEIGHT
    block 0x...
    state 0x...

    — MEMBER base64(KEY_HASH || SIGNATURE)

The first three lines are those of a tlog-checkpoint: the log is that of the sealed days. A note has
one form only: what differs from it in a byte is refused, so two notes that say the same are equal.
A signature is that of a personal message (EIP-191) over the text before the empty line, by a maker
key of the member; the key hash, 4 bytes, says by which.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, NoReturn

from ledger import merkle
from ledger.consortium import check_id
from ledger.errors import NoteInvalid, ValueInvalid

MAX_NOTE_BYTES = 1 << 16
KEY_HASH_BYTES, SIGNATURE_BYTES = 4, 65
_ORIGIN, _REPLAY = "pledger ", "replay "
_DASH = "\N{EM DASH} "
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_NOTHING = re.compile("")
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_FIRST_V = 27


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a note says of a chain as of one block."""

    chain_id: int
    seals: int
    """Days sealed up to the block, of all deals."""
    seals_root: bytes
    """Of the log of these days (`seals.root`)."""
    height: int
    """Number of the block, from 1."""
    block_hash: bytes
    state_root: bytes
    replayed: bytes | None = None
    """SHA-256 of the manifest of what the signer's own replay up to the block left; see
    `replay.resuming`."""

    @property
    def text(self) -> str:
        """What is signed: the lines before the empty one."""
        lines = [
            f"{_ORIGIN}{self.chain_id}",
            str(self.seals),
            b64encode(self.seals_root).decode(),
            f"height {self.height}",
            f"block 0x{self.block_hash.hex()}",
            f"state 0x{self.state_root.hex()}",
        ]
        if self.replayed is not None:
            lines.append(f"{_REPLAY}{self.replayed.hex()}")
        return "".join(f"{line}\n" for line in lines)


class NoteSignature(NamedTuple):
    """One member's signature under a note."""

    member: str
    key_hash: bytes
    """4 bytes: `key_hash` of the member and the address of its key."""
    signature: bytes
    """r, s and v, 65 bytes; v is 27 or 28."""

    @property
    def line(self) -> str:
        """As it stands in the note."""
        return f"{_DASH}{self.member} {b64encode(self.key_hash + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A checkpoint with its signatures."""

    checkpoint: Checkpoint
    signatures: tuple[NoteSignature, ...]
    """At least one, at most one of each member."""

    def encode(self) -> bytes:
        """The note as it lies in a file."""
        signed = "".join(one.line for one in self.signatures)
        return f"{self.checkpoint.text}\n{signed}".encode()

    def signed_by(self, signature: NoteSignature) -> Note:
        """The note with one signature more, of a member that has not signed yet."""
        assert all(one.member != signature.member for one in self.signatures)
        return replace(self, signatures=(*self.signatures, signature))


def key_hash(member: str, address: bytes) -> bytes:
    """4 bytes that tell the keys of a note's signers apart."""
    from eth_hash.auto import keccak

    return bytes(keccak(member.encode() + b"\n" + address)[:KEY_HASH_BYTES])


def message_hash(text: str) -> bytes:
    """The hash of a personal message, which is signed (EIP-191, version 0x45)."""
    from eth_hash.auto import keccak

    message = text.encode()
    return bytes(keccak(b"\x19Ethereum Signed Message:\n%d" % len(message) + message))


def signer_of(text: str, signature: bytes) -> bytes | None:
    """The address whose key made a signature of a text; None where there is no such key."""
    from eth_keys.datatypes import Signature
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    *_, v = signature
    try:
        found = Signature(signature_bytes=signature[:-1] + bytes([v - _FIRST_V]))
        public_key = found.recover_public_key_from_msg_hash(message_hash(text))
    except (BadSignature, ValidationError, ValueError):
        return None
    return bytes(public_key.to_canonical_address())


# ---- reading


def read_note(path: Path) -> Note:
    """The note in a file. Raises `NoteInvalid`."""
    try:
        with path.open("rb") as file:
            encoded = file.read(MAX_NOTE_BYTES + 1)
    except OSError as error:
        raise NoteInvalid(str(path), 0, "", error.strerror or str(error)) from None
    return decode_note(encoded, where=str(path))


def decode_note(encoded: bytes, *, where: str = "") -> Note:
    """The note of its bytes, which must be in the one form there is.

    Raises `NoteInvalid` with the line, what was expected there and what was found.
    """
    lines = _Lines(encoded, where)
    checkpoint = _checkpoint(lines)
    lines.take(_NOTHING, "")
    signatures = list(_signatures(lines))
    if not signatures:
        lines.refuse(_DASH + "MEMBER SIGNATURE", "-")
    note = Note(checkpoint=checkpoint, signatures=tuple(signatures))
    assert note.encode() == encoded, "a form that the parser should have refused"
    return note


class _Lines:
    """The lines of a note, one after another."""

    def __init__(self, encoded: bytes, where: str) -> None:
        self._where = where
        self.number = 0
        if len(encoded) > MAX_NOTE_BYTES:
            self.refuse(f"<= {MAX_NOTE_BYTES} bytes", f"{len(encoded)} bytes")
        try:
            decoded = encoded.decode("utf-8")
        except UnicodeDecodeError as error:
            self.refuse("UTF-8", str(error))
        *self._lines, rest = decoded.split("\n")
        self._unended = rest

    @property
    def left(self) -> bool:
        """Whether there is anything more, ended or not."""
        return self.number < len(self._lines) or bool(self._unended)

    def next(self, expected: str) -> str:
        """The next line, without its end."""
        self.number += 1
        if self.number > len(self._lines):
            found = f"{self._unended!r}, without an end" if self._unended else "-"
            self.refuse(expected, found)
        return self._lines[self.number - 1]

    def take(self, pattern: re.Pattern[str], expected: str, start: str = "") -> str:
        """What stands in the next line after `start`, all of it in a pattern."""
        line = self.next(start + expected)
        value = line.removeprefix(start)
        if not line.startswith(start) or not pattern.fullmatch(value):
            self.refuse(start + expected or "an empty line", repr(line))
        return value

    def starts(self, start: str) -> bool:
        """Whether the next line starts so."""
        return self._lines[self.number : self.number + 1] != [] and self._lines[
            self.number
        ].startswith(start)

    def refuse(self, expected: str, found: str) -> NoReturn:
        """Name what is wrong with the present line."""
        raise NoteInvalid(self._where, self.number, expected, found)


def _checkpoint(lines: _Lines) -> Checkpoint:
    chain_id = int(lines.take(_NUMBER, "CHAIN_ID", _ORIGIN))
    if not chain_id:
        lines.refuse(f"{_ORIGIN}CHAIN_ID", "0")
    seals = int(lines.take(_NUMBER, "SEALS"))
    seals_root = _base64(lines, lines.next("SEALS_ROOT"), 32)
    if not seals and seals_root != merkle.root([]):
        lines.refuse(b64encode(merkle.root([])).decode(), b64encode(seals_root).decode())
    height = int(lines.take(_NUMBER, "HEIGHT", "height "))
    if not height:
        lines.refuse("height >= 1", "0")
    block_hash = bytes.fromhex(lines.take(_HEX, "HASH", "block 0x"))
    state_root = bytes.fromhex(lines.take(_HEX, "ROOT", "state 0x"))
    replayed = None
    if lines.starts(_REPLAY):
        replayed = bytes.fromhex(lines.take(_HEX, "HASH", _REPLAY))
    return Checkpoint(
        chain_id=chain_id,
        seals=seals,
        seals_root=seals_root,
        height=height,
        block_hash=block_hash,
        state_root=state_root,
        replayed=replayed,
    )


def _signatures(lines: _Lines) -> Iterator[NoteSignature]:
    expected = _DASH + "MEMBER SIGNATURE"
    known: set[str] = set()
    while lines.left:
        line = lines.next(expected)
        member, space, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not space:
            lines.refuse(expected, repr(line))
        try:
            check_id(member)
        except ValueInvalid as error:
            lines.refuse(error.expected, repr(member))
        if member in known:
            lines.refuse("one signature of each member", f"{member}, again")
        known.add(member)
        decoded = _base64(lines, encoded, KEY_HASH_BYTES + SIGNATURE_BYTES)
        signature = NoteSignature(member, decoded[:KEY_HASH_BYTES], decoded[KEY_HASH_BYTES:])
        _check_form(lines, signature.signature)
        yield signature


def _check_form(lines: _Lines, signature: bytes) -> None:
    """The one form of a signature: otherwise anyone could give it a second one (EIP-2)."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    v = signature[64]
    if not 0 < r < _ORDER:
        lines.refuse("0 < r < n (secp256k1)", f"r {r:#x}")
    if not 0 < s <= _ORDER // 2:
        lines.refuse("0 < s <= n / 2 (secp256k1)", f"s {s:#x}")
    if v not in (_FIRST_V, _FIRST_V + 1):
        lines.refuse(f"v {_FIRST_V} or {_FIRST_V + 1}", f"v {v}")


def _base64(lines: _Lines, encoded: str, length: int) -> bytes:
    """Exactly so many bytes, in the one way to write them."""
    try:
        decoded = b64decode(encoded, validate=True)
    except (BadBase64, ValueError):
        decoded = b""
    if len(decoded) != length or b64encode(decoded).decode() != encoded:
        lines.refuse(f"{length} bytes in base64", repr(encoded))
    return decoded
