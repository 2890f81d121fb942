"""Membership: who acts for whom, by the names of keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.stateful.refusal import demand


@dataclass(frozen=True, slots=True)
class Four:
    """Four eyes: a checker's key, and whether its member's maker asked for the very act."""

    checker: str
    requested: bool = True


class Membership:
    """The members, their maker keys and their checkers."""

    def __init__(self, members: Sequence[str]) -> None:
        self.members = list(members)
        self.makers = {f"{name} maker": name for name in members}
        self.checkers = {f"{name} checker": name for name in members}
        self.first: dict[str, str | None] = {name: f"{name} maker" for name in members}
        """The key of the admission or the latest replacement, unless it was revoked."""
        self.taken = {*self.makers, *self.checkers}
        """Every key that ever was somebody's."""

    def makers_of(self, name: str) -> list[str]:
        """The maker keys of a member that act."""
        return [key for key, owner in self.makers.items() if owner == name]

    def maker(self, sender: str) -> str:
        """The member a maker key acts for."""
        demand(sender in self.makers, "SENDER_NOT_MAKER")
        return self.makers[sender]

    def confirmed(self, act: Four) -> str:
        """The member whose checker sent what its maker requested."""
        demand(act.checker in self.checkers, "SENDER_NOT_CHECKER")
        demand(act.requested, "ACTION_NOT_REQUESTED")
        return self.checkers[act.checker]

    def replace_maker(self, checker: str, new: str) -> None:
        """The first maker key of a member gives way to another."""
        name = self._checked(checker)
        old = self.first[name]
        if old is not None:
            del self.makers[old]
        self._take(new, name)
        self.first[name] = new

    def add_maker(self, checker: str, new: str) -> None:
        """One more maker key."""
        self._take(new, self._checked(checker))

    def revoke_maker(self, checker: str, key: str) -> None:
        """One maker key less."""
        name = self._checked(checker)
        demand(self.makers.get(key) == name, "KEY_UNKNOWN")
        del self.makers[key]
        if self.first[name] == key:
            self.first[name] = None

    def _checked(self, checker: str) -> str:
        demand(checker in self.checkers, "SENDER_NOT_CHECKER")
        return self.checkers[checker]

    def _take(self, key: str, name: str) -> None:
        demand(key not in self.taken, "KEY_TAKEN")
        self.taken.add(key)
        self.makers[key] = name
