"""Export: a whole chain as two files that any Clique client can import.

`genesis.json` has geth's layout and `chain.rlp` is what `geth export` writes: the RLP of blocks 1
to the head, one after another. A geth asked for the whole chain puts block 0 before them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ledger.chain.blocks import Block, decode_block
from ledger.chain.local import LocalEngine
from ledger.errors import ChainCorrupt

GENESIS_FILE, CHAIN_FILE = "genesis.json", "chain.rlp"
_SHORT_LIST, _LONG_LIST = 0xC0, 0xF7
# Far above any block the gas limit allows, far below what a damaged length can claim.
_MAX_BLOCK_BYTES = 1 << 28


def export_chain(engine: LocalEngine, directory: Path) -> int:
    """Write `genesis.json` and `chain.rlp` into `directory`; returns the head's number.

    Streams; files of an earlier export are replaced once the new ones are complete.
    """
    directory.mkdir(parents=True, exist_ok=True)
    last = engine.head().number
    with _replaced(directory / CHAIN_FILE) as file:
        for block in engine.blocks(1, last):
            file.write(block.encode())
    with _replaced(directory / GENESIS_FILE) as file:
        file.write(engine.genesis.encode())
    return last


def read_chain(path: Path) -> Iterator[Block]:
    """The blocks of a `chain.rlp`, one at a time, from block 1; a block 0 is left out.

    Checks that each is whole and numbered in order; everything else is for replay. Raises
    `ChainCorrupt` naming the block.
    """
    from rlp.exceptions import RLPException

    with path.open("rb") as file:
        number, seen_genesis = 1, False
        while encoded := _next_list(file, number):
            try:
                block = decode_block(encoded)
            except (RLPException, ValueError, TypeError) as error:
                raise ChainCorrupt(
                    number, expected="RLP [header, transactions, []]", found=str(error)
                ) from error
            if block.header.block_number == 0 and number == 1 and not seen_genesis:
                seen_genesis = True
                continue
            if block.header.block_number != number:
                raise ChainCorrupt(
                    number, expected=f"number {number}", found=f"{block.header.block_number}"
                )
            yield block
            number += 1


def first_hash(path: Path) -> bytes | None:
    """The hash of the block 0 that a `chain.rlp` begins with; None where it begins with another.

    What cannot be read is for `read_chain` to say.
    """
    from rlp.exceptions import RLPException

    with path.open("rb") as file:
        try:
            header = decode_block(_next_list(file, 1)).header
        except (ChainCorrupt, RLPException, ValueError, TypeError):
            return None
    return None if header.block_number else bytes(header.hash)


def _next_list(file: BinaryIO, number: int) -> bytes:
    """The next RLP list with its prefix, or nothing at the end of the file."""
    start = file.tell()
    prefix = file.read(1)
    if not prefix:
        return b""
    if prefix[0] < _SHORT_LIST:
        raise ChainCorrupt(number, expected="RLP list", found=f"0x{prefix.hex()} @ {start}")
    if prefix[0] <= _LONG_LIST:
        return prefix + _whole(file, prefix[0] - _SHORT_LIST, number, start)
    length_bytes = _whole(file, prefix[0] - _LONG_LIST, number, start)
    length = int.from_bytes(length_bytes, "big")
    return prefix + length_bytes + _whole(file, length, number, start)


def _whole(file: BinaryIO, length: int, number: int, start: int) -> bytes:
    if length > _MAX_BLOCK_BYTES:
        raise ChainCorrupt(
            number, expected=f"<= {_MAX_BLOCK_BYTES} bytes", found=f"{length} @ {start}"
        )
    read = file.read(length)
    if len(read) < length:
        raise ChainCorrupt(number, expected=f"{length} bytes", found=f"{len(read)} bytes @ {start}")
    return read


class _replaced:
    """A file that takes its name only when complete and on the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(path.name + ".partial")

    def __enter__(self) -> BinaryIO:
        self._file = self._partial.open("wb")
        return self._file

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()
        if kind is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink(missing_ok=True)
