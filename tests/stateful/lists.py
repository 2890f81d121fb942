"""Lists: with whom, in which role and on which days each bank does business."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from tests.contracts.sandbox.banks import LAST_DAY, Role
from tests.contracts.sandbox.terms import Terms
from tests.stateful.membership import Four, Membership
from tests.stateful.refusal import demand


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a bank's list."""

    bank: str
    party: str
    role: int
    listed: bool = True
    from_date: int = 0
    to_date: int = LAST_DAY


def roles_of(terms: Terms, party: str) -> Collection[Role]:
    """The roles in which a list must name a party of a deal."""
    funds = party in [name for name, _ in terms.funding]
    payers = [layer.payer for layer in terms.layers]
    enhances = party in payers or (terms.deposit is not None and terms.deposit.by == party)
    roles = {Role.COFUND} if funds else set()
    if enhances:
        roles.add(Role.ENHANCE)
    if not funds and (party == terms.servicer or not enhances):
        roles.add(Role.ASSIST)
    return roles


@dataclass(kw_only=True)
class Lists:
    """All lists; a bank keeps one from its first change on."""

    members: Membership
    changes: list[Change] = field(default_factory=list)

    def change(self, act: Four, change: Change) -> None:
        """A bank changes its list."""
        demand(self.members.confirmed(act) == change.bank, "SENDER_NOT_BANK")
        demand(change.party in self.members.members, "PARTY_UNKNOWN")
        demand(change.role in set(Role), "ROLE_UNKNOWN")
        dated = change.from_date <= change.to_date <= LAST_DAY
        demand(dated, "LIST_DATES_INVALID")
        self.changes.append(change)

    def keeps(self, bank: str) -> bool:
        """Whether a bank keeps a list."""
        return any(change.bank == bank for change in self.changes)

    def is_listed(self, bank: str, party: str, role: int, day: int) -> bool:
        """Whether the newest change that covers a day names the party."""
        covering = [
            change.listed
            for change in self.changes
            if (change.bank, change.party, change.role) == (bank, party, role)
            and change.from_date <= day <= change.to_date
        ]
        return bool(covering) and covering[-1]

    def require_listed(self, terms: Terms, day: int) -> None:
        """Every funder that keeps a list names every other party."""
        for bank in (name for name, _ in terms.funding):
            if self.keeps(bank):
                for party in set(terms.parties) - {bank}:
                    for role in roles_of(terms, party):
                        demand(self.is_listed(bank, party, role, day), "PARTY_NOT_LISTED")
