"""Agreements: a deal's terms are proposed by one party and signed by each, maker and checker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import reading
from ledger.bindings import action_id, deal_terms, encode_call, label, terms_hash
from ledger.errors import Problem, TermsInvalid, UsageInvalid
from ledger.keys import KeyUse
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.terms import Terms


def propose(ledger: Ledger, terms: Terms, *, by: str, effective_date: int, dry_run: bool) -> int:
    """See `Ledger.propose`."""
    book = ledger.book()
    numbers = _numbers(ledger)
    missing = [party for party in terms.parties if party not in numbers]
    if missing:
        raise TermsInvalid(
            [Problem(what=text("ledger.member_unknown"), found=party) for party in missing]
        )
    idle = [name for name in ("deposit", "loss", "claim", "period") if getattr(terms, name)]
    if idle:
        # Signed terms that no contract carries out would be worse than none.
        raise TermsInvalid(
            [
                Problem(
                    what=text("ledger.table_idle"), column=name, fix=text("ledger.table_idle_fix")
                )
                for name in idle
            ]
        )
    known = reading.deal_named(book, terms.id)
    version = len(reading.versions(book, known.deal)) + 1 if known else 1
    data = encode_call(
        "Deals", "propose", label(terms.id), deal_terms(terms, numbers, effective_date)
    )
    with ledger.outbox(dry_run=dry_run) as outbox:
        outbox.send(by, KeyUse.MAKER, ledger.settings.contracts["Deals"], data)
        if not dry_run:
            # Before the chain has it: terms nobody can read must never be up for signature.
            ledger.keep_terms(terms, version)
        outbox.keep()
    return version


def sign(ledger: Ledger, deal: str, *, by: str, dry_run: bool) -> bytes:
    """See `Ledger.sign`."""
    found = ledger.deal(deal)
    newest = reading.versions(ledger.book(), found.deal)[-1]
    terms = ledger.terms(deal, newest.version)
    own = terms_hash(deal_terms(terms, _numbers(ledger), newest.terms.effective_date))
    if own != newest.terms_hash:
        raise UsageInvalid(
            text("ledger.terms_differ", deal=deal),
            expected="0x" + own.hex(),
            found="0x" + newest.terms_hash.hex(),
            fix=text("ledger.terms_differ_fix"),
        )
    payload = encode_call("Deals", "sign", label(deal), newest.version, own)
    return request(ledger, ledger.settings.contracts["Deals"], payload, by=by, dry_run=dry_run)


def request(ledger: Ledger, target: bytes, payload: bytes, *, by: str, dry_run: bool) -> bytes:
    """A maker asks its checker for an action; on a `--dev` ledger the checker confirms at once."""
    member = ledger.member(by)
    action = action_id(target, payload)
    waiting = {(found.number, found.action_id) for found in reading.actions(ledger.book())}
    with ledger.outbox(dry_run=dry_run) as outbox:
        if (member.number, action) not in waiting:
            ask = encode_call("Members", "request", "0x" + target.hex(), payload)
            outbox.send(by, KeyUse.MAKER, ledger.settings.contracts["Members"], ask)
        if ledger.settings.dev:
            outbox.send(by, KeyUse.CHECKER, target, payload)
        outbox.keep()
    return action


def approve(ledger: Ledger, action: str, *, by: str, dry_run: bool) -> bytes:
    """See `Ledger.approve`."""
    member = ledger.member(by)
    own = [found for found in reading.actions(ledger.book()) if found.number == member.number]
    start = action.lower().removeprefix("0x")
    chosen = [found for found in own if start and found.action_id.hex().startswith(start)]
    if len(chosen) != 1:
        ids = ", ".join(found.action_id.hex()[:12] for found in own)
        raise UsageInvalid(text("ledger.action_unknown"), expected=ids or "-", found=action)
    (found,) = chosen
    with ledger.outbox(dry_run=dry_run) as outbox:
        outbox.send(by, KeyUse.CHECKER, found.target, found.payload)
        outbox.keep()
    return found.action_id


def _numbers(ledger: Ledger) -> dict[str, int]:
    return {member.member_id: member.number for member in reading.members(ledger.book())}
