"""Clearing: who pays whom of what a deal's entries left due, and what was paid of it.

What is due as of the last sealed day is what its seal says, less everything paid on later days:
every payment and every mirror is kept with its day, and no sums are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from tests.contracts.sandbox.days import DayKind
from tests.contracts.sandbox.entries import LAST_DAY
from tests.stateful.guarantees import Guarantees
from tests.stateful.refusal import demand

LARGEST_PAYMENT = 2**96 - 1
Row = tuple[str, str, int]
"""Payer, payee, amount."""


class OnSettlement(Enum):
    """Kinds of entry on a settlement."""

    PAID = auto()
    REVERSAL = auto()
    REVERSED = auto()


@dataclass(kw_only=True)
class Payment:
    """Of a settlement."""

    payer: str
    payee: str
    amount: int
    paid: int = 0

    @property
    def rest(self) -> int:
        """What is left to pay."""
        return self.amount - self.paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """An entry: cash from payer to payee; of a mirror the amount is below 0."""

    kind: OnSettlement
    number: int
    place: int
    date: int
    payer: str
    payee: str
    amount: int


@dataclass(kw_only=True)
class Clearing(Guarantees):
    """A deal whose parties settle."""

    settlements: list[list[Payment]] = field(default_factory=list)
    transfers: dict[str, Transfer] = field(default_factory=dict)

    def clearing(self) -> dict[str, int]:
        """What every party is to receive, or below 0 to pay, as it stands."""
        book = self.book_of_deal
        return {party: book.balance(party, "CLEARING") for party in self.newest.parties}

    def clearing_words(self) -> tuple[int, ...]:
        """The same as a seal has it."""
        words = tuple(self.clearing().values())
        return words + (0,) * (12 - len(words))

    def due(self, day: int) -> dict[str, int]:
        """What a settlement of a day brings to zero."""
        demand(day <= LAST_DAY, "ENTRY_DATE_INVALID")
        demand(0 < day >= self.sealed_through, "SETTLEMENT_DAY_PASSED")
        if day > self.sealed_through:
            return self.clearing()
        due = dict(zip(self.newest.parties, self.sealed_clearing, strict=False))
        for one in self.transfers.values():
            if one.date > day:
                due[one.payer] += one.amount
                due[one.payee] -= one.amount
        return due

    def settle(self, sender: str, day: int, rows: Sequence[Row]) -> None:
        """清算."""
        demand(self.members.maker(sender) in self.signing_parties, "SENDER_NOT_SIGNING_PARTY")
        due = self.due(day)
        demand(any(due.values()), "SETTLEMENT_EMPTY")
        pairs = [(payer, payee) for payer, payee, _ in rows]
        for position, (payer, payee, amount) in enumerate(rows):
            sound = due.get(payer, 0) < 0 < due.get(payee, 0) and 0 < amount <= LARGEST_PAYMENT
            demand(sound and (payer, payee) not in pairs[:position], "PAYMENT_INVALID")
        for party, amount in due.items():
            pays = sum(paid for payer, _, paid in rows if payer == party)
            gets = sum(paid for _, payee, paid in rows if payee == party)
            demand(amount == gets - pays, "SETTLEMENT_DIFFERS")
        self.settlements.append(
            [Payment(payer=payer, payee=payee, amount=amount) for payer, payee, amount in rows]
        )

    def paid(
        self, sender: str, number: int, place: int, entry: str, amount: int, date: int
    ) -> None:
        """Payer or payee says what was paid."""
        party = self.members.maker(sender)
        known = 0 < number <= len(self.settlements)
        demand(known and place < len(self.settlements[number - 1]), "PAYMENT_UNKNOWN")
        payment = self.settlements[number - 1][place]
        demand(party in (payment.payer, payment.payee), "SENDER_NOT_PARTY")
        demand(number == len(self.settlements), "SETTLEMENT_REPLACED")
        demand(date <= LAST_DAY, "ENTRY_DATE_INVALID")
        demand(entry not in self.transfers, "ENTRY_EXISTS")
        demand(0 < amount <= payment.rest, "PAYMENT_OVER_DUE")
        self._transfer(entry, OnSettlement.PAID, number, place, date, amount)

    def reverse_paid(self, sender: str, entry: str, reversed_entry: str, date: int) -> None:
        """Payer or payee takes back what was said to be paid."""
        party = self.members.maker(sender)
        before = self.transfers.get(reversed_entry)
        demand(before is not None and before.kind is OnSettlement.PAID, "ENTRY_UNKNOWN")
        assert before is not None
        demand(party in (before.payer, before.payee), "SENDER_NOT_PARTY")
        demand(date <= LAST_DAY, "ENTRY_DATE_INVALID")
        demand(date >= before.date, "REVERSAL_BEFORE_ENTRY")
        demand(entry not in self.transfers, "ENTRY_EXISTS")
        self.transfers[reversed_entry] = replace(before, kind=OnSettlement.REVERSED)
        self._transfer(
            entry, OnSettlement.REVERSAL, before.number, before.place, date, -before.amount
        )

    def _transfer(
        self, entry: str, kind: OnSettlement, number: int, place: int, date: int, amount: int
    ) -> None:
        payment = self.settlements[number - 1][place]
        payment.paid += amount
        self.transfers[entry] = Transfer(
            kind=kind,
            number=number,
            place=place,
            date=date,
            payer=payment.payer,
            payee=payment.payee,
            amount=amount,
        )
        self.book_of_deal.move(payment.payer, "CLEARING", "CASH", amount)
        self.book_of_deal.move(payment.payee, "CASH", "CLEARING", amount)
        paid = kind is OnSettlement.PAID
        self.count(date, DayKind.SETTLEMENT_PAYMENT if paid else DayKind.REVERSAL, abs(amount))
