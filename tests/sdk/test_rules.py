"""Rule packs: which limits hold on which day, and how they meet a deal's own."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger import terms
from ledger.rules import PACKS, Limit
from ledger.tables import Limits

LEAST: dict[str, Any] = {
    "id": "d",
    "mode": "joint",
    "currency": "CNY",
    "day_count": "ACT/365",
    "servicer": "a",
    "disbursed_by": "a",
    "collected_by": "a",
    "funding": [{"party": "a", "share": "100%"}],
}


def test_limits_are_the_stricter_of_deal_and_rule_packs() -> None:
    own = {"max_annual_rate": "20%", "min_partner_share": "40%", "max_bullet_days": 400}
    deal = terms.read({**LEAST, "rules": ["cn-2025"], "limits": own})
    assert deal.limits_at(date(2025, 10, 1)) == Limits(
        max_annual_rate_ppm=200_000,
        min_partner_share_ppm=400_000,
        max_bullet_days=365,
        max_per_consumer_minor=20_000_000,
    )


@pytest.mark.parametrize(
    ("day", "rate", "share"),
    [
        ("2017-11-30", None, None),
        ("2017-12-01", 360_000, None),
        ("2021-12-31", 360_000, None),
        ("2022-01-01", 360_000, 300_000),
        ("2025-09-30", 360_000, 300_000),
        ("2025-10-01", 240_000, 300_000),
    ],
)
def test_rules_hold_from_and_to_their_days(day: str, rate: int | None, share: int | None) -> None:
    limits = terms.read({**LEAST, "rules": ["cn-2025"]}).limits_at(date.fromisoformat(day))
    assert (limits.max_annual_rate_ppm, limits.min_partner_share_ppm) == (rate, share)


def test_without_rule_packs_only_the_deals_own_limits_hold() -> None:
    deal = terms.read({**LEAST, "limits": {"max_annual_rate": "24%"}})
    assert deal.limits_at(date(2030, 1, 1)) == deal.limits


def test_every_limit_of_a_rule_is_a_field_of_the_limits() -> None:
    assert {limit.value for limit in Limit} <= set(Limits.model_fields)
    assert all(key == pack.id for key, pack in PACKS.items())
    assert all(rule.basis for pack in PACKS.values() for rule in pack.rules)
