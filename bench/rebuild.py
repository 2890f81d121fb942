"""Rebuild: a book of a million entries from nothing but the receipts of the chain.

The receipts are made up, but valid: the contracts' own events with all legs, two hundred to a
transaction, in the store's format. A process of its own folds them, so that its memory counts.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from eth_hash.auto import keccak
from rlp.codec import encode_raw

from bench.budgets import Measured
from bench.portfolio import DEAL, found_partnership
from bench.sizes import Sizes
from ledger.bindings import artifact, label
from ledger.chain.blocks import place_key
from ledger.chain.engine import Receipt
from ledger.chain.local import LocalEngine
from ledger.chain.records import encode_record
from ledger.chain.store import Store, Table
from ledger.events import Amounts
from ledger.waterfall import principal_legs

KEYS = ("book_seconds", "book_memory")
SHARES_PPM = (550_000, 350_000, 100_000)
REPAYMENTS_OF_A_LOAN = 4
_BATCH, _BLOCK_TRANSACTIONS = 200, 14
_ROOT = Path(__file__).resolve().parent.parent
_Entry = list[object]


def measure(sizes: Sizes, folder: Path) -> Iterator[Measured]:
    """Make receipts, fold them elsewhere."""
    with found_partnership(folder / "partnership") as ledger:
        address = ledger.settings.contracts["Loans"]
        assert isinstance(ledger.engine, LocalEngine)
        start = list(ledger.engine.receipts(1, ledger.engine.head().number))
        records = [encode_record(receipt, 0, _body(receipt)) for receipt in start]
    store = Store(folder / "store", create=True)
    with store.write() as batch:
        for at, record in enumerate(records):
            batch.put(Table.RECEIPTS, place_key(0, at), record)
        transactions = _transactions(address, sizes.book_entries)
        for at, entries in enumerate(transactions):
            place = place_key(1 + at // _BLOCK_TRANSACTIONS, at % _BLOCK_TRANSACTIONS)
            receipt = Receipt(
                transaction_hash=keccak(place), block_number=0, transaction_index=0,
                gas_used=2_800_000, logs=(), contract_address=None,
            )  # fmt: skip
            body = bytes(encode_raw([b"\x01", b"\x01", bytes(256), entries]))
            batch.put(Table.RECEIPTS, place, encode_record(receipt, 0, body))
        batch.commit()
    store.close()
    command = [sys.executable, "-m", "bench.fold", str(folder / "store"), str(folder / "book")]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=_ROOT)
    found = json.loads(ran.stdout)
    assert found["entries"] == sizes.book_entries and found["sum_minor"] == 0, found
    note = (
        f"{found['entries']} entries, {found['entries'] / found['seconds']:.0f} a second,"
        f" {found['cpu_seconds']:.1f} s of processor time;"
        f" book of {found['book_bytes'] / found['entries']:.0f} bytes an entry"
    )
    yield Measured(
        key="book_seconds",
        value=found["seconds"],
        compared_to=f"reading and decoding alone {found['decoding_seconds']:.1f} s",
        note=note,
    )
    yield Measured(
        key="book_memory",
        value=found["peak_bytes"] / 2**20,
        compared_to=f"{found['start_bytes'] / 2**20:.0f} MiB before it starts",
        note="the mapped pages of the chain's file included",
    )


def _transactions(address: bytes, entries: int) -> Iterator[list[_Entry]]:
    """Log entries of one transaction after another: loans, each repaid four times later on."""
    chance = random.Random(1)
    loans = entries // (1 + REPAYMENTS_OF_A_LOAN)
    ids = [keccak(b"loan %d" % at) for at in range(loans)]
    outstanding = [chance.randrange(100_000, 5_000_000) for _ in ids]
    topics = _topics()
    made = 0
    for instalment in range(REPAYMENTS_OF_A_LOAN + 1):
        for first in range(0, loans, _BATCH):
            part = range(first, min(first + _BATCH, loans))
            batch: list[_Entry] = [_opening(address, topics)]
            for at in part:
                made += 1
                if instalment:
                    paid = outstanding[at] // 10
                    own = keccak(b"entry %d" % made)
                    batch.append(_repaid(address, topics, own, ids[at], outstanding[at], paid))
                    outstanding[at] -= paid
                else:
                    batch.append(_booked(address, topics, ids[at], at, outstanding[at]))
            yield batch
    if made < entries:
        left = entries - made
        batch = [_opening(address, topics)]
        for at in range(left):
            batch.append(_booked(address, topics, keccak(b"more %d" % at), at, 100_000))
        yield batch


def _opening(address: bytes, topics: dict[str, bytes]) -> _Entry:
    signature = topics["EntriesSubmitted"]
    return [address, [signature, label(DEAL), _words(1), _words(2)], b""]


def _booked(
    address: bytes, topics: dict[str, bytes], own: bytes, borrower: int, principal_minor: int
) -> _Entry:
    parts = principal_legs(principal_minor, principal_minor, SHARES_PPM)
    packed = sum(part << 64 * at for at, part in enumerate(parts))
    particulars = 20_000 | 20_360 << 16 | 180_000 << 32
    data = keccak(b"borrower %d" % borrower) + _words(particulars, packed, 0)
    return [address, [topics["LoanBooked"], own], data]


def _repaid(
    address: bytes,
    topics: dict[str, bytes],
    own: bytes,
    loan: bytes,
    outstanding_minor: int,
    paid_minor: int,
) -> _Entry:
    parts = principal_legs(outstanding_minor, paid_minor, SHARES_PPM)
    legs = [Amounts(part, part // 9, 0, 0).pack() for part in parts]
    return [address, [topics["LoanRepaid"], own, loan], _words(20_030, *legs, 0)]


def _topics() -> dict[str, bytes]:
    """Event name to its first topic, after checking that the layout is the one made here."""
    found = {}
    for item in artifact("Loans").abi:
        if item["type"] == "event":
            kinds = ",".join(field["type"] for field in item["inputs"])
            found[item["name"]] = keccak(f"{item['name']}({kinds})".encode())
    return found


def _words(*values: int) -> bytes:
    return b"".join([value.to_bytes(32, "big") for value in values])


def _body(receipt: Receipt) -> bytes:
    entries = [[log.address, list(log.topics), log.data] for log in receipt.logs]
    return bytes(encode_raw([b"\x01", b"\x01", bytes(256), entries]))
