"""Tally: what the entries that are written come to, held against the balances of the book."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ledger import reading
from ledger.exports.journal import JournalEntry, journal
from ledger.exports.sources import Progress, Source, SourceDeal
from ledger.reading.journal import count_entries
from ledger.waterfall import Account

_PROGRESS_ENTRIES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TallyDifference:
    """An account on which the entries come to something else than its balance."""

    deal: str
    member: str
    account: Account
    entries_minor: int
    balance_minor: int


@dataclass(slots=True, kw_only=True)
class Tally:
    """Entries handed out one at a time, counted and added up on the way."""

    found: Source
    progress: Progress = lambda done, total: None
    entries: int = 0
    differences: list[TallyDifference] = field(default_factory=list)
    total: int = 0
    """Entries there are, as far as progress goes."""

    def __post_init__(self) -> None:
        book = self.found.book
        self.total = sum(count_entries(book, deal.number) for deal in self.found.deals)

    def journal(self, deal: SourceDeal, *, by_day: bool = False) -> Iterator[JournalEntry]:
        """The journal of a deal; once all of it was taken, its differences are known."""
        sums: Counter[tuple[int, Account]] = Counter()
        for entry in journal(self.found.book, deal.number, by_day=by_day):
            for party, account, amount_minor in entry.postings:
                sums[party, account] += amount_minor
            self.entries += 1
            if self.entries % _PROGRESS_ENTRIES == 0:
                self.progress(self.entries, max(self.total, self.entries))
            yield entry
        self._compare(deal, sums)

    def _compare(self, deal: SourceDeal, sums: Counter[tuple[int, Account]]) -> None:
        found = self.found
        rows = reading.balances(found.book, deal.number, deal.terms)
        for party, own in sorted(rows.items()):
            for account, balance_minor in own.items():
                if sums[party, account] != balance_minor and found.wants(party):
                    self.differences.append(
                        TallyDifference(
                            deal=deal.deal.name,
                            member=found.member_id(party),
                            account=account,
                            entries_minor=sums[party, account],
                            balance_minor=balance_minor,
                        )
                    )
