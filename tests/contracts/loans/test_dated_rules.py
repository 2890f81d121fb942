"""Bookings by what rules their start date: dated limits, lists, suspended and closed deals."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.sandbox.entries import START, Booking, Repayment, id_of, on
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Limits, Terms

ID = deal_id(DEAL)
FROM, STRICTER, LOOSER = on("2026-01-01"), on("2026-03-01"), on("2026-06-01")
ASSIST, COFUND, ENHANCE = 1, 2, 4


def dated(terms: Terms) -> Terms:
    """36 % at first, 24 % from March, none from June."""
    return replace(
        terms,
        limits=(
            Limits(from_date=FROM, max_annual_rate=360_000),
            Limits(from_date=STRICTER, max_annual_rate=240_000),
            Limits(from_date=LOOSER, max_outstanding=5_000),
        ),
    )


def loan(name: str, start: int, rate: int) -> Booking:
    return Booking(loan=name, principal=1_000, start=start, maturity=start + 90, rate=rate)


def test_limit_of_the_start_date_rules(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(dated(terms))
    for start, passes, fails in (
        (FROM, 360_000, 360_001),
        (STRICTER - 1, 360_000, 360_001),
        (STRICTER, 240_000, 240_001),
        (LOOSER - 1, 240_000, 240_001),
    ):
        with refused("RATE_OVER_LIMIT"):
            fresh.book(loan("refused", start, fails))
        fresh.book(loan(f"loan-{start}", start, passes))
    fresh.book(loan("loan-late", LOOSER, 500_000))
    with refused("OUTSTANDING_OVER_LIMIT"):
        fresh.book(loan("loan-later", LOOSER, 500_000))


def test_batch_across_dates_in_any_order(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(dated(terms))
    rows = [
        loan("a", STRICTER, 240_000), loan("b", FROM, 360_000), loan("c", LOOSER, 900_000),
        loan("d", STRICTER + 1, 240_000), loan("e", STRICTER - 1, 360_000),
    ]  # fmt: skip
    for at, wrong in ((3, 240_001), (4, 360_001), (0, 240_001), (1, 360_001)):
        bad = list(rows)
        bad[at] = replace(bad[at], rate=wrong)
        with refused("RATE_OVER_LIMIT"):
            fresh.book(*bad)
    fresh.book(*rows)


def test_outstanding_limit_of_each_loan_counts_up_to_it(fresh: Partnership, terms: Terms) -> None:
    """The order of a batch cannot hide a loan from the limit of its own day."""
    limits = (Limits(from_date=FROM, max_outstanding=1_000), Limits(from_date=STRICTER))
    fresh.agree(replace(terms, limits=limits))
    free, bound = loan("free", STRICTER, 1), loan("bound", FROM, 1)
    fresh_rows = [bound, free]
    with fresh.unchanged():
        fresh.book(*fresh_rows)
    with refused("OUTSTANDING_OVER_LIMIT"):
        fresh.book(free, bound)


def test_batch_under_limits_across_deals_has_one_start_date(
    fresh: Partnership, terms: Terms
) -> None:
    fresh.agree(replace(terms, limits=Limits(max_concentration=250_000)))
    with refused("START_DATES_DIFFER"):
        fresh.book(loan("a", START, 1), loan("b", START + 1, 1))
    fresh.book(loan("a", START, 1), loan("b", START, 1))
    fresh.book(loan("c", START + 1, 1))


def listed(partnership: Partnership, party: str, role: int, first: int, last: int = 65_535) -> None:
    bank = partnership.by_name["bank"]
    number = partnership.by_name[party].number
    partnership.confirmed(bank, partnership.lists, "change", bank.number, number, role, True, first, last)


def test_party_must_be_listed_on_the_start_date(agreed: Partnership) -> None:
    agreed.book(Booking(loan="before there is a list", principal=5))
    listed(agreed, "platform", COFUND, START, START + 10)
    with refused("PARTY_NOT_LISTED"):  # the guarantor funds too
        agreed.book(Booking(loan="new", principal=5))
    listed(agreed, "guarantor", COFUND, START)
    agreed.book(Booking(loan="first", principal=5), Booking(loan="last", principal=5, start=START + 10))
    for rows in (
        [Booking(loan="early", principal=5, start=START - 1)],
        [Booking(loan="late", principal=5, start=START + 11)],
        [Booking(loan="in", principal=5), Booking(loan="late", principal=5, start=START + 11)],
    ):
        with refused("PARTY_NOT_LISTED"):
            agreed.book(*rows)


def test_old_loans_are_served_by_a_party_no_longer_listed(booked: Partnership) -> None:
    listed(booked, "guarantor", COFUND, START + 1_000)
    with refused("PARTY_NOT_LISTED"):
        booked.book(Booking(loan="new", principal=5))
    booked.repay(Repayment(entry="r", loan="loan-1", principal=5))


def test_suspended_deal_books_nothing_and_serves_what_there_is(booked: Partnership) -> None:
    bank = booked.by_name["bank"]
    booked.confirmed(bank, booked.deals, "suspend", ID)
    with refused("DEAL_SUSPENDED"):
        booked.book(Booking(loan="new", principal=5))
    booked.repay(Repayment(entry="r", loan="loan-1", principal=5))
    booked.confirmed(bank, booked.deals, "resume", ID)
    booked.book(Booking(loan="new", principal=5))


def test_closed_deal_books_nothing_and_serves_what_there_is(booked: Partnership) -> None:
    for name in ("bank", "platform", "guarantor"):
        booked.confirmed(booked.by_name[name], booked.deals, "close", ID)
    with refused("DEAL_CLOSED"):
        booked.book(Booking(loan="new", principal=5))
    booked.repay(Repayment(entry="r", loan="loan-1", principal=5))


def test_borrower_counts_across_the_deals_of_one_lead(fresh: Partnership, terms: Terms) -> None:
    limited = replace(terms, limits=Limits(max_per_borrower=1_000))
    other_lead = replace(
        limited, funding=(("platform", 500_000), ("bank", 500_000)), others=("guarantor",)
    )
    fresh.agree(limited)
    fresh.agree(limited, deal="second")
    fresh.agree(other_lead, deal="third")
    fresh.book(Booking(loan="a", principal=600))
    with refused("BORROWER_OVER_LIMIT"):
        fresh.book(Booking(loan="b", principal=401), deal="second")
    fresh.book(Booking(loan="b", principal=400), deal="second")
    fresh.book(Booking(loan="c", principal=1_000), deal="third")
    fresh.repay(Repayment(entry="r", loan="b", principal=150), deal="second")
    assert fresh.borrower_outstanding("borrower-1") == 850
    assert fresh.loans.read("borrower_of", deal_id("second"), id_of("b")) == id_of("borrower-1")
