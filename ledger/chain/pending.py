"""Pending block: transactions executed one after another, not yet sealed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

import rlp
from eth._utils.address import generate_contract_address
from eth.abc import ComputationAPI, SignedTransactionAPI
from eth.exceptions import UnrecognizedTransactionType
from eth.typing import JournalDBCheckpoint
from eth.vm.forks.london import LondonVM
from eth.vm.forks.london.transactions import LondonLegacyTransaction, LondonTransactionBuilder
from eth_hash.auto import keccak
from eth_keys.exceptions import BadSignature
from eth_typing import Hash32
from eth_utils.exceptions import ValidationError
from rlp.codec import encode_raw

from ledger.chain.engine import ZERO_ADDRESS, Log, Receipt
from ledger.chain.execution import LedgerState, call, execute
from ledger.chain.ordered_trie import root_of
from ledger.chain.rlp_slices import decode_items, expect_shallow
from ledger.errors import TransactionInvalid

_BLOOM_BYTES = 256
_BLOOM_BITS = Struct(">3H")
_LIST = b"\xc0"
"""First byte of the RLP of a list: of a legacy transaction, not of an envelope (EIP-2718)."""
_RECORD_HEAD = Struct(">32sQI20s")
"""Transaction's hash, gas used, position of its first log, contract it deployed."""
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
        body = encode_raw(
            [_STATUS_SUCCESS, _integer(self.gas_used), bloom.to_bytes(_BLOOM_BYTES, "big"), entries]
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
        return bytes(encode_raw([*fields, _integer(self.chain_id), b"", b""]))


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


def encode_record(receipt: Receipt, first_log: int, encoded: bytes) -> bytes:
    """What the store keeps of a receipt: its place in the block and the consensus encoding."""
    contract = receipt.contract_address or ZERO_ADDRESS
    return (
        _RECORD_HEAD.pack(receipt.transaction_hash, receipt.gas_used, first_log, contract) + encoded
    )


def decode_record(record: bytes, number: int, index: int) -> Receipt:
    """The receipt of a stored record."""
    # Fixed fields, not RLP: a book made anew reads every record there is.
    transaction_hash, gas_used, first_log, contract = _RECORD_HEAD.unpack_from(record)
    encoded = encoded_receipt(record)
    entries = rlp.decode(encoded if encoded[0] >= 0x80 else encoded[1:])[3]
    return Receipt(
        transaction_hash=transaction_hash,
        block_number=number,
        transaction_index=index,
        gas_used=gas_used,
        logs=tuple(
            [
                Log(address, tuple(topics), data, number, transaction_hash, index, first_log + at)
                for at, (address, topics, data) in enumerate(entries)
            ]
        ),
        contract_address=None if contract == ZERO_ADDRESS else contract,
    )


def encoded_receipt(record: bytes) -> bytes:
    """The consensus encoding inside a stored record."""
    return record[_RECORD_HEAD.size :]


def bloom_of(entries: list[Any]) -> int:
    """The 2048-bit bloom filter over addresses and topics of log entries."""
    named = {entry[0] for entry in entries} | {topic for entry in entries for topic in entry[1]}
    # In bytes first: a batch sets hundreds of bits, each of which would copy the whole number.
    bloom = bytearray(_BLOOM_BYTES)
    for item in named:
        for bit in _BLOOM_BITS.unpack_from(keccak(item)):
            bloom[bit >> 3 & 0xFF] |= 1 << (bit & 7)
    return int.from_bytes(bloom, "little")


def _deployed_at(transaction: SignedTransactionAPI) -> bytes | None:
    if transaction.to:
        return None
    return generate_contract_address(transaction.sender, transaction.nonce)


def _integer(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")
