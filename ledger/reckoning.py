"""Reckoning: what a deal's months come to for their statements (M8), from the entries in the book.

The second way to every figure of a statement: the contract keeps sums as entries come in, this
counts the entries that there are. A statement has all that is dated up to its month's end and was
in no statement before, so what comes too late for its own month is in the first that is open.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from ledger import losses, reading
from ledger.book import Book
from ledger.entries import Kind
from ledger.events import Place
from ledger.events.agreed_terms import LAST_BOUND, DealTerms, PeriodTerms
from ledger.money import DayCount, apportion, date_of, day_number, year_days
from ledger.reading import Posted, Statement
from ledger.records import Version
from ledger.tables import RiskBand, VolumeReading, VolumeTier

EXCESS, VOLUME = 1, 2
"""`PeriodTerms.rule`."""
PAST_DUE_DAYS = 90
"""Days past due from which a loan counts for the risk multiplier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What one entry moves of a period's figures, on its own date. Signed minor units."""

    posted: Posted
    principal_minor: int = 0
    """Added to the outstanding."""
    interest_minor: int = 0
    loss_minor: int = 0
    disbursed_minor: int = 0


@dataclass(slots=True)
class _Loan:
    """A loan as its entries so far left it."""

    outstanding_minor: int = 0
    since_date: int = 0
    written_off: bool = False


@dataclass(slots=True)
class _Month:
    """What entries of one month come to."""

    principal_minor: int = 0
    principal_days_minor: int = 0
    """Principal times its date."""
    interest_minor: int = 0
    loss_minor: int = 0
    disbursed_minor: int = 0


@dataclass(slots=True)
class Reckoning:
    """All that moved in a deal, by months."""

    moves: list[Move] = field(default_factory=list)
    """In chain order; entries that move nothing left out."""
    _months: defaultdict[int, _Month] = field(default_factory=lambda: defaultdict(_Month))
    _overdue: list[tuple[int, int, int]] = field(default_factory=list)
    """Date or 0, overdue since, and what that adds to what is overdue."""

    @classmethod
    def of(cls, posted: Iterable[Posted]) -> Reckoning:
        """Reckon the entries of a deal, in chain order."""
        made = cls()
        for move in _moves(posted, made._overdue):
            made._add(move)
        return made

    @property
    def first_month(self) -> int:
        """The first month in which anything moved; 0 when nothing did."""
        return min(self._months, default=0)

    def statement(
        self, month: int, version: int, terms: DealTerms, earlier: list[Statement]
    ) -> Statement:
        """What a month comes to after these statements of all months before it; not yet closed."""
        end = first_day(month + 1)
        volume = terms.period.rule == VOLUME
        sums = [own for known, own in self._months.items() if known <= month]
        outstanding = sum(own.principal_minor for own in sums)
        days = outstanding * end - sum(own.principal_days_minor for own in sums)
        bases = {
            "balance_days_minor": (days, not volume),
            "interest_minor": (sum(own.interest_minor for own in sums), volume),
            "loss_minor": (sum(own.loss_minor for own in sums), False),
            "disbursed_minor": (sum(own.disbursed_minor for own in sums), volume),
        }
        # A base below 0 counts as 0 under its rule, and the rest of it in the month after.
        figures = {
            name: total - sum(_told(getattr(one, name), floored) for one in earlier)
            for name, (total, floored) in bases.items()
        }
        overdue = sum(
            amount
            for day, since, amount in self._overdue
            if day < end and since + PAST_DUE_DAYS < end
        )
        carried = earlier[-1].carry_minor if earlier else 0
        bank_return, carry, platform = _divided(
            terms, figures, carried=carried, overdue=overdue, outstanding=outstanding
        )
        return Statement(
            month=month,
            version=version,
            party=0,
            date=0,
            day=0,
            place=Place(0, 0, 0),
            opening_minor=earlier[-1].outstanding_minor if earlier else 0,
            outstanding_minor=outstanding,
            overdue_minor=overdue,
            bank_return_minor=bank_return,
            carried_minor=carried,
            carry_minor=carry,
            platform_minor=platform,
            parts_minor=tuple(apportion(platform, terms.shares_ppm)),
            **figures,
        )

    def late(self, month: int, after_block: int, up_to_block: int) -> list[Move]:
        """Moves of earlier months that came after their own statement was closed."""
        start = first_day(month)
        return [
            move
            for move in self.moves
            if move.posted.date < start and after_block < move.posted.block <= up_to_block
        ]

    def _add(self, move: Move) -> None:
        self.moves.append(move)
        day = move.posted.date
        own = self._months[month_of(date_of(day))]
        own.principal_minor += move.principal_minor
        own.principal_days_minor += move.principal_minor * day
        own.interest_minor += move.interest_minor
        own.loss_minor += move.loss_minor
        own.disbursed_minor += move.disbursed_minor


def month_of(day: date) -> int:
    """Year * 12 + month - 1, as the contracts count months."""
    return day.year * 12 + day.month - 1


def first_day(month: int) -> int:
    """The first day of a month, in days since 1970-01-01."""
    year, place = divmod(month, 12)
    return day_number(date(year, place + 1, 1))


def months_through(
    book: Book, deal: reading.Deal, reckoning: Reckoning, month: int
) -> list[Statement]:
    """The closed statements of a deal, then what its open months up to `month` come to so far."""
    closed = reading.statements(book, deal.deal)
    known = [found for found in closed if found.month <= month]
    following = closed[-1].month + 1 if closed else reckoning.first_month
    if following:
        for open_month in range(following, month + 1):
            version = ruling(book, deal, open_month)
            known.append(reckoning.statement(open_month, version.version, version.terms, known))
    return known


def ruling(book: Book, deal: reading.Deal, month: int) -> Version:
    """The version of the terms that rules the last day of a month; before any the first one."""
    found = reading.version_ruling(book, deal.deal, first_day(month + 1) - 1)
    return found or reading.versions(book, deal.deal)[0]


# ---- entries to moves


def _moves(posted: Iterable[Posted], overdue: list[tuple[int, int, int]]) -> Iterator[Move]:
    loans: defaultdict[bytes, _Loan] = defaultdict(_Loan)
    mirrored: dict[tuple[bytes, bytes, bool], Move] = {}
    for entry in posted:
        loan = loans[entry.loan_id]
        before, owed = loan.since_date, loan.outstanding_minor
        if entry.kind is Kind.OVERDUE:
            loan.since_date = entry.date
        elif entry.kind is Kind.CURE:
            loan.since_date = 0
        move = _move(entry, loan, mirrored)
        loan.outstanding_minor += move.principal_minor
        # A mark has no date of its own: it counts from the first open month on.
        day = 0 if entry.kind in (Kind.OVERDUE, Kind.CURE) else entry.date
        if loan.since_date == before:
            if before and move.principal_minor:
                overdue.append((day, before, move.principal_minor))
        else:
            if loan.since_date:
                overdue.append((day, loan.since_date, owed))
            if before:
                overdue.append((day, before, -owed))
        if (move.principal_minor, move.interest_minor, move.loss_minor) != (0, 0, 0):
            yield move


def _move(entry: Posted, loan: _Loan, mirrored: dict[tuple[bytes, bytes, bool], Move]) -> Move:
    if entry.kind is Kind.REVERSAL:
        assert entry.reversed_id is not None, entry
        booked = entry.reversed_id == entry.loan_id
        taken_back = mirrored.pop((entry.loan_id, entry.reversed_id, booked), None)
        if taken_back is None:
            return Move(posted=entry)
        if taken_back.posted.kind is Kind.WRITE_OFF:
            loan.written_off = False
        return Move(
            posted=entry,
            principal_minor=-taken_back.principal_minor,
            interest_minor=-taken_back.interest_minor,
            loss_minor=-taken_back.loss_minor,
            disbursed_minor=-taken_back.disbursed_minor,
        )
    principal = sum(leg.principal_minor for leg in entry.legs)
    interest = sum(leg.interest_minor for leg in entry.legs)
    made = Move(posted=entry)
    if entry.kind is Kind.BOOKING:
        made = Move(posted=entry, principal_minor=principal, disbursed_minor=principal)
    elif entry.kind in (Kind.REPAYMENT, Kind.COMPENSATION):
        made = Move(posted=entry, principal_minor=-principal, interest_minor=interest)
    elif entry.kind is Kind.WRITE_OFF:
        made = Move(posted=entry, principal_minor=-principal, loss_minor=principal)
        loan.written_off = True
    elif entry.kind in (Kind.RECOVERY, Kind.CLAIM_REPAYMENT):
        restored = {"loss_minor" if loan.written_off else "principal_minor": -principal}
        made = Move(posted=entry, **restored)
    if entry.reversed:
        mirrored[entry.loan_id, entry.entry_id, entry.kind is Kind.BOOKING] = made
    return made


# ---- figures to parts


def _told(amount_minor: int, floored: bool) -> int:
    return max(0, amount_minor) if floored else amount_minor


def _divided(
    terms: DealTerms, figures: dict[str, int], *, carried: int, overdue: int, outstanding: int
) -> tuple[int, int, int]:
    """Bank return, deficit carried on, and the platform's part."""
    period = terms.period
    if period.rule == EXCESS:
        found = losses.excess(
            balance_days_minor=max(0, figures["balance_days_minor"]),
            year_days=year_days(list(DayCount)[terms.day_count]),
            bank_return_ppm=period.bank_return_ppm,
            interest_minor=figures["interest_minor"],
            net_loss_minor=figures["loss_minor"],
            carried_minor=carried,
            share_ppm=period.share_ppm,
        )
        bank_return, carry, part = found.bank_return_minor, found.carry_minor, found.platform_minor
    else:
        bank_return, carry = 0, carried
        part = volume_part(period, figures["disbursed_minor"], figures["interest_minor"])
    at_risk = losses.risk(
        part, risk_bands(period), overdue_minor=overdue, outstanding_minor=outstanding
    )
    return bank_return, carry, at_risk


def volume_part(period: PeriodTerms, disbursed_minor: int, interest_minor: int) -> int:
    """The platform's part under the rule `volume`, before any risk multiplier; minor units."""
    return losses.volume(
        disbursed_minor=max(0, disbursed_minor),
        interest_minor=max(0, interest_minor),
        tiers=[
            VolumeTier(up_to_minor=_bound(tier.up_to), share_ppm=tier.ppm) for tier in period.tiers
        ],
        reading=VolumeReading.WHOLE if period.whole else VolumeReading.MARGINAL,
    )


def risk_bands(period: PeriodTerms) -> list[RiskBand]:
    """The bands of a period's risk multiplier."""
    return [RiskBand(up_to_ppm=_bound(band.up_to), multiplier_ppm=band.ppm) for band in period.risk]


def _bound(up_to: int) -> int | None:
    return None if up_to == LAST_BOUND else up_to
