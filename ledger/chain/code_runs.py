"""Code runs: the way that a contract's code takes from an entry, written as a Python function.

A run goes through basic blocks as long as it is known which comes next: past fixed jumps, past
return addresses that it pushed itself, and past a condition along the side that was taken more
often; where the other side is taken it is left. Items that it finds on the stack are x0 (the top),
x1, ..; none is put back before the run is left.

The fixed gas of a stretch without a way out is paid at its start. Where that is more than there is
the interpreter goes on from there, with the stack as it then was, so that every exception is
py-evm's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ledger.chain.code_memory import MemoryWriter
from ledger.chain.code_values import OPERANDS, Values, operate
from ledger.chain.interpreter import CHANGE_NEEDS, LANDING, PUSH_1, PUSH_32, TABLE, Logic, landings

MOST_OPCODES = 400
"""A run that has so many goes on no further than to the next way out."""
_JUMP, _JUMP_IF, _LOAD_SLOT, _SET_SLOT, _GAS_LEFT = 0x56, 0x57, 0x54, 0x55, 0x5A
_DUP_1, _SWAP_1, _LOG_0 = 0x80, 0x90, 0xA0
_STACK_ITEMS = 1024
_FOUND = re.compile(r"\bx(\d+)\b")
_MEMORY = re.compile(r"\bb[\[)]")
_INPUT = re.compile(r"\bi[\[)]")

Likelier = Callable[[int, int], int]
"""Target and following of a condition to the one of them that the run goes on with."""


@dataclass(slots=True)
class _Stretch:
    """What is paid at once, and what happens where there is less gas."""

    line: int
    """Before which it is paid."""
    way_out: list[str]
    besides: str = ""
    """A variable with what is paid as well."""
    unless: str = ""
    """Where this holds the interpreter goes on too."""
    gas: int = 0

    def written(self) -> list[str]:
        if not self.gas and not self.besides and not self.unless:
            return []
        cost = f"{self.gas} + {self.besides}" if self.besides else f"{self.gas}"
        paid = f"left -= {cost}"
        return [
            paid,
            f"if left < 0 or {self.unless}:" if self.unless else "if left < 0:",
            f"    meter.gas_remaining = left + {cost}",
            *(f"    {line}" for line in self.way_out),
        ]


class RunWriter:
    """Writes one run."""

    def __init__(self, code: bytes, entry: int, likelier: Likelier) -> None:
        self._code = code
        self._landings = landings(code)
        self._entry = entry
        self._likelier = likelier
        self._names: dict[str, Any] = {}
        self._values = Values()
        self._lines = self._values.lines
        self._memory = MemoryWriter(self._values, self._names, self._pay)
        self._stack: list[str] = []
        self._reached = 0
        self._highest = 0
        self._passed = {entry}
        self._opcodes = 0
        self._stretches = [_Stretch(0, [])]

    def written(self) -> tuple[str, dict[str, Any]]:
        """Source of the function `run`, and what it refers to: words, functions of py-evm."""
        self._write()
        first, *others = self._stretches
        for stretch in reversed(others):
            self._lines[stretch.line : stretch.line] = stretch.written()
        body = "\n".join(f"    {line}" for line in self._lines)
        head = [
            "def run(c, s, memory, meter):",
            f"    left = meter.gas_remaining - {first.gas}",
            f"    if left < 0 or not {self._reached} <= len(s) <= {_STACK_ITEMS - self._highest}:",
            f"        return {-1 - self._entry}",
        ]
        if _MEMORY.search(body):
            head.append("    b = memory._bytes")
        if _INPUT.search(body):
            head.append("    i = c.input")
        for found in sorted({int(found) for found in _FOUND.findall(body)}):
            head.append(f"    x{found} = s[{-1 - found}]")
        return "\n".join(head) + "\n" + body + "\n", self._names

    def _write(self) -> None:
        at: int | None = self._entry
        while at is not None:
            opcode = self._code[at] if at < len(self._code) else 0
            self._opcodes += 1
            if PUSH_1 <= opcode <= PUSH_32:
                size = opcode - PUSH_1 + 1
                data = self._code[at + 1 : at + 1 + size].ljust(size, b"\0")
                self._put(str(int.from_bytes(data, "big")))
                self._pay(TABLE[opcode][0])
                at = self._past(at + 1 + size)
            elif opcode in _ENDS and self._opcodes > MOST_OPCODES:
                self._lines += self._left_for(at)
                return
            elif opcode in _ENDS:
                at = _ENDS[opcode](self, at)
            elif opcode in INSIDE:
                self._pay(TABLE[opcode][0])
                self._operate(opcode, at)
                at = self._past(at + 1)
            else:
                self._call(*TABLE[opcode], at + 1)
                return

    def _past(self, at: int) -> int | None:
        landing = at < len(self._code) and self._code[at] == LANDING
        return self._go_on(at) if landing else at

    def _go_on(self, at: int) -> int | None:
        """Where the run goes on; None where it was before, or is long enough."""
        if at in self._passed or self._opcodes >= MOST_OPCODES:
            self._lines += self._left_for(at)
            return None
        self._passed.add(at)
        return at

    # ---- gas
    def _pay(self, gas: int) -> None:
        self._stretches[-1].gas += gas

    def _begin(self, at: int, besides: str = "", unless: str = "") -> None:
        """What comes from here on is paid by itself."""
        way_out = [*self._given_back(), f"return {-1 - at}"]
        # Every way out gives the stack back: with a deep one a run has few of them.
        self._opcodes += len(self._stack) // 8
        self._stretches.append(_Stretch(len(self._lines), way_out, besides, unless))

    # ---- the stack as the run sees it
    def _reach(self, depth: int) -> None:
        while len(self._stack) < depth:
            self._stack.insert(0, f"x{self._reached}")
            self._reached += 1

    def _take(self) -> str:
        self._reach(1)
        return self._stack.pop()

    def _take_number(self) -> str:
        return self._values.number(self._take())

    def _put(self, item: str) -> None:
        self._stack.append(item)
        self._highest = max(self._highest, len(self._stack) - self._reached)

    def _given_back(self) -> list[str]:
        """Lines that write the stack back; what lies where it lay is left alone."""
        items = self._stack
        unmoved = 0
        while unmoved < min(self._reached, len(items)):
            if items[unmoved] != f"x{self._reached - 1 - unmoved}":
                break
            unmoved += 1
        gone = self._reached - unmoved
        left = [self._values.shown(item) for item in items[unmoved:]]
        if not left:
            return [f"del s[-{gone}:]"] if gone else []
        if len(left) == 1 and gone <= 1:
            return [f"s[-1] = {left[0]}" if gone else f"s.append({left[0]})"]
        made = f"({', '.join(left)},)"
        return [f"s[-{gone}:] = {made}" if gone else f"s += {made}"]

    def _left_for(self, at: int | str) -> list[str]:
        return ["meter.gas_remaining = left", *self._given_back(), f"return {at}"]

    # ---- ways on and out
    def _jump(self, at: int) -> int | None:
        self._pay(TABLE[_JUMP][0])
        target = self._take_number()
        if not target.isdigit():
            self._lines += [*self._checked(target), *self._left_for(target)]
            return None
        if int(target) not in self._landings:
            self._lines.append(f"raise wrong_jump(code, {target})")
            return None
        return self._go_on(int(target))

    def _jump_if(self, at: int) -> int | None:
        self._pay(TABLE[_JUMP_IF][0])
        target, condition = self._take_number(), self._values.condition(self._take())
        following = at + 1
        known = target.isdigit() and int(target) in self._landings
        if known and self._likelier(int(target), following) == int(target):
            self._leave_if(f"not {condition}", self._left_for(following))
            following = int(target)
        else:
            checked = [] if known else self._checked(target)
            self._leave_if(condition, [*checked, *self._left_for(target)])
        self._begin(following)
        return self._go_on(following)

    def _leave_if(self, condition: str, lines: list[str]) -> None:
        self._lines += [f"if {condition}:", *(f"    {line}" for line in lines)]

    def _checked(self, target: str) -> list[str]:
        return [f"if {target} not in landings:", f"    raise wrong_jump(code, {target})"]

    def _call(self, gas: int, logic: Logic, following: int) -> None:
        """One opcode by py-evm's function, on the real stack; the run ends with it."""
        self._pay(gas)
        self._names["logic"] = logic
        self._lines += [
            "meter.gas_remaining = left",
            *self._given_back(),
            f"c.code.program_counter = {following}",
            "logic(c)",
            "if s and type(s[-1]) is not int:",
            "    s[-1] = number(s[-1], 'big')",
            f"return {following}",
        ]

    def _load_slot(self, at: int) -> int | None:
        """SLOAD, whose gas goes by whether the slot was looked at before."""
        self._reach(1)
        slot = self._stack[-1] = self._values.number(self._stack[-1])
        cost = self._values.let(f"slot_cost(c, {slot})")
        self._begin(at, besides=cost)
        self._pay(TABLE[_LOAD_SLOT][0])
        self._take()
        self._put(self._values.let(f"slot_value(c, {slot}, {cost})"))
        return self._past(at + 1)

    def _set_slot(self, at: int) -> int | None:
        """SSTORE, whose gas goes by what the slot holds and held (EIP-2200), and what is left."""
        self._reach(2)
        self._stack[-2:] = [self._values.number(item) for item in self._stack[-2:]]
        value, slot = self._stack[-2:]
        cost, refund = self._values.let_two(f"change_cost(c, {slot}, {value})")
        unless = f"left + {cost} <= {CHANGE_NEEDS} or c.msg.is_static"
        self._begin(at, besides=cost, unless=unless)
        self._pay(TABLE[_SET_SLOT][0])
        del self._stack[-2:]
        self._lines.append(f"set_slot(c, {slot}, {value}, {refund})")
        return self._past(at + 1)

    def _log(self, at: int) -> int | None:
        """LOG0 to LOG4."""
        count = self._code[at] - _LOG_0
        self._reach(2 + count)
        self._stack[-2 - count :] = map(self._values.number, self._stack[-2 - count :])
        self._begin(at, unless="c.msg.is_static")
        self._pay(TABLE[_LOG_0 + count][0])
        start, size, *topics = (self._take() for _ in range(2 + count))
        data = self._memory.logged(start, size, count)
        listed = "".join(f"{topic}, " for topic in topics)
        self._lines += [
            "number_of_log = c.transaction_context.get_next_log_counter()",
            f"entry = (number_of_log, c.msg.storage_address, ({listed}), {data})",
            "c._log_entries.append(entry)",
        ]
        return self._past(at + 1)

    def _gas_left(self, at: int) -> int | None:
        """GAS."""
        self._pay(TABLE[_GAS_LEFT][0])
        self._put(self._values.let("left"))
        self._begin(at + 1)
        return self._past(at + 1)

    # ---- opcodes inside
    def _operate(self, opcode: int, at: int) -> None:
        if _DUP_1 <= opcode < _SWAP_1:
            depth = opcode - _DUP_1 + 1
            self._reach(depth)
            self._put(self._stack[-depth])
        elif _SWAP_1 <= opcode < _LOG_0:
            depth = opcode - _SWAP_1 + 2
            self._reach(depth)
            stack = self._stack
            stack[-1], stack[-depth] = stack[-depth], stack[-1]
        elif opcode in OPERANDS:
            items = [self._take() for _ in range(OPERANDS[opcode])]
            self._put(operate(self._values, opcode, items))
        else:
            _OTHERS[opcode](self, at)

    def is_zero(self, at: int) -> None:
        """ISZERO."""
        self._put(self._values.is_zero(self._take()))

    def drop(self, at: int) -> None:
        """POP."""
        self._take()

    def land(self, at: int) -> None:
        """JUMPDEST."""

    def here(self, at: int) -> None:
        """PC."""
        self._put(str(at))

    def code_size(self, at: int) -> None:
        """CODESIZE."""
        self._put(str(len(self._code)))

    def hash(self, at: int) -> None:
        """SHA3."""
        start, size = self._take_number(), self._take_number()
        self._put(self._memory.hash(start, size))

    def load(self, at: int) -> None:
        """MLOAD."""
        self._put(self._memory.load(self._take_number()))

    def save(self, at: int) -> None:
        """MSTORE."""
        start, value = self._take_number(), self._take_number()
        self._memory.save(start, value)

    def save_byte(self, at: int) -> None:
        """MSTORE8."""
        start, value = self._take_number(), self._take_number()
        self._memory.save_byte(start, value)

    def memory_size(self, at: int) -> None:
        """MSIZE."""
        self._put(self._values.let("len(b)"))

    def load_input(self, at: int) -> None:
        """CALLDATALOAD."""
        start = self._take_number()
        end = int(start) + 32 if start.isdigit() else f"{start} + 32"
        self._put(self._values.let(f"number(i[{start}:{end}].ljust(32, b'\\0'), 'big')"))

    def copy_input(self, at: int) -> None:
        """CALLDATACOPY."""
        self._copy("i")

    def copy_code(self, at: int) -> None:
        """CODECOPY."""
        self._copy("code")

    def _copy(self, source: str) -> None:
        target, start, size = (self._take_number() for _ in range(3))
        self._memory.copy(source, target, start, size)


_ENDS: dict[int, Callable[[RunWriter, int], int | None]] = {
    _JUMP: RunWriter._jump,
    _JUMP_IF: RunWriter._jump_if,
    _LOAD_SLOT: RunWriter._load_slot,
    _GAS_LEFT: RunWriter._gas_left,
    _SET_SLOT: RunWriter._set_slot,
    **dict.fromkeys(range(_LOG_0, _LOG_0 + 5), RunWriter._log),
}
_OTHERS: dict[int, Callable[[RunWriter, int], None]] = {
    0x15: RunWriter.is_zero,
    0x20: RunWriter.hash,
    0x35: RunWriter.load_input,
    0x37: RunWriter.copy_input,
    0x38: RunWriter.code_size,
    0x39: RunWriter.copy_code,
    0x50: RunWriter.drop,
    0x51: RunWriter.load,
    0x52: RunWriter.save,
    0x53: RunWriter.save_byte,
    0x58: RunWriter.here,
    0x59: RunWriter.memory_size,
    LANDING: RunWriter.land,
}
INSIDE = frozenset({*OPERANDS, *_OTHERS, *range(PUSH_1, _LOG_0)})
"""Opcodes that a basic block goes on after."""
