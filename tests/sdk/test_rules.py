"""Rule packs: which limits hold on which day, what they demand of terms, and how a rule is named."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ledger import consortium, messages, terms
from ledger.errors import TermsInvalid
from ledger.rules import Demand, Rule, TermsRule, VoucherRule, packs, rules_of
from ledger.tables import Limits
from ledger.terms import Terms

ROOT = Path(__file__).resolve().parents[2]
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
ALL = [rule for pack in packs().values() for rule in pack.rules]


def two(lead: str, partner: str) -> dict[str, Any]:
    return {"funding": [{"party": "a", "share": lead}, {"party": "b", "share": partner}]}


def china(**changes: Any) -> Terms:
    return terms.read({**LEAST, **two("70%", "30%"), "rules": ["cn-2025"], **changes})


def problems(change: dict[str, Any], **given: Any) -> list[tuple[str, str]]:
    with pytest.raises(TermsInvalid) as refused:
        terms.read({**LEAST, **change}, **given)
    return [(problem.column, problem.what) for problem in refused.value.problems]


def test_limits_are_the_stricter_of_deal_and_rule_packs() -> None:
    own = {"max_annual_rate": "20%", "max_bullet_days": 400, "max_joint_share": "50%"}
    assert china(limits=own).limits_at(date(2025, 10, 1)) == Limits(
        max_annual_rate_ppm=200_000,
        min_partner_share_ppm=300_000,
        max_bullet_days=365,
        max_per_consumer_minor=20_000_000,
        max_all_in_cost_ppm=240_000,
        max_concentration_ppm=250_000,
        max_joint_share_ppm=500_000,
        max_guarantee_multiple_ppm=10_000_000,
        max_guaranteed_borrower_ppm=100_000,
    )


@pytest.mark.parametrize(
    ("day", "rate", "share", "joint"),
    [
        ("2017-11-30", None, None, None),
        ("2017-12-01", 360_000, None, None),
        ("2021-12-31", 360_000, None, None),
        ("2022-01-01", 360_000, 300_000, None),
        ("2023-06-30", 360_000, 300_000, None),
        ("2023-07-01", 360_000, 300_000, 500_000),
        ("2025-09-30", 360_000, 300_000, 500_000),
        ("2025-10-01", 240_000, 300_000, 500_000),
    ],
)
def test_rules_hold_from_and_to_their_days(
    day: str, rate: int | None, share: int | None, joint: int | None
) -> None:
    limits = china().limits_at(date.fromisoformat(day))
    assert (limits.max_annual_rate_ppm, limits.max_all_in_cost_ppm) == (rate, rate)
    assert (limits.min_partner_share_ppm, limits.max_joint_share_ppm) == (share, joint)


def test_rules_of_joint_loans_leave_a_deal_of_one_funder_alone() -> None:
    limits = terms.read({**LEAST, "rules": ["cn-2025"]}).limits_at(date(2026, 1, 1))
    assert (limits.max_joint_share_ppm, limits.max_concentration_ppm) == (None, None)
    assert limits.max_annual_rate_ppm == 240_000


def test_without_rule_packs_only_the_deals_own_limits_hold() -> None:
    deal = terms.read({**LEAST, "limits": {"max_annual_rate": "24%"}})
    assert deal.limits_at(date(2030, 1, 1)) == deal.limits


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_rule_says_where_it_comes_from_in_both_languages(rule: Rule) -> None:
    assert set(rule.says) == set(messages.LANGUAGES) and all(rule.says.values())
    assert rule.basis and rule.source == f"{rule.id} ({rule.basis})"
    assert rule.effective_to is None or rule.effective_from <= rule.effective_to
    # None is the stricter of checks, so no rule can set one.
    assert rule.limits.interest_check is None
    messages.set_language("zh")
    try:
        assert rule.summary == rule.says["zh"]
    finally:
        messages.set_language(None)


def test_only_a_rule_for_information_demands_nothing() -> None:
    nothing = TermsRule(), VoucherRule()
    idle = [r.id for r in ALL if not r.limited and not r.demands and (r.terms, r.vouchers) == nothing]
    assert idle == ["CN-12", "SC-02", "SC-03", "SC-04", "SC-05"]


def test_rules_of_vouchers_leave_a_deal_without_them_alone() -> None:
    of_vouchers = {rule.id for rule in ALL if rule.vouchers_only}
    assert of_vouchers == {"SC-01", "SC-02", "SC-03", "SC-04", "SC-05", "SC-07"}
    without = rules_of(["cn-2025"], funders=1)
    assert not of_vouchers & {rule.id for rule in without}
    assert of_vouchers < {rule.id for rule in rules_of(["cn-2025"], funders=1, vouchers=True)}
    assert of_vouchers < {rule.id for rule in china(receivable={}).pack_rules}
    assert not of_vouchers & {rule.id for rule in china().pack_rules}


def test_rules_of_vouchers_are_dated() -> None:
    first = next(rule for rule in ALL if rule.id == "SC-01")
    assert not first.holds_on(date(2025, 6, 14)) and first.holds_on(date(2025, 6, 15))
    assert (first.vouchers.max_days, first.vouchers.reason_over_days) == (365, 183)
    delivery = next(rule for rule in ALL if rule.id == "SC-07")
    assert not delivery.holds_on(date(2025, 5, 31)) and delivery.holds_on(date(2025, 6, 1))
    assert delivery.vouchers.due_within_days == 60


def test_vouchers_longer_than_a_rule_allows_are_refused_and_the_rule_is_named() -> None:
    assert china(receivable={"max_days": 365}).receivable is not None
    ((column, what),) = problems({"rules": ["cn-2025"], "receivable": {"max_days": 366}})
    assert column == "receivable.max_days" and "SC-01 (银发〔2025〕77号)" in what


def test_rules_of_a_pack_are_in_the_reference_with_their_days_and_basis() -> None:
    page = (ROOT / "docs" / "reference" / "rule-packs.md").read_text("utf-8")
    for rule in ALL:
        days = f"{rule.effective_from} to {rule.effective_to}" if rule.effective_to else ""
        row = f"| {rule.id} | {days or rule.effective_from} | {rule.says['en']} | {rule.basis} |"
        assert row in page, row


def test_lead_under_the_floor_of_a_rule_is_named_and_the_floor_itself_is_enough() -> None:
    india = {"currency": "INR", "rules": ["in-rbi-2025"]}
    ((place, what),) = problems({**india, **two("9%", "91%")})
    assert place == "funding[1].share" and "IN-01" in what
    assert terms.read({**LEAST, **india, **two("10%", "90%")})


def test_floor_of_the_partners_is_left_to_the_contract_that_holds_them_to_it() -> None:
    assert terms.read({**LEAST, "rules": ["cn-2025"], **two("71%", "29%")})


def guarantee(*layers: dict[str, Any], days: int = 120) -> dict[str, Any]:
    return {
        "currency": "INR",
        "rules": ["in-rbi-2025"],
        "loss": [{"payer": "g", **layer} for layer in layers],
        "claim": {"days_past_due": days},
    }


GUARANTEES = [
    (guarantee({}), "loss[1].cap", "IN-04"),
    (guarantee({"cap": {"amount": "100.00"}}), "loss[1].cap", "IN-04"),
    (guarantee({"cap": {"disbursed": "5.0001%"}}), "loss", "IN-04"),
    (guarantee({"cap": {"disbursed": "3%"}}, {"cap": {"outstanding": "2.5%"}}), "loss", "IN-04"),
    (guarantee({"cap": {"disbursed": "5%"}}, days=121), "claim.days_past_due", "IN-07"),
    (guarantee({"cap": {"disbursed": "5%"}, "reinstates": True}), "loss[1].reinstates", "IN-08"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "column", "rule"), GUARANTEES)
def test_default_loss_guarantee_beyond_a_rule_is_named(
    change: dict[str, Any], column: str, rule: str
) -> None:
    ((place, what),) = problems(change)
    assert place == column and rule in what


def test_default_loss_guarantee_within_the_rules_is_read() -> None:
    within = guarantee({"cap": {"disbursed": "3%"}}, {"cap": {"outstanding": "2%"}})
    assert len(terms.read({**LEAST, **within}).loss) == 2


def members(**licences: list[str]) -> consortium.Consortium:
    listed = [
        {"id": name, "name": name, "roles": ["bank"], "licences": held, "validator": name == "a"}
        for name, held in licences.items()
    ]
    return consortium.read({"name": "c", "chain_id": 1, "member": listed})


LICENCES: list[tuple[dict[str, Any], str, str, set[str]]] = [
    (two("70%", "30%"), "funding[2]", "CN-11", {"lending"}),
    ({"deposit": {"by": "b", "custodian": "a", "target": "5%", "warn": "5%", "stop": "5%"}},
     "deposit.by", "CN-09", {"guarantee", "insurance"}),
    ({"loss": [{"payer": "b"}], "claim": {"days_past_due": 90}},
     "loss[1].payer", "CN-09", {"guarantee", "insurance"}),
    ({"fee": {"to": "b"}}, "fee.to", "CN-08", {"lending", "guarantee", "insurance"}),
    ({"fee": {"to": "a", "split": [{"to": "b", "share": "15%"}]}},
     "fee.split[1].to", "CN-08", {"lending", "guarantee", "insurance"}),
]  # fmt: skip


@pytest.mark.parametrize(("change", "column", "rule", "accepted"), LICENCES)
@pytest.mark.parametrize("held", ["", "lending", "guarantee", "insurance", "credit-reporting"])
def test_member_without_a_licence_that_a_rule_demands_is_named(
    held: str, change: dict[str, Any], column: str, rule: str, accepted: set[str]
) -> None:
    there = members(a=["lending"], b=[held] if held else [])
    data = {**change, "rules": ["cn-2025"]}
    if held in accepted:
        assert terms.read({**LEAST, **data}, consortium=there)
        return
    ((place, what),) = problems(data, consortium=there)
    assert place == column and rule in what and what.startswith("b ")
    assert terms.read({**LEAST, **change}, consortium=there), "without the pack nothing is demanded"


def test_payee_of_a_fee_that_funders_pay_for_each_loan_needs_no_licence() -> None:
    there = members(a=["lending"], b=[])
    data = {**LEAST, "rules": ["cn-2025"], "mode": "referral"}
    assert terms.read({**data, "fee": {"to": "b", "per_loan": "30.00"}}, consortium=there)


def test_every_licence_is_demanded_by_a_rule() -> None:
    assert {demand for rule in ALL for demand in rule.demands} == set(Demand)
