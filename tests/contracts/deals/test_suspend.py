"""`suspend`: D4, a funder or the servicer stops new loans; entries on old ones go on."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.deals.acts import after_confirmation, close, closed, resume, suspend
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import Booking, Repayment
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Terms

ID = deal_id(DEAL)


def test_suspended_deal_books_nothing(agreed: Partnership, platform: Member) -> None:
    receipt = suspend(agreed, "platform")
    assert receipt.returned is None
    assert after_confirmation(receipt) == [
        Event("DealSuspended", deal_id=ID, party=platform.number)
    ]
    assert agreed.deals.read("stopped_by", ID) == platform.number
    with refused("DEAL_SUSPENDED"):
        agreed.book(Booking(loan="loan-1", principal=5))


def test_entries_on_the_loans_of_a_suspended_deal_go_on(booked: Partnership) -> None:
    suspend(booked, "bank")
    booked.repay(Repayment(entry="r", loan="loan-1", principal=5))
    assert booked.loan("loan-1").outstanding == 780_000 - 5


def test_suspended_deal_may_be_amended_and_stays_suspended(
    agreed: Partnership, amended: Terms
) -> None:
    suspend(agreed, "guarantor")
    assert agreed.agree(amended) == 2
    with refused("DEAL_SUSPENDED"):
        agreed.deals.read("rules", ID, 2, amended.effective_date)


def test_other_deals_are_not_suspended(agreed: Partnership, terms: Terms) -> None:
    agreed.agree(terms, deal="other")
    suspend(agreed, "bank", "other")
    agreed.book(Booking(loan="loan-1", principal=5))


def test_servicer_that_does_not_fund_suspends(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, others=("auditor",), servicer="auditor"))
    suspend(fresh, "auditor")
    assert fresh.deals.read("stopped_by", ID) == fresh.numbers["auditor"]


def test_party_that_neither_funds_nor_services_is_refused(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, others=("auditor",)))
    with refused("SENDER_NOT_SIGNING_PARTY"):
        suspend(fresh, "auditor")


def test_suspension_without_the_makers_request_is_refused(
    agreed: Partnership, bank: Member
) -> None:
    with refused("ACTION_NOT_REQUESTED"):
        agreed.deals.send(bank.checker, "suspend", ID)


def test_request_to_close_does_not_suspend(agreed: Partnership, bank: Member) -> None:
    agreed.request(bank.maker, agreed.deals, "close", ID)
    with refused("ACTION_NOT_REQUESTED"):
        agreed.deals.send(bank.checker, "suspend", ID)


def test_deal_that_is_not_in_force_is_refused(fresh: Partnership, terms: Terms) -> None:
    with refused("DEAL_NOT_ACTIVE"):
        suspend(fresh, "bank")
    fresh.propose(terms)
    with refused("DEAL_NOT_ACTIVE"):
        suspend(fresh, "bank")


def test_party_suspends_once(agreed: Partnership) -> None:
    suspend(agreed, "bank")
    with refused("DEAL_SUSPENDED"):
        suspend(agreed, "bank")


def test_suspension_of_another_is_taken_over(agreed: Partnership) -> None:
    """Nobody keeps a deal open for itself by suspending it first."""
    suspend(agreed, "platform")
    suspend(agreed, "bank")
    with refused("SENDER_NOT_SUSPENDER"):
        resume(agreed, "platform")
    with refused("DEAL_SUSPENDED"):
        agreed.book(Booking(loan="loan-1", principal=5))
    resume(agreed, "bank")
    agreed.book(Booking(loan="loan-1", principal=5))


def test_closed_deal_is_refused(agreed: Partnership) -> None:
    closed(agreed)
    with refused("DEAL_CLOSED"):
        suspend(agreed, "bank")


def test_suspended_deal_may_be_closed(agreed: Partnership) -> None:
    suspend(agreed, "bank")
    for party in ("guarantor", "platform", "bank"):
        close(agreed, party)
    with refused("DEAL_CLOSED"):
        resume(agreed, "bank")
