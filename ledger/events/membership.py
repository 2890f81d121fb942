"""Membership events: who belongs, with which keys, and what members declare of one another.

Keys are 20-byte addresses; members are numbers, dates days since 1970-01-01.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class ListRole(StrEnum):
    """What a listed party does for the bank (名单制)."""

    ASSIST = "assist"
    """Brings or services loans (助贷)."""
    COFUND = "cofund"
    """Funds loans together with the bank (共同出资)."""
    ENHANCE = "enhance"
    """Places deposits or pays for losses (增信)."""

    @property
    def bit(self) -> int:
        """As the contract has it: 1, 2 or 4."""
        return 1 << list(ListRole).index(self)

    @classmethod
    def of(cls, bit: int) -> ListRole:
        """The inverse of `bit`. Raises `ValueError` for what is the bit of no role."""
        for role in cls:
            if role.bit == bit:
                return role
        raise ValueError(f"no list has role {bit}")

    @classmethod
    def shown(cls, bit: int) -> str:
        """The role's word; of what no role has, and a request may hold, the number."""
        return next((role.value for role in cls if role.bit == bit), str(bit))


class MemberAdmitted(NamedTuple):
    """A member joined. Keys are 20-byte addresses."""

    number: int
    member_id: bytes
    name: str
    maker: bytes
    checker: bytes
    roles: int
    licences: int
    validator: bytes


class MemberExpelled(NamedTuple):
    """A member left; its keys no longer act."""

    number: int


class KeyReplaced(NamedTuple):
    """A member acts with a new key."""

    number: int
    old_key: bytes
    new_key: bytes


class KeyAdded(NamedTuple):
    """A member has one more maker key."""

    number: int
    key: bytes


class KeyRevoked(NamedTuple):
    """A maker key no longer acts."""

    number: int
    key: bytes


class VoteCast(NamedTuple):
    """A checker voted for a change of membership."""

    motion: bytes
    number: int
    votes: int
    carried: bool


class ActionRequested(NamedTuple):
    """A maker asks its member's checker for an action: the call data to send to `target`."""

    action_id: bytes
    number: int
    target: bytes
    payload: bytes


class ActionConfirmed(NamedTuple):
    """A checker carried a requested action out."""

    action_id: bytes
    number: int


class ListChanged(NamedTuple):
    """名单制: a bank lists a party under a role, or not, on these days."""

    bank: int
    party: int
    role: int
    """1 assist, 2 cofund, 4 enhance."""
    listed: bool
    from_date: int
    to_date: int
    """Inclusive; 65535 stands for no end."""


class FigureDeclared(NamedTuple):
    """A member declared a figure of its own, from a day on."""

    member: int
    figure: int
    """1 tier-1 capital, 2 all loans, 3 net assets."""
    currency: int
    from_date: int
    amount_minor: int


class GroupDeclared(NamedTuple):
    """A bank counts a party to a group of partners."""

    bank: int
    party: int
    group: int
