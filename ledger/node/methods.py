"""Methods: what a node answers, by name. What is not here does not exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ledger.founding import Settings
from ledger.node import chain_methods as chain
from ledger.node import state_methods as state
from ledger.node.filters import Filters
from ledger.node.moment import Moment
from ledger.node.proving import proof
from ledger.node.seals import signers, snapshot
from ledger.node.values import Arguments, as_data

Function = Callable[[Moment, Arguments], Any]


class Method(NamedTuple):
    """One method, and how many parameters it takes."""

    function: Function
    required: int = 0
    most: int = 0


_CHAIN = {
    "web3_clientVersion": Method(chain.client_version),
    "web3_sha3": Method(chain.sha3, 1, 1),
    "net_version": Method(chain.network_version),
    "net_listening": Method(chain.yes),
    "net_peerCount": Method(chain.zero),
    "eth_chainId": Method(chain.chain_id),
    "eth_syncing": Method(chain.no),
    "eth_mining": Method(chain.no),
    "eth_hashrate": Method(chain.zero),
    "eth_accounts": Method(chain.nothing),
    "eth_gasPrice": Method(chain.zero),
    "eth_maxPriorityFeePerGas": Method(chain.zero),
    "eth_blobBaseFee": Method(chain.zero),
    "eth_blockNumber": Method(chain.block_number),
    "eth_getBlockByNumber": Method(chain.block_by_number, 2, 2),
    "eth_getBlockByHash": Method(chain.block_by_hash, 2, 2),
    "eth_getHeaderByNumber": Method(chain.header_by_number, 1, 1),
    "eth_getHeaderByHash": Method(chain.header_by_hash, 1, 1),
    "eth_getBlockTransactionCountByNumber": Method(chain.transaction_count_by_number, 1, 1),
    "eth_getBlockTransactionCountByHash": Method(chain.transaction_count_by_hash, 1, 1),
    "eth_getUncleCountByBlockNumber": Method(chain.uncle_count, 1, 1),
    "eth_getUncleCountByBlockHash": Method(chain.uncle_count, 1, 1),
    "eth_getUncleByBlockNumberAndIndex": Method(chain.null, 2, 2),
    "eth_getUncleByBlockHashAndIndex": Method(chain.null, 2, 2),
    "eth_getTransactionByHash": Method(chain.transaction_by_hash, 1, 1),
    "eth_getTransactionByBlockNumberAndIndex": Method(chain.transaction_by_number, 2, 2),
    "eth_getTransactionByBlockHashAndIndex": Method(chain.transaction_by_block_hash, 2, 2),
    "eth_getRawTransactionByHash": Method(chain.raw_transaction, 1, 1),
    "eth_getTransactionReceipt": Method(chain.receipt, 1, 1),
    "eth_getBlockReceipts": Method(chain.block_receipts, 1, 1),
    "eth_getLogs": Method(chain.logs, 1, 1),
    "debug_getRawHeader": Method(chain.raw_header, 1, 1),
    "debug_getRawBlock": Method(chain.raw_block, 1, 1),
    "debug_getRawReceipts": Method(chain.raw_receipts, 1, 1),
    "debug_getRawTransaction": Method(chain.raw_transaction, 1, 1),
    "clique_getSigners": Method(signers, 0, 1),
    "clique_getSnapshot": Method(snapshot, 0, 1),
}
_STATE = {
    "eth_getBalance": Method(state.balance, 1, 2),
    "eth_getCode": Method(state.code, 1, 2),
    "eth_getStorageAt": Method(state.storage, 2, 3),
    "eth_getProof": Method(proof, 2, 3),
    "eth_getTransactionCount": Method(state.transaction_count, 1, 2),
    "eth_call": Method(state.call, 1, 4),
    "eth_estimateGas": Method(state.estimate_gas, 1, 3),
    "eth_feeHistory": Method(state.fee_history, 2, 3),
    "eth_sendRawTransaction": Method(state.send_raw, 1, 1),
    "txpool_status": Method(state.pool_status),
    "txpool_content": Method(state.pool_content),
    "txpool_contentFrom": Method(state.pool_content_from, 1, 1),
}


def methods(settings: Settings, filters: Filters) -> Mapping[str, Method]:
    """All methods of a node on the ledger with these settings."""
    found = {
        **_CHAIN,
        **_STATE,
        "eth_newFilter": Method(filters.of_logs, 1, 1),
        "eth_newBlockFilter": Method(filters.of_blocks),
        "eth_newPendingTransactionFilter": Method(filters.of_waiting, 0, 1),
        "eth_getFilterChanges": Method(filters.changes, 1, 1),
        "eth_getFilterLogs": Method(filters.logs, 1, 1),
        "eth_uninstallFilter": Method(filters.remove, 1, 1),
        "pledger_ledger": Method(_about(settings)),
    }
    families = sorted({name.partition("_")[0] for name in [*found, "rpc_modules"]})
    found["rpc_modules"] = Method(lambda moment, arguments: dict.fromkeys(families, "1.0"))
    return found


def _about(settings: Settings) -> Function:
    def about(moment: Moment, arguments: Arguments) -> dict[str, Any]:
        """What a member's folder needs to know of the ledger to use this node."""
        return {
            "name": settings.name,
            "chain_id": settings.chain_id,
            "genesis_hash": as_data(moment.header(0).hash),
            "clock": settings.clock.value,
            "dev": False,
            "operator": as_data(settings.operator),
            "contracts": {name: as_data(at) for name, at in settings.contracts.items()},
            "validators": {name: as_data(at) for name, at in settings.validators.items()},
        }

    return about
