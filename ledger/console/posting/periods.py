"""Periods: a month is closed, drafted with the statement that is signed."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ledger import periods, reading
from ledger.console import addresses
from ledger.console.acts import Done, Given, waits
from ledger.console.drafts import Draft, Posting, fixed
from ledger.console.page import Fact, Field, Form, Page, col, sheet
from ledger.console.view import View
from ledger.days import signing_parties
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import day_number, format, parse_date
from ledger.periods import Period, PeriodClosed, month_text, parse_month
from ledger.reporting.report import Unit


def forms(view: View, deal: reading.Deal, found: Period) -> tuple[Form, ...]:
    """The form that closes a month, for a signing party while it is open."""
    if found.closed or view.member.number not in signing_parties(view.book, deal):
        return ()
    month = month_text(found.month)
    return (
        Form(
            key="close",
            action=addresses.deal(deal.name, f"statements/{month}/close"),
            fields=(Field(name="close_date", kind="date", required=False),),
            needs=(KeyUse.MAKER,),
            says=text("console.close_says", month=month),
        ),
    )


def _draft(view: View, given: Given) -> Draft:
    deal, month = view.in_force(given["deal"]), parse_month(given["month"])
    done = _close(view, given, dry_run=True)
    found = periods.period(view.ledger, deal.name, month)
    return Draft(
        given=fixed(given, close_date=done.on.isoformat()),
        comes_to=(replace(done, action=b""), found.statement, found.parts_minor),
        shows=partial(_page, given, done, found),
        checked=True,
    )


def _page(given: Given, done: PeriodClosed, found: Period, view: View) -> Page:
    deal = view.in_force(given["deal"])
    own = periods.period(view.ledger, deal.name, found.month)
    statement = found.statement
    shape = view.shape(deal)
    # In the reader's language, unless the month has moved on since.
    said = own if own.statement == statement else found
    lines = [(one.says, one.amount_minor) for one in said.lines]
    parts = list(found.parts_minor.items())
    return Page(
        title=text("console.draft_close", deal=deal.name, month=given["month"]),
        tab="deals",
        facts=(
            Fact("date", day_number(done.on), Unit.DAY),
            Fact("version", done.version, Unit.COUNT),
            Fact("platform", found.platform),
            Fact("platform_part", statement.platform_minor, Unit.AMOUNT),
        ),
        sheets=(
            sheet("formula", (col("what"), col("amount_moved", Unit.AMOUNT)), lines, shape),
            sheet("gives", (col("party"), col("gives", Unit.AMOUNT, total=True)), parts, shape),
        ),
        crumbs=((deal.name, addresses.deal(deal.name)),
                (text("console.part_statements"), addresses.deal(deal.name, "statements"))),
        shape=shape,
    )  # fmt: skip


def _post(view: View, given: Given) -> Done:
    deal = view.in_force(given["deal"])
    done = _close(view, given, dry_run=False)
    link = addresses.deal(deal.name, f"statements/{given['month']}")
    if done.waits:
        return Done(says=waits(view, deal.name, done.action), link=link)
    found = periods.period(view.ledger, deal.name, done.month)
    amount = format(found.statement.platform_minor, view.shape(deal).decimals)
    names = {"deal": deal.name, "month": given["month"], "platform": found.platform}
    return Done(says=text("cli.period_closed", **names, amount=amount), link=link)


def _close(view: View, given: Given, *, dry_run: bool) -> PeriodClosed:
    on = given.get("close_date", "")
    return periods.close(
        view.ledger,
        view.in_force(given["deal"]).name,
        parse_month(given["month"]),
        by=view.member.member_id,
        on=parse_date(on) if on else None,
        dry_run=dry_run,
    )


CLOSE = Posting(draft=_draft, post=_post)
