"""Vouchers: those of a deal, what falls due when, who holds what, and one with its whole way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from ledger import reading
from ledger.console import addresses
from ledger.console.page import Fact, Line, Page, Sheet, col, of_table, sheet
from ledger.console.posting import vouchers as posting
from ledger.console.view import NotShown, View
from ledger.entries import loan_id
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.reporting.report import Made, Table, Unit
from ledger.vouchering import listing, reports, showing, words

VIEWS = ("list", "calendar", "register", "stages")
SORTED_BY = ("voucher_ref", "core", "supplier", "due_date", "amount", "outstanding", "status")
"""Columns by which the list may be sorted."""
_WANTED = ("core", "supplier", "holder", "status")


def vouchers(view: View, name: str) -> Page:
    """The vouchers of a deal in one of four views, all or those of a member or status."""
    view.deal(name)
    chosen = view.query.get("show", "list")
    chosen = chosen if chosen in VIEWS else "list"
    made, wanted = _made(view), {key: view.query.get(key) or None for key in _WANTED}
    if chosen == "list":
        report = reports.list_report(listing.vouchers(view.ledger, name, wanted), made, wide=True)
    elif chosen == "calendar":
        due = listing.calendar(view.ledger, name, wanted, as_of=view.day())
        report = reports.calendar_report(due, made, wide=True)
    elif chosen == "register":
        held = listing.register(view.ledger, name, wanted)
        report = reports.register_report(held, made, wide=True)
    else:
        taken = listing.stages(view.ledger, name, wanted)
        report = reports.stages_report(taken, made, wide=True)
    address = addresses.deal(name, "vouchers")
    links = [(text(f"console.vouchers_{one}"), f"{address}?show={one}") for one in VIEWS]
    return Page(
        title=text("console.vouchers_title", deal=name),
        tab="deals",
        lead=report.verdict,
        sheets=tuple(_linked(view, name, one, listed=chosen == "list") for one in report.tables),
        crumbs=((name, addresses.deal(name)),),
        links=tuple(links),
    )


def voucher(view: View, name: str, voucher_id: bytes) -> Page:
    """One voucher: its pieces, who held them one after another, and every step."""
    deal = view.deal(name)
    known = reading.voucher(view.book, deal.deal, voucher_id)
    if known is None:
        raise NotShown(voucher_id.hex())
    ref = view.ledger.ref(voucher_id)
    try:
        document = showing.show(view.ledger, name, ref)
    except UsageInvalid:
        raise NotShown(ref) from None
    report = reports.show_report(document, _made(view), wide=True)
    facts = tuple(
        Fact(one.key, one.value, one.unit, said=one.label) for one in report.facts if not one.paper
    )
    lead, *notes = report.verdict.splitlines()
    return Page(
        title=report.title,
        tab="deals",
        lead=lead,
        facts=facts,
        sheets=(
            *(_linked(view, name, one, listed=False) for one in report.tables),
            *_attached(document),
        ),
        notes=tuple(notes),
        forms=posting.forms(view, deal, known),
        crumbs=(
            (name, addresses.deal(name)),
            (text("console.part_vouchers"), addresses.deal(name, "vouchers")),
        ),
        shape=view.shape(deal),
        document=document,
    )


def _attached(document: Mapping[str, Any]) -> tuple[Sheet, ...]:
    """The documents that were attached: their hashes, to compare with the files themselves."""
    columns = (col("attached"), col("document"), col("by"), col("at"), col("block", Unit.COUNT))
    lines = [
        Line(
            (
                words.word("evidence", one["kind"]),
                one["document"],
                one["by"],
                one["at"],
                one["block"],
            ),
            {"block": addresses.block(one["block"])},
        )
        for one in document["evidence"]
    ]
    return (sheet("attached", columns, lines),) if lines else ()


def _linked(view: View, name: str, table: Table, *, listed: bool) -> Sheet:
    """A table whose vouchers, loans, members and blocks lead to their pages."""
    leads = _leads(view, name, [column.key for column in table.columns])
    columns = [(at, column.key) for at, column in enumerate(table.columns) if column.key in leads]
    rows = [
        {key: leads[key](str(row.values[at])) for at, key in columns if row.values[at] is not None}
        for row in table.rows
    ]
    return of_table(table, rows, sorts=SORTED_BY if listed else ())


def _leads(view: View, name: str, keys: Sequence[str]) -> dict[str, Callable[[str], str]]:
    """Column to the address that one of its values leads to."""
    leads: dict[str, Callable[[str], str]] = {
        key: partial(_members, name, key) for key in ("core", "supplier", "holder")
    }
    leads["block"] = lambda number: addresses.block(int(number))
    if "loan_ref" in keys:
        salt = view.ledger.salt(name)
        leads["loan_ref"] = lambda ref: addresses.loan(name, loan_id(salt, ref))
    if "voucher_ref" in keys:
        deal = view.deal(name).deal
        ids = {view.ledger.ref(one.voucher_id): one.voucher_id.hex()
               for one in reading.vouchers(view.book, deal)}  # fmt: skip
        leads["voucher_ref"] = lambda ref: addresses.deal(name, f"vouchers/0x{ids[ref]}")
    return leads


def _members(name: str, key: str, member: str) -> str:
    """Address of the vouchers of a member, or of what it holds."""
    show = "register" if key == "holder" else "list"
    return addresses.deal(name, f"vouchers?{urlencode({'show': show, key: member})}")


def _made(view: View) -> Made:
    block, block_hash = view.book.at
    return Made(member=view.member.member_id, made_at=0, head_block=block, head_hash=block_hash)
