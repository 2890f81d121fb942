"""Shapes: blocks, transactions, receipts and logs as JSON-RPC's objects, as geth writes them."""

from __future__ import annotations

from typing import Any

import rlp
from eth.abc import SignedTransactionAPI
from eth_hash.auto import keccak

from ledger.chain.blocks import Block
from ledger.chain.engine import Log, Receipt
from ledger.chain.headers import Header
from ledger.chain.pending import read_transaction
from ledger.chain.rlp_slices import decode_items
from ledger.node.values import as_data

Fields = dict[str, Any]
ACCESS_LIST, DYNAMIC_FEE = 1, 2


def header_fields(header: Header) -> Fields:
    """The header of a sealed block."""
    return {
        "number": hex(header.block_number),
        "hash": as_data(header.hash),
        "parentHash": as_data(header.parent_hash),
        "nonce": as_data(header.nonce),
        "mixHash": as_data(header.mix_hash),
        "sha3Uncles": as_data(header.uncles_hash),
        "logsBloom": as_data(header.bloom.to_bytes(256, "big")),
        "stateRoot": as_data(header.state_root),
        "miner": as_data(header.coinbase),
        "difficulty": hex(header.difficulty),
        "extraData": as_data(header.extra_data),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "transactionsRoot": as_data(header.transaction_root),
        "receiptsRoot": as_data(header.receipt_root),
        "baseFeePerGas": hex(header.base_fee_per_gas or 0),
    }


def block_fields(block: Block, *, whole: bool, total_difficulty: int, chain_id: int) -> Fields:
    """A sealed block, with its transactions or their hashes."""
    number, block_hash = block.header.block_number, block.header.hash
    listed: list[Any] = [
        transaction_fields(raw, chain_id, block_hash=block_hash, number=number, index=index)
        if whole
        else as_data(keccak(raw))
        for index, raw in enumerate(block.transactions)
    ]
    return {
        **header_fields(block.header),
        "size": hex(len(block.encode())),
        "totalDifficulty": hex(total_difficulty),
        "transactions": listed,
        "uncles": [],
    }


def transaction_fields(
    raw: bytes,
    chain_id: int,
    *,
    block_hash: bytes | None = None,
    number: int | None = None,
    index: int | None = None,
) -> Fields:
    """A transaction; without a block it is one that waits for its block."""
    sent = read_transaction(raw, chain_id)
    kind = raw[0] if raw[0] < 0x80 else 0
    fields: Fields = {
        "blockHash": None if block_hash is None else as_data(block_hash),
        "blockNumber": None if number is None else hex(number),
        "from": as_data(sent.sender),
        "gas": hex(sent.gas),
        "gasPrice": hex(_gas_price(sent, kind, in_block=number is not None)),
        "hash": as_data(keccak(raw)),
        "input": as_data(sent.data),
        "nonce": hex(sent.nonce),
        "to": as_data(sent.to) if sent.to else None,
        "transactionIndex": None if index is None else hex(index),
        "value": hex(sent.value),
        "type": hex(kind),
        **_signature(raw, sent, kind),
    }
    if kind == DYNAMIC_FEE:
        fields["maxFeePerGas"] = hex(sent.max_fee_per_gas)
        fields["maxPriorityFeePerGas"] = hex(sent.max_priority_fee_per_gas)
    if kind in (ACCESS_LIST, DYNAMIC_FEE):
        fields["accessList"] = [
            {
                "address": as_data(address),
                "storageKeys": [as_data(slot.to_bytes(32, "big")) for slot in slots],
            }
            for address, slots in sent.access_list
        ]
    return fields


def receipt_fields(
    receipt: Receipt, encoded: bytes, raw: bytes, chain_id: int, *, block_hash: bytes
) -> Fields:
    """What a transaction in a block did; on this chain none ever failed.

    `encoded`: the receipt as its block's root covers it.
    """
    sent = read_transaction(raw, chain_id)
    kind = raw[0] if raw[0] < 0x80 else 0
    _, cumulative_gas, bloom, _ = decode_items(encoded if encoded[0] >= 0x80 else encoded[1:])
    contract = receipt.contract_address
    return {
        "blockHash": as_data(block_hash),
        "blockNumber": hex(receipt.block_number),
        "contractAddress": None if contract is None else as_data(contract),
        "cumulativeGasUsed": hex(int.from_bytes(cumulative_gas, "big")),
        "effectiveGasPrice": hex(_gas_price(sent, kind, in_block=True)),
        "from": as_data(sent.sender),
        "gasUsed": hex(receipt.gas_used),
        "logs": [log_fields(log, block_hash) for log in receipt.logs],
        "logsBloom": as_data(bloom),
        "status": "0x1",
        "to": as_data(sent.to) if sent.to else None,
        "transactionHash": as_data(receipt.transaction_hash),
        "transactionIndex": hex(receipt.transaction_index),
        "type": hex(kind),
    }


def log_fields(log: Log, block_hash: bytes) -> Fields:
    """One event record."""
    return {
        "address": as_data(log.address),
        "topics": [as_data(topic) for topic in log.topics],
        "data": as_data(log.data),
        "blockNumber": hex(log.block_number),
        "transactionHash": as_data(log.transaction_hash),
        "transactionIndex": hex(log.transaction_index),
        "blockHash": as_data(block_hash),
        "logIndex": hex(log.log_index),
        "removed": False,
    }


def _gas_price(sent: SignedTransactionAPI, kind: int, *, in_block: bool) -> int:
    if kind != DYNAMIC_FEE:
        return int(sent.gas_price)
    # The base fee is 0 for ever.
    tip = min(sent.max_priority_fee_per_gas, sent.max_fee_per_gas)
    return int(tip if in_block else sent.max_fee_per_gas)


def _signature(raw: bytes, sent: SignedTransactionAPI, kind: int) -> Fields:
    fields = {"chainId": hex(sent.chain_id or 0), "r": hex(sent.r), "s": hex(sent.s)}
    if kind == 0:
        v = int.from_bytes(rlp.decode(raw)[6], "big")
        return {**fields, "v": hex(v)}
    return {**fields, "v": hex(sent.y_parity), "yParity": hex(sent.y_parity)}
