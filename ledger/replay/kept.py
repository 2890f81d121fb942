"""Kept: what a replay that found nothing leaves, so that its auditor can go on from there.

A folder with three files. `state` has every account and slot as of the last block, `events` every
event of the ledger's contracts up to it, from which all that a replay keeps in mind is made again.
`manifest.json` names both by their hashes; its own hash is the `replay` line of a checkpoint that
the auditor signs, so whoever trusts the signature need not trust the folder. The same chain,
replayed by the same version, leaves the same bytes.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import Field, ValidationError

from ledger.chain.engine import Log
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.problems import problems_of
from ledger.proofs.members import (
    Address,
    Block,
    Document,
    Word,
    encode_document,
    parse_json,
    read_bytes,
)
from ledger.proofs.notes import Checkpoint
from ledger.replay.evm import Accounts, KeptAccount

MANIFEST, STATE, EVENTS = "manifest.json", "state", "events"
_CHUNK_BYTES = 1 << 20
_CODE, _ACCOUNT = b"c", b"a"
# Length of a code; address, nonce, balance, hash of the code, number of slots.
_CODE_HEAD, _ACCOUNT_HEAD = struct.Struct(">I"), struct.Struct(">20sQ32s32sQ")
_SLOT = struct.Struct(">32s32s")
# Block, transaction and log; hash of the transaction, contract, number of topics, length of data.
_EVENT_HEAD = struct.Struct(">QII32s20sBI")
_TOPIC_BYTES = 32
_ENDS_EARLY = "ends early"
SLOTS_AT_ONCE = 50_000
"""An account with more comes more than once, each time with so many of them."""


class KeptFile(Document):
    """A file of the folder."""

    bytes: Annotated[int, Field(ge=0)]
    sha256: Word


class Manifest(Document):
    """What a kept replay says of itself."""

    format: Literal["pledger-replay/1"] = "pledger-replay/1"
    version: str
    """Of the program that replayed."""
    chain_id: Annotated[int, Field(ge=1)]
    genesis: Word
    """Hash of block 0."""
    height: Block
    block: Word
    """Hash of the last block."""
    state: Word
    """Root of the state."""
    seals: Annotated[int, Field(ge=0)]
    seals_root: Word
    transactions: Annotated[int, Field(ge=0)]
    engines: tuple[str, ...] = Field(strict=False)
    """On which the blocks were executed."""
    makers: dict[str, Annotated[tuple[Address, ...], Field(strict=False)]]
    """Member to the maker keys that lived once the last block was done."""
    checks: dict[str, int]
    """Name of a check to how many times it was made."""
    files: dict[str, KeptFile]

    def encode(self) -> bytes:
        """As it lies in the folder."""
        return encode_document(self)

    def checkpoint(self, *, replayed: bytes | None) -> Checkpoint:
        """What an auditor signs; `replayed`: SHA-256 of the manifest, if it is to be named."""
        return Checkpoint(
            chain_id=self.chain_id,
            seals=self.seals,
            seals_root=self.seals_root,
            height=self.height,
            block_hash=self.block,
            state_root=self.state,
            replayed=replayed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A folder whose files are those that its manifest names."""

    folder: Path
    manifest: Manifest
    manifest_hash: bytes
    """SHA-256 of manifest.json."""

    @property
    def checkpoint(self) -> Checkpoint:
        """What an auditor signs of it."""
        return self.manifest.checkpoint(replayed=self.manifest_hash)

    def events(self) -> Iterator[Log]:
        """Every event in chain order, streaming. Raises `UsageInvalid`."""
        with (self.folder / EVENTS).open("rb") as file:
            try:
                yield from read_events(file)
            except EOFError as error:
                raise changed(self.folder / EVENTS, "events", str(error)) from None

    def codes(self) -> Iterator[bytes]:
        """The code of every contract, streaming. Raises `UsageInvalid`."""
        for one in self._state():
            if isinstance(one, bytes):
                yield one

    def accounts(self) -> Accounts:
        """Every account with its slots, streaming. Raises `UsageInvalid`."""
        for one in self._state():
            if isinstance(one, tuple):
                yield one

    def _state(self) -> Iterator[bytes | tuple[KeptAccount, list[tuple[int, int]]]]:
        with (self.folder / STATE).open("rb") as file:
            try:
                yield from read_state(file)
            except EOFError as error:
                raise changed(self.folder / STATE, "codes, accounts", str(error)) from None


def open_kept(folder: Path) -> Kept:
    """Open a folder and check that its files are those of its manifest.

    Whether the manifest is what the auditor signed is for the caller to see. Raises `UsageInvalid`
    or `ProofUnreadable` with the name of the file.
    """
    path = folder / MANIFEST
    encoded = read_bytes(path)
    try:
        manifest = Manifest.model_validate(parse_json(encoded, where=str(path)))
    except ValidationError as error:
        first = problems_of(error)[0]
        expected = f"{first.column}: {first.expected or first.what}"
        raise changed(path, expected, first.found) from None
    if set(manifest.files) != {STATE, EVENTS}:
        raise changed(path, f"files: {EVENTS}, {STATE}", ", ".join(manifest.files))
    for name, said in manifest.files.items():
        found = hashed(folder / name)
        if found != said:
            raise changed(folder / name, _described(said), _described(found))
    return Kept(folder=folder, manifest=manifest, manifest_hash=hashlib.sha256(encoded).digest())


def hashed(path: Path) -> KeptFile:
    """A file's length and hash. Raises `UsageInvalid` where it cannot be read."""
    digest, length = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                length += len(chunk)
    except OSError as error:
        raise changed(path, path.name, error.strerror or str(error)) from None
    return KeptFile.model_validate({"bytes": length, "sha256": "0x" + digest.hexdigest()})


def changed(path: Path, expected: str, found: str) -> UsageInvalid:
    """That a file is not what was kept."""
    return UsageInvalid(
        text("replay.kept_changed"),
        where=str(path),
        expected=expected,
        found=found,
        fix=text("replay.kept_changed_fix"),
    )


def _described(file: KeptFile) -> str:
    return f"{file.bytes} bytes, sha256 {file.sha256.hex()}"


# ---- events


def encode_event(log: Log) -> bytes:
    """An event as it lies in `events`."""
    head = _EVENT_HEAD.pack(
        log.block_number, log.transaction_index, log.log_index, log.transaction_hash, log.address,
        len(log.topics), len(log.data),
    )  # fmt: skip
    return b"".join((head, *log.topics, log.data))


def read_events(file: BinaryIO) -> Iterator[Log]:
    """The events of a file. Raises `EOFError` where it ends within one."""
    while head := file.read(_EVENT_HEAD.size):
        if len(head) < _EVENT_HEAD.size:
            raise EOFError(_ENDS_EARLY)
        block, transaction, log, transaction_hash, address, topics, length = _EVENT_HEAD.unpack(
            head
        )
        words = _exactly(file, _TOPIC_BYTES * topics)
        yield Log(
            address=address,
            topics=tuple(
                [words[at : at + _TOPIC_BYTES] for at in range(0, len(words), _TOPIC_BYTES)]
            ),
            data=_exactly(file, length),
            block_number=block,
            transaction_hash=transaction_hash,
            transaction_index=transaction,
            log_index=log,
        )


# ---- state


def encode_code(code: bytes) -> bytes:
    """A contract's code as it lies in `state`, before all accounts."""
    return _CODE + _CODE_HEAD.pack(len(code)) + code


def encode_account(account: KeptAccount, slots: int) -> bytes:
    """An account as it lies in `state`, before its slots."""
    return _ACCOUNT + _ACCOUNT_HEAD.pack(
        account.address, account.nonce, account.balance.to_bytes(32, "big"), account.code_hash,
        slots,
    )  # fmt: skip


def encode_slot(slot: int, value: int) -> bytes:
    """A slot as it lies in `state`, behind its account."""
    return _SLOT.pack(slot.to_bytes(32, "big"), value.to_bytes(32, "big"))


def read_state(file: BinaryIO) -> Iterator[bytes | tuple[KeptAccount, list[tuple[int, int]]]]:
    """The codes, then the accounts with `SLOTS_AT_ONCE` slots or fewer.

    Raises `EOFError` where it ends within one.
    """
    while kind := file.read(1):
        if kind == _CODE:
            (length,) = _CODE_HEAD.unpack(_exactly(file, _CODE_HEAD.size))
            yield _exactly(file, length)
        elif kind == _ACCOUNT:
            address, nonce, balance, code_hash, count = _ACCOUNT_HEAD.unpack(
                _exactly(file, _ACCOUNT_HEAD.size)
            )
            account = KeptAccount(address, nonce, int.from_bytes(balance, "big"), code_hash)
            while True:
                now = min(count, SLOTS_AT_ONCE)
                yield account, _slots(_exactly(file, _SLOT.size * now))
                count -= now
                if not count:
                    break
        else:
            raise EOFError(f"0x{kind.hex()}")


def _slots(encoded: bytes) -> list[tuple[int, int]]:
    return [
        (int.from_bytes(slot, "big"), int.from_bytes(value, "big"))
        for slot, value in _SLOT.iter_unpack(encoded)
    ]


def _exactly(file: BinaryIO, length: int) -> bytes:
    found = file.read(length)
    if len(found) < length:
        raise EOFError(_ENDS_EARLY)
    return found
