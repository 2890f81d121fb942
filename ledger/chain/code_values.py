"""Code values: numbers as the text of a compiled run has them, and how large they can be.

An item is a number's digits, a variable that is never assigned again, or a truth: a comparison that
stays text until somebody needs its 1 or 0.
"""

from __future__ import annotations

from collections.abc import Callable

WORD_MAX = (1 << 256) - 1
_SIGN = 1 << 255
_LONGEST_TRUTH = 200


class Values:
    """Writes the lines that compute numbers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._variables = 0
        self._most: dict[str, int] = {}
        self._truths: dict[str, str] = {}
        self._numbers: dict[str, str] = {}

    def most(self, item: str) -> int:
        """The largest number that the item can be."""
        return int(item) if item.isdigit() else self._most.get(item, WORD_MAX)

    def let(self, expression: str, most: int = WORD_MAX) -> str:
        """A new variable that holds the expression's value."""
        name = f"v{self._variables}"
        self._variables += 1
        self.lines.append(f"{name} = {expression}")
        if most < WORD_MAX:
            self._most[name] = most
        return name

    def let_two(self, expression: str) -> tuple[str, str]:
        """Two new variables for the two values of the expression."""
        one, other = f"v{self._variables}", f"v{self._variables + 1}"
        self._variables += 2
        self.lines.append(f"{one}, {other} = {expression}")
        return one, other

    def truth(self, text: str) -> str:
        """A new truth, or a variable where its text would get long: truths are made of truths."""
        if len(text) > _LONGEST_TRUTH:
            return self.let(f"1 if {text} else 0", 1)
        name = f"t{len(self._truths)}"
        self._truths[name] = text
        self._most[name] = 1
        return name

    def condition(self, item: str) -> str:
        """Text that is true where the item is not 0."""
        return self._truths.get(item, item)

    def is_truth(self, item: str) -> bool:
        """Whether the item is a truth."""
        return item in self._truths

    def number(self, item: str) -> str:
        """The item as digits or a variable."""
        if item not in self._truths:
            return item
        if item not in self._numbers:
            self._numbers[item] = self.let(self.shown(item), 1)
        return self._numbers[item]

    def shown(self, item: str) -> str:
        """The item's number as an expression; no line is written."""
        truth = self._truths.get(item)
        return item if truth is None else self._numbers.get(item, f"(1 if {truth} else 0)")

    # ---- opcodes
    def is_zero(self, item: str) -> str:
        """ISZERO."""
        if item.isdigit():
            return str(int(item == "0"))
        return self.truth(f"(not {self.condition(item)})")

    def compared(self, opcode: int, a: str, b: str) -> str:
        """LT, GT, SLT, SGT or EQ."""
        text = _TRUTHS[opcode].format(a=self.number(a), b=self.number(b))
        return str(int(eval(text))) if a.isdigit() and b.isdigit() else self.truth(text)

    def both(self, a: str, b: str) -> str:
        """AND."""
        if self.is_truth(a) and self.is_truth(b):
            return self.truth(f"({self._truths[a]} and {self._truths[b]})")
        for mask, item in ((a, b), (b, a)):
            # All ones as far as the other can reach.
            if mask.isdigit() and not int(mask) & int(mask) + 1 and self.most(item) <= int(mask):
                return self.number(item)
        return self._made(f"{self.number(a)} & {self.number(b)}", min(self.most(a), self.most(b)))

    def either(self, a: str, b: str) -> str:
        """OR."""
        if self.is_truth(a) and self.is_truth(b):
            return self.truth(f"({self._truths[a]} or {self._truths[b]})")
        return self._made(f"{self.number(a)} | {self.number(b)}", self._wider(a, b))

    def other(self, a: str, b: str) -> str:
        """XOR."""
        return self._made(f"{self.number(a)} ^ {self.number(b)}", self._wider(a, b))

    def sum(self, a: str, b: str) -> str:
        """ADD."""
        most = self.most(a) + self.most(b)
        return self._kept_within(f"{self.number(a)} + {self.number(b)}", most)

    def product(self, a: str, b: str) -> str:
        """MUL."""
        most = self.most(a) * self.most(b)
        return self._kept_within(f"{self.number(a)} * {self.number(b)}", most)

    def difference(self, a: str, b: str) -> str:
        """SUB."""
        text = f"{self.number(a)} - {self.number(b)}"
        if a.isdigit() and int(a) >= self.most(b):
            return self._made(text, int(a))
        return self._made(f"{text} & {WORD_MAX}", WORD_MAX)

    def quotient(self, a: str, b: str) -> str:
        """DIV."""
        a, b = self.number(a), self.number(b)
        return self._made(f"{a} // {b}" + _unless_zero(b), self.most(a))

    def rest(self, a: str, b: str) -> str:
        """MOD."""
        a, b = self.number(a), self.number(b)
        return self._made(f"{a} % {b}" + _unless_zero(b), min(self.most(a), self.most(b)))

    def shifted_left(self, by: str, item: str) -> str:
        """SHL."""
        by, item = self.number(by), self.number(item)
        if not by.isdigit():
            return self.let(f"{item} << {by} & {WORD_MAX} if {by} < 256 else 0")
        if int(by) > 255:
            return "0"
        return self._kept_within(f"({item} << {by})", self.most(item) << int(by))

    def shifted_right(self, by: str, item: str) -> str:
        """SHR."""
        by, item = self.number(by), self.number(item)
        if not by.isdigit():
            return self.let(f"{item} >> {by} if {by} < 256 else 0", self.most(item))
        return self._made(f"{item} >> {by}", self.most(item) >> int(by)) if int(by) < 256 else "0"

    def computed(self, opcode: int, items: list[str]) -> str:
        """Any other opcode of `OPERANDS`: what its expression says of the items, the top first."""
        numbers = dict(zip("abc", map(self.number, items), strict=False))
        return self.let(_EXPRESSIONS[opcode].format(M=WORD_MAX, **numbers))

    def _wider(self, a: str, b: str) -> int:
        return (1 << max(self.most(a).bit_length(), self.most(b).bit_length())) - 1

    def _kept_within(self, text: str, most: int) -> str:
        fits = most <= WORD_MAX
        return self._made(text if fits else f"{text} & {WORD_MAX}", min(most, WORD_MAX))

    def _made(self, text: str, most: int) -> str:
        """A variable, or digits where there are no others in the text."""
        if any(letter in text for letter in "vx"):
            return self.let(text, most)
        return str(eval(text))


def _unless_zero(divisor: str) -> str:
    if divisor.isdigit() and divisor != "0":
        return ""
    return f" if {divisor} else 0"


_TRUTHS = {
    0x10: "({a} < {b})",
    0x11: "({a} > {b})",
    0x12: f"({{a}} ^ {_SIGN} < {{b}} ^ {_SIGN})",
    0x13: f"({{a}} ^ {_SIGN} > {{b}} ^ {_SIGN})",
    0x14: "({a} == {b})",
}
_EXPRESSIONS = {
    0x05: "divided({a}, {b})",
    0x07: "remainder({a}, {b})",
    0x08: "({a} + {b}) % {c} if {c} else 0",
    0x09: "{a} * {b} % {c} if {c} else 0",
    0x0B: "extended({a}, {b})",
    0x19: "{a} ^ {M}",
    0x1A: "{b} >> 248 - 8 * {a} & 255 if {a} < 32 else 0",
    0x1D: "shifted({a}, {b})",
    0x30: "number(c.msg.storage_address, 'big')",
    0x32: "number(c.transaction_context.origin, 'big')",
    0x33: "number(c.msg.sender, 'big')",
    0x34: "c.msg.value",
    0x36: "len(i)",
    0x3D: "len(c.return_data)",
}
_OWN: dict[int, Callable[[Values, str, str], str]] = {
    0x01: Values.sum,
    0x02: Values.product,
    0x03: Values.difference,
    0x04: Values.quotient,
    0x06: Values.rest,
    0x16: Values.both,
    0x17: Values.either,
    0x18: Values.other,
    0x1B: Values.shifted_left,
    0x1C: Values.shifted_right,
}
OPERANDS = {
    **dict.fromkeys(_OWN, 2),
    **dict.fromkeys(_TRUTHS, 2),
    **{opcode: sum(f"{{{one}}}" in text for one in "abc") for opcode, text in _EXPRESSIONS.items()},
}
"""Opcode to how many items it takes; each leaves one."""


def operate(values: Values, opcode: int, items: list[str]) -> str:
    """What an opcode of `OPERANDS` leaves of its items, the top first."""
    if opcode in _OWN:
        return _OWN[opcode](values, *items)
    if opcode in _TRUTHS:
        return values.compared(opcode, *items)
    return values.computed(opcode, items)
