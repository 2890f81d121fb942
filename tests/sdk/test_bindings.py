"""Bindings: names, calls and events are those of the shipped artifacts."""

from __future__ import annotations

import tomllib
from datetime import date
from typing import Any

import pytest
from eth_abi import decode, encode
from eth_hash.auto import keccak

from ledger import events, terms
from ledger.bindings import (
    CLAIM_REPAYMENT,
    COMPENSATION,
    CONTRACTS,
    RECOVERY,
    WRITE_OFF,
    action_id,
    artifact,
    decode_event,
    encode_batch,
    encode_call,
    label,
    terms_hash,
)
from ledger.chain.engine import Log
from ledger.entries import Method, Purpose
from ledger.executed_terms import deal_terms
from ledger.money import day_number
from ledger.records import decode_terms, encode_terms, name_of
from tests.sdk.sdk_office import TERMS

NUMBERS = {"bank-a": 1, "platform-p": 2, "guarantor-g": 3}


def day(iso: str) -> int:
    return day_number(date.fromisoformat(iso))


def _type(field: dict[str, Any]) -> str:
    kind: str = field["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(map(_type, field['components']))}){kind.removeprefix('tuple')}"


def agreed(**changes: Any) -> terms.Terms:
    return terms.read(tomllib.loads(TERMS) | changes)


@pytest.mark.parametrize("name", ["a", "bank-a", "x" * 31])
def test_label_and_name_are_inverse(name: str) -> None:
    assert len(label(name)) == 32
    assert name_of(label(name)) == name


@pytest.mark.parametrize("contract", CONTRACTS)
def test_artifact_is_of_the_compiler_and_evm_that_we_name(contract: str) -> None:
    shipped = artifact(contract)
    assert (shipped.contract, shipped.evm_version) == (contract, "london")
    assert shipped.compiler == "vyper 0.4.3"
    assert 0 < len(shipped.runtime) < 24_576
    assert shipped.runtime[:20] in shipped.bytecode


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("count", [0, 1, 200])
def test_batch_is_encoded_as_the_abi_says(count: int, late: bool) -> None:
    rows = [(number + 1, 2**256 - 1 - number, number << 16, number) for number in range(count)]
    as_abi = encode_call(
        "Loans",
        "repay",
        label("joint"),
        3,
        [(a.to_bytes(32, "big"), b.to_bytes(32, "big"), c, d) for a, b, c, d in rows],
        late,
    )
    assert encode_batch("repay", label("joint"), 3, rows, late=late) == as_abi


BATCHES = [
    ("Loans", "book"),
    ("Loans", "repay"),
    ("Servicing", "mark_overdue"),
    ("Servicing", "waive"),
    ("Servicing", "write_off"),
    ("Guarantees", "compensate"),
    ("Guarantees", "recover"),
]


@pytest.mark.parametrize(("contract", "function"), BATCHES)
def test_batch_of_each_contract_is_encoded_as_the_abi_says(contract: str, function: str) -> None:
    (item,) = (one for one in artifact(contract).abi if one.get("name") == function)
    fields = [field["type"] for field in item["inputs"][2]["components"]]
    rows = [tuple(range(at, at + len(fields))) for at in (1, 100, 2**200)]
    as_abi = [
        tuple(
            value.to_bytes(32, "big") if kind == "bytes32" else value
            for kind, value in zip(fields, row, strict=True)
        )
        for row in rows
    ]
    late = [False] if len(item["inputs"]) == 4 else []
    expected = encode_call(contract, function, label("joint"), 3, as_abi, *late)
    assert encode_batch(function, label("joint"), 3, rows, contract=contract) == expected


@pytest.mark.parametrize(("contract", "function"), BATCHES)
def test_every_field_of_a_batch_is_one_word(contract: str, function: str) -> None:
    (item,) = (one for one in artifact(contract).abi if one.get("name") == function)
    late = ["bool"] if len(item["inputs"]) == 4 else []
    assert [one["type"] for one in item["inputs"]] == ["bytes32", "uint256", "tuple[]", *late]
    fields = item["inputs"][2]["components"]
    assert {field["type"] for field in fields} <= {"bytes32", "uint256"}


def test_every_event_of_the_contracts_has_a_record_with_its_field_names() -> None:
    items = [one for name in CONTRACTS for one in artifact(name).abi if one["type"] == "event"]
    assert len(items) >= 35
    for item in items:
        record = getattr(events, item["name"])
        assert list(record._fields) == [field["name"] for field in item["inputs"]]


def test_events_of_others_are_left_alone() -> None:
    fields: dict[str, Any] = {
        "address": bytes(20), "data": b"", "block_number": 1, "transaction_hash": bytes(32),
        "transaction_index": 0, "log_index": 0,
    }  # fmt: skip
    assert decode_event(Log(topics=(), **fields)) is None
    assert decode_event(Log(topics=(keccak(b"Transfer(address,address,uint256)"),), **fields)) is None


def test_terms_become_indices_into_the_parties_and_member_numbers() -> None:
    made = deal_terms(agreed(), NUMBERS, 20_000)
    assert made.parties == (1, 2, 3)
    assert made.shares_ppm == (700_000, 300_000)
    assert (made.servicer, made.disbursed_by, made.collected_by, made.fees.to) == (1, 0, 0, 2)
    assert made.currency.to_bytes(3, "big") == b"CNY"
    assert made.interest == (events.TierTerms(1, 200_000, 0),)
    assert made.penalty == (events.TierTerms(1, 100_000, 0),)
    (limits,) = made.limits
    assert (limits.from_date, limits.max_annual_rate_ppm) == (20_000, 240_000)
    assert limits.max_per_consumer_minor == 0
    assert made.effective_date == 20_000
    assert made.document_digest == agreed().digest


def test_tier_to_the_funders_and_fee_to_nobody_have_their_own_mark() -> None:
    data = tomllib.loads(TERMS)
    del data["fee"]
    data["interest"] = [{"to": "funders", "rate": "6%"}]
    made = deal_terms(terms.read(data), NUMBERS, 0)
    assert made.fees == events.FeeTerms(events.FUNDERS, 0, 0, ())
    assert made.interest == (events.TierTerms(events.FUNDERS, 0, 60_000),)


def test_terms_hash_changes_with_every_field() -> None:
    base = deal_terms(agreed(), NUMBERS, 0)
    changed = [
        base._replace(servicer=0),
        base._replace(effective_date=1),
        base._replace(shares_ppm=(700_001, 299_999)),
        base._replace(document_digest=bytes(32)),
        base._replace(limits=(base.limits[0]._replace(max_bullet_days=366),)),
        base._replace(claim=base.claim._replace(pro_rata=True)),
        base._replace(demands=0),
    ]
    assert len({terms_hash(one) for one in [base, *changed]}) == 8


EVERYTHING: dict[str, Any] = {
    "rules": ["cn-2025"],
    "day_count": "30/360",
    "fee": {
        "to": "guarantor-g",
        "per_loan_share": "1.5%",
        "split": [{"to": "bank-a", "share": "15%"}],
        "borrower_upfront": "1%",
    },
    "deposit": {
        "by": "guarantor-g", "custodian": "bank-a", "target": "5%", "warn": "4.7%", "stop": "4.5%",
    },
    "loss": [
        {"payer": "guarantor-g", "source": "deposit", "cap": {"disbursed": "5%"}},
        {"payer": "platform-p", "share": "40%", "cap": {"amount": "1.00"}, "reinstates": True},
        {"payer": "platform-p", "cap": {"outstanding": "8%"}},
        {"payer": "guarantor-g"},
    ],
    "claim": {"days_past_due": 90, "base": "principal+interest", "recovery_order": "pro_rata"},
    "limits": {"max_guarantee_multiple": "12.5", "interest_check": "refuse"},
    "period": {
        "rule": "volume",
        "to": "platform-p",
        "reading": "whole",
        "tier": [{"up_to": "50.00", "share": "15%"}, {"share": "20%"}],
        "risk": [{"up_to": "2%", "multiplier": "100%"}, {"multiplier": "90%"}],
    },
}  # fmt: skip


def test_every_table_reaches_the_contracts() -> None:
    made = deal_terms(agreed(**EVERYTHING), NUMBERS, 20_000)
    assert made.day_count == 2
    assert made.fees == (2, 0, 15_000, ((0, 150_000, 0),))
    assert made.deposit == (2, 0, 50_000, 47_000, 45_000)
    assert made.layers == (
        (2, True, 1_000_000, 2, 50_000, False),
        (1, False, 400_000, 1, 100, True),
        (1, False, 1_000_000, 3, 80_000, False),
        (2, False, 1_000_000, 0, 0, False),
    )
    assert made.claim == (90, True, True)
    assert made.period == (
        2, 1, 0, 0, True,
        ((5_000, 150_000), (events.LAST_BOUND, 200_000)),
        ((20_000, 1_000_000), (events.LAST_BOUND, 900_000)),
    )  # fmt: skip
    assert made.demands == 1 | 2 | 4 | 8 | 16


VOUCHERS: dict[str, Any] = {
    "cores": ["core-d", "core-c"],
    "advance": "85%",
    "core_cost": "40%",
    "evidence": ["delivery", "contract"],
    "recourse": True,
}


def test_vouchers_reach_the_contracts() -> None:
    numbers = NUMBERS | {"core-c": 7, "core-d": 9}
    made = deal_terms(agreed(rules=["cn-2025"], receivable=VOUCHERS), numbers, 20_000)
    assert made.parties == (1, 2, 3, 9, 7)
    assert made.receivable == (0b11000, 850_000, 400_000, 17, True, 365, day("2025-06-15"))
    own = deal_terms(agreed(receivable={"max_days": 400}), NUMBERS, 20_000).receivable
    assert own == (0, 1_000_000, 0, 0, False, 400, 0)
    assert deal_terms(agreed(), NUMBERS, 20_000).receivable == (0, 0, 0, 0, False, 0, 0)
    assert decode_terms(encode_terms(made)) == made


def test_a_deal_of_mode_receivable_has_vouchers_without_its_table() -> None:
    plain = deal_terms(agreed(mode="receivable"), NUMBERS, 0)
    assert plain.receivable == (0, 1_000_000, 0, 0, False, 0, 0)
    assert plain == deal_terms(agreed(mode="receivable", receivable={}), NUMBERS, 0)


def test_tables_that_are_not_there_have_their_own_marks() -> None:
    made = deal_terms(agreed(), NUMBERS, 0)
    nobody = events.FUNDERS
    assert made.deposit == (nobody, nobody, 0, 0, 0)
    assert (made.layers, made.claim) == ((), (0, False, False))
    assert made.period == (0, 0, 0, 0, False, (), ())
    assert made.demands == 16, "two funders"


def test_excess_rule_reaches_the_contracts() -> None:
    excess = {"rule": "excess", "to": "platform-p", "bank_return": "7%", "share": "60%"}
    made = deal_terms(agreed(period=excess), NUMBERS, 0)
    assert made.period == (1, 1, 70_000, 600_000, False, (), ())


def test_limits_are_dated_by_the_rules_of_the_packs() -> None:
    made = deal_terms(agreed(rules=["cn-2025"], limits={}), NUMBERS, day("2022-01-01"))
    rates = [(one.from_date, one.max_annual_rate_ppm, one.max_joint_share_ppm) for one in made.limits]
    assert rates == [
        (day("2022-01-01"), 360_000, 0),
        (day("2023-07-01"), 360_000, 500_000),
        (day("2025-10-01"), 240_000, 500_000),
    ]


def test_days_on_which_no_limit_of_the_contracts_changes_begin_no_segment() -> None:
    own = {"max_annual_rate": "20%"}
    made = deal_terms(agreed(rules=["cn-2025"], limits=own), NUMBERS, day("2023-07-01"))
    assert [one.from_date for one in made.limits] == [day("2023-07-01")]


def test_terms_for_loans_of_any_day_begin_with_the_first_there_is() -> None:
    made = deal_terms(agreed(rules=["cn-2025"], limits={}), NUMBERS, 0)
    assert made.limits[0] == (0,) * 11
    assert made.limits[-1].from_date == day("2025-10-01")
    assert len(made.limits) <= 8


@pytest.mark.parametrize(("check", "bit"), [("off", 0), ("warn", 0), ("refuse", 8)])
def test_contract_refuses_interest_above_accrued_only_when_told(check: str, bit: int) -> None:
    made = deal_terms(agreed(limits={"interest_check": check}), NUMBERS, 0)
    assert made.demands & 8 == bit


def test_fee_for_each_loan_keeps_the_demand_on_fees_of_borrowers() -> None:
    """The contract then asks no licence of its payee, and lets no entry have a fee."""
    fee = {"to": "guarantor-g", "per_loan": "30.00"}
    made = deal_terms(agreed(rules=["cn-2025"], fee=fee), NUMBERS, 20_000)
    assert made.demands == 1 | 2 | 4 | 16


@pytest.mark.parametrize("changes", [{}, EVERYTHING], ids=["least", "everything"])
def test_terms_come_back_from_their_event_and_from_the_book(changes: dict[str, Any]) -> None:
    made = deal_terms(agreed(**changes), NUMBERS, 20_000)
    (event,) = (one for one in artifact("Deals").abi if one.get("name") == "TermsProposed")
    types = [_type(field) for field in event["inputs"]]
    fields: dict[str, Any] = {
        "address": bytes(20), "block_number": 1, "transaction_hash": bytes(32),
        "transaction_index": 0, "log_index": 0,
    }  # fmt: skip
    log = Log(
        topics=(
            keccak(f"TermsProposed({','.join(types)})".encode()),
            label("joint"),
            (3).to_bytes(32, "big"),
        ),
        data=encode(types[2:], [7, terms_hash(made), made]),
        **fields,
    )
    assert decode_event(log) == events.TermsProposed(label("joint"), 3, 7, terms_hash(made), made)
    assert decode_terms(encode_terms(made)) == made


def test_signed_and_boolean_fields_of_events_are_read() -> None:
    items = {
        one["name"]: one for name in CONTRACTS for one in artifact(name).abi if one["type"] == "event"
    }
    for name in ("PeriodClosed", "LoanRecovered", "ListChanged"):
        item = items[name]
        types = [field["type"] for field in item["inputs"]]
        values = [VALUES[kind] for kind in types]
        indexed = sum(field["indexed"] for field in item["inputs"])
        log = Log(
            address=bytes(20),
            topics=(
                keccak(f"{name}({','.join(types)})".encode()),
                *(encode([kind], [value]) for kind, value in zip(types, values, strict=True))
            )[: indexed + 1],
            data=encode(types[indexed:], values[indexed:]),
            block_number=1,
            transaction_hash=bytes(32),
            transaction_index=0,
            log_index=0,
        )
        assert decode_event(log) == getattr(events, name)(*values)


VALUES: dict[str, Any] = {
    "uint256": 2**255,
    "int256": -(2**254),
    "bool": True,
    "bytes32": b"\xff" * 32,
    "uint256[2]": (1, 2**256 - 1),
}


def test_action_id_is_the_hash_of_target_and_call_data() -> None:
    assert action_id(b"\xab" * 20, b"\x01") == keccak(b"\xab" * 20 + b"\x01")


def test_amounts_come_back_from_their_word() -> None:
    amounts = events.Amounts(1, 2**56 - 1, 0, 7)
    assert events.Amounts.unpack(amounts.pack()) == amounts
    assert decode(["uint256"], amounts.pack().to_bytes(32, "big"))[0] == amounts.pack()


def test_kinds_of_entry_are_those_that_the_contracts_number() -> None:
    assert (WRITE_OFF, COMPENSATION, RECOVERY, CLAIM_REPAYMENT) == (4, 5, 6, 7)


def test_enumerations_fit_the_bits_that_the_contract_gives_them() -> None:
    assert len(Method) <= 16 and len(Purpose) <= 16
