"""Limits used (限额使用): how much of what a deal allows is taken, as it stands.

What has a use is here: what is outstanding, loss layers with a cap, and the limits across deals on
the deal's parties that bind. Rates and terms of single loans have none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ledger import reading
from ledger.charts.chart import Axis, Chart, Form, Label, Panel, Point, Scale, Series, Words
from ledger.charts.subject import Subject, days_of, rate_ppm
from ledger.cover import layers_used
from ledger.errors import Reverted
from ledger.figures import exposures, limits_on
from ledger.messages import text
from ledger.money import PPM, date_of
from ledger.reading.journal import moves, one_state
from ledger.reporting.report import Column, Row, Said, Shape, Unit, as_text
from ledger.waterfall import Account

_COLUMNS = (
    Column(key="limit_name"),
    Column(key="party"),
    Column(key="used", unit=Unit.AMOUNT),
    Column(key="limit_amount", unit=Unit.AMOUNT),
    Column(key="rate", unit=Unit.RATE),
    Column(key="limit_rate", unit=Unit.RATE),
)


class _Use(NamedTuple):
    """A limit and what is used of it. Minor units."""

    key: str
    """Of its name: the text `chart.limit_of_` and this."""
    party: str
    """Whom it limits, or who pays for the layer; empty: the deal."""
    other: str
    """The layer's number or the group of partners; else empty."""
    used_minor: int
    limit_minor: int

    @property
    def name(self) -> Words:
        """In whatever language it is drawn in."""
        return Words.of(f"limit_of_{self.key}", party=self.party, other=self.other)

    @property
    def rate_ppm(self) -> int | None:
        """What is used of it, half up; None of a limit of nothing."""
        return rate_ppm(self.used_minor, self.limit_minor)

    @property
    def row(self) -> Row:
        """As the table has it."""
        said = text(f"chart.limit_of_{self.key}", party=self.party, other=self.other)
        value = f"{self.key} {self.other}".rstrip()
        own = (self.party or None, self.used_minor, self.limit_minor, self.rate_ppm, PPM)
        return Row((Said(value, said), *own))


def limits(subject: Subject) -> Chart:
    """What is used of a deal's limits, as it stands. Raises `UsageInvalid`."""
    book, found, shape = subject.book, subject.found(), subject.shape()
    with one_state(book):
        _, last = subject.days(days_of(moves(book, found.deal)))
        uses = [
            *_outstanding(subject, found, last),
            *_layers(subject),
            *_across_deals(subject, found, shape, last),
        ]
        at = book.at
    return subject.chart(
        "limits",
        title=Words.of("limits"),
        summary=Words.of("limits_summary", limits=len(uses)),
        days=(last, last),
        at=at,
        panels=(_panel(uses, shape),),
        tables=(shape.table("chart_limits", _COLUMNS, [one.row for one in uses]),),
        notes=(Words.of("limits_note"),),
    )


def _outstanding(subject: Subject, deal: reading.Deal, last: int) -> Iterator[_Use]:
    terms = reading.versions(subject.book, deal.deal)[max(deal.version, 1) - 1].terms
    most = limits_on(terms, date_of(last)).max_outstanding_minor
    if most:
        held = reading.balances(subject.book, deal.deal, terms)
        lent = sum(accounts[Account.LOANS] for accounts in held.values())
        yield _Use("outstanding", "", "", lent, most)


def _layers(subject: Subject) -> Iterator[_Use]:
    try:
        layers = layers_used(subject.ledger, subject.deal)
    except Reverted:
        return
    for one in layers:
        if one.cap_minor is not None:
            yield _Use("layer", one.payer, str(one.number), one.used_minor, one.cap_minor)


def _across_deals(subject: Subject, deal: reading.Deal, shape: Shape, last: int) -> Iterator[_Use]:
    """Of each party; one whose figure was never declared does not bind and is not here."""
    names = subject.names()
    terms = reading.versions(subject.book, deal.deal)[max(deal.version, 1) - 1].terms
    for party in dict.fromkeys(names[one] for one in terms.parties):
        for one in exposures(subject.ledger, party, date_of(last)):
            own = deal.name in one.deals and one.currency == shape.currency
            if own and one.limit_minor is not None:
                yield _Use(one.limit, party, one.group, one.used_minor, one.limit_minor)


def _panel(uses: list[_Use], shape: Shape) -> Panel:
    used = tuple(Point(place, one.rate_ppm) for place, one in enumerate(uses))
    whole = tuple(Point(place, PPM) for place in range(len(uses)))
    return Panel(
        form=Form.BARS,
        x=Axis(label=Words.of("axis_limit"), scale=Scale.NAME),
        y=Axis(label=Words.of("axis_used"), scale=Scale.RATE),
        names=tuple(one.name for one in uses),
        remarks=tuple(_remark(one, shape) for one in uses),
        series=(
            Series(label=Words.of("axis_used"), points=used),
            Series(label=Words.of("limit"), points=whole, level=True),
        ),
    )


def _remark(one: _Use, shape: Shape) -> Label:
    used, most = (
        as_text(minor, Unit.AMOUNT, shape.decimals) for minor in (one.used_minor, one.limit_minor)
    )
    return Words.of("used_of", used=used, limit=most, currency=shape.currency)
