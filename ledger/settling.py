"""Settling (清算): who pays whom so that every due becomes zero, with the fewest payments.

A *due* is what a party still gets (above 0) or still has to pay (below 0); the dues of a deal add
up to zero. Pure arithmetic: no book, no chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

MAX_PARTIES = 12
"""Of a deal: with so many, every way to group them can be tried."""


class Payment(NamedTuple):
    """One party pays another; parties by their member numbers."""

    payer: int
    payee: int
    amount_minor: int
    """Above 0."""


def fewest_payments(due_minor: Mapping[int, int]) -> list[Payment]:
    """Payments that bring every due to exactly zero, as few as there can be.

    Dues that add up to zero among themselves need one payment less than they are, and no fewer
    unless some of them do so already: so the fewest payments are those of the most such groups.
    The same dues in the same order always give the same payments.
    """
    owing = [(party, due) for party, due in due_minor.items() if due]
    assert sum(due for _, due in owing) == 0, due_minor
    assert len(owing) <= MAX_PARTIES, due_minor
    payments = [
        payment
        for group in _most_groups([due for _, due in owing])
        for payment in _within([owing[at] for at in group])
    ]
    places = {party: place for place, party in enumerate(due_minor)}
    return sorted(payments, key=lambda one: (places[one.payer], places[one.payee]))


def net_minor(payments: Iterable[Payment], one: int, other: int) -> int:
    """What `one` gets from `other` of these payments: below 0 when it pays."""
    total = 0
    for payment in payments:
        if (payment.payer, payment.payee) == (other, one):
            total += payment.amount_minor
        elif (payment.payer, payment.payee) == (one, other):
            total -= payment.amount_minor
    return total


def remaining(due_minor: Mapping[int, int], payments: Iterable[Payment]) -> dict[int, int]:
    """What is still due once these are paid: what a payer paid is added, what a payee got is not
    due any more. All zero if and only if the payments settle the dues."""
    rest = dict(due_minor)
    for payment in payments:
        rest[payment.payer] = rest.get(payment.payer, 0) + payment.amount_minor
        rest[payment.payee] = rest.get(payment.payee, 0) - payment.amount_minor
    return rest


def _most_groups(dues: Sequence[int]) -> list[list[int]]:
    """Places of the dues in as many groups as possible, each adding up to zero.

    Parties join one after the other, and each time the sum so far is zero a group is complete:
    `most[mask]` is how many groups can be complete once those of the mask have joined.
    """
    size = 1 << len(dues)
    sums, most, last = [0] * size, [0] * size, [0] * size
    for mask in range(1, size):
        lowest = (mask & -mask).bit_length() - 1
        sums[mask] = sums[mask & (mask - 1)] + dues[lowest]
        # Of equally good ones the one that joins last is the one that comes last.
        best, joined = -1, 0
        for at in range(lowest, mask.bit_length()):
            if mask >> at & 1 and most[mask ^ 1 << at] >= best:
                best, joined = most[mask ^ 1 << at], at
        most[mask], last[mask] = best + (sums[mask] == 0), joined
    groups: list[list[int]] = []
    mask = size - 1
    while mask:
        if sums[mask] == 0:
            groups.append([])
        groups[-1].append(last[mask])
        mask ^= 1 << last[mask]
    return [sorted(group) for group in reversed(groups)]


def _within(group: Sequence[tuple[int, int]]) -> list[Payment]:
    """One payment less than the group has parties: each brings at least one of two to zero."""
    payers = [(party, -due) for party, due in group if due < 0]
    payees = [(party, due) for party, due in group if due > 0]
    payments = []
    while payers:
        (payer, owes), (payee, gets) = payers.pop(0), payees.pop(0)
        paid = min(owes, gets)
        payments.append(Payment(payer, payee, paid))
        if owes > paid:
            payers.insert(0, (payer, owes - paid))
        if gets > paid:
            payees.insert(0, (payee, gets - paid))
    assert len(payments) == len(group) - 1, group
    return payments
