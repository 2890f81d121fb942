"""Events of settlements: who pays whom, what of it was paid, and what of that came back."""

from __future__ import annotations

from typing import NamedTuple


class SettlementMade(NamedTuple):
    """清算: who pays whom as of a day. What was left of the settlement before it is void.

    `payments`: payer, payee and amount of each, by member numbers.
    """

    deal_id: bytes
    number: int
    day: int
    party: int
    """Who made it."""
    payments: tuple[tuple[int, int, int], ...]


class SettlementPaid(NamedTuple):
    """A payment of a settlement, or a part of it, was paid at a bank."""

    deal_id: bytes
    entry_id: bytes
    number: int
    payment: int
    """Its place in the settlement, from 0."""
    party: int
    """Payer or payee, who said so."""
    date: int
    amount_minor: int
    reference_id: bytes
    """Of the bank's reference."""


class PaymentReversed(NamedTuple):
    """A payment of a settlement never came, or went back."""

    deal_id: bytes
    entry_id: bytes
    reversed_id: bytes
    party: int
    date: int
    amount_minor: int
