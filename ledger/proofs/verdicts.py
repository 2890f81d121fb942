"""Verdicts: what a proof file proves, and of whom; or why it proves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.proofs.contents import leaf_document
from ledger.proofs.members import to_hex
from ledger.proofs.refusing import ProofRefused
from ledger.reading import Counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Which validators sealed a block, or blocks on top of it."""

    by: tuple[str, ...]
    """The one of the block first; an address where no member has the key."""
    of: int
    """How many might."""

    @property
    def majority(self) -> bool:
        """Whether more than half did: then no fewer can have made it up."""
        return 2 * len(self.by) > self.of

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {"by": list(self.by), "of": self.of, "majority": self.majority}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenPosting:
    """Where an entry was posted, and by whom."""

    block: int
    block_hash: bytes
    timestamp: int
    transaction_hash: bytes
    member: str
    key: bytes
    sealed: Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenSignature:
    """One party's signature of a day."""

    member: str
    maker: bytes
    checker: bytes
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenCheckpoint:
    """A checkpoint that has the sealed day."""

    height: int
    block_hash: bytes
    members: tuple[str, ...]
    """Who signed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenDay:
    """The sealed day that an entry is in."""

    date: str
    digest: bytes
    entries: int
    signatures: tuple[ProvenSignature, ...]
    terms_version: int
    """Of the terms that say who has to sign."""
    block: int
    """In which the last of them signed."""
    sealed: Sealed
    checkpoint: ProvenCheckpoint | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a proof file proves, or why it does not."""

    refused: ProofRefused | None = None
    deal: str = ""
    entry: Counted | None = None
    """Its `day` says nothing: it is 0."""
    posting: ProvenPosting | None = None
    day: ProvenDay | None = None
    members_as_of: int = 0
    """The newest block that the members file knows of."""
    newest_block: int = 0
    """Of the records of the proof."""

    @property
    def valid(self) -> bool:
        """Whether the proof holds."""
        return self.refused is None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        if self.refused is not None:
            return {
                "valid": False,
                "reason": self.refused.reason.value,
                "where": self.refused.where,
                "expected": self.refused.expected,
                "found": self.refused.found,
            }
        assert self.entry is not None
        return {
            "valid": True,
            "deal": self.deal,
            "entry": leaf_document(self.entry),
            "posting": None if self.posting is None else _posting(self.posting),
            "day": None if self.day is None else _day(self.day),
            "members_as_of": self.members_as_of,
        }


def _posting(found: ProvenPosting) -> dict[str, Any]:
    return {
        "block": found.block,
        "block_hash": to_hex(found.block_hash),
        "timestamp": found.timestamp,
        "transaction": to_hex(found.transaction_hash),
        "member": found.member,
        "key": to_hex(found.key),
        "sealed": found.sealed.document(),
    }


def _day(found: ProvenDay) -> dict[str, Any]:
    return {
        "date": found.date,
        "digest": to_hex(found.digest),
        "entries": found.entries,
        "signed_by": [
            {
                "member": one.member,
                "maker": to_hex(one.maker),
                "checker": to_hex(one.checker),
                "block": one.block,
            }
            for one in found.signatures
        ],
        "terms_version": found.terms_version,
        "block": found.block,
        "sealed": found.sealed.document(),
        "checkpoint": None if found.checkpoint is None else _checkpoint(found.checkpoint),
    }


def _checkpoint(found: ProvenCheckpoint) -> dict[str, Any]:
    return {
        "height": found.height,
        "block_hash": to_hex(found.block_hash),
        "signed_by": list(found.members),
    }
