"""Leaves: the entry that a log reports, as it counts to its day; read from the receipt alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from eth_abi.exceptions import DecodingError

from ledger import events
from ledger.bindings import decode_event
from ledger.chain.engine import Log
from ledger.days import LAST_DAY
from ledger.events import Amounts, fields_of
from ledger.proofs.signed import LogEntry
from ledger.reading import Counted, DayKind

POSTING = (
    "Financing",
    "Guarantees",
    "Loans",
    "Payments",
    "Servicing",
    "Settlements",
    "Vouchers",
)
"""Contracts that report entries."""
_NONE = bytes(32)
_Made = tuple[DayKind, bytes, int, Amounts, bytes]
"""Kind, loan or piece, date, amounts and what it reverses."""


class Reported(NamedTuple):
    """An entry that a contract reports."""

    deal_id: bytes
    entry: Counted
    """Its `day` is left at 0: which it counts to depends on what was sealed by then."""


class NoEntry(ValueError):
    """A log that reports no entry that counts to a day."""


def reported(logs: Sequence[LogEntry], at: int, contracts: Mapping[str, bytes]) -> Reported:
    """The entry that the log at a place reports. Raises `NoEntry`."""
    if not 0 <= at < len(logs):
        raise NoEntry(f"{len(logs)} logs")
    own = logs[at]
    if own.address not in {contracts[name] for name in POSTING if name in contracts}:
        raise NoEntry(f"a log of 0x{own.address.hex()}")
    event = event_of(own)
    make = _MADE.get(type(event))
    if make is None:
        raise NoEntry(type(event).__name__)
    try:
        kind, loan_id, date, amounts, reversed_id = make(event, _rest(logs, at))
    except ValueError as error:
        raise NoEntry(str(error)) from None
    if date > LAST_DAY:
        raise NoEntry(f"day {date}")
    entry_id = _id_of(event)
    deal_id = getattr(event, "deal_id", None) or _batch(logs[:at], own.address)
    entry = Counted(kind, entry_id, loan_id, date, 0, amounts, reversed_id, None)
    return Reported(deal_id, entry)


def event_of(log: LogEntry) -> Any:
    """The event in a log, whichever contract it is of. Raises `NoEntry`."""
    try:
        return decode_event(Log(log.address, log.topics, log.data, 0, b"", 0, 0))
    except (DecodingError, ValueError, IndexError, OverflowError, TypeError) as error:
        raise NoEntry(str(error)) from None


def _id_of(event: Any) -> bytes:
    if isinstance(event, events.LoanBooked):
        return event.loan_id
    if isinstance(event, events.VoucherConfirmed):
        return event.voucher_id
    if isinstance(event, events.PeriodClosed):
        return event.month.to_bytes(32, "big")
    found: bytes = event.entry_id
    return found


def _batch(before: Sequence[LogEntry], contract: bytes) -> bytes:
    for log in reversed(before):
        event = event_of(log) if log.address == contract else None
        if isinstance(event, events.EntriesSubmitted):
            return event.deal_id
    raise NoEntry("no batch opened before it")


def _rest(logs: Sequence[LogEntry], at: int) -> tuple[int, ...]:
    """The words of the log that goes on with the entry: further legs, or what a booking cost."""
    if at + 1 == len(logs) or logs[at + 1].address != logs[at].address:
        return ()
    event, after = event_of(logs[at]), event_of(logs[at + 1])
    if isinstance(after, events.FurtherLegs) and after.entry_id == getattr(event, "entry_id", b""):
        return after.legs
    if isinstance(after, events.LoanFeeCharged) and isinstance(event, events.LoanBooked):
        return after.parts
    return ()


def _parts(words: tuple[int, ...]) -> int:
    return sum(fields_of(words))


def _booked(event: events.LoanBooked, rest: tuple[int, ...]) -> _Made:
    amounts = Amounts(_parts(event.parts), 0, 0, _parts(rest))
    return DayKind.BOOKING, event.loan_id, event.particulars & 0xFFFF, amounts, _NONE


def _repaid(event: events.LoanRepaid, rest: tuple[int, ...]) -> _Made:
    amounts = Amounts.unpack(sum(event.legs) + sum(rest))
    return DayKind.REPAYMENT, event.loan_id, event.date, amounts, _NONE


def _waived(event: events.LoanWaived, rest: tuple[int, ...]) -> _Made:
    return DayKind.WAIVER, event.loan_id, event.date, Amounts.unpack(event.amounts), _NONE


def _written_off(event: events.LoanWrittenOff, rest: tuple[int, ...]) -> _Made:
    amounts = Amounts(_parts(event.parts), 0, 0, 0)
    return DayKind.WRITE_OFF, event.loan_id, event.date, amounts, _NONE


def _reversed(event: events.EntryReversed, rest: tuple[int, ...]) -> _Made:
    # A waiver has no legs: its mirror neither.
    word = event.amounts if event.reversed_kind == DayKind.WAIVER else sum(event.legs) + sum(rest)
    return DayKind.REVERSAL, event.loan_id, event.date, Amounts.unpack(word), event.reversed_id


def _reached(event: events.LoanCompensated | events.CompensationReversed) -> Amounts:
    return Amounts(_parts(event.principal_parts), _parts(event.interest_parts), 0, 0)


def _compensated(event: events.LoanCompensated, rest: tuple[int, ...]) -> _Made:
    return DayKind.COMPENSATION, event.loan_id, event.date, _reached(event), _NONE


def _compensation_reversed(event: events.CompensationReversed, rest: tuple[int, ...]) -> _Made:
    return DayKind.REVERSAL, event.loan_id, event.date, _reached(event), event.reversed_id


def _recovered(event: events.LoanRecovered, rest: tuple[int, ...]) -> _Made:
    amounts = Amounts.unpack(event.amounts)
    return DayKind(event.kind), event.loan_id, event.date, amounts, _NONE


def _recovery_reversed(event: events.RecoveryReversed, rest: tuple[int, ...]) -> _Made:
    amounts = Amounts.unpack(event.amounts)
    return DayKind.REVERSAL, event.loan_id, event.date, amounts, event.reversed_id


def _closed(event: events.PeriodClosed, rest: tuple[int, ...]) -> _Made:
    amounts = Amounts(abs(event.platform_minor), 0, 0, 0)
    return DayKind.PERIOD_STATEMENT, _NONE, event.date, amounts, _NONE


def _confirmed(event: events.VoucherConfirmed, rest: tuple[int, ...]) -> _Made:
    amounts = Amounts(event.amount_minor, 0, 0, 0)
    return DayKind.CONFIRMATION, event.voucher_id, event.date, amounts, _NONE


def _of_a_piece(kind: DayKind) -> Callable[[Any, tuple[int, ...]], _Made]:
    def made(event: Any, rest: tuple[int, ...]) -> _Made:
        amounts = Amounts(event.amount_minor, getattr(event, "discount_minor", 0), 0, 0)
        return kind, event.piece_id, event.date, amounts, getattr(event, "reversed_id", _NONE)

    return made


def _single(kind: DayKind) -> Callable[[Any, tuple[int, ...]], _Made]:
    def made(event: Any, rest: tuple[int, ...]) -> _Made:
        amounts = Amounts(event.amount_minor, 0, 0, 0)
        return kind, _NONE, event.date, amounts, getattr(event, "reversed_id", _NONE)

    return made


_MADE: dict[type, Callable[[Any, tuple[int, ...]], _Made]] = {
    events.LoanBooked: _booked,
    events.LoanRepaid: _repaid,
    events.LoanWaived: _waived,
    events.LoanWrittenOff: _written_off,
    events.EntryReversed: _reversed,
    events.LoanCompensated: _compensated,
    events.CompensationReversed: _compensation_reversed,
    events.LoanRecovered: _recovered,
    events.RecoveryReversed: _recovery_reversed,
    events.DepositPaid: _single(DayKind.DEPOSIT_PAID),
    events.DepositReleased: _single(DayKind.DEPOSIT_RELEASED),
    events.DepositReversed: _single(DayKind.REVERSAL),
    events.PeriodClosed: _closed,
    events.SettlementPaid: _single(DayKind.SETTLEMENT),
    events.PaymentReversed: _single(DayKind.REVERSAL),
    events.VoucherConfirmed: _confirmed,
    events.PieceTransferred: _of_a_piece(DayKind.TRANSFER),
    events.PieceDiscounted: _of_a_piece(DayKind.TRANSFER),
    events.PieceSold: _of_a_piece(DayKind.TRANSFER),
    events.PieceReturned: _of_a_piece(DayKind.TRANSFER),
    events.PiecePaid: _of_a_piece(DayKind.VOUCHER_PAYMENT),
    events.PieceConverted: _of_a_piece(DayKind.VOUCHER_PAYMENT),
    events.PiecePaymentReversed: _of_a_piece(DayKind.REVERSAL),
}
"""Every event that counts to a day."""
