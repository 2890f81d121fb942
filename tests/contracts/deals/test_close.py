"""`close`: D5, a deal ends for good once every party that signs its days has signed that."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.deals.acts import after_confirmation, close, closed
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import Booking, Repayment
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Terms

ID = deal_id(DEAL)
CLOSED = 2**255


def test_last_signature_closes_the_deal(agreed: Partnership) -> None:
    for party in ("guarantor", "bank"):
        number = agreed.numbers[party]
        assert agreed.deals.read("closing_signed", ID, 1, number) is False
        receipt = close(agreed, party)
        assert receipt.returned is None
        signed = Event("ClosingSigned", deal_id=ID, party=number)
        assert after_confirmation(receipt) == [signed]
        assert agreed.deals.read("closing_signed", ID, 1, number) is True
        assert agreed.deals.read("stopped_by", ID) == 0
    agreed.book(Booking(loan="loan-1", principal=5))
    assert after_confirmation(close(agreed, "platform")) == [
        Event("ClosingSigned", deal_id=ID, party=agreed.numbers["platform"]),
        Event("DealClosed", deal_id=ID),
    ]
    assert agreed.deals.read("stopped_by", ID) == CLOSED
    with refused("DEAL_CLOSED"):
        agreed.book(Booking(loan="loan-2", principal=5))


def test_entries_on_the_loans_of_a_closed_deal_go_on(booked: Partnership) -> None:
    closed(booked)
    booked.repay(Repayment(entry="r", loan="loan-1", principal=5))
    booked.seal("bank", 20_000)
    assert booked.loan("loan-1").outstanding == 780_000 - 5


def test_closed_deal_takes_no_more_terms(agreed: Partnership, amended: Terms) -> None:
    agreed.propose(amended)
    closed(agreed)
    with refused("DEAL_CLOSED"):
        agreed.propose(amended)
    with refused("DEAL_CLOSED"):
        agreed.sign("bank", amended, 2)


def test_other_deals_stay_open(agreed: Partnership, terms: Terms) -> None:
    agreed.agree(terms, deal="other")
    for party in ("bank", "platform", "guarantor"):
        close(agreed, party, "other")
    agreed.book(Booking(loan="loan-1", principal=5))


def test_only_those_who_sign_the_days_close(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, others=("auditor",)))
    with refused("SENDER_NOT_SIGNING_PARTY"):
        close(fresh, "auditor")
    closed(fresh)
    assert fresh.deals.read("stopped_by", ID) == CLOSED


def test_servicer_that_does_not_fund_closes_too(fresh: Partnership, terms: Terms) -> None:
    fresh.agree(replace(terms, others=("auditor",), servicer="auditor"))
    closed(fresh)
    assert fresh.deals.read("stopped_by", ID) == 0
    close(fresh, "auditor")
    assert fresh.deals.read("stopped_by", ID) == CLOSED


def test_signatures_lapse_when_another_version_comes_into_force(
    agreed: Partnership, amended: Terms
) -> None:
    for party in ("bank", "platform"):
        close(agreed, party)
    agreed.agree(amended)
    close(agreed, "guarantor")
    assert agreed.deals.read("stopped_by", ID) == 0
    for party in ("bank", "platform"):
        close(agreed, party)
    assert agreed.deals.read("stopped_by", ID) == CLOSED


def test_second_signature_of_one_party_is_refused(agreed: Partnership) -> None:
    close(agreed, "bank")
    with refused("SIGNATURE_REPEATED"):
        close(agreed, "bank")


def test_closing_without_the_makers_request_is_refused(agreed: Partnership, bank: Member) -> None:
    with refused("ACTION_NOT_REQUESTED"):
        agreed.deals.send(bank.checker, "close", ID)


def test_request_for_another_deal_does_not_close_this_one(
    agreed: Partnership, bank: Member
) -> None:
    agreed.request(bank.maker, agreed.deals, "close", deal_id("other"))
    with refused("ACTION_NOT_REQUESTED"):
        agreed.deals.send(bank.checker, "close", ID)


def test_deal_that_is_not_in_force_is_refused(fresh: Partnership, terms: Terms) -> None:
    fresh.propose(terms)
    with refused("DEAL_NOT_ACTIVE"):
        close(fresh, "bank")


def test_closed_deal_is_refused(agreed: Partnership) -> None:
    closed(agreed)
    with refused("DEAL_CLOSED"):
        close(agreed, "bank")
