"""What a pack says of exceptions, signatures, limits, lists and cash is what happened."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ledger import reading
from ledger.auditing.cash import match_bank_file
from ledger.auditing.limit_checks import Amounts, Verdict, limit_checks
from ledger.auditing.pack import Pack, make
from ledger.entries import Kind, loan_id
from ledger.ledger import Ledger
from ledger.money import date_of
from ledger.portfolio.all_in import all_in_ppm
from ledger.tables import Limits
from tests.auditing.asked import DEMO, FIRST, LAST, wanted


def tables(pack: Pack) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = json.loads(pack.files["pack.json"])["tables"]
    return found


@pytest.fixture
def shield(covered_ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    return tables(make(covered_ledger, wanted("shield", random=100)))


@pytest.fixture
def short(covered_ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    return tables(make(covered_ledger, wanted("short")))


# ---- exceptions


def test_every_reversal_is_an_exception_and_its_loan_in_the_sample(
    covered_ledger: Ledger, shield: dict[str, list[dict[str, Any]]]
) -> None:
    deal = covered_ledger.deal("shield")
    reversals = [
        one
        for one in reading.entries_of_deal(covered_ledger.book(), deal.deal)
        if one.kind is Kind.REVERSAL
    ]
    found = [row for row in shield["exceptions"] if row["rule"] == "reversal"]
    assert Counter(row["ref"] for row in found) == Counter(
        covered_ledger.ref(one.entry_id) for one in reversals
    )
    sampled = {row["loan_id"] for row in shield["sample"]}
    assert {"0x" + one.loan_id.hex() for one in reversals} <= sampled


def test_a_late_entry_is_an_exception_and_its_loan_in_the_sample(
    short: dict[str, list[dict[str, Any]]],
) -> None:
    (late,) = [row for row in short["exceptions"] if row["rule"] == "late-entry"]
    assert (late["ref"], late["date"]) == ("R-Z-001-9", "2026-02-02")
    assert "2026-02-01" in late["detail"]
    (sampled,) = short["sample"]
    assert "late" in sampled["reasons"].split(", ")


def test_disputes_of_a_day_are_exceptions(short: dict[str, list[dict[str, Any]]]) -> None:
    found = [row for row in short["exceptions"] if row["rule"] == "day-disputed"]
    assert {row["date"] for row in found} == {"2026-02-01"}
    # What bank-c signed first differs from the ledger's totals; what platform-p signed, from it.
    assert [(row["by"], row["detail"].split(" in: ")[0]) for row in found[:1]] == [
        ("bank-c", "differs from the ledger")
    ]
    assert any("breaks" in row["detail"] for row in found)


def test_days_that_are_not_sealed_are_one_exception(
    covered_ledger: Ledger, shield: dict[str, list[dict[str, Any]]]
) -> None:
    deal = covered_ledger.deal("shield")
    still_open = reading.open_days(covered_ledger.book(), deal.deal, deal.sealed_through)
    (found,) = [row for row in shield["exceptions"] if row["rule"] == "day-not-sealed"]
    counted = sum(count for day, count in still_open.items() if FIRST <= day <= LAST)
    assert f"{len(still_open)} business day(s) with {counted} entries" == found["detail"]


def test_a_loan_due_for_compensation_and_not_claimed_is_an_exception(
    shield: dict[str, list[dict[str, Any]]],
) -> None:
    """The compensation of S-005 was reversed, and nobody claimed it again."""
    found = [row["ref"] for row in shield["exceptions"] if row["rule"] == "claim-due"]
    assert found == ["S-005"]


def test_a_write_off_stands_with_both_signatures(
    covered_ledger: Ledger, shield: dict[str, list[dict[str, Any]]]
) -> None:
    found = [row for row in shield["exceptions"] if row["detail"] == "wrote off"]
    assert {row["ref"] for row in found} == {"S-003", "S-004"}
    lead = covered_ledger.member("bank-a")
    for row in found:
        assert f"maker 0x{lead.maker.hex()}, checker 0x{lead.checker.hex()}" in row["by"]
    assert {row["loan_ref"] for row in shield["sample"]} >= {"S-003", "S-004"}


def test_rules_count_the_exceptions(shield: dict[str, list[dict[str, Any]]]) -> None:
    counts = Counter(row["rule"] for row in shield["exceptions"])
    assert {row["rule"]: row["count"] for row in shield["rules"]} == counts
    assert all(row["rule_meaning"] for row in shield["rules"])


# ---- who signed


def test_versions_name_who_signed_them_and_when_they_came_into_force(
    covered_ledger: Ledger, shield: dict[str, list[dict[str, Any]]]
) -> None:
    assert [row["version"] for row in shield["terms"]] == [1, 2]
    for row in shield["terms"]:
        signed = row["signed_by"].split(", ")
        assert sorted(signed) == ["bank-a", "bank-b", "guarantor-g", "platform-p"]
        assert row["document"] == "same"
        version = covered_ledger.terms("shield", row["version"])
        assert row["document_digest"] == "0x" + version.digest.hex()
        assert row["in_force_since"].startswith("2026-01-01T")


def test_every_signature_of_the_terms_is_by_keys_of_that_member(
    covered_ledger: Ledger, shield: dict[str, list[dict[str, Any]]]
) -> None:
    signed = [row for row in shield["acts"] if row["act"] == "sign"]
    assert len(signed) == 8
    for row in signed:
        member = covered_ledger.member(row["member"])
        makers = [one.key for one in reading.maker_keys(covered_ledger.book(), member.number)]
        assert row["maker_key"] in ["0x" + key.hex() for key in makers]
        assert row["checker_key"] == "0x" + member.checker.hex()
        assert row["maker_block"] <= row["checker_block"]


def test_signatures_of_days_say_which_one_sealed(short: dict[str, list[dict[str, Any]]]) -> None:
    rows = [row for row in short["days"] if row["date"] == "2026-02-01"]
    assert {(row["member"], row["sealed"]) for row in rows} == {
        ("bank-c", "yes"), ("platform-p", "yes"),
    }  # fmt: skip
    assert len({row["digest"] for row in rows}) == 1


def test_suspensions_and_closings_are_in_it(short: dict[str, list[dict[str, Any]]]) -> None:
    acts = [row["act"] for row in short["acts"]]
    assert [acts.count(one) for one in ("suspend", "resume", "close_deal")] == [2, 1, 2]


def test_closed_months_are_in_it(
    covered_ledger: Ledger, shield: dict[str, list[dict[str, Any]]]
) -> None:
    deal = covered_ledger.deal("shield")
    known = reading.statements(covered_ledger.book(), deal.deal)
    assert [row["platform_gets_minor"] for row in shield["statements"]] == [
        one.platform_minor for one in known
    ]


# ---- a loan's sheet


def test_lists_say_what_held_at_the_booking(shield: dict[str, list[dict[str, Any]]]) -> None:
    rows = [row for row in shield["lists"] if row["loan_ref"] == "S-000"]
    by_lead = {(row["party"], row["role"]): row["at_booking"] for row in rows if row["funder"] == "bank-a"}
    assert by_lead == {
        ("bank-b", "cofund"): "listed",
        ("platform-p", "assist"): "listed",
        ("platform-p", "enhance"): "listed",
        ("guarantor-g", "enhance"): "listed",
    }
    assert {row["at_booking"] for row in rows if row["funder"] == "bank-b"} == {"no-list"}


def test_what_a_borrower_owed_is_the_sum_of_its_loans_by_then(
    covered_ledger: Ledger, shield: dict[str, list[dict[str, Any]]]
) -> None:
    found = {
        row["loan_ref"]: row for row in shield["limits"] if row["limit_name"] == "max_per_borrower"
    }
    assert found
    # S-007 is the second loan of B-000 and was booked with S-000 in one batch, after it.
    book, deal = covered_ledger.book(), covered_ledger.deal("shield")
    salt = covered_ledger.salt("shield")
    loans = [reading.loan(book, deal.deal, loan_id(salt, ref)) for ref in ("S-000", "S-007")]
    assert all(loans)
    owed = sum(one.principal_minor for one in loans if one)
    assert found["S-007"]["found"] == owed
    assert found["S-007"]["verdict"] == "within"


def test_legs_of_an_entry_add_up_to_it(shield: dict[str, list[dict[str, Any]]]) -> None:
    legs: Counter[tuple[str, str, str]] = Counter()
    names = ("principal_minor", "interest_minor", "penalty_minor", "fee_minor")
    for row in shield["legs"]:
        for name in names:
            legs[row["loan_ref"], row["ref"], row["kind"]] += row[name]
    whole = ("booking", "repayment", "write-off")
    checked = 0
    for row in shield["entries"]:
        if row["kind"] in whole:
            checked += 1
            total = sum(row[name] for name in names)
            assert legs[row["loan_ref"], row["ref"], row["kind"]] == total, row
    assert checked > 20


def test_limits_of_a_rule_pack_are_named_by_their_rule(
    short: dict[str, list[dict[str, Any]]],
) -> None:
    (rate,) = [row for row in short["limits"] if row["limit_name"] == "max_annual_rate"]
    assert rate["source"].startswith("CN-15 (")
    assert (rate["limit"], rate["verdict"]) == (240_000, "within")


def test_a_loan_above_a_limit_is_exceeded(covered_ledger: Ledger) -> None:
    book, deal = covered_ledger.book(), covered_ledger.deal("shield")
    (loan, _), *_ = reading.histories(book, deal.deal)
    terms = reading.versions(book, deal.deal)[0].terms
    document = covered_ledger.terms("shield", 1)
    cost = all_in_ppm(loan, document)
    strict = document.model_copy(
        update={
            "limits": Limits(
                max_annual_rate_ppm=cost - 1,
                max_per_borrower_minor=99,
                max_outstanding_minor=1_000,
                max_all_in_cost_ppm=cost,
                max_guarantee_multiple_ppm=10_000_000,
            )
        }
    )
    amounts = Amounts(borrower_minor=100, outstanding_minor=1_000)
    checks = limit_checks(loan, terms, strict, cost, amounts)
    assert {one.field: one.verdict for one in checks} == {
        "max_annual_rate_ppm": Verdict.EXCEEDED,
        "max_per_borrower_minor": Verdict.EXCEEDED,
        "max_outstanding_minor": Verdict.WITHIN,
        "max_all_in_cost_ppm": Verdict.WITHIN,
        "max_guarantee_multiple_ppm": Verdict.NOT_RECOMPUTED,
    }
    assert {one.rule for one in checks} == {"limits"}


# ---- cash


def bank_file(ledger: Ledger, folder: Path, *, without: str = "") -> Path:
    """A statement of the collector's account with a line for each entry, but for one."""
    deal = ledger.deal(DEMO)
    rows = ["reference,value_date,amount,counterparty,text"]
    for one in reading.entries_of_deal(ledger.book(), deal.deal):
        ref = ledger.ref(one.entry_id)
        if one.kind in (Kind.BOOKING, Kind.REPAYMENT) and ref != without:
            amount = sum(one.amounts) if one.kind is Kind.REPAYMENT else -one.amounts.principal_minor
            sign = "-" if amount < 0 else ""
            rows.append(
                f"{ref},{date_of(one.date)},{sign}{abs(amount) // 100}.{abs(amount) % 100:02},,"
            )
    path = folder / "bank.csv"
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


def test_without_a_bank_file_cash_is_not_reconciled_here(demo_ledger: Ledger) -> None:
    pack = make(demo_ledger, wanted(DEMO))
    entries = tables(pack)["entries"]
    moved = {row["cash"] for row in entries if row["kind"] in ("booking", "repayment")}
    assert moved == {"not-reconciled"}
    assert {row["cash"] for row in entries} <= {"not-reconciled", "none"}
    assert b"not reconciled here" in pack.files["index.html"]


def test_with_a_bank_file_each_entry_says_whether_a_line_agrees(
    demo_ledger: Ledger, tmp_path: Path
) -> None:
    sampled = tables(make(demo_ledger, wanted(DEMO)))["entries"]
    gone = next(row["ref"] for row in sampled if row["kind"] == "repayment")
    file = bank_file(demo_ledger, tmp_path, without=gone)
    bank = match_bank_file(demo_ledger, DEMO, file, first=FIRST, last=LAST)
    pack = make(demo_ledger, wanted(DEMO), bank=bank)
    states = {
        row["ref"]: row["cash"]
        for row in tables(pack)["entries"]
        if row["kind"] in ("booking", "repayment")
    }
    assert states.pop(gone).startswith("break B")
    assert set(states.values()) == {"matched"}
    inputs = json.loads(pack.files["inputs.json"])
    assert inputs["bank"]["sha256"] == bank.sha256
    # No more of the file goes into the pack than what it says of the sample.
    assert set(inputs["bank"]["matched"]) == set(states)


def test_a_settlement_that_an_entry_is_in_is_named(
    shield: dict[str, list[dict[str, Any]]],
) -> None:
    settled = {row["settled_in"] for row in shield["entries"]}
    assert "" in settled and len(settled) > 1
    assert {row["references"] for row in shield["settlements"]} >= {"BANK-3"}
