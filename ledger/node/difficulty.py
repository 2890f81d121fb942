"""Total difficulty: the sum of all difficulties up to a block, which old tools ask for."""

from __future__ import annotations

import threading
from array import array

from ledger.chain.blocks import block_key
from ledger.chain.rlp_slices import decode_items
from ledger.chain.store import Table, View

_DIFFICULTY = 7
"""Place of the field in a header."""


class TotalDifficulty:
    """The sums of all blocks, eight bytes each; every header is read for it once."""

    def __init__(self) -> None:
        """Empty; the first question fills it."""
        self._sums = array("Q")
        self._filling = threading.Lock()

    def at(self, view: View, number: int) -> int:
        """Of a block that is there."""
        if number >= len(self._sums):
            with self._filling:
                self._fill(view, number)
        return self._sums[number]

    def _fill(self, view: View, number: int) -> None:
        first = len(self._sums)
        total = self._sums[-1] if first else 0
        pairs = view.scan(Table.HEADERS, block_key(first), block_key(number + 1))
        for _, encoded in pairs:
            total += int.from_bytes(decode_items(encoded)[_DIFFICULTY], "big")
            self._sums.append(total)
