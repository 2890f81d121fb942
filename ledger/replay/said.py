"""Said: a signed call and the events of it, brought to one form in which both must agree.

Of every event only what its signer decided is in that form; what the contracts worked out, as
legs, discounts, deposits and the figures of a month, is recomputed elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from ledger import events
from ledger.bindings import BOOKING, CLAIM_REPAYMENT, WAIVER
from ledger.days import digest
from ledger.events import Amounts, Event, fields_of
from ledger.reading import DayStatement
from ledger.records import terms_of
from ledger.replay.calls import Call
from ledger.replay.voucher_rows import DECIDED as _OF_VOUCHERS
from ledger.replay.voucher_rows import EVENTS as _VOUCHER_EVENTS
from ledger.replay.voucher_rows import ROWS as _VOUCHER_ROWS


class Said(NamedTuple):
    """One event as signed or as reported."""

    kind: str
    content: tuple[object, ...]


@dataclass(slots=True)
class Entry:
    """An entry as reported, with all its legs."""

    event: Any
    legs: list[int]


# ---- events


_DECIDED: dict[type, tuple[str, ...]] = {
    **_OF_VOUCHERS,
    events.EntriesSubmitted: ("deal_id", "version", "submitter"),
    events.LoanBooked: ("loan_id", "borrower_id", "particulars"),
    events.LoanRepaid: ("entry_id", "loan_id", "date"),
    events.LoanMarkedOverdue: ("entry_id", "loan_id", "since_date"),
    events.LoanWaived: ("entry_id", "loan_id", "date", "amounts"),
    events.LoanWrittenOff: ("entry_id", "loan_id", "date"),
    events.EntryReversed: (
        "entry_id", "loan_id", "date", "reversed_id", "reversed_kind", "amounts",
    ),
    events.LoanCompensated: ("entry_id", "loan_id", "date"),
    events.LoanRecovered: ("entry_id", "loan_id", "date", "kind", "amounts"),
    events.CompensationReversed: (
        "entry_id", "loan_id", "date", "reversed_id", "pays", "principal_parts", "interest_parts",
    ),
    events.RecoveryReversed: (
        "entry_id", "loan_id", "date", "reversed_id", "kind", "amounts", "to_layers",
        "residual_parts", "surplus_parts",
    ),
    events.DepositPaid: ("deal_id", "entry_id", "party", "date", "amount_minor"),
    events.DepositReleased: ("deal_id", "entry_id", "party", "date", "amount_minor"),
    events.DepositReversed: ("deal_id", "entry_id", "reversed_id", "party", "date"),
    events.PeriodClosed: ("deal_id", "version", "month", "date", "party"),
    events.SettlementMade: ("deal_id", "day", "party", "payments"),
    events.PaymentReversed: ("deal_id", "entry_id", "reversed_id", "party", "date"),
    events.PoolSubstituted: ("pool_id", "index", "out_id", "in_id", "date"),
    events.TermsProposed: ("deal_id", "proposer", "terms"),
    events.MemberAdmitted: (
        "member_id", "name", "maker", "checker", "roles", "licences", "validator",
    ),
    events.KeyReplaced: ("number", "new_key"),
    events.VoteCast: ("number",),
    events.ActionRequested: ("number", "target", "payload"),
}  # fmt: skip
"""The fields of each kind of event that its signer decided; of the others all of them."""


def _reader(fields: tuple[str, ...]) -> Callable[[Any], tuple[object, ...]]:
    read = attrgetter(*fields)
    # Of one name alone it gives the bare value.
    return read if len(fields) > 1 else lambda event: (read(event),)


_READ = {kind: _reader(fields) for kind, fields in _DECIDED.items()}


def of_event(event: Event) -> Said:
    """What an event reports of what its signer decided."""
    kind = type(event)
    read = _READ.get(kind, tuple)
    return Said(kind.__name__, read(event))


_ENTRIES = (
    events.LoanBooked,
    events.LoanRepaid,
    events.LoanMarkedOverdue,
    events.LoanWaived,
    events.LoanWrittenOff,
    events.EntryReversed,
    events.LoanCompensated,
    events.LoanRecovered,
    events.CompensationReversed,
    events.RecoveryReversed,
)

_WITH_PARTS = (events.LoanBooked, events.LoanWrittenOff)
_WITH_LEGS = (events.LoanRepaid, events.EntryReversed)
_OF_A_DEAL = (
    events.DepositPaid,
    events.DepositReleased,
    events.DepositReversed,
    events.SettlementPaid,
    events.PaymentReversed,
)
ENTRY_AT = {
    **{kind.__name__: 0 for kind in (*_ENTRIES, *_VOUCHER_EVENTS)},
    **{kind.__name__: 1 for kind in _OF_A_DEAL},
}
"""Kind of what is said to the place of the entry's id in it; those that report no entry not."""


def is_entry(event: Event) -> bool:
    """Whether the event reports an entry on a loan or a voucher, or opens a batch of them."""
    return isinstance(event, (*_ENTRIES, *_VOUCHER_EVENTS, events.EntriesSubmitted))


def entries_of(reported: list[Event]) -> Iterator[Entry]:
    """The entries on loans among the events."""
    last: Entry | None = None
    for event in reported:
        if isinstance(event, events.FurtherLegs) and last is not None:
            last.legs.extend(event.legs)
        elif isinstance(event, _ENTRIES):
            if last is not None:
                yield last
            last = Entry(event, _legs(event))
    if last is not None:
        yield last


def _legs(event: Any) -> list[int]:
    if isinstance(event, _WITH_PARTS):
        return fields_of(event.parts)
    if isinstance(event, _WITH_LEGS):
        return list(event.legs)
    return []


# ---- rows of a batch


def _id(word: int) -> bytes:
    return word.to_bytes(32, "big")


def of_rows(made: Call) -> Iterator[Said]:
    """What each row of a batch says."""
    own = made.contract, made.function
    if own in _VOUCHER_ROWS:
        kind, read = _VOUCHER_ROWS[own]
        return (Said(kind.__name__, read(row)) for row in made.rows)
    return map(_ROWS[own], made.rows)


_Row = tuple[int, ...]


def _reversed(row: _Row) -> Said:
    own, loan = _id(row[0]), _id(row[1])
    return Said("EntryReversed", (own, loan, row[3], _id(row[4]), row[5], row[7]))


_ROWS: dict[tuple[str, str], Callable[[_Row], Said]] = {
    ("Loans", "book"): lambda row: Said("LoanBooked", (_id(row[0]), _id(row[1]), row[3])),
    ("Loans", "repay"): lambda row: Said(
        "LoanRepaid", (_id(row[0]), _id(row[1]), row[2] & 0xFFFF)
    ),
    ("Loans", "reverse"): _reversed,
    ("Servicing", "mark_overdue"): lambda row: Said(
        "LoanMarkedOverdue", (_id(row[0]), _id(row[1]), row[3])
    ),
    ("Servicing", "waive"): lambda row: Said("LoanWaived", (_id(row[0]), _id(row[1]), *row[3:5])),
    ("Servicing", "write_off"): lambda row: Said(
        "LoanWrittenOff", (_id(row[0]), _id(row[1]), row[3])
    ),
    ("Servicing", "reverse"): _reversed,
    ("Guarantees", "compensate"): lambda row: Said(
        "LoanCompensated", (_id(row[0]), _id(row[1]), row[3])
    ),
    ("Guarantees", "recover"): lambda row: Said(
        "LoanRecovered", (_id(row[0]), _id(row[1]), *row[3:6])
    ),
    ("Guarantees", "reverse_compensation"): lambda row: Said(
        "CompensationReversed",
        (_id(row[0]), _id(row[1]), row[3], _id(row[4]), row[6:8], row[8:10], row[10:12]),
    ),
    ("Guarantees", "reverse_recovery"): lambda row: Said(
        "RecoveryReversed",
        (_id(row[0]), _id(row[1]), row[3], _id(row[4]), *row[6:8], row[8:10], row[10:12],
         row[12:14]),
    ),
}  # fmt: skip


def total_of(made: Call, row: _Row, entry: Entry) -> tuple[str, object, object] | None:
    """The invariant, the signed amount and what the parts come to; None where a row says none."""
    event = entry.event
    if isinstance(event, events.LoanCompensated):
        parts = sum(fields_of(event.principal_parts)) + sum(fields_of(event.interest_parts))
        return "G1", sum(fields_of(event.pays)), parts
    if isinstance(event, events.LoanRecovered):
        words = *event.to_layers, *event.residual_parts, *event.surplus_parts
        return "G1", cash_of(row[4], Amounts.unpack(row[5])), sum(fields_of(words))
    found = Amounts.unpack(sum(entry.legs))
    if made.function == "book":
        return "L1", Amounts(row[2], 0, 0, 0), found
    if made.function == "repay":
        return "L1", Amounts.unpack(row[3]), found
    if made.function == "reverse":
        # A waiver posts nothing, so its mirror neither; what a booking cost is no part of its row.
        amounts = 0 if row[5] == WAIVER else row[7]
        return (
            "L1",
            Amounts.unpack(amounts),
            found._replace(fee_minor=0 if row[5] == BOOKING else found.fee_minor),
        )
    return None


def cash_of(kind: int, amounts: Amounts) -> int:
    """What a recovery or a late repayment brings the owners of the claims."""
    if kind == CLAIM_REPAYMENT:
        return sum(amounts)
    return amounts.principal_minor - amounts.fee_minor


# ---- everything else


def to_agree(made: Call, number: int, reported: list[Event]) -> Iterator[Said]:
    """What the events of a call that posts no batch must report; `number` is its sender's."""
    arguments = made.arguments
    if made.function == "enrol":
        yield from map(_enrolled, arguments[0])
        return
    yield _ACTS[made.contract, made.function](arguments, number)
    if any(isinstance(event, events.VoteCast) and event.carried for event in reported):
        yield _CARRIED[made.function](arguments)


def _address(text: str) -> bytes:
    return bytes.fromhex(text[2:])


_Act = Callable[[tuple[Any, ...], int], Said]
_ACTS: dict[tuple[str, str], _Act] = {
    ("Guarantees", "pay"): lambda given, own: Said(
        "DepositPaid", (given[0], given[1], own, given[2], given[3])
    ),
    ("Guarantees", "release"): lambda given, own: Said(
        "DepositReleased", (given[0], given[1], own, given[2], given[3])
    ),
    ("Guarantees", "reverse_payment"): lambda given, own: Said(
        "DepositReversed", (*given[:3], own, given[3])
    ),
    ("Deals", "propose"): lambda given, own: Said(
        "TermsProposed", (given[0], own, terms_of(given[1]))
    ),
    ("Deals", "sign"): lambda given, own: Said("TermsSigned", (*given[:2], own, given[2])),
    ("Deals", "suspend"): lambda given, own: Said("DealSuspended", (*given, own)),
    ("Deals", "resume"): lambda given, own: Said("DealResumed", (*given, own)),
    ("Deals", "close"): lambda given, own: Said("ClosingSigned", (*given, own)),
    ("Journal", "seal_day"): lambda given, own: Said(
        "DaySigned",
        (*given[:2], own, digest(given[0], given[1], DayStatement(*given[2])), *given[2]),
    ),
    ("Settlements", "close"): lambda given, own: Said("PeriodClosed", (*given, own)),
    ("Settlements", "settle"): lambda given, own: Said(
        "SettlementMade", (*given[:2], own, given[2])
    ),
    ("Settlements", "paid"): lambda given, own: Said(
        "SettlementPaid", (given[0], given[3], *given[1:3], own, given[5], given[4], given[6])
    ),
    ("Settlements", "reverse_paid"): lambda given, own: Said(
        "PaymentReversed", (*given[:3], own, given[3])
    ),
    ("Lists", "change"): lambda given, own: Said("ListChanged", given),
    ("Exposures", "declare"): lambda given, own: Said("FigureDeclared", given),
    ("Exposures", "declare_group"): lambda given, own: Said("GroupDeclared", given),
    ("Financing", "set_core_limit"): lambda given, own: Said("CoreLimitSet", given),
    ("Pools", "freeze"): lambda given, own: Said("PoolFrozen", (given[1], given[0], *given[2:])),
    ("Pools", "substitute"): lambda given, own: Said(
        "PoolSubstituted", (*given[:2], given[2][2], given[3][2], given[5])
    ),
    ("Members", "request"): lambda given, own: Said(
        "ActionRequested", (own, _address(given[0]), given[1])
    ),
    ("Members", "add_maker"): lambda given, own: Said("KeyAdded", (own, _address(given[0]))),
    ("Members", "revoke_maker"): lambda given, own: Said("KeyRevoked", (own, _address(given[0]))),
    ("Members", "replace_maker"): lambda given, own: Said("KeyReplaced", (own, _address(given[0]))),
    ("Members", "replace_checker"): lambda given, own: Said("VoteCast", (own,)),
    ("Members", "admit"): lambda given, own: Said("VoteCast", (own,)),
    ("Members", "expel"): lambda given, own: Said("VoteCast", (own,)),
}

_CARRIED: dict[str, Callable[[tuple[Any, ...]], Said]] = {
    "replace_checker": lambda given: Said("KeyReplaced", (given[0], _address(given[1]))),
    "admit": lambda given: _admitted(given[0]),
    "expel": lambda given: Said("MemberExpelled", (given[0],)),
}


def _admitted(admission: tuple[Any, ...]) -> Said:
    member_id, name, maker, checker, roles, licences, validator = admission
    keys = _address(maker), _address(checker)
    content = member_id, name, *keys, roles, licences, _address(validator)
    return Said("MemberAdmitted", content)


def _enrolled(enrolment: tuple[Any, ...]) -> Said:
    member_id, name, maker = enrolment
    nobody = bytes(20)
    content = member_id, name, _address(maker), nobody, 1 << 4, 0, nobody
    return Said("MemberAdmitted", content)
