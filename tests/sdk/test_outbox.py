"""Outbox: transactions of several senders, kept together or not at all."""

from __future__ import annotations

import pytest

from ledger import outbox as outbox_module
from ledger.bindings import encode_call
from ledger.errors import Reverted
from ledger.keys import KeyUse
from ledger.ledger import Ledger
from tests.sdk.sdk_office import LEAD, SERVICER


def request(number: int) -> bytes:
    return encode_call("Members", "request", "0x" + "ab" * 20, bytes([number]))


def test_what_is_not_kept_is_not_there(ledger: Ledger) -> None:
    head = ledger.engine.head()
    to = ledger.settings.contracts["Members"]
    with ledger.outbox() as outbox:
        outbox.send(LEAD, KeyUse.MAKER, to, request(1))
    assert ledger.engine.head() == head


def test_nonces_count_each_sender_for_itself(ledger: Ledger) -> None:
    to = ledger.settings.contracts["Members"]
    makers = [ledger.keyring.address(member, KeyUse.MAKER) for member in (LEAD, SERVICER)]
    before = [ledger.engine.nonce(maker) for maker in makers]
    with ledger.outbox() as outbox:
        for number, member in enumerate([LEAD, SERVICER, LEAD]):
            outbox.send(member, KeyUse.MAKER, to, request(number))
        head = outbox.keep()
    assert [len(outbox.receipts), head] == [3, ledger.engine.head()]
    after = [ledger.engine.nonce(maker) for maker in makers]
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 1]


def test_refused_transaction_spends_no_nonce_and_the_rest_goes_on(ledger: Ledger) -> None:
    to = ledger.settings.contracts["Members"]
    with ledger.outbox() as outbox:
        outbox.send(LEAD, KeyUse.MAKER, to, request(1))
        with pytest.raises(Reverted) as refused:
            outbox.send(LEAD, KeyUse.MAKER, to, request(1))
        assert refused.value.reason == "ACTION_REPEATED"
        outbox.send(LEAD, KeyUse.MAKER, to, request(2))
        outbox.keep()
    assert len(outbox.receipts) == 2


def test_call_that_runs_out_of_gas_is_sent_with_more(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "_GAS_LIMITS", ((50_000, 0), (4_000_000, 0)))
    maker = ledger.keyring.address(LEAD, KeyUse.MAKER)
    before = ledger.engine.nonce(maker)
    with ledger.outbox() as outbox:
        outbox.send(LEAD, KeyUse.MAKER, ledger.settings.contracts["Members"], request(1))
        outbox.keep()
    assert outbox.receipts[0].gas_used > 50_000
    assert ledger.engine.nonce(maker) == before + 1


def test_key_that_is_not_here_may_be_probed(ledger: Ledger) -> None:
    to = ledger.settings.contracts["Members"]
    with ledger.outbox() as outbox:
        outbox.probe_from(ledger.member(LEAD).maker, to, request(1))
        with pytest.raises(Reverted):
            outbox.probe_from(ledger.member(LEAD).checker, to, request(1))


def test_probe_is_seen_by_the_next_probe_and_never_kept(ledger: Ledger) -> None:
    head = ledger.engine.head()
    to = ledger.settings.contracts["Members"]
    with ledger.outbox() as outbox:
        outbox.probe(LEAD, KeyUse.MAKER, to, request(1))
        with pytest.raises(Reverted):
            outbox.probe(LEAD, KeyUse.MAKER, to, request(1))
        outbox.keep()
    assert ledger.engine.head() == head
