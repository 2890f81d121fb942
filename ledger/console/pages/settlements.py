"""Settlements: who pays whom in a deal, what of it was paid, and the entries behind every sum."""

from __future__ import annotations

from ledger import dues, reading
from ledger.console import addresses
from ledger.console.page import Fact, Field, Form, Line, Page, Sheet, col, named, sheet
from ledger.console.pages import postings
from ledger.console.posting import reversals
from ledger.console.view import NotShown, View, iso
from ledger.dues import Dues, PartyDue
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import date_of, day_number
from ledger.reporting.report import Said, Shape, Unit


def settlements(view: View, name: str) -> Page:
    """A deal's settlements, what is due now, and the form to settle."""
    deal = view.in_force(name)
    shape = view.shape(deal)
    columns = (col("settlement", Unit.COUNT), col("date", Unit.DAY), col("by"),
               col("amount_due", Unit.AMOUNT), col("paid", Unit.AMOUNT),
               col("rest", Unit.AMOUNT), col("block", Unit.COUNT))  # fmt: skip
    lines = []
    for one in reversed(reading.settlements(view.book, deal.deal)):
        address = addresses.deal(name, f"settlements/{one.number}")
        amounts = [(pay.amount_minor, pay.paid_minor, pay.rest_minor) for pay in one.payments]
        sums = [sum(column) for column in zip(*amounts, strict=True)] or [0, 0, 0]
        values = (one.number, one.day, view.names[one.party], *sums, one.block)
        links = {"settlement": address, "block": addresses.block(one.block)}
        lines.append(Line(values, links))
    due = reading.clearing_minor(view.book, deal.deal)
    rows = [(view.names[party], minor) for party, minor in due.items()]
    return Page(
        title=text("console.settlements_title", deal=name),
        tab="deals",
        sheets=(
            sheet("due", (col("party"), col("gets", Unit.AMOUNT, total=True)), rows, shape),
            sheet("settlements", columns, lines, shape),
        ),
        forms=_settle_form(view, deal),
        aside=_reverse_form(view, deal),
        crumbs=((name, addresses.deal(name)),),
    )


def settlement(view: View, name: str, number: int) -> Page:
    """One settlement: its payments, what was paid, and the entries behind it by day and kind."""
    deal = view.in_force(name)
    if reading.settlement(view.book, deal.deal, number) is None:
        raise NotShown(str(number))
    found = dues.dues(view.ledger, name, number, by_day=True)
    shape = view.shape(deal)
    return Page(
        title=text("console.settlement_title", deal=name, number=number),
        tab="deals",
        lead=text("cli.settle_replaced") if found.replaced else "",
        facts=(
            Fact("date", day_number(found.on) if found.on else None, Unit.DAY),
            Fact("made_by", found.made_by),
            Fact("block", found.block, Unit.COUNT, addresses.block(found.block)),
        ),
        sheets=(
            _payments(found, shape),
            _paid(view, deal, found, shape),
            *(_behind(name, one, shape) for one in found.parties),
        ),
        forms=() if found.replaced else tuple(_pay_forms(view, found, shape)),
        crumbs=((name, addresses.deal(name)),
                (text("console.part_settlements"), addresses.deal(name, "settlements"))),
        shape=shape,
    )  # fmt: skip


def _payments(found: Dues, shape: Shape) -> Sheet:
    columns = (col("payment"), col("payer"), col("payee"), col("amount_due", Unit.AMOUNT),
               col("paid", Unit.AMOUNT), col("rest", Unit.AMOUNT))  # fmt: skip
    rows = [
        (one.id, one.payer, one.payee, one.amount_minor, one.paid_minor, one.rest_minor)
        for one in found.payments
    ]
    return sheet("payments", columns, rows, shape)


def _paid(view: View, deal: reading.Deal, found: Dues, shape: Shape) -> Sheet:
    """What was paid, each with its proof as a file."""
    known = reading.settlement_lines(view.book, deal.deal)
    own = [one.entry_id for one in known if one.number == found.number]
    columns = (col("payment"), col("reference"), col("date", Unit.DAY),
               col("amount_moved", Unit.AMOUNT), col("by"), col("remark"))  # fmt: skip
    rows = [
        Line(
            (one.id, one.reference, day_number(one.date), one.amount_minor, one.party,
             text("cli.reversed") if one.reversed else ""),
            {"reference": addresses.entry(deal.name, entry_id) + "/proof.json"},
        )
        for one, entry_id in zip(found.lines, own, strict=True)
    ]  # fmt: skip
    return sheet("paid", columns, rows, shape)


def _behind(name: str, own: PartyDue, shape: Shape) -> Sheet:
    """What is behind a party's due by business day and kind: each leads to its entries."""
    brought = Said("brought-forward", text("cli.settle_brought"))
    lines = [Line((None, brought, own.brought_forward_minor))]
    lines += [
        Line(
            (one.day, named("kind", one.kind.word), one.amount_minor),
            {
                "business_day": addresses.day(name, iso(one.day)),
                "amount_moved": postings.behind(name, one.kind, one.day, one.day),
            },
        )
        for one in own.days
    ]
    columns = (col("business_day", Unit.DAY), col("kind"),
               col("amount_moved", Unit.AMOUNT, total=True))  # fmt: skip
    title = text("console.table_behind", party=own.party, currency=shape.currency)
    return sheet(f"behind_{own.party}", columns, lines, shape, title=title)


def _settle_form(view: View, deal: reading.Deal) -> tuple[Form, ...]:
    if not view.is_party(deal):
        return ()
    on = deal.sealed_through or view.today
    action = addresses.deal(deal.name, "settlements/settle")
    field = Field(name="date", kind="date", value=iso(on))
    says = text("console.settle_says", date=date_of(on).isoformat())
    return (Form(key="settle", action=action, fields=(field,), needs=(KeyUse.MAKER,), says=says),)


def _reverse_form(view: View, deal: reading.Deal) -> tuple[Form, ...]:
    """What was said to be paid and never came is taken back."""
    if not view.is_party(deal) or not reading.settlements(view.book, deal.deal):
        return ()
    action = addresses.deal(deal.name, "settlements/reverse")
    return reversals.payment_forms(view, what="settlement", action=action)


def _pay_forms(view: View, found: Dues, shape: Shape) -> list[Form]:
    """One for each payment that the member is a side of and that has something left."""
    own = view.member.member_id
    forms = []
    for one in found.payments:
        if not one.rest_minor or own not in (one.payer, one.payee):
            continue
        fields = (
            Field(name="reference"),
            Field(name="date", kind="date", value=iso(view.today)),
            Field(name="amount", kind="amount", required=False),
        )
        number, _, place = one.id.partition("/")[2].partition("/")
        action = addresses.deal(found.deal, f"settlements/{number}/{place}/paid")
        says = text("console.paid_says", id=one.id, payer=one.payer, payee=one.payee)
        forms.append(
            Form(key="paid", action=action, fields=fields, needs=(KeyUse.MAKER,), says=says)
        )
    return forms
