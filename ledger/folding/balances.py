"""Balances: what every entry posts, by the accounts table of the money rules.

Written from that table alone, so that book and contracts are two independent ways to each balance.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from operator import add

from ledger.events import Amounts
from ledger.folding.at_hand import Batch
from ledger.waterfall import Account

# A field of 64 bits holds the sum of so many amounts below 2**56.
_SUMMED_LEGS = 255
_INCOME = (Account.LOANS, Account.INTEREST, Account.PENALTY, Account.FEES)
_Side = tuple[int, int, int | None, int, int]
"""Deal, version, holder of the cash, sign, first party."""


class Balances:
    """Postings of a run of blocks, added up."""

    def __init__(self) -> None:
        self._amounts: defaultdict[tuple[int, int, Account], int] = defaultdict(int)
        self._sums: dict[_Side, tuple[Batch, list[int]]] = {}
        self._summed = 0

    def move(
        self, deal: int, party: int, debit: Account, credit: Account, amount_minor: int
    ) -> None:
        """Post an amount to two accounts of one party."""
        if amount_minor:
            self._amounts[deal, party, debit] += amount_minor
            self._amounts[deal, party, credit] -= amount_minor

    def post_legs(
        self, batch: Batch, legs: Sequence[int], holder: int | None, sign: int, first: int = 0
    ) -> None:
        """Post the legs of the parties from `first` on; `sign`: 1 for what lowers the loans.

        `holder`: the party through which the cash passes; None for losses, where none does.
        Postings are linear, so legs are first added up, packed.
        """
        side = batch.deal, batch.version, holder, sign, first
        held = self._sums.get(side)
        sums = held[1] if held else [0] * (len(batch.terms.parties) - first)
        # A loan has parts for its funders only, who come first among the parties.
        self._sums[side] = batch, [*map(add, sums, legs), *sums[len(legs) :]]
        self._summed += 1
        if self._summed >= _SUMMED_LEGS:
            self._settle()

    def write(self, connection: sqlite3.Connection) -> None:
        """Add everything posted to the table."""
        self._settle()
        for (deal, party, account), amount_minor in self._amounts.items():
            connection.execute(
                "INSERT INTO balances VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
                " SET amount_minor = amount_minor + excluded.amount_minor",
                (deal, party, account.value, amount_minor),
            )

    def forget(self) -> None:
        """Drop everything posted: it is written, or no longer true."""
        self._sums.clear()
        self._summed = 0
        self._amounts.clear()

    def _settle(self) -> None:
        amounts = self._amounts
        for (deal, _, holder, sign, first), (batch, sums) in self._sums.items():
            parties = batch.terms.parties
            against = Account.LOSSES if holder is None else Account.CLEARING
            cash_minor = 0
            for party, leg in zip(parties[first:], sums, strict=True):
                total = 0
                for account, part in zip(_INCOME, Amounts.unpack(leg), strict=True):
                    if part:
                        amounts[deal, party, account] -= sign * part
                        total += part
                if total:
                    amounts[deal, party, against] += sign * total
                    cash_minor += sign * total
            if holder is not None:
                amounts[deal, parties[holder], Account.CASH] += cash_minor
                amounts[deal, parties[holder], Account.CLEARING] -= cash_minor
        self._sums.clear()
        self._summed = 0
