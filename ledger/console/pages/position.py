"""Position: what a business day brought the member and each partner, deal by deal."""

from __future__ import annotations

from ledger.console import addresses
from ledger.console.page import Page, of_table
from ledger.console.view import View, iso
from ledger.position import position as position_of
from ledger.position import position_report
from ledger.reporting.report import Made, Table


def position(view: View) -> Page:
    """A member's daily position (日头寸)."""
    day, member = view.day(), view.member.member_id
    block, block_hash = view.book.at
    made = Made(member=member, made_at=0, head_block=block, head_hash=block_hash)
    report = position_report(position_of(view.ledger, member, day), member, day, made)
    return Page(
        title=report.title,
        tab="today",
        lead=report.verdict,
        sheets=tuple(of_table(one, _links(one)) for one in report.tables),
        notes=report.notes,
        links=tuple((iso(one), f"/position?date={iso(one)}") for one in (day - 1, day + 1)),
    )


def _links(table: Table) -> list[dict[str, str]]:
    return [{"deal": addresses.deal(str(row.values[0]))} for row in table.rows]
