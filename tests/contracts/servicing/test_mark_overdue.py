"""`mark_overdue`: 逾期 since a day, or cured. Nothing is posted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import (
    LAST_DAY,
    LAST_SEQUENCE,
    START,
    Booking,
    OverdueMark,
    id_of,
    reversal_of,
)
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused

ID = deal_id(DEAL)
MARK = OverdueMark(entry="overdue-1", loan="loan-1", since=START + 31)


def test_loan_is_marked_and_nothing_posted(booked: Partnership) -> None:
    before, balances = booked.loan("loan-1"), booked.balances()
    receipt = booked.mark_overdue(MARK)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=2),
        Event(
            "LoanMarkedOverdue",
            entry_id=id_of("overdue-1"),
            loan_id=id_of("loan-1"),
            since_date=START + 31,
        ),
    ]
    assert booked.loan("loan-1") == replace(before, overdue_since=START + 31, sequence=2)
    assert booked.balances() == balances


def test_cured_loan_is_no_longer_overdue(booked: Partnership) -> None:
    booked.mark_overdue(MARK)
    receipt = booked.mark_overdue(replace(MARK, entry="cure-1", since=0))
    assert receipt.events[1] == Event(
        "LoanMarkedOverdue", entry_id=id_of("cure-1"), loan_id=id_of("loan-1"), since_date=0
    )
    assert booked.loan("loan-1").overdue_since == 0
    booked.mark_overdue(replace(MARK, entry="overdue-2"))
    assert booked.loan("loan-1").overdue_since == START + 31


def test_mark_moves_to_another_day(booked: Partnership) -> None:
    booked.mark_overdue(MARK)
    booked.mark_overdue(replace(MARK, since=START + 62))
    assert booked.loan("loan-1").overdue_since == START + 62


@pytest.mark.parametrize("since", [1, START - 400, START, LAST_DAY])
def test_day_of_the_mark_is_not_held_against_the_loans_start(
    booked: Partnership, since: int
) -> None:
    """Servicers report days counted on an older account."""
    booked.mark_overdue(replace(MARK, since=since))
    assert booked.loan("loan-1").overdue_since == since


def test_mark_lets_the_latest_entry_be_reversed(booked: Partnership, loan: Booking) -> None:
    booked.mark_overdue(MARK)
    booked.reverse(reversal_of(loan))
    assert booked.loan("loan-1").reversed


def test_settled_loan_that_was_overdue_is_cured(portfolio: Partnership) -> None:
    slot = portfolio.loans.slot("loan", ID, id_of("settled"))
    word = portfolio.chain.get_storage(portfolio.loans.address, slot)
    portfolio.chain.set_storage(portfolio.loans.address, slot, word | START << 118)
    portfolio.mark_overdue(OverdueMark(entry="c", loan="settled", since=0))
    assert portfolio.loan("settled").overdue_since == 0


# What is wrong with a mark, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("platform checker")}),
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEAL_NOT_ACTIVE", {"version": 3}),
    ("SENDER_NOT_SERVICER", {"by": Key("bank maker")}),
    ("LOAN_UNKNOWN", {"loan": "unknown"}),
    ("LOAN_REVERSED", {"loan": "reversed"}),
    ("LOAN_WRITTEN_OFF", {"loan": "written off"}),
    ("LOAN_OTHER_VERSION", {"loan": "amended", "version": 1}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 0}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": LAST_SEQUENCE + 2}),
    ("ENTRY_SEQUENCE_FULL", {"loan": "full"}),
    ("LOAN_NOT_OVERDUE", {"since": 0}),
    ("LOAN_SETTLED", {"loan": "settled"}),
    ("ENTRY_DATE_INVALID", {"since": LAST_DAY + 1}),
    ("OVERDUE_UNCHANGED", {"loan": "overdue", "since": START + 30}),
]


def _mark(partnership: Partnership, arguments: dict[str, Any]) -> None:
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    good = OverdueMark(entry="good", loan="waived", since=START)
    mark = replace(OverdueMark(entry="m", loan="open", since=START + 5), **row)
    partnership.mark_overdue(good, mark, **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_mark_with_a_fault_is_refused_with_its_batch(
    portfolio: Partnership, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _mark(portfolio, arguments)
    assert portfolio.loan("waived").overdue_since == 0


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    portfolio: Partnership, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _mark(portfolio, arguments)
