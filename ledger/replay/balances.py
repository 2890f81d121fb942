"""Balances: every account of a deal as Journal holds it, with the book's."""

from __future__ import annotations

from collections.abc import Container

from ledger import reading
from ledger.bindings import label
from ledger.book import Book
from ledger.replay.asking import Asking
from ledger.replay.report import PartyAccount
from ledger.waterfall import Account

_NUMBERS = {account: number for number, account in enumerate(Account)}
"""As Journal numbers them."""
_OF_HOLDERS = (
    Account.CASH,
    Account.CLEARING,
    Account.VOUCHERS_HELD,
    Account.VOUCHERS_OWED,
    Account.DISCOUNT,
)
"""What may be posted to who is no party of the deal."""


def check_balances(
    book: Book,
    asking: Asking,
    deal: reading.Deal,
    check: str = "balances",
    *,
    seen: dict[int, int] | None = None,
    moved: Container[int] = (),
) -> None:
    """Compare them at present, member by member, and J1: all of them add up to nothing.

    `seen`: by member what they added up to when they were looked at last, which is brought up to
    date; then only the parties are looked at, and of all others those that `moved` since.
    """
    own, sums = label(deal.name), {} if seen is None else seen
    terms = reading.versions(book, deal.deal)[-1].terms
    for member, accounts in reading.balances(book, deal.deal, terms).items():
        is_party = member in terms.parties
        if not is_party and member in sums and member not in moved:
            continue
        sums[member] = 0
        for account in Account if is_party else _OF_HOLDERS:
            found = asking.ask("Journal", "balances", own, member * 256 + _NUMBERS[account])
            asking.expect(
                check, accounts[account], found, "balance",
                deal=deal.name, account=PartyAccount(member, account.value),
            )  # fmt: skip
            sums[member] += found
    asking.expect("J1", 0, sum(sums.values()), "sum of all balances", deal=deal.name)
