"""Plan: what a simulation is made from. The same plan gives the same files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from ledger.money import PPM, apportion, day_number
from ledger.schedules import month_after
from ledger.simulation.borrowers import Habits
from ledger.simulation.exchanges import Calendar
from ledger.simulation.profiles import PROFILES, Profile

EARLIEST, LATEST = date(2000, 1, 1), date(2147, 1, 1)
"""Between these every day of a loan is one that the chain can hold."""
SALARY_DAY, SALARY_PPM = 15, 68_000
"""So many on one day of about 30 make three times a mean day of it: 0.068 x 30.4 + 0.932."""
DEFAULT_TIMES = 3
DEPOSIT_BUDGET_PPM = 70_000
"""Of all that it plans to have lent, what a depositor can put up in the end."""


class Stress(StrEnum):
    """What goes wrong."""

    DEFAULTS = "defaults-x3"
    """Three times as many loans stop being paid, of those booked from the day on."""
    DELISTED = "platform-delisted"
    """The bank takes a platform off its list."""
    GUARANTOR = "guarantor-fails"
    """The guarantor pays nothing any more."""
    VALIDATOR = "validator-lost"
    """The auditor's validator key is gone."""
    SALARY_DAY = "salary-day"
    """Borrowers pay on one day of the month, three times as many as on a mean day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that decides what is simulated."""

    profiles: tuple[Profile, ...] = PROFILES
    first: date = date(2026, 1, 1)
    """The first of a month."""
    months: int = 12
    every_days: int = 1
    """After how many days files are exchanged, at most a month's."""
    loans: int = 1_000
    """Of all platforms, over all months."""
    vouchers: int = 0
    """Of core enterprises, over all months; 0: no deal on vouchers."""
    seed: str = "1"
    stresses: tuple[Stress, ...] = ()
    stress_from: date | None = None
    """None: after a third of the months."""
    platform: str = ""
    """Which is taken off the list; "": the first."""
    breaks_ppm: int = 2_000
    """Lines of the other sides' files that are planted wrong, of all."""

    @property
    def stress_day(self) -> date:
        """From when on something goes wrong."""
        return self.stress_from or month_after(self.first, self.months // 3)

    @property
    def delisted(self) -> str:
        """The platform that a list may lose."""
        return self.platform or self.profiles[0].id

    @property
    def calendar(self) -> Calendar:
        """The months, cut into windows."""
        return Calendar(self.first, self.months, self.every_days)

    @property
    def habits(self) -> Habits:
        """How borrowers pay."""
        defaults, salary = Stress.DEFAULTS in self.stresses, Stress.SALARY_DAY in self.stresses
        return Habits(
            default_times=DEFAULT_TIMES if defaults else 1,
            since_day=day_number(self.stress_day),
            salary_day=SALARY_DAY if salary else 0,
            salary_ppm=SALARY_PPM if salary else 0,
        )

    def loans_by_profile(self) -> list[int]:
        """The loans of each platform, by how many it has in truth."""
        return apportion(self.loans, [one.loans_a_month for one in self.profiles])

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "profiles": [one.id for one in self.profiles],
            "from": self.first.isoformat(),
            "months": self.months,
            "every_days": self.every_days,
            "loans": self.loans,
            "vouchers": self.vouchers,
            "seed": self.seed,
            "stress": [one.value for one in self.stresses],
            "stress_from": self.stress_day.isoformat() if self.stresses else None,
            "platform": self.delisted if Stress.DELISTED in self.stresses else None,
            "breaks_ppm": self.breaks_ppm,
        }


def month_start(month: int) -> date:
    """The first day of a month, counted as year * 12 + month - 1."""
    year, place = divmod(month, 12)
    return date(year, place + 1, 1)


def loans_at_scale(profiles: Sequence[Profile], months: int, scale_ppm: int) -> int:
    """The loans of platforms over months, at a part of their real size."""
    return max(1, sum(one.loans_a_month for one in profiles) * months * scale_ppm // PPM)
