"""Entries: what each kind holds, its ref, its id on the chain, and what is refused."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ledger import entries
from ledger.entries import (
    Booking,
    CashLine,
    Cure,
    Entry,
    Kind,
    Method,
    OverdueMark,
    Purpose,
    Recovery,
    Repayment,
    Reversal,
    VoucherIssue,
    Waiver,
    WriteOff,
)
from ledger.errors import EntryInvalid
from ledger.problems import problems_of

DAY = date(2025, 10, 1)
LATER = date(2026, 10, 1)
BOOKING: dict[str, Any] = {
    "loan_ref": "L-1",
    "borrower_ref": "B-1",
    "start_date": DAY,
    "maturity_date": LATER,
    "principal_minor": 780_000,
    "annual_rate_ppm": 180_000,
    "method": Method.EQUAL_INSTALLMENT,
    "purpose": Purpose.CONSUMER,
}
REPAYMENT: dict[str, Any] = {
    "entry_ref": "R-1",
    "loan_ref": "L-1",
    "date": DAY,
    "principal_minor": 59_810,
    "interest_minor": 11_700,
    "penalty_minor": 0,
    "fee_minor": 0,
}
WAIVER: dict[str, Any] = {
    "entry_ref": "W-1", "loan_ref": "L-1", "date": DAY, "interest_minor": 1, "penalty_minor": 0,
}  # fmt: skip
RECOVERY: dict[str, Any] = {
    "entry_ref": "V-1", "loan_ref": "L-1", "date": DAY, "amount_minor": 100, "cost_minor": 10,
}  # fmt: skip
VOUCHER: dict[str, Any] = {
    "voucher_ref": "X-1", "core": "c", "supplier": "s", "invoice_ref": "I-1",
    "issue_date": DAY, "due_date": LATER, "amount_minor": 100,
}  # fmt: skip

ONE_OF_EACH: list[tuple[Entry, Kind, str]] = [
    (Booking(**BOOKING), Kind.BOOKING, "L-1"),
    (Repayment(**REPAYMENT), Kind.REPAYMENT, "R-1"),
    (OverdueMark(loan_ref="L-1", since_date=DAY), Kind.OVERDUE, "overdue/L-1/2025-10-01"),
    (Cure(loan_ref="L-1").ending(DAY), Kind.CURE, "cure/L-1/2025-10-01"),
    (Waiver(**WAIVER), Kind.WAIVER, "W-1"),
    (WriteOff(loan_ref="L-1", date=DAY), Kind.WRITE_OFF, "write-off/L-1/2025-10-01"),
    (Recovery(**RECOVERY), Kind.RECOVERY, "V-1"),
    (Reversal(entry_ref="R-1"), Kind.REVERSAL, "reversal/R-1"),
]


@pytest.mark.parametrize(("entry", "kind", "ref"), ONE_OF_EACH)
def test_entry_has_its_kind_and_exactly_one_ref(entry: Entry, kind: Kind, ref: str) -> None:
    assert (entry.kind, entry.ref) == (kind, ref)


def test_there_is_one_model_per_kind() -> None:
    # These two are posted by the contracts on their own reckoning: nobody writes them.
    reckoned = {Kind.COMPENSATION, Kind.CLAIM_REPAYMENT}
    assert {kind for _, kind, _ in ONE_OF_EACH} == set(Kind) - reckoned


@pytest.mark.parametrize(("entry", "kind", "ref"), ONE_OF_EACH)
def test_entry_comes_back_from_json(entry: Entry, kind: Kind, ref: str) -> None:
    assert type(entry).model_validate_json(entry.model_dump_json()) == entry


def test_entry_is_frozen() -> None:
    booking = Booking(**BOOKING)
    with pytest.raises(ValidationError):
        booking.principal_minor = 1


def test_cure_knows_no_mark_until_the_book_says() -> None:
    assert Cure(loan_ref="L-1").ends_since_date is None
    assert Cure(loan_ref="L-1").ref == "cure/L-1/"


def test_reversal_may_name_a_ref_that_was_made_up() -> None:
    long = OverdueMark(loan_ref="L" * 64, since_date=DAY).ref
    assert Reversal(entry_ref=long).ref == f"reversal/{long}"


def test_total_of_a_repayment_is_all_money_received() -> None:
    assert Repayment(**REPAYMENT).total_minor == 71_510


WRONG: list[tuple[type[Any], dict[str, Any], str]] = [
    (Booking, {**BOOKING, "principal_minor": 0}, "principal_minor"),
    (Booking, {**BOOKING, "principal_minor": -1}, "principal_minor"),
    (Booking, {**BOOKING, "principal_minor": 2**56}, "principal_minor"),
    (Booking, {**BOOKING, "principal_minor": True}, "principal_minor"),
    (Booking, {**BOOKING, "principal_minor": 1.0}, "principal_minor"),
    (Booking, {**BOOKING, "principal_minor": "780000"}, "principal_minor"),
    (Booking, {**BOOKING, "annual_rate_ppm": -1}, "annual_rate_ppm"),
    (Booking, {**BOOKING, "annual_rate_ppm": 10_000_001}, "annual_rate_ppm"),
    (Booking, {**BOOKING, "maturity_date": DAY}, "maturity_date"),
    (Booking, {**BOOKING, "maturity_date": date(2025, 9, 30)}, "maturity_date"),
    (Booking, {**BOOKING, "start_date": date(1969, 12, 31)}, "start_date"),
    (Booking, {**BOOKING, "start_date": "2025-10-01"}, "start_date"),
    (Booking, {**BOOKING, "method": "bullet"}, "method"),
    (Booking, {**BOOKING, "purpose": None}, "purpose"),
    (Booking, {**BOOKING, "extra": 1}, "extra"),
    (Booking, {**BOOKING, "loan_ref": ""}, "loan_ref"),
    (Booking, {**BOOKING, "loan_ref": "L" * 65}, "loan_ref"),
    (Booking, {**BOOKING, "loan_ref": "银" * 22}, "loan_ref"),
    (Booking, {**BOOKING, "loan_ref": "a\nb"}, "loan_ref"),
    (Booking, {**BOOKING, "loan_ref": "a\x00"}, "loan_ref"),
    (Booking, {**BOOKING, "loan_ref": "a\x7f"}, "loan_ref"),
    (Booking, {**BOOKING, "loan_ref": "a\x85"}, "loan_ref"),
    (Booking, {**BOOKING, "loan_ref": "a\ud800"}, "loan_ref"),
    (Booking, {**BOOKING, "borrower_ref": 7}, "borrower_ref"),
    (Repayment, {**REPAYMENT, "principal_minor": 0, "interest_minor": 0}, "principal"),
    (Repayment, {**REPAYMENT, "fee_minor": -1}, "fee_minor"),
    (Repayment, {**REPAYMENT, "principal_minor": 2**56 - 1}, "principal"),
    (Waiver, {**WAIVER, "interest_minor": 0}, "interest"),
    (Recovery, {**RECOVERY, "amount_minor": 0}, "amount_minor"),
    (Recovery, {**RECOVERY, "cost_minor": 101}, "cost"),
    (OverdueMark, {"loan_ref": "L-1", "since_date": None}, "since_date"),
    (WriteOff, {"loan_ref": "L-1"}, "date"),
    (Reversal, {"entry_ref": ""}, "entry_ref"),
    (VoucherIssue, {**VOUCHER, "due_date": DAY}, "due_date"),
    (VoucherIssue, {**VOUCHER, "amount_minor": 0}, "amount_minor"),
]


@pytest.mark.parametrize(("model", "fields", "column"), WRONG)
def test_entry_that_breaks_a_rule_is_refused(
    model: type[Any], fields: dict[str, Any], column: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        model(**fields)
    assert [problem.column for problem in problems_of(refused.value)] == [column]


@pytest.mark.parametrize("ref", ["L", "L" * 64, "银" * 21, "a b", " ", "a/b", "é", "—", "\u3000"])
def test_ref_is_any_text_up_to_64_bytes(ref: str) -> None:
    assert Booking(**{**BOOKING, "loan_ref": ref}).ref == ref


def test_bank_statement_line_may_be_negative_and_without_text() -> None:
    line = CashLine(reference="S-1", value_date=DAY, amount_minor=-5, counterparty="", text="")
    assert (line.ref, line.amount_minor) == ("S-1", -5)


def test_content_differs_when_any_field_does() -> None:
    changes: list[dict[str, Any]] = [
        {"loan_ref": "L-2"},
        {"borrower_ref": "B-2"},
        {"start_date": date(2025, 10, 2)},
        {"maturity_date": date(2026, 10, 2)},
        {"principal_minor": 780_001},
        {"annual_rate_ppm": 180_001},
        {"method": Method.BULLET},
        {"purpose": Purpose.BUSINESS},
    ]
    assert {name for change in changes for name in change} == set(BOOKING)
    contents = {Booking(**{**BOOKING, **change}).content for change in [{}, *changes]}
    assert len(contents) == len(changes) + 1
    assert Booking(**BOOKING).content == Booking(**BOOKING).content


def test_content_of_different_kinds_never_coincides() -> None:
    assert len({entry.content for entry, _, _ in ONE_OF_EACH}) == len(ONE_OF_EACH)
    mark, written_off = OverdueMark(loan_ref="L", since_date=DAY), WriteOff(loan_ref="L", date=DAY)
    assert mark.content[1:] == written_off.content[1:]
    assert mark.content != written_off.content


def test_content_is_text_and_integers() -> None:
    assert Booking(**BOOKING).content == (
        "Booking", "L-1", "B-1", 20_362, 20_727, 780_000, 180_000, "equal_installment", "consumer",
    )  # fmt: skip
    assert json.dumps(Cure(loan_ref="L").content) == '["Cure", "L", ""]'


def test_ids_are_salted_hashes_of_the_ref() -> None:
    salt = bytes(range(32))
    expected = "0d2365646fdbf76b57b0c0fcdfd59f3b834eaf2feaeca4e19daba0f767cb0dab"
    assert entries.loan_id(salt, "L-1").hex() == expected
    assert entries.entry_id(salt, "L-1").hex() == expected
    assert entries.borrower_id(salt, "L-1").hex() == expected
    assert entries.loan_id(bytes(32), "L-1").hex() != expected
    assert len(entries.entry_id(salt, "还款/银行")) == 32


def test_salt_of_another_length_is_an_error_of_the_program() -> None:
    with pytest.raises(AssertionError):
        entries.loan_id(b"short", "L-1")


def test_duplicate_refs_among_entries_are_all_named() -> None:
    first, other = Repayment(**REPAYMENT), Repayment(**{**REPAYMENT, "entry_ref": "R-2"})
    entries.refuse_duplicates([first, other])
    with pytest.raises(EntryInvalid) as refused:
        entries.refuse_duplicates([first, other, other, first])
    assert [problem.found for problem in refused.value.problems] == ["'R-2'", "'R-1'"]
    assert [problem.column for problem in refused.value.problems] == ["[3]", "[4]"]


def test_json_schema_of_all_entries_is_published() -> None:
    schema = TypeAdapter(Entry).json_schema()
    assert set(schema["$defs"]) >= {"Booking", "Repayment", "OverdueMark", "Reversal"}
