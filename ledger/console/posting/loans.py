"""Loans: the lead funder lets interest go (减免) or writes a loan off (核销), drafted first."""

from __future__ import annotations

from functools import partial

from ledger import reading
from ledger.console import addresses
from ledger.console.acts import Done, Given, waits
from ledger.console.drafts import Draft, Posting
from ledger.console.page import Fact, Field, Form, Page, named
from ledger.console.view import NotShown, View, iso
from ledger.entries import Entry, Waiver, WriteOff
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.money import day_number, parse, parse_date
from ledger.posting import Submitted
from ledger.records import Loan
from ledger.reporting.report import Unit
from ledger.voucher_entries import made

_NO_MORE = ("written_off", "reversed", "settled")
"""States of a loan in which neither is done."""


def forms(view: View, deal: reading.Deal, known: Loan) -> tuple[Form, ...]:
    """What the lead funder may do about a loan whose ref is known here."""
    terms = reading.versions(view.book, deal.deal)[known.version - 1].terms
    ref = view.ledger.ref(known.loan_id)
    if terms.parties[0] != view.member.number or known.status in _NO_MORE or _unknown(known, ref):
        return ()
    address = addresses.loan(deal.name, known.loan_id)
    on = Field(name="date", kind="date", value=iso(view.today))
    amounts = tuple(
        Field(name=one, kind="amount", required=False)
        for one in ("waived_interest", "waived_penalty")
    )
    return tuple(
        Form(
            key=key,
            action=f"{address}/{key.replace('_', '-')}",
            fields=(*fields, on),
            needs=(KeyUse.MAKER,),
            says=text(f"console.{key}_says"),
        )
        for key, fields in (
            ("waiver", (Field(name="entry_ref"), *amounts)),
            ("write_off", ()),
        )
    )


def _unknown(known: Loan, ref: str) -> bool:
    """Whether this folder has only the loan's id: an entry is made of its ref."""
    return ref == "0x" + known.loan_id.hex()


def _known(view: View, given: Given) -> Loan:
    """The loan that an address names. Raises `NotShown`."""
    deal, own = view.in_force(given["deal"]), addresses.identifier(given["own"])
    found = reading.loan(view.book, deal.deal, own)
    if found is None or _unknown(found, view.ledger.ref(own)):
        raise NotShown(given["own"])
    return found


def _entry(kind: str, view: View, given: Given) -> Entry:
    """What the form says, as the row of a file. Raises `EntryInvalid` or `ValueInvalid`."""
    ref, on = view.ledger.ref(_known(view, given).loan_id), parse_date(given.get("date", ""))
    if kind == "write_off":
        return made(WriteOff, loan_ref=ref, date=on)
    decimals = view.shape(view.deal(given["deal"])).decimals
    interest, penalty = (
        parse(given.get(one, "").strip() or "0", decimals)
        for one in ("waived_interest", "waived_penalty")
    )
    return made(
        Waiver,
        entry_ref=given.get("entry_ref", "").strip(),
        loan_ref=ref,
        date=on,
        interest_minor=interest,
        penalty_minor=penalty,
    )


def _draft(kind: str, view: View, given: Given) -> Draft:
    entry, known = _entry(kind, view, given), _known(view, given)
    done = _submit(view, given, entry, dry_run=True)
    return Draft(
        given=given,
        comes_to=(known, done.posted, done.waiting, done.already_posted),
        shows=partial(_page, kind, given, entry, known),
        posts=bool(done.posted or done.waiting),
        checked=kind == "write_off",
    )


def _page(kind: str, given: Given, entry: Entry, known: Loan, view: View) -> Page:
    deal = view.in_force(given["deal"])
    ref = view.ledger.ref(known.loan_id)
    address = addresses.loan(deal.name, known.loan_id)
    own = (
        (
            Fact("entry_ref", entry.ref),
            Fact("waived_interest", entry.interest_minor, Unit.AMOUNT),
            Fact("waived_penalty", entry.penalty_minor, Unit.AMOUNT),
        )
        if isinstance(entry, Waiver)
        else ()
    )
    return Page(
        title=text(f"console.draft_{kind}", ref=ref),
        tab="loans",
        facts=(
            Fact("loan", ref, link=address),
            Fact("date", day_number(parse_date(given["date"])), Unit.DAY),
            *own,
            Fact("status", named("status", known.status)),
            Fact("outstanding", known.outstanding_minor, Unit.AMOUNT),
        ),
        crumbs=((deal.name, addresses.deal(deal.name)), (ref, address)),
        shape=view.shape(deal),
    )


def _post(kind: str, view: View, given: Given) -> Done:
    done = _submit(view, given, _entry(kind, view, given), dry_run=False)
    known = _known(view, given)
    link = addresses.loan(given["deal"], known.loan_id)
    if done.actions:
        return Done(says=waits(view, given["deal"], bytes.fromhex(done.actions[0])), link=link)
    ref = view.ledger.ref(known.loan_id)
    return Done(says=text(f"console.{kind}_done", ref=ref, block=done.head_block), link=link)


def _submit(view: View, given: Given, entry: Entry, *, dry_run: bool) -> Submitted:
    deal, by = view.in_force(given["deal"]), view.member.member_id
    return view.ledger.submit([entry], deal=deal.name, by=by, dry_run=dry_run)


WAIVER, WRITE_OFF = (
    Posting(draft=partial(_draft, kind), post=partial(_post, kind))
    for kind in ("waiver", "write_off")
)
