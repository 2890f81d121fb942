"""The public maps of Journal."""

from __future__ import annotations

from tests.contracts.sandbox.chain import Key
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
