"""Disclosed: what a party hands to who reads a copy of the chain, checked against the chain.

`deals/DEAL/vN.json`, `deals/DEAL/salt` and `refs.sqlite`, as they lie in a party's own folder.
Terms must have the digest that was signed; a ref is taken only if a salt makes its id of it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ledger import reading
from ledger.entries import entry_id
from ledger.errors import InputInvalid, UsageInvalid
from ledger.founding import DEALS_FOLDER, REFS_FILE
from ledger.messages import text
from ledger.refs import every as every_ref
from ledger.salts import SALT_BYTES, SALT_FILE
from ledger.terms import Terms, from_canonical

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_REFS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosed:
    """What was taken."""

    terms: int
    """Documents."""
    salts: tuple[str, ...]
    """Deals of which there is one."""
    refs: int
    refs_left: int
    """Those that no salt here makes an id of."""


def take_disclosed(ledger: Ledger, folder: Path, *, dry_run: bool = False) -> Disclosed:
    """Keep what a party disclosed in the folder of a copy.

    Raises `UsageInvalid`, and then nothing is kept, for terms other than those that were signed,
    for a salt other than the one that is here, and for what cannot be read.
    """
    terms, salts = list(_terms(ledger, folder)), dict(_salts(ledger, folder))
    taken = left = 0
    known = list({*salts.values(), *_own_salts(ledger)})
    pairs: list[tuple[bytes, str]] = []
    for own, ref in _refs(folder / REFS_FILE):
        if not _is_made(own, ref, known):
            left += 1
            continue
        taken += 1
        pairs.append((own, ref))
        if len(pairs) == _REFS_AT_ONCE and not dry_run:
            ledger.keep_refs(pairs)
            pairs.clear()
    if not dry_run:
        ledger.keep_refs(pairs)
        for version, document in terms:
            ledger.keep_terms(document, version)
        for deal, salt in salts.items():
            ledger.salts.keep(deal, salt)
    return Disclosed(terms=len(terms), salts=tuple(salts), refs=taken, refs_left=left)


def _terms(ledger: Ledger, folder: Path) -> Iterator[tuple[int, Terms]]:
    book = ledger.book()
    for deal in reading.deals(book):
        for one in reading.versions(book, deal.deal):
            path = folder / DEALS_FOLDER / deal.name / f"v{one.version}.json"
            if path.is_file():
                yield one.version, _signed(path, one.terms.document_digest)


def _signed(path: Path, digest: bytes) -> Terms:
    try:
        document = from_canonical(path.read_bytes())
        found = "0x" + document.digest.hex()
    except (OSError, ValueError, InputInvalid) as error:
        document, found = None, str(error)
    if document is None or document.digest != digest:
        raise UsageInvalid(
            text("import.terms_differ"),
            where=str(path),
            expected="0x" + digest.hex(),
            found=found,
        )
    return document


def _salts(ledger: Ledger, folder: Path) -> Iterator[tuple[str, bytes]]:
    for deal in reading.deals(ledger.book()):
        path = folder / DEALS_FOLDER / deal.name / SALT_FILE
        if not path.is_file():
            continue
        try:
            salt = bytes.fromhex(path.read_text("ascii"))
        except (OSError, ValueError):
            salt = b""
        own = _own_salt(ledger, deal.name)
        if len(salt) != SALT_BYTES or own not in (b"", salt):
            raise UsageInvalid(text("import.salt_differs", deal=deal.name), where=str(path))
        yield deal.name, salt


def _own_salts(ledger: Ledger) -> set[bytes]:
    own = {_own_salt(ledger, deal.name) for deal in reading.deals(ledger.book())}
    return own - {b""}


def _own_salt(ledger: Ledger, deal: str) -> bytes:
    try:
        return ledger.salt(deal)
    except UsageInvalid:
        return b""


def _refs(path: Path) -> Iterator[tuple[bytes, str]]:
    if not path.is_file():
        return
    try:
        refs = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            yield from every_ref(refs)
        finally:
            refs.close()
    except (sqlite3.Error, TypeError) as error:
        raise UsageInvalid(
            text("import.refs_unreadable"), where=str(path), found=str(error)
        ) from None


def _is_made(own: bytes, ref: str, salts: Sequence[bytes]) -> bool:
    """Loans, entries and borrowers are hashed alike."""
    return any(entry_id(salt, ref) == own for salt in salts)
