"""Slots: what a contract keeps under a key, read from its storage as Vyper lays it out."""

from __future__ import annotations

from collections.abc import Callable

from eth_hash.auto import keccak

ReadSlot = Callable[[bytes, int], int]
"""(contract, number) -> what the slot holds"""


def word_under(slot: bytes, key: bytes) -> bytes:
    """The slot of a key's word, or of its own map, in the map at a slot, as Vyper lays it out."""
    return bytes(keccak(slot + key))
