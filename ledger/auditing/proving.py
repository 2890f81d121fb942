"""Proving: a proof for each sampled entry, and the members' public keys that check them offline.

A proof names the signatures of a sealed day, or, of a day that is open, the block. It says more
once the day is sealed: so proofs are checked one by one, not made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ledger import reading
from ledger.errors import LedgerError
from ledger.proofs.entries import prover
from ledger.proofs.key_history import members_file
from ledger.proofs.members import decode_members, encode_document
from ledger.proofs.verifying import verify
from ledger.reading import Posted

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.proofs.members import MembersFile

PROOFS_FOLDER, MEMBERS_FILE = "proofs", "members.json"
Progress = Callable[[int, int], None]
"""(proofs made, proofs in all)"""


def proof_name(posted: Posted) -> str:
    """Path of an entry's proof in a pack: block, transaction and log of the entry."""
    return f"{PROOFS_FOLDER}/{posted.block}-{posted.transaction}-{posted.log}.json"


def is_proof(name: str) -> bool:
    """Whether a file of a pack is a proof, or the keys that proofs are checked with."""
    return name == MEMBERS_FILE or name.startswith(f"{PROOFS_FOLDER}/")


def proofs(
    ledger: Ledger,
    deal: str,
    wanted: Mapping[str, bytes],
    progress: Progress = lambda done, of: None,
) -> dict[str, bytes]:
    """The files of proofs of entries, by path, and the members' keys.

    `wanted`: path to the id of an entry. Of a sealed day the day alone is proven: it needs no other
    entry. Raises `UsageInvalid`, and `ChainUnusable` for a chain on a network.
    """
    if not wanted:
        return {}
    found: dict[str, bytes] = {}
    sealed, prove = ledger.deal(deal).sealed_through, prover(ledger, deal)
    for done, (name, entry_id) in enumerate(wanted.items()):
        progress(done, len(wanted))
        made = prove("0x" + entry_id.hex(), _day(ledger, deal, entry_id) <= sealed)
        found[name] = encode_document(made.proof)
    found[MEMBERS_FILE] = encode_document(members_file(ledger))
    return found


def check_proofs(
    files: Mapping[str, bytes], ledger: Ledger | None = None
) -> tuple[int, tuple[str, ...]]:
    """How many proofs of a pack there are, and the paths of those that do not hold.

    They are checked with the keys as the ledger has them; without one with those in the pack.
    """
    names = sorted(name for name in files if name.startswith(f"{PROOFS_FOLDER}/"))
    if not names:
        return 0, ()
    keys = _keys(files, ledger)
    if keys is None:
        return len(names), tuple(names)
    return len(names), tuple(name for name in names if not verify(files[name], keys).valid)


def _keys(files: Mapping[str, bytes], ledger: Ledger | None) -> MembersFile | None:
    if ledger is not None:
        return members_file(ledger)
    try:
        return decode_members(files[MEMBERS_FILE])
    except (KeyError, LedgerError):
        return None


def _day(ledger: Ledger, deal: str, entry_id: bytes) -> int:
    """The business day of an entry on a loan."""
    book, number = ledger.book(), ledger.deal(deal).deal
    found = reading.entry(book, number, entry_id) or reading.entry(
        book, number, entry_id, booking=True
    )
    assert found is not None, "a sampled entry that is not there"
    return found.day
