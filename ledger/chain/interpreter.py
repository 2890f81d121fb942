"""Interpreter: py-evm's London opcodes with a short way for the ones that contracts use most.

py-evm goes through four to six calls for an opcode; here it is one. What an opcode does and costs
stays py-evm's; tests run generated code on both.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from eth.abc import ComputationAPI, MessageAPI, StateAPI, TransactionContextAPI
from eth.constants import GAS_IDENTITY, GAS_IDENTITYWORD, STACK_DEPTH_LIMIT
from eth.exceptions import (
    FullStack,
    Halt,
    InsufficientStack,
    InvalidInstruction,
    InvalidJumpDestination,
)
from eth.vm.forks.berlin.constants import COLD_SLOAD_COST, WARM_STORAGE_READ_COST
from eth.vm.forks.london.computation import LondonComputation
from eth.vm.forks.london.storage import GAS_SCHEDULE_EIP3529
from eth.vm.logic.call import max_child_gas_eip150
from eth.vm.logic.invalid import InvalidOpcode
from eth.vm.memory import Memory
from eth.vm.opcode import _FastOpcode
from eth.vm.stack import Stack
from eth_typing import Address

from ledger.chain.precompiles import PRECOMPILES

_WORD = 1 << 256
_STACK_ITEMS = 1024
LANDING, PUSH_1, PUSH_32, _DUP1, _SWAP1 = 0x5B, 0x60, 0x7F, 0x80, 0x90
_STATIC_CALL = 0xFA
CHANGE_NEEDS = 2300
"""Gas above which an SSTORE is tried (EIP-2200)."""
_CHANGE = GAS_SCHEDULE_EIP3529
_COPIER = Address(bytes(19) + b"\x04")
"""The identity precompile, by which Vyper copies memory: most of the calls there are."""
_COPY_GAS, _COPY_WORD_GAS = GAS_IDENTITY, GAS_IDENTITYWORD
_FAR = 1 << 32
"""Memory that nobody can pay for."""

Logic = Callable[[Any], None]


class LedgerComputation(LondonComputation):
    """Executes a message's code."""

    _precompiles = PRECOMPILES
    _stack: Stack
    _memory: Memory

    @classmethod
    def apply_computation(
        cls,
        state: StateAPI,
        message: MessageAPI,
        transaction_context: TransactionContextAPI,
        parent_computation: ComputationAPI | None = None,
    ) -> ComputationAPI:
        """Execute until the code halts; an error of the EVM ends up in `.error`."""
        with cls(state, message, transaction_context) as entered:
            computation = cast(LedgerComputation, entered)
            # Only forks after London read it.
            computation.contracts_created = []
            precompile = cls.get_precompiles().get(message.code_address)
            if precompile is None:
                computation._run()
            elif not message.is_delegation:
                precompile(computation)
        return computation

    def extend_memory(self, start_position: int, size: int) -> None:
        """Make memory reach `start_position + size`, and pay for what is new."""
        if start_position + size > len(self._memory):
            super().extend_memory(start_position, size)

    def _run(self) -> None:
        code = self.code
        raw = bytes(self.msg.code)
        length = len(raw)
        meter = self._gas_meter
        try:
            while True:
                at = code.program_counter
                opcode = raw[at] if at < length else 0
                code.program_counter = at + 1
                gas_cost, logic = TABLE[opcode]
                left = meter.gas_remaining - gas_cost
                if left < 0:
                    meter.consume_gas(gas_cost, f"0x{opcode:02x}")
                meter.gas_remaining = left
                logic(self)
        except Halt:
            pass


def _push(size: int) -> Logic:
    def push(computation: LedgerComputation) -> None:
        code = computation.code
        at = code.program_counter
        code.program_counter = at + size
        value = int.from_bytes(computation.msg.code[at : at + size], "big")
        missing = at + size - len(computation.msg.code)
        _append(computation._stack.values, value << 8 * missing if missing > 0 else value)

    return push


def _dup(position: int) -> Logic:
    def dup(computation: LedgerComputation) -> None:
        values = computation._stack.values
        if position > len(values):
            raise InsufficientStack(f"DUP{position}")
        _append(values, values[-position])

    return dup


def _swap(position: int) -> Logic:
    def swap(computation: LedgerComputation) -> None:
        values = computation._stack.values
        if position >= len(values):
            raise InsufficientStack(f"SWAP{position}")
        values[-1], values[-1 - position] = values[-1 - position], values[-1]

    return swap


def _binary(function: Callable[[int, int], int]) -> Logic:
    def operate(computation: LedgerComputation) -> None:
        values = computation._stack.values
        if len(values) < 2:
            raise InsufficientStack("2")
        left, right = values.pop(), values[-1]
        values[-1] = function(
            left if type(left) is int else int.from_bytes(cast(bytes, left), "big"),
            right if type(right) is int else int.from_bytes(cast(bytes, right), "big"),
        )

    return operate


def _is_zero(computation: LedgerComputation) -> None:
    computation._stack.values.append(0 if _pop(computation) else 1)


def _pop_item(computation: LedgerComputation) -> None:
    _pop(computation)


def _jump(computation: LedgerComputation) -> None:
    _go_to(computation, _pop(computation))


def _jump_if(computation: LedgerComputation) -> None:
    target, condition = _pop(computation), _pop(computation)
    if condition:
        _go_to(computation, target)


def _landing(computation: LedgerComputation) -> None:
    """JUMPDEST does nothing."""


def _load(computation: LedgerComputation) -> None:
    start = _pop(computation)
    computation.extend_memory(start, 32)
    computation._stack.values.append(computation._memory.read_bytes(start, 32))


def _save(computation: LedgerComputation) -> None:
    start, value = _pop(computation), _pop(computation)
    computation.extend_memory(start, 32)
    computation._memory._bytes[start : start + 32] = value.to_bytes(32, "big")


def _go_to(computation: LedgerComputation, target: int) -> None:
    if target not in landings(computation.msg.code):
        raise wrong_jump(computation.msg.code, target)
    computation.code.program_counter = target


def _static_call(theirs: Logic) -> Logic:
    """STATICCALL, without a message of its own where all it does is copy."""

    def call(computation: LedgerComputation) -> None:
        values: list[Any] = computation._stack.values
        asked, to, start, size, at, room = values[-1:-7:-1] if len(values) > 5 else (0,) * 6
        plain = to == 4 and all(type(one) is int and one < _FAR for one in (start, size, at, room))
        deep = computation.msg.depth >= STACK_DEPTH_LIMIT
        warm = plain and computation.state.is_address_warm(_COPIER)
        if deep or not warm or type(asked) is not int:
            theirs(computation)
            return
        del values[-6:]
        computation.extend_memory(start, size)
        computation.extend_memory(at, room)
        memory, meter = computation._memory, computation._gas_meter
        copied = memory.read_bytes(start, size)
        meter.consume_gas(WARM_STORAGE_READ_COST, "STATICCALL")
        given = min(asked, max_child_gas_eip150(meter.gas_remaining))
        meter.consume_gas(given, "STATICCALL")
        cost = _COPY_GAS + _COPY_WORD_GAS * ((size + 31) // 32)
        if cost > given:
            computation.return_data = b""
            values.append(0)
            return
        # py-evm looks here, and into messages, for accounts that are empty and end by being touched
        # (EIP-161). No chain of ours has one, published tests do.
        if not computation.beneficiaries:
            computation.beneficiaries.append(_COPIER)
        computation.return_data = copied
        memory._bytes[at : at + min(room, size)] = copied[:room]
        meter.return_gas(given - cost)
        values.append(1)

    return call


def slot_cost(computation: LedgerComputation, slot: int) -> int:
    """What an SLOAD of it costs now (EIP-2929)."""
    warm = computation.state.is_storage_warm(computation.msg.storage_address, slot)
    return WARM_STORAGE_READ_COST if warm else COLD_SLOAD_COST


def change_cost(computation: LedgerComputation, slot: int, value: int) -> tuple[int, int]:
    """What an SSTORE of the value costs now, and what it gives back (EIP-2200, 2929, 3529)."""
    address, state = computation.msg.storage_address, computation.state
    access = 0 if state.is_storage_warm(address, slot) else COLD_SLOAD_COST
    present = state.get_storage(address, slot)
    if present == value:
        return access + _CHANGE.sload_gas, 0
    original = state.get_storage(address, slot, from_journal=False)
    if original == present:
        if original == 0:
            return access + _CHANGE.sstore_set_gas, 0
        refund = _CHANGE.sstore_clears_schedule if value == 0 else 0
        return access + _CHANGE.sstore_reset_gas, refund
    refund = 0
    if original != 0:
        if present == 0:
            refund -= _CHANGE.sstore_clears_schedule
        elif value == 0:
            refund += _CHANGE.sstore_clears_schedule
    if original == value:
        first = _CHANGE.sstore_reset_gas if original else _CHANGE.sstore_set_gas
        refund += first - _CHANGE.sload_gas
    return access + _CHANGE.sload_gas, refund


def set_slot(computation: LedgerComputation, slot: int, value: int, refund: int) -> None:
    """Set a slot, after its SSTORE was paid."""
    address, state = computation.msg.storage_address, computation.state
    if refund:
        computation.refund_gas(refund)
    state.set_storage(address, slot, value)
    if not state.is_storage_warm(address, slot):
        state.mark_storage_warm(address, slot)


def slot_value(computation: LedgerComputation, slot: int, cost: int) -> int:
    """What a slot holds, after its SLOAD was paid."""
    address, state = computation.msg.storage_address, computation.state
    if cost == COLD_SLOAD_COST:
        state.mark_storage_warm(address, slot)
    return state.get_storage(address, slot)


def wrong_jump(code: bytes, target: int) -> Exception:
    """The exception of a jump to what is no JUMPDEST, or is the data of a PUSH."""
    if target < len(code) and code[target] == LANDING:
        return InvalidInstruction(f"{target}")
    return InvalidJumpDestination(f"{target}")


def _pop(computation: LedgerComputation) -> int:
    values = computation._stack.values
    if not values:
        raise InsufficientStack("1")
    value = values.pop()
    return value if type(value) is int else int.from_bytes(cast(bytes, value), "big")


def _append(values: list[Any], value: Any) -> None:
    if len(values) >= _STACK_ITEMS:
        raise FullStack("1024")
    values.append(value)


@lru_cache(maxsize=64)
def landings(code: bytes) -> frozenset[int]:
    """Positions of the JUMPDESTs that are not data of a PUSH."""
    found = []
    at = 0
    while at < len(code):
        opcode = code[at]
        if opcode == LANDING:
            found.append(at)
        at += opcode - PUSH_1 + 2 if PUSH_1 <= opcode <= PUSH_32 else 1
    return frozenset(found)


def _fast() -> dict[int, Logic]:
    return {
        0x01: _binary(lambda left, right: (left + right) % _WORD),
        0x02: _binary(lambda left, right: left * right % _WORD),
        0x03: _binary(lambda left, right: (left - right) % _WORD),
        0x04: _binary(lambda left, right: left // right if right else 0),
        0x10: _binary(lambda left, right: 1 if left < right else 0),
        0x11: _binary(lambda left, right: 1 if left > right else 0),
        0x14: _binary(lambda left, right: 1 if left == right else 0),
        0x15: _is_zero,
        0x16: _binary(lambda left, right: left & right),
        0x17: _binary(lambda left, right: left | right),
        0x18: _binary(lambda left, right: left ^ right),
        0x1B: _binary(lambda left, right: (right << left) % _WORD if left < 256 else 0),
        0x1C: _binary(lambda left, right: right >> left if left < 256 else 0),
        0x50: _pop_item,
        0x51: _load,
        0x52: _save,
        0x56: _jump,
        0x57: _jump_if,
        LANDING: _landing,
        **{PUSH_1 + size - 1: _push(size) for size in range(1, 33)},
        **{_DUP1 + position - 1: _dup(position) for position in range(1, 17)},
        **{_SWAP1 + position - 1: _swap(position) for position in range(1, 17)},
    }


def _table() -> tuple[tuple[int, Logic], ...]:
    """Gas and logic of each opcode; where gas depends on arguments the logic takes it itself."""
    fast = _fast()
    table: list[tuple[int, Logic]] = []
    for opcode in range(256):
        known = LondonComputation.opcodes.get(opcode)
        if isinstance(known, _FastOpcode):
            table.append((known.gas_cost, fast.get(opcode, known.logic_fn)))
        else:
            assert opcode not in fast
            logic = cast(Logic, known or InvalidOpcode(opcode))
            table.append((0, _static_call(logic) if opcode == _STATIC_CALL else logic))
    return tuple(table)


TABLE = _table()
