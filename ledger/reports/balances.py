"""Balances (余额表): every account at the close of a business day, and the loans behind LOANS.

Loans are divided as their terms divide them, by how long they are past due; what each funder has
of all buckets together is the balance of its account LOANS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ledger import reading
from ledger.book import Book
from ledger.messages import text
from ledger.money import apportion
from ledger.portfolio.outstanding import outstanding_on
from ledger.reporting.report import Column, Report, Row, Table, Unit, word
from ledger.reports.asking import Asked, Chosen, assembled, by_currency
from ledger.waterfall import Account

ACCOUNTS = (
    Column(key="deal"),
    Column(key="party"),
    Column(key="account"),
    Column(key="opening", unit=Unit.AMOUNT, total=True),
    Column(key="moved", unit=Unit.AMOUNT, total=True),
    Column(key="closing", unit=Unit.AMOUNT, total=True),
)
BUCKETS = (
    Column(key="deal"),
    Column(key="party"),
    Column(key="past_due_bucket"),
    Column(key="loans", unit=Unit.COUNT),
    Column(key="own_part", unit=Unit.AMOUNT, total=True),
)
NOT_ACCRUING_DAYS = 90
"""Days past due above which a loan accrues no interest any more (非应计)."""
_NORMAL, _OVERDUE, _NOT_ACCRUING = "normal", "overdue", "not-accruing"
_Parts = Counter[tuple[str, int, str]]
"""Deal, member and bucket to what the member has out in it. Minor units."""


class Lent(NamedTuple):
    """The loans of deals by funder and bucket."""

    loans: Counter[tuple[str, str]]
    """Deal and bucket to loans."""
    parts: _Parts


def build(asked: Asked) -> Report:
    """The report."""
    book, names = asked.book, asked.names()
    tables: list[Table] = []
    off: list[str] = []
    for shape, deals in by_currency(asked.deals()):
        rows: list[Row] = []
        lent = Lent(Counter(), Counter())
        for deal in deals:
            own = [*_accounts(book, deal, asked.day)]
            off += [deal.name] if sum(closing for _, _, _, closing in own) else []
            for party, account, opening, closing in own:
                said = word("account", account.value)
                rows.append(
                    Row((deal.name, names[party], said, opening, closing - opening, closing))
                )
            _lend(book, deal, asked.day, lent)
            off += [deal.name] if not _ties(deal, own, lent) else []
        tables.append(shape.table("report_accounts", ACCOUNTS, rows))
        tables.append(shape.table("report_buckets", BUCKETS, [*_bucket_rows(deals, lent, names)]))
    wrong = ", ".join(dict.fromkeys(off))
    key = "balances_off" if wrong else "balances_ok"
    return assembled(
        asked,
        text(f"reports.{key}", deals=wrong),
        tables,
        notes=(text("reports.balances_note", days=NOT_ACCRUING_DAYS),),
        in_balance=not wrong,
    )


def bucket_of(days_past_due: int) -> str:
    """normal, overdue or not-accruing."""
    if not days_past_due:
        return _NORMAL
    return _OVERDUE if days_past_due <= NOT_ACCRUING_DAYS else _NOT_ACCRUING


def _accounts(book: Book, deal: Chosen, day: int) -> Iterator[tuple[int, Account, int, int]]:
    """Party, account, and its balance at the close of the day before and of the day."""
    before = reading.closing(book, deal.deal.deal, day - 1)
    after = reading.closing(book, deal.deal.deal, day)
    order = list(Account)
    for party, account in sorted({*before, *after}, key=lambda key: (key[0], order.index(key[1]))):
        key = party, account
        yield party, account, before.get(key, 0), after.get(key, 0)


def _lend(book: Book, deal: Chosen, day: int, lent: Lent) -> None:
    """Add a deal's loans up."""
    versions = {one.version: one.terms for one in reading.versions(book, deal.deal.deal)}
    for loan in outstanding_on(book, deal.deal.deal, day):
        bucket, terms = bucket_of(loan.days_past_due), versions[loan.version]
        lent.loans[deal.name, bucket] += 1
        parts = apportion(loan.outstanding_minor, terms.shares_ppm)
        for party, part in zip(terms.parties, parts, strict=False):
            lent.parts[deal.name, party, bucket] += part


def _ties(deal: Chosen, accounts: list[tuple[int, Account, int, int]], lent: Lent) -> bool:
    """Whether the loans of every funder are the balance of its account."""
    held = Counter[int]()
    for party, account, _, closing in accounts:
        held[party] += closing if account is Account.LOANS else 0
    for (name, party, _), part in lent.parts.items():
        held[party] -= part if name == deal.name else 0
    return not any(held.values())


def _bucket_rows(deals: list[Chosen], lent: Lent, names: Mapping[int, str]) -> Iterator[Row]:
    for deal in deals:
        parties = dict.fromkeys(party for name, party, _ in lent.parts if name == deal.name)
        for party in (*deal.funders, *(one for one in parties if one not in deal.funders)):
            for bucket in (_NORMAL, _OVERDUE, _NOT_ACCRUING):
                yield Row(
                    (
                        deal.name,
                        names[party],
                        word("reports.bucket", bucket),
                        lent.loans[deal.name, bucket],
                        lent.parts[deal.name, party, bucket],
                    )
                )
