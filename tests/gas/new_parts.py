"""What deals pay for the parts that they use: deposits, loss layers, periods, lists, wide limits.

The deal of `measure` with one part more, so that a difference is that part's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from tests.contracts.guarantees.desk import Claim, Desk, Recovery
from tests.contracts.sandbox.banks import Figure, Role, change_list, declare
from tests.contracts.sandbox.contract import Receipt
from tests.contracts.sandbox.entries import START, Booking, OverdueMark, Repayment, on
from tests.contracts.sandbox.partnership import Partnership
from tests.contracts.sandbox.terms import (
    Cap,
    Demand,
    Deposit,
    Fees,
    Layer,
    Limits,
    Period,
    Rule,
    Terms,
)
from tests.contracts.sandbox.terms import Claim as ClaimTerms
from tests.contracts.settlements.periods import close, month
from tests.gas.counting import Cost, cost

ROWS = 200
CLAIMS = 100
"""The most in one batch."""

Bookings = Callable[[Random, int], Booking]
Repayments = Callable[[Random, Booking, int], Repayment]


def measure(terms: Terms, booking: Bookings, repayment: Repayments) -> dict[str, Cost]:
    """Costs of the new parts, on these terms and rows."""
    gas = _entries_with(terms, booking, repayment)
    gas |= _with_list(terms, booking)
    gas |= _guaranteed(terms, booking)
    return gas | _closed_month(terms, booking, repayment)


def _entries_with(terms: Terms, booking: Bookings, repayment: Repayments) -> dict[str, Cost]:
    """Bookings and repayments, each in the second batch of its deal."""
    payers = (Layer(payer="guarantor", share=500_000),)
    claim = ClaimTerms(days_past_due=90)
    variants = {
        "with a period": replace(terms, period=_excess()),
        "with interest accrued": replace(terms, demands=Demand.ACCRUED_INTEREST),
        "with limits across deals": replace(
            terms, layers=payers, claim=claim, limits=Limits(
                max_concentration=250_000,
                max_joint_share=500_000,
                max_guarantee_multiple=10_000_000,
                max_guaranteed_borrower=100_000,
            ),
        ),
        "with a deposit": replace(terms, deposit=Deposit(by="platform")),
        "with a fee for each loan": replace(
            terms,
            funding=(("bank", 600_000), ("platform", 400_000)),
            others=("guarantor",),
            fees=Fees(per_loan_ppm=3_000),
        ),
    }  # fmt: skip
    gas = {}
    for name, own in variants.items():
        partnership = Partnership()
        partnership.agree(own)
        for member in ("bank", "guarantor"):
            for figure in Figure:
                declare(partnership, member, figure, 10**15)
        if own.deposit:
            Desk(partnership).pay("paid", 10**12)
        random = Random(1)
        # What is written for the first time of a deal costs more.
        partnership.book(booking(random, ROWS))
        loans = [booking(random, i) for i in range(ROWS)]
        gas[f"loan {name}"] = _per_row(partnership.book(*loans))
        partnership.repay(_accrued([repayment(random, loans[0], 2)], own)[0])
        rows = _accrued([repayment(random, loan, 0) for loan in loans], own)
        gas[f"repayment {name}"] = _per_row(partnership.repay(*rows))
        if own.demands:
            later = _accrued([repayment(random, loan, 1) for loan in loans], own)
            gas[f"repayment {name}, later entry of a loan"] = _per_row(partnership.repay(*later))
    return gas


def _accrued(rows: Sequence[Repayment], terms: Terms) -> list[Repayment]:
    """Little enough interest to have accrued, where that is asked."""
    checked = terms.demands & Demand.ACCRUED_INTEREST
    return [replace(row, interest=row.interest % 500) if checked else row for row in rows]


def _with_list(terms: Terms, booking: Bookings) -> dict[str, Cost]:
    partnership = Partnership()
    partnership.agree(terms)
    for party in ("platform", "guarantor"):
        changed = change_list(partnership, "bank", party, Role.COFUND)
    random = Random(1)
    partnership.book(booking(random, ROWS))
    booked = partnership.book(*(booking(random, i) for i in range(ROWS)))
    return {
        "loan with a list kept": _per_row(booked),
        "list change (transaction)": cost(changed),
    }


def _guaranteed(terms: Terms, booking: Bookings) -> dict[str, Cost]:
    partnership = Partnership()
    partnership.agree(
        replace(
            terms,
            deposit=Deposit(by="platform"),
            layers=(
                Layer(payer="platform", from_deposit=True, cap_kind=Cap.DISBURSED, cap=50_000),
                Layer(payer="guarantor", share=600_000, reinstates=True),
            ),
            claim=ClaimTerms(days_past_due=90, with_interest=True),
        )
    )
    desk = Desk(partnership)
    desk.pay("paid", 10**12)
    gas = {"deposit paid (transaction)": cost(desk.pay("more", 10**6))}
    random = Random(1)
    loans = [booking(random, i) for i in range(CLAIMS)]
    partnership.book(*loans)
    released = desk.release("back", 10**6)
    gas["deposit released (transaction)"] = cost(released)
    partnership.mark_overdue(
        *(OverdueMark(entry=f"o-{loan.loan}", loan=loan.loan, since=START + 30) for loan in loans)
    )
    claims = [Claim(entry=f"c-{loan.loan}", loan=loan.loan) for loan in loans]
    gas["compensation, in a batch of 100"] = _per_claim(desk.compensate(*claims))
    rows = [Recovery(entry=f"x-{loan.loan}", loan=loan.loan, principal=50_000) for loan in loans]
    gas["recovery, in a batch of 100"] = _per_claim(desk.recover(*rows))
    return gas


def _closed_month(terms: Terms, booking: Bookings, repayment: Repayments) -> dict[str, Cost]:
    """A month keeps sums, not entries: closing it costs the same after more of them."""
    partnership = Partnership()
    partnership.agree(replace(terms, period=_excess()))
    random = Random(1)
    loans = [booking(random, i) for i in range(ROWS)]
    partnership.book(*loans)
    partnership.repay(*(replace(repayment(random, loan, 0), date=START + 20) for loan in loans))
    january = month("2026-01")
    closed = close(partnership, january, date=on("2026-01-31"))
    return {"month of 200 loans and repayments closed (transaction)": cost(closed)}


def _excess() -> Period:
    return Period(rule=Rule.EXCESS, to="platform", bank_return=10_000, share=600_000)


def _per_row(receipt: Receipt) -> Cost:
    return cost(receipt, ROWS)


def _per_claim(receipt: Receipt) -> Cost:
    return cost(receipt, CLAIMS)
