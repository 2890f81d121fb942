"""Claims (代偿): the loans past their trigger, what the loss layers used, and claims still open."""

from __future__ import annotations

from ledger import cover, reading
from ledger.console import addresses
from ledger.console.page import Fact, Line, Page, Sheet, col, sheet
from ledger.console.pages import deals
from ledger.console.posting import claims as posting
from ledger.console.view import View
from ledger.messages import text
from ledger.money import date_of
from ledger.reporting.report import Shape, Unit


def claims(view: View, name: str) -> Page:
    """What is due to be claimed in a deal, and what came of the claims before."""
    deal = view.in_force(name)
    shape = view.shape(deal)
    terms = view.ruling(deal).terms
    layers = deals.layers(view, name)
    trigger_days = terms.claim.days_past_due
    due = reading.overdue_loans(view.book, deal.deal, view.today - trigger_days) if layers else []
    outstanding = sum(one.outstanding_minor for one in due)
    lines = [
        Line(
            (
                view.ledger.ref(one.loan_id),
                one.since_date,
                view.today - one.since_date,
                one.outstanding_minor,
            ),
            {"loan_ref": addresses.loan(name, one.loan_id)},
        )
        for one in due
    ]
    columns = (col("loan_ref"), col("since_date", Unit.DAY), col("days_past_due", Unit.COUNT),
               col("outstanding", Unit.AMOUNT, total=True))  # fmt: skip
    return Page(
        title=text("console.claims_title", deal=name),
        tab="deals",
        lead="" if layers else text("console.claims_none"),
        facts=(
            Fact("as_of", date_of(view.today).isoformat()),
            Fact("trigger_days", trigger_days, Unit.COUNT),
            Fact("claims_due", len(due), Unit.COUNT),
            Fact("outstanding", outstanding, Unit.AMOUNT),
        )
        if layers
        else (),
        sheets=(sheet("claims_due", columns, lines, shape), *layers, _open(view, name, shape))
        if layers
        else (),
        forms=posting.forms(view, deal),
        crumbs=((name, addresses.deal(name)),),
        links=((text("console.list_claims_due"), addresses.deal(name, "loans?show=claims_due")),)
        if layers
        else (),
        shape=shape,
        sure=not due,
    )  # fmt: skip


def _open(view: View, name: str, shape: Shape) -> Sheet:
    columns = (col("loan_ref"), col("layer", Unit.COUNT), col("payer"),
               col("paid", Unit.AMOUNT, total=True),
               col("claims_open", Unit.AMOUNT, total=True))  # fmt: skip
    rows = [
        (one.loan_ref, one.layer, one.payer, one.paid_minor, one.open_minor)
        for one in cover.open_claims(view.ledger, name)
    ]
    return sheet("open_claims", columns, rows, shape)
