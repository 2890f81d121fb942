"""Stock tester: eth-tester as it comes, sent the ledger's own signed transactions.

London and a base fee of zero are set, since the transactions are made for that; all else is its
default, so it mines a block for each transaction.
"""

from __future__ import annotations

import warnings

from eth_hash.auto import keccak
from hexbytes import HexBytes

from ledger.chain.blocks import Block

GAS_LIMIT = 200_000_000


class StockTester:
    """eth-tester on its py-evm backend."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from eth.vm.forks.london import LondonVM
            from eth_tester import EthereumTester, PyEVMBackend
            from web3 import EthereumTesterProvider, Web3

        parameters = PyEVMBackend.generate_genesis_params(
            {"gas_limit": GAS_LIMIT, "difficulty": 1, "nonce": bytes(8)}
        )
        backend = PyEVMBackend(
            genesis_parameters={**parameters, "base_fee_per_gas": 0},
            vm_configuration=((0, LondonVM),),
        )
        self._tester = EthereumTester(backend)
        self._web3 = Web3(EthereumTesterProvider(self._tester))

    def run(self, blocks: list[Block]) -> None:
        """Send the transactions of blocks; each must succeed."""
        for block in blocks:
            for raw in block.transactions:
                sent = self._tester.send_raw_transaction("0x" + raw.hex())
                assert self._tester.get_transaction_receipt(sent)["status"] == 1

    def run_through_web3(self, block: Block) -> None:
        """The same as a client of web3 does it that never looks back."""
        for raw in block.transactions:
            sent = self._web3.eth.send_raw_transaction(raw)
            assert self._web3.eth.wait_for_transaction_receipt(sent)["status"] == 1

    def run_once(self, block: Block) -> None:
        """The same as a client does it that may not post twice: it asks before it sends."""
        from web3.exceptions import TransactionNotFound

        for raw, transaction_hash in ((one, keccak(one)) for one in block.transactions):
            try:
                self._web3.eth.get_transaction_receipt(HexBytes(transaction_hash))
                raise AssertionError("it is there already")
            except TransactionNotFound:
                pass
            sent = self._web3.eth.send_raw_transaction(raw)
            assert self._web3.eth.wait_for_transaction_receipt(sent)["status"] == 1

    def mine_to(self, height: int) -> None:
        """Mine empty blocks up to a height."""
        missing = height - self._tester.get_block_by_number("latest")["number"]
        if missing > 0:
            self._tester.mine_blocks(missing)
