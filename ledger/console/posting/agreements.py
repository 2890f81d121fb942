"""Agreements: a signing party stops new loans, takes them up again, or signs that a deal ends."""

from __future__ import annotations

from functools import partial

from ledger import reading
from ledger.bindings import label
from ledger.console import addresses
from ledger.console.acts import Done, Given, waits
from ledger.console.drafts import Draft, Posting
from ledger.console.page import Fact, Form, Page, named
from ledger.console.view import View
from ledger.days import signing_parties
from ledger.keys import KeyUse
from ledger.messages import text

VERBS = ("suspend", "resume", "close")


def forms(view: View, deal: reading.Deal) -> tuple[Form, ...]:
    """What the member may do with the deal as it stands."""
    own = view.member.number
    if not deal.version or deal.closed or own not in signing_parties(view.book, deal):
        return ()
    # Another party's suspension is taken over by one's own; only who suspended last resumes.
    offered = ("resume" if deal.suspended_by == own else "suspend", "close")
    return tuple(
        Form(
            key=f"deal_{verb}",
            action=addresses.deal(deal.name, f"state/{verb}"),
            needs=(KeyUse.MAKER,),
            says=text(f"console.deal_{verb}_says"),
        )
        for verb in offered
    )


def _draft(verb: str, view: View, given: Given) -> Draft:
    deal = view.in_force(given["deal"])
    _request(verb, view, given, dry_run=True)
    return Draft(
        given=given,
        comes_to=(deal.status, deal.version),
        shows=partial(_page, verb, given, deal),
        checked=True,
    )


def _page(verb: str, given: Given, deal: reading.Deal, view: View) -> Page:
    shape = view.shape(deal)
    signed = reading.closing_signers(view.book, deal.deal) if verb == "close" else ()
    names = ", ".join(view.names[party] for party in signed)
    return Page(
        title=text(f"console.draft_deal_{verb}", deal=deal.name),
        tab="deals",
        facts=(
            Fact("deal", deal.name, link=addresses.deal(deal.name)),
            Fact("status", named("deal_status", deal.status)),
            Fact("closing_signed", names or None),
        ),
        notes=(text(f"console.deal_{verb}_says"),),
        crumbs=((deal.name, addresses.deal(deal.name)),),
        shape=shape,
    )


def _post(verb: str, view: View, given: Given) -> Done:
    deal = view.in_force(given["deal"])
    action = _request(verb, view, given, dry_run=False)
    link = addresses.deal(deal.name)
    if not view.ledger.settings.dev:
        return Done(says=waits(view, deal.name, action), link=link)
    by = view.member.member_id
    return Done(says=text(f"cli.deal_{verb}_done", deal=deal.name, member=by), link=link)


def _request(verb: str, view: View, given: Given, *, dry_run: bool) -> bytes:
    deal, by = view.in_force(given["deal"]), view.member.member_id
    return view.ledger.request("Deals", verb, label(deal.name), by=by, dry_run=dry_run)


SUSPEND, RESUME, CLOSE = (
    Posting(draft=partial(_draft, verb), post=partial(_post, verb)) for verb in VERBS
)
