"""Guarantees (担保责任余额表): what each payer stands in for, by layer and against its assets.

A layer's liability is what it would pay (M6) if every loan outstanding now defaulted at once, with
what its cap, its deposit and the layers before it leave. Limits across deals are the contract's own
count, as of each deal's last batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ledger import reading
from ledger.book import Book
from ledger.cover import LayerUse, layers_used
from ledger.figures import exposures
from ledger.limits import limit_name
from ledger.losses import compensation
from ledger.messages import text
from ledger.money import PPM, currency_decimals, date_of
from ledger.reporting.report import Column, Figure, Report, Row, Shape, Unit, word
from ledger.reports.asking import Asked, Chosen, assembled, by_currency
from ledger.tables import Cap, LossLayer, Source

LAYERS = (
    Column(key="deal"),
    Column(key="payer"),
    Column(key="layer", unit=Unit.COUNT),
    Column(key="layer_source"),
    Column(key="share", unit=Unit.RATE),
    Column(key="cap", unit=Unit.AMOUNT),
    Column(key="used", unit=Unit.AMOUNT, total=True),
    Column(key="room", unit=Unit.AMOUNT),
    Column(key="liability", unit=Unit.AMOUNT, total=True),
    Column(key="claims_open", unit=Unit.AMOUNT, total=True),
)
DEALS = (
    Column(key="deal"),
    Column(key="outstanding", unit=Unit.AMOUNT, total=True),
    Column(key="past_trigger", unit=Unit.COUNT, total=True),
    Column(key="past_trigger_amount", unit=Unit.AMOUNT, total=True),
    Column(key="liability", unit=Unit.AMOUNT, total=True),
    Column(key="not_covered", unit=Unit.AMOUNT, total=True),
)
LIMITS = (
    Column(key="payer"),
    Column(key="limit_name"),
    Column(key="deals"),
    Column(key="limit", unit=Unit.EACH),
    Column(key="figure_amount", unit=Unit.AMOUNT),
    Column(key="limit_amount", unit=Unit.AMOUNT),
    Column(key="used", unit=Unit.AMOUNT),
    Column(key="left_amount", unit=Unit.AMOUNT),
)
MULTIPLE, BORROWER = map(limit_name, ("max_guarantee_multiple_ppm", "max_guaranteed_borrower_ppm"))


class Liable(NamedTuple):
    """What a layer would pay."""

    layer: LayerUse
    pays_minor: int


def build(asked: Asked) -> Report:
    """The report."""
    tables, liable_minor, payers = [], Counter[str](), dict[str, None]()
    due = 0
    for shape, deals in by_currency([one for one in asked.deals() if one.terms.layers]):
        layers, sums = [], []
        for deal in deals:
            found = liable(asked, deal)
            layers += [_layer_row(deal, one) for one in found if _own(asked, deal, one)]
            sums.append(_deal_row(asked, deal, found))
            for one in found:
                payers[one.layer.payer] = None
                liable_minor[one.layer.payer] += one.pays_minor
            due += len(_past_trigger(asked.book, deal, asked.day))
        tables += [
            shape.table("report_layers", LAYERS, layers),
            shape.table("report_guaranteed", DEALS, sums),
        ]
    wanted = [asked.member] if asked.member in payers else list(payers)
    for shape, rows in _limits(asked, wanted).items():
        tables.append(shape.table("report_guarantee_limits", LIMITS, rows))
    return assembled(
        asked,
        text("reports.guarantees_verdict", payers=len(payers), due=due),
        tables,
        notes=(text("reports.guarantees_note"),),
    )


def liable(asked: Asked, deal: Chosen) -> list[Liable]:
    """What every layer of a deal would pay if all its loans defaulted now."""
    layers = layers_used(asked.ledger, deal.name)
    outstanding, disbursed = reading.volume(asked.book, deal.deal.deal)
    deposit = reading.deposit_minor(asked.book, deal.deal.deal)
    pays = compensation(
        outstanding,
        [_layer(one) for one in layers],
        used_minor=[one.used_minor for one in layers],
        deposits_minor={one.payer: deposit for one in layers if one.source is Source.DEPOSIT},
        disbursed_minor=disbursed,
        outstanding_minor=outstanding,
    ).pays_minor
    return [Liable(one, pay) for one, pay in zip(layers, pays, strict=True)]


def _layer(one: LayerUse) -> LossLayer:
    # The cap as it is now: an amount, whatever it is a part of.
    cap = None if one.cap_minor is None else Cap.model_construct(amount_minor=one.cap_minor)
    return LossLayer.model_construct(
        payer=one.payer,
        source=one.source,
        share_ppm=one.share_ppm,
        cap=cap,
        reinstates=one.reinstates,
    )


def _own(asked: Asked, deal: Chosen, one: Liable) -> bool:
    """Whether a member sees a layer: its own, or all of a deal that it funds or services."""
    if asked.member in ("", one.layer.payer):
        return True
    number = asked.ledger.member(asked.member).number
    return number in (*deal.funders, deal.terms.parties[deal.terms.servicer])


def _layer_row(deal: Chosen, found: Liable) -> Row:
    one = found.layer
    return Row(
        (
            deal.name,
            one.payer,
            one.number,
            word("reports.source", one.source.value),
            one.share_ppm,
            one.cap_minor,
            one.used_minor,
            one.room_minor,
            found.pays_minor,
            one.open_minor,
        )
    )


def _deal_row(asked: Asked, deal: Chosen, found: Sequence[Liable]) -> Row:
    outstanding, _ = reading.volume(asked.book, deal.deal.deal)
    due = _past_trigger(asked.book, deal, asked.day)
    pays = sum(one.pays_minor for one in found)
    return Row((deal.name, outstanding, len(due), sum(due), pays, outstanding - pays))


def _past_trigger(book: Book, deal: Chosen, day: int) -> list[int]:
    """What is outstanding of each loan that is due for compensation on the day."""
    since = day - deal.terms.claim.days_past_due
    return [one.outstanding_minor for one in reading.overdue_loans(book, deal.deal.deal, since)]


def _limits(asked: Asked, payers: Sequence[str]) -> Mapping[Shape, list[Row]]:
    found: dict[Shape, list[Row]] = {}
    for payer, row in _limit_rows(asked, payers):
        found.setdefault(payer, []).append(row)
    return found


def _limit_rows(asked: Asked, payers: Sequence[str]) -> Iterator[tuple[Shape, Row]]:
    for payer in payers:
        for one in exposures(asked.ledger, payer, date_of(asked.day)):
            if one.limit not in (MULTIPLE, BORROWER):
                continue
            left = None if one.limit_minor is None else one.limit_minor - one.used_minor
            multiple = one.limit == MULTIPLE and not one.ratio_ppm % PPM
            ratio = (
                Figure(Unit.COUNT, one.ratio_ppm // PPM)
                if multiple
                else Figure(Unit.RATE, one.ratio_ppm)
            )
            values = ratio, one.figure_minor, one.limit_minor, one.used_minor, left
            shape = Shape(one.currency, currency_decimals(one.currency))
            yield shape, Row((payer, one.limit, ", ".join(one.deals), *values))
