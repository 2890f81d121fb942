"""Terms: a version of a deal's terms in sentences that a banker reads, and who signed it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ledger import reading
from ledger.console import addresses
from ledger.console.page import Fact, Form, Line, Page, Sheet, col, sheet
from ledger.console.view import NotShown, View, yes
from ledger.errors import UsageInvalid
from ledger.keys import KeyUse
from ledger.limits import shown_limit
from ledger.messages import text
from ledger.money import date_of, format_percent
from ledger.records import Version
from ledger.reporting.report import Figure, Said, Unit, Value, as_text
from ledger.tables import Limits
from ledger.waterfall import Account

if TYPE_CHECKING:
    from ledger.tables import LossLayer, Tier
    from ledger.terms import Terms

Clause = tuple[str, str]
"""What it is about, and what it says."""


def clauses(view: View, deal: reading.Deal, version: int) -> tuple[Sheet, ...]:
    """The terms of a version as a table of sentences, and its limits; none where it is not here."""
    try:
        terms = view.ledger.terms(deal.name, version)
    except UsageInvalid:
        return ()
    rows = [(text(f"console.clause_{topic}"), says) for topic, says in _clauses(terms)]
    return (
        sheet("terms", (col("clause"), col("says")), rows),
        sheet(
            "limits",
            (col("limit"), col("value", Unit.EACH), col("used", Unit.EACH), col("rule")),
            _limits(view, deal, terms),
            view.shape(deal),
        ),
    )


def version(view: View, name: str, number: int) -> Page:
    """A version of a deal's terms. Raises `NotShown`."""
    deal = view.deal(name)
    known = {one.version: one for one in reading.versions(view.book, deal.deal)}
    if number not in known:
        raise NotShown(str(number))
    found = known[number]
    signed = reading.signers(view.book, deal.deal, number)
    parties = found.terms.parties
    unsigned = [party for party in parties if party not in signed]
    sheets = clauses(view, deal, number)
    return Page(
        title=text("console.version_title", deal=name, version=number),
        tab="deals",
        lead=text(
            "console.version_in_force" if found.in_force else "console.version_waits",
            missing=", ".join(view.names[party] for party in unsigned) or "-",
        ),
        facts=(
            Fact("effective_date", found.terms.effective_date or None, Unit.DAY),
            Fact("proposer", view.names[found.proposer]),
            Fact("terms_hash", "0x" + found.terms_hash.hex()),
            Fact("terms_digest", "0x" + found.terms.document_digest.hex()),
        ),
        sheets=(*sheets, _signatures(view, found, signed)),
        notes=() if sheets else (text("console.terms_missing"),),
        forms=_forms(view, deal, found, signed) if sheets else (),
        crumbs=((name, addresses.deal(name)),),
        sure=found.in_force,
    )


def _signatures(view: View, found: Version, signed: set[int]) -> Sheet:
    lines = [
        (view.names[party], Said(int(party in signed), yes(party in signed)))
        for party in found.terms.parties
    ]
    return sheet("signatures", (col("party"), col("signed")), lines)


def _forms(view: View, deal: reading.Deal, found: Version, signed: set[int]) -> tuple[Form, ...]:
    own = view.member.number
    newest = reading.versions(view.book, deal.deal)[-1].version
    if own not in found.terms.parties or own in signed or found.version != newest:
        return ()
    action = addresses.deal(deal.name, f"terms/{found.version}/sign")
    says = text("console.sign_says", version=found.version, digest=found.terms_hash.hex()[:12])
    return (Form(key="sign", action=action, needs=(KeyUse.MAKER,), says=says),)


def versions(view: View, deal: reading.Deal) -> Sheet:
    """Every version of a deal's terms."""
    columns = (col("version", Unit.COUNT), col("status"), col("effective_date", Unit.DAY),
               col("proposer"), col("signed"), col("unsigned"))  # fmt: skip
    lines = []
    for one in reading.versions(view.book, deal.deal):
        signed = reading.signers(view.book, deal.deal, one.version)
        state = "in_force" if one.in_force else "waits"
        lines.append(
            Line(
                (
                    one.version,
                    Said(state, text(f"console.state_{state}")),
                    one.terms.effective_date or None,
                    view.names[one.proposer],
                    ", ".join(view.names[p] for p in one.terms.parties if p in signed),
                    ", ".join(view.names[p] for p in one.terms.parties if p not in signed),
                ),
                {"version": addresses.deal(deal.name, f"terms/{one.version}")},
            )
        )
    return sheet("versions", columns, lines)


# ---- sentences


def _clauses(terms: Terms) -> Iterator[Clause]:
    for at, funder in enumerate(terms.funding):
        key = "console.says_lead" if at == 0 else "console.says_funder"
        yield "funding", text(key, party=funder.party, share=format_percent(funder.share_ppm))
    yield "work", text("console.says_work", servicer=terms.servicer, disbursed=terms.disbursed_by,
                       collected=terms.collected_by)  # fmt: skip
    mode = text(f"console.mode_{terms.mode.value.replace('-', '_')}")
    yield "reckoning", text("console.says_reckoning", currency=terms.currency,
                            days=terms.day_count.value, mode=mode)  # fmt: skip
    for topic, tiers in (("interest", terms.interest), ("penalty", terms.penalty)):
        for tier in tiers:
            yield topic, _tier(tier)
        yield topic, text("console.says_rest")
    if terms.fee is not None:
        yield "fee", text("console.says_fee", party=terms.fee.to)
    if terms.deposit is not None:
        own = terms.deposit
        yield (
            "deposit",
            text(
                "console.says_deposit",
                party=own.by,
                custodian=own.custodian,
                target=format_percent(own.target_ppm),
                warn=format_percent(own.warn_ppm),
                stop=format_percent(own.stop_ppm),
            ),
        )
    for number, layer in enumerate(terms.loss, 1):
        yield "loss", _layer(terms, number, layer)
    if terms.claim is not None:
        key = f"console.says_claim_{terms.claim.base.value.replace('+', '_')}"
        yield "claim", text(key, days=terms.claim.days_past_due)
    if terms.period is not None:
        yield "period", text(f"console.says_period_{terms.period.rule.value}",
                             party=terms.period.to,
                             share=_percent(terms.period.share_ppm),
                             rate=_percent(terms.period.bank_return_ppm))  # fmt: skip
    if terms.rules:
        yield "rules", ", ".join(terms.rules)


def _tier(tier: Tier) -> str:
    party = text("console.funders") if tier.to == "funders" else tier.to
    if tier.rate_ppm is not None:
        return text("console.says_tier_rate", party=party, rate=format_percent(tier.rate_ppm))
    return text("console.says_tier_share", party=party, share=_percent(tier.share_ppm))


def _layer(terms: Terms, number: int, layer: LossLayer) -> str:
    cap = text("console.says_cap_none")
    if layer.cap is not None:
        if layer.cap.amount_minor is not None:
            amount = as_text(layer.cap.amount_minor, Unit.AMOUNT, terms.decimals)
            cap = text("console.says_cap_amount", amount=amount, currency=terms.currency)
        elif layer.cap.disbursed_ppm is not None:
            share = format_percent(layer.cap.disbursed_ppm)
            cap = text("console.says_cap_disbursed", share=share)
        else:
            cap = text("console.says_cap_outstanding", share=_percent(layer.cap.outstanding_ppm))
    return text(f"console.says_layer_{layer.source.value}", number=number, party=layer.payer,
                share=format_percent(layer.share_ppm), cap=cap)  # fmt: skip


def _percent(ppm: int | None) -> str:
    return "-" if ppm is None else format_percent(ppm)


def _limits(view: View, deal: reading.Deal, terms: Terms) -> Iterator[tuple[Value, ...]]:
    """What binds on the day: the deal's own limits, and the stricter of its rule packs."""
    day = date_of(view.today)
    binding = terms.limits_at(day)
    for name in Limits.model_fields:
        value = getattr(binding, name)
        if value is None:
            continue
        behind = [
            rule.id
            for rule in terms.pack_rules
            if rule.holds_on(day) and rule.limited.get(name) == value
        ]
        own = [text("console.limit_own")] if getattr(terms.limits, name) == value else []
        yield (
            Said(name, text(f"console.limit_{name.removesuffix('_ppm').removesuffix('_minor')}")),
            _limit(name, value, terms.currency),
            _used(view, deal) if name == "max_outstanding_minor" else None,
            ", ".join(own + behind),
        )


def _limit(name: str, value: int | str, currency: str) -> Value:
    if not isinstance(value, int) or name == "max_guarantee_multiple_ppm":
        return shown_limit(name, value, currency) if isinstance(value, int) else value
    unit = {"minor": Unit.AMOUNT, "ppm": Unit.RATE}.get(name.rpartition("_")[2], Unit.COUNT)
    return Figure(unit, value)


def _used(view: View, deal: reading.Deal) -> Figure:
    """What is outstanding in the deal, by the accounts of its parties."""
    held = reading.balances(view.book, deal.deal, view.ruling(deal).terms)
    return Figure(Unit.AMOUNT, sum(accounts[Account.LOANS] for accounts in held.values()))
