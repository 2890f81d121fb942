"""Chain: a throw-away London EVM for the tests of the contracts.

Transactions are signed and execute one after another; there are no blocks. `snapshot` and `revert`
are cheap enough to stand around every test and every example.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from eth.abc import ComputationAPI
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.exceptions import Revert
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.london import LondonVM
from eth.vm.forks.london.state import LondonState
from eth.vm.message import Message
from eth_abi import decode
from eth_hash.auto import keccak
from eth_keys import keys
from eth_utils.address import to_canonical_address
from rlp import encode as rlp_encode

import ledger.chain  # noqa: F401  chooses the hash backend
from ledger.chain.compiled import CompiledComputation


class CompiledState(LondonState):
    """py-evm's state under the ledger's own EVM."""

    computation_class = CompiledComputation


GAS_LIMIT = 100_000_000
_STATE = LondonState if os.environ.get("TEST_EVM") == "plain" else CompiledState
"""`TEST_EVM=plain` puts the contracts on py-evm's own interpreter."""
_ERROR = bytes.fromhex("08c379a0")


class Refused(Exception):
    """A contract refused; `reason` is its text, or what the EVM says when there is none."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Log:
    """One event as the EVM recorded it."""

    address: bytes
    topics: tuple[int, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """What one call of a contract's function did itself, without the calls that it made."""

    address: bytes
    selector: bytes
    gas: int
    opcodes: int
    """0 where they are not counted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an accepted transaction did."""

    output: bytes
    logs: tuple[Log, ...]
    gas_used: int
    frames: tuple[Frame, ...]


class Key:
    """A key pair made from a name: the same in every run."""

    def __init__(self, name: str) -> None:
        self._private = keys.PrivateKey(keccak(name.encode()))
        self.name = name
        self.address = self._private.public_key.to_canonical_address()

    @property
    def private(self) -> keys.PrivateKey:
        """The private half."""
        return self._private

    def __repr__(self) -> str:
        return f"Key({self.name})"


class Chain:
    """One EVM state and the transactions that change it."""

    def __init__(self) -> None:
        self._database = AtomicDB()
        self._state = self._state_at(BLANK_ROOT_HASH)

    def deploy(self, key: Key, code: bytes) -> bytes:
        """Create a contract; its address."""
        address = created_by(key.address, self._state.get_nonce(key.address))
        self._apply(key, b"", code)
        assert self._state.get_code(address), "nothing was deployed"
        return address

    def send(self, key: Key, to: bytes, data: bytes) -> Outcome:
        """Execute a transaction. Raises `Refused`; the state is then as it was."""
        return self._apply(key, to, data)

    def call(self, to: bytes, data: bytes) -> bytes:
        """Read. Raises `Refused`."""
        before = self._state.snapshot()
        message = Message(
            gas=GAS_LIMIT,
            to=to,
            sender=bytes(20),
            value=0,
            data=data,
            code=self._state.get_code(to),
            is_static=True,
        )
        context = self._state.get_transaction_context_class()(gas_price=0, origin=bytes(20))
        computation = self._state.computation_class.apply_message(self._state, message, context)
        self._state.revert(before)
        if computation.is_error:
            raise Refused(_reason(computation))
        return computation.output

    def code_size(self, address: bytes) -> int:
        """Bytes of the contract's code."""
        return len(self._state.get_code(address))

    def set_storage(self, address: bytes, slot: int, value: int) -> None:
        """Arrange a state that would take too many transactions to reach."""
        self._state.set_storage(address, slot, value)

    def get_storage(self, address: bytes, slot: int) -> int:
        """One word of a contract's storage."""
        return self._state.get_storage(address, slot)

    def snapshot(self) -> bytes:
        """The present state, to `revert` to any number of times."""
        root = self._state.make_state_root()
        self._state.persist()
        return root

    def revert(self, snapshot: bytes) -> None:
        """Go back to a snapshot."""
        self._state = self._state_at(snapshot)

    def _apply(self, key: Key, to: bytes, data: bytes) -> Outcome:
        self._state.lock_changes()  # gas of storage depends on the value before the transaction
        builder = LondonVM.get_transaction_builder()
        transaction = builder.create_unsigned_transaction(
            nonce=self._state.get_nonce(key.address),
            gas_price=0,
            gas=GAS_LIMIT,
            to=to,
            value=0,
            data=data,
        ).as_signed_transaction(key.private)
        computation = self._state.apply_transaction(transaction)
        if computation.is_error:
            raise Refused(_reason(computation))
        logs = tuple(Log(*entry) for entry in computation.get_log_entries())
        used = GAS_LIMIT - computation.get_gas_remaining()
        refund = min(computation.get_gas_refund(), used // 5)
        return Outcome(computation.output, logs, used - refund, tuple(_frames(computation)))

    def _state_at(self, root: bytes) -> LondonState:
        context = ExecutionContext(
            coinbase=b"\x01" * 20,
            timestamp=1_759_276_800,
            block_number=1,
            difficulty=2,
            mix_hash=bytes(32),
            gas_limit=GAS_LIMIT,
            prev_hashes=(),
            chain_id=1,
            base_fee_per_gas=0,
        )
        return _STATE(self._database, context, root)


def created_by(sender: bytes, nonce: int) -> bytes:
    """Address of the contract that a transaction of `sender` with `nonce` creates."""
    return keccak(rlp_encode([to_canonical_address(sender), nonce]))[12:]


def _frames(computation: ComputationAPI) -> Iterator[Frame]:
    children = [child for child in computation.children if child.msg.code]
    spent = [one.msg.gas - one.get_gas_remaining() for one in (computation, *children)]
    yield Frame(
        computation.msg.code_address,
        computation.msg.data_as_bytes[:4],
        spent[0] - sum(spent[1:]),
        getattr(computation, "opcodes_executed", 0),
    )
    for child in children:
        yield from _frames(child)


def _reason(computation: object) -> str:
    error, output = computation.error, computation.output  # type: ignore[attr-defined]
    if not isinstance(error, Revert):
        return f"EVM_{type(error).__name__}"
    if output[:4] == _ERROR:
        (text,) = decode(["string"], output[4:])
        return str(text)
    return f"0x{output.hex()}"
