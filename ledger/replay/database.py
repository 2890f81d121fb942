"""Database: what a ledger's own folder keeps besides its blocks is what they come to.

Receipts feed the book and the state answers every call, so an edited one misleads whoever works
with the folder although the chain itself is intact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ledger.chain.blocks import SNAPSHOT, block_key
from ledger.chain.clique import Snapshot, encode_snapshot
from ledger.chain.store import Table, View
from ledger.errors import ChainCorrupt
from ledger.replay.report import Findings, shown

_LAST_KEY = b"\xff" * 64
_CHECK = "database"


class Database:
    """Compares the tables of a folder with what replaying its blocks gives."""

    def __init__(self, view: View, findings: Findings) -> None:
        self._view = view
        self._findings = findings

    def check_receipts(self, number: int, records: Sequence[bytes]) -> None:
        """Check the receipts of a block."""
        first, end = block_key(number), block_key(number + 1)
        try:
            stored = [record for _, record in self._view.scan(Table.RECEIPTS, first, end)]
        except ChainCorrupt as error:
            self._findings.fail(_CHECK, number, error.expected, error.found)
            return
        if not self._findings.expect(_CHECK, number, len(records), len(stored), "receipts:"):
            return
        for index, (expected, found) in enumerate(zip(records, stored, strict=True)):
            name = f"receipt of transaction {index}:"
            self._findings.expect(_CHECK, number, expected, found, name)

    def check_state(self, values: Mapping[bytes, bytes], head: int) -> None:
        """Check every node of the state and every contract's code."""
        count = 0
        try:
            for key, found in self._view.scan(Table.STATE, b"", _LAST_KEY):
                count += 1
                self._findings.counts[_CHECK] += 1
                expected = values.get(key)
                if expected != found:
                    name = f"state {shown(key)}: {shown(expected or b'-')}"
                    self._findings.fail(_CHECK, head, name, shown(found))
        except ChainCorrupt as error:
            self._findings.fail(_CHECK, head, error.expected, error.found)
            return
        self._findings.expect(_CHECK, head, len(values), count, "records of the state:")

    def check_signers(self, snapshot: Snapshot, head: int) -> None:
        """Check who may seal the next block."""
        try:
            stored = self._view.get(Table.META, SNAPSHOT) or b""
        except ChainCorrupt as error:
            self._findings.fail(_CHECK, head, error.expected, error.found)
            return
        self._findings.expect(_CHECK, head, encode_snapshot(snapshot), stored, "signers:")
