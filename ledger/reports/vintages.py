"""Vintages and roll rates (逾期 vintage/滚动率): before and after compensation, side by side.

Compensation takes bad loans off the funders' books and so hides them: each table is there twice.
"""

from __future__ import annotations

from ledger import reading
from ledger.auditing.tables import Making
from ledger.messages import text
from ledger.portfolio.ageing import Ageing, ageing
from ledger.portfolio.standing import View
from ledger.reporting.report import Column, Fact, Report, Row, Unit
from ledger.reports.asking import Asked, assembled

BUCKETS = (
    Column(key="past_due_bucket"),
    Column(key="loans_before", unit=Unit.COUNT, total=True),
    Column(key="balance_before", unit=Unit.AMOUNT, total=True),
    Column(key="loans_after", unit=Unit.COUNT, total=True),
    Column(key="balance_after", unit=Unit.AMOUNT, total=True),
)


def build(asked: Asked) -> Report:
    """The report: the months that end on the days."""
    (deal,) = asked.deals()
    first = asked.first
    if first is None:
        first = reading.first_day(asked.book, deal.deal.deal) or asked.day
    found = ageing(asked.book, deal.deal.deal, first, asked.day)
    making = Making(asked.book, deal.deal, deal.shape)
    return assembled(
        asked,
        text(
            "reports.vintages_verdict",
            months=len(found.months),
            loans=sum(one.loans for one in found.buckets(View.BEFORE)),
        ),
        (
            deal.shape.table("report_past_due", BUCKETS, _buckets(found)),
            *(making.triangle(found.vintages, view) for view in View),
            *(making.roll_rates(found.rolls, view) for view in View),
            *(making.vintages(found.vintages, view) for view in View),
            *(making.rolls(found.rolls, view) for view in View),
        ),
        facts=(Fact("from_day", first, Unit.DAY),),
        notes=(text("audit.note_views"), text("audit.note_buckets")),
    )


def _buckets(found: Ageing) -> list[Row]:
    """What is outstanding at the close of the last day, in both views."""
    pairs = zip(found.buckets(View.BEFORE), found.buckets(View.AFTER), strict=True)
    return [Row((before.bucket, *before[1:], *after[1:])) for before, after in pairs]
