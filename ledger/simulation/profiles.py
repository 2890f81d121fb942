"""Profiles: six listed platforms of 2024Q3, as tenants of a simulated ledger.

Volume and overdue are published figures of that quarter; size and term are published of the first
one alone. What is `ours` says so: it is there so that the tenants differ. Which way of working
together stands behind which platform is ours as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ledger.money import PPM

TURNOVER_TENTH_DAYS = 1425
"""142.5 days from a loan paid out until it is paid back, by published volume and balance."""
PAST_DUE_BAND_DAYS = 90
"""The published 90-day rate counts what is 91 to 180 days past due."""
LEFT_AT_DEFAULT_PPM = 700_000
"""Of a loan's principal, still outstanding when it stops being paid: what `borrowers` comes to."""


class Way(StrEnum):
    """How bank and platform work together in a simulated deal."""

    JOINT = "joint"
    DEPOSIT = "deposit"
    LAYERS = "layers"
    """A deposit that takes the first loss, and what goes beyond it by shares."""
    PROFIT_SHARE = "profit-share"
    GUARANTEED = "guaranteed"
    REFERRAL = "referral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A platform's loans, as they come to one bank."""

    id: str
    """Of the member and of its deal."""
    name: str
    way: Way
    volume_minor: int
    """Principal lent in the quarter."""
    loan_minor: int
    """Mean principal of a loan."""
    terms_months: tuple[tuple[int, int], ...]
    """Term and its weight."""
    rates_ppm: tuple[int, ...]
    """A year, all equally often."""
    overdue_ppm: int
    """Outstanding 90 days past due, of outstanding, at the end of the quarter,"""
    overdue_before_ppm: int
    """and of the quarter before: earlier vintages are worse or better than later ones."""

    @property
    def loans_a_month(self) -> int:
        """In the quarter, at full size."""
        return self.volume_minor // self.loan_minor // 3

    def default_ppm(self, month: int) -> int:
        """Of the loans of a month on the calendar, from 0, how many stop being paid for good.

        From a stock to a flow: what reaches the 90 days in a band of 90 days, of what was lent in
        142.5 days; by number, so divided by what is left of a loan by then. The first three months
        go from the rate of the quarter before to that of the quarter.
        """
        later = min(month, 3)
        rate = (self.overdue_before_ppm * (3 - later) + self.overdue_ppm * later) // 3
        flow = rate * TURNOVER_TENTH_DAYS // (10 * PAST_DUE_BAND_DAYS)
        return flow * PPM // LEFT_AT_DEFAULT_PPM


_USUAL = (144_000, 180_000, 216_000, 239_400)
_DEAR = (205_200, 216_000, 230_400, 239_400)
"""Where the platform bears the losses and is paid for it."""
_CHEAP = (100_800, 120_000)
"""Where the borrower pays for the guarantee besides."""


def _yi(hundredths: int) -> int:
    """Fen of so many hundredths of 亿 yuan."""
    return hundredths * 10**8


PROFILES = (
    Profile(
        id="qifu", name="奇富科技", way=Way.PROFIT_SHARE,
        volume_minor=_yi(82_436), loan_minor=780_000,
        terms_months=((3, 8), (6, 22), (9, 10), (12, 53), (18, 7)), rates_ppm=_USUAL,
        overdue_ppm=27_200, overdue_before_ppm=34_000,
    ),
    Profile(
        id="xinye", name="信也科技", way=Way.GUARANTEED,
        volume_minor=_yi(52_200), loan_minor=900_000,
        terms_months=((6, 40), (9, 30), (12, 30)), rates_ppm=_CHEAP,
        overdue_ppm=25_000, overdue_before_ppm=26_500,
    ),
    # Its rate was not published: the mean of the others, by volume.
    Profile(
        id="yiren", name="宜人智科", way=Way.REFERRAL,
        volume_minor=_yi(13_400), loan_minor=860_000,
        terms_months=((6, 20), (12, 80)), rates_ppm=_USUAL,
        overdue_ppm=27_800, overdue_before_ppm=27_800,
    ),
    Profile(
        id="xiaoying", name="小赢科技", way=Way.DEPOSIT,
        volume_minor=_yi(28_338), loan_minor=1_000_000,
        terms_months=((6, 30), (10, 30), (12, 40)), rates_ppm=_DEAR,
        overdue_ppm=32_200, overdue_before_ppm=43_800,
    ),
    Profile(
        id="jiayin", name="嘉银科技", way=Way.JOINT,
        volume_minor=_yi(26_700), loan_minor=920_000,
        terms_months=((6, 35), (9, 25), (12, 40)), rates_ppm=_USUAL,
        overdue_ppm=13_200, overdue_before_ppm=16_100,
    ),
    Profile(
        id="lexin", name="乐信", way=Way.LAYERS,
        volume_minor=_yi(51_000), loan_minor=980_000,
        terms_months=((6, 20), (12, 50), (18, 15), (24, 15)), rates_ppm=_DEAR,
        overdue_ppm=37_000, overdue_before_ppm=37_000,
    ),
)  # fmt: skip
"""In the order in which they were published."""
