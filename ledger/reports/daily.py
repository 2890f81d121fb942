"""Daily reconciliation (日终对账报告): what a business day brought, who signed it, what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ledger import days, reading
from ledger.book import Book
from ledger.messages import text
from ledger.reading import DayKind
from ledger.reconcile.register import OpenBreak
from ledger.reconcile.report import by_code, register_report
from ledger.reporting.deals import day_state
from ledger.reporting.report import NOTHING, Column, Report, Row, Said, Table, Unit, word
from ledger.reports.asking import Asked, Chosen, assembled, by_currency
from ledger.reports.open_breaks import kept, standing

DAYS = (
    Column(key="deal"),
    Column(key="seal_status"),
    Column(key="sealed_through", unit=Unit.DAY),
    Column(key="signed_by"),
    Column(key="not_signed_by"),
    Column(key="days_not_sealed", unit=Unit.COUNT, total=True),
    Column(key="open_breaks", unit=Unit.COUNT, total=True),
)
TOTALS = (
    Column(key="deal"),
    Column(key="kind"),
    Column(key="entries", unit=Unit.COUNT, total=True),
    Column(key="amount_moved", unit=Unit.AMOUNT),
)
SIGNATURES = (
    Column(key="deal"),
    Column(key="member"),
    Column(key="sealed"),
    Column(key="block", unit=Unit.COUNT),
    Column(key="digest"),
)
DISPUTES = (
    Column(key="deal"),
    Column(key="member"),
    Column(key="against"),
    Column(key="sections"),
    Column(key="block", unit=Unit.COUNT),
)


def build(asked: Asked) -> Report:
    """The report."""
    book, names, deals = asked.book, asked.names(), asked.deals()
    waiting = standing(kept(asked))
    states = {one.name: day_state(book, one.deal, asked.day) for one in deals}
    tables = [NOTHING.table("report_days", DAYS, [*_days(book, deals, states, waiting, asked.day)])]
    for shape, own in by_currency(deals):
        rows = [row for one in own for row in _totals(book, one, asked.day)]
        tables.append(shape.table("report_totals", TOTALS, rows))
    signed = [row for one in deals for row in _signatures(book, one, asked.day, names)]
    disputed = [row for one in deals for row in _disputes(book, one, asked.day, names)]
    tables.append(NOTHING.table("report_signatures", SIGNATURES, signed))
    tables.append(NOTHING.table("report_disputes", DISPUTES, disputed))
    tables += _breaks(asked, deals, waiting)
    sealed = sum(one["status"] == "sealed" for one in states.values())
    return assembled(
        asked,
        text(
            "reports.reconciliation_verdict",
            deals=len(deals),
            sealed=sealed,
            disputed=sum(one["status"] == "disputed" for one in states.values()),
            breaks=len(waiting),
        ),
        tables,
        notes=(text("reports.reconciliation_note"),),
        signers=(text("report.maker"), text("report.checker")),
    )


def _days(
    book: Book,
    deals: list[Chosen],
    states: Mapping[str, Mapping[str, Any]],
    waiting: list[OpenBreak],
    day: int,
) -> Iterator[Row]:
    for one in deals:
        state, deal = states[one.name], one.deal
        entered = reading.open_days(book, deal.deal, deal.sealed_through)
        yield Row(
            (
                one.name,
                word("reports.seal", state["status"]),
                deal.sealed_through or None,
                ", ".join(state["signed_by"]),
                ", ".join(state["not_signed_by"]),
                sum(entry_day <= day for entry_day in entered),
                sum(found.deal == one.name for found in waiting),
            )
        )


def _totals(book: Book, deal: Chosen, day: int) -> Iterator[Row]:
    """What counts to the day by kind, as the parties sign it."""
    words = reading.day_totals(book, deal.deal.deal, day - 1, day).get(day, [])
    for kind in DayKind:
        total = days.DayTotal.unpack(words[kind]) if words else days.DayTotal(0, 0)
        if total.entries:
            yield Row((deal.name, word("reports.kind", kind.word), *total))


def _signatures(book: Book, deal: Chosen, day: int, names: Mapping[int, str]) -> Iterator[Row]:
    sealed = {seal.day: seal.digest for seal in reading.seals(book, deal.deal.deal)}
    for party, one in reading.day_signatures(book, deal.deal.deal, day).items():
        held = "yes" if sealed.get(day) == one.digest else "no"
        digest = "0x" + one.digest.hex()
        yield Row((deal.name, names[party], word("audit.sealed", held), one.block, digest))


def _disputes(book: Book, deal: Chosen, day: int, names: Mapping[int, str]) -> Iterator[Row]:
    for one in reading.day_disputes(book, deal.deal.deal, day):
        against = names[one.against] if one.against else Said("ledger", text("reports.the_ledger"))
        sections = ", ".join(section.value for section in days.sections_of(one.sections))
        yield Row((deal.name, names[one.party], against, sections, one.block))


def _breaks(asked: Asked, deals: list[Chosen], waiting: list[OpenBreak]) -> Iterator[Table]:
    """What stands open, by code and one by one, by age."""
    for shape, own in by_currency(deals):
        here = {one.name for one in own}
        ages = [
            (one.code, one.at_risk_minor, one.age_days(asked.day))
            for one in waiting
            if one.deal in here
        ]
        yield by_code(ages, shape)
    money = {one.name: one.shape for one in deals}
    known = [one for one in waiting if one.deal in money]
    yield from register_report(known, money, asked.made, today=asked.day).tables
