"""Execution: the transactions of each block once more, from an empty state, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from eth.abc import ComputationAPI, SignedTransactionAPI
from eth.exceptions import VMError
from eth.vm.forks.london import LondonVM
from eth.vm.forks.london.blocks import LondonBlockHeader
from eth.vm.forks.london.computation import LondonComputation
from eth_hash.auto import keccak
from eth_utils.exceptions import ValidationError
from rlp.codec import encode_raw

from ledger.chain.blocks import Block
from ledger.chain.engine import ZERO_ADDRESS, Log, Receipt
from ledger.chain.execution import LedgerState, call, open_state, reason_of
from ledger.chain.genesis import Genesis
from ledger.chain.ordered_trie import root_of
from ledger.chain.pending import bloom_of, encode_record, read_transaction
from ledger.chain.store import Batch, Table
from ledger.chain.trie import EMPTY_ROOT
from ledger.errors import Refused, TransactionInvalid
from ledger.founding import contract_address
from ledger.replay.report import Findings

_HALF_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 // 2
_BLOOM_BYTES = 256


class AuditState(LedgerState):
    """The state on py-evm's own opcode loop, not on the one that sealed the blocks."""

    computation_class = LondonComputation


Admit = Callable[[bytes, Callable[[bytes, bytes], bytes]], bool]
"""(sender, call) -> whether the sender may send"""


class MemoryStore(Batch):
    """A store in memory, for the state alone."""

    def __init__(self) -> None:
        self.block = 0
        self.values: dict[bytes, bytes] = {}

    def get(self, table: Table, key: bytes) -> bytes | None:
        """The value, or None."""
        return self.values.get(key)

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        """Set a value."""
        self.values[key] = value

    def delete(self, table: Table, key: bytes) -> None:
        """Remove a value, if there is one."""
        self.values.pop(key, None)

    def scan(self, table: Table, first: bytes, end: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Pairs with `first` <= key < `end` in key order."""
        keys = sorted(key for key in self.values if first <= key < end)
        return ((key, self.values[key]) for key in keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """A transaction and what it did."""

    transaction: SignedTransactionAPI
    succeeded: bool
    receipt: Receipt
    record: bytes
    """The receipt as a ledger's own folder keeps it."""


class Execution:
    """Re-executes blocks on py-evm and compares each with what its header says."""

    name = "pyevm"

    def __init__(self, genesis: Genesis, admit: Admit, findings: Findings) -> None:
        self._genesis = genesis
        self._admit = admit
        self._findings = findings
        self._store = MemoryStore()
        self._header: LondonBlockHeader = genesis.header()
        self._state_root = EMPTY_ROOT
        self._state_differs = False
        self.diverged = False
        """Whether the state is no longer the chain's, so that going on would say nothing."""

    def run(self, block: Block, signer: bytes, hashes: Iterable[bytes]) -> list[Executed]:
        """Check the transactions of the next block and execute them.

        Once the state has diverged from the chain's, only checks the transactions themselves.
        """
        header, findings = block.header, self._findings
        number = self._store.block = header.block_number
        listed = root_of(block.transactions)
        as_listed = findings.expect("transactions_root", number, header.transaction_root, listed)
        transactions = list(self._decoded(number, block.transactions))
        if self.diverged:
            return []
        self._header = header
        state = self._open(header, signer, hashes)
        pending = _Pending(state, findings, number)
        for index, raw, transaction in transactions:
            self._check_sender(state, number, index, transaction.sender)
            pending.execute(index, raw, transaction)
        self._compare(header, state, pending, as_listed=as_listed)
        return pending.executed

    @property
    def stored(self) -> Mapping[bytes, bytes]:
        """The state table as a ledger's own folder keeps it."""
        return self._store.values

    def reader(self) -> Callable[[bytes, bytes], bytes]:
        """(contract, calldata) -> output, on the present state. It raises `Reverted`."""
        state = self._at_head()
        return lambda to, data: bytes(call(state, sender=ZERO_ADDRESS, to=to, data=data).output)

    def code(self, address: bytes) -> bytes:
        """Runtime code of a contract, empty when there is none."""
        return bytes(self._at_head().get_code(address))  # type: ignore[arg-type]

    def _decoded(
        self, number: int, raws: Iterable[bytes]
    ) -> Iterator[tuple[int, bytes, SignedTransactionAPI]]:
        for index, raw in enumerate(raws):
            self._findings.counts["signatures"] += 1
            name = f"transaction {index}: signed for chain {self._genesis.chain_id}"
            try:
                transaction = read_transaction(raw, self._genesis.chain_id)
            except TransactionInvalid as error:
                self._findings.fail("signatures", number, name, error.found)
                continue
            # Otherwise anyone could give a signed transaction a second hash (EIP-2).
            if transaction.s > _HALF_ORDER:
                self._findings.fail("signatures", number, name, f"s {transaction.s:#x}")
            yield index, raw, transaction

    def _check_sender(self, state: LedgerState, number: int, index: int, sender: bytes) -> None:
        before = state.snapshot()
        self._findings.counts["membership"] += 1

        def read(to: bytes, data: bytes) -> bytes:
            return bytes(call(state, sender=ZERO_ADDRESS, to=to, data=data).output)

        try:
            admitted = self._admit(sender, read)
        except Refused:
            admitted = False
        state.revert(before)
        if not admitted:
            expected = f"transaction {index}: sender a registered key of a member"
            self._findings.fail("membership", number, expected, f"0x{sender.hex()}")

    def _compare(
        self, header: LondonBlockHeader, state: LedgerState, pending: _Pending, *, as_listed: bool
    ) -> None:
        number, expect = header.block_number, self._findings.expect
        state.persist()
        self._state_root = state.state_root
        same = [
            expect("gas_used", number, header.gas_used, pending.gas_used),
            expect("logs_bloom", number, header.bloom, pending.bloom, "logsBloom"),
            expect("receipts_root", number, header.receipt_root, root_of(pending.receipts)),
        ]
        same_state = expect("state_root", number, header.state_root, self._state_root)
        # A header alone may be wrong about the state; two in a row, or other transactions, are not.
        self.diverged = not same_state and (
            self._state_differs or not as_listed or pending.refused or not all(same)
        )
        self._state_differs = not same_state

    def _at_head(self) -> LedgerState:
        return self._open(self._header, ZERO_ADDRESS, ())

    def _open(
        self, header: LondonBlockHeader, signer: bytes, hashes: Iterable[bytes]
    ) -> LedgerState:
        return open_state(
            self._store,
            state_root=self._state_root,
            chain_id=self._genesis.chain_id,
            number=header.block_number,
            timestamp=header.timestamp,
            signer=signer,
            difficulty=header.difficulty,
            gas_limit=header.gas_limit,
            previous_hashes=tuple(hashes),
            state_class=AuditState,
        )


class _Pending:
    """What the transactions of one block have come to so far."""

    def __init__(self, state: LedgerState, findings: Findings, number: int) -> None:
        self._state = state
        self._findings = findings
        self._number = number
        self._log_count = 0
        self.gas_used = 0
        self.bloom = 0
        self.receipts: list[bytes] = []
        self.executed: list[Executed] = []
        self.refused = False
        """Whether a transaction could not be executed at all."""

    def execute(self, index: int, raw: bytes, transaction: SignedTransactionAPI) -> None:
        """Execute a transaction, which must succeed; a failed one is in the block nevertheless."""
        self._findings.counts["status"] += 1
        expected = f"transaction {index}: success"
        try:
            computation = self._apply(transaction)
        except (ValidationError, VMError, Refused) as error:
            self.refused = True
            self._findings.fail("status", self._number, expected, str(error))
            return
        if computation.is_error:
            self._findings.fail("status", self._number, expected, reason_of(computation))
        self._include(index, raw, transaction, computation)

    def _apply(self, transaction: SignedTransactionAPI) -> ComputationAPI:
        state = self._state
        state.lock_changes()
        before = state.snapshot()
        try:
            computation = state.apply_transaction(transaction)
        except BaseException:
            state.revert(before)
            raise
        state.commit(before)
        return computation

    def _include(
        self, index: int, raw: bytes, transaction: SignedTransactionAPI, computation: ComputationAPI
    ) -> None:
        entries = [
            (address, tuple(topic.to_bytes(32, "big") for topic in topics), data)
            for address, topics, data in computation.get_log_entries()
        ]
        bloom = bloom_of(entries)
        gas_used = LondonVM.finalize_gas_used(transaction, computation)
        self.gas_used += gas_used
        self.bloom |= bloom
        status = b"" if computation.is_error else b"\x01"
        body: Any = [status, _integer(self.gas_used), bloom.to_bytes(_BLOOM_BYTES, "big"), entries]
        # An envelope's first byte is its type; a legacy transaction is an RLP list (EIP-2718).
        envelope = raw[:1] if raw[0] < 0x80 else b""
        encoded = envelope + encode_raw(body)
        self.receipts.append(encoded)
        receipt = self._receipt(index, raw, transaction, gas_used, entries)
        record = encode_record(receipt, self._log_count, encoded)
        self._log_count += len(entries)
        self.executed.append(
            Executed(
                transaction=transaction,
                succeeded=not computation.is_error,
                receipt=receipt,
                record=record,
            )
        )

    def _receipt(
        self,
        index: int,
        raw: bytes,
        transaction: SignedTransactionAPI,
        gas_used: int,
        entries: list[tuple[bytes, tuple[bytes, ...], bytes]],
    ) -> Receipt:
        transaction_hash = keccak(raw)
        deployed = None
        if not transaction.to:
            deployed = contract_address(transaction.sender, transaction.nonce)
        return Receipt(
            transaction_hash=transaction_hash,
            block_number=self._number,
            transaction_index=index,
            gas_used=gas_used,
            logs=tuple(
                Log(
                    address=address,
                    topics=topics,
                    data=data,
                    block_number=self._number,
                    transaction_hash=transaction_hash,
                    transaction_index=index,
                    log_index=self._log_count + at,
                )
                for at, (address, topics, data) in enumerate(entries)
            ),
            contract_address=deployed,
        )


def _integer(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
