"""Breaks: what reconciliations found and nobody has closed, explained, with what is to be done."""

from __future__ import annotations

from dataclasses import replace

from ledger.console import addresses
from ledger.console.page import Fact, Field, Form, Page, Sheet, col, of_table, sheet
from ledger.console.pages import charts, entries
from ledger.console.view import AUDITOR, NotShown, View
from ledger.entries import entry_id
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.reconcile.explaining import explain
from ledger.reconcile.register import OpenBreak, Register
from ledger.reconcile.report import STANDING, break_id, kept_break, register_report
from ledger.reporting.report import Made, Unit, word

REGISTER = "/breaks"
SORTED_BY = ("deal", "code", "at_risk", "date", "age_days", "status", "assigned_to")
"""Columns by which the register may be sorted."""


def breaks(view: View) -> Page:
    """The member's breaks, those that stand or all, and how old they are."""
    day, deal = view.day(), view.query.get("deal", "")
    if deal:
        view.deal(deal)
    closed = view.query.get("show") == "all"
    found = _found(view, deal or None, closed=closed, day=day)
    shapes = {one.deal: view.shape(view.deal(one.deal)) for one in found}
    block, block_hash = view.book.at
    made = Made(member=view.member.member_id, made_at=0, head_block=block, head_hash=block_hash)
    report = register_report(found, shapes, made, today=day)
    sheets: list[Sheet] = []
    for at, table in enumerate(report.tables):
        if at % 2:
            sheets.insert(0, of_table(table))
        elif len(table.rows):
            own = [one for one in found if shapes[one.deal].currency == table.currency]
            sheets.append(of_table(table, (_links(view, one) for one in own), sorts=SORTED_BY))
    waiting = [one for one in found if one.status in STANDING]
    deals = [(one.name, f"{REGISTER}?deal={one.name}") for one in view.deals]
    every = (text("console.breaks_all"), f"{REGISTER}?show=all&deal={deal}")
    return Page(
        title=text("console.tab_breaks"),
        tab="breaks",
        lead=report.verdict,
        sheets=tuple(_apart(sheets)),
        pictures=(charts.beside("breaks", deal),) if waiting else (),
        links=((text("console.breaks_open"), REGISTER), every, *deals),
        sure=not waiting,
    )


def one_break(view: View, own: bytes) -> Page:
    """One break: what differs, why, what to do, what became of it. Raises `NotShown`."""
    day = view.day()
    with Register(view.ledger.directory) as register:
        known = [one for one in register.all(today=day) if one.hash == own]
        mine = [one for one in known if one.member == view.member.member_id]
        chosen = next(iter(mine or (known if view.member.roles & AUDITOR else [])), None)
        if chosen is None:
            raise NotShown(own.hex())
        steps = register.steps(chosen)
    shape = view.shape(view.deal(chosen.deal))
    block, block_hash = view.book.at
    made = Made(member=view.member.member_id, made_at=0, head_block=block, head_hash=block_hash)
    table = register_report([chosen], {chosen.deal: shape}, made, today=day).tables[0]
    columns = (col("date", Unit.DAY), col("step"), col("by"), col("detail"))
    rows = [(one.day, word("report.step", one.what), one.by, one.detail) for one in steps]
    return Page(
        title=text("console.break_title", id=break_id(own), code=chosen.code),
        tab="breaks",
        lead=explain(kept_break(chosen), decimals=shape.decimals),
        facts=(
            Fact("status", word("report.status", chosen.status)),
            Fact("deal", chosen.deal, link=addresses.deal(chosen.deal)),
            Fact("meaning", word("report.code", chosen.code)),
            Fact("at_risk", chosen.at_risk_minor, Unit.AMOUNT),
            Fact("age_days", chosen.age_days(day), Unit.COUNT),
            Fact("first_seen", chosen.first_seen, Unit.DAY),
            Fact("assigned_to", chosen.assigned_to or None),
            Fact("resolved_by", chosen.resolved_ref or chosen.reason or None),
        ),
        sheets=(of_table(table, [_links(view, chosen)]), sheet("steps", columns, rows)),
        forms=_forms(view, chosen),
        crumbs=((text("console.tab_breaks"), REGISTER),),
        shape=shape,
        sure=chosen.status not in STANDING,
    )


def _links(view: View, one: OpenBreak) -> dict[str, str]:
    """Its own page, its deal, and the loan or entry of its ref where the ledger has one."""
    deal = view.deal(one.deal)
    links = {"id": addresses.found_break(one.hash), "deal": addresses.deal(one.deal)}
    try:
        own = entry_id(view.ledger.salt(one.deal), one.ref)
    except UsageInvalid:
        return links
    if about := entries.address_of(view, deal, own):
        links["ref"] = about
    return links


def _found(view: View, deal: str | None, *, closed: bool, day: int) -> list[OpenBreak]:
    seen = {one.name for one in view.deals}
    with Register(view.ledger.directory) as register:
        read = register.all if closed else register.open
        found = read(deal=deal, member=view.member.member_id, today=day)
    return [one for one in found if one.deal in seen]


def _forms(view: View, chosen: OpenBreak) -> tuple[Form, ...]:
    """What the member may do about a break of its own register."""
    if chosen.status not in STANDING or chosen.member != view.member.member_id:
        return ()
    action = addresses.found_break(chosen.hash)
    return (
        Form(key="assign", action=f"{action}/assign", fields=(Field(name="to"),)),
        Form(key="resolve", action=f"{action}/resolve", fields=(Field(name="entry"),)),
        Form(key="waive", action=f"{action}/waive", fields=(Field(name="reason"),)),
    )


def _apart(sheets: list[Sheet]) -> list[Sheet]:
    """Each by a key of its own: with its currency where there are several."""
    seen: set[str] = set()
    named = []
    for one in sheets:
        key = one.key if one.key not in seen else f"{one.key}_{one.table.currency.lower()}"
        seen.add(key)
        named.append(replace(one, table=replace(one.table, key=key)))
    return named
