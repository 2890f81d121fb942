"""Deposits: the depositor pays in, the custodian releases, each drafted with what it leaves."""

from __future__ import annotations

from functools import partial

from ledger import deposits, reading
from ledger.console import addresses
from ledger.console.acts import Act, Done, Given, waits
from ledger.console.drafts import Draft, Posting, fixed
from ledger.console.page import Fact, Field, Form, Page
from ledger.console.posting import reversals
from ledger.console.view import View, iso
from ledger.deposits import DepositLedger, DepositMoved
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import PPM, day_number, format, parse, parse_date
from ledger.records import DepositKind
from ledger.reporting.report import Unit

_MOVES = {"pay": deposits.pay, "release": deposits.release}
_SIGNS = {"pay": 1, "release": -1}


def forms(view: View, deal: reading.Deal, found: DepositLedger) -> tuple[Form, ...]:
    """What the member may do with a deposit: pay, as its depositor; release, as its custodian."""
    own = view.member.member_id
    decimals = view.shape(deal).decimals
    verbs = [
        verb
        for verb, party in (("pay", found.depositor), ("release", found.custodian))
        if party == own
    ]
    due = format(found.top_up_minor, decimals) if found.top_up_minor else ""
    action = addresses.deal(deal.name, "deposit/reverse")
    lines = any(line.kind is DepositKind.PAID and not line.reversed for line in found.lines)
    taken = (
        reversals.payment_forms(view, what="deposit", action=action)
        if lines and found.custodian == own
        else ()
    )
    moves = (
        Form(
            key=f"deposit_{verb}",
            action=addresses.deal(deal.name, f"deposit/{verb}"),
            fields=(
                Field(name="sum", kind="amount", value=due if verb == "pay" else ""),
                Field(name="date", kind="date", value=iso(view.today)),
                Field(name="own_ref", required=False),
            ),
            needs=(KeyUse.MAKER,),
            says=text(f"console.deposit_{verb}_says", party=own),
        )
        for verb in verbs
    )
    return (*moves, *taken)


def _draft(verb: str, view: View, given: Given) -> Draft:
    deal = view.in_force(given["deal"])
    before = deposits.deposit_ledger(view.ledger, deal.name)
    done = _move(verb, view, given, dry_run=True)
    amount_minor = parse(given.get("sum", ""), view.shape(deal).decimals)
    return Draft(
        given=fixed(given, own_ref=done.ref),
        comes_to=done,
        shows=partial(_page, verb, given, done, before, amount_minor),
        posts=not done.already_posted,
        checked=verb == "release",
    )


def _page(
    verb: str,
    given: Given,
    done: DepositMoved,
    before: DepositLedger,
    amount_minor: int,
    view: View,
) -> Page:
    deal = view.in_force(given["deal"])
    after = before.deposit_minor + (0 if done.already_posted else _SIGNS[verb] * amount_minor)
    outstanding = before.outstanding_minor
    return Page(
        title=text(f"console.draft_deposit_{verb}", deal=deal.name),
        tab="deals",
        facts=(
            Fact("deposit_amount", amount_minor, Unit.AMOUNT),
            Fact("date", day_number(parse_date(given["date"])), Unit.DAY),
            Fact("entry_ref", done.ref),
            Fact("depositor", before.depositor),
            Fact("custodian", before.custodian),
            Fact("deposit", before.deposit_minor, Unit.AMOUNT),
            Fact("deposit_left", after, Unit.AMOUNT),
            Fact("cover", before.cover_ppm, Unit.RATE),
            Fact("cover_left", after * PPM // outstanding if outstanding else None, Unit.RATE),
        ),
        notes=(text("cli.reversed_since", refs=done.ref),) if done.reversed_since else (),
        crumbs=((deal.name, addresses.deal(deal.name)),
                (text("console.part_deposit"), addresses.deal(deal.name, "deposit"))),
        shape=view.shape(deal),
    )  # fmt: skip


def _post(verb: str, view: View, given: Given) -> Done:
    deal = view.in_force(given["deal"])
    done = _move(verb, view, given, dry_run=False)
    link = addresses.deal(deal.name, "deposit")
    if done.waits:
        return Done(says=waits(view, deal.name, done.action), link=link)
    key = "cli.deposit_already" if done.already_posted else f"cli.deposit_{verb}_done"
    amount, date = given["sum"], given["date"]
    return Done(says=text(key, deal=deal.name, amount=amount, ref=done.ref, date=date), link=link)


def _move(verb: str, view: View, given: Given, *, dry_run: bool) -> DepositMoved:
    deal = view.in_force(given["deal"])
    return _MOVES[verb](
        view.ledger,
        deal.name,
        amount_minor=parse(given.get("sum", ""), view.shape(deal).decimals),
        on=parse_date(given.get("date", "")),
        by=view.member.member_id,
        ref=given.get("own_ref", "").strip() or None,
        dry_run=dry_run,
    )


def _posting(verb: str) -> Posting:
    post: Act = partial(_post, verb)
    return Posting(draft=partial(_draft, verb), post=post)


PAY, RELEASE = _posting("pay"), _posting("release")
