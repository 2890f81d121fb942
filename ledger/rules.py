"""Rule packs: limits that a law sets, as dated data.

A pack is named in a deal's `rules`. Each of its rules limits one thing at the level of a loan from
one day to another; the stricter of pack and deal applies. A rule that no single loan can show
(concentration, capital, licences) is not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Limit(StrEnum):
    """What a rule limits; the names of the fields of `terms.Limits`."""

    MIN_PARTNER_SHARE = "min_partner_share_ppm"
    MAX_ANNUAL_RATE = "max_annual_rate_ppm"
    MAX_PER_CONSUMER = "max_per_consumer_minor"
    MAX_BULLET_DAYS = "max_bullet_days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One limit with the days it holds and where it comes from."""

    id: str
    limit: Limit
    value: int
    """In the unit of the limit's name; amounts in minor units of the pack's currency."""
    effective_from: date
    effective_to: date | None
    """Last day, inclusive; None while in force."""
    basis: str
    """The legal basis, in the words of its country."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """The rules of one country as of one year."""

    id: str
    currency: str
    rules: tuple[Rule, ...]

    def on(self, day: date) -> tuple[Rule, ...]:
        """The rules in force on a day."""
        return tuple(
            rule
            for rule in self.rules
            if rule.effective_from <= day
            and (rule.effective_to is None or day <= rule.effective_to)
        )


_INTERNET_LOANS = "商业银行互联网贷款管理暂行办法 (2020)"

CN_2025 = Pack(
    id="cn-2025",
    currency="CNY",
    rules=(
        Rule(
            id="CN-01",
            limit=Limit.MIN_PARTNER_SHARE,
            value=300_000,
            effective_from=date(2022, 1, 1),
            effective_to=None,
            basis="银保监办发〔2021〕24号",
        ),
        Rule(
            id="CN-06",
            limit=Limit.MAX_PER_CONSUMER,
            value=20_000_000,
            effective_from=date(2020, 7, 17),
            effective_to=None,
            basis=_INTERNET_LOANS,
        ),
        Rule(
            id="CN-07",
            limit=Limit.MAX_BULLET_DAYS,
            value=365,
            effective_from=date(2020, 7, 17),
            effective_to=None,
            basis=_INTERNET_LOANS,
        ),
        Rule(
            id="CN-15",
            limit=Limit.MAX_ANNUAL_RATE,
            value=240_000,
            effective_from=date(2025, 10, 1),
            effective_to=None,
            basis="金规〔2025〕9号",
        ),
        # Replays of older books need the ceiling that held before.
        Rule(
            id="CN-27",
            limit=Limit.MAX_ANNUAL_RATE,
            value=360_000,
            effective_from=date(2017, 12, 1),
            effective_to=date(2025, 9, 30),
            basis="关于规范整顿“现金贷”业务的通知 (2017)",
        ),
    ),
)

IN_2025 = Pack(
    id="in-2025",
    currency="INR",
    rules=(
        Rule(
            id="IN-01",
            limit=Limit.MIN_PARTNER_SHARE,
            value=100_000,
            effective_from=date(2026, 1, 1),
            effective_to=None,
            basis="RBI (Co-Lending Arrangements) Directions, 2025",
        ),
    ),
)

PACKS: dict[str, Pack] = {pack.id: pack for pack in (CN_2025, IN_2025)}
"""Rule packs by the id that a deal's `rules` names."""
