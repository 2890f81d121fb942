"""`reverse_compensation`: the exact mirror of a compensation that stands on top of its loan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.guarantees.conftest import PRINCIPAL, SEALED
from tests.contracts.guarantees.desk import (
    Claim,
    Desk,
    Posted,
    Recovery,
    Reversal,
    reversed_event,
    submitted,
)
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.entries import (
    LAST_DAY,
    LAST_SEQUENCE,
    START,
    Booking,
    Kind,
    OverdueMark,
    Repayment,
    WriteOff,
    id_of,
    on,
    parts,
    reversal_of,
    tip_of,
)
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, deal_id, refused
from tests.contracts.sandbox.terms import Claim as ClaimTerms
from tests.contracts.sandbox.terms import Layer, Terms

ID = deal_id(DEAL)
CLAIM = Claim(entry="claim-1", loan="loan-1")


def state(desk: Desk, loan: str = "loan-1") -> tuple[Any, ...]:
    """Everything that an entry of the desk may move."""
    stored = desk.partnership.loan(loan)
    return (
        desk.partnership.balances(),
        replace(stored, sequence=0),
        desk.partnership.volume(),
        desk.deposit(),
        desk.used(),
        desk.claims(loan),
    )


def test_compensation_is_taken_back(covered: Desk, loan: Booking) -> None:
    """`G1` the very same parts."""
    before = state(covered)
    posted = Posted.of(covered.compensate(CLAIM).events[1])
    row = Reversal.of("loan-1", loan, posted, date=START + 300)
    receipt = covered.reverse(row)
    assert receipt.returned is None
    assert receipt.events == [submitted(2), reversed_event(row)]
    assert state(covered) == before
    stored = covered.partnership.loan("loan-1")
    assert (stored.sequence, stored.compensated, stored.tip) == (4, False, tip_of(loan))


def test_entries_go_on_after_the_reversal(covered: Desk, loan: Booking) -> None:
    posted = Posted.of(covered.compensate(CLAIM).events[1])
    covered.reverse(Reversal.of("loan-1", loan, posted))
    paid = Repayment(entry="r", loan="loan-1", principal=780_000)
    covered.partnership.repay(paid)
    covered.partnership.reverse(reversal_of(loan, paid))
    covered.partnership.reverse(reversal_of(loan))


def test_interest_that_was_paid_is_taken_back(guaranteed: Desk) -> None:
    terms = Terms(
        funding=(("bank", 600_000), ("fund", 400_000)),
        others=("platform", "guarantor"),
        layers=(Layer(payer="guarantor"),),
        claim=ClaimTerms(days_past_due=1, with_interest=True),
    )
    guaranteed.partnership.agree(terms, deal="other")
    loan = Booking(loan="loan-1", principal=720_000)
    guaranteed.partnership.book(loan, deal="other")
    guaranteed.mark("loan-1", deal="other")
    before = guaranteed.partnership.balances(deal="other")
    first = guaranteed.compensate(CLAIM, deal="other")
    reversal = Reversal.of("loan-1", loan, Posted.of(first.events[1]), date=CLAIM.date)
    guaranteed.reverse(reversal, deal="other")
    assert guaranteed.partnership.balances(deal="other") == before
    # What is owed is as if nothing had been paid.
    again = guaranteed.compensate(replace(CLAIM, entry="claim-2"), deal="other")
    assert again.events[1]["interest_parts"] == first.events[1]["interest_parts"] != (0, 0)


def test_what_a_drawn_deposit_gets_back_may_be_drawn_again(covered: Desk, loan: Booking) -> None:
    posted = Posted.of(covered.compensate(CLAIM).events[1])
    covered.mark("loan-2")
    covered.compensate(Claim(entry="c-2", loan="loan-2"))
    assert covered.claims("loan-2") == [0, 252_001]
    covered.reverse(Reversal.of("loan-1", loan, posted))
    assert (covered.deposit(), covered.used()) == (70_000, [0, 252_001])


def test_mark_since_does_not_stand_on_top(covered: Desk, loan: Booking) -> None:
    """Nothing can be marked on a compensated loan; a mark before the claim stays as it was."""
    posted = Posted.of(covered.compensate(CLAIM).events[1])
    with refused("LOAN_COMPENSATED"):
        covered.partnership.mark_overdue(OverdueMark(entry="o", loan="loan-1", since=0))
    covered.reverse(Reversal.of("loan-1", loan, posted))
    assert covered.partnership.loan("loan-1").overdue_since == START + 30


DUE_LOAN = Booking(loan="due", principal=PRINCIPAL)


@pytest.fixture
def claimed(portfolio: Desk) -> tuple[Desk, Reversal]:
    """The portfolio, its loan `due` compensated, and the reversal of that."""
    receipt = portfolio.compensate(Claim(entry="c-2", loan="due"))
    return portfolio, Reversal.of("due", DUE_LOAN, Posted.of(receipt.events[1]))


# What is wrong with a reversal, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("platform checker")}),
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEAL_NOT_ACTIVE", {"version": 3}),
    ("SENDER_NOT_SERVICER", {"by": Key("bank maker")}),
    ("LOAN_UNKNOWN", {"loan": "unknown"}),
    ("LOAN_REVERSED", {"loan": "reversed"}),
    ("LOAN_OTHER_VERSION", {"version": 2}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 2}),
    ("ENTRY_SEQUENCE_FULL", {"loan": "full"}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("ENTRY_BEFORE_START", {"date": START - 1}),
    ("ENTRY_NOT_LATEST", {"loan": "open"}),
    ("ENTRY_NOT_LATEST", {"previous_tip": 0}),
]


def _reverse(claimed: tuple[Desk, Reversal], arguments: dict[str, Any]) -> None:
    desk, good = claimed
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    desk.reverse(replace(good, **row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_reversal_with_a_fault_is_refused(
    claimed: tuple[Desk, Reversal], reason: str, arguments: dict[str, Any]
) -> None:
    before = state(claimed[0], "due")
    with refused(reason):
        _reverse(claimed, arguments)
    assert state(claimed[0], "due") == before


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    claimed: tuple[Desk, Reversal], reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _reverse(claimed, arguments)


@pytest.mark.parametrize(
    "other",
    [
        {"entry_id": id_of("c")},
        {"date": START + 201},
        {"date": START + 200 + (1 << 16)},
        {"layers": parts(0, 60_001)},
        {"layers": parts(1, 60_000)},
        {"layers": (60_000, 0)},
        {"residual": parts(36_001, 23_999)},
        {"residual": parts(36_000, 24_000, 1)},
        {"income": parts(1)},
    ],
)
def test_mirror_of_anything_but_what_was_posted_is_refused(
    claimed: tuple[Desk, Reversal], other: dict[str, Any]
) -> None:
    desk, good = claimed
    assert good.posted.layers == parts(0, 60_000)
    assert good.posted.residual == parts(36_000, 24_000)
    with refused("ENTRY_NOT_LATEST"):
        desk.reverse(replace(good, posted=replace(good.posted, **other)))
    desk.reverse(good)


def test_compensation_under_a_recovery_is_not_the_latest(covered: Desk, loan: Booking) -> None:
    posted = Posted.of(covered.compensate(CLAIM).events[1])
    receipt = covered.recover(Recovery(entry="r", loan="loan-1", principal=5))
    with refused("ENTRY_NOT_LATEST"):
        covered.reverse(Reversal.of("loan-1", loan, posted))
    recovered = Posted.of(receipt.events[1])
    covered.reverse(Reversal.of("loan-1", loan, posted, recovered))
    covered.reverse(Reversal.of("loan-1", loan, posted, entry="reversal-2"))
    assert covered.claims("loan-1") == [0, 0]


def test_compensation_under_a_write_off_is_not_the_latest(covered: Desk, loan: Booking) -> None:
    posted = Posted.of(covered.compensate(CLAIM).events[1])
    covered.partnership.write_off(WriteOff(entry="w", loan="loan-1", date=START + 200))
    with refused("ENTRY_NOT_LATEST"):
        covered.reverse(Reversal.of("loan-1", loan, posted))


def test_compensation_is_taken_back_once(covered: Desk, loan: Booking) -> None:
    posted = Posted.of(covered.compensate(CLAIM).events[1])
    covered.reverse(Reversal.of("loan-1", loan, posted))
    with refused("ENTRY_NOT_LATEST"):
        covered.reverse(Reversal.of("loan-1", loan, posted, entry="reversal-2"))


def test_loans_takes_no_entry_of_another_contract_back(covered: Desk, loan: Booking) -> None:
    posted = Posted.of(covered.compensate(CLAIM).events[1])
    kind, reversed_id, date, content = posted.content
    row = replace(
        reversal_of(loan),
        sequence=3,
        reversed_id=reversed_id,
        reversed_kind=kind,
        reversed_date=date,
        reversed_amounts=content,
        previous_tip=tip_of(loan),
    )
    with refused("ENTRY_NOT_LATEST"):
        covered.partnership.reverse(row, by=Key("platform maker"))


def seal(desk: Desk, day: int) -> None:
    for party in desk.partnership.by_name:
        if party in ("bank", "fund", "platform"):
            desk.partnership.seal(party, day)


def test_reversal_into_a_sealed_day_is_refused(portfolio: Desk) -> None:
    early = Booking(loan="early", principal=PRINCIPAL, start=on("2026-01-01"))
    receipt = portfolio.compensate(Claim(entry="c-2", loan="early", date=SEALED + 1))
    row = Reversal.of("early", early, Posted.of(receipt.events[1]), date=SEALED + 1)
    with refused("REVERSAL_BEFORE_ENTRY"):
        portfolio.reverse(replace(row, date=SEALED))
    seal(portfolio, SEALED + 1)
    with refused("DAY_SEALED"):
        portfolio.reverse(row)
    portfolio.reverse(replace(row, date=SEALED + 2))


def test_recovery_does_not_pass_for_a_compensation(covered: Desk, loan: Booking) -> None:
    posted = Posted.of(covered.compensate(CLAIM).events[1])
    receipt = covered.recover(Recovery(entry="r", loan="loan-1", principal=5))
    disguised = replace(Posted.of(receipt.events[1]), kind=Kind.COMPENSATION)
    with refused("ENTRY_NOT_LATEST"):
        covered.reverse(Reversal.of("loan-1", loan, posted, disguised))


def test_last_sequence_number_but_one_is_used(covered: Desk, loan: Booking) -> None:
    posted = Posted.of(covered.compensate(CLAIM).events[1])
    loans = covered.partnership.loans
    slot = loans.slot("loan", ID, id_of("loan-1"))
    word = covered.partnership.chain.get_storage(loans.address, slot)
    almost = word & ~(LAST_SEQUENCE << 104) | (LAST_SEQUENCE - 1) << 104
    covered.partnership.chain.set_storage(loans.address, slot, almost)
    covered.reverse(Reversal.of("loan-1", loan, posted))
    assert covered.partnership.loan("loan-1").sequence == LAST_SEQUENCE
