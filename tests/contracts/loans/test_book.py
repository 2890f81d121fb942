"""`book`: 放款, each funder's part is due from it to the disburser."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import (
    LAST_DAY,
    MAX_AMOUNT,
    START,
    Booking,
    Loan,
    Method,
    Purpose,
    id_of,
    on,
    parts,
    tip_of,
)
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.model import Book, divided
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Limits, Terms

ID = deal_id(DEAL)


def submitted(version: int = 1, submitter: int = 2) -> Event:
    return Event("EntriesSubmitted", deal_id=ID, version=version, submitter=submitter)


def test_loan_is_divided_stored_and_posted(agreed: Partnership) -> None:
    loan = Booking(loan="loan-1", principal=780_005, rate=180_000)
    receipt = agreed.book(loan)
    assert receipt.returned is None
    assert receipt.events == [
        submitted(),
        Event(
            "LoanBooked",
            loan_id=id_of("loan-1"),
            borrower_id=id_of("borrower-1"),
            particulars=loan.particulars,
            parts=parts(429_002, 273_002, 78_001),  # 10 % half up, then 35 of 90, the rest
        ),
    ]
    assert agreed.loan("loan-1") == Loan(
        outstanding=780_005,
        start=START,
        rate=180_000,
        version=1,
        sequence=1,
        overdue_since=0,
        written_off=False,
        reversed=False,
        tip=tip_of(loan),
    )
    assert agreed.volume() == (780_005, 780_005)
    assert agreed.balances() == {
        "bank": {"CASH": -780_005, "CLEARING": 780_005 - 429_002, "LOANS": 429_002},
        "platform": {"CLEARING": -273_002, "LOANS": 273_002},
        "guarantor": {"CLEARING": -78_001, "LOANS": 78_001},
    }


def test_batch_posts_the_sum_of_its_loans(agreed: Partnership, terms: Terms) -> None:
    principals = (1, 3, 99_999, 1_000_001)
    receipt = agreed.book(*(Booking(loan=f"loan-{p}", principal=p) for p in principals))
    book = Book()
    for event, principal in zip(receipt.events[1:], principals, strict=True):
        assert event["parts"] == parts(*divided(principal, terms.shares))
        book.booking(terms, principal)
    assert agreed.balances() == book.balances()
    assert agreed.volume() == (sum(principals), sum(principals))


def test_one_funder_holds_the_whole_loan(fresh: Partnership) -> None:
    fresh.agree(Terms(funding=(("bank", 1_000_000),), others=("platform",)))
    receipt = fresh.book(Booking(loan="loan-1", principal=333))
    assert receipt.events[1]["parts"] == parts(333)
    assert fresh.balances() == {"bank": {"CASH": -333, "LOANS": 333}}


def test_eight_funders_each_hold_their_part(wide: Partnership) -> None:
    names = list(wide.by_name)
    shares = (1, 2, 3, 333_333, 250_000, 166_667, 249_993, 1)
    terms = Terms(funding=tuple(zip(names, shares, strict=False)))
    wide.agree(terms)
    principal = 987_654_321
    receipt = wide.book(Booking(loan="loan-1", principal=principal))
    assert receipt.events[1]["parts"] == parts(*divided(principal, terms.shares))
    book = Book()
    book.booking(terms, principal)
    assert wide.balances() == book.balances()


def test_full_batch_of_the_largest_loans(agreed: Partnership, terms: Terms) -> None:
    rows = [Booking(loan=f"loan-{i}", principal=MAX_AMOUNT) for i in range(250)]
    agreed.book(*rows)
    held = [250 * part for part in divided(MAX_AMOUNT, terms.shares)]
    assert agreed.volume() == (250 * MAX_AMOUNT, 250 * MAX_AMOUNT)
    balances = agreed.balances()
    assert [balances[party]["LOANS"] for party in terms.parties] == held
    assert balances["bank"]["CASH"] == -250 * MAX_AMOUNT


def test_batch_above_the_longest_is_refused(agreed: Partnership) -> None:
    with refused("0x"):
        agreed.book(*(Booking(loan=f"loan-{i}", principal=1) for i in range(251)))


def test_empty_batch_changes_nothing(agreed: Partnership) -> None:
    assert agreed.book().events == [submitted()]
    assert agreed.balances() == {}


@pytest.mark.parametrize(
    "change",
    [
        {"principal": 1},
        {"principal": MAX_AMOUNT},
        {"rate": 0},
        {"rate": 2**24 - 1},
        {"maturity": START + 1},
        {"maturity": LAST_DAY},
        {"start": on("2026-01-03")},  # the day after the sealed one
        {"start": on("2026-06-30")},  # the last day of version 1
        *({"method": method} for method in Method),
        *({"purpose": purpose} for purpose in Purpose),
    ],
)  # fmt: skip
def test_loan_at_its_bounds_is_booked(portfolio: Partnership, change: dict[str, Any]) -> None:
    row = replace(Booking(loan="new", principal=5, maturity=LAST_DAY), **change)
    receipt = portfolio.book(row)
    assert receipt.events[1]["particulars"] == row.particulars
    stored = portfolio.loan("new")
    assert (stored.outstanding, stored.start, stored.rate, stored.version, stored.sequence) == (
        row.principal,
        row.start,
        row.rate,
        1,
        1,
    )


def test_version_in_force_at_the_start_date_rules(portfolio: Partnership, amended: Terms) -> None:
    row = Booking(loan="new", principal=777, start=amended.effective_date, maturity=LAST_DAY)
    receipt = portfolio.book(row, version=2)
    assert receipt.events == [
        submitted(version=2),
        Event(
            "LoanBooked",
            loan_id=id_of("new"),
            borrower_id=id_of("borrower-1"),
            particulars=row.particulars,
            parts=parts(466, 233, 78),
        ),
    ]
    assert portfolio.loan("new").version == 2


# What is wrong with a booking, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("platform checker")}),
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEAL_NOT_ACTIVE", {"version": 3}),
    ("SENDER_NOT_SERVICER", {"by": Key("bank maker")}),
    ("LOAN_EXISTS", {"loan": "open"}),
    ("LOAN_EXISTS", {"loan": "settled"}),
    ("LOAN_EXISTS", {"loan": "written off"}),
    ("LOAN_EXISTS", {"loan": "reversed"}),  # L5
    ("LOAN_EXISTS", {"loan": "amended"}),
    ("LOAN_PRINCIPAL_INVALID", {"principal": 0}),
    ("LOAN_PRINCIPAL_INVALID", {"principal": MAX_AMOUNT + 1}),
    ("LOAN_DATES_INVALID", {"start": 0, "maturity": 5}),
    ("LOAN_DATES_INVALID", {"start": START, "maturity": START}),
    ("LOAN_DATES_INVALID", {"maturity": 0}),
    ("LOAN_METHOD_INVALID", {"method": 4}),
    ("LOAN_METHOD_INVALID", {"method": 15}),
    ("LOAN_METHOD_INVALID", {"purpose": 2}),
    ("LOAN_METHOD_INVALID", {"purpose": 16}),
    ("VERSION_NOT_IN_FORCE", {"start": on("2025-12-31")}),
    ("VERSION_NOT_IN_FORCE", {"start": on("2026-07-01"), "maturity": LAST_DAY}),
    ("DAY_SEALED", {"start": on("2026-01-02")}),
    ("DAY_SEALED", {"start": on("2026-01-01")}),
]


def _book(partnership: Partnership, arguments: dict[str, Any]) -> None:
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    good = Booking(loan="good", principal=10)
    partnership.book(good, replace(Booking(loan="new", principal=5), **row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_booking_with_a_fault_is_refused_with_its_batch(
    portfolio: Partnership, reason: str, arguments: dict[str, Any]
) -> None:
    before = portfolio.balances()
    with refused(reason):
        _book(portfolio, arguments)
    assert portfolio.balances() == before
    assert portfolio.loan("good").sequence == 0


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    portfolio: Partnership, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _book(portfolio, arguments)


def test_loan_that_starts_before_the_version_is_refused(portfolio: Partnership) -> None:
    row = Booking(loan="new", principal=5, maturity=LAST_DAY)
    with refused("VERSION_NOT_IN_FORCE"):
        portfolio.book(row, version=2)
    with refused("VERSION_NOT_IN_FORCE"):
        portfolio.book(replace(row, start=on("2026-06-30")), version=2)


def test_loan_twice_in_a_batch_is_refused(agreed: Partnership) -> None:
    with refused("LOAN_EXISTS"):
        agreed.book(Booking(loan="loan-1", principal=5), Booking(loan="loan-1", principal=6))


def test_same_loan_in_another_deal_is_another_loan(agreed: Partnership, terms: Terms) -> None:
    agreed.agree(terms, deal="other")
    row = Booking(loan="loan-1", principal=5)
    agreed.book(row)
    agreed.book(replace(row, principal=6), deal="other")
    assert agreed.loan("loan-1").outstanding == 5
    assert agreed.loan("loan-1", deal="other").outstanding == 6


def test_bits_above_the_particulars_are_refused(agreed: Partnership) -> None:
    loan_id, borrower_id, principal, particulars = Booking(loan="loan-1", principal=5).row
    row = (loan_id, borrower_id, principal, particulars | 1 << 255)
    with refused("LOAN_METHOD_INVALID"):
        agreed.loans.send(agreed.by_name["platform"].maker, "book", ID, 1, [row], False)


def test_terms_that_were_proposed_but_not_signed_rule_nothing(
    agreed: Partnership, terms: Terms
) -> None:
    agreed.propose(replace(terms, effective_date=on("2026-07-01")))
    with refused("DEAL_NOT_ACTIVE"):
        agreed.book(Booking(loan="loan-1", principal=5, start=on("2026-07-01")), version=2)


# ---- limits
LIMITED = Limits(
    max_annual_rate=240_000,
    max_per_borrower=1_000,
    max_per_consumer=400,
    max_bullet_days=365,
    max_outstanding=3_000,
)


@pytest.fixture
def limited(fresh: Partnership, terms: Terms) -> Partnership:
    """The deal with every limit."""
    fresh.agree(replace(terms, limits=LIMITED))
    return fresh


LONG = START + 366


@pytest.mark.parametrize(
    ("reason", "at", "above"),
    [
        ("RATE_OVER_LIMIT", {"rate": 240_000}, {"rate": 240_001}),
        (
            "BULLET_TERM_OVER_LIMIT",
            {"method": Method.BULLET, "maturity": START + 365},
            {"method": Method.BULLET, "maturity": LONG},
        ),
        (
            "BULLET_TERM_OVER_LIMIT",
            {"method": Method.INTEREST_ONLY, "maturity": START + 365},
            {"method": Method.INTEREST_ONLY, "maturity": LONG},
        ),
        ("BORROWER_OVER_LIMIT", {"principal": 1_000}, {"principal": 1_001}),
        (
            "CONSUMER_OVER_LIMIT",
            {"principal": 400, "purpose": Purpose.CONSUMER},
            {"principal": 401, "purpose": Purpose.CONSUMER},
        ),
    ],
)
def test_limit_of_a_loan_holds_to_the_unit(
    limited: Partnership, reason: str, at: dict[str, Any], above: dict[str, Any]
) -> None:
    row = Booking(loan="loan-1", principal=5)
    with refused(reason):
        limited.book(replace(row, **above))
    limited.book(replace(row, **at))


@pytest.mark.parametrize("method", [Method.EQUAL_INSTALLMENT, Method.EQUAL_PRINCIPAL])
def test_instalment_loan_may_run_longer_than_a_bullet(limited: Partnership, method: Method) -> None:
    limited.book(Booking(loan="loan-1", principal=5, method=method, maturity=LONG))


def test_limits_are_named_in_order(limited: Partnership) -> None:
    row = Booking(
        loan="loan-1",
        principal=5_000,
        rate=240_001,
        method=Method.BULLET,
        maturity=LONG,
        purpose=Purpose.CONSUMER,
    )
    with refused("RATE_OVER_LIMIT"):
        limited.book(row)
    with refused("BULLET_TERM_OVER_LIMIT"):
        limited.book(replace(row, rate=1))
    with refused("BORROWER_OVER_LIMIT"):
        limited.book(replace(row, rate=1, method=0))
    with refused("CONSUMER_OVER_LIMIT"):
        limited.book(replace(row, rate=1, method=0, principal=999))


def test_outstanding_of_the_deal_is_limited_over_all_batches(limited: Partnership) -> None:
    rows = [Booking(loan=f"loan-{i}", borrower=f"b-{i}", principal=1_000) for i in range(4)]
    limited.book(*rows[:2])
    with refused("OUTSTANDING_OVER_LIMIT"):
        limited.book(rows[2], replace(rows[3], principal=1))
    limited.book(rows[2])
    assert limited.volume() == (3_000, 3_000)


def test_loans_of_one_borrower_count_together(limited: Partnership) -> None:
    limited.book(Booking(loan="loan-1", principal=600), Booking(loan="loan-2", principal=399))
    assert limited.borrower_outstanding("borrower-1") == 999
    with refused("BORROWER_OVER_LIMIT"):
        limited.book(Booking(loan="loan-3", principal=2))
    limited.book(Booking(loan="loan-3", borrower="borrower-2", principal=1_000))
    limited.book(Booking(loan="loan-4", principal=1))
    assert limited.borrower_outstanding("borrower-1") == 1_000
    assert limited.loans.read("borrower_of", ID, id_of("loan-3")) == id_of("borrower-2")


def test_business_loan_leaves_less_for_consumption(limited: Partnership) -> None:
    limited.book(Booking(loan="loan-1", principal=400))
    with refused("CONSUMER_OVER_LIMIT"):
        limited.book(Booking(loan="loan-2", principal=1, purpose=Purpose.CONSUMER))


def test_consumer_limit_alone_leaves_business_loans_free(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, limits=Limits(max_per_consumer=400)))
    fresh.book(Booking(loan="loan-1", principal=10_000))
    with refused("CONSUMER_OVER_LIMIT"):
        fresh.book(Booking(loan="loan-2", principal=1, purpose=Purpose.CONSUMER))


def test_deal_without_limits_keeps_no_borrowers(agreed: Partnership) -> None:
    agreed.book(Booking(loan="loan-1", principal=600))
    assert agreed.borrower_outstanding("borrower-1") == 0
    assert agreed.loans.read("borrower_of", ID, id_of("loan-1")) == bytes(32)
