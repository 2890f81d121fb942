"""Resuming: a replay that goes on where an earlier one of the same auditor ended.

Of the blocks before, headers and seals are checked once more, and must lead to the block that the
auditor signed. Their transactions are neither executed nor looked at again: state and events come
from the folder that the earlier replay kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from ledger import __version__
from ledger.chain.engine import Log
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.proofs import checkpoints
from ledger.proofs.checkpoints import Makers
from ledger.proofs.notes import Note
from ledger.replay.evm import Evm
from ledger.replay.kept import EVENTS, MANIFEST, STATE, Kept, changed
from ledger.replay.report import Findings, Resumed, TooManyFailures


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumption:
    """A folder that an auditor kept, and the checkpoint in which it is signed."""

    kept: Kept
    note: Note
    signer: str
    """The member that signed, and that the one who goes on trusts: itself, in general."""


def resume_from(kept: Kept, notes: Sequence[Note], signer: str, makers: Makers) -> Resumption:
    """Find the checkpoint that names a folder, and see that `signer` signed it.

    `makers` must come from elsewhere than the folder. Raises `UsageInvalid`.
    """
    path = kept.folder / MANIFEST
    named = [note for note in notes if note.checkpoint.replayed is not None]
    if not named:
        raise UsageInvalid(
            text("replay.resume_unsigned"), where=str(path), fix=text("replay.resume_unsigned_fix")
        )
    same = [note for note in named if note.checkpoint.replayed == kept.manifest_hash]
    if not same:
        expected = " / ".join(f"sha256 {_hex(note.checkpoint.replayed)}" for note in named)
        raise changed(path, expected, f"sha256 {kept.manifest_hash.hex()}")
    note = same[0]
    found = checkpoints.verify(note, makers)
    if signer not in found.signers:
        expected = f"{signer}: " + (" / ".join(f"0x{key.hex()}" for key in makers(signer)) or "-")
        signers = ", ".join(one.member for one in note.signatures)
        raise UsageInvalid(
            text("replay.resume_signer"), where=str(path), expected=expected, found=signers
        )
    for what, expected, other in checkpoints.compare(note.checkpoint, kept.checkpoint):
        raise changed(path, f"{what} {expected}", other)
    return Resumption(kept=kept, note=note, signer=signer)


class Resuming:
    """The part of a chain that an earlier replay has been through."""

    def __init__(self, resumption: Resumption) -> None:
        self.kept = resumption.kept
        self.resumed = Resumed(
            block=resumption.kept.manifest.height,
            block_hash=resumption.kept.manifest.block,
            signer=resumption.signer,
        )
        self.height = self.resumed.block
        self.loaded = False
        """Whether the state is there, so that the next block can be executed."""
        self._groups: Iterator[tuple[int, Iterator[Log]]] = groupby(
            self.kept.events(), key=lambda log: log.block_number
        )
        self._next = next(self._groups, None)

    def events_of(self, number: int) -> Iterator[Log]:
        """The events of the next block."""
        if self._next is not None and self._next[0] == number:
            yield from self._next[1]
            self._next = next(self._groups, None)

    def unreadable(self, error: Exception) -> UsageInvalid:
        """That the events are not those that this version can read."""
        return changed(self.kept.folder / EVENTS, f"events of version {__version__}", repr(error))

    def check_genesis(self, found: bytes, findings: Findings) -> None:
        """Check block 0. On another one the replay ends."""
        if not findings.expect("genesis", 0, self.kept.manifest.genesis, found, "hash kept:"):
            raise TooManyFailures

    def load(self, evms: Iterable[Evm], block_hash: bytes) -> None:
        """Give each EVM the state as of the last block, which has this hash.

        After another block than the one that was signed the replay ends. Raises `UsageInvalid`
        where the state is not the one that was signed.
        """
        if block_hash != self.kept.manifest.block:
            raise TooManyFailures
        if self._next is not None:
            raise changed(self.kept.folder, f"events <= {self.height}", str(self._next[0]))
        for evm in evms:
            root = evm.load(self.kept.codes(), self.kept.accounts())
            expected = self.kept.manifest.state
            if root is not None and root != expected:
                path = self.kept.folder / STATE
                raise changed(path, f"root 0x{expected.hex()}", f"0x{root.hex()}")
        self.loaded = True


def _hex(value: bytes | None) -> str:
    return (value or b"").hex()
