"""Bindings: names, calls and events are those of the shipped artifacts."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from eth_abi import decode
from eth_hash.auto import keccak

from ledger import events, terms
from ledger.bindings import (
    CONTRACTS,
    action_id,
    artifact,
    deal_terms,
    decode_event,
    encode_batch,
    encode_call,
    label,
    terms_hash,
)
from ledger.chain.engine import Log
from ledger.entries import Method, Purpose
from ledger.records import name_of
from tests.sdk.sdk_office import TERMS

NUMBERS = {"bank-a": 1, "platform-p": 2, "guarantor-g": 3}


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


@pytest.mark.parametrize("count", [0, 1, 200])
def test_batch_is_encoded_as_the_abi_says(count: int) -> None:
    rows = [(number + 1, 2**256 - 1 - number, number << 16, number) for number in range(count)]
    as_abi = encode_call(
        "Loans",
        "repay",
        label("joint"),
        3,
        [(a.to_bytes(32, "big"), b.to_bytes(32, "big"), c, d) for a, b, c, d in rows],
    )
    assert encode_batch("repay", label("joint"), 3, rows) == as_abi


@pytest.mark.parametrize("function", ["book", "repay", "mark_overdue", "waive", "write_off"])
def test_every_field_of_a_batch_is_one_word(function: str) -> None:
    (item,) = (one for one in artifact("Loans").abi if one.get("name") == function)
    assert [one["type"] for one in item["inputs"]] == ["bytes32", "uint256", "tuple[]"]
    fields = item["inputs"][2]["components"]
    assert {field["type"] for field in fields} <= {"bytes32", "uint256"}


def test_every_event_of_the_contracts_has_a_record_with_its_field_names() -> None:
    items = [one for name in CONTRACTS for one in artifact(name).abi if one["type"] == "event"]
    assert len(items) >= 15
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
    assert (made.servicer, made.disbursed_by, made.collected_by, made.fee_to) == (1, 0, 0, 2)
    assert made.interest == (events.TierTerms(1, 200_000, 0),)
    assert made.penalty == (events.TierTerms(1, 100_000, 0),)
    assert made.limits.max_annual_rate_ppm == 240_000
    assert made.limits.max_per_consumer_minor == 0
    assert made.effective_date == 20_000
    assert made.document_digest == agreed().digest


def test_tier_to_the_funders_and_fee_to_nobody_have_their_own_mark() -> None:
    data = tomllib.loads(TERMS)
    del data["fee"]
    data["interest"] = [{"to": "funders", "rate": "6%"}]
    made = deal_terms(terms.read(data), NUMBERS, 0)
    assert made.fee_to == events.FUNDERS
    assert made.interest == (events.TierTerms(events.FUNDERS, 0, 60_000),)


def test_terms_hash_changes_with_every_field() -> None:
    base = deal_terms(agreed(), NUMBERS, 0)
    changed = [
        base._replace(servicer=0),
        base._replace(effective_date=1),
        base._replace(shares_ppm=(700_001, 299_999)),
        base._replace(document_digest=bytes(32)),
        base._replace(limits=base.limits._replace(max_bullet_days=366)),
    ]
    assert len({terms_hash(one) for one in [base, *changed]}) == 6


def test_action_id_is_the_hash_of_target_and_call_data() -> None:
    assert action_id(b"\xab" * 20, b"\x01") == keccak(b"\xab" * 20 + b"\x01")


def test_amounts_come_back_from_their_word() -> None:
    amounts = events.Amounts(1, 2**56 - 1, 0, 7)
    assert events.Amounts.unpack(amounts.pack()) == amounts
    assert decode(["uint256"], amounts.pack().to_bytes(32, "big"))[0] == amounts.pack()


def test_enumerations_fit_the_bits_that_the_contract_gives_them() -> None:
    assert len(Method) <= 16 and len(Purpose) <= 16
