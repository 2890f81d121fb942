"""Gas that transactions on a network ask for and never use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.chain.genesis import GAS_LIMIT
from ledger.chain.local import LocalEngine
from ledger.chain.reserve import may_use, reserve_of
from ledger.chain.rpc import RpcEngine
from tests.anvil import Anvil
from tests.cli.office import LOANS, found_office, sign_deal


@pytest.mark.parametrize(
    ("block", "reserve"),
    [
        ({"gasLimit": hex(GAS_LIMIT), "baseFeePerGas": "0x0"}, 100_000_000),
        ({"gasLimit": "0x7", "baseFeePerGas": "0x0"}, 3),
        ({"gasLimit": hex(GAS_LIMIT), "baseFeePerGas": None}, 0),
        ({"gasLimit": hex(GAS_LIMIT)}, 0),
    ],
)
def test_half_a_block_where_there_is_a_base_fee(block: dict[str, str], reserve: int) -> None:
    assert reserve_of(block) == reserve


def test_what_is_executed_beforehand_is_without_the_reserve() -> None:
    assert may_use(134_000_000, 100_000_000) == 34_000_000
    # Signed before there was one.
    assert may_use(34_000_000, 100_000_000) == 34_000_000


def test_what_is_sent_to_a_node_asks_for_it_and_uses_none_of_it(
    start_anvil: Callable[[int], Anvil], tmp_path: Path
) -> None:
    url = start_anvil(20251001).url
    office = found_office(tmp_path / "office", "--dev", "--rpc", url)
    sign_deal(office)
    office.posted("loan", LOANS)
    engine = RpcEngine(url)
    assert engine.gas_reserve == GAS_LIMIT // 2
    for number in range(1, engine.head().number + 1):
        block = engine.request("eth_getBlockByNumber", hex(number), True)
        assert int(block["gasUsed"], 16) <= GAS_LIMIT // 2
        for sent in block["transactions"]:
            assert int(sent["gas"], 16) > engine.gas_reserve
    engine.close()


def test_the_embedded_engine_needs_none(engine: LocalEngine) -> None:
    assert engine.gas_reserve == 0
