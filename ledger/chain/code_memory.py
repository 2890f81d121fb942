"""Code memory: a compiled run's loads, stores, hashes and copies.

Memory never shrinks: what a run has made room for once is not asked about again. A word that it put
or read at a fixed place is known until something may have been put over it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.chain.code_values import Values

_HASH_GAS, _COPY_GAS = 6, 3
"""For each word."""
_LOG_GAS, _TOPIC_GAS = 8, 375
"""For each byte and each topic."""
_WORD = 32


class MemoryWriter:
    """Writes what a run does with memory."""

    def __init__(self, values: Values, names: dict[str, Any], pay: Callable[[int], None]) -> None:
        self._values = values
        self._names = names
        self._pay_ahead = pay
        """Takes gas that is known now, to be paid with the rest of the stretch."""
        self._room = 0
        # By the text of the place: the word there, and the end of one for which there is room.
        self._words: dict[str, str] = {}
        self._ends: dict[str, str] = {}

    def load(self, start: str) -> str:
        """MLOAD."""
        known = self._words.get(start)
        if known is not None:
            return known
        end = self._make_room_for_word(start)
        found = self._words[start] = self._values.let(f"number(b[{start}:{end}], 'big')")
        return found

    def save(self, start: str, value: str) -> None:
        """MSTORE."""
        end = self._make_room_for_word(start)
        if value.isdigit():
            word = f"w{len(self._names)}"
            self._names[word] = int(value).to_bytes(_WORD, "big")
        else:
            word = f"{value}.to_bytes(32, 'big')"
        self._values.lines.append(f"b[{start}:{end}] = {word}")
        self._forget(start, str(_WORD))
        self._words[start] = value

    def save_byte(self, start: str, value: str) -> None:
        """MSTORE8."""
        self._make_room(start, "1")
        self._values.lines.append(f"b[{start}] = {value} & 255")
        self._forget(start, "1")

    def hash(self, start: str, size: str) -> str:
        """SHA3."""
        end = self._make_room(start, size)
        self._pay(_HASH_GAS, size)
        return self._values.let(f"number(keccak_256(b[{start}:{end}]).digest(), 'big')")

    def copy(self, source: str, target: str, start: str, size: str) -> None:
        """CALLDATACOPY and CODECOPY."""
        end = self._make_room(target, size)
        self._pay(_COPY_GAS, size)
        found = f"{source}[{start}:{_end(start, size)}].ljust({size}, b'\\0')"
        if not size.isdigit():
            self._values.lines += [f"if {size}:", f"    b[{target}:{end}] = {found}"]
        elif size != "0":
            self._values.lines.append(f"b[{target}:{end}] = {found}")
        self._forget(target, size)

    def logged(self, start: str, size: str, topics: int) -> str:
        """What a LOG takes of memory, as an expression."""
        self._pay_ahead(_TOPIC_GAS * topics)
        if size.isdigit():
            self._pay_ahead(_LOG_GAS * int(size))
        else:
            self._pay_now(self._values.let(f"{_LOG_GAS} * {size}"))
        return f"bytes(b[{start}:{self._make_room(start, size)}])"

    def _forget(self, start: str, size: str) -> None:
        if not (start.isdigit() and size.isdigit()):
            self._words.clear()
            return
        first, end = int(start), int(start) + int(size)
        for at in list(self._words):
            if not at.isdigit() or first - _WORD < int(at) < end:
                del self._words[at]

    def _pay(self, gas_for_word: int, size: str) -> None:
        if size.isdigit():
            self._pay_ahead(gas_for_word * (int(size) + 31 >> 5))
            return
        self._pay_now(self._values.let(f"{gas_for_word} * ({size} + 31 >> 5)"))

    def _pay_now(self, cost: str) -> None:
        self._values.lines += [
            f"left -= {cost}",
            "if left < 0:",
            f"    meter.gas_remaining = left + {cost}",
            f"    c.consume_gas({cost}, 'bytes')",
        ]

    def _make_room_for_word(self, start: str) -> str:
        """Of a place that is not fixed the end is a variable, and asked about once."""
        if start.isdigit():
            return self._make_room(start, str(_WORD))
        if start not in self._ends:
            self._ends[start] = self._values.let(_end(start, str(_WORD)))
            self._make_room(start, str(_WORD), self._ends[start])
        return self._ends[start]

    def _make_room(self, start: str, size: str, end: str = "") -> str:
        """Make memory reach an end, and pay for it; the end as text."""
        end = end or _end(start, size)
        if size == "0" or (end.isdigit() and int(end) <= self._room):
            return end
        self._values.lines += [
            f"if {end} > len(b):",
            "    meter.gas_remaining = left",
            f"    c.extend_memory({start}, {size})",
            "    left = meter.gas_remaining",
            "    b = memory._bytes",
        ]
        if end.isdigit():
            self._room = int(end)
        return end


def _end(start: str, size: str) -> str:
    if start.isdigit() and size.isdigit():
        return str(int(start) + int(size))
    return f"{start} + {size}"
