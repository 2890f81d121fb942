"""`seal_day`: J2, a day is sealed when every signing party signed the same digest of it."""

from __future__ import annotations

from dataclasses import replace

from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import Booking, Repayment, on
from tests.contracts.sandbox.partnership import DEAL, Member, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Terms

ID = deal_id(DEAL)
DAY = on("2026-02-01")
DIGEST = b"\x07" * 32
OTHER = b"\x08" * 32


def signed(party: int, digest: bytes = DIGEST) -> Event:
    return Event("DaySigned", deal_id=ID, day=DAY, party=party, digest=digest)


def test_last_equal_signature_seals_the_day(agreed: Partnership) -> None:
    for number, party in ((3, "guarantor"), (1, "bank")):
        receipt = agreed.seal(party, DAY)
        assert receipt.returned is None
        assert receipt.events[1:] == [signed(number)]
        assert agreed.journal.read("digest_signed", ID, DAY, number) == DIGEST
        assert agreed.journal.read("sealed_through", ID) == 0
    receipt = agreed.seal("platform", DAY)
    assert receipt.events[1:] == [
        signed(2),
        Event("DaySealed", deal_id=ID, day=DAY, digest=DIGEST),
    ]
    assert agreed.journal.read("sealed_through", ID) == DAY


def test_different_digests_seal_nothing_until_one_signs_anew(agreed: Partnership) -> None:
    agreed.seal("bank", DAY)
    agreed.seal("platform", DAY, OTHER)
    agreed.seal("guarantor", DAY)
    assert agreed.journal.read("sealed_through", ID) == 0
    agreed.seal("platform", DAY)
    assert agreed.journal.read("sealed_through", ID) == DAY


def test_signature_taken_back_does_not_seal(agreed: Partnership) -> None:
    agreed.seal("bank", DAY)
    agreed.seal("bank", DAY, OTHER)
    agreed.seal("platform", DAY)
    agreed.seal("guarantor", DAY)
    assert agreed.journal.read("sealed_through", ID) == 0
    agreed.seal("bank", DAY)
    assert agreed.journal.read("sealed_through", ID) == DAY


def test_signatures_on_different_days_seal_nothing(agreed: Partnership) -> None:
    agreed.seal("bank", DAY)
    agreed.seal("platform", DAY + 1)
    agreed.seal("guarantor", DAY)
    assert agreed.journal.read("sealed_through", ID) == 0


def test_sealed_day_takes_no_entry_and_the_next_day_does(booked: Partnership) -> None:
    for party in ("bank", "platform", "guarantor"):
        booked.seal(party, DAY)
    late = Repayment(entry="late", loan="loan-1", date=DAY, principal=1)
    before = booked.balances()
    with refused("DAY_SEALED"):  # J3
        booked.repay(late)
    with refused("DAY_SEALED"):
        booked.repay(replace(late, entry="in time", date=DAY + 1), late)
    with refused("DAY_SEALED"):
        booked.book(Booking(loan="loan-2", principal=1, start=DAY))
    assert booked.balances() == before
    booked.repay(replace(late, date=DAY + 1))
    booked.book(Booking(loan="loan-2", principal=1, start=DAY + 1))


def test_sealing_one_deal_leaves_the_others_open(agreed: Partnership, terms: Terms) -> None:
    agreed.agree(terms, deal="other")
    for party in ("bank", "platform", "guarantor"):
        agreed.seal(party, DAY, deal="other")
    assert agreed.journal.read("sealed_through", ID) == 0


def test_signature_without_the_makers_request_is_refused(agreed: Partnership, bank: Member) -> None:
    with refused("ACTION_NOT_REQUESTED"):
        agreed.journal.send(bank.checker, "seal_day", ID, DAY, DIGEST)


def test_signature_by_the_maker_is_refused(agreed: Partnership, bank: Member) -> None:
    agreed.request(bank.maker, agreed.journal, "seal_day", ID, DAY, DIGEST)
    with refused("SENDER_NOT_CHECKER"):
        agreed.journal.send(bank.maker, "seal_day", ID, DAY, DIGEST)


def test_day_of_a_deal_that_is_not_in_force_is_refused(fresh: Partnership, terms: Terms) -> None:
    fresh.propose(terms)
    with refused("DEAL_NOT_ACTIVE"):
        fresh.seal("bank", DAY)


def test_signature_of_a_member_that_does_not_sign_days_is_refused(
    fresh: Partnership, terms: Terms
) -> None:
    fresh.agree(replace(terms, others=("auditor",)))
    with refused("SENDER_NOT_SIGNING_PARTY"):
        fresh.seal("auditor", DAY)


def test_day_on_or_before_a_sealed_one_is_refused(agreed: Partnership) -> None:
    for party in ("bank", "platform", "guarantor"):
        agreed.seal(party, DAY)
    for day in (DAY, DAY - 1, 0):
        with refused("DAY_SEALED"):
            agreed.seal("bank", day, OTHER)


def test_same_digest_again_is_refused(agreed: Partnership) -> None:
    agreed.seal("bank", DAY)
    with refused("DIGEST_REPEATED"):
        agreed.seal("bank", DAY)
