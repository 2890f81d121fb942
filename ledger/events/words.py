"""Words: what the contracts pack into one word of 256 bits.

Amounts and legs: principal in bits 0-63, interest 64-127, penalty 128-191, fee 192-255, each in
minor units.
"""

from __future__ import annotations

from typing import NamedTuple

WORD_64 = (1 << 64) - 1


class Amounts(NamedTuple):
    """Four amounts in minor units, in the order of the packed word."""

    principal_minor: int
    interest_minor: int
    penalty_minor: int
    fee_minor: int

    @classmethod
    def unpack(cls, word: int) -> Amounts:
        """Read the four amounts from a word."""
        # Not by the constructor, which takes as long again: every leg comes by here.
        return tuple.__new__(
            cls, (word & WORD_64, (word >> 64) & WORD_64, (word >> 128) & WORD_64, word >> 192)
        )

    def pack(self) -> int:
        """The four amounts in one word."""
        return (
            self.principal_minor
            | self.interest_minor << 64
            | self.penalty_minor << 128
            | self.fee_minor << 192
        )


class Particulars(NamedTuple):
    """What a loan is, as packed at booking (借据要素). Dates are days since 1970-01-01."""

    start_date: int
    maturity_date: int
    annual_rate_ppm: int
    method: int
    """Index into `entries.Method`."""
    purpose: int
    """Index into `entries.Purpose`."""

    @classmethod
    def unpack(cls, word: int) -> Particulars:
        """Read the particulars from a word."""
        return tuple.__new__(
            cls,
            (
                word & 0xFFFF,
                (word >> 16) & 0xFFFF,
                (word >> 32) & 0xFFFFFF,
                (word >> 56) & 15,
                word >> 60,
            ),
        )

    def pack(self) -> int:
        """The particulars in one word."""
        return (
            self.start_date
            | self.maturity_date << 16
            | self.annual_rate_ppm << 32
            | self.method << 56
            | self.purpose << 60
        )


def fields_of(parts: tuple[int, ...]) -> list[int]:
    """The 64-bit fields of packed `parts`, four a word, first funder or layer first."""
    return [(word >> shift) & WORD_64 for word in parts for shift in (0, 64, 128, 192)]
