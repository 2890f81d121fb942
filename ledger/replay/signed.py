"""Signed: what the contracts reported of each entry is what its submitter signed.

A transaction's calldata carries the rows as the submitter's key signed them; the events carry the
entries with their legs. Nothing else may post.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any, NamedTuple

from eth_abi.abi import decode as abi_decode
from eth_abi.exceptions import DecodingError

from ledger import events
from ledger.bindings import REPAYMENT, WAIVER, artifact, encode_call
from ledger.events import Amounts, DealTerms, Event, fields_of
from ledger.replay.report import Findings, deal_shown, shown

_SERVICER, _LEAD = "servicer", "lead"
_ROW_WORDS = {"book": 4, "repay": 4, "mark_overdue": 4, "waive": 5, "write_off": 4, "reverse": 9}
_ENTRIES = (
    events.LoanBooked,
    events.LoanRepaid,
    events.LoanMarkedOverdue,
    events.LoanWaived,
    events.LoanWrittenOff,
    events.EntryReversed,
)


class Signed(NamedTuple):
    """An entry as signed or as reported: what both must say."""

    kind: str
    entry_id: bytes
    loan_id: bytes
    content: tuple[object, ...]
    """Dates and whatever else the row decides."""


@dataclass(slots=True)
class Posted:
    """An entry as reported, with all its legs."""

    event: Any
    legs: list[int]


@dataclass(slots=True)
class _Call:
    function: str
    deal_id: bytes
    version: int
    rows: list[tuple[int, ...]]


class SignedEntries:
    """Holds the events of each transaction to Loans against its calldata."""

    def __init__(self, loans: bytes, findings: Findings) -> None:
        self._loans = loans
        self._findings = findings

    def check(
        self,
        *,
        block: int,
        index: int,
        to: bytes,
        data: bytes,
        reported: list[Event],
        number_of_maker: Mapping[bytes, int],
        sender: bytes,
        terms_of: Callable[[bytes, int], DealTerms | None],
        sealed_through: Mapping[bytes, int],
    ) -> None:
        """Check the entries of one transaction; `reported` are its events in order."""
        posted = list(_posted(reported))
        opened = [event for event in reported if isinstance(event, events.EntriesSubmitted)]
        made = _read_call(data) if to == self._loans else None
        if made is None:
            if posted or opened:
                kind = type((opened or [posted[0].event])[0]).__name__
                self._findings.counts["entries"] += 1
                self._findings.fail(
                    "entries", block, f"transaction {index}: no entries", f"{kind}, ..."
                )
            return
        self._check_batch(block, index, made, opened, number_of_maker.get(sender, 0))
        self._check_role(block, index, made, sender, number_of_maker, terms_of)
        for row, entry in zip_longest(made.rows, posted):
            self._check_entry(block, index, made.function, row, entry)
        sealed = sealed_through.get(made.deal_id, 0)
        for entry in posted:
            self._check_day(block, index, entry, sealed)

    def _check_batch(
        self,
        block: int,
        index: int,
        made: _Call,
        opened: list[events.EntriesSubmitted],
        number: int,
    ) -> None:
        expected = events.EntriesSubmitted(made.deal_id, made.version, number)
        if opened != [expected]:
            self._findings.fail(
                "entries",
                block,
                f"transaction {index}: EntriesSubmitted {shown(expected)}",
                ", ".join(map(shown, opened)) or "-",
            )

    def _check_role(
        self,
        block: int,
        index: int,
        made: _Call,
        sender: bytes,
        number_of_maker: Mapping[bytes, int],
        terms_of: Callable[[bytes, int], DealTerms | None],
    ) -> None:
        terms = terms_of(made.deal_id, made.version)
        if terms is None:
            self._findings.counts["roles"] += 1
            expected = f"transaction {index}: a deal and version of the ledger"
            found = f"{deal_shown(made.deal_id)} version {made.version}"
            self._findings.fail("roles", block, expected, found)
            return
        role = _role(made)
        number = terms.parties[terms.servicer if role == _SERVICER else 0]
        self._findings.expect(
            "roles",
            block,
            number,
            number_of_maker.get(sender, 0),
            f"transaction {index}: {made.function} by the {role}, member",
        )

    def _check_entry(
        self,
        block: int,
        index: int,
        function: str,
        row: tuple[int, ...] | None,
        entry: Posted | None,
    ) -> None:
        if row is None or entry is None:
            self._findings.counts["entries"] += 1
            expected = "no further entry" if row is None else shown(_signed(function, row))
            found = "-" if entry is None else shown(_reported(entry))
            self._findings.fail("entries", block, f"transaction {index}: {expected}", found)
            return
        signed, reported = _signed(function, row), _reported(entry)
        self._findings.expect("entries", block, signed, reported, f"transaction {index}:")
        total = _total(function, row)
        if total is not None:
            self._findings.expect(
                "L1",
                block,
                Amounts.unpack(total),
                Amounts.unpack(sum(entry.legs)),
                f"entry {shown(reported.entry_id)}: legs of",
            )

    def _check_day(self, block: int, index: int, entry: Posted, sealed: int) -> None:
        """J3: nothing is posted on or before the last sealed day."""
        event = entry.event
        if isinstance(event, events.LoanMarkedOverdue):
            return
        day = event.particulars & 0xFFFF if isinstance(event, events.LoanBooked) else event.date
        self._findings.counts["J3"] += 1
        if day <= sealed:
            self._findings.fail(
                "J3", block, f"transaction {index}: a date after day {sealed}", f"day {day}"
            )


def _role(made: _Call) -> str:
    if made.function == "reverse":
        # Whoever may post an entry may reverse it.
        return _SERVICER if made.rows[0][5] <= REPAYMENT else _LEAD
    return _LEAD if made.function in ("waive", "write_off") else _SERVICER


def _read_call(data: bytes) -> _Call | None:
    """The rows of a call to a batch function of Loans; None for any other call."""
    function = _functions().get(data[:4])
    if function is None:
        return None
    width = 32 * _ROW_WORDS[function]
    deal_id, version = data[4:36], int.from_bytes(data[36:68], "big")
    if function == "reverse":
        return _Call(function, deal_id, version, [_row(data[68 : 68 + width])])
    count = int.from_bytes(data[100:132], "big")
    if data[68:100] == (96).to_bytes(32, "big") and len(data) >= 132 + count * width:
        starts = range(132, 132 + count * width, width)
        return _Call(function, deal_id, version, [_row(data[at : at + width]) for at in starts])
    # Other places for the rows are valid ABI too; only nobody encodes so.
    kinds = ",".join(["uint256"] * _ROW_WORDS[function])
    try:
        _, _, rows = abi_decode(["bytes32", "uint256", f"({kinds})[]"], data[4:])
    except (DecodingError, OverflowError):
        return None
    return _Call(function, deal_id, version, list(rows))


def _row(data: bytes) -> tuple[int, ...]:
    return tuple([int.from_bytes(data[at : at + 32], "big") for at in range(0, len(data), 32)])


@cache
def _functions() -> dict[bytes, str]:
    """Selector to function of Loans that posts."""
    empty: dict[str, tuple[object, ...]] = {name: (bytes(32), 0, []) for name in _ROW_WORDS}
    zero, word = 0, bytes(32)
    empty["reverse"] = (word, 0, (word, word, zero, zero, word, zero, zero, zero, zero))
    names = {item["name"] for item in artifact("Loans").abi if item["type"] == "function"}
    assert names >= empty.keys()
    return {encode_call("Loans", name, *given)[:4]: name for name, given in empty.items()}


def _posted(reported: list[Event]) -> Iterator[Posted]:
    last: Posted | None = None
    for event in reported:
        if isinstance(event, events.FurtherLegs) and last is not None:
            last.legs.extend(event.legs)
            continue
        if isinstance(event, _ENTRIES):
            if last is not None:
                yield last
            last = Posted(event, _legs(event))
    if last is not None:
        yield last


def _legs(event: Event) -> list[int]:
    if isinstance(event, events.LoanBooked | events.LoanWrittenOff):
        return fields_of(event.parts)
    if isinstance(event, events.LoanRepaid | events.EntryReversed):
        return list(event.legs)
    return []


def _signed(function: str, row: tuple[int, ...]) -> Signed:
    own = row[0].to_bytes(32, "big")
    if function == "book":
        return Signed("LoanBooked", own, own, (row[1].to_bytes(32, "big"), row[3]))
    loan = row[1].to_bytes(32, "big")
    if function == "repay":
        return Signed("LoanRepaid", own, loan, (row[2] & 0xFFFF,))
    if function == "mark_overdue":
        return Signed("LoanMarkedOverdue", own, loan, (row[3],))
    if function == "waive":
        return Signed("LoanWaived", own, loan, (row[3], row[4]))
    if function == "write_off":
        return Signed("LoanWrittenOff", own, loan, (row[3],))
    reversed_id = row[4].to_bytes(32, "big")
    return Signed("EntryReversed", own, loan, (row[3], reversed_id, row[5], row[7]))


def _reported(entry: Posted) -> Signed:
    event = entry.event
    kind = type(event).__name__
    if isinstance(event, events.LoanBooked):
        return Signed(kind, event.loan_id, event.loan_id, (event.borrower_id, event.particulars))
    content: tuple[object, ...]
    if isinstance(event, events.LoanMarkedOverdue):
        content = (event.since_date,)
    elif isinstance(event, events.LoanWaived):
        content = (event.date, event.amounts)
    elif isinstance(event, events.EntryReversed):
        content = (event.date, event.reversed_id, event.reversed_kind, event.amounts)
    else:
        content = (event.date,)
    return Signed(kind, event.entry_id, event.loan_id, content)


def _total(function: str, row: tuple[int, ...]) -> int | None:
    """The amounts that the legs must add up to; None where the row does not say."""
    if function == "book":
        return row[2]
    if function == "repay":
        return row[3]
    if function == "reverse":
        # A waiver posts nothing, so its mirror neither.
        return 0 if row[5] == WAIVER else row[7]
    return None
