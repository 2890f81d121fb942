"""Fold: a process that makes a book from the receipts of a store, and prints what it took."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.timing import Spent
from ledger.bindings import decode_event
from ledger.book import Book
from ledger.chain.engine import Log
from ledger.chain.records import decode_record
from ledger.chain.store import Store, Table
from ledger.disk import open_book
from ledger.events import Place

_END = bytes([0xFF] * 8)


def logs(store: Store) -> Iterator[Log]:
    """All logs of a store, as the local engine reads them."""
    with store.read() as view:
        for place, record in view.scan(Table.RECEIPTS, b"", _END):
            number, index = int.from_bytes(place[:8], "big"), int.from_bytes(place[8:], "big")
            yield from decode_record(record, number, index).logs


def main(chain: Path, book_file: Path) -> None:
    """Print seconds, bytes and totals as JSON."""
    store = Store(chain)
    decoding, folding = Spent(), Spent()
    start_bytes = peak_bytes()

    def fold() -> Book:
        book = open_book(book_file)
        book.begin()
        block = 0
        for log in logs(store):
            event = decode_event(log)
            if event is not None:
                block = log.block_number
                book.apply(event, Place(block, log.transaction_index, log.log_index))
        book.commit(block, bytes(32))
        return book

    book = folding.timed(fold)
    most_bytes = peak_bytes()
    decoding.timed(lambda: sum(decode_event(log) is not None for log in logs(store)))
    query = "SELECT sum(amount_minor) FROM balances"
    (sum_minor,) = book.connection.execute(query).fetchone()
    (entries,) = book.connection.execute("SELECT count(*) FROM entries").fetchone()
    book.connection.close()
    print(
        json.dumps(
            {
                "seconds": folding.wall,
                "cpu_seconds": folding.cpu,
                "decoding_seconds": decoding.wall,
                "start_bytes": start_bytes,
                "peak_bytes": most_bytes,
                "book_bytes": book_file.stat().st_size,
                "entries": entries,
                "sum_minor": sum_minor,
            }
        )
    )


def peak_bytes() -> int:
    """Most memory this process ever held; unlike `ru_maxrss`, nothing of its parent's."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM in /proc/self/status")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
