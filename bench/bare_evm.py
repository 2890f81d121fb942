"""Bare EVM: what py-evm alone needs for the ledger's own signed transactions.

Stock `LondonVM` on an in-memory `AtomicDB`. Like the ledger it decodes each raw transaction,
recovers its sender, validates, executes and makes a receipt. It is spared what the ledger also
does: receipts and transactions are not hashed into roots, nothing is sealed, stored or folded, and
the state root is made once per block. It must come to the ledger's own state root.
"""

from __future__ import annotations

from typing import Any

import rlp
from eth.consensus.context import ConsensusContext
from eth.consensus.noproof import NoProofConsensus
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.db.chain import ChainDB
from eth.vm.chain_context import ChainContext
from eth.vm.forks.london import LondonVM
from eth.vm.forks.london.blocks import LondonBlockHeader

from ledger.chain.blocks import Block


class NoProofLondonVM(LondonVM):
    """Nobody seals."""

    consensus_class = NoProofConsensus


class BareEvm:
    """A state that executes blocks one after another."""

    def __init__(self, chain_id: int) -> None:
        self._database = AtomicDB()
        self._chain_context = ChainContext(chain_id)
        self._state_root = BLANK_ROOT_HASH

    def run(self, blocks: list[Block]) -> None:
        """Execute the transactions of blocks. Asserts that the state is the ledger's."""
        for block in blocks:
            header: Any = rlp.decode(block.header.encode(), LondonBlockHeader)
            header = header.copy(state_root=self._state_root, gas_used=0)
            machine = NoProofLondonVM(
                header,
                ChainDB(self._database),
                self._chain_context,
                ConsensusContext(self._database),
            )
            machine._state = NoProofLondonVM.build_state(
                self._database, header, self._chain_context
            )
            builder = NoProofLondonVM.get_transaction_builder()
            for raw in block.transactions:
                receipt, computation = machine.apply_transaction(header, builder.decode(raw))
                computation.raise_if_error()
                header = header.copy(gas_used=receipt.gas_used)
            machine.state.persist()
            self._state_root = machine.state.state_root
            assert self._state_root == block.header.state_root, block.header.block_number
