"""Tallied: how each event counts to the totals of a business day, worked out from the event alone.

The third reading of what an entry counts for, after the contracts and `reading.counted`.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

from ledger import events
from ledger.bindings import BOOKING, RECOVERY, WAIVER
from ledger.events import WORD_64, Amounts, fields_of
from ledger.reading import DayKind


class Tallied(NamedTuple):
    """What an event adds to a day."""

    kind: DayKind
    date: int
    amount_minor: int


def _legs(words: tuple[int, ...], *, booking: bool = False) -> int:
    """What legs add up to; of a booking's without what it cost the funders."""
    principal, interest, penalty, fee = Amounts.unpack(sum(words))
    return principal + interest + penalty + (0 if booking else fee)


def _booked(event: events.LoanBooked) -> Tallied:
    principal = sum(fields_of(event.parts))
    return Tallied(DayKind.BOOKING, event.particulars & 0xFFFF, principal)


def _repaid(event: events.LoanRepaid) -> Tallied:
    return Tallied(DayKind.REPAYMENT, event.date, _legs(event.legs))


def _waived(event: events.LoanWaived) -> Tallied:
    return Tallied(DayKind.WAIVER, event.date, _legs((event.amounts,)))


def _written_off(event: events.LoanWrittenOff) -> Tallied:
    return Tallied(DayKind.WRITE_OFF, event.date, sum(fields_of(event.parts)))


def _compensated(event: events.LoanCompensated) -> Tallied:
    return Tallied(DayKind.COMPENSATION, event.date, sum(fields_of(event.pays)))


def _recovered(event: events.LoanRecovered) -> Tallied:
    return Tallied(DayKind(event.kind), event.date, _recovery(event.kind, event.amounts))


def _recovery(kind: int, amounts: int) -> int:
    """The gross amount of a recovery, its cost within it; all that a late repayment brought."""
    return amounts & WORD_64 if kind == RECOVERY else _legs((amounts,))


def _reversed(event: events.EntryReversed) -> Tallied:
    words = (event.amounts,) if event.reversed_kind == WAIVER else event.legs
    amount = _legs(words, booking=event.reversed_kind == BOOKING)
    return Tallied(DayKind.REVERSAL, event.date, amount)


def _compensation_reversed(event: events.CompensationReversed) -> Tallied:
    return Tallied(DayKind.REVERSAL, event.date, sum(fields_of(event.pays)))


def _recovery_reversed(event: events.RecoveryReversed) -> Tallied:
    return Tallied(DayKind.REVERSAL, event.date, _recovery(event.kind, event.amounts))


def _single(kind: DayKind) -> Callable[[Any], Tallied]:
    return lambda event: Tallied(kind, event.date, event.amount_minor)


def _closed(event: events.PeriodClosed) -> Tallied:
    return Tallied(DayKind.PERIOD_STATEMENT, event.date, abs(event.platform_minor))


TALLIED: dict[type, Callable[[Any], Tallied]] = {
    events.LoanBooked: _booked,
    events.LoanRepaid: _repaid,
    events.LoanWaived: _waived,
    events.LoanWrittenOff: _written_off,
    events.EntryReversed: _reversed,
    events.LoanCompensated: _compensated,
    events.LoanRecovered: _recovered,
    events.CompensationReversed: _compensation_reversed,
    events.RecoveryReversed: _recovery_reversed,
    events.DepositPaid: _single(DayKind.DEPOSIT_PAID),
    events.DepositReleased: _single(DayKind.DEPOSIT_RELEASED),
    events.DepositReversed: _single(DayKind.REVERSAL),
    events.PeriodClosed: _closed,
    events.SettlementPaid: _single(DayKind.SETTLEMENT),
    events.PaymentReversed: _single(DayKind.REVERSAL),
    events.VoucherConfirmed: _single(DayKind.CONFIRMATION),
    events.PieceTransferred: _single(DayKind.TRANSFER),
    events.PieceDiscounted: _single(DayKind.TRANSFER),
    events.PieceSold: _single(DayKind.TRANSFER),
    events.PieceReturned: _single(DayKind.TRANSFER),
    events.PiecePaid: _single(DayKind.VOUCHER_PAYMENT),
    events.PieceConverted: _single(DayKind.VOUCHER_PAYMENT),
    events.PiecePaymentReversed: _single(DayKind.REVERSAL),
}
"""Every event that counts to a day."""
_date = attrgetter("date")
LATE: dict[type, Callable[[Any], int]] = {
    events.LoanBooked: lambda event: event.particulars & 0xFFFF,
    events.LoanRepaid: _date,
    events.LoanWaived: _date,
    events.LoanCompensated: _date,
    events.LoanRecovered: _date,
    events.VoucherConfirmed: _date,
    events.PieceTransferred: _date,
    events.PieceDiscounted: _date,
    events.PieceSold: _date,
    events.PieceReturned: _date,
    events.PiecePaid: _date,
    events.PieceConverted: _date,
}
"""The date of each event that may be of a sealed day, if its batch was posted as late."""


def of_further_legs(event: events.FurtherLegs, before: Any) -> int:
    """What the rest of an entry's legs adds to it; `before`: the entry."""
    booking = isinstance(before, events.EntryReversed) and before.reversed_kind == BOOKING
    return _legs(event.legs, booking=booking)
