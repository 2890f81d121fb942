"""Checkpoints: what members signed of the chain is what it is.

A chain cut off, rewritten or forked by its own validators is a valid chain. Only what somebody
signed of it before shows that it is another one than it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ledger import events
from ledger.chain.headers import Header
from ledger.events import Event
from ledger.proofs import checkpoints, seals
from ledger.proofs.notes import Checkpoint, Note
from ledger.proofs.seals import SealedDay
from ledger.records import name_of
from ledger.replay.keys import Keys
from ledger.replay.report import Findings

_CHECK = "checkpoint"


class Checkpoints:
    """Holds a chain against notes, each at its block."""

    FOLLOWED = events.MemberAdmitted, events.DaySealed
    """What `follow` is to see."""

    def __init__(
        self, notes: Iterable[Note], chain_id: int, keys: Keys, findings: Findings
    ) -> None:
        """`keys` has seen every event up to the block that is checked."""
        self._chain_id = chain_id
        self._keys = keys
        self._findings = findings
        self._numbers: dict[str, int] = {}
        self.sealed: list[SealedDay] = []
        """Every sealed day by now."""
        self._notes: dict[int, list[Note]] = {}
        for note in notes:
            self._notes.setdefault(note.checkpoint.height, []).append(note)

    def follow(self, event: Event) -> None:
        """Note who joins and which days are sealed."""
        if isinstance(event, events.MemberAdmitted):
            self._numbers[name_of(event.member_id)] = event.number
        elif isinstance(event, events.DaySealed):
            self.sealed.append(SealedDay(*event))

    def makers(self, member: str) -> list[bytes]:
        """The maker keys of a member by now."""
        number = self._numbers.get(member)
        return [] if number is None else self._keys.makers(number)

    def all_makers(self) -> dict[str, list[bytes]]:
        """Member to its maker keys by now."""
        return {member: self.makers(member) for member in self._numbers}

    def stated(self, header: Header) -> Checkpoint:
        """What could be signed of the block that was followed last."""
        return Checkpoint(
            chain_id=self._chain_id,
            seals=len(self.sealed),
            seals_root=seals.root(self.sealed),
            height=header.block_number,
            block_hash=header.hash,
            state_root=header.state_root,
        )

    def check(self, header: Header, *, reading: bool) -> None:
        """Check what was signed of a block that is done.

        `reading`: its events are known, and so its members and sealed days.
        """
        for note in self._notes.pop(header.block_number, ()):
            stated, name = note.checkpoint, _name(note)
            own = self.stated(header)
            if not reading:
                own = replace(own, seals=stated.seals, seals_root=stated.seals_root)
            self._findings.counts[_CHECK] += 1
            found = [*checkpoints.compare(stated, own)]
            if reading:
                found += checkpoints.verify(note, self.makers).differences
            for what, expected, other in found:
                self._fail(header.block_number, f"{name}: {what} {expected}", other)

    def finish(self, head: int) -> None:
        """Name what was signed of blocks that are not there."""
        for height, notes in sorted(self._notes.items()):
            for note in notes:
                self._findings.counts[_CHECK] += 1
                stated = note.checkpoint
                expected = f"{_name(note)}: block {height} 0x{stated.block_hash.hex()}"
                self._fail(head + 1, expected, "-")

    def _fail(self, block: int, expected: str, found: str) -> None:
        self._findings.fail(_CHECK, block, expected, found)


def _name(note: Note) -> str:
    signers = ", ".join(one.member for one in note.signatures)
    return f"checkpoint {note.checkpoint.height} signed by {signers}"
