"""Compiled: a contract's hot basic blocks as Python functions.

A block runs from an entry (the start, a JUMPDEST, what follows a jump or a block's last opcode) to
the next jump, or to the next opcode that sees gas, state or the outside, which stays py-evm's own
function. Inside a block stack items are local variables, and its fixed gas is paid at its entry;
memory, hashes and copies are paid where they happen. Whenever the gas or the stack at the entry
does not do for the whole block, the interpreter takes over, so that every exception is py-evm's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from eth.exceptions import Halt
from eth_hash.auto import keccak

from ledger.chain.code_blocks import INSIDE, Writer
from ledger.chain.interpreter import LANDING, TABLE, LedgerComputation, landings, wrong_jump
from ledger.chain.signed_words import divided, extended, remainder, shifted

HOT_AFTER = 12
"""Entries after which a block is compiled, which costs as much as a dozen runs of it save."""

Block = Callable[[Any, list[int], Any, Any], int]
"""Computation, stack, memory, gas meter; returns the next entry, -1 - it for the interpreter."""


class CompiledComputation(LedgerComputation):
    """Executes a message's code by blocks."""

    def _run(self) -> None:
        program = program_of(bytes(self.msg.code))
        self.input = bytes(self.msg.data)
        blocks, counts = program.blocks, program.counts
        stack: Any = self._stack.values
        memory, meter = self._memory, self._gas_meter
        at = 0
        try:
            while True:
                block = blocks.get(at)
                if block is None:
                    count = counts.get(at, 0)
                    if count >= HOT_AFTER:
                        blocks[at] = program.compile(at)
                        continue
                    counts[at] = count + 1
                    at = self._interpret(at)
                    _as_numbers(stack)
                else:
                    at = block(self, stack, memory, meter)
                    if at < 0:
                        self.code.program_counter = -1 - at
                        super()._run()
                        return
        except Halt:
            pass

    def _interpret(self, at: int) -> int:
        """Run opcode by opcode to the end of the block that starts here; returns the next entry."""
        code = self.code
        code.program_counter = at
        raw = self.msg.code
        length = len(raw)
        meter = self._gas_meter
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
            at = code.program_counter
            if opcode not in INSIDE or (at < length and raw[at] == LANDING):
                return at


def _as_numbers(stack: list[Any]) -> None:
    for at, item in enumerate(stack):
        if type(item) is not int:
            stack[at] = int.from_bytes(item, "big")


class Program:
    """The blocks of one contract's code, compiled as they get hot."""

    def __init__(self, code: bytes) -> None:
        self.code = code
        self.blocks: dict[int, Block] = {}
        self.counts: dict[int, int] = {}
        self._names: dict[str, Any] = {
            "landings": landings(code),
            "code": code,
            "number": int.from_bytes,
            "keccak": keccak,
            "divided": divided,
            "remainder": remainder,
            "extended": extended,
            "shifted": shifted,
            "wrong_jump": wrong_jump,
        }

    def compile(self, at: int) -> Block:
        """The function of the block that starts at `at`."""
        source, own = Writer(self.code, at).written()
        names = {**self._names, **own}
        exec(compile(source, f"<block {at}>", "exec"), names)
        block: Block = names["block"]
        return block


@lru_cache(maxsize=64)
def program_of(code: bytes) -> Program:
    """The program of a code; compiled once in a process."""
    return Program(code)
