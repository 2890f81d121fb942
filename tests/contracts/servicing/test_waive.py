"""`waive`: 减免 of interest or penalty not yet received. Nothing is posted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import (
    LAST_DAY,
    LAST_SEQUENCE,
    MAX_AMOUNT,
    START,
    Booking,
    Waiver,
    id_of,
    on,
    packed,
    tip_of,
)
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused

ID = deal_id(DEAL)
WAIVER = Waiver(entry="waiver-1", loan="loan-1", interest=500, penalty=70)


def waived(partnership: Partnership, loan: str) -> int:
    amounts: int = partnership.servicing.read("waived", ID, id_of(loan))
    return amounts


def test_waiver_is_added_up_and_nothing_posted(booked: Partnership, loan: Booking) -> None:
    before, balances = booked.loan("loan-1"), booked.balances()
    receipt = booked.waive(WAIVER)
    assert receipt.returned is None
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=1),
        Event(
            "LoanWaived",
            entry_id=id_of("waiver-1"),
            loan_id=id_of("loan-1"),
            date=START + 60,
            amounts=packed(interest=500, penalty=70),
        ),
    ]
    assert booked.loan("loan-1") == replace(before, sequence=2, tip=tip_of(loan, WAIVER))
    assert waived(booked, "loan-1") == packed(interest=500, penalty=70)
    second = Waiver(entry="waiver-2", loan="loan-1", penalty=5)
    booked.waive(second)
    assert waived(booked, "loan-1") == packed(interest=500, penalty=75)
    assert booked.loan("loan-1").tip == tip_of(loan, WAIVER, second)
    assert booked.balances() == balances


def test_waivers_in_one_batch_follow_each_other(portfolio: Partnership) -> None:
    portfolio.waive(
        Waiver(entry="a", loan="open", interest=1),
        Waiver(entry="b", loan="settled", penalty=2),
        Waiver(entry="c", loan="open", interest=4),
    )
    assert waived(portfolio, "open") == packed(interest=5)
    assert waived(portfolio, "settled") == packed(penalty=2)
    assert portfolio.loan("open").sequence == 3


def test_waivers_add_up_to_the_largest_amount_and_no_further(booked: Partnership) -> None:
    half = MAX_AMOUNT // 2
    booked.waive(replace(WAIVER, interest=half, penalty=MAX_AMOUNT))
    booked.waive(replace(WAIVER, interest=MAX_AMOUNT - half, penalty=0))
    assert waived(booked, "loan-1") == packed(interest=MAX_AMOUNT, penalty=MAX_AMOUNT)
    for amounts in ({"interest": 1, "penalty": 0}, {"interest": 0, "penalty": 1}):
        with refused("AMOUNT_TOO_LARGE"):
            booked.waive(replace(WAIVER, **amounts))


@pytest.mark.parametrize("date", [START, LAST_DAY])
def test_waiver_on_the_first_and_the_last_day(booked: Partnership, date: int) -> None:
    assert booked.waive(replace(WAIVER, date=date)).events[1]["date"] == date


# What is wrong with a waiver, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("bank checker")}),
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEAL_NOT_ACTIVE", {"version": 3}),
    ("SENDER_NOT_LEAD", {"by": Key("platform maker")}),
    ("LOAN_UNKNOWN", {"loan": "unknown"}),
    ("LOAN_REVERSED", {"loan": "reversed"}),
    ("LOAN_WRITTEN_OFF", {"loan": "written off"}),
    ("LOAN_OTHER_VERSION", {"loan": "amended", "version": 1}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 0}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": LAST_SEQUENCE + 2}),
    ("ENTRY_SEQUENCE_FULL", {"loan": "full"}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("ENTRY_BEFORE_START", {"date": START - 1}),
    ("AMOUNT_TOO_LARGE", {"interest": MAX_AMOUNT + 1}),
    ("AMOUNT_TOO_LARGE", {"penalty": MAX_AMOUNT + 1}),
    ("WAIVER_OF_PRINCIPAL", {"principal": 1}),
    ("WAIVER_OF_PRINCIPAL", {"fee": 1}),
    ("ENTRY_EMPTY", {"interest": 0}),
    ("DAY_SEALED", {"loan": "early", "date": on("2026-01-02")}),
]


def _waive(partnership: Partnership, arguments: dict[str, Any]) -> None:
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    good = Waiver(entry="good", loan="overdue", interest=1)
    partnership.waive(good, replace(Waiver(entry="w", loan="open", interest=5), **row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_waiver_with_a_fault_is_refused_with_its_batch(
    portfolio: Partnership, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _waive(portfolio, arguments)
    assert waived(portfolio, "overdue") == 0


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    portfolio: Partnership, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _waive(portfolio, arguments)
