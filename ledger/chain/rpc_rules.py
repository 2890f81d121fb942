"""Rules of finality: by what a block of a network's chain is one that stays."""

from __future__ import annotations

from enum import StrEnum


class Finality(StrEnum):
    """By what a block is final."""

    HEAD = "head"
    """At once: one node alone seals, or the validators agree before they do (QBFT)."""
    CLIQUE = "clique"
    """Once more than half of the validators sealed it or a block on top of it."""


Rule = Finality | int
"""A number: with so many blocks on top of it."""


def read_rule(found: object) -> Rule | None:
    """The rule that a document says; None where it says none. Raises `ValueError`."""
    if found is None:
        return None
    if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
        return found
    return Finality(str(found))
