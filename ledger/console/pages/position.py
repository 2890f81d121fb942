"""Position: what a business day brought the member and each partner, deal by deal.

What falls due next is added up loan by loan: of large deals where the address asks for it.
"""

from __future__ import annotations

from ledger import reading
from ledger.console import addresses
from ledger.console.page import Page, of_table
from ledger.console.pages import postings
from ledger.console.view import View, iso
from ledger.messages import text
from ledger.position import FORECAST_LOANS_MAX, position_report
from ledger.position import position as position_of
from ledger.reading import DayKind
from ledger.reporting.report import Made, Table
from ledger.waterfall import Account

LOANS_MAX = 2_000
"""Loans of a deal up to which what falls due is added up unasked: a tenth of a second."""

_KINDS = {
    "disbursed": DayKind.BOOKING,
    "repaid": DayKind.REPAYMENT,
    "compensated": DayKind.COMPENSATION,
    "recovered": DayKind.RECOVERY,
}
"""Column to the entries that it adds up."""


def position(view: View) -> Page:
    """A member's daily position (日头寸)."""
    day, member = view.day(), view.member.member_id
    block, block_hash = view.book.at
    made = Made(member=member, made_at=0, head_block=block, head_hash=block_hash)
    asked = view.query.get("expected") == "yes"
    most = FORECAST_LOANS_MAX if asked else LOANS_MAX
    found = position_of(view.ledger, member, day, forecast_max=most)
    report = position_report(found, member, day, made, forecast_max=most)
    links = [(iso(one), f"/position?date={iso(one)}") for one in _beside(view, day)]
    if not asked and any(one.expected_minor is None for one in found):
        links.append((text("console.expected_now"), f"/position?date={iso(day)}&expected=yes"))
    return Page(
        title=report.title,
        tab="today",
        lead=report.verdict,
        sheets=tuple(of_table(one, _links(view, one, day)) for one in report.tables),
        notes=report.notes,
        links=tuple(links),
    )


def _beside(view: View, day: int) -> list[int]:
    """The days before and after, as far as anything was posted to the member's deals."""
    known = [reading.first_day(view.book, one.deal) for one in view.deals]
    known += [reading.last_day(view.book, one.deal) for one in view.deals]
    days = [one for one in known if one is not None] or [day]
    return [one for one in (day - 1, day + 1) if min(days) <= one <= max(*days, view.today)]


def _links(view: View, table: Table, day: int) -> list[dict[str, str]]:
    """Each deal's page, and the entries of the day behind its sums."""
    keys = [column.key for column in table.columns]
    made = []
    for row in table.rows:
        name = str(row.values[0])
        party = str(row.values[keys.index("party")]) if "party" in keys else view.member.member_id
        links = {
            "deal": addresses.deal(name),
            "clearing": addresses.account(name, Account.CLEARING.value, party),
        }
        if "party" not in keys:
            links["open_breaks"] = f"/breaks?deal={name}"
            links["days_not_sealed"] = addresses.deal(name, "days")
        links |= {key: postings.behind(name, kind, day, day) for key, kind in _KINDS.items()}
        made.append({key: link for key, link in links.items() if row.values[keys.index(key)]})
    return made
