"""Disk: what a ledger's folder takes for each entry."""

from __future__ import annotations

from pathlib import Path

from ledger.founding import BOOK_FILE, CHAIN_FOLDER, REFS_FILE


def bytes_on_disk(ledger: Path, entries: int) -> tuple[float, str]:
    """Bytes per entry in all, and a note with its parts. The ledger must be closed."""
    parts = {
        "chain": [*(ledger / CHAIN_FOLDER).iterdir()],
        "book": [*ledger.glob(f"{BOOK_FILE}*")],
        "refs": [*ledger.glob(f"{REFS_FILE}*")],
    }
    per_entry = {
        name: sum(path.stat().st_blocks * 512 for path in paths) / entries
        for name, paths in parts.items()
    }
    shown = ", ".join(f"{name} {size:.0f}" for name, size in per_entry.items())
    return sum(per_entry.values()), f"{shown} bytes an entry, {entries} entries"
