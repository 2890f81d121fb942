"""Database: what a ledger's own folder keeps besides its blocks is what they come to.

Receipts feed the book and the state answers every call, so an edited one misleads whoever works
with the folder although the chain itself is intact.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

from rlp.exceptions import RLPException

from ledger.bindings import decode_event
from ledger.chain.blocks import SNAPSHOT, block_key, place_key
from ledger.chain.clique import Snapshot, encode_snapshot
from ledger.chain.engine import Receipt
from ledger.chain.records import decode_record
from ledger.chain.store import Table, View
from ledger.errors import ChainCorrupt
from ledger.events import Place
from ledger.replay.report import Findings, shown

_OWNER = slice(1, 21)
"""Where a key of the state has the address of whose slot it is."""
_LAST_KEY = b"\xff" * 64
_CHECK = "database"


class Database:
    """Compares the tables of a folder with what replaying its blocks gives."""

    def __init__(self, view: View, findings: Findings, contracts: Mapping[bytes, str]) -> None:
        """`contracts`: address to name, of the ledger's own."""
        self._view = view
        self._findings = findings
        self._contracts = contracts

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
            self._findings.counts[_CHECK] += 1
            if expected != found:
                wanted, told, about = _difference(expected, found, number, index)
                place = Place(number, index, 0)
                self._findings.fail(_CHECK, place, wanted, told, about=about)

    def check_places(self, number: int, block_hash: bytes, hashes: Sequence[bytes]) -> None:
        """Check that block and transactions are found by their hashes."""
        wanted: list[tuple[int | Place, Table, bytes, bytes]] = [
            (number, Table.NUMBERS, block_hash, block_key(number)),
            *(
                (Place(number, index, 0), Table.LOOKUPS, known, place_key(number, index))
                for index, known in enumerate(hashes)
            ),
        ]
        for place, table, known, expected in wanted:
            try:
                found = self._view.get(table, known) or b""
            except ChainCorrupt as error:
                self._findings.fail(_CHECK, place, error.expected, error.found)
                continue
            self._findings.expect(_CHECK, place, expected, found, f"{table} of {shown(known)}:")

    def check_state(self, values: Mapping[bytes, bytes], head: int) -> None:
        """Check every node of the state and every contract's code."""
        count = 0
        try:
            for key, found in self._view.scan(Table.STATE, b"", _LAST_KEY):
                count += 1
                self._findings.counts[_CHECK] += 1
                expected = values.get(key)
                if expected != found:
                    owner = self._contracts.get(key[_OWNER], "accounts")
                    name = f"state of {owner} {shown(key)}: {shown(expected or b'-')}"
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


def _difference(expected: bytes, found: bytes, number: int, index: int) -> tuple[str, str, bytes]:
    """What differs first between two records of a receipt, and the entry that it is about."""
    try:
        own, other = (decode_record(record, number, index) for record in (expected, found))
    except (ValueError, TypeError, LookupError, struct.error, RLPException):
        return f"receipt {shown(expected)}", shown(found), b""
    if own.gas_used != other.gas_used:
        return f"gas {own.gas_used}", str(other.gas_used), b""
    if len(own.logs) != len(other.logs):
        return f"{len(own.logs)} logs", str(len(other.logs)), b""
    for at, (one, told) in enumerate(zip(own.logs, other.logs, strict=True)):
        if one != told:
            sides = [
                f"{shown(log.address)} {shown(log.topics)} {shown(log.data)}" for log in (one, told)
            ]
            return f"log {at}: {sides[0]}", sides[1], _entry_of(own, at)
    return f"receipt {shown(expected)}", shown(found), b""


def _entry_of(receipt: Receipt, at: int) -> bytes:
    """The entry that a log is about, empty if it is about none."""
    event = decode_event(receipt.logs[at])
    found = getattr(event, "entry_id", None) or getattr(event, "loan_id", b"")
    return found if isinstance(found, bytes) else b""
