"""Approvals: what a maker asked of its checker, in words, and the form that confirms it."""

from __future__ import annotations

from ledger import actions, reading
from ledger.console import addresses
from ledger.console.page import Fact, Form, Line, Page, col, sheet
from ledger.console.view import NotShown, View
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.reporting.report import Unit


def approvals(view: View) -> Page:
    """Everything that waits for the member's checker."""
    lines = []
    for one in reading.actions(view.book):
        if one.number == view.member.number:
            said = actions.meaning(view.ledger, one)
            link = {"action": addresses.action(one.action_id)}
            values = one.action_id.hex()[:12], said.says[0], said.contract, said.function
            lines.append(Line(values, link))
    columns = col("action"), col("what"), col("contract"), col("function")
    return Page(
        title=text("console.tab_approvals"),
        tab="approvals",
        sheets=(sheet("approvals", columns, lines),),
    )


def approval(view: View, action_id: bytes) -> Page:
    """One action. Raises `NotShown`."""
    found = next(
        (
            one
            for one in reading.actions(view.book)
            if one.action_id == action_id and one.number == view.member.number
        ),
        None,
    )
    if found is None:
        raise NotShown(action_id.hex())
    said = actions.meaning(view.ledger, found)
    form = Form(
        key="approve",
        action=addresses.action(action_id) + "/approve",
        needs=(KeyUse.CHECKER,),
        says=text("console.approve_says"),
    )
    return Page(
        title=text("console.approval_title", action=action_id.hex()[:12]),
        tab="approvals",
        lead=said.says[0],
        facts=(
            Fact("contract", said.contract),
            Fact("function", said.function),
            Fact("payload_bytes", len(found.payload), Unit.COUNT),
            Fact("action_id", "0x" + action_id.hex()),
        ),
        notes=said.says[1:],
        forms=(form,),
        crumbs=((text("console.tab_approvals"), "/approvals"),),
        document={"says": list(said.says)},
    )
