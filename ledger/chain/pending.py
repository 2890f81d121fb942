"""Pending block: transactions executed one after another, not yet sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import rlp
from eth._utils.address import generate_contract_address
from eth.abc import ComputationAPI, SignedTransactionAPI
from eth.exceptions import UnrecognizedTransactionType
from eth.typing import JournalDBCheckpoint
from eth.vm.forks.london import LondonVM
from eth.vm.forks.london.transactions import LondonLegacyTransaction, LondonTransactionBuilder
from eth_keys.exceptions import BadSignature
from eth_typing import Hash32
from eth_utils.exceptions import ValidationError

from ledger.chain.engine import Log, Receipt
from ledger.chain.execution import LedgerState, call, execute
from ledger.chain.ordered_trie import root_of
from ledger.chain.records import BLOOM_BYTES, bloom_of, encode_record
from ledger.chain.rlp_slices import decode_items, encode_items, expect_shallow, integer
from ledger.errors import TransactionInvalid
from ledger.keccak import keccak

_LIST = b"\xc0"
"""First byte of the RLP of a list: of a legacy transaction, not of an envelope (EIP-2718)."""
_STATUS_SUCCESS = b"\x01"

Call = Callable[[bytes, bytes], bytes]
"""(contract, calldata) -> output"""


@dataclass(slots=True, kw_only=True)
class PendingBlock:
    """What the transactions sent so far have come to."""

    number: int
    signer: bytes
    """Address of the validator that will seal it."""
    state: LedgerState
    transactions: list[bytes] = field(default_factory=list)
    """As they were sent."""
    hashes: list[bytes] = field(default_factory=list)
    receipts: list[bytes] = field(default_factory=list)
    """Consensus encoding, as the receipts root covers it."""
    records: list[bytes] = field(default_factory=list)
    """What the store keeps of each receipt."""
    gas_used: int = 0
    bloom: int = 0
    log_count: int = 0
    _probed: tuple[Hash32, JournalDBCheckpoint] | None = None

    @property
    def probing(self) -> bool:
        """Whether effects of probes are visible."""
        return self._probed is not None

    def add(self, raw: bytes, transaction: SignedTransactionAPI) -> tuple[Receipt, ComputationAPI]:
        """Execute a transaction and include it. Raises `Reverted`, `TransactionInvalid`."""
        self.forget()
        computation = execute(self.state, transaction)
        gas_used = LondonVM.finalize_gas_used(transaction, computation)
        entries = [
            [address, [topic.to_bytes(32, "big") for topic in topics], data]
            for address, topics, data in computation.get_log_entries()
        ]
        bloom = bloom_of(entries)
        self.gas_used += gas_used
        self.bloom |= bloom
        receipt = self._receipt(keccak(raw), gas_used, entries, transaction)
        body = encode_items(
            [_STATUS_SUCCESS, integer(self.gas_used), bloom.to_bytes(BLOOM_BYTES, "big"), entries]
        )
        # An envelope's first byte is its type; a legacy transaction is an RLP list (EIP-2718).
        envelope = raw[:1] if raw[0] < 0x80 else b""
        self.transactions.append(raw)
        self.hashes.append(receipt.transaction_hash)
        self.receipts.append(envelope + body)
        self.records.append(encode_record(receipt, self.log_count, envelope + body))
        self.log_count += len(entries)
        return receipt, computation

    def probe(self, *, sender: bytes, to: bytes, data: bytes) -> None:
        """Execute a call whose effects stay until `forget`. Raises `Reverted`."""
        if self._probed is None:
            self.state.lock_changes()
            self._probed = self.state.snapshot()
        call(self.state, sender=sender, to=to, data=data)

    def forget(self) -> None:
        """Drop the effects of all probes."""
        if self._probed is not None:
            self.state.revert(self._probed)
            self._probed = None

    def read(self, *, sender: bytes, to: bytes, data: bytes) -> ComputationAPI:
        """Execute a call on the pending state and drop its effects. Raises `Reverted`."""
        before = self.state.snapshot()
        try:
            return call(self.state, sender=sender, to=to, data=data)
        finally:
            self.state.revert(before)

    def roots(self) -> tuple[bytes, bytes, bytes]:
        """Write the state to the store; the roots of state, transactions and receipts."""
        self.forget()
        self.state.persist()
        return self.state.state_root, root_of(self.transactions), root_of(self.receipts)

    def _receipt(
        self,
        transaction_hash: bytes,
        gas_used: int,
        entries: list[Any],
        transaction: SignedTransactionAPI,
    ) -> Receipt:
        index = len(self.transactions)
        return Receipt(
            transaction_hash=transaction_hash,
            block_number=self.number,
            transaction_index=index,
            gas_used=gas_used,
            logs=tuple(
                Log(
                    address=address,
                    topics=tuple(topics),
                    data=data,
                    block_number=self.number,
                    transaction_hash=transaction_hash,
                    transaction_index=index,
                    log_index=self.log_count + at,
                )
                for at, (address, topics, data) in enumerate(entries)
            ),
            contract_address=_deployed_at(transaction),
        )


def read_transaction(raw: bytes, chain_id: int) -> SignedTransactionAPI:
    """Decode a signed transaction and recover its sender (`.sender`).

    Raises `TransactionInvalid` when it is malformed, badly signed or made for another chain.
    """
    try:
        transaction = _decoded(raw)
        if transaction.chain_id != chain_id:
            raise TransactionInvalid(f"chain_id {transaction.chain_id} != {chain_id}")
        assert len(transaction.sender) == 20
    except (
        rlp.exceptions.RLPException,
        UnrecognizedTransactionType,
        ValidationError,
        BadSignature,
        TypeError,
        IndexError,
    ) as error:
        raise TransactionInvalid(str(error)) from error
    return transaction


class _LegacyTransaction(LondonLegacyTransaction):
    """As any client signs it, read by slices: eth's own decodes all of it twice by rusty-rlp."""

    def get_message_for_signing(self) -> bytes:
        if self.chain_id is None:
            return bytes(super().get_message_for_signing())
        *fields, _, _, _ = decode_items(rlp.encode(self))
        return encode_items([*fields, integer(self.chain_id), b"", b""])


def _decoded(raw: bytes) -> SignedTransactionAPI:
    expect_shallow(raw if raw[:1] >= _LIST else raw[1:])
    if raw[:1] >= _LIST:
        try:
            legacy: SignedTransactionAPI = _LegacyTransaction.deserialize(decode_items(raw))
            return legacy
        except rlp.exceptions.RLPException:
            # Its error below names the class that users may know.
            pass
    return LondonTransactionBuilder.decode(raw)


def _deployed_at(transaction: SignedTransactionAPI) -> bytes | None:
    if transaction.to:
        return None
    return generate_contract_address(transaction.sender, transaction.nonce)
