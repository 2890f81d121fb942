"""Events made by hand, and a book folded from them: no chain, no contracts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from ledger.book import Book
from ledger.events import (
    FUNDERS,
    ClaimTerms,
    DealActivated,
    DealTerms,
    DepositTerms,
    EntriesSubmitted,
    Event,
    FeeTerms,
    LimitTerms,
    PeriodTerms,
    Place,
    ReceivableTerms,
    TermsProposed,
)
from ledger.records import TABLES

DEAL = b"deal".ljust(32, b"\0")
BANK, PLATFORM, GUARANTOR, CUSTODIAN = 11, 12, 13, 14
"""Member numbers, nothing like their places in the deal."""
YUAN = int.from_bytes(b"CNY", "big")


def terms(**changes: Any) -> DealTerms:
    """Two funders, 70 and 30 %; the first disburses, the second collects; nothing else."""
    fields: dict[str, Any] = {
        "parties": (BANK, PLATFORM, GUARANTOR, CUSTODIAN),
        "shares_ppm": (700_000, 300_000),
        "servicer": 1,
        "disbursed_by": 0,
        "collected_by": 1,
        "currency": YUAN,
        "day_count": 0,
        "interest": (),
        "penalty": (),
        "fees": FeeTerms(FUNDERS, 0, 0, ()),
        "deposit": DepositTerms(FUNDERS, FUNDERS, 0, 0, 0),
        "layers": (),
        "claim": ClaimTerms(0, False, False),
        "period": PeriodTerms(0, FUNDERS, 0, 0, False, (), ()),
        "receivable": ReceivableTerms(0, 0, 0, 0, False, 0, 0),
        "limits": (LimitTerms(*[0] * 11),),
        "demands": 0,
        "effective_date": 0,
        "document_digest": bytes(32),
    }
    return DealTerms(**fields | changes)


def agreed(its_terms: DealTerms, version: int = 1, deal: bytes = DEAL) -> list[Event]:
    """A version of a deal's terms, proposed and in force."""
    return [
        TermsProposed(deal, version, its_terms.parties[0], bytes(32), its_terms),
        DealActivated(deal, version, its_terms.effective_date),
    ]


def batch(*events: Event, version: int = 1, deal: bytes = DEAL) -> list[Event]:
    """A transaction of the servicer."""
    return [EntriesSubmitted(deal, version, PLATFORM), *events]


def own_id(name: str) -> bytes:
    """The id of an entry or a loan."""
    return name.encode().ljust(32, b"\0")


def two_words(*fields: int) -> tuple[int, int]:
    """64-bit fields of funders or layers, four a word."""
    words = [sum(field << 64 * at for at, field in enumerate(fields[i : i + 4])) for i in (0, 4)]
    return words[0], words[1]


def fold(
    runs: Sequence[Sequence[Sequence[Event]]], into: Book | None = None, *, together: bool = False
) -> Book:
    """A book of runs of transactions, each a block of its own, and folded together if asked for."""
    folded = into or Book(sqlite3.connect(":memory:"))
    block = folded.at[0]
    for run in runs:
        folded.begin()
        for transaction in run:
            block += 1
            placed = [(event, Place(block, 0, log)) for log, event in enumerate(transaction)]
            if together:
                folded.apply_all(placed)
            else:
                for event, place in placed:
                    folded.apply(event, place)
        folded.commit(block, bytes(32))
    return folded


def rows(folded: Book) -> dict[str, list[tuple[object, ...]]]:
    """Everything that the book holds, but how far it came; balances of 0 say nothing."""
    found = {
        name: list(folded.connection.execute(f"SELECT * FROM {name}"))
        for name in TABLES
        if name != "progress"
    }
    found["balances"] = [row for row in found["balances"] if row[-1]]
    return found


def balances(folded: Book, deal: int = 1) -> dict[int, dict[str, int]]:
    """What the accounts of each party come to, those at 0 left out."""
    found: dict[int, dict[str, int]] = {}
    query = "SELECT party, account, amount_minor FROM balances WHERE deal = ? AND amount_minor != 0"
    for party, account, amount_minor in folded.connection.execute(query, (deal,)):
        found.setdefault(party, {})[account] = amount_minor
    assert all(sum(accounts.values()) == 0 for accounts in found.values()), "every move is doubled"
    return found
