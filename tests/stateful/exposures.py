"""Exposures: what members have out across deals, against the figures that they declared.

Totals are sums over deals of what each deal came to at its last batch under terms that limit
anything across deals; nothing is added up as it goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from tests.contracts.sandbox.banks import Figure
from tests.contracts.sandbox.model import PPM, Book, layer_pays
from tests.contracts.sandbox.terms import CNY, Limits, Terms
from tests.stateful.agreement import segments
from tests.stateful.membership import Four, Membership
from tests.stateful.refusal import demand


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A figure of a member from a day on."""

    member: str
    figure: int
    amount: int
    from_date: int = 0
    currency: int = CNY


def is_wide(terms: Terms) -> bool:
    """Whether terms limit anything across deals."""
    return any(
        one.max_concentration
        or one.max_joint_share
        or one.max_guarantee_multiple
        or one.max_guaranteed_borrower
        for one in segments(terms)
    )


def direct_payers(terms: Terms) -> Collection[str]:
    """Who pays for losses from its own pocket."""
    return {str(layer.payer) for layer in terms.layers if not layer.from_deposit}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A deal after a batch."""

    deal: str
    version: int
    terms: Terms
    ruled_until: int
    book: Book
    outstanding: int
    disbursed: int
    used: list[int]
    deposit: int
    change: int
    """What it added to the outstanding."""


@dataclass(kw_only=True)
class Exposures:
    """Figures, groups and totals; all in one currency."""

    members: Membership
    declarations: list[Declaration] = field(default_factory=list)
    groups: dict[tuple[str, str], int] = field(default_factory=dict)
    """Bank, party: the group that the bank counts the party to."""
    lent: dict[tuple[str, str], int] = field(default_factory=dict)
    """Deal, funder: its loans there."""
    partners: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    """Deal, funder: groups of the others since the funder has something out there."""
    parties: dict[str, tuple[str, ...]] = field(default_factory=dict)
    looked_at: set[tuple[str, int]] = field(default_factory=set)
    joint_deals: set[str] = field(default_factory=set)
    reach: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Deal, version: outstanding of its loans."""
    liable: dict[tuple[str, int], dict[str, int]] = field(default_factory=dict)

    # ---- what members say
    def declare(self, act: Four, declaration: Declaration) -> None:
        """A member declares a figure of its own."""
        demand(self.members.confirmed(act) == declaration.member, "SENDER_NOT_DECLARER")
        demand(declaration.figure in set(Figure), "FIGURE_UNKNOWN")
        demand(declaration.from_date < 2**16, "FIGURE_DATE_INVALID")
        demand(declaration.amount < 2**80, "FIGURE_TOO_LARGE")
        self.declarations.append(declaration)

    def declare_group(self, act: Four, bank: str, party: str, group: int) -> None:
        """A bank counts a party to a group."""
        demand(self.members.confirmed(act) == bank, "SENDER_NOT_BANK")
        demand(party in self.members.members, "PARTY_UNKNOWN")
        demand(0 < group < 2**16, "GROUP_INVALID")
        out = [
            deal
            for (deal, funder), amount in self.lent.items()
            if funder == bank != party and amount and party in self.parties[deal]
        ]
        demand(not out, "GROUP_IN_USE")
        self.groups[bank, party] = group

    def figure_on(self, member: str, figure: int, day: int) -> int | None:
        """The newest declaration that holds on a day."""
        held = [
            one.amount
            for one in self.declarations
            if (one.member, one.figure) == (member, figure) and one.from_date <= day
        ]
        return held[-1] if held else None

    # ---- totals
    def concentration(self, funder: str, group: int) -> int:
        """What a funder has out in deals with a group."""
        return sum(
            amount
            for (deal, name), amount in self.lent.items()
            if name == funder and amount and group in self.partners[deal, name]
        )

    def joint(self, funder: str) -> int:
        """What a funder has out in joint deals."""
        return sum(
            amount
            for (deal, name), amount in self.lent.items()
            if name == funder and deal in self.joint_deals
        )

    def liability(self, payer: str) -> int:
        """What a payer would pay if every loan defaulted."""
        return sum(own.get(payer, 0) for own in self.liable.values())

    def moved(self, batch: Batch) -> None:
        """A deal's batch was posted."""
        terms, deal = batch.terms, batch.deal
        if not is_wide(terms):
            return
        if batch.change:
            self.reach[deal, batch.version] += batch.change
            self._look_at(batch)
            self.parties[deal] = terms.parties
            for name, _ in terms.funding:
                self._count_lent(deal, name, terms, batch.book.balance(name, "LOANS"))
        if terms.layers:
            self._count_liable(batch)

    def _look_at(self, batch: Batch) -> None:
        """A deal is joint from the first batch under terms that ever limit the joint share."""
        seen = (batch.deal, batch.version)
        if seen not in self.looked_at:
            self.looked_at.add(seen)
            if any(
                one.max_joint_share
                for one in segments(batch.terms)
                if (one.from_date or 0) < batch.ruled_until
            ):
                self.joint_deals.add(batch.deal)

    def _count_lent(self, deal: str, name: str, terms: Terms, after: int) -> None:
        if after and not self.lent.get((deal, name)):
            others = set(terms.parties) - {name}
            self.partners[deal, name] = {self.group_of(name, party) for party in others}
        self.lent[deal, name] = after

    def group_of(self, bank: str, party: str) -> int:
        """A party's group: its own number unless the bank says otherwise."""
        own = self.members.members.index(party) + 1
        return self.groups.get((bank, party), own)

    def _count_liable(self, batch: Batch) -> None:
        layers = batch.terms.layers
        pays = layer_pays(
            layers,
            claim=self.reach[batch.deal, batch.version],
            used=batch.used,
            deposit=batch.deposit,
            disbursed=batch.disbursed,
            outstanding=batch.outstanding,
        )
        by_payer = dict.fromkeys(direct_payers(batch.terms), 0)
        for layer, pay in zip(layers, pays, strict=True):
            if not layer.from_deposit:
                by_payer[str(layer.payer)] += pay
        self.liable[batch.deal, batch.version] = by_payer

    # ---- limits
    def borrower_room(self, terms: Terms, limits: Limits, day: int) -> int | None:
        """What one borrower may owe where payers stand in; None when nothing binds."""
        share = limits.max_guaranteed_borrower
        return min(
            (
                assets * share // PPM
                for payer in (direct_payers(terms) if share else ())
                if (assets := self.figure_on(payer, Figure.NET_ASSETS, day)) is not None
            ),
            default=None,
        )

    def require_within(self, deal: str, terms: Terms, limits: Limits, day: int) -> None:
        """After bookings, no total of a party is over its limit."""
        for name, _ in terms.funding:
            groups = self.partners[deal, name] if self.lent.get((deal, name)) else set()
            for room in self._room(name, Figure.TIER_1_CAPITAL, limits.max_concentration, day):
                within = all(self.concentration(name, group) <= room for group in groups)
                demand(within, "CONCENTRATION_OVER_LIMIT")
            for room in self._room(name, Figure.ALL_LOANS, limits.max_joint_share, day):
                demand(self.joint(name) <= room, "JOINT_SHARE_OVER_LIMIT")
        for payer in direct_payers(terms):
            for room in self._room(payer, Figure.NET_ASSETS, limits.max_guarantee_multiple, day):
                demand(self.liability(payer) <= room, "GUARANTEE_OVER_LIMIT")

    def _room(self, member: str, figure: int, limit: int, day: int) -> Iterator[int]:
        amount = self.figure_on(member, figure, day)
        if limit and amount is not None:
            yield amount * limit // PPM
