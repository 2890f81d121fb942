"""Dues: what each party gets or pays in a deal, with the entries behind every number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger import reading
from ledger.clearing import Cleared, behind
from ledger.errors import Reverted
from ledger.money import date_of
from ledger.periods import month_text
from ledger.reading import DayKind
from ledger.reading.settlements import DayCleared, cleared_by_day
from ledger.settlements import Due, names_of, parties_of, shown

if TYPE_CHECKING:
    from ledger.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """An entry behind what is due to a party."""

    date: date
    kind: DayKind
    ref: str
    loan_ref: str
    """Empty where it is about no loan."""
    reference: str
    """The bank's, of what was paid on a settlement; else empty."""
    amount_minor: int
    """What it added to what the party gets."""


class DayDue(NamedTuple):
    """What the entries of a kind on a business day added to what a party gets."""

    day: int
    kind: DayKind
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyDue:
    """What is due to a party, and why."""

    party: str
    brought_forward_minor: int
    """What was due to it as of the settlement before."""
    entries: tuple[Behind, ...]
    """Those since, in chain order; what was paid is among them. None where they are by day."""
    days: tuple[DayDue, ...]
    """The same by business day and kind; none where they are one by one."""
    due_minor: int
    """The sum: above 0 it gets, below 0 it pays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidLine:
    """What was paid on a payment, or taken back."""

    id: str
    """Of the payment."""
    reference: str
    date: date
    amount_minor: int
    """Below 0 when it is taken back."""
    party: str
    """Who said so."""
    reversed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Dues:
    """A settlement, or what a deal would settle now, with everything behind it."""

    deal: str
    currency: str
    number: int | None
    """None: as the deal stands now."""
    on: date | None
    """As of which day it was settled; None as the deal stands now."""
    made_by: str
    of_sealed_day: bool
    replaced: bool
    """By a newer settlement: what is unpaid of this one is no longer paid."""
    block: int
    payments: tuple[Due, ...]
    lines: tuple[PaidLine, ...]
    parties: tuple[PartyDue, ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "deal": self.deal,
            "currency": self.currency,
            "settlement": self.number,
            "date": self.on.isoformat() if self.on else None,
            "made_by": self.made_by or None,
            "of_sealed_day": self.of_sealed_day,
            "replaced": self.replaced,
            "block": self.block,
            "payments": [payment.document() for payment in self.payments],
            "paid": [
                {
                    "id": line.id,
                    "reference": line.reference,
                    "date": line.date.isoformat(),
                    "amount_minor": line.amount_minor,
                    "party": line.party,
                    "reversed": line.reversed,
                }
                for line in self.lines
            ],
            "due": {one.party: one.due_minor for one in self.parties},
            "parties": {
                one.party: {
                    "brought_forward_minor": one.brought_forward_minor,
                    "due_minor": one.due_minor,
                    "entries": [
                        {
                            "date": entry.date.isoformat(),
                            "kind": entry.kind.word,
                            "ref": entry.ref,
                            "loan_ref": entry.loan_ref or None,
                            "reference": entry.reference or None,
                            "amount_minor": entry.amount_minor,
                        }
                        for entry in one.entries
                    ],
                }
                for one in self.parties
            },
        }


def dues(ledger: Ledger, deal: str, number: int | None = None, *, by_day: bool = False) -> Dues:
    """A settlement of a deal by its number; without, what came together since the newest one.

    `by_day`: by business day and kind instead of entry by entry, as quick for a deal of many.
    Raises `UsageInvalid` or `Reverted` (`DEAL_NOT_ACTIVE`, `PAYMENT_UNKNOWN`).
    """
    found, book = ledger.deal(deal), ledger.book()
    parties = parties_of(ledger, found)
    newest = reading.settlement(book, found.deal)
    now = None if number is None else reading.settlement(book, found.deal, number)
    if number is not None and now is None:
        raise Reverted("PAYMENT_UNKNOWN")
    before = newest if now is None else reading.settlement(book, found.deal, now.number - 1)
    names = names_of(ledger)
    terms = reading.versions(book, found.deal)[found.version - 1].terms
    of_payments = now or newest
    return Dues(
        deal=deal,
        currency=terms.currency.to_bytes(3, "big").decode("ascii"),
        number=number,
        on=date_of(now.day) if now else None,
        made_by=names[now.party] if now else "",
        of_sealed_day=now is not None and now.of_sealed_day,
        replaced=now is not None and newest is not None and newest.number != now.number,
        block=now.block if now else book.at[0],
        payments=shown(deal, of_payments, names) if of_payments else (),
        lines=_lines(ledger, found, names, of_payments),
        parties=(_by_day if by_day else _parties)(ledger, found, parties, names, now, before),
    )


def _lines(
    ledger: Ledger,
    deal: reading.Deal,
    names: dict[int, str],
    settlement: reading.Settlement | None,
) -> tuple[PaidLine, ...]:
    return tuple(
        PaidLine(
            id=f"{deal.name}/{line.number}/{line.payment + 1}",
            reference=ledger.ref(line.reference_id),
            date=date_of(line.date),
            amount_minor=line.amount_minor,
            party=names[line.party],
            reversed=line.reversed,
        )
        for line in reading.settlement_lines(ledger.book(), deal.deal)
        if settlement is not None and line.number == settlement.number
    )


def _parties(
    ledger: Ledger,
    deal: reading.Deal,
    parties: tuple[int, ...],
    names: dict[int, str],
    now: reading.Settlement | None,
    before: reading.Settlement | None,
) -> tuple[PartyDue, ...]:
    entries: dict[int, list[Behind]] = {party: [] for party in parties}
    for entry, sign in behind(ledger.book(), deal.deal, now, before):
        said = _said(ledger, entry)
        for party, leg in entry.legs_minor.items():
            entries[party].append(Behind(**said, amount_minor=sign * leg))
    forward = _forward(parties, before)
    return tuple(
        PartyDue(
            party=names[party],
            brought_forward_minor=forward[party],
            entries=tuple(own),
            days=(),
            due_minor=forward[party] + sum(entry.amount_minor for entry in own),
        )
        for party, own in entries.items()
    )


def _forward(parties: tuple[int, ...], before: reading.Settlement | None) -> dict[int, int]:
    """What each party had to get, or below 0 to pay, by the settlement before."""
    forward = dict.fromkeys(parties, 0)
    for payment in before.payments if before else ():
        forward[payment.payer] -= payment.amount_minor
        forward[payment.payee] += payment.amount_minor
    return forward


def _by_day(
    ledger: Ledger,
    deal: reading.Deal,
    parties: tuple[int, ...],
    names: dict[int, str],
    now: reading.Settlement | None,
    before: reading.Settlement | None,
) -> tuple[PartyDue, ...]:
    sums: dict[int, Counter[tuple[int, DayKind]]] = {party: Counter() for party in parties}
    for one in cleared_by_day(ledger.book(), deal.deal):
        sign = int(now is None or _counts(one, now)) - int(
            before is not None and _counts(one, before)
        )
        if sign:
            kind = DayKind(one.kind) if one.kind > 0 else DayKind.REVERSAL
            sums[one.party][one.day, kind] += sign * one.amount_minor
    forward = _forward(parties, before)
    return tuple(
        PartyDue(
            party=names[party],
            brought_forward_minor=forward[party],
            entries=(),
            days=tuple(DayDue(*key, amount) for key, amount in sorted(own.items()) if amount),
            due_minor=forward[party] + own.total(),
        )
        for party, own in sums.items()
    )


def _counts(moved: DayCleared, settlement: reading.Settlement) -> bool:
    """Whether it was part of the dues when the settlement was made; see `clearing.behind`."""
    if moved.settled >= settlement.number:
        return False
    paid = abs(moved.kind) == DayKind.SETTLEMENT
    return not settlement.of_sealed_day or moved.day <= settlement.day or paid


def _said(ledger: Ledger, entry: Cleared) -> dict[str, Any]:
    monthly = entry.kind is DayKind.PERIOD_STATEMENT
    return {
        "date": date_of(entry.date),
        "kind": entry.kind,
        "ref": month_text(int.from_bytes(entry.entry_id, "big"))
        if monthly
        else ledger.ref(entry.entry_id),
        "loan_ref": ledger.ref(entry.loan_id) if any(entry.loan_id) else "",
        "reference": ledger.ref(entry.reference_id) if entry.reference_id else "",
    }
