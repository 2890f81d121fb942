"""Calls: messages executed for their answer or their gas; nothing of them stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from eth.abc import ComputationAPI
from eth.exceptions import VMError
from eth.vm.forks.london import LondonVM
from eth_utils.exceptions import ValidationError

from ledger.chain.engine import ZERO_ADDRESS
from ledger.chain.execution import LedgerState, refusal_of
from ledger.errors import Reverted, TransactionInvalid
from ledger.node.refusals import argument_invalid, failed, reverted
from ledger.node.values import as_data, data, fixed, quantity

CALL_GAS = 50_000_000
"""The most a call may use; a few seconds of this machine."""
LEAST_GAS, _CREATION_GAS, _ZERO_BYTE_GAS, _BYTE_GAS = 21_000, 32_000, 4, 16
_ADDRESS_GAS, _SLOT_GAS = 2_400, 1_900
_STIPEND = 2_300
# An estimate is at most this much above what would do: one part in 66.
_CLOSE_ENOUGH = 66


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What py-evm needs to know of a transaction, signed by nobody."""

    sender: bytes
    to: bytes
    """Empty: the data is code that makes a contract."""
    gas: int
    gas_price: int
    value: int
    data: bytes
    access_list: tuple[tuple[bytes, tuple[int, ...]], ...]

    @property
    def max_fee_per_gas(self) -> int:
        """The base fee is 0, so all three are one."""
        return self.gas_price

    @property
    def max_priority_fee_per_gas(self) -> int:
        """The base fee is 0, so all three are one."""
        return self.gas_price

    @property
    def intrinsic_gas(self) -> int:
        """What it costs before the first opcode."""
        zeros = self.data.count(0)
        slots = sum(len(slots) for _, slots in self.access_list)
        return (
            LEAST_GAS
            + (0 if self.to else _CREATION_GAS)
            + zeros * _ZERO_BYTE_GAS
            + (len(self.data) - zeros) * _BYTE_GAS
            + len(self.access_list) * _ADDRESS_GAS
            + slots * _SLOT_GAS
        )


def read_message(fields: dict[str, Any], at: int) -> tuple[Message, bool]:
    """The message of a request's object, and whether it names its gas. Raises `RpcRefused`."""
    given = {name: value for name, value in fields.items() if value is not None}
    if "gasPrice" in given and given.keys() & {"maxFeePerGas", "maxPriorityFeePerGas"}:
        raise failed("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    payload = given.get("input", given.get("data", "0x"))
    price = quantity(given.get("gasPrice", given.get("maxFeePerGas", "0x0")), at)
    message = Message(
        sender=fixed(given["from"], 20, at) if "from" in given else ZERO_ADDRESS,
        to=fixed(given["to"], 20, at) if "to" in given else b"",
        gas=min(quantity(given.get("gas", hex(CALL_GAS)), at), CALL_GAS),
        gas_price=price,
        value=quantity(given.get("value", "0x0"), at),
        data=data(payload, at),
        access_list=_access_list(given.get("accessList", []), at),
    )
    return message, "gas" in given


def call(state: LedgerState, message: Message) -> bytes:
    """What a message returns. Raises `RpcRefused`."""
    with _executed(state, message) as computation:
        if computation.is_error:
            raise reverted(refusal_of(computation))
        return bytes(computation.output)


def estimate(state: LedgerState, message: Message, *, most: int) -> int:
    """Gas with which a message succeeds, close above the least. Raises `RpcRefused`.

    The least is searched for as geth does it, so that both give the same number.
    """
    highest = min(most, CALL_GAS)
    if not message.data and message.to and not state.get_code(cast(Any, message.to)):
        if _refusal(state, replace(message, gas=LEAST_GAS)) is None:
            return LEAST_GAS
    with _executed(state, replace(message, gas=highest)) as computation:
        error = refusal_of(computation) if computation.is_error else None
        used = LondonVM.finalize_gas_used(cast(Any, replace(message, gas=highest)), computation)
        refunded = highest - computation.get_gas_remaining() - used
    if error is not None:
        if error.reason == "OUT_OF_GAS":
            raise failed(f"gas required exceeds allowance ({highest})")
        raise reverted(error)
    return _narrowed(
        lambda gas: _refusal(state, replace(message, gas=gas)) is not None,
        lowest=used - 1,
        highest=highest,
        likely=(used + refunded + _STIPEND) * 64 // 63,
    )


def _narrowed(fails: Callable[[int], bool], *, lowest: int, highest: int, likely: int) -> int:
    if likely < highest:
        if fails(likely):
            lowest = likely
        else:
            highest = likely
    while lowest + 1 < highest and (highest - lowest) * _CLOSE_ENOUGH >= highest:
        middle = min((highest + lowest) // 2, lowest * 2)
        if fails(middle):
            lowest = middle
        else:
            highest = middle
    return highest


def _refusal(state: LedgerState, message: Message) -> Reverted | None:
    if message.gas < message.intrinsic_gas:
        return Reverted("OUT_OF_GAS")
    with _executed(state, message) as computation:
        return refusal_of(computation) if computation.is_error else None


@contextmanager
def _executed(state: LedgerState, message: Message) -> Iterator[ComputationAPI]:
    """Execute as a transaction would be; afterwards the state is as it was."""
    if message.gas < message.intrinsic_gas:
        raise failed(
            f"err: intrinsic gas too low: have {message.gas}, want {message.intrinsic_gas} "
            f"(supplied gas {message.gas})"
        )
    held = state.get_balance(cast(Any, message.sender))
    cost = message.gas * message.gas_price + message.value
    if cost > held:
        raise failed(
            "err: insufficient funds for gas * price + value: "
            f"address {as_data(message.sender)} have {held} want {cost} "
            f"(supplied gas {message.gas})"
        )
    # What the transaction before warmed would make this one cheaper.
    state.lock_changes()
    before = state.snapshot()
    executor = state.get_transaction_executor()
    try:
        spoken = cast(Any, message)
        yield executor.build_computation(executor.build_evm_message(spoken), spoken)
    except (ValidationError, VMError) as error:
        raise failed(str(error)) from error
    except TransactionInvalid as error:
        raise failed(error.found) from error
    finally:
        state.revert(before)


def _access_list(value: Any, at: int) -> tuple[tuple[bytes, tuple[int, ...]], ...]:
    if not isinstance(value, list):
        raise argument_invalid(at, "accessList: want a list")
    listed = []
    for item in value:
        if not isinstance(item, dict) or not isinstance(item.get("storageKeys", []), list):
            raise argument_invalid(at, "accessList: want objects with address and storageKeys")
        slots = [int.from_bytes(fixed(key, 32, at), "big") for key in item.get("storageKeys", [])]
        listed.append((fixed(item.get("address"), 20, at), tuple(slots)))
    return tuple(listed)
