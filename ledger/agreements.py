"""Agreements: a deal's terms are proposed by one party and signed by each, maker and checker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger import reading
from ledger.bindings import encode_call, label, terms_hash
from ledger.errors import Problem, TermsInvalid, UsageInvalid
from ledger.executed_terms import deal_terms
from ledger.four_eyes import ask
from ledger.keys import KeyUse
from ledger.messages import text
from ledger.salts import limits_borrowers

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.chain.engine import Receipt
    from ledger.founding import Settings
    from ledger.ledger import Ledger
    from ledger.terms import Terms

_ROW_BYTES = 4 * 32


def propose(ledger: Ledger, terms: Terms, *, by: str, effective_date: int, dry_run: bool) -> int:
    """See `Ledger.propose`."""
    book = ledger.book()
    numbers = _numbers(ledger)
    # An enrolled supplier has no checker: what it would have to sign never comes into force.
    signing = {member.member_id for member in reading.admitted(book)}
    missing = [party for party in terms.parties if party not in signing]
    if missing:
        raise TermsInvalid(
            [Problem(what=text("ledger.member_unknown"), found=party) for party in missing]
        )
    known = reading.deal_named(book, terms.id)
    in_force = known is not None and known.version > 0
    earlier = reading.versions(book, known.deal) if known else []
    agreed = deal_terms(terms, numbers, effective_date)
    limited = limits_borrowers(agreed)
    shares = any(limits_borrowers(found.terms) for found in earlier)
    if limited and not shares and in_force:
        raise TermsInvalid(
            [
                Problem(
                    what=text("ledger.salt_own", deal=terms.id, lead=terms.lead),
                    column="limits",
                    fix=text("ledger.salt_own_fix"),
                )
            ]
        )
    version = len(earlier) + 1
    data = encode_call("Deals", "propose", label(terms.id), agreed)
    with ledger.outbox(dry_run=dry_run) as outbox:
        outbox.send(by, KeyUse.MAKER, ledger.settings.contracts["Deals"], data)
        if not dry_run:
            # Before the chain has it: terms nobody can read must never be up for signature.
            ledger.keep_terms(terms, version)
            if not in_force:
                _give_salt(ledger, terms, numbers[terms.lead], shared=limited or shares)
        outbox.keep()
    return version


def read_terms(folder: Path, deal: str, version: int, settings: Settings) -> Terms:
    """The document of a version in a deal's folder. Raises `UsageInvalid` where it is not."""
    from ledger.terms import from_canonical

    path = folder / f"v{version}.json"
    try:
        return from_canonical(path.read_bytes())
    except OSError as error:
        raise UsageInvalid(
            text("ledger.terms_missing", deal=deal, version=version),
            where=str(path),
            found=error.strerror or str(error),
            fix=text("ledger.imported_terms_fix") if settings.imported else "",
        ) from None


def sign(ledger: Ledger, deal: str, *, by: str, dry_run: bool) -> bytes:
    """See `Ledger.sign`."""
    ledger.expect_own()
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
    with ledger.outbox(dry_run=dry_run) as outbox:
        asked = ask(ledger, outbox, target, payload, by=by, dry_run=dry_run)
        if asked.waits and ledger.engine.atomic:
            # What the contract would refuse by now is not worth a checker's time.
            outbox.probe_from(ledger.member(by).checker, target, payload)
        outbox.keep()
    return asked.action_id


def send(ledger: Ledger, target: bytes, data: bytes, *, by: str, dry_run: bool) -> Receipt:
    """A member's maker sends one call."""
    with ledger.outbox(dry_run=dry_run) as outbox:
        receipt = outbox.send(by, KeyUse.MAKER, target, data)
        outbox.keep()
    return receipt


def approve(ledger: Ledger, action: str, *, by: str, dry_run: bool) -> bytes:
    """See `Ledger.approve`."""
    found = waiting(ledger, action, by=by)
    with ledger.outbox(dry_run=dry_run) as outbox:
        # A batch has its rows in its payload, and no row is shorter than this.
        rows = len(found.payload) // _ROW_BYTES
        outbox.send(by, KeyUse.CHECKER, found.target, found.payload, rows=rows)
        outbox.keep()
    return found.action_id


def waiting(ledger: Ledger, action: str, *, by: str) -> reading.Action:
    """The action that waits for a member's checker, by its id in hex or the start of it.

    Raises `UsageInvalid`.
    """
    member = ledger.member(by)
    own = [found for found in reading.actions(ledger.book()) if found.number == member.number]
    start = action.lower().removeprefix("0x")
    chosen = [found for found in own if start and found.action_id.hex().startswith(start)]
    if len(chosen) != 1:
        ids = ", ".join(found.action_id.hex()[:12] for found in own)
        raise UsageInvalid(text("ledger.action_unknown"), expected=ids or "-", found=action)
    return chosen[0]


def _give_salt(ledger: Ledger, terms: Terms, lead: int, *, shared: bool) -> None:
    if not shared:
        ledger.salts.give_own(terms.id)
        return
    book = ledger.book()
    others = [
        deal.name
        for deal in reading.deals(book)
        if deal.name != terms.id
        and any(
            found.terms.parties[0] == lead and limits_borrowers(found.terms)
            for found in reading.versions(book, deal.deal)
        )
    ]
    ledger.salts.give_shared(terms.id, terms.lead, others)


def _numbers(ledger: Ledger) -> dict[str, int]:
    return {member.member_id: member.number for member in reading.members(ledger.book())}
