"""Pooling: the bank freezes a pool of its newest loans, and later replaces an asset of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from ledger.money import PPM, apportion
from ledger.simulation.files import Files
from ledger.simulation.partnership import BANK
from ledger.simulation.planting import yuan
from ledger.simulation.tenant import Tenant

POOL = "abs-1"
MOST_ASSETS = 40
_SENIOR_PPM = 800_000


class _Asset(NamedTuple):
    deal: str
    ref: str
    minor: int
    """The bank's part of it."""


class Pooling:
    """The pool while it is simulated."""

    def __init__(self, files: Files) -> None:
        self.assets: list[_Asset] = []
        self.replaced = 0
        self._files = files

    @property
    def total_minor(self) -> int:
        """What its assets were worth when they came in."""
        return sum(one.minor for one in self.assets)

    def end_month(self, on: date, tenants: Iterable[Tenant]) -> None:
        """Freeze the pool if there is none, else replace one asset of it once."""
        found = list(_assets(tenants))[:MOST_ASSETS]
        if not self.assets:
            self._freeze(on, found)
        elif not self.replaced:
            self._replace(on, found)

    def _freeze(self, on: date, found: list[_Asset]) -> None:
        if len(found) < 2:
            return
        self.assets = found
        rows = [(one.deal, "loan", one.ref) for one in found]
        path = self._files.submit(on, BANK, "pool", rows)
        senior = yuan(self.total_minor * _SENIOR_PPM // PPM)
        self._files.step(on, BANK, "pool freeze", "", f"{POOL} {path} {senior}", self._told())

    def _replace(self, on: date, found: list[_Asset]) -> None:
        known = {(one.deal, one.ref) for one in self.assets}
        for place, out in enumerate(self.assets):
            for one in found:
                if one.minor >= out.minor and (one.deal, one.ref) not in known:
                    self.assets[place] = one
                    self.replaced += 1
                    row = out.deal, "loan", out.ref, one.deal, "loan", one.ref
                    path = self._files.submit(on, BANK, "pool-replacements", [row])
                    with_ = f"{POOL} {path}"
                    self._files.step(on, BANK, "pool substitute", "", with_, self._told())
                    return

    def _told(self) -> str:
        return yuan(self.total_minor)


def _assets(tenants: Iterable[Tenant]) -> Iterable[_Asset]:
    """Loans of which nothing was paid yet."""
    for tenant in tenants:
        for booking in tenant.untouched:
            minor = apportion(booking.principal_minor, tenant.terms.shares_ppm)[0]
            yield _Asset(tenant.deal, booking.loan_ref, minor)
