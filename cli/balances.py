"""`pledger balances`."""

from __future__ import annotations

from typing import Any

import click

from ledger import reading
from ledger.cli.command import Asked, Output, command
from ledger.cli.render import amount, table
from ledger.messages import text
from ledger.money import currency_decimals
from ledger.waterfall import Account

MOST_COLUMNS = 12
"""Parties that stand side by side: as many as a deal may have."""
_Accounts = dict[str, dict[str, int]]


@command(None, "balances")
@click.argument("deal", metavar="DEAL")
def balances(asked: Asked, deal: str) -> Output:
    """Trial balance by party and account."""
    with asked.open() as ledger:
        found = ledger.deal(deal)
        book = ledger.book()
        names = {member.number: member.member_id for member in reading.members(book)}
        newest = reading.versions(book, found.deal)[-1]
        accounts = {
            names[party]: {account.value: minor for account, minor in own.items()}
            for party, own in reading.balances(book, found.deal, newest.terms).items()
        }
        currency = reading.currency(book, found.deal, found.version or newest.version)
        total = sum(minor for own in accounts.values() for minor in own.values())
        document: dict[str, Any] = {
            "deal": deal,
            "currency": currency,
            "as_of_block": book.at[0],
            "accounts": accounts,
            "in_balance": total == 0,
        }
    return Output(
        document=document,
        text=lambda: _shown(document, currency_decimals(currency)),
        exit_code=0 if document["in_balance"] else 1,
    )


def _shown(document: dict[str, Any], decimals: int) -> str:
    accounts = document["accounts"]
    form = _beside if len(accounts) <= MOST_COLUMNS else _below
    head = text(
        "cli.balances_head",
        deal=document["deal"],
        currency=document["currency"],
        block=document["as_of_block"],
    )
    verdict = text("cli.in_balance" if document["in_balance"] else "cli.out_of_balance")
    return "\n".join([head, form(accounts, decimals), verdict])


def _beside(accounts: _Accounts, decimals: int) -> str:
    """A column for each party."""
    parties = list(accounts)
    rows = [
        (text(f"account.{name}"), *(amount(accounts[party][name], decimals) for party in parties),
         amount(sum(accounts[party][name] for party in parties), decimals))
        for name in _moved(accounts)
    ]  # fmt: skip
    columns = [text("cli.account"), *(f"{party}>" for party in parties), text("cli.sum") + ">"]
    return table(columns, rows)


def _below(accounts: _Accounts, decimals: int) -> str:
    """A line for each account of a party that is not 0, account by account."""
    rows = []
    for name in _moved(accounts):
        own = [(party, held[name]) for party, held in accounts.items() if held[name]]
        said = text(f"account.{name}")
        rows += [(said, party, amount(minor, decimals)) for party, minor in own]
        rows.append((said, text("cli.sum"), amount(sum(minor for _, minor in own), decimals)))
    return table(text("cli.balances_columns").split("|"), rows)


def _moved(accounts: _Accounts) -> list[str]:
    return [account for account in Account if any(own[account] for own in accounts.values())]
