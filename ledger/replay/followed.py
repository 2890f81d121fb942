"""Followed: every event in chain order, by all that need to know what came before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.events import Event, GroupDeclared, Place
from ledger.replay.agreed import Agreed
from ledger.replay.days import Days
from ledger.replay.deposits import Deposits
from ledger.replay.financing import Financing
from ledger.replay.keys import Keys
from ledger.replay.lent import Lent
from ledger.replay.lists import Lists
from ledger.replay.payments import Payments
from ledger.replay.pieces import Register
from ledger.replay.pools import Pools
from ledger.replay.report import Findings
from ledger.replay.sales import Sales
from ledger.replay.settlements import Settlements
from ledger.replay.vouchers import Vouchers


class Followed:
    """Members, terms, days, lists, deposits, settlements, vouchers and pools, as the events leave
    them."""

    def __init__(self, findings: Findings) -> None:
        self.keys = Keys(findings)
        self.agreed = Agreed(self.keys, findings)
        self.days = Days(self.agreed, findings)
        # Agreements come first: the others ask them.
        self.groups: list[tuple[Place, GroupDeclared]] = []
        """Every declaration of a group of partners, and where it stands."""
        lists, deposits = Lists(self.agreed, findings), Deposits(self.agreed, findings)
        settlements = Settlements(self.agreed, findings)
        self.register = Register(self.agreed, findings)
        lent = Lent(self.register)
        self.financing = Financing(self.register, lent)
        self.payments = Payments(self.register, lent, self.financing)
        self.pools = Pools(self.keys, findings)
        parts = (
            self.keys, self.agreed, self.days, lists, deposits, settlements,
            Vouchers(self.register), lent, self.financing, Sales(self.register, self.financing),
            self.payments, self.pools,
        )  # fmt: skip
        self._checks: dict[type, list[Callable[[Any, Place], None]]] = {}
        for part in parts:
            for kind, check in part.checks.items():
                self._checks.setdefault(kind, []).append(check)
        self._checks[GroupDeclared] = [lambda event, place: self.groups.append((place, event))]

    def follow(self, event: Event, place: Place) -> None:
        """Check the next event."""
        self.payments.follow(event)
        for check in self._checks.get(type(event), ()):
            check(event, place)

    def finish(self) -> None:
        """Check what the last events left open."""
        self.days.finish()
        self.payments.finish()
