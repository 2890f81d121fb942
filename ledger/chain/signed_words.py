"""Signed words: what the EVM does with words of 256 bits that may be negative."""

from __future__ import annotations

_WORD = 1 << 256
_MASK = _WORD - 1


def _signed(number: int) -> int:
    return number - _WORD if number >> 255 else number


def divided(left: int, right: int) -> int:
    """SDIV: towards zero."""
    if not right:
        return 0
    a, b = _signed(left), _signed(right)
    whole = abs(a) // abs(b)
    return (-whole if (a < 0) != (b < 0) else whole) & _MASK


def remainder(left: int, right: int) -> int:
    """SMOD: with the sign of the left one."""
    if not right:
        return 0
    a, b = _signed(left), _signed(right)
    rest = abs(a) % abs(b)
    return (-rest if a < 0 else rest) & _MASK


def extended(size: int, value: int) -> int:
    """SIGNEXTEND: a number of `size` + 1 bytes."""
    if size > 30:
        return value
    sign = 1 << (size * 8 + 7)
    return value | (_WORD - sign) if value & sign else value & (sign - 1)


def shifted(by: int, value: int) -> int:
    """SAR: with the sign kept."""
    return _signed(value) >> min(by, 256) & _MASK
