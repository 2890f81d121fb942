"""Settlements: who pays whom, and what was paid, drafted with what would be due and left."""

from __future__ import annotations

from functools import partial

from ledger.console import addresses
from ledger.console.acts import Done, Given
from ledger.console.drafts import Draft, Posting
from ledger.console.page import Fact, Page, Sheet, col, sheet
from ledger.console.view import View
from ledger.messages import text
from ledger.money import day_number, parse, parse_date
from ledger.paying import Paid
from ledger.reporting.report import Shape, Unit
from ledger.settlements import Due, Settled

_PART = "settlements"


def _settle_draft(view: View, given: Given) -> Draft:
    done = _settle(view, given, dry_run=True)
    payments = [(one.payer, one.payee, one.rest_minor) for one in done.payments]
    return Draft(
        given=given,
        comes_to=(done.made, done.due_minor, payments),
        shows=partial(_settle_page, given, done),
        posts=done.made,
    )


def _settle_page(given: Given, done: Settled, view: View) -> Page:
    deal = view.in_force(given["deal"])
    shape = view.shape(deal)
    rows = list(done.due_minor.items())
    return Page(
        title=text("console.draft_settle", deal=deal.name, date=done.on.isoformat()),
        tab="deals",
        facts=(Fact("date", day_number(done.on), Unit.DAY),),
        sheets=(
            sheet("due", (col("party"), col("gets", Unit.AMOUNT, total=True)), rows, shape),
            _payments(done.payments, shape),
        ),
        notes=() if done.payments else (
            text("cli.settle_head_none", deal=deal.name, currency=done.currency, date=done.on),
        ),
        crumbs=((deal.name, addresses.deal(deal.name)),
                (text("console.part_settlements"), addresses.deal(deal.name, _PART))),
        shape=shape,
    )  # fmt: skip


def _settle_post(view: View, given: Given) -> Done:
    done = _settle(view, given, dry_run=False)
    names = {"deal": done.deal, "currency": done.currency, "date": done.on}
    if done.number is None:
        says = text("cli.settle_head_none", **names)
        return Done(says=says, link=addresses.deal(done.deal, _PART))
    link = addresses.deal(done.deal, f"{_PART}/{done.number}")
    return Done(says=text("cli.settle_head", **names, number=done.number), link=link)


def _settle(view: View, given: Given, *, dry_run: bool) -> Settled:
    deal, on = view.in_force(given["deal"]), parse_date(given.get("date", ""))
    return view.ledger.settle(deal.name, on=on, by=view.member.member_id, dry_run=dry_run)


# ---- what was paid


def _paid_draft(view: View, given: Given) -> Draft:
    done = _paid(view, given, dry_run=True)
    return Draft(
        given=given,
        comes_to=(done.payments, done.amounts_minor, done.posted),
        shows=partial(_paid_page, given, done),
        posts=bool(done.posted),
    )


def _paid_page(given: Given, done: Paid, view: View) -> Page:
    deal = view.in_force(given["deal"])
    shape = view.shape(deal)
    number = given["settlement"]
    return Page(
        title=text("console.draft_paid", id=done.payments[0].id),
        tab="deals",
        facts=(
            Fact("payment_amount", sum(done.amounts_minor), Unit.AMOUNT),
            Fact("date", day_number(done.on), Unit.DAY),
            Fact("reference", done.reference),
        ),
        sheets=(_payments(done.payments, shape),),
        notes=(text("cli.reversed_since", refs=", ".join(done.reversed_ids)),)
        if done.reversed_ids
        else (),
        crumbs=((deal.name, addresses.deal(deal.name)),
                (text("console.part_settlements"), addresses.deal(deal.name, _PART)),
                (number, addresses.deal(deal.name, f"{_PART}/{number}"))),
        shape=shape,
    )  # fmt: skip


def _paid_post(view: View, given: Given) -> Done:
    done = _paid(view, given, dry_run=False)
    says = text(
        "cli.settle_paid_done",
        reference=done.reference,
        date=done.on.isoformat(),
        posted=done.posted,
        already=done.already_posted,
        block=done.head_block,
    )
    return Done(says=says, link=addresses.deal(given["deal"], f"{_PART}/{given['settlement']}"))


def _paid(view: View, given: Given, *, dry_run: bool) -> Paid:
    deal, amount = view.in_force(given["deal"]), given.get("amount", "").strip()
    return view.ledger.settle_paid(
        [f"{deal.name}/{given['settlement']}/{given['payment']}"],
        reference=given.get("reference", "").strip(),
        by=view.member.member_id,
        on=parse_date(given.get("date", "")),
        amount_minor=parse(amount, view.shape(deal).decimals) if amount else None,
        dry_run=dry_run,
    )


def _payments(payments: tuple[Due, ...], shape: Shape) -> Sheet:
    """As they would stand."""
    columns = (col("payer"), col("payee"), col("amount_due", Unit.AMOUNT),
               col("paid", Unit.AMOUNT), col("rest", Unit.AMOUNT))  # fmt: skip
    rows = [
        (one.payer, one.payee, one.amount_minor, one.paid_minor, one.rest_minor) for one in payments
    ]
    return sheet("payments", columns, rows, shape)


SETTLE = Posting(draft=_settle_draft, post=_settle_post)
PAID = Posting(draft=_paid_draft, post=_paid_post)
