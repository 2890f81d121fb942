"""Methods that read blocks, transactions, receipts and logs, and that say what this node is."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import Any

from eth_hash.auto import keccak

from ledger.chain.records import decode_record, encoded_receipt
from ledger.node.logs import logs_of, read_query
from ledger.node.moment import ALL, Moment
from ledger.node.refusals import failed
from ledger.node.shapes import (
    Fields,
    block_fields,
    header_fields,
    receipt_fields,
    transaction_fields,
)
from ledger.node.values import PENDING, Arguments, BlockName, as_data


def client_version(moment: Moment, arguments: Arguments) -> str:
    """`web3_clientVersion`."""
    system = f"{platform.system().lower()}-{platform.machine()}"
    python = "python" + ".".join(platform.python_version_tuple()[:2])
    return f"pledger/v{version('partnership-ledger')}/{system}/{python}"


def sha3(moment: Moment, arguments: Arguments) -> str:
    """`web3_sha3`."""
    return as_data(keccak(arguments.data(0)))


def chain_id(moment: Moment, arguments: Arguments) -> str:
    """`eth_chainId`."""
    return hex(moment.chain_id)


def network_version(moment: Moment, arguments: Arguments) -> str:
    """`net_version`."""
    return str(moment.chain_id)


def yes(moment: Moment, arguments: Arguments) -> bool:
    """`net_listening`."""
    return True


def no(moment: Moment, arguments: Arguments) -> bool:
    """`eth_syncing`, `eth_mining`: what this node has is the chain, and it seals, not mines."""
    return False


def zero(moment: Moment, arguments: Arguments) -> str:
    """Peers, hash rate, prices, tips, uncles: there are none."""
    return "0x0"


def nothing(moment: Moment, arguments: Arguments) -> list[Any]:
    """`eth_accounts`: the node holds no key that sends."""
    return []


def null(moment: Moment, arguments: Arguments) -> None:
    """An uncle: there are none."""


def block_number(moment: Moment, arguments: Arguments) -> str:
    """`eth_blockNumber`."""
    return hex(moment.number)


def block_by_number(moment: Moment, arguments: Arguments) -> Fields | None:
    """`eth_getBlockByNumber`."""
    name = arguments.block(0)
    if name.tag == PENDING:
        return _pending_block(moment, whole=arguments.flag(1))
    return _block(moment, name, whole=arguments.flag(1))


def block_by_hash(moment: Moment, arguments: Arguments) -> Fields | None:
    """`eth_getBlockByHash`."""
    return _block(moment, BlockName(block_hash=arguments.hash(0)), whole=arguments.flag(1))


def header_by_number(moment: Moment, arguments: Arguments) -> Fields | None:
    """`eth_getHeaderByNumber`."""
    return _header(moment, arguments.block(0))


def header_by_hash(moment: Moment, arguments: Arguments) -> Fields | None:
    """`eth_getHeaderByHash`."""
    return _header(moment, BlockName(block_hash=arguments.hash(0)))


def transaction_count_by_number(moment: Moment, arguments: Arguments) -> str | None:
    """`eth_getBlockTransactionCountByNumber`."""
    name = arguments.block(0)
    if name.tag == PENDING:
        return hex(len(moment.pool.contents()[0]))
    return _transaction_count(moment, name)


def transaction_count_by_hash(moment: Moment, arguments: Arguments) -> str | None:
    """`eth_getBlockTransactionCountByHash`."""
    return _transaction_count(moment, BlockName(block_hash=arguments.hash(0)))


def uncle_count(moment: Moment, arguments: Arguments) -> str | None:
    """`eth_getUncleCountByBlockHash` and `...Number`."""
    return None if moment.find(arguments.block(0)) is None else "0x0"


def transaction_by_hash(moment: Moment, arguments: Arguments) -> Fields | None:
    """`eth_getTransactionByHash`."""
    transaction_hash = arguments.hash(0)
    place = moment.place(transaction_hash)
    if place is not None:
        return _transaction(moment, *place)
    waiting = moment.pool.waiting(transaction_hash)
    return None if waiting is None else transaction_fields(waiting.raw, moment.chain_id)


def transaction_by_number(moment: Moment, arguments: Arguments) -> Fields | None:
    """`eth_getTransactionByBlockNumberAndIndex`."""
    number = moment.find(arguments.block(0))
    return None if number is None else _transaction(moment, number, arguments.quantity(1))


def transaction_by_block_hash(moment: Moment, arguments: Arguments) -> Fields | None:
    """`eth_getTransactionByBlockHashAndIndex`."""
    number = moment.find(BlockName(block_hash=arguments.hash(0)))
    return None if number is None else _transaction(moment, number, arguments.quantity(1))


def raw_transaction(moment: Moment, arguments: Arguments) -> str | None:
    """`eth_getRawTransactionByHash`, `debug_getRawTransaction`."""
    place = moment.place(arguments.hash(0))
    raw = None if place is None else moment.raw_transaction(*place)
    if raw is None and (waiting := moment.pool.waiting(arguments.hash(0))) is not None:
        raw = waiting.raw
    return None if raw is None else as_data(raw)


def receipt(moment: Moment, arguments: Arguments) -> Fields | None:
    """`eth_getTransactionReceipt`."""
    place = moment.place(arguments.hash(0))
    if place is None:
        return None
    number, index = place
    return _receipts(moment, number, index, index + 1)[0]


def block_receipts(moment: Moment, arguments: Arguments) -> list[Fields] | None:
    """`eth_getBlockReceipts`."""
    number = moment.find(arguments.block(0))
    return None if number is None else _receipts(moment, number, 0, ALL)


def logs(moment: Moment, arguments: Arguments) -> list[Fields]:
    """`eth_getLogs`."""
    return logs_of(moment, read_query(arguments.record(0), 0))


def raw_header(moment: Moment, arguments: Arguments) -> str:
    """`debug_getRawHeader`."""
    return as_data(moment.header(_existing(moment, arguments)).encode())


def raw_block(moment: Moment, arguments: Arguments) -> str:
    """`debug_getRawBlock`."""
    return as_data(moment.block(_existing(moment, arguments)).encode())


def raw_receipts(moment: Moment, arguments: Arguments) -> list[str]:
    """`debug_getRawReceipts`."""
    number = _existing(moment, arguments)
    return [as_data(encoded_receipt(record)) for _, record in moment.records(number, 0, ALL)]


def _existing(moment: Moment, arguments: Arguments) -> int:
    number = moment.find(arguments.block(0))
    if number is None:
        raise failed("block not found")
    return number


def _block(moment: Moment, name: BlockName, *, whole: bool) -> Fields | None:
    number = moment.find(name)
    if number is None:
        return None
    total = moment.totals.at(moment.view, number)
    block = moment.block(number)
    return block_fields(block, whole=whole, total_difficulty=total, chain_id=moment.chain_id)


def _pending_block(moment: Moment, *, whole: bool) -> Fields:
    """What waits as a block, as far as it is known before it is sealed."""
    header = moment.head.header
    executed, _ = moment.pool.contents()
    unknown = dict.fromkeys(("hash", "nonce", "miner", "totalDifficulty"))
    return {
        **header_fields(header),
        "number": hex(header.block_number + 1),
        "parentHash": as_data(header.hash),
        "size": hex(sum(len(one.raw) for one in executed)),
        "transactions": [
            transaction_fields(one.raw, moment.chain_id) if whole else as_data(one.transaction_hash)
            for one in executed
        ],
        "uncles": [],
        **unknown,
    }


def _header(moment: Moment, name: BlockName) -> Fields | None:
    number = moment.find(name)
    if number is None:
        return None
    total = moment.totals.at(moment.view, number)
    return {**header_fields(moment.header(number)), "totalDifficulty": hex(total)}


def _transaction_count(moment: Moment, name: BlockName) -> str | None:
    number = moment.find(name)
    return None if number is None else hex(len(moment.raw_transactions(number)))


def _transaction(moment: Moment, number: int, index: int) -> Fields | None:
    raw = moment.raw_transaction(number, index) if index < 1 << 32 else None
    if raw is None:
        return None
    block_hash = moment.header(number).hash
    return transaction_fields(
        raw, moment.chain_id, block_hash=block_hash, number=number, index=index
    )


def _receipts(moment: Moment, number: int, first: int, end: int) -> list[Fields]:
    """The receipts of a block from index `first` up to `end`, not included."""
    block_hash = moment.header(number).hash
    fields = []
    for index, record in moment.records(number, first, end):
        raw = moment.raw_transaction(number, index)
        assert raw is not None, (number, index)
        fields.append(
            receipt_fields(
                decode_record(record, number, index),
                encoded_receipt(record),
                raw,
                moment.chain_id,
                block_hash=block_hash,
            )
        )
    return fields
