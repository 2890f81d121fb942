"""Methods that read the state, execute on it, and take transactions."""

from __future__ import annotations

from typing import Any

from eth_typing import Address

from ledger.node.calls import LEAST_GAS, estimate, read_message
from ledger.node.calls import call as execute_call
from ledger.node.moment import Moment
from ledger.node.refusals import argument_invalid, failed
from ledger.node.shapes import Fields, transaction_fields
from ledger.node.values import Arguments, as_data

Grouped = dict[str, dict[str, Fields]]


def balance(moment: Moment, arguments: Arguments) -> str:
    """`eth_getBalance`."""
    with moment.state(arguments.block(1)) as state:
        return hex(state.get_balance(Address(arguments.address(0))))


def code(moment: Moment, arguments: Arguments) -> str:
    """`eth_getCode`."""
    with moment.state(arguments.block(1)) as state:
        return as_data(state.get_code(Address(arguments.address(0))))


def storage(moment: Moment, arguments: Arguments) -> str:
    """`eth_getStorageAt`."""
    slot = storage_slot(arguments.value(1))
    with moment.state(arguments.block(2)) as state:
        value = state.get_storage(Address(arguments.address(0)), slot)
        return as_data(value.to_bytes(32, "big"))


def transaction_count(moment: Moment, arguments: Arguments) -> str:
    """`eth_getTransactionCount`."""
    with moment.state(arguments.block(1)) as state:
        return hex(state.get_nonce(Address(arguments.address(0))))


def call(moment: Moment, arguments: Arguments) -> str:
    """`eth_call`."""
    _refuse_overrides(arguments, 2)
    message, _ = read_message(arguments.record(0), 0)
    with moment.state(arguments.block(1)) as state:
        return as_data(execute_call(state, message))


def estimate_gas(moment: Moment, arguments: Arguments) -> str:
    """`eth_estimateGas`."""
    _refuse_overrides(arguments, 2)
    message, named = read_message(arguments.record(0), 0)
    # Less than any transaction needs counts as not said, as with geth.
    named = named and message.gas >= LEAST_GAS
    most = message.gas if named else moment.head.header.gas_limit
    with moment.state(arguments.block(1)) as state:
        return hex(estimate(state, message, most=most))


def send_raw(moment: Moment, arguments: Arguments) -> str:
    """`eth_sendRawTransaction`."""
    return as_data(moment.pool.add(arguments.data(0)))


def fee_history(moment: Moment, arguments: Arguments) -> Fields:
    """`eth_feeHistory`."""
    count = min(arguments.quantity(0), 1_024)
    newest = moment.find(arguments.block(1))
    shares = arguments.value(2)
    if newest is None:
        asked = arguments.quantity(1)
        raise failed(f"request beyond head block: requested {asked}, head {moment.number}")
    if not count:
        return {"oldestBlock": "0x0", "gasUsedRatio": None}
    first = max(0, newest - count + 1)
    headers = [moment.header(number) for number in range(first, newest + 1)]
    fields: Fields = {
        "oldestBlock": hex(first),
        "baseFeePerGas": ["0x0"] * (len(headers) + 1),
        "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
    }
    if isinstance(shares, list) and shares:
        fields["reward"] = [["0x0"] * len(shares) for _ in headers]
    return fields


def pool_status(moment: Moment, arguments: Arguments) -> Fields:
    """`txpool_status`."""
    executed, held = moment.pool.contents()
    return {"pending": hex(len(executed)), "queued": hex(len(held))}


def pool_content(moment: Moment, arguments: Arguments) -> dict[str, Grouped]:
    """`txpool_content`."""
    executed, held = moment.pool.contents()
    return {"pending": _grouped(moment, executed), "queued": _grouped(moment, held)}


def pool_content_from(moment: Moment, arguments: Arguments) -> dict[str, dict[str, Fields]]:
    """`txpool_contentFrom`."""
    sender = as_data(arguments.address(0))
    return {
        name: groups.get(sender, {}) for name, groups in pool_content(moment, arguments).items()
    }


def storage_slot(value: Any) -> int:
    """A storage slot, as a quantity or as up to 32 bytes. Raises `RpcRefused`."""
    text = value[2:] if isinstance(value, str) and value[:2] in ("0x", "0X") else value
    try:
        digits = bytes.fromhex(text if len(text) % 2 == 0 else "0" + text)
    except (TypeError, ValueError):
        raise failed("unable to decode storage key: hex string invalid") from None
    if len(digits) > 32:
        raise failed("unable to decode storage key: hex string too long, want at most 32 bytes")
    return int.from_bytes(digits, "big")


def _grouped(moment: Moment, waiting: list[Any]) -> Grouped:
    groups: Grouped = {}
    for one in waiting:
        fields = transaction_fields(one.raw, moment.chain_id)
        groups.setdefault(as_data(one.sender), {})[str(one.sent.nonce)] = fields
    return groups


def _refuse_overrides(arguments: Arguments, first: int) -> None:
    for at in (first, first + 1):
        if arguments.value(at):
            raise argument_invalid(at, "this node executes on the chain's state as it is")
