"""Watched: a partnership whose entries are posted one by one, and told to a count by days as they are.

What an entry moves is read off the loans before and after it, so nothing here repeats how the
contracts come to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.contracts.sandbox.contract import Event, Receipt
from tests.contracts.sandbox.entries import (
    Booking,
    Loan,
    OverdueMark,
    Repayment,
    Reversal,
    Waiver,
    WriteOff,
    id_of,
    packed,
)
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id
from tests.contracts.sandbox.terms import Terms
from tests.contracts.settlements.days import Days, Told
from tests.contracts.settlements.periods import Move, close, statement

ID = deal_id(DEAL)
RECOVERY, CLAIM_REPAYMENT = 6, 7
"""Kinds of what comes in on a compensated or written-off loan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """An entry that stands on a loan, with what its mirror has to name."""

    entry: str
    date: int
    kind: int
    amounts: int
    interest: int
    previous_tip: int
    event: Event


@dataclass(slots=True)
class Watched:
    """One deal with a period; loans are named by their refs."""

    partnership: Partnership
    terms: Terms
    days: Days = field(init=False)
    standing: dict[str, list[Stood]] = field(default_factory=dict)
    _entries: int = 0

    def __post_init__(self) -> None:
        self.days = Days(self.terms)

    def loan(self, ref: str) -> Loan:
        """A loan as stored."""
        return self.partnership.loan(ref)

    # ---- entries
    def book(self, ref: str, principal: int, date: int) -> None:
        row = Booking(loan=ref, principal=principal, start=date, maturity=date + 365)
        self._post(ref, date, lambda: self.partnership.book(row), kind=1, amounts=principal)

    def repay(self, ref: str, principal: int, interest: int, date: int) -> None:
        row = Repayment(
            entry=self._ref(), loan=ref, date=date, principal=principal, interest=interest
        )
        self._post(
            ref,
            date,
            lambda: self.partnership.repay(row),
            kind=2,
            amounts=row.amounts,
            interest=interest,
        )

    def waive(self, ref: str, interest: int, date: int) -> None:
        row = Waiver(entry=self._ref(), loan=ref, date=date, interest=interest)
        self._post(ref, date, lambda: self.partnership.waive(row), kind=3, amounts=row.amounts)

    def mark_overdue(self, ref: str, since: int) -> None:
        """`since` 0: cured. A mark has no date and no mirror."""
        row = OverdueMark(entry=self._ref(), loan=ref, since=since)
        self._post(ref, 0, lambda: self.partnership.mark_overdue(row), kind=0)

    def write_off(self, ref: str, date: int) -> None:
        row = WriteOff(entry=self._ref(), loan=ref, date=date)
        amounts = self.loan(ref).outstanding
        self._post(ref, date, lambda: self.partnership.write_off(row), kind=4, amounts=amounts)

    def compensate(self, ref: str, date: int) -> None:
        row = (id_of(self._ref()), id_of(ref), self.loan(ref).sequence, date)
        self._post(ref, date, lambda: self._guarantee("compensate", [row], False), kind=5)

    def recover(self, ref: str, amount: int, date: int, kind: int = RECOVERY) -> None:
        amounts = packed(principal=amount)
        row = (id_of(self._ref()), id_of(ref), self.loan(ref).sequence, date, kind, amounts)
        self._post(
            ref,
            date,
            lambda: self._guarantee("recover", [row], False),
            kind=kind,
            amounts=amounts,
        )

    def reverse(self, ref: str, date: int) -> None:
        """The mirror of the entry that stands on the loan as the latest."""
        stood = self.standing[ref].pop()
        post: Callable[[], Receipt]
        if stood.kind <= 4:
            row = Reversal(
                entry=self._ref(),
                loan=ref,
                date=date,
                reversed_id=id_of(ref if stood.kind == 1 else stood.entry),
                reversed_kind=stood.kind,
                reversed_date=stood.date,
                reversed_amounts=stood.amounts,
                previous_tip=stood.previous_tip,
            )
            post = lambda: self.partnership.reverse(row)  # noqa: E731
        else:
            name, tail = _mirror(stood)
            head = (id_of(self._ref()), id_of(ref), self.loan(ref).sequence, date)
            post = lambda: self._guarantee(name, (*head, *tail))  # noqa: E731
        self._post(ref, date, post, kind=None, interest=-stood.interest)

    # ---- statements
    def close(self) -> tuple[Told, Event]:
        """The first open month as the count by days has it, and as the contract closed it."""
        assert self.days.open_month is not None
        number = self.days.open_month
        told = self.days.close()
        return told, statement(close(self.partnership, number))

    def assert_closed(self) -> Event:
        """Closes the first open month; its statement is what the days come to."""
        told, closed = self.close()
        for name in told.__slots__:
            assert closed[f"{name}_minor"] == getattr(told, name), name
        return closed

    # ---- internal
    def _ref(self) -> str:
        self._entries += 1
        return f"entry-{self._entries}"

    def _guarantee(self, function: str, rows: Any, *late: bool) -> Receipt:
        maker = self.partnership.by_name["platform"].maker
        return self.partnership.guarantees.send(maker, function, ID, 1, rows, *late)

    def _post(
        self,
        ref: str,
        date: int,
        post: Callable[[], Receipt],
        *,
        kind: int | None,
        amounts: int = 0,
        interest: int = 0,
    ) -> None:
        before, lost, disbursed = self._seen(ref)
        event = post().events[-1]
        after, lost_after, disbursed_after = self._seen(ref)
        self.days.move(
            Move(
                date=date,
                principal=after.outstanding - before.outstanding,
                interest=interest,
                loss=lost_after - lost,
                disbursed=disbursed_after - disbursed,
                overdue=-before.outstanding if before.overdue_since else 0,
                since=before.overdue_since,
            )
        )
        if after.overdue_since:
            self.days.move(Move(date=date, overdue=after.outstanding, since=after.overdue_since))
        if kind:
            stood = Stood(
                entry=f"entry-{self._entries}",
                date=date,
                kind=kind,
                amounts=amounts,
                interest=interest,
                previous_tip=before.tip,
                event=event,
            )
            self.standing.setdefault(ref, []).append(stood)

    def _seen(self, ref: str) -> tuple[Loan, int, int]:
        lost: int = self.partnership.loans.read("lost", ID, id_of(ref))
        return self.loan(ref), lost, self.partnership.volume()[1]


def _mirror(stood: Stood) -> tuple[str, tuple[Any, ...]]:
    event = stood.event
    named = (id_of(stood.entry), stood.date)
    if stood.kind == 5:
        parts = (event["pays"], event["principal_parts"], event["interest_parts"])
        return "reverse_compensation", (*named, *parts, stood.previous_tip)
    parts = (event["to_layers"], event["residual_parts"], event["surplus_parts"])
    return "reverse_recovery", (*named, stood.kind, stood.amounts, *parts, stood.previous_tip)
