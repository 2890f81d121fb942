"""Published state tests of Ethereum: a state, a transaction, and the root and logs after it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rlp
from eth.abc import SignedTransactionAPI
from eth.db.atomic import AtomicDB
from eth.exceptions import UnrecognizedTransactionType
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.london.state import LondonState, LondonTransactionExecutor
from eth.vm.forks.london.transactions import LondonTransactionBuilder
from eth_hash.auto import keccak
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException

from ledger.chain.accounts import LedgerAccounts
from ledger.chain.compiled import CompiledComputation
from ledger.chain.trie import EMPTY_ROOT
from ledger.replay.pyevm import AuditComputation, MemoryStore

FIXTURES_VARIABLE = "PLEDGER_STATE_TESTS"
FORK = "London"
TWIN_FORK = "Paris"
# The public network has neither: of these the tests look at what is left of the transaction.
_REFUSED = (ValidationError, UnrecognizedTransactionType, RLPException, ValueError)


class PublicExecutor(LondonTransactionExecutor):
    """As py-evm has it, with the checks that it leaves to the block or does not know."""

    def validate_transaction(self, transaction: SignedTransactionAPI) -> None:
        transaction.validate()
        if transaction.gas < transaction.intrinsic_gas:
            raise ValidationError("intrinsic gas")
        if transaction.gas > self.vm_state.gas_limit:
            raise ValidationError("more gas than a block has")
        if self.vm_state.get_code(transaction.sender):
            raise ValidationError("sender with code (EIP-3607)")
        # What the fees may come to, not what they come to (EIP-1559).
        most, tip = transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas
        held = self.vm_state.get_balance(transaction.sender)
        if tip > most or transaction.gas * most + transaction.value > held:
            raise ValidationError("fees")
        super().validate_transaction(transaction)


class OnPyEvm(LondonState):
    """py-evm, whole but for one precompile: what the others are held against."""

    computation_class = AuditComputation
    transaction_executor_class = PublicExecutor


class Compiled(OnPyEvm):
    """Our loop and compiled code on py-evm's state."""

    computation_class = CompiledComputation


class OnOurState(Compiled):
    """Our accounts and tries as well."""

    account_db_class = LedgerAccounts


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTest:
    """One transaction of a fixture."""

    name: str
    env: dict[str, str]
    pre: dict[str, Any]
    transaction: bytes
    """As it is sent."""
    state_root: bytes
    logs_hash: bytes

    @property
    def has_empty_account(self) -> bool:
        """Whether there is an account before it that EIP-161 lets no chain of ours have."""
        return any(
            not int(one["nonce"], 16) and not int(one["balance"], 16) and one["code"] == "0x"
            for one in self.pre.values()
        )

    @property
    def has_lone_storage(self) -> bool:
        """Whether an account before it has storage alone, as no chain has since EIP-158.

        Such an account is refused a contract on the public network (EIP-7610); py-evm puts one there.
        """
        return any(
            one["storage"] and not int(one["nonce"], 16) and one["code"] == "0x"
            for one in self.pre.values()
        )


def folder() -> Path | None:
    """The folder `GeneralStateTests` of a checkout, as the environment names it."""
    named = os.environ.get(FIXTURES_VARIABLE)
    return Path(named) if named else None


def cases_of(path: Path) -> Iterator[StateTest]:
    """The tests of a fixture's file for our fork.

    Some fixtures with empty accounts were made again without them, for forks from Paris on alone.
    Nothing in these asks for what Paris changed.
    """
    for name, fixture in json.loads(path.read_text("utf-8")).items():
        posts = fixture["post"]
        for post in posts.get(FORK) or (
            posts.get(TWIN_FORK, ()) if name.endswith(TWIN_FORK) else ()
        ):
            indexes = "-".join(str(post["indexes"][one]) for one in ("data", "gas", "value"))
            yield StateTest(
                name=f"{name}-{indexes}",
                env=fixture["env"],
                pre=fixture["pre"],
                transaction=bytes.fromhex(post["txbytes"][2:]),
                state_root=bytes.fromhex(post["hash"][2:]),
                logs_hash=bytes.fromhex(post["logs"][2:]),
            )


def run(test: StateTest, state_class: type[LondonState]) -> tuple[bytes, bytes]:
    """The state root and the hash of the logs after the transaction."""
    state = _before(test, state_class)
    logs: Any = []
    try:
        logs = state.apply_transaction(_decoded(test.transaction)).get_log_entries()
    except _REFUSED:
        pass
    # A block touches who made it, even with a reward of nothing.
    if state.account_is_empty(state.coinbase):
        state.delete_account(state.coinbase)
    state.persist()
    entries = [[at, [one.to_bytes(32, "big") for one in topics], data] for at, topics, data in logs]
    return bytes(state.state_root), keccak(rlp.encode(entries))


def _before(test: StateTest, state_class: type[LondonState]) -> Any:
    env = {name: value for name, value in test.env.items()}
    number = int(env["currentNumber"], 16)
    # What BLOCKHASH gives in these tests: the hash of a block's number as text.
    hashes = [keccak(str(at).encode()) for at in range(number - 1, max(number - 257, -1), -1)]
    context = ExecutionContext(
        coinbase=bytes.fromhex(env["currentCoinbase"][2:]),  # type: ignore[arg-type]
        timestamp=int(env["currentTimestamp"], 16),
        block_number=number,  # type: ignore[arg-type]
        difficulty=int(env["currentDifficulty"], 16),
        mix_hash=bytes(32),  # type: ignore[arg-type]
        gas_limit=int(env["currentGasLimit"], 16),
        prev_hashes=hashes,  # type: ignore[arg-type]
        chain_id=1,
        base_fee_per_gas=int(env.get("currentBaseFee", "0x0a"), 16),
    )
    own = issubclass(state_class, OnOurState)
    database: Any = MemoryStore() if own else AtomicDB()
    state: Any = state_class(database, context, EMPTY_ROOT)  # type: ignore[arg-type]
    for address, one in test.pre.items():
        at = bytes.fromhex(address[2:])
        state.set_nonce(at, int(one["nonce"], 16))
        state.set_code(at, bytes.fromhex(one["code"][2:]))
        state.set_balance(at, int(one["balance"], 16))
        for slot, value in one["storage"].items():
            state.set_storage(at, int(slot, 16), int(value, 16))
    state.persist()
    state.lock_changes()
    return state


def _decoded(raw: bytes) -> SignedTransactionAPI:
    transaction = LondonTransactionBuilder.decode(raw)
    transaction.check_signature_validity()
    return transaction
