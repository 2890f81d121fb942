"""Proofs: whether a proof file that somebody sent holds, by the keys that this ledger knows.

It is what `pledger proof verify` says, and nothing of the file is kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger import reading
from ledger.console import addresses
from ledger.console.page import Fact, Field, Form, Page, Sheet, col, named, sheet
from ledger.console.pages.entries import BUCKETS, address_of
from ledger.console.view import View, iso
from ledger.messages import text
from ledger.proofs.key_history import members_file
from ledger.proofs.refusing import ProofRefused
from ledger.proofs.verdicts import ProvenDay, ProvenPosting, Sealed, Verdict
from ledger.proofs.verifying import verify
from ledger.reporting.report import NOTHING, Unit, moment

ADDRESS = "/proof"
_ID_SHOWN = 14


def verification(view: View, sent: bytes | None) -> Page:
    """The form for a proof file, and of one that was sent what it proves or why it does not.

    Raises `ChainUnusable` where the blocks are not in the ledger's folder.
    """
    if sent is None:
        return Page(
            title=text("console.proof_title"), tab="audit", forms=(_form(),), crumbs=_crumbs()
        )
    verdict = verify(sent, members_file(view.ledger))
    if verdict.refused is not None:
        return _refused(verdict.refused, verdict)
    return _valid(view, verdict)


def _form() -> Form:
    return Form(
        key="verify",
        action=ADDRESS,
        fields=(Field(name="proof", kind="file"),),
        says=text("console.verify_says"),
        reads=True,
    )


def _crumbs() -> tuple[tuple[str, str], ...]:
    return ((text("console.tab_audit"), "/audit"),)


def _refused(refused: ProofRefused, verdict: Verdict) -> Page:
    return Page(
        title=text("console.proof_title"),
        tab="audit",
        lead=text("proof.refused", what=text(f"proof.reason_{refused.reason.value}")),
        facts=(
            Fact("proof_where", refused.where),
            Fact("proof_expected", refused.expected),
            Fact("proof_found", refused.found),
        ),
        forms=(_form(),),
        crumbs=_crumbs(),
        sure=False,
        document=verdict.document(),
    )


def _valid(view: View, verdict: Verdict) -> Page:
    said = verdict.entry
    assert said is not None, "a proof that holds is of an entry"
    deal = next((one for one in view.deals if one.name == verdict.deal), None)
    own, kind = "0x" + said.entry_id.hex(), named("kind", said.kind.word)
    place = {"kind": kind.said, "id": own[:_ID_SHOWN] + "…", "deal": verdict.deal}
    facts = [
        Fact("deal", verdict.deal, link=addresses.deal(verdict.deal) if deal else ""),
        Fact("kind", kind),
        Fact("date", said.date, Unit.DAY),
        Fact("entry_id", own, link=address_of(view, deal, said.entry_id) if deal else ""),
        *_posting(view, verdict.posting),
        *_day(verdict.day, verdict.deal if deal else ""),
    ]
    if deal is not None:
        amounts = zip(BUCKETS, said.amounts, strict=True)
        facts[3:3] = [Fact(name, minor, Unit.AMOUNT) for name, minor in amounts]
    return Page(
        title=text("console.proof_title"),
        tab="audit",
        lead=text("proof.valid", **place, date=iso(said.date)),
        facts=tuple(facts),
        notes=tuple(_notes(view, verdict, deal)),
        sheets=(_signatures(verdict.day),) if verdict.day else (),
        forms=(_form(),),
        crumbs=_crumbs(),
        shape=view.shape(deal) if deal else NOTHING,
        document=verdict.document(),
    )


def _posting(view: View, found: ProvenPosting | None) -> Iterator[Fact]:
    if found is None:
        return
    known = view.ledger.engine.head_at(found.block)
    here = known is not None and known.block_hash == found.block_hash
    yield Fact("submitter", found.member)
    yield Fact("block", found.block, Unit.COUNT, addresses.block(found.block) if here else "")
    yield Fact("block_at", moment(found.timestamp))
    yield Fact("block_sealed_by", _sealed(found.sealed))
    yield Fact("transaction_hash", "0x" + found.transaction_hash.hex())


def _day(found: ProvenDay | None, deal: str) -> Iterator[Fact]:
    """`deal`: its name where the member sees it."""
    if found is None:
        return
    link = addresses.day(deal, found.date) if deal else ""
    yield Fact("day_of_seal", found.date, link=link)
    yield Fact("day_entries", found.entries, Unit.COUNT)
    yield Fact("day_sealed_by", _sealed(found.sealed))
    yield Fact("day_digest", "0x" + found.digest.hex())


def _sealed(sealed: Sealed) -> str:
    return text("console.proof_sealed", by=", ".join(sealed.by), count=len(sealed.by), of=sealed.of)


def _notes(view: View, verdict: Verdict, deal: reading.Deal | None) -> Iterator[str]:
    """What the proof does not say, and what this ledger knows besides."""
    said, posting, day = verdict.entry, verdict.posting, verdict.day
    assert said is not None
    if any(said.reversed_id):
        yield text("proof.takes_back", id="0x" + said.reversed_id.hex())
    if deal is None:
        amounts = {name: one for name, one in zip(BUCKETS, said.amounts, strict=True)}
        yield text("proof.amounts", **amounts)
    else:
        entry = reading.entry(view.book, deal.deal, said.entry_id)
        if entry is not None and entry.reversed:
            yield text("proof.reversed")
    if day is None:
        yield text("proof.in_no_day")
    elif day.checkpoint is not None:
        members = ", ".join(day.checkpoint.members)
        yield text("proof.in_checkpoint", height=day.checkpoint.height, members=members)
    for one in (posting, day):
        if one is not None and not one.sealed.majority:
            yield text("proof.no_majority", block=one.block)
    if posting is None:
        yield text("proof.not_posted")
    if verdict.newest_block > verdict.members_as_of:
        yield text("proof.keys_older", block=verdict.members_as_of)
    yield text("proof.not_said")


def _signatures(day: ProvenDay) -> Sheet:
    rows = [
        (one.member, one.block, "0x" + one.maker.hex(), "0x" + one.checker.hex())
        for one in day.signatures
    ]
    columns = (col("member"), col("block", Unit.COUNT), col("maker_key"), col("checker_key"))
    return sheet("signatures", columns, rows)
