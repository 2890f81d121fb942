"""`repay`: 还款, divided among the parties."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event, Receipt
from tests.contracts.sandbox.entries import (
    LAST_SEQUENCE,
    MAX_AMOUNT,
    START,
    Booking,
    Repayment,
    id_of,
    on,
    packed,
    tip_of,
)
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.model import Book, divided, repayment_legs
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Limits, Terms, Tier

ID = deal_id(DEAL)
FIRST = Repayment(
    entry="repayment-1", loan="loan-1", principal=59_810, interest=11_700, penalty=905, fee=50
)


def legs_of(receipt: Receipt, parties: int) -> list[list[int]]:
    """Legs of each repayment in a receipt, from LoanRepaid and FurtherLegs."""
    found: list[list[int]] = []
    for event in receipt.events[1:]:
        if event.name == "LoanRepaid":
            found.append(list(event["legs"]))
        else:
            assert event.name == "FurtherLegs"
            found[-1] += event["legs"]
    assert all(not any(legs[parties:]) for legs in found)
    return [(legs + [0] * 8)[:parties] for legs in found]


def words(terms: Terms, before: int, rate: int, row: Repayment) -> list[int]:
    """The legs the model expects."""
    amounts = (row.principal, row.interest, row.penalty, row.fee)
    legs = repayment_legs(terms, before=before, rate=rate, amounts=amounts)
    return [packed(principal=p, interest=i, penalty=n, fee=f) for p, i, n, f in legs]


def test_repayment_is_divided_stored_and_posted(booked: Partnership, loan: Booking) -> None:
    receipt = booked.repay(FIRST)
    assert receipt.returned is None
    # Interest: platform 10 %, guarantor 2 of 18 %, the rest 55/35/10; penalty: platform 10 %.
    bank = {"principal": 32_896, "interest": 5_076, "penalty": 448}
    platform = {"principal": 20_933, "interest": 4_401, "penalty": 376}
    guarantor = {"principal": 5_981, "interest": 2_223, "penalty": 81, "fee": 50}
    assert receipt.events == [
        Event("EntriesSubmitted", deal_id=ID, version=1, submitter=2),
        Event(
            "LoanRepaid",
            entry_id=id_of("repayment-1"),
            loan_id=id_of("loan-1"),
            date=START + 30,
            legs=(packed(**bank), packed(**platform), packed(**guarantor), 0),
        ),
    ]
    stored = booked.loan("loan-1")
    assert (stored.outstanding, stored.sequence) == (780_000 - 59_810, 2)
    assert stored.tip == tip_of(loan, FIRST)
    assert booked.volume() == (780_000 - 59_810, 780_000)
    collected = 59_810 + 11_700 + 905 + 50
    assert booked.balances() == {
        "bank": {
            "CASH": -780_000,
            "CLEARING": 351_000 + 32_896 + 5_076 + 448,
            "LOANS": 429_000 - 32_896,
            "INTEREST": -5_076,
            "PENALTY": -448,
        },
        "platform": {
            "CASH": collected,
            "CLEARING": -273_000 - collected + 20_933 + 4_401 + 376,
            "LOANS": 273_000 - 20_933,
            "INTEREST": -4_401,
            "PENALTY": -376,
        },
        "guarantor": {
            "CLEARING": -78_000 + 5_981 + 2_223 + 81 + 50,
            "LOANS": 78_000 - 5_981,
            "INTEREST": -2_223,
            "PENALTY": -81,
            "FEES": -50,
        },
    }


def test_each_funder_gets_back_what_it_put_in(booked: Partnership) -> None:
    """L2: whatever the instalments were."""
    left, number = 780_000, 0
    for principal in (1, 1, 1, 333_333, 7, 99_999, 346_658):
        number += 1
        booked.repay(Repayment(entry=f"r-{number}", loan="loan-1", principal=principal))
        left -= principal
        held = [booked.balances().get(party, {}).get("LOANS", 0) for party in booked.by_name]
        assert held == [*divided(left, [550_000, 350_000, 100_000]), 0]
    assert left == 0
    assert booked.volume() == (0, 780_000)


def test_repayments_of_one_loan_in_one_batch_follow_each_other(
    booked: Partnership, terms: Terms
) -> None:
    rows = [
        Repayment(entry=f"r-{i}", loan="loan-1", date=START + i, principal=260_000, interest=i)
        for i in range(1, 4)
    ]
    receipt = booked.repay(*rows)
    expected = [words(terms, 780_000 - 260_000 * i, 180_000, row) for i, row in enumerate(rows)]
    assert legs_of(receipt, 3) == expected
    assert booked.loan("loan-1").sequence == 4
    assert booked.loan("loan-1").outstanding == 0


def test_interest_on_a_settled_loan_is_divided(portfolio: Partnership) -> None:
    portfolio.repay(Repayment(entry="late interest", loan="settled", interest=99))
    assert portfolio.loan("settled").outstanding == 0


def test_loan_keeps_the_version_it_was_booked_under(
    portfolio: Partnership, terms: Terms, amended: Terms
) -> None:
    row = Repayment(entry="r", loan="open", date=on("2026-08-01"), principal=333, interest=777)
    receipt = portfolio.repay(row)
    assert legs_of(receipt, 3) == [words(terms, 100_000, 180_000, row)]
    later = replace(row, loan="amended")
    receipt = portfolio.repay(later, version=2)
    assert receipt.events[0]["version"] == 2
    assert legs_of(receipt, 3) == [words(amended, 100_000, 180_000, later)]


SERVICE = Tier(to="platform", share=200_000)
RETURN = Tier(to="funders", rate=70_000)
WATERFALLS = [
    pytest.param((), 180_000, id="no tier"),
    pytest.param((SERVICE,), 180_000, id="share to a party"),
    pytest.param((RETURN, Tier(to="platform", share=600_000)), 216_000, id="bank return first"),
    pytest.param((Tier(to="funders", share=999_999), SERVICE), 180_000, id="share to funders"),
    pytest.param((Tier(to="guarantor", rate=180_000),), 180_000, id="rate that takes all"),
    pytest.param((Tier(to="guarantor", rate=2**24 - 1),), 1, id="rate above the loan's"),
    pytest.param((SERVICE, Tier(to="auditor", rate=179_999)), 180_000, id="rate above the rest"),
    pytest.param((SERVICE, RETURN), 0, id="rate tier to funders on a loan at 0 %"),
    pytest.param((SERVICE, Tier(to="auditor", rate=1)), 0, id="rate tier on a loan at 0 %"),
    pytest.param((Tier(to="auditor", share=1_000_000), SERVICE), 0, id="nothing is left"),
    pytest.param((RETURN, SERVICE) * 4, 180_000, id="eight tiers"),
]


@pytest.mark.parametrize(("tiers", "rate"), WATERFALLS)
def test_interest_runs_through_the_tiers(
    fresh: Partnership, terms: Terms, tiers: tuple[Tier, ...], rate: int
) -> None:
    deal = replace(terms, others=("auditor",), interest=tiers)
    fresh.agree(deal)
    fresh.book(Booking(loan="loan-1", principal=10**9, rate=rate))
    for interest in (1, 2, 5, 11_700, 10**8 + 7, MAX_AMOUNT):
        row = Repayment(entry=f"r-{interest}", loan="loan-1", interest=interest)
        assert legs_of(fresh.repay(row), 4) == [words(deal, 10**9, rate, row)]


@pytest.mark.parametrize(
    "tiers",
    [
        (),
        (SERVICE,),
        (Tier(to="funders", share=500_000), SERVICE),
        (SERVICE, Tier(to="auditor", share=1_000_000), SERVICE),
        (Tier(to="guarantor", share=1), Tier(to="funders", share=1)) * 4,
    ],
)
def test_penalty_runs_through_its_own_tiers(
    fresh: Partnership, terms: Terms, tiers: tuple[Tier, ...]
) -> None:
    deal = replace(terms, others=("auditor",), penalty=tiers)
    fresh.agree(deal)
    fresh.book(Booking(loan="loan-1", principal=10**9))
    for penalty in (1, 2, 3, 905, 10**9 + 7, MAX_AMOUNT):
        row = Repayment(entry=f"r-{penalty}", loan="loan-1", penalty=penalty, interest=penalty)
        assert legs_of(fresh.repay(row), 4) == [words(deal, 10**9, 180_000, row)]


def test_one_funder_takes_all(fresh: Partnership) -> None:
    terms = Terms(funding=(("bank", 1_000_000),), others=("platform",), fee_to="platform")
    fresh.agree(terms)
    fresh.book(Booking(loan="loan-1", principal=100))
    row = Repayment(entry="r", loan="loan-1", principal=100, interest=9, penalty=8, fee=7)
    expected = [packed(principal=100, interest=9, penalty=8), packed(fee=7)]
    assert legs_of(fresh.repay(row), 2) == [expected]
    assert fresh.balances() == {
        "bank": {"CASH": 24, "CLEARING": -7, "INTEREST": -9, "PENALTY": -8},
        "platform": {"CLEARING": 7, "FEES": -7},
    }


def twelve(wide: Partnership) -> Terms:
    names = list(wide.by_name)
    shares = (300_001, 99_999, 100_000, 100_000, 100_000, 100_000, 100_000, 100_000)
    return Terms(
        funding=tuple(zip(names, shares, strict=False)),
        others=tuple(names[8:12]),
        servicer=names[11],
        collected_by=names[10],
        disbursed_by=names[9],
        fee_to=names[8],
        interest=(Tier(to=names[11], share=100_000), Tier(to=names[9], rate=5_000)),
        penalty=(Tier(to=names[10], share=500_000),),
    )


def test_twelve_parties_have_their_legs_in_two_events(wide: Partnership) -> None:
    terms = twelve(wide)
    wide.agree(terms)
    servicer = wide.by_name[terms.parties[11]].maker
    wide.book(Booking(loan="loan-1", principal=999_999), by=servicer)
    row = Repayment(
        entry="r", loan="loan-1", principal=123_457, interest=76_543, penalty=321, fee=11
    )
    receipt = wide.repay(row, by=servicer)
    assert [event.name for event in receipt.events] == [
        "EntriesSubmitted",
        "LoanRepaid",
        "FurtherLegs",
    ]
    assert receipt.events[2]["entry_id"] == id_of("r")
    expected = words(terms, 999_999, 180_000, row)
    assert all(expected)  # every party has a leg, so that none can be lost
    assert legs_of(receipt, 12) == [expected]
    amounts = (row.principal, row.interest, row.penalty, row.fee)
    book = Book()
    book.booking(terms, 999_999)
    book.repayment(terms, repayment_legs(terms, before=999_999, rate=180_000, amounts=amounts))
    assert wide.balances() == book.balances()


@pytest.mark.parametrize("count", [2, 4, 5, 8, 9, 12])
def test_last_of_any_number_of_parties_gets_its_leg(wide: Partnership, count: int) -> None:
    names = list(wide.by_name)[:count]
    terms = Terms(
        funding=(("bank", 700_000), ("platform", 300_000)),
        others=tuple(names[2:]),
        fee_to=names[-1],
        interest=tuple(Tier(to=name, share=50_000) for name in names[-8:]),
    )
    wide.agree(terms)
    wide.book(Booking(loan="loan-1", principal=999))
    row = Repayment(entry="r", loan="loan-1", principal=99, interest=54_321, fee=7)
    expected = words(terms, 999, 180_000, row)
    assert all(expected[-8:])
    assert legs_of(wide.repay(row), count) == [expected]
    amounts = (row.principal, row.interest, row.penalty, row.fee)
    book = Book()
    book.booking(terms, 999)
    book.repayment(terms, repayment_legs(terms, before=999, rate=180_000, amounts=amounts))
    assert wide.balances() == book.balances()


def test_further_legs_are_left_out_when_all_are_empty(wide: Partnership) -> None:
    terms = replace(twelve(wide), funding=(("bank", 1_000_000),), interest=(), penalty=())
    terms = replace(terms, others=tuple(list(wide.by_name)[1:12]))
    wide.agree(terms)
    servicer = wide.by_name[str(terms.servicer)].maker
    wide.book(Booking(loan="loan-1", principal=50), by=servicer)
    receipt = wide.repay(Repayment(entry="r", loan="loan-1", principal=5), by=servicer)
    assert [event.name for event in receipt.events] == ["EntriesSubmitted", "LoanRepaid"]


def test_full_batch_of_the_largest_amounts(agreed: Partnership, terms: Terms) -> None:
    agreed.book(*(Booking(loan=f"loan-{i}", principal=MAX_AMOUNT) for i in range(250)))
    largest = {"principal": MAX_AMOUNT, "interest": MAX_AMOUNT, "penalty": MAX_AMOUNT}
    rows = [
        Repayment(entry=f"r-{i}", loan=f"loan-{i}", sequence=1, fee=MAX_AMOUNT, **largest)
        for i in range(250)
    ]
    receipt = agreed.repay(*rows)
    expected = words(terms, MAX_AMOUNT, 180_000, rows[0])
    assert legs_of(receipt, 3) == [expected] * 250
    amounts = (MAX_AMOUNT, MAX_AMOUNT, MAX_AMOUNT, MAX_AMOUNT)
    legs = repayment_legs(terms, before=MAX_AMOUNT, rate=180_000, amounts=amounts)
    balances = agreed.balances()
    for party, (_, interest, penalty, fee) in zip(terms.parties, legs, strict=True):
        assert balances[party].get("LOANS", 0) == 0
        assert balances[party]["INTEREST"] == -250 * interest
        assert balances[party]["PENALTY"] == -250 * penalty
        assert balances[party].get("FEES", 0) == -250 * fee
    assert balances["platform"]["CASH"] == 1_000 * MAX_AMOUNT
    assert agreed.volume() == (0, 250 * MAX_AMOUNT)


def test_empty_batch_changes_nothing(booked: Partnership) -> None:
    before = booked.balances()
    assert [event.name for event in booked.repay().events] == ["EntriesSubmitted"]
    assert booked.balances() == before


def test_last_sequence_number_but_one_is_used(portfolio: Partnership) -> None:
    slot = portfolio.loans.slot("loan", ID, id_of("open"))
    word = portfolio.chain.get_storage(portfolio.loans.address, slot)
    almost = word & ~(LAST_SEQUENCE << 104) | (LAST_SEQUENCE - 1) << 104
    portfolio.chain.set_storage(portfolio.loans.address, slot, almost)
    before = portfolio.loan("open")
    portfolio.repay(Repayment(entry="r", loan="open", interest=1))
    after = portfolio.loan("open")
    assert after == replace(before, sequence=LAST_SEQUENCE, tip=after.tip)
    with refused("ENTRY_SEQUENCE_FULL"):
        portfolio.repay(Repayment(entry="q", loan="open", interest=1))


def test_repayment_releases_its_borrower(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, limits=Limits(max_per_borrower=1_000)))
    fresh.book(Booking(loan="loan-1", principal=1_000))
    with refused("BORROWER_OVER_LIMIT"):
        fresh.book(Booking(loan="loan-2", principal=1))
    fresh.repay(Repayment(entry="interest", loan="loan-1", interest=400))
    assert fresh.borrower_outstanding("borrower-1") == 1_000
    fresh.repay(Repayment(entry="principal", loan="loan-1", principal=400, interest=9))
    assert fresh.borrower_outstanding("borrower-1") == 600
    with refused("BORROWER_OVER_LIMIT"):
        fresh.book(Booking(loan="loan-2", principal=401))
    fresh.book(Booking(loan="loan-2", principal=400))


def test_repayment_makes_room_under_the_deals_limit(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, limits=Limits(max_outstanding=1_000)))
    fresh.book(Booking(loan="loan-1", principal=1_000))
    fresh.repay(Repayment(entry="r", loan="loan-1", principal=10))
    with refused("OUTSTANDING_OVER_LIMIT"):
        fresh.book(Booking(loan="loan-2", principal=11))
    fresh.book(Booking(loan="loan-2", principal=10))
    assert fresh.volume() == (1_000, 1_010)


# What is wrong with a repayment, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("platform checker")}),
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEAL_NOT_ACTIVE", {"version": 3}),
    ("SENDER_NOT_SERVICER", {"by": Key("bank maker")}),
    ("LOAN_UNKNOWN", {"loan": "unknown"}),
    ("LOAN_REVERSED", {"loan": "reversed"}),
    ("LOAN_WRITTEN_OFF", {"loan": "written off"}),
    ("LOAN_OTHER_VERSION", {"loan": "amended", "version": 1}),
    ("LOAN_OTHER_VERSION", {"loan": "open", "version": 2}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 0}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 2}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": LAST_SEQUENCE + 2}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 2**239 + 1}),
    ("ENTRY_BEFORE_START", {"date": START - 1}),
    ("ENTRY_BEFORE_START", {"date": 0}),
    ("ENTRY_SEQUENCE_FULL", {"loan": "full"}),
    ("AMOUNT_TOO_LARGE", {"principal": MAX_AMOUNT + 1}),
    ("AMOUNT_TOO_LARGE", {"interest": MAX_AMOUNT + 1}),
    ("AMOUNT_TOO_LARGE", {"penalty": MAX_AMOUNT + 1}),
    ("AMOUNT_TOO_LARGE", {"fee": MAX_AMOUNT + 1}),
    ("AMOUNT_TOO_LARGE", {"fee": 2**64 - 1}),
    ("ENTRY_EMPTY", {"principal": 0}),
    ("PRINCIPAL_ABOVE_OUTSTANDING", {"principal": 100_001}),
    ("PRINCIPAL_ABOVE_OUTSTANDING", {"loan": "settled"}),
    ("DAY_SEALED", {"loan": "early", "date": on("2026-01-02")}),
]


def _repay(partnership: Partnership, arguments: dict[str, Any]) -> None:
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    good = Repayment(entry="good", loan="overdue", principal=1)
    if call.get("version", 1) == 1:
        partnership.repay(
            good, replace(Repayment(entry="r", loan="open", principal=5), **row), **call
        )
    else:
        partnership.repay(replace(Repayment(entry="r", loan="open", principal=5), **row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_repayment_with_a_fault_is_refused_with_its_batch(
    portfolio: Partnership, reason: str, arguments: dict[str, Any]
) -> None:
    before = portfolio.balances()
    with refused(reason):
        _repay(portfolio, arguments)
    assert portfolio.balances() == before
    assert portfolio.loan("overdue").sequence == 2


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    portfolio: Partnership, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _repay(portfolio, arguments)


def test_fee_in_a_deal_without_a_payee_is_refused(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, fee_to=255))
    fresh.book(Booking(loan="loan-1", principal=100))
    with refused("FEE_WITHOUT_PAYEE"):
        fresh.repay(Repayment(entry="r", loan="loan-1", principal=1, fee=1))
    fresh.repay(Repayment(entry="r", loan="loan-1", principal=1, penalty=1))


def test_same_repayment_again_is_refused(booked: Partnership) -> None:
    """L3: the row carries how many entries its submitter had seen."""
    row = replace(FIRST, sequence=1)
    booked.repay(row)
    with refused("ENTRY_OUT_OF_SEQUENCE"):
        booked.repay(row)
    with refused("ENTRY_OUT_OF_SEQUENCE"):
        booked.repay(replace(row, entry="another"))


def test_same_row_twice_in_a_batch_is_refused(booked: Partnership) -> None:
    row = replace(FIRST, sequence=1)
    with refused("ENTRY_OUT_OF_SEQUENCE"):
        booked.repay(row, row)
