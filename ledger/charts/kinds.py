"""Kinds: the charts there are, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.charts.ages import rolls, vintages
from ledger.charts.chart import Chart, Label, Words
from ledger.charts.concentration import concentration
from ledger.charts.cover import cover
from ledger.charts.limits import limits
from ledger.charts.loan_costs import loan_costs
from ledger.charts.open_breaks import open_breaks
from ledger.charts.outstanding import outstanding
from ledger.charts.subject import Subject
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import date_of
from ledger.portfolio.vintages import PAST_DUE_DAYS

if TYPE_CHECKING:
    from ledger.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartKind:
    """A chart that can be asked for."""

    name: str
    make: Callable[[Subject], Chart]
    of_deal: bool = True
    """Whether it is of one deal, which must be named."""
    of_member: bool = False
    """Whether it is about what one member has, or found."""
    until_today: bool = False
    """Whether what it shows grows older by itself, so that its last day is today's."""
    all_loans: bool = False
    """Whether it goes through every entry of the deal: seconds for a hundred thousand loans."""

    @property
    def title(self) -> Label:
        """What it is called in a list."""
        return Words.of(f"name_{self.name}")


CHARTS: Mapping[str, ChartKind] = {
    kind.name: kind
    for kind in (
        ChartKind(name="outstanding", make=outstanding),
        ChartKind(name="cover", make=cover),
        ChartKind(name="vintages", make=vintages, all_loans=True),
        ChartKind(name="rolls", make=rolls, all_loans=True),
        ChartKind(name="costs", make=loan_costs, all_loans=True),
        ChartKind(name="limits", make=limits),
        ChartKind(name="breaks", make=open_breaks, of_deal=False, of_member=True, until_today=True),
        ChartKind(name="concentration", make=concentration, of_deal=False, of_member=True),
    )
}


def chart(
    ledger: Ledger,
    name: str,
    *,
    deal: str = "",
    from_day: int | None = None,
    to_day: int | None = None,
    member: str = "",
    days_past_due: int = PAST_DUE_DAYS[0],
) -> Chart:
    """A chart of a deal or of a member, as the ledger stands.

    Days are since 1970-01-01, both included; None: the first and the last with anything on it.
    `days_past_due`: of vintages, one of `PAST_DUE_DAYS`. Raises `UsageInvalid`; `Reverted`
    (`DEPOSIT_MISSING`) for the cover of a deal without a deposit.
    """
    kind = CHARTS.get(name)
    if kind is None:
        raise UsageInvalid(text("chart.unknown"), expected=", ".join(CHARTS), found=name)
    if kind.of_deal and not deal:
        raise UsageInvalid(text("chart.deal_missing"), fix=text("chart.deal_missing_fix"))
    if days_past_due not in PAST_DUE_DAYS:
        expected = ", ".join(map(str, PAST_DUE_DAYS))
        raise UsageInvalid(text("chart.days"), expected=expected, found=str(days_past_due))
    if from_day is not None and to_day is not None and to_day < from_day:
        first, last = (date_of(day).isoformat() for day in (from_day, to_day))
        raise UsageInvalid(text("audit.days_reversed"), expected=f">= {first}", found=last)
    return kind.make(
        Subject(
            ledger=ledger,
            deal=deal,
            member=member,
            first=from_day,
            last=to_day,
            days_past_due=days_past_due,
        )
    )
