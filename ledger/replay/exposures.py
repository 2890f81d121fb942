"""Exposures: what each funder has out and each payer stands in for, across deals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ledger import reading
from ledger.book import Book
from ledger.entries import Kind
from ledger.events import GroupDeclared, Place
from ledger.replay.courses import Batch, Course
from ledger.replay.cover import Cover
from ledger.replay.twin import Twin

_UNREPORTED = (Kind.OVERDUE, Kind.CURE, Kind.WAIVER)
"""Entries that move no principal and that nobody reports."""

Groups = dict[int, dict[int, int]]
"""Bank to party to the group that it counts the party to; others are groups of their own."""


@dataclass(slots=True)
class Totals:
    """Over all deals, as Exposures keeps them."""

    concentration: Counter[tuple[int, int, int]] = field(default_factory=Counter)
    """Funder, group of partners, currency: what the funder has out in deals with the group."""
    joint: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Funder, currency: what it has out in joint deals."""
    liability: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Payer, currency: what its direct layers would pay if everything defaulted."""


def groups_of(book: Book) -> Groups:
    """The groups of partners of every bank."""
    return {
        member.number: reading.partner_groups(book, member.number)
        for member in reading.members(book)
    }


class Exposure:
    """One deal's part of the totals, as of its last batch under terms with limits across deals."""

    def __init__(
        self,
        course: Course,
        cover: Cover,
        groups: Groups,
        declared: list[tuple[Place, GroupDeclared]],
    ) -> None:
        self._course = course
        self._cover = cover
        """Goes on by each batch before this does."""
        self._groups = groups
        self._declared = list(declared)
        self._balances: Counter[int] = Counter()
        """Funder by its place to what it has out."""
        self._lent: Counter[int] = Counter()
        """The same, as of the last report."""
        self._by_version: Counter[int] = Counter()
        """Version to what is outstanding of its loans, as of the last report."""
        self._liable: dict[tuple[int, int], int] = {}
        """Version and payer to what the payer would have to pay."""
        self._is_joint = False
        self._looked: set[int] = set()
        """Versions whose limits were looked at: at their first report, once."""

    def take(self, batch: Batch) -> None:
        """Go on by a transaction."""
        self._check_declared(batch.place)
        for move in batch.moves:
            for place, part in enumerate(move.parts_minor):
                self._balances[place] += part
        version = self._reporting(batch)
        if version:
            self._report(version, sum(move.change_minor for move in batch.moves), batch.place)

    def finish(self) -> None:
        """The declarations that came after all entries."""
        self._check_declared(None)

    def add_to(self, totals: Totals) -> None:
        """Add the deal's part."""
        terms = next(iter(self._course.twins.values())).terms
        for place, amount in self._lent.items():
            if not amount:
                continue
            funder = terms.parties[place]
            own = self._groups.get(funder, {})
            partners = {own.get(party, party) for party in terms.parties if party != funder}
            for group in partners:
                totals.concentration[funder, group, terms.currency] += amount
            if self._is_joint:
                totals.joint[funder, terms.currency] += amount
        for (_, payer), amount in self._liable.items():
            totals.liability[payer, terms.currency] += amount

    def _reporting(self, batch: Batch) -> int:
        """The version under which a batch is reported; 0 when it is not."""
        version = 0
        moves = [move for move in batch.moves if move.kind not in _UNREPORTED]
        if moves:
            version = moves[0].version
        elif batch.lines:
            version = self._course.with_deposit(batch.place)
        return version if version in self._course.wide else 0

    def _report(self, version: int, change_minor: int, place: Place) -> None:
        twin = self._course.twins[version]
        if change_minor:
            self._by_version[version] += change_minor
            for funder in range(len(twin.funding)):
                self._lent[funder] = self._balances[funder]
            if version not in self._looked and not self._is_joint:
                self._is_joint = self._limits_joint_share(version, twin, place)
            self._looked.add(version)
        if twin.layers:
            self._count_liable(version, twin)

    def _limits_joint_share(self, version: int, twin: Twin, place: Place) -> bool:
        until = self._course.agreed.effective_until(self._course.deal_id, version, place)
        return any(
            one.max_joint_share_ppm and (until is None or one.from_date < until)
            for one in twin.terms.limits
        )

    def _count_liable(self, version: int, twin: Twin) -> None:
        """What the version's layers would pay if all its loans defaulted now."""
        cover = self._cover
        pays = twin.pays(
            max(0, self._by_version[version]),
            used_minor=cover.used_minor,
            deposit_minor=cover.deposit_minor,
            disbursed_minor=cover.disbursed_minor,
            outstanding_minor=cover.outstanding_minor,
        )
        by_payer: Counter[int] = Counter()
        for layer, pay in zip(twin.terms.layers, pays, strict=True):
            if not layer.from_deposit:
                by_payer[twin.terms.parties[layer.payer]] += pay
        for payer, amount in by_payer.items():
            self._liable[version, payer] = amount

    def _check_declared(self, place: Place | None) -> None:
        """X4: a party changes its group only while the bank has nothing out in the deal."""
        terms = next(iter(self._course.twins.values())).terms
        while self._declared and (place is None or self._declared[0][0] < place):
            at, event = self._declared.pop(0)
            # A bank is no partner of its own.
            if event.bank == event.party or not {event.bank, event.party} <= set(terms.parties):
                continue
            out = self._lent[terms.parties.index(event.bank)]
            expected = (
                f"nothing out of member {event.bank} when it counts member {event.party} to"
                f" group {event.group}"
            )
            self._course.require("X4", at, out == 0, expected, out)
