"""Kinds: the reports there are, what each has to be told, and the one function that makes any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Flag, auto
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ledger import reading
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.money import date_of, day_number
from ledger.reckoning import first_day
from ledger.reporting.report import Made, Report
from ledger.reports.asking import Asked

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_ATTEMPTS = 5
_DAY_SECONDS = 86_400


class Need(Flag):
    """What a report is of."""

    NOTHING = 0
    DEAL = auto()
    """One deal; the only one there is, when none is named."""
    DEALS = auto()
    """One deal, or all."""
    DAY = auto()
    MONTH = auto()
    DAYS = auto()
    """From a day to a day."""
    MEMBER = auto()
    """One member, or all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportKind:
    """A report that can be asked for."""

    name: str
    needs: Need
    module: str
    """Of this package; its function `build` makes it."""

    @property
    def title(self) -> str:
        """What people call it, in their language."""
        return text(f"reports.name.{self.name}")

    @property
    def meaning(self) -> str:
        """What it says, in a sentence."""
        return text(f"reports.meaning.{self.name}")

    def wrong(self, document: Mapping[str, Any]) -> bool:
        """Whether a report's JSON says that something in the ledger does not agree."""
        recomputed = document.get("recomputed") or {}
        return document.get("in_balance") is False or recomputed.get("agrees") is False


_DEALS_ON_A_DAY = Need.DEALS | Need.DAY | Need.MEMBER
_KINDS = (
    ("balances", _DEALS_ON_A_DAY, "balances"),
    ("reconciliation", _DEALS_ON_A_DAY, "daily"),
    ("breaks", _DEALS_ON_A_DAY, "open_breaks"),
    ("settlement", _DEALS_ON_A_DAY, "clearing"),
    ("statement", Need.DEAL | Need.MONTH, "statement"),
    ("deposit", Need.DEAL | Need.DAY, "deposit"),
    ("guarantees", _DEALS_ON_A_DAY, "guarantees"),
    ("concentration", Need.DAY | Need.MEMBER, "concentration"),
    ("costs", Need.DEAL | Need.DAYS, "loan_costs"),
    ("lists", Need.DAYS | Need.MEMBER, "list_changes"),
    ("vintages", Need.DEAL | Need.DAYS, "vintages"),
    ("holders", Need.DEAL, "holders"),
    ("audit", Need.DEAL | Need.DAYS, "audit"),
)
REPORTS: Mapping[str, ReportKind] = MappingProxyType(
    {
        name: ReportKind(name=name, needs=needs, module=f"ledger.reports.{module}")
        for name, needs, module in _KINDS
    }
)
"""Name of every report to what it is, in the order in which they are listed."""


def report(
    ledger: Ledger,
    name: str,
    *,
    deal: str | None = None,
    day: date | None = None,
    first: date | None = None,
    month: int | None = None,
    member: str = "",
    made_at: int | None = None,
) -> Report:
    """Make a report of a ledger as of its head.

    `day`: the last business day that counts, by default the later of the head's and the newest one
    with an entry. `first`: the first, for a report of days. `month`: year * 12 + month - 1; of a
    report of days, its days. `member`: whose view it is, "" for all. `made_at`: Unix seconds, by
    default now. What a report does not need is left aside. Raises `UsageInvalid` for a name, deal
    or member that there is not, and what reading a deal's part raises (`Reverted`).
    """
    kind = kind_named(name)
    build: Callable[[Asked], Report] = import_module(kind.module).build
    if made_at is None:
        from ledger.chain.clock import SystemClock

        made_at = SystemClock().now()
    for _ in range(_ATTEMPTS):
        block, block_hash = ledger.book().at
        made = Made(member=member, made_at=made_at, head_block=block, head_hash=block_hash)
        asked = _asked(ledger, kind, made, deal=deal, day=day, first=first, month=month)
        found = build(asked)
        # Another process may post meanwhile; a report is of one block.
        if ledger.book().at == (block, block_hash):
            return found
    raise UsageInvalid(text("reports.moving"), fix=text("reports.moving_fix"))


def kind_named(name: str) -> ReportKind:
    """A report by its name. Raises `UsageInvalid`."""
    if name in REPORTS:
        return REPORTS[name]
    raise UsageInvalid(text("reports.unknown"), expected=", ".join(REPORTS), found=name)


def _asked(
    ledger: Ledger,
    kind: ReportKind,
    made: Made,
    *,
    deal: str | None,
    day: date | None,
    first: date | None,
    month: int | None,
) -> Asked:
    if made.member:
        ledger.member(made.member)
    chosen = _deal(ledger, deal) if Need.DEAL in kind.needs else deal
    if month is not None and Need.DAYS in kind.needs:
        first = first or date_of(first_day(month))
        day = day or date_of(first_day(month + 1) - 1)
    last = _today(ledger, chosen) if day is None else day_number(day)
    if first is not None and day_number(first) > last:
        raise UsageInvalid(
            text("audit.days_reversed"), expected=f">= {first}", found=date_of(last).isoformat()
        )
    return Asked(
        name=kind.name,
        ledger=ledger,
        made=made,
        member=made.member,
        deal=chosen if kind.needs & (Need.DEAL | Need.DEALS) else None,
        day=last,
        first=None if first is None else day_number(first),
        month=month,
    )


def _deal(ledger: Ledger, deal: str | None) -> str:
    """The deal that is named, or the only one there is."""
    if deal is not None:
        return ledger.deal(deal).name
    names = [one.name for one in reading.deals(ledger.book()) if one.version]
    if len(names) == 1:
        return names[0]
    raise UsageInvalid(
        text("reports.deal_missing"),
        expected=", ".join(names) or "-",
        fix=text("reports.deal_missing_fix"),
    )


def _today(ledger: Ledger, deal: str | None) -> int:
    """The day of the newest block, or the last business day with an entry if that is later."""
    book = ledger.book()
    found = [ledger.deal(deal)] if deal else reading.deals(book)
    entered = (
        max(reading.open_days(book, one.deal, one.sealed_through), default=0) for one in found
    )
    return max(ledger.engine.head().timestamp // _DAY_SECONDS, *entered, 0)
