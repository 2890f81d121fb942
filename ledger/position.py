"""Position: what a business day brought a member and each of its partners, deal by deal (日头寸).

All of it is read from the book and the member's register of breaks. What a partner owes the member
is what the fewest payments that settle the deal have between the two.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ledger import days, reading
from ledger.entries import Method
from ledger.events import Particulars
from ledger.messages import text
from ledger.money import currency_decimals, date_of
from ledger.reading import DayKind
from ledger.reading.positions import (
    DayMove,
    RunningLoan,
    amounts_of_day,
    count_booked,
    moves_of_day,
    running_loans,
)
from ledger.reconcile.register import Register
from ledger.reporting.report import (
    NOT_CONTENT,
    NOTHING,
    Column,
    Fact,
    Made,
    Report,
    Row,
    Shape,
    Table,
    Unit,
    content_sha256,
)
from ledger.schedules import Instalment, month_after, parts, schedule
from ledger.settling import fewest_payments, net_minor
from ledger.waterfall import Account

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.terms import Terms

DEAL_COLUMNS = (
    Column(key="deal"),
    Column(key="currency"),
    Column(key="disbursed", unit=Unit.AMOUNT, total=True),
    Column(key="repaid", unit=Unit.AMOUNT, total=True),
    Column(key="compensated", unit=Unit.AMOUNT, total=True),
    Column(key="recovered", unit=Unit.AMOUNT, total=True),
    Column(key="clearing", unit=Unit.AMOUNT, total=True),
    Column(key="expected", unit=Unit.AMOUNT, total=True),
    Column(key="expected_own", unit=Unit.AMOUNT, total=True),
    Column(key="open_breaks", unit=Unit.COUNT, total=True),
    Column(key="at_risk", unit=Unit.AMOUNT, total=True),
    Column(key="sealed_through", unit=Unit.DAY),
    Column(key="days_not_sealed", unit=Unit.COUNT, total=True),
)
PARTNER_COLUMNS = (
    Column(key="deal"),
    Column(key="currency"),
    Column(key="party"),
    Column(key="disbursed", unit=Unit.AMOUNT),
    Column(key="repaid", unit=Unit.AMOUNT),
    Column(key="compensated", unit=Unit.AMOUNT),
    Column(key="recovered", unit=Unit.AMOUNT),
    Column(key="clearing", unit=Unit.AMOUNT, total=True),
    Column(key="due", unit=Unit.AMOUNT, total=True),
)
AHEAD_DAYS = 7
"""How far ahead what falls due is added up."""
FORECAST_LOANS_MAX = 100_000
"""Running loans of a deal up to which that is done: a few seconds."""
_RECOVERED = (DayKind.RECOVERY, DayKind.CLAIM_REPAYMENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What entries of a day come to, less what was taken back. Minor units."""

    disbursed_minor: int = 0
    repaid_minor: int = 0
    compensated_minor: int = 0
    recovered_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerPosition:
    """One party of a deal."""

    party: str
    moved: Moved
    """Its parts: what it lent, and what reached it; compensation that it paid is below 0."""
    clearing_minor: int
    """At the close of the day: above 0 it is to receive."""
    due_minor: int
    """What the member is to get from it; below 0: to pay to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealPosition:
    """A deal of which the member is a party."""

    deal: str
    currency: str
    decimals: int
    moved: Moved
    """Of all parties together."""
    clearing_minor: int
    """Of the member at the close of the day: above 0 it is to receive."""
    partners: tuple[PartnerPosition, ...]
    """Every party, the member as well, in the order of the terms."""
    open_breaks: int
    at_risk_minor: int
    sealed_through: int
    """0: never sealed."""
    days_not_sealed: int
    """Business days with entries up to the day that are not sealed."""
    expected_minor: int | None
    """What falls due within `AHEAD_DAYS` after the day; None for too many loans."""
    expected_own_minor: int | None
    """The member's part of it."""


def position(
    ledger: Ledger, member: str, day: int, *, forecast_max: int = FORECAST_LOANS_MAX
) -> list[DealPosition]:
    """A member's position at the close of a business day, its deals in order.

    `day`: days since 1970-01-01. `forecast_max`: loans of a deal up to which what falls due is
    added up, one loan after another; all else takes as long for a deal of many. Raises
    `UsageInvalid` for an unknown member.
    """
    own = ledger.member(member)
    book = ledger.book()
    names = {one.number: one.member_id for one in reading.members(book)}
    with Register(ledger.directory) as register:
        waiting = register.open(member=member, today=day)
    found = []
    for deal in reading.deals(book):
        if not deal.version or own.number not in days.parties(book, deal):
            continue
        standing = [one for one in waiting if one.deal == deal.name and one.date <= day]
        at_risk = sum(one.at_risk_minor for one in standing)
        breaks = len(standing), at_risk
        found.append(_deal(ledger, deal, own.number, names, day, breaks, forecast_max))
    return found


def position_report(
    found: Sequence[DealPosition],
    member: str,
    day: int,
    made: Made,
    *,
    forecast_max: int = FORECAST_LOANS_MAX,
) -> Report:
    """A position as tables, those of each currency by themselves.

    `forecast_max`: as `position` was told.
    """
    tables: list[Table] = []
    for shape in dict.fromkeys(Shape(one.currency, one.decimals) for one in found) or (NOTHING,):
        own = [one for one in found if one.currency == shape.currency]
        partners = [_partner_row(one, partner) for one in own for partner in one.partners]
        tables += [
            shape.table("deals", DEAL_COLUMNS, [*map(_deal_row, own)]),
            shape.table("partners", PARTNER_COLUMNS, partners),
        ]
    document: dict[str, Any] = {
        **made.document(),
        "member": member,
        "date": date_of(day).isoformat(),
        "deals": [row for table in tables[::2] for row in table.documents()],
        "partners": [row for table in tables[1::2] for row in table.documents()],
    }
    document["content_sha256"] = content_sha256(document, without=NOT_CONTENT)
    notes = [text("report.position_note")]
    if any(one.expected_minor is None for one in found):
        notes.append(text("report.position_long", most=forecast_max))
    return Report(
        title=text("report.position", member=member, date=document["date"]),
        verdict=text(
            "report.position_verdict",
            deals=len(found),
            breaks=sum(one.open_breaks for one in found),
            days=sum(one.days_not_sealed for one in found),
        ),
        facts=(
            Fact("business_day", day, Unit.DAY),
            *made.facts(),
            Fact("content_sha256", document["content_sha256"], paper=True),
        ),
        tables=tuple(tables),
        notes=tuple(notes),
        document=document,
    )


def _deal_row(one: DealPosition) -> Row:
    return Row(
        (
            one.deal,
            one.currency,
            one.moved.disbursed_minor,
            one.moved.repaid_minor,
            one.moved.compensated_minor,
            one.moved.recovered_minor,
            one.clearing_minor,
            one.expected_minor,
            one.expected_own_minor,
            one.open_breaks,
            one.at_risk_minor,
            one.sealed_through or None,
            one.days_not_sealed,
        )
    )


def _partner_row(deal: DealPosition, one: PartnerPosition) -> Row:
    return Row(
        (
            deal.deal,
            deal.currency,
            one.party,
            one.moved.disbursed_minor,
            one.moved.repaid_minor,
            one.moved.compensated_minor,
            one.moved.recovered_minor,
            one.clearing_minor,
            one.due_minor,
        )
    )


def _deal(
    ledger: Ledger,
    deal: reading.Deal,
    own: int,
    names: Mapping[int, str],
    day: int,
    breaks: tuple[int, int],
    forecast_max: int,
) -> DealPosition:
    book = ledger.book()
    versions = {one.version: one.terms for one in reading.versions(book, deal.deal)}
    currency = versions[deal.version].currency.to_bytes(3, "big").decode("ascii")
    moves = moves_of_day(book, deal.deal, day)
    closing = reading.closing(book, deal.deal, day)
    # Those who hold vouchers only are no partners.
    owing = (party for party, account in closing if account is Account.CLEARING)
    parties = list(dict.fromkeys((*days.parties(book, deal), *owing)))
    clearing = {party: closing.get((party, Account.CLEARING), 0) for party in parties}
    payments = fewest_payments(clearing)
    unsealed = reading.open_days(book, deal.deal, deal.sealed_through)
    expected = _expected(ledger, deal, names[own], day, forecast_max)
    return DealPosition(
        deal=deal.name,
        currency=currency,
        decimals=currency_decimals(currency),
        moved=_whole(moves, amounts_of_day(book, deal.deal, day)),
        clearing_minor=clearing[own],
        partners=tuple(
            PartnerPosition(
                party=names[party],
                moved=_part([one for one in moves if one.party == party]),
                clearing_minor=clearing[party],
                due_minor=net_minor(payments, own, party),
            )
            for party in parties
        ),
        open_breaks=breaks[0],
        at_risk_minor=breaks[1],
        sealed_through=deal.sealed_through,
        days_not_sealed=sum(1 for known in unsealed if known <= day),
        expected_minor=expected[0],
        expected_own_minor=expected[1],
    )


_LENT = (Account.LOANS,)
_GOT = (Account.LOANS, Account.INTEREST, Account.PENALTY, Account.FEES)
_COVERED = (Account.LOANS, Account.INTEREST, Account.CLAIMS)
_CAME_BACK = (Account.LOANS, Account.RECOVERIES, Account.PENALTY, Account.CLAIMS)


def _whole(moves: Sequence[DayMove], amounts: Mapping[DayKind, int]) -> Moved:
    """Of all parties together."""
    return Moved(
        disbursed_minor=amounts.get(DayKind.BOOKING, 0),
        repaid_minor=amounts.get(DayKind.REPAYMENT, 0),
        compensated_minor=_moved(moves, (DayKind.COMPENSATION,), (Account.CLAIMS,)),
        recovered_minor=sum(amounts.get(kind, 0) for kind in _RECOVERED),
    )


def _part(moves: Sequence[DayMove]) -> Moved:
    """Of the party whose moves these are: what reached it lowers what it is owed."""
    return Moved(
        disbursed_minor=_moved(moves, (DayKind.BOOKING,), _LENT),
        repaid_minor=-_moved(moves, (DayKind.REPAYMENT,), _GOT),
        compensated_minor=-_moved(moves, (DayKind.COMPENSATION,), _COVERED),
        recovered_minor=-_moved(moves, _RECOVERED, _CAME_BACK),
    )


def _moved(moves: Sequence[DayMove], kinds: Sequence[DayKind], accounts: Sequence[Account]) -> int:
    return sum(one.amount_minor for one in moves if one.kind in kinds and one.account in accounts)


# ---- what falls due


def _expected(
    ledger: Ledger, deal: reading.Deal, member: str, day: int, forecast_max: int
) -> tuple[int | None, int | None]:
    book = ledger.book()
    if count_booked(book, deal.deal) > forecast_max:
        return None, None
    terms: dict[int, Terms] = {}
    total = own = 0
    for loan in running_loans(book, deal.deal):
        if loan.version not in terms:
            terms[loan.version] = ledger.terms(deal.name, loan.version)
        agreed, rate_ppm = terms[loan.version], Particulars.unpack(loan.particulars).annual_rate_ppm
        for due in _due(loan, agreed, day):
            total += due.instalment_minor
            (divided,) = parts([due], agreed, annual_rate_ppm=rate_ppm)
            if member in divided:
                own += divided[member].principal_minor + divided[member].interest_minor
    return total, own


def _due(loan: RunningLoan, terms: Terms, day: int) -> Iterator[Instalment]:
    """Instalments of the days after `day`, each no more than is outstanding by then."""
    particulars = Particulars.unpack(loan.particulars)
    start, maturity = date_of(particulars.start_date), date_of(particulars.maturity_date)
    first, last = date_of(day + 1), date_of(day) + timedelta(days=AHEAD_DAYS)
    if first > maturity or last <= start:
        return
    months = (last.year - start.year) * 12 + last.month - start.month
    monthly = (month_after(start, count) for count in (months - 1, months) if count > 0)
    if not any(first <= known <= last for known in (*monthly, maturity)):
        return
    outstanding = loan.outstanding_minor
    for one in schedule(
        method=list(Method)[particulars.method],
        principal_minor=loan.principal_minor,
        annual_rate_ppm=particulars.annual_rate_ppm,
        day_count=terms.day_count,
        start_date=start,
        maturity_date=maturity,
    ):
        if first <= one.due_date <= last:
            paid = min(one.principal_minor, outstanding)
            outstanding -= paid
            yield replace(one, principal_minor=paid, outstanding_minor=outstanding)
