"""`write_off`: 核销, each funder loses its part of the whole loan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import (
    LAST_DAY,
    LAST_SEQUENCE,
    START,
    Booking,
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
from tests.contracts.sandbox.model import Book, divided
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Limits, Terms

ID = deal_id(DEAL)


def test_whole_loan_becomes_losses(booked: Partnership, loan: Booking) -> None:
    paid = Repayment(entry="r", loan="loan-1", principal=59_810)
    booked.repay(paid)
    receipt = booked.write_off(WriteOff(entry="write-off-1", loan="loan-1"))
    left = 780_000 - 59_810
    assert receipt.returned is None
    assert receipt.events[0].name == "ActionConfirmed"
    assert receipt.events[1:] == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=1),
        Event(
            "LoanWrittenOff",
            entry_id=id_of("write-off-1"),
            loan_id=id_of("loan-1"),
            date=START + 200,
            parts=parts(396_104, 252_067, 72_019),
        ),
    ]
    stored = booked.loan("loan-1")
    assert (stored.outstanding, stored.written_off, stored.sequence) == (0, True, 3)
    written = WriteOff(entry="write-off-1", loan="loan-1", outstanding=left)
    assert stored.tip == tip_of(loan, paid, written)
    assert booked.volume() == (0, 780_000)
    balances = booked.balances()
    for party, part in (("bank", 396_104), ("platform", 252_067), ("guarantor", 72_019)):
        assert balances[party]["LOSSES"] == part
        assert "LOANS" not in balances[party]


def test_overdue_mark_stays_on_a_loan_written_off(booked: Partnership) -> None:
    booked.mark_overdue(OverdueMark(entry="o", loan="loan-1", since=START + 31))
    booked.write_off(WriteOff(entry="w", loan="loan-1"))
    assert booked.loan("loan-1").overdue_since == START + 31


def test_batch_of_eight_funders(wide: Partnership) -> None:
    names = list(wide.by_name)
    shares = (1, 2, 3, 333_333, 250_000, 166_667, 249_993, 1)
    terms = Terms(funding=tuple(zip(names, shares, strict=False)))
    wide.agree(terms)
    amounts = (987_654_321, 1, 77)
    wide.book(*(Booking(loan=f"loan-{p}", principal=p) for p in amounts))
    receipt = wide.write_off(*(WriteOff(entry=f"w-{p}", loan=f"loan-{p}") for p in amounts))
    book = Book()
    for event, principal in zip(receipt.events[2:], amounts, strict=True):
        assert event["parts"] == parts(*divided(principal, terms.shares))
        book.booking(terms, principal)
        book.write_off(terms, principal)
    assert wide.balances() == book.balances()


def test_borrower_still_owes_what_was_written_off(fresh: Partnership, terms: Terms) -> None:
    limits = Limits(max_per_borrower=1_000, max_outstanding=1_500)
    fresh.agree(replace(terms, limits=limits))
    fresh.book(Booking(loan="loan-1", principal=1_000))
    fresh.write_off(WriteOff(entry="w", loan="loan-1"))
    assert fresh.borrower_outstanding("borrower-1") == 1_000
    with refused("BORROWER_OVER_LIMIT"):
        fresh.book(Booking(loan="loan-2", principal=1))
    fresh.book(*(Booking(loan=f"b-{i}", borrower=f"b-{i}", principal=750) for i in range(2)))


@pytest.mark.parametrize("date", [START, LAST_DAY])
def test_write_off_on_the_first_and_the_last_day(booked: Partnership, date: int) -> None:
    receipt = booked.write_off(WriteOff(entry="w", loan="loan-1", date=date))
    assert receipt.events[2]["date"] == date


# What is wrong with a write-off, in the order of the checks.
FAULTS: list[Fault] = [
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEAL_NOT_ACTIVE", {"version": 3}),
    ("SENDER_NOT_LEAD", {"by": Member.named("platform", 2)}),
    ("LOAN_UNKNOWN", {"loan": "unknown"}),
    ("LOAN_REVERSED", {"loan": "reversed"}),
    ("LOAN_WRITTEN_OFF", {"loan": "written off"}),
    ("LOAN_OTHER_VERSION", {"loan": "amended", "version": 1}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 0}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": LAST_SEQUENCE + 2}),
    ("ENTRY_SEQUENCE_FULL", {"loan": "full"}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("ENTRY_BEFORE_START", {"date": START - 1}),
    ("LOAN_SETTLED", {"loan": "settled"}),
    ("DAY_SEALED", {"loan": "early", "date": on("2026-01-02")}),
]


def _write_off(partnership: Partnership, arguments: dict[str, Any]) -> None:
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    good = WriteOff(entry="good", loan="overdue")
    partnership.write_off(good, replace(WriteOff(entry="w", loan="open"), **row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_write_off_with_a_fault_is_refused_with_its_batch(
    portfolio: Partnership, reason: str, arguments: dict[str, Any]
) -> None:
    before = portfolio.balances()
    with refused(reason):
        _write_off(portfolio, arguments)
    assert portfolio.balances() == before
    assert not portfolio.loan("overdue").written_off


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    portfolio: Partnership, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _write_off(portfolio, arguments)


def test_loan_twice_in_a_batch_is_refused(booked: Partnership) -> None:
    with refused("LOAN_WRITTEN_OFF"):
        booked.write_off(WriteOff(entry="a", loan="loan-1"), WriteOff(entry="b", loan="loan-1"))


def test_maker_alone_or_checker_alone_cannot_write_off(booked: Partnership) -> None:
    bank = booked.by_name["bank"]
    rows = [(id_of("w"), id_of("loan-1"), 1, START + 200)]
    for key, reason in ((bank.maker, "SENDER_NOT_CHECKER"), (bank.checker, "ACTION_NOT_REQUESTED")):
        with refused(reason):
            booked.servicing.send(key, "write_off", ID, 1, rows)


def test_checker_cannot_write_off_other_rows_than_requested(booked: Partnership) -> None:
    bank = booked.by_name["bank"]
    rows = [(id_of("w"), id_of("loan-1"), 1, START + 200)]
    booked.request(bank.maker, booked.servicing, "write_off", ID, 1, rows)
    with refused("ACTION_NOT_REQUESTED"):
        booked.servicing.send(bank.checker, "write_off", ID, 1, [(*rows[0][:3], START + 201)])
    booked.servicing.send(bank.checker, "write_off", ID, 1, rows)
    with refused("ACTION_NOT_REQUESTED"):
        booked.servicing.send(bank.checker, "write_off", ID, 1, rows)


def test_lost_is_what_was_written_off_until_it_is_taken_back(
    booked: Partnership, loan: Booking
) -> None:
    written = WriteOff(entry="w", loan="loan-1", outstanding=780_000)
    booked.write_off(written)
    assert booked.loans.read("lost", ID, id_of("loan-1")) == 780_000
    booked.reverse(reversal_of(loan, written))
    assert booked.loans.read("lost", ID, id_of("loan-1")) == 0
