"""Execution: the EVM (London, by py-evm) on the store's state.

What py-evm would do more than once or would do for a public network is left out: fees have no
receiver, blocks no reward, and a transaction is validated once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from eth.abc import ComputationAPI, SignedTransactionAPI
from eth.exceptions import OutOfGas, Revert, VMError
from eth.vm.execution_context import ExecutionContext
from eth.vm.forks.london.computation import LondonComputation
from eth.vm.forks.london.state import LondonState, LondonTransactionExecutor
from eth.vm.message import Message
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.exceptions import ValidationError

from ledger.chain.accounts import LedgerAccounts
from ledger.chain.blocks import HeadState, previous_hashes
from ledger.chain.compiled import CompiledComputation
from ledger.chain.engine import ZERO_ADDRESS
from ledger.chain.interpreter import LedgerComputation
from ledger.chain.store import View
from ledger.errors import Reverted, TransactionInvalid

EVM_VARIABLE, INTERPRETED = "PLEDGER_EVM", "interpreted"
"""Set so, the local engine compiles nothing; results are the same."""
CALL_GAS = 10**12
"""Gas of a read or a probe: more than any needs, since nobody pays for it."""
_ERROR_SELECTOR = bytes.fromhex("08c379a0")
_PANIC_SELECTOR = bytes.fromhex("4e487b71")


class TransactionExecutor(LondonTransactionExecutor):
    """Validates a transaction against the state only: its signature was checked by recovery."""

    def validate_transaction(self, transaction: SignedTransactionAPI) -> None:
        """Raise `ValidationError` for a wrong nonce, a fee nobody can pay, or too little gas."""
        if transaction.gas < transaction.intrinsic_gas:
            raise ValidationError(f"gas {transaction.gas} < {transaction.intrinsic_gas}")
        # py-evm asks for what the fees come to; other clients for the most they may (EIP-1559).
        most, tip = transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas
        if tip > most:
            raise ValidationError(f"max priority fee {tip} > max fee {most}")
        cost = transaction.gas * most + transaction.value
        if cost > (held := self.vm_state.get_balance(transaction.sender)):
            raise ValidationError(f"balance {held} < {cost}")
        self.vm_state.validate_transaction(transaction)


class LedgerState(LondonState):
    """London state on our accounts, with the executor above and our interpreter."""

    # Every method of py-evm's accounts, but not a subclass; see `ledger.chain.accounts`.
    account_db_class = cast(Any, LedgerAccounts)
    computation_class: type[LondonComputation] = CompiledComputation
    transaction_executor_class = TransactionExecutor

    @property
    def accounts(self) -> LedgerAccounts:
        """The accounts themselves."""
        return cast(LedgerAccounts, cast(Any, self._account_db))


def open_state(
    view: View,
    *,
    state_root: bytes,
    chain_id: int,
    number: int,
    timestamp: int,
    signer: bytes,
    difficulty: int,
    gas_limit: int,
    previous_hashes: Iterable[bytes],
    state_class: type[LedgerState] = LedgerState,
    accounts: LedgerAccounts | None = None,
) -> LedgerState:
    """The state with `state_root`, as a block with these fields sees it.

    `accounts`: those of another state, which ends with it; worth it where they have this root.
    """
    context = ExecutionContext(
        coinbase=Address(signer),
        timestamp=timestamp,
        block_number=BlockNumber(number),
        difficulty=difficulty,
        mix_hash=Hash32(bytes(32)),
        gas_limit=gas_limit,
        prev_hashes=map(Hash32, previous_hashes),
        chain_id=chain_id,
        base_fee_per_gas=0,
    )
    # py-evm hands the first argument on to `LedgerAccounts` untouched.
    state = state_class(cast(Any, view), context, Hash32(state_root))
    if accounts is not None and accounts.state_root == state_root:
        accounts.move(view)
        state._account_db = cast(Any, accounts)
    if os.environ.get(EVM_VARIABLE) == INTERPRETED and state_class is LedgerState:
        state.computation_class = LedgerComputation
    return state


def state_at(view: View, head: HeadState, chain_id: int) -> LedgerState:
    """The state after a block, to read."""
    header = head.header
    return open_state(
        view,
        state_root=header.state_root,
        chain_id=chain_id,
        number=header.block_number,
        timestamp=header.timestamp,
        signer=ZERO_ADDRESS,
        difficulty=header.difficulty,
        gas_limit=header.gas_limit,
        previous_hashes=previous_hashes(view, header.block_number),
    )


def execute(state: LedgerState, transaction: SignedTransactionAPI) -> ComputationAPI:
    """Execute a transaction; when it is refused the state is as it was before.

    Raises `Reverted`, `TransactionInvalid` or `ChainCorrupt`.
    """
    state.lock_changes()
    before = state.snapshot()
    try:
        with _explained():
            computation = state.apply_transaction(transaction)
        if computation.is_error:
            raise refusal_of(computation)
    except BaseException:
        state.revert(before)
        raise
    state.commit(before)
    return computation


def call(state: LedgerState, *, sender: bytes, to: bytes, data: bytes) -> ComputationAPI:
    """Execute an unsigned call on top of the state; a refused one leaves no trace.

    Raises `Reverted` or `ChainCorrupt`.
    """
    with _explained():
        target, caller = Address(to), Address(sender)
        code = state.get_code(target)
        message = Message(gas=CALL_GAS, to=target, sender=caller, value=0, data=data, code=code)
        context = state.get_transaction_context_class()(gas_price=0, origin=caller)
        computation = state.computation_class.apply_message(state, message, context)
    if computation.is_error:
        raise refusal_of(computation)
    return computation


def written_contracts(computation: ComputationAPI) -> Iterator[bytes]:
    """Addresses whose storage the computation may have changed."""
    if not computation.msg.is_static:
        yield computation.msg.storage_address
    for child in computation.children:
        yield from written_contracts(child)


def reached_contracts(computation: ComputationAPI) -> Iterator[bytes]:
    """Addresses whose code or storage the computation may have read."""
    yield computation.msg.storage_address
    yield computation.msg.code_address
    for child in computation.children:
        yield from reached_contracts(child)


def refusal_of(computation: ComputationAPI) -> Reverted:
    """The error for a computation that failed."""
    reverted = isinstance(computation.error, Revert)
    return Reverted(reason_of(computation), bytes(computation.output) if reverted else None)


def reason_of(computation: ComputationAPI) -> str:
    """Why a computation failed: the contract's text, `PANIC_0x11`, `OUT_OF_GAS`, or nothing."""
    error = computation.error
    if isinstance(error, Revert):
        return decode_reason(computation.output)
    if isinstance(error, OutOfGas):
        return "OUT_OF_GAS"
    return f"EVM_{type(error).__name__}"


def decode_reason(output: bytes) -> str:
    """The text of a revert's output; Vyper and Solidity encode it as `Error(string)`."""
    selector, body = output[:4], output[4:]
    if selector == _ERROR_SELECTOR and len(body) >= 64:
        length = int.from_bytes(body[32:64], "big")
        return body[64 : 64 + length].decode(errors="replace")
    if selector == _PANIC_SELECTOR and len(body) == 32:
        return f"PANIC_0x{int.from_bytes(body, 'big'):02x}"
    return f"0x{output.hex()}" if output else ""


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (ValidationError, VMError) as error:
        raise TransactionInvalid(str(error)) from error
