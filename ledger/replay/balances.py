"""Balances: every account of a deal as Journal holds it, with the book's."""

from __future__ import annotations

from ledger import reading
from ledger.bindings import label
from ledger.book import Book
from ledger.replay.asking import Asking
from ledger.replay.report import PartyAccount
from ledger.waterfall import Account

# As Journal numbers them; the ones of vouchers are kept elsewhere.
_ACCOUNTS = list(Account)[:11]


def check_balances(book: Book, asking: Asking, deal: reading.Deal, check: str = "balances") -> None:
    """Compare them at present, party by party, and J1: all of them add up to nothing."""
    own, sum_minor = label(deal.name), 0
    versions = reading.versions(book, deal.deal)
    for party, accounts in reading.balances(book, deal.deal, versions[-1].terms).items():
        for number, account in enumerate(_ACCOUNTS):
            found = asking.ask("Journal", "balances", own, party * 256 + number)
            asking.expect(
                check, accounts[account], found, "balance",
                deal=deal.name, account=PartyAccount(party, account.value),
            )  # fmt: skip
            sum_minor += found
    asking.expect("J1", 0, sum_minor, "sum of all balances", deal=deal.name)
