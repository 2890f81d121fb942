"""Seals: the log of all sealed days of a ledger, in chain order, as one Merkle tree (RFC 9162).

Its root says what was sealed by then; a path shows that one day is in it, and another that a later
log begins with an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field, ValidationError

from ledger import merkle
from ledger.bindings import decode_event
from ledger.errors import ProofUnreadable
from ledger.events import DaySealed
from ledger.problems import problems_of
from ledger.proofs.members import Document, Word, encode_document, parse_json, read_bytes, to_hex

if TYPE_CHECKING:
    from ledger.ledger import Ledger

KIND: Literal["pledger-consistency/1"] = "pledger-consistency/1"


class SealedDay(NamedTuple):
    """A day that all its deal's signing parties sealed, as an event says it."""

    deal_id: bytes
    """The deal's name, 32 bytes."""
    day: int
    digest: bytes
    """Of the statement that they signed (`days.digest`)."""

    @property
    def leaf(self) -> bytes:
        """Three words of 32 bytes: deal, day, digest."""
        return self.deal_id + self.day.to_bytes(32, "big") + self.digest


def sealed_days(ledger: Ledger, through: int | None = None) -> list[SealedDay]:
    """Every sealed day up to a block, the head if none is named, in chain order."""
    # The book knows in which blocks to look; the order within one is that of the events.
    query = "SELECT DISTINCT block FROM seals ORDER BY block"
    blocks = [block for (block,) in ledger.book().connection.execute(query)]
    journal = ledger.settings.contracts["Journal"]
    found = []
    for block in blocks:
        if through is not None and block > through:
            break
        for log in ledger.engine.logs(block, block):
            event = decode_event(log) if log.address == journal else None
            if isinstance(event, DaySealed):
                found.append(SealedDay(*event))
    return found


def root(sealed: Iterable[SealedDay]) -> bytes:
    """The root over days in chain order."""
    return merkle.root(one.leaf for one in sealed)


def place_of(sealed: Sequence[SealedDay], deal_id: bytes, day: int) -> int | None:
    """The index of the sealing of a deal's day; None where that very day was not sealed."""
    return next((at for at, one in enumerate(sealed) if one[:2] == (deal_id, day)), None)


def inclusion(sealed: Sequence[SealedDay], index: int) -> list[bytes]:
    """What proves the day at an index. Raises `IndexError`."""
    return merkle.inclusion((one.leaf for one in sealed), index)


# ---- consistency


class Consistency(Document):
    """What proves that a later log begins with an earlier one."""

    proof: Literal["pledger-consistency/1"] = KIND
    chain_id: Annotated[int, Field(ge=1)]
    first_seals: Annotated[int, Field(ge=0)]
    """Days in the earlier log."""
    seals: Annotated[int, Field(ge=0)]
    """Days in the later one."""
    path: tuple[Word, ...] = Field(strict=False)

    def holds(self, first_root: bytes, root: bytes) -> bool:
        """Whether it proves that the log with `root` begins with the one with `first_root`."""
        return merkle.is_consistent(self.first_seals, self.seals, self.path, first_root, root)

    def encode(self) -> bytes:
        """As it lies in a file."""
        return encode_document(self)


def consistency(chain_id: int, sealed: Sequence[SealedDay], first: int) -> Consistency:
    """What proves that a log begins with its own first days. Raises `IndexError`."""
    leaves = [one.leaf for one in sealed]
    path = merkle.consistency(leaves, first) if first else []
    document = {
        "chain_id": chain_id,
        "first_seals": first,
        "seals": len(leaves),
        "path": [to_hex(one) for one in path],
    }
    return Consistency.model_validate(document)


def read_consistency(path: Path) -> Consistency:
    """The proof in a file. Raises `ProofUnreadable`."""
    return decode_consistency(read_bytes(path), where=str(path))


def decode_consistency(encoded: bytes, *, where: str = "") -> Consistency:
    """The proof of its bytes. Raises `ProofUnreadable`."""
    document = parse_json(encoded, where=where)
    try:
        return Consistency.model_validate(document)
    except ValidationError as error:
        first = problems_of(error)[0]
        raise ProofUnreadable(
            where, column=first.column, expected=first.expected or first.what, found=first.found
        ) from None
