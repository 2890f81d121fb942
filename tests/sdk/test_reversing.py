"""Reversing: exact mirrors of any kind, each the latest that stands, all of a call or none."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger import reading
from ledger.entries import Entry, Kind, OverdueMark, Recovery, Waiver, WriteOff, loan_id
from ledger.errors import EntryRejected, UsageInvalid
from ledger.events import fields_of
from ledger.ledger import Ledger
from ledger.money import date_of
from ledger.records import Loan
from ledger.tips import packed
from ledger.waterfall import Account
from tests.sdk.sdk_office import (
    COVERED,
    DEAL,
    GUARANTOR,
    LEAD,
    SERVICER,
    agree,
    booking,
    overdue,
    pay_deposit,
    repayment,
    uncovered,
)

CLAIMED_ON = date(2026, 6, 8)
COMPENSATION = "compensation/L-1/2026-06-08"


def submit(ledger: Ledger, *entries: Entry, deal: str = DEAL, by: str = SERVICER) -> None:
    ledger.submit(entries, deal=deal, by=by)


def reverse(
    ledger: Ledger, *refs: str, deal: str = DEAL, by: str = SERVICER, **options: Any
) -> int:
    return ledger.reverse(refs, deal=deal, by=by, **options).posted


def balances(ledger: Ledger, deal: str) -> dict[int, dict[Account, int]]:
    found = ledger.deal(deal)
    agreed = reading.versions(ledger.book(), found.deal)[-1].terms
    return reading.balances(ledger.book(), found.deal, agreed)


def loan(ledger: Ledger, deal: str, ref: str = "L-1") -> Loan:
    found = reading.loan(ledger.book(), ledger.deal(deal).deal, loan_id(ledger.salt(deal), ref))
    assert found is not None
    # Which entries there were is no part of how a loan stands.
    found.sequence = found.last_entry = 0
    return found


def test_reversals_within_one_call_build_on_each_other(ledger: Ledger) -> None:
    submit(ledger, booking(), repayment("A"), repayment("B"), repayment("C"))
    done = ledger.reverse(["C", "B", "A", "L-1"], deal=DEAL, by=SERVICER)
    assert (done.posted, done.already_posted) == (4, 0)
    assert ledger.reverse(["A", "L-1"], deal=DEAL, by=SERVICER).already_posted == 2


def test_reversal_out_of_order_leaves_nothing_of_the_call(ledger: Ledger) -> None:
    submit(ledger, booking(), booking("L-2"), repayment("A"), repayment("B"), repayment("C", "L-2"))
    head = ledger.engine.head()
    with pytest.raises(EntryRejected) as error:
        ledger.reverse(["C", "A"], deal=DEAL, by=SERVICER)
    assert [(row.ref, row.reason) for row in error.value.rows] == [("A", "ENTRY_NOT_LATEST")]
    assert ledger.engine.head() == head


def test_booking_is_named_by_its_loan_even_when_an_entry_has_the_same_ref(ledger: Ledger) -> None:
    submit(ledger, booking("same"), booking("other"))
    submit(ledger, repayment("same", "other"))
    with pytest.raises(UsageInvalid):
        ledger.reverse(["same"], deal=DEAL, by=SERVICER)
    assert reverse(ledger, "booking/same") == 1


def test_mark_is_not_reversed(ledger: Ledger) -> None:
    submit(ledger, booking(), OverdueMark(loan_ref="L-1", since_date=date(2026, 3, 1)))
    with pytest.raises(UsageInvalid):
        ledger.reverse(["overdue/L-1/2026-03-01"], deal=DEAL, by=SERVICER)


def test_unknown_ref_is_a_usage_error(insured: Ledger) -> None:
    for ref in ("nothing", "booking/nothing", "deposit/nothing"):
        with pytest.raises(UsageInvalid):
            reverse(insured, ref, deal=COVERED)


def test_booking_that_cost_a_fee_is_mirrored(ledger: Ledger) -> None:
    """What each loan costs the funders is in the entry, and not in the row that made it."""
    fee = {"to": GUARANTOR, "per_loan": "1.23"}
    agree(ledger, uncovered(id="referral", mode="referral", fee=fee))
    submit(ledger, booking(), repayment(), deal="referral")
    assert reverse(ledger, "R-1", "L-1", deal="referral") == 2
    assert not any(any(own.values()) for own in balances(ledger, "referral").values())


def test_lead_reverses_waivers_and_write_offs(ledger: Ledger) -> None:
    submit(ledger, booking(), repayment())
    waiver = Waiver(
        entry_ref="W", loan_ref="L-1", date=date(2026, 3, 1), interest_minor=5, penalty_minor=6
    )
    before = loan(ledger, DEAL)
    submit(ledger, waiver, WriteOff(loan_ref="L-1", date=date(2026, 6, 30)), by=LEAD)
    refs = ("write-off/L-1/2026-06-30", "W")
    with pytest.raises(EntryRejected) as refused:
        reverse(ledger, *refs)
    assert refused.value.reason == "SENDER_NOT_LEAD"
    assert reverse(ledger, *refs, by=LEAD) == 2
    assert loan(ledger, DEAL) == before


def test_every_kind_is_mirrored_back_to_where_it_began(insured: Ledger) -> None:
    """Six kinds on one loan, taken back one by one; balances and loan are what each found."""
    write_off = WriteOff(loan_ref="L-1", date=date(2026, 8, 1))
    steps: list[tuple[str, Any]] = [
        ("R-1", repayment(penalty_minor=7)),
        ("W", Waiver(
            entry_ref="W", loan_ref="L-1", date=date(2026, 3, 1),
            interest_minor=5, penalty_minor=6,
        )),
        (COMPENSATION, None),
        ("V-1", Recovery(
            entry_ref="V-1", loan_ref="L-1", date=date(2026, 7, 1),
            amount_minor=300_001, cost_minor=1_000,
        )),
        ("R-2", repayment("R-2", date=date(2026, 7, 2), principal_minor=10, interest_minor=3)),
        ("write-off/L-1/2026-08-01", write_off),
        ("V-2", Recovery(
            entry_ref="V-2", loan_ref="L-1", date=date(2026, 9, 1),
            amount_minor=700_000, cost_minor=0,
        )),
    ]  # fmt: skip
    submit(insured, booking(), overdue(), deal=COVERED)
    by = {"W": LEAD, "write-off/L-1/2026-08-01": LEAD}
    found = []
    for ref, entry in steps:
        found.append((loan(insured, COVERED), balances(insured, COVERED), _used(insured)))
        if entry is None:
            insured.claim_run(COVERED, date=CLAIMED_ON, by=SERVICER)
        else:
            submit(insured, entry, deal=COVERED, by=by.get(ref, SERVICER))
    for ref, _ in reversed(steps):
        assert reverse(insured, ref, deal=COVERED, by=by.get(ref, SERVICER)) == 1, ref
        now = loan(insured, COVERED), balances(insured, COVERED), _used(insured)
        assert now == found.pop(), ref


def _used(ledger: Ledger) -> tuple[dict[int, int], int]:
    deal = ledger.deal(COVERED).deal
    used = {layer: used for layer, used in reading.used_minor(ledger.book(), deal).items() if used}
    return used, reading.deposit_minor(ledger.book(), deal)


def test_recovery_is_mirrored_on_the_day_that_is_asked_for(insured: Ledger) -> None:
    submit(insured, booking(), overdue(), deal=COVERED)
    insured.claim_run(COVERED, date=CLAIMED_ON, by=SERVICER)
    reverse(insured, COMPENSATION, deal=COVERED, on=date(2026, 7, 15))
    (last,) = [
        one
        for one in reading.entries_of_loan(
            insured.book(), insured.deal(COVERED).deal, loan_id(insured.salt(COVERED), "L-1")
        )
        if one.kind is Kind.REVERSAL
    ]
    assert date_of(last.date) == date(2026, 7, 15)


def test_compensation_below_a_recovery_is_not_the_latest(insured: Ledger) -> None:
    submit(insured, booking(), overdue(), deal=COVERED)
    insured.claim_run(COVERED, date=CLAIMED_ON, by=SERVICER)
    submit(insured, repayment(date=CLAIMED_ON), deal=COVERED)
    with pytest.raises(EntryRejected) as refused:
        reverse(insured, COMPENSATION, deal=COVERED)
    assert refused.value.reason == "ENTRY_NOT_LATEST"


# ---- payments into the deposit


def deposit(ledger: Ledger) -> int:
    return reading.deposit_minor(ledger.book(), ledger.deal(COVERED).deal)


def test_payment_into_the_deposit_is_mirrored_by_its_custodian(insured: Ledger) -> None:
    pay_deposit(insured, 5_000, ref="D-2")
    with pytest.raises(EntryRejected) as refused:
        reverse(insured, "D-2", deal=COVERED, by=GUARANTOR)
    assert refused.value.reason == "SENDER_NOT_CUSTODIAN"
    done = insured.reverse(["D-2"], deal=COVERED, by=LEAD)
    assert (done.posted, done.waiting, done.transactions) == (1, 0, 2)
    assert deposit(insured) == 1_000_000
    assert insured.reverse(["D-2"], deal=COVERED, by=LEAD).already_posted == 1


def test_payment_waits_for_the_custodians_checker(guarded: Ledger) -> None:
    done = guarded.reverse(["D-1"], deal=COVERED, by=LEAD)
    assert (done.posted, done.waiting, deposit(guarded)) == (0, 1, 1_000_000)
    again = guarded.reverse(["D-1"], deal=COVERED, by=LEAD)
    assert (again.actions, again.transactions) == (done.actions, 0)
    guarded.approve(done.actions[0], by=LEAD)
    assert deposit(guarded) == 0
    assert guarded.reverse(["D-1"], deal=COVERED, by=LEAD).already_posted == 1


def test_payment_with_the_ref_of_an_entry_is_named_by_a_prefix(insured: Ledger) -> None:
    submit(insured, booking(), repayment("D-1"), deal=COVERED)
    with pytest.raises(UsageInvalid):
        reverse(insured, "D-1", deal=COVERED, by=LEAD)
    assert reverse(insured, "deposit/D-1", deal=COVERED, by=LEAD) == 1
    assert deposit(insured) == 0


@pytest.mark.parametrize("count", [0, 1, 4, 5, 8])
def test_parts_are_packed_as_the_contracts_unpack_them(count: int) -> None:
    parts = [(place, 2**63 + place) for place in range(count)]
    found = fields_of(packed(parts))
    assert found == [amount for _, amount in parts] + [0] * (8 - count)
