"""Local engine: an embedded Clique chain. py-evm executes, the validators' keys seal, LMDB keeps.

Reading imports no EVM: what executes is imported where a transaction or a call is.

Nothing a submission does is seen by anybody else, or survives a power cut, before `keep` returns;
after that all of it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.chain.accounts import LedgerAccounts
from ledger.chain.blocks import (
    GENESIS,
    Block,
    HeadState,
    block_key,
    check_head,
    read_block,
    read_head,
    read_header,
    write_head,
)
from ledger.chain.clique import Snapshot
from ledger.chain.clock import Clock
from ledger.chain.engine import ZERO_ADDRESS, Head, Log, Receipt
from ledger.chain.genesis import Genesis, decode_genesis
from ledger.chain.lock import write_lock
from ledger.chain.records import decode_record, encoded_receipt
from ledger.chain.store import MAP_BYTES, Store, Table, View, expect_format, write_format
from ledger.errors import ChainCorrupt, ChainUnusable
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.chain.drafting import Draft
    from ledger.chain.sealing import LocalSubmission, Sealer

LOCK_FILE = "write.lock"
LOCK_TIMEOUT_SECONDS = 30
_KEPT_SLOTS = 20_000
"""So much of the state a submission leaves at hand for the next, which may be a single entry."""

Admit = Callable[[bytes, Callable[[bytes, bytes], bytes]], bool]
"""(sender, call) -> whether the sender may send; `call`, of a contract and calldata, reads the
pending state"""


def create_chain(directory: Path, genesis: Genesis, *, map_bytes: int = MAP_BYTES) -> Head:
    """Make the folder of a new chain with block 0 in it.

    Raises `ChainUnusable` when there is one already, `LedgerLocked` when another process is at it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with write_lock(directory / LOCK_FILE, 0):
        store = Store(directory, create=True, map_bytes=map_bytes)
        with store.write() as batch:
            if batch.get(Table.META, GENESIS) is not None:
                raise ChainUnusable(text("chain.exists"), where=str(directory))
            header = genesis.header()
            state = HeadState(
                header=header, snapshot=Snapshot(signers=tuple(sorted(genesis.signers)))
            )
            write_format(batch)
            batch.put(Table.META, GENESIS, genesis.encode())
            batch.put(Table.HEADERS, block_key(0), header.encode())
            batch.put(Table.NUMBERS, header.hash, block_key(0))
            write_head(batch, state)
            batch.commit()
    return state.head


class LocalEngine:
    """The chain in a folder; implements `ledger.chain.engine.Engine`."""

    atomic = True
    gas_reserve = 0

    def __init__(
        self,
        directory: Path,
        *,
        signers: Mapping[bytes, Sealer],
        clock: Clock,
        admit: Admit,
        lock_timeout_seconds: int = LOCK_TIMEOUT_SECONDS,
        map_bytes: int = MAP_BYTES,
    ) -> None:
        """Open the chain; the cost does not depend on its length.

        `signers` are the validators whose keys are here: address to a function that signs a
        32-byte hash and returns r, s, v in 65 bytes. Raises `LedgerMissing`, `ChainCorrupt` or
        `ChainUnusable`.
        """
        self._directory = directory
        self._signers = dict(signers)
        self.clock = clock
        self._admit = admit
        self._lock_timeout_seconds = lock_timeout_seconds
        self._store = Store(directory, map_bytes=map_bytes)
        self._accounts: LedgerAccounts | None = None
        with self._store.read() as view:
            expect_format(view, directory)
            self.genesis = decode_genesis(view.need(Table.META, GENESIS), where=str(directory))
            self.chain_id = self.genesis.chain_id
            expected, found = self.genesis.header().hash, read_header(view, 0).hash
            if expected != found:
                raise ChainCorrupt(0, expected=f"0x{expected.hex()}", found=f"0x{found.hex()}")
            check_head(view)

    def head(self) -> Head:
        """The newest block."""
        with self._store.read() as view:
            return read_head(view).head

    def head_at(self, number: int) -> Head | None:
        """The block of a number, as if it were the newest; None when the chain is shorter."""
        with self._store.read() as view:
            newest = read_head(view)
            if number < 0 or number > newest.header.block_number:
                return None
            return HeadState(header=read_header(view, number), snapshot=newest.snapshot).head

    def final_head(self) -> Head:
        """The newest block: whoever seals here is the only one, and never takes a block back."""
        return self.head()

    def branch(self) -> list[Head]:
        """The newest block, which is final."""
        return [self.head()]

    def snapshot(self) -> Snapshot:
        """Who may seal, and the open votes, as of the head."""
        with self._store.read() as view:
            return read_head(view).snapshot

    def nonce(self, address: bytes) -> int:
        """Transactions sent by `address` up to the head."""
        with self._accounts_at_head() as accounts:
            return accounts.get_nonce(address)

    def free_nonce(self, address: bytes) -> int:
        """The nonce of the next transaction of `address`."""
        return self.nonce(address)

    def code(self, address: bytes) -> bytes:
        """Runtime code of a contract, empty when there is none."""
        with self._accounts_at_head() as accounts:
            return accounts.get_code(address)

    def call(self, *, to: bytes, data: bytes, sender: bytes = ZERO_ADDRESS) -> bytes:
        """Execute a read at the head and return the output. Raises `Reverted`."""
        from ledger.chain.execution import call, state_at

        with self._store.read() as view:
            state = state_at(view, read_head(view), self.chain_id)
            return bytes(call(state, sender=sender, to=to, data=data).output)

    def receipt(self, transaction_hash: bytes) -> Receipt | None:
        """Look a transaction up by its hash; the cost does not depend on the chain's length."""
        with self._store.read() as view:
            place = view.get(Table.LOOKUPS, transaction_hash)
            if place is None:
                return None
            number, index = int.from_bytes(place[:8], "big"), int.from_bytes(place[8:], "big")
            return decode_record(view.need(Table.RECEIPTS, place), number, index)

    def receipts(self, first_block: int, last_block: int) -> Iterator[Receipt]:
        """All receipts of blocks `first_block` to `last_block` inclusive, streaming."""
        with self._store.read() as view:
            pairs = view.scan(Table.RECEIPTS, block_key(first_block), block_key(last_block + 1))
            for place, record in pairs:
                number, index = int.from_bytes(place[:8], "big"), int.from_bytes(place[8:], "big")
                yield decode_record(record, number, index)

    def logs(self, first_block: int, last_block: int) -> Iterator[Log]:
        """All logs of blocks `first_block` to `last_block` inclusive, in chain order, streaming."""
        for receipt in self.receipts(first_block, last_block):
            yield from receipt.logs

    def logs_of(self, block_hash: bytes) -> list[Log] | None:
        """All logs of the block with this hash; None when the chain has it no more."""
        number = self.block_number(block_hash)
        return None if number is None else list(self.logs(number, number))

    def block(self, number: int) -> Block | None:
        """A sealed block, or None when the chain is shorter."""
        with self._store.read() as view:
            if number < 0 or number > read_head(view).header.block_number:
                return None
            return read_block(view, number)

    def block_number(self, block_hash: bytes) -> int | None:
        """Number of the block with this hash."""
        with self._store.read() as view:
            number = view.get(Table.NUMBERS, block_hash)
            return None if number is None else int.from_bytes(number, "big")

    def blocks(self, first_block: int, last_block: int) -> Iterator[Block]:
        """Blocks `first_block` to `last_block` inclusive, streaming. Raises `ChainCorrupt`."""
        with self._store.read() as view:
            for number in range(first_block, last_block + 1):
                yield read_block(view, number)

    def headers(self, first_block: int, last_block: int) -> Iterator[bytes]:
        """Sealed headers of blocks `first_block` to `last_block` inclusive as RLP, streaming."""
        with self._store.read() as view:
            pairs = view.scan(Table.HEADERS, block_key(first_block), block_key(last_block + 1))
            for _, encoded in pairs:
                yield encoded

    def encoded_receipts(self, number: int) -> list[bytes]:
        """The receipts of a block in the encoding that its header's root covers."""
        with self._store.read() as view:
            pairs = view.scan(Table.RECEIPTS, block_key(number), block_key(number + 1))
            return [encoded_receipt(record) for _, record in pairs]

    @contextmanager
    def submission(self, *, dry_run: bool = False) -> Iterator[LocalSubmission]:
        """Begin a submission; leaving the context without `keep` drops it.

        Raises `LedgerLocked` when another process holds the write lock for too long. With
        `dry_run`, `keep` commits nothing.
        """
        from ledger.chain.sealing import LocalSubmission

        lock = self._directory / LOCK_FILE
        with write_lock(lock, self._lock_timeout_seconds), self._store.write() as batch:
            accounts, self._accounts = self._accounts, None
            # Read again under the lock: another process may have moved the head.
            submission = LocalSubmission(
                batch,
                genesis=self.genesis,
                signers=self._signers,
                clock=self.clock,
                admit=self._admit,
                dry_run=dry_run,
                accounts=accounts,
            )
            try:
                yield submission
            finally:
                submission.close()
            known = submission.accounts
            if known is not None and known.slots_at_hand <= _KEPT_SLOTS:
                self._accounts = known

    @contextmanager
    def reading(self) -> Iterator[View]:
        """The store as of the last commit, for a reader that wants several things of one moment."""
        with self._store.read() as view:
            yield view

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """A block on top of the last commit that a submission may `adopt`; nothing is locked.

        Raises `ChainUnusable` when no key here may seal it.
        """
        from ledger.chain.drafting import Draft

        with self._store.read() as view:
            yield Draft(
                view,
                genesis=self.genesis,
                signers=self._signers,
                clock=self.clock,
                admit=self._admit,
            )

    def vote(self, *, signer: bytes, candidate: bytes, add: bool) -> None:
        """Let the next blocks of `signer` carry its vote until it is decided (EIP-225).

        Raises `ChainUnusable` when the vote could change nothing: `candidate` is a signer already
        (or is none), `signer` is no signer, or it would leave no signer at all.
        """
        from ledger.chain.sealing import read_proposals, write_proposals

        lock = self._directory / LOCK_FILE
        with write_lock(lock, self._lock_timeout_seconds), self._store.write() as batch:
            snapshot = read_head(batch).snapshot
            useless = signer not in snapshot.signers or not snapshot.wants(candidate, add=add)
            if useless or (not add and len(snapshot.signers) == 1):
                raise ChainUnusable(
                    text("chain.vote_useless"),
                    expected=", ".join(f"0x{one.hex()}" for one in snapshot.signers),
                    found=f"0x{signer.hex()}: {'+' if add else '-'}0x{candidate.hex()}",
                )
            proposals = read_proposals(batch)
            proposals[signer, candidate] = add
            write_proposals(batch, proposals)
            batch.commit()

    def seal_empty(self, count: int = 1) -> Head:
        """Seal `count` blocks without transactions, to carry votes or to mark time."""
        with self.submission() as submission:
            for _ in range(count):
                submission.seal()
            return submission.keep()

    def close(self) -> None:
        """Let go of the folder."""
        # It reads by a transaction, which holds the file.
        self._accounts = None
        self._store.close()

    @contextmanager
    def _accounts_at_head(self) -> Iterator[LedgerAccounts]:
        with self._store.read() as view:
            yield LedgerAccounts(view, read_head(view).header.state_root)
