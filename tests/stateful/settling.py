"""Settling: rules for settlements, what is paid of them and what is taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.entries import START, id_of
from tests.contracts.sandbox.partnership import deal_id
from tests.contracts.settlements.clearings import payments_of
from tests.stateful.clearing import LARGEST_PAYMENT, Row
from tests.stateful.draws import AMOUNTS, DEALS, ENTRY_DAYS, SENDERS
from tests.stateful.model import Deal
from tests.stateful.office import Office
from tests.stateful.refusal import Refusal

AS_OF = st.one_of(
    st.sampled_from(["sealed", "sealed", "open", "open", "open"]),
    st.sampled_from([0, START, 2**16]),
)
"""The last sealed day, the first open one, or some other."""
SPOILT = st.sampled_from(["", "", "", "less", "more", "none", "twice", "back", "stranger", "huge"])
REFERENCE = id_of("the bank's own reference")


def _deals(machine: Office) -> list[Deal]:
    return list(machine.model.deals.values())


def _mostly(condition: Callable[[Deal], Any]) -> st.SearchStrategy[str]:
    def names(machine: Office) -> st.SearchStrategy[str]:
        found = [deal.name for deal in _deals(machine) if condition(deal)]
        return st.sampled_from(found * 9 + list(machine.plans))

    return st.runner().flatmap(names)


UNPAID = _mostly(lambda deal: any(row.rest for rows in deal.settlements[-1:] for row in rows))
"""A deal in which something is left to pay, if there is one."""
PAID = _mostly(lambda deal: deal.transfers)


class Settling(Office):
    """Settlements and their payments."""

    @rule(name=DEALS, as_of=AS_OF, turn=st.integers(0, 4), spoilt=SPOILT, sender=SENDERS)
    def settle(
        self, name: str, as_of: str | int, turn: int, spoilt: str, sender: str | None
    ) -> None:
        deal = self.deal(name)
        days = {"sealed": deal.sealed_through, "open": max(START, deal.sealed_through + 1)}
        day = days[as_of] if isinstance(as_of, str) else as_of
        self._settle(name, day, _spoil(self._payments(name, day, turn), spoilt), sender)

    @rule(name=DEALS, days=st.integers(1, 30), turn=st.integers(0, 4), by_payee=st.booleans())
    def settle_soundly(self, name: str, days: int, turn: int, by_payee: bool) -> None:
        """All that is due now, paid at once: nothing is due any more."""
        deal = self.deal(name)
        day = max(START, deal.sealed_through) + days
        rows = self._payments(name, day, turn)
        paid = [self._settle(name, day, rows, None)]
        for place, (payer, payee, amount) in enumerate(rows if paid[0] else []):
            teller = payee if by_payee else payer
            paid.append(self._pay(name, None, place, self.entry(), amount, day, teller))
        # Not all, if a member has no maker any more.
        if all(paid):
            balances = self.partnership.balances(deal=name).values()
            assert not any("CLEARING" in own for own in balances)  # S6

    @precondition(lambda machine: any(deal.settlements for deal in _deals(machine)))
    @rule(
        name=UNPAID,
        number=st.sampled_from([None] * 12 + [-1, 1]),
        place=st.integers(0, 4),
        share=st.sampled_from([1, 1, 2, 3, 0]),
        amount=AMOUNTS,
        date=st.one_of(ENTRY_DAYS, ENTRY_DAYS, st.sampled_from([2**16])),
        again=st.sampled_from([False] * 9 + [True]),
        sender=SENDERS,
    )
    def pay_settlement(
        self,
        name: str,
        number: int | None,
        place: int,
        share: int,
        amount: int,
        date: int,
        again: bool,
        sender: str | None,
    ) -> None:
        """Mostly a share of what is left of a payment."""
        settlements = self.deal(name).settlements
        own = max(0, len(settlements) + (number or 0))
        rows = settlements[-1] if settlements else []
        at = place % max(1, len(rows) + (place == 4))
        rest = rows[at].rest if at < len(rows) else 0
        known = [*self.deal(name).transfers]
        entry = known[-1] if again and known else self.entry()
        by = rows[at].payer if at < len(rows) else "bank"
        self._pay(name, own, at, entry, rest // share if share else amount, date, by, sender)

    @precondition(lambda machine: any(deal.transfers for deal in _deals(machine)))
    @rule(
        name=PAID,
        which=st.integers(0, 20),
        date=st.one_of(st.none(), ENTRY_DAYS),
        sender=SENDERS,
    )
    def reverse_settlement_payment(
        self, name: str, which: int, date: int | None, sender: str | None
    ) -> None:
        """On the first day that is open to it, unless told."""
        deal = self.deal(name)
        known = [*deal.transfers, "no payment"]
        payment = known[which % len(known)]
        found = deal.transfers.get(payment)
        first = max(found.date if found else START, deal.sealed_through + 1)
        day = first if date is None else date
        entry, key = self.entry(), self.key(sender, found.payee if found else "bank")
        ids = id_of(entry), id_of(payment)
        self.both(
            lambda model: model.deals[name].reverse_paid(key, entry, payment, day),
            lambda: self.partnership.settlements.send(
                Key(key), "reverse_paid", deal_id(name), *ids, day
            ),
        )

    # ---- acts
    def _payments(self, name: str, day: int, turn: int) -> list[Row]:
        """Payments that settle a day, if it can be settled; in another order each turn."""
        try:
            due = list(self.deal(name).due(day).items())
        except Refusal:
            return [("platform", "bank", 1)]
        turned = due[turn % len(due) :] + due[: turn % len(due)]
        return payments_of(dict(turned))

    def _settle(self, name: str, day: int, rows: list[Row], sender: str | None) -> bool:
        numbers = {**self.partnership.numbers, "stranger": 99}
        packed = [(numbers[payer], numbers[payee], amount) for payer, payee, amount in rows]
        key = self.key(sender, "bank")
        return self.both(
            lambda model: model.deals[name].settle(key, day, rows),
            lambda: self.partnership.settlements.send(
                Key(key), "settle", deal_id(name), day, packed
            ),
        )

    def _pay(
        self,
        name: str,
        number: int | None,
        place: int,
        entry: str,
        amount: int,
        date: int,
        by: str,
        sender: str | None = None,
    ) -> bool:
        own = len(self.deal(name).settlements) if number is None else number
        key = self.key(sender, by)
        arguments = (own, place, id_of(entry), amount, date, REFERENCE)
        return self.both(
            lambda model: model.deals[name].paid(key, own, place, entry, amount, date),
            lambda: self.partnership.settlements.send(Key(key), "paid", deal_id(name), *arguments),
        )


def _spoil(rows: list[Row], how: str) -> list[Row]:
    """Payments that do not settle, unless nothing is due."""
    if not rows or not how:
        return rows
    (payer, payee, amount), *others = rows
    spoilt: dict[str, list[Row]] = {
        "less": [(payer, payee, amount - 1), *others],
        "more": [(payer, payee, amount + 1), *others],
        "none": others,
        "twice": [*rows, (payer, payee, 1)],
        "back": [*rows, (payee, payer, 1)],
        "stranger": [*others, ("stranger", payee, amount)],
        "huge": [(payer, payee, LARGEST_PAYMENT + 1), *others],
    }
    return spoilt[how]
