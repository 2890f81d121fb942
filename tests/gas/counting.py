"""Counting: gas and opcodes of a transaction, and of each contract's function within it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import pytest
from eth.exceptions import Halt
from eth.vm.forks.london.state import LondonState

from ledger.chain.interpreter import TABLE, LedgerComputation
from tests.contracts.sandbox import chain
from tests.contracts.sandbox.contract import NAMES, Receipt, selectors

OPERATOR = chain.Key("operator")


class CountedComputation(LedgerComputation):
    """The ledger's interpreter, opcode by opcode, with a count."""

    opcodes_executed = 0

    def _run(self) -> None:
        code, meter, raw = self.code, self._gas_meter, bytes(self.msg.code)
        length = len(raw)
        count = 0
        try:
            while True:
                at = code.program_counter
                opcode = raw[at] if at < length else 0
                code.program_counter = at + 1
                count += 1
                gas_cost, logic = TABLE[opcode]
                meter.consume_gas(gas_cost, "")
                logic(self)
        except Halt:
            pass
        finally:
            self.opcodes_executed = count


class CountedState(LondonState):
    """py-evm's state under the interpreter that counts."""

    computation_class = CountedComputation


@dataclass(frozen=True, slots=True)
class Cost:
    """What a row costs; or a transaction, where it is only one."""

    gas: int
    """With its share of the transaction's fixed costs."""
    opcodes: int
    functions: dict[str, list[int]]
    """`Contract.function` to its own gas and opcodes, without those of the calls it makes."""


@contextmanager
def counted() -> Iterator[None]:
    """Chains made here count opcodes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain, "_STATE", CountedState)
        yield


def cost(receipt: Receipt, rows: int = 1) -> Cost:
    """The cost for each of the rows of a transaction, rounded up."""
    functions: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for frame in receipt.frames:
        own = functions[_named(frame.address, frame.selector)]
        own[0] += frame.gas
        own[1] += frame.opcodes
    by_gas = sorted(functions.items(), key=lambda named: (-named[1][0], named[0]))
    return Cost(
        -(-receipt.gas_used // rows),
        -(-sum(opcodes for _, opcodes in functions.values()) // rows),
        {name: [-(-one // rows) for one in both] for name, both in by_gas},
    )


@cache
def _named(address: bytes, selector: bytes) -> str:
    names = {chain.created_by(OPERATOR.address, nonce): name for nonce, name in enumerate(NAMES)}
    return f"{names[address]}.{selectors(names[address])[selector]}"
