"""Drafting: a block executed on what is committed, before a submission seals it.

A draft holds no lock and writes nothing. It is worth something as long as its parent is the head.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from eth.abc import SignedTransactionAPI
from eth_typing import Address

from ledger.chain.blocks import HeadState, read_head
from ledger.chain.clock import Clock
from ledger.chain.compiled import CompiledComputation
from ledger.chain.engine import Receipt
from ledger.chain.genesis import Genesis
from ledger.chain.pending import Call
from ledger.chain.precompiles import QUICK_PRECOMPILES
from ledger.chain.sealing import Admission, begin_block
from ledger.chain.store import View


class QuickComputation(CompiledComputation):
    """Executes what others ask for: nothing of which a little gas takes long."""

    _precompiles = QUICK_PRECOMPILES


class Draft:
    """The block after the head of a view. One thread at a time uses it."""

    def __init__(
        self,
        view: View,
        *,
        genesis: Genesis,
        signers: Collection[bytes],
        clock: Clock,
        admit: Callable[[bytes, Call], bool],
    ) -> None:
        """Raises `ChainUnusable` when none of `signers` may seal the next block."""
        self.parent: HeadState = read_head(view)
        self.block = begin_block(view, self.parent, genesis=genesis, signers=signers, clock=clock)
        self.block.state.computation_class = QuickComputation
        # Half the limit keeps the base fee at 0 whatever the transactions turn out to use.
        self.room_gas = genesis.gas_limit // 2
        """The most a transaction may ask for, and a block may use."""
        self._admission = Admission(admit)

    def nonce(self, address: bytes) -> int:
        """Transactions sent by `address`, those of the draft included."""
        return self.block.state.get_nonce(Address(address))

    def has_room(self, gas: int) -> bool:
        """Whether a transaction that asks for `gas` goes into this block."""
        return self.block.gas_used + gas <= self.room_gas

    def expect_admitted(self, sender: bytes) -> None:
        """Raise `SenderRefused` unless `sender` may send."""
        self._admission.check(sender, self.block)

    def send(self, raw: bytes, transaction: SignedTransactionAPI) -> Receipt:
        """Execute a transaction after those before it.

        Raises `Reverted`, `SenderRefused` or `TransactionInvalid`; then nothing of it remains.
        """
        self.expect_admitted(transaction.sender)
        receipt, computation = self.block.add(raw, transaction)
        self._admission.note(computation)
        return receipt
