"""Source: the blocks of a ledger's own folder or of an exported one, read one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ledger.chain.blocks import GENESIS, Block, read_block, read_head, read_header
from ledger.chain.export import CHAIN_FILE, GENESIS_FILE, first_hash, read_chain
from ledger.chain.store import Store, Table, View, expect_format
from ledger.errors import ChainCorrupt, ChainUnusable, LedgerMissing
from ledger.founding import CHAIN_FOLDER, SETTINGS_FILE, read_settings
from ledger.messages import text


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A chain to replay. Nothing in it is trusted."""

    genesis: bytes
    """The content of genesis.json."""
    genesis_hash: bytes | None
    """Of the block 0 that is stored with the chain; None where there is only the file."""
    blocks: Iterator[Block]
    """From block 1 on. Raises `ChainCorrupt` where it cannot go on."""
    size: int
    """How much there is to read, in the unit of `size_of`."""
    view: View | None
    """The database behind the blocks, where there is one."""
    by_block: bool
    """Whether that unit is the block, not the byte."""

    def size_of(self, block: Block) -> int:
        """What a block adds to the part that is read, about."""
        return 1 if self.by_block else _HEADER_BYTES + sum(map(len, block.transactions))


_HEADER_BYTES = 620


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open a ledger's folder or an exported one, to read only.

    Raises `LedgerMissing` where there is neither, `ChainUnusable` where the chain is on a network,
    `ChainCorrupt` when there is nothing to start from.
    """
    if (path / GENESIS_FILE).is_file() or (path / CHAIN_FILE).is_file():
        yield _exported(path)
        return
    if (path / SETTINGS_FILE).is_file() and read_settings(path).rpc_url is not None:
        raise ChainUnusable(
            text("replay.no_chain"), where=str(path), fix=text("replay.no_chain_fix")
        )
    if not (path / CHAIN_FOLDER).is_dir():
        raise LedgerMissing(path)
    store = Store(path / CHAIN_FOLDER)
    try:
        with store.read() as view:
            expect_format(view, path)
            last = read_head(view).head.number
            yield Source(
                genesis=view.need(Table.META, GENESIS),
                genesis_hash=read_header(view, 0).hash,
                blocks=(read_block(view, number) for number in range(1, last + 1)),
                size=last,
                view=view,
                by_block=True,
            )
    finally:
        store.close()


def _exported(path: Path) -> Source:
    for name in (GENESIS_FILE, CHAIN_FILE):
        if not (path / name).is_file():
            raise ChainUnusable(text("replay.file_missing"), where=str(path), expected=name)
    return Source(
        genesis=(path / GENESIS_FILE).read_bytes(),
        genesis_hash=first_hash(path / CHAIN_FILE),
        blocks=read_chain(path / CHAIN_FILE),
        size=(path / CHAIN_FILE).stat().st_size,
        view=None,
        by_block=False,
    )


def read_blocks(source: Source) -> Iterator[Block | ChainCorrupt]:
    """The blocks; where they cannot be read on, the error instead, and then nothing."""
    try:
        yield from source.blocks
    except ChainCorrupt as error:
        yield error
