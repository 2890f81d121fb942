"""The public maps of Journal."""

from __future__ import annotations

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id

ID = deal_id(DEAL)


def test_only_loans_posts(agreed: Partnership, outsider: Key) -> None:
    assert agreed.journal.read("is_poster", agreed.loans.address) is True
    for address in (agreed.deals.address, agreed.members.address, outsider.address):
        assert agreed.journal.read("is_poster", address) is False


def test_a_deal_without_entries_has_no_balance_and_no_sealed_day(agreed: Partnership) -> None:
    assert agreed.balances() == {}
    assert agreed.journal.read("sealed_through", ID) == 0
    assert agreed.journal.read("digest_signed", ID, 1, 1) == bytes(32)
