"""Covering: when a depositor tops up, and when the custodian pays back what is above target."""

from __future__ import annotations

from datetime import date

from ledger.money import PPM
from ledger.simulation.dealing import Dealing
from ledger.simulation.files import Files
from ledger.simulation.partnership import BANK
from ledger.simulation.planting import Planting, yuan

RELEASED_ABOVE_PPM = 1_200_000
"""A deposit is released at the end of a month once it is above target by so much."""


class Covering:
    """The deposit of one deal."""

    def __init__(
        self, deal: str, dealing: Dealing, files: Files, theirs: Planting, budget_minor: int
    ) -> None:
        """`budget_minor`: what the depositor can put up in the end."""
        self._deal = deal
        self._dealing = dealing
        self._files = files
        self._theirs = theirs
        self._budget_minor = budget_minor

    def top_up(self, on: date, planned_minor: int) -> None:
        """Pay in what is about to be lent needs, while there is anything left to put up."""
        counts = self._dealing.counts
        left = self._budget_minor - counts.topped_up_minor + counts.released_minor
        amount = min(self._dealing.top_up_minor(planned_minor), left)
        if amount > 0:
            self._move(on, amount, self._deal, "deposit pay")

    def release(self, on: date) -> None:
        """Pay back what is spare, once it is much."""
        spare, held = self._dealing.spare_minor(), self._dealing.deposit_minor
        if spare and held * PPM > (held - spare) * RELEASED_ABOVE_PPM:
            self._move(on, -spare, BANK, "deposit release")

    def _move(self, on: date, amount_minor: int, who: str, does: str) -> None:
        self._dealing.move_deposit(amount_minor)
        kind, deal = does.replace("deposit ", "deposit-"), self._deal
        self._dealing.counts.entries[kind] += 1
        ref = f"BZJ-{deal}-{self._dealing.counts.entries[kind]:06d}-{kind[8:]}"
        self._files.step(on, who, does, deal, f"{yuan(abs(amount_minor))} {ref}")
        self._theirs.cash(ref, on, amount_minor, deal, kind)
