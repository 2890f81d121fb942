"""Model: what the ledger's contracts must do, as plain dicts of ints.

Each act changes the model or raises `Refusal` with the exact reason, in the contracts' order of
checks. Money is divided by `sandbox.model`, in fractions; nothing of the contracts or of `ledger`
is used. A caller works on a copy and keeps it when the act was not refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import LAST_DAY
from tests.contracts.sandbox.model import divided
from tests.contracts.sandbox.terms import Rule
from tests.contracts.settlements.periods import first_day
from tests.stateful.clearing import Clearing
from tests.stateful.exposures import Exposures
from tests.stateful.lists import Lists
from tests.stateful.membership import Four, Membership
from tests.stateful.refusal import demand


@dataclass(kw_only=True)
class Deal(Clearing):
    """A deal with everything that happens in it."""

    def close_month(self, act: Four, version: int, month: int, date: int) -> None:
        """分润结算单."""
        party = self.members.confirmed(act)
        demand(party in self.signing_parties, "SENDER_NOT_SIGNING_PARTY")
        terms = self.ruling(version)
        demand(terms.period.rule != Rule.NONE, "PERIOD_MISSING")
        months = self.months
        closed = bool(months.closed) and months.closed[0].month <= month < months.open_month
        demand(not closed, "PERIOD_CLOSED")
        demand(month == months.open_month and month != 0, "PERIOD_OUT_OF_ORDER")
        end = first_day(month + 1)
        rules_end = terms.effective_date < end <= self.ruled_until(version)
        demand(rules_end, "VERSION_NOT_IN_FORCE")
        demand(end - 1 <= date <= LAST_DAY, "PERIOD_DATE_INVALID")
        platform = months.close(terms).platform
        book = self.book_of_deal
        book.move(str(terms.period.to), "CLEARING", "INTEREST", platform)
        for (name, _), part in zip(terms.funding, divided(platform, terms.shares), strict=True):
            book.move(name, "INTEREST", "CLEARING", part)
        self.count(date, DayKind.PERIOD_STATEMENT, platform)


class Model:
    """The members, their lists and figures, and their deals."""

    def __init__(self, members: Sequence[str], deals: Sequence[str]) -> None:
        self.members = Membership(members)
        self.lists = Lists(members=self.members)
        self.exposures = Exposures(members=self.members)
        self.owed: Counter[tuple[str, str]] = Counter()
        self.deals = {
            name: Deal(
                name=name,
                members=self.members,
                # Odd numbers lend: see Member.admission.
                lenders=frozenset(members[::2]),
                lists=self.lists,
                exposures=self.exposures,
                owed=self.owed,
            )
            for name in deals
        }
