"""Illustrated: a report with the chart that belongs to it, for the forms that show a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING

from ledger.charts import CHARTS, chart
from ledger.charts.printed import Printed
from ledger.errors import Reverted
from ledger.messages import language
from ledger.money import day_number
from ledger.reporting.report import Report

if TYPE_CHECKING:
    from ledger.ledger import Ledger

CHART_OF: Mapping[str, str] = MappingProxyType(
    {
        "balances": "outstanding",
        "breaks": "breaks",
        "deposit": "cover",
        "concentration": "concentration",
        "costs": "costs",
        "vintages": "vintages",
    }
)
"""Name of a report to that of its chart."""
FORMS = ("html", "pdf")
"""Of a report, those with pictures."""


def chart_of(name: str, *, deal: str, member: str) -> str:
    """Name of the chart that belongs to a report of a deal or of a member; empty: none does."""
    kind = CHARTS.get(CHART_OF.get(name, ""))
    if kind is None or (kind.of_deal and not deal):
        return ""
    return "" if kind.name == "concentration" and not member else kind.name


def illustrated(
    ledger: Ledger,
    name: str,
    found: Report,
    *,
    deal: str = "",
    first: date | None = None,
    member: str = "",
) -> Report:
    """A report with its chart over the same days; as it is where it has none.

    `deal`, `first` and `member`: what the report was asked for. A chart of one deal is left out of
    a report of several, and that of one member out of a report of all.
    """
    deal = str(found.document.get("deal") or deal)
    kind = CHARTS.get(chart_of(name, deal=deal, member=member))
    if kind is None:
        return found
    last = str(found.document.get("date") or found.document.get("today") or "")
    try:
        drawn = chart(
            ledger,
            kind.name,
            deal=deal,
            from_day=day_number(first) if first else None,
            to_day=day_number(date.fromisoformat(last)) if last else None,
            member=member,
        )
    except Reverted:
        return found
    if drawn.head_block != found.document.get("head_block"):
        # Another process posted meanwhile: a picture of another block is none of this report.
        return found
    return replace(found, picture=Printed.of(drawn, language()))
