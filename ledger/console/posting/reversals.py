"""Reversals (冲正): an entry is mirrored, drafted with the parts that go back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from ledger import reading
from ledger.console import addresses
from ledger.console.acts import Done, Given, waits
from ledger.console.drafts import Draft, Posting
from ledger.console.page import Fact, Field, Form, Page, Sheet, col, named, sheet
from ledger.console.view import NotShown, View, iso
from ledger.entries import Kind
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import day_number, parse_date
from ledger.posting import Submitted
from ledger.reporting.report import Unit, Value
from ledger.tips import TIP_KINDS

_BUCKETS = ("principal", "interest", "penalty", "fee")
_BOOKING = "booking/"
"""Before the ref of a loan, that of its booking."""


def forms(view: View, deal: reading.Deal, found: reading.Posted) -> tuple[Form, ...]:
    """The form that takes an entry back, for whoever submitted it, while it stands."""
    if found.reversed or found.kind not in TIP_KINDS or found.submitter != view.member.number:
        return ()
    return (
        Form(
            key="reverse",
            action=_address(deal, found) + "/reverse",
            fields=(_date(found.day <= deal.sealed_through, view),),
            needs=(KeyUse.MAKER,),
            says=text("console.reverse_says"),
        ),
    )


def payment_forms(view: View, *, what: str, action: str) -> tuple[Form, ...]:
    """The form that takes back a payment by its ref: `what` is `deposit` or `settlement`."""
    return (
        Form(
            key=f"reverse_{what}",
            action=action,
            fields=(Field(name=f"{what}_ref"), _date(False, view)),
            needs=(KeyUse.MAKER,),
            says=text(f"console.reverse_{what}_says"),
        ),
    )


def _date(sealed: bool, view: View) -> Field:
    """Of a sealed day nothing is taken back on the day itself."""
    return Field(name="reversal_date", kind="date", required=False,
                 value=iso(view.today) if sealed else "")  # fmt: skip


def _address(deal: reading.Deal, found: reading.Posted) -> str:
    place = addresses.booking if found.kind is Kind.BOOKING else addresses.entry
    return place(deal.name, found.entry_id)


# ---- an entry of a loan


def _posted(booking: bool, view: View, given: Given) -> reading.Posted:
    """The entry that an address names. Raises `NotShown`."""
    deal, own = view.in_force(given["deal"]), addresses.identifier(given["own"])
    found = reading.entry(view.book, deal.deal, own, booking=booking)
    if found is None:
        raise NotShown(given["own"])
    return found


def _draft(booking: bool, view: View, given: Given) -> Draft:
    found = _posted(booking, view, given)
    return _drafted(view, given, _ref(view, found), found, partial(_page, given, found))


def _page(given: Given, found: reading.Posted, view: View) -> Page:
    deal = view.in_force(given["deal"])
    shape = view.shape(deal)
    loan = reading.loan(view.book, deal.deal, found.loan_id)
    assert loan is not None, "an entry without its loan"
    terms = reading.versions(view.book, deal.deal)[loan.version - 1].terms
    parties = [view.names[number] for number in terms.parties]
    rows: list[tuple[Value, ...]] = [
        (party, *(-one for one in leg))
        for party, leg in zip(parties, found.legs, strict=False)
        if any(leg)
    ]
    rows.append((text("console.whole_entry"), *(-one for one in found.amounts)))
    columns = (col("party"), *(col(name, Unit.AMOUNT) for name in _BUCKETS))
    ref = view.ledger.ref(found.entry_id)
    return Page(
        title=text("console.draft_reverse", ref=ref),
        tab="loans",
        facts=(
            Fact("kind", named("kind", found.kind.value)),
            Fact("loan", view.ledger.ref(found.loan_id),
                 link=addresses.loan(deal.name, found.loan_id)),
            Fact("entry_date", found.date, Unit.DAY),
            Fact("date", _day(given, found.date), Unit.DAY),
            Fact("entry_ref", ref, link=_address(deal, found)),
        ),
        sheets=(sheet("goes_back", columns, rows, shape), *_layers(view, deal, found)),
        crumbs=((deal.name, addresses.deal(deal.name)),),
        shape=shape,
    )  # fmt: skip


def _layers(view: View, deal: reading.Deal, found: reading.Posted) -> tuple[Sheet, ...]:
    rows = [(layer + 1, -part) for layer, part in
            reading.layer_parts(view.book, found.number).items()]  # fmt: skip
    if not rows:
        return ()
    columns = (col("layer", Unit.COUNT), col("amount_moved", Unit.AMOUNT, total=True))
    return (sheet("layers", columns, rows, view.shape(deal)),)


def _post(booking: bool, view: View, given: Given) -> Done:
    deal, found = view.in_force(given["deal"]), _posted(booking, view, given)
    return _done(view, given, _ref(view, found), _address(deal, found))


def _ref(view: View, found: reading.Posted) -> str:
    ref = view.ledger.ref(found.entry_id)
    return f"{_BOOKING}{ref}" if found.kind is Kind.BOOKING else ref


# ---- a payment into a deposit or on a settlement


def _payment_draft(what: str, view: View, given: Given) -> Draft:
    ref = given.get(f"{what}_ref", "").strip()
    draft = _drafted(view, given, ref, ref, partial(_payment_page, what, ref, given))
    return replace(draft, checked=what == "deposit")


def _payment_page(what: str, ref: str, given: Given, view: View) -> Page:
    deal = view.in_force(given["deal"])
    return Page(
        title=text("console.draft_reverse", ref=ref),
        tab="deals",
        facts=(
            Fact("kind", text(f"console.act_reverse_{what}")),
            Fact("entry_ref", ref),
            Fact("date", _day(given, None), Unit.DAY),
        ),
        notes=() if _day(given, None) else (text("console.reverse_own_date"),),
        crumbs=((deal.name, addresses.deal(deal.name)),),
        shape=view.shape(deal),
    )


def _payment_post(what: str, view: View, given: Given) -> Done:
    link = addresses.deal(given["deal"], "deposit" if what == "deposit" else "settlements")
    return _done(view, given, given.get(f"{what}_ref", "").strip(), link)


# ---- both


def _drafted(view: View, given: Given, ref: str, stands: object, shows: partial[Page]) -> Draft:
    done = _reverse(view, given, ref, dry_run=True)
    return Draft(
        given=given,
        comes_to=(stands, done.posted, done.waiting, done.already_posted),
        shows=shows,
        posts=bool(done.posted or done.waiting),
    )


def _done(view: View, given: Given, ref: str, link: str) -> Done:
    done = _reverse(view, given, ref, dry_run=False)
    if done.waiting:
        return Done(says=waits(view, given["deal"], bytes.fromhex(done.actions[0])), link=link)
    key = "console.reversed_done" if done.posted else "console.reversed_before"
    return Done(says=text(key, ref=ref, block=done.head_block), link=link)


def _reverse(view: View, given: Given, ref: str, *, dry_run: bool) -> Submitted:
    deal, on = view.in_force(given["deal"]), given.get("reversal_date", "")
    return view.ledger.reverse(
        [ref],
        deal=deal.name,
        by=view.member.member_id,
        on=parse_date(on) if on else None,
        dry_run=dry_run,
    )


def _day(given: Given, otherwise: int | None) -> int | None:
    on = given.get("reversal_date", "")
    return day_number(parse_date(on)) if on else otherwise


ENTRY, BOOKING = (
    Posting(draft=partial(_draft, booking), post=partial(_post, booking))
    for booking in (False, True)
)
DEPOSIT, SETTLEMENT = (
    Posting(draft=partial(_payment_draft, what), post=partial(_payment_post, what))
    for what in ("deposit", "settlement")
)
