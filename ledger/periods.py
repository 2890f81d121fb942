"""Periods (分润结算单): a month is closed once, and its statement explained line by line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ledger import losses, reading
from ledger.bindings import label
from ledger.errors import Reverted, UsageInvalid, ValueInvalid
from ledger.events import DealTerms
from ledger.messages import text
from ledger.money import (
    PPM,
    DayCount,
    currency_decimals,
    date_of,
    format,
    format_percent,
    half_up,
    year_days,
)
from ledger.reading import Statement
from ledger.reckoning import (
    EXCESS,
    Move,
    Reckoning,
    first_day,
    months_through,
    risk_bands,
    ruling,
    volume_part,
)
from ledger.tables import PeriodRule

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_FIRST_MONTH, _LAST_MONTH = 1970 * 12, 2149 * 12 + 4
"""The months that lie wholly within the days of the chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of a statement as a banker follows it."""

    says: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """An entry of an earlier month that came after that month was closed. Signed minor units."""

    date: date
    kind: str
    ref: str
    loan_ref: str
    principal_minor: int
    interest_minor: int
    loss_minor: int
    disbursed_minor: int
    balance_days_minor: int
    """What it adds to the balance days of the months before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A deal's month: its statement, or while it is open what has come together so far."""

    deal: str
    month: int
    """Year * 12 + month - 1."""
    rule: PeriodRule
    currency: str
    platform: str
    closed: bool
    closed_by: str
    """Empty while it is open."""
    statement: Statement
    parts_minor: dict[str, int]
    """What each funder gives of the platform's part."""
    lines: tuple[Line, ...]
    adjustments: tuple[Adjustment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodClosed:
    """What became of a month that was to be closed."""

    month: int
    version: int
    on: date
    action: bytes
    """Id of the action under four eyes."""
    waits: bool
    """Whether the checker has still to approve it."""


def parse_month(value: str) -> int:
    """Year * 12 + month - 1 of `YYYY-MM`, from 1970-01 on. Raises `ValueInvalid`."""
    year, dash, month = value.partition("-")
    digits = value.isascii() and year.isdigit() and month.isdigit()
    if dash and digits and (len(year), len(month)) == (4, 2) and 1 <= int(month) <= 12:
        return check_month(int(year) * 12 + int(month) - 1)
    raise _month_invalid(value)


def check_month(month: int) -> int:
    """The month itself if the chain can close it: 1970-01 to 2149-05. Raises `ValueInvalid`."""
    if _FIRST_MONTH <= month <= _LAST_MONTH:
        return month
    raise _month_invalid(str(month))


def _month_invalid(found: str) -> ValueInvalid:
    return ValueInvalid(text("value.month"), expected=text("value.month_expected"), found=found)


def month_text(month: int) -> str:
    """The inverse of `parse_month`."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def close(
    ledger: Ledger,
    deal: str,
    month: int,
    *,
    by: str,
    on: date | None = None,
    dry_run: bool = False,
) -> PeriodClosed:
    """Close a deal's first open month under four eyes of a signing party.

    `on` is the date of the posting; None: the month's last day, or the day after the last sealed
    one if that is later. Raises `Reverted` (`PERIOD_CLOSED`, `PERIOD_OUT_OF_ORDER`, ...).
    """
    found = ledger.deal(deal)
    day = max(first_day(month + 1) - 1, found.sealed_through + 1)
    posted = date_of(day) if on is None else on
    version = ruling(ledger.book(), found, month).version
    action = ledger.request(
        "Settlements", "close", label(deal), version, month, (posted - date_of(0)).days,
        by=by, dry_run=dry_run,
    )  # fmt: skip
    waits = not ledger.settings.dev
    return PeriodClosed(month=month, version=version, on=posted, action=action, waits=waits)


def period(ledger: Ledger, deal: str, month: int) -> Period:
    """A month of a deal, closed or not. Open months after the first open one build on it.

    Raises `Reverted` (`PERIOD_MISSING`) or `UsageInvalid` for a month before the deal's first
    or beyond the last there is.
    """
    reckoning, found = _reckoning(ledger, deal)
    statements = months_through(ledger.book(), found, reckoning, check_month(month))
    if not statements or statements[-1].month != month:
        closed = reading.statements(ledger.book(), found.deal)
        first = closed[0].month if closed else reckoning.first_month
        raise UsageInvalid(
            text("period.before_first", deal=deal),
            expected=month_text(first) if first else text("period.nothing_moved"),
            found=month_text(month),
        )
    return _period(ledger, found, statements, reckoning)


def periods(ledger: Ledger, deal: str) -> list[Period]:
    """Every closed month of a deal, and the first open one when anything moved in the deal.

    Raises `Reverted` (`PERIOD_MISSING`).
    """
    reckoning, found = _reckoning(ledger, deal)
    closed = reading.statements(ledger.book(), found.deal)
    through = closed[-1].month + 1 if closed else reckoning.first_month
    statements = months_through(ledger.book(), found, reckoning, through) if through else []
    return [
        _period(ledger, found, statements[: at + 1], reckoning) for at in range(len(statements))
    ]


def _reckoning(ledger: Ledger, deal: str) -> tuple[Reckoning, reading.Deal]:
    found, book = ledger.deal(deal), ledger.book()
    if not found.version:
        raise Reverted("DEAL_NOT_ACTIVE")
    if not reading.versions(book, found.deal)[found.version - 1].terms.period.rule:
        raise Reverted("PERIOD_MISSING")
    return Reckoning.of(reading.entries_of_deal(book, found.deal)), found


def _period(
    ledger: Ledger, deal: reading.Deal, statements: list[Statement], reckoning: Reckoning
) -> Period:
    """The last of these statements, which are all of the deal up to it."""
    book, statement = ledger.book(), statements[-1]
    names = {member.number: member.member_id for member in reading.members(book)}
    terms = reading.versions(book, deal.deal)[statement.version - 1].terms
    currency = terms.currency.to_bytes(3, "big").decode("ascii")
    funders = [names[party] for party in terms.parties[: len(terms.shares_ppm)]]
    platform = names[terms.parties[terms.period.to]]
    earlier = statements[-2] if len(statements) > 1 else None
    late: list[Move] = []
    if earlier is not None and earlier.block:
        upto = statement.block or book.at[0]
        late = reckoning.late(statement.month, earlier.block, upto)
    return Period(
        deal=deal.name,
        month=statement.month,
        rule=list(PeriodRule)[terms.period.rule - 1],
        currency=currency,
        platform=platform,
        closed=bool(statement.block),
        closed_by=names[statement.party] if statement.block else "",
        statement=statement,
        parts_minor=dict(zip(funders, statement.parts_minor, strict=True)),
        lines=tuple(_lines(statement, terms, platform, funders, currency_decimals(currency))),
        adjustments=tuple(_adjustment(ledger, move, statement.month) for move in late),
    )


def _adjustment(ledger: Ledger, move: Move, month: int) -> Adjustment:
    posted = move.posted
    return Adjustment(
        date=date_of(posted.date),
        kind=posted.kind.value,
        ref=ledger.ref(posted.entry_id),
        loan_ref=ledger.ref(posted.loan_id),
        principal_minor=move.principal_minor,
        interest_minor=move.interest_minor,
        loss_minor=move.loss_minor,
        disbursed_minor=move.disbursed_minor,
        balance_days_minor=move.principal_minor * (first_day(month) - posted.date),
    )


# ---- the formula


def _lines(
    statement: Statement, terms: DealTerms, platform: str, funders: list[str], decimals: int
) -> list[Line]:
    excess = terms.period.rule == EXCESS
    lines = [
        _line("interest", statement.interest_minor),
        *(_excess(statement, terms, decimals) if excess else _volume(statement, terms, decimals)),
        *_risk(statement, terms, decimals),
        _line("due", statement.platform_minor, platform=platform),
    ]
    if len(funders) > 1:
        lines += [
            _line("gives", part, funder=funder)
            for funder, part in zip(funders, statement.parts_minor, strict=True)
        ]
    if statement.carry_minor:
        lines.append(_line("carry", statement.carry_minor))
    return lines


def _excess(statement: Statement, terms: DealTerms, decimals: int) -> list[Line]:
    lines = [
        _line(
            "bank_return",
            -statement.bank_return_minor,
            days=format(statement.balance_days_minor, decimals),
            rate=format_percent(terms.period.bank_return_ppm),
            basis=year_days(list(DayCount)[terms.day_count]),
        ),
        _line("loss", -statement.loss_minor),
    ]
    if statement.carried_minor:
        lines.append(_line("carried", statement.carried_minor))
    excess = sum(line.amount_minor for line in lines) + statement.interest_minor
    lines.append(_line("excess", excess))
    lines.append(
        _line(
            "share",
            before_risk(statement, terms),
            share=format_percent(terms.period.share_ppm),
        )
    )
    return lines


def _volume(statement: Statement, terms: DealTerms, decimals: int) -> list[Line]:
    period, disbursed = terms.period, max(0, statement.disbursed_minor)
    lines = [_line("disbursed", statement.disbursed_minor)]
    below = 0
    for tier in period.tiers:
        reached = min(disbursed, tier.up_to)
        if period.whole:
            if reached == disbursed:
                lines.append(_line("tier", disbursed, share=format_percent(tier.ppm)))
                break
        elif reached > below:
            lines.append(
                _line(
                    "slice",
                    reached - below,
                    above=format(below, decimals),
                    to=format(reached, decimals),
                    share=format_percent(tier.ppm),
                )
            )
        below = reached
    key = "of_whole" if period.whole else "of_slices"
    return [*lines, _line(key, before_risk(statement, terms))]


def _risk(statement: Statement, terms: DealTerms, decimals: int) -> list[Line]:
    overdue, outstanding = statement.overdue_minor, statement.outstanding_minor
    for band in risk_bands(terms.period):
        if band.up_to_ppm is None or overdue * PPM <= band.up_to_ppm * outstanding:
            part = half_up(before_risk(statement, terms) * band.multiplier_ppm, PPM)
            return [
                _line(
                    "risk",
                    part,
                    multiplier=format_percent(band.multiplier_ppm),
                    overdue=format(overdue, decimals),
                    outstanding=format(outstanding, decimals),
                )
            ]
    return []


def before_risk(statement: Statement, terms: DealTerms) -> int:
    """The platform's part before any risk multiplier."""
    if terms.period.rule == EXCESS:
        return losses.excess(
            balance_days_minor=max(0, statement.balance_days_minor),
            year_days=year_days(list(DayCount)[terms.day_count]),
            bank_return_ppm=terms.period.bank_return_ppm,
            interest_minor=statement.interest_minor,
            net_loss_minor=statement.loss_minor,
            carried_minor=statement.carried_minor,
            share_ppm=terms.period.share_ppm,
        ).platform_minor
    return volume_part(terms.period, statement.disbursed_minor, statement.interest_minor)


def _line(key: str, amount_minor: int, **fields: object) -> Line:
    return Line(says=text(f"period.{key}", **fields), amount_minor=amount_minor)
