"""Settlements (清算): who pays whom as of a day, of a deal or between two members in all of theirs.

A payment goes by `DEAL/N/K`: the K-th of the deal's N-th settlement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from ledger import reading
from ledger.bindings import encode_call, label
from ledger.errors import EntryRejected, RejectedRow, Reverted, UsageInvalid, explain
from ledger.events import DealTerms
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import day_number
from ledger.settling import Payment, fewest_payments, net_minor, remaining
from ledger.submission import LAST_DATE

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.outbox import Outbox

_CONTRACT = "Settlements"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A payment of a settlement."""

    id: str
    """`DEAL/N/K`."""
    payer: str
    payee: str
    amount_minor: int
    paid_minor: int

    @property
    def rest_minor(self) -> int:
        """What is still to be paid."""
        return self.amount_minor - self.paid_minor

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "payer": self.payer,
            "payee": self.payee,
            "amount_minor": self.amount_minor,
            "paid_minor": self.paid_minor,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A deal as settled as of a day."""

    deal: str
    currency: str
    on: date
    number: int | None
    """Of the settlement; None when nothing is due, or when none was asked to be made."""
    made: bool
    """Whether it is new; False for one that said the same before."""
    due_minor: dict[str, int]
    """Party to what it gets; below 0 what it has to pay. Every party of the deal."""
    payments: tuple[Due, ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "deal": self.deal,
            "date": self.on.isoformat(),
            "currency": self.currency,
            "settlement": self.number,
            "posted": int(self.made),
            "already_posted": int(self.number is not None and not self.made),
            "payments": [payment.document() for payment in self.payments],
            "due": self.due_minor,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What two members owe each other in all deals of which both are parties."""

    one: str
    other: str
    on: date
    deals: tuple[Settled, ...]
    payments: tuple[tuple[str, Due], ...]
    """Those between the two with something left to pay, each with its currency."""
    net_minor: dict[str, int]
    """Currency to what `one` gets from `other`; below 0 when it pays."""

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "members": [self.one, self.other],
            "date": self.on.isoformat(),
            "net": [
                {
                    "currency": currency,
                    "payer": self.other if net >= 0 else self.one,
                    "payee": self.one if net >= 0 else self.other,
                    "amount_minor": abs(net),
                }
                for currency, net in self.net_minor.items()
            ],
            "payments": [
                {"currency": currency, **payment.document(), "rest_minor": payment.rest_minor}
                for currency, payment in self.payments
            ],
            "settlements": [
                {"deal": one.deal, "settlement": one.number, "posted": int(one.made)}
                for one in self.deals
            ],
        }


# ---- settling


def settle(ledger: Ledger, deal: str, *, on: date, by: str, dry_run: bool = False) -> Settled:
    """See `Ledger.settle`."""
    with ledger.outbox(dry_run=dry_run) as outbox:
        plan = _Plan(ledger, deal, on)
        plan.send(outbox, by)
        head = outbox.keep()
    if not dry_run:
        ledger.fold(outbox.receipts, head)
    return plan.settled(made=True)


def pair(
    ledger: Ledger, one: str, other: str, *, on: date, by: str | None = None, dry_run: bool = False
) -> Pair:
    """What two members owe each other as of a day, over all deals of which both are parties.

    With `by` every such deal is settled as of that day, all of them or none; without, what has no
    settlement yet is only worked out, and its payments have no id. Raises `UsageInvalid`, or
    `EntryRejected` with the deals that are refused.
    """
    numbers = ledger.member(one).number, ledger.member(other).number
    if one == other:
        raise UsageInvalid(text("settle.pair_one"), found=one)
    plans = []
    with ledger.outbox(dry_run=dry_run) as outbox:
        for deal in _shared(ledger, numbers):
            try:
                plan = _Plan(ledger, deal, on)
                if by is not None:
                    plan.send(outbox, by)
            except Reverted as refusal:
                row = RejectedRow(0, deal, refusal.reason, explain(refusal.reason))
                raise EntryRejected(refusal.reason, [row]) from None
            plans.append(plan)
        head = outbox.keep()
    if not dry_run and outbox.receipts:
        ledger.fold(outbox.receipts, head)
    deals = tuple(plan.settled(made=by is not None) for plan in plans)
    between = tuple(
        (settled.currency, payment)
        for settled in deals
        for payment in settled.payments
        if {payment.payer, payment.payee} == {one, other} and payment.rest_minor
    )
    number_of = {one: numbers[0], other: numbers[1]}
    nets: dict[str, int] = {}
    for currency, due in between:
        paid = Payment(number_of[due.payer], number_of[due.payee], due.rest_minor)
        nets[currency] = nets.get(currency, 0) + net_minor([paid], *numbers)
    return Pair(
        one=one,
        other=other,
        on=on,
        deals=deals,
        payments=between,
        net_minor=dict(sorted(nets.items())),
    )


def _shared(ledger: Ledger, numbers: tuple[int, int]) -> list[str]:
    """Deals in force of which both are parties, by name."""
    book = ledger.book()
    return sorted(
        deal.name
        for deal in reading.deals(book)
        if deal.version and set(numbers) <= set(parties_of(ledger, deal))
    )


def parties_of(ledger: Ledger, deal: reading.Deal) -> tuple[int, ...]:
    """The parties of a deal in force, by its newest terms. Raises `Reverted` for any other."""
    return _terms(ledger, deal).parties


def _terms(ledger: Ledger, deal: reading.Deal) -> DealTerms:
    if not deal.version:
        raise Reverted("DEAL_NOT_ACTIVE")
    return reading.versions(ledger.book(), deal.deal)[deal.version - 1].terms


class _Plan:
    """What settles a deal as of a day: the settlement it has, or a new one."""

    def __init__(self, ledger: Ledger, deal: str, on: date) -> None:
        self._ledger = ledger
        self._deal = ledger.deal(deal)
        self._on = on
        terms = _terms(ledger, self._deal)
        self._signing = {*terms.parties[: len(terms.shares_ppm)], terms.parties[terms.servicer]}
        self._currency = terms.currency.to_bytes(3, "big").decode("ascii")
        self._due = due_minor(ledger, self._deal, terms.parties, on)
        self._payments = fewest_payments(self._due)
        self._newest = reading.settlement(ledger.book(), self._deal.deal)
        self._stands = self._newest is not None and self._still_settles(self._newest)

    def _still_settles(self, newest: reading.Settlement) -> bool:
        """Whether what is left of the newest settlement is one of this day and these dues."""
        rest = [
            Payment(one.payer, one.payee, one.rest_minor)
            for one in newest.payments
            if one.rest_minor
        ]
        settles = not any(remaining(self._due, rest).values())
        return newest.day == day_number(self._on) and settles and len(rest) == len(self._payments)

    def send(self, outbox: Outbox, by: str) -> None:
        """Make the settlement, unless nothing is due or it stands already."""
        if self._payments and not self._stands:
            target = self._ledger.settings.contracts[_CONTRACT]
            arguments = label(self._deal.name), day_number(self._on), self._payments
            data = encode_call(_CONTRACT, "settle", *arguments)
            outbox.send(by, KeyUse.MAKER, target, data)
        elif self._ledger.member(by).number not in self._signing:
            # As the contract would, had there been anything to send.
            raise Reverted("SENDER_NOT_SIGNING_PARTY")

    def settled(self, *, made: bool) -> Settled:
        """What it came to. `made`: it was sent, or would be in a dry run."""
        number = None
        before = self._newest.number if self._newest else 0
        if self._stands:
            number = before
        elif self._payments and made:
            number = before + 1
        names = names_of(self._ledger)
        if number == before and self._newest is not None:
            payments = shown(self._deal.name, self._newest, names)
        else:
            payments = tuple(
                Due(
                    id=f"{self._deal.name}/{number}/{at}" if number else "",
                    payer=names[one.payer],
                    payee=names[one.payee],
                    amount_minor=one.amount_minor,
                    paid_minor=0,
                )
                for at, one in enumerate(self._payments, start=1)
            )
        return Settled(
            deal=self._deal.name,
            currency=self._currency,
            on=self._on,
            number=number,
            made=number == before + 1,
            due_minor={names[party]: due for party, due in self._due.items()},
            payments=payments,
        )


def due_minor(
    ledger: Ledger, deal: reading.Deal, parties: Sequence[int], on: date
) -> dict[int, int]:
    """Party to what it gets as of a day, in the order of the deal's parties; below 0: pays.

    As of the last sealed day: its closing balances and what was paid since. As of a later day:
    what is due now. Raises `Reverted` (`SETTLEMENT_DAY_PASSED`).
    """
    refuse_far(on)
    day = day_number(on)
    if day < deal.sealed_through:
        raise Reverted("SETTLEMENT_DAY_PASSED")
    sealed = day == deal.sealed_through
    found = reading.clearing_minor(ledger.book(), deal.deal, day if sealed else None)
    assert set(found) <= set(parties), "only parties have balances"
    return {party: found.get(party, 0) for party in parties}


def shown(deal: str, settlement: reading.Settlement, names: dict[int, str]) -> tuple[Due, ...]:
    """The payments of a settlement, by ids and names."""
    return tuple(
        Due(
            id=f"{deal}/{settlement.number}/{one.payment + 1}",
            payer=names[one.payer],
            payee=names[one.payee],
            amount_minor=one.amount_minor,
            paid_minor=one.paid_minor,
        )
        for one in settlement.payments
    )


def names_of(ledger: Ledger) -> dict[int, str]:
    """Member number to member id."""
    return {member.number: member.member_id for member in reading.members(ledger.book())}


def refuse_far(on: date) -> None:
    """What the contract refuses anyway, said before a word of it overflows on the way there."""
    if on > LAST_DATE:
        raise Reverted("ENTRY_DATE_INVALID")
