"""Documents: a proof file as it is written and read. Every value in it is checked by a verifier.

Everything that was signed or hashed is there as its bytes, and nothing of it a second time in
words: what a proof says is read from what it proves.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ledger.days import LAST_DAY
from ledger.proofs.members import Document, Hex, Word

LEAF_BYTES = 288
Number = Annotated[int, Field(ge=0, lt=1 << 63)]
Nodes = Annotated[tuple[Hex, ...], Field(strict=False)]
Words = Annotated[tuple[Word, ...], Field(strict=False)]


class Record(Document):
    """A transaction in its block, and its receipt."""

    block: Number
    index: Number
    """Its place in the block, from 0."""
    transaction: Nodes
    """Path in the trie of the block's transactions; see `tries`."""
    receipt: Nodes
    """Path in the trie of its receipts."""


class InCheckpoint(Document):
    """A checkpoint, and the path of the sealed day in its log of seals."""

    note: Hex
    """As it lies in its file."""
    index: Number
    path: Words


class SealedIn(Document):
    """The sealed day that an entry counts to, and its place in it."""

    date: Annotated[int, Field(ge=0, le=LAST_DAY)]
    """The day that was signed, in days since 1970-01-01; one before it may be sealed with it."""
    leaf: Annotated[Hex, Field(min_length=LEAF_BYTES, max_length=LEAF_BYTES)]
    """The entry as it counts to its day: `reading.Counted.leaf`."""
    index: Number
    """Its place among the entries of the day, from 0."""
    path: Words
    """In the tree over them, from the leaf up (RFC 9162)."""
    checkpoint: InCheckpoint | None


class EntryProof(Document):
    """A proof file."""

    proof: Literal["pledger-entry/1"]
    chain_id: Annotated[int, Field(ge=1)]
    genesis: Word
    deal: Word
    """Its name, ASCII, left-aligned."""
    entry: Word
    """Id of the entry. Of a booking: the loan's. Of a period statement: its month as a number."""
    log: Number | None
    """Place of the log that reports it in the receipt of the first record, from 0.

    None in a proof of the day alone, which shows nothing of other entries."""
    day: SealedIn | None
    """None while the entry's day is not sealed."""
    records: Annotated[tuple[Record, ...], Field(strict=False)]
    """The transaction that posted the entry, unless there is no `log`. Then, for a sealed day: the
    proposal of the terms that say who signs; the signature of each party under them, in their
    order; of each who signs the day, funders first, its maker's request and its checker's call."""
    headers: Nodes
    """Of the blocks of all records, and of blocks that follow them, by number."""
