"""Forks: two copies of a chain, the height where they part, and who sealed on both sides.

A replay reads one chain, and each branch of a fork is a valid one. Two copies from two hands show
that there are two. Whoever sealed two blocks of one height signed two histories: both headers
together prove that to anybody who knows the validator's address, without either chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ledger.chain.blocks import Block
from ledger.chain.clique import sealer_of
from ledger.chain.genesis import decode_genesis
from ledger.chain.headers import decode_header
from ledger.chain.ordered_trie import root_of
from ledger.errors import ChainCorrupt, ChainUnusable, UsageInvalid
from ledger.messages import text
from ledger.replay.headers import Headers
from ledger.replay.report import Failure, Findings
from ledger.replay.source import Source, open_source, read_blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two copies, from where they part."""

    block_hash: bytes
    """Of the first block that the other does not have."""
    sealed_by: bytes
    """Address of the validator."""
    blocks: int
    """The number of the last block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivocation:
    """A validator that sealed two blocks of one height."""

    validator: bytes
    """Its address."""
    block: int
    """The first such height."""
    blocks: int
    """How many there are."""
    headers: tuple[bytes, bytes]
    """RLP of both headers of the first one, with their seals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """Two copies of a chain that part."""

    block: int
    """The first height at which they differ; 0 for chains with nothing in common."""
    parent_hash: bytes
    """Of the last block that both have; empty for block 0."""
    ours: Side
    theirs: Side
    equivocations: tuple[Equivocation, ...]
    """One for each validator that sealed on both sides, in the order of their first heights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What comparing a chain with another copy of it comes to."""

    compared: int
    """Heights that both have."""
    fork: Fork | None
    failures: tuple[Failure, ...]

    def document(self, members: Mapping[bytes, str]) -> dict[str, Any] | None:
        """As `pledger replay --against --json` prints it; `members` by validators' addresses."""
        fork = self.fork
        if fork is None:
            return None
        return {
            "block": fork.block,
            "parent_hash": _hex(fork.parent_hash) if fork.parent_hash else None,
            "ours": _side(fork.ours, members),
            "theirs": _side(fork.theirs, members),
            "equivocations": [
                {
                    "validator": _hex(one.validator),
                    "member": members.get(one.validator),
                    "block": one.block,
                    "blocks": one.blocks,
                    "headers": [_hex(header) for header in one.headers],
                }
                for one in fork.equivocations
            ],
        }


def compare(ours: Path, theirs: Path) -> Comparison:
    """Compare a ledger's folder or an export with another copy of the same chain.

    Nothing is executed: that both are what they should be is for their own replays. Raises what
    `replay` raises where there is no chain to read.
    """
    if ours.resolve() == theirs.resolve():
        raise UsageInvalid(text("replay.against_itself"), where=str(theirs))
    with open_source(ours) as own, open_source(theirs) as other:
        try:
            decode_genesis(own.genesis)
        except ChainUnusable:
            # Which its own replay says.
            return Comparison(compared=0, fork=None, failures=())
        return _Comparing(own, other).run()


def equivocation_of(first: bytes, second: bytes) -> bytes:
    """The address of who sealed two blocks of one height, from the RLP of both headers.

    Raises `ValueError` where they prove nothing.
    """
    one, other = (decode_header(header) for header in (first, second))
    if one.block_number != other.block_number or one.hash == other.hash:
        raise ValueError("two headers of one height that differ")
    signer = sealer_of(one)
    if signer != sealer_of(other):
        raise ValueError("two headers sealed by one validator")
    return signer


@dataclass(slots=True)
class _Branch:
    """One copy, header by header."""

    headers: Headers
    findings: Findings
    sealed_by: bytes = b""
    """Who sealed the last block."""

    @classmethod
    def of(cls, source: Source) -> _Branch:
        findings = Findings()
        return cls(Headers(decode_genesis(source.genesis), findings), findings)

    @property
    def holds(self) -> bool:
        """Whether every header so far follows from the one before and its seal counts."""
        return not self.findings.failures

    def follow(self, block: Block) -> None:
        self.sealed_by = self.headers.follow(block.header)


@dataclass(slots=True)
class _Twice:
    """A validator on both sides."""

    block: int
    headers: tuple[bytes, bytes]
    blocks: int = 0


@dataclass(slots=True)
class _Parting:
    """Where the copies part."""

    block: int
    parent_hash: bytes
    ours: tuple[bytes, bytes]
    """Hash and validator."""
    theirs: tuple[bytes, bytes]
    twice: dict[bytes, _Twice] = field(default_factory=dict)


class _Comparing:
    """Both copies, block by block."""

    def __init__(self, ours: Source, theirs: Source) -> None:
        self._sources = ours, theirs
        self._ours, self._theirs = _Branch.of(ours), _Branch.of(theirs)
        self._failures: list[Failure] = []
        self._parting: _Parting | None = None
        self._compared = 0
        self._last = [0, 0]

    def run(self) -> Comparison:
        """Read both to their ends, or to where theirs is no chain any more."""
        own, other = self._ours.headers.parent.hash, self._theirs.headers.parent.hash
        if own != other:
            self._parting = _Parting(0, b"", (own, b""), (other, b""))
            self._fail("fork", 0, _hex(own), _hex(other))
            return self._result()
        pairs = zip_longest(read_blocks(self._sources[0]), read_blocks(self._sources[1]))
        for number, (block, against) in enumerate(pairs, 1):
            if isinstance(against, ChainCorrupt):
                self._fail("against", number, against.expected, against.found)
                break
            if isinstance(block, ChainCorrupt):
                break
            self._last = [
                last + bool(one) for last, one in zip(self._last, (block, against), strict=True)
            ]
            if not self._follow(number, block, against):
                break
        return self._result()

    def _follow(self, number: int, block: Block | None, against: Block | None) -> bool:
        """Go on by a height; returns whether there is reason to go on."""
        if block is not None:
            self._ours.follow(block)
        if against is None:
            return self._parting is not None
        self._theirs.follow(against)
        if block is None:
            if self._parting is None and self._theirs.holds:
                expected = f"block {number} {_hex(against.header.hash)}"
                self._fail("against", number, expected, "-")
            return False
        self._compared += 1
        if block.header.hash == against.header.hash:
            return self._check_body(number, block, against)
        if not self._theirs.holds:
            wrong = self._theirs.findings.failures[0]
            self._fail("against", number, f"{wrong.check}: {wrong.expected}", wrong.found)
            return False
        self._part(number, block, against)
        return True

    def _check_body(self, number: int, block: Block, against: Block) -> bool:
        """Under one header there is one list of transactions."""
        if block.transactions != against.transactions:
            expected, found = against.header.transaction_root, root_of(against.transactions)
            if expected != found:
                self._fail("against", number, f"transactions {_hex(expected)}", _hex(found))
        return True

    def _part(self, number: int, block: Block, against: Block) -> None:
        pair = block.header, against.header
        sealers = self._ours.sealed_by, self._theirs.sealed_by
        if self._parting is None:
            ours, theirs = zip((one.hash for one in pair), sealers, strict=True)
            self._parting = _Parting(number, block.header.parent_hash, ours, theirs)
            self._fail("fork", number, f"block {_hex(ours[0])}", f"block {_hex(theirs[0])}")
        if sealers[0] == sealers[1] and self._ours.holds:
            first = block.header.encode(), against.header.encode()
            known = self._parting.twice.setdefault(sealers[0], _Twice(number, first))
            known.blocks += 1

    def _result(self) -> Comparison:
        fork = None
        if (parting := self._parting) is not None:
            equivocations = tuple(
                Equivocation(
                    validator=validator, block=one.block, blocks=one.blocks, headers=one.headers
                )
                for validator, one in parting.twice.items()
            )
            ours, theirs = (
                Side(block_hash=block_hash, sealed_by=sealer, blocks=last)
                for (block_hash, sealer), last in zip(
                    (parting.ours, parting.theirs), self._last, strict=True
                )
            )
            fork = Fork(
                block=parting.block,
                parent_hash=parting.parent_hash,
                ours=ours,
                theirs=theirs,
                equivocations=equivocations,
            )
            for one in equivocations:
                hashes = [_hash(header) for header in one.headers]
                expected = f"one block sealed by {_hex(one.validator)}"
                self._fail("equivocation", one.block, expected, ", ".join(hashes))
        return Comparison(compared=self._compared, fork=fork, failures=tuple(self._failures))

    def _fail(self, check: str, block: int, expected: str, found: str) -> None:
        self._failures.append(Failure(block=block, check=check, expected=expected, found=found))


def _hash(header: bytes) -> str:
    return _hex(decode_header(header).hash)


def _side(side: Side, members: Mapping[bytes, str]) -> dict[str, Any]:
    return {
        "block_hash": _hex(side.block_hash),
        "sealed_by": _hex(side.sealed_by) if side.sealed_by else None,
        "member": members.get(side.sealed_by),
        "blocks": side.blocks,
    }


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
