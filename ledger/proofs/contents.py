"""Contents: what signed bytes say, each in the one form there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ledger.bindings import decode_call, encode_call
from ledger.days import LAST_DAY
from ledger.errors import NoteInvalid
from ledger.events import Amounts
from ledger.money import date_of
from ledger.proofs.checkpoints import verify
from ledger.proofs.members import MembersFile, to_hex
from ledger.proofs.notes import Checkpoint, decode_note
from ledger.proofs.refusing import Reason, refuse, require
from ledger.reading import Counted, DayKind, DayStatement

_WORD = 32


def arguments_of(contract: str, function: str, data: bytes, where: str) -> dict[str, Any]:
    """The arguments in call data of a function. Raises `ProofRefused`.

    Call data can say the same in many ways; only the usual one has the hashes that were signed.
    """
    expected = f"{contract}.{function}"
    try:
        name, arguments = decode_call(contract, data)
    except (ValueError, OverflowError, TypeError) as error:
        refuse(Reason.CALL, where, expected, str(error))
    require(name == function, Reason.CALL, where, expected, name)
    same = encode_call(contract, function, *arguments.values()) == data
    require(same, Reason.CALL, where, f"{expected}, in the usual encoding")
    return arguments


def statement_of(payload: bytes) -> DayStatement:
    """The statement in the call data of `Journal.seal_day`, which was read before."""
    _, arguments = decode_call("Journal", payload)
    return DayStatement(*arguments["statement"])


def read_leaf(leaf: bytes) -> Counted | None:
    """The entry in a leaf of a day; None for what is no entry."""
    words = [leaf[at : at + _WORD] for at in range(0, len(leaf), _WORD)]
    entry_id, kind, loan_id, *numbers, reversed_id = words
    date, *amounts = (int.from_bytes(word, "big") for word in numbers)
    try:
        known = DayKind(int.from_bytes(kind, "big"))
    except ValueError:
        return None
    if date > LAST_DAY:
        return None
    return Counted(known, entry_id, loan_id, date, 0, Amounts(*amounts), reversed_id, None)


def leaf_document(entry: Counted) -> dict[str, Any]:
    """An entry as JSON."""
    return {
        "id": to_hex(entry.entry_id),
        "kind": entry.kind.word,
        "loan_id": to_hex(entry.loan_id),
        "date": date_of(entry.date).isoformat(),
        **entry.amounts._asdict(),
        "reversed_id": to_hex(entry.reversed_id),
    }


def differing(said: Counted, other: Counted) -> Iterator[tuple[str, str, str]]:
    """Fields in which two entries differ: name, and what each says."""
    mine, theirs = leaf_document(said), leaf_document(other)
    for name, own in mine.items():
        if own != theirs[name]:
            yield name, str(own), str(theirs[name])


def signed_note(
    encoded: bytes, members: MembersFile, where: str
) -> tuple[Checkpoint, tuple[str, ...]]:
    """A checkpoint and who signed it; every signature must hold. Raises `ProofRefused`."""
    try:
        note = decode_note(encoded)
    except NoteInvalid as error:
        refuse(Reason.CHECKPOINT, where, error.expected, error.found)
    said = note.checkpoint
    known = members.chain_id
    require(said.chain_id == known, Reason.CHECKPOINT, where, str(known), said.chain_id)

    def makers(member: str) -> list[bytes]:
        return members.makers_after(member, said.height)

    found = verify(note, makers)
    for one in found.differences:
        refuse(Reason.CHECKPOINT, where, one.expected, one.found)
    return said, tuple(found.signers)
