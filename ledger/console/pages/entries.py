"""Entries: one with its parts by party, its place in the chain, and its proof."""

from __future__ import annotations

from datetime import UTC, datetime

from ledger import reading
from ledger.console import addresses
from ledger.console.page import Fact, Page, Sheet, col, named, sheet
from ledger.console.posting import reversals
from ledger.console.view import NotShown, View
from ledger.entries import Kind
from ledger.errors import LedgerUnusable
from ledger.events import DealTerms
from ledger.messages import text
from ledger.money import date_of
from ledger.proofs.entries import prove
from ledger.proofs.members import encode_document
from ledger.proofs.verifying import verify
from ledger.reporting.report import Shape, Unit

BUCKETS = ("principal", "interest", "penalty", "fee")


def entry(view: View, name: str, entry_id: bytes) -> Page:
    """One entry of a loan. Raises `NotShown`."""
    deal = view.deal(name)
    return _page(view, deal, reading.entry(view.book, deal.deal, entry_id), entry_id)


def booking(view: View, name: str, loan_id: bytes) -> Page:
    """The booking of a loan, whose id it has. Raises `NotShown`."""
    deal = view.deal(name)
    found = reading.entry(view.book, deal.deal, loan_id, booking=True)
    return _page(view, deal, found, loan_id)


def _page(view: View, deal: reading.Deal, found: reading.Posted | None, entry_id: bytes) -> Page:
    if found is None:
        raise NotShown(entry_id.hex())
    name = deal.name
    loan = reading.loan(view.book, deal.deal, found.loan_id)
    assert loan is not None, "an entry without its loan"
    terms = reading.versions(view.book, deal.deal)[loan.version - 1].terms
    shape = view.shape(deal)
    parties = [view.names[number] for number in terms.parties]
    head = view.ledger.engine.head_at(found.block)
    sealed = 0 < found.day <= deal.sealed_through
    facts = [
        Fact("kind", named("kind", found.kind.value)),
        Fact("loan", view.ledger.ref(found.loan_id), link=addresses.loan(name, found.loan_id)),
        Fact("date", found.date, Unit.DAY),
        Fact("counts_to", found.day or None, Unit.DAY,
             addresses.day(name, date_of(found.day).isoformat()) if found.day else ""),
        Fact("sealed", text("cli.yes" if sealed else "cli.no")),
        Fact("submitter", view.names[found.submitter]),
        Fact("block", found.block, Unit.COUNT, addresses.block(found.block)),
        Fact("block_at", moment_words(head.timestamp) if head else None),
        Fact("entry_id", "0x" + entry_id.hex()),
    ]  # fmt: skip
    if found.reversed_id is not None:
        facts.append(Fact("takes_back", view.ledger.ref(found.reversed_id),
                          link=taken_back(name, found)))  # fmt: skip
    proof = addresses.entry(name, entry_id) + "/proof.json"
    return Page(
        title=text("console.entry_title", ref=view.ledger.ref(entry_id)),
        tab="loans",
        lead=text("console.entry_reversed") if found.reversed else "",
        facts=tuple(facts),
        sheets=(_parts(found, parties, shape), *_layers(view, found, parties, terms, shape)),
        aside=reversals.forms(view, deal, found),
        crumbs=((name, addresses.deal(name)),
                (view.ledger.ref(found.loan_id), addresses.loan(name, found.loan_id))),
        links=((text("console.link_proof"), proof), (text("console.link_proofs"), "/proof"))
        if found.day
        else (),
        shape=shape,
        document={"ref": view.ledger.ref(entry_id), "deal": name},
    )  # fmt: skip


def taken_back(name: str, found: reading.Posted) -> str:
    """Address of the entry that a reversal takes back."""
    assert found.reversed_id is not None
    if found.mirrored is Kind.BOOKING:
        return addresses.booking(name, found.reversed_id)
    return addresses.entry(name, found.reversed_id)


def address_of(view: View, deal: reading.Deal, own: bytes) -> str:
    """The page of the loan, entry or voucher of a deal that has an id; empty where none has."""
    if reading.loan(view.book, deal.deal, own) is not None:
        return addresses.loan(deal.name, own)
    if reading.entry(view.book, deal.deal, own) is not None:
        return addresses.entry(deal.name, own)
    if reading.voucher(view.book, deal.deal, own) is not None:
        return addresses.deal(deal.name, f"vouchers/0x{own.hex()}")
    return ""


def proof(view: View, name: str, entry_id: bytes) -> bytes:
    """The proof file of an entry, once it holds.

    Raises `NotShown`, `LedgerUnusable` where the folder has records that prove nothing, or as
    `proofs.entries.prove`.
    """
    view.deal(name)
    made = prove(view.ledger, "0x" + entry_id.hex(), deal=name)
    encoded = encode_document(made.proof)
    refused = verify(encoded, made.members).refused
    if refused is not None:
        raise LedgerUnusable(
            text("proof.refused", what=text(f"proof.reason_{refused.reason.value}")),
            where=refused.where,
            expected=refused.expected,
            found=refused.found,
            fix=text("console.proof_refused_fix"),
        )
    return encoded


def moment_words(timestamp: int) -> str:
    """Unix seconds as a reader has them, in UTC."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(sep=" ").replace("+00:00", " UTC")


def _parts(found: reading.Posted, parties: list[str], shape: Shape) -> Sheet:
    rows = [(party, *leg) for party, leg in zip(parties, found.legs, strict=False) if any(leg)]
    rows.append((text("console.whole_entry"), *found.amounts))
    columns = (col("party"), *(col(name, Unit.AMOUNT) for name in BUCKETS))
    return sheet("legs", columns, rows, shape)


def _layers(
    view: View, found: reading.Posted, parties: list[str], terms: DealTerms, shape: Shape
) -> tuple[Sheet, ...]:
    rows = [
        (layer + 1, parties[terms.layers[layer].payer], amount_minor)
        for layer, amount_minor in reading.layer_parts(view.book, found.number).items()
    ]
    if not rows:
        return ()
    columns = (col("layer", Unit.COUNT), col("payer"), col("amount_moved", Unit.AMOUNT, total=True))
    return (sheet("layers", columns, rows, shape),)
