"""Limits: when they change, and which rule is behind a refusal."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger import limits, terms
from ledger.errors import REASONS, explain
from ledger.rules import Demand, packs
from ledger.tables import Limits
from ledger.terms import Terms

TODAY = date(2026, 1, 10)
EARLIER = date(2025, 9, 30)


def deal(**changes: Any) -> Terms:
    return terms.read(
        {
            "id": "d",
            "mode": "joint",
            "rules": ["cn-2025"],
            "currency": "CNY",
            "day_count": "ACT/365",
            "servicer": "b",
            "disbursed_by": "a",
            "collected_by": "a",
            "funding": [{"party": "a", "share": "70%"}, {"party": "b", "share": "30%"}],
            **changes,
        }
    )


def test_limits_change_on_the_days_on_which_rules_begin_or_end() -> None:
    assert limits.boundaries(deal(), date(2021, 5, 1)) == [
        date(2021, 5, 1), date(2022, 1, 1), date(2023, 7, 1), date(2025, 10, 1),
    ]  # fmt: skip
    assert limits.boundaries(deal(), TODAY) == [TODAY]
    assert limits.boundaries(deal(rules=[]), date(1970, 1, 1)) == [date(1970, 1, 1)]


@pytest.mark.parametrize("pack", packs())
def test_no_pack_changes_more_often_than_the_contract_holds(pack: str) -> None:
    named = deal(rules=[pack], currency=packs()[pack].currency)
    assert len(limits.boundaries(named, date(1970, 1, 1))) <= 8


def test_licences_are_demanded_when_a_rule_holds_on_the_first_day_or_later() -> None:
    assert limits.demanded(deal(), date(1970, 1, 1)) == set(Demand)
    assert limits.demanded(deal(rules=[]), TODAY) == set()


BINDING = [
    ("RATE_OVER_LIMIT", TODAY, "CN-15", 240_000),
    ("RATE_OVER_LIMIT", EARLIER, "CN-27", 360_000),
    ("COST_OVER_LIMIT", TODAY, "CN-15", 240_000),
    ("PARTNER_SHARE_UNDER_LIMIT", TODAY, "CN-01", 300_000),
    ("CONCENTRATION_OVER_LIMIT", TODAY, "CN-02", 250_000),
    ("JOINT_SHARE_OVER_LIMIT", TODAY, "CN-03", 500_000),
    ("CONSUMER_OVER_LIMIT", TODAY, "CN-06", 20_000_000),
    ("BULLET_TERM_OVER_LIMIT", TODAY, "CN-07", 365),
    ("GUARANTEE_OVER_LIMIT", TODAY, "G-01", 10_000_000),
    ("GUARANTEED_BORROWER_OVER_LIMIT", TODAY, "G-02", 100_000),
    ("FEE_PAYEE_UNLICENSED", TODAY, "CN-08", None),
    ("GUARANTEE_LICENCE_MISSING", TODAY, "CN-09", None),
    ("LENDING_LICENCE_MISSING", TODAY, "CN-11", None),
    ("PARTY_NOT_LISTED", TODAY, "CN-12", None),
]


@pytest.mark.parametrize(("reason", "day", "rule", "value"), BINDING)
def test_rule_behind_a_refusal_is_named(
    reason: str, day: date, rule: str, value: int | None
) -> None:
    found = limits.binding_rule(deal(), reason, day)
    assert found is not None and found.rule is not None
    assert (found.rule.id, found.value) == (rule, value)
    assert found.rule.basis in limits.explained(deal(), reason, day)


OF_VOUCHERS = [
    ("VOUCHER_TERM_OVER_LIMIT", TODAY, "SC-01", 365),
    ("VOUCHER_TERM_OVER_LIMIT", date(2025, 6, 15), "SC-01", 365),
    ("CASH_PARTY_NOT_BANK", TODAY, "SC-02", None),
    ("PAYMENT_NOT_INSTRUCTED", TODAY, "SC-03", None),
    ("INVOICE_REGISTERED", TODAY, "SC-04", None),
    ("VOUCHER_ON_PREPAYMENT", TODAY, "SC-04", None),
    ("CORE_OVER_LIMIT", TODAY, "SC-05", None),
]


@pytest.mark.parametrize(("reason", "day", "rule", "value"), OF_VOUCHERS)
def test_rule_behind_a_refusal_of_a_voucher_is_named(
    reason: str, day: date, rule: str, value: int | None
) -> None:
    found = limits.binding_rule(deal(receivable={}), reason, day)
    assert found is not None and found.rule is not None
    assert (found.rule.id, found.value) == (rule, value)
    assert found.rule.basis in limits.explained(deal(receivable={}), reason, day)
    assert limits.binding_rule(deal(), reason, day) is None


def test_no_rule_limits_vouchers_issued_before_it() -> None:
    day = date(2025, 6, 14)
    assert limits.binding_rule(deal(receivable={}), "VOUCHER_TERM_OVER_LIMIT", day) is None


def test_deals_own_limit_on_vouchers_is_named_with_its_table() -> None:
    own = deal(receivable={"max_days": 90})
    found = limits.binding_rule(own, "VOUCHER_TERM_OVER_LIMIT", TODAY)
    assert found is not None and (found.rule, found.value) == (None, 90)
    said = limits.explained(own, "VOUCHER_TERM_OVER_LIMIT", TODAY)
    assert said.endswith("[receivable]: max_days = 90")


@pytest.mark.parametrize(
    ("rules", "receivable", "longest"),
    [
        (["cn-2025"], None, None),
        ([], {}, None),
        ([], {"max_days": 400}, (400, 0)),
        (["cn-2025"], {}, (365, 20_254)),
        (["cn-2025"], {"max_days": 365}, (365, 0)),
        (["cn-2025"], {"max_days": 90}, (90, 0)),
    ],
)
def test_longest_voucher_is_the_deals_own_or_the_rules_from_its_day(
    rules: list[str], receivable: dict[str, Any] | None, longest: tuple[int, int] | None
) -> None:
    table = {} if receivable is None else {"receivable": receivable}
    assert limits.longest_voucher(deal(rules=rules, **table)) == longest


@pytest.mark.parametrize(
    ("own", "rule"), [("23.9999%", None), ("24%", "CN-15"), ("24.0001%", "CN-15")]
)
def test_deals_own_limit_is_named_when_it_is_the_stricter(own: str, rule: str | None) -> None:
    found = limits.binding_rule(deal(limits={"max_annual_rate": own}), "RATE_OVER_LIMIT", TODAY)
    assert found is not None
    assert (found.rule.id if found.rule else None) == rule


@pytest.mark.parametrize("reason", ["OUTSTANDING_OVER_LIMIT", "LOAN_UNKNOWN", "RATE_OVER_LIMIT"])
def test_reason_that_is_no_limit_of_the_deal_has_no_rule(reason: str) -> None:
    assert limits.binding_rule(deal(rules=[]), reason, TODAY) is None
    assert limits.explained(deal(rules=[]), reason, TODAY) == explain(reason)


def test_reasons_of_limits_are_those_of_the_contracts_and_that_of_the_cost() -> None:
    named = {reason for reason, _, _, _ in BINDING}
    assert named - set(REASONS) == {limits.COST_OVER_LIMIT}
    of_limits = {name for name in REASONS if name.endswith(("_OVER_LIMIT", "_UNDER_LIMIT"))}
    own = {"ADVANCE_OVER_LIMIT", "BORROWER_OVER_LIMIT", "OUTSTANDING_OVER_LIMIT"}
    named |= {reason for reason, _, _, _ in OF_VOUCHERS}
    assert of_limits - named == own


@pytest.mark.parametrize(
    ("field", "text", "name"),
    [
        ("max_annual_rate", "24%", "max_annual_rate_ppm"),
        ("max_partner_concentration", "12.5%", "max_concentration_ppm"),
        ("max_guarantee_multiple", "10", "max_guarantee_multiple_ppm"),
        ("max_guarantee_multiple", "12.5", "max_guarantee_multiple_ppm"),
        ("max_per_borrower", "200000.00", "max_per_borrower_minor"),
        ("max_bullet_days", 365, "max_bullet_days"),
    ],
)
def test_limit_is_shown_as_the_file_writes_it(field: str, text: Any, name: str) -> None:
    own = deal(rules=[], limits={field: text}).limits
    shown = limits.shown_limit(name, getattr(own, name), "CNY")
    assert shown.removesuffix(" CNY") == str(text)
    assert limits.limit_name(name) == field


def test_explanation_says_the_rule_and_its_value() -> None:
    said = limits.explained(deal(), "RATE_OVER_LIMIT", TODAY)
    assert said == explain("RATE_OVER_LIMIT") + "; CN-15 (金规〔2025〕9号): max_annual_rate = 24%"
    own = deal(rules=[], limits={"max_outstanding": "5.00"})
    said = limits.explained(own, "OUTSTANDING_OVER_LIMIT", TODAY)
    assert said.endswith("; [limits]: max_outstanding = 5.00 CNY")


def test_refused_terms_are_explained_by_the_newest_rule_that_they_meet() -> None:
    refused = deal(funding=[{"party": "a", "share": "71%"}, {"party": "b", "share": "29%"}])
    said = limits.explained_terms(refused, "PARTNER_SHARE_UNDER_LIMIT", date(1970, 1, 1))
    assert said.endswith("; CN-01 (银保监办发〔2021〕24号): min_partner_share = 30%")
    said = limits.explained_terms(refused, "LENDING_LICENCE_MISSING", date(1970, 1, 1))
    assert said.endswith("; CN-11 (商业银行互联网贷款管理暂行办法 (2020))")


@pytest.mark.parametrize("field", sorted(set(Limits.model_fields) - {"interest_check"}))
def test_every_limit_has_a_name_in_the_file(field: str) -> None:
    assert not limits.limit_name(field).endswith(("_ppm", "_minor"))
