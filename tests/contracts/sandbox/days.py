"""Days: what a party's own books say of a business day, as the contract takes it.

Written from the comments of the contract: totals, digest and hashes of the sections are checked,
not shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

from eth_abi import encode
from eth_hash.auto import keccak

KINDS = 16
SOME_BALANCES = b"\x07" * 32
SOME_ENTRIES = b"\x08" * 32
_TYPE = "(uint256[16],int256[12],bytes32,bytes32,bytes32[])"


class DayKind(IntEnum):
    """Kinds of entry in the totals of a day."""

    BOOKING = 1
    REPAYMENT = 2
    WAIVER = 3
    WRITE_OFF = 4
    COMPENSATION = 5
    RECOVERY = 6
    CLAIM_REPAYMENT = 7
    DEPOSIT_PAYMENT = 8
    DEPOSIT_RELEASE = 9
    PERIOD_STATEMENT = 10
    SETTLEMENT_PAYMENT = 11
    REVERSAL = 12
    CONFIRMATION = 13
    TRANSFER = 14
    VOUCHER_PAYMENT = 15


class Section(IntFlag):
    """Parts of a statement in which two of them differ."""

    TOTALS = 1
    CLEARING = 2
    BALANCES = 4
    ENTRIES = 8
    BREAKS = 16


Totals = dict[int, tuple[int, int]]
"""Kind to count and sum in minor units; kinds without entries left out."""


def words_of(totals: Totals) -> tuple[int, ...]:
    """Totals as the contract packs them."""
    found = [0] * KINDS
    for kind, (count, amount) in totals.items():
        found[kind] = count << 128 | amount
    return tuple(found)


def totals_of(words: tuple[int, ...]) -> Totals:
    """Totals as people read them."""
    return {kind: (word >> 128, word % 2**128) for kind, word in enumerate(words) if word}


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """日终: what a party signs of a day."""

    totals: tuple[int, ...] = (0,) * KINDS
    clearing: tuple[int, ...] = (0,) * 12
    balances: bytes = SOME_BALANCES
    entries: bytes = SOME_ENTRIES
    breaks: tuple[bytes, ...] = ()

    @property
    def row(self) -> tuple[object, ...]:
        """As the contract takes it."""
        return self.totals, self.clearing, self.balances, self.entries, list(self.breaks)

    def digest(self, deal: bytes, day: int) -> bytes:
        """What the contract compares."""
        return keccak(encode(["bytes32", "uint256", _TYPE], [deal, day, self.row]))

    @property
    def sections(self) -> tuple[bytes, ...]:
        """Hashes of the five parts."""
        return (
            keccak(encode(["uint256[16]"], [self.totals])),
            keccak(encode(["int256[12]"], [self.clearing])),
            self.balances,
            self.entries,
            # A list among the arguments is encoded behind its offset.
            keccak(encode(["bytes32[]"], [list(self.breaks)])),
        )
