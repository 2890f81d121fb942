"""Which blocks are final: by the seals on chains that our own validators sealed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from ledger.chain.clique import sealer_of as clique_sealer_of
from ledger.chain.finality import Branches
from ledger.chain.local import LocalEngine
from ledger.chain.rpc_access import Access
from ledger.chain.rpc_blocks import block_of, clique_signers, sealer_of
from ledger.chain.rpc_node import NodeError
from ledger.chain.rpc_rules import Finality, read_rule
from ledger.errors import ChainUnusable

from .conftest import VALIDATORS, Yard, address_of, sealers, validator

FIVE = tuple(validator(seed) for seed in (1, 2, 3, 4, 5))


@dataclass
class Told:
    """What a node would answer of a chain in a folder."""

    engine: LocalEngine
    tells_signers: bool = True
    ours: dict[str, Any] | None = None
    head: int | None = None
    asked: list[tuple[str, Any]] = field(default_factory=list)
    changes: dict[int, dict[str, str]] = field(default_factory=dict)
    access: Access = field(default_factory=lambda: Access(url="http://node"))

    def batch(self, calls: list[Any]) -> list[Any]:
        return [self._answer(*call) for call in calls]

    def request(self, method: str, *params: Any) -> Any:
        return self._answer(method, params)

    read = request

    def unusable(self, found: str) -> ChainUnusable:
        return ChainUnusable("node", found=found)

    def _answer(self, method: str, params: Any) -> Any:
        self.asked.append((method, params[0]))
        head = self.engine.head().number if self.head is None else self.head
        if method == "clique_getSigners":
            if not self.tells_signers:
                return NodeError({"code": -32601, "message": "no such method"})
            return ["0x" + one.hex() for one in self.engine.snapshot().signers]
        number = head if params[0] == "latest" else int(params[0], 16)
        block = self.engine.block(number)
        return None if block is None else fields_of(block.header) | self.changes.get(number, {})


def fields_of(header: Any) -> dict[str, str]:
    def data(value: bytes) -> str:
        return "0x" + value.hex()

    return {
        "hash": data(header.hash),
        "parentHash": data(header.parent_hash),
        "sha3Uncles": data(header.uncles_hash),
        "miner": data(header.coinbase),
        "stateRoot": data(header.state_root),
        "transactionsRoot": data(header.transaction_root),
        "receiptsRoot": data(header.receipt_root),
        "logsBloom": data(header.bloom.to_bytes(256, "big")),
        "difficulty": hex(header.difficulty),
        "number": hex(header.block_number),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "timestamp": hex(header.timestamp),
        "extraData": data(header.extra_data),
        "mixHash": data(header.mix_hash),
        "nonce": data(header.nonce),
        "baseFeePerGas": hex(header.base_fee_per_gas),
    }


def numbers(node: Any, rule: Any = None) -> list[int]:
    return [block.number for block in Branches(node, rule).branch()]


def chain_of(yard: Yard, keys: Any, blocks: int) -> LocalEngine:
    yard.create(signers=tuple(map(address_of, keys)))
    engine = yard.reopen(yard.engines[0], signers=sealers(*keys))
    engine.seal_empty(blocks)
    return engine


@pytest.mark.parametrize(("validators", "on_top"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_more_than_half_of_the_validators_make_a_block_final(
    yard: Yard, validators: int, on_top: int
) -> None:
    engine = chain_of(yard, FIVE[:validators], 12)
    assert numbers(Told(engine)) == list(range(12 - on_top, 13))
    assert numbers(Told(engine, tells_signers=False)) == list(range(12 - on_top, 13))


def test_a_young_chain_is_final_up_to_block_0(yard: Yard) -> None:
    engine = chain_of(yard, FIVE, 2)
    assert numbers(Told(engine)) == [0, 1, 2]
    assert numbers(Told(engine, head=0)) == [0]


def test_sealers_are_those_that_the_validators_see(yard: Yard) -> None:
    engine = chain_of(yard, FIVE, 8)
    for number in range(1, 9):
        block = engine.block(number)
        assert block is not None
        assert sealer_of(block_of(fields_of(block.header))) == clique_sealer_of(block.header)


def test_who_was_voted_in_counts(yard: Yard) -> None:
    engine = chain_of(yard, VALIDATORS, 1)
    newcomer = validator(9)
    for key in VALIDATORS:
        engine.vote(signer=address_of(key), candidate=address_of(newcomer), add=True)
    engine.seal_empty(6)
    assert address_of(newcomer) in engine.snapshot().signers
    engine = yard.reopen(engine, signers=sealers(*VALIDATORS, newcomer))
    engine.seal_empty(6)
    head = engine.head().number
    assert numbers(Told(engine)) == [head - 2, head - 1, head]
    # Without being told who they are, those who sealed are known.
    assert len(numbers(Told(engine, tells_signers=False))) >= 3


def test_a_node_that_seals_alone_and_a_chain_of_no_clique_are_final_at_their_head(
    yard: Yard,
) -> None:
    engine = chain_of(yard, FIVE, 4)
    assert numbers(Told(engine, ours={"name": "delta"})) == [4]
    other = {0: {"extraData": "0x"}}
    assert numbers(Told(engine, changes=other)) == [4]
    with pytest.raises(ChainUnusable, match="no chain of Clique"):
        numbers(Told(engine, changes=other, tells_signers=False), Finality.CLIQUE)


def test_a_number_of_blocks_is_a_rule_too(yard: Yard) -> None:
    engine = chain_of(yard, FIVE, 4)
    assert numbers(Told(engine), 0) == [4]
    assert numbers(Told(engine), 3) == [1, 2, 3, 4]
    assert numbers(Told(engine), 30) == [0, 1, 2, 3, 4]


def test_a_header_that_is_not_that_of_its_hash_is_refused(yard: Yard) -> None:
    engine = chain_of(yard, FIVE, 4)
    with pytest.raises(ChainUnusable, match="4: hash of other fields"):
        numbers(Told(engine, changes={4: {"gasUsed": "0x1"}}))


def test_a_chain_that_changes_under_the_reader_is_read_again(yard: Yard) -> None:
    engine = chain_of(yard, FIVE, 8)

    class Moving(Told):
        def batch(self, calls: list[Any]) -> list[Any]:
            answers = super().batch(calls)
            if self.head == 7 and calls[0][1][0] != "latest":
                self.head = 8
                return [answer | {"hash": "0x" + "00" * 32} for answer in answers]
            return answers

    assert numbers(Moving(engine, head=7)) == [6, 7, 8]

    class Unsteady(Told):
        def batch(self, calls: list[Any]) -> list[Any]:
            answers = super().batch(calls)
            if calls[0][1][0] != "latest":
                return [answer | {"hash": "0x" + "00" * 32} for answer in answers]
            return answers

    with pytest.raises(ChainUnusable, match="changed 20 times"):
        numbers(Unsteady(engine))


def test_the_same_head_is_not_walked_down_again(yard: Yard) -> None:
    node = Told(chain_of(yard, FIVE, 8))
    branches: Any = Branches(node)  # type: ignore[arg-type]
    first = branches.branch()
    node.asked.clear()
    assert branches.branch() == first
    assert {what for _, what in node.asked} == {"latest"}


def test_signers_of_block_0_are_those_of_clique_alone(yard: Yard) -> None:
    engine = chain_of(yard, FIVE, 1)
    block = engine.block(0)
    assert block is not None
    fields = fields_of(block.header)
    assert clique_signers(fields) == set(map(address_of, FIVE))
    extra = fields["extraData"]
    for other in ("0x", extra[:-2], extra[:-2] + "01", "0x" + "00" * 97):
        assert clique_signers(fields | {"extraData": other}) == set()


@pytest.mark.parametrize(
    ("said", "rule"), [(None, None), ("head", Finality.HEAD), ("clique", "clique"), (4, 4)]
)
def test_rules_as_settings_say_them(said: object, rule: object) -> None:
    assert read_rule(said) == rule


@pytest.mark.parametrize("said", [-1, True, "soon", "4", []])
def test_what_is_no_rule_is_refused(said: object) -> None:
    with pytest.raises(ValueError):
        read_rule(said)


def test_one_head_is_the_whole_branch_of_a_folder(engine: LocalEngine) -> None:
    engine.seal_empty(3)
    assert engine.branch() == [engine.final_head()] == [engine.head()]
    head = engine.head()
    assert engine.logs_of(head.block_hash) == []
    assert engine.logs_of(replace(head, block_hash=bytes(32)).block_hash) is None
