"""Verifying: whether a pack is whole, and whether a ledger or an export gives the very same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ledger import messages
from ledger.auditing.cash import Known, register_breaks
from ledger.auditing.manifest import MANIFEST_FILE, Manifest, read_manifest, sha256
from ledger.auditing.pack import INPUTS_FILE, make
from ledger.auditing.pinned import head_at
from ledger.auditing.proving import MEMBERS_FILE, check_proofs, is_proof
from ledger.errors import LedgerError, UsageInvalid
from ledger.messages import text
from ledger.nesting import read_json

if TYPE_CHECKING:
    from ledger.ledger import Ledger


class Rebuilt(StrEnum):
    """What came of making the pack again."""

    SAME = "same"
    DIFFERS = "differs"
    OTHER = "other"
    """The ledger has another block of that number, or none."""
    NOT = "not"
    """There was no ledger at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A file that is not what it must be."""

    file: str
    expected: str
    """SHA-256 in hex; empty for a file that must not be there."""
    found: str
    """Empty for a file that is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a verification came to."""

    manifest: Manifest
    manifest_sha256: str
    files: int
    wrong: tuple[Wrong, ...]
    """Files that are not what the manifest says."""
    rebuilt: Rebuilt
    differing: tuple[Wrong, ...]
    """Files of which the ledger gives something else."""
    inputs_changed: bool
    """Whether the ledger's folder knows other breaks by now: no fault of the pack."""
    proofs: int
    invalid_proofs: tuple[str, ...]
    """Paths of proofs that do not hold."""
    exported: bool | None
    """Whether the export has the pack's block; None without one."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        rebuilt = self.rebuilt in (Rebuilt.SAME, Rebuilt.NOT)
        whole = not self.wrong and not self.invalid_proofs
        return whole and rebuilt and self.exported is not False


_Again = tuple[Rebuilt, tuple[Wrong, ...], bool]
"""What came of it, files that differ, whether the folder knows other breaks by now."""


def verify(folder: Path, ledger: Ledger | None = None, export: Path | None = None) -> Verified:
    """Check a pack's files, make it again from a ledger, look its block up in an export.

    Raises `UsageInvalid` for what is no pack.
    """
    manifest = read_manifest(folder)
    wrong = tuple(_wrong(folder, manifest))
    again: _Again = (Rebuilt.NOT, (), False)
    if ledger is not None:
        again = _again(folder, manifest, ledger)
    rebuilt, differing, changed = again
    kept = {
        name: (folder / name).read_bytes()
        for name in manifest.files
        if is_proof(name) and (folder / name).is_file()
    }
    # The keys of another chain than the pack's would prove nothing.
    known = None if rebuilt is Rebuilt.OTHER else ledger
    proofs, invalid = check_proofs(kept, known)
    return Verified(
        manifest=manifest,
        manifest_sha256=sha256((folder / MANIFEST_FILE).read_bytes()),
        files=len(manifest.files),
        wrong=wrong,
        rebuilt=rebuilt,
        differing=differing,
        inputs_changed=changed,
        proofs=proofs,
        invalid_proofs=invalid,
        exported=None if export is None else _exported(export, manifest),
    )


def _wrong(folder: Path, manifest: Manifest) -> Iterator[Wrong]:
    for name, expected in sorted(manifest.files.items()):
        path = folder / name
        found = sha256(path.read_bytes()) if path.is_file() else ""
        if found != expected:
            yield Wrong(file=name, expected=expected, found=found)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST_FILE and name not in manifest.files:
            yield Wrong(file=name, expected="", found=sha256(path.read_bytes()))


def _again(folder: Path, manifest: Manifest, ledger: Ledger) -> _Again:
    try:
        head = head_at(ledger, manifest.head_block)
    except UsageInvalid:
        return Rebuilt.OTHER, (), False
    if (head.block_hash, ledger.settings.chain_id) != (manifest.head_hash, manifest.chain_id):
        return Rebuilt.OTHER, (), False
    known, wanted = _inputs(folder), manifest.wanted
    with _language(wanted.language):
        pack = make(
            ledger, wanted, known=known, block=manifest.head_block, block_hash=manifest.head_hash
        )
    ours = {name: sha256(data) for name, data in pack.files.items()}
    theirs = {
        # Proofs are checked by themselves: they say more once a day is sealed.
        name: "" if name in pack.proofs else digest
        for name, digest in manifest.files.items()
        if name != MEMBERS_FILE
    }
    ours |= dict.fromkeys(pack.proofs, "")
    differing = tuple(
        Wrong(file=name, expected=ours.get(name, ""), found=theirs.get(name, ""))
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    )
    now = register_breaks(ledger.directory, wanted.deal, wanted.first, wanted.last)
    rebuilt = Rebuilt.DIFFERS if differing else Rebuilt.SAME
    return rebuilt, differing, now != known.breaks


def _inputs(folder: Path) -> Known:
    path = folder / INPUTS_FILE
    try:
        return Known.of_document(read_json(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, IndexError, LedgerError) as error:
        raise UsageInvalid(
            text("audit.inputs_unreadable"), where=str(path), found=str(error)
        ) from None


def _exported(export: Path, manifest: Manifest) -> bool:
    """Whether the export has the block of the pack, with its hash."""
    from ledger.chain.export import CHAIN_FILE, read_chain

    for block in read_chain(export / CHAIN_FILE):
        if block.header.block_number == manifest.head_block:
            return bool(block.header.hash == manifest.head_hash)
    return False


@contextmanager
def _language(name: str) -> Iterator[None]:
    before = messages.language()
    messages.set_language(name)
    try:
        yield
    finally:
        messages.set_language(before)
