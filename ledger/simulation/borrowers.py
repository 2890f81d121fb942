"""Borrowers: the loans of a portfolio and how each is paid, from the seed and the loan's number.

A loan's life does not depend on what the parties do. So a stress changes nothing but what it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random

from ledger.entries import Booking, Method, Purpose
from ledger.money import PPM, date_of, day_number, days_between, half_up, year_days
from ledger.schedules import Instalment, month_after, schedule
from ledger.simulation.events import Event, Step
from ledger.simulation.partnership import FEE_PPM, TRIGGER_DAYS
from ledger.simulation.profiles import Profile
from ledger.terms import Terms

WRITE_OFF_DAYS = 180
"""Past due: when the bank writes off what nobody pays for."""
PENALTY_TIMES = (3, 2)
"""The penalty rate, in times of the loan's rate."""
_SIZES = (200, 300, 400, 500, 650, 800, 1_000, 1_300, 1_750, 3_100)
"""Thousandths of the mean, each for a tenth of the loans."""
_STEP_MINOR = 10_000
"""Borrowers ask for hundreds of yuan."""
_METHODS = (Method.EQUAL_INSTALLMENT,) * 16 + (
    Method.EQUAL_PRINCIPAL, Method.EQUAL_PRINCIPAL, Method.INTEREST_ONLY, Method.BULLET,
)  # fmt: skip
_STOPS = (0, 40, 90, 150, 220, 300, 380, 470, 570, 700)
"""Thousandths of its term after which a loan that is not paid for good stops being paid."""
_SETTLES_EARLY, _LATE, _IN_PARTS, _WRONG, _BELATED = 30_000, 70_000, 75_000, 78_000, 81_000
"""Of a million instalments: up to which number one settles the loan early, is paid late, in two
parts, is posted wrong at first, or is posted when its month is sealed."""
_WAIVED, _RECOVERED = 100_000, 450_000
"""Of a million that are late; that stopped being paid."""
_REPEATS = 5
"""One loan in so many is by a borrower who had the loan before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loan:
    """A loan that a platform brings."""

    number: int
    """In its deal, from 1."""
    booking: Booking
    stops_at: int
    """The instalment from which on it is not paid; 0: it is paid to the end."""
    chance: Random
    """Of its instalments, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What a stress makes of how borrowers pay."""

    default_times: int = 1
    """Of loans booked from `since_day` on."""
    since_day: int = 0
    salary_day: int = 0
    """Day of the month on which some pay; 0: none do."""
    salary_ppm: int = 0
    """Of the borrowers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovering:
    """What a loan that stopped being paid brings in."""

    parts: int
    first_days: int
    """After it was compensated or written off."""
    between_days: int
    share_ppm: int
    """Of what is owed, each time."""
    by_borrower: bool
    """Whether the borrower pays it; else it is collected, at a cost."""


class Borrowers:
    """The loans of one deal."""

    def __init__(self, profile: Profile, terms: Terms, seed: str, habits: Habits) -> None:
        self._profile = profile
        self._terms = terms
        self._seed = seed
        self._habits = habits
        self._months = [months for months, weight in profile.terms_months for _ in range(weight)]
        self._fee_ppm = FEE_PPM.get(profile.way, 0)

    def loan(self, number: int, start: date, month: int) -> Loan:
        """The loan of a number, which starts on a day of a month of the calendar."""
        profile, chance = self._profile, Random(f"{self._seed}/{self._profile.id}/{number}")
        size = profile.loan_minor * chance.choice(_SIZES) * chance.randrange(850, 1_151)
        principal = max(1, size // 1_000_000 // _STEP_MINOR) * _STEP_MINOR
        months = chance.choice(self._months)
        method = chance.choice(_METHODS)
        if months > 12 and method is Method.BULLET:
            method = Method.EQUAL_INSTALLMENT
        maturity = month_after(start, months)
        if (maturity - start).days > 366 and method in (Method.BULLET, Method.INTEREST_ONLY):
            method = Method.EQUAL_INSTALLMENT
        rate = chance.choice(profile.rates_ppm)
        purpose = chance.choice((Purpose.CONSUMER, Purpose.CONSUMER, Purpose.BUSINESS))
        repeats = chance.randrange(_REPEATS) == 0
        draw, stop = chance.randrange(PPM), chance.choice(_STOPS)
        if day_number(start) >= self._habits.since_day:
            draw //= self._habits.default_times
        periods = 1 if method is Method.BULLET else months
        stops = draw < profile.default_ppm(month)
        booking = Booking(
            loan_ref=self.loan_ref(number),
            borrower_ref=f"JK-{profile.id}-{max(1, number - repeats):08d}",
            start_date=start,
            maturity_date=maturity,
            principal_minor=principal,
            annual_rate_ppm=rate,
            method=method,
            purpose=purpose,
        )
        return Loan(
            number=number,
            booking=booking,
            stops_at=1 + periods * stop // 1_000 if stops else 0,
            chance=chance,
        )

    def loan_ref(self, number: int) -> str:
        """The platform's own identifier of a loan."""
        return f"JD-{self._profile.id}-{number:08d}"

    def entry_ref(self, kind: str, number: int, part: int) -> str:
        """The platform's own identifier of an entry on a loan."""
        return f"{kind}-{self._profile.id}-{number:08d}-{part:03d}"

    def life(self, loan: Loan) -> Iterator[Event]:
        """What happens to a booked loan until it is settled or nothing more is paid, by days."""
        booking = loan.booking
        instalments = schedule(
            method=booking.method,
            principal_minor=booking.principal_minor,
            annual_rate_ppm=booking.annual_rate_ppm,
            day_count=self._terms.day_count,
            start_date=booking.start_date,
            maturity_date=booking.maturity_date,
        )
        on_salary_day = loan.chance.randrange(PPM) < self._habits.salary_ppm
        waits = False
        for one in instalments:
            if one.period == loan.stops_at:
                yield from self._stopped(loan, one)
                return
            events, settled = self._paid(loan, one, on_salary_day, waits)
            yield from events
            if settled:
                return
            waits = any(_is_put_right_later(event) for event in events)

    # ---- one instalment

    def _paid(
        self, loan: Loan, one: Instalment, on_salary_day: bool, waits: bool
    ) -> tuple[list[Event], bool]:
        """The events of an instalment that is paid, and whether it settles the loan early.

        After one that `waits` to be put right or posted at all, nothing comes early.
        """
        chance, before = loan.chance, one.outstanding_minor + one.principal_minor
        draw, days, share = chance.randrange(PPM), chance.randrange(3, 26), chance.randrange(2, 9)
        due, since, part = day_number(one.due_date), day_number(one.start_date), one.period * 10
        fee = half_up(loan.booking.principal_minor * self._fee_ppm, PPM)
        principal, interest = one.principal_minor, one.interest_minor
        if draw < _SETTLES_EARLY and not waits:
            day = max(due - days, since + 1)
            interest = self._accrued(loan, before, one.start_date, day)
            return [_repaid(loan, day, part, before, interest, 0, fee, before)], True
        if _SETTLES_EARLY <= draw < _LATE:
            return self._late(loan, one, due + days, fee), False
        if _LATE <= draw < _IN_PARTS and principal > 10 and interest > 10:
            first, own = principal * share // 10, interest * share // 10
            rest = principal - first, interest - own, 0, 0, before - first
            return [
                _repaid(loan, due, part, first, own, 0, fee, before),
                _repaid(loan, due + 1, part + 1, *rest),
            ], False
        wrong = principal * share // 10 if _IN_PARTS <= draw < _WRONG else 0
        belated = _WRONG <= draw < _BELATED and one.outstanding_minor > 0
        day = due
        if on_salary_day and not waits:
            day = max(_salary_day(one.due_date, self._habits.salary_day), since + 1)
        paid = principal, interest, 0, fee, before
        found = _repaid(loan, day, part, *paid, wrong=wrong)
        return [found._replace(step=Step.BELATED) if belated else found], False

    def _late(self, loan: Loan, one: Instalment, day: int, fee: int) -> list[Event]:
        due, number, part = day_number(one.due_date), loan.number, one.period * 10
        times, of = PENALTY_TIMES
        owed = one.instalment_minor * loan.booking.annual_rate_ppm * times * (day - due)
        penalty = half_up(owed, of * PPM * year_days(self._terms.day_count))
        events = [Event(Step.MARK, due + 1, number, (due, day))]
        if penalty and loan.chance.randrange(PPM) < _WAIVED:
            events.append(Event(Step.WAIVER, day, number, (part, 0, penalty)))
            penalty = 0
        before = one.outstanding_minor + one.principal_minor
        paid = one.principal_minor, one.interest_minor, penalty, fee, before
        events.append(_repaid(loan, day, part, *paid))
        if one.outstanding_minor:
            events.append(Event(Step.CURE, day, number, (due + 1,)))
        return events

    def _stopped(self, loan: Loan, one: Instalment) -> Iterator[Event]:
        due, owed = day_number(one.due_date), one.outstanding_minor + one.principal_minor
        yield Event(Step.MARK, due + 1, loan.number, (due, 0))
        yield Event(Step.CLAIM, due + TRIGGER_DAYS, loan.number, (due, owed))
        yield Event(Step.WRITE_OFF, due + WRITE_OFF_DAYS, loan.number, (owed,))

    def _accrued(self, loan: Loan, owed_minor: int, since: date, day: int) -> int:
        count = self._terms.day_count
        days = days_between(since, date_of(day), count)
        rate = loan.booking.annual_rate_ppm
        return half_up(owed_minor * rate * days, PPM * year_days(count))

    # ---- after it stopped being paid

    def recovers(self, number: int) -> Recovering | None:
        """How a loan that is not paid for good brings something in after all; None: never."""
        chance = Random(f"{self._seed}/{self._profile.id}/{number}/recovered")
        if chance.randrange(PPM) >= _RECOVERED:
            return None
        return Recovering(
            parts=chance.randrange(1, 4),
            first_days=chance.randrange(20, 60),
            between_days=chance.randrange(30, 60),
            share_ppm=chance.randrange(50_000, 350_000),
            by_borrower=chance.randrange(3) == 0,
        )


def _is_put_right_later(event: Event) -> bool:
    wrong = event.step == Step.REPAYMENT and bool(event.values[-1])
    return wrong or event.step == Step.BELATED


def _repaid(loan: Loan, day: int, part: int, *amounts_minor: int, wrong: int = 0) -> Event:
    """A repayment: principal, interest, penalty, fee, and what was outstanding before it."""
    assert len(amounts_minor) == 5, amounts_minor
    values = (part, *amounts_minor, loan.booking.annual_rate_ppm, wrong)
    return Event(Step.REPAYMENT, day, loan.number, values)


def _salary_day(due: date, day_of_month: int) -> int:
    """The last such day on or before the due day."""
    found = due.replace(day=day_of_month)
    return day_number(found if found <= due else month_after(found, -1))
