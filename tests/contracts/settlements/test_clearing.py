"""S6: whatever came about, was sealed, paid and taken back, a settlement paid leaves nothing due.

The contract keeps balances and what was paid on which day. Here is neither: what came about and
what was paid are two lists, and what is due as of a day is the one up to the day less all of the
other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.sandbox.entries import Repayment, id_of
from tests.contracts.sandbox.partnership import Partnership, refused
from tests.contracts.sandbox.terms import Terms
from tests.contracts.settlements.clearings import DAY, ID, Clearings, Payment, payments_of

PARTIES = ("bank", "platform", "guarantor", "fund", "insurer")
SIGNERS = ("bank", "platform")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["owe", "owe", "seal", "settle", "pay", "pay", "take back"]),
        st.integers(0, 4),
        st.integers(1, 4),
        st.integers(1, 10**9),
        st.integers(0, 5),
    ),
    min_size=4,
    max_size=12,
)


@dataclass(frozen=True, slots=True)
class Move:
    """CLEARING that goes from one party to another on a day."""

    date: int
    giver: str
    taker: str
    amount: int


@dataclass(slots=True)
class Told:
    """What a deal's parties did, and what follows."""

    clearings: Clearings
    came_about: list[Move] = field(default_factory=list)
    paid: list[Move] = field(default_factory=list)
    """A payment gives what is due to the payer, who owes less, from the payee."""
    standing: dict[str, tuple[int, Move]] = field(default_factory=dict)
    """Entry to the payment's position and what it moved."""
    latest: list[Payment] = field(default_factory=list)
    rests: list[int] = field(default_factory=list)
    number: int = 0
    sealed: int = 0
    entries: int = 0

    @property
    def open_day(self) -> int:
        return max(DAY, self.sealed + 1)

    def due(self, day: int) -> dict[str, int]:
        """What is due as of a day: if it is open, all that is due now."""
        moves = [move for move in self.came_about if move.date <= day or day > self.sealed]
        return _sums([*moves, *self.paid])

    # ---- steps
    def owe(self, party: int, further: int, amount: int, days: int) -> None:
        giver, taker = PARTIES[party], PARTIES[(party + further) % len(PARTIES)]
        move = Move(self.open_day + days, giver, taker, amount)
        self.clearings.owe({giver: -amount, taker: amount}, date=move.date)
        self.came_about.append(move)

    def seal(self, days: int) -> None:
        day = self.open_day + days
        closing = _sums(move for move in [*self.came_about, *self.paid] if move.date <= day)
        self.clearings.close_day(day, closing, SIGNERS)
        self.sealed = day

    def settle(self, day: int, turn: int = 0) -> None:
        due = list(self.due(day).items())
        payments = payments_of(dict(due[turn:] + due[:turn]))
        if not due:
            with refused("SETTLEMENT_EMPTY"):
                self.clearings.settle(day=day)
            return
        with refused("SETTLEMENT_DIFFERS"):
            self.clearings.settle(*payments[1:], day=day)
        assert self.clearings.settle(*payments, day=day).returned == self.number + 1
        self.number += 1
        self.latest = payments
        self.rests = [amount for _, _, amount in payments]

    def pay(self, place: int, amount: int, days: int) -> None:
        payer, payee, _ = self.latest[place]
        self.entries += 1
        move = Move(self.open_day + days, payee, payer, amount)

        def pay() -> None:
            self.clearings.pay(
                f"entry-{self.entries}", amount, date=move.date, number=self.number,
                payment=place, by=payee if days % 2 else payer,
            )  # fmt: skip

        if not 0 < amount <= self.rests[place]:
            with refused("PAYMENT_OVER_DUE"):
                pay()
            return
        pay()
        self.paid.append(move)
        self.rests[place] -= amount
        self.standing[f"entry-{self.entries}"] = (self.number << 8 | place, move)

    def take_back(self, entry: str, days: int) -> None:
        settled, move = self.standing[entry]
        self.entries += 1
        date = self.open_day + days

        def take_back() -> None:
            name = f"entry-{self.entries}"
            self.clearings.take_back(name, entry, date=date, by=move.taker)

        if date < move.date:
            with refused("REVERSAL_BEFORE_ENTRY"):
                take_back()
            return
        take_back()
        self.paid.append(Move(date, move.taker, move.giver, move.amount))
        if settled >> 8 == self.number:
            self.rests[settled & 255] += move.amount
        del self.standing[entry]

    def step(self, kind: str, first: int, second: int, amount: int, days: int) -> None:
        """One step, if it can be tried at all."""
        if kind == "owe":
            self.owe(first, second, amount, days)
        elif kind == "seal":
            self.seal(days)
        elif kind == "settle":
            day = self.sealed if first % 2 and self.sealed else self.open_day + days
            self.settle(day, second)
        elif kind == "pay" and self.latest:
            place = first % len(self.latest)
            part = (self.rests[place] // second, amount)[days == 5]
            self.pay(place, part, days)
        elif kind == "take back" and self.standing:
            self.take_back([*self.standing][first % len(self.standing)], days)

    def pay_all(self) -> None:
        """Whatever is left, each payment in two parts."""
        for place, rest in enumerate(self.rests):
            for days, part in enumerate((rest // 2, rest - rest // 2)):
                if part:
                    self.pay(place, part, days)

    def check(self) -> None:
        """Contract and lists agree, on every day that can be settled."""
        for day in {self.sealed, self.open_day} - {0}:
            assert self.clearings.dues(day) == self.due(day), day
        assert self.clearings.clearing() == self.due(self.open_day)
        count = len(self.rests)
        assert self.clearings.rests(self.number, payments=count) == self.rests


def _sums(moves: object) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for move in moves:  # type: ignore[attr-defined]
        sums[move.giver] -= move.amount
        sums[move.taker] += move.amount
    return {party: sums[party] for party in PARTIES if sums[party]}


@pytest.fixture(scope="module")
def five() -> Clearings:
    """A deal of five parties, two of which sign days."""
    clearings = Clearings((*PARTIES, "auditor"))
    funding = (("bank", 700_000), ("platform", 300_000))
    clearings.agree(Terms(funding=funding, others=PARTIES[2:]))
    return clearings


@settings(max_examples=settings().max_examples // 2)
@given(steps=STEPS)
def test_nothing_is_due_once_a_settlement_is_paid(
    five: Clearings, steps: list[tuple[str, int, int, int, int]]
) -> None:
    with five.unchanged():
        told = Told(five)
        for step in steps:
            told.step(*step)
            told.check()
        days = [told.sealed] if told.sealed else []
        for day in (*days, told.open_day + 20):
            told.settle(day)
            if told.due(day):
                told.pay_all()
            assert five.dues(day) == told.due(day) == {}
            told.check()
        assert five.clearing() == {}


def test_what_loans_leave_due_is_settled_to_the_fen(booked: Partnership) -> None:
    """The platform collects what the three funders are to get; the bank paid out for all."""
    booked.repay(Repayment(entry="r", loan="loan-1", principal=59_810, interest=11_700, fee=33))
    due = {name: one["CLEARING"] for name, one in booked.balances().items()}
    assert due["bank"] > 0 > due["platform"] and sum(due.values()) == 0
    numbers, settlements = booked.numbers, booked.settlements
    payments = payments_of(due)
    rows = [(numbers[payer], numbers[payee], amount) for payer, payee, amount in payments]
    settlements.send(booked.by_name["bank"].maker, "settle", ID, DAY, rows)
    for place, (payer, _, amount) in enumerate(payments):
        maker = booked.by_name[payer].maker
        entry = id_of(f"payment-{place}")
        settlements.send(maker, "paid", ID, 1, place, entry, amount, DAY, id_of("TT-881"))
    balances = booked.balances()
    assert not any("CLEARING" in one for one in balances.values())
    # What each has in loans and income it paid, or got, in cash.
    assert all(sum(one.values()) == 0 for one in balances.values())
