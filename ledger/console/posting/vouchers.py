"""Vouchers: the core enterprise confirms one (确权), drafted with what it then owes."""

from __future__ import annotations

from functools import partial

from ledger import reading
from ledger.console import addresses
from ledger.console.acts import Done, Given
from ledger.console.drafts import Draft, Posting
from ledger.console.page import Fact, Field, Form, Page
from ledger.console.view import NotShown, View
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import parse_date
from ledger.posting import Submitted
from ledger.reporting.report import Unit
from ledger.voucher_entries import VoucherConfirmation, made
from ledger.voucher_records import Voucher, VoucherState


def forms(view: View, deal: reading.Deal, found: Voucher) -> tuple[Form, ...]:
    """The form that confirms a voucher, for the core enterprise that is to owe it."""
    if found.state is not VoucherState.ISSUED or found.core != view.member.number:
        return ()
    return (
        Form(
            key="confirm",
            action=addresses.deal(deal.name, f"vouchers/0x{found.voucher_id.hex()}/confirm"),
            fields=(Field(name="close_date", kind="date", required=False),),
            needs=(KeyUse.MAKER,),
            says=text("console.confirm_says"),
        ),
    )


def _voucher(view: View, given: Given) -> Voucher:
    """The voucher that an address names. Raises `NotShown`."""
    deal, own = view.in_force(given["deal"]), addresses.identifier(given["own"])
    found = reading.voucher(view.book, deal.deal, own)
    if found is None:
        raise NotShown(given["own"])
    return found


def _draft(view: View, given: Given) -> Draft:
    found = _voucher(view, given)
    done = _submit(view, given, dry_run=True)
    return Draft(
        given=given,
        comes_to=(found, done.posted, done.waiting, done.already_posted),
        shows=partial(_page, given, found),
        posts=bool(done.posted or done.waiting),
        checked=True,
    )


def _page(given: Given, found: Voucher, view: View) -> Page:
    deal = view.in_force(given["deal"])
    ref = view.ledger.ref(found.voucher_id)
    address = addresses.deal(deal.name, f"vouchers/0x{found.voucher_id.hex()}")
    return Page(
        title=text("console.draft_confirm", ref=ref),
        tab="deals",
        facts=(
            Fact("voucher", ref, link=address),
            Fact("core", view.names[found.core]),
            Fact("supplier", view.names.get(found.supplier) or str(found.supplier)),
            Fact("payment_amount", found.amount_minor, Unit.AMOUNT),
            Fact("issue_date", found.issue_date, Unit.DAY),
            Fact("due_date", found.due_date, Unit.DAY),
        ),
        crumbs=((deal.name, addresses.deal(deal.name)),
                (text("console.part_vouchers"), addresses.deal(deal.name, "vouchers"))),
        shape=view.shape(deal),
    )  # fmt: skip


def _post(view: View, given: Given) -> Done:
    found = _voucher(view, given)
    done = _submit(view, given, dry_run=False)
    ref = view.ledger.ref(found.voucher_id)
    link = addresses.deal(given["deal"], f"vouchers/0x{found.voucher_id.hex()}")
    key = "console.confirm_waits" if done.waiting else "console.confirm_done"
    return Done(says=text(key, ref=ref, block=done.head_block), link=link)


def _submit(view: View, given: Given, *, dry_run: bool) -> Submitted:
    deal, on = view.in_force(given["deal"]), given.get("close_date", "")
    ref = view.ledger.ref(_voucher(view, given).voucher_id)
    entry = made(VoucherConfirmation, voucher_ref=ref, date=parse_date(on) if on else None)
    by = view.member.member_id
    return view.ledger.submit([entry], deal=deal.name, by=by, dry_run=dry_run)


CONFIRM = Posting(draft=_draft, post=_post)
