"""Membership: who belongs, with which keys, and what members declare of one another."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from ledger import events
from ledger.events import Event, Place
from ledger.records import name_of


class Membership:
    """Folds the events of Members, Lists and Exposures."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.appliers: Mapping[type[Event], Callable[[Any, Place], None]] = {
            events.MemberAdmitted: self._admitted,
            events.MemberExpelled: self._expelled,
            events.KeyReplaced: self._key_replaced,
            events.KeyAdded: self._key_added,
            events.KeyRevoked: self._key_revoked,
            events.ActionRequested: self._action_requested,
            events.ActionConfirmed: self._action_confirmed,
            events.ListChanged: self._list_changed,
            events.FigureDeclared: self._figure_declared,
            events.GroupDeclared: self._group_declared,
        }

    def _admitted(self, event: events.MemberAdmitted, place: Place) -> None:
        self._connection.execute(
            "INSERT INTO members VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (event.number, name_of(event.member_id), event.name, *event[3:]),
        )
        self._begin_key(event.number, event.maker, place)

    def _expelled(self, event: events.MemberExpelled, place: Place) -> None:
        self._connection.execute(
            "UPDATE members SET expelled = 1 WHERE number = ?", (event.number,)
        )
        self._connection.execute(
            "UPDATE maker_keys SET to_block = ? WHERE number = ? AND to_block IS NULL",
            (place.block, event.number),
        )

    def _key_replaced(self, event: events.KeyReplaced, place: Place) -> None:
        """A replacement does not say whose turn it is: the checker's key is known."""
        replaced = self._connection.execute(
            "UPDATE members SET checker = ? WHERE number = ? AND checker = ?",
            (event.new_key, event.number, event.old_key),
        )
        if not replaced.rowcount:
            self._end_key(event.number, event.old_key, place)
            self._begin_key(event.number, event.new_key, place)
            self._name_maker(event.number)

    def _key_added(self, event: events.KeyAdded, place: Place) -> None:
        self._begin_key(event.number, event.key, place)
        self._name_maker(event.number)

    def _key_revoked(self, event: events.KeyRevoked, place: Place) -> None:
        self._end_key(event.number, event.key, place)
        self._name_maker(event.number)

    def _action_requested(self, event: events.ActionRequested, place: Place) -> None:
        self._connection.execute(
            "INSERT INTO actions VALUES (?, ?, ?, ?, ?, 0)", (*event, place.block)
        )

    def _action_confirmed(self, event: events.ActionConfirmed, place: Place) -> None:
        self._connection.execute(
            "UPDATE actions SET confirmed = 1 WHERE action_id = ? AND number = ?", event
        )

    def _list_changed(self, event: events.ListChanged, place: Place) -> None:
        self._connection.execute(
            "INSERT INTO list_changes VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", (*event, place.block)
        )

    def _figure_declared(self, event: events.FigureDeclared, place: Place) -> None:
        self._connection.execute(
            "INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?)",
            (*event[:-1], str(event.amount_minor), place.block),
        )

    def _group_declared(self, event: events.GroupDeclared, place: Place) -> None:
        self._connection.execute(
            "INSERT INTO partner_groups VALUES (?, ?, ?, ?)", (*event, place.block)
        )

    # ---- keys

    def _begin_key(self, number: int, key: bytes, place: Place) -> None:
        self._connection.execute(
            "INSERT INTO maker_keys VALUES (?, ?, ?, NULL)", (number, key, place.block)
        )

    def _end_key(self, number: int, key: bytes, place: Place) -> None:
        self._connection.execute(
            "UPDATE maker_keys SET to_block = ? WHERE number = ? AND key = ? AND to_block IS NULL",
            (place.block, number, key),
        )

    def _name_maker(self, number: int) -> None:
        """A member goes by the newest maker key that lives; by its last one when none does."""
        self._connection.execute(
            "UPDATE members SET maker = coalesce((SELECT key FROM maker_keys"
            " WHERE maker_keys.number = members.number AND to_block IS NULL"
            " ORDER BY maker_keys.rowid DESC LIMIT 1), maker) WHERE number = ?",
            (number,),
        )
