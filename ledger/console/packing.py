"""Packing: the audit pack of a deal as one file to be downloaded, kept until the next is made.

Unpacked it is the folder that `pledger audit pack` writes, to the byte; `pledger audit verify`
checks it.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ledger.console.outcomes import FOLDER, StoredModel, replace_file

if TYPE_CHECKING:
    from ledger.auditing.pack import Pack
    from ledger.ledger import Ledger

FORMAT = "pledger-console-pack/1"
RANDOM, LARGEST, SEED = 25, 10, 0
"""The sample, as `pledger audit pack` draws it by itself."""
LISTED_MAX = 1_000
_NOTE_FILE = "pack.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest that a ZIP file can name: the same pack is the same file."""
_READABLE = 0o100644 << 16
Progress = Callable[[int, int], None]


class PackAsked(StoredModel):
    """Which pack is to be made."""

    deal: str
    first: int
    """The days, both included, in days since 1970-01-01."""
    last: int
    seed: int = SEED
    random: int = RANDOM
    largest: int = LARGEST


class KeptException(StoredModel):
    """One thing that an auditor is to look at."""

    rule: str
    date: int
    """In days since 1970-01-01."""
    ref: str
    loan_id: str
    """Of the loan that it is about in hex; empty for none."""
    detail: str
    by: str
    block: int
    """0 where it is about no single block."""


class KeptPack(StoredModel):
    """The last pack that was made."""

    format: str
    asked: PackAsked
    file: str
    """Its name in the folder."""
    manifest_sha256: str
    block: int
    block_hash: str
    made_at: int
    """Unix seconds."""
    loans: int
    sampled: int
    exceptions: int
    proofs: int
    listed: tuple[KeptException, ...]
    """The first `LISTED_MAX` of the exceptions, by rule and date."""

    @property
    def name(self) -> str:
        """What the file is called where it is downloaded."""
        return f"audit-{self.asked.deal}-{self.manifest_sha256[:12]}.zip"


def make_pack(
    ledger: Ledger, asked: PackAsked, language: str, made_at: int, progress: Progress
) -> KeptPack:
    """Make a pack with its proofs and keep it. Raises `UsageInvalid`."""
    from ledger.auditing.manifest import Wanted, sha256
    from ledger.auditing.pack import make, with_proofs
    from ledger.auditing.proving import proofs

    wanted = Wanted(
        deal=asked.deal,
        first=asked.first,
        last=asked.last,
        seed=asked.seed,
        random=asked.random,
        largest=asked.largest,
        language=language,
        proofs=True,
    )
    made = make(ledger, wanted)
    pack = with_proofs(made, proofs(ledger, asked.deal, made.proofs, progress))
    packed, folder = _packed(pack), ledger.directory / FOLDER
    kept = KeptPack(
        format=FORMAT,
        asked=asked,
        file=f"pack-{hashlib.sha256(packed).hexdigest()}.zip",
        manifest_sha256=sha256(pack.manifest.encode()),
        block=pack.head.number,
        block_hash="0x" + pack.head.block_hash.hex(),
        made_at=made_at,
        loans=pack.loans,
        sampled=pack.sampled,
        exceptions=pack.exceptions,
        proofs=len(pack.proofs),
        listed=tuple(
            KeptException(
                rule=one.rule,
                date=one.date,
                ref=one.ref,
                loan_id=one.loan_id.hex(),
                detail=one.detail,
                by=one.by,
                block=one.block,
            )
            for one in pack.listed[:LISTED_MAX]
        ),
    )
    replace_file(folder / kept.file, packed)
    replace_file(folder / _NOTE_FILE, kept.model_dump_json().encode())
    for path in folder.glob("pack-*.zip"):
        if path.name != kept.file:
            with suppress(FileNotFoundError):
                path.unlink()
    return kept


def last_pack(directory: Path) -> KeptPack | None:
    """The pack that was made last in a ledger's folder; None for none that can be read."""
    folder = directory / FOLDER
    try:
        kept = KeptPack.model_validate_json((folder / _NOTE_FILE).read_bytes())
    except (OSError, ValidationError):
        return None
    known = kept.format == FORMAT and Path(kept.file).name == kept.file
    return kept if known and (folder / kept.file).is_file() else None


def _packed(pack: Pack) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in _files(pack):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.external_attr = _READABLE
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _files(pack: Pack) -> Iterator[tuple[str, bytes]]:
    from ledger.auditing.manifest import MANIFEST_FILE

    yield from sorted(pack.files.items())
    yield MANIFEST_FILE, pack.manifest.encode()
