"""Claims: every loan past its trigger is claimed, drafted with what each layer would pay."""

from __future__ import annotations

import re
from functools import partial

from ledger import reading
from ledger.claims import ClaimRun, Pay
from ledger.console import addresses
from ledger.console.acts import Done, Given
from ledger.console.drafts import Draft, Posting
from ledger.console.page import Fact, Field, Form, Line, Page, Sheet, col, sheet
from ledger.console.view import View, iso
from ledger.entries import loan_id
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import day_number, parse_date
from ledger.reporting.report import Shape, Unit, as_text

_ID = re.compile("0x[0-9a-f]{64}")
"""How a loan is called whose ref is not known here."""


def forms(view: View, deal: reading.Deal) -> tuple[Form, ...]:
    """The form that runs the claims, for the deal's servicer."""
    terms = view.ruling(deal).terms
    if not terms.layers or terms.parties[terms.servicer] != view.member.number:
        return ()
    return (
        Form(
            key="claim_run",
            action=addresses.deal(deal.name, "claims/run"),
            fields=(Field(name="date", kind="date", value=iso(view.today)),),
            needs=(KeyUse.MAKER,),
            says=text("console.claim_run_says", days=terms.claim.days_past_due),
        ),
    )


def _draft(view: View, given: Given) -> Draft:
    done = _run(view, given, dry_run=True)
    return Draft(
        given=given,
        comes_to=(done.compensated, done.skipped),
        shows=partial(_page, given, done),
        posts=bool(done.compensated),
    )


def _page(given: Given, done: ClaimRun, view: View) -> Page:
    deal = view.in_force(given["deal"])
    shape = view.shape(deal)
    return Page(
        title=text("console.draft_claim_run", deal=deal.name),
        tab="deals",
        facts=(
            Fact("date", day_number(done.on), Unit.DAY),
            Fact("claimed_loans", len(done.compensated), Unit.COUNT),
            Fact("skipped_loans", len(done.skipped), Unit.COUNT),
            Fact("compensated_loans", done.already_compensated, Unit.COUNT),
        ),
        sheets=tuple(_sheets(view, deal, done, shape)),
        crumbs=((deal.name, addresses.deal(deal.name)),
                (text("console.part_claims"), addresses.deal(deal.name, "claims"))),
        shape=shape,
    )  # fmt: skip


def _sheets(view: View, deal: reading.Deal, done: ClaimRun, shape: Shape) -> list[Sheet]:
    salt = view.ledger.salt(deal.name)

    def linked(ref: str) -> dict[str, str]:
        own = bytes.fromhex(ref[2:]) if _ID.fullmatch(ref) else loan_id(salt, ref)
        return {"loan_ref": addresses.loan(deal.name, own)}

    columns = (col("loan_ref"), col("principal", Unit.AMOUNT, total=True),
               col("interest", Unit.AMOUNT, total=True), col("claim", Unit.AMOUNT, total=True),
               col("paid_by_layers"), col("residual", Unit.AMOUNT, total=True))  # fmt: skip
    lines = [
        Line(
            (
                one.loan_ref,
                one.principal_minor,
                one.interest_minor,
                one.claim_minor,
                "; ".join(_paid(pay, shape) for pay in one.pays if pay.amount_minor),
                one.residual_minor,
            ),
            linked(one.loan_ref),
        )
        for one in done.compensated
    ]
    sheets = [sheet("claimed", columns, lines, shape)]
    if done.skipped:
        heads = (col("loan_ref"), col("reason"), col("detail"))
        rows = [Line((one.loan_ref, one.reason, one.detail), linked(one.loan_ref))
                for one in done.skipped]  # fmt: skip
        sheets.append(sheet("skipped", heads, rows))
    return sheets


def _paid(pay: Pay, shape: Shape) -> str:
    """Who pays how much of a claim, and out of what."""
    source = text(f"console.source_{pay.source.value}")
    return f"{pay.payer} ({source}) {as_text(pay.amount_minor, Unit.AMOUNT, shape.decimals)}"


def _post(view: View, given: Given) -> Done:
    done = _run(view, given, dry_run=False)
    says = text(
        "cli.claims_run",
        deal=done.deal,
        date=done.on.isoformat(),
        posted=len(done.compensated),
        skipped=len(done.skipped),
        already=done.already_compensated,
        block=done.head_block,
    )
    return Done(says=says, link=addresses.deal(done.deal, "claims"))


def _run(view: View, given: Given, *, dry_run: bool) -> ClaimRun:
    deal = view.in_force(given["deal"])
    on, by = parse_date(given.get("date", "")), view.member.member_id
    return view.ledger.claim_run(deal.name, date=on, by=by, dry_run=dry_run)


RUN = Posting(draft=_draft, post=_post)
