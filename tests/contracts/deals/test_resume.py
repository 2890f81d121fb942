"""`resume`: D4, only the party that suspended a deal lets it book again."""

from __future__ import annotations

import pytest

from tests.contracts.deals.acts import after_confirmation, closed, resume, suspend
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import Booking
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id, refused

ID = deal_id(DEAL)


def test_resumed_deal_books_again(agreed: Partnership, platform: Member) -> None:
    suspend(agreed, "platform")
    receipt = resume(agreed, "platform")
    assert receipt.returned is None
    assert after_confirmation(receipt) == [Event("DealResumed", deal_id=ID, party=platform.number)]
    assert agreed.deals.read("stopped_by", ID) == 0
    agreed.book(Booking(loan="loan-1", principal=5))


@pytest.mark.parametrize("party", ["bank", "guarantor", "auditor"])
def test_anyone_but_the_party_that_suspended_is_refused(agreed: Partnership, party: str) -> None:
    suspend(agreed, "platform")
    with refused("SENDER_NOT_SUSPENDER"):
        resume(agreed, party)


def test_resumption_without_the_makers_request_is_refused(
    agreed: Partnership, bank: Member
) -> None:
    suspend(agreed, "bank")
    with refused("ACTION_NOT_REQUESTED"):
        agreed.deals.send(bank.checker, "resume", ID)


def test_deal_that_is_not_suspended_is_refused(agreed: Partnership) -> None:
    with refused("DEAL_NOT_SUSPENDED"):
        resume(agreed, "bank")
    suspend(agreed, "bank")
    resume(agreed, "bank")
    with refused("DEAL_NOT_SUSPENDED"):
        resume(agreed, "bank")


def test_unknown_deal_is_refused(agreed: Partnership) -> None:
    with refused("DEAL_NOT_SUSPENDED"):
        resume(agreed, "bank", "other")


def test_closed_deal_is_refused(agreed: Partnership) -> None:
    suspend(agreed, "bank")
    closed(agreed)
    with refused("DEAL_CLOSED"):
        resume(agreed, "bank")
