"""Manifest: what a pack is made of and from, so that anybody can check it or make it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import date_of, day_number, parse_date
from ledger.nesting import read_json
from ledger.reporting.report import moment

FORMAT = "pledger-audit/1"
MANIFEST_FILE = "manifest.json"
_TOOLS = ("jinja2", "openpyxl")
"""Packages whose version may change a byte of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a pack was asked for."""

    deal: str
    first: int
    last: int
    """The days, both included, in days since 1970-01-01."""
    seed: int
    random: int
    largest: int
    """How many loans to draw."""
    language: str
    proofs: bool

    @property
    def command(self) -> str:
        """The command that makes the pack, but for where it is put."""
        parts = [
            "pledger audit pack", self.deal,
            f"--from {date_of(self.first)} --to {date_of(self.last)}",
            f"--seed {self.seed} --sample {self.random} --largest {self.largest}",
            *([] if self.proofs else ["--no-proofs"]),
            f"--lang {self.language}",
        ]  # fmt: skip
        return " ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A pack's manifest."""

    wanted: Wanted
    chain_id: int
    head_block: int
    head_hash: bytes
    head_at: int
    """When that block was sealed, Unix seconds."""
    version: str
    """Of this package,"""
    tools: Mapping[str, str]
    """and of those that write the files."""
    files: Mapping[str, str]
    """Path in the pack to the SHA-256 of the file, in hex."""

    def encode(self) -> bytes:
        """As the file's bytes."""
        wanted = self.wanted
        document = {
            "format": FORMAT,
            "deal": wanted.deal,
            "from": date_of(wanted.first).isoformat(),
            "to": date_of(wanted.last).isoformat(),
            "seed": str(wanted.seed),
            "sample": wanted.random,
            "largest": wanted.largest,
            "language": wanted.language,
            "proofs": wanted.proofs,
            "command": wanted.command,
            "chain_id": self.chain_id,
            "head_block": self.head_block,
            "head_hash": "0x" + self.head_hash.hex(),
            "head_at": moment(self.head_at),
            "head_time": self.head_at,
            "version": self.version,
            "tools": dict(sorted(self.tools.items())),
            "files": dict(sorted(self.files.items())),
        }
        return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def sha256(data: bytes) -> str:
    """In hex."""
    return hashlib.sha256(data).hexdigest()


def tools() -> dict[str, str]:
    """The packages that write the files, with their versions."""
    return {name: metadata.version(name) for name in _TOOLS}


def own_version() -> str:
    """Of this package."""
    return metadata.version("partnership-ledger")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a pack. Raises `UsageInvalid`."""
    path = folder / MANIFEST_FILE
    try:
        return _decoded(read_json(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageInvalid(
            text("audit.manifest_unreadable"),
            where=str(path),
            expected=FORMAT,
            found=str(error),
            fix=text("audit.manifest_unreadable_fix"),
        ) from None


def _decoded(document: Mapping[str, Any]) -> Manifest:
    if document["format"] != FORMAT:
        raise ValueError(document["format"])
    names = document["files"]
    # A name that leads out of the pack is nobody's file of ours.
    if any(Path(name).is_absolute() or ".." in Path(name).parts for name in names):
        raise ValueError(sorted(names)[0])
    return Manifest(
        wanted=Wanted(
            deal=document["deal"],
            first=day_number(parse_date(document["from"])),
            last=day_number(parse_date(document["to"])),
            seed=int(document["seed"]),
            random=document["sample"],
            largest=document["largest"],
            language=document["language"],
            proofs=document["proofs"],
        ),
        chain_id=document["chain_id"],
        head_block=document["head_block"],
        head_hash=bytes.fromhex(document["head_hash"][2:]),
        head_at=document["head_time"],
        version=document["version"],
        tools=document["tools"],
        files=dict(names),
    )
