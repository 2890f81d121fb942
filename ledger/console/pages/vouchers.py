"""Vouchers: those of a deal, what falls due when, who holds what, and one with its whole way."""

from __future__ import annotations

from ledger import reading
from ledger.console import addresses
from ledger.console.page import Page, Sheet, of_table
from ledger.console.view import NotShown, View
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.reporting.report import Made, Table
from ledger.vouchering import listing, reports, showing

VIEWS = ("list", "calendar", "register", "stages")


def vouchers(view: View, name: str) -> Page:
    """The vouchers of a deal in one of four views."""
    deal = view.deal(name)
    chosen = view.query.get("show", "list")
    chosen = chosen if chosen in VIEWS else "list"
    made = _made(view)
    if chosen == "list":
        report = reports.list_report(listing.vouchers(view.ledger, name, {}), made, wide=False)
    elif chosen == "calendar":
        due = listing.calendar(view.ledger, name, {}, as_of=view.day())
        report = reports.calendar_report(due, made)
    elif chosen == "register":
        report = reports.register_report(listing.register(view.ledger, name, {}), made)
    else:
        report = reports.stages_report(listing.stages(view.ledger, name, {}), made)
    address = addresses.deal(name, "vouchers")
    links = [(text(f"console.vouchers_{one}"), f"{address}?show={one}") for one in VIEWS]
    known = {view.ledger.ref(one.voucher_id): one for one in
             reading.vouchers(view.book, deal.deal)}  # fmt: skip
    ids = {ref: f"{address}/0x{one.voucher_id.hex()}" for ref, one in known.items()}
    return Page(
        title=text("console.vouchers_title", deal=name),
        tab="deals",
        lead=report.verdict,
        sheets=tuple(_linked(one, ids) for one in report.tables),
        crumbs=((name, addresses.deal(name)),),
        links=tuple(links),
    )


def voucher(view: View, name: str, voucher_id: bytes) -> Page:
    """One voucher: its pieces, who held them one after another, and every step."""
    deal = view.deal(name)
    if reading.voucher(view.book, deal.deal, voucher_id) is None:
        raise NotShown(voucher_id.hex())
    ref = view.ledger.ref(voucher_id)
    try:
        document = showing.show(view.ledger, name, ref)
    except UsageInvalid:
        raise NotShown(ref) from None
    report = reports.show_report(document, _made(view))
    return Page(
        title=report.title,
        tab="deals",
        lead=report.verdict,
        sheets=tuple(of_table(one) for one in report.tables),
        crumbs=(
            (name, addresses.deal(name)),
            (text("console.part_vouchers"), addresses.deal(name, "vouchers")),
        ),
        document=document,
    )


def _linked(table: Table, ids: dict[str, str]) -> Sheet:
    """A table whose vouchers lead to their pages."""
    keys = [column.key for column in table.columns]
    if "voucher_ref" not in keys:
        return of_table(table)
    at = keys.index("voucher_ref")
    refs = (str(row.values[at]) for row in table.rows)
    return of_table(table, ({"voucher_ref": ids[ref]} if ref in ids else {} for ref in refs))


def _made(view: View) -> Made:
    block, block_hash = view.book.at
    return Made(member=view.member.member_id, made_at=0, head_block=block, head_hash=block_hash)
