"""Concentration (集中度报表): what a funder has out, by partner, by deal and by borrower.

A deal with several partners counts in full to each of their groups, as the limit on a partner
counts it; so the parts by partner may be more than the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ledger import reading
from ledger.consortium import Role
from ledger.figures import exposures
from ledger.founding import bits
from ledger.messages import text
from ledger.money import PPM, currency_decimals, date_of, half_up
from ledger.reading.exposed import largest_borrowers
from ledger.reporting.report import Column, Report, Row, Shape, Unit
from ledger.reports.asking import Asked, Chosen, assembled, by_currency
from ledger.waterfall import Account

LIMITS = (
    Column(key="member"),
    Column(key="limit_name"),
    Column(key="partner"),
    Column(key="deals"),
    Column(key="limit_rate", unit=Unit.RATE),
    Column(key="figure_amount", unit=Unit.AMOUNT),
    Column(key="limit_amount", unit=Unit.AMOUNT),
    Column(key="used", unit=Unit.AMOUNT),
    Column(key="left_amount", unit=Unit.AMOUNT),
    Column(key="source"),
)
PARTNERS = (
    Column(key="member"),
    Column(key="partner"),
    Column(key="deals"),
    Column(key="out", unit=Unit.AMOUNT),
    Column(key="part_of_all", unit=Unit.RATE),
)
DEALS = (
    Column(key="member"),
    Column(key="deal"),
    Column(key="out", unit=Unit.AMOUNT, total=True),
    Column(key="part_of_all", unit=Unit.RATE),
)
BORROWERS = (
    Column(key="deal"),
    Column(key="borrower_ref"),
    Column(key="loans", unit=Unit.COUNT),
    Column(key="outstanding", unit=Unit.AMOUNT),
    Column(key="part_of_all", unit=Unit.RATE),
)
BORROWERS_LISTED = 20
"""Of each deal, the largest."""
_OF_FUNDERS = ("max_partner_concentration", "max_joint_share")


class Out(NamedTuple):
    """What a funder has out in a deal. Minor units."""

    funder: int
    deal: Chosen
    amount_minor: int


def build(asked: Asked) -> Report:
    """The report."""
    names, tables, over = asked.names(), [], 0
    for shape, rows in _limits(asked).items():
        tables.append(shape.table("report_limits", LIMITS, rows))
        over += sum(isinstance(row.values[8], int) and row.values[8] < 0 for row in rows)
    for shape, deals in by_currency(asked.deals()):
        out = list(_out(asked, deals))
        tables += [
            shape.table("report_partners", PARTNERS, [*_partners(asked, out, names)]),
            shape.table("report_funded", DEALS, [*_funded(out, names)]),
            shape.table(
                "report_borrowers",
                BORROWERS,
                [row for deal in deals for row in _borrowers(asked, deal)],
            ),
        ]
    return assembled(
        asked,
        text("reports.concentration_verdict", over=over),
        tables,
        notes=(text("reports.concentration_note", most=BORROWERS_LISTED),),
    )


def _limits(asked: Asked) -> Mapping[Shape, list[Row]]:
    """Limits across deals of the member, or of every bank."""
    bank = bits(list(Role), (Role.BANK,))
    banks = [one.member_id for one in reading.members(asked.book) if one.roles & bank]
    found: dict[Shape, list[Row]] = {}
    for member in [asked.member] if asked.member else banks:
        for one in exposures(asked.ledger, member, date_of(asked.day)):
            if one.limit not in _OF_FUNDERS:
                continue
            left = None if one.limit_minor is None else one.limit_minor - one.used_minor
            amounts = one.figure_minor, one.limit_minor, one.used_minor, left
            said = one.limit, one.group, ", ".join(one.deals), one.ratio_ppm
            shape = Shape(one.currency, currency_decimals(one.currency))
            found.setdefault(shape, []).append(Row((member, *said, *amounts, one.rule)))
    return found


def _out(asked: Asked, deals: Sequence[Chosen]) -> Iterator[Out]:
    own = asked.ledger.member(asked.member).number if asked.member else None
    for deal in deals:
        closing = reading.closing(asked.book, deal.deal.deal, asked.day)
        for funder in deal.funders:
            if own in (None, funder):
                yield Out(funder, deal, closing.get((funder, Account.LOANS), 0))


def _partners(asked: Asked, out: Sequence[Out], names: Mapping[int, str]) -> Iterator[Row]:
    for funder in dict.fromkeys(one.funder for one in out):
        own = [one for one in out if one.funder == funder]
        groups = reading.partner_groups(asked.book, funder)
        sums, deals = Counter[int](), dict[int, list[str]]()
        for one in own:
            partners = {groups.get(party, party) for party in one.deal.terms.parties} - {funder}
            for partner in partners:
                sums[partner] += one.amount_minor
                deals.setdefault(partner, []).append(one.deal.name)
        total = sum(one.amount_minor for one in own)
        for partner, amount in sorted(sums.items(), key=lambda one: (-one[1], one[0])):
            named = names.get(partner, str(partner))
            said = names[funder], named, ", ".join(deals[partner])
            yield Row((*said, amount, share_ppm(amount, total)))


def _funded(out: Sequence[Out], names: Mapping[int, str]) -> Iterator[Row]:
    totals = Counter[int]()
    for one in out:
        totals[one.funder] += one.amount_minor
    for one in sorted(out, key=lambda one: (one.funder, -one.amount_minor)):
        share = share_ppm(one.amount_minor, totals[one.funder])
        yield Row((names[one.funder], one.deal.name, one.amount_minor, share))


def _borrowers(asked: Asked, deal: Chosen) -> Iterator[Row]:
    total, _ = reading.volume(asked.book, deal.deal.deal)
    for one in largest_borrowers(asked.book, deal.deal.deal, BORROWERS_LISTED):
        ref = asked.ledger.ref(one.borrower_id)
        share = share_ppm(one.outstanding_minor, total)
        yield Row((deal.name, ref, one.loans, one.outstanding_minor, share))


def share_ppm(part_minor: int, of_minor: int) -> int | None:
    """A part in ppm, half up; None of nothing."""
    return half_up(part_minor * PPM, of_minor) if of_minor > 0 and part_minor >= 0 else None
