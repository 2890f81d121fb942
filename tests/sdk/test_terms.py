"""deal.toml: what is read, what is refused and where, and what the parties sign."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ledger import consortium, terms
from ledger.errors import TermsInvalid
from ledger.messages import text
from ledger.receivable import Evidence, Receivable, evidence_of
from ledger.tables import Charge, Funder, InterestCheck, Limits, Mode, PeriodRule, VolumeReading
from ledger.terms import Terms

TOML = """
id = "joint-2026-01"
mode = "joint"
rules = []
currency = "CNY"
day_count = "ACT/360"
servicer = "platform-p"
disbursed_by = "bank-a"
collected_by = "bank-a"
[[funding]]
party = "bank-a"
share = "70%"
[[funding]]
party = "platform-p"
share = "30%"
[[interest]]
to = "platform-p"
share = "20%"
[[penalty]]
to = "platform-p"
share = "10%"
[fee]
to = "guarantor-g"
[deposit]
by = "platform-p"
custodian = "bank-a"
target = "5%"
warn = "4.7%"
stop = "4.5%"
[[loss]]
payer = "platform-p"
source = "deposit"
share = "100%"
cap = { disbursed = "5%" }
reinstates = false
[claim]
days_past_due = 90
base = "principal"
recovery_order = "reverse"
[limits]
min_partner_share = "30%"
max_annual_rate = "24%"
max_per_borrower = "200000.00"
max_bullet_days = 365
max_outstanding = "100000000.00"
[period]
rule = "excess"
bank_return = "7%"
share = "60%"
to = "platform-p"
"""
DATA: dict[str, Any] = tomllib.loads(TOML)
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
VOLUME: dict[str, Any] = {
    "rule": "volume",
    "to": "a",
    "reading": "marginal",
    "tier": [{"up_to": "50.00", "share": "15%"}, {"share": "20%"}],
}
MEMBERS = consortium.read(
    {
        "name": "c",
        "chain_id": 1,
        "member": [
            {"id": "bank-a", "name": "A", "roles": ["bank"], "validator": True},
            {"id": "platform-p", "name": "P", "roles": ["platform"]},
        ],
    }
)


def _problems(data: dict[str, Any], **given: Any) -> list[tuple[str, str]]:
    with pytest.raises(TermsInvalid) as refused:
        terms.read(data, **given)
    return [(problem.column, problem.what) for problem in refused.value.problems]


def test_every_table_becomes_integers() -> None:
    read = terms.read(DATA)
    assert (read.mode, read.currency, read.decimals) == (Mode.JOINT, "CNY", 2)
    assert (read.lead, read.funders) == ("bank-a", ("bank-a", "platform-p"))
    assert read.shares_ppm == (700_000, 300_000)
    assert read.interest[0].share_ppm == 200_000 and read.interest[0].rate_ppm is None
    assert read.deposit is not None and read.deposit.warn_ppm == 47_000
    assert read.loss[0].cap is not None and read.loss[0].cap.disbursed_ppm == 50_000
    assert read.limits.max_per_borrower_minor == 20_000_000
    assert read.period is not None and read.period.rule is PeriodRule.EXCESS
    assert read.parties == ("bank-a", "platform-p", "guarantor-g")


def test_every_table_but_funding_is_optional() -> None:
    read = terms.read(LEAST)
    assert (read.interest, read.fee, read.deposit, read.claim) == ((), None, None, None)
    assert read.limits == Limits()


def test_volume_period_with_risk_bands_is_read() -> None:
    risk = [{"up_to": "2%", "multiplier": "100%"}, {"multiplier": "90%"}]
    period = terms.read({**LEAST, "period": {**VOLUME, "risk": risk}}).period
    assert period is not None and period.reading is VolumeReading.MARGINAL
    assert [tier.up_to_minor for tier in period.tiers] == [5_000, None]
    assert [band.multiplier_ppm for band in period.risk] == [1_000_000, 900_000]


def test_fee_and_its_split_are_read() -> None:
    fee = terms.read(
        {
            **LEAST,
            "fee": {
                "to": "g",
                "per_loan": "30.00",
                "split": [{"to": "a", "share": "15%"}],
                "borrower_per_instalment": "0.757%",
                "borrower_upfront": "234.00",
            },
        }
    ).fee
    assert fee is not None and fee.split is not None
    assert (fee.per_loan_minor, fee.per_loan_ppm) == (3_000, None)
    assert [(share.to, share.share_ppm) for share in fee.split] == [("a", 150_000)]
    assert fee.borrower_per_instalment == Charge(share_ppm=7_570)
    assert fee.borrower_upfront == Charge(amount_minor=23_400)


@pytest.mark.parametrize(
    ("charge", "principal", "minor"),
    [("0.757%", 780_000, 5_905), ("59.05", 780_000, 5_905), ("1%", 50, 1), ("1%", 49, 0)],
)
def test_charge_is_an_amount_or_a_share_rounded_half_up(
    charge: str, principal: int, minor: int
) -> None:
    fee = terms.read({**LEAST, "fee": {"to": "g", "borrower_upfront": charge}}).fee
    assert fee is not None and fee.borrower_upfront is not None
    assert fee.borrower_upfront.of(principal) == minor


@pytest.mark.parametrize(
    ("fee", "by_borrowers"),
    [
        ({}, True),
        ({"per_loan": "30.00"}, False),
        ({"per_loan_share": "1.5%"}, False),
        ({"per_loan": "30.00", "split": [{"to": "b", "share": "1%"}]}, True),
        ({"per_loan": "30.00", "borrower_upfront": "1%"}, True),
    ],
)
def test_fee_is_paid_by_borrowers_unless_it_is_there_for_each_loan_alone(
    fee: dict[str, Any], by_borrowers: bool
) -> None:
    read = terms.read({**LEAST, "fee": {"to": "g", **fee}}).fee
    assert read is not None and read.by_borrowers is by_borrowers


def test_limits_across_deals_are_read() -> None:
    limits = terms.read(
        {
            **LEAST,
            "limits": {
                "max_all_in_cost": "24%",
                "max_partner_concentration": "25%",
                "max_guarantee_multiple": "12.5",
                "max_guaranteed_borrower": "10%",
                "interest_check": "refuse",
            },
        }
    ).limits
    assert limits == Limits(
        max_all_in_cost_ppm=240_000,
        max_concentration_ppm=250_000,
        max_guarantee_multiple_ppm=12_500_000,
        max_guaranteed_borrower_ppm=100_000,
        interest_check=InterestCheck.REFUSE,
    )


def test_amounts_follow_the_currency() -> None:
    read = terms.read({**LEAST, "currency": "JPY", "limits": {"max_outstanding": "500"}})
    assert read.limits.max_outstanding_minor == 500
    yen = {**LEAST, "currency": "JPY", "limits": {"max_outstanding": "500.0"}}
    assert _problems(yen) == [("limits.max_outstanding", text("value.amount_decimals"))]


@pytest.mark.parametrize("key", [key for key in LEAST])
def test_missing_key_is_named(key: str) -> None:
    data = {name: value for name, value in LEAST.items() if name != key}
    assert (key, text("problem.missing")) in _problems(data)


SHAPE = [
    ({"extra": 1}, "extra"),
    ({"id": "Deal 1"}, "id"),
    ({"mode": "club"}, "mode"),
    ({"currency": "RMB"}, "currency"),
    ({"currency": 1}, "currency"),
    ({"day_count": "ACT/ACT"}, "day_count"),
    ({"servicer": "funders"}, "servicer"),
    ({"rules": "cn-2025"}, "rules"),
    ({"receivable": {"cores": ["funders"]}}, "receivable.cores[1]"),
    ({"receivable": {"advance": "0%"}}, "receivable.advance"),
    ({"receivable": {"advance": "100.0001%"}}, "receivable.advance"),
    ({"receivable": {"core_cost": "101%"}}, "receivable.core_cost"),
    ({"receivable": {"evidence": ["receipt"]}}, "receivable.evidence[1]"),
    ({"receivable": {"recourse": "yes"}}, "receivable.recourse"),
    ({"receivable": {"max_days": 0}}, "receivable.max_days"),
    ({"receivable": {"who": "a"}}, "receivable.who"),
    ({"funding": []}, "funding"),
    ({"funding": [{"party": "a", "share": "100%", "lead": True}]}, "funding[1].lead"),
    ({"funding": [{"party": "a"}]}, "funding[1].share"),
    ({"funding": [{"party": "a", "share": 1.0}]}, "funding[1].share"),
    ({"funding": [{"party": "a", "share": 100}]}, "funding[1].share"),
    ({"funding": [{"party": "a", "share": 1_000_000}]}, "funding[1].share"),
    ({"funding": [{"party": "a", "share": "0%"}]}, "funding[1].share"),
    ({"funding": [{"party": "a", "share": "101%"}]}, "funding[1].share"),
    ({"funding": [{"party": "a", "share_ppm": 1_000_000}]}, "funding[1].share_ppm"),
    ({"interest": [{"to": "Funders", "share": "1%"}]}, "interest[1].to"),
    ({"interest": [{"to": "a", "rate": "0%"}]}, "interest[1].rate"),
    ({"interest": [{"to": "a", "rate": "1001%"}]}, "interest[1].rate"),
    ({"fee": {"to": "funders"}}, "fee.to"),
    ({"claim": {"days_past_due": "90"}, "loss": [{"payer": "a"}]}, "claim.days_past_due"),
    ({"claim": {"days_past_due": 0}, "loss": [{"payer": "a"}]}, "claim.days_past_due"),
    ({"limits": {"max_annual_rate": "24"}}, "limits.max_annual_rate"),
    ({"limits": {"max_outstanding": "1e9"}}, "limits.max_outstanding"),
    ({"limits": {"max_outstanding": "-1"}}, "limits.max_outstanding"),
    ({"limits": {"max_outstanding": 100}}, "limits.max_outstanding"),
    ({"limits": {"max_outstanding": "1.234"}}, "limits.max_outstanding"),
    ({"limits": {"max_bullet_days": 1.5}}, "limits.max_bullet_days"),
    ({"limits": {"max_bullet_days": True}}, "limits.max_bullet_days"),
    ({"limits": {"max_guarantee_multiple": "10x"}}, "limits.max_guarantee_multiple"),
    ({"limits": {"max_guarantee_multiple": "1000.1"}}, "limits.max_guarantee_multiple"),
    ({"limits": {"max_guarantee_multiple": "0"}}, "limits.max_guarantee_multiple"),
    ({"limits": {"max_guarantee_multiple": 10}}, "limits.max_guarantee_multiple"),
    ({"limits": {"max_joint_share": "0%"}}, "limits.max_joint_share"),
    ({"limits": {"interest_check": "yes"}}, "limits.interest_check"),
    ({"fee": {"to": "b", "borrower_upfront": "0%"}}, "fee.borrower_upfront"),
    ({"fee": {"to": "b", "borrower_upfront": "0.00"}}, "fee.borrower_upfront"),
    ({"fee": {"to": "b", "borrower_upfront": "100.1%"}}, "fee.borrower_upfront"),
    ({"fee": {"to": "b", "borrower_per_instalment": "1.234"}}, "fee.borrower_per_instalment"),
    ({"fee": {"to": "b", "borrower_per_instalment": 5}}, "fee.borrower_per_instalment"),
    ({"fee": {"to": "b", "borrower_per_instalment": {"share_ppm": 5}}},
     "fee.borrower_per_instalment"),
    ({"fee": {"to": "b", "split": []}}, "fee.split"),
    ({"fee": {"to": "b", "split": [{"to": "a", "share": "1%"}] * 5}}, "fee.split"),
    ({"fee": {"to": "b", "split": [{"to": "funders", "share": "1%"}]}}, "fee.split[1].to"),
    ({"fee": {"to": "b", "split": [{"to": "a", "rate": "1%"}]}}, "fee.split[1].rate"),
    ({"fee": {"to": "b", "per_loan": "0.00"}}, "fee.per_loan"),
    ({"period": {"rule": "flat", "to": "a"}}, "period.rule"),
    ({"period": {"rule": "excess", "to": "a", "share": "0%"}}, "period.share"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "column"), SHAPE)
def test_value_that_cannot_be_used_is_named(change: dict[str, Any], column: str) -> None:
    columns = [column for column, _ in _problems({**LEAST, **change})]
    assert column in columns


def _deposit(**lines: str) -> dict[str, Any]:
    given = {"target": "5%", "warn": "4.7%", "stop": "4.5%", **lines}
    return {"deposit": {"by": "a", "custodian": "k", **given}}


def _loss(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"loss": [{"payer": "a", **one} for one in layers], "claim": {"days_past_due": 90}}


def _period(**change: Any) -> dict[str, Any]:
    period = {**VOLUME, **change}
    return {"period": {key: value for key, value in period.items() if value is not None}}


EIGHT = [{"party": f"f{n}", "share": "12.5%"} for n in range(8)]
CROSS = [
    ({"funding": [{"party": "a", "share": "60%"}, {"party": "b", "share": "39%"}]},
     "funding", "funding_sum"),
    ({"funding": [{"party": "a", "share": "60%"}, {"party": "b", "share": "40.0001%"}]},
     "funding", "funding_sum"),
    ({"funding": [{"party": "a", "share": "60%"}, {"party": "a", "share": "40%"}]},
     "funding[2].party", "duplicate"),
    ({"receivable": {"cores": ["c", "d", "c"]}}, "receivable.cores[3]", "duplicate"),
    ({"receivable": {"core_cost": "1%"}}, "receivable.cores", "core_cost"),
    ({"mode": "deposit"}, "deposit", "mode_demands"),
    ({"mode": "profit-share"}, "interest", "mode_demands"),
    ({"mode": "guaranteed"}, "loss", "mode_demands"),
    ({"mode": "referral"}, "fee", "mode_demands"),
    ({"rules": ["cn-1999"]}, "rules[1]", "rules_unknown"),
    ({"rules": ["in-rbi-2025"]}, "rules[1]", "rules_currency"),
    ({"rules": ["cn-2025", "cn-2025"]}, "rules[2]", "duplicate"),
    ({"interest": [{"to": "a"}]}, "interest[1]", "tier_share_or_rate"),
    ({"interest": [{"to": "a", "share": "1%", "rate": "1%"}]}, "interest[1]", "tier_share_or_rate"),
    ({"penalty": [{"to": "a", "rate": "1%"}]}, "penalty[1].rate", "penalty_rate"),
    ({"penalty": [{"to": "a"}]}, "penalty[1]", "tier_share_or_rate"),
    ({"fee": {"to": "b", "per_loan": "30.00", "per_loan_share": "1%"}},
     "fee.per_loan_share", "fee_per_loan"),
    ({"fee": {"to": "a", "per_loan": "30.00"}}, "fee.to", "fee_to_funder"),
    ({"limits": {"max_joint_share": "50%"}}, "limits.max_joint_share", "joint_alone"),
    (_deposit(custodian="a"), "deposit.custodian", "deposit_own"),
    (_deposit(warn="5.1%"), "deposit", "deposit_lines"),
    (_deposit(stop="4.8%"), "deposit", "deposit_lines"),
    ({"loss": [{"payer": "a"}]}, "claim", "loss_without_claim"),
    ({"claim": {"days_past_due": 90}, "loss": []}, "loss", "claim_without_loss"),
    ({"claim": {"days_past_due": 90}}, "loss", "claim_without_loss"),
    (_loss({"source": "deposit"}), "loss[1].source", "layer_deposit"),
    (_loss({"source": "deposit", "payer": "b"}) | _deposit(), "loss[1].source", "layer_deposit"),
    (_loss({"cap": {}}), "loss[1].cap", "cap_kind"),
    (_loss({"cap": {"amount": "1.00", "disbursed": "5%"}}), "loss[1].cap", "cap_kind"),
    (_loss({}, {"share": "40%"}), "loss[2]", "layer_unreachable"),
    (_period(reading=None), "period.reading", "period_needs"),
    (_period(tier=None), "period.tier", "period_needs"),
    (_period(bank_return="7%"), "period.bank_return", "period_excludes"),
    (_period(rule="excess", tier=None, reading=None, share="1%"),
     "period.bank_return", "period_needs"),
    (_period(rule="excess", bank_return="7%", share="1%", reading=None),
     "period.tier", "period_excludes"),
    (_period(tier=[{"up_to": "50.00", "share": "1%"}]), "period.tier[1].up_to", "band_last"),
    (_period(tier=[{"share": "1%"}, {"share": "2%"}]), "period.tier[1].up_to", "band_bound"),
    (_period(tier=[{"up_to": "5", "share": "1%"}, {"up_to": "5", "share": "1%"}, {"share": "2%"}]),
     "period.tier[2].up_to", "band_order"),
    (_period(risk=[{"up_to": "2%", "multiplier": "90%"}]), "period.risk[1].up_to", "band_last"),
    ({"funding": EIGHT, **_loss(*({"payer": f"p{n}", "share": "1%"} for n in range(8)))},
     "", "parties_many"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "column", "key"), CROSS)
def test_contradiction_between_tables_is_named(
    change: dict[str, Any], column: str, key: str
) -> None:
    problems = _problems({**LEAST, **change})
    about = {what for place, what in problems if place == column}
    pattern = text(f"terms.{key}", mode="M", names="N", first="F", by="B", rule="R", most=0)
    stem = pattern.split("'")[0].split("F")[0]
    assert any(what.startswith(stem) for what in about), problems


def test_eight_funders_are_allowed_and_nine_are_not() -> None:
    assert len(terms.read({**LEAST, "funding": EIGHT}).funders) == 8
    nine = [*EIGHT[:7], {"party": "f7", "share": "6.25%"}, {"party": "f8", "share": "6.25%"}]
    assert [column for column, _ in _problems({**LEAST, "funding": nine})] == ["funding"]


def test_layer_bounded_by_its_deposit_may_have_one_after_it() -> None:
    deal = terms.read({**LEAST, **_loss({"source": "deposit"}, {"share": "40%"}), **_deposit()})
    assert len(deal.loss) == 2


def test_vouchers_are_read() -> None:
    table = {
        "cores": ["c"],
        "advance": "85%",
        "core_cost": "0.5%",
        "evidence": ["delivery", "order", "delivery"],
        "recourse": True,
        "max_days": 180,
    }
    found = terms.read({**LEAST, "receivable": table}).receivable
    assert found is not None
    assert (found.cores, found.advance_ppm, found.core_cost_ppm) == (("c",), 850_000, 5_000)
    assert found.evidence == (Evidence.ORDER, Evidence.DELIVERY), "each once and in one order"
    assert (found.recourse, found.max_days) == (True, 180)


def test_every_key_of_vouchers_is_optional_and_so_is_the_table_in_their_mode() -> None:
    empty = terms.read({**LEAST, "receivable": {}})
    assert empty.receivable == Receivable() and empty.receivable.advance_ppm == 1_000_000
    assert terms.read(LEAST).receivable is None
    mode = {**LEAST, "mode": "receivable"}
    assert terms.read(mode).receivable == Receivable()
    assert terms.read(mode).digest == terms.read({**mode, "receivable": {}}).digest
    assert terms.from_canonical(terms.read(mode).canonical) == terms.read(mode)


def test_evidence_has_the_bits_of_the_contracts() -> None:
    assert [kind.bit for kind in Evidence] == [1, 2, 4, 8, 16]
    assert evidence_of(0b10010) == (Evidence.ORDER, Evidence.DELIVERY)


OF_ROLES = consortium.read(
    {
        "name": "c",
        "chain_id": 1,
        "member": [
            {"id": "a", "name": "A", "roles": ["bank"], "validator": True},
            {"id": "d", "name": "D", "roles": ["custodian"]},
            {"id": "p", "name": "P", "roles": ["platform"]},
            {"id": "c", "name": "C", "roles": ["core"]},
            {"id": "s", "name": "S", "roles": ["supplier"]},
        ],
    }
)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"disbursed_by": "p"}, "disbursed_by"),
        ({"collected_by": "p"}, "collected_by"),
        ({"collected_by": "c"}, "collected_by"),
        ({"receivable": {"cores": ["c", "p"]}}, "receivable.cores[2]"),
        ({"receivable": {"cores": ["s"]}}, "receivable.cores[1]"),
        ({"servicer": "s"}, "servicer"),
    ],
)
def test_in_a_deal_with_vouchers_each_has_the_role_of_what_it_does(
    change: dict[str, Any], column: str
) -> None:
    base = {**LEAST, "mode": "receivable", "collected_by": "d", "servicer": "p"}
    terms.read({**base, "receivable": {"cores": ["c"]}}, consortium=OF_ROLES)
    ((found, _),) = _problems({**base, **change}, consortium=OF_ROLES)
    assert found == column


def test_without_vouchers_a_platform_may_disburse() -> None:
    terms.read({**LEAST, "disbursed_by": "p", "collected_by": "c"}, consortium=OF_ROLES)


def test_all_problems_are_reported_at_once() -> None:
    data = deepcopy(DATA)
    data["mode"] = "club"
    data["funding"][1]["share"] = "20%"
    data["deposit"]["warn"] = "6%"
    data["limits"]["max_outstanding"] = "1.234"
    data["zz"] = 1
    del data["servicer"]
    columns = [column for column, _ in _problems(data, consortium=MEMBERS)]
    assert sorted(columns) == sorted(
        ["mode", "servicer", "limits.max_outstanding", "zz", "funding", "deposit", "fee.to"]
    )


def test_party_that_is_no_member_is_named_once_at_its_first_mention() -> None:
    data = {**DATA, "penalty": [{"to": "guarantor-g", "share": "1%"}]}
    assert [column for column, _ in _problems(data, consortium=MEMBERS)] == ["penalty[1].to"]


def test_party_order_is_funders_then_others_as_the_tables_name_them() -> None:
    data = {
        **LEAST,
        "servicer": "s",
        "disbursed_by": "b",
        "collected_by": "c",
        "interest": [{"to": "funders", "share": "1%"}, {"to": "i", "share": "1%"}],
        "penalty": [{"to": "n", "share": "1%"}],
        "fee": {"to": "f", "split": [{"to": "t", "share": "1%"}]},
        "deposit": {"by": "d", "custodian": "k", "target": "5%", "warn": "5%", "stop": "5%"},
        "loss": [{"payer": "l"}],
        "claim": {"days_past_due": 1},
        "period": {**VOLUME, "to": "s"},
    }
    assert terms.read(data).parties == ("a", "s", "b", "c", "i", "n", "f", "t", "d", "k", "l")


def test_canonical_json_of_the_least_terms_is_fixed() -> None:
    canonical = terms.read(LEAST).canonical
    assert canonical == (
        b'{"collected_by":"a","currency":"CNY","day_count":"ACT/365","disbursed_by":"a",'
        b'"funding":[{"party":"a","share_ppm":1000000}],"id":"d","interest":[],"limits":{},'
        b'"loss":[],"mode":"joint","penalty":[],"rules":[],"servicer":"a"}'
    )
    digest = terms.read(LEAST).digest
    assert digest.hex() == "028a996dfe0932d9a93b0f78faa97a5221df3a7815cb4b55a9b1149131f91e46"


def test_digest_does_not_depend_on_the_order_of_the_file_but_on_every_value() -> None:
    read = terms.read(DATA)
    assert terms.read(dict(reversed(DATA.items()))).digest == read.digest
    assert len(read.digest) == 32
    changed = deepcopy(DATA)
    changed["claim"]["days_past_due"] = 91
    assert terms.read(changed).digest != read.digest
    swapped = {**DATA, "funding": DATA["funding"][::-1]}
    assert terms.read(swapped).digest != read.digest


def test_digest_of_terms_signed_before_later_tables_had_more_fields_stays() -> None:
    digest = "1b749a941189aee60683be2736e5e2503fb459cd6e796dac87110751eb7bca8d"
    assert terms.read(DATA).digest.hex() == digest


def test_terms_come_back_from_their_canonical_json() -> None:
    fee = {"to": "g", "borrower_upfront": "1%", "split": [{"to": "a", "share": "1%"}]}
    read = terms.read({**DATA, "fee": fee})
    assert terms.from_canonical(read.canonical) == read


@pytest.mark.parametrize(
    "document", [b"", b"[]", b"{}", b'{"id":1}', b"\xff", b'{"funding":[{"share":"70%"}]}']
)
def test_other_json_is_not_taken_for_terms(document: bytes) -> None:
    with pytest.raises(TermsInvalid):
        terms.from_canonical(document)


def test_canonical_json_that_contradicts_itself_is_refused() -> None:
    altered = terms.read(DATA).canonical.replace(b"700000", b"700001")
    with pytest.raises(TermsInvalid) as refused:
        terms.from_canonical(altered)
    assert [problem.column for problem in refused.value.problems] == ["funding"]


def test_terms_are_frozen_and_checked_when_made_in_python() -> None:
    read = terms.read(LEAST)
    with pytest.raises(ValidationError):
        read.id = "other"
    with pytest.raises(TermsInvalid):
        Terms(**{**dict(read), "funding": (Funder(party="a", share_ppm=999_999),)})
    with pytest.raises(ValidationError):
        Charge(share_ppm=1, amount_minor=1)
    with pytest.raises(ValidationError):
        Charge()
    with pytest.raises(ValidationError):
        Funder(party="a", share_ppm="100%")  # type: ignore[arg-type]


def test_json_schema_describes_the_file() -> None:
    schema = Terms.model_json_schema()
    assert set(schema["required"]) == set(LEAST)
    assert schema["additionalProperties"] is False
    share = schema["$defs"]["Funder"]["properties"]["share"]
    assert share["type"] == "string"
    assert set(schema["$defs"]["Period"]["properties"]) == {
        "rule", "to", "bank_return", "share", "reading", "tier", "risk",
    }  # fmt: skip


def test_every_key_of_the_file_is_in_the_reference() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "reference" / "deal-toml.md"
    documented = set(re.findall(r"^\| `([\w.\[\]]+)` \|", page.read_text("utf-8"), re.MULTILINE))
    schema = Terms.model_json_schema()

    def keys(node: dict[str, Any], within: str) -> Iterator[str]:
        for name, value in node["properties"].items():
            inner = re.findall(r"'#/\$defs/(\w+)'", str(value))
            tables = [schema["$defs"][one] for one in inner if "properties" in schema["$defs"][one]]
            many = "[]" if "array" in str(value) else ""
            for table in tables:
                yield from keys(table, f"{within}{name}{many}.")
            if not tables:
                yield within + name

    assert documented == set(keys(schema, ""))


@pytest.mark.parametrize(
    ("old", "new", "line", "column"),
    [
        ('id = "joint-2026-01"', 'id = "Joint"', 2, "id"),
        ('share = "30%"', 'share = "30"', 15, "funding[2].share"),
        ('share = "30%"', 'share = "29%"', 10, "funding"),
        ("days_past_due = 90", "days_past_due = 0", 37, "claim.days_past_due"),
        ('cap = { disbursed = "5%" }', 'cap = { disbursed = "x" }', 34, "loss[1].cap.disbursed"),
        ('target = "5%"', "", 24, "deposit.target"),
    ],
)
def test_problem_in_a_file_has_its_line(
    old: str, new: str, line: int, column: str, tmp_path: Path
) -> None:
    assert old in TOML
    file = tmp_path / "deal.toml"
    file.write_text(TOML.replace(old, new, 1), encoding="utf-8-sig")
    with pytest.raises(TermsInvalid) as refused:
        terms.load(file, consortium=None)
    found = {problem.column: problem for problem in refused.value.problems}
    assert (found[column].file, found[column].line) == (str(file), line)


@pytest.mark.parametrize("content", [b"id = ", b"id = '\xff'", b"\x00"])
def test_file_that_is_no_toml_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "deal.toml"
    file.write_bytes(content)
    with pytest.raises(TermsInvalid) as refused:
        terms.load(file)
    assert refused.value.problems[0].file == str(file)


def test_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TermsInvalid):
        terms.load(tmp_path / "none.toml")
