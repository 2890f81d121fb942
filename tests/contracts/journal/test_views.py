"""The public maps of Journal."""

from __future__ import annotations

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.days import DayKind, totals_of
from tests.contracts.sandbox.entries import START, Booking
from tests.contracts.sandbox.partnership import ACCOUNTS, DEAL, Partnership, deal_id

ID = deal_id(DEAL)


def test_only_loans_posts(agreed: Partnership, outsider: Key) -> None:
    assert agreed.journal.read("is_poster", agreed.loans.address) is True
    for address in (agreed.deals.address, agreed.members.address, outsider.address):
        assert agreed.journal.read("is_poster", address) is False


def test_balances_are_what_the_storage_holds(booked: Partnership) -> None:
    """The other tests read the storage; here it is compared with the view, sign and all."""
    balances = booked.balances()
    assert balances["bank"]["CASH"] < 0 < balances["bank"]["CLEARING"]
    for name, number in booked.numbers.items():
        for account, label in enumerate(ACCOUNTS):
            viewed = booked.journal.read("balances", ID, number * 256 + account)
            assert viewed == balances.get(name, {}).get(label, 0)


def test_a_deal_without_entries_has_no_balance_and_no_sealed_day(agreed: Partnership) -> None:
    assert agreed.balances() == {}
    assert agreed.journal.read("sealed_through", ID) == 0
    assert agreed.journal.read("digest_signed", ID, 1, 1) == bytes(32)
    assert agreed.journal.read("sections_signed", ID, 1, 1, 4) == bytes(32)
    assert agreed.journal.read("first_day", ID) == 0
    assert agreed.journal.read("day_total", ID, 1, 1) == 0
    assert agreed.journal.read("sealed_clearing", ID) == (0,) * 12
    assert agreed.journal.read("open_totals", ID, 2**16 - 1) == (0,) * 16


def test_open_totals_are_of_the_days_after_the_last_sealed_one(booked: Partnership) -> None:
    booked.book(Booking(loan="loan-2", principal=5, start=START + 3))
    read = booked.journal.read
    assert read("first_day", ID) == START
    assert totals_of(read("open_totals", ID, START - 1)) == {}
    assert totals_of(read("open_totals", ID, START + 2)) == {DayKind.BOOKING: (1, 780_000)}
    assert totals_of(read("open_totals", ID, START + 3)) == {DayKind.BOOKING: (2, 780_005)}
    for party in ("bank", "platform", "guarantor"):
        booked.seal(party, START)
    assert totals_of(read("open_totals", ID, START)) == {}
    assert totals_of(read("open_totals", ID, START + 3)) == {DayKind.BOOKING: (1, 5)}
