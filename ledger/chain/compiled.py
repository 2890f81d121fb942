"""Compiled: the hot ways through a contract's code as Python functions.

An entry is the start, a JUMPDEST, or what follows a jump or an opcode that stays py-evm's own
function. Those that are entered often are compiled (`code_runs`), the others interpreted, basic
block by basic block; how often says as well which way a run goes on after a condition.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from eth.exceptions import Halt

from ledger.chain.code_runs import INSIDE, RunWriter
from ledger.chain.interpreter import (
    LANDING,
    TABLE,
    LedgerComputation,
    change_cost,
    landings,
    set_slot,
    slot_cost,
    slot_value,
    wrong_jump,
)
from ledger.chain.signed_words import divided, extended, remainder, shifted
from ledger.keccak import keccak_256

HOT_AFTER = 12
"""Entries after which a run is compiled, which costs as much as a dozen of it save."""

Run = Callable[[Any, list[int], Any, Any], int]
"""Computation, stack, memory, gas meter; returns the next entry, -1 - it for the interpreter."""


class CompiledComputation(LedgerComputation):
    """Executes a message's code by runs."""

    def _run(self) -> None:
        program = program_of(bytes(self.msg.code))
        self.input = bytes(self.msg.data)
        runs, counts = program.runs, program.counts
        stack: Any = self._stack.values
        memory, meter = self._memory, self._gas_meter
        at = 0
        try:
            while True:
                run = runs.get(at)
                if run is None:
                    count = counts.get(at, 0)
                    if count >= HOT_AFTER:
                        runs[at] = program.compile(at)
                        continue
                    counts[at] = count + 1
                    at = self._interpret(at)
                    _as_numbers(stack)
                else:
                    at = run(self, stack, memory, meter)
                    if at < 0:
                        self.code.program_counter = -1 - at
                        super()._run()
                        return
        except Halt:
            pass

    def _interpret(self, at: int) -> int:
        """Opcode by opcode to the end of the basic block from here; returns the next entry."""
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
    """The runs of one contract's code, compiled as they get hot."""

    def __init__(self, code: bytes) -> None:
        self.code = code
        self.runs: dict[int, Run] = {}
        self.counts: dict[int, int] = {}
        self._names: dict[str, Any] = {
            "landings": landings(code),
            "code": code,
            "number": int.from_bytes,
            "keccak_256": keccak_256,
            "divided": divided,
            "remainder": remainder,
            "extended": extended,
            "shifted": shifted,
            "slot_cost": slot_cost,
            "change_cost": change_cost,
            "set_slot": set_slot,
            "slot_value": slot_value,
            "wrong_jump": wrong_jump,
        }

    def compile(self, at: int) -> Run:
        """The function of the run that starts at `at`."""
        source, own = RunWriter(self.code, at, self.likelier).written()
        names = {**self._names, **own}
        exec(compile(source, f"<run {at}>", "exec"), names)
        run: Run = names["run"]
        return run

    def likelier(self, target: int, following: int) -> int:
        """The one of two entries that was entered more often; of two alike what follows."""
        counts = self.counts
        return target if counts.get(target, 0) > counts.get(following, 0) else following


@lru_cache(maxsize=64)
def program_of(code: bytes) -> Program:
    """The program of a code; compiled once in a process."""
    return Program(code)
