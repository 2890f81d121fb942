"""Importing: a ledger's folder from nothing but an exported chain.

Every block is executed again on the engine that seals and compared with its header; what fits is
stored as that engine stores it. The folder has no keys: it reads, and never writes to the chain.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from eth_typing import Address

from ledger.chain.blocks import (
    GENESIS,
    Block,
    HeadState,
    previous_hashes,
    read_head,
    read_header,
    write_block,
    write_head,
)
from ledger.chain.engine import Head
from ledger.chain.execution import open_state, state_at
from ledger.chain.export import GENESIS_FILE
from ledger.chain.genesis import Genesis, decode_genesis
from ledger.chain.local import LOCK_FILE, LOCK_TIMEOUT_SECONDS, create_chain
from ledger.chain.lock import write_lock
from ledger.chain.ordered_trie import root_of
from ledger.chain.pending import PendingBlock, read_transaction
from ledger.chain.sealing import Admission, write_proposals
from ledger.chain.store import Batch, Store, Table, View
from ledger.consortium import Clock
from ledger.errors import (
    ChainCorrupt,
    ChainUnusable,
    Refused,
    Reverted,
    SenderRefused,
    UsageInvalid,
)
from ledger.founding import (
    CHAIN_FOLDER,
    SETTINGS_FILE,
    Settings,
    admission,
    check_folder,
    keep_settings,
    read_settings,
)
from ledger.messages import text
from ledger.replay.contracts import Contracts, addresses_of
from ledger.replay.execution import Executed
from ledger.replay.headers import Headers
from ledger.replay.report import Findings, shown
from ledger.replay.source import Source, open_source

BLOCKS_AT_ONCE = 64
"""Blocks of a new folder that are committed together: bounds what is held in memory."""
_HALF_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2

Progress = Callable[[int, int], None]
"""(done, of): how much of the export is read, in its own unit"""
Finish = Callable[[Path], None]
"""What is to be done with the folder before it takes its name; where it raises, there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to."""

    head: Head
    """The folder's newest block."""
    chain_id: int
    blocks: int
    """Blocks that the folder did not have before."""
    transactions: int
    """In these."""


def import_chain(
    export: Path,
    directory: Path,
    *,
    dry_run: bool = False,
    finish: Finish = lambda folder: None,
    progress: Progress = lambda done, of: None,
) -> Imported:
    """Make the folder of a ledger from an export, or go on in one made so, from its head.

    A new folder takes its name when it is whole; one that is there gains all new blocks or none.
    Raises `ChainCorrupt` for the first block that is not what it should be, `ChainUnusable` for
    what is no chain of this version's contracts or another than the folder's, `UsageInvalid` for
    a folder that holds something else, `LedgerMissing` where there is nothing to import.
    """
    own = (directory / SETTINGS_FILE).is_file()
    if own and not read_settings(directory).imported:
        raise UsageInvalid(
            text("import.own_ledger"), where=str(directory), fix=text("ledger.folder_taken_fix")
        )
    if not own:
        check_folder(directory)
    with open_source(export) as source:
        genesis = decode_genesis(source.genesis, where=str(export / GENESIS_FILE))
        try:
            importer = _Importer(genesis)
            blocks = _told(source, progress)
            if own:
                _go_on(importer, directory, genesis, blocks, dry_run=dry_run)
                finish(directory)
            else:
                with _whole_or_not_at_all(directory, keep=not dry_run) as folder:
                    _make(importer, folder, genesis, blocks)
                    finish(folder)
        except ChainCorrupt as error:
            raise ChainCorrupt(
                error.block,
                expected=error.expected,
                found=error.found,
                what=text("import.refused", export=export),
                fix=text("import.refused_fix", export=export),
            ) from error
    return Imported(
        head=importer.head.head,
        chain_id=genesis.chain_id,
        blocks=importer.blocks,
        transactions=importer.transactions,
    )


def _told(source: Source, progress: Progress) -> Iterator[Block]:
    done = 0
    for block in source.blocks:
        yield block
        done = min(done + source.size_of(block), source.size)
        progress(done, source.size)
    progress(source.size, source.size)


def _make(importer: _Importer, folder: Path, genesis: Genesis, blocks: Iterator[Block]) -> None:
    create_chain(folder / CHAIN_FOLDER, genesis)
    store = Store(folder / CHAIN_FOLDER)
    try:
        while some := list(islice(blocks, BLOCKS_AT_ONCE)):
            with store.write() as batch:
                importer.take(batch, some)
                batch.commit()
        with store.read() as view:
            importer.check_code(view)
    finally:
        store.close()
    keep_settings(folder, importer.settings())


def _go_on(
    importer: _Importer,
    directory: Path,
    genesis: Genesis,
    blocks: Iterator[Block],
    *,
    dry_run: bool,
) -> None:
    folder = directory / CHAIN_FOLDER
    with write_lock(folder / LOCK_FILE, LOCK_TIMEOUT_SECONDS):
        store = Store(folder)
        try:
            with store.write() as batch:
                own = decode_genesis(batch.need(Table.META, GENESIS), where=str(folder))
                if own.header().hash != genesis.header().hash:
                    raise ChainUnusable(
                        text("ledger.other_chain"),
                        where=str(directory),
                        expected=shown(own.header().hash),
                        found=shown(genesis.header().hash),
                    )
                importer.begin_at(read_head(batch))
                importer.take(batch, _after(batch, importer.head.head.number, blocks))
                importer.check_code(batch)
                if not dry_run:
                    batch.commit()
        finally:
            store.close()


def _after(view: View, head: int, blocks: Iterator[Block]) -> Iterator[Block]:
    """The blocks after `head`; those before must be the ones that are here."""
    for block in blocks:
        number = block.header.block_number
        if number > head:
            yield block
            continue
        own = read_header(view, number)
        _expect(number, "hash", own.hash, block.header.hash)
        _expect(number, "transactionsRoot", own.transaction_root, root_of(block.transactions))


@contextmanager
def _whole_or_not_at_all(directory: Path, *, keep: bool) -> Iterator[Path]:
    """A folder that takes its name when it is finished, and is removed where that fails."""
    directory = directory.absolute()
    directory.parent.mkdir(parents=True, exist_ok=True)
    folder = mkdtemp(prefix=f"{directory.name}-", suffix=".partial", dir=directory.parent)
    try:
        yield Path(folder)
        if keep:
            os.rename(folder, directory)
    finally:
        rmtree(folder, ignore_errors=True)


class _Importer:
    """Follows the chain block by block, and stops at the first that does not fit."""

    def __init__(self, genesis: Genesis) -> None:
        self._genesis = genesis
        self._findings = Findings()
        self._operator, self._addresses = addresses_of(genesis)
        self._headers = Headers(genesis, self._findings)
        self._contracts = Contracts(self._operator, self._addresses, self._findings)
        self._admission = Admission(admission(self._addresses["Members"], self._operator))
        self.blocks = self.transactions = 0
        self._expect_nothing_found()

    @property
    def head(self) -> HeadState:
        """The newest block."""
        return HeadState(header=self._headers.parent, snapshot=self._headers.snapshot)

    def begin_at(self, head: HeadState) -> None:
        """Go on from a block that an earlier import has been through."""
        self._headers.parent, self._headers.snapshot = head.header, head.snapshot

    def take(self, batch: Batch, blocks: Iterable[Block]) -> None:
        """Check and write the next blocks, and make the last of them the head."""
        for block in blocks:
            self._take(batch, block)
        write_head(batch, self.head)
        write_proposals(batch, {})

    def check_code(self, view: View) -> None:
        """The contracts at the head are those that this version ships."""
        state = state_at(view, self.head, self._genesis.chain_id)
        self._contracts.check_code(lambda address: bytes(state.get_code(Address(address))))
        self._expect_nothing_found()

    def settings(self) -> Settings:
        """How to open the folder: to read, with no member's key."""
        return Settings(
            name=str(self._genesis.pledger.get("name", "")),
            chain_id=self._genesis.chain_id,
            dev=False,
            # Its present is its newest block: whoever reads it, and when, reads the same.
            clock=Clock.STEPPED,
            rpc_url=None,
            operator=self._operator,
            contracts=self._addresses,
            validators={},
            imported=True,
        )

    def _take(self, batch: Batch, block: Block) -> None:
        header, parent = block.header, self._headers.parent
        number = batch.block = header.block_number
        signer = self._headers.follow(header)
        self._expect_nothing_found()
        listed = root_of(block.transactions)
        _expect(number, "transactionsRoot", header.transaction_root, listed)
        state = open_state(
            batch,
            state_root=parent.state_root,
            chain_id=self._genesis.chain_id,
            number=number,
            timestamp=header.timestamp,
            signer=signer,
            difficulty=header.difficulty,
            gas_limit=header.gas_limit,
            previous_hashes=previous_hashes(batch, number),
        )
        pending = PendingBlock(number=number, signer=signer, state=state)
        for raw in block.transactions:
            self._execute(pending, raw)
        state_root, _, receipts_root = pending.roots()
        _expect(number, "gasUsed", header.gas_used, pending.gas_used)
        _expect(number, "logsBloom", f"{header.bloom:#x}", f"{pending.bloom:#x}")
        _expect(number, "receiptsRoot", header.receipt_root, receipts_root)
        _expect(number, "stateRoot", header.state_root, state_root)
        write_block(batch, header, pending)
        self.blocks += 1
        self.transactions += len(block.transactions)

    def _execute(self, pending: PendingBlock, raw: bytes) -> None:
        number, at = pending.number, f"transaction {len(pending.transactions)}:"
        room = self._genesis.gas_limit - pending.gas_used
        try:
            transaction = read_transaction(raw, self._genesis.chain_id)
            # Otherwise anyone could give a signed transaction a second hash (EIP-2).
            _at_most(number, f"{at} s", _HALF_ORDER, transaction.s)
            _at_most(number, f"{at} gas", room, transaction.gas)
            self._admission.check(transaction.sender, pending)
            receipt, computation = pending.add(raw, transaction)
        except SenderRefused as error:
            sender = f"{at} sender a registered key of a member"
            raise ChainCorrupt(number, expected=sender, found=shown(error.sender)) from error
        except Reverted as error:
            reason = error.reason or "-"
            raise ChainCorrupt(number, expected=f"{at} success", found=reason) from error
        except Refused as error:
            raise ChainCorrupt(number, expected=f"{at} valid", found=error.found) from error
        self._admission.note(computation)
        executed = Executed(
            transaction=transaction,
            succeeded=True,
            receipt=receipt,
            record=pending.records[-1],
            written={},
        )
        self._contracts.follow(executed, number)
        self._expect_nothing_found()

    def _expect_nothing_found(self) -> None:
        for failure in self._findings.failures:
            at = "" if failure.transaction is None else f"transaction {failure.transaction}: "
            expected = f"{at}{failure.check}: {failure.expected}"
            raise ChainCorrupt(failure.block, expected=expected, found=failure.found)


def _expect(number: int, name: str, expected: object, found: object) -> None:
    if expected != found:
        raise ChainCorrupt(number, expected=f"{name} {shown(expected)}", found=shown(found))


def _at_most(number: int, name: str, most: int, found: int) -> None:
    if found > most:
        raise ChainCorrupt(number, expected=f"{name} <= {most}", found=f"{found}")
