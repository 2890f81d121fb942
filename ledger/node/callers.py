"""Caller: who asks a node something, and how much it may ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Scope(StrEnum):
    """What a caller may do; each scope includes those before it."""

    READ = "read"
    SUBMIT = "submit"

    def includes(self, other: Scope) -> bool:
        """Whether whoever has this scope may do what needs `other`."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Caller:
    """A member's program at the door."""

    member: str
    """Its id; empty for whoever reaches a node that asks for no token."""
    scope: Scope
    token_id: str = field(default="", compare=False)
    """Of the token that it showed; names it in the log of requests and opens nothing."""


LOCAL = Caller("", Scope.SUBMIT)
"""Whoever reaches a node without tokens, which listens on the machine itself alone."""
