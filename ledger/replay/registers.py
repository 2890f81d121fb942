"""Registers: members and their keys, lists and declared figures, as the contracts hold them."""

from __future__ import annotations

from ledger import reading
from ledger.book import Book
from ledger.events import ListChanged
from ledger.replay.asking import Asking
from ledger.replay.exposures import groups_of
from ledger.replay.followed import Followed
from ledger.replay.lists import ListBook
from ledger.replay.report import shown

_LAST_DAY = 65_535


class Registers:
    """Compares Members, Lists and the declarations of Exposures with the book."""

    def __init__(self, book: Book, asking: Asking, followed: Followed, today: int) -> None:
        self._book = book
        self._asking = asking
        self._followed = followed
        self._today = today
        self._members = reading.members(book)

    def check(self) -> None:
        """Check members, keys, actions, lists, figures and groups."""
        self._check_members()
        self._check_actions()
        for member in self._members:
            # Lists and declarations take a checker: an enrolled member has none.
            if not any(member.checker):
                continue
            self._check_list(member.number)
            self._check_figures(member.number)
        self._check_groups()

    def _check_members(self) -> None:
        ask, expect = self._asking.ask, self._asking.expect
        expect("members", len(self._members), ask("Members", "count"), "count")
        for member in self._members:
            live = set(reading.live_keys(self._book, member.number))
            makers = {bytes.fromhex(key[2:]) for key in ask("Members", "makers", member.number)}
            expect("members", sorted(live), sorted(makers), f"{member.member_id}: maker keys")
            for known in reading.maker_keys(self._book, member.number):
                self._check_key(member.member_id, known.key)
            if any(member.checker):
                self._check_key(member.member_id, member.checker)
            standing = member.roles, self._followed.keys.licences(member.number)
            found = tuple(ask("Members", "standing", member.number))
            expect("members", standing, found, f"{member.member_id}: roles, licences")

    def _check_key(self, member_id: str, key: bytes) -> None:
        """K3: a key that ended is nobody's."""
        keys = self._followed.keys
        check = "K3" if keys.has_ended(key) else "members"
        found = self._asking.ask("Members", "key_role", shown(key))
        self._asking.expect(check, keys.of(key).word, found, f"{member_id}: role of {shown(key)}")

    def _check_actions(self) -> None:
        """K2: what waits for its checker is known to the contract."""
        waiting = {(action.number, action.action_id) for action in reading.actions(self._book)}
        same = waiting == self._followed.keys.waiting
        self._asking.findings.require(
            "K2", self._asking.head, same, "actions that wait as in the events", len(waiting)
        )
        for number, action_id in sorted(waiting):
            found = self._asking.ask("Members", "requested", number, action_id)
            name = f"action {shown(action_id)} of member {number} waits:"
            self._asking.expect("K2", True, found, name, about=action_id)

    def _check_list(self, bank: int) -> None:
        """N1: on every day on which a list changes, and today, the newest change decides."""
        changes = reading.list_changes(self._book, bank)
        kept = self._asking.ask("Lists", "keeps_list", bank)
        self._asking.expect("N1", bool(changes), kept, f"member {bank}: keeps a list:")
        book = ListBook()
        days: dict[tuple[int, int], set[int]] = {}
        for one in changes:
            book.add(ListChanged(bank, one.party, one.role, one.listed, one.from_date, one.to_date))
            own = days.setdefault((one.party, one.role), {self._today})
            own |= {one.from_date, min(one.to_date + 1, _LAST_DAY)}
        for (party, role), own in days.items():
            for day in sorted(own):
                listed = book.names(bank, party, role, day)
                found = self._asking.ask("Lists", "is_listed", bank, party, role, day)
                name = f"member {bank} lists member {party} in role {role} on day {day}:"
                self._asking.expect("N1", listed, found, name)

    def _check_figures(self, number: int) -> None:
        """X3: of the declarations that hold on a day the newest counts."""
        declared = reading.declared(self._book, number)
        for day in sorted({self._today, *(one.from_date for one in declared)} if declared else ()):
            for one in reading.figures(self._book, number, day):
                found = self._asking.ask(
                    "Exposures", "figure_on", number, one.figure, one.currency, day
                )
                name = f"member {number}: figure {one.figure} on day {day}"
                self._asking.expect("X3", (True, one.amount_minor), tuple(found), name)

    def _check_groups(self) -> None:
        for bank, groups in groups_of(self._book).items():
            for party, group in groups.items():
                found = self._asking.ask("Exposures", "group_of", bank, party)
                name = f"member {bank}: group of member {party}"
                self._asking.expect("X4", group, found, name)
