"""Stock tester: eth-tester as it comes, sent the ledger's own signed transactions.

London and a base fee of zero are set, since the transactions are made for that; all else is its
default, so it mines a block for each transaction.
"""

from __future__ import annotations

import warnings

from ledger.chain.blocks import Block

GAS_LIMIT = 200_000_000


class StockTester:
    """eth-tester on its py-evm backend."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from eth.vm.forks.london import LondonVM
            from eth_tester import EthereumTester, PyEVMBackend

        parameters = PyEVMBackend.generate_genesis_params(
            {"gas_limit": GAS_LIMIT, "difficulty": 1, "nonce": bytes(8)}
        )
        backend = PyEVMBackend(
            genesis_parameters={**parameters, "base_fee_per_gas": 0},
            vm_configuration=((0, LondonVM),),
        )
        self._tester = EthereumTester(backend)

    def run(self, blocks: list[Block]) -> None:
        """Send the transactions of blocks; each must succeed."""
        for block in blocks:
            for raw in block.transactions:
                sent = self._tester.send_raw_transaction("0x" + raw.hex())
                assert self._tester.get_transaction_receipt(sent)["status"] == 1
