"""Statements: the months of a deal that is split by the month, recomputed beside what is signed."""

from __future__ import annotations

from ledger import periods, statements
from ledger.console import addresses
from ledger.console.page import Fact, Line, Page, col, named, of_table, sheet
from ledger.console.posting import periods as posting
from ledger.console.view import NotShown, View
from ledger.entries import Kind, entry_id, loan_id
from ledger.errors import Reverted
from ledger.messages import text
from ledger.periods import month_text
from ledger.reporting.deals import day_state, seal_words
from ledger.reporting.report import Made, Table, Unit, plain_of

FIGURES = ("interest", "loss", "bank_return", "carried", "carry", "platform")


def months(view: View, name: str) -> Page:
    """Every month of a deal, closed or not."""
    deal = view.in_force(name)
    crumbs = ((name, addresses.deal(name)),)
    title = text("console.statements_title", deal=name)
    try:
        every = periods.periods(view.ledger, name)
    except Reverted as refusal:
        return Page(title=title, tab="deals", lead=refusal.what, crumbs=crumbs)
    columns = (
        col("month"),
        col("status"),
        *(col(f"figure_{one}", Unit.AMOUNT, total=one == "platform") for one in FIGURES),
    )
    lines = [
        Line(
            (
                month_text(one.month),
                named("period_status", "closed" if one.closed else "open"),
                *(getattr(one.statement, f"{figure}_minor") for figure in FIGURES),
            ),
            {"month": addresses.deal(name, f"statements/{month_text(one.month)}")},
        )
        for one in reversed(every)
    ]
    return Page(
        title=title,
        tab="deals",
        sheets=(sheet("statements", columns, lines, view.shape(deal)),),
        crumbs=crumbs,
    )


def month(view: View, name: str, number: int) -> Page:
    """A month's statement beside what its entries come to."""
    deal = view.in_force(name)
    found = statements.recompute(view.ledger, name, number)
    closed = found.period.closed
    signed = seal_words(day_state(view.book, deal, found.period.statement.date)) if closed else ""
    block, block_hash = view.book.at
    made = Made(member=view.member.member_id, made_at=0, head_block=block, head_hash=block_hash)
    status = {"status": "closed" if closed else "open"}
    report = statements.statement_report(view.ledger, found, status, made, signed)
    return Page(
        title=report.title,
        tab="deals",
        lead=report.verdict,
        facts=(
            Fact("status", named("period_status", status["status"])),
            Fact("version", found.period.statement.version, Unit.COUNT),
            Fact("platform", found.period.platform),
            Fact("platform_part", found.own.platform_minor, Unit.AMOUNT),
        ),
        sheets=tuple(of_table(one, _links(view, name, one)) for one in report.tables),
        crumbs=(
            (name, addresses.deal(name)),
            (text("console.part_statements"), addresses.deal(name, "statements")),
        ),
        forms=posting.forms(view, deal, found.period),
        shape=view.shape(deal),
        sure=not found.differences,
    )


def _links(view: View, name: str, table: Table) -> list[dict[str, str]]:
    """The page of each entry and of its loan."""
    keys = [column.key for column in table.columns]
    if "loan_ref" not in keys:
        return []
    salt, links = view.ledger.salt(name), []
    for row in table.rows:
        values = dict(zip(keys, row.values, strict=True))
        ref, loan = str(values["ref"]), str(values["loan_ref"])
        booking = plain_of(values["kind"]) == Kind.BOOKING.value
        of_entry = addresses.booking if booking else addresses.entry
        links.append(
            {
                "ref": of_entry(name, _own(ref) or entry_id(salt, ref)),
                "loan_ref": addresses.loan(name, _own(loan) or loan_id(salt, loan)),
            }
        )
    return links


def _own(ref: str) -> bytes:
    """The id that stands in place of a ref that this folder does not know; else nothing."""
    try:
        return addresses.identifier(ref)
    except NotShown:
        return b""
