"""Refs: the texts behind the ids of the book, as far as a reconciliation needs them.

What the other side's file names is hashed with the deal's salt, so that its lines find ours even
where this folder never saw the refs; only ids that the file does not name are looked up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.ledger import Ledger


class Refs:
    """Id to text and text to id, of one deal."""

    def __init__(self, ledger: Ledger, deal: str) -> None:
        self._ledger = ledger
        self._salt = ledger.salt(deal)
        self._texts: dict[bytes, str] = {}

    def know(self, refs: Iterable[str]) -> None:
        """Hash the refs of a file. O(n)."""
        salt, hashed = self._salt, _hasher()
        self._texts.update({hashed(salt + ref.encode()): ref for ref in refs if ref})

    def by_id(self, lines: Sequence[Any]) -> tuple[dict[bytes, Any], list[Any]]:
        """Lines by the id of their ref, and those whose ref others have too, or that have none.

        Their refs are not known by that: of a million lines only a few are asked for. O(n).
        """
        salt, hashed = self._salt, _hasher()
        found = {hashed(salt + line[1].encode()): line for line in lines}
        if len(found) == len(lines) and self.id("") not in found:
            return found, []
        times = Counter(line[1] for line in lines)
        again = [line for line in lines if times[line[1]] > 1 or not line[1]]
        for line in again:
            found.pop(hashed(salt + line[1].encode()), None)
        return found, again

    def id(self, ref: str) -> bytes:
        """The id of a ref; of one shown in hex because no text is known, that."""
        from eth_hash.auto import keccak

        if ref.startswith("0x") and len(ref) == 66:
            try:
                return bytes.fromhex(ref[2:])
            except ValueError:
                pass
        return keccak(self._salt + ref.encode())

    @property
    def known(self) -> Mapping[bytes, str]:
        """Ids to the texts known already."""
        return self._texts

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


def _hasher() -> Callable[[bytes], bytes]:
    """Keccak-256 itself, which the first use chose: a million checks of a type are saved."""
    from eth_hash.auto import keccak

    keccak(b"")
    return keccak.hasher
