"""Months: every period statement once more (M8), from the entries known when it was closed.

The contracts keep sums and never see a day. Here every day's balance is counted: what a month
comes to is all that was dated before its end and known at its close, less what the statements
before it counted.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from ledger import losses, reading
from ledger.book import Book
from ledger.events import DealTerms, Place
from ledger.money import apportion, date_of, day_number, year_days
from ledger.replay.courses import Batch, Course
from ledger.replay.moves import Move
from ledger.replay.twin import Twin, risk_bands, volume_tiers
from ledger.tables import VolumeReading

EXCESS = 1
"""Rule of `PeriodTerms`."""
_PAST_DUE_DAYS = 90
_STANDING = (
    "outstanding_minor", "overdue_minor", "carried_minor", "rest_days_minor",
    "rest_interest_minor", "rest_disbursed_minor",
)  # fmt: skip


def month_of(day: int) -> int:
    """Year * 12 + month - 1 of a day."""
    known = date_of(day)
    return known.year * 12 + known.month - 1


def first_day(month: int) -> int:
    """The first day of a month."""
    return day_number(date(month // 12, month % 12 + 1, 1))


class Figures(NamedTuple):
    """What moved in a month, as Settlements keeps it."""

    principal_minor: int = 0
    balance_days_minor: int = 0
    """What the principal adds until the end of the month."""
    interest_minor: int = 0
    loss_minor: int = 0
    disbursed_minor: int = 0
    overdue_minor: int = 0


@dataclass(slots=True)
class _Known:
    """What is known of a deal, by the day it is dated."""

    principal: Counter[int] = field(default_factory=Counter)
    interest: Counter[int] = field(default_factory=Counter)
    loss: Counter[int] = field(default_factory=Counter)
    disbursed: Counter[int] = field(default_factory=Counter)

    def balances(self, end: int) -> tuple[int, int]:
        """The balance before a day, and the sum over all days before it of their balances."""
        if not self.principal:
            return 0, 0
        balance = balance_days = 0
        for day in range(min(self.principal), end):
            balance += self.principal.get(day, 0)
            balance_days += balance
        return balance, balance_days


def _before(amounts: Counter[int], end: int) -> int:
    return sum(amount for day, amount in amounts.items() if day < end)


class Months:
    """Checks the statements of a deal with a period, and S1, S2, S4 and S5."""

    def __init__(self, book: Book, course: Course) -> None:
        self._course = course
        self._statements = {
            found.month: found for found in reading.statements(book, course.deal.deal)
        }
        self._known = _Known()
        self._told = Figures()
        """What the statements so far counted, corrections below 0 included."""
        self._rest = Figures()
        self._carried_minor = 0
        self._first_closed = 0
        self._last: reading.Statement | None = None
        self.open_month = 0
        """The first month that is not closed; 0 for a deal in which nothing moved."""
        self.figures: dict[int, Figures] = {}
        """Month to what landed in it."""
        self.late: dict[int, Figures] = {}
        """Of it, what is dated in months that were closed by then."""

    @property
    def standing(self) -> dict[str, int]:
        """What the closed months left to the first open one, as Settlements keeps it."""
        rest = self._rest
        outstanding, overdue = self._told.principal_minor, self._told.overdue_minor
        amounts = (
            outstanding, overdue, self._carried_minor, rest.balance_days_minor,
            rest.interest_minor, rest.disbursed_minor,
        )  # fmt: skip
        return dict(zip(_STANDING, amounts, strict=True))

    # ---- what moves

    def take(self, batch: Batch) -> None:
        """Go on by a transaction."""
        for move in batch.moves:
            self._move(move)
        for month in batch.months:
            self._close(month, batch.place)

    def finish(self) -> None:
        """Nothing more: what is open has no statement yet."""

    def _move(self, move: Move) -> None:
        day = move.date
        for amounts, amount in (
            (self._known.principal, move.change_minor),
            (self._known.interest, move.interest_minor),
            (self._known.loss, move.loss_minor),
            (self._known.disbursed, move.disbursed_minor),
        ):
            if amount:
                amounts[day] += amount
        month = month_of(day)
        if not self.open_month or (month < self.open_month and not self._first_closed):
            self.open_month = month
        bucket = max(month, self.open_month)
        moved = Figures(
            principal_minor=move.change_minor,
            balance_days_minor=move.change_minor * (first_day(bucket + 1) - day),
            interest_minor=move.interest_minor,
            loss_minor=move.loss_minor,
            disbursed_minor=move.disbursed_minor,
        )
        self._land(self.figures, bucket, moved)
        if month < bucket:
            behind = move.change_minor * (first_day(bucket) - day)
            self._land(self.late, bucket, moved._replace(balance_days_minor=behind))
        for since, amount in self._overdue(move):
            due = month_of(since + _PAST_DUE_DAYS)
            self._land(self.figures, max(bucket, due), Figures(overdue_minor=amount))

    def _overdue(self, move: Move) -> list[tuple[int, int]]:
        """What is added to the outstanding of loans past due, by the day since which they are."""
        before, after = move.since_before, move.since_after
        if before == after:
            return [(after, move.change_minor)] if after else []
        marked = [(after, move.outstanding_minor + move.change_minor)] if after else []
        cured = [(before, -move.outstanding_minor)] if before else []
        return marked + cured

    def _land(self, figures: dict[int, Figures], month: int, moved: Figures) -> None:
        before = figures.get(month, Figures())
        figures[month] = Figures(*[have + more for have, more in zip(before, moved, strict=True)])

    # ---- statements

    def _close(self, month: int, place: Place) -> None:
        statement = self._statements[month]
        expect = self._course.expect
        name = f"month {month}:"
        expect("S2", place, self.open_month, month, f"{name} next to close")
        self._check_version(statement, place)
        end = first_day(month + 1)
        expected = f"{name} closed on or after its last day, {end - 1}"
        self._course.require(
            "statements", place, statement.date >= end - 1, expected, statement.date
        )
        version = self._course.twins.get(statement.version)
        if version is None:
            return
        told = self._counted(month, end)
        moved = [now - before for now, before in zip(told, self._told, strict=True)]
        moved = [amount + rest for amount, rest in zip(moved, self._rest, strict=True)]
        self._compare(statement, version, Figures(*moved), told, place)
        self._leave(statement, version.terms, Figures(*moved), told)
        self._first_closed = self._first_closed or month
        self.open_month = month + 1

    def _check_version(self, statement: reading.Statement, place: Place) -> None:
        """The version in force on the month's last day."""
        end = first_day(statement.month + 1)
        twin = self._course.twins.get(statement.version)
        holds = twin is not None and twin.terms.effective_date < end
        if holds:
            course = self._course
            until = course.agreed.effective_until(course.deal_id, statement.version, place)
            holds = until is None or until >= end
        expected = f"month {statement.month}: by the version in force on its last day"
        found = f"version {statement.version}"
        self._course.require("statements", place, holds, expected, found)

    def _counted(self, month: int, end: int) -> Figures:
        """All that is dated before a day, over all months."""
        known = self._known
        balance, balance_days = known.balances(end)
        overdue = sum(one.overdue_minor for at, one in self.figures.items() if at <= month)
        return Figures(
            principal_minor=balance,
            balance_days_minor=balance_days,
            interest_minor=_before(known.interest, end),
            loss_minor=_before(known.loss, end),
            disbursed_minor=_before(known.disbursed, end),
            overdue_minor=overdue,
        )

    def _compare(
        self,
        statement: reading.Statement,
        twin: Twin,
        moved: Figures,
        told: Figures,
        place: Place,
    ) -> None:
        month, expect = statement.month, self._course.expect
        name = f"month {month}:"
        last = self._last.outstanding_minor if self._last else 0
        expect("S1", place, last, statement.opening_minor, f"{name} opening")
        days = moved.balance_days_minor
        expect("S4", place, days, statement.balance_days_minor, f"{name} balance days")
        bank_return, platform, carry = divided(twin.terms, moved, told, self._carried_minor)
        wanted = {
            "outstanding_minor": told.principal_minor,
            "interest_minor": moved.interest_minor,
            "loss_minor": moved.loss_minor,
            "disbursed_minor": moved.disbursed_minor,
            "overdue_minor": told.overdue_minor,
            "bank_return_minor": bank_return,
            "carried_minor": self._carried_minor,
            "carry_minor": carry,
            "platform_minor": platform,
        }
        for field_name, amount in wanted.items():
            found = getattr(statement, field_name)
            expect("statements", place, amount, found, f"{name} {field_name}")
        parts = tuple(apportion(platform, twin.terms.shares_ppm))
        expect("statements", place, parts, statement.parts_minor, f"{name} parts")
        gives = sum(statement.parts_minor)
        expect("S5", place, statement.platform_minor, gives, f"{name} what the funders give, of")
        lowest = min(statement.platform_minor, -statement.carry_minor)
        expected = f"{name} nothing taken from the platform, and no surplus carried"
        self._course.require("S5", place, lowest >= 0, expected, lowest)

    def _leave(
        self, statement: reading.Statement, terms: DealTerms, moved: Figures, told: Figures
    ) -> None:
        """A base below 0 is left to the next month if this month's rule floored it."""
        if terms.period.rule == EXCESS:
            self._rest = Figures(balance_days_minor=min(0, moved.balance_days_minor))
        else:
            self._rest = Figures(
                interest_minor=min(0, moved.interest_minor),
                disbursed_minor=min(0, moved.disbursed_minor),
            )
        _, _, self._carried_minor = divided(terms, moved, told, self._carried_minor)
        self._told = told
        self._last = statement


def divided(
    terms: DealTerms, moved: Figures, told: Figures, carried_minor: int
) -> tuple[int, int, int]:
    """M8: the bank's return, the platform's part, and the deficit that is carried on."""
    period = terms.period
    bank_return = 0
    if period.rule == EXCESS:
        split = losses.excess(
            balance_days_minor=max(0, moved.balance_days_minor),
            year_days=year_days(Twin.of(terms).day_count),
            bank_return_ppm=period.bank_return_ppm,
            interest_minor=moved.interest_minor,
            net_loss_minor=moved.loss_minor,
            carried_minor=carried_minor,
            share_ppm=period.share_ppm,
        )
        bank_return, platform = split.bank_return_minor, split.platform_minor
        carried_minor = split.carry_minor
    else:
        platform = losses.volume(
            disbursed_minor=max(0, moved.disbursed_minor),
            interest_minor=max(0, moved.interest_minor),
            tiers=volume_tiers(period.tiers),
            reading=VolumeReading.WHOLE if period.whole else VolumeReading.MARGINAL,
        )
    platform = losses.risk(
        platform,
        risk_bands(period.risk),
        overdue_minor=told.overdue_minor,
        outstanding_minor=told.principal_minor,
    )
    return bank_return, platform, carried_minor
