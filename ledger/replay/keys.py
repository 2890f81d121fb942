"""Keys: who may act for which member, who has a vote, and what was done under four eyes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from eth_hash.auto import keccak

from ledger import events
from ledger.consortium import ENROLLERS, Role
from ledger.events import Place
from ledger.founding import bits
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
_ENROLLERS = bits(list(Role), ENROLLERS)
_SUPPLIER = bits(list(Role), (Role.SUPPLIER,))


class Keys:
    """Follows the events of Members: K1, K2, K4, and whose each key is."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._live: dict[bytes, Key] = {}
        self._used: set[bytes] = set()
        self._waiting: set[tuple[int, bytes]] = set()
        self._licences: dict[int, int] = {}
        self._roles: dict[int, int] = {}
        self._voters: set[int] = set()
        """Members that were admitted and are not expelled."""
        self._votes: dict[bytes, set[int]] = {}
        """Motion to who voted for it since one was carried last."""
        self.checks: Checks = {
            events.MemberAdmitted: self._admitted,
            events.MemberExpelled: self._expelled,
            events.KeyReplaced: self._replaced,
            events.KeyAdded: self._added,
            events.KeyRevoked: self._revoked,
            events.VoteCast: self._voted,
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

    def roles(self, number: int) -> int:
        """The roles of a member, an expelled one's too."""
        return self._roles.get(number, 0)

    def may_enrol(self, number: int) -> bool:
        """Whether a member may make suppliers members."""
        return bool(self.roles(number) & _ENROLLERS)

    @property
    def waiting(self) -> frozenset[tuple[int, bytes]]:
        """Member and id of each action that waits for its checker."""
        return frozenset(self._waiting)

    def _admitted(self, event: events.MemberAdmitted, place: Place) -> None:
        self._take(event.maker, Key(event.number, False), place)
        self._licences[event.number] = event.licences
        self._roles[event.number] = event.roles
        if any(event.checker):
            self._take(event.checker, Key(event.number, True), place)
            self._voters.add(event.number)
            self._findings.counts["K4"] += 1
            return
        found = event.roles, event.licences, any(event.validator)
        name = f"member {event.number}, without a checker: roles, licences, a seal"
        self._findings.expect("K4", place, (_SUPPLIER, 0, False), found, name)

    def _expelled(self, event: events.MemberExpelled, place: Place) -> None:
        self._licences.pop(event.number, None)
        self._voters.discard(event.number)
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

    def _voted(self, event: events.VoteCast, place: Place) -> None:
        votes = self._votes.setdefault(event.motion, set())
        holds = event.number in self._voters - votes
        expected = "a vote of an admitted member, its first on the motion"
        self._findings.require("K4", place, holds, expected, f"member {event.number}")
        votes.add(event.number)
        counted = len(votes), len(votes) * 2 > len(self._voters)
        name = f"votes of {len(self._voters)}, and whether they carry"
        self._findings.expect("K4", place, counted, (event.votes, event.carried), name)
        if event.carried:
            self._votes.clear()

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
