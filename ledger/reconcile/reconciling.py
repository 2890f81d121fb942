"""Reconciling: a file of the other side with the ledger, every difference with its cause.

A *break* is a difference that a person must explain. Breaks are returned, never raised.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from ledger import reading
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import currency_decimals, date_of
from ledger.reconcile.basis import Basis
from ledger.reconcile.carrying import arrived, carried_breaks, without_arrived
from ledger.reconcile.cash import LOOK_BACK_DAYS
from ledger.reconcile.comparing import compare
from ledger.reconcile.details import DETAILS
from ledger.reconcile.explaining import explain
from ledger.reconcile.held import account_lines, cash_lines, loan_lines
from ledger.reconcile.knowing import basis
from ledger.reconcile.lines import (
    AccountLine,
    Break,
    Kind,
    Line,
    LoanBalanceLine,
    State,
    Statement,
    column_of,
)
from ledger.reconcile.ours import Found, Ours
from ledger.reconcile.refs import Refs
from ledger.reconcile.register import OpenBreak

if TYPE_CHECKING:
    from ledger.ledger import Ledger

WINDOW_DAYS = 1
"""T+1: how far apart the dates of one entry on two sides may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """What came of a file. Dates in days since 1970-01-01, amounts in minor units."""

    deal: str
    kind: Kind
    file: str
    member: str
    """Whose bank account it was; "" for all other kinds."""
    first: int
    last: int
    today: int
    currency: str
    ours: int
    """Lines of the window,"""
    theirs: int
    matched: int
    """and those of theirs that differ in nothing."""
    ours_minor: int
    theirs_minor: int
    breaks: tuple[Break, ...]
    arrived: frozenset[str] = frozenset()
    """Refs of the register's breaks of earlier days that both sides have by now."""
    head_block: int = 0
    """The head of the chain that the book was folded up to."""

    @property
    def decimals(self) -> int:
        """Of the currency's minor unit."""
        return currency_decimals(self.currency)

    @property
    def at_risk_minor(self) -> int:
        """What the two sides do not agree on, all breaks together."""
        return sum(found.at_risk_minor for found in self.breaks)

    def explained(self, found: Break) -> str:
        """The break in words, in the current language."""
        return explain(found, decimals=self.decimals)

    def age_days(self, found: Break) -> int:
        """Days since the break's business date."""
        return max(self.today - found.date, 0)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "deal": self.deal,
            "kind": self.kind.value,
            "from": date_of(self.first).isoformat(),
            "to": date_of(self.last).isoformat(),
            "ours": self.ours,
            "theirs": self.theirs,
            "matched": self.matched,
            "breaks": [
                {
                    "code": found.code,
                    "ref": found.ref,
                    "field": found.field,
                    "ours": found.ours,
                    "theirs": found.theirs,
                    "explanation": self.explained(found),
                    "age_days": self.age_days(found),
                    "cause": found.cause,
                    "date": date_of(found.date).isoformat(),
                    "line": found.line,
                    "at_risk_minor": found.at_risk_minor,
                }
                for found in self.breaks
            ],
            "file": self.file,
            "member": self.member,
            "currency": self.currency,
            "ours_minor": self.ours_minor,
            "theirs_minor": self.theirs_minor,
            "at_risk_minor": self.at_risk_minor,
        }


def reconcile(
    ledger: Ledger,
    deal: str,
    kind: Kind,
    statement: Statement,
    *,
    first: int | None = None,
    last: int | None = None,
    today: int,
    member: str = "",
) -> Reconciliation:
    """Compare a file with the ledger's book. O(n).

    `first` and `last`: the days to compare, both included; None: those of the file. Of balances
    they are one day, the one of whose closing the file is the opening. `member`: whose bank
    account it is; "": that of who collects. Raises `UsageInvalid`.
    """
    assert statement.kind is kind, "a file of another kind"
    found = ledger.deal(deal)
    first, last = _window(statement, first, last)
    whose = _account_of(ledger, found, member) if kind is Kind.CASH else ""
    with _uncollected():
        refs = Refs(ledger, deal)
        known = basis(ledger, found, kind, refs, first=first, last=last, member=whose)
        carried = carried_breaks(ledger.directory, deal, kind, first)
        sides = _sides(ledger, found, statement, refs, known, carried)
        compared = compare(sides.ours, statement, known, left=sides.theirs, agreeing=sides.agreeing)
        named = sides.ours
        if carried and kind in DETAILS:
            named = [*Ours(ledger.book(), found, refs).named(kind, [one.ref for one in carried])]
        late = arrived(kind, carried, named, statement.lines)
        return Reconciliation(
            deal=deal,
            kind=kind,
            file=statement.file,
            member=whose,
            first=first,
            last=last,
            today=today,
            currency=_currency(ledger, found),
            ours=compared.ours,
            theirs=compared.theirs,
            matched=compared.matched,
            ours_minor=sides.agreeing_minor + _total(kind, sides.ours, known),
            theirs_minor=sides.agreeing_minor + _total(kind, sides.theirs, known),
            breaks=without_arrived(compared.breaks, carried, late),
            arrived=late,
            head_block=ledger.book().at[0],
        )


def _window(statement: Statement, first: int | None, last: int | None) -> tuple[int, int]:
    if statement.kind is Kind.BALANCES:
        day = statement.date - 1 if statement.date is not None else last
        if day is None:
            raise UsageInvalid(
                text("reconcile.day_missing"), found="-", expected=text("reconcile.day_expected")
            )
        return day, day
    dates: list[int] = []
    if first is None or last is None:
        place = DETAILS[statement.kind].date_place if statement.kind in DETAILS else 2
        dates = [*column_of(statement.lines, place)]
        dates += [total.date for total in statement.totals]
        dates += [statement.date] if statement.date is not None else []
        if not dates:
            raise UsageInvalid(
                text("reconcile.day_missing"), found="-", expected=text("reconcile.day_expected")
            )
    first = min(dates) if first is None else first
    last = max(dates) if last is None else last
    if last < first:
        raise UsageInvalid(
            text("reconcile.days_reversed"),
            expected=date_of(first).isoformat(),
            found=date_of(last).isoformat(),
        )
    return first, last


def _account_of(ledger: Ledger, deal: reading.Deal, member: str) -> str:
    if member:
        return ledger.member(member).member_id
    terms = reading.versions(ledger.book(), deal.deal)[max(deal.version, 1) - 1].terms
    number = terms.parties[terms.collected_by]
    return next(one.member_id for one in reading.members(ledger.book()) if one.number == number)


def _currency(ledger: Ledger, deal: reading.Deal) -> str:
    terms = reading.versions(ledger.book(), deal.deal)[max(deal.version, 1) - 1].terms
    return terms.currency.to_bytes(3, "big").decode("ascii")


def _sides(
    ledger: Ledger,
    deal: reading.Deal,
    theirs: Statement,
    refs: Refs,
    known: Basis,
    carried: Sequence[OpenBreak],
) -> Found:
    book = ledger.book()
    first, last = known.first - WINDOW_DAYS, known.last + WINDOW_DAYS
    if theirs.kind in DETAILS:
        days = range(known.first, known.last + 1)
        # A loan whose parties are off a list is a break, though both sides agree on it.
        every = bool(known.off_lists)
        return Ours(book, deal, refs).lines(theirs, first, last, days, every=every)
    if theirs.kind is Kind.CASH:
        refs.know({line[1] for line in cast("list[Any]", theirs.lines)})
        refs.know(one.ref for one in carried)
        first = min([first, *(one.date - WINDOW_DAYS for one in carried)])
        number = ledger.member(known.member).number
        cash = cash_lines(book, deal, refs, number, first - LOOK_BACK_DAYS, last)
        return Found(ours=[*cash], theirs=theirs.lines)
    kinds = {type(line) for line in theirs.lines} or {LoanBalanceLine, AccountLine}
    found: list[Line] = []
    if AccountLine in kinds:
        found += account_lines(book, deal, known.last)
    if LoanBalanceLine in kinds:
        others = [line for line in theirs.lines if isinstance(line, LoanBalanceLine)]
        refs.know({line.loan_ref for line in others})
        accrued = any(line.accrued_minor is not None for line in others)
        found += loan_lines(book, deal, refs, known.loans, known.last, accrued=accrued)
    return Found(ours=found, theirs=theirs.lines)


def _total(kind: Kind, lines: Sequence[Any], known: Basis) -> int:
    if kind in DETAILS:
        details = DETAILS[kind]
        date, first, last = details.date_place, known.first, known.last
        state, success = details.state_place, State.SUCCESS
        within = [line for line in lines if first <= line[date] <= last and line[state] is success]
        return sum(sum(map(itemgetter(place), within)) for place in details.amounts)
    if kind is Kind.CASH:
        return sum(line[3] for line in lines if known.first <= line[2] <= known.last)
    return sum(line.outstanding_minor for line in lines if isinstance(line, LoanBalanceLine))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for garbage in millions of new lines, of which there is none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
