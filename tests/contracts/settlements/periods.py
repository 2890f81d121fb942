"""Periods: Settlements with a key in the place of the contract that reports the moves.

So a test reports any move on any day, also such as no loan would make; deals, four eyes and the
journal are the real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tests.contracts.sandbox.chain import Chain, Key, created_by
from tests.contracts.sandbox.contract import Contract, Event, Receipt
from tests.contracts.sandbox.entries import on
from tests.contracts.sandbox.partnership import DEAL, MEMBERS, Member, Partnership, deal_id

_EPOCH = date(1970, 1, 1)
_CALLS = 32
"""Moves that one call takes."""


def month(iso: str) -> int:
    """A month, as in `2026-01`, as the contract counts it."""
    first = date.fromisoformat(f"{iso}-01")
    return first.year * 12 + first.month - 1


def month_of(day: int) -> int:
    """The month of a day."""
    then = _EPOCH + timedelta(days=day)
    return then.year * 12 + then.month - 1


def first_day(number: int) -> int:
    """The first day of a month."""
    return (date(number // 12, number % 12 + 1, 1) - _EPOCH).days


def last_day(number: int) -> int:
    """The last day of a month."""
    return first_day(number + 1) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What one entry moves; amounts in minor units."""

    date: int | str = 0
    """0: without a date of its own."""
    principal: int = 0
    interest: int = 0
    loss: int = 0
    disbursed: int = 0
    overdue: int = 0
    since: int | str = 0

    @property
    def row(self) -> tuple[int, ...]:
        """As the contract takes it."""
        return (
            _day(self.date),
            self.principal,
            self.interest,
            self.loss,
            self.disbursed,
            self.overdue,
            _day(self.since),
        )


def _day(day: int | str) -> int:
    return on(day) if isinstance(day, str) else day


class Periods(Partnership):
    """Members, Deals, Journal and Settlements; `reporter` reports the moves."""

    def __init__(self, names: Sequence[str] = MEMBERS) -> None:
        self.chain = Chain()
        self.operator = Key("operator")
        self.reporter = Key("reporter")
        self.by_name = {name: Member.named(name, i + 1) for i, name in enumerate(names)}
        addresses = [created_by(self.operator.address, nonce) for nonce in range(4)]
        members, deals, journal, settlements = addresses
        admissions = [member.admission for member in self.by_name.values()]
        self.members = self._deploy("Members", admissions, [deals, journal, settlements])
        self.deals = self._deploy("Deals", members)
        self.journal = self._deploy("Journal", members, deals, [settlements])
        self.settlements = self._deploy(
            "Settlements", members, deals, journal, self.reporter.address
        )
        contracts = (self.members, self.deals, self.journal, self.settlements)
        assert [contract.address for contract in contracts] == addresses

    def report(self, *moves: Move, deal: str = DEAL) -> int:
        """The moves, in their order; the gas."""
        gas = 0
        for i in range(0, len(moves), _CALLS):
            rows = [move.row for move in moves[i : i + _CALLS]]
            receipt = self.settlements.send(self.reporter, "moved", deal_id(deal), rows)
            assert receipt.events == []
            gas += receipt.gas_used
        return gas


def close(
    partnership: Partnership,
    number: int,
    *,
    settlements: Contract | None = None,
    version: int = 1,
    date: int | None = None,
    by: str = "bank",
    deal: str = DEAL,
) -> Receipt:
    """Both keys of a party close a month, on its last day unless told."""
    contract = settlements or partnership.settlements
    arguments = deal_id(deal), version, number, last_day(number) if date is None else date
    return partnership.confirmed(partnership.by_name[by], contract, "close", *arguments)


def statement(receipt: Receipt) -> Event:
    """The statement that a month was closed with."""
    (event,) = (event for event in receipt.events if event.name == "PeriodClosed")
    return event
