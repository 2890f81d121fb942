"""Loan costs (综合融资成本分布): what loans booked on some days cost their borrowers a year."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from typing import NamedTuple

from ledger.events import Particulars
from ledger.messages import text
from ledger.money import PPM, date_of, half_up
from ledger.portfolio.all_in import all_in_ppm, documents
from ledger.portfolio.percentiles import percentiles
from ledger.reading.exposed import loans_of
from ledger.reporting.report import Column, Fact, Report, Row, Unit
from ledger.reports.asking import Asked, Chosen, assembled

BANDS = (
    Column(key="cost_above", unit=Unit.RATE),
    Column(key="cost_up_to", unit=Unit.RATE),
    Column(key="loans", unit=Unit.COUNT, total=True),
    Column(key="principal", unit=Unit.AMOUNT, total=True),
    Column(key="part_of_all", unit=Unit.RATE),
    Column(key="over_ceiling", unit=Unit.COUNT, total=True),
)
PERCENTILES = (
    Column(key="percentile", unit=Unit.COUNT),
    Column(key="by_loans", unit=Unit.RATE),
    Column(key="by_principal", unit=Unit.RATE),
)
OVER = (
    Column(key="loan_ref"),
    Column(key="start_date", unit=Unit.DAY),
    Column(key="principal", unit=Unit.AMOUNT, total=True),
    Column(key="all_in_cost", unit=Unit.RATE),
    Column(key="ceiling", unit=Unit.RATE),
)
BAND_PPM = 10_000
"""Width of a band: 1 % a year."""
BANDS_MAX = 200


class Priced(NamedTuple):
    """A loan with what it costs a year."""

    start_date: int
    loan_id: bytes
    principal_minor: int
    cost_ppm: int
    ceiling_ppm: int | None
    """Of the day it started on; None where there is none, or its terms are not in this folder."""

    @property
    def is_over(self) -> bool:
        """Whether it costs more than it may."""
        return self.ceiling_ppm is not None and self.cost_ppm > self.ceiling_ppm


def build(asked: Asked) -> Report:
    """The report."""
    (deal,) = asked.deals()
    counted, over, highest = list[tuple[int, int]](), list[Priced](), dict[int, None]()
    for one in priced(asked, deal):
        counted.append((one.cost_ppm, one.principal_minor))
        if one.is_over:
            over.append(one)
        if one.ceiling_ppm is not None:
            highest[one.ceiling_ppm] = None
    shape = deal.shape
    return assembled(
        asked,
        text("reports.costs_verdict", loans=len(counted), over=len(over)),
        (
            shape.table("report_costs", BANDS, [*_bands(counted, over)]),
            shape.table(
                "report_percentiles", PERCENTILES, [Row(tuple(one)) for one in percentiles(counted)]
            ),
            shape.table(
                "report_over_ceiling", OVER, [_over_row(asked, one) for one in sorted(over)]
            ),
        ),
        facts=(
            Fact("from_day", asked.first, Unit.DAY),
            Fact("loans_counted", len(counted), Unit.COUNT),
            *(Fact("ceiling", one, Unit.RATE) for one in sorted(highest)[-1:]),
        ),
        notes=(text("reports.costs_note"),),
    )


def priced(asked: Asked, deal: Chosen) -> Iterator[Priced]:
    """Every loan that started on the days and stands."""
    known = documents(asked.ledger, asked.book, deal.deal)

    @cache
    def ceiling(version: int, start: date) -> int | None:
        if version not in known:
            return None
        held = known[version].limits_at(start)
        # Where no cost is limited, the limit of the rate is the only one there is.
        return held.max_all_in_cost_ppm or held.max_annual_rate_ppm

    for loan in loans_of(asked.book, deal.deal.deal):
        start = Particulars.unpack(loan.particulars).start_date
        if loan.reversed or start > asked.day or start < (asked.first or 0):
            continue
        yield Priced(
            start,
            loan.loan_id,
            loan.principal_minor,
            all_in_ppm(loan, known.get(loan.version)),
            ceiling(loan.version, date_of(start)),
        )


def _bands(counted: Sequence[tuple[int, int]], above: Sequence[Priced]) -> Iterator[Row]:
    """Every band from the first with a loan to the last; what costs just a bound is under it."""
    loans, principal, over = Counter[int](), Counter[int](), Counter[int]()
    for cost_ppm, principal_minor in counted:
        loans[_band(cost_ppm)] += 1
        principal[_band(cost_ppm)] += principal_minor
    for one in above:
        over[_band(one.cost_ppm)] += 1
    total = principal.total()
    for band in range(min(loans, default=0), max(loans, default=-1) + 1):
        share = half_up(principal[band] * PPM, total)
        upper = None if band == BANDS_MAX else (band + 1) * BAND_PPM
        yield Row((band * BAND_PPM, upper, loans[band], principal[band], share, over[band]))


def _band(cost_ppm: int) -> int:
    return min(BANDS_MAX, max(0, -(-cost_ppm // BAND_PPM) - 1))


def _over_row(asked: Asked, one: Priced) -> Row:
    ref = asked.ledger.ref(one.loan_id)
    return Row((ref, one.start_date, one.principal_minor, one.cost_ppm, one.ceiling_ppm))
