"""Cover: what the loss layers of a deal used, and the claims they hold on loans (代位追偿)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger import reading
from ledger.errors import Reverted
from ledger.events import LayerTerms
from ledger.money import PPM, half_up
from ledger.tables import Source

if TYPE_CHECKING:
    from ledger.ledger import Ledger

CAP_KINDS = ("none", "amount", "disbursed", "outstanding")
"""`LayerTerms.cap_kind`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerUse:
    """A loss layer of the terms in force, as it stands. Minor units."""

    number: int
    """From 1, in order."""
    payer: str
    source: Source
    share_ppm: int
    cap_kind: str
    cap: int
    """Minor units of an amount, else parts per million; 0 without a cap."""
    reinstates: bool
    cap_minor: int | None
    """The cap now; None when the layer is unlimited."""
    used_minor: int
    open_minor: int
    """Its open claims."""

    @property
    def room_minor(self) -> int | None:
        """What it can still pay; None when it is unlimited. A deposit may hold less."""
        return None if self.cap_minor is None else max(0, self.cap_minor - self.used_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenClaim:
    """What a layer paid for a loan and what of it did not come back yet. Minor units."""

    loan_ref: str
    layer: int
    """From 1, in order."""
    payer: str
    paid_minor: int
    open_minor: int


def layers_used(ledger: Ledger, deal: str) -> list[LayerUse]:
    """The loss layers of a deal's terms in force. Raises `Reverted` (`CLAIM_MISSING`)."""
    found, book = ledger.deal(deal), ledger.book()
    if not found.version:
        raise Reverted("DEAL_NOT_ACTIVE")
    terms = reading.versions(book, found.deal)[found.version - 1].terms
    if not terms.layers:
        raise Reverted("CLAIM_MISSING")
    names = {member.number: member.member_id for member in reading.members(book)}
    outstanding, disbursed = reading.volume_by_sums(book, found.deal)
    used = reading.used_minor(book, found.deal)
    opened = reading.open_by_layer(book, found.deal)
    return [
        LayerUse(
            number=at + 1,
            payer=names[terms.parties[layer.payer]],
            source=Source.DEPOSIT if layer.from_deposit else Source.DIRECT,
            share_ppm=layer.share_ppm,
            cap_kind=CAP_KINDS[layer.cap_kind],
            cap=layer.cap,
            reinstates=layer.reinstates,
            cap_minor=_cap_now(layer, outstanding, disbursed),
            used_minor=used.get(at, 0),
            open_minor=opened.get(at, 0),
        )
        for at, layer in enumerate(terms.layers)
    ]


def open_claims(ledger: Ledger, deal: str) -> list[OpenClaim]:
    """Every claim of a deal with something open, by loan and layer."""
    found, book = ledger.deal(deal), ledger.book()
    names = {member.number: member.member_id for member in reading.members(book)}
    terms = {one.version: one.terms for one in reading.versions(book, found.deal)}
    claims = []
    for loan_id, claim in reading.open_claims(book, found.deal):
        loan = reading.loan(book, found.deal, loan_id)
        assert loan is not None, "a claim without its loan"
        under = terms[loan.version]
        claims.append(
            OpenClaim(
                loan_ref=ledger.ref(loan_id),
                layer=claim.layer + 1,
                payer=names[under.parties[under.layers[claim.layer].payer]],
                paid_minor=claim.paid_minor,
                open_minor=claim.open_minor,
            )
        )
    return sorted(claims, key=lambda one: (one.loan_ref, one.layer))


def _cap_now(layer: LayerTerms, outstanding_minor: int, disbursed_minor: int) -> int | None:
    kind = CAP_KINDS[layer.cap_kind]
    if kind == "none":
        return None
    if kind == "amount":
        return layer.cap
    base = disbursed_minor if kind == "disbursed" else outstanding_minor
    return half_up(base * layer.cap, PPM)
