"""Settlements: who pays whom is what was due, and no more is paid or taken back than that says."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from ledger import events, reading
from ledger.bindings import label
from ledger.book import Book
from ledger.clearing import Cleared, cleared
from ledger.events import Place
from ledger.records import PaymentKind
from ledger.replay.agreed import Agreed
from ledger.replay.asking import Asking
from ledger.replay.keys import Checks
from ledger.replay.report import Findings, deal_shown, differing, shown
from ledger.settling import Payment, remaining
from ledger.waterfall import Account

_PAID, _REVERSAL, _PAID_REVERSED = 1, 2, 3
"""Kinds of entries on a settlement, as Settlements keeps them."""


@dataclass(slots=True)
class _Deal:
    number: int = 0
    """Of the newest settlement."""
    sealed_through: int = 0
    payments: dict[tuple[int, int], Payment] = field(default_factory=dict)
    """By settlement and place."""
    paid_minor: defaultdict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(int))
    standing: dict[bytes, events.SettlementPaid] = field(default_factory=dict)
    """What was paid and not taken back, by id."""
    ids: set[bytes] = field(default_factory=set)


class Settlements:
    """Follows settlements: S7, S8, and who may make and pay them."""

    def __init__(self, agreed: Agreed, findings: Findings) -> None:
        self._agreed = agreed
        self._findings = findings
        self._deals: defaultdict[bytes, _Deal] = defaultdict(_Deal)
        self.checks: Checks = {
            events.DaySealed: self._sealed,
            events.SettlementMade: self._made,
            events.SettlementPaid: self._paid,
            events.PaymentReversed: self._reversed,
        }

    def _sealed(self, event: events.DaySealed, place: Place) -> None:
        self._deals[event.deal_id].sealed_through = event.day

    def _made(self, event: events.SettlementMade, place: Place) -> None:
        deal, name = self._deals[event.deal_id], deal_shown(event.deal_id)
        number = event.number
        what = "next settlement"
        self._findings.expect("S7", place, deal.number + 1, number, what, deal=name)
        expected = f"settlement {number}: as of day {deal.sealed_through} or later"
        holds = event.day >= deal.sealed_through
        self._findings.require("S6", place, holds, expected, event.day, deal=name)
        self._require_one_of(self._agreed.signing_parties(event.deal_id), event, place)
        deal.number = number
        for at, payment in enumerate(event.payments):
            deal.payments[number, at] = Payment(*payment)

    def _paid(self, event: events.SettlementPaid, place: Place) -> None:
        deal, name = self._deals[event.deal_id], deal_shown(event.deal_id)
        own = event.number, event.payment
        payment = deal.payments.get(own)
        self._require_fresh(deal, event, place)
        self._require_one_of(set(payment[:2]) if payment else set(), event, place)
        what = "paid on settlement"
        self._findings.expect(
            "S7", place, deal.number, event.number, what, deal=name, about=event.entry_id
        )
        deal.paid_minor[own] += event.amount_minor
        due = payment.amount_minor if payment else 0
        expected = f"at most {due} paid on payment {event.payment + 1} of it"
        holds = 0 < event.amount_minor and deal.paid_minor[own] <= due
        self._findings.require(
            "S7", place, holds, expected, deal.paid_minor[own],
            deal=name, about=event.entry_id,
        )  # fmt: skip
        deal.standing[event.entry_id] = event

    def _reversed(self, event: events.PaymentReversed, place: Place) -> None:
        deal, name = self._deals[event.deal_id], deal_shown(event.deal_id)
        mirrored = deal.standing.pop(event.reversed_id, None)
        self._require_fresh(deal, event, place)
        expected = "the mirror of a payment that stands, not dated before it"
        holds = (
            mirrored is not None
            and mirrored.amount_minor == event.amount_minor
            and mirrored.date <= event.date
        )
        self._findings.require(
            "S8", place, holds, expected,
            f"entry {shown(event.reversed_id)}, {event.amount_minor} on day {event.date}",
            deal=name, about=event.entry_id,
        )  # fmt: skip
        if mirrored is not None:
            own = mirrored.number, mirrored.payment
            deal.paid_minor[own] -= event.amount_minor
            sides = deal.payments.get(own)
            self._require_one_of(set(sides[:2]) if sides else set(), event, place)

    def _require_one_of(self, allowed: set[int], event: Any, place: Place) -> None:
        name = deal_shown(event.deal_id)
        members = " or ".join(f"member {number}" for number in sorted(allowed)) or "nobody"
        self._findings.require(
            "roles", place, event.party in allowed,
            f"{type(event).__name__} by {members}", f"member {event.party}",
            deal=name, about=getattr(event, "entry_id", b""),
        )  # fmt: skip

    def _require_fresh(self, deal: _Deal, event: Any, place: Place) -> None:
        name = deal_shown(event.deal_id)
        self._findings.require(
            "entry_ids", place, event.entry_id not in deal.ids, "once", "again",
            deal=name, about=event.entry_id,
        )  # fmt: skip
        deal.ids.add(event.entry_id)


# ---- with the book


class Review:
    """S6 over a deal: the dues, summed entry by entry, at every settlement."""

    def __init__(self, book: Book, findings: Findings, deal: reading.Deal) -> None:
        self._book = book
        self._findings = findings
        self._deal = deal
        self._by_day: defaultdict[int, defaultdict[int, int]] = defaultdict(
            lambda: defaultdict(int)
        )
        """Business day to party to what it added; what was paid on settlements is day 0."""

    def run(self, head: int) -> None:
        """Check every settlement of the deal; a deal that has none is not looked at."""
        made = reading.settlements(self._book, self._deal.deal)
        if not made:
            return
        for entry in cleared(self._book, self._deal.deal):
            while made and _place(made[0]) < entry.place:
                self._check(made.pop(0))
            self._add(entry)
        for settlement in made:
            self._check(settlement)
        expected = self._dues(None)
        found = reading.clearing_minor(self._book, self._deal.deal)
        self._findings.expect(
            "S6", head, _sorted(expected), _sorted(found), "CLEARING, entry by entry",
            deal=self._deal.name, account=differing(Account.CLEARING, expected, found),
        )  # fmt: skip

    def _add(self, entry: Cleared) -> None:
        sums = self._by_day[0 if entry.reference_id else entry.day]
        for party, leg in entry.legs_minor.items():
            sums[party] += leg

    def _dues(self, through: int | None) -> dict[int, int]:
        dues: defaultdict[int, int] = defaultdict(int)
        for day, sums in self._by_day.items():
            if through is None or day <= through:
                for party, amount in sums.items():
                    dues[party] += amount
        return {party: due for party, due in dues.items() if due}

    def _check(self, settlement: reading.Settlement) -> None:
        dues = self._dues(settlement.day if settlement.of_sealed_day else None)
        payments = [Payment(one.payer, one.payee, one.amount_minor) for one in settlement.payments]
        left = {party: due for party, due in remaining(dues, payments).items() if due}
        place, name = _place(settlement), self._deal.name
        self._findings.expect(
            "S6", place, [], _sorted(left), f"settlement {settlement.number}: left after it",
            deal=name, account=differing(Account.CLEARING, {}, left),
        )  # fmt: skip
        fair = all(
            one.amount_minor > 0 and dues.get(one.payer, 0) < 0 < dues.get(one.payee, 0)
            for one in payments
        )
        once = len({one[:2] for one in payments}) == len(payments)
        expected = f"settlement {settlement.number}: from those who owe to those who get"
        holds = bool(payments) and fair and once
        self._findings.require("S6", place, holds, expected, payments, deal=name)


def _place(settlement: reading.Settlement) -> Place:
    return Place(settlement.block, settlement.transaction, settlement.log)


def _sorted(amounts: dict[int, int]) -> list[tuple[int, int]]:
    return sorted(amounts.items())


def check_settlements(book: Book, asking: Asking, deal: reading.Deal) -> None:
    """Every settlement, what is left of the newest and every entry on one, as the contract says."""
    ask, name, own = asking.ask, deal.name, label(deal.name)

    def expect(expected: object, found: object, what: str, about: bytes = b"") -> None:
        asking.expect("settlements", expected, found, what, deal=name, about=about)

    made = reading.settlements(book, deal.deal)
    expect(len(made), ask("Settlements", "settlement_number", own), "settlements")
    for settlement in made:
        number = settlement.number
        day, party, payments = ask("Settlements", "settlement", own, number)
        kept = [(one.payer, one.payee, one.amount_minor) for one in settlement.payments]
        said = settlement.day, settlement.party, kept
        expect(said, (day, party, list(payments)), f"settlement {number}")
        for one in settlement.payments:
            rest = one.rest_minor if settlement is made[-1] else 0
            found = ask("Settlements", "rest_minor", own, number, one.payment)
            expect(rest, found, f"left of payment {one.payment + 1} of settlement {number}")
    for line in reading.settlement_lines(book, deal.deal):
        found = ask("Settlements", "settlement_entry", own, line.entry_id)
        what = f"entry on settlement {line.number}"
        expect(_word_of(line), found, what, line.entry_id)


def _word_of(line: reading.SettlementLine) -> int:
    """An entry on a settlement in one word."""
    kind = _PAID_REVERSED if line.reversed else _PAID
    if line.kind is PaymentKind.REVERSED:
        kind = _REVERSAL
    place = line.payment << 120 | line.number << 128
    return abs(line.amount_minor) | line.date << 96 | kind << 112 | place
