"""Balances: what every entry posts, by the accounts table of the money rules.

Written from that table alone, so that book and contracts are two independent ways to each balance.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from operator import add

from ledger.events import Amounts
from ledger.folding.at_hand import Batch, Origin
from ledger.waterfall import Account

# A field of 64 bits holds the sum of so many amounts below 2**56.
_SUMMED_LEGS = 255
_INCOME = (Account.LOANS, Account.INTEREST, Account.PENALTY, Account.FEES)
_Side = tuple[Origin, int, int | None, int, int]
"""Origin, version, holder of the cash, sign, first party."""


class _Sum:
    """Legs of one side, added up party by party."""

    __slots__ = ("batch", "count", "legs")

    def __init__(self, batch: Batch, parties: int) -> None:
        self.batch = batch
        self.legs = [0] * parties
        self.count = 0


class Balances:
    """Postings of a run of blocks, added up by business day and kind of entry."""

    def __init__(self) -> None:
        self._amounts: defaultdict[tuple[Origin, int, Account], int] = defaultdict(int)
        self._sums: dict[_Side, _Sum] = {}

    def move(
        self, origin: Origin, party: int, debit: Account, credit: Account, amount_minor: int
    ) -> None:
        """Post an amount to two accounts of one party."""
        if amount_minor:
            self._amounts[origin, party, debit] += amount_minor
            self._amounts[origin, party, credit] -= amount_minor

    def post(self, origin: Origin, party: int, account: Account, amount_minor: int) -> None:
        """Post to one account what other parties' postings balance."""
        if amount_minor:
            self._amounts[origin, party, account] += amount_minor

    def post_legs(
        self,
        batch: Batch,
        origin: Origin,
        legs: Sequence[int],
        holder: int | None,
        sign: int,
        first: int = 0,
    ) -> None:
        """Post the legs of the parties from `first` on; `sign`: 1 for what lowers the loans.

        `holder`: the party through which the cash passes; None for losses, where none does.
        Postings are linear, so legs are first added up, packed.
        """
        side = origin, batch.version, holder, sign, first
        held = self._sums.get(side)
        if held is None:
            held = self._sums[side] = _Sum(batch, len(batch.terms.parties) - first)
        sums = held.legs
        # A loan has parts for its funders only, who come first among the parties.
        held.legs = [*map(add, sums, legs), *sums[len(legs) :]]
        held.count += 1
        if held.count == _SUMMED_LEGS:
            self._settle(side, self._sums.pop(side))

    def amounts(self) -> dict[tuple[Origin, int, Account], int]:
        """What was posted, by origin, party and account."""
        for side, held in self._sums.items():
            self._settle(side, held)
        self._sums.clear()
        return self._amounts

    def write(self, connection: sqlite3.Connection) -> None:
        """Add everything posted to the tables."""
        totals: defaultdict[tuple[int, int, Account], int] = defaultdict(int)
        moved = self.amounts()
        for (origin, party, account), amount_minor in moved.items():
            totals[origin.deal, party, account] += amount_minor
        connection.executemany(
            "INSERT INTO day_moves VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET amount_minor = amount_minor + excluded.amount_minor",
            [
                (deal, day, kind, settled, party, account.value, amount_minor)
                for ((deal, settled, day, kind), party, account), amount_minor in moved.items()
            ],
        )
        connection.executemany(
            "INSERT INTO balances VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET amount_minor = amount_minor + excluded.amount_minor",
            [(*key[:2], key[2].value, amount_minor) for key, amount_minor in totals.items()],
        )

    def forget(self) -> None:
        """Drop everything posted: it is written, or no longer true."""
        self._sums.clear()
        self._amounts.clear()

    def _settle(self, side: _Side, held: _Sum) -> None:
        origin, _, holder, sign, first = side
        amounts, parties = self._amounts, held.batch.terms.parties
        against = Account.LOSSES if holder is None else Account.CLEARING
        cash_minor = 0
        for party, leg in zip(parties[first:], held.legs, strict=True):
            total = 0
            for account, part in zip(_INCOME, Amounts.unpack(leg), strict=True):
                if part:
                    amounts[origin, party, account] -= sign * part
                    total += part
            if total:
                amounts[origin, party, against] += sign * total
                cash_minor += sign * total
        if holder is not None:
            amounts[origin, parties[holder], Account.CASH] += cash_minor
            amounts[origin, parties[holder], Account.CLEARING] -= cash_minor
