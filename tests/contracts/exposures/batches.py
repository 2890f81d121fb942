"""Batches: a history of two deals in which every kind of entry moves principal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.contracts.sandbox.entries import (
    START,
    Booking,
    OverdueMark,
    Repayment,
    WriteOff,
    id_of,
    reversal_of,
)
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id
from tests.contracts.sandbox.terms import Deposit

LOAN = Booking(loan="loan-1", principal=10_001)
DUE = START + 90
DEPOSIT = Deposit(by="platform", custodian="bank", target=1, warn=1, stop=1)
"""Nearly nothing is enough."""


def batches(two_deals: Partnership) -> Iterator[None]:
    """Every kind of batch of Loans that moves principal, in both deals."""
    other = replace(LOAN, loan="loan-2", principal=7_777)
    two_deals.book(LOAN)
    yield
    two_deals.book(LOAN, deal="assisted")
    yield
    two_deals.book(other, deal="assisted")
    yield
    paid = Repayment(entry="r", loan="loan-1", principal=3_333, interest=70, penalty=5)
    two_deals.repay(paid)
    yield
    two_deals.repay(paid, replace(paid, entry="r2", principal=1), deal="assisted")
    yield
    two_deals.repay(replace(paid, entry="r3", principal=0))
    yield
    two_deals.reverse(reversal_of(LOAN, paid, replace(paid, entry="r3", principal=0)))
    yield
    two_deals.reverse(reversal_of(LOAN, paid, entry="second"))
    yield
    lost = WriteOff(entry="w", loan="loan-2", outstanding=7_777)
    two_deals.write_off(lost, deal="assisted")
    yield
    two_deals.reverse(reversal_of(other, lost), deal="assisted")
    yield
    two_deals.reverse(reversal_of(other, entry="booking"), deal="assisted")
    yield
    taken_back = compensate(two_deals, "loan-1")
    yield
    sender = two_deals.by_name["platform"].maker
    two_deals.guarantees.send(sender, "reverse_compensation", deal_id(DEAL), 1, taken_back)
    yield
    compensate(two_deals, "loan-1", deal="assisted")
    yield
    recover(two_deals, "loan-1", 100, deal="assisted")
    yield
    two_deals.reverse(reversal_of(LOAN, entry="booking"))
    yield


def compensate(partnership: Partnership, loan: str, *, deal: str = DEAL) -> tuple[object, ...]:
    """代偿 of a loan that is long past due; the row that would take it back."""
    sender = partnership.by_name["platform"].maker
    partnership.mark_overdue(OverdueMark(entry="o", loan=loan, since=START), deal=deal)
    before = partnership.loan(loan, deal=deal)
    row = (id_of("c"), id_of(loan), before.sequence, DUE)
    receipt = partnership.guarantees.send(sender, "compensate", deal_id(deal), 1, [row], False)
    (entry,) = (event for event in receipt.events if event.name == "LoanCompensated")
    content = (entry["pays"], entry["principal_parts"], entry["interest_parts"])
    return (
        id_of("taken back"), id_of(loan), before.sequence + 1, DUE + 1,
        id_of("c"), DUE, *content, before.tip,
    )  # fmt: skip


def recover(partnership: Partnership, loan: str, amount: int, *, deal: str = DEAL) -> None:
    """追偿 on a compensated loan."""
    sender = partnership.by_name["platform"].maker
    sequence = partnership.loan(loan, deal=deal).sequence
    row = (id_of(f"recovered {sequence}"), id_of(loan), sequence, DUE + 2, 6, amount)
    partnership.guarantees.send(sender, "recover", deal_id(deal), 1, [row], False)


def pay_deposit(partnership: Partnership, amount: int) -> None:
    """The depositor of `DEPOSIT` pays."""
    sender = partnership.by_name["platform"].maker
    entry = (deal_id(DEAL), id_of(f"deposit of {amount}"), START, amount)
    partnership.guarantees.send(sender, "pay", *entry)
