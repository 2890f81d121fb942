"""py-evm and revm on transactions made to tell them apart: each outcome must be the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from eth.vm.forks.london.transactions import LondonTransactionBuilder
from eth_keys.datatypes import PrivateKey

from ledger.chain.pending import read_transaction
from ledger.errors import Reverted
from ledger.replay.evm import Evm, NotExecutable, Outcome
from ledger.replay.pyevm import PyEvm
from ledger.replay.revm import Revm
from tests.replay.forge import CHAIN_ID, STRANGER
from tests.replay.probe import GENESIS, KEY, PROBE, SENDER, creation, header, signed, words

COINBASE = b"\x2a" * 20
STRANGER_AT = b"\x2b" * 20
COLD_SLOT, WARM_SLOT = 2_100, 100


class Both:
    """The two EVMs, each transaction and read compared."""

    def __init__(self) -> None:
        self.evms: tuple[Evm, Evm] = PyEvm(GENESIS), Revm(GENESIS)
        self.number = self.nonce = 0
        self.begin()
        assert self.send(creation(), b"").succeeded

    def begin(self) -> None:
        self.number += 1
        for evm in self.evms:
            if self.number > 1:
                evm.end()
            evm.begin(header(self.number), COINBASE, ())

    def send(self, data: bytes, to: bytes = PROBE, gas: int = 3_000_000) -> Outcome:
        outcome = self.take(signed(self.nonce, data, to, gas))
        self.nonce += 1
        return outcome

    def call(self, function: str, *arguments: int, **options: Any) -> Outcome:
        return self.send(words(function, *arguments), **options)

    def take(self, raw: bytes) -> Outcome:
        transaction = read_transaction(raw, CHAIN_ID)
        first, second = [evm.apply(transaction) for evm in self.evms]
        # Why it failed each says in its own words, but for the contracts'.
        assert first.succeeded == second.succeeded
        assert replace(first, reason=None) == replace(second, reason=None)
        return first

    def refuse(self, raw: bytes) -> None:
        transaction = read_transaction(raw, CHAIN_ID)
        for evm in self.evms:
            with pytest.raises(NotExecutable):
                evm.apply(transaction)


@pytest.fixture
def both() -> Both:
    return Both()


def test_reading_a_slot_leaves_it_cold(both: Both) -> None:
    first = both.call("write", 1, 5)
    holding = [evm.slot(PROBE, number) for evm in both.evms for (_, number) in first.written]
    assert holding == 2 * list(first.written.values())
    assert [evm.slot(STRANGER_AT, 1) for evm in both.evms] == [0, 0]
    both.call("write", 1, 6)


def test_a_slot_is_cold_again_in_every_transaction(both: Both) -> None:
    first, again = both.call("write", 1, 5), both.call("write", 1, 6)
    third = both.call("write", 1, 7)
    # Set from nothing, and then changed: EIP-2200 on top of the cold access of EIP-2929.
    assert first.gas_used - again.gas_used == 20_000 - 2_900
    assert again.gas_used == third.gas_used
    assert [*first.written.values()] == [5] and len(first.entries) == 1


def test_what_clearing_refunds_is_a_fifth_at_most(both: Both) -> None:
    for slot in range(60):
        both.call("write", slot, slot + 1)
    one, many = both.call("clear", 0, 1), both.call("clear", 1, 50)
    assert len(one.written) == 1 and len(many.written) == 50
    # 4 800 for each slot, of which so many come to more than a fifth of the gas.
    assert many.gas_used < 50 * (5_000 + 500)


def test_what_is_written_back_counts_by_its_original_value(both: Both) -> None:
    for value in (0, 3):
        both.call("write", 9, value)
        assert not both.call("back_and_forth", 9, 8).written


@pytest.mark.parametrize("function", ["refuse", "endless", "no_such_function"])
def test_a_transaction_that_fails_changes_nothing_but_the_nonce(function: str, both: Both) -> None:
    arguments = (1,) if function == "refuse" else (1, 2)
    outcome = both.call(function, *arguments, gas=300_000)
    assert outcome.reason is not None and not outcome.written and not outcome.entries
    if function == "refuse":
        assert outcome.reason == "refused"
    assert both.call("write", 1, 1).succeeded


def test_a_call_refused_within_leaves_no_trace(both: Both) -> None:
    outcome = both.call("try_refused", 4, 5)
    assert [entry.data[-1] for entry in outcome.entries] == [0]
    assert [*outcome.written.values()] == [5]


def test_a_contract_sees_the_same_surroundings(both: Both) -> None:
    for _ in range(2):
        both.begin()
        assert both.call("surroundings", 1, both.number).succeeded


def test_a_contract_made_by_a_contract_is_kept_and_counted(both: Both) -> None:
    made = [both.call("copy", slot, 5) for slot in range(2)]
    addresses = [max(one.written.values()) for one in made]
    assert len(set(addresses)) == 2
    for address in addresses:
        target = address.to_bytes(20, "big")
        assert both.evms[0].code(target) == both.evms[1].code(target) != b""
        assert both.call("write", 3, 3, to=target).succeeded


def test_code_that_is_too_long_or_wrong_is_deployed_by_neither(both: Both) -> None:
    for code in (bytes.fromhex("61600160006000f0"), b"\xfe", bytes.fromhex("60ef60005360016000f3")):
        outcome = both.send(code + bytes(10), b"")
        assert not outcome.written


def test_a_transfer_of_nothing_to_nobody(both: Both) -> None:
    assert both.send(b"", b"\x99" * 20).gas_used == 21_000
    assert both.send(bytes(4) + b"\x01" * 3, b"\x99" * 20).gas_used == 21_000 + 4 * 4 + 3 * 16


def test_listed_slots_are_warm(both: Both) -> None:
    plain = both.call("write", 1, 2)
    slot = next(iter(plain.written))[1]
    outcomes = []
    for listed in ([], [[PROBE, [slot]]]):
        both.call("write", 1, 2)
        raw = listed_transaction(both.nonce, words("write", 1, 3), listed)
        outcomes.append(both.take(raw))
        both.nonce += 1
    cold, warm = (outcome.gas_used for outcome in outcomes)
    # 2 400 for the address, which is warm anyway, and 1 900 for a slot that spares 2 100.
    assert warm - cold == 2_400 + 1_900 - COLD_SLOT


def listed_transaction(nonce: int, data: bytes, listed: Any, **fees: int) -> bytes:
    unsigned = LondonTransactionBuilder.new_unsigned_dynamic_fee_transaction(
        chain_id=CHAIN_ID,
        nonce=nonce,
        max_priority_fee_per_gas=fees.get("tip", 0),
        max_fee_per_gas=fees.get("most", 0),
        gas=500_000,
        to=PROBE,
        value=fees.get("value", 0),
        data=data,
        access_list=listed,
    )
    return unsigned.as_signed_transaction(KEY).encode()


def refused(nonce: int) -> Iterator[bytes]:
    data = words("write", 1, 2)
    yield signed(nonce + 1, data)
    yield signed(nonce - 1, data)
    yield signed(nonce, data, gas=21_000)
    yield listed_transaction(nonce, data, [], most=1)
    yield listed_transaction(nonce, data, [], value=1)
    yield listed_transaction(nonce, data, [], tip=1)
    yield signed(1 << 70, data)
    yield listed_transaction(nonce, data, [], value=(1 << 256) - 1)


@pytest.mark.parametrize("at", range(8))
def test_what_no_block_may_contain_is_executed_by_neither(at: int, both: Both) -> None:
    both.refuse([*refused(both.nonce)][at])
    assert both.call("write", 1, 1).succeeded


def test_a_read_leaves_no_trace(both: Both) -> None:
    before = both.call("write", 1, 2)
    for evm in both.evms:
        evm.read(PROBE, words("write", 1, 99))
        with pytest.raises(Reverted, match="refused"):
            evm.read(PROBE, words("refuse", 1))
        assert evm.read(b"\x98" * 20, b"") == b""
    again = both.call("write", 1, 3)
    assert before.gas_used - again.gas_used == 20_000 - 2_900


def test_accounts_of_others_count_by_themselves(both: Both) -> None:
    for nonce in range(2):
        outcome = both.take(sign(STRANGER, nonce, words("write", nonce, 1)))
        assert outcome.succeeded
    assert STRANGER.public_key.to_canonical_address() != SENDER


def sign(key: PrivateKey, nonce: int, data: bytes) -> bytes:
    from ledger.keys import sign_transaction

    return sign_transaction(key, chain_id=CHAIN_ID, nonce=nonce, to=PROBE, data=data, gas=200_000)


def test_a_random_crowd_of_calls_comes_to_the_same(both: Both) -> None:
    chance = Random(20251001)
    functions = ("write", "back_and_forth", "try_refused", "clear", "surroundings", "copy")
    for _ in range(150):
        if chance.random() < 0.2:
            both.begin()
        slot, value = chance.randrange(6), chance.choice((0, 0, 1, 7, (1 << 256) - 9))
        if (function := chance.choice(functions)) == "clear":
            value = chance.randrange(6)
        both.call(function, slot, value, gas=chance.choice((60_000, 500_000)))
