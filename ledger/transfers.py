"""Transfers: what a member's bank account should show of settlements, one line for each transfer.

One bank reference may pay for payments of several deals, in both directions: the bank then books
their net amount, so that is what is expected.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from ledger import reading
from ledger.entries import entry_id
from ledger.errors import UsageInvalid
from ledger.money import date_of
from ledger.settlements import names_of

if TYPE_CHECKING:
    from ledger.ledger import Ledger


class Transfer(NamedTuple):
    """A transfer of a member's bank account by which settlements were paid."""

    reference: str
    """The bank's; in hex where this folder does not know it."""
    value_date: date
    counterparty: str
    currency: str
    amount_minor: int
    """Above 0 when money came in."""
    payments: tuple[str, ...]
    """Ids of the payments, `DEAL/N/K`, of all deals."""


def transfers(ledger: Ledger, member: str, *, known: Iterable[str] = ()) -> list[Transfer]:
    """The transfers of a member by which settlements were paid, in chain order; what was taken
    back was none.

    `known`: references that a bank's file names; on the chain are only their salted hashes. Raises
    `UsageInvalid` for a member that there is not.
    """
    own, book, names = ledger.member(member).number, ledger.book(), names_of(ledger)
    texts = list(dict.fromkeys(known))
    found: dict[tuple[str, int, str, str], list[tuple[int, str]]] = {}
    for deal in reading.deals(book):
        if not deal.version:
            continue
        sides = {
            (settlement.number, payment.payment): (payment.payer, payment.payee)
            for settlement in reading.settlements(book, deal.deal)
            for payment in settlement.payments
            if own in (payment.payer, payment.payee)
        }
        if not sides:
            continue
        terms = reading.versions(book, deal.deal)[deal.version - 1].terms
        currency = terms.currency.to_bytes(3, "big").decode("ascii")
        named = _named(ledger, deal.name, texts)
        for line in reading.settlement_lines(book, deal.deal):
            pair = sides.get((line.number, line.payment))
            if pair is None or line.reversed or line.reversed_id is not None:
                continue
            sign, other = (-1, pair[1]) if pair[0] == own else (1, pair[0])
            reference = named.get(line.reference_id) or ledger.ref(line.reference_id)
            key = reference, line.date, names[other], currency
            payment = f"{deal.name}/{line.number}/{line.payment + 1}"
            found.setdefault(key, []).append((sign * line.amount_minor, payment))
    return [
        Transfer(
            reference=reference,
            value_date=date_of(day),
            counterparty=other,
            currency=currency,
            amount_minor=sum(amount for amount, _ in paid),
            payments=tuple(payment for _, payment in paid),
        )
        for (reference, day, other, currency), paid in found.items()
    ]


def paid_elsewhere_minor(
    ledger: Ledger, deal: str, reference: str, day: int, member: int, other: int
) -> int:
    """What a transfer paid for deals but this one: above 0 what came in for `member`.

    Of payments between two members, on a day since 1970-01-01, with the same bank reference and in
    the currency of the deal. A reference in hex is not known here, so neither is where else.
    """
    if reference.startswith("0x"):
        return 0
    book, total = ledger.book(), 0
    deals = {found.name: found for found in reading.deals(book) if found.version}
    currency = _currency(ledger, deals[deal]) if deal in deals else 0
    for name, found in deals.items():
        if name == deal or _currency(ledger, found) != currency:
            continue
        for own in _named(ledger, name, [reference]):
            for line in reading.paid_with(book, found.deal, own):
                settlement = reading.settlement(book, found.deal, line.number)
                assert settlement is not None, "what was paid is of a settlement"
                paid = settlement.payments[line.payment]
                if not line.reversed and line.date == day:
                    if (paid.payer, paid.payee) == (member, other):
                        total -= line.amount_minor
                    elif (paid.payer, paid.payee) == (other, member):
                        total += line.amount_minor
    return total


def _currency(ledger: Ledger, deal: reading.Deal) -> int:
    return reading.versions(ledger.book(), deal.deal)[deal.version - 1].terms.currency


def _named(ledger: Ledger, deal: str, texts: list[str]) -> dict[bytes, str]:
    """Id of each reference in a deal, to its text. Without the deal's salt there are none."""
    if not texts:
        return {}
    try:
        salt = ledger.salt(deal)
    except UsageInvalid:
        return {}
    return {bytes(entry_id(salt, reference)): reference for reference in texts if reference}
