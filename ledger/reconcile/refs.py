"""Refs: the texts behind the ids of the book, as far as a reconciliation needs them.

What the other side's file names is hashed with the deal's salt, so that its lines find ours even
where this folder never saw the refs; only ids that the file does not name are looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.ledger import Ledger


class Refs:
    """Id to text and text to id, of one deal."""

    def __init__(self, ledger: Ledger, deal: str) -> None:
        self._ledger = ledger
        self._salt = ledger.salt(deal)
        self._texts: dict[bytes, str] = {}

    def know(self, refs: Iterable[str]) -> list[bytes]:
        """The ids of a file's refs, each different one hashed once; b"" of the empty one. O(n)."""
        known = _Ids(self._salt)
        known[""] = b""
        ids = list(map(known.__getitem__, refs))
        del known[""]
        self._texts.update(zip(known.values(), known.keys(), strict=True))
        return ids

    def hashed(self, refs: Sequence[str]) -> list[bytes]:
        """Ids of refs, which are not known by that: of a million only a few are asked for. O(n)."""
        salt, hashed = self._salt, _hasher()
        return [hashed(salt + ref) for ref in map(str.encode, refs)]

    def id(self, ref: str) -> bytes:
        """The id of a ref; of one shown in hex because no text is known, that."""
        from eth_hash.auto import keccak

        if ref.startswith("0x") and len(ref) == 66:
            try:
                return bytes.fromhex(ref[2:])
            except ValueError:
                pass
        return keccak(self._salt + ref.encode())

    def paid_elsewhere_minor(
        self, deal: str, reference: str, date: int, member: int, other: int
    ) -> int:
        """What of a transfer was paid for other deals: the bank books one line for all."""
        from ledger.transfers import paid_elsewhere_minor

        return paid_elsewhere_minor(self._ledger, deal, reference, date, member, other)

    def text(self, known_id: bytes) -> str:
        """The text of an id: the file's, else this folder's, else the id in hex."""
        ref = self._texts.get(known_id)
        if ref is None:
            ref = self._texts[known_id] = self._ledger.ref(known_id)
        return ref


class _Ids(dict[str, bytes]):
    """Refs that were hashed, with their ids."""

    def __init__(self, salt: bytes) -> None:
        super().__init__()
        self._salt, self._hashed = salt, _hasher()

    def __missing__(self, ref: str) -> bytes:
        own = self[ref] = self._hashed(self._salt + ref.encode())
        return own


def _hasher() -> Callable[[bytes], bytes]:
    """Keccak-256 itself, which the first use chose: a million checks of a type are saved."""
    from eth_hash.auto import keccak

    keccak(b"")
    return keccak.hasher
