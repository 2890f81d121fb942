"""Signed: what the contracts reported is what a member signed.

A transaction's calldata says what its sender's key signed; the events say what came of it. Nothing
else may be reported, and by no other key than the terms let.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest

from eth_hash.auto import keccak

from ledger import events
from ledger.events import Event, Place
from ledger.replay.calls import Call, Who, read_call
from ledger.replay.followed import Followed
from ledger.replay.keys import Key
from ledger.replay.report import Findings, deal_shown, shown
from ledger.replay.said import (
    ENTRY_AT,
    Said,
    entries_of,
    is_entry,
    of_event,
    of_rows,
    to_agree,
    total_of,
)
from ledger.replay.tallied import LATE

_CONSEQUENCES: Mapping[type, tuple[str, ...]] = {
    events.FurtherLegs: ("repay", "reverse"),
    events.LoanFeeCharged: ("book",),
    events.TopUpCalled: (
        "book", "compensate", "recover", "reverse_compensation", "reverse_recovery",
        "reverse_payment",
    ),
    events.DealActivated: ("sign",),
    events.DealClosed: ("close",),
    events.DayDisputed: ("seal_day",),
    events.DaySealed: ("seal_day",),
}  # fmt: skip
"""What follows of itself from a call, to the functions of which it may; checked elsewhere."""


class SignedCalls:
    """Holds the events of each transaction against its calldata."""

    def __init__(
        self, contracts: Mapping[str, bytes], followed: Followed, findings: Findings
    ) -> None:
        """`followed` has seen the events of each transaction that is checked, and no later ones."""
        self._names = {address: name for name, address in contracts.items()}
        self._agreed = followed.agreed
        self._days = followed.days
        self._payments = followed.payments
        self._pools = followed.pools
        self._findings = findings

    def check(
        self,
        *,
        place: Place,
        to: bytes,
        data: bytes,
        sender: Key,
        reported: list[Event],
    ) -> None:
        """Check a transaction.

        `sender` is its key before it, `reported` its events in order.
        """
        if not to:
            # A deployment is compared as a whole.
            return
        name = self._names.get(to)
        made = read_call(name, data) if name else None
        if made is None:
            if reported:
                check = "entries" if any(map(is_entry, reported)) else "acts"
                kind = type(reported[0]).__name__
                named = (getattr(event, "deal_id", None) for event in reported)
                deal_id = next((one for one in named if one is not None), None)
                about = next(filter(None, (_entry_of(of_event(one)) for one in reported)), b"")
                self._findings.require(
                    check, place, False, "no events", f"{kind}, ...",
                    deal="" if deal_id is None else deal_shown(deal_id), about=about,
                )  # fmt: skip
            return
        self._check_role(place, made, sender)
        self._check_events(place, made, to + data, sender, reported)
        if made.rule.row_words:
            self._check_totals(place, made, reported)
            if not made.late:
                self._check_days(place, made, reported)
        if made.function == "settle" and made.rule.row_words:
            self._payments.check_rows(made, place)
        elif made.function == "substitute" and reported:
            self._pools.check_call(made, sender.number, place)

    # ---- who

    def _check_role(self, place: Place, made: Call, sender: Key) -> None:
        allowed = self._allowed(made, sender)
        deal = _deal_of(made)
        if allowed is None:
            expected = "a deal and version of the ledger"
            found = f"{deal} {made.arguments[1:2]}"
            self._findings.require("roles", place, False, expected, found, deal=deal)
            return
        rule = made.rule
        holds = sender.number in allowed and sender.is_checker == rule.by_checker
        eye = "checker" if rule.by_checker else "maker"
        expected = (
            f"{made.function} by the {eye} of the {rule.who},"
            f" {' or '.join(f'member {number}' for number in sorted(allowed)) or 'nobody'}"
        )
        self._findings.require("roles", place, holds, expected, str(sender), deal=deal)

    def _allowed(self, made: Call, sender: Key) -> set[int] | None:
        """Numbers of the members that may; None where the call names no terms of the ledger."""
        who, arguments = made.rule.who, made.arguments
        if who in (Who.MEMBER, Who.OWNER):
            return {sender.number} - {0}
        if who is Who.ENROLLER:
            return {sender.number} if self._agreed.may_enrol(sender.number) else set()
        if who is Who.NAMED:
            return {arguments[0]}
        if who is Who.SIGNING:
            return self._agreed.signing_parties(arguments[0])
        if made.function == "propose":
            parties, *_ = arguments[1]
            return set(parties)
        if who is Who.PARTY:
            proposed = self._agreed.proposed(arguments[0], arguments[1])
            return None if proposed is None else set(proposed.parties)
        if made.rule.row_words:
            terms = self._agreed.terms(arguments[0], arguments[1])
        elif who in (Who.DEPOSITOR, Who.CUSTODIAN):
            terms = self._agreed.with_deposit(arguments[0])
        else:
            terms = self._agreed.newest(arguments[0])
        if terms is None:
            return None
        if who is Who.OF_VOUCHER:
            return {sender.number} - {0}
        if who is Who.OF_DEAL:
            # Which of them, payer or payee, is checked with the settlement.
            return set(terms.parties)
        place = {
            Who.SERVICER: terms.servicer,
            Who.LEAD: 0,
            Who.COLLECTOR: terms.collected_by,
            Who.DEPOSITOR: terms.deposit.depositor,
            Who.CUSTODIAN: terms.deposit.custodian,
        }[who]
        return {terms.parties[place]} if place < len(terms.parties) else set()

    # ---- what

    def _check_events(
        self, place: Place, made: Call, action: bytes, sender: Key, reported: list[Event]
    ) -> None:
        check, deal = "entries" if made.rule.row_words else "acts", _deal_of(made)
        for wanted, found in zip_longest(
            self._expected(made, action, sender, reported), self._reported(made, reported)
        ):
            if wanted == found:
                self._findings.counts[check] += 1
                continue
            about = _entry_of(wanted or found)
            if wanted is not None and found is not None:
                self._findings.expect(check, place, wanted, found, deal=deal, about=about)
                continue
            expected = "nothing further" if wanted is None else shown(wanted)
            told = "-" if found is None else shown(found)
            self._findings.require(check, place, False, expected, told, deal=deal, about=about)

    def _expected(
        self, made: Call, action: bytes, sender: Key, reported: list[Event]
    ) -> Iterator[Said]:
        if made.rule.confirms:
            yield Said("ActionConfirmed", (keccak(action), sender.number))
        if made.rule.row_words:
            yield Said("EntriesSubmitted", (*made.arguments, sender.number))
            yield from of_rows(made)
        else:
            yield from to_agree(made, sender.number, reported)

    def _reported(self, made: Call, reported: list[Event]) -> Iterator[Said]:
        for event in reported:
            if made.function not in _CONSEQUENCES.get(type(event), ()):
                yield of_event(event)

    # ---- how much

    def _check_totals(self, place: Place, made: Call, reported: list[Event]) -> None:
        """L1 and G1: the legs of every entry add up to it."""
        counts = self._findings.counts
        for row, entry in zip(made.rows, entries_of(reported), strict=False):
            total = total_of(made, row, entry)
            if total is None:
                continue
            check, expected, found = total
            if expected == found:
                counts[check] += 1
            else:
                entry_id = getattr(entry.event, "entry_id", entry.event.loan_id)
                self._findings.expect(
                    check, place, expected, found, "legs of", deal=_deal_of(made), about=entry_id
                )

    # ---- when

    def _check_days(self, place: Place, made: Call, reported: list[Event]) -> None:
        """J3, of what may be posted as late and was not."""
        sealed = self._days.of(made.arguments[0]).sealed
        for event in reported:
            date_of = LATE.get(type(event))
            if date_of is None:
                continue
            day = date_of(event)
            if day > sealed:
                self._findings.counts["J3"] += 1
            else:
                self._findings.require(
                    "J3", place, False, f"a date after day {sealed}", f"day {day}",
                    deal=_deal_of(made), about=_entry_of(of_event(event)),
                )  # fmt: skip


def _deal_of(made: Call) -> str:
    # A pool is of no deal.
    first = made.arguments[0] if made.arguments and made.contract != "Pools" else None
    return deal_shown(first) if isinstance(first, bytes) and len(first) == 32 else ""


def _entry_of(said: Said | None) -> bytes:
    """The entry that it is about, empty if it is about none; of a booking the loan."""
    at = None if said is None else ENTRY_AT.get(said.kind)
    if said is None or at is None:
        return b""
    found = said.content[at]
    return found if isinstance(found, bytes) else b""
