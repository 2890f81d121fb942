"""Code blocks: a basic block of a contract's code, written as a Python function.

Items that the block finds on the stack are x0 (the top), x1, ..; what it makes of them v0, v1, ..;
none is ever assigned twice. Comparisons stay text (t0, t1, ..) until a number is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ledger.chain.interpreter import LANDING, PUSH_1, PUSH_32, TABLE, Logic, landings

_MASK = (1 << 256) - 1
_JUMP, _JUMP_IF = 0x56, 0x57
_DUP_1, _SWAP_1, _LOG_0 = 0x80, 0x90, 0xA0
_STACK_ITEMS = 1024
_HASH_GAS, _COPY_GAS = 6, 3
"""For each word."""
_FOUND = re.compile(r"\bx(\d+)\b")
_MEMORY = re.compile(r"\bb[\[)]")


class Writer:
    """Writes one block."""

    def __init__(self, code: bytes, entry: int) -> None:
        self._code = code
        self._entry = entry
        self._lines: list[str] = []
        self._names: dict[str, Any] = {}
        self._stack: list[str] = []
        self._reached = 0
        self._highest = 0
        self._gas = 0
        self._variables = 0
        self._truths: dict[str, str] = {}

    def written(self) -> tuple[str, dict[str, Any]]:
        """Source of the function `block`, and what it refers to: words, a function of py-evm."""
        self._write()
        body = "\n".join(f"    {line}" for line in self._lines)
        head = [
            "def block(c, s, memory, meter):",
            f"    left = meter.gas_remaining - {self._gas}",
            f"    if left < 0 or not {self._reached} <= len(s) <= {_STACK_ITEMS - self._highest}:",
            f"        return {-1 - self._entry}",
            "    meter.gas_remaining = left",
        ]
        if _MEMORY.search(body):
            head.append("    b = memory._bytes")
        for found in sorted({int(found) for found in _FOUND.findall(body)}):
            head.append(f"    x{found} = s[{-1 - found}]")
        return "\n".join(head) + "\n" + body + "\n", self._names

    def _write(self) -> None:
        at, length = self._entry, len(self._code)
        while True:
            opcode = self._code[at] if at < length else 0
            gas_cost, logic = TABLE[opcode]
            self._gas += gas_cost
            if opcode == _JUMP:
                self._jump()
                return
            if opcode == _JUMP_IF:
                self._jump_if(at + 1)
                return
            if opcode not in INSIDE:
                self._leave(logic, at + 1)
                return
            if PUSH_1 <= opcode <= PUSH_32:
                size = opcode - PUSH_1 + 1
                data = self._code[at + 1 : at + 1 + size].ljust(size, b"\0")
                self._put(str(int.from_bytes(data, "big")))
                at += size
            elif _DUP_1 <= opcode < _SWAP_1:
                depth = opcode - _DUP_1 + 1
                self._reach(depth)
                self._put(self._stack[-depth])
            elif _SWAP_1 <= opcode < _LOG_0:
                depth = opcode - _SWAP_1 + 2
                self._reach(depth)
                stack = self._stack
                stack[-1], stack[-depth] = stack[-depth], stack[-1]
            else:
                self._operate(opcode, at)
            at += 1
            if at < length and self._code[at] == LANDING:
                self._give_back()
                self._lines.append(f"return {at}")
                return

    # ---- the stack as the block sees it
    def _reach(self, depth: int) -> None:
        while len(self._stack) < depth:
            self._stack.insert(0, f"x{self._reached}")
            self._reached += 1

    def _take(self) -> str:
        """The top item: a variable or the digits of a constant."""
        item = self._take_any()
        return self._number(item)

    def _take_any(self) -> str:
        self._reach(1)
        return self._stack.pop()

    def _number(self, item: str) -> str:
        truth = self._truths.get(item)
        return item if truth is None else self._let(f"1 if {truth} else 0")

    def _put(self, item: str) -> None:
        self._stack.append(item)
        self._highest = max(self._highest, len(self._stack) - self._reached)

    def _let(self, expression: str) -> str:
        name = f"v{self._variables}"
        self._variables += 1
        self._lines.append(f"{name} = {expression}")
        return name

    def _put_truth(self, truth: str) -> None:
        name = f"t{len(self._truths)}"
        self._truths[name] = truth
        self._put(name)

    def _give_back(self) -> None:
        """Write the stack back; what lies where it lay is left alone."""
        items = self._stack
        unmoved = 0
        while unmoved < min(self._reached, len(items)):
            if items[unmoved] != f"x{self._reached - 1 - unmoved}":
                break
            unmoved += 1
        gone = self._reached - unmoved
        numbers: dict[str, str] = {}
        left = []
        for item in items[unmoved:]:
            if item in self._truths and item not in numbers:
                numbers[item] = self._number(item)
            left.append(numbers.get(item, item))
        if not left:
            if gone:
                self._lines.append(f"del s[-{gone}:]")
        elif len(left) == 1 and gone <= 1:
            self._lines.append(f"s[-1] = {left[0]}" if gone else f"s.append({left[0]})")
        else:
            made = f"({', '.join(left)},)"
            self._lines.append(f"s[-{gone}:] = {made}" if gone else f"s += {made}")

    # ---- ends of a block
    def _jump(self) -> None:
        target = self._take()
        self._give_back()
        if not target.isdigit():
            self._lines += [
                f"if {target} not in landings:",
                f"    raise wrong_jump(code, {target})",
            ]
        elif int(target) not in landings(self._code):
            self._lines.append(f"raise wrong_jump(code, {target})")
        self._lines.append(f"return {target}")

    def _jump_if(self, following: int) -> None:
        target, condition = self._take(), self._take_any()
        self._give_back()
        condition = self._truths.get(condition, condition)
        if target.isdigit() and int(target) in landings(self._code):
            self._lines.append(f"return {target} if {condition} else {following}")
            return
        self._lines += [
            f"if {condition}:",
            f"    if {target} not in landings:",
            f"        raise wrong_jump(code, {target})",
            f"    return {target}",
            f"return {following}",
        ]

    def _leave(self, logic: Logic, following: int) -> None:
        """One opcode by py-evm's function, on the real stack."""
        self._give_back()
        self._names["logic"] = logic
        self._lines += [
            f"c.code.program_counter = {following}",
            "logic(c)",
            "if s and type(s[-1]) is not int:",
            "    s[-1] = number(s[-1], 'big')",
            f"return {following}",
        ]

    # ---- opcodes inside a block
    def _operate(self, opcode: int, at: int) -> None:
        if opcode in _TRUTHS:
            left, right = self._take(), self._take()
            self._put_truth(_TRUTHS[opcode].format(a=left, b=right))
        elif opcode in _EXPRESSIONS:
            count, expression = _EXPRESSIONS[opcode]
            operands = dict(zip("abc", [self._take() for _ in range(count)], strict=False))
            self._put(self._let(expression.format(M=_MASK, **operands)))
        else:
            _OTHERS[opcode](self, at)

    def is_zero(self, at: int) -> None:
        """ISZERO."""
        item = self._take_any()
        self._put_truth(f"(not {self._truths.get(item, item)})")

    def drop(self, at: int) -> None:
        """POP."""
        self._take_any()

    def land(self, at: int) -> None:
        """JUMPDEST."""

    def here(self, at: int) -> None:
        """PC."""
        self._put(str(at))

    def code_size(self, at: int) -> None:
        """CODESIZE."""
        self._put(str(len(self._code)))

    def shift_left(self, at: int) -> None:
        """SHL."""
        by, value = self._take(), self._take()
        if by.isdigit():
            self._put(self._let(f"{value} << {by} & {_MASK}") if int(by) < 256 else "0")
        else:
            self._put(self._let(f"{value} << {by} & {_MASK} if {by} < 256 else 0"))

    def shift_right(self, at: int) -> None:
        """SHR."""
        by, value = self._take(), self._take()
        if by.isdigit():
            self._put(self._let(f"{value} >> {by}") if int(by) < 256 else "0")
        else:
            self._put(self._let(f"{value} >> {by} if {by} < 256 else 0"))

    def load(self, at: int) -> None:
        """MLOAD."""
        start = self._take()
        end = self._room_for_word(start)
        self._put(self._let(f"number(b[{start}:{end}], 'big')"))

    def save(self, at: int) -> None:
        """MSTORE."""
        start, value = self._take(), self._take()
        end = self._room_for_word(start)
        if value.isdigit():
            word = f"w{len(self._names)}"
            self._names[word] = int(value).to_bytes(32, "big")
        else:
            word = f"{value}.to_bytes(32, 'big')"
        self._lines.append(f"b[{start}:{end}] = {word}")

    def save_byte(self, at: int) -> None:
        """MSTORE8."""
        start, value = self._take(), self._take()
        self._room(start, "1")
        self._lines.append(f"b[{start}] = {value} & 255")

    def memory_size(self, at: int) -> None:
        """MSIZE."""
        self._put(self._let("len(b)"))

    def load_input(self, at: int) -> None:
        """CALLDATALOAD."""
        start = self._take()
        word = self._let(f"c.input[{start}:{start} + 32]")
        self._put(
            self._let(
                f"number({word}, 'big') if len({word}) == 32 else "
                f"number({word}.ljust(32, b'\\0'), 'big')"
            )
        )

    def copy_input(self, at: int) -> None:
        """CALLDATACOPY."""
        self._copy("c.input")

    def copy_code(self, at: int) -> None:
        """CODECOPY."""
        self._copy("code")

    def hash(self, at: int) -> None:
        """SHA3."""
        start, size = self._take(), self._take()
        self._room(start, size)
        self._pay(_HASH_GAS, size)
        self._put(self._let(f"number(keccak(bytes(b[{start}:{start} + {size}])), 'big')"))

    def _copy(self, source: str) -> None:
        target, start, size = self._take(), self._take(), self._take()
        self._room(target, size)
        self._pay(_COPY_GAS, size)
        self._lines += [
            f"if {size}:",
            f"    b[{target}:{target} + {size}] = {source}[{start}:{start} + {size}]"
            f".ljust({size}, b'\\0')",
        ]

    def _pay(self, gas_for_word: int, size: str) -> None:
        cost = self._let(f"{gas_for_word} * ({size} + 31 >> 5)")
        self._lines.append(f"c.consume_gas({cost}, 'words')")

    def _room_for_word(self, start: str) -> str:
        end = str(int(start) + 32) if start.isdigit() else self._let(f"{start} + 32")
        self._lines += [
            f"if {end} > len(b):",
            f"    c.extend_memory({start}, 32)",
            "    b = memory._bytes",
        ]
        return end

    def _room(self, start: str, size: str) -> None:
        self._lines += [
            f"if {start} + {size} > len(b):",
            f"    c.extend_memory({start}, {size})",
            "    b = memory._bytes",
        ]


_SIGN = 1 << 255
_TRUTHS = {
    0x10: "({a} < {b})",
    0x11: "({a} > {b})",
    0x12: f"({{a}} ^ {_SIGN} < {{b}} ^ {_SIGN})",
    0x13: f"({{a}} ^ {_SIGN} > {{b}} ^ {_SIGN})",
    0x14: "({a} == {b})",
}
_EXPRESSIONS = {
    0x01: (2, "{a} + {b} & {M}"),
    0x02: (2, "{a} * {b} & {M}"),
    0x03: (2, "{a} - {b} & {M}"),
    0x04: (2, "{a} // {b} if {b} else 0"),
    0x05: (2, "divided({a}, {b})"),
    0x06: (2, "{a} % {b} if {b} else 0"),
    0x07: (2, "remainder({a}, {b})"),
    0x08: (3, "({a} + {b}) % {c} if {c} else 0"),
    0x09: (3, "{a} * {b} % {c} if {c} else 0"),
    0x0B: (2, "extended({a}, {b})"),
    0x16: (2, "{a} & {b}"),
    0x17: (2, "{a} | {b}"),
    0x18: (2, "{a} ^ {b}"),
    0x19: (1, "{a} ^ {M}"),
    0x1A: (2, "{b} >> 248 - 8 * {a} & 255 if {a} < 32 else 0"),
    0x1D: (2, "shifted({a}, {b})"),
    0x30: (0, "number(c.msg.storage_address, 'big')"),
    0x32: (0, "number(c.transaction_context.origin, 'big')"),
    0x33: (0, "number(c.msg.sender, 'big')"),
    0x34: (0, "c.msg.value"),
    0x36: (0, "len(c.input)"),
    0x3D: (0, "len(c.return_data)"),
}
_OTHERS: dict[int, Callable[[Writer, int], None]] = {
    0x15: Writer.is_zero,
    0x1B: Writer.shift_left,
    0x1C: Writer.shift_right,
    0x20: Writer.hash,
    0x35: Writer.load_input,
    0x37: Writer.copy_input,
    0x38: Writer.code_size,
    0x39: Writer.copy_code,
    0x50: Writer.drop,
    0x51: Writer.load,
    0x52: Writer.save,
    0x53: Writer.save_byte,
    0x58: Writer.here,
    0x59: Writer.memory_size,
    LANDING: Writer.land,
}
INSIDE = frozenset({*_TRUTHS, *_EXPRESSIONS, *_OTHERS, *range(PUSH_1, _LOG_0)})
"""Opcodes that a block goes on after."""
