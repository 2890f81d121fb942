"""Keys: who may act for which member, and what was done under four eyes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from eth_hash.auto import keccak

from ledger import events
from ledger.events import Place
from ledger.replay.report import Findings, shown

Checks = Mapping[type, Callable[[Any, Place], None]]
"""Kind of event to what is checked of one, and of where it stands."""


class Key(NamedTuple):
    """What a key is: the maker's or the checker's of a member."""

    number: int
    """0 for a key that is nobody's."""
    is_checker: bool

    @property
    def word(self) -> int:
        """As Members keeps it."""
        return self.number * 2 + self.is_checker

    def __str__(self) -> str:
        return f"member {self.number}'s {'checker' if self.is_checker else 'maker'}"


NOBODY = Key(0, False)


class Keys:
    """Follows the events of Members: K1, K2, and whose each key is."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._live: dict[bytes, Key] = {}
        self._used: set[bytes] = set()
        self._waiting: set[tuple[int, bytes]] = set()
        self._licences: dict[int, int] = {}
        self.checks: Checks = {
            events.MemberAdmitted: self._admitted,
            events.MemberExpelled: self._expelled,
            events.KeyReplaced: self._replaced,
            events.KeyAdded: self._added,
            events.KeyRevoked: self._revoked,
            events.ActionRequested: self._requested,
            events.ActionConfirmed: self._confirmed,
        }

    def of(self, key: bytes) -> Key:
        """Whose the key is at present."""
        return self._live.get(key, NOBODY)

    def has_ended(self, key: bytes) -> bool:
        """Whether the key was a member's once and acts no more."""
        return key in self._used and key not in self._live

    def makers(self, number: int) -> list[bytes]:
        """The maker keys of a member at present."""
        return [key for key, own in self._live.items() if own == Key(number, False)]

    def licences(self, number: int) -> int:
        """The licences of a member, 0 once it is expelled."""
        return self._licences.get(number, 0)

    @property
    def waiting(self) -> frozenset[tuple[int, bytes]]:
        """Member and id of each action that waits for its checker."""
        return frozenset(self._waiting)

    def _admitted(self, event: events.MemberAdmitted, place: Place) -> None:
        self._take(event.maker, Key(event.number, False), place)
        self._take(event.checker, Key(event.number, True), place)
        self._licences[event.number] = event.licences

    def _expelled(self, event: events.MemberExpelled, place: Place) -> None:
        self._licences.pop(event.number, None)
        for key in [key for key, own in self._live.items() if own.number == event.number]:
            del self._live[key]

    def _replaced(self, event: events.KeyReplaced, place: Place) -> None:
        is_checker = False
        # Nothing is replaced where the member's first maker key was revoked before.
        if any(event.old_key):
            is_checker = self._drop(event.old_key, event.number, place, "replaced").is_checker
        self._take(event.new_key, Key(event.number, is_checker), place)

    def _added(self, event: events.KeyAdded, place: Place) -> None:
        self._take(event.key, Key(event.number, False), place)

    def _revoked(self, event: events.KeyRevoked, place: Place) -> None:
        self._drop(event.key, event.number, place, "revoked")

    def _take(self, key: bytes, own: Key, place: Place) -> None:
        fresh = key not in self._used
        self._findings.require("K1", place, fresh, "a key never used before", key)
        self._used.add(key)
        self._live[key] = own

    def _drop(self, key: bytes, number: int, place: Place, what: str) -> Key:
        own = self._live.pop(key, NOBODY)
        expected = f"a key of member {number} to be {what}"
        holds = own.number == number
        self._findings.require("K1", place, holds, expected, f"{shown(key)}, {own}")
        return own

    def _requested(self, event: events.ActionRequested, place: Place) -> None:
        own_id = keccak(event.target + event.payload)
        name = f"action of member {event.number}: id"
        self._findings.expect("K2", place, own_id, event.action_id, name)
        self._waiting.add((event.number, event.action_id))

    def _confirmed(self, event: events.ActionConfirmed, place: Place) -> None:
        action = event.number, event.action_id
        name = f"action {shown(event.action_id)} requested by member {event.number}"
        self._findings.require("K2", place, action in self._waiting, name, "-")
        self._waiting.discard(action)
